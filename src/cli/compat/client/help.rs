//! Help of fail2ban-client and fail2ban-server, as far as this program is them.

use super::super::Face;

/// The version of fail2ban that this program answers to.
pub(super) const VERSION: &str = "1.0.2";

const OPTIONS: &str = "\
Options:
    -c, --conf DIR          the configuration folder [default: /etc/fail2ban]
    -s, --socket FILE       where the server listens
    -p, --pidfile FILE      where the server notes its process
    --loglevel LEVEL        how much the server's log tells
    --logtarget TARGET      where the server's log goes: a file, STDOUT, STDERR,
                            SYSLOG, SYSTEMD-JOURNAL
    --syslogsocket FILE     the socket of the system's log, or auto
    -d, --dp, --dump-pretty show the configuration as commands
    -t, --test              try the configuration
    -i                      read commands from standard input
    -v, -q                  tell more, tell less
    -f, -b                  start the server in the foreground, the background
    --timeout TIME          how long a start or a stop may take [default: 30s]
    --str2sec TIME          show a time in seconds
    -h, --help              this text
    -V, --version           the version of fail2ban that this stands for
";

const COMMANDS: &str = "
Server:
    start                   start the server
    restart                 stop it and start it
    reload [--restart] [--unban] [--if-exists] [JAIL]
                            read the configuration again
    stop                    stop the server
    ping [SECS]             ask whether it answers
    status, banned, version what it does, whom it keeps out, what it is
    unban --all | IP...     lift bans in all jails
    flushlogs               open the log again
    get|set loglevel, logtarget, syslogsocket, dbfile, dbpurgeage, dbmaxmatches

Jails:
    add JAIL [BACKEND], start JAIL, stop JAIL
    status JAIL [FLAVOR]    what it found and whom it banned
    get JAIL NAME           NAME: actions, banip, banned, bantime, datepattern,
                            failregex, findtime, ignoreip, ignoreregex, journalmatch,
                            logencoding, logpath, maxretry, usedns
    set JAIL NAME VALUE     the same, and addfailregex, delfailregex, addignoreip,
                            delignoreip, addlogpath, dellogpath, attempt, banip,
                            unbanip, idle

Actions:
    get JAIL action NAME PROPERTY
    set JAIL action NAME PROPERTY VALUE
    set JAIL addaction|delaction NAME

What this program does differently: docs/fail2ban-client.md.
";

/// Two lines about what all this is, of which the first names the version.
pub(super) fn banner() -> String {
    format!(
        "f2b {} in the place of Fail2Ban v{VERSION}: reads logs, finds who guesses\n\
         passwords, and keeps them out.\n",
        env!("CARGO_PKG_VERSION")
    )
}

/// All of it.
pub(super) fn text(face: Face) -> String {
    let name = face.name();
    let (command, commands) =
        if face == Face::Client { (" <COMMAND>", COMMANDS) } else { ("", "") };
    format!("Usage: {name} [OPTIONS]{command}\n\n{}\n{OPTIONS}{commands}", banner())
}
