//! The firewall after somebody has had his hands in it, and after `f2b restore`.

use crate::harness::{Net, V4, V6};

/// A jail for each kind of packet filter, each with its port.
const JAILS: &str = "[n]\naction = nftables[port=22]\n\
                     [i]\naction = iptables-multiport[port=25]\n\
                     [s]\naction = iptables-ipset-proto6[port=80]\n";
const PORTS: [(&str, u16); 3] = [("n", 22), ("i", 25), ("s", 80)];

/// Three jails, in each of which two hosts and two networks are banned.
fn banned() -> Net {
    let net = Net::new(JAILS);
    for (jail, _) in PORTS {
        net.does(&format!("ban -j {jail} {V4} {V6} 203.0.113.4/31 2001:db8:113::4/127"));
    }
    net
}

/// Whom of the banned hosts a jail lets in.
fn let_in(net: &Net) -> Vec<(&str, &str)> {
    let mut let_in = Vec::new();
    for (jail, port) in PORTS {
        for host in [V4, V6, "203.0.113.5", "2001:db8:113::5"] {
            if net.lets_in(host, port) {
                let_in.push((jail, host));
            }
        }
    }
    let_in
}

/// After something was done to the firewall that lets banned hosts in, `f2b restore` keeps them out again; `--check`
/// tells before and after, and a second time there is nothing to do.
fn mends(net: &Net, done: &str) {
    assert_ne!(let_in(net), [], "{done} lets somebody in");
    net.f2b("restore --check").exits(1);
    net.does("restore");
    assert_eq!(let_in(net), [], "{done}");
    net.does("restore --check");
    let before = net.rules();
    let again = net.does("restore");
    assert_eq!(again.out, "nothing to do: the firewall is equal to the store\n", "{done}");
    assert_eq!(net.rules(), before, "{done}");
}

fn mends_after(command: &str) {
    let net = banned();
    net.host().shell(command);
    mends(&net, command);
}

#[test]
fn all_hosts_are_kept_out_before_anybody_does_anything() {
    let net = banned();
    assert_eq!(let_in(&net), []);
    net.does("restore --check");
}

#[test]
fn packet_filters_alone_are_restored_without_a_command() {
    let net = Net::new(JAILS);
    let denied = net.path("hosts.deny").display().to_string();
    net.configure(&format!("[n]\naction = nftables[port=22]\n hostsdeny[file={denied}]\n"));
    let is_denied = || std::fs::read_to_string(&denied).is_ok_and(|text| text.contains(V4));
    net.does(&format!("ban -j n {V4} --no-enforce"));
    let told = net.does("restore --filters --dry-run").out;
    assert!(told.contains(V4) && !told.contains(&denied), "{told}");
    net.does("restore --filters");
    assert!(!net.lets_in(V4, 22) && !is_denied());
    // What is left is not forgotten.
    net.does("restore");
    assert!(is_denied());
}

#[test]
fn bans_survive_a_flushed_ruleset() {
    mends_after("nft flush ruleset");
}

#[test]
fn bans_survive_a_flush_of_iptables() {
    mends_after("iptables -F; ip6tables -F");
}

#[test]
fn bans_survive_a_flush_of_iptables_with_all_chains() {
    mends_after("iptables -F; iptables -X; ip6tables -F; ip6tables -X");
}

#[test]
fn bans_survive_sets_that_are_destroyed() {
    mends_after("iptables -F INPUT; ip6tables -F INPUT; ipset destroy");
}

#[test]
fn bans_survive_sets_that_are_emptied() {
    mends_after(
        "ipset flush; for set in addr addr6; do nft flush set inet f2b-table $set-set-n; done",
    );
}

#[test]
fn bans_survive_a_set_of_networks_that_is_emptied() {
    mends_after("nft flush set inet f2b-table addr-set-n-net");
}

#[test]
fn bans_survive_a_rule_of_nftables_that_is_deleted() {
    mends_after(
        "nft delete rule inet f2b-table f2b-chain handle $(nft -a list chain inet f2b-table f2b-chain |
            sed -n 's/.*@addr6-set-n .*handle //p')",
    );
}

#[test]
fn bans_survive_a_jump_that_is_deleted() {
    mends_after("iptables -D INPUT -p tcp -m multiport --dports 25 -j f2b-i");
}

#[test]
fn bans_survive_a_rule_of_a_host_that_is_deleted() {
    mends_after("iptables -D f2b-i 1");
}

#[test]
fn bans_survive_a_host_that_is_taken_out_of_a_set() {
    mends_after(&format!("ipset del f2b-s {V4}"));
}

#[test]
fn bans_survive_a_host_that_is_taken_out_of_a_set_of_nftables() {
    mends_after(&format!("nft delete element inet f2b-table addr6-set-n {{ {V6} }}"));
}

#[test]
fn bans_survive_a_rule_that_lets_everybody_pass_before_the_hosts() {
    mends_after("iptables -I f2b-i -j RETURN");
}

#[test]
fn bans_survive_a_reboot() {
    let mut net = banned();
    net.reboot();
    mends(&net, "a reboot");
}

#[test]
fn hosts_that_somebody_else_has_put_in_are_taken_out() {
    let net = banned();
    net.host().shell("nft add element inet f2b-table addr-set-n '{ 203.0.113.7 }'");
    net.host().shell("iptables -I f2b-i -s 203.0.113.7 -j REJECT; ipset add f2b-s 203.0.113.7");
    assert!(!PORTS.iter().any(|(_, port)| net.lets_in("203.0.113.7", *port)));
    net.does("restore");
    assert!(PORTS.iter().all(|(_, port)| net.lets_in("203.0.113.7", *port)));
}

#[test]
fn a_ban_of_another_host_mends_the_rules_as_well() {
    let net = banned();
    net.host().shell("nft flush ruleset; ipset destroy");
    for (jail, _) in PORTS {
        net.does(&format!("ban -j {jail} 203.0.113.7"));
    }
    assert_eq!(let_in(&net), []);
    net.does("restore --check");
}

#[test]
fn only_the_jail_that_is_named_is_restored() {
    let net = banned();
    net.host().shell("nft flush ruleset");
    net.does("restore n");
    assert!(!net.lets_in(V4, 22) && net.lets_in(V4, 25) && net.lets_in(V4, 80));
}

#[test]
fn a_flush_lets_everybody_in_and_a_restore_keeps_them_out_again() {
    let net = banned();
    net.does("flush");
    assert!(PORTS.iter().all(|(_, port)| net.lets_in(V4, *port) && net.lets_in(V6, *port)));
    mends(&net, "f2b flush");
}

#[test]
fn a_flush_leaves_nothing_behind() {
    let net = Net::new(JAILS);
    net.prime();
    let before = net.rules();
    for (jail, _) in PORTS {
        net.does(&format!("ban -j {jail} {V4} {V6} 203.0.113.4/31"));
    }
    net.does("flush");
    assert_eq!(net.rules(), before);
}
