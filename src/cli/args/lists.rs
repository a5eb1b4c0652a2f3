//! Bans as lists of others: their forms, and what is said of those that are written and read.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::{Args, ValueEnum};

/// A list of banned hosts on disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum ListFormat {
    /// One address a line.
    #[value(name = "ip.deny")]
    IpDeny,
    /// TCP wrappers: `ALL: ADDRESS`.
    #[value(name = "hosts.deny")]
    HostsDeny,
    /// Comma-separated values with a header; keeps jail, times and origin.
    #[value(name = "csv")]
    Csv,
    /// A JSON document; keeps jail, times and origin.
    #[value(name = "json")]
    Json,
    /// fail2ban's database; keeps all that fail2ban knows.
    #[value(name = "fail2ban")]
    Fail2ban,
    /// What `ipset save` prints; sets f2b-JAIL, and what is left of the time.
    #[value(name = "ipset")]
    Ipset,
    /// What `nft list` prints; sets addr-set-JAIL, and what is left of the time. Read with -j, too.
    #[value(name = "nft")]
    Nft,
    /// What `fail2ban-client banned` prints; keeps the jail.
    #[value(name = "banned")]
    Banned,
    /// What `fail2ban-client get JAIL banip --with-time` prints; keeps times. Read without --with-time, too.
    #[value(name = "banip")]
    Banip,
}

/// Arguments of `f2b export`.
#[derive(Debug, Args)]
pub struct ExportArgs {
    /// Form of the list; it may also be given as --format.
    #[arg(value_enum, value_name = "FORMAT", default_value = "ip.deny")]
    pub kind: ListFormat,
    /// Form of the list (beats FORMAT).
    #[arg(long, value_enum)]
    pub format: Option<ListFormat>,
    /// The file to write and from then on to keep up to date; lines of others stay [default: standard output, once].
    #[arg(short, long, value_name = "FILE")]
    pub output: Option<PathBuf>,
    /// Only this jail's bans.
    #[arg(short, long, value_name = "NAME")]
    pub jail: Option<String>,
}

/// Arguments of `f2b import`.
#[derive(Debug, Args)]
#[command(override_usage = "f2b import [OPTIONS] [FORMAT] FILE")]
pub struct ImportArgs {
    /// The file, or '-', and before it its form if it isn't to be known by how it begins: ip.deny, hosts.deny, csv, json,
    /// fail2ban (its database), ipset, nft, banned or banip.
    #[arg(num_args = 0..=2, value_name = "FORMAT|FILE")]
    pub operands: Vec<OsString>,
    /// Form of the list, in place of the operand.
    #[arg(long, value_enum)]
    pub format: Option<ListFormat>,
    /// The jail of hosts that the list names none for.
    #[arg(short, long, value_name = "NAME", default_value = "import")]
    pub jail: String,
    /// For how long, where the list does not say: 1d, -1 for ever.
    #[arg(short, long, value_name = "TIME", default_value = "-1", allow_hyphen_values = true)]
    pub time: String,
    /// Even this machine, whom a jail ignores, or where you are logged in from by SSH.
    #[arg(long)]
    pub force: bool,
}
