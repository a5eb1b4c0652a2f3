//! Connections that a host has when it is banned (`kill_connections`).

use crate::harness::{Net, V4, V6};

/// A jail that has nothing to do with the port that is connected to.
fn net(option: &str) -> Net {
    Net::new(&format!("[j]\n{option}\naction = nftables[port=22]\n"))
}

#[test]
fn a_ban_cuts_the_connections_of_its_host_if_the_jail_says_so() {
    let net = net("kill_connections = true");
    for (from, ban) in [(V4, V4), (V6, V6), ("203.0.113.5", "203.0.113.4/31")] {
        let [mut link, mut others] = [from, "203.0.113.3"].map(|from| net.link(from, 2222));
        assert!(link.carries() && others.carries());
        net.does(&format!("ban -j j {ban}"));
        assert!(link.is_cut(), "{ban}");
        assert!(others.carries(), "{ban}");
    }
    let status = net.does("status").out;
    assert!(!status.contains("connections"), "{status}");
}

#[test]
fn a_ban_leaves_connections_alone_if_the_jail_does_not_say_so() {
    let net = net("");
    let mut link = net.link(V4, 2222);
    net.does(&format!("ban -j j {V4}"));
    assert!(link.carries());
}

#[test]
fn a_restore_cuts_the_connections_of_who_was_banned_in_the_store_only() {
    let net = net("kill_connections = true");
    let mut link = net.link(V4, 2222);
    net.does(&format!("ban -j j {V4} --no-enforce"));
    assert!(link.carries());
    let shown = net.does("restore --dry-run").out;
    assert!(shown.contains(&format!("conntrack -D -s {V4}\n")), "{shown}");
    assert!(shown.contains(&format!("ss -K dst {V4}\n")), "{shown}");
    assert!(link.carries());
    net.does("restore");
    assert!(link.is_cut());
    // Who connects again in a way that is open is not cut each time.
    let mut again = net.link(V4, 2222);
    net.does("restore");
    net.does("ban -j j 203.0.113.3");
    assert!(again.carries());
}

#[test]
fn a_connection_that_is_passed_on_is_no_established_one_any_more() {
    for (option, left) in [("kill_connections = yes", 0), ("", 1)] {
        let net = Net::new(&format!(
            "[j]\n{option}\naction = iptables-multiport[port=80, chain=FORWARD]\n"
        ));
        let accept = "iptables -I FORWARD -m conntrack --ctstate ESTABLISHED -j ACCEPT";
        net.host().shell(accept);
        let mut link = net.link_behind(V4, 80);
        assert!(link.carries());
        net.does(&format!("ban -j j {V4}"));
        let tracked = net.host().shell(&format!("conntrack -L -s {V4} -p tcp --dport 80"));
        assert_eq!(tracked.lines().count(), left, "{option}");
    }
}

#[test]
fn connections_are_cut_also_where_commands_keep_hosts_out() {
    let net = net("kill_connections = true");
    let mut link = net.link(V4, 2222);
    net.does(&format!("ban -j j {V4} --shell-actions"));
    assert!(link.is_cut());
}

#[test]
fn a_ban_stands_where_connections_can_not_be_cut() {
    let net = net("");
    let denied = net.path("hosts.deny").display().to_string();
    let jail = |option: &str| {
        net.configure(&format!("[j]\n{option}\naction = hostsdeny[file={denied}]\n"));
    };
    jail("kill_connections = true");
    let mut link = net.link(V4, 2222);
    net.f2b_without_rights(&format!("ban -j j {V4}")).exits(0);
    assert!(link.carries());
    let status = net.does("status").out;
    let told =
        status.lines().find(|line| line.starts_with("j bans, but cuts no connections since "));
    assert!(told.unwrap().ends_with("Operation not permitted (os error 1)"), "{status}");
    assert!(!status.contains("in the store only"), "{status}");
    assert!(std::fs::read_to_string(&denied).unwrap().contains(V4));
    // What can be done is done the next time.
    net.does("ban -j j 203.0.113.3");
    assert!(!net.does("status").out.contains("cuts no connections"));
}
