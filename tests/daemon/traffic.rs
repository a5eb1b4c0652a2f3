//! A log under load: who writes it, how it is rotated, and what has to come of it.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use crate::harness::{Host, append, line, now};
use crate::net::eventually;

/// So many failures ban a host.
const MAXRETRY: usize = 5;
/// Hosts that fail again and again; each other line is of one that fails once.
const BUSY: u64 = 200;

/// If nothing more is stored for so long, nothing comes.
const PATIENCE: Duration = Duration::from_secs(30);

/// The jail whose log is written.
pub(crate) fn jail() -> String {
    format!("[j]\nlogpath = LOG/a.log\nmaxretry = {MAXRETRY}\naction = nftables[port=22]\n")
}

/// Numbers that look random and are the same for the same seed (xorshift).
pub(crate) struct Random(u64);

impl Random {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    /// One less than `below`, or less.
    pub(crate) fn below(&mut self, below: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) % below
    }
}

/// Who writes a log, some thousand lines a second, and rotates it.
pub(crate) struct Author<'h> {
    host: &'h Host,
    path: PathBuf,
    file: File,
    pub(crate) random: Random,
    /// How often each host failed.
    failed: BTreeMap<String, usize>,
    /// The next line's number.
    next: usize,
}

/// Ways to rotate a log.
#[derive(Clone, Copy, Debug)]
pub(crate) enum How {
    /// The old file is renamed; its writer goes on with it for a while, also when the new one is there.
    Rename,
    /// The same twice, at once.
    Twice,
    /// The same, and the old file is packed.
    Pack,
    /// The file is copied and emptied. What is written between the two would be lost, so nothing is.
    CopyTruncate,
    /// The file is removed, and another made.
    Delete,
}

/// A number from the environment.
pub(crate) fn number(name: &str, default: u64) -> u64 {
    std::env::var(name).map_or(default, |number| number.parse().unwrap())
}

impl<'h> Author<'h> {
    /// With a `seed` of its own; `F2B_DAEMON_SEED` is added to it.
    pub(crate) fn new(host: &'h Host, seed: u64) -> Self {
        let seed = seed + number("F2B_DAEMON_SEED", 0);
        let path = host.log("a.log");
        let file = append(&path);
        let random = Random::new(seed);
        Self { host, path, file, random, failed: BTreeMap::new(), next: 0 }
    }

    /// Writes lines, not faster than a busy service does.
    pub(crate) fn write(&mut self, lines: usize) {
        for number in 0..lines {
            self.write_line();
            if number % 40 == 39 {
                thread::park_timeout(Duration::from_millis(8));
            }
        }
    }

    fn write_line(&mut self) {
        let host = if self.random.below(2) == 0 {
            format!("10.0.0.{}", self.random.below(BUSY))
        } else {
            let next = self.next;
            format!("10.{}.{}.{}", 1 + next / 62_500, next / 250 % 250, next % 250)
        };
        let text = line(now(), &format!("{host} #{}", self.next));
        // A line may be written in pieces.
        let cut = if self.random.below(8) == 0 { text.len() / 2 } else { text.len() };
        self.file.write_all(&text.as_bytes()[..cut]).unwrap();
        self.file.write_all(&text.as_bytes()[cut..]).unwrap();
        *self.failed.entry(host).or_default() += 1;
        self.next += 1;
    }

    pub(crate) fn rotate(&mut self, how: How) {
        match how {
            How::Rename => self.rename(),
            How::Twice => {
                self.rename();
                self.rename();
            }
            How::Pack => {
                self.rename();
                let packed = Command::new("gzip").arg(self.generation(1)).status().unwrap();
                assert!(packed.success());
            }
            How::CopyTruncate => {
                self.shift();
                fs::copy(&self.path, self.generation(1)).unwrap();
                self.file.set_len(0).unwrap();
            }
            How::Delete => {
                self.is_being_read();
                fs::remove_file(&self.path).unwrap();
                self.write_some();
                self.begin();
            }
        }
    }

    fn rename(&mut self) {
        self.shift();
        fs::rename(&self.path, self.generation(1)).unwrap();
        self.write_some();
        let new = append(&self.path);
        self.write_some();
        self.file = new;
        self.write_some();
    }

    fn begin(&mut self) {
        self.file = append(&self.path);
    }

    /// A few lines, or none.
    fn write_some(&mut self) {
        let lines = self.random.below(4) * self.random.below(10);
        (0..lines).for_each(|_| self.write_line());
    }

    /// Waits until something that stands in the present file is stored: who knows nothing of a file can't read it when it
    /// is gone.
    #[track_caller]
    fn is_being_read(&mut self) {
        self.write_line();
        let last = self.next - 1;
        eventually("the file is read", || self.host.failures() > last);
    }

    fn generation(&self, number: usize) -> PathBuf {
        self.path.with_extension(format!("log.{number}"))
    }

    /// Renames what was rotated before, as logrotate does.
    fn shift(&self) {
        let named = |number: usize, ending: &str| {
            let mut name = self.generation(number).into_os_string();
            name.push(ending);
            PathBuf::from(name)
        };
        let is_there =
            |number: &usize| ["", ".gz"].iter().any(|ending| named(*number, ending).exists());
        let last = (1..10_000).take_while(is_there).count();
        for (number, ending) in (1..=last).rev().flat_map(|number| [(number, ""), (number, ".gz")])
        {
            if named(number, ending).exists() {
                fs::rename(named(number, ending), named(number + 1, ending)).unwrap();
            }
        }
    }

    /// Waits until all that was written is stored; each line has to be there once, and everybody who failed often enough,
    /// and nobody else, be banned and kept out.
    #[track_caller]
    pub(crate) fn all_is_known(&self) {
        self.all_is_known_in(&self.host.path("f2b.db"));
        let busy = self.busy();
        eventually("they are kept out", || self.host.kept_out() == busy);
    }

    /// The same of another store, and of what is stored alone.
    #[track_caller]
    pub(crate) fn all_is_known_in(&self, store: &Path) {
        self.all_is_stored_in(store);
        let texts = crate::harness::ask(store, "SELECT text FROM failures");
        let number = |text: &String| text.rsplit('#').next().unwrap().parse::<usize>().unwrap();
        let mut times = vec![0; self.next];
        for text in &texts {
            times[number(text)] += 1;
        }
        let mut odd = Vec::new();
        for stretch in times.chunk_by(|one, next| one == next) {
            odd.push((stretch.len(), stretch[0]));
        }
        // So many lines, and how often each of them is there.
        assert_eq!(odd, [(self.next, 1)], "{} of {} lines", texts.len(), self.next);
        let busy = self.busy().into_iter().map(|host| format!("j {host}"));
        assert_eq!(crate::harness::banned(store), busy.collect());
    }

    /// Waits until all that was written is stored, or until that doesn't go on.
    pub(crate) fn all_is_stored_in(&self, store: &Path) {
        let stored = || {
            let count = crate::harness::ask(store, "SELECT count(*) FROM failures");
            count[0].parse::<usize>().unwrap()
        };
        // It may take its time as long as it goes on.
        let mut last = stored();
        while last < self.next {
            let start = Instant::now();
            while stored() == last && start.elapsed() < PATIENCE {
                thread::park_timeout(Duration::from_millis(20));
            }
            if stored() == last {
                break;
            }
            last = stored();
        }
    }

    fn busy(&self) -> BTreeSet<String> {
        let busy = self.failed.iter().filter(|(_, failed)| **failed >= MAXRETRY);
        busy.map(|(host, _)| host.clone()).collect()
    }

    pub(crate) fn lines(&self) -> usize {
        self.next
    }
}
