//! Dates beside Debian's fail2ban: the same lines to both, the same dates from both.
//!
//! Fails if fail2ban is missing; `make packages` installs it. Whole sequences go through one
//! detector, since what is found depends on what was found before. Left out are the lines on which
//! f2b differs on purpose: unknown zone words, years beyond the window, leap seconds, 29 February.

#![expect(clippy::unwrap_used, reason = "a test ends where its helper fails")]

#[path = "conformance/python.rs"]
mod python;
#[path = "conformance/random_dates.rs"]
mod random_dates;

use std::fmt::Write as _;

use f2b::date::{Resolver, Templates, YearWindow};
use f2b::model::{Clock as _, SystemClock, Time, Zone};

use random_dates::Random;

/// 2026-08-14 10:00 UTC.
const NOW: i64 = 1_786_701_600;
const ZONE: &str = "CET-01CEST-02,M3.5.0,M10.5.0";

/// What the name of a form has in fail2ban 1.0, and in 1.1, where the form allows more.
const OLDER: &str = "(?:T|  ?)Ex24hourExMinuteExSecond";
const NEWER: &str = "(?:-|T|  ?)Ex24hour:?ExMinute:?ExSecond";

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
    python::answers("dates.py", &[("TZ", ZONE)], input).lines().map(str::to_owned).collect()
}

fn f2b(sequence: &Sequence) -> Vec<String> {
    // Since 1996 the same rules as `ZONE`.
    let zone = Zone::parse("Europe/Zurich").unwrap();
    let now = Time::from_secs(NOW);
    let mut resolver = Resolver::new(zone, None, now);
    // fail2ban asks the machine for the years of `%ExY`.
    let window = YearWindow::around(SystemClock.now());
    let Ok(templates) = Templates::from_patterns(&sequence.patterns, window) else {
        return vec!["broken".to_owned(); sequence.lines.len()];
    };
    let mut detector = templates.detector();
    let answer = |line: &String| {
        let Some(found) = detector.find(line.as_bytes()) else { return "none".to_owned() };
        let at = resolver
            .resolve(&found.stamp, None)
            .map_or("-".to_owned(), |time| format!("{:.6}", time.as_secs_f64()));
        let name = templates.name(found.template);
        let chars = |end: usize| line[..end].chars().count();
        format!("{} {} {at} {name}", chars(found.cut.start), chars(found.cut.end))
    };
    sequence.lines.iter().map(answer).collect()
}

/// The name that f2b gives to what fail2ban found; that of `%Exk` varies there from run to run.
fn as_ours(answer: &str) -> String {
    answer.replace("Ex%", "%Ex").replace(OLDER, NEWER)
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
        let is_theirs = |answer: &String| is_zone_word(answer) || answer == "broken";
        let end = theirs.iter().position(is_theirs).unwrap_or(theirs.len());
        let (ours, theirs) = (&ours[..end], &theirs[..end]);
        dated += ours.iter().filter(|answer| *answer != "none").count();
        let is_other = |index: &usize| ours[*index] != as_ours(&theirs[*index]);
        let Some(index) = (0..ours.len()).find(is_other) else {
            continue;
        };
        let line = &sequence.lines[index];
        let (ours, theirs) = (&ours[index], &theirs[index]);
        let at = format!("{number}.{index} {:?}: {line:?}", sequence.patterns);
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
    let leaps = line.contains("60") || line.contains("61");
    // A label of the far future is beyond f2b's calendar.
    !zone && !leaps && (!line.contains("@4") || line.contains("@40000000"))
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
    let mut random = Random(31_337);
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

#[test]
fn patterns_find_the_same_dates() {
    let mut random = Random(31_337);
    let sequences: Vec<_> = (0..1500)
        .map(|_| {
            let mut made: Vec<_> = (0..=random.below(4) / 3).map(|_| random.pattern()).collect();
            // Those that stand for several may stand for the same.
            if made.iter().any(|(_, pieces)| pieces.contains(&None)) {
                made.truncate(1);
            }
            let lines = (0..12).map(|_| {
                let at = usize::try_from(random.below(made.len() as u64)).unwrap();
                random.line_for(&made[at].1)
            });
            let lines: Vec<String> = lines.filter(|line| is_comparable(line)).collect();
            let mut patterns: Vec<String> = made.into_iter().map(|(pattern, _)| pattern).collect();
            patterns.dedup();
            Sequence { patterns, lines }
        })
        .collect();
    let dated = compare(&sequences);
    assert!(dated > 3000, "only {dated} dates: the lines test little");
}
