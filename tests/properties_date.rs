//! What chrono writes in each of the built-in forms is read as chrono's instant.

use std::sync::OnceLock;

use chrono::{DateTime, FixedOffset};
use f2b::date::{Resolver, Templates, YearWindow};
use f2b::model::{Time, Zone};
use proptest::prelude::*;

/// How chrono writes the forms that name their year.
const FORMS: [&str; 16] = [
    "%Y-%m-%dT%H:%M:%S%:z",
    "%Y/%m/%d %H:%M:%S,%3f",
    "%Y.%m.%d %H:%M:%S %z",
    "%a %b %e %H:%M:%S.%3f %Y",
    "%b %d %Y %H:%M:%S",
    "%d/%m/%Y %H:%M:%S",
    "%d/%m/%y %H:%M:%S",
    "%d/%b/%Y:%H:%M:%S %z",
    "%m/%d/%Y:%H:%M:%S",
    "<%m/%d/%y@%H:%M:%S>",
    "%y%m%d %H:%M:%S",
    "%b %d, %Y %I:%M:%S %p",
    "%b-%d-%y %H:%M:%S",
    "%Y%m%dT%H%M%S%z",
    "%z %b %e %H:%M:%S %Y",
    "%s",
];

fn templates() -> &'static Templates {
    static TEMPLATES: OnceLock<Templates> = OnceLock::new();
    TEMPLATES.get_or_init(|| Templates::builtin(YearWindow::archive()))
}

fn read(line: &str, east: FixedOffset, now: i64, year: Option<i32>) -> Option<Time> {
    let mut detector = templates().detector();
    let found = detector.find(line.as_bytes())?;
    let mut resolver = Resolver::new(Zone::Fixed(east), None, Time::from_secs(now));
    resolver.resolve(&found.stamp, year)
}

proptest! {
    // Since September 2001 an epoch has ten digits.
    #[test]
    fn a_date_with_its_year_is_chronos(
        secs in 1_000_000_000_i64..4_000_000_000,
        minutes in -47_i32..48,
        form in 0..FORMS.len(),
    ) {
        let east = FixedOffset::east_opt(minutes * 900).unwrap();
        let at = DateTime::from_timestamp(secs, 0).unwrap().with_timezone(&east);
        let line = format!("{} host x[1]: text", at.format(FORMS[form]));
        prop_assert_eq!(read(&line, east, 0, None), Some(Time::from_secs(secs)), "{}", line);
    }

    #[test]
    fn a_date_without_its_year_is_chronos_with_the_year_given(
        secs in 0_i64..4_000_000_000,
        given in any::<bool>(),
        later in 0_i64..300 * 86_400,
    ) {
        let east = FixedOffset::east_opt(3600).unwrap();
        let at = DateTime::from_timestamp(secs, 0).unwrap().with_timezone(&east);
        let line = format!("{} host x[1]: text", at.format("%b %e %H:%M:%S"));
        let year = given.then(|| at.format("%Y").to_string().parse().unwrap());
        // Without a year the present must be less than a year later.
        let found = read(&line, east, secs + later, year);
        prop_assert_eq!(found, Some(Time::from_secs(secs)), "{}", line);
    }

    #[test]
    fn a_label_is_its_seconds(secs in 0_i64..4_000_000_000) {
        let line = format!("@4{secs:015x}00000000 text");
        let east = FixedOffset::east_opt(0).unwrap();
        prop_assert_eq!(read(&line, east, 0, None), Some(Time::from_secs(secs)), "{}", line);
    }
}
