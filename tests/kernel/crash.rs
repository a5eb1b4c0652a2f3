//! f2b when it doesn't come to its end, or may not begin.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::ExitStatusExt;

use tempfile::TempDir;

use crate::harness::{Net, V4, V6};

/// Tools that f2b runs.
const TOOLS: [&str; 6] =
    ["nft", "iptables", "ip6tables", "iptables-restore", "ip6tables-restore", "ipset"];

/// Stands in the path before the tools. It runs them, and kills f2b before or after that has run so many.
const KILLER: &str = r#"#!/bin/sh
here=$(dirname "$0")
read -r count < "$here/count"
count=$((count + 1))
echo $count > "$here/count"
read -r when moment < "$here/when"
[ $count -eq $moment ] && [ $when = before ] && { kill -9 $PPID; exit 1; }
PATH=${PATH#*:} "$(basename "$0")" "$@"
status=$?
[ $count -eq $moment ] && [ $when = after ] && kill -9 $PPID
exit $status
"#;

fn killer() -> TempDir {
    let dir = tempfile::tempdir().unwrap();
    for tool in TOOLS {
        fs::write(dir.path().join(tool), KILLER).unwrap();
        fs::set_permissions(dir.path().join(tool), Permissions::from_mode(0o755)).unwrap();
    }
    dir
}

/// Runs f2b until it is killed before or after it runs its tool number `moment`; whether it was.
fn is_killed(net: &Net, tools: &TempDir, line: &str, when: &str, moment: u32) -> bool {
    fs::write(tools.path().join("count"), "0\n").unwrap();
    fs::write(tools.path().join("when"), format!("{when} {moment}\n")).unwrap();
    let path = std::env::var("PATH").unwrap();
    let mut command = net.command();
    command.env("PATH", format!("{}:{path}", tools.path().display()));
    let output = net.host().output(command.args(line.split_whitespace()));
    assert!(output.status.signal() == Some(9) || output.status.success(), "{output:?}");
    output.status.signal() == Some(9)
}

/// Kills f2b at each tool that it runs; the next command, whatever it is, carries out what was left undone.
fn next_command_makes_it_right(action: &str, later: &str) {
    let net = Net::new(&format!("[j]\naction = {action}[port=22]\n"));
    let tools = killer();
    for when in ["before", "after"] {
        let mut moment = 1;
        let line = format!("ban -j j {V4} {V6} 203.0.113.4/31");
        while is_killed(&net, &tools, &line, when, moment) {
            net.does(later);
            let hosts = [V4, V6, "203.0.113.5"];
            assert!(!hosts.iter().any(|host| net.lets_in(host, 22)), "{when} {moment}");
            net.does("restore --check");
            net.does("unban --all");
            net.does("flush");
            moment += 1;
        }
        assert!(moment > 1, "{action}: f2b runs no tool");
        net.does("unban --all");
        net.does("flush");
    }
}

#[test]
fn a_ban_that_is_killed_in_nftables_is_carried_out_by_the_next() {
    next_command_makes_it_right("nftables", "ban -j j 203.0.113.7");
}

#[test]
fn a_ban_that_is_killed_in_iptables_is_carried_out_by_the_next() {
    next_command_makes_it_right("iptables-multiport", "ban -j j 203.0.113.7");
}

#[test]
fn a_ban_that_is_killed_in_ipset_is_carried_out_by_the_next() {
    next_command_makes_it_right("iptables-ipset-proto6", "ban -j j 203.0.113.7");
}

#[test]
fn a_ban_that_is_killed_is_carried_out_by_a_restore() {
    next_command_makes_it_right("iptables-multiport", "restore");
}

#[test]
fn an_unban_that_is_killed_is_carried_out_by_the_next_command() {
    let net = Net::new("[j]\naction = iptables-multiport[port=22]\n");
    let tools = killer();
    for when in ["before", "after"] {
        let mut moment = 1;
        loop {
            net.does(&format!("ban -j j {V4} {V6}"));
            if !is_killed(&net, &tools, &format!("unban {V4}"), when, moment) {
                break;
            }
            net.does("ban -j j 203.0.113.7");
            assert!(net.lets_in(V4, 22) && !net.lets_in(V6, 22), "{when} {moment}");
            net.does("restore --check");
            moment += 1;
        }
        assert!(moment > 1, "f2b runs no tool");
    }
}

#[test]
fn many_bans_that_are_killed_are_carried_out_by_the_next_command() {
    let net = Net::new("[j]\naction = iptables-ipset-proto6[port=22]\n");
    let tools = killer();
    let many = |block: u8| {
        let host = |n: u16| format!("10.{block}.{}.{}", n / 250, n % 250);
        (0..1500).map(host).collect::<Vec<_>>().join(" ")
    };
    for (block, (when, moment)) in (1..).zip([("before", 1), ("before", 3), ("after", 3)]) {
        let line = format!("ban -j j {V4} {}", many(block));
        assert!(is_killed(&net, &tools, &line, when, moment));
        net.does("ban -j j 203.0.113.7");
        let held = net.host().shell("ipset save f2b-j | grep -c ^add");
        assert_eq!(held.trim(), (1500 * u32::from(block) + 2).to_string());
    }
}

#[test]
fn who_may_not_change_the_firewall_is_told_so_once_and_the_ban_is_kept_for_the_next_who_may() {
    for action in ["nftables", "iptables-multiport", "iptables-ipset-proto6"] {
        let net = Net::new(&format!("[j]\naction = {action}[port=22]\n"));
        let said = net.f2b_without_rights(&format!("ban -j j {V4} {V6}")).exits(2).err;
        assert_eq!(
            said,
            "f2b: changing the firewall needs root (CAP_NET_ADMIN); run 'f2b restore' as root to make it equal to the store\n",
            "{action}"
        );
        assert!(net.lets_in(V4, 22) && net.does("bans").out.contains(V4), "{action}");
        net.does("restore");
        assert!(!net.lets_in(V4, 22) && !net.lets_in(V6, 22), "{action}");
    }
}

#[test]
fn what_a_dry_run_prints_does_the_same_in_a_shell() {
    let jails = "[n]\naction = nftables[port=22]\n[i]\naction = iptables-multiport[port=25]\n\
                 [s]\naction = iptables-ipset-proto6[port=80]\n";
    let mut net = Net::new(jails);
    net.prime();
    for jail in ["n", "i", "s"] {
        net.does(&format!("ban -j {jail} {V4} {V6} 203.0.113.4/31 2001:db8:113::4/127"));
        net.does(&format!("ban -t -1 -j {jail} 203.0.113.3"));
    }
    net.does("flush");
    net.does("restore");
    let wanted = net.rules();
    net.reboot();
    net.prime();
    let script = net.does("restore --dry-run").out;
    net.host().shell(&script);
    assert_eq!(sorted(&net.rules()), sorted(&wanted), "{script}");
    net.does("restore --check");
}

/// Elements of sets stand in no order.
fn sorted(rules: &str) -> Vec<&str> {
    let mut lines: Vec<_> =
        rules.lines().flat_map(|line| line.split([',', '{', '}'])).map(str::trim).collect();
    lines.sort_unstable();
    lines
}
