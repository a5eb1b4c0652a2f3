//! The transcripts of README.md, run as they stand there.

use std::fs;
use std::path::Path;

use crate::harness::{World, ran, sample};

#[test]
fn transcripts_print_what_the_readme_says() {
    let readme =
        fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md")).unwrap();
    let world = World::new();
    fs::copy(sample("maillog"), world.path("maillog")).unwrap();
    let mut transcripts = 0;
    for block in readme.split("```console\n").skip(1) {
        let block = block.split("\n```").next().unwrap();
        let mut expected: Vec<(String, String)> = Vec::new();
        for line in block.lines() {
            if let Some(command) = line.strip_prefix("$ ") {
                expected.push((command.to_owned(), String::new()));
            } else {
                let (_, output) = expected.last_mut().expect("a transcript begins with a command");
                output.push_str(line);
                output.push('\n');
            }
        }
        for (command, output) in expected {
            transcripts += 1;
            let mut process = world.shell(&command);
            let found = ran(process.env("F2B_DB", "f2b.sqlite3"));
            let out = found.out.replace(&world.path("").display().to_string(), "/home/admin/");
            let out =
                out.replace(world.path("").to_str().unwrap().trim_end_matches('/'), "/home/admin");
            assert_eq!(timeless(&out), timeless(&output), "{command}");
            assert_eq!(found.err, "", "{command}");
        }
    }
    assert!(transcripts >= 6, "the README has {transcripts} commands");
}

/// How long it took differs from run to run.
fn timeless(text: &str) -> String {
    let keep = |line: &&str| !line.starts_with("[processed in ");
    text.lines().filter(keep).map(str::trim_end).collect::<Vec<_>>().join("\n").trim().to_owned()
}
