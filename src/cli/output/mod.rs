//! What people and programs see: tables, the scan report, JSON, CSV, the progress bar.

pub mod failure;
pub mod harmless;
pub mod json;
pub mod listing;
pub mod progress;
pub mod report;
pub mod standing;
pub mod table;
pub mod terminal;

use std::fmt::Write as _;

use crate::model::{Time, Zone};

/// `2026-11-01 12:00:00` in the zone of the reader.
pub fn civil(time: Time, zone: Zone) -> String {
    time.in_zone(zone).format("%Y-%m-%d %H:%M:%S").to_string()
}

/// `until 2026-11-01 12:00:00`, or `for ever`.
pub fn until_when(until: Option<Time>, zone: Zone) -> String {
    until.map_or_else(|| "for ever".to_owned(), |until| format!("until {}", civil(until, zone)))
}

/// A jail's name; of what was found or banned by a filter alone, words for that.
pub fn jail_name(name: &str) -> &str {
    if name.is_empty() { "(no jail)" } else { name }
}

/// A quantity with three figures and a decimal prefix: `4.31 GB`, `82.0 M`.
pub fn scaled(quantity: f64, unit: &str) -> String {
    let (mut value, mut prefix) = (quantity, "");
    for next in ["k", "M", "G", "T"] {
        // What is rounded up to a thousand is one of the next.
        if value < 999.5 {
            break;
        }
        value /= 1000.0;
        prefix = next;
    }
    let mut out = String::new();
    let digits = match value {
        _ if prefix.is_empty() => 0,
        v if v < 10.0 => 2,
        v if v < 100.0 => 1,
        _ => 0,
    };
    let _ = write!(out, "{value:.digits$} {prefix}{unit}");
    out
}

/// `1 line`, `2000 lines`: digits are not grouped. In the lines that are fail2ban's, scripts read them, and whoever
/// copies a number wants it whole; so it is one way everywhere.
pub fn counted(n: u64, noun: &str) -> String {
    format!("{n} {noun}{}", if n == 1 { "" } else { "s" })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_read_well() {
        assert_eq!(scaled(4.31e9, "B/s"), "4.31 GB/s");
        assert_eq!(scaled(999.0, "B"), "999 B");
        assert_eq!(scaled(999_700.0, "B"), "1.00 MB");
        assert_eq!(scaled(82.04e6, "lines/s"), "82.0 Mlines/s");
        assert_eq!(counted(1, "host"), "1 host");
        assert_eq!(counted(1_234_567, "host"), "1234567 hosts");
    }
}
