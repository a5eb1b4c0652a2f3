//! The server that fail2ban-client and `f2b start` start is this program's daemon, and both say what came of it; the names
//! that `f2b links` makes are what they are made for. Each daemon has a network of its own.

#![expect(clippy::unwrap_used, reason = "a test ends where its helper fails")]

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use tempfile::TempDir;

const F2B: &str = env!("CARGO_BIN_EXE_f2b");

/// A folder with a configuration, fail2ban's names, and whatever daemon is started; that ends with the test.
struct Place(TempDir);

/// Exit status, standard output and standard error.
type Seen = (Option<i32>, String, String);

impl Place {
    fn new() -> Self {
        let place = Self(TempDir::new().unwrap());
        for folder in ["filter.d", "action.d", "bin"] {
            fs::create_dir(place.path(folder)).unwrap();
        }
        let dir = place.0.path().display();
        let jail = format!("[a]\nenabled = true\nfilter = login\nlogpath = {dir}/log\n");
        let conf = format!(
            "[Definition]\nlogtarget = {dir}/f2b.log\nsocket = {dir}/fail2ban.sock\npidfile = {dir}/pid\n"
        );
        for (name, content) in [
            ("jail.conf", jail.as_str()),
            ("fail2ban.conf", &conf),
            ("filter.d/login.conf", "[Definition]\nfailregex = ^no <HOST>$\n"),
            ("log", ""),
        ] {
            fs::write(place.path(name), content).unwrap();
        }
        place.f2b(&["links", "--install", place.path("bin").to_str().unwrap()]);
        place
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn command(&self, program: &Path) -> Command {
        let mut command = Command::new("unshare");
        command.arg("--net").arg(program).stdin(Stdio::null());
        command.env("F2B_DB", self.path("db")).env("F2B_SOCKET", self.path("f2b.sock"));
        command.env("F2B_CONFIG", self.0.path());
        command
    }

    fn run(&self, program: &Path, words: &[&str]) -> Seen {
        let output = self.command(program).args(words).output().unwrap();
        let text = |bytes| String::from_utf8(bytes).unwrap();
        (output.status.code(), text(output.stdout), text(output.stderr))
    }

    fn f2b(&self, words: &[&str]) -> Seen {
        self.run(Path::new(F2B), words)
    }

    /// As a name of fail2ban's, with the configuration here.
    fn named(&self, name: &str, words: &[&str]) -> Seen {
        let mut all = vec!["-c", self.0.path().to_str().unwrap()];
        all.extend(words);
        self.run(&self.path("bin").join(name), &all)
    }

    fn client(&self, words: &[&str]) -> Seen {
        self.named("fail2ban-client", words)
    }

    fn pid(&self) -> Option<u32> {
        fs::read_to_string(self.path("pid")).ok()?.trim().parse().ok()
    }

    #[track_caller]
    fn wait(&self, what: &str, is_so: impl Fn(&Self) -> bool) {
        let start = Instant::now();
        while !is_so(self) {
            assert!(start.elapsed() < Duration::from_mins(1), "{what}");
            std::thread::park_timeout(Duration::from_millis(20));
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let _ = self.command(Path::new(F2B)).arg("stop").output();
    }
}

fn said(text: &str) -> Seen {
    (Some(0), text.to_owned(), String::new())
}

#[test]
fn start_says_what_came_of_it_and_restart_begins_anew() {
    let place = Place::new();
    assert_eq!(place.client(&["start"]), said("Server ready\n"));
    let first = place.pid().unwrap();
    assert_eq!(place.client(&["ping"]), said("Server replied: pong\n"));
    assert_eq!(place.client(&["set", "a", "banip", "198.51.100.7"]), said("1\n"));

    let (code, out, error) = place.named("fail2ban-server", &["start"]);
    assert_eq!((code, out.as_str()), (Some(255), ""));
    assert!(error.ends_with("ERROR   Server already running\n"), "{error}");

    assert_eq!(place.client(&["restart"]), said("Shutdown successful\nServer ready\n"));
    assert_ne!(place.pid(), Some(first));
    assert_eq!(place.client(&["get", "a", "banip"]), said("198.51.100.7\n"));
    assert_eq!(place.client(&["reload"]), said("OK\n"));
    assert_eq!(place.client(&["stop"]), said("Shutdown successful\n"));
    place.wait("it doesn't end", |place| place.pid().is_none());
}

#[test]
fn a_server_that_can_not_start_is_no_success() {
    let place = Place::new();
    for (name, more) in [("fail2ban-client", ""), ("fail2ban-server", "Async configuration")] {
        let (code, out, error) = place.named(name, &["--logtarget", "/nowhere/log", "start"]);
        assert_eq!((code, out.as_str()), (Some(255), ""));
        assert!(error.contains("ERROR   can't log to /nowhere/log: No such file"), "{error}");
        assert!(error.contains(more), "{error}");
    }
    let (code, out, error) = place.f2b(&["start", "--logtarget", "/nowhere/log"]);
    assert_eq!((code, out.as_str()), (Some(2), ""));
    assert!(error.starts_with("f2b: can't log to /nowhere/log: No such file"), "{error}");
}

#[test]
fn in_the_foreground_the_process_is_the_server() {
    let place = Place::new();
    let mut command = place.command(&place.path("bin/fail2ban-server"));
    command.args(["-xf", "-c"]).arg(place.0.path()).arg("start");
    let mut child = command.spawn().unwrap();
    place.wait("no ping", |place| place.client(&["ping"]).0 == Some(0));
    assert_eq!(place.pid(), Some(child.id()));
    assert_eq!(place.client(&["stop"]), said("Shutdown successful\n"));
    assert!(child.wait().unwrap().success());
}

#[test]
fn f2b_start_comes_back_when_the_daemon_answers() {
    let place = Place::new();
    let (code, out, error) = place.f2b(&["start"]);
    assert_eq!((code, error.as_str()), (Some(0), ""));
    assert!(out.starts_with("the daemon (pid "), "{out}");
    let (code, pong, _) = place.f2b(&["ping"]);
    assert_eq!(code, Some(0));
    let pid = out.split([' ', ')']).nth(3).unwrap();
    assert!(pong.contains(&format!("(pid {pid})")), "{pong}");
    // It has a session of its own, so that a terminal that is closed takes nothing with it.
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap();
    assert_eq!(stat.rsplit(')').next().unwrap().split_whitespace().nth(3), Some(pid));

    let (code, _, error) = place.f2b(&["start"]);
    assert_eq!((code, error), (Some(1), format!("f2b: the daemon (pid {pid}) runs already\n")));
    let (code, out, _) = place.f2b(&["restart"]);
    assert_eq!(code, Some(0));
    assert!(
        out.starts_with(&format!("the daemon (pid {pid}) has stopped\nthe daemon (pid ")),
        "{out}"
    );
}

#[test]
fn links_replace_and_remove_nothing_of_others() {
    let place = Place::new();
    let (bin, client) = (place.path("bin"), place.path("bin/fail2ban-client"));
    let folder = bin.to_str().unwrap();
    assert_eq!(fs::canonicalize(&client).unwrap(), fs::canonicalize(F2B).unwrap());
    assert_eq!(place.f2b(&["links", "--install", folder]).0, Some(0));

    fs::remove_file(&client).unwrap();
    fs::File::create(&client).unwrap().write_all(b"of others").unwrap();
    let (code, out, error) = place.f2b(&["links", "--install", folder]);
    assert_eq!((code, out.as_str()), (Some(2), ""));
    let told =
        format!("f2b: {} is of others; nothing was done, --force replaces it\n", client.display());
    assert_eq!(error, told);
    let (_, out, error) = place.f2b(&["links", "--remove", folder]);
    let removed = ["fail2ban-server", "fail2ban-regex"]
        .map(|name| format!("{} is removed\n", bin.join(name).display()));
    assert_eq!(out, removed.concat());
    assert!(error.contains("doesn't lead to this program, and stays"), "{error}");
    assert_eq!(fs::read(&client).unwrap(), b"of others");

    assert_eq!(place.f2b(&["links", "--install", folder, "--force"]).0, Some(0));
    assert_eq!(place.f2b(&["links", "--remove", folder]).0, Some(0));
    assert_eq!(fs::read_dir(&bin).unwrap().count(), 0);
}
