use super::*;

fn raw(ip: &str, is_end: bool, left_ms: Option<u64>) -> Raw {
    Raw { ip: ip.parse().unwrap(), is_end, left_ms, counted: None }
}

#[test]
fn begins_and_ends_are_ranges() {
    let raw = vec![
        raw("10.2.0.0", true, None),
        raw("10.1.0.0", false, Some(5)),
        raw("10.0.0.0", false, None),
        raw("10.1.0.0", true, None),
        // What nft puts before the first interval.
        raw("0.0.0.0", true, None),
        raw("255.255.255.0", false, None),
    ];
    let range = |from: &str, to: &str, left_ms| Element {
        key: Key::Range(from.parse().unwrap(), to.parse().unwrap()),
        left_ms,
        counted: None,
    };
    let wanted = [
        range("10.0.0.0", "10.0.255.255", None),
        range("10.1.0.0", "10.1.255.255", Some(5)),
        range("255.255.255.0", "255.255.255.255", None),
    ];
    assert_eq!(ranges(raw), wanted);
}

#[test]
fn elements_are_as_many_messages_as_they_need() {
    let set = SetName { table_family: 1, table: "f2b-table", set: "addr-set-sshd" };
    let hosts: Vec<_> =
        (0..10_000).map(|n| (Key::Host(Ipv4Addr::from(n).into()), Some(1))).collect();
    let messages = lists(kind::NEW_ELEMENT, &set, &hosts);
    let elements = |message: Message| {
        let bytes = message.finish(0, 0);
        assert!(bytes.len() < usize::from(u16::MAX));
        let (came, _) = message::Came::first(&bytes).unwrap();
        let list = came.attributes().unwrap().get(LIST_ELEMENTS).unwrap().to_vec();
        Attributes(&list).each().map(|(_, raw)| Raw::read(Attributes(raw)).unwrap().ip).collect()
    };
    let found: Vec<Vec<IpAddr>> = messages.into_iter().map(elements).collect();
    assert!(found.len() > 1);
    assert!(found.concat().into_iter().eq((0..10_000).map(|n| IpAddr::from(Ipv4Addr::from(n)))));
}
