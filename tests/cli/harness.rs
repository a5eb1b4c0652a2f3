//! What makes a test four lines: a folder with a configuration and a store, and the binary in it.

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::Value;
use tempfile::TempDir;

/// A folder of its own for a test.
pub(crate) struct World {
    dir: TempDir,
}

/// What a run of f2b came to.
pub(crate) struct Ran {
    pub(crate) command: String,
    pub(crate) status: i32,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl World {
    /// Without a configuration.
    pub(crate) fn empty() -> Self {
        Self { dir: tempfile::tempdir().unwrap() }
    }

    /// With the sample configuration: the first user's filters and jails.
    pub(crate) fn new() -> Self {
        let world = Self::empty();
        for folder in ["filter.d", "action.d"] {
            fs::create_dir(world.path(folder)).unwrap();
            for entry in fs::read_dir(sample(folder)).unwrap() {
                let from = entry.unwrap().path();
                fs::copy(&from, world.path(folder).join(from.file_name().unwrap())).unwrap();
            }
        }
        fs::copy(sample("jail.conf"), world.path("jail.conf")).unwrap();
        world
    }

    /// With one filter, a log with one line for it, and two jails for both: `door`, and `shed`, which is not enabled and
    /// has a mistake.
    pub(crate) fn with_a_door() -> Self {
        let world = Self::empty();
        world.write("filter.d/door.conf", "[Definition]\nfailregex = ^ knock from <HOST>$\n");
        world.write("door.log", "2026-11-20T09:00:00Z knock from 192.0.2.1\n");
        world.write(
            "jail.conf",
            "[door]\nenabled = true\nfilter = door\nlogpath = door.log\n\
             [shed]\nfilter = door\nmaxretry = many\nlogpath = door.log\n",
        );
        world
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    pub(crate) fn db(&self) -> PathBuf {
        self.path("store/f2b.sqlite3")
    }

    /// Where its daemon would listen.
    pub(crate) fn socket(&self) -> PathBuf {
        self.path("run/f2b.sock")
    }

    pub(crate) fn write(&self, name: &str, text: impl AsRef<[u8]>) -> PathBuf {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, text).unwrap();
        path
    }

    pub(crate) fn command(&self) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_f2b"));
        command.current_dir(self.dir.path()).env_clear();
        command.env("F2B_CONFIG", self.dir.path()).env("F2B_DB", self.db());
        command.env("F2B_SOCKET", self.socket());
        // The firewall of the machine that runs the tests is none of their business.
        command.env("F2B_NO_ENFORCE", "1");
        command.env("TZ", "UTC").env("PATH", std::env::var_os("PATH").unwrap_or_default());
        command
    }

    /// The same, run by nobody: root reads what it likes.
    pub(crate) fn as_nobody(&self) -> Command {
        let binary = self.path("f2b");
        fs::copy(env!("CARGO_BIN_EXE_f2b"), &binary).unwrap();
        let command = self.command();
        let mut dropped = Command::new("setpriv");
        dropped.args(["--reuid=65534", "--regid=65534", "--clear-groups"]).arg(binary);
        dropped.current_dir(self.dir.path()).env_clear();
        dropped.envs(command.get_envs().filter_map(|(name, value)| Some((name, value?))));
        dropped
    }

    /// A line as it is typed at a shell, with f2b in the path.
    pub(crate) fn shell(&self, line: &str) -> Command {
        let f2b = Path::new(env!("CARGO_BIN_EXE_f2b")).parent().unwrap().to_owned();
        let others = std::env::var_os("PATH").unwrap_or_default();
        let path = std::iter::once(f2b).chain(std::env::split_paths(&others));
        let mut command = self.command();
        let f2b = std::mem::replace(&mut command, Command::new("sh"));
        command.args(["-c", line]).current_dir(self.dir.path()).env_clear();
        command.envs(f2b.get_envs().filter_map(|(name, value)| Some((name, value?))));
        command.env("PATH", std::env::join_paths(path).unwrap());
        command
    }

    pub(crate) fn run<S: AsRef<OsStr>>(&self, args: impl IntoIterator<Item = S>) -> Ran {
        let mut command = self.command();
        command.args(args);
        ran(&mut command)
    }

    /// Runs the words of `line`.
    pub(crate) fn f2b(&self, line: &str) -> Ran {
        self.run(line.split_whitespace())
    }

    /// The answer of the store to a statement, through the sqlite3 that users have.
    pub(crate) fn sql(&self, statement: &str) -> String {
        let mut command = Command::new("sqlite3");
        // It waits for nobody by itself: not even while the first who opens a store after somebody was killed, or the last
        // who closes it, has it for himself.
        command.args(["-cmd", ".timeout 60000"]).arg(self.db()).arg(statement);
        let output = command.output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap().trim_end().to_owned()
    }
}

pub(crate) fn ran(command: &mut Command) -> Ran {
    let Output { status, stdout, stderr } = command.output().unwrap();
    Ran {
        command: format!("{command:?}"),
        status: status.code().unwrap_or(-1),
        out: String::from_utf8_lossy(&stdout).into_owned(),
        err: String::from_utf8_lossy(&stderr).into_owned(),
    }
}

impl Ran {
    /// Asserts the exit status; shows everything if it is another.
    #[track_caller]
    pub(crate) fn exits(self, status: i32) -> Self {
        let Self { command, out, err, .. } = &self;
        assert_eq!(self.status, status, "{command}\n--- out\n{out}\n--- err\n{err}");
        self
    }

    /// Asserts that nothing but `line` was said on standard error, that nothing was printed, exit 2.
    #[track_caller]
    pub(crate) fn fails_with(self, line: &str) {
        let ran = self.exits(2);
        assert_eq!(ran.err.trim_end(), format!("f2b: {line}"), "{}", ran.command);
        assert_eq!(ran.out, "", "{}", ran.command);
    }

    /// Asserts that each of the texts was printed.
    #[track_caller]
    pub(crate) fn says(&self, texts: &[&str]) {
        for text in texts {
            assert!(self.out.contains(text), "{text}\n{}", self.out);
        }
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.out)
            .unwrap_or_else(|e| unreachable!("{e}: {}\n{}", self.out, self.err))
    }

    pub(crate) fn json_lines(&self) -> Vec<Value> {
        self.out.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }
}

/// A file of the sample in the repository.
pub(crate) fn sample(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/sample").join(name)
}

/// A generated log with its truth, in `world`.
pub(crate) fn generate(world: &World, name: &str, args: &[&str]) -> (PathBuf, Value) {
    let (log, truth) = (world.path(name), world.path(&format!("{name}.json")));
    let status = Command::new("python3")
        .arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("bench/gen_logs.py"))
        .args(args)
        .args(["--quiet", "--out"])
        .arg(&log)
        .arg("--truth")
        .arg(&truth)
        .status()
        .unwrap();
    assert!(status.success());
    (log, serde_json::from_slice(&fs::read(truth).unwrap()).unwrap())
}

/// Lines of failed logins in syslog form: (month-day time, host).
pub(crate) fn password_fails(lines: &[(&str, &str)]) -> String {
    let mut text = String::new();
    for (stamp, host) in lines {
        let fail = "vchkpw-smtp: password fail (pass: 'x') a@b.org";
        text.extend([stamp, " mail vpopmail[1]: ", fail, ":", host, "\n"]);
    }
    text
}
