//! f2b daemon and who speaks to it, each a process of its own.

use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

use crate::harness::{Ran, World, ran};
use crate::socket::{command, world};

/// Something takes far too long.
const DEADLINE: Duration = Duration::from_mins(1);

/// A daemon that answers. It ends with the test, whatever becomes of that.
struct Daemon(Child);

impl Daemon {
    fn start(world: &World) -> Self {
        let mut daemon = command(world, "daemon --logtarget daemon.log");
        let daemon = Self(daemon.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap());
        let begun = Instant::now();
        while f2b(world, "ping").status != 0 {
            assert!(begun.elapsed() < DEADLINE, "no daemon");
        }
        daemon
    }

    fn pid(&self) -> u32 {
        self.0.id()
    }

    fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.0), signal).unwrap();
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn f2b(world: &World, line: &str) -> Ran {
    ran(&mut command(world, line))
}

#[test]
fn one_stops_before_the_next_starts() {
    let world = world();
    let mut first = Daemon::start(&world);
    let ping = f2b(&world, "ping").exits(0);
    assert!(ping.out.contains(&format!("(pid {}) ", first.pid())), "{}", ping.out);
    assert!(ping.out.ends_with("with 1 jail: door\n"), "{}", ping.out);
    f2b(&world, "daemon --logtarget second.log").exits(2);
    let stopped = f2b(&world, "stop").exits(0);
    assert_eq!(stopped.out, format!("the daemon (pid {}) has stopped\n", first.pid()));
    // At once.
    let second = Daemon::start(&world);
    assert!(first.0.wait().unwrap().success());
    f2b(&world, "ban 192.0.2.7 --jail door --time -1 --force").exits(0);
    second.signal(Signal::KILL);
    f2b(&world, "ban 192.0.2.8 --jail door --time -1 --force").exits(0);
    let _third = Daemon::start(&world);
    assert_eq!(f2b(&world, "unban --all").exits(0).out.lines().last(), Some("3 bans lifted"));
}

#[test]
fn a_daemon_that_hangs_keeps_nobody_from_lifting_a_ban() {
    let world = world();
    let daemon = Daemon::start(&world);
    daemon.signal(Signal::STOP);
    let silent = "who listens there does not answer; see what became of the daemon";
    f2b(&world, "ping").fails_with(&format!("{}: {silent}", world.socket().display()));
    f2b(&world, "unban 198.51.100.1").exits(0);
}

#[test]
fn a_reload_takes_what_the_configuration_says_by_then() {
    let world = world();
    let daemon = Daemon::start(&world);
    let none = f2b(&world, "reload nope").exits(2);
    assert!(none.err.starts_with("f2b: there is no jail 'nope' in "), "{}", none.err);
    world.write("jail.local", "[door]\nenabled = false\n");
    let reloaded = f2b(&world, "reload").exits(0);
    assert_eq!(reloaded.out, "reloaded; the daemon runs with no jail\n");
    let status = f2b(&world, "status").out;
    let nothing =
        format!("the daemon (pid {}) follows nothing: no jail is enabled\n", daemon.pid());
    assert!(status.ends_with(&nothing), "{status}");
}

#[test]
fn a_jail_that_cannot_be_used_is_told_after_a_reload_and_in_the_status() {
    let world = world();
    let _daemon = Daemon::start(&world);
    let broken = "[broken]\nenabled = true\nlogpath = /none\nfailregex = ^(\nusedns = maybe\n";
    world.write("jail.local", broken);
    let reloaded = f2b(&world, "reload").exits(2);
    assert_eq!(reloaded.out, "reloaded; the daemon runs with 1 jail: door\n");
    let at = world.path("jail.local").display().to_string();
    let why = format!("{at}:4: invalid regex '^(': a ( is never closed");
    assert_eq!(reloaded.err, format!("f2b: jail 'broken' can't be used: {why}\n"));
    let status = f2b(&world, "status").out;
    assert!(status.ends_with(&format!("\n\nbroken can't be used: {why}\n")), "{status}");
    let json = f2b(&world, "status --json").out;
    let json: serde_json::Value = serde_json::from_str(&json).unwrap();
    let unusable = &json["daemon"]["unusable"];
    assert_eq!(*unusable, serde_json::json!([{ "name": "broken", "why": why }]));
    let logs = world.path("logs").display().to_string();
    std::fs::create_dir(&logs).unwrap();
    world.write("jail.local", format!("[door]\nlogpath = {logs}\n"));
    f2b(&world, "reload").exits(0);
    let status = f2b(&world, "status").out;
    assert!(status.contains(&format!("\n{logs} can't be read: it is a folder; ")), "{status}");
    // The only one that is enabled.
    world.write("jail.local", format!("{broken}[door]\nenabled = false\n"));
    f2b(&world, "reload").exits(2);
    let status = f2b(&world, "status").out;
    assert!(status.contains("follows nothing: no jail can be used\n\nbroken can't"), "{status}");
    world.write("jail.local", "");
    f2b(&world, "reload").exits(0);
    assert!(!f2b(&world, "status").out.contains("broken"));
}
