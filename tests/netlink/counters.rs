//! What elements count, while packets come over a cable.

use f2b::enforce::netfilter::netlink::{Element, Key, Nftables, SetChange, SetName};

use crate::harness::{Peer, in_namespace, nft};

const SET: SetName<'static> = SetName { table_family: 1, table: "t", set: "s" };

/// What the tool shows of a set named `s` with such flags, after the host at the other end sent three packets to a
/// port; and what netlink says.
fn after_three_packets(flags: &str, added: Key) -> (String, Vec<Element>) {
    let peer = Peer::new(&["192.0.2.1/24"], &["192.0.2.2/24"]);
    nft(&format!(
        "add table inet t
         add set inet t s {{ type ipv4_addr; flags {flags}; counter; }}
         add chain inet t c {{ type filter hook input priority 0; }}
         add rule inet t c udp dport 9 ip saddr @s drop"
    ));
    let mut nftables = Nftables::open().unwrap();
    let add = vec![(added, Some(3_600_000)), (Key::Host([198, 51, 100, 1].into()), None)];
    let change = SetChange { set: SET, add, is_new: true, remove: vec![], flush: false };
    nftables.change(&[change]).unwrap();
    let send = "import socket
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
for _ in range(3): s.sendto(b'0123456789', ('192.0.2.1', 9))";
    peer.run("python3", &["-c", send], "");
    let mut elements = Vec::new();
    nftables.each_element(&SET, |element| elements.push(element)).unwrap();
    for element in &elements {
        let one = nftables.element(&SET, &element.key).unwrap().unwrap();
        assert_eq!((one.packets, one.bytes), (element.packets, element.bytes));
    }
    (nft("list set inet t s"), elements)
}

/// Three packets of 10 bytes, 8 of UDP and 20 of IP.
const COUNTED: (Option<u64>, Option<u64>) = (Some(3), Some(114));

#[test]
fn a_host_counts_its_packets() {
    in_namespace(|| {
        let host = Key::Host([192, 0, 2, 2].into());
        let (shown, elements) = after_three_packets("timeout", host);
        assert!(shown.contains("192.0.2.2 counter packets 3 bytes 114 timeout 1h"), "{shown}");
        assert_eq!(elements[0].key, host);
        assert_eq!((elements[0].packets, elements[0].bytes), COUNTED);
        assert_eq!((elements[1].packets, elements[1].bytes), (Some(0), Some(0)));
    });
}

#[test]
fn a_range_counts_its_packets() {
    in_namespace(|| {
        let range = Key::Range([192, 0, 2, 2].into(), [192, 0, 2, 4].into());
        let (shown, elements) = after_three_packets("interval, timeout", range);
        assert!(shown.contains("192.0.2.2-192.0.2.4 counter packets 3 bytes 114"), "{shown}");
        assert_eq!(elements[0].key, range);
        assert_eq!((elements[0].packets, elements[0].bytes), COUNTED);
    });
}
