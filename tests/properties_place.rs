//! A line's place is its own for good: whatever happens to a log between scans, nothing counts twice and
//! nothing is lost.

#![expect(clippy::unwrap_used, reason = "a test may stop where it stands")]

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use proptest::prelude::*;

/// What happens to a log.
#[derive(Clone, Debug)]
enum Step {
    /// Lines are written; every second one is a failure.
    Append(u8),
    /// `log` becomes `log.1`, `log.1` becomes `log.2`, …
    Rotate,
    /// The newest rotated file is compressed.
    Compress(&'static str),
    /// A line is begun and not ended.
    Begin,
    Scan,
}

fn a_step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => (1_u8..40).prop_map(Step::Append),
        2 => Just(Step::Rotate),
        1 => prop::sample::select(vec!["gzip", "bzip2", "xz", "zstd"]).prop_map(Step::Compress),
        1 => Just(Step::Begin),
        3 => Just(Step::Scan),
    ]
}

struct World {
    dir: tempfile::TempDir,
    written: u32,
    open: bool,
}

impl World {
    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    fn write(&self, text: &str) {
        let mut log =
            fs::OpenOptions::new().create(true).append(true).open(self.path("maillog")).unwrap();
        log.write_all(text.as_bytes()).unwrap();
    }

    fn apply(&mut self, step: &Step) {
        match step {
            Step::Append(lines) => {
                for _ in 0..*lines {
                    self.end_line();
                    self.begin_line();
                }
                self.end_line();
            }
            Step::Begin => {
                self.end_line();
                self.begin_line();
            }
            Step::Rotate => {
                // A daemon writes its lines whole before it is told to open a new file.
                self.end_line();
                self.rotate();
            }
            Step::Compress(tool) => {
                let rotated = self.path("maillog.1");
                if rotated.exists() {
                    let done =
                        Command::new(tool).args(["-q", "-f"]).arg(&rotated).status().unwrap();
                    assert!(done.success(), "{tool}");
                    let _ = fs::remove_file(&rotated);
                }
            }
            Step::Scan => self.scan(),
        }
    }

    /// Lines differ from each other; odd ones are failures.
    fn begin_line(&mut self) {
        let n = self.written;
        self.written += 1;
        self.open = true;
        let what = if n % 2 == 1 { "password fail (pass: 'x')" } else { "login success" };
        self.write(&format!(
            "Nov 20 10:{:02}:{:02} mail vpopmail[{n}]: vchkpw-smtp: {what} a@b.org:192.0.2.1",
            n / 60 % 60,
            n % 60
        ));
    }

    fn end_line(&mut self) {
        if std::mem::take(&mut self.open) {
            self.write("\n");
        }
    }

    fn rotate(&self) {
        let mut names: Vec<String> = fs::read_dir(self.dir.path())
            .unwrap()
            .filter_map(|entry| entry.unwrap().file_name().into_string().ok())
            .filter(|name| name.starts_with("maillog."))
            .collect();
        let number = |name: &str| -> u32 { name.split('.').nth(1).unwrap().parse().unwrap() };
        names.sort_by_key(|name| std::cmp::Reverse(number(name)));
        for name in names {
            let mut parts: Vec<String> = name.split('.').map(str::to_owned).collect();
            parts[1] = (number(&name) + 1).to_string();
            fs::rename(self.path(&name), self.path(&parts.join("."))).unwrap();
        }
        if self.path("maillog").exists() {
            fs::rename(self.path("maillog"), self.path("maillog.1")).unwrap();
        }
    }

    fn scan(&self) {
        if !fs::read_dir(self.dir.path())
            .unwrap()
            .any(|entry| entry.unwrap().file_name().to_string_lossy().starts_with("maillog"))
        {
            return;
        }
        let config = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/sample");
        let ran = Command::new(env!("CARGO_BIN_EXE_f2b"))
            .current_dir(self.dir.path())
            .args([
                "scan",
                "-q",
                "--now",
                "2026-11-20T12:00",
                "--timezone",
                "UTC",
                "--db",
                "f2b.sqlite3",
                "-c",
            ])
            .arg(config)
            .args(["maillog*", "password-fail"])
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&ran.stderr);
        assert!(matches!(ran.status.code(), Some(0 | 1)), "{said}");
    }

    fn stored(&self) -> u32 {
        let db = self.path("f2b.sqlite3");
        if !db.exists() {
            return 0;
        }
        let ran =
            Command::new("sqlite3").arg(db).arg("select count(*) from matches").output().unwrap();
        String::from_utf8_lossy(&ran.stdout).trim().parse().unwrap()
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 40, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn every_failure_is_stored_once_however_its_log_is_rotated(
        steps in prop::collection::vec(a_step(), 1..14),
    ) {
        let mut world = World { dir: tempfile::tempdir().unwrap(), written: 0, open: false };
        for step in &steps {
            world.apply(step);
        }
        world.end_line();
        world.scan();
        prop_assert_eq!(world.stored(), world.written / 2);
    }
}
