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
            match line.strip_prefix("$ ") {
                Some(command) => expected.push((command.to_owned(), String::new())),
                None => {
                    let (_, output) =
                        expected.last_mut().expect("a transcript begins with a command");
                    output.push_str(line);
                    output.push('\n');
                }
            }
        }
        for (command, output) in expected {
            transcripts += 1;
            let words: Vec<&str> = command.split_whitespace().collect();
            assert_eq!(words[0], "f2b", "{command}");
            let mut process = world.command();
            process.args(&words[1..]).env("F2B_DB", "f2b.sqlite3");
            let found = ran(&mut process);
            assert_eq!(timeless(&found.out), timeless(&output), "{command}\n{}", found.err);
        }
    }
    assert!(transcripts >= 6, "the README has {transcripts} commands");
}

/// How long it took differs from run to run.
fn timeless(text: &str) -> String {
    let keep = |line: &&str| !line.starts_with("[processed in ");
    text.lines()
        .filter(keep)
        .map(str::trim_end)
        .collect::<Vec<_>>()
        .join("\n")
        .trim_end()
        .to_owned()
}
