//! fail2ban's own code, asked by the scripts of this folder.

use std::io::Write as _;
use std::process::{Command, Stdio};

/// What a script says to an input.
pub(crate) fn answers(script: &str, environment: &[(&str, &str)], input: String) -> String {
    let mut child = Command::new("/usr/bin/python3")
        .arg(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/conformance/").to_owned() + script)
        .envs(environment.iter().copied())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("Debian's python3 is installed");
    let mut stdin = child.stdin.take().unwrap();
    // It may answer before it has read all of it.
    let writer = std::thread::spawn(move || stdin.write_all(input.as_bytes()));
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "fail2ban is missing or too new: run `make packages`");
    writer.join().unwrap().unwrap();
    String::from_utf8(output.stdout).unwrap()
}
