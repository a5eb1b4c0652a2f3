//! The transcripts of docs/enforcement.md, run in a network namespace of their own.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;

use crate::harness::{World, ran};

/// Debian's configuration, which the page is about.
const STOCK: &str = "/etc/fail2ban";

/// The texts of the page's blocks of one kind.
fn blocks<'p>(page: &'p str, kind: &str) -> Vec<&'p str> {
    let begin = format!("```{kind}\n");
    page.split(&begin).skip(1).filter_map(|rest| rest.split("\n```").next()).collect()
}

#[test]
fn transcripts_print_what_the_page_says() {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/enforcement.md");
    let page = fs::read_to_string(page).unwrap();
    let world = World::empty();
    for entry in fs::read_dir(STOCK).unwrap() {
        let name = entry.unwrap().file_name();
        if name != "jail.d" && name != "jail.local" {
            symlink(Path::new(STOCK).join(&name), world.path(&name.to_string_lossy())).unwrap();
        }
    }
    world.write("jail.local", blocks(&page, "ini")[0]);
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
    // Root of the namespace is root enough, whoever runs the test.
    let mut command = world.shell("exec unshare --map-root-user --net sh script 2>&1");
    let found = ran(command.env_remove("F2B_NO_ENFORCE"));
    assert_eq!(found.out.trim(), expected.join("\n"), "{}", found.err);
}
