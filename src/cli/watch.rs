//! `f2b watch`: what the daemon finds and bans, as it happens.

use std::io::{self, Write};

use unicode_width::UnicodeWidthStr as _;

use super::output::{civil, until_when};
use super::{Context, Error, Status};
use crate::control::{Command, Happening, Reply};
use crate::model::{Ban, Host, Prolongation, Time};
use crate::text::printable;

pub(super) fn run(context: &Context, out: &mut dyn Write) -> Result<Status, Error> {
    let mut widths = Widths::default();
    context.command(Command::Watch, |reply| match reply {
        Reply::Happened(what) => happened(context, &what, &mut widths, out),
        _ => Ok(()),
    })?;
    Ok(Status::Found)
}

/// How wide the columns were until now: nobody knows which jails and hosts are to come.
#[derive(Default)]
struct Widths {
    jail: usize,
    host: usize,
}

impl Widths {
    fn at_least(&mut self, jail: &str, host: &str) {
        self.jail = self.jail.max(jail.width());
        self.host = self.host.max(host.width());
    }
}

fn happened(
    context: &Context,
    what: &Happening,
    widths: &mut Widths,
    out: &mut dyn Write,
) -> io::Result<()> {
    let mut line = |at: Time, what: &str, jail: &str, host: &Host, more: &str| {
        let (at, host) = (civil(at, context.zone), host.to_string());
        let host = printable(&host);
        widths.at_least(jail, &host);
        let Widths { jail: jails, host: hosts } = *widths;
        let line = format!("{at}   {what:9}   {jail:jails$}   {host:hosts$}   {more}");
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
