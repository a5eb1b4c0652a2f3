//! What `f2b status` and `f2b bans` say of bans whose hosts go on failing.

use std::io::Write;

use super::output::{civil, counted, jail_name};
use super::{Context, Error};
use crate::control::{Cause, Question, Reply};
use crate::store::WithoutEffect;
use crate::text::shown;

/// So many are told.
const MOST: u32 = 5;

/// A line for each of the bans without effect, in one jail or in all, behind an empty one.
pub(super) fn tell(
    context: &Context,
    jail: Option<&str>,
    out: &mut dyn Write,
) -> Result<(), Error> {
    let question = Question::WithoutEffect { jail: jail.map(str::to_owned), most: MOST };
    let mut is_first = true;
    context.ask(question, |reply| {
        if std::mem::take(&mut is_first) {
            writeln!(out)?;
        }
        match reply {
            Reply::WithoutEffect { without, cause } => {
                let WithoutEffect { ban, failures, last } = without;
                let (jail, last) = (jail_name(&ban.jail), civil(last, context.zone));
                let failures = counted(failures, "failure");
                let why = cause.map_or_else(|| "as root, f2b looks for the cause".to_owned(), why);
                let host = ban.host;
                writeln!(
                    out,
                    "{jail}: the ban of {host} has no effect, {failures} since, the last {last}: {why}"
                )
            }
            Reply::More(more) => writeln!(out, "and {more} more bans have none"),
            _ => Ok(()),
        }
    })
}

/// What is most likely the cause, and what to do about it.
fn why(cause: Cause) -> String {
    match cause {
        Cause::Established { chain } => format!(
            "a rule before f2b's accepts established connections, in the chain {}",
            shown(&chain)
        ),
        Cause::Unmet { rules } => format!(
            "no packet of it has met {}; the service has another port, or is reached another way: by a proxy, in a container",
            quoted(&rules)
        ),
        Cause::Elsewhere { packets, rules } => format!(
            "{} met {}, but it gets in another way: by another port, by a proxy",
            counted(packets, "packet"),
            quoted(&rules)
        ),
        Cause::Uncounted { rules } => format!(
            "nobody has counted whether packets of it meet {}; 'f2b restore --check' tells whether the rules are there",
            quoted(&rules)
        ),
        Cause::Commands => "commands were run for it; what they do f2b can't see".to_owned(),
    }
}

/// Rules, in the packet filter's own words.
fn quoted(rules: &[String]) -> String {
    let rules: Vec<_> = rules.iter().map(|rule| format!("'{}'", shown(rule))).collect();
    if rules.is_empty() { "its rules".to_owned() } else { rules.join(" or ") }
}
