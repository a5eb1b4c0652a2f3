//! Filters made of pieces, and logs of lines near what they match, compared line by line.
//!
//! A piece is a part of a regular expression together with texts that it matches or nearly does. A line is the text
//! of an expression's pieces behind a date, perhaps damaged. Stock filters get damaged lines of their own samples.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::net::IpAddr;
use std::path::Path;
use std::process::Command;
use std::sync::LazyLock;
use std::sync::atomic::{AtomicU64, Ordering};

use proptest::prelude::*;
use proptest::sample::{Index, select};
use serde_json::{Value, json};

use crate::oracle;

/// Failures that both programs found.
pub(crate) static COMPARED: AtomicU64 = AtomicU64::new(0);

/// A filter with a log.
#[derive(Clone, Debug)]
pub(crate) struct Case {
    /// The options of its [Definition]; empty for a stock filter.
    pub(crate) definition: String,
    /// Its name.
    pub(crate) filter: String,
    pub(crate) options: Vec<(String, String)>,
    pub(crate) lines: Vec<String>,
}

/// An expression and texts for it.
type Piece = (&'static str, &'static [&'static str]);

const HOSTS: &[&str] = &[
    "192.0.2.1",
    "::ffff:192.0.2.9",
    "2001:db8::7",
    "host.example",
    "[2001:db8::1]",
    "1.2.3",
    "300.1.1.1",
    "a-b_c.d",
    "::1",
    "192.0.2.77/24",
    "2001:db8::/33",
    "::ffff:c000:201",
    "fe80::1%eth0",
    "192.0.2.1:22",
    "192.0.2.012",
    "1.2.3.4.5",
    "",
];

const PIECES: &[Piece] = &[
    ("bad", &["bad", "BAD", "ba"]),
    (" ", &[" ", "  "]),
    (" from ", &[" from ", " form "]),
    (r"\S+", &["root", "a:b", "é", "x y"]),
    (r"\S*", &["", "root"]),
    (r"\d+", &["22", "7", "x", "٣"]),
    (r"\w*", &["", "abc", "ä_1", "²"]),
    (r"\s+", &[" ", "\t ", "\u{a0}", ""]),
    (r"\s*", &["", " ", "\u{1f}", "\u{85}"]),
    (r"[^:]*", &["", "a b", ":"]),
    (".*", &["", "anything at all", "from 192.0.2.3"]),
    (".*?", &["", "x", "from"]),
    (".", &["x", "é", "\t"]),
    ("(?:a|ab)", &["a", "ab", "b"]),
    ("(?:x)?", &["", "x"]),
    ("x{2,3}", &["xx", "xxxx", "x"]),
    ("x{,2}", &["", "x", "xxx"]),
    ("x{a}", &["x{a}", "x"]),
    (r"\bfoo\b", &["foo", "food"]),
    (r"\.", &[".", "x"]),
    (r"\[\d+\]", &["[12]", "[]"]),
    ("[]x]", &["]", "x", "["]),
    ("[^]]+", &["ab", "]"]),
    ("[[x]", &["[", "x"]),
    (r"[\w-]+", &["a-b", "-", "."]),
    (r"\-\/\:\;", &["-/:;", "-/"]),
    ("(?i:ok)", &["OK", "ok", "k"]),
    ("((?i)yes)", &["YES", "yes"]),
    ("(?!root)\\w+", &["admin", "root", "rooted"]),
    ("(?=a)\\w+", &["ab", "ba"]),
    ("(?P<x>a|b)(?P=x)", &["aa", "bb", "ab"]),
    ("(?:(?P<q>')|\")u(?(q)'|\")", &["'u'", "\"u\"", "'u\""]),
    ("(?#note)", &[""]),
    ("(?>a+)b", &["aab", "b"]),
    ("$", &["", "x"]),
    ("^", &[""]),
    (r"\Z", &["", "y"]),
    ("[^\\s\\]]+", &["a", "é]"]),
    ("é", &["é", "e"]),
    ("<HOST>", HOSTS),
    ("<HOST>", HOSTS),
    ("<HOST>", HOSTS),
    ("<ADDR>", HOSTS),
    ("<IP4>", HOSTS),
    ("<IP6>", HOSTS),
    ("<DNS>", HOSTS),
    ("<SUBNET>", HOSTS),
    ("<CIDR>", &["24", "x"]),
    ("<F-ID/>", &["some-id", "192.0.2.5", ""]),
    ("<F-ID>\\S+</F-ID>", &["id1", "192.0.2.6", "é"]),
    ("<F-ID>\\w+</F-ID>", &["id1", "2"]),
    ("<F-USER>\\S*</F-USER>", &["root", "", "a@b"]),
    ("<F-USER>[^']*</F-USER>", &["root", "two words"]),
    ("<F-ALT_USER>\\w+</F-ALT_USER>", &["alt", "-"]),
    ("<F-ALT_USER_1>\\w*</F-ALT_USER_1>", &["alt1", ""]),
    ("<F-ALT_ID>\\w+</F-ALT_ID>", &["altid", "192", "-"]),
    ("<F-ALT_ID_1>\\S*</F-ALT_ID_1>", &["192.0.2.8", ""]),
    ("(?P<alt_ip4>[\\d.]+)", &["192.0.2.44", "x"]),
    ("<F-TUPLE_ID>\\w*</F-TUPLE_ID>", &["tid", ""]),
    ("<F-TUPLE_ID_1>\\S+</F-TUPLE_ID_1>", &["t1", "192.0.2.18"]),
    ("<F-TUPLE_USER>\\w+</F-TUPLE_USER>", &["tu", "."]),
    ("(?P<tuple_user_b>\\w)", &["b", "é"]),
    ("<F-PORT/>", &["22", "-"]),
    ("<F-SOME>\\w*</F-SOME>", &["thing", ""]),
    ("<F-MLFID>\\d+</F-MLFID>", &["1", "2", "x"]),
    ("<F-MLFID>\\d+</F-MLFID>", &["1", "2", "3"]),
    ("(?:<F-NOFAIL>note</F-NOFAIL>|fail)", &["note", "fail"]),
    ("<F-NOFAIL>note</F-NOFAIL>", &["note", "not"]),
    ("(?:<F-MLFFORGET>gone</F-MLFFORGET>)?", &["gone", ""]),
    ("(?:<F-MLFGAINED>in</F-MLFGAINED>)?", &["in", ""]),
    ("<SKIPLINES>", &[""]),
    ("<nothing>", &["<nothing>", ""]),
    ("<F-nope>x</F-nope>", &["<F-nope>x</F-nope>"]),
];

const DATES: &[&str] = &[
    "Aug 14 11:00:00 ",
    "Aug 14 11:00:01 ",
    "2005-08-14 11:00:02 ",
    "2005-08-14T11:00:03.5+00:00 ",
    "[14/Aug/2005:11:00:04 +0200] ",
    "1124010005 ",
    "@4000000042ff0d0600000000 ",
    "Sun Aug 14 11:00:06 2005 ",
    "",
    "",
    "14/08/2005 11:00:07 ",
    "20050814T110008 ",
    "050814 11:00:09 ",
    "Aug-14-05 11:00:10 ",
    "<08/14/05@11:00:11> ",
    "[1124010012] ",
    "11:00:13 ",
    "Jan  2 03:04:05 ",
    "Dec 31 23:59:59 ",
    "2005/08/14 11:00:14,123 ",
    "8/14/2005 11:00:15 ",
    "x Aug 14 11:00:16 ",
    "Aug 14, 2005 11:00:17 AM ",
    "08-14-2005 11:00:18.012 ",
    "2004.02.29 10:00:00 ",
    "Aug 14 11:00:19.25 2005 ",
    "14-Aug-2005 11:00:20.1 ",
];

/// What may be said of dates; lines without the date that a pattern wants have none.
const DATE_PATTERNS: &[&str] = &[
    "{^LN-BEG}",
    "^{DATE}",
    "{DATE} ?$",
    r"^\[({DATE})",
    "^<?{DATE}>?",
    "EPOCH",
    "{^LN-BEG}EPOCH",
    "^LEPOCH",
    "TAI64N",
    "{NONE}",
    "%Y-%m-%d %H:%M:%S",
    "{^LN-BEG}%b %d %H:%M:%S",
    r"^(?:%a )?%b\s+%d %H:%M:%S(?:\.%f)?(?: %ExY)?",
    "%ExY-%Exm-%Exd[T ]%ExH:%ExM:%ExS",
    r"%d/%b/%Y:%H:%M:%S(?: %z)?",
    "^%H:%M:%S",
    "{UNB}%b-%d-%y",
    "**%m/%d/%y@%H:%M:%S",
    "%y%m%d ?%H:?%M:?%S\n  ^%d-%b-%Y",
    "%Y/%m/%d %H:%M:%S\n  %b %d, %Y %I:%M:%S %p\n  {^LN-BEG}",
];

/// A line: the date, the expression it is made for, which texts of its pieces, and damage.
type LinePlan = (&'static str, Index, Vec<Index>, Option<(Index, &'static str)>);

fn plan() -> impl Strategy<Value = LinePlan> {
    let damage = (
        any::<Index>(),
        select(&["", "", "x", " ", ":", "\u{e9}", "\u{0}", "192.0.2.200", "\r"][..]),
    );
    (
        select(DATES),
        any::<Index>(),
        prop::collection::vec(any::<Index>(), 8),
        prop::option::weighted(0.3, damage),
    )
}

/// The text, with a character replaced.
fn damaged(text: &str, damage: Option<&(Index, &'static str)>) -> String {
    let Some((at, by)) = damage else { return text.to_owned() };
    let count = text.chars().count();
    if count == 0 {
        return (*by).to_owned();
    }
    // Not in the date: what is nearly a zone is read otherwise, see docs/differences.md.
    let safe = count * 2 / 5;
    let at = safe + at.index(count - safe);
    text.chars()
        .enumerate()
        .map(|(i, c)| if i == at { (*by).to_owned() } else { c.to_string() })
        .collect()
}

fn expression() -> impl Strategy<Value = Vec<Piece>> {
    prop::collection::vec(select(PIECES), 1..6)
}

fn text(pieces: &[Piece]) -> String {
    pieces.iter().map(|(regex, _)| *regex).collect()
}

fn line(expressions: &[Vec<Piece>], (date, which, texts, damage): &LinePlan) -> String {
    let pieces = &expressions[which.index(expressions.len())];
    let text: String =
        pieces.iter().zip(texts).map(|((_, texts), at)| texts[at.index(texts.len())]).collect();
    format!("{date}{}", damaged(&text, damage.as_ref()))
}

/// Lines that both programs take: the scanner skips some that fail2ban's filter would see.
fn as_log(lines: Vec<String>) -> Vec<String> {
    let lines = lines.into_iter().map(|line| line.trim_end_matches(['\r', '\n']).to_owned());
    lines.filter(|line| !line.is_empty() && !line.starts_with('#')).collect()
}

fn made() -> impl Strategy<Value = Case> {
    let expressions = prop::collection::vec(expression(), 1..4);
    let prefix = select(
        &[
            "",
            "",
            "",
            "^<F-CONTENT>.*</F-CONTENT>$",
            r"^\s*(?:\[\])?<F-CONTENT>.+</F-CONTENT>$",
            "bad",
            "(?P<x>.)<F-CONTENT>.*</F-CONTENT>",
        ][..],
    );
    let ignore = select(&["", "", "", "192\\.0\\.2\\.3", "^ ?bad", "root$", "<HOST>$"][..]);
    let maxlines = prop::option::weighted(0.15, 2_u32..5);
    let anchors = (any::<bool>(), any::<bool>());
    let dates = prop::option::weighted(0.3, select(DATE_PATTERNS));
    let lines = prop::collection::vec(plan(), 1..12);
    (expressions, prefix, ignore, maxlines, anchors, dates, lines).prop_map(
        |(expressions, prefix, ignore, maxlines, anchors, dates, plans)| {
            let (begin, end) =
                (if anchors.0 { "^ ?" } else { "" }, if anchors.1 { "$" } else { "" });
            let regexes: Vec<String> =
                expressions.iter().map(|e| format!("{begin}{}{end}", text(e))).collect();
            // What prefregex and maxlines mean together nobody says, and no stock filter has both.
            let maxlines = maxlines.filter(|_| prefix.is_empty());
            let mut definition = format!("failregex = {}\n", regexes.join("\n            "));
            let dates = dates.unwrap_or_default();
            for (name, value) in
                [("prefregex", prefix), ("ignoreregex", ignore), ("datepattern", dates)]
            {
                if !value.is_empty() {
                    writeln!(definition, "{name} = {value}").unwrap();
                }
            }
            if let Some(maxlines) = maxlines {
                writeln!(definition, "maxlines = {maxlines}").unwrap();
            }
            let lines = as_log(plans.iter().map(|plan| line(&expressions, plan)).collect());
            Case { definition, filter: "made".to_owned(), options: Vec::new(), lines }
        },
    )
}

/// 2005-08-14 12:00:00 in Zurich.
const NOW: u64 = 1_124_013_600;
const SAMPLES: &str = "/usr/lib/python3/dist-packages/fail2ban/tests/files/logs";

/// The lines of each stock filter's samples.
static STOCK: LazyLock<Vec<(String, Vec<String>)>> = LazyLock::new(|| {
    let logs = fs::read_dir(SAMPLES).expect("Debian's package fail2ban is installed");
    let mut stock = Vec::new();
    for entry in logs {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        if path.is_file()
            && Path::new("/etc/fail2ban/filter.d").join(format!("{name}.conf")).exists()
        {
            let text = fs::read_to_string(&path).unwrap();
            stock.push((name, as_log(text.lines().map(str::to_owned).collect())));
        }
    }
    stock.retain(|(_, lines)| !lines.is_empty());
    stock.sort();
    stock
});

fn stock() -> impl Strategy<Value = Case> {
    let modes = select(&["", "", "normal", "aggressive", "ddos", "extra"][..]);
    let damage = (any::<Index>(), select(&["", "x", " ", "  ", "\u{e9}", "192.0.2.200"][..]));
    let lines = prop::collection::vec((any::<Index>(), prop::option::weighted(0.4, damage)), 1..30);
    (any::<Index>(), modes, lines).prop_map(|(which, mode, lines)| {
        let (filter, samples) = &STOCK[which.index(STOCK.len())];
        let lines = lines
            .iter()
            .map(|(at, damage)| damaged(&samples[at.index(samples.len())], damage.as_ref()));
        let options = Some(("mode".to_owned(), mode.to_owned())).filter(|_| !mode.is_empty());
        Case {
            definition: String::new(),
            filter: filter.clone(),
            options: options.into_iter().collect(),
            lines: as_log(lines.collect()),
        }
    })
}

pub(crate) fn case() -> impl Strategy<Value = Case> {
    prop_oneof![3 => made(), 1 => stock()]
}

/// Compares what comes of each line.
pub(crate) fn compare(case: &Case) -> Result<(), String> {
    let dir = tempfile::tempdir().unwrap();
    let folder = if case.definition.is_empty() { Path::new("/etc/fail2ban") } else { dir.path() };
    if !case.definition.is_empty() {
        fs::create_dir(dir.path().join("filter.d")).unwrap();
        // A percent sign means something else in a file.
        let text = case.definition.replace('%', "%%");
        fs::write(dir.path().join("filter.d/made.conf"), format!("[Definition]\n{text}")).unwrap();
    }
    let options: BTreeMap<_, _> = case.options.iter().cloned().collect();
    let theirs = oracle::ask(&json!({
        "filter": case.filter, "folder": folder, "options": options, "lines": case.lines,
    }));
    if theirs["hangs"] == true {
        return Ok(());
    }
    let log = dir.path().join("log");
    fs::write(&log, case.lines.join("\n") + "\n").unwrap();
    let ours = scan(&log, folder, case);
    if let Some(error) = theirs["error"].as_str() {
        return match ours {
            Ok(_) => Err(format!("only fail2ban can't use it: {error}")),
            Err(_) => Ok(()),
        };
    }
    // A filter that looks for nothing is an error to f2b.
    if ours.as_ref().is_err_and(|said| said.contains("has no failregex")) {
        return Ok(());
    }
    let ours = ours.map_err(|said| format!("only f2b can't use it: {said}"))?;
    for (number, (line, theirs)) in
        (1..).zip(case.lines.iter().zip(theirs["lines"].as_array().unwrap()))
    {
        // fail2ban itself fails on some lines, and then its state is anyone's guess.
        let Some(theirs) = theirs.as_array() else { return Ok(()) };
        let ours: Vec<&Value> = ours
            .iter()
            .filter(|o| o["line"] == number && o["nofail"] == false && !o["id"].is_null())
            .collect();
        if ours.len() != theirs.len() || !ours.iter().zip(theirs).all(|(o, t)| are_alike(o, t)) {
            return Err(format!("line {number}: {line:?}\nf2b      {ours:?}\nfail2ban {theirs:?}"));
        }
        COMPARED.fetch_add(ours.len() as u64, Ordering::Relaxed);
    }
    Ok(())
}

fn are_alike(ours: &Value, theirs: &Value) -> bool {
    // The network of everyone is none to f2b.
    if theirs["fields"]["cidr"].as_str().is_some_and(|bits| bits.trim_start_matches('0').is_empty())
    {
        return true;
    }
    let time = |value: &Value| value["time"].as_f64().map(|time| (time * 1e6).round());
    // `::1.2.3.4` and `::102:304` are one address.
    let plain = |value: &Value| {
        let text = value.as_str().unwrap_or_default();
        text.parse::<IpAddr>().map_or(text.to_owned(), |ip| ip.to_string())
    };
    let fields = |value: &Value| {
        let mut fields = value["fields"].clone();
        if let Some(ip) = fields.get_mut("ip") {
            *ip = plain(ip).into();
        }
        fields
    };
    // Where fail2ban knows no time or says now, f2b takes the one before: docs/differences.md.
    let is_undated = theirs["time"].is_null() || theirs["time"] == NOW;
    plain(&ours["id"]) == plain(&theirs["id"])
        && ours["regex"] == theirs["regex"]
        && fields(ours) == fields(theirs)
        && (is_undated || time(ours) == time(theirs))
}

fn scan(log: &Path, folder: &Path, case: &Case) -> Result<Vec<Value>, String> {
    let options: Vec<String> =
        case.options.iter().map(|(name, value)| format!("{name}=\"{value}\"")).collect();
    let ran = Command::new(env!("CARGO_BIN_EXE_f2b"))
        .env("TZ", "Europe/Zurich")
        .args(["scan", "--dry-run", "--no-check-all", "--format", "jsonl"])
        .args(["--now", "2005-08-14T12:00:00+02:00", "--usedns", "raw", "--threads", "1", "-c"])
        .arg(folder)
        .arg(log)
        .arg(format!("{}[{}]", case.filter, options.join(",")))
        .output()
        .unwrap();
    if !matches!(ran.status.code(), Some(0 | 1)) {
        return Err(String::from_utf8_lossy(&ran.stderr).into_owned());
    }
    let lines = ran.stdout.split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
    Ok(lines.map(|line| serde_json::from_slice(line).unwrap()).collect())
}
