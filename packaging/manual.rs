//! Writes man pages and shell completions, both from the definition of the command line: `manual FOLDER` leaves
//! `FOLDER/man` and `FOLDER/completions`. `make man completions` runs it.
//!
//! An example and not a command: who runs f2b needs neither its code nor what it is made with.

use std::ffi::OsString;
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::Path;

use clap::{Command, CommandFactory};
use clap_complete::Shell;
use clap_mangen::Man;
use clap_mangen::roff::{Roff, bold, roman};
use f2b::cli::args::Cli;

/// What a shell can complete beside what the definition says: jails and banned hosts, of which the program knows.
const BASH: &str = include_str!("completions/f2b.bash");
const FISH: &str = include_str!("completions/f2b.fish");

/// The files that f2b keeps, by what they are.
const FILES: [(&str, &str); 5] = [
    ("/etc/fail2ban", "The configuration: fail2ban's, unchanged."),
    (
        "/etc/default/f2b",
        "Variables of the service and of the timer, where f2b comes as a package.",
    ),
    ("/var/lib/f2b/f2b.sqlite3", "The store of root."),
    ("~/.local/state/f2b/f2b.sqlite3", "The store of everybody else."),
    ("/run/f2b/f2b.sock", "Where the daemon of root listens."),
];

/// The same source gives the same pages. (An empty word would be left out, and the version taken for the date.)
const NO_DATE: &str = " ";

fn main() -> io::Result<()> {
    let folder = std::env::args_os().nth(1).unwrap_or_else(|| OsString::from("target"));
    write_below(Path::new(&folder))
}

/// Leaves all of it below `folder`.
pub(crate) fn write_below(folder: &Path) -> io::Result<()> {
    let pages = folder.join("man");
    anew(&pages)?;
    let mut command = Cli::command().disable_help_subcommand(true);
    command.build();
    write_page(&command, None, &pages)?;
    for subcommand in command.get_subcommands().filter(|found| !found.is_hide_set()) {
        write_page(subcommand, Some(&command), &pages)?;
    }
    let completions = folder.join("completions");
    anew(&completions)?;
    for (shell, more) in [(Shell::Bash, BASH), (Shell::Fish, FISH), (Shell::Zsh, "")] {
        let path = clap_complete::generate_to(shell, &mut Cli::command(), "f2b", &completions)?;
        File::options().append(true).open(path)?.write_all(more.as_bytes())?;
    }
    Ok(())
}

/// An empty folder: a subcommand that is gone leaves no page behind.
fn anew(folder: &Path) -> io::Result<()> {
    match fs::remove_dir_all(folder) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    fs::create_dir_all(folder)
}

/// The page of a command, whose `parent` is known if it is a subcommand.
fn write_page(command: &Command, parent: Option<&Command>, folder: &Path) -> io::Result<()> {
    let version = format!("f2b {}", env!("CARGO_PKG_VERSION"));
    let man = Man::new(command.clone()).date(NO_DATE).source(version).manual("f2b");
    let mut page = Vec::new();
    man.render_title(&mut page)?;
    man.render_name_section(&mut page)?;
    man.render_synopsis_section(&mut page)?;
    man.render_description_section(&mut page)?;
    man.render_options_section(&mut page)?;
    if command.has_subcommands() {
        man.render_subcommands_section(&mut page)?;
    }
    let mut end = Roff::new();
    end_of_help(command, &mut end);
    if parent.is_none() {
        files(&mut end);
    }
    see_also(parent.unwrap_or(command), man.get_filename().trim_end_matches(".1"), &mut end);
    end.to_writer(&mut page)?;
    fs::write(folder.join(man.get_filename()), page)
}

/// What stands at the end of `--help`: `Heading:` with indented lines becomes a section, the rest are notes.
fn end_of_help(command: &Command, page: &mut Roff) {
    let Some(help) = command.get_after_long_help().or(command.get_after_help()) else { return };
    for block in help.to_string().split("\n\n") {
        let Some((heading, lines)) = block.split_once(":\n") else {
            page.control("SH", ["NOTES"]);
            for line in block.lines() {
                page.control("PP", []);
                page.text([roman(line)]);
            }
            continue;
        };
        page.control("SH", [heading.to_uppercase().as_str()]);
        page.control("nf", []);
        for line in lines.lines() {
            page.text([roman(line.strip_prefix("  ").unwrap_or(line))]);
        }
        page.control("fi", []);
    }
}

fn files(page: &mut Roff) {
    page.control("SH", ["FILES"]);
    for (path, what) in FILES {
        page.control("TP", []);
        page.text([bold(path)]);
        page.text([roman(what)]);
    }
}

/// All pages but this one.
fn see_also(command: &Command, own: &str, page: &mut Roff) {
    let subcommands = command.get_subcommands().filter(|found| !found.is_hide_set());
    let names = subcommands.map(|found| format!("{}-{}", command.get_name(), found.get_name()));
    let mut names: Vec<_> = std::iter::once(command.get_name().to_owned()).chain(names).collect();
    names.retain(|name| name != own);
    page.control("SH", ["SEE ALSO"]);
    let last = names.len().saturating_sub(1);
    for (at, name) in names.iter().enumerate() {
        let end = if at == last { "(1)" } else { "(1)," };
        page.text([bold(name.as_str()), roman(end)]);
    }
}
