//! A test that is run once more, by way of a program that changes what it finds.

use std::fs;
use std::process::Command;

/// Runs the test's program once more, for the test in which `body` stands alone, by way of a program such as `unshare`;
/// there, `mark` is set, to the network namespace that this is, and `body` is run. What the inner one prints is shown
/// when it fails.
pub(crate) fn rerun<F: FnOnce()>(mark: &str, by: &[&str], body: F) {
    if std::env::var_os(mark).is_some() {
        return body();
    }
    let name = test_name::<F>();
    let mut command = Command::new(by[0]);
    command.args(&by[1..]).arg(std::env::current_exe().unwrap());
    command.args(["--exact", &name, "--nocapture"]);
    command.env(mark, fs::read_link("/proc/self/ns/net").unwrap());
    let output = command.output().expect("the program that changes what it finds is installed");
    let shown = [output.stdout, output.stderr].concat();
    let shown = String::from_utf8_lossy(&shown);
    assert!(output.status.success(), "{name} by {by:?} (needs root):\n{shown}");
    assert!(shown.contains("test result: ok. 1 passed"), "{name} was not run:\n{shown}");
}

/// The name of the test whose closure `F` is: `kernel::elements::a_name::{{closure}}` is in `elements::a_name`.
fn test_name<F>() -> String {
    let path = std::any::type_name::<F>();
    let inner = path.split_once("::").map_or(path, |(_, inner)| inner);
    inner.split("::{{closure}}").next().unwrap_or(inner).to_owned()
}
