//! What became of the exported files, said at the end of each command that changes who is banned.

use std::io::{self, Write};

use super::{Status, warn};
use crate::control::{FileFate, Reply};
use crate::text::printable;

/// The files of an answer, until the rest of it was said.
#[derive(Default)]
pub(super) struct Files(Vec<FileFate>);

impl Files {
    /// Keeps a reply that is about a file; others say nothing to whoever has not asked for them.
    pub(super) fn take(&mut self, reply: Reply) {
        if let Reply::File(fate) = reply {
            self.0.push(fate);
        }
    }

    /// Says it; [`Status::Trouble`] if a file does not say who is banned.
    pub(super) fn show(&self, out: &mut dyn Write) -> io::Result<Option<Status>> {
        show(&self.0, out)
    }
}

/// Says what became of files; [`Status::Trouble`] if one of them does not say who is banned.
pub(super) fn show(fates: &[FileFate], out: &mut dyn Write) -> io::Result<Option<Status>> {
    let mut trouble = None;
    for fate in fates {
        match fate {
            FileFate::Written(file) => {
                writeln!(out, "rewrote {}", printable(&file.to_string_lossy()))?;
            }
            FileFate::Gone(file) => {
                let file = file.to_string_lossy();
                warn(&format!(
                    "f2b: {} is gone and is no longer kept up to date",
                    printable(&file)
                ));
            }
            FileFate::Stale { why, .. } => {
                trouble = Some(Status::Trouble);
                warn(&format!("f2b: {why}; it still lists the bans of before"));
            }
        }
    }
    Ok(trouble)
}
