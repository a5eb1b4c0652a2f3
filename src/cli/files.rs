//! What became of the exported files and of the firewall, said at the end of each command that changes who is banned.

use std::io::{self, Write};

use super::{Status, warn};
use crate::control::{FileFate, Reply, Unenforced};
use crate::text::printable;

/// Files and actions of an answer, until the rest of it was said.
#[derive(Default)]
pub(super) struct Files {
    fates: Vec<FileFate>,
    unenforced: Vec<Unenforced>,
}

impl Files {
    /// Keeps a reply that is about a file or an action; others say nothing to whoever has not asked for them.
    pub(super) fn take(&mut self, reply: Reply) {
        match reply {
            Reply::File(fate) => self.fates.push(fate),
            Reply::Unenforced(unenforced) => self.unenforced.push(unenforced),
            _ => {}
        }
    }

    /// Says it; [`Status::Trouble`] if a file does not say who is banned, or an action is not as it ought to be.
    pub(super) fn show(&self, out: &mut dyn Write) -> io::Result<Option<Status>> {
        let trouble = show(&self.fates, out)?;
        Ok(warn_unenforced(&self.unenforced, out)?.or(trouble))
    }
}

/// Says which actions are not as they ought to be; [`Status::Trouble`] if there are any.
pub(super) fn warn_unenforced(
    unenforced: &[Unenforced],
    out: &mut dyn Write,
) -> io::Result<Option<Status>> {
    // What was done stands above what wasn't.
    out.flush()?;
    for Unenforced { jail, action, why } in unenforced {
        let action = if action.is_empty() { String::new() } else { format!(" by {action}") };
        warn(&format!("f2b: jail '{jail}': its bans are not enforced{action}: {why}"));
    }
    Ok((!unenforced.is_empty()).then_some(Status::Trouble))
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
