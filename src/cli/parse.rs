//! From the words of a command line to what was typed; and what is said of a wrong one.

use std::any::TypeId;
use std::ffi::{OsStr, OsString};

use clap::builder::{Resettable, TypedValueParser};
use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{Arg, Command, CommandFactory, FromArgMatches};

use super::args::Cli;
use crate::text::shown;

/// What the words mean, the first of them being the program's name. Who types nothing else asks for help, and who asks
/// for help twice asks once.
///
/// # Errors
///
/// They are wrong, or ask for help: what is to be printed, and where.
pub(super) fn parse(mut words: Vec<OsString>) -> Result<Cli, clap::Error> {
    if words.len() <= 1 {
        words.push("--help".into());
    }
    if words.get(1).is_some_and(|word| word == "help") {
        words.retain(|word| word != "--help" && word != "-h");
    }
    let mut command = naming_what_is_no_text(without_empty_variables(Cli::command()));
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

/// clap says that some argument is not UTF-8, but not which.
fn naming_what_is_no_text(command: Command) -> Command {
    let command = command.mut_args(|arg| {
        let is_text = arg.get_value_parser().type_id() == TypeId::of::<String>();
        if is_text && arg.get_possible_values().is_empty() { arg.value_parser(Text) } else { arg }
    });
    command.mut_subcommands(naming_what_is_no_text)
}

/// An argument that is no path.
#[derive(Clone)]
struct Text;

impl TypedValueParser for Text {
    type Value = String;

    fn parse_ref(
        &self,
        command: &Command,
        arg: Option<&Arg>,
        value: &OsStr,
    ) -> Result<String, clap::Error> {
        value.to_str().map(str::to_owned).ok_or_else(|| {
            let found = shown(&value.to_string_lossy()).into_owned();
            let name = arg.map(|arg| format!(" for '{arg}'")).unwrap_or_default();
            let message = format!("'{found}'{name} is not UTF-8, as all but paths has to be\n");
            clap::Error::raw(ErrorKind::InvalidUtf8, message).with_cmd(command)
        })
    }
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
