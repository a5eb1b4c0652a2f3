//! fail2ban's server, by its socket.

use std::io;
use std::path::Path;
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;
use rustix::process::{Pid, PidfdFlags, pidfd_open};

use crate::cli::compat::client::connection::{Connection, NoContact};
use crate::compat::Value;

/// Who has not answered by then is stuck. A server that starts many jails takes its time.
const ANSWER_WITHIN: Duration = Duration::from_secs(30);
/// So long a server may take to lift its bans: it runs commands for each.
const GONE_WITHIN: Duration = Duration::from_mins(10);

/// A server that answers.
#[derive(Debug)]
pub(super) struct Server {
    /// Its process.
    pub(super) pid: u32,
    /// Its version.
    pub(super) version: String,
    /// Whom each of its jails bans.
    pub(super) jails: Vec<(String, Vec<String>)>,
}

impl Server {
    /// Who answers at `socket`; `None` if nobody does.
    pub(super) fn at(socket: &Path) -> Result<Option<Self>, NoContact> {
        let server = match Connection::open(socket, Some(ANSWER_WITHIN)) {
            Err(NoContact::Missing(_)) => return Ok(None),
            Err(NoContact::System(error)) if error.kind() == io::ErrorKind::ConnectionRefused => {
                return Ok(None);
            }
            server => server?,
        };
        let pid = server.peer()?;
        drop(server);
        let version = match ask(socket, &["version"])? {
            Value::Text(version) => version,
            _ => String::new(),
        };
        let jails = banned(&ask(socket, &["banned"])?);
        Ok(Some(Self { pid, version, jails }))
    }

    /// How many it bans.
    pub(super) fn banned(&self) -> u64 {
        self.jails.iter().map(|(_, hosts)| hosts.len() as u64).sum()
    }

    /// Tells it to end, as fail2ban-client does, and waits until it has; `false` if it takes too long.
    pub(super) fn stop(&self, socket: &Path) -> Result<bool, NoContact> {
        ask(socket, &["stop"])?;
        Ok(self.ends_within(GONE_WITHIN)?)
    }

    /// Whether it ends within that time.
    pub(super) fn ends_within(&self, time: Duration) -> io::Result<bool> {
        ends_within(self.pid, time)
    }
}

/// Whether a process ends within that time.
pub(super) fn ends_within(pid: u32, time: Duration) -> io::Result<bool> {
    let pid = i32::try_from(pid).ok().and_then(Pid::from_raw);
    let process = match pid.map(|pid| pidfd_open(pid, PidfdFlags::empty())) {
        None | Some(Err(Errno::SRCH)) => return Ok(true),
        Some(process) => process?,
    };
    let mut fds = [PollFd::new(&process, PollFlags::IN)];
    let limit = Timespec::try_from(time).ok();
    match poll(&mut fds, limit.as_ref()) {
        Err(Errno::INTR) => Ok(false),
        ended => Ok(ended? > 0),
    }
}

/// What a request is answered with, without the word that all is well.
fn ask(socket: &Path, words: &[&str]) -> Result<Value, NoContact> {
    let request = Value::List(words.iter().map(|word| Value::from(*word)).collect());
    let reply = Connection::open(socket, Some(ANSWER_WITHIN))?.ask(&request)?;
    Ok(match reply {
        Value::Tuple(mut parts) | Value::List(mut parts) => parts.pop().unwrap_or(Value::None),
        other => other,
    })
}

/// `[{'sshd': ['192.0.2.1']}, {'mail': []}]`.
fn banned(reply: &Value) -> Vec<(String, Vec<String>)> {
    let Value::List(jails) = reply else { return Vec::new() };
    let pairs = jails.iter().filter_map(|jail| match jail {
        Value::Dict(pairs) => Some(pairs),
        _ => None,
    });
    let text = |host: &Value| match host {
        Value::Text(host) => Some(host.clone()),
        _ => None,
    };
    let hosts = |hosts: &Value| match hosts {
        Value::List(hosts) => hosts.iter().filter_map(text).collect(),
        _ => Vec::new(),
    };
    let named = |(name, of): &(Value, Value)| Some((text(name)?, hosts(of)));
    pairs.flatten().filter_map(named).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_server_says_of_bans_is_counted() {
        let hosts = |hosts: &[&str]| Value::List(hosts.iter().map(|host| (*host).into()).collect());
        let jail = |name: &str, of: &[&str]| Value::Dict(vec![(name.into(), hosts(of))]);
        let reply = Value::List(vec![jail("sshd", &["192.0.2.1", "2001:db8::1"]), jail("m", &[])]);
        let two = vec!["192.0.2.1".to_owned(), "2001:db8::1".to_owned()];
        assert_eq!(banned(&reply), [("sshd".to_owned(), two), ("m".to_owned(), vec![])]);
        assert_eq!(banned(&Value::None), []);
    }
}
