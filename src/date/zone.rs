//! Zones as dates and `logtimezone` write them.

use std::collections::HashMap;
use std::sync::LazyLock;

use chrono::FixedOffset;

/// Reads the `logtimezone` option: an abbreviation, an offset, or both (`UTC+0200`).
pub fn parse_log_zone(text: &str) -> Option<FixedOffset> {
    let text = text.trim();
    FixedOffset::east_opt(zone_offset(text.as_bytes())?)
}

/// Seconds east of a zone as dates write it: `Z`, `UTC`, `+01:00`, `CEST`, `CET+0100` (which is `CEST`).
pub(super) fn zone_offset(text: &[u8]) -> Option<i32> {
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
pub(super) fn names() -> impl Iterator<Item = &'static str> {
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
