//! `f2b export` and `f2b import`, and keeping exported files true.

use std::fs;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};

use super::args::{ExportArgs, ImportArgs, ListFormat};
use super::output::counted;
use super::{Context, Status, warn};
use crate::error::Error;
use crate::exchange::{self, Defaults, Format};
use crate::model::{Ban, BanTime};
use crate::store::{Reader, Store};
use crate::text::printable;

impl From<ListFormat> for Format {
    fn from(format: ListFormat) -> Self {
        match format {
            ListFormat::IpDeny => Self::IpDeny,
            ListFormat::HostsDeny => Self::HostsDeny,
            ListFormat::Csv => Self::Csv,
            ListFormat::Json => Self::Json,
        }
    }
}

pub(super) fn export(
    context: &Context,
    args: &ExportArgs,
    out: &mut dyn Write,
) -> Result<Status, Error> {
    let format = Format::from(args.format.unwrap_or(args.kind));
    // A store that is not there is a slip of the pen, not an empty list.
    let bans = Reader::open(&context.db)?.bans_active(context.now, args.jail.as_deref())?;
    match &args.output {
        None => exchange::write(format, &bans, out)?,
        Some(file) => {
            let file = absolute(file)?;
            write_file(&file, format, &bans)?;
            let mut store = Store::open(&context.db)?;
            // The list of one jail is written once: a file that is kept true holds every ban. So is what
            // isn't a file, such as a pipe.
            if args.jail.is_none() && fs::metadata(&file).is_ok_and(|found| found.is_file()) {
                store.transact(|batch| {
                    batch.set_export(&file.to_string_lossy(), format.name(), context.now)
                })?;
            } else {
                store.transact(|batch| batch.forget_export(&file.to_string_lossy()))?;
            }
            writeln!(out, "wrote {} to {}", counted(bans.len() as u64, "ban"), shown(&file))?;
        }
    }
    Ok(if bans.is_empty() { Status::Nothing } else { Status::Found })
}

pub(super) fn import(
    context: &Context,
    args: ImportArgs,
    out: &mut dyn Write,
) -> Result<Status, Error> {
    let (format, file) = import_operands(&args)?;
    let bantime =
        BanTime::parse(&args.time).map_err(|source| Error::Duration { option: "time", source })?;
    let bytes = read_list(&file)?;
    let defaults = Defaults { jail: args.jail, at: context.now, bantime };
    let listed = exchange::read(format, &bytes, &defaults)
        .map_err(|source| Error::List { file: file.clone(), source })?;
    let mut store = Store::open(&context.db)?;
    store.transact(|batch| batch.expire(context.now))?;
    let standing = store.reader().bans_active(context.now, None)?;
    let known: std::collections::HashSet<(&str, &crate::model::Host)> =
        standing.iter().map(|ban| (ban.jail.as_str(), &ban.host)).collect();
    let total = listed.len();
    let mut seen = std::collections::HashSet::new();
    let wanted: Vec<Ban> = listed
        .iter()
        .filter(|ban| !known.contains(&(ban.jail.as_str(), &ban.host)))
        .filter(|ban| ban.is_active(context.now))
        .filter(|ban| seen.insert((ban.jail.clone(), ban.host.clone())))
        .cloned()
        .collect();
    let new = store.add_bans(&wanted)?;
    let imported = counted(new, "ban");
    if new == total as u64 {
        writeln!(out, "imported {imported}")?;
    } else {
        let total = super::output::grouped(total as u64);
        writeln!(
            out,
            "imported {imported} of {total} listed; the others are banned already or over"
        )?;
    }
    let kept = refresh(&mut store, context, out)?;
    Ok(kept.unwrap_or(if new > 0 { Status::Found } else { Status::Nothing }))
}

/// `FORMAT FILE`, or `--format FORMAT FILE`.
fn import_operands(args: &ImportArgs) -> Result<(Format, PathBuf), Error> {
    match (args.format, args.operands.as_slice()) {
        (None, [format, file]) => {
            let format =
                Format::from_name(format).ok_or_else(|| Error::ListFormat(format.clone()))?;
            Ok((format, file.into()))
        }
        (Some(format), [.., file]) => Ok((format.into(), file.into())),
        _ => Err(Error::NoList),
    }
}

fn read_list(file: &Path) -> Result<Vec<u8>, Error> {
    let failed = |source| Error::File { file: file.to_owned(), action: "reading", source };
    if file == Path::new("-") {
        let mut bytes = Vec::new();
        std::io::stdin().lock().read_to_end(&mut bytes).map_err(failed)?;
        return Ok(bytes);
    }
    fs::read(file).map_err(failed)
}

/// Writes every exported file anew, for the bans have changed; says [`Status::Trouble`] if that can't be done.
/// A file that its user removed is forgotten; one whose folder is missing, an unmounted one perhaps, is not.
pub(super) fn refresh(
    store: &mut Store,
    context: &Context,
    out: &mut dyn Write,
) -> Result<Option<Status>, Error> {
    let exports = store.reader().exports()?;
    if exports.is_empty() {
        return Ok(None);
    }
    let mut trouble = None;
    let bans = store.reader().bans_active(context.now, None)?;
    for export in exports {
        let file = PathBuf::from(&export.path);
        let Some(format) = Format::from_name(&export.format) else { continue };
        if !file.exists() && file.parent().is_some_and(Path::is_dir) {
            store.transact(|batch| batch.forget_export(&export.path))?;
            warn(&format!("f2b: {} is gone and is no longer kept up to date", shown(&file)));
            continue;
        }
        match write_file(&file, format, &bans) {
            Ok(()) => {
                store.transact(|batch| {
                    batch.set_export(&export.path, &export.format, context.now)
                })?;
                writeln!(out, "rewrote {}", shown(&file))?;
            }
            // The store is right; the file will be when it can be written again.
            Err(error) => {
                trouble = Some(Status::Trouble);
                warn(&format!("f2b: {error}; it still lists the bans of before"));
            }
        }
    }
    Ok(trouble)
}

fn shown(file: &Path) -> String {
    printable(&file.to_string_lossy()).into_owned()
}

/// Beside the file, synced, then renamed over it: a reader sees the old list or the new one. A link stays a link;
/// what is no file (a pipe, a device) is written to.
fn write_file(file: &Path, format: Format, bans: &[Ban]) -> Result<(), Error> {
    let mut list = Vec::new();
    exchange::write(format, bans, &mut list)?;
    let failed = |source| Error::File { file: file.to_owned(), action: "writing", source };
    let is_link_to_nothing = file.is_symlink() && !file.exists();
    if is_link_to_nothing || fs::metadata(file).is_ok_and(|found| !found.is_file()) {
        return fs::File::create(file).and_then(|mut out| out.write_all(&list)).map_err(failed);
    }
    let file = &fs::canonicalize(file).unwrap_or_else(|_| file.to_owned());
    let name = file.file_name().unwrap_or_default().to_string_lossy();
    let beside = file.with_file_name(format!(".{name}.f2b-{}", std::process::id()));
    let written = fs::File::create(&beside)
        .and_then(|mut new| {
            if let Ok(old) = fs::metadata(file) {
                new.set_permissions(old.permissions())?;
            }
            new.write_all(&list)?;
            new.sync_all()
        })
        .and_then(|()| fs::rename(&beside, file));
    written.map_err(|source| {
        // What is left of it would only confuse; if it can't be removed, nothing is lost.
        let _ = fs::remove_file(&beside);
        Error::File { file: file.to_owned(), action: "writing", source }
    })
}

fn absolute(file: &Path) -> Result<PathBuf, Error> {
    std::path::absolute(file).map_err(|source| Error::File {
        file: file.to_owned(),
        action: "writing",
        source,
    })
}
