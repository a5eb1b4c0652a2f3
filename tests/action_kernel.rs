//! Stock packet filter actions against the real kernel, in a network namespace of their own: what remains of them after
//! crashes, flushes by others and changed configurations.

#![expect(clippy::unwrap_used, reason = "a test ends where its helper fails")]

#[path = "netlink/rerun.rs"]
mod rerun;

use std::fs;
use std::process::Command;

use f2b::config::Config;
use f2b::enforce::action::{
    Action, Counters, Family, Flushed, Moment, Shell, State, Steps, Ticket,
};
use f2b::model::{BanTime, Host, Time};

use self::rerun::rerun;

const ACTIONS: [&str; 3] = ["iptables-multiport", "nftables-multiport", "iptables-ipset-proto6"];
const HOSTS: [&str; 3] = ["192.0.2.1", "192.0.2.2", "2001:db8::1"];
const INSIDE: &str = "F2B_TEST_IN_NAMESPACE";

/// Runs the test `body` in a network namespace of its own.
fn in_namespace<F: FnOnce()>(body: F) {
    if let Some(outside) = std::env::var_os(INSIDE) {
        let own = fs::read_link("/proc/self/ns/net").unwrap();
        // What follows empties the firewall of where it runs.
        assert!(outside.to_string_lossy().starts_with("net:[") && outside != own.as_os_str());
    }
    rerun(INSIDE, &["unshare", "--map-root-user", "--net", "--"], body);
}

fn shell(command: &str) -> String {
    let output = Command::new("/bin/sh").args(["-c", command]).output().unwrap();
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// Everything that the kernel has of packet filters.
fn rules() -> String {
    shell("{ iptables-save; ip6tables-save; ipset list; nft list ruleset; } 2>/dev/null")
}

/// How often a text stands in the listing of what the action made.
fn times(text: &str, action: &str) -> usize {
    let listing = match action {
        "iptables-multiport" => "iptables-save; ip6tables-save",
        "nftables-multiport" => "nft list table inet f2b-table",
        _ => "ipset list; iptables-save; ip6tables-save",
    };
    let listing = shell(&format!("{{ {listing}; }} 2>/dev/null"));
    let words = listing.split(|c: char| c.is_whitespace() || c == ',');
    words.filter(|word| word.split('/').next() == Some(text)).count()
}

/// An action of a jail with a port, and what it has done.
struct Scene {
    dir: tempfile::TempDir,
    name: &'static str,
    action: Action,
    state: State,
    shell: Shell,
}

impl Scene {
    fn new(name: &'static str) -> Self {
        shell(
            "iptables -F; iptables -X; ip6tables -F; ip6tables -X; nft flush ruleset; ipset destroy",
        );
        let dir = tempfile::tempdir().unwrap();
        fs::create_dir(dir.path().join("filter.d")).unwrap();
        fs::write(dir.path().join("filter.d/f.conf"), "[Definition]\nfailregex = ^x <HOST>$\n")
            .unwrap();
        let stock = "/etc/fail2ban/action.d";
        std::os::unix::fs::symlink(stock, dir.path().join("action.d")).unwrap();
        let action = compiled(&dir, name, 22);
        Self { dir, name, action, state: State::default(), shell: Shell::default() }
    }

    /// What can be done, by a process that finds the state in a file.
    fn steps(&mut self) -> Steps<'_, Shell> {
        let moment = Moment {
            now: Time::from_secs(1_795_661_700),
            bantime: BanTime::Permanent,
            counters: Counters::default(),
        };
        let kept = serde_json::to_string(&self.state).unwrap();
        self.state = serde_json::from_str(&kept).unwrap();
        self.action.steps(&mut self.state, &mut self.shell, moment)
    }

    fn ban_all(&mut self) {
        for host in HOSTS {
            self.steps().ban(&ticket(host)).unwrap();
        }
    }

    /// Applies anew what was lost.
    fn reapply(&mut self) {
        for family in self.state.lost().collect::<Vec<_>>() {
            for ticket in HOSTS.map(ticket).iter().filter(|ticket| ticket.family() == family) {
                self.steps().reban(ticket).unwrap();
            }
            self.state.set_reapplied(family);
        }
    }

    fn stop(&mut self) {
        self.steps().stop().unwrap();
    }

    /// Each of the hosts is banned once, and rules for the port are there once for each family.
    fn assert_banned(&self, port: &str) {
        for host in HOSTS {
            assert_eq!(times(host, self.name), 1, "{host} with {}: {}", self.name, rules());
        }
        assert_eq!(times(port, self.name), 2, "port {port} with {}: {}", self.name, rules());
    }
}

fn compiled(dir: &tempfile::TempDir, name: &str, port: u16) -> Action {
    let jail = format!(
        "[kj]\nenabled = true\nfilter = f\nlogpath = /dev/null\naction = {name}[port={port}]\n"
    );
    fs::write(dir.path().join("jail.conf"), jail).unwrap();
    let jail = Config::open(dir.path()).unwrap().jail("kj").value.unwrap();
    Action::compile("kj", &jail.actions[0]).unwrap()
}

fn ticket(host: &str) -> Ticket {
    Ticket {
        host: Host::parse(host),
        ip: None,
        at: Time::from_secs(1_795_661_700),
        bantime: BanTime::Permanent,
        failures: 3,
        bancount: 1,
        is_restored: false,
        matches: Vec::new(),
        fields: Vec::new(),
        in_jail: None,
        anywhere: None,
    }
}

#[test]
fn a_stopped_action_leaves_nothing() {
    in_namespace(|| {
        for name in ACTIONS {
            let mut scene = Scene::new(name);
            scene.ban_all();
            scene.assert_banned("22");
            scene.steps().unban(&ticket(HOSTS[0])).unwrap();
            assert_eq!(times(HOSTS[0], name), 0, "{}", rules());
            assert_eq!(times(HOSTS[1], name), 1, "{}", rules());
            scene.stop();
            assert!(!rules().contains("f2b-"), "{name}: {}", rules());
        }
    });
}

#[test]
fn another_port_leaves_no_old_jump_behind() {
    in_namespace(|| {
        for name in ACTIONS {
            let mut scene = Scene::new(name);
            scene.ban_all();
            scene.action = compiled(&scene.dir, name, 80);
            scene.steps().reload().unwrap();
            scene.reapply();
            scene.assert_banned("80");
            assert_eq!(times("22", name), 0, "{name}: {}", rules());
            // It is stopped as it was started, whatever is configured now.
            scene.action = compiled(&scene.dir, name, 443);
            scene.stop();
            assert!(!rules().contains("f2b-"), "{name}: {}", rules());
        }
    });
}

#[test]
fn a_crash_doubles_no_rule() {
    in_namespace(|| {
        for name in ACTIONS {
            let mut scene = Scene::new(name);
            scene.ban_all();
            // Nobody noted what was done.
            scene.state = State::default();
            scene.steps().adopt();
            assert!(scene.state.is_started(Family::Inet4) && scene.state.is_started(Family::Inet6));
            assert_eq!(scene.steps().flush().unwrap(), Flushed::AtOnce);
            scene.ban_all();
            scene.assert_banned("22");
            scene.stop();
            assert!(!rules().contains("f2b-"), "{name}: {}", rules());
        }
    });
}

#[test]
fn who_flushes_everything_frees_nobody_for_long() {
    in_namespace(|| {
        for name in ACTIONS {
            let mut scene = Scene::new(name);
            scene.ban_all();
            shell("iptables -F; iptables -X; ip6tables -F; ip6tables -X; nft flush ruleset");
            // The next ban finds that the rules are gone, or the next look does.
            scene.steps().verify().unwrap();
            assert_eq!(scene.state.lost().collect::<Vec<_>>(), [Family::Inet4, Family::Inet6]);
            scene.reapply();
            scene.assert_banned("22");
            scene.stop();
            assert!(!rules().contains("f2b-"), "{name}: {}", rules());
        }
    });
}
