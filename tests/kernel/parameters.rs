//! What parameters of actions come to: ports, protocols, what is done to packets, where they are looked at; and networks.

use crate::harness::{Net, V4, V6};

/// An action for each kind of packet filter.
const ACTIONS: [&str; 3] = ["nftables", "iptables-multiport", "iptables-ipset-proto6"];

/// A jail with an action that has these parameters, and two banned hosts.
fn banned(action: &str, parameters: &str) -> Net {
    let net = Net::new(&format!("[j]\naction = {action}[{parameters}]\n"));
    net.does(&format!("ban -j j {V4} {V6}"));
    net
}

#[test]
fn lists_and_ranges_of_ports_are_closed_and_no_others() {
    for action in ACTIONS {
        let net = banned(action, "port=\"25,8080:8090\"");
        for (port, is_open) in [(25, false), (8080, false), (8085, false), (22, true), (80, true)] {
            assert_eq!(net.lets_in(V4, port), is_open, "{action} {port}");
            assert_eq!(net.lets_in(V6, port), is_open, "{action} {port}");
        }
    }
}

#[test]
fn only_the_protocol_that_is_named_is_closed() {
    for action in ACTIONS {
        let net = banned(action, "port=22, protocol=udp");
        assert!(net.lets_in(V4, 22) && net.lets_in(V6, 22), "{action}");
        assert!(!net.hears(V4, 22) && !net.hears(V6, 22), "{action}");
        assert!(net.hears(V4, 53) && net.hears(V6, 53), "{action}");
    }
}

#[test]
fn each_of_several_protocols_is_closed() {
    for action in ACTIONS {
        let net = banned(action, "port=22, protocol=\"tcp,udp\"");
        assert!(!net.lets_in(V4, 22) && !net.lets_in(V6, 22), "{action}");
        assert!(!net.hears(V4, 22) && !net.hears(V6, 22), "{action}");
    }
}

#[test]
fn packets_are_dropped_without_an_answer_if_that_is_asked_for() {
    for (action, blocktype) in ACTIONS.into_iter().zip(["drop", "DROP", "DROP"]) {
        let net = banned(action, &format!("port=22, blocktype={blocktype}"));
        assert_eq!([V4, V6].map(|host| net.answers(host, 22)), [None; 2], "{action}");
    }
}

#[test]
fn packets_are_refused_at_once_by_default() {
    for action in ACTIONS {
        let net = banned(action, "port=22");
        for host in [V4, V6] {
            assert!(net.refuses(host, 22), "{action} {host}");
        }
    }
}

#[test]
fn what_is_passed_on_to_others_is_kept_out_by_the_chain_for_that() {
    for action in &ACTIONS[1..] {
        let net = banned(action, "port=22, chain=FORWARD");
        assert!(net.lets_in(V4, 22), "{action}");
        assert!(!net.passes(V4, 22) && !net.passes(V6, 22), "{action}");
        assert!(net.passes(V4, 80) && net.passes(V6, 80), "{action}");
        net.does(&format!("unban {V4} {V6}"));
        assert!(net.passes(V4, 22) && net.passes(V6, 22), "{action}");
    }
}

#[test]
fn nftables_keeps_out_what_is_passed_on_by_a_hook_for_that() {
    let net = banned("nftables", "port=22, chain_hook=forward");
    assert!(net.lets_in(V4, 22));
    assert!(!net.passes(V4, 22) && !net.passes(V6, 22));
}

#[test]
fn all_hosts_of_a_network_are_kept_out_until_it_is_unbanned() {
    for action in ACTIONS {
        let net = Net::new(&format!("[j]\naction = {action}[port=22]\n"));
        net.does("ban -j j 203.0.113.2/31 2001:db8:113::2/127");
        let hosts = ["203.0.113.2", "203.0.113.3", "2001:db8:113::2", "2001:db8:113::3"];
        for host in hosts {
            assert!(!net.lets_in(host, 22), "{action} {host}");
        }
        assert!(net.lets_in("203.0.113.4", 22) && net.lets_in("2001:db8:113::4", 22), "{action}");
        net.does("unban 203.0.113.2/31 2001:db8:113::2/127");
        for host in hosts {
            assert!(net.lets_in(host, 22), "{action} {host}");
        }
    }
}

#[test]
fn a_host_of_a_network_that_is_unbanned_stays_out_if_it_is_banned_itself() {
    for action in ACTIONS {
        let net = Net::new(&format!("[j]\naction = {action}[port=22]\n"));
        net.does("ban -j j 203.0.113.4/30 203.0.113.4/31 203.0.113.5");
        net.does("unban 203.0.113.4/30");
        assert!(!net.lets_in("203.0.113.4", 22) && net.lets_in("203.0.113.6", 22), "{action}");
        net.does("unban 203.0.113.4/31");
        assert!(!net.lets_in("203.0.113.5", 22) && net.lets_in("203.0.113.4", 22), "{action}");
        net.does("unban 203.0.113.5");
        assert!(net.lets_in("203.0.113.5", 22), "{action}");
    }
}
