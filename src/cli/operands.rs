//! Which of a scan's operands are logs, and which of them is the filter.
//!
//! The filter comes last, as with fail2ban-regex; with grep, the expression comes first. Where names alone leave no
//! doubt, f2b takes either.

use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::path::Path;

use super::{Error, warn};
use crate::source::{self, Log, LogKind};
use crate::text::shown;

/// Tags without which an expression would identify nobody; a log line has none.
const ID_TAGS: [&str; 9] =
    ["<HOST>", "<ADDR>", "<IP4>", "<IP6>", "<DNS>", "<SUBNET>", "<CIDR>", "<F-ID>", "(?P<host>"];

/// A filter's file says what it is before this many bytes.
const HEAD_BYTES: u64 = 64 << 10;

/// The filter, and the logs before or behind it: paths are whatever bytes they are. `has_filter` knows the filters of the configuration by name or path.
pub(super) fn split(
    operands: &[OsString],
    has_filter: impl Fn(&str) -> bool,
) -> Result<(&OsStr, Vec<OsString>), Error> {
    let (last, others) = operands.split_last().ok_or(Error::NoOperands)?;
    let is_filter =
        last.to_str().is_some_and(&has_filter) || is_expression(last) || is_filter_file(last);
    if is_filter || !is_log(last) {
        return match others {
            [] => Err(Error::NoLog(last.to_string_lossy().into_owned())),
            logs => Ok((last, logs.to_vec())),
        };
    }
    let mut filters = others.iter().filter(|text| is_filter_only(text, &has_filter));
    let (Some(filter), None) = (filters.next(), filters.next()) else {
        return Err(Error::NoFilter(last.to_string_lossy().into_owned()));
    };
    warn(&format!(
        "f2b: '{}' is taken for the filter, though it comes before a log",
        shown(&filter.to_string_lossy())
    ));
    let logs = operands.iter().filter(|text| *text != filter).cloned();
    Ok((filter, logs.collect()))
}

/// The operand that is a filter where all should be logs.
pub(super) fn stray_filter(
    operands: &[OsString],
    has_filter: impl Fn(&str) -> bool,
) -> Option<&OsString> {
    operands.iter().find(|text| is_filter_only(text, &has_filter))
}

/// Whether it is a filter and can't be meant as a log.
fn is_filter_only(operand: &OsStr, has_filter: impl Fn(&str) -> bool) -> bool {
    let is_filter = || operand.to_str().is_some_and(has_filter) || is_expression(operand);
    is_filter_file(operand) || (is_filter() && !is_log(operand))
}

fn is_expression(operand: &OsStr) -> bool {
    let text = operand.to_string_lossy();
    ID_TAGS.iter().any(|tag| text.contains(tag))
}

/// Whether there are files of that name: nothing says what a log looks like.
fn is_log(operand: &OsStr) -> bool {
    let is_named = |log: &Log| !matches!(log.kind, LogKind::Literal(_));
    source::expand(&[operand]).is_ok_and(|logs| logs.iter().any(is_named))
}

fn is_filter_file(operand: &OsStr) -> bool {
    let path = Path::new(operand);
    let Some(file) = path.is_file().then(|| File::open(path).ok()).flatten() else { return false };
    let lines = BufReader::new(file.take(HEAD_BYTES)).split(b'\n');
    let is_header =
        |line: Vec<u8>| [b"[Definition]".as_slice(), b"[INCLUDES]"].contains(&line.trim_ascii());
    lines.map_while(Result::ok).any(is_header)
}
