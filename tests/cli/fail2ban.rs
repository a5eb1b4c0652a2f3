//! The real fail2ban, on the configuration of a [`World`].

use std::fs::{self, OpenOptions};
use std::io::Write;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::harness::World;

/// Longer than anything takes.
const DEADLINE: Duration = Duration::from_secs(30);

/// A server that runs; it is killed when this goes.
pub(crate) struct Fail2ban<'w> {
    world: &'w World,
    child: Child,
}

/// Two jails that want two failures: `door`, whose bans get longer, and `gate`.
pub(crate) fn world() -> World {
    let world = World::empty();
    world.write("filter.d/door.conf", "[Definition]\nfailregex = ^ knock from <HOST>\n");
    world.write("action.d/none.conf", "[Definition]\nactionban =\n");
    let folder = world.path("").display().to_string();
    world.write(
        "fail2ban.conf",
        format!(
            "[Definition]\nloglevel = INFO\nlogtarget = {folder}fail2ban.log\nsyslogsocket = auto\n\
             socket = {folder}fail2ban.sock\npidfile = {folder}fail2ban.pid\n\
             dbfile = {folder}fail2ban.sqlite3\ndbpurgeage = 1y\ndbmaxmatches = 10\nallowipv6 = auto\n\
             [Thread]\nstacksize = 0\n"
        ),
    );
    world.write(
        "jail.conf",
        format!(
            "[DEFAULT]\nenabled = true\nfilter = door\nbackend = polling\nmaxretry = 2\nfindtime = 1d\n\
             bantime = 1h\nusedns = raw\nignoreself = false\naction = none\n\
             [door]\nlogpath = {folder}door.log\nbantime.increment = true\n\
             [gate]\nlogpath = {folder}gate.log\n"
        ),
    );
    world.write("door.log", "");
    world.write("gate.log", "");
    world
}

impl<'w> Fail2ban<'w> {
    pub(crate) fn start(world: &'w World) -> Self {
        let mut command = Command::new("fail2ban-server");
        command.arg("-c").arg(world.path("")).args(["-f", "start"]);
        command.env("TZ", "UTC").stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        let child = command.spawn().unwrap();
        let server = Self { world, child };
        server.until("it answers", || server.client(&["ping"]).is_some());
        server.until("its jails run", || {
            ["door", "gate"].iter().all(|jail| server.client(&["status", jail]).is_some())
        });
        server
    }

    /// What fail2ban-client prints, if it is content.
    pub(crate) fn client(&self, args: &[&str]) -> Option<String> {
        let mut command = Command::new("fail2ban-client");
        let output = command.arg("-c").arg(self.world.path("")).args(args).output().unwrap();
        output.status.success().then(|| String::from_utf8_lossy(&output.stdout).trim().to_owned())
    }

    /// Whom a jail bans.
    pub(crate) fn banned(&self, jail: &str) -> Vec<String> {
        let said = self.client(&["get", jail, "banip"]).unwrap();
        let mut hosts: Vec<String> = said.split_whitespace().map(str::to_owned).collect();
        hosts.sort();
        hosts
    }

    /// Hosts fail, each twice, and are banned; that is in the database.
    pub(crate) fn bans(&self, jail: &str, hosts: &[&str]) {
        let before = self.world.fail2ban_number("SELECT count(*) FROM bans");
        for host in hosts.iter().chain(hosts) {
            knock(self.world, jail, host);
        }
        let wanted = before + hosts.len();
        self.until("all are banned", || {
            self.world.fail2ban_number("SELECT count(*) FROM bans") == wanted
        });
    }

    pub(crate) fn until(&self, what: &str, mut holds: impl FnMut() -> bool) {
        let start = Instant::now();
        while !holds() {
            let log = fs::read_to_string(self.world.path("fail2ban.log")).unwrap_or_default();
            assert!(start.elapsed() < DEADLINE, "{what}?\n{log}");
            std::thread::park_timeout(Duration::from_millis(50));
        }
    }

    pub(crate) fn stop(mut self) {
        self.client(&["stop"]).unwrap();
        self.child.wait().unwrap();
    }
}

impl Drop for Fail2ban<'_> {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A line of a log of `jail`, of now.
pub(crate) fn knock(world: &World, jail: &str, host: &str) {
    let log = world.path(&format!("{jail}.log"));
    let mut log = OpenOptions::new().append(true).open(log).unwrap();
    let now = f2b::model::Clock::now(&f2b::model::SystemClock);
    writeln!(log, "{now} knock from {host} rööt").unwrap();
}

impl World {
    pub(crate) fn fail2ban_db(&self) -> PathBuf {
        self.path("fail2ban.sqlite3")
    }

    /// The answer of fail2ban's database, which may be in use.
    pub(crate) fn fail2ban_sql(&self, statement: &str) -> String {
        let mut command = Command::new("sqlite3");
        command.args(["-cmd", ".timeout 5000"]).arg(self.fail2ban_db()).arg(statement);
        let output = command.output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap().trim_end().to_owned()
    }

    fn fail2ban_number(&self, statement: &str) -> usize {
        self.fail2ban_sql(statement).parse().unwrap()
    }
}
