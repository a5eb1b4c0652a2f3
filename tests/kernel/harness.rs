//! A host with f2b and services, and a client with many addresses that wants to use them.

use std::fs;
use std::net::IpAddr;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use tempfile::TempDir;

use crate::net::{DEADLINE, Link, Server, Space, knock, mac, spaces};

/// The actions of Debian's fail2ban.
pub(crate) const ACTIONS: &str = "/etc/fail2ban/action.d";
/// The addresses of the host.
const HOST: [&str; 2] = ["203.0.113.1", "2001:db8:113::1"];
/// Those of the machine behind it.
const BEHIND: [&str; 2] = ["198.51.100.2", "2001:db8:51::2"];
/// Addresses of the client, by family.
pub(crate) const V4: &str = "203.0.113.2";
pub(crate) const V6: &str = "2001:db8:113::2";
/// The client's addresses of whom nobody bans any.
const FRIENDS: [&str; 2] = ["203.0.113.99", "2001:db8:113::99"];
/// Ports that somebody listens on.
const TCP: [u16; 7] = [22, 25, 80, 110, 2222, 8080, 8085];
const UDP: [u16; 2] = [22, 53];

/// A host with f2b, and a client.
pub(crate) struct Net {
    dir: TempDir,
    machines: Machines,
}

/// The machines: the client, the host, and one behind that.
struct Machines {
    client: Space,
    host: Space,
    _behind: Space,
    servers: [Server; 2],
}

/// What a run of f2b came to.
pub(crate) struct Ran {
    command: String,
    status: Option<i32>,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Net {
    /// With a configuration whose jails are written in `jails`. Actions are those of Debian's fail2ban, read where its
    /// package has them.
    pub(crate) fn new(jails: &str) -> Self {
        Self::of(Path::new(ACTIONS), jails)
    }

    /// The same, with the actions of another folder.
    pub(crate) fn of(actions: &Path, jails: &str) -> Self {
        let net = Self::bare();
        symlink(actions, net.path("action.d")).unwrap();
        fs::create_dir(net.path("filter.d")).unwrap();
        fs::write(net.path("filter.d/login.conf"), "[Definition]\nfailregex = ^ ?no <HOST>$\n")
            .unwrap();
        net.configure(jails);
        net
    }

    /// With an empty configuration folder.
    pub(crate) fn bare() -> Self {
        // In memory: what the disk does with a store is tested elsewhere.
        let dir = tempfile::tempdir_in("/dev/shm").unwrap();
        Self { dir, machines: Machines::new() }
    }

    /// Writes other jails.
    pub(crate) fn configure(&self, jails: &str) {
        let default =
            "[DEFAULT]\nfilter = login\nenabled = true\nlogpath = /dev/null\nbantime = 1h\n";
        fs::write(self.path("jail.conf"), format!("{default}{jails}")).unwrap();
    }

    /// Starts the machines anew: nothing is left in their kernels.
    pub(crate) fn reboot(&mut self) {
        self.machines = Machines::new();
    }

    /// Makes the system's tables, as whoever uses the tools for the first time does.
    pub(crate) fn prime(&self) {
        self.host()
            .shell("for tool in iptables ip6tables; do $tool -A INPUT; $tool -D INPUT 1; done");
    }

    /// All that the host's kernel has of packet filters, without what counts up or down.
    pub(crate) fn rules(&self) -> String {
        let count = "s/(expires|timeout) [0-9dhms]+//g; s/(packets|bytes) [0-9]+//g; s/initval [0-9a-fx]+//";
        self.host().shell(&format!("{{ nft list ruleset; ipset save; }} | sed -E '{count}'"))
    }

    /// The host's network.
    pub(crate) fn host(&self) -> &Space {
        &self.machines.host
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// The program, to be run in [`Self::host`].
    pub(crate) fn command(&self) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_f2b"));
        command.env_clear().env("F2B_CONFIG", self.dir.path()).env("F2B_DB", self.path("f2b.db"));
        command.env("F2B_SOCKET", self.path("f2b.sock"));
        command.env("TZ", "UTC").env("PATH", std::env::var_os("PATH").unwrap_or_default());
        command
    }

    /// Runs the words of `line`.
    pub(crate) fn f2b(&self, line: &str) -> Ran {
        self.ran(self.command(), line)
    }

    /// The same without the right to look at the firewall, or to change it.
    pub(crate) fn f2b_without_rights(&self, line: &str) -> Ran {
        let own = self.command();
        let mut command = Command::new("setpriv");
        command.args(["--bounding-set", "-net_admin"]).arg(own.get_program()).env_clear();
        command.envs(own.get_envs().filter_map(|(name, value)| Some((name, value?))));
        self.ran(command, line)
    }

    fn ran(&self, mut command: Command, line: &str) -> Ran {
        let output = self.host().output(command.args(line.split_whitespace()));
        Ran {
            command: line.to_owned(),
            status: output.status.code(),
            out: String::from_utf8(output.stdout).unwrap(),
            err: String::from_utf8(output.stderr).unwrap(),
        }
    }

    /// Runs the words of `line`, which has to end well.
    #[track_caller]
    pub(crate) fn does(&self, line: &str) -> Ran {
        self.f2b(line).exits(0)
    }

    /// Whether one of the client's addresses gets a connection to a port.
    #[track_caller]
    pub(crate) fn lets_in(&self, from: &str, port: u16) -> bool {
        self.answers(from, port) == Some(true)
    }

    /// The same, and `None` if there is no answer, neither that one can come in nor that one can't.
    #[track_caller]
    pub(crate) fn answers(&self, from: &str, port: u16) -> Option<bool> {
        self.machines.ask(HOST, from, port, Duration::ZERO)
    }

    /// Whether one of the client's addresses is told that it can't connect. The first such answer comes too soon to be
    /// more than a hint to the client's kernel, which asks again after a second.
    #[track_caller]
    pub(crate) fn refuses(&self, from: &str, port: u16) -> bool {
        self.machines.ask(HOST, from, port, DEADLINE) == Some(false)
    }

    /// Whether the host passes on what one of the client's addresses wants of a port of the machine behind it.
    #[track_caller]
    pub(crate) fn passes(&self, from: &str, port: u16) -> bool {
        self.machines.ask(BEHIND, from, port, Duration::ZERO) == Some(true)
    }

    /// Sends what asks for a connection to a port, and waits for no answer.
    pub(crate) fn knock(&self, from: &str, port: u16) {
        let [from, _, to] = ends(HOST, from);
        self.machines.client.inside(|| knock(from, (to, port).into()));
    }

    /// A connection of one of the client's addresses to a port.
    #[track_caller]
    pub(crate) fn link(&self, from: &str, port: u16) -> Link {
        self.machines.link(HOST, from, port)
    }

    /// A connection of one of the client's addresses to a port of the machine behind the host.
    #[track_caller]
    pub(crate) fn link_behind(&self, from: &str, port: u16) -> Link {
        self.machines.link(BEHIND, from, port)
    }

    /// Whether a datagram of one of the client's addresses arrives at a port.
    #[track_caller]
    pub(crate) fn hears(&self, from: &str, port: u16) -> bool {
        let Machines { client, servers: [server, _], .. } = &self.machines;
        let [from, friend, to] = ends(HOST, from);
        server.is_heard(client, from, friend, (to, port).into())
    }
}

impl Ran {
    /// Asserts the exit status; shows everything if it is another.
    #[track_caller]
    pub(crate) fn exits(self, status: i32) -> Self {
        let Self { command, out, err, .. } = &self;
        assert_eq!(self.status, Some(status), "{command}\n--- out\n{out}\n--- err\n{err}");
        self
    }
}

impl Machines {
    fn new() -> Self {
        let clients =
            (2..8).chain([99]).map(|last| interface(0, "203.0.113", "2001:db8:113", last));
        let route = |[v4, v6]: [&str; 2]| {
            format!("route add default via {v4}\nroute add default via {v6}\n")
        };
        let [client, host, behind] = spaces(
            &[[0, 1], [1, 2]],
            [
                clients.collect::<Vec<_>>().concat() + &known(1, 1) + &route(HOST),
                interface(0, "203.0.113", "2001:db8:113", 1)
                    + &(2..8).chain([99]).map(|last| known(0, last)).collect::<Vec<_>>().concat()
                    + &interface(1, "198.51.100", "2001:db8:51", 1),
                interface(1, "198.51.100", "2001:db8:51", 2)
                    + &route(["198.51.100.1", "2001:db8:51::1"]),
            ],
        );
        host.inside(|| {
            for family in ["ipv4", "ipv6"] {
                fs::write(format!("/proc/sys/net/{family}/conf/all/forwarding"), "1").unwrap();
            }
        });
        let servers = [&host, &behind].map(|space| Server::new(space, &TCP, &UDP));
        Self { client, host, _behind: behind, servers }
    }

    #[track_caller]
    fn ask(&self, whom: [&str; 2], from: &str, port: u16, patience: Duration) -> Option<bool> {
        let server = &self.servers[usize::from(whom == BEHIND)];
        let [from, friend, to] = ends(whom, from);
        server.answer(&self.client, from, friend, (to, port).into(), patience)
    }
}

impl Machines {
    #[track_caller]
    fn link(&self, whom: [&str; 2], from: &str, port: u16) -> Link {
        let server = &self.servers[usize::from(whom == BEHIND)];
        let [from, _, to] = ends(whom, from);
        Link::new(&self.client, from, server, (to, port).into())
    }
}

/// The lines of `ip` that give an end of a cable its addresses, without asking whether somebody else has them.
fn interface(cable: u8, v4: &str, v6: &str, last: u8) -> String {
    format!(
        "addr add {v4}.{last}/24 dev f2b{cable}\naddr add {v6}::{last}/64 dev f2b{cable} nodad\n\
         link set f2b{cable} up\nlink set lo up\n"
    )
}

/// The lines of `ip` that say who has an address of the first cable, so that nobody waits for being told.
fn known(space: usize, last: u8) -> String {
    let mac = mac(space);
    format!(
        "neigh add 203.0.113.{last} lladdr {mac} dev f2b0\n\
         neigh add 2001:db8:113::{last} lladdr {mac} dev f2b0\n"
    )
}

/// Who asks, who asks as well, and whom.
fn ends(whom: [&str; 2], from: &str) -> [IpAddr; 3] {
    let from: IpAddr = from.parse().unwrap();
    let family = usize::from(from.is_ipv6());
    [from, FRIENDS[family].parse().unwrap(), whom[family].parse().unwrap()]
}
