//! The cover: a table of nftables that keeps out everyone who is banned while what keeps them out changes hands.
//!
//! f2b's sets and chains have the names that fail2ban's have, so neither can lift its own without lifting the other's,
//! and actions that run commands leave nothing to tell them apart by. The cover stands before both. It is there for
//! seconds; whatever becomes of this process, its elements end by themselves.

use std::fmt::Write as _;
use std::io::{self, Write as _};
use std::process::{Command, Stdio};

use crate::model::{Addr, Family};

/// Its table. The name is none that fail2ban or f2b have.
pub(super) const TABLE: &str = "f2b-migrate";
/// So long it lasts.
pub(super) const MINUTES: u32 = 10;

/// nft can't, or doesn't.
#[derive(Debug, thiserror::Error)]
pub(super) enum NotCovered {
    /// It can't be run.
    #[error("nft can't be run ({0}); install nftables")]
    Missing(io::Error),
    /// What it said.
    #[error("nft: {0}")]
    Refused(String),
}

/// Whether there is one, be it that its elements have ended.
pub(super) fn is_there() -> Result<bool, NotCovered> {
    let mut nft = Command::new("nft");
    let output = nft.args(["list", "tables"]).output().map_err(NotCovered::Missing)?;
    if !output.status.success() {
        return Err(refused(&output.stderr));
    }
    let tables = String::from_utf8_lossy(&output.stdout);
    Ok(tables.lines().any(|line| line == format!("table inet {TABLE}")))
}

/// Keeps out `hosts`, and nobody else any more.
pub(super) fn raise(hosts: Vec<Addr>) -> Result<(), NotCovered> {
    nft(&script(hosts))
}

/// Takes it away.
pub(super) fn lower() -> Result<(), NotCovered> {
    nft(&format!("add table inet {TABLE}\ndelete table inet {TABLE}\n"))
}

/// One transaction, in place of the table that may be there.
fn script(mut hosts: Vec<Addr>) -> String {
    // A set of networks takes none that is within another.
    hosts.sort_unstable_by_key(|host| (host.ip(), host.prefix()));
    let mut disjoint: Vec<Addr> = Vec::with_capacity(hosts.len());
    for host in hosts {
        if !disjoint.last().is_some_and(|last| last.contains(host)) {
            disjoint.push(host);
        }
    }
    let mut script =
        format!("add table inet {TABLE}\ndelete table inet {TABLE}\nadd table inet {TABLE}\n");
    let hook = "{ type filter hook prerouting priority -300; }";
    let _ = writeln!(script, "add chain inet {TABLE} keep-out {hook}");
    for (family, kind, word) in
        [(Family::Inet4, "ipv4_addr", "ip"), (Family::Inet6, "ipv6_addr", "ip6")]
    {
        for (set, flags) in [("hosts", "timeout"), ("nets", "interval, timeout")] {
            let of = |host: &&Addr| host.family() == family && host.is_host() == (set == "hosts");
            let elements: Vec<_> = disjoint.iter().filter(of).map(ToString::to_string).collect();
            let set = format!("{set}-{word}");
            let options = format!("type {kind}; flags {flags}; timeout {MINUTES}m;");
            let _ = writeln!(script, "add set inet {TABLE} {set} {{ {options} }}");
            let _ = writeln!(script, "add rule inet {TABLE} keep-out {word} saddr @{set} drop");
            if !elements.is_empty() {
                let elements = elements.join(", ");
                let _ = writeln!(script, "add element inet {TABLE} {set} {{ {elements} }}");
            }
        }
    }
    script
}

fn nft(script: &str) -> Result<(), NotCovered> {
    let mut nft = Command::new("nft");
    nft.args(["-f", "-"]).stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::piped());
    let mut nft = nft.spawn().map_err(NotCovered::Missing)?;
    let written = nft.stdin.take().map(|mut stdin| stdin.write_all(script.as_bytes()));
    let output = nft.wait_with_output().map_err(NotCovered::Missing)?;
    if !output.status.success() {
        return Err(refused(&output.stderr));
    }
    written.transpose().map_err(NotCovered::Missing)?;
    Ok(())
}

fn refused(said: &[u8]) -> NotCovered {
    let said = String::from_utf8_lossy(said);
    NotCovered::Refused(said.lines().next().unwrap_or("ended without a word").to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_network_takes_in_those_within_it_and_hosts_stand_by_themselves() {
        let hosts = ["198.51.100.7", "198.51.100.0/24", "203.0.113.2", "2001:db8::7"];
        let script = script(hosts.map(|host| host.parse().unwrap()).to_vec());
        let elements: Vec<_> =
            script.lines().filter_map(|line| line.strip_prefix("add element inet ")).collect();
        assert_eq!(
            elements,
            [
                "f2b-migrate hosts-ip { 203.0.113.2 }",
                "f2b-migrate nets-ip { 198.51.100.0/24 }",
                "f2b-migrate hosts-ip6 { 2001:db8::7 }",
            ]
        );
    }
}
