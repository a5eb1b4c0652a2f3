//! Time zones: by name, by abbreviation, by offset, or the machine's.
//!
//! Their treatment of hours that occur twice or never is fixed here once: the earlier instant of the two, and
//! a shift by the offset that was in force before the gap (what `mktime` does with the standard offset).

mod named;

use std::collections::HashMap;
use std::sync::LazyLock;

use chrono::{DateTime, FixedOffset, LocalResult, NaiveDateTime, Offset, TimeDelta, TimeZone, Utc};

pub use self::named::NamedZone;
use super::Time;

/// Where civil times without an offset are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Zone {
    /// The machine's (`TZ`, else `/etc/localtime`).
    Local,
    /// A constant offset.
    Fixed(FixedOffset),
    /// A zone of the IANA database.
    Named(NamedZone),
}

impl Zone {
    /// UTC.
    pub fn utc() -> Self {
        Self::Fixed(Utc.fix())
    }

    /// Reads a zone as `logtimezone` and `--timezone` write it: an abbreviation (`CET`, which has no summer
    /// time), an offset (`-03:30`, `+01`), both (`UTC+0200`), a name of the IANA database (`Europe/Rome`), or
    /// `local`.
    ///
    /// DIFFERS: fail2ban knows neither IANA names nor `local`.
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        if text == "local" {
            return Some(Self::Local);
        }
        // Abbreviations go first: IANA's `CET` has summer time, a log's has none.
        let fixed = zone_offset(text.as_bytes()).and_then(FixedOffset::east_opt).map(Self::Fixed);
        fixed.or_else(|| NamedZone::get(text).map(Self::Named))
    }

    /// The civil time of an instant here.
    pub fn civil(self, time: Time) -> DateTime<FixedOffset> {
        let utc = time.utc();
        match self {
            Self::Local => utc.with_timezone(&chrono::Local).fixed_offset(),
            Self::Fixed(offset) => utc.with_timezone(&offset),
            Self::Named(zone) => utc.with_timezone(&zone.offset_at(utc)),
        }
    }

    /// The instant of a civil time here.
    ///
    /// An hour that occurs twice means its first occurrence; one that never occurs is shifted by
    /// the offset in force before it. `None` only at the ends of chrono's calendar.
    pub fn instant(self, civil: NaiveDateTime) -> Option<Time> {
        let offset = |civil: &NaiveDateTime| match self {
            Self::Local => fix(chrono::Local.offset_from_local_datetime(civil)),
            Self::Fixed(offset) => LocalResult::Single(offset),
            Self::Named(zone) => zone.offset_of(*civil),
        };
        let east = match offset(&civil) {
            LocalResult::Single(east) => east,
            // In no fixed order, whatever chrono says: the machine's zone has them the other way round.
            LocalResult::Ambiguous(one, other)
                if one.local_minus_utc() >= other.local_minus_utc() =>
            {
                one
            }
            LocalResult::Ambiguous(_, other) => other,
            // A gap is at most a few hours wide, so the day before has the offset before it.
            LocalResult::None => {
                offset(&civil.checked_sub_signed(TimeDelta::days(1))?).earliest()?
            }
        };
        let utc = civil.checked_sub_offset(east)?.and_utc();
        Some(Time::from_micros(utc.timestamp_micros()))
    }
}

impl Time {
    /// The civil time in `zone`.
    pub fn in_zone(self, zone: Zone) -> DateTime<FixedOffset> {
        zone.civil(self)
    }

    /// Reads RFC 3339, also without seconds, `YYYY-MM-DD[ T]HH:MM[:SS[.f]]` in `zone`, `YYYY-MM-DD`, or `@SECONDS`.
    pub fn parse(text: &str, zone: Zone) -> Option<Self> {
        if let Some(secs) = text.strip_prefix('@') {
            let secs: f64 = secs.parse().ok()?;
            #[expect(clippy::cast_possible_truncation, reason = "saturates at the ends of i64")]
            return secs.is_finite().then_some(Self::from_micros((secs * 1e6).round() as i64));
        }
        if let Ok(at) = DateTime::parse_from_rfc3339(text) {
            return Some(Self::from_micros(at.timestamp_micros()));
        }
        if let Ok(at) = DateTime::parse_from_str(text, "%Y-%m-%dT%H:%M%#z") {
            return Some(Self::from_micros(at.timestamp_micros()));
        }
        for format in
            ["%Y-%m-%dT%H:%M:%S%.f", "%Y-%m-%d %H:%M:%S%.f", "%Y-%m-%dT%H:%M", "%Y-%m-%d %H:%M"]
        {
            if let Ok(civil) = NaiveDateTime::parse_from_str(text, format) {
                return zone.instant(civil);
            }
        }
        let date = chrono::NaiveDate::parse_from_str(text, "%Y-%m-%d").ok()?;
        zone.instant(date.and_hms_opt(0, 0, 0)?)
    }
}

fn fix<O: Offset>(result: LocalResult<O>) -> LocalResult<FixedOffset> {
    result.map(|offset| offset.fix())
}

/// Seconds east of a zone as dates write it: `Z`, `UTC`, `+01:00`, `CEST`, `CET+0100` (which is `CEST`).
pub fn zone_offset(text: &[u8]) -> Option<i32> {
    match text.iter().position(|b| matches!(b, b'+' | b'-')) {
        Some(0) => offset(text),
        Some(sign) => Some(zone_offset(&text[..sign])? + offset(&text[sign..])?),
        None if matches!(text, b"Z" | b"UTC" | b"GMT") => Some(0),
        // The directives for offsets accept these words in any case in a date with month names.
        None if text.eq_ignore_ascii_case(b"utc") || text.eq_ignore_ascii_case(b"gmt") => Some(0),
        None if text == b"z" => Some(0),
        None => by_name(text).map(|minutes| minutes * 60),
    }
}

fn offset(text: &[u8]) -> Option<i32> {
    let sign = if text[0] == b'-' { -1 } else { 1 };
    let digits: Vec<i32> = text[1..]
        .iter()
        .filter(|b| **b != b':')
        .map(|b| b.is_ascii_digit().then(|| i32::from(b - b'0')))
        .collect::<Option<_>>()?;
    let (hours, minutes) = match digits[..] {
        [a, b] => (a * 10 + b, 0),
        [a, b, c, d] => (a * 10 + b, c * 10 + d),
        _ => return None,
    };
    Some(sign * (hours * 3600 + minutes * 60))
}

/// The names that are understood, by minutes east: those that fail2ban knows. Several mean something else elsewhere.
const NAMES: [(i32, &str); 37] = [
    (-660, "NUT SST"),
    (-600, "CKT HAST HST TAHT TKT"),
    (-570, "MART MIT"),
    (-540, "AKST GAMT GIT HADT HNY"),
    (-480, "AKDT CIST HAY HNP PST"),
    (-420, "HAP HNR MST PDT"),
    (-360, "CST EAST GALT HAR HNC MDT"),
    (-300, "CDT COT EASST ECT EST HAC HNE PET"),
    (-270, "HLV VET"),
    (-240, "AST BOT CLT COST EDT FKT GYT HAE HNA PYT"),
    (-210, "HNT NST"),
    (-180, "ADT ART BRT CLST FKST GFT HAA PMST PYST SRT UYT WGT"),
    (-150, "HAT NDT"),
    (-120, "BRST FNT PMDT UYST WGST"),
    (-60, "AZOT CVT EGT"),
    (0, "EGST GMT UTC WET"),
    (60, "CET DFT WAT WEDT WEST"),
    (120, "CAT CEDT CEST EET SAST WAST"),
    (180, "EAT EEDT EEST IDT MSK"),
    (210, "IRST"),
    (240, "AMT AZT GET GST KUYT MSD MUT RET SAMT SCT"),
    (270, "AFT IRDT"),
    (300, "AMST AQTT AZST HMT MAWT MVT PKT TFT TJT TMT UZT YEKT"),
    (330, "SLT"),
    (345, "NPT"),
    (360, "ALMT BIOT BTT IOT KGT NOVT OMST YEKST"),
    (390, "CCT MMT"),
    (420, "CXT DAVT HOVT ICT KRAT NOVST OMSST THA WIB"),
    (480, "ACT AWST BDT BNT CAST HKT IRKT KRAST MYT PHT SGT ULAT WITA WST"),
    (540, "AWDT IRKST JST KST PWT TLT WDT WIT YAKT"),
    (570, "ACST"),
    (600, "AEST PGT VLAT YAKST YAPT"),
    (630, "ACDT LHST"),
    (660, "AEDT LHDT MAGT NCT PONT SBT VLAST VUT"),
    (690, "NFT"),
    (720, "ANAST ANAT FJT GILT MAGST MHT NZST PETST PETT TVT WFT"),
    (780, "FJST NZDT"),
];

/// The names of zones of more than one letter.
pub fn zone_names() -> impl Iterator<Item = &'static str> {
    NAMES.iter().flat_map(|(_, names)| names.split(' '))
}

/// Minutes east of a zone by its name.
fn by_name(text: &[u8]) -> Option<i32> {
    static ALL: LazyLock<HashMap<&[u8], i32, foldhash::fast::FixedState>> = LazyLock::new(|| {
        let rows = NAMES.iter();
        rows.flat_map(|(east, names)| names.split(' ').map(|name| (name.as_bytes(), *east)))
            .collect()
    });
    match text {
        [letter] => military(*letter),
        _ => ALL.get(text).copied(),
    }
}

fn military(letter: u8) -> Option<i32> {
    let hours = match letter {
        b'A'..=b'I' => i32::from(letter - b'A') + 1,
        b'K'..=b'M' => i32::from(letter - b'K') + 10,
        b'N'..=b'Y' => -(i32::from(letter - b'N') + 1),
        b'Z' => 0,
        _ => return None,
    };
    Some(hours * 60)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(civil: &str) -> String {
        let zone = Zone::parse("Europe/Zurich").unwrap();
        let civil = NaiveDateTime::parse_from_str(civil, "%Y-%m-%d %H:%M:%S").unwrap();
        zone.instant(civil).unwrap().to_string()
    }

    #[test]
    fn an_hour_that_occurs_twice_is_the_first() {
        assert_eq!(at("2026-10-25 02:30:00"), "2026-10-25T00:30:00Z");
    }

    #[test]
    fn an_hour_that_never_occurs_shifts_by_the_offset_before_it() {
        assert_eq!(at("2026-03-29 02:30:00"), "2026-03-29T01:30:00Z");
    }

    #[test]
    fn ok_zones_read_their_spellings() {
        let east = |minutes: i32| FixedOffset::east_opt(minutes * 60).map(Zone::Fixed);
        for (text, minutes) in [
            ("Z", 0),
            ("UTC", 0),
            ("GMT", 0),
            ("utc", 0),
            (" UTC ", 0),
            ("+01:00", 60),
            ("+0100", 60),
            ("+01", 60),
            ("-03:30", -210),
            ("UTC+01:00", 60),
            ("UTC-0200", -120),
            ("CET", 60),
            ("CEST", 120),
            ("CET+0100", 120),
            ("A", 60),
        ] {
            assert_eq!(Zone::parse(text), east(minutes), "{text}");
        }
        assert_eq!(Zone::parse("local"), Some(Zone::Local));
        for name in ["Europe/Rome", "EST5EDT", "America/Argentina/Ushuaia"] {
            let named = NamedZone::get(name).map(Zone::Named);
            assert!(named.is_some(), "{name}");
            assert_eq!(Zone::parse(name), named, "{name}");
        }
    }

    #[test]
    fn err_anything_else_is_no_zone() {
        for text in ["", "nowhere", "UTX+0200", "UTC+2", "+25", "UTC+99", "J", "UTC -0200", "+"] {
            assert_eq!(Zone::parse(text), None, "{text}");
        }
    }
}
