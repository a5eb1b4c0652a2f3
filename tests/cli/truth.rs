//! Counts against the generator's truth: every filter, every profile, two seeds, any number of
//! threads, plain and compressed, in one piece and rotated.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::Command;

use serde_json::Value;

use crate::harness::{World, generate};

/// What the truth says of a filter: matched lines, and failures of each host.
fn expected(truth: &Value, filter: &str) -> (u64, BTreeMap<String, u64>) {
    let filter = &truth["filters"][filter];
    let hosts = filter["hosts"].as_object().unwrap();
    let hosts = hosts.iter().map(|(host, n)| (canonical(host), n.as_u64().unwrap()));
    (filter["matched_lines"].as_u64().unwrap(), hosts.collect())
}

fn canonical(host: &str) -> String {
    host.parse::<std::net::IpAddr>().unwrap().to_string()
}

fn scanned(
    world: &World,
    config: &str,
    logs: &[&str],
    filter: &str,
    threads: &str,
) -> (Value, BTreeMap<String, u64>) {
    let mut args =
        vec!["scan", "-c", config, "--dry-run", "--format", "json", "--threads", threads];
    args.extend(["--now", "2026-11-23T00:00:00Z"]);
    args.extend(logs);
    args.push(filter);
    let document = world.run(&args).exits(0).json();
    let hosts = document["hosts"].as_array().unwrap().iter();
    let hosts = hosts
        .map(|host| (host["host"].as_str().unwrap().to_owned(), host["failures"].as_u64().unwrap()))
        .collect();
    (document, hosts)
}

#[track_caller]
fn agrees(world: &World, config: &str, logs: &[&str], filter: &str, threads: &str, truth: &Value) {
    let (lines, hosts) = expected(truth, filter);
    let (document, found) = scanned(world, config, logs, filter, threads);
    assert_eq!(document["lines"]["matched"], lines, "{filter} {logs:?}");
    assert_eq!(found, hosts, "{filter} {logs:?}");
    let tested = truth["total_lines"].as_u64().unwrap() - truth["blank_lines"].as_u64().unwrap();
    assert_eq!(document["lines"]["total"], tested, "{filter} {logs:?}");
}

fn check(profile: &str, config: &str, filters: &[&str]) {
    for (seed, ratio) in [("1", "0.02"), ("2", "0.4")] {
        let world = World::new();
        let args = ["--profile", profile, "--seed", seed, "--attack-ratio", ratio, "--size", "6M"];
        let (log, truth) = generate(&world, "log", &args);
        let config = if config.is_empty() {
            world.path("").display().to_string()
        } else {
            config.to_owned()
        };
        rotate(&world, &log);
        for filter in filters {
            for threads in ["1", "3"] {
                agrees(&world, &config, &["log"], filter, threads, &truth);
            }
            for packed in ["log.gz", "log.bz2", "log.xz", "log.zst"] {
                agrees(&world, &config, &[packed], filter, "2", &truth);
            }
            // Named in the wrong order, in four pieces, two of them compressed.
            let pieces = ["pieces/log", "pieces/log.3.gz", "pieces/log.1", "pieces/log.2.gz"];
            agrees(&world, &config, &pieces, filter, "2", &truth);
        }
    }
}

/// The log compressed in all ways, and cut into four rotated pieces at line ends.
fn rotate(world: &World, log: &Path) {
    for tool in ["gzip", "bzip2", "xz", "zstd"] {
        let level = if tool == "xz" { "-1k" } else { "-k" };
        let status = Command::new(tool).args([level, "-q"]).arg(log).status().unwrap();
        assert!(status.success(), "{tool}");
    }
    let bytes = fs::read(log).unwrap();
    let mut cuts = vec![0];
    for quarter in 1..4 {
        let at = bytes.len() * quarter / 4;
        cuts.push(at + bytes[at..].iter().position(|b| *b == b'\n').unwrap() + 1);
    }
    cuts.push(bytes.len());
    for (nth, name) in ["log.3", "log.2", "log.1", "log"].into_iter().enumerate() {
        world.write(&format!("pieces/{name}"), &bytes[cuts[nth]..cuts[nth + 1]]);
    }
    for name in ["log.3", "log.2"] {
        let status = Command::new("gzip").arg(world.path("pieces").join(name)).status().unwrap();
        assert!(status.success());
    }
}

#[test]
fn the_mail_filters_count_what_is_true() {
    check("maillog", "", &["password-fail", "username-notfound", "vpopmail"]);
}

#[test]
fn the_multilog_filter_counts_what_is_true() {
    check("smtp-tai64n", "", &["dos-hosts"]);
}

#[test]
fn the_web_filter_counts_what_is_true() {
    check("nginx", "", &["http-401"]);
}

#[test]
fn the_stock_web_filters_count_what_is_true() {
    check("nginx", "/etc/fail2ban", &["nginx-botsearch", "nginx-bad-request"]);
}

#[test]
fn the_stock_sshd_filter_counts_what_is_true() {
    check("auth", "/etc/fail2ban", &["sshd"]);
}
