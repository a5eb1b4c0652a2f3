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
    let mut list = ListWriter::new(format, &mut out);
    for ban in bans() {
        list.ban(&ban).unwrap();
    }
    assert_eq!(list.end().unwrap(), 4);
    String::from_utf8(out).unwrap()
}

fn read_all(format: Format, text: &[u8]) -> Result<Vec<Ban>, ListError> {
    let mut bans = Vec::new();
    read(format, text, &defaults(), |ban| {
        bans.push(ban);
        Ok::<_, ListError>(())
    })?;
    Ok(bans)
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
        let found = read_all(format, written(format).as_bytes()).unwrap();
        assert_eq!(found, expected, "{}", format.name());
    }
}

#[test]
fn lists_of_hosts_give_back_every_host() {
    for format in [Format::IpDeny, Format::HostsDeny] {
        let found = read_all(format, written(format).as_bytes()).unwrap();
        let hosts: Vec<String> = found.iter().map(|ban| ban.host.to_string()).collect();
        assert_eq!(hosts, ["192.0.2.1", "2001:db8::/48", "2001:db8::7"], "{}", format.name());
    }
}

#[test]
fn comments_blanks_and_crlf_are_no_hosts() {
    let found = read_all(Format::IpDeny, b"\xef\xbb\xbf# list\r\n\r\n 192.0.2.1 # me\r\n");
    assert_eq!(found.unwrap().len(), 1);
}

#[test]
fn err_the_line_is_named() {
    let message = |format, text: &str| read_all(format, text.as_bytes()).unwrap_err().to_string();
    assert_eq!(
        message(Format::IpDeny, "192.0.2.1\nfoo\x1b\n"),
        "2: 'foo\\x1b' is not an IP address or network"
    );
    assert_eq!(
        message(Format::HostsDeny, "192.0.2.1\n"),
        "1: expected 'DAEMON: ADDRESS', found '192.0.2.1'"
    );
    assert_eq!(message(Format::Csv, "jail\nsmtp\n"), "1: the header has no column 'host'");
    assert_eq!(
        message(Format::Csv, "host,banned_at\n192.0.2.1,soon\n"),
        "2: 'soon' is not a time; expected one like 2026-11-01T12:00:00Z"
    );
    assert_eq!(
        message(Format::Json, "[]"),
        " not a JSON list of bans: invalid type: sequence, expected an object with a list of bans \
         at line 1 column 1"
    );
    assert_eq!(
        message(Format::Json, "{}"),
        " not a JSON list of bans: missing field `bans` at line 1 column 2"
    );
    assert_eq!(
        message(Format::Json, r#"{"bans": [{"host": "192.0.2.1"}, {"host": "x"}]}"#),
        "2: 'x' is not an IP address or network"
    );
}
