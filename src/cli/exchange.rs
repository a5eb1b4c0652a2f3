//! `f2b export` and `f2b import`: lists of bans in the formats of others.

use std::ffi::OsStr;
use std::fs::File;
use std::io::{self, Read, Seek, Write};
use std::path::{Path, PathBuf};

use clap::ValueEnum;
use tempfile::SpooledTempFile;

use super::args::{ExportArgs, ImportArgs, ListFormat};
use super::ban::guard;
use super::files::Files;
use super::output::counted;
use super::{Context, Error, Status, take_over, warn};
use crate::control::{Change, Exported, Guard, PART_BANS, Question, Reply, WhichBans};
use crate::error;
use crate::exchange::dump::{Detected, Dump, DumpWriter};
use crate::exchange::{self, Defaults, FileError, FileTrouble, Format, ListError, ListWriter};
use crate::model::{Ban, BanTime, Zone};
use crate::store::BanOrder;
use crate::text::printable;

impl From<ListFormat> for Detected {
    fn from(format: ListFormat) -> Self {
        match format {
            ListFormat::IpDeny => Self::List(Format::IpDeny),
            ListFormat::HostsDeny => Self::List(Format::HostsDeny),
            ListFormat::Csv => Self::List(Format::Csv),
            ListFormat::Json => Self::List(Format::Json),
            ListFormat::Fail2ban => Self::Database,
            ListFormat::Ipset => Self::Dump(Dump::Ipset),
            ListFormat::Nft => Self::Dump(Dump::Nft),
            ListFormat::Banned => Self::Dump(Dump::Banned),
            ListFormat::Banip => Self::Dump(Dump::Banip),
        }
    }
}

pub(super) fn export(
    context: &Context,
    args: &ExportArgs,
    out: &mut dyn Write,
) -> Result<Status, Error> {
    let is_stdout = |file: &Path| file == Path::new("-") || file == Path::new("/dev/stdout");
    let output = args.output.as_deref();
    let file = output.filter(|file| !is_stdout(file));
    let jail = args.jail.clone();
    match (Detected::from(args.format.unwrap_or(args.kind)), file) {
        (Detected::Database, Some(file)) => {
            return take_over::give_back(context, file, jail, out);
        }
        (Detected::Database, None) => return Err(Error::NoDatabaseFile),
        (Detected::Dump(_), Some(_)) => return Err(Error::NotKept),
        (Detected::Dump(dump), None) => print_dump(context, dump, jail, out)?,
        (Detected::List(format), Some(file)) => write(context, format, jail, file, out)?,
        (Detected::List(format), None) => print(context, format, jail, out)?,
    }
    // A list of nobody is a list: a job that writes it every night is not to fail for that.
    Ok(Status::Found)
}

fn print(
    context: &Context,
    format: Format,
    jail: Option<String>,
    out: &mut dyn Write,
) -> Result<(), Error> {
    let order = if format.holds_hosts_only() { BanOrder::Host } else { BanOrder::Jail };
    let mut list = ListWriter::new(format, out);
    context.ask(
        Question::Bans { jail, which: WhichBans::InForce(order), counted: false },
        |reply| match reply {
            Reply::Ban(ban) => list.ban(&ban),
            _ => Ok(()),
        },
    )?;
    list.end()?;
    Ok(())
}

fn print_dump(
    context: &Context,
    dump: Dump,
    jail: Option<String>,
    out: &mut dyn Write,
) -> Result<(), Error> {
    let mut list = DumpWriter::new(dump, context.now, context.zone, out);
    let which = WhichBans::InForce(BanOrder::Jail);
    context.ask(Question::Bans { jail, which, counted: false }, |reply| match reply {
        Reply::Ban(ban) => list.ban(&ban),
        _ => Ok(()),
    })?;
    list.end()?;
    Ok(())
}

fn write(
    context: &Context,
    format: Format,
    jail: Option<String>,
    file: &Path,
    out: &mut dyn Write,
) -> Result<(), Error> {
    let failed = |error| FileError { file: file.to_owned(), why: FileTrouble::Writing(error) };
    let file = std::path::absolute(file).map_err(failed)?;
    context.change(Change::Export { file, format, jail }, |reply| match reply {
        Reply::Exported { file, exported: Exported { bans, kept } } => {
            let file = file.to_string_lossy();
            write!(out, "wrote {} to {}", counted(bans, "ban"), printable(&file))?;
            if kept > 0 {
                write!(out, ", beside {} that f2b did not write", counted(kept, "line"))?;
            }
            writeln!(out)
        }
        _ => Ok(()),
    })?;
    Ok(())
}

pub(super) fn import(
    context: &Context,
    args: ImportArgs,
    out: &mut dyn Write,
) -> Result<Status, Error> {
    let (form, file) = import_operands(&args)?;
    if form == Some(Detected::Database) {
        return take_over::run(context, &file, args.force, out);
    }
    let bantime =
        BanTime::parse(&args.time).map_err(|source| Error::Duration { option: "time", source })?;
    let failed = |error| FileError { file: file.clone(), why: FileTrouble::Reading(error) };
    let mut list = List::open(&file).map_err(failed)?;
    let form = match form {
        None => exchange::dump::detect(list.head().map_err(failed)?),
        form => form,
    };
    let form = match form.ok_or_else(|| Error::UnknownList(file.clone()))? {
        Detected::Database => return take_over::run(context, &file, args.force, out),
        form => form,
    };
    let defaults = Defaults { jail: args.jail, at: context.now, bantime };
    let wrong = |source| Error::from(error::Error::List { file: file.clone(), source });
    let mut total = 0;
    // Once for its faults: what is wrong in the last line keeps the first from being imported.
    read(form, &mut list, &defaults, context.zone, |_| {
        total += 1;
        Ok::<_, ListError>(())
    })
    .map_err(wrong)?;
    let copy = list.copy().map_err(failed)?;
    let mut import =
        Import { context, guard: guard(args.force), new: 0, spared: 0, files: Files::default() };
    let mut part = Vec::new();
    read(form, copy, &defaults, context.zone, |ban| {
        part.push(ban);
        if part.len() >= PART_BANS { import.part(std::mem::take(&mut part)) } else { Ok(()) }
    })
    .map_err(|stopped: Stopped| match stopped {
        Stopped::List(error) => wrong(error),
        Stopped::Other(error) => error,
    })?;
    import.part::<Error>(part)?;
    let imported = counted(import.new, "ban");
    if import.new == total {
        writeln!(out, "imported {imported}")?;
    } else {
        let others = match total - import.new - import.spared {
            0 => "the others were left out",
            _ if import.spared > 0 => "the others were left out, are banned already or over",
            _ => "the others are banned already or over",
        };
        writeln!(out, "imported {imported} of {total} listed; {others}")?;
    }
    // That all of them are banned already is as good an end; that all were left out is none.
    let is_done = import.new > 0 || import.spared == 0;
    let status = if is_done { Status::Found } else { Status::Nothing };
    Ok(import.files.show(out)?.unwrap_or(status))
}

/// A list on its way into the store.
struct Import<'c> {
    context: &'c Context,
    guard: Option<Guard>,
    new: u64,
    /// How many were left out.
    spared: u64,
    /// What became of the exported files at the last part.
    files: Files,
}

impl Import<'_> {
    fn part<E: From<Error>>(&mut self, bans: Vec<Ban>) -> Result<(), E> {
        self.files = Files::default();
        let taken =
            self.context.change(Change::Import { bans, guard: self.guard }, |reply| match reply {
                Reply::Spared { host, why } => {
                    self.spared += 1;
                    warn(&format!("f2b: {host} {why}; left out, --force imports it"));
                    Ok(())
                }
                Reply::Imported { new } => {
                    self.new += new;
                    Ok(())
                }
                reply => {
                    self.files.take(reply);
                    Ok(())
                }
            });
        taken.map_err(E::from)
    }
}

/// Why reading a list for the second time ended early.
enum Stopped {
    List(ListError),
    Other(Error),
}

impl From<ListError> for Stopped {
    fn from(error: ListError) -> Self {
        Self::List(error)
    }
}

impl From<Error> for Stopped {
    fn from(error: Error) -> Self {
        Self::Other(error)
    }
}

/// Reads a list, whatever its form; a database is none.
fn read<E: From<ListError>>(
    form: Detected,
    from: impl Read,
    defaults: &Defaults,
    zone: Zone,
    take: impl FnMut(Ban) -> Result<(), E>,
) -> Result<(), E> {
    match form {
        Detected::List(format) => exchange::read(format, from, defaults, take),
        Detected::Dump(dump) => dump.read(from, defaults, zone, take),
        Detected::Database => Ok(()),
    }
}

/// `FORMAT FILE`, or `--format FORMAT FILE`, or a file that tells its form.
fn import_operands(args: &ImportArgs) -> Result<(Option<Detected>, PathBuf), Error> {
    match (args.format, args.operands.as_slice()) {
        (None, [file]) if !is_format(file) || Path::new(file).exists() => Ok((None, file.into())),
        (None, [format, file]) => {
            let format = format
                .to_str()
                .and_then(|name| ListFormat::from_str(name, false).ok())
                .ok_or_else(|| Error::ListFormat(format.to_string_lossy().into_owned()))?;
            Ok((Some(format.into()), file.into()))
        }
        (Some(format), [.., file]) => Ok((Some(format.into()), file.into())),
        _ => Err(Error::NoList),
    }
}

fn is_format(operand: &OsStr) -> bool {
    operand.to_str().is_some_and(|name| ListFormat::from_str(name, false).is_ok())
}

/// A list that is read twice, the second time from a copy: a pipe can't be read again, and what is imported is what was
/// looked at, even if somebody writes to the file.
struct List {
    from: Box<dyn Read>,
    head: Vec<u8>,
    copy: SpooledTempFile,
}

/// So much of a list tells its form.
const HEAD_BYTES: u64 = 1 << 16;

/// How much of a copy is held in memory.
const COPY_MEMORY_BYTES: usize = 1 << 20;

impl List {
    fn open(file: &Path) -> io::Result<Self> {
        let from: Box<dyn Read> = if file == Path::new("-") {
            Box::new(io::stdin())
        } else {
            Box::new(File::open(file)?)
        };
        Ok(Self { from, head: Vec::new(), copy: tempfile::spooled_tempfile(COPY_MEMORY_BYTES) })
    }

    /// How it begins, before anything of it is read.
    fn head(&mut self) -> io::Result<&[u8]> {
        self.from.by_ref().take(HEAD_BYTES).read_to_end(&mut self.head)?;
        let rest = std::mem::replace(&mut self.from, Box::new(io::empty()));
        self.from = Box::new(io::Cursor::new(self.head.clone()).chain(rest));
        Ok(&self.head)
    }

    fn copy(mut self) -> io::Result<impl Read> {
        self.copy.rewind()?;
        Ok(self.copy)
    }
}

impl Read for List {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let len = self.from.read(into)?;
        self.copy.write_all(into.get(..len).unwrap_or_default()).map_err(|error| {
            let folder = std::env::temp_dir();
            io::Error::other(format!("no copy of it in {}: {error}", folder.display()))
        })?;
        Ok(len)
    }
}
