//! What dates say, against what is known of fail2ban and against the engine.

use proptest::prelude::*;

use super::*;
use crate::model::{Time, Zone};

fn detect_with(templates: &Templates, line: &str) -> Option<(String, Option<Time>)> {
    let found = templates.detector().find(line.as_bytes())?;
    let now = Time::parse("2005-08-14T12:00:00Z", Zone::utc()).unwrap();
    let mut resolver = Resolver::new(Zone::utc(), None, now);
    let cut = line[found.cut.start..found.cut.end].to_owned();
    Some((cut, resolver.resolve(&found.stamp, None)))
}

fn detect(line: &str) -> Option<(String, Option<Time>)> {
    detect_with(&Templates::builtin(YearWindow::archive()), line)
}

fn custom(patterns: &[&str]) -> Templates {
    Templates::from_patterns(patterns, YearWindow::archive()).unwrap()
}

/// Line, what is cut, time.
fn assert_dates(cases: &[(&str, &str, &str)]) {
    for (line, cut, time) in cases {
        let (found, at) = detect(line).expect(line);
        assert_eq!(found, *cut, "{line}");
        assert_eq!(at.map_or("none".into(), |at| at.to_string()), *time, "{line}");
    }
}

#[test]
fn a_syslog_date_has_the_year_that_is_not_in_the_future() {
    assert_dates(&[
        ("Aug 15 11:59:59 host x", "Aug 15 11:59:59", "2005-08-15T11:59:59Z"),
        ("Aug 15 12:00:01 host x", "Aug 15 12:00:01", "2004-08-15T12:00:01Z"),
        ("Dec 31 00:00:00 host x", "Dec 31 00:00:00", "2004-12-31T00:00:00Z"),
    ]);
}

#[test]
fn a_leap_day_without_a_year_is_that_of_the_last_leap_year() {
    assert_dates(&[("Feb 29 01:02:03 x", "Feb 29 01:02:03", "2004-02-29T01:02:03Z")]);
}

#[test]
fn a_leap_second_is_the_second_before() {
    assert_dates(&[
        ("2005-01-01 23:59:60 x", "2005-01-01 23:59:60", "2005-01-01T23:59:59Z"),
        ("2005-01-01 23:59:61 x", "2005-01-01 23:59:61", "2005-01-01T23:59:59Z"),
    ]);
}

#[test]
fn an_impossible_date_is_cut_but_has_no_time() {
    assert_dates(&[
        ("Jun 31 01:02:03 x", "Jun 31 01:02:03", "none"),
        ("Jun 30 25:02:03 x", "Jun 30 25:02:03", "none"),
        ("2005-02-29 01:02:03 x", "2005-02-29 01:02:03", "none"),
    ]);
}

#[test]
fn a_time_without_a_day_is_the_last_such_time() {
    assert_dates(&[
        ("11:46:11 x", "11:46:11", "2005-08-14T11:46:11Z"),
        ("12:46:11 x", "12:46:11", "2005-08-13T12:46:11Z"),
    ]);
}

#[test]
fn the_fraction_counts_only_in_epochs() {
    assert_dates(&[
        ("2005-01-23T21:59:59.98+01:00 x", "2005-01-23T21:59:59.98+01:00", "2005-01-23T20:59:59Z"),
        ("1124013600.48 x", "1124013600", "2005-08-14T10:00:00Z"),
        ("1124013600.480 x", "1124013600.480", "2005-08-14T10:00:00.480000Z"),
    ]);
}

#[test]
fn ten_digits_are_a_date_only_in_their_places() {
    assert_dates(&[
        ("[1324460064] x", "1324460064", "2011-12-21T09:34:24Z"),
        ("msg=audit(1324460064.123:9) x", "1324460064.123", "2011-12-21T09:34:24.123000Z"),
        ("@4000000050d506482dbdf024 x", "@4000000050d506482dbdf024", "2012-12-22T01:00:56Z"),
    ]);
    assert!(detect("x 1324460064 x").is_none());
    assert!(detect("1324460064123 x").is_none());
}

#[test]
fn ok_basic_forms_of_fail2ban_1_1() {
    for date in ["20050814-110000", "20050814-11:00:00", "20050814 11:00:00", "20050814T11:0000"] {
        assert_dates(&[(&format!("{date} x"), date, "2005-08-14T11:00:00Z")]);
    }
}

#[test]
fn a_word_before_the_date_that_is_no_zone_stays() {
    assert_dates(&[
        ("HOST Aug 14 11:00:00 x", "Aug 14 11:00:00", "2005-08-14T11:00:00Z"),
        ("PDT Apr 16 21:05:29 x", "PDT Apr 16 21:05:29", "2005-04-17T04:05:29Z"),
    ]);
}

#[test]
fn ok_twelve_hours_and_short_years() {
    assert_dates(&[
        ("Dec 12, 2012 12:00:00 AM", "Dec 12, 2012 12:00:00 AM", "2012-12-12T00:00:00Z"),
        ("Dec 12, 2012 10:00:00 PM", "Dec 12, 2012 10:00:00 PM", "2012-12-12T22:00:00Z"),
        ("23/01/05 21:59:59", "23/01/05 21:59:59", "2005-01-23T21:59:59Z"),
    ]);
}

#[test]
fn the_builtin_list_is_31_long_and_starts_with_anchored_copies() {
    let templates = Templates::builtin(YearWindow::archive());
    assert_eq!(templates.len(), 31);
    assert_eq!(
        templates.name(TemplateId(1)),
        r"{^LN-BEG}(?:DAY )?MON Day %k:Minute:Second(?:\.Microseconds)?(?: ExYear)?"
    );
    assert_eq!(custom(&["{^LN-BEG}"]).len(), 17);
    assert_eq!(custom(&["{DEFAULT}", "%Y%j"]).len(), 32);
    assert_eq!(custom(&[""]).len(), 31);
}

#[test]
fn every_builtin_form_compiles_for_ascii_and_for_other_lines() {
    let templates = Templates::builtin(YearWindow::archive());
    for template in &*templates.list {
        for line in ["none", "keine für alle"] {
            assert_eq!(template.find_by_engine(line.as_bytes(), 0), None);
        }
    }
}

#[test]
fn a_pattern_cuts_its_group() {
    let (cut, at) =
        detect_with(&custom(&[r"^[^\[]*\[({DATE})"]), "x [2005-01-02 03:04:05] y").unwrap();
    assert_eq!(cut, "2005-01-02 03:04:05");
    assert_eq!(at.unwrap().to_string(), "2005-01-02T03:04:05Z");
    let (cut, at) = detect_with(&custom(&["t={EPOCH};"]), "a t=1324460064.5;").unwrap_or_default();
    assert_eq!((cut.as_str(), at), ("", None));
    let (_, at) = detect_with(&custom(&["t={EPOCH};"]), "a t=1324460064;").unwrap();
    assert_eq!(at.unwrap().secs(), 1_324_460_064);
}

#[test]
fn a_pattern_may_look_around() {
    let (cut, at) = detect_with(&custom(&["(?<=t=)%Y-%m-%d"]), "t=2005-03-04 é").unwrap();
    assert_eq!(
        (cut.as_str(), at.unwrap().to_string().as_str()),
        ("2005-03-04", "2005-03-04T00:00:00Z")
    );
}

#[test]
fn ok_the_day_of_the_year_and_of_the_week() {
    let at = |pattern: &str, line: &str| {
        detect_with(&custom(&[pattern]), line).unwrap().1.unwrap().to_string()
    };
    assert_eq!(at("%Y %j", "2004 060"), "2004-02-29T00:00:00Z");
    assert_eq!(at("%Y %W %w", "2004 01 1"), "2004-01-05T00:00:00Z");
    assert_eq!(at("%Y %U %w", "2004 01 0"), "2004-01-04T00:00:00Z");
}

#[test]
fn long_epochs_say_their_unit_by_their_length() {
    let templates = custom(&["LEPOCH"]);
    for (line, micros) in [
        ("1516469849 x", 1_516_469_849_000_000),
        ("1516469849551 x", 1_516_469_849_551_000),
        ("1516469849551001 x", 1_516_469_849_551_001),
        ("1516469849551.001 x", 1_516_469_849_551_001),
    ] {
        let (_, at) = detect_with(&templates, line).unwrap();
        assert_eq!(at.unwrap().micros(), micros, "{line}");
    }
}

#[test]
fn a_month_without_a_day_is_refused() {
    for pattern in ["%Y-%m", "%d %Y"] {
        let error = Templates::from_patterns(&[pattern], YearWindow::archive()).unwrap_err();
        assert!(matches!(error, DateError::HalfDate { .. }), "{pattern}: {error}");
    }
}

#[test]
fn none_matches_every_line_and_cuts_nothing() {
    let found = custom(&["{NONE}"]).detector().find(b"2005-01-02 03:04:05 x").unwrap();
    assert_eq!((found.cut.start, found.cut.end, found.stamp.is_undated()), (0, 0, true));
}

#[test]
fn a_pattern_without_a_date_is_of_today() {
    let templates = custom(&[r"^\[\d+:\d+\]"]);
    let (cut, at) = detect_with(&templates, "[10:00] x").unwrap();
    assert_eq!(
        (cut.as_str(), at.unwrap().to_string().as_str()),
        ("[10:00]", "2005-08-14T00:00:00Z")
    );
    assert_eq!(templates.without_date(), Some(r"^\[\d+:\d+\]"));
    assert_eq!(custom(&["{NONE}", "^{DATE}"]).without_date(), None);
}

#[test]
fn bytes_that_are_no_characters_stand_beside_a_date() {
    for line in [&b"2005/11/20 10:00:00\xa0x"[..], b"caf\xe9 2005/11/20 10:00:00 x"] {
        assert!(custom(&["%Y/%m/%d %H:%M:%S"]).detector().find(line).is_some());
        assert!(custom(&["^.*%Y/%m/%d %H:%M:%S"]).detector().find(line).is_some());
        assert!(Templates::builtin(YearWindow::archive()).detector().find(line).is_some());
    }
}

#[test]
fn the_window_of_the_daemon_is_whole_decades() {
    let now = Time::parse("2026-11-01", Zone::utc()).unwrap();
    assert_eq!(YearWindow::around(now), YearWindow(2000..=2029));
    assert_eq!(YearWindow::around(now).regex(), "20[0-2][0-9]");
    assert_eq!(YearWindow::archive().regex(), "19[7-9][0-9]|20[0-9][0-9]");
    assert_eq!(YearWindow(2019..=2030).regex(), "2019|20[2-2][0-9]|2030");
    let templates = Templates::builtin(YearWindow::around(now));
    for line in ["1999-01-02 03:04:05 x", "2030-01-02 03:04:05 x"] {
        let mut list = templates.detector();
        assert!(list.find(line.as_bytes()).is_none_or(|found| found.cut.start > 0), "{line}");
    }
}

#[test]
fn a_given_year_goes_before_the_guessed_one() {
    let now = Time::parse("2005-08-14T12:00:00Z", Zone::utc()).unwrap();
    let mut resolver = Resolver::new(Zone::utc(), None, now);
    let mut detector = Templates::builtin(YearWindow::archive()).detector();
    let stamp = detector.find(b"Mar  1 00:00:10 x").unwrap().stamp;
    assert_eq!(stamp.yearless().unwrap().secs(), 60 * 86_400 + 10);
    assert_eq!(resolver.resolve(&stamp, Some(1999)).unwrap().to_string(), "1999-03-01T00:00:10Z");
}

#[test]
fn the_zone_of_the_log_goes_before_the_machines() {
    let now = Time::parse("2005-08-14T12:00:00Z", Zone::utc()).unwrap();
    let mut resolver = Resolver::new(Zone::utc(), Zone::parse("UTC+0200"), now);
    let mut detector = Templates::builtin(YearWindow::archive()).detector();
    let stamp = detector.find(b"2005-01-02 03:04:05 x").unwrap().stamp;
    assert_eq!(resolver.resolve(&stamp, None).unwrap().to_string(), "2005-01-02T01:04:05Z");
}

#[test]
fn a_primed_winner_counts_no_hit() {
    let templates = Templates::builtin(YearWindow::archive());
    let mut detector = templates.detector();
    detector.prime(TemplateId(1));
    assert_eq!(detector.winner(), Some(TemplateId(1)));
    assert_eq!(detector.hits().iter().sum::<u64>(), 0);
    assert!(detector.find(b"Jan 23 21:59:59 x").is_some());
    assert_eq!(detector.hits()[1], 1);
}

/// The templates that have a reader, compiled once.
fn readers() -> &'static [(usize, Templates)] {
    static LIST: std::sync::OnceLock<Vec<(usize, Templates)>> = std::sync::OnceLock::new();
    LIST.get_or_init(|| {
        let builtin = Templates::builtin(YearWindow::archive());
        let web = Templates::from_patterns(&[r"^[^\[]*\[({DATE})"], YearWindow::archive());
        let mut readers = Vec::new();
        for templates in [builtin, web.unwrap()] {
            let count = readers.len();
            let with = (0..templates.len()).filter(|at| templates.list[*at].reader.is_some());
            readers.extend(with.map(|at| (at, templates.clone())));
            assert!(readers.len() > count);
        }
        readers
    })
}

fn date_like() -> impl Strategy<Value = String> {
    let prefix = "|\\[|1\\.2 - - \\[|- |\\[\\[|_|x |é|.* ";
    let month = "(Jan|feb|MAR|Dec|Mai|Sep)";
    let time = "[0-2][0-9]:[0-6][0-9]:[0-6][0-9]";
    let fraction = "([.,][0-9]{0,7})?";
    let zone = "( ?| {2}|\u{a0})(Z|UTC|GMT|utc|[+-][0-2][0-9]:?([0-9]{2})?|[+-]0|)";
    let year = "(200[0-9]|19[67][0-9])";
    let end = "( |\\]|x|_|é|: | 2005| 2005x|1| \\+|)";
    let forms = [
        format!("({prefix})((Mon|sun|Foo) )?{month} [ 0-3]?[0-9] ?{time}{fraction}( {year})?{end}"),
        format!(
            "({prefix}){year}[-/.][01][0-9][-/.][ 0-3][0-9](T| | {{2}}|t){time}{fraction}{zone}{end}"
        ),
        format!(
            "({prefix}){year}[01][0-9][0-3][0-9](T| | {{2}}|)[0-2][0-9]{{5}}{fraction}{zone}{end}"
        ),
        format!("({prefix})[ 0-3]?[0-9][-/]{month}[-/]{year}[: ]?{time}{fraction}{zone}{end}"),
        format!("(|\\[|audit\\(|xaudit\\(|x |--|é)[0-9]{{9,14}}([.][0-9]{{0,7}})?{end}"),
        format!("({prefix})@4[0-9a-f]{{22,24}}{end}"),
    ];
    let each = |regex: String| proptest::string::string_regex(&regex).unwrap().boxed();
    proptest::strategy::Union::new(forms.into_iter().map(each))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4000))]

    #[test]
    fn readers_find_what_the_engine_finds(line in date_like()) {
        for (index, templates) in readers() {
            let template = &templates.list[*index];
            let reader = template.reader.expect("it's a list of those with readers");
            if let Some(hit) = reader.read(line.as_bytes(), 0) {
                prop_assert_eq!(Some(hit), template.find_by_engine(line.as_bytes(), 0), "{}", index);
            }
        }
    }
}
