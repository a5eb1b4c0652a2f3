//! `f2b import fail2ban.sqlite3`: all that fail2ban knows of bans, and where it has stopped reading; and back.

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::path::Path;

use super::ban::guard;
use super::files::Files;
use super::output::counted;
use super::{Context, Error, Status, warn};
use crate::control::{Change, Guard, Jails, PART_BANS, Question, Reply, Resumed, Taken};
use crate::error;
use crate::exchange::fail2ban::{Database, DatabaseError, DatabaseWriter, Kept, Row};
use crate::model::{HostBans, Time};
use crate::text::printable;

/// A part of the bans is about so long: as JSON within a JSON text that is at most four times as much, and a request has
/// a limit.
const PART_BYTES: usize = 15 << 20;
/// What is told of a ban besides what was kept of it.
const BAN_BYTES: usize = 150;

/// Takes over the database at `file`.
pub(super) fn run(
    context: &Context,
    file: &Path,
    is_forced: bool,
    out: &mut dyn Write,
) -> Result<Status, Error> {
    let wrong = |source| Error::from(error::Error::Database { file: file.to_owned(), source });
    let database = Database::open(file).map_err(wrong)?;
    let mut taking = Taking::new(context, guard(is_forced));
    database
        .each_row(|row| match row {
            Row::Bans(bans) => taking.add(bans),
            Row::Skipped { jail, host, why } => {
                warn(&format!("f2b: jail {jail}: the ban of '{host}' {why}; left out"));
                Ok(())
            }
        })
        .map_err(|stopped| match stopped {
            Stopped::Reading(source) => wrong(source),
            Stopped::Taking(error) => *error,
        })?;
    taking.hand_over()?;
    let read = database.positions().map_err(wrong)?;
    let mut resumed = BTreeMap::new();
    context.change(Change::Resume { read }, |reply| {
        if let Reply::Resumed { jail, path, how } = reply {
            match how {
                Resumed::There => *resumed.entry(path).or_insert(0_u64) += 1,
                Resumed::Further | Resumed::Unread => {}
                Resumed::Anew(why) => {
                    warn(&format!("f2b: jail {jail}: {path} is not read on but anew: {why}"));
                }
            }
        }
        Ok(())
    })?;
    taking.tell(&database, resumed.len() as u64, out)
}

/// Writes a database at `file` with which fail2ban goes on.
pub(super) fn give_back(
    context: &Context,
    file: &Path,
    jail: Option<String>,
    out: &mut dyn Write,
) -> Result<Status, Error> {
    let wrong = |source| Error::from(error::Error::NoDatabase { file: file.to_owned(), source });
    let mut database = DatabaseWriter::create(file).map_err(wrong)?;
    let (mut bans, mut in_force, mut logs) = (0, 0, 0);
    let mut failed = None;
    let asked = context.ask(Question::Kept { jail }, |reply| {
        let written = match reply {
            Reply::Kept { ban, count, data } => {
                bans += 1;
                in_force += u64::from(ban.is_active(context.now));
                database.ban(Kept { ban: &ban, count, data: &data })
            }
            Reply::Reached(read) => {
                logs += 1;
                database.read_to(&read)
            }
            _ => Ok(()),
        };
        written.map_err(|error| io::Error::other(failed.insert(error).to_string()))
    });
    if let Some(source) = failed {
        return Err(wrong(source));
    }
    asked?;
    let former = database.end(context.now).map_err(wrong)?;
    let shown = |path: &Path| printable(&path.to_string_lossy()).into_owned();
    writeln!(
        out,
        "wrote {}, {in_force} of them in force, and the place in {} to {}",
        counted(bans, "ban"),
        counted(logs, "log"),
        shown(file)
    )?;
    if let Some(former) = former {
        writeln!(out, "what stood there is now {}", shown(&former))?;
    }
    Ok(Status::Found)
}

/// Why taking over ended early.
enum Stopped {
    Reading(DatabaseError),
    Taking(Box<Error>),
}

impl From<DatabaseError> for Stopped {
    fn from(error: DatabaseError) -> Self {
        Self::Reading(error)
    }
}

impl From<Error> for Stopped {
    fn from(error: Error) -> Self {
        Self::Taking(Box::new(error))
    }
}

/// Bans on their way into the store.
struct Taking<'c> {
    context: &'c Context,
    guard: Option<Guard>,
    part: Vec<HostBans>,
    part_bytes: usize,
    taken: Taken,
    spared: u64,
    /// How many bans in force each jail has.
    jails: BTreeMap<String, u64>,
    files: Files,
}

impl<'c> Taking<'c> {
    fn new(context: &'c Context, guard: Option<Guard>) -> Self {
        let (taken, files) = (Taken::default(), Files::default());
        let (part, jails) = (Vec::new(), BTreeMap::new());
        Self { context, guard, part, part_bytes: 0, taken, spared: 0, jails, files }
    }

    fn add(&mut self, bans: HostBans) -> Result<(), Stopped> {
        self.part_bytes += bans.bans.iter().map(|ban| ban.data.len() + BAN_BYTES).sum::<usize>();
        let in_force = self.jails.entry(bans.jail.clone()).or_default();
        *in_force += u64::from(is_in_force(&bans, self.context.now));
        self.part.push(bans);
        if self.part_bytes >= PART_BYTES || self.part.len() >= PART_BANS {
            self.hand_over()?;
        }
        Ok(())
    }

    fn hand_over(&mut self) -> Result<(), Error> {
        self.part_bytes = 0;
        self.files = Files::default();
        let bans = std::mem::take(&mut self.part);
        self.context.change(Change::TakeOver { bans, guard: self.guard }, |reply| {
            match reply {
                Reply::Spared { host, why } => {
                    self.spared += 1;
                    warn(&format!("f2b: {host} {why}; left out, --force imports it"));
                }
                Reply::TakenOver(taken) => self.taken += taken,
                reply => self.files.take(reply),
            }
            Ok(())
        })
    }

    fn tell(&self, database: &Database, logs: u64, out: &mut dyn Write) -> Result<Status, Error> {
        let Taken { in_force, past, lines, known } = self.taken;
        writeln!(
            out,
            "took over from fail2ban (version {} of its database), of {}:",
            database.version(),
            counted(self.jails.len() as u64, "jail")
        )?;
        writeln!(out, "  {} in force", counted(in_force, "ban"))?;
        writeln!(out, "  {} that are over", counted(past, "ban"))?;
        writeln!(out, "  {} that led to these", counted(lines, "line"))?;
        writeln!(out, "  the place in {} where reading goes on", counted(logs, "log"))?;
        if known > 0 {
            writeln!(out, "known before: {}", counted(known, "ban"))?;
        }
        let is_done = in_force + past + known + logs > 0 || self.spared == 0;
        let status = if is_done { Status::Found } else { Status::Nothing };
        let status = self.files.show(out)?.unwrap_or(status);
        self.warn_of_jails();
        Ok(status)
    }

    /// Bans of jails that are not configured are kept, and keep nobody out.
    fn warn_of_jails(&self) {
        let jails = Jails::new(&self.context.jails);
        for (jail, in_force) in self.jails.iter().filter(|(_, in_force)| **in_force > 0) {
            if jails.configuring(jail).is_err() {
                let (jail, bans) = (printable(jail), counted(*in_force, "ban"));
                warn(&format!(
                    "f2b: jail {jail} is not configured: its {bans} in force keep nobody out until it is"
                ));
            }
        }
    }
}

/// Whether the newest of a host's bans lasts.
pub(super) fn is_in_force(bans: &HostBans, now: Time) -> bool {
    let lasts = |ban: &crate::model::EarlierBan| {
        ban.bantime.is_some_and(|length| length.until(ban.at).is_none_or(|end| end > now))
    };
    bans.newest && bans.bans.last().is_some_and(lasts)
}
