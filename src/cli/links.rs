//! `f2b links`: fail2ban's names for this program, as symbolic links.

use std::fs;
use std::io::{self, ErrorKind, Write};
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use super::args::LinksArgs;
use super::compat::Face;
use super::{Error, Status, warn};

pub(super) fn run(args: &LinksArgs, out: &mut dyn Write) -> Result<Status, Error> {
    let own = std::env::current_exe()?;
    match (&args.install, &args.remove) {
        (Some(folder), _) => install(&own, folder, args.force, out),
        (None, Some(folder)) => remove(&own, folder, out),
        (None, None) => Ok(Status::Nothing),
    }
}

/// What has one of the names.
#[derive(PartialEq)]
enum Holder {
    Nobody,
    Own,
    Other,
}

fn holder(own: &Path, link: &Path) -> Holder {
    match fs::symlink_metadata(link) {
        Err(error) if error.kind() == ErrorKind::NotFound => Holder::Nobody,
        Ok(found) if found.is_symlink() && fs::canonicalize(link).is_ok_and(|path| path == own) => {
            Holder::Own
        }
        _ => Holder::Other,
    }
}

fn links(folder: &Path) -> impl Iterator<Item = PathBuf> {
    Face::ALL.into_iter().map(|face| folder.join(face.name()))
}

/// All of them or none.
fn install(
    own: &Path,
    folder: &Path,
    replaces: bool,
    out: &mut dyn Write,
) -> Result<Status, Error> {
    let foreign: Vec<_> = links(folder).filter(|link| holder(own, link) == Holder::Other).collect();
    if !foreign.is_empty() && !replaces {
        return Err(Error::ForeignLinks(foreign));
    }
    let is_beside = fs::canonicalize(folder).is_ok_and(|folder| own.parent() == Some(&folder));
    let target = own.file_name().filter(|_| is_beside).map_or(own, Path::new);
    for link in links(folder) {
        if holder(own, &link) == Holder::Own {
            writeln!(out, "{} leads to this program already", link.display())?;
            continue;
        }
        make(target, &link).map_err(|source| Error::Link { path: link.clone(), source })?;
        writeln!(out, "{} leads to {}", link.display(), own.display())?;
    }
    Ok(Status::Found)
}

/// What has the name is replaced in one step: nobody finds it missing.
fn make(target: &Path, link: &Path) -> io::Result<()> {
    let mut beside = link.as_os_str().to_owned();
    beside.push(format!(".{}", std::process::id()));
    symlink(target, &beside)?;
    fs::rename(&beside, link).inspect_err(|_| drop(fs::remove_file(&beside)))
}

fn remove(own: &Path, folder: &Path, out: &mut dyn Write) -> Result<Status, Error> {
    let mut status = Status::Nothing;
    for link in links(folder) {
        match holder(own, &link) {
            Holder::Nobody => {}
            Holder::Other => {
                let link = link.display();
                warn(&format!("f2b: {link} doesn't lead to this program, and stays"));
            }
            Holder::Own => {
                let failed = |source| Error::Link { path: link.clone(), source };
                fs::remove_file(&link).map_err(failed)?;
                writeln!(out, "{} is removed", link.display())?;
                status = Status::Found;
            }
        }
    }
    Ok(status)
}
