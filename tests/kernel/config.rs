//! What becomes of bans when the configuration changes, and when jails share what their actions make.

use crate::harness::{Net, V4, V6};

/// An action for each kind of packet filter.
const ACTIONS: [&str; 3] = ["nftables", "iptables-multiport", "iptables-ipset-proto6"];

#[test]
fn a_port_that_is_not_configured_any_more_is_open_after_a_restore() {
    for action in ACTIONS {
        let net = Net::new(&format!("[j]\naction = {action}[port=22]\n"));
        net.does(&format!("ban -j j {V4} {V6} 203.0.113.4/31"));
        net.configure(&format!("[j]\naction = {action}[port=80]\n"));
        net.f2b("restore --check").exits(1);
        net.does("restore");
        for host in [V4, V6, "203.0.113.5"] {
            assert!(net.lets_in(host, 22) && !net.lets_in(host, 80), "{action} {host}");
        }
        net.does("restore --check");
    }
}

#[test]
fn a_chain_that_is_not_configured_any_more_has_no_rules_after_a_restore() {
    let net = Net::new("[j]\naction = nftables[port=22, chain=f2b-one]\n");
    net.does(&format!("ban -j j {V4} {V6}"));
    net.configure("[j]\naction = nftables[port=80, chain=f2b-two]\n");
    net.does("restore");
    assert!(net.lets_in(V4, 22) && !net.lets_in(V4, 80) && !net.lets_in(V6, 80));
    net.does("restore --check");
}

#[test]
fn what_is_done_to_packets_changes_with_the_configuration() {
    for (action, drop) in ACTIONS.into_iter().zip(["drop", "DROP", "DROP"]) {
        let net = Net::new(&format!("[j]\naction = {action}[port=22]\n"));
        net.does(&format!("ban -j j {V4}"));
        net.configure(&format!("[j]\naction = {action}[port=22, blocktype={drop}]\n"));
        net.f2b("restore --check").exits(1);
        net.does("restore");
        assert_eq!(net.answers(V4, 22), None, "{action}");
        net.does("restore --check");
    }
}

#[test]
fn rules_of_a_jail_that_is_not_configured_any_more_are_gone_after_a_restore() {
    for action in ACTIONS {
        let one = format!("[one]\naction = {action}[port=22]\n");
        let net = Net::new(&format!("{one}[two]\naction = {action}[port=80]\n"));
        net.prime();
        net.does(&format!("ban -j one {V4}"));
        let before = net.rules();
        net.does(&format!("ban -j two {V4} {V6} 203.0.113.4/31"));
        net.configure(&one);
        // Bans of a jail that is gone can't be enforced.
        let ran = net.f2b("restore").exits(2);
        assert!(ran.err.contains("it is not configured"), "{}", ran.err);
        assert_eq!(net.rules(), before, "{action}");
    }
}

#[test]
fn a_jail_that_changes_its_action_leaves_nothing_of_the_old_one() {
    for (old, new) in ACTIONS.into_iter().zip(ACTIONS.into_iter().cycle().skip(1)) {
        let net = Net::new(&format!("[j]\naction = {new}[port=22]\n"));
        net.prime();
        net.does(&format!("ban -j j {V4} {V6}"));
        let wanted = net.rules();
        net.does("flush");
        net.configure(&format!("[j]\naction = {old}[port=22]\n"));
        net.does("restore");
        net.configure(&format!("[j]\naction = {new}[port=22]\n"));
        net.does("restore");
        assert_eq!(net.rules(), wanted, "{old} to {new}");
        assert!(!net.lets_in(V4, 22) && !net.lets_in(V6, 22), "{old} to {new}");
    }
}

/// Two jails that share a chain, as the actions of users have it.
const MAIL: &str = "[password-fail]\naction = iptables[name=SMTP, port=smtp, protocol=tcp]\n\
                    [dos-hosts]\naction = iptables[name=SMTP, port=smtp, protocol=tcp]\n\
                    [vpopmail]\naction = iptables[name=pop3, port=pop3, protocol=tcp]\n";

#[test]
fn jails_with_actions_of_one_name_keep_a_host_out_until_the_last_lets_it_in() {
    let net = Net::new(MAIL);
    net.does(&format!("ban -j password-fail {V4}"));
    net.does(&format!("ban -j dos-hosts {V4}"));
    net.does(&format!("unban -j password-fail {V4}"));
    assert!(!net.lets_in(V4, 25) && net.lets_in(V4, 110));
    net.does("restore --check");
    net.does(&format!("unban -j dos-hosts {V4}"));
    assert!(net.lets_in(V4, 25));
}

#[test]
fn hosts_of_all_jails_with_actions_of_one_name_are_kept_out_after_a_flush() {
    let net = Net::new(MAIL);
    net.does(&format!("ban -j password-fail {V4}"));
    net.does("ban -j dos-hosts 203.0.113.3");
    net.does("ban -j vpopmail 203.0.113.4");
    net.host().shell("iptables -F; iptables -X");
    net.does("restore");
    for (host, smtp, pop3) in
        [(V4, false, true), ("203.0.113.3", false, true), ("203.0.113.4", true, false)]
    {
        assert_eq!((net.lets_in(host, 25), net.lets_in(host, 110)), (smtp, pop3), "{host}");
    }
    let rules = net.rules();
    assert_eq!(rules.matches("jump f2b-SMTP").count(), 1, "{rules}");
}

#[test]
fn a_flush_of_one_of_two_jails_of_one_name_leaves_the_other_its_hosts() {
    let net = Net::new(MAIL);
    net.does(&format!("ban -j password-fail {V4}"));
    net.does("ban -j dos-hosts 203.0.113.3");
    net.does("flush password-fail");
    assert!(!net.lets_in("203.0.113.3", 25));
    net.does("flush");
    assert!(net.lets_in("203.0.113.3", 25) && net.lets_in(V4, 25));
}

#[test]
fn one_of_two_jails_of_one_name_that_is_gone_leaves_the_other_its_hosts() {
    let net = Net::new(MAIL);
    net.does(&format!("ban -j password-fail {V4}"));
    net.does("ban -j dos-hosts 203.0.113.3");
    net.configure("[dos-hosts]\naction = iptables[name=SMTP, port=smtp, protocol=tcp]\n");
    net.f2b("restore").exits(2);
    assert!(!net.lets_in("203.0.113.3", 25) && net.lets_in(V4, 25));
}

#[test]
fn a_wrong_port_keeps_no_other_jail_from_being_enforced() {
    for action in ACTIONS {
        let net = Net::new(&format!(
            "[good]\naction = {action}[port=22]\n[wrong]\naction = {action}[port=shh]\n\
             [well]\naction = {action}[port=80]\n"
        ));
        for jail in ["good", "wrong", "well"] {
            net.f2b(&format!("ban -j {jail} {V4} --no-enforce")).exits(0);
        }
        let ran = net.f2b("restore").exits(2);
        assert_eq!(ran.err.matches("jail 'wrong'").count(), ran.err.lines().count(), "{}", ran.err);
        assert!(!net.lets_in(V4, 22) && !net.lets_in(V4, 80), "{action}");
        net.does("restore --check good");
    }
}
