//! What somebody else wrote into the file of a list of hosts, which stays as it is.
//!
//! A file that holds nothing but f2b's own lines holds nothing but hosts. As soon as there are other lines, those of
//! f2b stand between two comments, and only what stands there is f2b's: a hand-made line of a host that f2b bans too
//! outlives that ban.

use std::collections::HashSet;
use std::io::{self, BufRead, Read, Seek, Write};
use std::ops::RangeInclusive;

use super::{Format, LIST_MAX_BYTES, plain};
use crate::model::Addr;

/// How the line before f2b's own begins; what follows is for people.
const BEGIN: &str = "# f2b: begin";
const BEGIN_NOTE: &str = "; what stands before 'f2b: end' is rewritten when bans change";
/// How the line behind them begins.
const END: &str = "# f2b: end";

/// The lines of a file that are not f2b's.
#[derive(Debug, Default)]
pub struct Others {
    before: Vec<u8>,
    after: Vec<u8>,
    /// Hosts that they name as f2b would: those need not stand in the list twice.
    hosts: HashSet<Addr>,
    lines: u64,
}

impl Others {
    /// Those of a file, from its beginning, in a format of [hosts only](Format::holds_hosts_only).
    ///
    /// Between f2b's comments, lines that name a host are its own. Where there are no such comments, `is_own` says
    /// of a line that names a host as f2b does whether it is f2b's.
    ///
    /// # Errors
    ///
    /// Reading fails, there is more than [`LIST_MAX_BYTES`] of it, or `is_own` fails.
    pub fn read<E: From<io::Error>>(
        format: Format,
        mut from: impl BufRead + Seek,
        mut is_own: impl FnMut(Addr) -> Result<bool, E>,
    ) -> Result<Self, E> {
        from.rewind()?;
        let blocks = blocks(&mut from)?;
        from.rewind()?;
        let mut others = Self::default();
        let mut line = Vec::new();
        let mut number = 0;
        while next_line(&mut from, &mut line)? {
            number += 1;
            let host = entry(&line);
            let is_own = match host {
                _ if blocks.iter().any(|block| block.contains(&number)) => {
                    host.is_some() || is_marker(&line)
                }
                Some((_, host)) if blocks.is_empty() => is_own(host)?,
                _ => false,
            };
            if !is_own {
                let is_after = blocks.first().is_some_and(|block| *block.start() < number);
                let host = host.filter(|(form, _)| *form == format).map(|(_, host)| host);
                others.add(&line, host, is_after)?;
            }
        }
        Ok(others)
    }

    /// How many lines that is.
    pub fn lines(&self) -> u64 {
        self.lines
    }

    pub(super) fn names(&self, host: Addr) -> bool {
        self.hosts.contains(&host)
    }

    /// Writes what stands before f2b's lines.
    pub(super) fn begin(&self, out: &mut dyn Write) -> io::Result<()> {
        if self.lines == 0 {
            return Ok(());
        }
        out.write_all(&self.before)?;
        if !self.before.is_empty() && !self.before.ends_with(b"\n") {
            writeln!(out)?;
        }
        // To TCP wrappers, a line that ends in a backslash goes on in the next one.
        if self.before.trim_ascii_end().ends_with(b"\\") && !self.before.ends_with(b"\n\n") {
            writeln!(out)?;
        }
        writeln!(out, "{BEGIN}{BEGIN_NOTE}")
    }

    /// Writes what stands behind them.
    pub(super) fn end(&self, out: &mut dyn Write) -> io::Result<()> {
        if self.lines == 0 {
            return Ok(());
        }
        writeln!(out, "{END}")?;
        out.write_all(&self.after)
    }

    fn add(&mut self, line: &[u8], host: Option<Addr>, is_after: bool) -> io::Result<()> {
        let part = if is_after { &mut self.after } else { &mut self.before };
        part.extend_from_slice(line);
        self.hosts.extend(host);
        self.lines += 1;
        if (self.before.len() + self.after.len()) as u64 > LIST_MAX_BYTES {
            return Err(io::Error::other(super::ListError::TooLong.to_string()));
        }
        Ok(())
    }
}

/// The lines of f2b's blocks, from 1, its comments among them. A block whose end was deleted ends with its hosts.
fn blocks(from: &mut impl BufRead) -> io::Result<Vec<RangeInclusive<u64>>> {
    let mut found = Vec::new();
    let mut open: Option<(u64, u64)> = None;
    let mut line = Vec::new();
    let mut number = 0;
    while next_line(from, &mut line)? {
        number += 1;
        if line.starts_with(BEGIN.as_bytes()) {
            found.extend(open.replace((number, number)).map(|(first, last)| first..=last));
        } else if line.starts_with(END.as_bytes()) {
            found.extend(open.take().map(|(first, _)| first..=number));
        } else if let Some((_, last)) = &mut open
            && *last + 1 == number
            && entry(&line).is_some()
        {
            *last = number;
        }
    }
    found.extend(open.map(|(first, last)| first..=last));
    Ok(found)
}

/// The host of a line that is written exactly as f2b writes it, in one of the two forms: the list may have had the
/// other one before.
fn entry(line: &[u8]) -> Option<(Format, Addr)> {
    let text = std::str::from_utf8(line).ok()?.trim_end_matches(['\r', '\n']);
    let (format, spell, host): (_, fn(Addr) -> String, _) = match text.strip_prefix("ALL: ") {
        Some(host) => (Format::HostsDeny, plain::in_hosts_deny, host),
        None => (Format::IpDeny, plain::in_ip_deny, text),
    };
    let host: Addr = host.replace(['[', ']'], "").parse().ok()?;
    (spell(host) == text).then_some((format, host))
}

fn is_marker(line: &[u8]) -> bool {
    line.starts_with(BEGIN.as_bytes()) || line.starts_with(END.as_bytes())
}

/// Reads a line with its end; `false` at the end of all.
fn next_line(from: &mut impl BufRead, line: &mut Vec<u8>) -> io::Result<bool> {
    line.clear();
    Ok(from.by_ref().take(LIST_MAX_BYTES + 1).read_until(b'\n', line)? > 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parts(text: &str, own: &[&str]) -> (String, String) {
        let is_own = |host: Addr| Ok::<_, io::Error>(own.contains(&host.to_string().as_str()));
        let read = Others::read(Format::HostsDeny, io::Cursor::new(text), is_own);
        let Others { before, after, .. } = read.expect("memory");
        (String::from_utf8(before).expect("text"), String::from_utf8(after).expect("text"))
    }

    fn pair(before: &str, after: &str) -> (String, String) {
        (before.to_owned(), after.to_owned())
    }

    #[test]
    fn without_a_block_it_is_asked_whose_a_line_is() {
        let text = "ALL: 192.0.2.1\r\nALL: 192.0.2.2\nALL:192.0.2.1\nsshd: 192.0.2.1\n# f2b\n";
        let theirs = "ALL: 192.0.2.2\nALL:192.0.2.1\nsshd: 192.0.2.1\n# f2b\n";
        assert_eq!(parts(text, &["192.0.2.1"]), pair(theirs, ""));
    }

    #[test]
    fn in_a_block_only_hosts_are_its_own() {
        let text = "a\n# f2b: begin, or so\n192.0.2.9\nb\nALL: [2001:db8::]/32\n# f2b: end\n\
                    ALL: 192.0.2.1";
        assert_eq!(parts(text, &["192.0.2.1"]), pair("a\n", "b\nALL: 192.0.2.1"));
    }

    #[test]
    fn a_block_without_an_end_ends_with_its_hosts() {
        let text = "# f2b: begin\nALL: 192.0.2.1\nb\nALL: 192.0.2.1\n";
        assert_eq!(parts(text, &["192.0.2.1"]), pair("", "b\nALL: 192.0.2.1\n"));
    }

    #[test]
    fn a_line_that_goes_on_does_not_go_on_with_what_f2b_writes() {
        let read = |text: &[u8]| {
            Others::read(Format::HostsDeny, io::Cursor::new(text), |_| Ok::<_, io::Error>(false))
                .expect("memory")
        };
        let mut text = b"sshd: 192.0.2.1 \\".to_vec();
        for _ in 0..2 {
            let others = read(&text);
            text.clear();
            others.begin(&mut text).expect("memory");
            others.end(&mut text).expect("memory");
            let head = format!("sshd: 192.0.2.1 \\\n\n{BEGIN}{BEGIN_NOTE}\n{END}\n");
            assert_eq!(String::from_utf8_lossy(&text), head);
        }
    }
}
