//! What comes with the program: man pages, completions, units, the Debian package.

#![expect(clippy::unwrap_used, reason = "a test may stop where it stands")]

mod deb;
#[path = "../../packaging/manual.rs"]
#[expect(dead_code, reason = "the example's main")]
mod generator;
mod machine;
mod manual;
mod systemd;
mod units;

use std::process::{Command, Output};

/// What a command printed, having done what it should.
fn run(command: &mut Command) -> String {
    let Output { status, stdout, stderr } = command.output().unwrap();
    let (stdout, stderr) = (String::from_utf8(stdout).unwrap(), String::from_utf8_lossy(&stderr));
    assert!(status.success(), "{command:?}: {status}\n{stdout}{stderr}");
    stdout
}
