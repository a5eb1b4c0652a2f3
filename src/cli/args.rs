//! The command line: what the user may type, and nothing else.
//!
//! Parsing touches neither disk nor terminal; each subcommand turns its arguments into what the
//! program needs in its own file.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

/// What an exit status means, for all commands: this is where it is written down.
const EXIT_STATUS: &str = "\
Exit status:
  0    found, or done; of check: nothing but notes
  1    nothing found or to unban; of check: warnings; of restore --check: drift;
       of ping and stop: no daemon
  2    something went wrong and is told on standard error; of check: errors
  130  stopped by Ctrl-C or SIGTERM; what was stored until then stays";

/// fail2ban's job with a memory: finds password guessing in logs, keeps every match, failure and ban
/// in SQLite, and answers questions about the past.
#[derive(Debug, Parser)]
#[command(name = "f2b", version)]
#[command(after_help = format!("{EXIT_STATUS}\n\nStart with: f2b scan --dry-run /var/log/auth.log sshd"))]
pub struct Cli {
    /// Options of every command.
    #[command(flatten)]
    pub global: Global,
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// Options of every command.
#[derive(Debug, Args)]
pub struct Global {
    /// The fail2ban configuration folder.
    #[arg(
        short,
        long,
        global = true,
        env = "F2B_CONFIG",
        value_name = "DIR",
        default_value = "/etc/fail2ban",
        help_heading = "Global options"
    )]
    pub config: PathBuf,
    /// The store [default: /var/lib/f2b/f2b.sqlite3 as root, else in the XDG state folder].
    #[arg(
        long,
        global = true,
        env = "F2B_DB",
        value_name = "FILE",
        help_heading = "Global options"
    )]
    pub db: Option<PathBuf>,
    /// The daemon's socket [default: /run/f2b/f2b.sock as root, else in $XDG_RUNTIME_DIR].
    #[arg(
        long,
        global = true,
        env = "F2B_SOCKET",
        value_name = "FILE",
        help_heading = "Global options"
    )]
    pub socket: Option<PathBuf>,
    /// The time to take for the present: 2026-11-01T12:00:00+01:00, 2026-11-01, or @SECONDS.
    #[arg(long, global = true, value_name = "TIME", help_heading = "Global options")]
    pub now: Option<String>,
    /// Zone of times that name none: Europe/Rome, +01:00, UTC [default: the machine's].
    #[arg(
        long,
        allow_hyphen_values = true,
        visible_alias = "TZ",
        global = true,
        value_name = "ZONE",
        help_heading = "Global options"
    )]
    pub timezone: Option<String>,
    /// Change the store alone: bans take effect with the next restore.
    #[arg(
        long,
        env = "F2B_NO_ENFORCE",
        value_parser = clap::builder::FalseyValueParser::new(),
        global = true,
        help_heading = "Global options"
    )]
    pub no_enforce: bool,
    /// Run the commands of all actions, also of those that f2b does itself.
    #[arg(
        long,
        env = "F2B_SHELL_ACTIONS",
        value_parser = clap::builder::FalseyValueParser::new(),
        global = true,
        help_heading = "Global options"
    )]
    pub shell_actions: bool,
}

/// What f2b can do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Find the failures in logs; keep them in the store; report.
    Scan(Box<ScanArgs>),
    /// Follow the logs of all enabled jails and ban, in the foreground, until it is stopped.
    Daemon(DaemonArgs),
    /// Start the daemon in the background, or have systemd start it.
    Start(StartArgs),
    /// End the daemon and start it.
    Restart(StartArgs),
    /// Read on in the logs of all enabled jails and ban, once: for cron.
    Batch(BatchArgs),
    /// Overview of the jails, or one jail as fail2ban-client shows it.
    Status(StatusArgs),
    /// Who is banned now, and until when.
    Bans(BansArgs),
    /// All that is known of one host.
    History(HistoryArgs),
    /// Ban a host by hand.
    Ban(BanArgs),
    /// Lift a host's bans, in every place that f2b wrote them to.
    Unban(UnbanArgs),
    /// Write the banned hosts to a file that f2b keeps up to date, or to standard output.
    Export(ExportArgs),
    /// Ban the hosts of a list, or take over fail2ban's database.
    Import(ImportArgs),
    /// Make the firewall equal to the store: after a reboot, after anything.
    Restore(RestoreArgs),
    /// Take everything of f2b's out of the firewall; the store stays as it is.
    Flush(FlushArgs),
    /// Forget what is older than a year, or than --keep.
    Purge(PurgeArgs),
    /// Say everything that is wrong with the configuration, or where a jail's settings come from.
    Check(CheckArgs),
    /// What the daemon finds and bans, as it happens, until Ctrl-C.
    Watch,
    /// Ask whether the daemon is there.
    Ping,
    /// Have the daemon read the configuration again.
    Reload(ReloadArgs),
    /// End the daemon, and wait until it has.
    Stop,
    /// Make or remove the links by which this program is fail2ban-client, fail2ban-server and fail2ban-regex.
    Links(LinksArgs),
    /// Say what changing over from fail2ban would do; do it, or go back.
    Migrate(MigrateArgs),
}

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

/// Arguments of `f2b daemon`.
#[derive(Debug, Args)]
#[command(after_help = "\
Bans stay in the firewall when it ends; f2b flush takes them out.

Signals:
  HUP        reads the configuration again; goes on with the old one if the new one is broken
  USR1       opens its own log again
  TERM, INT  ends")]
pub struct DaemonArgs {
    /// Say what is wrong with the configuration, as f2b check does, and end.
    #[arg(short, long)]
    pub test: bool,
    /// Where its own log goes: a file, STDOUT, STDERR, SYSLOG, SYSTEMD-JOURNAL [default: as fail2ban.conf says].
    #[arg(long, value_name = "TARGET")]
    pub logtarget: Option<String>,
    /// What is told: CRITICAL, ERROR, WARNING, NOTICE, INFO, DEBUG [default: as fail2ban.conf says].
    #[arg(long, value_name = "LEVEL")]
    pub loglevel: Option<String>,
    /// Where fail2ban-client and other tools of fail2ban reach it: a file, or none [default: as fail2ban.conf says,
    /// unless somebody listens there].
    #[arg(long, value_name = "FILE")]
    pub fail2ban_socket: Option<PathBuf>,
    /// The socket of the system's log, or auto [default: as fail2ban.conf says].
    #[arg(long, value_name = "FILE")]
    pub syslogsocket: Option<String>,
    /// Where the number of its process stands while it runs.
    #[arg(long, value_name = "FILE")]
    pub pidfile: Option<PathBuf>,
    /// Leave the session of whoever started it: what f2b start does.
    #[arg(long, hide = true)]
    pub background: bool,
}

/// Arguments of `f2b start` and `f2b restart`.
#[derive(Debug, Args)]
#[command(after_help = "\
Comes back when the daemon is ready: the firewall is as the store says, and the logs are open.
Where systemd starts f2b.service with the machine, systemd is asked to do it, unless an option here says how.")]
pub struct StartArgs {
    /// Where its own log goes: a file, SYSLOG, SYSTEMD-JOURNAL [default: as fail2ban.conf says].
    #[arg(long, value_name = "TARGET")]
    pub logtarget: Option<String>,
    /// What is told: CRITICAL, ERROR, WARNING, NOTICE, INFO, DEBUG [default: as fail2ban.conf says].
    #[arg(long, value_name = "LEVEL")]
    pub loglevel: Option<String>,
}

/// Arguments of `f2b links`.
#[derive(Debug, Args)]
#[command(group = clap::ArgGroup::new("what").required(true))]
pub struct LinksArgs {
    /// Make them in this folder; nothing else of these names is replaced.
    #[arg(long, value_name = "DIR", group = "what")]
    pub install: Option<PathBuf>,
    /// Remove them from this folder; nothing else of these names is removed.
    #[arg(long, value_name = "DIR", group = "what")]
    pub remove: Option<PathBuf>,
    /// Replace what else has these names.
    #[arg(long, conflicts_with = "remove")]
    pub force: bool,
}

/// Arguments of `f2b migrate`.
#[derive(Debug, Args)]
#[command(after_help = "\
Without an option nothing is changed. Whoever is banned is kept out at every moment; what was interrupted goes on when \
it is run again.

Exit status: 0 if all is well, 1 if there is nothing to do, 2 if something is in the way, or went wrong.")]
pub struct MigrateArgs {
    /// Take over from fail2ban: its bans, its places in logs, its service.
    #[arg(long)]
    pub apply: bool,
    /// Give all of it back to fail2ban.
    #[arg(long, conflicts_with = "apply")]
    pub revert: bool,
    /// Make fail2ban's names for this program in this folder, too; with --revert: remove them.
    #[arg(long, value_name = "DIR")]
    pub links: Option<PathBuf>,
    /// Go on whatever is in the way, or not in force in the end.
    #[arg(long)]
    pub force: bool,
}

/// Arguments of `f2b batch`.
#[derive(Debug, Args)]
#[command(after_help = "\
Each jail goes on where it stopped. What it has never read is read back as far as its findtime.
Prints nothing if nothing was found, so that cron sends no mail.

Example, for cron:
  */5 * * * *  root  f2b batch")]
pub struct BatchArgs {
    /// Only these jails, if they are enabled.
    #[arg(value_name = "JAIL")]
    pub jails: Vec<String>,
    /// Read all of a log that was never read.
    #[arg(long)]
    pub all: bool,
}

/// Form of what is printed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// For people.
    #[default]
    Text,
    /// One document.
    Json,
    /// One object a line.
    Jsonl,
    /// Comma-separated values with a header.
    Csv,
}

/// Arguments of `f2b status`.
#[derive(Debug, Args)]
pub struct StatusArgs {
    /// The jail; without it, all of them.
    pub jail: Option<String>,
    /// All of them as one JSON document.
    #[arg(long, conflicts_with = "jail")]
    pub json: bool,
}

/// Arguments of `f2b bans`.
#[derive(Debug, Args)]
pub struct BansArgs {
    /// Only this jail's.
    #[arg(short, long, value_name = "NAME")]
    pub jail: Option<String>,
    /// Ended ones too.
    #[arg(short, long)]
    pub all: bool,
    /// Form of the list.
    #[arg(long, value_enum, default_value_t)]
    pub format: Format,
}

/// Arguments of `f2b history`.
#[derive(Debug, Args)]
pub struct HistoryArgs {
    /// An address or network, or an id as a filter names it.
    pub host: String,
    /// At most so many lines, the newest of them.
    #[arg(long, value_name = "N", default_value_t = 50)]
    pub limit: u32,
    /// Form of the list.
    #[arg(long, value_enum, default_value_t)]
    pub format: Format,
}

/// Arguments of `f2b ban`.
#[derive(Debug, Args)]
pub struct BanArgs {
    /// Addresses or networks.
    #[arg(required = true, value_name = "HOST")]
    pub hosts: Vec<String>,
    /// The jail to ban in.
    #[arg(short, long, value_name = "NAME")]
    pub jail: String,
    /// For how long: 600, 10m, 1d12h, -1 for ever [default: the jail's bantime].
    #[arg(short, long, value_name = "TIME", allow_hyphen_values = true)]
    pub time: Option<String>,
    /// Even this machine, whom the jail ignores, or where you are logged in from by SSH.
    #[arg(long)]
    pub force: bool,
}

/// Arguments of `f2b unban`.
#[derive(Debug, Args)]
pub struct UnbanArgs {
    /// Addresses or networks.
    #[arg(value_name = "HOST", required_unless_present = "all")]
    pub hosts: Vec<String>,
    /// Only in this jail.
    #[arg(short, long, value_name = "NAME")]
    pub jail: Option<String>,
    /// Every host that is banned.
    #[arg(long, conflicts_with = "hosts")]
    pub all: bool,
}

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

/// Arguments of `f2b restore`.
#[derive(Debug, Args)]
#[command(after_help = "\
Exit status: 0 if the firewall is as it ought to be by now, 1 if --check found that it is not, 2 on trouble.")]
pub struct RestoreArgs {
    /// Only for this jail.
    #[arg(value_name = "JAIL")]
    pub jail: Option<String>,
    /// Only packet filters, without the commands of actions: before there is a network.
    #[arg(long)]
    pub filters: bool,
    /// Change nothing, only say what is not as it ought to be.
    #[arg(long)]
    pub check: bool,
    /// Change nothing, only print the commands that would.
    #[arg(long, conflicts_with = "check")]
    pub dry_run: bool,
}

/// Arguments of `f2b flush`.
#[derive(Debug, Args)]
pub struct FlushArgs {
    /// Only for this jail.
    #[arg(value_name = "JAIL")]
    pub jail: Option<String>,
    /// Change nothing, only print the commands that would.
    #[arg(long)]
    pub dry_run: bool,
}

/// Arguments of `f2b reload`.
#[derive(Debug, Args)]
#[command(after_help = "\
Exit status: 0 if the daemon goes by all of the configuration, 2 if something in it is wrong, and told on standard error.")]
pub struct ReloadArgs {
    /// Only that of this jail.
    #[arg(value_name = "JAIL")]
    pub jail: Option<String>,
}

/// Arguments of `f2b purge`.
#[derive(Debug, Args)]
pub struct PurgeArgs {
    /// Keep what happened within this time.
    #[arg(
        long,
        env = "F2B_KEEP",
        value_name = "TIME",
        default_value = "1y",
        allow_hyphen_values = true
    )]
    pub keep: String,
}

/// Arguments of `f2b check`.
#[derive(Debug, Args)]
#[command(after_help = "\
Exit status: 0 if there is nothing but notes, 1 if there are warnings, 2 if there are errors.")]
pub struct CheckArgs {
    /// Look at these jails only, enabled or not.
    #[arg(value_name = "JAIL")]
    pub jails: Vec<String>,
    /// Look at jails that are not enabled too.
    #[arg(long, conflicts_with = "jails")]
    pub all: bool,
    /// Print every setting of a jail with the file and line that it comes from.
    #[arg(long, value_name = "JAIL", num_args = 0..=1)]
    pub explain: Option<Option<String>>,
    /// How to print the findings.
    #[arg(long, value_enum, default_value_t = CheckFormat::Text)]
    pub format: CheckFormat,
    /// Also say which expressions need the backtracking engine, and why.
    #[arg(short, long, action = clap::ArgAction::Count)]
    pub verbose: u8,
}

/// How findings are printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum CheckFormat {
    /// A line a finding, as compilers do.
    Text,
    /// One document; ids are stable.
    Json,
}
