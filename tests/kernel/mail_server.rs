//! The jails of a mail server, as its administrator pasted them, through what happens to its firewall: whom they ban is
//! kept out again after `f2b restore`, and nobody else.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;

use crate::harness::{ACTIONS, Net};

/// The file of jails and its filters.
const SAMPLE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/sample");
/// Whom each jail bans, and from which of the ports below that keeps them.
const BANNED: [(&str, &str, u16); 6] = [
    ("password-fail", "203.0.113.2", 25),
    ("username-notfound", "203.0.113.3", 25),
    ("dos-hosts", "2001:db8:113::4", 25),
    ("vpopmail", "203.0.113.5", 110),
    ("vpopmail", "2001:db8:113::5", 110),
    ("squirrelmail-iptables", "203.0.113.6", 80),
];
const PORTS: [u16; 3] = [25, 80, 110];
/// Who was banned in each jail, and is not any more.
const FORGIVEN: [&str; 2] = ["203.0.113.7", "2001:db8:113::7"];
/// What is in the firewall besides, of the administrator's own.
const OWN_RULE: &str = "-A INPUT -p tcp -m tcp --dport 8080 -j DROP";

/// The server, started, with hosts that its log tells of and others that are banned by hand.
fn server() -> Net {
    let net = Net::bare();
    for name in ["jail.conf", "filter.d"] {
        symlink(Path::new(SAMPLE).join(name), net.path(name)).unwrap();
    }
    fs::create_dir(net.path("action.d")).unwrap();
    for action in fs::read_dir(ACTIONS).unwrap() {
        let action = action.unwrap();
        symlink(action.path(), net.path("action.d").join(action.file_name())).unwrap();
    }
    let mail = format!("[Init]\nmailcmd = cat >> {}\n", net.path("mail").display());
    fs::write(net.path("action.d/sendmail-common.local"), mail).unwrap();
    net.host().shell(&format!("iptables {OWN_RULE}"));
    assert_eq!(net.does("restore").out, "nothing to do: the firewall is equal to the store\n");

    let stamp = net.host().shell("LC_ALL=C date -u '+%b %e %H:%M:%S'");
    let guess = |what: &str, host: &str| {
        let line = format!("{} mail vpopmail[1]: vchkpw-{what}info@:{host}\n", stamp.trim_end());
        line.repeat(3)
    };
    let log = guess("smtp: password fail (pass: 'qwerty') ", "203.0.113.2")
        + &guess("pop3: vpopmail user not found ", "203.0.113.5");
    fs::write(net.path("maillog"), log).unwrap();
    let log = net.path("maillog").display().to_string();
    net.does(&format!("scan --quiet --jail password-fail --jail vpopmail --ban {log}"));
    for (jail, host, _) in BANNED {
        net.does(&format!("ban -j {jail} {host}"));
        net.does(&format!("ban -j {jail} {}", FORGIVEN.join(" ")));
    }
    net.does(&format!("unban {}", FORGIVEN.join(" ")));
    net
}

/// Who doesn't get through, and to which port.
fn kept_out(net: &Net) -> Vec<(&'static str, u16)> {
    let hosts = BANNED.iter().map(|(_, host, _)| *host).chain(FORGIVEN);
    let each = hosts.flat_map(|host| PORTS.map(|port| (host, port)));
    each.filter(|(host, port)| !net.lets_in(host, *port)).collect()
}

/// The same hosts are kept out before something happens and after the restore that follows it; in between nobody is.
fn comes_back_after(what: &str, happens: impl FnOnce(&mut Net)) -> Net {
    let mut net = server();
    let wanted: Vec<_> = BANNED.iter().map(|(_, host, port)| (*host, *port)).collect();
    assert_eq!(kept_out(&net), wanted, "before {what}");
    happens(&mut net);
    assert_eq!(kept_out(&net), [], "after {what}");
    net.does("restore");
    assert_eq!(kept_out(&net), wanted, "restored after {what}");
    net.does("restore --check");
    let mail = fs::read_to_string(net.path("mail")).unwrap();
    assert_eq!(mail.matches("banned 203.0.113.5 from").count(), 1, "{mail}");
    net
}

#[test]
fn the_mail_server_keeps_the_same_hosts_out_after_a_flushed_ruleset() {
    comes_back_after("nft flush ruleset", |net| {
        net.host().shell("nft flush ruleset");
    });
}

#[test]
fn the_mail_server_keeps_the_same_hosts_out_after_a_flush_of_iptables() {
    comes_back_after("iptables -F", |net| {
        net.host().shell("iptables -F; ip6tables -F");
    });
}

#[test]
fn the_mail_server_keeps_the_same_hosts_out_after_a_restart_of_the_firewall() {
    // The service loads the file with the administrator's rules.
    let net = comes_back_after("service iptables restart", |net| {
        let saved = format!("*filter\n{OWN_RULE}\nCOMMIT\n");
        fs::write(net.path("rules"), saved).unwrap();
        let rules = net.path("rules").display().to_string();
        net.host().shell(&format!(
            "iptables-restore {rules}; echo '*filter\nCOMMIT' | ip6tables-restore"
        ));
    });
    assert_eq!(net.host().shell("iptables-save").matches(OWN_RULE).count(), 1);
}

#[test]
fn the_mail_server_keeps_the_same_hosts_out_after_a_reboot() {
    comes_back_after("a reboot", Net::reboot);
}
