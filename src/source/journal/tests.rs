//! Real journals, as systemd-journal-remote writes them, read by a real journalctl; fail2ban beside it.

use std::fs;
use std::process::Command;
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{Pid, Signal, kill_process, test_kill_process};
use tempfile::TempDir;

use super::*;

mod beside_fail2ban;
mod export;

const REMOTE: &str = "/lib/systemd/systemd-journal-remote";

/// 2026-11-26T02:25:00Z, in seconds; an hour later it is now.
const START: i64 = 1_795_659_900;
const NOW: Time = Time::from_secs(START + 3600);

type Fields = Vec<(&'static str, Vec<u8>)>;

/// An entry that was received so many seconds after the start.
fn sample(second: i64, fields: &[(&'static str, &[u8])]) -> Fields {
    let received = format!("{}000000", START + second).into_bytes();
    let uptime = format!("{second}000005").into_bytes();
    let mut all = vec![
        ("__REALTIME_TIMESTAMP", received),
        ("__MONOTONIC_TIMESTAMP", uptime),
        ("_BOOT_ID", b"0123456789abcdef0123456789abcdef".to_vec()),
    ];
    all.extend(fields.iter().map(|(name, value)| (*name, value.to_vec())));
    all
}

/// Entries with a number each, which is their second, their message and a part of their unit's name.
fn numbered(numbers: impl IntoIterator<Item = i64>) -> Vec<Fields> {
    let entry = |number: i64| {
        let (message, unit) = (number.to_string(), format!("u{}.service", number % 3));
        sample(number, &[("_SYSTEMD_UNIT", unit.as_bytes()), ("MESSAGE", message.as_bytes())])
    };
    numbers.into_iter().map(entry).collect()
}

/// Entries in the export format: what has control characters or isn't ASCII goes with its length.
fn exported<N: AsRef<str>>(entries: &[Vec<(N, Vec<u8>)>]) -> Vec<u8> {
    let mut out = Vec::new();
    for entry in entries {
        for (name, value) in entry {
            out.extend(name.as_ref().as_bytes());
            if value.iter().all(|byte| (b' '..0x7f).contains(byte)) {
                out.extend([b"=", &value[..]].concat());
            } else {
                out.push(b'\n');
                out.extend((value.len() as u64).to_le_bytes());
                out.extend(value);
            }
            out.push(b'\n');
        }
        out.push(b'\n');
    }
    out
}

/// A folder of journal files.
struct World(TempDir);

impl World {
    fn new(entries: &[Fields]) -> Self {
        let world = Self(TempDir::new().unwrap());
        world.append("one", entries);
        world
    }

    fn append(&self, name: &str, entries: &[Fields]) {
        let export = self.0.path().join("export");
        fs::write(&export, exported(entries)).unwrap();
        let file = self.file(name);
        let out = Command::new(REMOTE).arg("-o").args([&*file, &*export]).output().unwrap();
        assert!(out.status.success(), "{out:?}");
    }

    fn file(&self, name: &str) -> std::path::PathBuf {
        self.0.path().join(format!("{name}.journal"))
    }

    fn place(&self) -> JournalPlace {
        JournalPlace { path: Some(self.0.path().to_owned()), ..JournalPlace::default() }
    }

    fn open(&self, wanted: &str, start: Start, end: End) -> Journal {
        Journal::open(self.place(), matching(wanted), start, end, NOW).unwrap()
    }
}

fn matching(words: &str) -> Match {
    let words: Vec<_> = words.split_whitespace().collect();
    if words.is_empty() { Match::default() } else { Match::parse(&words).unwrap() }
}

fn everything() -> Start {
    Start::Since(Time::default())
}

/// Waits until there is something to read.
fn wait(journal: &Journal, end: Instant) {
    let left = end.saturating_duration_since(Instant::now());
    let left = Timespec { tv_sec: i64::try_from(left.as_secs()).unwrap(), tv_nsec: 0 };
    let fd = journal.fd();
    let ready = poll(&mut [PollFd::new(&fd, PollFlags::IN)], Some(&left)).unwrap();
    assert_eq!(ready, 1, "nothing comes");
}

fn text(entry: &Entry) -> String {
    String::from_utf8_lossy(&entry.line()).into_owned()
}

/// Reads so many entries.
fn read(journal: &mut Journal, count: usize) -> Vec<Entry> {
    let end = Instant::now() + Duration::from_mins(1);
    let mut entries = Vec::new();
    while entries.len() < count {
        wait(journal, end);
        entries.extend(journal.read().unwrap());
    }
    entries
}

fn texts(journal: &mut Journal, count: usize) -> Vec<String> {
    read(journal, count).iter().map(text).collect()
}

/// Reads to the end.
fn rest(journal: &mut Journal) -> Result<Vec<Entry>, JournalError> {
    let end = Instant::now() + Duration::from_mins(1);
    let mut entries = Vec::new();
    while !journal.is_over() {
        wait(journal, end);
        entries.extend(journal.read()?);
    }
    Ok(entries)
}

fn words(numbers: impl IntoIterator<Item = i64>) -> Vec<String> {
    numbers.into_iter().map(|number| number.to_string()).collect()
}

fn pid(journal: &Journal) -> Pid {
    Pid::from_child(journal.running.as_ref().unwrap().child())
}

#[test]
fn a_journal_is_read_from_a_time_to_its_end() {
    let world = World::new(&numbered(0..6));
    let since = Start::Since(Time::from_micros((START + 2) * 1_000_000 + 1));
    for (start, wanted, numbers) in [
        (everything(), "", vec![0, 1, 2, 3, 4, 5]),
        (since.clone(), "", vec![3, 4, 5]),
        (Start::Since(Time::from_secs(START + 2)), "", vec![2, 3, 4, 5]),
        (since, "_SYSTEMD_UNIT=u0.service + _SYSTEMD_UNIT=u1.service MESSAGE=4", vec![3, 4]),
        (Start::Since(NOW), "", vec![]),
    ] {
        let mut journal = world.open(wanted, start, End::Last);
        let entries = rest(&mut journal).unwrap();
        assert_eq!(entries.iter().map(text).collect::<Vec<_>>(), words(numbers), "{wanted}");
        for entry in entries {
            let second = START + text(&entry).parse::<i64>().unwrap();
            assert_eq!((entry.time, entry.received), (Time::from_secs(second), entry.time));
            assert!(matching(wanted).is_met_by(&entry));
        }
    }
}

#[test]
fn what_is_written_later_comes_as_it_is_wanted() {
    let world = World::new(&numbered(0..2));
    let mut journal = world.open("_SYSTEMD_UNIT=u1.service", everything(), End::Follow);
    assert_eq!(texts(&mut journal, 1), ["1"]);
    // Without an entry that is wanted nobody is woken: what wakes is 4.
    world.append("one", &numbered([2, 3]));
    world.append("one", &numbered([4]));
    wait(&journal, Instant::now() + Duration::from_mins(1));
    let woken = journal.read().unwrap();
    assert_eq!(woken.iter().map(text).collect::<Vec<_>>(), ["4"]);
    // A new file, and one that journald has finished.
    world.append("two", &numbered([5, 7]));
    assert_eq!(texts(&mut journal, 1), ["7"]);
    fs::rename(world.file("one"), world.file("one@1")).unwrap();
    world.append("one", &numbered([8, 10]));
    assert_eq!(texts(&mut journal, 1), ["10"]);
    assert!(!journal.is_over());
}

#[test]
fn from_a_time_that_nothing_was_written_since_all_comes() {
    let world = World::new(&numbered(0..20));
    let now = Start::Since(Time::from_secs(START + 25));
    let mut journal = world.open("_SYSTEMD_UNIT=u1.service", now, End::Follow);
    // It is there when it has opened the file.
    let maps = format!("/proc/{}/maps", pid(&journal).as_raw_nonzero());
    let end = Instant::now() + Duration::from_mins(1);
    while !fs::read_to_string(&maps).unwrap().contains("one.journal") {
        assert!(Instant::now() < end, "it never opens the journal");
        std::thread::yield_now();
    }
    world.append("one", &numbered(20..30));
    world.append("one", &numbered(30..32));
    assert_eq!(texts(&mut journal, 3), ["25", "28", "31"]);
}

#[test]
fn each_entry_comes_once_however_often_journalctl_is_killed() {
    let world = World::new(&numbered(0..10));
    let mut start = everything();
    let mut found = Vec::new();
    for round in 0..6 {
        // Every other is killed while it looks for the last entry, by one who wants none of these.
        let (is_looking, wanted) = if round % 2 == 0 { (false, "") } else { (true, "MESSAGE=x") };
        let mut journal = world.open(wanted, start, End::Follow);
        if !is_looking {
            let missing = 10 * (round + 1) - i64::try_from(found.len()).unwrap();
            found.extend(texts(&mut journal, missing.try_into().unwrap()));
        }
        world.append("one", &numbered(10 * (round + 1)..10 * (round + 2)));
        kill_process(pid(&journal), Signal::KILL).unwrap();
        loop {
            wait(&journal, Instant::now() + Duration::from_mins(1));
            match journal.read() {
                // It had found it.
                Ok(_) if is_looking => break,
                Ok(entries) => found.extend(entries.iter().map(text)),
                Err(ended) => {
                    let ended = ended.to_string();
                    let signal = "journalctl ended with signal 9; to see why, run journalctl ";
                    assert!(ended.starts_with(signal) && journal.is_over(), "{ended}");
                    break;
                }
            }
        }
        assert_eq!(journal.take_gone(), None);
        start = Start::After(journal.position().unwrap().clone());
    }
    let mut journal = world.open("", start, End::Last);
    found.extend(rest(&mut journal).unwrap().iter().map(text));
    assert_eq!(found, words(0..70));
    assert_eq!(journal.take_gone(), None);
}

#[test]
fn behind_an_entry_that_others_want_all_comes() {
    let world = World::new(&numbered(0..6));
    let mut journal = world.open("MESSAGE=1 + MESSAGE=2", everything(), End::Last);
    let position = rest(&mut journal).unwrap().last().unwrap().position();
    // journalctl --after-cursor would pass over 4.
    let mut journal =
        world.open("MESSAGE=1 + MESSAGE=4 + MESSAGE=5", Start::After(position), End::Last);
    let entries = rest(&mut journal).unwrap();
    assert_eq!(entries.iter().map(text).collect::<Vec<_>>(), ["4", "5"]);
    assert_eq!(journal.take_gone(), None);
}

#[test]
fn behind_an_entry_that_is_gone_later_ones_come_and_it_is_told() {
    let world = World::new(&numbered([0, 1, 2]));
    let mut journal = world.open("", everything(), End::Last);
    let position = rest(&mut journal).unwrap().last().unwrap().position();
    world.append("two", &numbered([1, 2, 3, 4]));
    fs::remove_file(world.file("one")).unwrap();
    let later = Position { received: Time::from_secs(START + 9000), ..position.clone() };
    let bad = Position { cursor: "junk".into(), ..position.clone() };
    for (position, first, received) in
        [(position.clone(), 3, START + 2), (bad, 3, START + 2), (later, 5, START + 3600)]
    {
        let mut journal = world.open("", Start::After(position), End::Last);
        let entries = rest(&mut journal).unwrap();
        assert_eq!(entries.iter().map(text).collect::<Vec<_>>(), words(first..5));
        let gone = journal.take_gone().unwrap();
        assert_eq!(gone, CursorGone { received: Time::from_secs(received) });
        assert!(gone.to_string().starts_with("the last entry read is gone from the journal, "));
        assert_eq!(journal.take_gone(), None);
    }
}

#[test]
fn a_file_that_takes_the_place_of_another_is_noticed() {
    let world = World::new(&numbered([0]));
    let files = vec![world.file("o*").to_str().unwrap().to_owned()];
    let place = JournalPlace { files, ..JournalPlace::default() };
    let mut journal =
        Journal::open(place, Match::default(), everything(), End::Follow, NOW).unwrap();
    assert_eq!(texts(&mut journal, 1), ["0"]);
    world.append("one", &numbered([1]));
    assert_eq!(texts(&mut journal, 1), ["1"]);
    assert!(!journal.has_other_files());
    fs::rename(world.file("one"), world.file("before")).unwrap();
    assert!(journal.has_other_files());
}

#[test]
fn a_journal_that_is_dropped_leaves_no_process() {
    let world = World::new(&numbered(0..3));
    let mut journal = world.open("", everything(), End::Follow);
    read(&mut journal, 3);
    let pid = pid(&journal);
    test_kill_process(pid).unwrap();
    drop(journal);
    assert_eq!(test_kill_process(pid), Err(rustix::io::Errno::SRCH));
}

#[test]
fn err_what_is_wrong_is_said_in_a_line() {
    let place = JournalPlace { path: Some("/nowhere".into()), ..JournalPlace::default() };
    let journal = Journal::open(place, matching("A=1 + B=2"), everything(), End::Follow, NOW);
    let ended = rest(&mut journal.unwrap()).unwrap_err().to_string();
    let fields = "MESSAGE,SYSLOG_IDENTIFIER,SYSLOG_PID,_COMM,_HOSTNAME,_PID,\
                  _SOURCE_MONOTONIC_TIMESTAMP,_SOURCE_REALTIME_TIMESTAMP";
    assert_eq!(
        ended,
        format!(
            "journalctl ended with status 1: Failed to open /nowhere: No such file or directory; to see why, run \
             journalctl --directory=/nowhere --merge --boot=all --no-tail --output=export --output-fields=A,B,{fields} \
             --follow --since=@0.000000 -- A=1 + B=2"
        )
    );
    let ready = epoll::create(epoll::CreateFlags::CLOEXEC).unwrap();
    let start = |program: &str| Running::start(program.as_ref(), Vec::new(), &ready).err().unwrap();
    let missing = start("/nowhere/journalctl").to_string();
    assert_eq!(
        missing,
        "journalctl is not installed, which reads the journal; install systemd, or give the jail another backend"
    );
    let denied = start("/dev/null").to_string();
    assert!(denied.starts_with("journalctl can't be started: "), "{denied}");
}

#[test]
fn entries_of_other_machines_can_be_left_out() {
    let id = fs::read_to_string("/etc/machine-id").unwrap();
    let (own, other) = (("_MACHINE_ID", id.trim().as_bytes()), ("_MACHINE_ID", &b"other"[..]));
    let world = World::new(&[
        sample(0, &[own, ("MESSAGE", b"own")]),
        sample(1, &[other, ("MESSAGE", b"other")]),
        sample(2, &[own, ("MESSAGE", b"neither")]),
    ]);
    for (flags, wanted) in [(0, &["own", "other"][..]), (1, &["own"])] {
        let place = JournalPlace { flags: Some(flags), ..world.place() };
        let matched = matching("MESSAGE=own + MESSAGE=other");
        let journal = Journal::open(place, matched, everything(), End::Last, NOW);
        let entries = rest(&mut journal.unwrap()).unwrap();
        assert_eq!(entries.iter().map(text).collect::<Vec<_>>(), wanted);
    }
}

#[test]
fn err_a_journal_of_junk_is_told() {
    let world = World(TempDir::new().unwrap());
    fs::write(world.file("one"), vec![b'x'; 100_000]).unwrap();
    // In a folder it is passed over, as journalctl does.
    assert!(rest(&mut world.open("", everything(), End::Last)).unwrap().is_empty());
    let files = vec![world.file("one").to_str().unwrap().to_owned()];
    let place = JournalPlace { files, ..JournalPlace::default() };
    let open = Journal::open(place, Match::default(), everything(), End::Last, NOW);
    let ended = rest(&mut open.unwrap()).unwrap_err().to_string();
    assert!(ended.starts_with("journalctl ended with status 1: "), "{ended}");
}

#[test]
fn long_and_binary_fields_come_through() {
    let mut long = vec![b'x'; 200_000];
    long[77] = b'\n';
    let cut = vec![b'y'; (1 << 20) + 4096];
    let world = World::new(&[
        sample(0, &[("MESSAGE", &long), ("_COMM", b"a\xff")]),
        sample(1, &[("MESSAGE", &cut)]),
        sample(2, &[("MESSAGE", b"")]),
    ]);
    let entries = rest(&mut world.open("", everything(), End::Last)).unwrap();
    let lines: Vec<_> = entries.iter().map(Entry::line).collect();
    assert_eq!(lines.iter().map(Vec::len).collect::<Vec<_>>(), [200_005, (1 << 20) + 1, 0]);
    assert!(lines[0].starts_with(b"a\xff: xxx") && lines[0][80..].starts_with(b"x\\nx"));
}
