//! What dates say, against what is known of fail2ban and against chrono.

use super::*;
use crate::model::{Time, Zone};

fn detect(line: &str) -> Option<(String, Option<Time>)> {
    let mut detector = Templates::builtin(YearWindow::archive()).detector();
    let found = detector.find(line.as_bytes())?;
    let now = Time::parse("2005-08-14T12:00:00Z", Zone::utc()).unwrap();
    let mut resolver = Resolver::new(Zone::utc(), None, now);
    let cut = line[found.cut.start..found.cut.end].to_owned();
    Some((cut, resolver.resolve(&found.stamp, None)))
}

#[test]
fn a_syslog_date_has_the_year_that_is_not_in_the_future() {
    for (line, expected) in [
        ("Aug 15 11:59:59 host x", "2005-08-15T11:59:59Z"),
        ("Aug 15 12:00:01 host x", "2004-08-15T12:00:01Z"),
        ("Dec 31 00:00:00 host x", "2004-12-31T00:00:00Z"),
        ("Feb 29 01:02:03 host x", "2004-02-29T01:02:03Z"),
    ] {
        let (cut, time) = detect(line).unwrap();
        assert_eq!(cut, &line[..15]);
        assert_eq!(time.unwrap().to_string(), expected, "{line}");
    }
}
