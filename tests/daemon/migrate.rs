//! `f2b migrate`, beside a real fail2ban: whoever is banned sends packets all the time, and none gets in.

use std::fs;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::Duration;

use crate::harness::Host;
use crate::machines::{V4, V6};
use crate::net::eventually;
use crate::take_over::{Fail2ban, JAIL};

/// Ends whatever server is there in the end.
struct Ended<'h>(&'h Host);

impl Drop for Ended<'_> {
    fn drop(&mut self) {
        let _ = self.0.f2b("stop");
        let mut client = Command::new("fail2ban-client");
        let _ = self.0.host().output(client.arg("-c").arg(self.0.path("")).arg("stop"));
    }
}

/// An action that runs commands, of its own.
const OWN: &str = "[Definition]
actionstart = nft add table inet own
              nft 'add set inet own hosts <br>{ type ipv4_addr; }'
              nft 'add set inet own hosts6 <br>{ type ipv6_addr; }'
              nft 'add chain inet own in <br>{ type filter hook input priority -5; }'
              nft add rule inet own in tcp dport 22 ip saddr @hosts drop
              nft add rule inet own in tcp dport 22 ip6 saddr @hosts6 drop
actionstop = nft delete table inet own
actionban = nft add element inet own hosts<six> '{ <ip> }'
actionunban = nft delete element inet own hosts<six> '{ <ip> }'
[Init]
six =
br =
[Init?family=inet6]
six = 6
";

/// Says that it is done, also where a test fails meanwhile.
struct Done<'d>(&'d AtomicBool);

impl Drop for Done<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// A host on which fail2ban has banned two.
fn banning(jails: &str) -> Host {
    let host = Host::new(jails);
    host.fail("a.log", &[]);
    host
}

fn bans(host: &Host) -> Fail2ban<'_> {
    let fail2ban = Fail2ban::start(host);
    host.fail("a.log", &[V4, V4, V4, V6, V6, V6]);
    eventually("fail2ban keeps both out", || !host.lets_in(V4, 22) && !host.lets_in(V6, 22));
    fail2ban
}

/// Does something while both who are banned knock all the time: none of their packets gets in.
#[track_caller]
fn while_they_knock<T>(host: &Host, work: impl FnOnce() -> T) -> T {
    host.host().shell(&format!(
        "nft 'add table inet watch; add chain inet watch input {{ type filter hook input priority 10; }}; \
         add rule inet watch input ip saddr {V4} tcp flags syn counter; \
         add rule inet watch input ip6 saddr {V6} tcp flags syn counter'"
    ));
    let (is_done, knocks) = (AtomicBool::new(false), AtomicU64::new(0));
    let done = thread::scope(|scope| {
        scope.spawn(|| {
            while !is_done.load(Ordering::Relaxed) {
                host.knock(V4, 22);
                host.knock(V6, 22);
                knocks.fetch_add(1, Ordering::Relaxed);
                thread::park_timeout(Duration::from_millis(1));
            }
        });
        let _done = Done(&is_done);
        let before = knocks.load(Ordering::Relaxed);
        eventually("they knock", || knocks.load(Ordering::Relaxed) > before + 20);
        work()
    });
    let seen = host.host().shell("nft list chain inet watch input; nft delete table inet watch");
    assert_eq!(seen.matches("counter packets 0 ").count(), 2, "of {knocks:?} each:\n{seen}");
    done
}

fn fail2ban_runs(host: &Host) -> bool {
    let mut client = Command::new("fail2ban-client");
    client.arg("-c").arg(host.path("")).args(["status", "j"]);
    host.host().output(&mut client).status.success() && host.f2b("ping").exits(1).out.is_empty()
}

#[test]
fn nobody_who_is_banned_gets_in_while_f2b_takes_over_and_gives_back() {
    let host = banning(JAIL);
    let _ended = Ended(&host);
    let fail2ban = bans(&host);
    let before = host.rules();
    let said = host.does("migrate").out;
    assert!(said.contains("✓ fail2ban       version 1.0.2 runs"), "{said}");
    assert!(said.contains("2 bans in force"), "{said}");
    assert!(said.contains("stop fail2ban, which lifts its bans"), "{said}");
    assert_eq!(host.rules(), before, "nothing was changed");
    assert!(!host.path("f2b.db").exists());
    let bin = host.path("bin");
    fs::create_dir(&bin).unwrap();
    let links = format!("--links {}", bin.display());
    while_they_knock(&host, || host.does(&format!("migrate --apply {links}")));
    fail2ban.ended();
    assert!(bin.join("fail2ban-client").is_symlink());
    host.does("restore --check");
    assert!(!host.rules().contains("f2b-migrate"));
    assert_eq!(host.banned().len(), 2);
    host.f2b("migrate").exits(1);
    // fail2ban's tools are answered by f2b from then on.
    let mut client = Command::new("fail2ban-client");
    client.arg("-c").arg(host.path("")).args(["status", "j"]);
    let answered = host.host().output(&mut client);
    assert!(answered.status.success());
    while_they_knock(&host, || host.does(&format!("migrate --revert {links}")));
    assert!(fail2ban_runs(&host) && !bin.join("fail2ban-client").exists());
    assert!(!host.lets_in(V4, 22) && !host.lets_in(V6, 22));
    assert!(!host.rules().contains("f2b-migrate"));
    assert!(!host.rules().contains("timeout"), "nothing of f2b's is left: {}", host.rules());
    host.f2b("migrate --revert").exits(1);
}

#[test]
fn nobody_gets_in_either_where_actions_run_commands() {
    let host = banning("[j]\nlogpath = LOG/a.log\naction = own\nbackend = polling\n");
    fs::write(host.path("action.d/own.conf"), OWN).unwrap();
    let _ended = Ended(&host);
    let fail2ban = bans(&host);
    while_they_knock(&host, || {
        let ran = host.f2b("migrate --apply");
        if ran.err.is_empty() {
            return ran.exits(0);
        }
        // A command of f2b's may meet the table that fail2ban is just deleting. That is told, and tried again.
        assert!(ran.err.contains("its bans are not enforced by own"), "{}", ran.err);
        host.does("restore")
    });
    fail2ban.ended();
    assert!(!host.lets_in(V4, 22) && !host.lets_in(V6, 22));
    host.does("unban --all");
    assert!(host.lets_in(V4, 22) && host.lets_in(V6, 22), "no ban is there twice");
    host.does(&format!("ban {V4} {V6} --jail j"));
    while_they_knock(&host, || host.does("migrate --revert"));
    assert!(fail2ban_runs(&host));
    assert!(!host.lets_in(V4, 22) && !host.lets_in(V6, 22));
}

#[test]
fn a_change_over_that_was_killed_goes_on_when_it_is_run_again() {
    let host = banning(JAIL);
    let _ended = Ended(&host);
    let fail2ban = bans(&host);
    while_they_knock(&host, || {
        for number in 1..12 {
            killed(&host, "--apply", Duration::from_millis(number * 60));
        }
        let ran = host.f2b("migrate --apply");
        assert!(ran.err.is_empty(), "{}", ran.err);
    });
    fail2ban.ended();
    host.f2b("migrate").exits(1);
    host.does("restore --check");
    while_they_knock(&host, || {
        for number in 1..12 {
            killed(&host, "--revert", Duration::from_millis(number * 120));
        }
        let ran = host.f2b("migrate --revert");
        assert!(ran.err.is_empty(), "{}", ran.err);
    });
    assert!(fail2ban_runs(&host));
    assert!(!host.lets_in(V4, 22) && !host.lets_in(V6, 22));
}

/// Runs it, and kills it after some time if it isn't done by then.
fn killed(host: &Host, option: &str, after: Duration) {
    let mut command = host.command();
    command.args(["migrate", option]).stdout(Stdio::null()).stderr(Stdio::null());
    let mut child = host.host().inside(|| command.spawn().unwrap());
    thread::park_timeout(after);
    child.kill().unwrap();
    child.wait().unwrap();
}

#[test]
fn a_step_that_fails_says_who_does_the_work_and_how_to_go_on() {
    let host = banning(JAIL);
    let _ended = Ended(&host);
    let fail2ban = bans(&host);
    fs::create_dir(host.path("f2b.db")).unwrap();
    while_they_knock(&host, || {
        let ran = host.f2b("migrate --apply").exits(2);
        let standing = "fail2ban runs, f2b does not run";
        let goes_on =
            "f2b migrate --apply goes on when that is mended, f2b migrate says what there is";
        assert!(ran.err.contains(&format!("{standing}; {goes_on}")), "{}", ran.err);
        assert!(fail2ban.status().is_some());
        fs::remove_dir(host.path("f2b.db")).unwrap();
        host.does("migrate --apply");
    });
    fail2ban.ended();
    // The way back is barred where it would lose the bans.
    let settings = fs::read_to_string(host.path("fail2ban.conf")).unwrap();
    let memory = settings.replace("dbfile =", "dbfile = None\n# =");
    fs::write(host.path("fail2ban.conf"), memory).unwrap();
    let ran = host.f2b("migrate --revert").exits(2);
    assert!(ran.err.contains("fail2ban.conf names no dbfile"), "{}", ran.err);
    assert!(!host.lets_in(V4, 22) && !host.lets_in(V6, 22));
    host.does("ping");
}

#[test]
fn where_nothing_of_fail2ban_is_there_is_nothing_to_do() {
    let host = banning(JAIL);
    let settings = format!(
        "[Definition]\nsocket = {0}no.sock\ndbfile = {0}no.sqlite3\n",
        host.path("").display()
    );
    fs::write(host.path("fail2ban.conf"), settings).unwrap();
    let said = host.f2b("migrate").exits(1).out;
    assert!(said.contains("nothing to do: there is nothing of fail2ban"), "{said}");
    host.f2b("migrate --apply").exits(1);
}

#[test]
fn the_database_of_a_fail2ban_that_does_not_run_is_taken_over() {
    let host = banning(JAIL);
    let _ended = Ended(&host);
    bans(&host).stop();
    assert!(host.lets_in(V4, 22));
    let said = host.does("migrate").out;
    assert!(said.contains("✓ fail2ban       does not run"), "{said}");
    host.does("migrate --apply");
    assert!(!host.lets_in(V4, 22) && !host.lets_in(V6, 22));
    host.f2b("migrate --apply").exits(1);
}

#[test]
fn what_f2b_cannot_do_is_told_or_in_the_way() {
    let host = banning(&format!("{JAIL}[other]\nlogpath = LOG/a.log\naction = odd.py\n"));
    fs::write(host.path("action.d/odd.py"), "").unwrap();
    let said = host.f2b("migrate").out;
    assert!(said.contains("is a Python program; f2b can't run it"), "{said}");
    host.configure(&format!("{JAIL}[other]\nlogpath = LOG/a.log\naction = none-such\n"));
    let database = host.path("any.sqlite3");
    fs::write(&database, "").unwrap();
    let settings = format!("[Definition]\ndbfile = {}\nsocket = {0}.sock\n", database.display());
    fs::write(host.path("fail2ban.conf"), settings).unwrap();
    let said = host.f2b("migrate").exits(2).out;
    assert!(said.contains("! configuration  2 of 2 jails usable; 1 error"), "{said}");
    assert!(said.contains("unknown action 'none-such'"), "{said}");
    assert!(said.contains("! database"), "{said}");
    host.f2b("migrate --apply").exits(2);
    assert!(!host.path("f2b.db").exists());
}
