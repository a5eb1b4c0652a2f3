//! Elements of sets of hosts, and what is told of sets.

use f2b::enforce::netfilter::netlink::{NetlinkError, Nftables, SetChange, SetInfo, SetName};

use crate::harness::{in_namespace, nft, without_rights};
use crate::sets::{
    DAY, HOSTS, HOSTS6, HOUR, RANGES, RANGES6, adding, all, change, expect, host, key, listed,
    made, removing,
};

#[test]
fn a_set_is_described() {
    in_namespace(|| {
        let mut nftables = made();
        let hosts =
            SetInfo { key_type: 7, is_interval: false, has_timeout: true, has_counter: true };
        assert_eq!(nftables.set(&HOSTS).unwrap(), Some(hosts));
        let ranges6 =
            SetInfo { key_type: 8, is_interval: true, has_timeout: true, has_counter: false };
        assert_eq!(nftables.set(&RANGES6).unwrap(), Some(ranges6));
        assert_eq!(nftables.set(&SetName { set: "none", ..HOSTS }).unwrap(), None);
        assert_eq!(nftables.set(&SetName { table: "none", ..HOSTS }).unwrap(), None);
        assert_eq!(nftables.set(&SetName { table_family: 2, ..HOSTS }).unwrap(), None);
        nft("add chain inet t c");
        assert!(nftables.has_chain(1, "t", "c").unwrap());
        assert!(!nftables.has_chain(1, "t", "none").unwrap());
        assert!(!nftables.has_chain(2, "t", "c").unwrap());
    });
}

#[test]
fn each_transaction_is_a_generation() {
    in_namespace(|| {
        let mut nftables = made();
        let before = nftables.generation().unwrap();
        assert_eq!(nftables.generation().unwrap(), before);
        nft("add chain inet t c");
        let after = nftables.generation().unwrap();
        assert_ne!(after, before);
        nftables.change(&[change(HOSTS)]).unwrap();
        assert_eq!(nftables.generation().unwrap(), after, "a change of nothing");
        nftables.change(&[adding(HOSTS, &[("192.0.2.1", HOUR)])]).unwrap();
        assert_ne!(nftables.generation().unwrap(), after);
    });
}

#[test]
fn hosts_come_and_go() {
    in_namespace(|| {
        let mut nftables = made();
        let many = adding(HOSTS, &[("192.0.2.2", DAY), ("192.0.2.1", HOUR), ("10.0.0.1", None)]);
        let six = adding(HOSTS6, &[("2001:db8::1", HOUR), ("::", None)]);
        nftables.change(&[many, six]).unwrap();
        let hosts = expect(&[("10.0.0.1", None), ("192.0.2.1", HOUR), ("192.0.2.2", DAY)]);
        assert_eq!(listed(&mut nftables, HOSTS), hosts);
        assert_eq!(listed(&mut nftables, HOSTS6), expect(&[("::", None), ("2001:db8::1", HOUR)]));
        let shown = nft("list set inet t hosts");
        assert!(shown.contains("192.0.2.2 counter packets 0 bytes 0 timeout 1d "), "{shown}");
        assert!(shown.contains("10.0.0.1 counter packets 0 bytes 0,"), "{shown}");

        nftables.change(&[removing(HOSTS, &["192.0.2.1", "192.0.2.7"])]).unwrap();
        let hosts = expect(&[("10.0.0.1", None), ("192.0.2.2", DAY)]);
        assert_eq!(listed(&mut nftables, HOSTS), hosts);

        let flush = SetChange { flush: true, ..adding(HOSTS, &[("192.0.2.2", HOUR)]) };
        nftables.change(&[flush]).unwrap();
        assert_eq!(listed(&mut nftables, HOSTS), expect(&[("192.0.2.2", HOUR)]));
        assert!(!nft("list set inet t hosts").contains("10.0.0.1"));
    });
}

#[test]
fn what_is_added_again_has_the_new_timeout() {
    in_namespace(|| {
        let mut nftables = made();
        for set in [HOSTS, RANGES] {
            for timeout in [HOUR, DAY, None, HOUR] {
                nftables.change(&[adding(set, &[("192.0.2.1", timeout)])]).unwrap();
                assert_eq!(listed(&mut nftables, set), expect(&[("192.0.2.1", timeout)]));
            }
            let twice = adding(set, &[("192.0.2.1", None), ("192.0.2.1", DAY)]);
            let and_removed = removing(set, &["192.0.2.1", "192.0.2.1"]);
            nftables.change(&[SetChange { remove: and_removed.remove, ..twice }]).unwrap();
            assert_eq!(listed(&mut nftables, set), expect(&[("192.0.2.1", DAY)]));
        }
    });
}

#[test]
fn one_element_is_looked_at() {
    in_namespace(|| {
        let mut nftables = made();
        nftables.change(&[adding(HOSTS, &[("192.0.2.1", HOUR), ("192.0.2.3", None)])]).unwrap();
        let found = nftables.element(&HOSTS, &key("192.0.2.1")).unwrap().unwrap();
        assert_eq!((found.key, found.timeout_ms), (key("192.0.2.1"), HOUR));
        let left = found.expires_ms.unwrap();
        assert!(left <= 3_600_000 && left > 3_000_000, "{left}");
        assert_eq!((found.packets, found.bytes), (Some(0), Some(0)));
        let found = nftables.element(&HOSTS, &key("192.0.2.3")).unwrap().unwrap();
        assert_eq!((found.timeout_ms, found.expires_ms), (None, None));
        assert_eq!(nftables.element(&HOSTS, &key("192.0.2.2")).unwrap(), None);
    });
}

#[test]
fn what_has_expired_is_gone_and_may_come_again() {
    in_namespace(|| {
        let mut nftables = made();
        for (set, text) in [(HOSTS, "192.0.2.1"), (RANGES, "192.0.2.1-192.0.2.5")] {
            nftables.change(&[adding(set, &[(text, Some(1))])]).unwrap();
            while nftables.element(&set, &key(text)).unwrap().is_some() {}
            assert_eq!(listed(&mut nftables, set), []);
            nftables.change(&[removing(set, &[text])]).unwrap();
            nftables.change(&[adding(set, &[(text, Some(1))])]).unwrap();
            while nftables.element(&set, &key(text)).unwrap().is_some() {}
            nftables.change(&[adding(set, &[(text, HOUR)])]).unwrap();
            assert_eq!(listed(&mut nftables, set), expect(&[(text, HOUR)]));
        }
    });
}

#[test]
fn a_change_that_fails_changes_nothing() {
    in_namespace(|| {
        let mut nftables = made();
        let generation = nftables.generation().unwrap();
        let good = adding(HOSTS, &[("192.0.2.1", HOUR)]);
        let missing = adding(SetName { set: "none", ..HOSTS }, &[("192.0.2.1", HOUR)]);
        let error = nftables.change(&[good.clone(), missing]).unwrap_err();
        assert!(matches!(&error, NetlinkError::NoSuch { .. }), "{error:?}");
        assert_eq!(
            error.to_string(),
            "nf_tables, set 'none' of the table 'inet t': no such table, chain or set; it has to be made first"
        );
        for (set, text) in [
            (HOSTS, "::1"),
            (HOSTS6, "192.0.2.1"),
            (HOSTS, "10.0.0.0-10.0.0.2"),
            (RANGES, "10.0.0.2-10.0.0.1"),
        ] {
            let error = nftables.change(&[good.clone(), adding(set, &[(text, None)])]).unwrap_err();
            assert!(matches!(&error, NetlinkError::WrongKey { .. }), "{error:?}");
        }
        // The kernel sees this one, after it has taken the first part.
        nft("add set inet t plain { type ipv4_addr; }");
        let plain = adding(SetName { set: "plain", ..HOSTS }, &[("192.0.2.1", HOUR)]);
        let before = nftables.generation().unwrap();
        let error = nftables.change(&[good, plain]).unwrap_err();
        assert!(
            error.to_string().contains("set 'plain' of the table 'inet t': Invalid argument"),
            "{error}"
        );
        assert_eq!(listed(&mut nftables, HOSTS), []);
        assert_eq!(nftables.generation().unwrap(), before);
        assert_ne!(before, generation);
    });
}

#[test]
fn who_may_not_is_told_so() {
    in_namespace(|| {
        without_rights(|| {
            let error = Nftables::open().unwrap().set(&HOSTS).unwrap_err();
            assert_eq!(
                error.to_string(),
                "nf_tables, set 'hosts' of the table 'inet t': not permitted; run as root, or with CAP_NET_ADMIN"
            );
        });
    });
}

#[test]
fn a_hundred_thousand_hosts_are_one_change() {
    in_namespace(|| {
        let mut nftables = made();
        let add: Vec<_> = (0..100_000).map(|number| (host(number), HOUR)).collect();
        let before = nftables.generation().unwrap();
        nftables.change(&[SetChange { add: add.clone(), ..change(HOSTS) }]).unwrap();
        assert_eq!(nftables.generation().unwrap(), before + 1);
        let found: Vec<_> = all(&mut nftables, HOSTS);
        assert!(
            found.iter().map(|element| (element.key, element.timeout_ms)).eq(add.iter().copied())
        );
        let remove = add.iter().map(|(key, _)| *key).filter(|key| *key != host(7)).collect();
        nftables.change(&[SetChange { remove, ..change(HOSTS) }]).unwrap();
        assert_eq!(listed(&mut nftables, HOSTS), expect(&[("10.0.0.7", HOUR)]));
    });
}

#[test]
fn a_set_is_read_as_it_was_at_one_moment() {
    in_namespace(|| {
        let mut nftables = made();
        let half = move |start: u32| (0..2000).map(move |number| host(start + 2 * number));
        let swap = move |from: u32, to: u32| SetChange {
            add: half(to).map(|key| (key, None)).collect(),
            remove: half(from).collect(),
            ..change(HOSTS)
        };
        nftables.change(&[swap(1, 0)]).unwrap();
        let (done, is_done) = std::sync::mpsc::channel::<()>();
        let changer = std::thread::spawn(move || {
            let mut nftables = Nftables::open().unwrap();
            let mut swaps = 0;
            while is_done.try_recv().is_err() {
                nftables.change(&[swap(0, 1)]).unwrap();
                nftables.change(&[swap(1, 0)]).unwrap();
                swaps += 2;
            }
            swaps
        });
        let mut read = 0;
        for _ in 0..20 {
            let mut keys = Vec::new();
            match nftables.each_element(&HOSTS, |element| keys.push(element.key)) {
                Ok(()) => {
                    read += 1;
                    let is = |start| keys.iter().copied().eq(half(start));
                    assert!(
                        is(0) || is(1),
                        "{} elements, of {:?} to {:?}",
                        keys.len(),
                        keys.first(),
                        keys.last()
                    );
                }
                Err(error) => assert!(matches!(error, NetlinkError::Restless { .. }), "{error}"),
            }
        }
        done.send(()).unwrap();
        let swaps = changer.join().unwrap();
        assert!(read > 0 && swaps > 2, "{read} of 20 readings, {swaps} swaps");
    });
}
