//! Everything that people read, as golden files: a transcript of shell lines and what they print.
//!
//! A change of a text shows up as a failing test and as a diff of `tests/golden/*.snap`. One that is meant is
//! accepted with `INSTA_UPDATE=always cargo test --test golden`; the diff is then read before it is committed.

#![expect(clippy::unwrap_used, reason = "a test may stop where it stands")]

#[path = "cli/harness.rs"]
#[expect(dead_code, reason = "other tests use the rest of it")]
mod harness;

use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::process::Stdio;
use std::sync::LazyLock;

use harness::{World, ran};
use regex::Regex;

/// The present of every transcript: all of the stage's logs lie before it.
const NOW: &str = "2026-11-20T12:00:00Z";

/// The configuration and the logs of `tests/golden/stage`, in a folder of their own.
fn stage() -> World {
    let world = World::empty();
    let from = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/stage");
    for folder in ["", "filter.d", "action.d"] {
        for entry in fs::read_dir(from.join(folder)).unwrap() {
            let entry = entry.unwrap();
            if entry.file_type().unwrap().is_file() {
                let name = Path::new(folder).join(entry.file_name());
                world.write(name.to_str().unwrap(), fs::read(entry.path()).unwrap());
            }
        }
    }
    world
}

/// Runs shell lines one after the other and compares what they print with the golden file `name`.
///
/// A line that runs `f2b` ends in the `--now` of all transcripts, unless it names another.
#[track_caller]
fn transcript(world: &World, name: &str, lines: &[&str]) {
    let mut text = String::new();
    for line in lines {
        let is_timeless = !line.contains("f2b ") || line.contains("--now");
        let typed = if is_timeless { (*line).to_owned() } else { format!("{line} --now {NOW}") };
        let found = ran(&mut world.shell(&typed));
        writeln!(text, "$ {line}\n{}", found.out).unwrap();
        if !found.err.is_empty() {
            writeln!(text, "--- standard error\n{}", found.err).unwrap();
        }
        if found.status != 0 {
            writeln!(text, "--- exit status {}\n", found.status).unwrap();
        }
    }
    compare(world, name, &text);
}

#[track_caller]
fn compare(world: &World, name: &str, text: &str) {
    let mut settings = insta::Settings::clone_current();
    settings.set_snapshot_path("golden");
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    settings.bind(|| insta::assert_snapshot!(name, redacted(world, text)));
}

/// Runs shell lines as `transcript` does, each on a terminal of 80 columns.
#[track_caller]
fn transcript_on_a_terminal(world: &World, name: &str, lines: &[&str]) {
    let mut text = String::new();
    for line in lines {
        let typed = format!("stty cols 80 rows 24; {line} --now {NOW}");
        let mut script = world.shell(r#"script --quiet --return --command "$TYPED" /dev/null"#);
        let found = ran(script.env("TYPED", typed).stdin(Stdio::null()));
        let shown = found.out.replace('\r', "");
        writeln!(text, "$ {line}\n{shown}").unwrap();
        if found.status != 0 {
            writeln!(text, "--- exit status {}\n", found.status).unwrap();
        }
    }
    compare(world, name, &text);
}

/// `[processed in 0.01 sec: 930 B, 93.0 kB/s, …]`: only the bytes are the same everywhere.
static SPEED: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r"\[processed in \S+ sec: ([^,]+), .*\]").unwrap());
static ELAPSED: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r#"("elapsed_secs":) ?[\d.e-]+"#).unwrap());

/// Without what differs from run to run and from release to release.
fn redacted(world: &World, text: &str) -> String {
    let folder = world.path("").display().to_string();
    let text = text
        .replace(folder.trim_end_matches('/'), "DIR")
        .replace(concat!("f2b ", env!("CARGO_PKG_VERSION")), "f2b VERSION");
    let text = SPEED.replace_all(&text, "[processed in SECS: $1, SPEED]");
    ELAPSED.replace_all(&text, "$1 SECS").into_owned()
}

#[test]
fn help() {
    let mut lines = vec![
        "f2b --version".to_owned(),
        "env -u F2B_CONFIG -u F2B_DB -u F2B_NO_ENFORCE -u F2B_SOCKET f2b".to_owned(),
        "env -u F2B_CONFIG -u F2B_DB -u F2B_NO_ENFORCE -u F2B_SOCKET f2b --help".to_owned(),
    ];
    for command in [
        "scan", "status", "bans", "history", "ban", "unban", "export", "import", "restore",
        "flush", "purge", "check", "migrate", "ping", "reload", "stop",
    ] {
        let plain = "env -u F2B_CONFIG -u F2B_DB -u F2B_NO_ENFORCE -u F2B_SOCKET";
        lines.push(format!("{plain} f2b {command} --help"));
    }
    let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
    transcript(&World::empty(), "help", &lines);
}

#[test]
fn scan() {
    transcript(
        &stage(),
        "scan",
        &[
            "f2b scan portal.log filter.d/login.conf",
            "f2b scan portal.log login",
            "f2b scan --dry-run --verbose portal.log login",
            "f2b scan --dry-run -vv --top 1 --print-no-missed portal.log login",
            "f2b scan --dry-run --print-all-matched --print-all-ignored --top 0 portal.log login",
            "f2b scan --dry-run '2026-11-20T09:10:00Z sorry 192.0.2.1' 'sorry <HOST>$'",
            "f2b scan --dry-run --timezone +02:00 --ignoreregex oracle --maxlines 2 \
             --datepattern '^%Y-%m-%dT%H:%M:%SZ' --encoding ISO-8859-1 portal.log login",
            "f2b scan --dry-run quiet.log login",
            "f2b scan --dry-run quiet.log 'portal: st(?=a)arted by <HOST>'",
        ],
    );
}

#[test]
fn scan_several_lines() {
    transcript(
        &stage(),
        "scan_several_lines",
        &[
            "f2b scan --dry-run --print-all-matched gate.log gate",
            "f2b scan --dry-run -v gate.log 'gate[mode=strict]'",
            "f2b scan --dry-run --no-check-all --format jsonl gate.log gate",
            "touch -d 2026-11-20T10:30:00Z pair.log",
            "f2b scan --dry-run --print-all-matched pair.log pair",
        ],
    );
}

#[test]
fn scan_several_logs() {
    transcript(
        &stage(),
        "scan_several_logs",
        &[
            "gzip --keep portal.log.1",
            "f2b scan --dry-run portal.log portal.log.1.gz login",
            "f2b scan --dry-run --print-no-missed 'portal.log*' quiet.log login",
            "f2b scan --print-no-missed portal.log portal.log.1 login",
            "# A log without years that is silent for months.",
            "touch -d 2026-11-20T09:30:00Z gap.log",
            "f2b scan --print-all-matched gap.log login",
            "f2b scan --dry-run --verbose gap.log login",
            "head -c 60 portal.log.1.gz >cut.gz",
            "f2b scan --dry-run --print-no-missed cut.gz portal.log missing.log login",
            "f2b scan --dry-run --print-no-missed cut.gz portal.log login",
            "cat portal.log | f2b scan --dry-run --print-no-missed - login",
        ],
    );
}

#[test]
fn scan_formats() {
    transcript(
        &stage(),
        "scan_formats",
        &[
            "f2b scan --format json portal.log login",
            "f2b scan --dry-run --format jsonl portal.log login",
            "f2b scan --dry-run --format csv portal.log login",
            "f2b scan --dry-run --output host portal.log login",
            "f2b scan --dry-run --output row portal.log login",
            "f2b scan --dry-run --output '<ip> <F-USER>' portal.log login",
            "f2b scan --dry-run --jail portal --ban --format json portal.log",
        ],
    );
}

#[test]
fn scan_and_ban() {
    transcript(
        &stage(),
        "scan_and_ban",
        &[
            "f2b scan --dry-run --jail portal --ban",
            "f2b scan --jail portal --ban",
            "f2b scan --jail portal --ban",
            "f2b scan --jail portal --ban --maxretry 1 --findtime 1m --bantime -1 portal.log.1",
            "f2b scan --jail gate --ban",
            "f2b scan --jail gate portal.log",
            "f2b status",
        ],
    );
}

#[test]
fn scan_several_jails() {
    transcript(
        &stage(),
        "scan_several_jails",
        &[
            "f2b scan --dry-run --jails --ban",
            "f2b scan --jail portal --jail gate --jail spare --ban portal.log gate.log",
            "f2b scan --dry-run --jails --ban --format json",
            "f2b scan --dry-run --jails --format jsonl",
            "f2b scan --dry-run --jails --format csv",
            "f2b scan --dry-run --jails --output '<ip>'",
            "f2b scan --dry-run --jail portal --jail portl",
            "f2b status",
            "f2b bans",
        ],
    );
}

#[test]
fn scan_and_ban_without_a_jail() {
    transcript(
        &stage(),
        "scan_and_ban_without_a_jail",
        &[
            "f2b scan --ban --maxretry 2 --findtime 1h --bantime 1d portal.log login",
            "f2b bans",
            "f2b bans --format csv",
            "f2b status",
            "f2b history 203.0.113.7",
            "f2b unban 203.0.113.7",
        ],
    );
}

#[test]
fn what_the_store_knows() {
    let world = stage();
    transcript(
        &world,
        "what_the_store_knows",
        &[
            "f2b scan --quiet --jail portal --ban >/dev/null",
            "f2b scan --quiet --jail gate --ban --now 2026-11-20T08:05:00Z >/dev/null",
            "f2b scan --quiet portal.log.1 login >/dev/null",
            "f2b ban 198.51.100.0/24 2001:db8::7 --jail gate --time -1",
            "f2b status",
            "f2b status --timezone Europe/Rome",
            "f2b status portal",
            "f2b status gate",
            "f2b status spare",
            "f2b status nope",
            "f2b bans",
            "f2b bans --all",
            "f2b bans --jail gate",
            "f2b bans --jail spare",
            "f2b bans --jail nope",
            "f2b bans --all --format json",
            "f2b bans --format jsonl",
            "f2b bans --format csv",
            "f2b history 203.0.113.7",
            "f2b history 203.0.113.7 --limit 2",
            "f2b history 203.0.113.0/24",
            "f2b history 2001:db8::/32 --timezone Europe/Rome",
            "f2b history 203.0.113.7 --format json",
            "f2b history 203.0.113.7 --format jsonl",
            "f2b history 203.0.113.7 --format csv",
            "f2b history 198.51.100.0/24",
            "f2b history 198.51.100.200",
        ],
    );
}

#[test]
fn by_hand() {
    transcript(
        &stage(),
        "by_hand",
        &[
            "f2b ban 198.51.100.1 198.51.100.2 2001:db8::/64 --jail portal",
            "f2b ban 198.51.100.1 --jail portal --time 1h",
            "f2b ban 198.51.100.1 --jail gate --time -1",
            "f2b export ip.deny --output ip.deny",
            "f2b export hosts.deny --jail gate --output hosts.deny",
            "f2b export hosts.deny",
            "f2b export csv",
            "f2b export --format json --jail gate",
            "f2b export --jail spare",
            "f2b unban 198.51.100.1",
            "f2b unban 198.51.100.1",
            "f2b unban 2001:db8::9 --jail portal",
            "cat ip.deny",
            "printf '198.51.100.2\n198.51.100.30 # a neighbour\n198.51.100.31\n' >list",
            "f2b import ip.deny list --jail portal --time 2d",
            "f2b import ip.deny list --jail portal",
            "f2b unban --all --jail spare",
            "rm ip.deny",
            "f2b unban --all",
            "f2b unban --all",
            "f2b scan --quiet portal.log login >/dev/null",
            "f2b purge --keep 2d",
            "f2b purge --keep 1h --now 2026-12-01",
            "f2b purge",
            "f2b status",
        ],
    );
}

#[test]
fn check() {
    let world = stage();
    transcript(
        &world,
        "check",
        &[
            "f2b check",
            "f2b check --all --verbose",
            "f2b check --format json",
            "f2b check --explain portal",
            "f2b check --explain gate",
            "f2b check --explain spare --format json",
            "# Everything that can be wrong with a jail.",
            "mkdir bad",
            "cp -r filter.d action.d bad",
            "cp wrong.conf bad/jail.conf",
            "f2b check --config bad",
            "f2b check --config bad --all -v",
            "f2b check --config bad --format json",
            "f2b check --config bad --explain fine",
            "f2b check --config bad --explain quoted",
            "f2b check --config bad --explain nobody",
            "rm bad/jail.conf",
            "f2b check --config bad",
            "echo '[portal]' >bad/jail.conf",
            "f2b check --config bad",
        ],
    );
}

#[test]
fn errors() {
    let world = stage();
    transcript(
        &world,
        "errors",
        &[
            "# What is not there.",
            "f2b scan portl.log login",
            "f2b scan 'nothing*.log' login",
            "f2b scan portal.log lgin",
            "f2b scan portal.log filter.d/lgin.conf",
            "f2b scan portal.log '^no host here$'",
            "f2b scan portal.log '^<HOST> ($'",
            "f2b scan",
            "f2b scan login",
            "f2b scan --jail portl",
            "f2b scan --jail portal --ban missing.log",
            "f2b ban 198.51.100.1 --jail portl",
            "f2b status portl",
            "f2b bans",
            "f2b export",
            "f2b unban 198.51.100.1",
            "f2b unban --all --jail portl",
            "f2b check --config nowhere",
            "f2b check --explain portl",
            "# Options that can't be.",
            "f2b scna portal.log login",
            "f2b scan --dryrun portal.log login",
            "f2b scan --threads 0 portal.log login",
            "f2b scan --usedns maybe portal.log login",
            "f2b scan --format json --output host portal.log login",
            "f2b scan --encoding klingon portal.log login",
            "f2b scan --datepattern '%Q' portal.log login",
            "f2b scan --jail portal --findtime soon",
            "f2b scan --now soon portal.log login",
            "f2b bans --timezone Atlantis",
            "f2b ban --jail portal",
            "f2b ban 198.51.100.1:22 --jail portal",
            "f2b ban ::/0 --jail portal",
            "f2b ban 198.51.100.1 --jail portal --time long",
            "f2b unban 198.51.100.0/40",
            "f2b import csv",
            "f2b import xls list",
            "f2b import ip.deny missing.list",
            "printf '198.51.100.1\\nnot a host\\n' >list",
            "f2b import ip.deny list",
            "f2b export xls",
            "f2b purge --keep never",
            "f2b purge --keep -1",
            "# Filters that can't be used.",
            "f2b scan portal.log hopeless",
            "f2b scan portal.log empty",
            "# Stores that can't be used.",
            "f2b scan --quiet portal.log login >/dev/null",
            "sqlite3 store/f2b.sqlite3 'PRAGMA user_version = 99'",
            "f2b bans",
            "f2b scan portal.log login",
            "seq 1000 >store/f2b.sqlite3",
            "f2b bans",
            "f2b export ip.deny --output nowhere/ip.deny --db other.sqlite3",
            "f2b ban 198.51.100.1 --jail portal --db other.sqlite3",
            "f2b export ip.deny --output nowhere/ip.deny --db other.sqlite3",
            "f2b bans --db portal.log",
            "f2b scan portal.log login --db filter.d",
        ],
    );
}

/// What a person sees: nothing is wider than the terminal but what can't be broken.
#[test]
fn on_a_terminal() {
    let world = stage();
    // Paths in folded lines would break them elsewhere: the folder is as long as its name in the golden file.
    world.write("bad/jail.conf", fs::read(world.path("wrong.conf")).unwrap());
    for folder in ["filter.d", "action.d"] {
        for entry in fs::read_dir(world.path(folder)).unwrap() {
            let name = Path::new("bad").join(folder).join(entry.as_ref().unwrap().file_name());
            world.write(name.to_str().unwrap(), fs::read(entry.unwrap().path()).unwrap());
        }
    }
    transcript_on_a_terminal(
        &world,
        "on_a_terminal",
        &[
            "f2b scan --quiet --jail portal --ban --print-no-missed --db f2b.sqlite3",
            "f2b ban 2001:db8:1111:2222:3333:4444:5555:7 --jail gate --time -1 --db f2b.sqlite3",
            "f2b bans --db f2b.sqlite3",
            "f2b status --db f2b.sqlite3",
            "f2b status gate --db f2b.sqlite3",
            "f2b history 203.0.113.7 --db f2b.sqlite3",
            "f2b check --config bad",
            "f2b scan portal.log",
            "f2b ban 2001:db8::1:22:8080 --jail portal",
            "env -u F2B_CONFIG -u F2B_DB -u F2B_NO_ENFORCE -u F2B_SOCKET f2b ban --help",
        ],
    );
}

/// Root may read everything, so that the program runs as nobody where the test runs as root.
#[test]
fn permissions() {
    let world = stage();
    let nobody = "[ $(id -u) != 0 ] || set -- setpriv --reuid=65534 --regid=65534 --clear-groups \"$@\"\n\
                  exec \"$@\"\n";
    world.write("as-nobody", nobody);
    transcript(
        &world,
        "permissions",
        &[
            "# The program where nobody finds it.",
            "cp $(command -v f2b) f2b; chmod 755 .; mkdir locked; chmod a-w locked",
            "sh as-nobody ./f2b scan --db locked/f2b.sqlite3 portal.log login",
            "sh as-nobody ./f2b scan --dry-run portal.log login >/dev/null",
            "chmod a-r portal.log",
            "sh as-nobody ./f2b scan --dry-run portal.log login",
            "# The store belongs to him who runs the program.",
            "mkdir own; chmod a+rwx own; sh as-nobody ./f2b ban 198.51.100.1 --jail gate --db own/f2b.sqlite3",
            "sh as-nobody ./f2b bans --db own/f2b.sqlite3",
            "chmod a-w own own/f2b.sqlite3",
            "sh as-nobody ./f2b bans --db own/f2b.sqlite3",
            "sh as-nobody ./f2b unban 198.51.100.1 --db own/f2b.sqlite3",
            "sh as-nobody ./f2b export ip.deny --output locked/ip.deny --db own/f2b.sqlite3",
            "chmod a+w own own/f2b.sqlite3",
            "sh as-nobody ./f2b export ip.deny --output locked/ip.deny --db own/f2b.sqlite3",
            "chmod a-r own/f2b.sqlite3",
            "sh as-nobody ./f2b bans --db own/f2b.sqlite3",
            "# The configuration.",
            "chmod a-r filter.d/login.conf",
            "sh as-nobody ./f2b scan --dry-run gate.log login",
            "chmod a-r jail.local",
            "sh as-nobody ./f2b check",
            "sh as-nobody ./f2b scan --dry-run --jail gate",
            "chmod -R u+w .",
        ],
    );
}
