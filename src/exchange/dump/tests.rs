use super::*;
use crate::model::{BanTime, Time};

/// `JAIL HOST SECONDS`, `-` for ever.
fn told(dump: Dump, text: &str) -> Result<Vec<String>, String> {
    let at = Time::from_secs(1000);
    let defaults = Defaults { jail: "import".into(), at, bantime: BanTime::Permanent };
    let mut found = Vec::new();
    dump.read(text.as_bytes(), &defaults, Zone::utc(), |ban| {
        let length = ban.until.map(|end| (end.micros() - ban.at.micros()) / 1_000_000);
        let length = length.map_or("-".to_owned(), |secs| secs.to_string());
        found.push(format!("{} {} {length}", ban.jail, ban.host));
        Ok::<_, ListError>(())
    })
    .map_err(|error| error.to_string())?;
    Ok(found)
}

#[track_caller]
fn reads(dump: Dump, text: &str, bans: &[&str]) {
    assert_eq!(told(dump, text).unwrap(), bans);
    assert_eq!(detect(text.as_bytes()), Some(Detected::Dump(dump)));
}

#[test]
fn ok_what_ipset_saves() {
    reads(
        Dump::Ipset,
        "create f2b-sshd hash:ip family inet hashsize 1024 maxelem 65536 timeout 600 bucketsize 12 initval 0x374f\n\
         create f2b-sshd6 hash:ip family inet6 hashsize 1024 maxelem 65536 timeout 600\n\
         create f2b-pop3x6 hash:net family inet hashsize 1024 maxelem 65536\n\
         add f2b-sshd 198.51.100.1 timeout 0\n\
         add f2b-sshd 198.51.100.2 timeout 599 comment \"a b\"\n\
         add f2b-sshd6 2001:db8::1 timeout 7\n\
         add f2b-pop3x6 198.51.100.64/26\n",
        &[
            "sshd 198.51.100.1 -",
            "sshd 198.51.100.2 599",
            "sshd 2001:db8::1 7",
            "pop3x6 198.51.100.64/26 -",
        ],
    );
    reads(
        Dump::Ipset,
        "add mine 198.51.100.0-198.51.100.2\n",
        &["import 198.51.100.0/31 -", "import 198.51.100.2 -"],
    );
}

#[test]
fn ok_what_nft_lists() {
    let ruleset = "table inet f2b-table {\n\tset addr-set-sshd {\n\t\ttype ipv4_addr\n\t\tflags interval,timeout\n\
        \t\telements = { 198.51.100.1 timeout 1h expires 59m59s928ms, 198.51.100.64/26,\n\
        \t\t\t     203.0.113.5-203.0.113.6 timeout 10m expires 928ms }\n\t}\n\n\
        \tset addr6-set-sshd {\n\t\ttype ipv6_addr\n\t\tcounter\n\t\ttimeout 2d\n\
        \t\telements = { 2001:db8::1 counter packets 0 bytes 0 expires 1d1s comment \"hi, } there\" }\n\t}\n\n\
        \tchain c {\n\t\tip saddr @s elements = { 192.0.2.1 }\n\t}\n}\n";
    reads(
        Dump::Nft,
        ruleset,
        &[
            "sshd 198.51.100.1 3599",
            "sshd 198.51.100.64/26 -",
            "sshd 203.0.113.5 0",
            "sshd 203.0.113.6 0",
            "sshd 2001:db8::1 86401",
        ],
    );
    reads(
        Dump::Nft,
        r#"{"nftables": [{"metainfo": {"version": "1.0.6"}}, {"set": {"family": "inet", "name": "s", "table": "t",
        "type": "ipv4_addr", "elem": [{"elem": {"val": "198.51.100.1", "timeout": 3600, "expires": 3599}},
        {"prefix": {"addr": "198.51.100.64", "len": 26}},
        {"elem": {"val": {"range": ["203.0.113.5", "203.0.113.5"]}, "timeout": 0}}]}}]}"#,
        &["import 198.51.100.1 3599", "import 198.51.100.64/26 -", "import 203.0.113.5 -"],
    );
}

#[test]
fn ok_what_fail2ban_client_prints() {
    reads(
        Dump::Banned,
        "[{'sshd': ['198.51.100.1', \"it's\"]}, {'smtp': []}, {'pop': ['2001:db8::1']}]\n",
        &["sshd 198.51.100.1 -", "sshd it's -", "pop 2001:db8::1 -"],
    );
    reads(
        Dump::Banned,
        "['198.51.100.1', '2001:db8::1']",
        &["import 198.51.100.1 -", "import 2001:db8::1 -"],
    );
    reads(
        Dump::Banip,
        "198.51.100.1 \t2026-11-26 02:37:31 + 600 = 2026-11-26 02:47:31\n\
         198.51.100.2 \t2026-11-26 02:37:31 + -1 = 9999-12-31 23:59:59\n",
        &["import 198.51.100.1 600", "import 198.51.100.2 -"],
    );
    reads(
        Dump::Banip,
        "198.51.100.1 2001:db8::1\n",
        &["import 198.51.100.1 -", "import 2001:db8::1 -"],
    );
}

#[test]
fn err_what_is_no_ban_is_told() {
    let error = |dump, text: &str| told(dump, text).unwrap_err();
    let which = "2: the set 'friends' is not named for a jail of fail2ban, and not the only one; save it alone";
    let friends = "create friends hash:ip\nadd friends 198.51.100.1\n";
    assert_eq!(error(Dump::Ipset, &format!("{friends}create f2b-a hash:ip\n")), which);
    let ports = "create f2b-a hash:ip,port\nadd f2b-a 198.51.100.1,tcp:22\n";
    assert_eq!(
        error(Dump::Ipset, ports),
        "2: '198.51.100.1,tcp:22' is not an IP address or network"
    );
    assert_eq!(
        error(Dump::Ipset, "add a 0.0.0.0/0"),
        "1: '0.0.0.0/0' is everyone; a ban of everyone is none"
    );
    let all = "add a 0.0.0.0-255.255.255.255";
    assert_eq!(
        error(Dump::Ipset, all),
        "1: '0.0.0.0-255.255.255.255' is everyone; a ban of everyone is none"
    );
    assert_eq!(error(Dump::Ipset, "add a ::2-::1"), "1: '::2-::1' is not an IP address or network");
    assert_eq!(error(Dump::Ipset, "swap a b"), "1: 'swap a b' can't be read");
    assert_eq!(error(Dump::Banned, "[{'a': ['198.51.100.1'"), "2: 'the end of it' can't be read");
    assert_eq!(error(Dump::Banned, "None"), "1: 'None' can't be read");
    let concat = "set c {\n type ipv4_addr . inet_service\n elements = { 198.51.100.1 . 22 }\n}\n";
    assert_eq!(error(Dump::Nft, concat), "3: '198.51.100.1 . 22' is not an IP address or network");
    let json =
        r#"{"nftables": [{"set": {"name": "c", "elem": [{"concat": ["198.51.100.1", 22]}]}}]}"#;
    assert!(
        error(Dump::Nft, json).ends_with("is not an IP address or network"),
        "{}",
        error(Dump::Nft, json)
    );
}

#[test]
fn a_range_is_the_fewest_networks_that_are_it() {
    let text = "add a 198.51.100.1-198.51.100.8\nadd a 255.255.255.254-255.255.255.255\n\
                add a ffff:ffff:ffff:ffff:ffff:ffff:ffff:fffe-ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff\n";
    let expected = [
        "198.51.100.1",
        "198.51.100.2/31",
        "198.51.100.4/30",
        "198.51.100.8",
        "255.255.255.254/31",
        "ffff:ffff:ffff:ffff:ffff:ffff:ffff:fffe/127",
    ];
    let expected = expected.map(|host| format!("import {host} -"));
    assert_eq!(told(Dump::Ipset, text).unwrap(), expected);
}

#[test]
fn a_form_is_known_by_how_a_text_begins() {
    for (text, form) in [
        ("SQLite format 3\0", Some(Detected::Database)),
        ("# list\n\n198.51.100.1\n", Some(Detected::List(Format::IpDeny))),
        ("\u{feff}198.51.100.1 # why\r\n", Some(Detected::List(Format::IpDeny))),
        ("ALL: 198.51.100.1\n", Some(Detected::List(Format::HostsDeny))),
        ("sshd : [2001:db8::]/48\n", Some(Detected::List(Format::HostsDeny))),
        ("host,jail,banned_at\n", Some(Detected::List(Format::Csv))),
        ("{\n  \"bans\": [", Some(Detected::List(Format::Json))),
        ("[]\n", Some(Detected::Dump(Dump::Banned))),
        ("198.51.100.1 why\n", None),
        ("what?\n", None),
        ("", None),
        ("\u{0}\u{1}", None),
    ] {
        assert_eq!(detect(text.as_bytes()), form, "{text}");
    }
}

#[test]
fn what_is_written_is_read_and_brings_the_same() {
    let now = Time::from_secs(1000);
    let ban = |jail: &str, host: &str, left: Option<i64>| Ban {
        host: crate::model::Host::parse(host),
        jail: jail.into(),
        at: now,
        until: left.map(|secs| now.plus_secs(secs)),
        origin: crate::model::Origin::Daemon,
        failures: 3,
        ended: None,
    };
    let bans = [
        ban("pop", "198.51.100.1", None),
        ban("sshd", "198.51.100.1", Some(60)),
        ban("sshd", "198.51.100.64/26", None),
        ban("sshd", "2001:db8::1", Some(7)),
        ban("sshd", "it's \\", Some(9)),
    ];
    let written = |dump, bans: &[Ban]| {
        let mut out = Vec::new();
        let mut list = DumpWriter::new(dump, now, Zone::utc(), &mut out);
        bans.iter().try_for_each(|ban| list.ban(ban)).unwrap();
        list.end().unwrap();
        String::from_utf8(out).unwrap()
    };
    let all = [
        "pop 198.51.100.1 -",
        "sshd 198.51.100.1 60",
        "sshd 198.51.100.64/26 -",
        "sshd 2001:db8::1 7",
    ];
    reads(Dump::Ipset, &written(Dump::Ipset, &bans), &all);
    reads(Dump::Nft, &written(Dump::Nft, &bans), &all);
    assert_eq!(
        written(Dump::Banned, &bans),
        "[{'pop': ['198.51.100.1']}, \
         {'sshd': ['198.51.100.1', '198.51.100.64/26', '2001:db8::1', \"it's \\\\\"]}]\n"
    );
    let jails = all.map(|ban| format!("{} -", ban.rsplit_once(' ').unwrap().0));
    let jails: Vec<&str> = jails.iter().map(String::as_str).chain(["sshd it's \\ -"]).collect();
    reads(Dump::Banned, &written(Dump::Banned, &bans), &jails);
    let times = ["import 198.51.100.1 -", "import 198.51.100.1 60", "import 198.51.100.64/26 -"];
    reads(Dump::Banip, &written(Dump::Banip, &bans[..3]), &times);
    assert_eq!(
        [Dump::Ipset, Dump::Nft, Dump::Banned].map(|dump| written(dump, &[])),
        ["", "", "[]\n"]
    );
}
