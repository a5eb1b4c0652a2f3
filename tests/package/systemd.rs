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
