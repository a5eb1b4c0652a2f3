//! `f2b watch`: what the daemon finds and bans, as it happens.

use std::io::{self, Write};

use super::output::{civil, until_when};
use super::{Context, Error, Status};
use crate::control::{Command, Happening, Reply};
use crate::model::{Ban, Host, Prolongation, Time};
use crate::text::printable;

pub(super) fn run(context: &Context, out: &mut dyn Write) -> Result<Status, Error> {
    context.command(Command::Watch, |reply| match reply {
        Reply::Happened(what) => happened(context, &what, out),
        _ => Ok(()),
    })?;
    Ok(Status::Found)
}

fn happened(context: &Context, what: &Happening, out: &mut dyn Write) -> io::Result<()> {
    let mut line = |at: Time, what: &str, jail: &str, host: &Host, more: &str| {
        let (at, host) = (civil(at, context.zone), host.to_string());
        let line = format!("{at}   {what:9}   {jail}   {}   {more}", printable(&host));
        writeln!(out, "{}", line.trim_end())
    };
    match what {
        Happening::Failed { jail, host, at } => line(*at, "failure", jail, host, "")?,
        Happening::Banned(Ban { jail, host, at, until, .. }) => {
            line(*at, "ban", jail, host, &until_when(*until, context.zone))?;
        }
        Happening::Prolonged(Prolongation { jail, host, at, until, .. }) => {
            line(*at, "prolonged", jail, host, &until_when(*until, context.zone))?;
        }
        Happening::Over { jail, host, at } => line(*at, "over", jail, host, "")?,
        Happening::Nothing => {}
    }
    // Whoever watches wants to see it now.
    out.flush()
}
