//! Bans that end by the kernel's own clock, with nobody there to end them.

use std::time::{Duration, Instant};

use crate::harness::Net;
use crate::net::{before_it_ends, eventually};

/// The packet filters that have a clock.
const ACTIONS: [&str; 2] = ["nftables", "iptables-ipset-proto6"];

/// A host with this action that `bans` some for so many seconds, and keeps them out.
#[track_caller]
fn kept_out(action: &str, hosts: &[&str], bans: impl Fn(&Net, u32)) -> Net {
    before_it_ends(|secs| {
        let net = Net::new(&format!("[j]\naction = {action}[port=22]\n"));
        let begun = Instant::now();
        bans(&net, secs);
        let are_out = !hosts.iter().any(|host| net.lets_in(host, 22));
        assert!(are_out || begun.elapsed() >= Duration::from_secs(secs.into()), "{action}");
        are_out.then_some(net)
    })
}

#[test]
fn a_ban_ends_without_anybody_there() {
    for action in ACTIONS {
        let hosts = ["203.0.113.2", "2001:db8:113::2"];
        let net = kept_out(action, &hosts, |net, secs| {
            net.does(&format!("ban -j j -t {secs} {}", hosts.join(" ")));
            net.does("ban -j j -t 600 203.0.113.3");
        });
        eventually("the bans end", || hosts.iter().all(|host| net.lets_in(host, 22)));
        assert!(!net.lets_in("203.0.113.3", 22), "{action}");
    }
}

#[test]
fn a_network_in_another_one_that_is_banned_for_longer_stays_out() {
    for action in ACTIONS {
        let net = kept_out(action, &["203.0.113.6"], |net, secs| {
            net.does("ban -j j -t 600 203.0.113.4/31");
            net.does(&format!("ban -j j -t {secs} 203.0.113.4/30"));
        });
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
