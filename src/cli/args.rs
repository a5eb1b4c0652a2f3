//! The command line: what the user may type, and nothing else.
//!
//! Parsing touches neither disk nor terminal; each subcommand turns its arguments into what the
//! program needs in its own file.

mod lists;
mod scan;

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

pub use self::lists::{ExportArgs, ImportArgs, ListFormat};
pub use self::scan::ScanArgs;

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
