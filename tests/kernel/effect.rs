//! What bans have come to: how many packets they have kept out.

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
