//! Network namespaces for tests, and the tools that are run in them.

use std::io::{Read as _, Write as _};
use std::process::{Child, Command, Stdio};

use crate::rerun::rerun;

/// Set in the process that runs inside.
const INSIDE: &str = "F2B_TEST_NAMESPACE";
/// Set in the process that has lost its rights.
const WITHOUT_RIGHTS: &str = "F2B_TEST_WITHOUT_RIGHTS";

/// Runs the test `body` in a new network namespace, whose only device is a loopback that is down.
pub(crate) fn in_namespace<F: FnOnce()>(body: F) {
    rerun(INSIDE, &["unshare", "--net", "--"], body);
}

/// Runs the test `body` in the namespace it is in, without the right to touch its network.
pub(crate) fn without_rights<F: FnOnce()>(body: F) {
    let lost = ["--bounding-set=-net_admin", "--inh-caps=-net_admin"];
    rerun(WITHOUT_RIGHTS, &["setpriv", lost[0], lost[1], "--"], body);
}

/// Runs a program with `input` to its end and returns what it printed; it has to succeed.
pub(crate) fn run(program: &str, arguments: &[&str], input: &str) -> String {
    let mut command = Command::new(program);
    command.args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap_or_else(|error| panic!("{program}: {error}"));
    child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{program} {arguments:?}: {errors}\n{input}");
    String::from_utf8(output.stdout).unwrap()
}

/// Lets `nft` carry out commands, as one transaction.
pub(crate) fn nft(commands: &str) -> String {
    run("nft", &["-f", "-"], commands)
}

/// Another network namespace, at the other end of a cable.
///
/// Here the cable's end is the device `near`, there it is `far`; the loopbacks are up.
pub(crate) struct Peer {
    /// It does nothing, and keeps the namespace.
    keeper: Child,
}

impl Peer {
    /// Lays the cable; each end gets its addresses, such as `192.0.2.1/24`.
    pub(crate) fn new(near: &[&str], far: &[&str]) -> Self {
        let mut command = Command::new("unshare");
        // It says that it is there, and ends with its standard input.
        command.args(["--net", "--", "sh", "-c", "echo there; exec cat"]);
        let mut keeper = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let mut there = [0; 6];
        keeper.stdout.as_mut().unwrap().read_exact(&mut there).unwrap();
        let peer = Self { keeper };
        let id = peer.keeper.id().to_string();
        run(
            "ip",
            &["link", "add", "near", "type", "veth", "peer", "name", "far", "netns", &id],
            "",
        );
        let up = |device: &str, addresses: &[&str]| {
            let add = |address: &&str| format!("address add {address} dev {device} nodad\n");
            let added: String = addresses.iter().map(add).collect();
            format!("link set lo up\nlink set {device} up\n{added}")
        };
        run("ip", &["-batch", "-"], &up("near", near));
        peer.run("ip", &["-batch", "-"], &up("far", far));
        peer
    }

    /// Runs a program there, like [`run`] does here.
    pub(crate) fn run(&self, program: &str, arguments: &[&str], input: &str) -> String {
        let id = self.keeper.id().to_string();
        let enter = ["--target", &id, "--net", "--", program];
        run("nsenter", &[&enter[..], arguments].concat(), input)
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        let _ = self.keeper.kill();
        let _ = self.keeper.wait();
    }
}
