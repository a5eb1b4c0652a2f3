//! What systemd, cron and logrotate are told.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;

use crate::run;

const SERVICES: [&str; 3] = ["f2b.service", "f2b-batch.service", "f2b-restore.service"];

fn path(name: &str) -> PathBuf {
    Path::new("packaging").join(name)
}

fn read(name: &str) -> String {
    fs::read_to_string(path(name)).unwrap()
}

/// What is said of a service's rights, without comments.
fn rights(name: &str) -> Vec<String> {
    let text = read(name);
    let (_, rights) = text.split_once("# --- What f2b may do ---\n").unwrap();
    let rights = rights.split("\n[Install]").next().unwrap().lines();
    rights.filter(|line| !line.is_empty() && !line.starts_with('#')).map(str::to_owned).collect()
}

#[test]
fn systemd_finds_nothing_wrong_with_the_units() {
    let dir = TempDir::new().unwrap();
    let mut verify = Command::new("systemd-analyze");
    verify.args(["verify", "--man=no"]);
    for unit in SERVICES.into_iter().chain(["f2b-batch.timer"]) {
        let at = dir.path().join(unit);
        fs::write(&at, read(unit).replace("/usr/bin/f2b", env!("CARGO_BIN_EXE_f2b"))).unwrap();
        verify.arg(at);
    }
    let output = verify.output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    let of_ours: Vec<_> = said.lines().filter(|line| line.contains("f2b")).collect();
    assert!(output.status.success() && of_ours.is_empty(), "{said}");
}

/// As of systemd 252; later ones count more. f2b-restore.service has the same rights, but of a service that starts so early
/// systemd-analyze leaves three of them out.
#[test]
fn services_are_exposed_less_than_3() {
    for service in &SERVICES[..2] {
        let mut analyze = Command::new("systemd-analyze");
        analyze.args(["security", "--offline=true", "--threshold=29", "--no-pager"]);
        run(analyze.arg(path(service)));
    }
}

#[test]
fn services_have_the_same_rights() {
    assert!(rights(SERVICES[0]).len() > 20);
    for service in SERVICES {
        assert_eq!(rights(SERVICES[0]), rights(service), "{service}");
    }
}

#[test]
fn cron_is_told_nothing_until_somebody_wants_it() {
    let table = read("f2b.cron");
    let orders = table.lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
    assert!(orders.clone().all(|line| line.starts_with("SHELL=") || line.starts_with("PATH=")));
    assert_eq!(table.lines().filter(|line| line.contains(" root ")).count(), 2);
}

#[test]
fn logrotate_understands_its_file() {
    let mut logrotate = Command::new("logrotate");
    let state = TempDir::new().unwrap();
    logrotate.args(["--debug", "--state"]).arg(state.path().join("state"));
    let output = logrotate.arg(path("f2b.logrotate")).output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && !said.contains("error:"), "{said}");
    assert!(said.contains("considering log /var/log/f2b.log"), "{said}");
}
