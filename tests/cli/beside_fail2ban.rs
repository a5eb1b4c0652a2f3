//! Debian's fail2ban-regex and f2b on the same files: the same totals.

use std::path::Path;
use std::process::Command;

use crate::harness::{World, generate};

/// The totals that both tools print in the same words.
fn totals(report: &str) -> Vec<String> {
    let is_total = |line: &&str| {
        line.starts_with("Lines: ")
            || line.starts_with("Failregex: ")
            || line.starts_with("Ignoreregex: ")
            || line.starts_with("Prefregex: ")
            || (line.starts_with("|  ")
                && line[3..].trim_start().starts_with(|c: char| c.is_ascii_digit())
                && line.contains(") ["))
            || line.starts_with("|  [")
    };
    report.lines().filter(is_total).map(|line| line.trim_end().to_owned()).collect()
}

fn compare(profile: &str, filter: &str, is_stock: bool) {
    for ratio in ["0.02", "0.4"] {
        let world = World::new();
        let (log, _) = generate(
            &world,
            "log",
            &["--profile", profile, "--attack-ratio", ratio, "--size", "1500K"],
        );
        let config = if is_stock { Path::new("/etc/fail2ban").to_owned() } else { world.path("") };
        let filter_argument = if is_stock {
            filter.to_owned()
        } else {
            world.path("filter.d").join(filter).display().to_string() + ".conf"
        };
        let theirs = Command::new("fail2ban-regex")
            .arg("-c")
            .arg(&config)
            .arg(&log)
            .arg(&filter_argument)
            .output()
            .unwrap();
        let theirs = String::from_utf8_lossy(&theirs.stdout).into_owned();
        let mut command = world.command();
        command.arg("-c").arg(&config).args(["scan", "--dry-run"]).arg(&log).arg(&filter_argument);
        let ours = crate::harness::ran(&mut command).exits(0);
        assert!(totals(&theirs).len() >= 4, "{theirs}");
        assert_eq!(totals(&ours.out), totals(&theirs), "{profile} {filter} {ratio}\n{}", ours.out);
    }
}

#[test]
fn the_mail_filters_agree() {
    for filter in ["password-fail", "username-notfound", "vpopmail"] {
        compare("maillog", filter, false);
    }
}

#[test]
fn the_multilog_filter_agrees() {
    compare("smtp-tai64n", "dos-hosts", false);
}

#[test]
fn the_web_filters_agree() {
    compare("nginx", "http-401", false);
    compare("nginx", "nginx-botsearch", true);
    compare("nginx", "nginx-bad-request", true);
}

#[test]
fn the_sshd_filter_agrees() {
    compare("auth", "sshd", true);
}
