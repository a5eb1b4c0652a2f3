use super::*;
use crate::model::Zone;

fn at(text: &str) -> Time {
    Time::parse(text, Zone::utc()).unwrap()
}

fn defaults() -> Defaults {
    Defaults { jail: "import".into(), at: at("2026-11-01"), bantime: BanTime::Permanent }
}

fn bans() -> Vec<Ban> {
    let ban = |host: &str, jail: &str, until| Ban {
        host: Host::parse(host),
        jail: jail.into(),
        at: at("2026-11-01T10:00:00Z"),
        until,
        origin: Origin::Scan,
        failures: 3,
        ended: None,
    };
    vec![
        ban("192.0.2.1", "smtp", Some(at("2026-11-02T10:00:00Z"))),
        ban("192.0.2.1", "pop3", None),
        ban("2001:db8::/48", "smtp", None),
        ban("2001:db8::7", "smtp", None),
    ]
}

fn written(format: Format) -> String {
    let mut out = Vec::new();
    write(format, &bans(), &mut out).unwrap();
    String::from_utf8(out).unwrap()
}

#[test]
fn a_host_stands_once_in_a_list_of_hosts() {
    assert_eq!(written(Format::IpDeny), "192.0.2.1\n2001:db8::/48\n2001:db8::7\n");
    assert_eq!(
        written(Format::HostsDeny),
        "ALL: 192.0.2.1\nALL: [2001:db8::]/48\nALL: [2001:db8::7]\n"
    );
}

#[test]
fn full_lists_give_back_every_ban() {
    for format in [Format::Csv, Format::Json] {
        let mut expected = bans();
        for ban in &mut expected {
            ban.origin = Origin::Import;
        }
        let found = read(format, written(format).as_bytes(), &defaults()).unwrap();
        assert_eq!(found, expected, "{}", format.name());
    }
}

#[test]
fn lists_of_hosts_give_back_every_host() {
    for format in [Format::IpDeny, Format::HostsDeny] {
        let found = read(format, written(format).as_bytes(), &defaults()).unwrap();
        let hosts: Vec<String> = found.iter().map(|ban| ban.host.to_string()).collect();
        assert_eq!(hosts, ["192.0.2.1", "2001:db8::/48", "2001:db8::7"], "{}", format.name());
    }
}

#[test]
fn comments_blanks_and_crlf_are_no_hosts() {
    let found = read(Format::IpDeny, b"\xef\xbb\xbf# list\r\n\r\n 192.0.2.1 # me\r\n", &defaults());
    assert_eq!(found.unwrap().len(), 1);
}

#[test]
fn err_the_line_is_named() {
    let message =
        |format, text: &str| read(format, text.as_bytes(), &defaults()).unwrap_err().to_string();
    assert_eq!(
        message(Format::IpDeny, "192.0.2.1\nfoo\x1b\n"),
        "2: 'foo\\x1b' is not an IP address or network"
    );
    assert_eq!(
        message(Format::HostsDeny, "sshd: 192.0.2.1\n"),
        "1: expected 'ALL: ADDRESS', found 'sshd: 192.0.2.1'"
    );
    assert_eq!(message(Format::Csv, "addr\n1.2.3.4\n"), "1: the header has no column 'host'");
    assert_eq!(
        message(Format::Csv, "host,banned_at\n192.0.2.1,soon\n"),
        "2: 'soon' is not a time; expected one like 2026-11-01T12:00:00Z"
    );
    assert!(message(Format::Json, "[]").starts_with(" not a JSON list of bans: "));
}
