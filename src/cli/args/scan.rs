//! What is said to a scan: logs, the filter or jails, what is decided, and how all that is reported.

use std::ffi::OsString;

use clap::Args;

use super::Format;

/// Arguments of `f2b scan`.
#[expect(clippy::struct_excessive_bools, reason = "each is a switch of its own")]
#[derive(Debug, Default, Args)]
#[command(
    override_usage = "f2b scan [OPTIONS] LOG... FILTER\n       f2b scan [OPTIONS] --jail NAME [LOG]..."
)]
#[command(after_help = "\
LOG is a file, a glob, a folder, '-', a .gz .bz2 .xz .zst archive, or a literal log line.
FILTER is a path, a path below the configuration folder (filter.d/sshd.conf), a name in its filter.d with options \
('sshd[mode=aggressive]'), or a literal regular expression.

Examples:
  f2b scan /var/log/maillog filter.d/password-fail.conf
  f2b scan --dry-run '/var/log/auth.log*' 'sshd[mode=aggressive]'
  f2b scan --jail password-fail --ban
  f2b scan --jail sshd --jail postfix --ban
  f2b scan --format jsonl --failures access.log '^<HOST> .* 401 ' | jq -r .host
  f2b scan --output '<time> <ip> <F-USER>' auth.log sshd")]
pub struct ScanArgs {
    /// Logs, then the filter; with --jail: other logs than the jail's own.
    #[arg(value_name = "LOG|FILTER", allow_hyphen_values = false)]
    pub operands: Vec<OsString>,

    /// Take logs, filter and thresholds from this jail; several read a log in one pass.
    #[arg(short, long, value_name = "NAME", help_heading = "What to look for")]
    pub jail: Vec<String>,
    /// All jails that are enabled.
    #[arg(long, conflicts_with = "jail", help_heading = "What to look for")]
    pub jails: bool,
    /// Lines that match this expression are ignored (replaces the filter's; may be repeated).
    #[arg(long, value_name = "REGEX", help_heading = "What to look for")]
    pub ignoreregex: Vec<String>,
    /// How lines are dated (beats the filter's).
    #[arg(short, long, value_name = "PATTERN", help_heading = "What to look for")]
    pub datepattern: Option<String>,
    /// Encoding of the logs (overrides the jail's) [default: UTF-8].
    #[arg(short, long, value_name = "NAME", help_heading = "What to look for")]
    pub encoding: Option<String>,
    /// Keep names and ids as they are: same as --usedns raw.
    #[arg(short, long, help_heading = "What to look for")]
    pub raw: bool,
    /// Host names: yes or warn look them up, no ignores them, raw keeps them [default: raw].
    #[arg(long, value_name = "HOW", value_parser = ["yes", "warn", "no", "raw"], help_heading = "What to look for")]
    pub usedns: Option<String>,
    /// Lines that an expression may span (beats the filter's).
    #[arg(short = 'L', long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..), help_heading = "What to look for")]
    pub maxlines: Option<u32>,
    /// Stop at the first failregex that matches a line.
    #[arg(long, help_heading = "What to look for")]
    pub no_check_all: bool,

    /// Decide bans by the log's own time, with the jail's thresholds (without a jail, fail2ban's defaults); what is
    /// still in force takes effect by the jail's actions.
    #[arg(long, help_heading = "Bans")]
    pub ban: bool,
    /// Failures that cause a ban (overrides the jail's).
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..), help_heading = "Bans")]
    pub maxretry: Option<u32>,
    /// Within this time: 600, 10m, 1d12h (overrides the jail's).
    #[arg(long, value_name = "TIME", allow_hyphen_values = true, help_heading = "Bans")]
    pub findtime: Option<String>,
    /// For this long, -1 for ever (overrides the jail's).
    #[arg(long, value_name = "TIME", allow_hyphen_values = true, help_heading = "Bans")]
    pub bantime: Option<String>,

    /// Change nothing, neither the store nor the firewall.
    #[arg(short = 'n', long, help_heading = "How")]
    pub dry_run: bool,
    /// Threads [default: one a core].
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024), help_heading = "How")]
    pub threads: Option<u16>,

    /// Form of the report; jsonl prints one object a matched line.
    #[arg(long, value_enum, default_value_t, help_heading = "Output")]
    pub format: Format,
    /// With jsonl or csv: only the lines that are a failure, not context such as an accepted login.
    #[arg(long, conflicts_with = "output", help_heading = "Output")]
    pub failures: bool,
    /// Print only this of every failure: id, ip, host, msg, row, a field such as user, or a template
    /// with tags: '<time> <ip> <F-USER>'.
    #[arg(short, long, value_name = "WHAT", conflicts_with = "format", help_heading = "Output")]
    pub output: Option<String>,
    /// Every hit with its host and time; expressions and date formats without a hit, too.
    #[arg(short, long, action = clap::ArgAction::Count, help_heading = "Output")]
    pub verbose: u8,
    /// How many hosts the table of offenders shows.
    #[arg(long, value_name = "N", default_value_t = 10, help_heading = "Output")]
    pub top: usize,
    /// Print all matched lines.
    #[arg(long, help_heading = "Output")]
    pub print_all_matched: bool,
    /// Print all missed lines.
    #[arg(long, conflicts_with = "print_no_missed", help_heading = "Output")]
    pub print_all_missed: bool,
    /// Print all ignored lines.
    #[arg(long, conflicts_with = "print_no_ignored", help_heading = "Output")]
    pub print_all_ignored: bool,
    /// Print no missed line.
    #[arg(long, help_heading = "Output")]
    pub print_no_missed: bool,
    /// Print no ignored line.
    #[arg(long, help_heading = "Output")]
    pub print_no_ignored: bool,
    /// No progress bar.
    #[arg(short, long, help_heading = "Output")]
    pub quiet: bool,
}
