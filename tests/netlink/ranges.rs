//! Sets of ranges: their ends, and what is found in them.

use f2b::enforce::netfilter::netlink::{NetlinkError, SetChange};

use crate::harness::{in_namespace, nft};
use crate::sets::{
    DAY, HOUR, RANGES, RANGES6, adding, change, expect, host, key, listed, made, removing,
};

#[test]
fn ranges_need_not_be_networks() {
    in_namespace(|| {
        let mut nftables = made();
        let ranges = [
            ("0.0.0.0-0.255.255.255", HOUR),
            ("10.0.0.1", None),
            ("10.0.0.2-10.0.0.4", DAY),
            ("10.0.0.5-10.0.0.9", HOUR),
            ("255.255.255.0-255.255.255.255", DAY),
        ];
        nftables.change(&[adding(RANGES, &ranges)]).unwrap();
        assert_eq!(listed(&mut nftables, RANGES), expect(&ranges));
        let shown = nft("list set inet t ranges");
        for part in [
            "0.0.0.0/8 counter",
            "10.0.0.1 counter",
            "10.0.0.2-10.0.0.4 counter packets 0 bytes 0 timeout 1d",
            "10.0.0.5-10.0.0.9",
            "255.255.255.0/24 counter",
        ] {
            assert!(shown.contains(part), "{part}: {shown}");
        }
        // What the tool does is understood, and the other way round.
        nft("delete element inet t ranges { 10.0.0.2-10.0.0.4, 255.255.255.0/24, 0.0.0.0/8 }
            add element inet t ranges { 255.255.255.255 timeout 1h, 0.0.0.0 timeout 1h }");
        let ranges = [
            ("0.0.0.0", HOUR),
            ("10.0.0.1", None),
            ("10.0.0.5-10.0.0.9", HOUR),
            ("255.255.255.255", HOUR),
        ];
        assert_eq!(listed(&mut nftables, RANGES), expect(&ranges));
        nftables
            .change(&[removing(
                RANGES,
                &["255.255.255.255", "0.0.0.0", "10.0.0.1", "10.0.0.5-10.0.0.9"],
            )])
            .unwrap();
        assert_eq!(listed(&mut nftables, RANGES), []);
        assert!(!nft("list set inet t ranges").contains("elements"));
    });
}

#[test]
fn ranges_of_the_other_family_are_as_long() {
    in_namespace(|| {
        let mut nftables = made();
        let end = "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff";
        let last = format!("ff00::-{end}");
        let ranges =
            [("::-::5", None), ("::6", HOUR), ("2001:db8::-2001:db8::ffff", DAY), (&last, HOUR)];
        nftables.change(&[adding(RANGES6, &ranges)]).unwrap();
        assert_eq!(listed(&mut nftables, RANGES6), expect(&ranges));
        let shown = nft("list set inet t ranges6");
        for part in
            ["::-::5,", "::6 timeout 1h", "2001:db8::/112 timeout 1d", "ff00::/8 timeout 1h"]
        {
            assert!(shown.contains(part), "{part}: {shown}");
        }
        let all = format!("::-{end}");
        let whole = SetChange { flush: true, ..adding(RANGES6, &[(&all, DAY)]) };
        nftables.change(&[whole]).unwrap();
        assert_eq!(listed(&mut nftables, RANGES6), expect(&[(&all, DAY)]));
        assert!(nft("list set inet t ranges6").contains("::/0 timeout 1d"));
    });
}

#[test]
fn a_key_is_found_in_the_range_that_holds_it() {
    in_namespace(|| {
        let mut nftables = made();
        let touching = [("10.0.0.10-10.0.0.19", HOUR), ("10.0.0.20-10.0.0.29", DAY)];
        let ends = [("0.0.0.0-0.0.0.9", None), ("255.255.255.250-255.255.255.255", None)];
        nftables.change(&[adding(RANGES, &[touching, ends].concat())]).unwrap();
        let found = [
            ("10.0.0.10-10.0.0.19", "10.0.0.10-10.0.0.19"),
            ("10.0.0.10", "10.0.0.10-10.0.0.19"),
            ("10.0.0.19", "10.0.0.10-10.0.0.19"),
            ("10.0.0.20", "10.0.0.20-10.0.0.29"),
            ("10.0.0.25-10.0.0.26", "10.0.0.20-10.0.0.29"),
            ("0.0.0.0", "0.0.0.0-0.0.0.9"),
            ("255.255.255.251", "255.255.255.250-255.255.255.255"),
            ("255.255.255.255", "255.255.255.250-255.255.255.255"),
        ];
        for (asked, range) in found {
            let element = nftables.element(&RANGES, &key(asked)).unwrap();
            assert_eq!(element.map(|element| element.key), Some(key(range)), "{asked}");
        }
        let missing = [
            "10.0.0.9",
            "10.0.0.30",
            "10.0.0.19-10.0.0.20",
            "10.0.0.5-10.0.0.15",
            "0.0.0.10",
            "255.255.255.249",
        ];
        for asked in missing {
            assert_eq!(nftables.element(&RANGES, &key(asked)).unwrap(), None, "{asked}");
        }
    });
}

#[test]
fn a_range_takes_the_place_of_others() {
    in_namespace(|| {
        let mut nftables = made();
        nftables
            .change(&[adding(RANGES, &[("10.0.0.1-10.0.0.9", HOUR), ("10.0.0.20", HOUR)])])
            .unwrap();
        let wider = adding(RANGES, &[("10.0.0.1-10.0.0.30", DAY)]);
        let error = nftables.change(std::slice::from_ref(&wider)).unwrap_err();
        assert!(matches!(error, NetlinkError::Overlap { .. }), "{error:?}");
        // What only looks like one that is there is left alone.
        nftables
            .change(&[removing(
                RANGES,
                &["10.0.0.1-10.0.0.8", "10.0.0.1", "10.0.0.2-10.0.0.9", "10.0.0.0-10.0.0.255"],
            )])
            .unwrap();
        assert_eq!(
            listed(&mut nftables, RANGES),
            expect(&[("10.0.0.1-10.0.0.9", HOUR), ("10.0.0.20", HOUR)])
        );
        let remove = vec![key("10.0.0.1-10.0.0.9"), key("10.0.0.20"), key("10.0.0.77")];
        nftables.change(&[SetChange { remove, ..wider }]).unwrap();
        assert_eq!(listed(&mut nftables, RANGES), expect(&[("10.0.0.1-10.0.0.30", DAY)]));
    });
}

#[test]
fn many_ranges_are_one_change() {
    in_namespace(|| {
        let mut nftables = made();
        let ranges = |timeout| SetChange {
            add: (0..20_000).map(|number| (host(2 * number), timeout)).collect(),
            ..change(RANGES)
        };
        nftables.change(&[ranges(HOUR)]).unwrap();
        let before = nftables.generation().unwrap();
        nftables.change(&[ranges(DAY)]).unwrap();
        assert_eq!(nftables.generation().unwrap(), before + 1);
        let found = listed(&mut nftables, RANGES);
        assert_eq!(found.len(), 20_000);
        assert!(found.iter().all(|(_, timeout)| *timeout == DAY));
    });
}
