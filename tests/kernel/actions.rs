//! Each packet filter action that f2b does itself: who is banned has no connection, and who isn't has one.

use crate::harness::{Net, V4, V6};

/// Ports that a jail of port 22 has nothing to do with.
const OTHERS: [u16; 2] = [25, 8080];

/// A jail with an action, and two banned hosts.
fn banned(action: &str) -> Net {
    let net = Net::new(&format!("[j]\naction = {action}\n"));
    net.does(&format!("ban -j j {V4} {V6}"));
    net
}

fn keeps_out_who_is_banned_until_unbanned(action: &str) {
    let net = banned(action);
    assert!(!net.lets_in(V4, 22) && !net.lets_in(V6, 22));
    net.does(&format!("unban {V4}"));
    assert!(net.lets_in(V4, 22) && !net.lets_in(V6, 22));
    net.does(&format!("unban {V6}"));
    assert!(net.lets_in(V6, 22));
}

fn leaves_other_ports_open(action: &str) {
    let net = banned(action);
    for port in OTHERS {
        assert!(net.lets_in(V4, port) && net.lets_in(V6, port), "{port}");
    }
}

fn closes_all_ports(action: &str) {
    let net = banned(action);
    for port in OTHERS {
        assert!(!net.lets_in(V4, port) && !net.lets_in(V6, port), "{port}");
    }
}

macro_rules! actions {
    ($($module:ident: $action:literal, $others:ident;)*) => { $(
        mod $module {
            #[test]
            fn keeps_out_who_is_banned_until_unbanned() {
                super::keeps_out_who_is_banned_until_unbanned($action);
            }

            #[test]
            fn $others() {
                super::$others($action);
            }
        }
    )* };
}

actions! {
    nftables: "nftables[port=22]", leaves_other_ports_open;
    nftables_multiport: "nftables-multiport[port=ssh]", leaves_other_ports_open;
    nftables_allports: "nftables-allports", closes_all_ports;
    nftables_custom: "nftables[type=custom, match=\"tcp dport 22\"]", leaves_other_ports_open;
    iptables: "iptables[port=22]", leaves_other_ports_open;
    iptables_multiport: "iptables-multiport[port=ssh]", leaves_other_ports_open;
    iptables_allports: "iptables-allports", closes_all_ports;
    iptables_new: "iptables-new[port=22]", leaves_other_ports_open;
    iptables_legacy:
        "iptables[port=22, iptables='iptables-legacy -w', iptables?family=inet6='ip6tables-legacy -w']", leaves_other_ports_open;
    ipset: "iptables-ipset-proto6[port=ssh]", leaves_other_ports_open;
    ipset_oneport: "iptables-ipset[port=22]", leaves_other_ports_open;
    ipset_allports: "iptables-ipset-proto6-allports", closes_all_ports;
}
