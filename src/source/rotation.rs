//! Which files are generations of one log, and in which order they were written.
//!
//! Known are the names of logrotate (`maillog.1`, `maillog-20260101.gz`, `mail-20260101.log`, with
//! `extension` also `mail.1.log`), newsyslog (`maillog.0.bz2`), multilog (`current` and `@4000….s`)
//! and the habit of `.old`. File times are not asked: a copy or a restore changes them.

use std::cmp::Reverse;

use super::form;

/// Which generation of its log a file is; sorts oldest first.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Age {
    /// The digits of a date, as logrotate's `dateext` writes them, or a TAI64N label.
    Dated(String),
    /// The number of rotations since.
    Rotated(Reverse<u32>),
    /// The one before: `.old`.
    Old,
    /// The file that is being written.
    Current,
}

/// The name that all generations of a log share, and which of them `name` is.
pub(super) fn generation(name: &str) -> (String, Age) {
    let name = form::endings().find_map(|end| name.strip_suffix(end)).unwrap_or(name);
    if let Some(label) = tai_label(name) {
        return ("current".to_owned(), Age::Dated(label.to_owned()));
    }
    if let Some(base) = name.strip_suffix(".old").filter(|base| !base.is_empty()) {
        return (base.to_owned(), Age::Old);
    }
    // The rotation's mark may stand before an extension: `mail-20260101.log`.
    let (stem, extension) = match name.strip_suffix(".log") {
        Some(stem) => (stem, ".log"),
        None => (name, ""),
    };
    match mark(stem) {
        Some((base, age)) => (format!("{base}{extension}"), age),
        None => (name.to_owned(), Age::Current),
    }
}

/// `@4000000052a5f2c61e2c5d9c.s`: a label of 24 hexadecimal digits; `.u` if multilog was killed.
fn tai_label(name: &str) -> Option<&str> {
    let label = name.strip_prefix('@')?;
    let label = label.strip_suffix(".s").or_else(|| label.strip_suffix(".u")).unwrap_or(label);
    (label.len() == 24 && label.bytes().all(|b| b.is_ascii_hexdigit())).then_some(label)
}

/// Splits `maillog.3` or `maillog-20260101-1200` into the base and the generation.
fn mark(stem: &str) -> Option<(&str, Age)> {
    let is_mark = |c: char| c.is_ascii_digit() || matches!(c, '-' | '.' | '_');
    let start = stem.trim_end_matches(is_mark).len();
    // A base that itself ends in a number (`Xorg.0`, `10.0.0.1`): the earliest date wins, else the
    // last number.
    let tail = &stem[start..];
    let dated = separators(tail).find_map(|at| {
        date_digits(&tail[at + 1..]).map(|digits| (&stem[..start + at], Age::Dated(digits)))
    });
    dated.filter(|(base, _)| !base.is_empty()).or_else(|| {
        let (base, number) = stem.rsplit_once('.')?;
        let is_number = !number.is_empty() && number.bytes().all(|b| b.is_ascii_digit());
        let number = number.parse().ok().filter(|_| is_number && number.len() <= 5)?;
        (!base.is_empty()).then_some((base, Age::Rotated(Reverse(number))))
    })
}

fn separators(text: &str) -> impl Iterator<Item = usize> {
    text.match_indices(['-', '.', '_']).map(|(at, _)| at)
}

/// The digits of `20260101`, `2026-01-01`, `20260101-1200`, `2026010112`, `20260101-1767225600`.
fn date_digits(text: &str) -> Option<String> {
    let digits: String = text.chars().filter(char::is_ascii_digit).collect();
    let first = text.split(['-', '.', '_']).next()?.len();
    let number = |range: std::ops::Range<usize>| digits.get(range)?.parse::<u32>().ok();
    let is_date = matches!(first, 4 | 8 | 10 | 12 | 14)
        && (1970..2100).contains(&number(0..4)?)
        && (1..=12).contains(&number(4..6)?)
        && (1..=31).contains(&number(6..8)?);
    is_date.then_some(digits)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sorted(names: &[&str]) -> Vec<String> {
        let mut names: Vec<_> = names.iter().map(|n| (generation(n), (*n).to_owned())).collect();
        names.sort();
        names.into_iter().map(|(_, name)| name).collect()
    }

    #[test]
    fn ok_numbers_are_ages() {
        assert_eq!(
            sorted(&["maillog", "maillog.1", "maillog.10.gz", "maillog.2.gz", "maillog.0.bz2"]),
            ["maillog.10.gz", "maillog.2.gz", "maillog.1", "maillog.0.bz2", "maillog"]
        );
    }

    #[test]
    fn ok_dates_sort_forwards() {
        assert_eq!(
            sorted(&["m", "m-20260201.xz", "m-20251231", "m-2026-01-15", "m.20260301", "m.1"]),
            ["m-20251231", "m-2026-01-15", "m-20260201.xz", "m.20260301", "m.1", "m"]
        );
        assert_eq!(
            sorted(&["m-20260101-13.gz", "m-20260101-02", "m"]),
            ["m-20260101-02", "m-20260101-13.gz", "m"]
        );
    }

    #[test]
    fn ok_the_mark_may_stand_before_the_extension() {
        assert_eq!(
            sorted(&["mail.log", "mail-20260201.log", "mail-20260101.log.gz", "mail.log-20260301"]),
            ["mail-20260101.log.gz", "mail-20260201.log", "mail.log-20260301", "mail.log"]
        );
        assert_eq!(generation("mail.2.log").0, "mail.log");
    }

    #[test]
    fn ok_multilog_labels_come_before_current() {
        let (old, new) = ("@4000000052a5f2c61e2c5d9c.s", "@4000000062a5f2c61e2c5d9c.u");
        assert_eq!(sorted(&["current", new, old]), [old, new, "current"]);
    }

    #[test]
    fn ok_old_is_the_one_before() {
        assert_eq!(
            sorted(&["boot.log", "boot.log.old", "boot.log.1"]),
            ["boot.log.1", "boot.log.old", "boot.log"]
        );
    }

    #[test]
    fn ok_a_log_without_a_mark_is_current() {
        for name in ["maillog", "auth.log", "x.gz", ".1", "20260101", "log-99", "a.123456", "@4000"]
        {
            assert_eq!(generation(name).1, Age::Current, "{name}");
        }
        assert_eq!(generation("a-192.168.1.77").0, "a-192.168.1");
    }
}
