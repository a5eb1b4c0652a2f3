//! What is told of what others do.

use std::time::{Duration, Instant};

use f2b::enforce::netfilter::netlink::{Event, Key, Listener, NetlinkError, SetChange};
use rustix::event::{PollFd, PollFlags, Timespec, poll};

use crate::harness::{in_namespace, nft, run, without_rights};
use crate::sets::{HOSTS, HOUR, adding, change, host, made, removing};

/// All that lies ready, each in a few words; whether it is all that was done.
fn heard(listener: &mut Listener) -> (Vec<String>, bool) {
    let mut heard = Vec::new();
    let shown = |Event { family, table, touched, is_deleted }: Event<'_>| {
        let sign = if is_deleted { '-' } else { '+' };
        format!("{sign} {family} {table} {touched:?}")
    };
    let is_all = listener.read(|event| heard.push(shown(event))).unwrap();
    (heard, is_all)
}

/// Whether anything is told within a time.
fn is_told(listener: &Listener, within: Duration) -> bool {
    let left = Timespec { tv_sec: within.as_secs().cast_signed(), tv_nsec: 0 };
    poll(&mut [PollFd::from_borrowed_fd(listener.fd(), PollFlags::IN)], Some(&left)).unwrap() > 0
}

#[test]
fn what_others_do_is_told_when_it_is_done() {
    in_namespace(|| {
        let mut listener = Listener::open().unwrap();
        assert_eq!(heard(&mut listener), (vec![], true));
        for (done, told) in [
            ("add table inet t", &["+ 1 t Table"][..]),
            ("add chain inet t c { type filter hook input priority 0; }", &["+ 1 t Chain(\"c\")"]),
            ("add set inet t s { type ipv4_addr; }", &["+ 1 t Set(\"s\")"]),
            ("add rule inet t c ip saddr @s drop", &["+ 1 t Rule(\"c\")"]),
            (
                "add element inet t s { 192.0.2.1, 192.0.2.2 }",
                &[
                    "+ 1 t Elements(\"s\", Some([192.0.2.1]))",
                    "+ 1 t Elements(\"s\", Some([192.0.2.2]))",
                ],
            ),
            (
                "delete element inet t s { 192.0.2.1 }",
                &["- 1 t Elements(\"s\", Some([192.0.2.1]))"],
            ),
            ("flush set inet t s", &["- 1 t Elements(\"s\", Some([192.0.2.2]))"]),
            ("flush chain inet t c", &["- 1 t Rule(\"c\")"]),
            ("add table ip other", &["+ 2 other Table"]),
            (
                "flush ruleset",
                &["- 1 t Set(\"s\")", "- 1 t Chain(\"c\")", "- 1 t Table", "- 2 other Table"],
            ),
        ] {
            nft(done);
            assert!(is_told(&listener, Duration::from_secs(1)), "{done}");
            let (heard, is_all) = heard(&mut listener);
            assert_eq!((heard.iter().map(String::as_str).collect(), is_all), (told.to_vec(), true));
        }
    });
}

#[test]
fn rules_of_iptables_are_told() {
    in_namespace(|| {
        let mut listener = Listener::open().unwrap();
        run("iptables", &["-N", "f2b-x"], "");
        run("ip6tables", &["-I", "INPUT", "-j", "ACCEPT"], "");
        heard(&mut listener);
        run("iptables", &["-F"], "");
        assert_eq!(heard(&mut listener).0, Vec::<String>::new(), "there was no rule");
        run("ip6tables", &["-F"], "");
        run("iptables", &["-X"], "");
        assert_eq!(
            heard(&mut listener).0,
            ["- 10 filter Rule(\"INPUT\")", "- 2 filter Chain(\"f2b-x\")"]
        );
    });
}

#[test]
fn own_doing_is_not_told() {
    in_namespace(|| {
        let mut nftables = made();
        let mut listener = Listener::open().unwrap();
        nftables.change(&[adding(HOSTS, &[("192.0.2.1", HOUR), ("192.0.2.2", None)])]).unwrap();
        nftables.change(&[removing(HOSTS, &["192.0.2.1"])]).unwrap();
        // What was done by a socket that is closed by now is known as well.
        drop(nftables);
        assert_eq!(heard(&mut listener), (vec![], true));
        nft("flush set inet t hosts");
        assert_eq!(heard(&mut listener).0, ["- 1 t Elements(\"hosts\", Some([192.0.2.2]))"]);
    });
}

#[test]
fn elements_that_time_out_are_not_told() {
    in_namespace(|| {
        let mut nftables = made();
        nft("delete set inet t hosts
            add set inet t hosts { type ipv4_addr; flags timeout; gc-interval 10ms; }");
        let mut listener = Listener::open().unwrap();
        let soon = vec![(host(1), Some(20)), (host(2), Some(400))];
        nftables.change(&[SetChange { add: soon, ..change(HOSTS) }]).unwrap();
        assert_eq!(heard(&mut listener).0, Vec::<String>::new());
        let start = Instant::now();
        while nftables.element(&HOSTS, &host(2)).unwrap().is_some() {
            assert!(start.elapsed() < Duration::from_secs(20));
        }
        nft("add element inet t hosts { 192.0.2.1 }");
        assert_eq!(heard(&mut listener).0, ["+ 1 t Elements(\"hosts\", Some([192.0.2.1]))"]);
    });
}

#[test]
fn who_was_told_more_than_he_could_keep_knows_it() {
    in_namespace(|| {
        let mut nftables = made();
        let mut listener = Listener::open().unwrap();
        let many: Vec<(Key, Option<u64>)> = (0..200_000).map(|n| (host(n), None)).collect();
        nftables.change(&[SetChange { add: many, ..change(HOSTS) }]).unwrap();
        assert!(!heard(&mut listener).1);
        nft("delete element inet t hosts { 10.0.0.1 }");
        assert_eq!(
            heard(&mut listener),
            (vec!["- 1 t Elements(\"hosts\", Some([10.0.0.1]))".to_owned()], true)
        );
    });
}

#[test]
fn listening_needs_rights() {
    without_rights(|| {
        let error = Listener::open().unwrap_err();
        assert!(matches!(error, NetlinkError::NotPermitted { .. }), "{error}");
    });
}
