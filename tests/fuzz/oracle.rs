//! Debian's fail2ban as a process that answers.

use std::cell::RefCell;
use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use serde_json::Value;

/// A running `tests/conformance/oracle.py`.
struct Oracle {
    child: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
}

impl Oracle {
    fn start() -> Self {
        let mut child = Command::new("/usr/bin/python3")
            .arg(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/conformance/oracle.py"))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            // It says there what is wrong with each case.
            .stderr(Stdio::null())
            .spawn()
            .expect("Debian's python3 is installed");
        let input = child.stdin.take().unwrap();
        let output = BufReader::new(child.stdout.take().unwrap());
        Self { child, input, output }
    }

    fn ask(&mut self, request: &Value) -> Value {
        writeln!(self.input, "{request}").expect("fail2ban is installed: run `make packages`");
        let mut answer = String::new();
        self.output.read_line(&mut answer).unwrap();
        serde_json::from_str(&answer).expect("fail2ban is installed: run `make packages`")
    }
}

impl Drop for Oracle {
    fn drop(&mut self) {
        // It may be busy with a case for some seconds more.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Asks this thread's process.
pub(crate) fn ask(request: &Value) -> Value {
    thread_local!(static ORACLE: RefCell<Oracle> = RefCell::new(Oracle::start()));
    ORACLE.with_borrow_mut(|oracle| oracle.ask(request))
}
