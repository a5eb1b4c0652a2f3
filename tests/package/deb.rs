//! The Debian package: installed, updated, removed, purged by dpkg, beside a fail2ban and without one.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use tempfile::TempDir;

use crate::machine::Machine;
use crate::{manual, run};

/// The jail's bans are one set of nftables.
pub(crate) const JAIL: &str =
    "[DEFAULT]\nbanaction = nftables-multiport\n[sshd]\nenabled = true\nlogpath = /dev/null\n";

const VERSIONS: [&str; 2] = ["0.1.0~first", "0.1.0~second"];

/// The folder of both versions, made of the program that tests have.
pub(crate) fn packages() -> &'static Path {
    static FOLDER: OnceLock<PathBuf> = OnceLock::new();
    FOLDER.get_or_init(|| {
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("package");
        let generated = manual::generated();
        for version in VERSIONS {
            let mut build = Command::new("packaging/build-deb");
            build.args([version, env!("CARGO_BIN_EXE_f2b")]).args([generated.path(), &folder]);
            run(build.env("F2B_DEB_OPTIONS", "-Zgzip -z1"));
        }
        run(Command::new("packaging/build-deb-fail2ban").arg(VERSIONS[0]).arg(&folder));
        folder
    })
}

/// A machine with a configuration and a disabled fail2ban.
fn machine() -> Machine {
    let machine = Machine::new(packages());
    machine.shell("systemctl --quiet disable fail2ban");
    machine.shell(&format!("printf '{JAIL}' >/etc/fail2ban/jail.local"));
    machine
}

/// The machine with the first version, which keeps a host out.
fn with_a_ban() -> Machine {
    let machine = machine();
    install(&machine, 0);
    machine.shell("f2b ban 198.51.100.23 --jail sshd --time -1");
    assert!(machine.shell("nft list ruleset").contains("198.51.100.23"));
    machine
}

/// Has dpkg install a version; what it said.
#[track_caller]
pub(crate) fn install(machine: &Machine, version: usize) -> String {
    machine.shell(&format!("dpkg --install /mnt/f2b_{}_*.deb 2>&1", VERSIONS[version]))
}

#[track_caller]
fn is_enabled(machine: &Machine, unit: &str) -> bool {
    machine.shell(&format!("systemctl is-enabled {unit} || true")).trim_end() == "enabled"
}

#[test]
fn installed_it_is_in_place_and_enabled() {
    let machine = machine();
    install(&machine, 0);
    assert!(machine.shell("f2b --version").starts_with("f2b "));
    assert!(is_enabled(&machine, "f2b.service") && !is_enabled(&machine, "f2b-batch.timer"));
    assert_eq!(machine.shell("dpkg --verify f2b"), "");
    for (file, mode) in [
        ("/usr/share/man/man1/f2b-scan.1.gz", "644"),
        ("/usr/share/bash-completion/completions/f2b", "644"),
        ("/etc/cron.d/f2b", "644"),
        ("/etc/logrotate.d/f2b", "644"),
    ] {
        assert_eq!(machine.shell(&format!("stat -c '%U %a' {file}")), format!("root {mode}\n"));
    }
    let conffiles =
        machine.shell("dpkg-query --show --showformat='${Conffiles}' f2b | grep -c /etc/");
    assert_eq!(conffiles.trim_end(), "3");
}

#[test]
fn beside_fail2ban_it_waits_for_a_word_and_says_so() {
    let machine = Machine::new(packages());
    assert!(is_enabled(&machine, "fail2ban.service"));
    let said = install(&machine, 0);
    assert!(
        said.contains("f2b is installed, but not started: fail2ban does the work here"),
        "{said}"
    );
    assert!(!is_enabled(&machine, "f2b.service"));
    // Nor does an update decide, even if fail2ban is gone by then.
    machine.shell("systemctl --quiet disable fail2ban");
    install(&machine, 1);
    assert!(!is_enabled(&machine, "f2b.service"));
}

#[test]
fn without_a_configuration_it_waits_for_one_and_says_so() {
    let machine = machine();
    machine.shell("rm -r /etc/fail2ban");
    let said = install(&machine, 0);
    assert!(said.contains("there is no configuration in /etc/fail2ban"), "{said}");
    assert!(!is_enabled(&machine, "f2b.service"));
}

#[test]
fn an_update_touches_neither_bans_nor_settings() {
    let machine = with_a_ban();
    machine.shell("echo F2B_SHELL_ACTIONS=0 >>/etc/default/f2b; systemctl --quiet disable f2b");
    // With numbers, which are others for what is taken out and put back.
    let (rules, store) = ("nft --handle list ruleset", "sha256sum /var/lib/f2b/f2b.sqlite3");
    let before = (machine.shell(rules), machine.shell(store));
    install(&machine, 1);
    assert_eq!((machine.shell(rules), machine.shell(store)), before);
    assert!(machine.shell("dpkg-query --show f2b").contains("0.1.0~second"));
    assert!(machine.shell("cat /etc/default/f2b").ends_with("F2B_SHELL_ACTIONS=0\n"));
    assert!(!is_enabled(&machine, "f2b.service"));
}

#[test]
fn removed_it_lets_everybody_in_and_remembers_all() {
    let machine = with_a_ban();
    machine.shell("dpkg --remove f2b");
    assert!(!machine.shell("nft list ruleset").contains("198.51.100.23"));
    machine.shell(
        "test -e /var/lib/f2b/f2b.sqlite3; test -e /etc/default/f2b; test ! -e /usr/bin/f2b",
    );
    install(&machine, 1);
    machine.shell("f2b restore");
    assert!(machine.shell("nft list ruleset").contains("198.51.100.23"));
}

#[test]
fn removed_it_lets_everybody_in_though_the_configuration_is_gone() {
    let machine = with_a_ban();
    machine.shell("rm -r /etc/fail2ban; dpkg --remove f2b");
    assert!(!machine.shell("nft list ruleset").contains("198.51.100.23"));
}

#[test]
fn removed_it_uses_the_store_of_the_service() {
    let machine = machine();
    install(&machine, 0);
    machine.shell("echo F2B_DB=/srv/store >>/etc/default/f2b");
    machine.shell("f2b --db /srv/store ban 198.51.100.23 --jail sshd --time -1");
    machine.shell("dpkg --remove f2b");
    assert!(!machine.shell("nft list ruleset").contains("198.51.100.23"));
}

#[test]
fn a_firewall_that_can_not_be_asked_does_not_keep_it_from_being_removed() {
    let machine = with_a_ban();
    let said = machine.shell("rm $(which nft); dpkg --remove f2b 2>&1");
    assert!(said.contains("what it put into the firewall may still be there"), "{said}");
    machine.shell("test -e /var/lib/f2b/f2b.sqlite3");
}

#[test]
fn purged_it_leaves_nothing() {
    let machine = with_a_ban();
    machine.shell("touch /var/log/f2b.log; dpkg --purge f2b");
    assert!(!machine.shell("nft list ruleset").contains("198.51.100.23"));
    // This repository may be in one of these.
    let own = env!("CARGO_MANIFEST_DIR");
    let left = machine.shell(&format!(
        "find /etc /usr/bin /usr/lib/systemd /usr/share/doc /var -xdev -path '{own}' -prune -o -name '*f2b*' -print"
    ));
    assert_eq!(left, "");
}

#[test]
fn with_fail2bans_names_it_takes_its_place_and_keeps_its_configuration() {
    let machine = machine();
    install(&machine, 0);
    // There is no init, and fail2ban's script doesn't take it well that its service can't be stopped.
    machine.shell(
        "printf '#!/bin/sh\\nexit 101\\n' >/usr/sbin/policy-rc.d; chmod +x /usr/sbin/policy-rc.d",
    );
    let said = machine.shell("dpkg --install /mnt/f2b-fail2ban_*.deb 2>&1");
    assert!(said.contains("Removing fail2ban"), "{said}");
    assert_eq!(
        machine.shell("cd /usr/bin; readlink fail2ban-client fail2ban-server fail2ban-regex"),
        "f2b\nf2b\nf2b\n"
    );
    assert!(machine.shell("fail2ban-client --help").contains("in the place of Fail2Ban"));
    assert!(machine.shell("fail2ban-client -d").contains("['add', 'sshd', '"));
    machine.shell(
        "dpkg --remove f2b-fail2ban; test ! -e /usr/bin/fail2ban-client; test -e /usr/bin/f2b",
    );
}

#[test]
fn scripts_are_as_shells_should_have_them() {
    let mut shellcheck = Command::new("shellcheck");
    shellcheck.args(["--external-sources", "packaging/build-deb", "packaging/build-deb-fail2ban"]);
    shellcheck.args(["packaging/require-packages", "tests/package/debian"]);
    let scripts = fs::read_dir("packaging/deb").unwrap().map(|entry| entry.unwrap().path());
    let scripts = scripts.filter(|path| path.file_stem().is_some_and(|name| name != "copyright"));
    run(shellcheck.args(scripts).arg("packaging/completions/f2b.bash"));
}

#[test]
fn the_same_source_makes_the_same_package() {
    let folder = TempDir::new().unwrap();
    let generated = manual::generated();
    let mut made = Vec::new();
    for _ in 0..2 {
        let mut build = Command::new("packaging/build-deb");
        build.args(["1", "/bin/true"]).args([generated.path(), folder.path()]);
        let build = build.env("SOURCE_DATE_EPOCH", "1").env("F2B_DEB_OPTIONS", "-Zgzip -z1");
        made.push(fs::read(run(build).trim_end()).unwrap());
    }
    assert!(made[0] == made[1]);
}
