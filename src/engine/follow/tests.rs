//! Real files, rotated in every way, and a real store.

mod any;

use std::fs::{self, OpenOptions};
use std::io::Write as _;
use std::path::PathBuf;

use tempfile::TempDir;

use super::*;
use crate::config::{FilterDef, JailDef};
use crate::date::YearWindow;
use crate::engine::{Calendars, Overrides};
use crate::model::BanTime;
use crate::model::time::FixedClock;

/// The first second of the logs.
const NOON: i64 = 1_795_694_400;

struct World {
    folder: TempDir,
    /// So many lines were written.
    lines: u64,
    secs: i64,
}

impl World {
    fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap(), lines: 0, secs: 0 }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn now(&self) -> Time {
        Time::from_secs(NOON + self.secs)
    }

    /// A failure of a host, a second after the one before.
    fn line(&mut self, host: &str) -> String {
        self.lines += 1;
        self.secs += 1;
        format!("{} line {} bad {host}\n", self.now().to_string().replace('Z', ""), self.lines)
    }

    fn append(&mut self, name: &str, host: &str) {
        let line = self.line(host);
        let mut options = OpenOptions::new();
        let mut file = options.append(true).create(true).open(self.path(name)).unwrap();
        file.write_all(line.as_bytes()).unwrap();
    }

    fn rename(&self, from: &str, to: &str) {
        fs::rename(self.path(from), self.path(to)).unwrap();
    }

    /// As logrotate's copytruncate does.
    fn copy_and_empty(&self, from: &str, to: &str) {
        fs::copy(self.path(from), self.path(to)).unwrap();
        OpenOptions::new().write(true).open(self.path(from)).unwrap().set_len(0).unwrap();
    }

    /// A life of the process, in which `live` has it look at the log.
    fn life<T>(&mut self, reach: Reach, live: impl FnOnce(&mut Self, &mut dyn Look) -> T) -> T {
        let ground = Ground::new(jails(&["j"]), Zone::utc());
        let mut follower = Follower::new(&ground, Origin::Daemon);
        follower.follow(&self.path("log"), &[0], reach);
        let mut writer = Writer::open(&self.path("store")).unwrap();
        follower.begin(&mut writer, self.now()).unwrap();
        live(self, &mut Alive { follower, writer })
    }

    /// What is stored of each line, and the bans.
    fn found(&self) -> (u64, Vec<String>) {
        let store = crate::store::Reader::open(&self.path("store")).unwrap();
        let totals = store.totals().unwrap();
        assert_eq!((totals.lines, totals.failures), (totals.matches, totals.matches));
        let bans = store.bans_all().unwrap();
        (totals.failures, bans.iter().map(|ban| ban.host.to_string()).collect())
    }
}

/// Looks at the logs until there is nothing more to read.
trait Look {
    fn look(&mut self, now: Time) -> Vec<Event>;
}

struct Alive<'g> {
    follower: Follower<'g>,
    writer: Writer,
}

impl Look for Alive<'_> {
    fn look(&mut self, now: Time) -> Vec<Event> {
        let mut news = Vec::new();
        loop {
            let step = self.follower.step(&mut self.writer, &FixedClock(now)).unwrap();
            news.extend(step.news.into_iter().map(|news| news.what));
            match (step.has_more, step.is_open) {
                (false, false) => return news,
                (false, true) => std::thread::yield_now(),
                (true, _) => {}
            }
        }
    }
}

/// Jails that ban for an hour after three failures in ten minutes.
fn jails(names: &[&str]) -> Vec<Arc<Jail>> {
    let compiled = names.iter().map(|name| {
        let filter = FilterDef::literal("^ line \\d+ bad <HOST>$");
        let def = JailDef { name: (*name).to_owned(), ..JailDef::of_filter(filter) };
        let overrides = Overrides {
            maxretry: Some(3),
            findtime_us: Some(600_000_000),
            bantime: Some(BanTime::Micros(3_600_000_000)),
            ..Overrides::default()
        };
        let calendars = Calendars::new(YearWindow::archive());
        let (jail, findings) = Jail::compile(&def, &overrides, &calendars);
        jail.unwrap_or_else(|| unreachable!("{findings:?}"))
    });
    compiled.collect()
}

#[test]
fn a_host_that_fails_too_often_is_banned_at_once() {
    let mut world = World::new();
    world.life(Reach::Findtime, |world, logs| {
        for failures in 1..=4 {
            world.append("log", "198.51.100.1");
            logs.look(world.now());
            let bans = if failures < 3 { vec![] } else { vec!["198.51.100.1".to_owned()] };
            assert_eq!(world.found(), (failures, bans));
        }
    });
}

/// A clock on which it is a minute later each time it is looked at.
struct Running(std::cell::Cell<Time>);

impl Clock for Running {
    fn now(&self) -> Time {
        self.0.replace(self.0.get().plus_secs(60))
    }
}

#[test]
fn what_is_written_while_it_is_read_is_not_of_the_future() {
    let mut world = World::new();
    let ground = Ground::new(jails(&["j"]), Zone::utc());
    let mut follower = Follower::new(&ground, Origin::Daemon);
    follower.follow(&world.path("log"), &[0], Reach::All);
    let mut writer = Writer::open(&world.path("store")).unwrap();
    let before = world.now();
    follower.begin(&mut writer, before).unwrap();
    (0..2).for_each(|_| world.append("log", "198.51.100.1"));
    let step = follower.step(&mut writer, &Running(before.into())).unwrap();
    let counted: Vec<_> = step.pursued.failures.iter().map(|(.., at)| *at).collect();
    assert_eq!(counted, [1, 2].map(|secs| before.plus_secs(secs)));
    assert_eq!(step.now, before.plus_secs(60));
}

#[test]
fn who_goes_on_failing_is_told_with_how_long_he_is_banned() {
    let mut world = World::new();
    let ground = Ground::new(jails(&["j"]), Zone::utc());
    let mut follower = Follower::new(&ground, Origin::Daemon);
    follower.follow(&world.path("log"), &[0], Reach::All);
    let mut writer = Writer::open(&world.path("store")).unwrap();
    (0..3).for_each(|_| world.append("log", "192.0.2.1"));
    follower.begin(&mut writer, world.now()).unwrap();
    let mut look = |now| loop {
        let step = follower.step(&mut writer, &FixedClock(now)).unwrap();
        // Whether he is ignored is asked by another thread.
        if !step.is_open {
            return step.pursued;
        }
        std::thread::yield_now();
    };
    let host = look(world.now()).made.remove(0).host;
    (0..3).for_each(|_| world.append("log", "192.0.2.1"));
    // The ban is of the third failure, and the sixth would have led to another.
    let pursued = look(world.now());
    assert_eq!(pursued.already, [(0, host.clone(), 3_000_000)]);
    let [longer] = &pursued.longer[..] else { unreachable!("{pursued:?}") };
    let second = |secs: i64| Time::from_secs(NOON + secs);
    assert_eq!((longer.ban_at, longer.at, longer.failures), (second(3), second(6), 3));
    assert_eq!((longer.until_before, longer.until), (second(3603), Some(second(3606))));
    assert!(pursued.made.is_empty() && pursued.ended.is_empty());
    // Nobody notices the end that it was to have; a line that is read late is of when it was written.
    let (now, later) = (second(3604), second(3610));
    assert!(look(now).is_of_no_ban());
    assert!(look(later).is_of_no_ban(), "nothing was read, so nothing was ended");
    world.secs = 3602;
    (0..3).for_each(|_| world.append("log", "192.0.2.1"));
    let pursued = look(later);
    assert_eq!(pursued.longer[0].until, Some(second(7205)));
    assert!(pursued.made.is_empty() && pursued.ended.is_empty(), "it has not ended after all");
}

#[test]
fn failures_count_on_in_the_next_life() {
    let mut world = World::new();
    for failures in 1..=3 {
        world.append("log", "198.51.100.1");
        world.life(Reach::Findtime, |world, logs| logs.look(world.now()));
        assert_eq!(world.found().0, failures);
    }
    assert_eq!(world.found().1, ["198.51.100.1"]);
}

#[test]
fn failures_of_the_same_second_count_on_too() {
    let mut world = World::new();
    for _ in 0..3 {
        world.secs = 0;
        world.append("log", "198.51.100.1");
        world.life(Reach::Findtime, |world, logs| logs.look(world.now()));
    }
    assert_eq!(world.found(), (3, vec!["198.51.100.1".to_owned()]));
}

#[test]
fn what_was_stored_by_others_and_is_read_counts_once() {
    let mut world = World::new();
    world.append("log", "198.51.100.1");
    world.append("log", "198.51.100.1");
    // As if it had never been followed.
    world.life(Reach::Findtime, |world, logs| logs.look(world.now()));
    let store = rusqlite::Connection::open(world.path("store")).unwrap();
    store.execute("DELETE FROM position", []).unwrap();
    world.life(Reach::Findtime, |world, logs| logs.look(world.now()));
    assert_eq!(world.found(), (2, vec![]));
}

#[test]
fn a_renamed_log_is_read_to_its_end() {
    let mut world = World::new();
    world.life(Reach::Findtime, |world, logs| {
        world.append("log", "198.51.100.1");
        logs.look(world.now());
        world.append("log", "198.51.100.2");
        world.rename("log", "log.1");
        world.append("log.1", "198.51.100.3");
        logs.look(world.now());
        world.append("log", "198.51.100.4");
        assert!(logs.look(world.now()).contains(&Event::Rotated));
        // Its writer has not noticed yet.
        world.append("log.1", "198.51.100.5");
        logs.look(world.now());
    });
    assert_eq!(world.found().0, 5);
}

#[test]
fn a_log_that_was_rotated_twice_at_once_loses_nothing() {
    let mut world = World::new();
    world.life(Reach::Findtime, |world, logs| {
        world.append("log", "198.51.100.1");
        logs.look(world.now());
        world.rename("log", "log.2");
        world.append("log", "198.51.100.2");
        world.rename("log", "log.1");
        world.append("log", "198.51.100.3");
        logs.look(world.now());
    });
    assert_eq!(world.found().0, 3);
}

#[test]
fn what_was_rotated_away_while_nobody_looked_is_read_first() {
    let mut world = World::new();
    world.append("log", "198.51.100.1");
    world.life(Reach::Findtime, |world, logs| logs.look(world.now()));
    world.append("log", "198.51.100.1");
    world.rename("log", "log.3");
    world.append("log.2", "198.51.100.2");
    let status = std::process::Command::new("gzip").arg(world.path("log.2")).status().unwrap();
    assert!(status.success());
    world.append("log.1", "198.51.100.2");
    world.append("log", "198.51.100.1");
    world.life(Reach::Findtime, |world, logs| {
        logs.look(world.now());
    });
    assert_eq!(world.found(), (5, vec!["198.51.100.1".to_owned()]));
    // All is finished: nothing is read again.
    world.life(Reach::Findtime, |world, logs| assert_eq!(logs.look(world.now()), []));
    assert_eq!(world.found().0, 5);
}

#[test]
fn a_log_that_was_rotated_and_packed_is_finished() {
    let mut world = World::new();
    world.append("log", "198.51.100.1");
    world.life(Reach::Findtime, |world, logs| logs.look(world.now()));
    world.append("log", "198.51.100.2");
    world.rename("log", "log.1");
    let status = std::process::Command::new("gzip").arg(world.path("log.1")).status().unwrap();
    assert!(status.success());
    world.append("log", "198.51.100.3");
    world.life(Reach::Findtime, |world, logs| logs.look(world.now()));
    assert_eq!(world.found().0, 3);
}

#[test]
fn an_emptied_log_is_read_from_its_beginning_and_its_copy_to_its_end() {
    let mut world = World::new();
    world.life(Reach::Findtime, |world, logs| {
        world.append("log", "198.51.100.1");
        world.append("log", "198.51.100.2");
        logs.look(world.now());
        world.append("log", "198.51.100.3");
        world.copy_and_empty("log", "log.1");
        for host in 4..8 {
            world.append("log", &format!("198.51.100.{host}"));
        }
        assert!(logs.look(world.now()).contains(&Event::Emptied));
    });
    assert_eq!(world.found().0, 7);
}

/// Writes lines of hosts of which each fails twice, and rotates the log behind a few of them, again and again; so many.
fn write_and_rotate(folder: &Path, rotate: fn(&Path, &Path)) -> u64 {
    let generation = |number: usize| folder.join(format!("log.{number}"));
    let mut lines = 0;
    for round in 0..80 {
        for _ in 0..=round % 7 {
            lines += 1;
            let at = Time::from_secs(NOON).to_string().replace('Z', "");
            let line = format!("{at} line {lines} bad 198.51.100.{}\n", lines / 2);
            let mut options = OpenOptions::new();
            let mut file = options.append(true).create(true).open(folder.join("log")).unwrap();
            file.write_all(line.as_bytes()).unwrap();
        }
        for number in (1..=round).rev() {
            fs::rename(generation(number), generation(number + 1)).unwrap();
        }
        rotate(&folder.join("log"), &generation(1));
    }
    lines
}

/// Looks at a log all the time while somebody writes and rotates it.
#[track_caller]
fn each_line_counts_once_while_it_is_rotated(rotate: fn(&Path, &Path)) {
    let mut world = World::new();
    world.life(Reach::All, |world, logs| {
        // Of a log that nobody has read nothing is known when it is rotated.
        world.append("log", "203.0.113.1");
        logs.look(world.now());
        let folder = world.folder.path();
        let lines = std::thread::scope(|scope| {
            let author = scope.spawn(|| write_and_rotate(folder, rotate));
            while !author.is_finished() {
                logs.look(world.now());
            }
            author.join().unwrap()
        });
        logs.look(world.now());
        assert_eq!(world.found(), (1 + lines, Vec::new()));
    });
}

#[test]
fn a_log_that_is_renamed_while_it_is_looked_at_counts_once() {
    each_line_counts_once_while_it_is_rotated(|log, copy| fs::rename(log, copy).unwrap());
}

#[test]
fn a_log_that_is_emptied_while_it_is_looked_at_counts_once() {
    each_line_counts_once_while_it_is_rotated(|log, copy| {
        fs::copy(log, copy).unwrap();
        OpenOptions::new().write(true).open(log).unwrap().set_len(0).unwrap();
    });
}

#[test]
fn a_log_in_its_own_place_again_is_not_read_twice() {
    let mut world = World::new();
    world.life(Reach::Findtime, |world, logs| {
        world.append("log", "198.51.100.1");
        logs.look(world.now());
        // As an editor saves it.
        fs::copy(world.path("log"), world.path("new")).unwrap();
        world.rename("new", "log");
        logs.look(world.now());
        world.append("log", "198.51.100.2");
        logs.look(world.now());
    });
    assert_eq!(world.found().0, 2);
}

#[test]
fn a_log_that_appears_later_is_read_from_its_beginning() {
    for reach in [Reach::Findtime, Reach::All, Reach::Tail] {
        let mut world = World::new();
        world.life(reach, |world, logs| {
            logs.look(world.now());
            fs::write(world.path("log"), "").unwrap();
            logs.look(world.now());
            world.append("log", "198.51.100.1");
            logs.look(world.now());
        });
        assert_eq!(world.found().0, 1, "{reach:?}");
    }
}

#[test]
fn a_new_log_is_read_as_far_back_as_is_wanted() {
    for (reach, expected) in [(Reach::All, 1000), (Reach::Findtime, 601), (Reach::Tail, 0)] {
        let mut world = World::new();
        for _ in 0..1000 {
            world.append("log", "198.51.100.1");
        }
        world.life(reach, |world, logs| logs.look(world.now()));
        assert_eq!(world.found().0, expected, "{reach:?}");
    }
}

#[test]
fn the_findtime_of_a_long_log_is_found() {
    let mut world = World::new();
    let mut text = String::new();
    for _ in 0..100_000 {
        text += &world.line("198.51.100.1");
    }
    fs::write(world.path("log"), text).unwrap();
    world.life(Reach::Findtime, |world, logs| logs.look(world.now()));
    assert_eq!(world.found().0, 601);
    let store = rusqlite::Connection::open(world.path("store")).unwrap();
    let first: i64 = store.query_row("SELECT min(number) FROM line", [], |row| row.get(0)).unwrap();
    assert_eq!(first, 99_400);
}

#[test]
fn half_a_line_is_waited_for() {
    let mut world = World::new();
    world.life(Reach::Findtime, |world, logs| {
        let line = world.line("198.51.100.1");
        fs::write(world.path("log"), &line[..line.len() - 3]).unwrap();
        logs.look(world.now());
        assert_eq!(world.found().0, 0);
        fs::write(world.path("log"), &line).unwrap();
        logs.look(world.now());
        assert_eq!(world.found().0, 1);
    });
}

#[test]
fn all_that_there_is_has_archives_too() {
    for (reach, expected) in [(Reach::All, 2), (Reach::Findtime, 1)] {
        let mut world = World::new();
        world.append("log.1", "198.51.100.1");
        let status = std::process::Command::new("gzip").arg(world.path("log.1")).status().unwrap();
        assert!(status.success());
        world.append("log", "198.51.100.2");
        world.life(reach, |world, logs| logs.look(world.now()));
        assert_eq!(world.found().0, expected, "{reach:?}");
    }
}

#[test]
fn an_archive_is_not_unpacked_again_once_it_was_read_to_its_end() {
    let mut world = World::new();
    // Files are of now, whatever stands in them.
    world.secs = crate::model::Clock::now(&crate::model::SystemClock).secs() - NOON;
    world.append("log", "198.51.100.1");
    world.life(Reach::All, |world, logs| {
        logs.look(world.now());
        world.rename("log", "log.1");
        world.append("log", "198.51.100.2");
        world.secs += 60;
        logs.look(world.now());
    });
    let status = std::process::Command::new("gzip").arg(world.path("log.1")).status().unwrap();
    assert!(status.success());
    world.life(Reach::All, |world, logs| assert_eq!(logs.look(world.now()), []));
    assert_eq!(world.found().0, 2);
}

#[test]
fn a_step_holds_so_much_and_all_is_stored() {
    let mut world = World::new();
    let ground = Ground::new(jails(&["a", "b"]), Zone::utc());
    let mut follower = Follower::new(&ground, Origin::Daemon);
    let mut writer = Writer::open(&world.path("store")).unwrap();
    let logs = ["log.a", "log.b", "log.c"];
    for log in logs {
        let lines: String =
            (0..30_000).map(|n| world.line(&format!("198.51.100.{}", n % 200))).collect();
        fs::write(world.path(log), lines).unwrap();
        follower.follow(&world.path(log), &[0, 1], Reach::All);
    }
    follower.begin(&mut writer, world.now()).unwrap();
    let mut steps = Vec::new();
    loop {
        let step = follower.step(&mut writer, &FixedClock(world.now())).unwrap();
        steps.push(step.pursued.failures.len());
        if !step.has_more {
            break;
        }
    }
    // The half of a mebibyte has some 10,000 lines, each a failure in both jails.
    assert!(steps.iter().all(|failures| *failures < 42_000), "{steps:?}");
    assert_eq!(steps.iter().sum::<usize>(), 180_000);
    let totals = writer.reader().totals().unwrap();
    assert_eq!((totals.lines, totals.failures), (90_000, 180_000));
    let position = |jail: &str| writer.reader().positions(jail).unwrap();
    for read in position("a").iter().chain(&position("b")) {
        assert_eq!(read.position.offset, fs::metadata(&read.path).unwrap().len());
    }
    assert_eq!(position("a").len() + position("b").len(), 6);
}
