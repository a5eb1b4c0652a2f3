//! What is not f2b's: the same, byte for byte, whatever f2b does beside it.

use crate::harness::{Net, V4, V6};

const JAILS: &str = "[sshd]\naction = nftables[port=22]\n\
                     [mail]\naction = iptables-multiport[port=25]\n\
                     [web]\naction = iptables-ipset-proto6[port=80]\n";

/// What an administrator and other programs have: some of it is called nearly as what f2b makes.
const FOREIGN: &str = "
    nft -f - <<'END'
    table inet f2b-table2 {
        set addr-set-sshd { type ipv4_addr; flags timeout; elements = { 203.0.113.7 } }
        chain f2b-chain { type filter hook input priority -1; ip saddr @addr-set-sshd tcp dport 8085 drop;
        }
    }
    table ip f2b-table {
        chain f2b-chain { type filter hook input priority -1; tcp dport 8085 accept;
        }
    }
    table inet f2b-table {
        set addr-set-sshdx { type ipv4_addr; elements = { 203.0.113.7 } }
        set addr-set-ssh { type ipv4_addr; }
        set addr-set-sshd2-net { type ipv4_addr; flags interval; }
        chain f2b-chain {
            type filter hook input priority -1;
            tcp dport 2222 ip saddr 203.0.113.7 drop
            ip saddr @addr-set-sshdx tcp dport 2222 drop
        }
        chain mine { type filter hook input priority 5; tcp dport 2222 counter; tcp dport 2222 ip saddr @addr-set-sshdx drop;
        }
    }
END
    for tool in iptables ip6tables; do
        $tool -N f2b-mail2; $tool -A f2b-mail2 -p tcp --dport 2222 -j DROP; $tool -N f2b-mai; $tool -N mail
        $tool -A INPUT -p tcp --dport 25 -j f2b-mail2
        $tool -A INPUT -p tcp --dport 2222 -m comment --comment f2b-mail -j ACCEPT
        $tool -t mangle -N f2b-mail; $tool -t mangle -A INPUT -j f2b-mail
    done
    ipset create f2b-webx hash:ip; ipset add f2b-webx 203.0.113.7; ipset create f2b-we hash:net
    ipset create f2b-web-net2 hash:net; ipset add f2b-web-net2 203.0.112.0/24
    iptables -A INPUT -m set --match-set f2b-webx src -p tcp --dport 2222 -j DROP
";

/// What there is but for lines that name what is f2b's. In the tables of others everything is others'.
fn others(net: &Net) -> String {
    let own = [
        "@addr-set-sshd ",
        "@addr6-set-sshd ",
        "@addr-set-sshd-net ",
        "@addr6-set-sshd-net ",
        "-A INPUT -p tcp -m multiport --dports 25 -j f2b-mail ",
        "-A f2b-mail ",
        ":f2b-mail ",
        " f2b-web ",
        " f2b-web6 ",
        " f2b-web-net ",
        " f2b-web6-net ",
    ];
    let is_own = |line: &str| own.iter().any(|name| format!("{line} ").contains(name));
    let mut others = String::new();
    // Objects one by one: those of f2b's stand between those of others.
    for command in [
        "nft -a list table inet f2b-table2",
        "nft -a list table ip f2b-table",
        "nft -a list set inet f2b-table addr-set-sshdx",
        "nft -a list set inet f2b-table addr-set-ssh",
        "nft -a list set inet f2b-table addr-set-sshd2-net",
        "nft -a list chain inet f2b-table f2b-chain",
        "nft -a list chain inet f2b-table mine",
        "iptables-save -t mangle",
        "ip6tables-save -t mangle",
    ] {
        let listing = net.host().shell(command);
        let is_shared = command.ends_with("inet f2b-table f2b-chain");
        let lines = listing.lines().filter(|line| {
            let is_ours = is_shared && is_own(line);
            !line.starts_with('#') && !is_ours
        });
        others.extend(lines.flat_map(|line| [line, "\n"]));
    }
    for command in ["iptables-save -t filter", "ip6tables-save -t filter", "ipset save"] {
        let listing = net.host().shell(command);
        let lines = listing.lines().filter(|line| !line.starts_with('#') && !is_own(line));
        others.extend(lines.flat_map(|line| [line, "\n"]));
    }
    others
}

/// After each of these commands everything that is others' is what it was before.
fn stays(commands: &[&str]) {
    let net = Net::new(JAILS);
    net.host().shell(FOREIGN);
    let before = others(&net);
    for command in commands {
        net.does(command);
        assert_eq!(others(&net), before, "{command}");
    }
    // What isn't told apart above is, when all of f2b's is out again.
    net.does("flush");
    assert_eq!(others(&net), before);
    let tables = net.host().shell("nft list tables; nft list sets | grep -c '	set'");
    assert!(tables.contains("f2b-table2") && tables.ends_with("\n4\n"), "{tables}");
}

#[test]
fn bans_and_their_end_leave_it_as_it_is() {
    let all = format!("{V4} {V6} 203.0.113.4/31 2001:db8:113::4/127");
    let bans = ["sshd", "mail", "web"].map(|jail| format!("ban -j {jail} {all}"));
    let bans: Vec<&str> = bans.iter().map(String::as_str).collect();
    stays(&[&bans[..], &["unban --all"]].concat());
}

#[test]
fn restores_and_flushes_leave_it_as_it_is() {
    let bans = ["sshd", "mail", "web"].map(|jail| format!("ban --no-enforce -j {jail} {V4} {V6}"));
    let bans: Vec<&str> = bans.iter().map(String::as_str).collect();
    stays(&[&bans[..], &["restore", "flush mail", "flush", "restore", "restore"]].concat());
}

#[test]
fn hosts_that_others_keep_out_stay_out() {
    let net = Net::new(JAILS);
    net.host().shell(FOREIGN);
    assert!(!net.lets_in("203.0.113.7", 2222));
    net.does("ban -j sshd 203.0.113.7");
    net.does("unban 203.0.113.7");
    net.does("flush");
    let rules = net.rules();
    assert!(!net.lets_in("203.0.113.7", 2222), "{rules}");
    assert!(net.lets_in("203.0.113.7", 22), "{rules}");
}

#[test]
fn a_table_in_which_somebody_has_a_chain_stays() {
    let net = Net::new(JAILS);
    net.does(&format!("ban -j sshd {V4}"));
    net.host().shell("nft add chain inet f2b-table mine; nft add rule inet f2b-table mine counter");
    net.does("flush");
    let rules = net.rules();
    assert!(rules.contains("chain mine") && !rules.contains("addr-set"), "{rules}");
}

#[test]
fn a_flush_takes_out_a_table_with_nothing_in_it() {
    let net = Net::new(JAILS);
    net.does(&format!("ban -j sshd {V4}"));
    net.does("flush");
    assert_eq!(net.rules(), "");
}
