//! Rules of a chain.

use f2b::enforce::netfilter::netlink::Nftables;

use crate::harness::{in_namespace, nft, run};

#[test]
fn rules_name_the_sets_they_look_into() {
    in_namespace(|| {
        nft("add table inet t
            add set inet t hosts { type ipv4_addr; flags timeout; counter; }
            add set inet t hosts6 { type ipv6_addr; flags timeout; }
            add chain inet t c
            add chain inet t other
            add rule inet t other ip saddr @hosts accept
            add rule inet t c tcp dport { 22, 25 } ip saddr @hosts counter drop
            add rule inet t c counter
            add rule inet t c ip6 saddr @hosts6 reject");
        let mut nftables = Nftables::open().unwrap();
        let rules = nftables.rules(1, "t", "c").unwrap().unwrap();
        let sets: Vec<_> = rules.iter().map(|rule| rule.sets.join(" ")).collect();
        assert_eq!(sets, ["__set0 hosts", "", "hosts6"]);

        let handles: Vec<_> = rules.iter().map(|rule| rule.handle.to_string()).collect();
        let shown = run("nft", &["--handle", "list", "chain", "inet", "t", "c"], "");
        for (line, handle) in shown.lines().skip(2).zip(&handles) {
            assert_eq!(line.rsplit("# handle ").next(), Some(handle.as_str()), "{line}");
        }
        assert_eq!(nftables.rules(1, "t", "c").unwrap().unwrap(), rules);

        nft(&format!("replace rule inet t c handle {} ip6 saddr @hosts6 drop", handles[2]));
        let after = nftables.rules(1, "t", "c").unwrap().unwrap();
        assert_eq!(after[..2], rules[..2]);
        assert_ne!(after[2].expressions, rules[2].expressions);
    });
}

#[test]
fn a_chain_may_be_long_or_empty_or_missing() {
    in_namespace(|| {
        let rule = "add rule inet t long ip saddr 192.0.2.1 counter drop\n";
        nft(&format!(
            "add table inet t\nadd chain inet t c\nadd chain inet t long\n{}",
            rule.repeat(3000)
        ));
        let mut nftables = Nftables::open().unwrap();
        assert_eq!(nftables.rules(1, "t", "long").unwrap().unwrap().len(), 3000);
        assert_eq!(nftables.rules(1, "t", "c").unwrap(), Some(vec![]));
        assert_eq!(nftables.rules(1, "t", "none").unwrap(), None);
        assert_eq!(nftables.rules(1, "none", "c").unwrap(), None);
        assert_eq!(nftables.rules(2, "t", "c").unwrap(), None);
    });
}
