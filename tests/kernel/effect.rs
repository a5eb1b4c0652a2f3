//! What bans have come to: how many packets they have kept out, and which of them do nothing.

use crate::harness::{Net, V4, V6};

/// An action for each kind of packet filter, for datagrams: of these each is one packet.
const ACTIONS: [&str; 3] = [
    "nftables[port=53, protocol=udp]",
    "iptables-multiport[port=53, protocol=udp]",
    "iptables-ipset-proto6[port=53, protocol=udp]",
];

/// The hosts of `f2b bans` with what stands in the column of packets.
fn packets(net: &Net) -> Vec<(String, String)> {
    let listed = net.does("bans --format csv").out;
    let mut rows = listed.lines().map(|line| line.split(',').collect::<Vec<_>>());
    assert_eq!(rows.next().unwrap().last(), Some(&"packets"), "{listed}");
    rows.map(|row| (row[0].to_owned(), row[row.len() - 1].to_owned())).collect()
}

fn pairs(rows: &[(&str, &str)]) -> Vec<(String, String)> {
    rows.iter().map(|(host, count)| ((*host).to_owned(), (*count).to_owned())).collect()
}

#[test]
fn bans_say_how_many_packets_of_each_host_they_have_kept_out() {
    for action in ACTIONS {
        let net = Net::new(&format!("[j]\naction = {action}\n"));
        net.does(&format!("ban -j j {V4} {V6} 203.0.113.3 203.0.113.4/31"));
        for host in [V4, V4, V6, "203.0.113.5"] {
            assert!(!net.hears(host, 53), "{action} {host}");
        }
        let counted = pairs(&[(V4, "2"), ("203.0.113.3", "0"), ("203.0.113.4/31", "1"), (V6, "1")]);
        assert_eq!(packets(&net), counted, "{action}");
        let table = net.does("bans").out;
        let heads = table.lines().next().unwrap();
        assert!(heads.trim_end().ends_with("packets"), "{table}");
        let json = net.does("bans --format json").out;
        assert!(json.contains("\"packets\": 2"), "{json}");
        // What another f2b tells can be taken over.
        std::fs::write(net.path("list.json"), json).unwrap();
        net.does(&format!("import --format json {}", net.path("list.json").display()));
        let line = net.does("bans --format jsonl").out;
        assert!(line.lines().next().unwrap().ends_with("\"packets\":2}"), "{line}");
    }
}

#[test]
fn packets_are_counted_once_where_actions_share_a_set_and_all_where_they_do_not() {
    for other in
        ["nftables-multiport[port=22, protocol=udp]", "iptables-multiport[port=22, protocol=udp]"]
    {
        let net = Net::new(&format!("[j]\naction = {}\n  {other}\n", ACTIONS[0]));
        net.does(&format!("ban -j j {V4}"));
        assert!(!net.hears(V4, 53) && !net.hears(V4, 22));
        assert_eq!(packets(&net), pairs(&[(V4, "2")]), "{other}");
    }
}

#[test]
fn what_the_packet_filter_has_no_count_of_is_left_open() {
    let net = Net::new(&format!("[j]\naction = {}\n[none]\naction =\n", ACTIONS[0]));
    net.does(&format!("ban -j none {V4}"));
    let heads = |net: &Net| net.does("bans").out.lines().next().unwrap().trim_end().to_owned();
    assert!(heads(&net).ends_with("by"));
    // Two networks that touch and end at once are one range.
    net.does("ban -j j --time -1 203.0.113.4/31 203.0.113.6/31");
    assert!(heads(&net).ends_with("by"));
    net.does(&format!("ban -j j {V4}"));
    let open = [("203.0.113.4/31", ""), ("203.0.113.6/31", ""), (V4, "")];
    let mut wanted = pairs(&open);
    wanted.insert(0, (V4.to_owned(), "0".to_owned()));
    assert_eq!(packets(&net), wanted);
    let table = net.does("bans").out;
    assert_eq!(table.lines().filter(|line| line.trim_end().ends_with(" -")).count(), 3, "{table}");
}

/// A jail with an action, that bans a host which then fails twice more; what `f2b status` says of it. `between` happens
/// between the ban and the failures.
#[track_caller]
fn told_of_who_goes_on_failing(net: &Net, host: &str, between: impl FnOnce(&Net)) -> String {
    net.does(&format!("ban -j j {host} --now 2026-11-27T12:00:00Z"));
    between(net);
    fail(net, host, "12:00:30");
    let status = net.does("status --now 2026-11-27T12:01:00Z").out;
    let told = status.lines().find(|line| line.contains("has no effect")).unwrap_or(&status);
    let begin = format!(
        "j: the ban of {host} has no effect, 2 failures since, the last 2026-11-27 12:00:30: "
    );
    let bans = net.does("bans --now 2026-11-27T12:01:00Z").out;
    assert!(bans.ends_with(&format!("\n1 ban\n\n{told}\n")), "{bans}");
    assert!(told.starts_with(&begin), "{status}");
    told[begin.len()..].to_owned()
}

/// A host fails twice at a time.
fn fail(net: &Net, host: &str, time: &str) {
    let log = net.path("log");
    std::fs::write(&log, format!("2026-11-27 {time} no {host}\n").repeat(2)).unwrap();
    net.does(&format!("scan -j j --now 2026-11-27T12:01:00Z {}", log.display()));
}

const ON_TCP: [&str; 3] =
    ["nftables[port=22]", "iptables-multiport[port=22]", "iptables-ipset-proto6[port=22]"];

fn with_action(action: &str) -> Net {
    Net::new(&format!("[j]\naction = {action}\n"))
}

#[test]
fn a_ban_of_another_port_is_told_to_have_no_effect() {
    for (action, host, rule) in [
        (ON_TCP[0], V4, "'tcp dport { 22 }'"),
        (ON_TCP[0], V6, "'tcp dport { 22 }'"),
        (ON_TCP[1], V4, "'-p tcp -m multiport --dports 22'"),
        (ON_TCP[2], V6, "'-p tcp -m multiport --dports 22'"),
    ] {
        let told = told_of_who_goes_on_failing(&with_action(action), host, |net| {
            assert!(net.lets_in(host, 2222));
        });
        let expected = format!(
            "no packet of it has met {rule}; the service has another port, or is reached another way: \
             by a proxy, in a container"
        );
        assert_eq!(told, expected, "{action}");
    }
}

#[test]
fn a_ban_that_closes_one_of_two_ways_is_told_to_have_no_effect() {
    for action in ON_TCP {
        let told = told_of_who_goes_on_failing(&with_action(action), V4, |net| {
            assert!(!net.lets_in(V4, 22) && net.lets_in(V4, 2222));
        });
        assert!(told.contains("but it gets in another way: by another port, by a proxy"), "{told}");
    }
}

#[test]
fn a_ban_behind_a_rule_for_established_connections_is_told_to_have_no_effect() {
    for (action, accept, chain) in [
        (
            ON_TCP[0],
            "nft insert rule inet f2b-table f2b-chain ct state established,related accept",
            "f2b-chain",
        ),
        (
            ON_TCP[1],
            "iptables -I INPUT -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT",
            "INPUT",
        ),
        (
            ON_TCP[2],
            "iptables -N early; iptables -I INPUT -j early; iptables -A early -m state --state ESTABLISHED -j ACCEPT",
            "INPUT",
        ),
    ] {
        let net = with_action(action);
        // Behind f2b's rules it does no harm; connections are tracked from here on.
        net.host().shell("iptables -A INPUT -m conntrack --ctstate ESTABLISHED -j ACCEPT");
        let mut link = net.link(V4, 22);
        let told = told_of_who_goes_on_failing(&net, V4, |net| {
            net.host().shell(accept);
            assert!(!net.lets_in(V4, 22) && link.carries(), "{action}");
        });
        let expected =
            format!("a rule before f2b's accepts established connections, in the chain {chain}");
        assert_eq!(told, expected);
    }
}

#[test]
fn a_ban_whose_rules_were_mended_since_is_not_told() {
    let net = with_action(ON_TCP[0]);
    told_of_who_goes_on_failing(&net, V4, |_| ());
    net.configure("[j]\naction = nftables[port=2222]\n");
    net.does("restore --now 2026-11-27T12:01:30Z");
    let status = net.does("status --now 2026-11-27T12:02:00Z").out;
    assert!(!status.contains("has no effect"), "{status}");
    fail(&net, V4, "12:01:45");
    let status = net.does("status --now 2026-11-27T12:02:00Z").out;
    assert!(status.contains("has no effect, 2 failures since"), "{status}");
}

#[test]
fn a_ban_that_is_in_the_store_only_is_not_told() {
    let net = with_action(ON_TCP[0]);
    net.does(&format!("ban -j j {V4} --no-enforce --now 2026-11-27T12:00:00Z"));
    fail(&net, V4, "12:00:30");
    let status = net.does("status --now 2026-11-27T12:01:00Z").out;
    assert!(!status.contains("has no effect"), "{status}");
}

#[test]
fn of_many_bans_without_effect_a_few_are_told() {
    let net = with_action(ON_TCP[0]);
    let hosts: Vec<_> = (2..9).map(|last| format!("198.51.100.{last}")).collect();
    net.does(&format!("ban -j j {} --now 2026-11-27T12:00:00Z", hosts.join(" ")));
    let lines: Vec<_> =
        hosts.iter().map(|host| format!("2026-11-27 12:00:30 no {host}\n")).collect();
    std::fs::write(net.path("log"), lines.concat()).unwrap();
    net.does(&format!("scan -j j --now 2026-11-27T12:01:00Z {}", net.path("log").display()));
    let status = net.does("status --now 2026-11-27T12:01:00Z").out;
    assert_eq!(status.matches("has no effect, 1 failure since").count(), 5, "{status}");
    assert!(status.ends_with("\nand 2 more bans have none\n"), "{status}");
}

#[test]
fn who_may_not_look_at_the_firewall_is_told_what_the_store_says() {
    for action in ON_TCP {
        let net = with_action(action);
        told_of_who_goes_on_failing(&net, V4, |_| ());
        let bans = net.f2b_without_rights("bans --now 2026-11-27T12:01:00Z").exits(0);
        assert_eq!(bans.err, "");
        assert!(!bans.out.contains("packets"), "{}", bans.out);
        assert!(
            bans.out.ends_with(" 12:00:30: as root, f2b looks for the cause\n"),
            "{}",
            bans.out
        );
    }
}
