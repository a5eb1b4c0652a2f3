//! What goes wrong in one place and holds up no other.

use std::fs;
use std::os::unix::net::UnixDatagram;
use std::process::Stdio;

use rustix::process::{Pid, Signal, kill_process};

use crate::harness::Host;
use crate::machines::{V4, V6};
use crate::net::eventually;

const GOOD: &str = "[good]\nlogpath = LOG/good.log\naction = nftables[port=22]\n";

/// Longer than anything is waited for.
const HANGS: &str = "exec sleep 100";

/// Three failures in the log of the good jail have their effect.
fn bans(host: &Host, who: &str) {
    host.fail("good.log", &[who, who, who]);
    eventually("he is kept out", || !host.lets_in(who, 22));
}

#[test]
fn a_jail_that_is_broken_keeps_none_from_running() {
    let broken = ["filter = nothing", "filter = bad", "findtime = often", "filter = login[x"];
    let jails = broken
        .iter()
        .enumerate()
        .map(|(number, line)| format!("[b{number}]\nlogpath = LOG/b.log\n{line}\n"));
    let host = Host::new(&(jails.collect::<String>() + GOOD));
    fs::write(host.path("filter.d/bad.conf"), "[Definition]\nfailregex = ^(<HOST>\n").unwrap();
    let daemon = host.start();
    for (number, line) in broken.iter().enumerate() {
        let text = format!("jail 'b{number}' can't be used");
        eventually(line, || daemon.said().contains(&text));
    }
    bans(&host, V4);
    daemon.stop();
}

#[test]
fn a_log_is_read_once_it_is_there() {
    let host = Host::new(
        "[late]\nlogpath = LOG/new/late.log\n  LOG/many-*.log\nmaxretry = 2\naction = nftables[port=22]\n",
    );
    let daemon = host.start();
    fs::create_dir(host.log("new")).unwrap();
    host.fail("new/late.log", &[V4, V4]);
    eventually("its folder came with it", || !host.lets_in(V4, 22));
    host.fail("many-1.log", &[V6]);
    host.fail("many-2.log", &[V6]);
    eventually("a glob fits them", || !host.lets_in(V6, 22));
    fs::remove_dir_all(host.log("new")).unwrap();
    fs::create_dir(host.log("new")).unwrap();
    host.fail("new/late.log", &["203.0.113.4", "203.0.113.4"]);
    eventually("it is there again", || !host.lets_in("203.0.113.4", 22));
    daemon.stop();
    assert_eq!(host.failures(), 6);
}

#[test]
fn an_action_that_hangs_holds_up_no_other_jail_and_not_the_end() {
    let host = Host::new(&format!("[bad]\nlogpath = LOG/bad.log\naction = hang\n{GOOD}"));
    host.action("hang", &format!("echo $$ >> {}\n{HANGS}", host.path("pids").display()));
    let pids = || fs::read_to_string(host.path("pids")).unwrap_or_default();
    let daemon = host.start();
    host.fail("bad.log", &[V4, V4, V4]);
    eventually("the action hangs", || !pids().is_empty());
    bans(&host, V6);
    host.fail("bad.log", &[V6, V6, V6]);
    eventually("its jail decides all the same", || host.banned().len() == 3);
    host.does("bans");
    daemon.stop();
    // What it didn't do is done later.
    let told = host.path("told");
    host.action("hang", &format!("echo \"$1\" >> {}", told.display()));
    let daemon = host.start();
    let told = || fs::read_to_string(&told).unwrap_or_default();
    eventually("both are told of", || told().contains(V4) && told().contains(V6));
    daemon.stop();
    // What hung outlives the service, unless its manager ends it.
    for pid in pids().split_whitespace() {
        let is_it = fs::read_to_string(format!("/proc/{pid}/cmdline"));
        if is_it.is_ok_and(|line| line.starts_with("sleep")) {
            kill_process(Pid::from_raw(pid.parse().unwrap()).unwrap(), Signal::KILL).unwrap();
        }
    }
}

#[test]
fn an_ignorecommand_that_hangs_holds_up_no_other_jail_and_is_asked_again() {
    let host = Host::new(&format!(
        "[slow]\nlogpath = LOG/slow.log\nignorecommand = IGNORE <ip>\naction = nftables[port=25]\n{GOOD}"
    ));
    host.action("ignore", &format!("[ \"$1\" = {V4} ] || exit 1\n{HANGS}"));
    let command = host.path("ignore.sh").display().to_string();
    let jails = fs::read_to_string(host.path("jail.conf")).unwrap().replace("IGNORE", &command);
    fs::write(host.path("jail.conf"), jails).unwrap();
    let daemon = host.start();
    host.fail("slow.log", &[V4, V4, V4]);
    eventually("he is asked about", || host.failures() == 3);
    bans(&host, V6);
    assert!(host.lets_in(V4, 25));
    daemon.stop();
    // Whether he is ignored was not known when it ended: it is asked again.
    host.action("ignore", "exit 1");
    let daemon = host.start();
    eventually("he is kept out", || !host.lets_in(V4, 25));
    daemon.stop();
}

#[test]
fn a_log_of_its_own_that_nobody_reads_holds_up_nothing() {
    let host = Host::new(GOOD);
    let daemon = host.start_with(|command| {
        command.args(["--logtarget", "STDOUT", "--loglevel", "DEBUG"]).stdout(Stdio::piped());
    });
    // More than fits into a pipe.
    let many: Vec<String> = (0..3000).map(|n| format!("10.0.{}.{}", n / 250, n % 250)).collect();
    host.fail("good.log", &many.iter().map(|host| &**host).collect::<Vec<_>>());
    eventually("all are counted", || host.failures() == 3000);
    bans(&host, V4);
    daemon.stop();
}

#[test]
fn a_service_manager_that_does_not_listen_holds_up_nothing() {
    let host = Host::new(GOOD);
    let socket = host.path("deaf");
    let deaf = UnixDatagram::bind(&socket).unwrap();
    let flood = UnixDatagram::unbound().unwrap();
    flood.set_nonblocking(true).unwrap();
    // As much as the kernel keeps for it.
    while flood.send_to(b"X=1", &socket).is_ok() {}
    let daemon = host.spawn(|command| {
        command.env("NOTIFY_SOCKET", &socket);
    });
    bans(&host, V4);
    daemon.stop();
    drop(deaf);
}
