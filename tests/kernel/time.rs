//! Bans that end by the kernel's own clock, with nobody there to end them.

use crate::harness::Net;
use crate::net::eventually;

/// The packet filters that have a clock.
const ACTIONS: [&str; 2] = ["nftables", "iptables-ipset-proto6"];

#[test]
fn a_ban_ends_without_anybody_there() {
    for action in ACTIONS {
        let net = Net::new(&format!("[j]\naction = {action}[port=22]\n"));
        let hosts = ["203.0.113.2", "2001:db8:113::2"];
        net.does(&format!("ban -j j -t 2 {}", hosts.join(" ")));
        net.does("ban -j j -t 600 203.0.113.3");
        assert!(!hosts.iter().any(|host| net.lets_in(host, 22)), "{action}");
        eventually("the bans end", || hosts.iter().all(|host| net.lets_in(host, 22)));
        assert!(!net.lets_in("203.0.113.3", 22), "{action}");
    }
}

#[test]
fn a_network_in_another_one_that_is_banned_for_longer_stays_out() {
    for action in ACTIONS {
        let net = Net::new(&format!("[j]\naction = {action}[port=22]\n"));
        net.does("ban -j j -t 600 203.0.113.4/31");
        net.does("ban -j j -t 2 203.0.113.4/30");
        assert!(!net.lets_in("203.0.113.6", 22), "{action}");
        eventually("the wider network's ban ends", || net.lets_in("203.0.113.6", 22));
        assert!(!net.lets_in("203.0.113.4", 22), "{action}");
    }
}

#[test]
fn a_network_around_another_one_that_is_banned_for_longer_stays_out() {
    for action in ACTIONS {
        let net = Net::new(&format!("[j]\naction = {action}[port=22]\n"));
        net.does("ban -j j -t 600 203.0.113.4/30");
        net.does("ban -j j -t 1 203.0.113.4/31");
        net.does("ban -j j -t 2 203.0.113.2");
        eventually("the last of the short bans ends", || net.lets_in("203.0.113.2", 22));
        assert!(!net.lets_in("203.0.113.4", 22) && !net.lets_in("203.0.113.6", 22), "{action}");
    }
}

#[test]
fn who_is_banned_for_good_is_kept_out_without_an_end() {
    for action in ACTIONS {
        let net = Net::new(&format!("[j]\naction = {action}[port=22]\n"));
        net.does("ban -j j -t 1 203.0.113.2 203.0.113.3");
        net.does("ban -j j -t -1 203.0.113.2");
        eventually("the short ban ends", || net.lets_in("203.0.113.3", 22));
        assert!(!net.lets_in("203.0.113.2", 22), "{action}");
    }
}
