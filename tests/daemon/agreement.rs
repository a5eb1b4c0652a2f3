//! The same lines as they come, now and then, and afterwards; and Debian's fail2ban beside: the same hosts are banned.
//!
//! The jails and filters are the first user's, the lines generated; they are dated as they are written.

use std::collections::BTreeSet;
use std::fs;
use std::io::Write;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use f2b::model::Time;

use crate::harness::{Host, append, now};
use crate::net::eventually;

/// The logs, and the profiles by which they are generated.
const LOGS: [(&str, &str); 2] = [("maillog", "maillog"), ("current", "smtp-tai64n")];
const JAILS: [&str; 5] =
    ["password-fail", "username-notfound", "dos-hosts", "vpopmail", "squirrelmail-iptables"];
/// So often something is written, and how much.
const TICKS: usize = 100;
const TICK: Duration = Duration::from_millis(60);
const LINES_A_TICK: usize = 30;

/// A host with the first user's jails, and no actions; `more` is added to them.
fn host(more: &str) -> Host {
    let host = Host::new("");
    sample(&host.path(""), more);
    for (log, _) in LOGS {
        append(&host.log(log));
    }
    append(&host.log("squirrelmail.log"));
    host
}

/// Writes the first user's configuration into a folder, with its logs in the folder `log`.
fn sample(folder: &Path, more: &str) {
    let sample = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/sample");
    for filter in fs::read_dir(sample.join("filter.d")).unwrap() {
        let filter = filter.unwrap();
        fs::copy(filter.path(), folder.join("filter.d").join(filter.file_name())).unwrap();
    }
    let logs = folder.join("log").display().to_string();
    let jails = fs::read_to_string(sample.join("jail.conf")).unwrap();
    let jails = jails
        .replace("/var/log/maillog", &format!("{logs}/maillog"))
        .replace("/var/log/qmail/smtp/current", &format!("{logs}/current"))
        .replace("/var/log/squirrelmail.log", &format!("{logs}/squirrelmail.log"));
    fs::write(folder.join("jail.conf"), jails).unwrap();
    let own = JAILS.map(|jail| format!("[{jail}]\nenabled = true\naction =\nbackend = polling\n"));
    fs::write(folder.join("jail.local"), own.concat()).unwrap();
    fs::create_dir(folder.join("jail.d")).unwrap();
    fs::write(folder.join("jail.d/more.local"), more.replace("LOG", &logs)).unwrap();
}

/// Lines of a log, in order.
fn generated(host: &Host, profile: &str, lines: usize) -> Vec<Vec<u8>> {
    let log = host.path("generated");
    let status = Command::new("python3")
        .arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("bench/gen_logs.py"))
        .args(["--quiet", "--profile", profile, "--lines", &lines.to_string()])
        .args(["--attack-ratio", "0.2", "--hosts", "150", "--out"])
        .arg(&log)
        .status()
        .unwrap();
    assert!(status.success());
    let bytes = fs::read(log).unwrap();
    bytes.split_inclusive(|byte| *byte == b'\n').map(<[u8]>::to_vec).collect()
}

/// The same line as of another time, if it has one.
fn redate(line: &[u8], at: Time) -> Vec<u8> {
    let utc = at.utc();
    let (stamp, len) = if line.starts_with(b"Nov ") {
        (utc.format("%b %e %H:%M:%S").to_string(), 15)
    } else if line.starts_with(b"@4") {
        // Not ten more, as multilog has it: what is of the future counts as of now if it is read as it comes.
        let seconds = (1 << 62) + utc.timestamp();
        (format!("@{seconds:016x}{:08x}", utc.timestamp_subsec_nanos()), 25)
    } else {
        return line.to_vec();
    };
    [stamp.as_bytes(), line.get(len..).unwrap_or(b"\n")].concat()
}

/// Until when bans last that began, as `JAIL HOST BEGIN`, with what they lasted until before.
fn ends(host: &Host) -> BTreeSet<String> {
    let ends = "SELECT jail, host, at_us, ifnull(until_us, 'for ever') FROM bans";
    let longer = "SELECT jail, host, ban_at_us, at_us, until_before_us, until_us, failures FROM prolongations";
    host.ask(ends).into_iter().chain(host.ask(longer)).collect()
}

/// Whoever was banned, as `JAIL HOST`.
fn were_banned(host: &Host) -> BTreeSet<String> {
    host.ask("SELECT DISTINCT jail, host FROM bans").into_iter().collect()
}

#[test]
fn live_now_and_then_and_afterwards_the_same_hosts_are_banned() {
    // The same jails once more, with windows that close while it is written.
    let section = |(jail, log, findtime): (&str, &str, u32)| {
        format!(
            "[{jail}-short]\nenabled = true\nfilter = {jail}\nlogpath = LOG/{log}\nbantime = 1d\naction =\nfindtime = {findtime}\n"
        )
    };
    let short =
        [("password-fail", "maillog", 2), ("vpopmail", "maillog", 3), ("dos-hosts", "current", 1)];
    let short = short.map(section).concat();
    let [live, batch, scan] = [(); 3].map(|()| host(&short));
    let lines = LOGS.map(|(_, profile)| generated(&live, profile, TICKS * LINES_A_TICK));
    let other = Fail2ban::start();
    let daemon = live.start();
    let mut ticks = Vec::new();
    for tick in 0..TICKS {
        let at = now();
        for ((log, _), lines) in LOGS.iter().zip(&lines) {
            let lines = &lines[tick * LINES_A_TICK..(tick + 1) * LINES_A_TICK];
            let lines: Vec<u8> = lines.iter().flat_map(|line| redate(line, at)).collect();
            for file in [live.log(log), other.host.log(log), scan.log(log)] {
                append(&file).write_all(&lines).unwrap();
            }
        }
        ticks.push((at, LOGS.map(|(log, _)| fs::metadata(scan.log(log)).unwrap().len())));
        thread::park_timeout(TICK);
    }
    for (at, lens) in ticks.chunks(10).filter_map(<[_]>::last) {
        for ((log, _), len) in LOGS.iter().zip(lens) {
            let all = fs::read(scan.log(log)).unwrap();
            let from = usize::try_from(fs::metadata(batch.log(log)).unwrap().len()).unwrap();
            let to = usize::try_from(*len).unwrap();
            append(&batch.log(log)).write_all(&all[from..to]).unwrap();
        }
        batch.does(&format!("batch --all --now {at}"));
    }
    scan.does(&format!("scan --jails --ban --quiet --now {}", now()));
    let expected = were_banned(&scan);
    assert!(expected.len() > 60, "{expected:?}");
    eventually("all is stored", || live.failures() == scan.failures());
    daemon.stop();
    same(&were_banned(&live), &expected, "live");
    let of_long = |host: &Host| -> BTreeSet<String> {
        ends(host).into_iter().filter(|end| !end.contains("-short ")).collect()
    };
    same(&of_long(&live), &of_long(&scan), "live, until when");
    let long = |bans: BTreeSet<String>| -> BTreeSet<String> {
        bans.into_iter().filter(|ban| !ban.contains("-short ")).collect()
    };
    let expected = long(expected);
    assert_eq!(batch.failures(), scan.failures());
    same(&long(were_banned(&batch)), &expected, "now and then");
    other.bans(&expected);
    for jail in JAILS {
        let status = format!("status {jail}");
        let (ours, theirs) = (live.does(&status).out, other.asked(&status));
        assert_eq!(currently_failed(&ours), currently_failed(&theirs), "{jail}");
    }
    for jail in ["password-fail", "username-notfound"] {
        let ours = format!(
            "SELECT host, max(until) FROM bans WHERE jail = '{jail}' AND until IS NOT NULL GROUP BY host"
        );
        let longer =
            format!("SELECT count(DISTINCT host) > 3 FROM prolongations WHERE jail = '{jail}'");
        assert_eq!(live.ask(&longer), ["1"]);
        let ours: BTreeSet<String> = live.ask(&ours).into_iter().collect();
        let start = Instant::now();
        while other.ends(jail) != ours && start.elapsed() < Duration::from_secs(5) {
            thread::park_timeout(Duration::from_millis(50));
        }
        same(&other.ends(jail), &ours, &format!("fail2ban's {jail}, until when"));
    }
}

/// What a tree of a jail's status says of that.
#[track_caller]
fn currently_failed(tree: &str) -> &str {
    let line = tree.lines().find_map(|line| line.strip_prefix("|  |- Currently failed:\t"));
    line.unwrap_or_else(|| unreachable!("{tree}"))
}

/// Runs `f2b batch` every five minutes of the logs' time while they are written, in lines so many seconds apart, and one
/// scan afterwards; whom the batches have banned too many and too few, how many the scan, and until when both have.
fn in_batches(more: &str, apart_us: i64) -> ([Vec<String>; 2], usize, [BTreeSet<String>; 2]) {
    let (batch, scan) = (host(more), host(more));
    let begin = "2026-11-20T00:00:00Z".parse::<chrono::DateTime<chrono::Utc>>().unwrap();
    let begin = Time::from_secs(begin.timestamp());
    let lines = LOGS.map(|(_, profile)| generated(&scan, profile, 3000));
    let at = |number: usize| begin.plus_micros(i64::try_from(number).unwrap() * apart_us);
    let write = |host: &Host, from: usize, to: usize| {
        for ((log, _), lines) in LOGS.iter().zip(&lines) {
            let lines = lines.iter().enumerate().take(to).skip(from);
            let lines: Vec<u8> =
                lines.flat_map(|(number, line)| redate(line, at(number))).collect();
            append(&host.log(log)).write_all(&lines).unwrap();
        }
    };
    let in_five_minutes = usize::try_from(300_000_000 / apart_us).unwrap();
    for from in (0..3000).step_by(in_five_minutes) {
        let to = (from + in_five_minutes).min(3000);
        write(&batch, from, to);
        batch.does(&format!("batch --now {}", at(to)));
    }
    write(&scan, 0, 3000);
    scan.does(&format!("scan --jails --ban --quiet --now {}", at(3000)));
    assert_eq!(batch.failures(), scan.failures());
    let expected = were_banned(&scan);
    (odd(&were_banned(&batch), &expected), expected.len(), [ends(&batch), ends(&scan)])
}

#[test]
fn every_five_minutes_and_afterwards_the_same_hosts_are_banned() {
    let findtime = JAILS.map(|jail| format!("[{jail}]\nfindtime = 1h\n")).concat();
    let (odd, bans, [batch, scan]) = in_batches(&findtime, 1_000_000);
    assert!(bans > 60 && odd.iter().all(Vec::is_empty), "{bans}: {odd:?}");
    let prolonged = scan.iter().filter(|end| end.split(' ').count() > 4).count();
    assert!(prolonged > 20, "{prolonged}");
    same(&batch, &scan, "ends");
}

#[test]
fn who_fails_slowly_does_not_begin_anew_every_five_minutes() {
    let (odd, bans, _) = in_batches("", 4_800_000);
    let [too_many, too_few] = &odd;
    // Hosts that were quiet for findtime are forgotten after every hundredth failure, which each process counts anew.
    assert!(bans > 35 && too_few.is_empty() && too_many.len() < 2, "{bans}: {odd:?}");
}

/// Who is found and not expected, and who is expected and not found.
fn odd(found: &BTreeSet<String>, expected: &BTreeSet<String>) -> [Vec<String>; 2] {
    let only = |one: &BTreeSet<String>, other| one.difference(other).cloned().collect();
    [only(found, expected), only(expected, found)]
}

/// Asserts that the same hosts were banned; shows those who weren't.
#[track_caller]
fn same(found: &BTreeSet<String>, expected: &BTreeSet<String>, what: &str) {
    let odd = odd(found, expected);
    assert!(
        odd.iter().all(Vec::is_empty),
        "{what}: too many and too few of {}: {odd:?}",
        expected.len()
    );
}

/// Debian's fail2ban, with the same jails.
struct Fail2ban {
    host: Host,
    server: Child,
}

impl Fail2ban {
    fn start() -> Self {
        let host = host("");
        let path = |name: &str| host.path(name).display().to_string();
        let server = format!(
            "[DEFAULT]\nloglevel = INFO\nlogtarget = {}\nsyslogsocket = auto\nsocket = {}\npidfile = {}\n\
             dbfile = None\ndbpurgeage = 1d\ndbmaxmatches = 10\n[Definition]\nallowipv6 = auto\n",
            path("theirs.log"),
            path("theirs.sock"),
            path("theirs.pid"),
        );
        fs::write(host.path("fail2ban.conf"), server).unwrap();
        let mut command = Command::new("fail2ban-server");
        command.args(["-c", &path(""), "-f", "start"]).env("TZ", "UTC");
        command.stdout(Stdio::null()).stderr(Stdio::null());
        let server = host.host().inside(|| command.spawn().unwrap());
        let fail2ban = Self { host, server };
        let has_started = |jail: &&str| fail2ban.said().contains(&format!("Jail '{jail}' started"));
        eventually("fail2ban is ready", || JAILS.iter().all(has_started));
        fail2ban
    }

    /// What its client says.
    fn asked(&self, line: &str) -> String {
        let mut command = Command::new("fail2ban-client");
        command.arg("-c").arg(self.host.path("")).args(line.split(' '));
        let out = self.host.host().output(&mut command);
        String::from_utf8(out.stdout).unwrap()
    }

    fn said(&self) -> String {
        fs::read_to_string(self.host.path("theirs.log")).unwrap_or_default()
    }

    /// Until when it bans whom in a jail, as `HOST TIME`.
    fn ends(&self, jail: &str) -> BTreeSet<String> {
        let mut command = Command::new("fail2ban-client");
        command.arg("-s").arg(self.host.path("theirs.sock")).env("TZ", "UTC");
        command.args(["get", jail, "banip", "--with-time"]);
        let said = String::from_utf8(command.output().unwrap().stdout).unwrap();
        let end = |line: &str| {
            let (host, end) = (line.split_whitespace().next()?, line.rsplit_once(" = ")?.1.trim());
            Some(format!("{host} {}Z", end.replace(' ', "T")))
        };
        said.lines().filter_map(end).collect()
    }

    /// Waits until it has banned these hosts, and nobody else.
    #[track_caller]
    fn bans(&self, expected: &BTreeSet<String>) {
        let banned = || -> BTreeSet<String> {
            let said = self.said();
            let bans = said.lines().filter_map(|line| line.split_once(" Ban "));
            let word = |(before, host): (&str, &str)| {
                let jail = before.rsplit_once('[')?.1.trim_end_matches(']');
                Some(format!("{jail} {host}"))
            };
            bans.filter_map(word).collect()
        };
        let start = Instant::now();
        while banned() != *expected && start.elapsed() < crate::net::DEADLINE {
            thread::park_timeout(Duration::from_millis(50));
        }
        same(&banned(), expected, "fail2ban");
    }
}

impl Drop for Fail2ban {
    fn drop(&mut self) {
        // It is a process of this test, whatever came of that.
        let _ = self.server.kill();
        let _ = self.server.wait();
    }
}
