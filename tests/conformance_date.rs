//! Dates beside Debian's fail2ban: the same lines to both, the same dates from both.
//!
//! Fails if fail2ban is missing; `make packages` installs it. Whole sequences go through one
//! detector, since what is found depends on what was found before. Left out are the lines on which
//! f2b differs on purpose: unknown zone words, years beyond the window, leap seconds, 29 February.

#![expect(clippy::unwrap_used, reason = "a test ends where its helper fails")]

use std::fmt::Write as _;
use std::io::Write as _;
use std::process::{Command, Stdio};

use f2b::date::{Resolver, Templates, YearWindow};
use f2b::model::{Clock as _, SystemClock, Time, Zone};

/// 2026-08-14 10:00 UTC.
const NOW: i64 = 1_786_701_600;
const ZONE: &str = "CET-01CEST-02,M3.5.0,M10.5.0";

/// What the name of a form has in fail2ban 1.1 in place of what it has in 1.0.
const NEWER: &str = "(?:-|T|  ?)Ex24hour:?ExMinute:?ExSecond";

/// A small generator of numbers (splitmix64).
struct Random(u64);

impl Random {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % limit
    }

    fn one_of<'a>(&mut self, of: &[&'a str]) -> &'a str {
        of[usize::try_from(self.below(of.len() as u64)).unwrap()]
    }

    /// A date in one of the built-in forms.
    fn date(&mut self, form: u64) -> String {
        let (year, month, day) = (2004 + self.below(22), 1 + self.below(12), 1 + self.below(28));
        // The hours that occur twice or never are f2b's own.
        // Nor may an offset carry a date without a year to another day: fail2ban forgets the day.
        let (hour, minute, second) = match form {
            14 | 15 => (5 + self.below(10), self.below(60), self.below(60)),
            _ => (4 + self.below(20), self.below(60), self.below(60)),
        };
        let month_name = self.one_of(&[
            "Jan", "feb", "Mar", "Apr", "May", "JUN", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
        ]);
        let weekday = self.one_of(&["", "", "Mon ", "Sun ", "tue "]);
        let fraction = self.one_of(&["", "", ".123", ".123456", ",5"]);
        let points = self.one_of(&["", "", ".123", ".5"]);
        let zone = self.one_of(&["", "", "Z", " +0200", "-03:30", " UTC", " +05", "+01:0"]);
        let gap = self.one_of(&[" ", " ", "  ", "T"]);
        let time = format!("{hour:02}:{minute:02}:{second:02}");
        let short = year % 100;
        let year_too = if self.below(4) == 0 { format!(" {year}") } else { String::new() };
        let syslog = format!("{weekday}{month_name} {day:2} {time}{points}{year_too}");
        let separator = self.one_of(&["-", "/", "."]);
        let bar = self.one_of(&["-", "/"]);
        let seconds = 1_000_000_000 + self.below(800_000_000);
        match form {
            0 => {
                format!("{year}{separator}{month:02}{separator}{day:02}{gap}{time}{fraction}{zone}")
            }
            1 => syslog,
            2 => format!("{weekday}{month_name} {day} {year} {time}{points}"),
            3 if self.below(2) == 0 => format!("{day:02}{bar}{month:02}{bar}{year} {time}"),
            3 => format!("{day}{bar}{month}{bar}{short:02} {time}"),
            4 => {
                let zone = self.one_of(&["", " +0200", " -0000", " Z", "+0100"]);
                let colon = self.one_of(&[":", " ", ""]);
                format!("{day:02}{bar}{month_name}{bar}{year}{colon}{time}{points}{zone}")
            }
            5 => format!("{month:02}/{day:02}/{year}:{time}"),
            6 => format!("{month:02}-{day:02}-{year} {time}{points}"),
            7 => {
                let fraction = self.one_of(&["", ".123", ".123456", ".12", ".1234567"]);
                format!("{seconds}{fraction}")
            }
            8 => time,
            9 => format!("<{month:02}/{day:02}/{short:02}@{time}>"),
            10 => format!("{short:02}{month:02}{day:02} {time}"),
            11 => {
                let half = self.one_of(&["AM", "pm", "PM"]);
                format!(
                    "{month_name} {day}, {year} {}:{minute:02}:{second:02} {half}",
                    4 + hour % 9
                )
            }
            12 => format!("{month_name}-{day:02}-{short:02} {time}"),
            13 => {
                let gap = self.one_of(&["T", " ", "  "]);
                format!(
                    "{year}{month:02}{day:02}{gap}{hour:02}{minute:02}{second:02}{fraction}{zone}"
                )
            }
            14 => format!(
                "{} {syslog}",
                self.one_of(&["CET", "PDT", "EDT", "MSK", "AKDT", "PKT", "IRST", "EASST"])
            ),
            15 => format!("{} {syslog}", self.one_of(&["+00:00", "-0330", "+05", "UTC", "Z"])),
            _ => format!("@40000000{seconds:08x}2dbdf024"),
        }
    }

    /// A line with a date, or with what is nearly one.
    fn line(&mut self, form: u64) -> String {
        let mut date = self.date(form);
        if self.below(8) == 0 && date.is_ascii() {
            // One character else, one more, one less.
            let at = usize::try_from(self.below(date.len() as u64)).unwrap();
            match self.below(3) {
                0 => drop(date.remove(at)),
                1 => date.insert_str(at, self.one_of(&["0", " ", "x", "-", "_", "é"])),
                _ => date.replace_range(at..=at, self.one_of(&["9", " ", "a", ":", "["])),
            }
        }
        let before = self.one_of(&[
            "",
            "",
            "",
            "",
            "",
            "[",
            "- ",
            "[[",
            "- - ",
            "é ",
            "x 12 ",
            "_",
            "192.0.2.1 - - [",
            "type=X msg=audit(",
            "a long time ago, ",
            "[[[ ",
            "9",
            ", ",
        ]);
        let after = self.one_of(&[
            " host sshd[12]: x",
            " x",
            "] y",
            ": z",
            "",
            ":12): pid",
            "x",
            "_",
            "é",
            " 2005 x",
            " 12:00:00",
            " - on Jan 23 2005 21:59:59",
        ]);
        format!("{before}{date}{after}")
    }
}

struct Sequence {
    patterns: Vec<String>,
    lines: Vec<String>,
}

fn fail2ban(sequences: &[Sequence]) -> Vec<String> {
    let mut input = format!("now {NOW}\n");
    for sequence in sequences {
        writeln!(input, "patterns {}", sequence.patterns.len()).unwrap();
        for pattern in &sequence.patterns {
            writeln!(input, "{pattern}").unwrap();
        }
        for line in &sequence.lines {
            writeln!(input, "line {line}").unwrap();
        }
    }
    let mut child = Command::new("/usr/bin/python3")
        .arg(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/conformance/dates.py"))
        .env("TZ", ZONE)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("Debian's python3 is installed");
    let mut stdin = child.stdin.take().unwrap();
    let writer = std::thread::spawn(move || stdin.write_all(input.as_bytes()));
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "fail2ban is missing or too new: run `make packages`");
    writer.join().unwrap().unwrap();
    String::from_utf8(output.stdout).unwrap().lines().map(str::to_owned).collect()
}

fn f2b(sequence: &Sequence) -> Vec<String> {
    // Since 1996 the same rules as `ZONE`.
    let zone = Zone::Named(chrono_tz::Europe::Zurich);
    let now = Time::from_secs(NOW);
    let mut resolver = Resolver::new(zone, None, now);
    // fail2ban asks the machine for the years of `%ExY`.
    let window = YearWindow::around(SystemClock.now());
    let templates = Templates::from_patterns(&sequence.patterns, window).unwrap();
    let mut detector = templates.detector();
    let answer = |line: &String| {
        let Some(found) = detector.find(line.as_bytes()) else { return "none".to_owned() };
        let at = resolver
            .resolve(&found.stamp, None)
            .map_or("-".to_owned(), |time| format!("{:.6}", time.as_secs_f64()));
        // One form allows more since fail2ban 1.1.
        let name =
            templates.name(found.template).replace(NEWER, "(?:T|  ?)Ex24hourExMinuteExSecond");
        let chars = |end: usize| line[..end].chars().count();
        format!("{} {} {at} {name}", chars(found.cut.start), chars(found.cut.end))
    };
    sequence.lines.iter().map(answer).collect()
}

/// Gives both the same and names the first line of each sequence on which they differ; how many
/// were dated.
fn compare(sequences: &[Sequence]) -> usize {
    let theirs = fail2ban(sequences);
    assert_eq!(theirs.len(), sequences.iter().map(|sequence| sequence.lines.len()).sum::<usize>());
    let mut rest = theirs.as_slice();
    let mut dated = 0;
    let mut different = String::new();
    for (number, sequence) in sequences.iter().enumerate() {
        let (theirs, others) = rest.split_at(sequence.lines.len());
        rest = others;
        let ours = f2b(sequence);
        // A word that is no zone leaves fail2ban without a time (D3); it goes on differently.
        let is_zone_word = |answer: &String| answer.contains(" - ") && answer.contains("Zone name");
        let end = theirs.iter().position(is_zone_word).unwrap_or(theirs.len());
        let (ours, theirs) = (&ours[..end], &theirs[..end]);
        dated += ours.iter().filter(|answer| *answer != "none").count();
        let Some(index) = (0..ours.len()).find(|index| ours[*index] != theirs[*index]) else {
            continue;
        };
        let line = &sequence.lines[index];
        let (ours, theirs) = (&ours[index], &theirs[index]);
        let at = format!("{number}.{index}: {line:?}");
        let before = &sequence.lines[index.saturating_sub(4)..index];
        writeln!(different, "{at} after {before:#?}\n  fail2ban: {theirs}\n  f2b:      {ours}")
            .unwrap();
    }
    assert!(different.is_empty(), "{different}");
    dated
}

/// Whether f2b treats a line as fail2ban does; it takes no other word for a zone (D3), and a leap
/// day without a year is some year's (D7).
fn is_comparable(line: &str) -> bool {
    let zone = line.to_ascii_lowercase().split([' ', '[', '-']).any(|word| {
        (3..=5).contains(&word.len())
            && word.bytes().all(|b| b.is_ascii_alphabetic())
            && !["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"]
                .contains(&word)
            && ![
                "cet", "pdt", "edt", "msk", "akdt", "pkt", "irst", "easst", "utc", "mon", "sun",
                "tue", "host", "ago",
            ]
            .contains(&word)
    });
    // A label of the far future is beyond f2b's calendar.
    !zone && (!line.contains("@4") || line.contains("@40000000"))
}

#[test]
fn logs_of_one_form_have_the_same_dates() {
    let mut random = Random(20_261_124);
    let sequences: Vec<_> = (0..17)
        .map(|form| {
            let lines = (0..100).map(|_| random.line(form)).filter(|l| is_comparable(l)).collect();
            Sequence { patterns: vec![], lines }
        })
        .collect();
    let dated = compare(&sequences);
    assert!(dated > 600, "only {dated} dates: the lines test little");
}

#[test]
fn lines_of_any_form_have_the_same_dates() {
    let mut random = Random(7);
    let sequences: Vec<_> = (0..400)
        .map(|_| Sequence {
            patterns: vec![],
            lines: vec![{
                let form = random.below(17);
                random.line(form)
            }],
        })
        .filter(|sequence| is_comparable(&sequence.lines[0]))
        .collect();
    compare(&sequences);
}

#[test]
fn logs_that_mix_forms_have_the_same_dates() {
    let mut random = Random(99);
    let sequences: Vec<_> = (0..100)
        .map(|_| {
            let forms = [random.below(17), random.below(17), random.below(17)];
            let mut lines = Vec::new();
            for _ in 0..100 {
                let form = forms[usize::try_from(random.below(3)).unwrap()];
                lines.push(random.line(form));
            }
            lines.retain(|line| is_comparable(line));
            Sequence { patterns: vec![], lines }
        })
        .collect();
    compare(&sequences);
}
