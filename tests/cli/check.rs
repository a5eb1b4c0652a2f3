//! `f2b check`: what is wrong with a configuration, all at once.

use std::fs;

use crate::harness::World;

#[test]
fn every_jail_has_its_say_and_a_bad_one_stops_no_other() {
    let world = World::new();
    let log = world.write("maillog", "");
    let jail = fs::read_to_string(world.path("jail.conf")).unwrap();
    let jail = jail
        .replace("/var/log/maillog", log.to_str().unwrap())
        .replace("sendmail-whois", "sendmailwhois")
        .replace("filter   = username-notfound", "filter   = username-notfund");
    world.write("jail.conf", jail);
    world.write(
        "filter.d/squirrelmail.conf",
        "[Definition]\nfailregex = ^a(<HOST>\n            b\n",
    );
    let ran = world.f2b("check").exits(1);
    for wanted in [
        "error: unknown action 'sendmailwhois'",
        "did you mean 'sendmail-whois'?",
        "error: invalid regex '^a(<HOST>': a ( is never closed [invalid-regex, ",
        "filter.d/squirrelmail.conf:3: error: 'b' identifies nobody",
        "username-notfund",
        "did you mean 'username-notfound'?",
        "error: no log matches '/var/log/qmail/smtp/current' [no-log, dos-hosts]",
        "warning: '.*' before the host",
        "2 of 5 jails usable",
    ] {
        assert!(ran.out.contains(wanted), "{wanted}\n{}", ran.out);
    }
    let json = world.f2b("check --format json").exits(1).json();
    let usable = json["jails"].as_array().unwrap().iter().filter(|jail| jail["usable"] == true);
    let names: Vec<_> = usable.map(|jail| jail["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["password-fail", "vpopmail"]);
    let ids =
        json["findings"].as_array().unwrap().iter().map(|found| found["id"].as_str().unwrap());
    assert!(ids.into_iter().any(|id| id == "no-host"));
}

#[test]
fn a_good_configuration_has_nothing_to_say() {
    let world = World::new();
    let log = world.write("maillog", "");
    let jail = format!(
        "[good]\nenabled = true\nfilter = good\nlogpath = {}\naction = iptables[name=x]\n",
        log.display()
    );
    world.write("jail.conf", jail);
    world.write("filter.d/good.conf", "[Definition]\nfailregex = ^login failed from <HOST>$\n");
    let ran = world.f2b("check").exits(0);
    assert_eq!(ran.out, "1 of 1 jail usable; 0 errors, 0 warnings, 0 notes\n");
}

#[test]
fn explain_names_the_file_and_line_of_each_setting_and_whom_it_overrides() {
    let world = World::new();
    world.write("jail.local", "[password-fail]\nmaxretry = 7\n");
    let ran = world.f2b("check --explain password-fail").exits(0);
    let at = ran.out.find("maxretry = 7").unwrap();
    let rest: Vec<&str> = ran.out[at..].lines().take(3).collect();
    assert!(rest[1].ends_with("jail.local:2"), "{rest:?}");
    assert!(rest[2].contains("overrides") && rest[2].contains("jail.conf:"), "{rest:?}");
    assert!(ran.out.contains("failregex = vchkpw-smtp: password fail"), "{}", ran.out);
    assert!(
        ran.out.contains("actionban = <iptables> -I f2b-SMTP 1 -s <ip> -j REJECT"),
        "{}",
        ran.out
    );
    world.f2b("check --explain nope").exits(2);
}
