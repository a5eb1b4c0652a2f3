//! Man pages and completions say what the command line is, and shells understand them.

use std::fs;
use std::path::Path;
use std::process::Command;

use clap::CommandFactory;
use f2b::cli::args::Cli;
use tempfile::TempDir;

use crate::{generator, run};

/// Types `line` in bash, up to the TAB; prints what bash offers, a word a line.
const TYPED: &str = r#"
. /usr/share/bash-completion/bash_completion
. "$1"
COMP_LINE=$2 COMP_POINT=${#2} COMP_TYPE=9 COMP_KEY=9
read -ra COMP_WORDS <<<"${COMP_LINE//:/ : }"
case $COMP_LINE in *' ') COMP_WORDS+=('') ;; esac
COMP_CWORD=$((${#COMP_WORDS[@]} - 1))
function=$(complete -p f2b | sed 's/.*-F \([^ ]*\) .*/\1/')
"$function" "${COMP_WORDS[0]}" "${COMP_WORDS[COMP_CWORD]}" "${COMP_WORDS[COMP_CWORD - 1]}"
printf '%s\n' "${COMPREPLY[@]}"
"#;

/// A folder with `man` and `completions`.
pub(crate) fn generated() -> TempDir {
    let dir = TempDir::new().unwrap();
    generator::write_below(dir.path()).unwrap();
    dir
}

/// What bash completes `line` to, where the word `f2b` stands for the program with a store in `dir`.
fn completed(dir: &Path, line: &str) -> Vec<String> {
    let mut bash = Command::new("bash");
    bash.args(["--norc", "-c", TYPED, "bash"]).arg(dir.join("completions/f2b.bash"));
    bash.arg(line.replacen("f2b", env!("CARGO_BIN_EXE_f2b"), 1));
    bash.env("F2B_DB", dir.join("f2b.sqlite3")).env("F2B_CONFIG", "tests/data/sample");
    run(&mut bash).lines().map(str::to_owned).collect()
}

#[test]
fn each_command_has_a_page_that_man_likes() {
    let dir = generated();
    let mut wanted = vec!["f2b.1".to_owned()];
    wanted.extend(
        Cli::command().get_subcommands().map(|found| format!("f2b-{}.1", found.get_name())),
    );
    wanted.sort();
    let pages = fs::read_dir(dir.path().join("man")).unwrap();
    let mut pages: Vec<_> = pages.map(|page| page.unwrap().path()).collect();
    pages.sort();
    let names: Vec<_> =
        pages.iter().map(|page| page.file_name().unwrap().to_str().unwrap()).collect();
    assert_eq!(names, wanted);
    for page in pages {
        let mut man = Command::new("man");
        let man = man.args(["--warnings", "--local-file", "--pager=cat"]).arg(&page);
        let output = man.env("MANWIDTH", "80").output().unwrap();
        let warnings = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success() && warnings.is_empty(), "{}: {warnings}", page.display());
    }
}

#[test]
fn a_page_has_the_sections_of_help() {
    let page = fs::read_to_string(generated().path().join("man/f2b.1")).unwrap();
    for section in ["NAME", "SYNOPSIS", "SUBCOMMANDS", "\"EXIT STATUS\"", "FILES", "\"SEE ALSO\""] {
        assert!(page.contains(&format!("\n.SH {section}\n")), "{section} is not in\n{page}");
    }
    assert!(page.contains("F2B_CONFIG"), "{page}");
}

#[test]
fn bash_completes_commands_jails_and_banned_hosts() {
    let dir = generated();
    let dir = dir.path();
    let mut f2b = Command::new(env!("CARGO_BIN_EXE_f2b"));
    f2b.args(["--no-enforce", "-c", "tests/data/sample", "ban", "--jail", "password-fail"]);
    run(f2b.args(["198.51.100.23", "2001:db8::7"]).arg("--db").arg(dir.join("f2b.sqlite3")));

    assert_eq!(completed(dir, "f2b unb"), ["unban"]);
    assert_eq!(completed(dir, "f2b bans --format j"), ["json", "jsonl"]);
    assert_eq!(completed(dir, "f2b unban "), ["198.51.100.23", "2001:db8::7"]);
    // Bash keeps what stands before the last colon.
    assert_eq!(completed(dir, "f2b history 2001:db8:"), [":7"]);
    assert_eq!(completed(dir, "f2b status "), ["password-fail"]);
    assert_eq!(completed(dir, "f2b unban --jail pass"), ["password-fail"]);
    assert_eq!(completed(dir, "f2b --db /nowhere/store unban 1"), [""]);
}

#[test]
fn zsh_and_fish_have_theirs() {
    let dir = generated();
    let read = |name| fs::read_to_string(dir.path().join("completions").join(name)).unwrap();
    assert!(read("_f2b").starts_with("#compdef f2b\n"));
    assert!(read("f2b.fish").contains("-s j -l jail -x -a '(__fish_f2b_jails)'"));
}
