//! The units, run by systemd itself: what their rights are enough for, and when they don't start.

use crate::deb::{JAIL, install, packages};
use crate::machine::Machine;

/// A machine with systemd on which the package is installed beside fail2ban, and so not started.
fn machine() -> Machine {
    let machine = Machine::booted(packages());
    machine.shell(&format!("printf '{JAIL}' >/etc/fail2ban/jail.local"));
    let said = install(&machine, 0);
    assert!(said.contains("installed, but not started"), "{said}");
    machine
}

/// Has systemd run a line of shell as f2b-batch.service: with the rights of both services.
#[track_caller]
fn as_service(machine: &Machine, line: &str) -> String {
    let folder = "/run/systemd/system/f2b-batch.service.d";
    machine.shell(&format!(
        "mkdir -p {folder}; cat >{folder}/line.conf <<'END'
[Service]
ExecStart=
ExecStart=/bin/sh -ec \"{line}\"
END
         systemctl daemon-reload
         systemctl start f2b-batch.service || {{ journalctl --unit=f2b-batch --output=cat; exit 1; }} >&2
         journalctl --sync; journalctl --unit=f2b-batch --output=cat"
    ))
}

#[test]
fn rights_are_enough_for_each_packet_filter() {
    let machine = machine();
    for (number, action) in ["nftables-multiport", "iptables-multiport", "iptables-ipset-proto4"]
        .into_iter()
        .enumerate()
    {
        machine.shell(&format!(
            "printf '[DEFAULT]\\nbanaction = {action}\\n[sshd]\\nenabled = true\\nlogpath = /dev/null\\n' \
             >/etc/fail2ban/jail.local"
        ));
        for (how, at) in [("", 20), ("--shell-actions", 30)] {
            let host = format!("198.51.100.{}", at + number);
            let said = as_service(&machine, &format!("f2b ban {host} --jail sshd --time -1 {how}"));
            let rules = machine.shell("nft list ruleset; iptables-save; ipset save");
            assert!(rules.contains(&host), "{action} {how}: {said}\n{rules}");
            as_service(&machine, &format!("f2b flush {how}"));
            let rules = machine.shell("nft list ruleset; iptables-save; ipset save");
            assert!(!rules.contains(&host), "{action} {how}:\n{rules}");
        }
    }
}

#[test]
fn rights_are_enough_for_the_logs_and_lists_of_others() {
    let machine = machine();
    machine.shell(
        "mkdir -p /home/vpopmail/etc /home/games; install -m 600 /dev/null /home/games/log
         chown -R games: /home/games; chmod 700 /home/games
         echo '2026-11-27T03:00:00 no 198.51.100.7' >>/home/games/log
         f2b ban 198.51.100.22 --jail sshd
         f2b export ip.deny --output /home/vpopmail/etc/ip.deny
         chown -R games: /home/vpopmail; chmod 640 /home/vpopmail/etc/ip.deny",
    );
    let said = as_service(&machine, "f2b scan --dry-run --quiet /home/games/log '^.no <HOST>'");
    assert!(said.contains("198.51.100.7"), "{said}");
    as_service(&machine, "f2b ban 198.51.100.23 --jail sshd");
    let list =
        machine.shell("stat -c '%U %a' /home/vpopmail/etc/ip.deny; cat /home/vpopmail/etc/ip.deny");
    assert_eq!(list, "games 640\n198.51.100.22\n198.51.100.23\n");
}

#[test]
fn rights_are_enough_to_be_somebody_else() {
    let machine = machine();
    // As sendmail does it, and as su does.
    let said = as_service(&machine, "setpriv --reuid games --regid games --clear-groups id -un");
    assert!(said.contains("\ngames\n"), "{said}");
    let setpriority = "printf '[Service]\\nSystemCallFilter=setpriority\\n'";
    let folder = "/etc/systemd/system/f2b-batch.service.d";
    machine.shell(&format!("mkdir -p {folder}; {setpriority} >{folder}/su.conf"));
    let said = as_service(&machine, "runuser -u nobody -- id -un");
    assert!(said.contains("\nnobody\n"), "{said}");
}

#[test]
fn rights_do_not_reach_the_rest_of_the_system() {
    let machine = machine();
    for wrong in [
        "touch /etc/f2b",
        "touch /root/f2b",
        "touch /usr/bin/f2b",
        "touch /run/wrong",
        "mount -t tmpfs tmpfs /mnt",
        "nsenter --target 1 --mount true",
        "mknod /var/lib/f2b/disk b 8 0",
    ] {
        let line = format!("if {wrong}; then echo done; else echo refused; fi");
        let said = as_service(&machine, &line);
        assert!(said.contains("\nrefused\n") && !said.contains("\ndone\n"), "{wrong}: {said}");
        machine.shell("journalctl --rotate --vacuum-time=1us 2>/dev/null");
        // Others can.
        assert_eq!(machine.shell(&line), "done\n", "{wrong}");
    }
}

#[test]
fn neither_service_starts_beside_fail2ban() {
    let machine = machine();
    machine.shell("systemctl start fail2ban");
    for service in ["f2b.service", "f2b-batch.service"] {
        machine
            .shell(&format!("systemctl start {service}; ! systemctl --quiet is-active {service}"));
        let said =
            machine.shell(&format!("journalctl --sync; journalctl --unit={service} --output=cat"));
        assert!(said.contains("Skipped due to 'exec-condition'"), "{said}");
    }
}

#[test]
fn started_beside_fail2ban_it_says_that_it_is_not() {
    let machine = machine();
    machine.shell("systemctl start fail2ban; systemctl --quiet enable f2b");
    let said = machine.shell("f2b start 2>&1 || echo exit status $?");
    assert_eq!(
        said,
        "f2b: fail2ban.service is active, and f2b.service is not started beside it; f2b migrate changes over\n\
         exit status 2\n"
    );
}

/// systemd removes the folder of a service that has not started, too.
#[test]
fn a_daemon_that_was_started_by_hand_is_reached_also_after_its_unit_was_not_started() {
    let machine = machine();
    machine.shell("f2b start; systemctl start fail2ban; systemctl start f2b; f2b ping; f2b stop");
}

/// Sends from a guest whom `198.51.100.7` is, until `/root/end` is there, and writes down who comes in at port 22.
const TRAFFIC: &str = r#"
ip netns add guest
ip link add eth0 type veth peer name eth0 netns guest
ip address add 198.51.100.1/24 dev eth0
ip link set eth0 up
ip netns exec guest ip link set eth0 up
for host in 7 8; do ip netns exec guest ip address add 198.51.100.$host/24 dev eth0; done
cat >/root/door.py <<'END'
import socket
door = socket.create_server(("198.51.100.1", 22))
with open("/root/in", "w", buffering=1) as seen:
    while True:
        visitor, (host, port) = door.accept()
        print(host, file=seen)
        visitor.close()
END
cat >/root/knock.py <<'END'
import os, socket
while not os.path.exists("/root/end"):
    for host in "198.51.100.7", "198.51.100.8":
        try:
            socket.create_connection(("198.51.100.1", 22), 0.05, (host, 0)).close()
        except OSError:
            pass
END
(python3 /root/door.py >/dev/null 2>&1 &)
(ip netns exec guest python3 /root/knock.py >/dev/null 2>&1 &)
tries=0
until grep --quiet 198.51.100.8 /root/in; do
    tries=$((tries + 1))
    [ $tries -lt 200 ]
    sleep 0.1
done
"#;

#[test]
fn changed_over_from_the_service_of_fail2ban_and_back_nobody_gets_in() {
    let machine = machine();
    machine.shell("systemctl --quiet enable fail2ban; systemctl start fail2ban");
    machine.shell(
        "until fail2ban-client ping >/dev/null 2>&1; do sleep 0.1; done
         fail2ban-client set sshd banip 198.51.100.7
         until nft list ruleset | grep --quiet 198.51.100.7; do sleep 0.1; done",
    );
    machine.shell(TRAFFIC);
    let runs = "echo $(systemctl is-enabled fail2ban f2b; systemctl is-active fail2ban f2b)";

    let said = machine.shell("f2b migrate --apply 2>&1");
    assert!(said.contains("systemd has started the daemon\n"), "{said}");
    assert_eq!(machine.shell(&format!("{runs} || true")), "disabled enabled inactive active\n");
    // fail2ban has taken its folder away.
    assert!(machine.shell("fail2ban-client ping").contains("pong"));
    // It read the logs before fail2ban ended.
    let said = machine.shell("journalctl --sync; journalctl --output=cat -u fail2ban -u f2b");
    let (started, stopped) = (said.find("Started f2b"), said.find("Stopping fail2ban"));
    assert!(started.is_some() && started < stopped, "{said}");

    let said = machine.shell("f2b migrate --revert 2>&1");
    assert!(said.contains("fail2ban runs with 1 ban\n"), "{said}");
    assert_eq!(machine.shell(&format!("{runs} || true")), "enabled disabled active inactive\n");
    let rules = machine.shell("touch /root/end; nft list ruleset");
    assert!(rules.contains("198.51.100.7") && !rules.contains("f2b-migrate"), "{rules}");
    assert_eq!(machine.shell("sort -u /root/in"), "198.51.100.8\n");
}

/// A machine on which the package is installed, has been started and keeps a host out.
fn running() -> Machine {
    let machine = Machine::booted(packages());
    machine.shell(
        "systemctl --quiet disable fail2ban
         printf '[Definition]\\nlogtarget = /var/log/f2b.log\\n' >/etc/fail2ban/fail2ban.local
         printf '[Definition]\\nfailregex = no <HOST>$\\n' >/etc/fail2ban/filter.d/door.conf
         printf '[DEFAULT]\\nbanaction = nftables-multiport\\nbantime = -1\\n' >/etc/fail2ban/jail.local
         printf '[sshd]\\nenabled = false\\n' >>/etc/fail2ban/jail.local
         printf '[door]\\nenabled = true\\nport = 22\\nmaxretry = 2\\nlogpath = /var/log/door.log\\n' \\
             >>/etc/fail2ban/jail.local
         echo \"$(date --iso-8601=s) open\" >/var/log/door.log",
    );
    install(&machine, 0);
    assert_eq!(machine.shell("systemctl is-active f2b"), "active\n");
    is_banned(&machine, "198.51.100.7");
    machine
}

/// A host that fails is kept out soon, and told of: which of both is first nobody says.
#[track_caller]
fn is_banned(machine: &Machine, host: &str) {
    machine.shell(&format!(
        "for i in 1 2; do echo \"$(date --iso-8601=s) no {host}\" >>/var/log/door.log; done
         tries=0
         until nft list ruleset | grep --quiet --fixed-strings {host} &&
                 grep --quiet --fixed-strings 'Ban {host}' /var/log/f2b.log; do
             tries=$((tries + 1))
             if [ $tries = 200 ]; then cat /var/log/f2b.log >&2; exit 1; fi
             sleep 0.1
         done"
    ));
}

#[test]
fn an_update_of_the_running_service_lets_nobody_in() {
    let machine = running();
    machine.shell("(nft monitor >/root/seen 2>&1 &) && systemctl show -P MainPID f2b >/root/pid");
    let rules = machine.shell("nft --handle --stateless list ruleset");
    install(&machine, 1);
    machine.shell("test $(systemctl show -P MainPID f2b) != $(cat /root/pid)");
    is_banned(&machine, "198.51.100.8");
    let seen = machine.shell("cat /root/seen");
    assert!(seen.contains("add element") && !seen.contains("delete"), "{seen}");
    assert!(rules.contains("198.51.100.7"), "{rules}");
}

#[test]
fn started_with_the_machine_it_keeps_hosts_out_before_there_is_a_network() {
    let machine = running();
    machine.shell("systemctl stop f2b f2b-restore; nft flush ruleset; systemctl start f2b-restore");
    assert!(machine.shell("nft list ruleset").contains("198.51.100.7"));
    let property =
        |unit: &str, name: &str| machine.shell(&format!("systemctl show -P {name} {unit}"));
    let before = property("f2b-restore", "Before");
    assert!(before.contains("network-pre.target") && before.contains("f2b.service"), "{before}");
    // Where cloud-init is, what comes after sysinit.target comes after the network.
    assert!(!property("f2b-restore", "After").contains("sysinit.target"));
    for unit in ["f2b.service", "f2b-batch.timer"] {
        assert!(property(unit, "Wants").contains("f2b-restore.service"), "{unit}");
    }
}

#[test]
fn removed_the_service_has_ended_and_installed_again_it_runs() {
    let machine = running();
    machine.shell("dpkg --remove f2b; ! systemctl --quiet is-active f2b");
    assert!(!machine.shell("nft list ruleset").contains("198.51.100.7"));
    install(&machine, 1);
    is_banned(&machine, "198.51.100.8");
    assert!(machine.shell("nft list ruleset").contains("198.51.100.7"));
}

#[test]
fn removed_a_daemon_that_was_started_by_hand_has_ended_too() {
    let machine = machine();
    machine.shell("f2b start; f2b ban 198.51.100.7 --jail sshd; dpkg --remove f2b");
    assert_eq!(machine.shell("pgrep --exact f2b || true"), "");
    assert!(!machine.shell("nft list ruleset").contains("198.51.100.7"));
    assert_eq!(machine.shell("ls -d /run/f2b 2>/dev/null || true"), "");
}

#[test]
fn a_reload_is_done_when_systemctl_is_and_fails_if_it_is_not_taken() {
    let machine = running();
    machine.shell("sed -i 's/no <HOST>/never <HOST>/' /etc/fail2ban/filter.d/door.conf");
    let started =
        machine.shell("systemctl reload f2b; grep -c \"Jail 'door' started\" /var/log/f2b.log");
    assert_eq!(started, "2\n");
    machine.shell("echo 'failregex = ^(' >>/etc/fail2ban/filter.d/door.conf");
    machine.shell("! systemctl reload f2b 2>/dev/null; systemctl is-active f2b");
    let said = machine.shell("journalctl --sync; journalctl --unit=f2b --output=cat");
    assert!(said.contains("the configuration is not taken, all goes on as it was"), "{said}");
}

#[test]
fn its_log_is_rotated() {
    let machine = running();
    machine.shell("logrotate --force /etc/logrotate.d/f2b");
    is_banned(&machine, "198.51.100.8");
    let logs =
        machine.shell("grep --with-filename -o 'Ban .*' /var/log/f2b.log.1 /var/log/f2b.log");
    assert_eq!(logs, "/var/log/f2b.log.1:Ban 198.51.100.7\n/var/log/f2b.log:Ban 198.51.100.8\n");
}

#[test]
fn it_reads_the_journal() {
    let machine = running();
    machine.shell(
        "printf '[bell]\\nenabled = true\\nfilter = door\\nport = 80\\nmaxretry = 2\\n' >>/etc/fail2ban/jail.local
         printf 'backend = systemd\\njournalmatch = SYSLOG_IDENTIFIER=bell\\n' >>/etc/fail2ban/jail.local
         systemctl restart f2b
         for i in 1 2; do logger --tag bell no 198.51.100.9; done
         tries=0
         until nft list ruleset | grep --quiet --fixed-strings 198.51.100.9; do
             tries=$((tries + 1))
             if [ $tries = 200 ]; then cat /var/log/f2b.log >&2; exit 1; fi
             sleep 0.1
         done",
    );
}
