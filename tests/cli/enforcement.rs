//! The transcripts of docs/enforcement.md and docs/daemon.md, run in network namespaces of their own.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;

use regex::Regex;

use crate::harness::{World, ran};

/// Debian's configuration, which the pages are about.
const STOCK: &str = "/etc/fail2ban";

/// The texts of the page's blocks of one kind.
fn blocks<'p>(page: &'p str, kind: &str) -> Vec<&'p str> {
    let begin = format!("```{kind}\n");
    page.split(&begin).skip(1).filter_map(|rest| rest.split("\n```").next()).collect()
}

/// What a page says that its commands print, and what they print.
fn transcripts(page: &str) -> [String; 2] {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join(page);
    let page = fs::read_to_string(page).unwrap();
    let world = World::empty();
    for entry in fs::read_dir(STOCK).unwrap() {
        let name = entry.unwrap().file_name();
        if name != "jail.d" && name != "jail.local" {
            symlink(Path::new(STOCK).join(&name), world.path(&name.to_string_lossy())).unwrap();
        }
    }
    world.write("jail.local", format!("{}\n", blocks(&page, "ini")[0]));
    let expected: Vec<_> =
        blocks(&page, "console").join("\n\n").lines().map(str::to_owned).collect();
    let commands: Vec<_> = expected.iter().filter_map(|line| line.strip_prefix("$ ")).collect();
    // Each is shown behind an empty line, as on the page.
    let line = |command: &&str| {
        format!("printf '\\n%s\\n' '$ {}'\n{command}\n", command.replace('\'', "'\\''"))
    };
    let script: String = commands.iter().map(line).collect();
    assert!(commands.len() >= 10, "{script}");
    world.write("script", script);
    // Root of the namespace is root enough, whoever runs the test. What is waited for in vain ends with its processes.
    let mut command = world.shell(
        "exec timeout 120 unshare --map-root-user --net --pid --fork --kill-child sh script 2>&1",
    );
    let found = ran(command.env_remove("F2B_NO_ENFORCE"));
    assert_eq!(found.err, "");
    let folder = world.path("").display().to_string();
    [expected.join("\n"), found.out.trim().replace(folder.trim_end_matches('/'), "/home/admin")]
}

/// The same, but for when it was and who it was.
fn timeless(text: &str) -> String {
    let varying = [
        (r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(,\d{3})?", "TIME"),
        (r"\bpid \d+", "pid PID"),
        (r"\[ *\d+\]: ", "[PID]: "),
    ];
    varying.iter().fold(text.to_owned(), |text, (varying, name)| {
        Regex::new(varying).unwrap().replace_all(&text, *name).into_owned()
    })
}

#[test]
fn transcripts_print_what_the_page_says() {
    let [expected, found] = transcripts("docs/enforcement.md");
    assert_eq!(found, expected);
}

#[test]
fn a_daemon_does_what_its_page_says() {
    let [expected, found] = transcripts("docs/daemon.md");
    assert_eq!(timeless(&found), timeless(&expected));
}
