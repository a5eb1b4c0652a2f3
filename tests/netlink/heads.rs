//! Sets of ipset, from outside.

use f2b::enforce::netfilter::netlink::{Ipset, IpsetHead};

use crate::harness::{in_namespace, run};

#[test]
fn a_set_of_ipset_says_how_many_are_in_it_and_look_into_it() {
    in_namespace(|| {
        let mut ipset = Ipset::open().unwrap();
        assert_eq!(ipset.head("s"), None);
        let head = |elements, references| Some(IpsetHead { elements, references });
        for (script, elements) in [
            ("create s hash:ip timeout 0\ncreate t hash:ip\nadd t 192.0.2.9\n", 0),
            ("add s 192.0.2.1\nadd s 192.0.2.2 timeout 600\nadd s 192.0.2.3\n", 3),
            ("del s 192.0.2.1\n", 2),
            ("flush s\n", 0),
        ] {
            run("ipset", &["restore"], script);
            assert_eq!(ipset.head("s"), head(elements, 0), "{script}");
        }
        let rule = ["-m", "set", "--match-set", "s", "src", "-j", "DROP"];
        run("iptables", &[&["-I", "INPUT"], &rule[..]].concat(), "");
        run("iptables", &[&["-I", "FORWARD"], &rule[..]].concat(), "");
        assert_eq!(ipset.head("s"), head(0, 2));
        run("iptables", &["-F", "INPUT"], "");
        assert_eq!(ipset.head("s"), head(0, 1));
        run("iptables", &["-F"], "");
        run("ipset", &["destroy"], "");
        assert_eq!(ipset.head("s"), None);
    });
}
