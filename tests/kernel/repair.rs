//! Others have their hands in the firewall while somebody watches: it is noticed at once, and mended.

use std::fs;

use f2b::config::Config;
use f2b::enforce::{Foreign, Monitor};
use f2b::engine::projection::{Carried, Mode, Projection};
use f2b::model::{Clock, SystemClock};
use f2b::store::Store;
use rustix::event::{PollFd, PollFlags, Timespec, poll};

use crate::harness::{Net, V4, V6};

/// A jail for each kind of packet filter, each with its port.
const JAILS: [(&str, &str, u16); 4] = [
    ("n", "nftables", 22),
    ("i", "iptables-multiport", 25),
    ("s", "iptables-ipset-proto6", 80),
    (
        "l",
        "iptables[iptables='iptables-legacy -w', iptables?family=inet6='ip6tables-legacy -w']",
        110,
    ),
];
const HOSTS: [&str; 4] = [V4, V6, "203.0.113.5", "2001:db8:113::5"];

/// What a daemon has to do with the firewall.
struct Guard {
    monitor: Monitor,
    projection: Projection,
    store: Store,
}

/// A host with these jails, in each of which two hosts and two networks are banned, and who watches over it.
fn watched(jails: &[&str]) -> (Net, Guard) {
    let jails = JAILS.iter().filter(|(name, ..)| jails.contains(name));
    let section = |(name, action, port): &(&str, &str, u16)| {
        let action = match action.strip_suffix(']') {
            Some(action) => format!("{action}, port={port}]"),
            None => format!("{action}[port={port}]"),
        };
        format!("[{name}]\naction = {action}\n")
    };
    let net = Net::new(&jails.clone().map(section).collect::<String>());
    for (jail, ..) in jails {
        net.does(&format!("ban -j {jail} {V4} {V6} 203.0.113.4/31 2001:db8:113::4/127"));
    }
    let guard = Guard::new(&net);
    (net, guard)
}

/// Whom of the banned hosts a jail that there is lets in.
fn let_in(net: &Net, guard: &Guard) -> Vec<(&'static str, &'static str)> {
    let known = guard.store.reader().bans_active(SystemClock.now(), None).unwrap();
    let is_there = |name: &&str| known.iter().any(|ban| ban.jail == **name);
    let jails = JAILS.iter().filter(|(name, ..)| is_there(name));
    let pairs = jails.flat_map(|(name, _, port)| HOSTS.map(|host| (*name, host, *port)));
    pairs.filter(|(_, host, port)| net.lets_in(host, *port)).map(|(n, host, _)| (n, host)).collect()
}

impl Guard {
    fn new(net: &Net) -> Self {
        let config = Config::open(&net.path("")).unwrap();
        let names = config.jail_names().value.unwrap();
        let jails: Vec<_> = names.iter().map(|name| config.jail(name).value.unwrap()).collect();
        Self {
            monitor: net.host().inside(|| Monitor::open().unwrap()),
            projection: Projection::new(&jails, false),
            store: Store::open(&net.path("f2b.db")).unwrap(),
        }
    }

    /// What is noticed within a second.
    fn hear(&mut self) -> Foreign {
        let second = Timespec { tv_sec: 1, tv_nsec: 0 };
        let mut ready = [PollFd::from_borrowed_fd(self.monitor.fd(), PollFlags::IN)];
        assert_eq!(poll(&mut ready, Some(&second)).unwrap(), 1, "nothing is told");
        self.monitor.read().unwrap()
    }

    #[track_caller]
    fn repair(&mut self, net: &Net, what: &Foreign) -> Carried {
        let Self { projection, store, .. } = self;
        let now = SystemClock.now();
        let carried = net.host().inside(|| projection.repair(store, now, what).unwrap());
        assert_eq!(carried.failed, []);
        carried
    }
}

/// The pages of the store that were written since it was made or copied together.
fn written(net: &Net) -> Vec<u8> {
    fs::read(net.path("f2b.db-wal")).unwrap()
}

/// What was done lets banned hosts in; it is noticed and mended, and then nothing is left to be done or noticed.
#[track_caller]
fn is_mended(net: &Net, guard: &mut Guard, what: &Foreign) {
    assert!(!what.is_nothing());
    assert_ne!(let_in(net, guard), [], "somebody is let in");
    let carried = guard.repair(net, what);
    assert_ne!(carried.gates, []);
    assert_eq!(let_in(net, guard), []);
    assert!(guard.monitor.read().unwrap().is_nothing(), "own doing");
    net.does("restore --check");
    let before = written(net);
    for again in [what, &Foreign::everything(), &Foreign::untold()] {
        assert_eq!(guard.repair(net, again).gates, []);
    }
    assert_eq!(written(net), before);
}

/// The same for a command of which somebody is told.
#[track_caller]
fn is_noticed_and_mended(jail: &str, command: &str) {
    let (net, mut guard) = watched(&[jail]);
    net.host().shell(command);
    let what = guard.hear();
    is_mended(&net, &mut guard, &what);
}

/// The same for a command of which nobody is.
#[track_caller]
fn is_found_and_mended(jail: &str, command: &str) {
    let (net, mut guard) = watched(&[jail]);
    for _ in 0..2 {
        assert_eq!(guard.repair(&net, &Foreign::untold()).gates, []);
    }
    net.host().shell(command);
    // Of rules that look into a set somebody may be told, but not of the set.
    guard.monitor.read().unwrap();
    assert!(net.host().inside(|| guard.projection.needs_polling()));
    is_mended(&net, &mut guard, &Foreign::untold());
}

#[test]
fn a_flushed_ruleset_is_noticed() {
    is_noticed_and_mended("n", "nft flush ruleset");
    is_noticed_and_mended("i", "nft flush ruleset");
    is_noticed_and_mended("s", "nft flush ruleset");
}

#[test]
fn a_table_that_is_deleted_is_noticed() {
    is_noticed_and_mended("n", "nft delete table inet f2b-table");
}

#[test]
fn a_chain_that_is_flushed_is_noticed() {
    is_noticed_and_mended("n", "nft flush chain inet f2b-table f2b-chain");
}

#[test]
fn a_rule_that_is_deleted_is_noticed() {
    is_noticed_and_mended(
        "n",
        "nft delete rule inet f2b-table f2b-chain handle $(nft -a list chain inet f2b-table f2b-chain |
            sed -n 's/.*@addr-set-n .*handle //p')",
    );
}

#[test]
fn elements_that_are_deleted_are_noticed() {
    is_noticed_and_mended("n", "nft flush set inet f2b-table addr-set-n");
    is_noticed_and_mended("n", "nft flush set inet f2b-table addr-set-n-net");
    is_noticed_and_mended("n", "nft delete element inet f2b-table addr-set-n '{ 203.0.113.2 }'");
}

#[test]
fn a_flush_of_iptables_is_noticed() {
    is_noticed_and_mended("i", "iptables -F");
    is_noticed_and_mended("i", "iptables -F; iptables -X");
    is_noticed_and_mended("s", "iptables -F");
}

#[test]
fn a_jump_that_is_deleted_is_noticed() {
    is_noticed_and_mended("i", "iptables -D INPUT -p tcp -m multiport --dports 25 -j f2b-i");
}

#[test]
fn a_rule_of_a_host_that_is_deleted_is_noticed() {
    is_noticed_and_mended("i", "iptables -D f2b-i 1");
}

#[test]
fn a_rule_that_lets_everybody_pass_before_the_hosts_is_noticed() {
    is_noticed_and_mended("i", "iptables -I f2b-i -j RETURN");
}

#[test]
fn sets_of_ipset_that_are_changed_are_found() {
    is_found_and_mended("s", &format!("ipset del f2b-s {V4}"));
    is_found_and_mended("s", "ipset flush");
    is_found_and_mended("s", "iptables -F INPUT");
    is_found_and_mended("s", "iptables -F; ip6tables -F; ipset destroy");
}

#[test]
fn rules_of_iptables_legacy_that_are_deleted_are_found() {
    is_found_and_mended("l", "iptables-legacy -F");
}

#[test]
fn nftables_and_iptables_on_it_need_no_polling() {
    let (net, mut guard) = watched(&["n", "i"]);
    assert!(!net.host().inside(|| guard.projection.needs_polling()));
}

#[test]
fn only_the_jail_that_is_concerned_is_restored() {
    let (net, mut guard) = watched(&["n", "i", "s"]);
    net.host().shell("ipset flush; iptables -F");
    let what = guard.hear();
    net.host().shell("nft flush set inet f2b-table addr-set-n");
    let what_else = guard.hear();
    let carried = guard.repair(&net, &what_else);
    let jails: Vec<_> = carried.gates.iter().flat_map(|gate| &gate.jails).collect();
    assert_eq!(jails, ["n"]);
    guard.repair(&net, &what);
    guard.repair(&net, &Foreign::untold());
    net.does("restore --check");
}

#[test]
fn what_others_do_elsewhere_leads_to_nothing() {
    let (net, mut guard) = watched(&["n", "i", "s"]);
    let before = written(&net);
    for command in [
        "nft add table inet other; nft add set inet other addr-set-n '{ type ipv4_addr; }'",
        "nft add element inet other addr-set-n '{ 203.0.113.2 }'; nft flush set inet other addr-set-n",
        "nft delete table inet other",
        "nft add chain inet f2b-table mine; nft add rule inet f2b-table mine accept",
        "nft flush chain inet f2b-table mine",
        "iptables -I INPUT -s 203.0.113.77 -j DROP; iptables -D INPUT 1",
        "iptables -N other; iptables -A other -j RETURN; iptables -F other; iptables -X other",
        "iptables -t nat -N f2b-i; iptables -t nat -A f2b-i -j RETURN; iptables -t nat -F",
    ] {
        net.host().shell(command);
        let what = guard.hear();
        assert_eq!(guard.repair(&net, &what).gates, [], "{command}");
    }
    assert_eq!(written(&net), before);
}

#[test]
fn hosts_whose_ban_is_lifted_by_another_command_stay_let_in() {
    let (net, mut guard) = watched(&["n"]);
    net.does(&format!("unban {V4}"));
    let what = guard.hear();
    assert_eq!(guard.repair(&net, &what).gates, []);
    assert!(net.lets_in(V4, 22));
}

#[test]
fn only_hosts_that_were_taken_out_are_put_back() {
    let (net, mut guard) = watched(&["n"]);
    // Of a set that nobody has said was touched, others are not looked at.
    net.host().shell(&format!("nft delete element inet f2b-table addr6-set-n '{{ {V6} }}'"));
    guard.hear();
    let before = written(&net);
    net.host().shell(&format!("nft delete element inet f2b-table addr-set-n '{{ {V4} }}'"));
    let what = guard.hear();
    let gates = guard.repair(&net, &what).gates;
    assert_eq!(
        gates.iter().map(|gate| (gate.added, gate.is_made)).collect::<Vec<_>>(),
        [(1, false)]
    );
    assert!(!net.lets_in(V4, 22) && net.lets_in(V6, 22));
    assert_eq!(written(&net), before, "the store says so already");
    assert_eq!(guard.repair(&net, &what).gates, []);
}

#[test]
fn what_this_process_puts_in_and_takes_out_is_not_noticed() {
    let (net, mut guard) = watched(&["n", "i", "s"]);
    let Guard { projection, store, .. } = &mut guard;
    let now = SystemClock.now();
    net.host().inside(|| projection.flush(store, None, now, Mode::Do).unwrap());
    assert!(guard.monitor.read().unwrap().is_nothing());
    let Guard { projection, store, .. } = &mut guard;
    let carried = net.host().inside(|| projection.restore(store, None, now, Mode::Do).unwrap());
    assert_ne!(carried.gates, []);
    assert!(guard.monitor.read().unwrap().is_nothing());
}

#[test]
fn more_than_can_be_told_is_anything() {
    let (net, mut guard) = watched(&["n"]);
    // The flood hides that a host was let in.
    let host = |n: u32| std::net::Ipv4Addr::from(0x0a00_0000 + n).to_string();
    let hosts = (0..200_000).map(host).collect::<Vec<_>>().join(",");
    let set = "add table inet other\nadd set inet other s { type ipv4_addr; }\n";
    let flood = format!("{set}add element inet other s {{ {hosts} }}\n");
    fs::write(net.path("flood"), flood).unwrap();
    net.host().shell(&format!(
        "nft -f {}; nft delete element inet f2b-table addr-set-n '{{ {V4} }}'",
        net.path("flood").display()
    ));
    let what = guard.hear();
    assert_eq!(what, Foreign::everything());
    is_mended(&net, &mut guard, &what);
}
