//! The rules that f2b leaves beside those that Debian's fail2ban leaves with the same configuration, in a namespace of
//! its own.

use std::fs;
use std::process::{Child, Command, Output, Stdio};

use crate::harness::{Net, V4, V6};
use crate::net::eventually;

/// Actions that f2b does itself.
const ACTIONS: [&str; 12] = [
    "nftables[port=\"22,8080:8090\"]",
    "nftables-multiport[port=ssh, protocol=\"tcp,udp\"]",
    "nftables-allports[blocktype=drop]",
    "nftables[type=custom, match=\"meta mark 7\"]",
    "iptables[port=smtp]",
    "iptables-multiport[port=\"http,https,8080:8090\"]",
    "iptables-allports",
    "iptables-new[port=110, protocol=\"tcp,udp\"]",
    "iptables-multiport[port=25, chain=FORWARD, returntype=ACCEPT]",
    "iptables-ipset[port=22, protocol=udp]",
    "iptables-ipset-proto6[port=\"http,8080:8090\"]",
    "iptables-ipset-proto6-allports",
];

/// A running fail2ban-server.
struct Fail2ban<'n> {
    net: &'n Net,
    server: Child,
}

impl<'n> Fail2ban<'n> {
    fn start(net: &'n Net) -> Self {
        let place = |name: &str| net.path(name).display().to_string();
        let own = format!(
            "[Definition]\nloglevel = INFO\nlogtarget = {}\nsyslogsocket = auto\nsocket = {}\npidfile = {}\n\
             dbfile = None\ndbpurgeage = 1d\ndbmaxmatches = 10\n",
            place("log"),
            place("socket"),
            place("pid"),
        );
        fs::write(net.path("fail2ban.conf"), own).unwrap();
        let mut command = Command::new("fail2ban-server");
        command.args(["-c", &place(""), "-f", "start"]).stdout(Stdio::null()).stderr(Stdio::null());
        let server = net.host().inside(|| command.spawn().unwrap());
        let own = Self { net, server };
        let last = format!("j{}", ACTIONS.len() - 1);
        eventually("fail2ban has its jails", || own.client(&["status", &last]).status.success());
        own
    }

    fn client(&self, words: &[&str]) -> Output {
        let mut command = Command::new("fail2ban-client");
        command.arg("-c").arg(self.net.path("")).args(words).output().unwrap()
    }
}

impl Drop for Fail2ban<'_> {
    fn drop(&mut self) {
        // It starts nothing that outlives it.
        let killed = self.server.kill().and_then(|()| self.server.wait());
        assert!(killed.is_ok() || std::thread::panicking());
    }
}

/// What there is, in the words of the tools, without what differs on purpose: that sets have an end for each host, a
/// counter and room for more hosts.
fn listing(net: &Net) -> Vec<String> {
    let all = net
        .host()
        .shell("nft list table inet f2b-table; iptables-save; ip6tables-save; ipset save");
    let mut lines = Vec::new();
    for line in all.lines().filter(|line| !line.starts_with('#')) {
        let line =
            line.split(" counter").next().unwrap_or(line).split(" timeout").next().unwrap_or(line);
        let words: Vec<_> =
            line.split_whitespace().take_while(|word| *word != "hashsize").collect();
        let line = words.join(" ");
        let is_meant = ["", "counter", "flags"].contains(&line.as_str());
        if !is_meant && !line.starts_with(':') {
            lines.push(line.trim_end_matches(" }").to_owned());
        }
    }
    lines.sort_unstable();
    lines
}

#[track_caller]
fn same(ours: &Net, theirs: &Net) {
    let (ours, theirs) = (listing(ours), listing(theirs));
    let less = |all: &[String], others: &[String]| -> Vec<String> {
        all.iter().filter(|line| !others.contains(line)).cloned().collect()
    };
    assert_eq!(less(&ours, &theirs), less(&theirs, &ours));
    assert_eq!(ours, theirs);
}

#[test]
fn f2b_leaves_the_rules_that_fail2ban_leaves() {
    let jails: String = ACTIONS
        .iter()
        .enumerate()
        .map(|(number, action)| format!("[j{number}]\nbackend = polling\naction = {action}\n"))
        .collect::<Vec<_>>()
        .concat();
    let (ours, theirs) = (Net::new(&jails), Net::new(&jails));
    let fail2ban = Fail2ban::start(&theirs);
    for number in 0..ACTIONS.len() {
        let jail = format!("j{number}");
        let banned = fail2ban.client(&["set", &jail, "banip", V4, V6]);
        assert!(banned.status.success(), "{banned:?}");
        ours.does(&format!("ban -j {jail} {V4} {V6}"));
    }
    let count =
        |lines: &[String], host: &str| lines.iter().filter(|line| line.contains(host)).count();
    eventually("fail2ban bans everybody", || {
        let lines = listing(&theirs);
        [V4, V6].iter().all(|host| count(&lines, host) == ACTIONS.len())
    });
    same(&ours, &theirs);
    for number in 0..ACTIONS.len() {
        let jail = format!("j{number}");
        assert!(fail2ban.client(&["set", &jail, "unbanip", V4, V6]).status.success());
        ours.does(&format!("unban -j {jail} {V4} {V6}"));
    }
    eventually("fail2ban unbans everybody", || {
        let lines = listing(&theirs);
        [V4, V6].iter().all(|host| count(&lines, host) == 0)
    });
    same(&ours, &theirs);
}
