//! From the real fail2ban to the service: who was kept out is, and each line is read by one of the two.

use std::fs::{self, File};
use std::process::{Child, Command, Stdio};

use crate::harness::Host;
use crate::machines::{V4, V6};
use crate::net::eventually;

pub(crate) const JAIL: &str =
    "[j]\nlogpath = LOG/a.log\naction = nftables[port=22]\nbackend = polling\n";

/// A fail2ban-server on the host's configuration.
pub(crate) struct Fail2ban<'h>(&'h Host, Child);

impl<'h> Fail2ban<'h> {
    pub(crate) fn start(host: &'h Host) -> Self {
        let folder = host.path("").display().to_string();
        let settings = format!(
            "[Definition]\nloglevel = INFO\nlogtarget = {folder}fail2ban.log\nsyslogsocket = auto\n\
             socket = {folder}fail2ban.sock\npidfile = {folder}fail2ban.pid\ndbfile = {folder}fail2ban.sqlite3\n\
             dbpurgeage = 1d\ndbmaxmatches = 10\nallowipv6 = auto\n[Thread]\nstacksize = 0\n"
        );
        fs::write(host.path("fail2ban.conf"), settings).unwrap();
        let mut command = Command::new("fail2ban-server");
        command.arg("-c").arg(host.path("")).args(["-f", "start"]).stdin(Stdio::null());
        let said = File::create(host.path("fail2ban.out")).unwrap();
        command.stdout(said.try_clone().unwrap()).stderr(said);
        let child = host.host().inside(|| command.spawn().unwrap());
        let server = Self(host, child);
        eventually("fail2ban runs its jail", || server.status().is_some());
        server
    }

    pub(crate) fn status(&self) -> Option<String> {
        let mut command = Command::new("fail2ban-client");
        command.arg("-c").arg(self.0.path("")).args(["status", "j"]);
        let output = command.output().unwrap();
        output.status.success().then(|| String::from_utf8_lossy(&output.stdout).into_owned())
    }

    /// It was told to end by somebody else, and has.
    pub(crate) fn ended(mut self) {
        assert!(self.1.wait().unwrap().success());
    }

    pub(crate) fn stop(mut self) {
        let mut command = Command::new("fail2ban-client");
        command.arg("-c").arg(self.0.path("")).arg("stop").stdout(Stdio::null());
        assert!(self.0.host().output(&mut command).status.success());
        self.1.wait().unwrap();
    }
}

impl Drop for Fail2ban<'_> {
    fn drop(&mut self) {
        let _ = self.1.kill();
        let _ = self.1.wait();
    }
}

#[test]
fn who_was_kept_out_by_fail2ban_is_and_each_line_is_read_once() {
    let host = Host::new(JAIL);
    host.fail("a.log", &[]);
    let fail2ban = Fail2ban::start(&host);
    host.fail("a.log", &[V4, V4, V4, V6]);
    eventually("fail2ban keeps him out", || !host.lets_in(V4, 22));
    eventually("all is read", || fail2ban.status().unwrap().contains("Total failed:\t4"));
    fail2ban.stop();
    assert!(host.lets_in(V4, 22));
    host.fail("a.log", &[V6]);
    let said = host.does(&format!("import {}", host.path("fail2ban.sqlite3").display())).out;
    assert!(said.contains("1 ban in force") && said.contains("the place in 1 log"), "{said}");
    assert!(!host.lets_in(V4, 22) && host.lets_in(V6, 22), "import takes effect at once");
    let daemon = host.start();
    assert!(!host.lets_in(V4, 22));
    // His second failure was written while nobody read.
    eventually("it is read", || host.failures() == 1);
    host.fail("a.log", &[V6, V6]);
    eventually("he is kept out", || !host.lets_in(V6, 22));
    assert_eq!(host.failures(), 3);
    daemon.stop();
    // A second import, of what is known by now, changes nothing.
    let before = host.ask("SELECT * FROM ban ORDER BY id");
    host.does(&format!("import {}", host.path("fail2ban.sqlite3").display()));
    assert_eq!(host.ask("SELECT * FROM ban ORDER BY id"), before);
    assert!(!host.lets_in(V4, 22) && !host.lets_in(V6, 22));
}

#[test]
fn the_bans_of_a_running_fail2ban_are_kept_up_by_a_running_service_when_it_stops() {
    let host = Host::new(JAIL);
    host.fail("a.log", &[]);
    let fail2ban = Fail2ban::start(&host);
    host.fail("a.log", &[V4, V4, V4]);
    eventually("fail2ban keeps him out", || !host.lets_in(V4, 22));
    eventually("it is stored", || {
        let import = host.f2b(&format!("import {}", host.path("fail2ban.sqlite3").display()));
        import.out.contains("1 ban")
    });
    assert!(!host.lets_in(V4, 22));
    let daemon = host.start();
    assert!(!host.lets_in(V4, 22));
    fail2ban.stop();
    eventually("he is kept out", || !host.lets_in(V4, 22));
    daemon.stop();
    assert!(!host.lets_in(V4, 22));
    // fail2ban stores how far it has read ten seconds late: what it had just read was read again, and banned nobody twice.
    assert_eq!(host.ask("SELECT count(*) FROM ban"), ["1"]);
}
