//! From the words of a command line to what was typed; and what is said of a wrong one.

use std::ffi::OsString;

use clap::builder::Resettable;
use clap::error::{ContextKind, ContextValue};
use clap::{Command, CommandFactory, FromArgMatches};

use super::args::Cli;

/// What the words mean, the first of them being the program's name. Who types nothing else asks for help.
///
/// # Errors
///
/// They are wrong, or ask for help: what is to be printed, and where.
pub(super) fn parse(mut words: Vec<OsString>) -> Result<Cli, clap::Error> {
    if words.len() <= 1 {
        words.push("--help".into());
    }
    let mut command = without_empty_variables(Cli::command());
    let matches = command.try_get_matches_from_mut(&words);
    let parsed = matches.and_then(|matches| {
        Cli::from_arg_matches(&matches).map_err(|error| error.format(&mut command))
    });
    parsed.map_err(|error| with_whole_usage(error, words))
}

/// A variable that is set to nothing says nothing.
fn without_empty_variables(command: Command) -> Command {
    let command = command.mut_args(|arg| {
        let value = arg.get_env().and_then(std::env::var_os);
        let is_empty = value.is_some_and(|value| value.is_empty());
        if is_empty { arg.env(Resettable::Reset) } else { arg }
    });
    command.mut_subcommands(without_empty_variables)
}

/// The usage of an error lists what was given, be it by the environment, as if it were required; who has it wrong
/// wants to know what can be given.
fn with_whole_usage(mut error: clap::Error, words: Vec<OsString>) -> clap::Error {
    if error.get(ContextKind::Usage).is_none() {
        return error;
    }
    let lenient = Cli::command().ignore_errors(true).try_get_matches_from(words);
    let named = lenient.ok().and_then(|found| found.subcommand_name().map(str::to_owned));
    let mut command = Cli::command();
    command.build();
    let usage = match named.and_then(|name| command.find_subcommand_mut(name)) {
        Some(subcommand) => subcommand.render_usage(),
        None => command.render_usage(),
    };
    error.insert(ContextKind::Usage, ContextValue::StyledStr(usage));
    error
}
