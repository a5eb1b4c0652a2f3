//! A host with f2b and fail2ban's server on the same configuration.

use std::fs;
use std::process::{Child, Command, Stdio};

use crate::harness::{Daemon, Host};
use crate::net::eventually;

/// Jails whose bans do nothing: of two servers on one machine each would mend the other's.
pub(crate) const JAILS: &str = "action = note\nbackend = polling\nusedns = no\n\
                                [mail]\nlogpath = LOG/mail\n[door]\nlogpath = LOG/door\n";

/// Where a server listens.
pub(crate) const OURS: &str = "ours.sock";
pub(crate) const THEIRS: &str = "theirs.sock";

/// What a client has come to.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Said {
    pub(crate) status: Option<i32>,
    pub(crate) out: String,
    /// Without times and numbers of processes.
    pub(crate) err: String,
}

/// fail2ban's server; it is killed when this goes.
pub(crate) struct Theirs(Child);

pub(crate) fn host() -> Host {
    let host = Host::new(JAILS);
    for log in ["mail", "door"] {
        fs::write(host.log(log), "").unwrap();
    }
    let note = "[Definition]\nactionban = true\nactionunban = true\n";
    fs::write(host.path("action.d/note.conf"), note).unwrap();
    configure(&host, "default.sock");
    host
}

/// Writes a fail2ban.conf that names a socket.
pub(crate) fn configure(host: &Host, socket: &str) {
    let dir = host.path("").display().to_string();
    let conf = format!(
        "[Definition]\nloglevel = INFO\nlogtarget = {dir}/fail2ban.log\nsyslogsocket = auto\n\
         socket = {dir}/{socket}\npidfile = {dir}/fail2ban.pid\ndbfile = None\ndbpurgeage = 1d\nallowipv6 = auto\n"
    );
    fs::write(host.path("fail2ban.conf"), conf).unwrap();
}

/// f2b, at [`OURS`].
pub(crate) fn ours(host: &Host) -> Daemon {
    host.start_with(|command| {
        command.arg("--fail2ban-socket").arg(host.path(OURS));
    })
}

/// fail2ban's server, at a socket.
pub(crate) fn theirs(host: &Host, socket: &str) -> Theirs {
    let mut command = Command::new("fail2ban-server");
    command.arg("-c").arg(host.path("")).arg("-s").arg(host.path(socket));
    command.args(["-f", "start"]).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    let server = Theirs(host.host().inside(|| command.spawn().unwrap()));
    eventually("fail2ban's server answers", || {
        let said = client(host, socket, &["status"]);
        said.status == Some(0) && said.out.contains("mail")
    });
    server
}

/// What `fail2ban-client` says.
pub(crate) fn client(host: &Host, socket: &str, words: &[&str]) -> Said {
    let mut command = Command::new("fail2ban-client");
    command.arg("-c").arg(host.path("")).arg("-s").arg(host.path(socket)).args(words);
    let output = host.host().output(&mut command);
    let err = String::from_utf8(output.stderr).unwrap();
    // `2026-11-26 02:35:57,392 fail2ban                [18464]: ERROR   NOK: …`
    let bare = |line: &str| line.split_once("]: ").map_or(line, |(_, text)| text).to_owned();
    Said {
        status: output.status.code(),
        out: String::from_utf8(output.stdout).unwrap(),
        err: err.lines().map(bare).collect::<Vec<_>>().join("\n"),
    }
}

impl Drop for Theirs {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
