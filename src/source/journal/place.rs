//! Which journal is read: the options of `backend = systemd[...]`, as arguments of journalctl.

use std::ffi::OsString;
use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use super::JournalError;
use crate::model::JournalTerm;

/// Which journal is read. `rotated` of fail2ban 1.1 isn't needed: files that journald has finished are read as far as
/// they have what is asked for.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct JournalPlace {
    /// A folder of journal files (`journalpath`).
    pub path: Option<PathBuf>,
    /// Journal files, perhaps with `*`, `?` and `[...]` (`journalfiles`).
    pub files: Vec<String>,
    /// Which of the machine's journals, as of sd_journal_open(3) (`journalflags`). Without it, those of the system,
    /// also of other machines; or all that is in a folder or in files.
    pub flags: Option<u32>,
    /// Whose journal (`namespace`).
    pub namespace: Option<String>,
}

const LOCAL_ONLY: u32 = 1;
const RUNTIME_ONLY: u32 = 2;
const SYSTEM: u32 = 4;
const CURRENT_USER: u32 = 8;
const RUNTIME_FOLDER: &str = "/run/log/journal";

impl JournalPlace {
    /// The arguments of journalctl, and what it has to be asked for besides.
    pub(super) fn args(&self) -> Result<(Vec<OsString>, Option<JournalTerm>), JournalError> {
        if self.path.is_some() && !self.files.is_empty() {
            return Err(JournalError::PathAndFiles);
        }
        let default = if self.path.is_none() && self.files.is_empty() { SYSTEM } else { 0 };
        let flags = self.flags.unwrap_or(default);
        if flags >= 2 * CURRENT_USER {
            return Err(JournalError::Flags(flags));
        }
        let runtime = (flags & RUNTIME_ONLY != 0).then(|| PathBuf::from(RUNTIME_FOLDER));
        let runtime = runtime.filter(|_| self.files.is_empty());
        let mut args = Vec::new();
        if let Some(path) = self.path.clone().or(runtime) {
            args.push(option("--directory", absolute(&path)));
        }
        args.extend(self.files.iter().map(|file| option("--file", absolute(Path::new(file)))));
        args.extend(self.namespace.iter().map(|name| option("--namespace", name)));
        args.extend((flags & SYSTEM != 0).then(|| "--system".into()));
        args.extend((flags & CURRENT_USER != 0).then(|| "--user".into()));
        let local = if flags & LOCAL_ONLY == 0 { None } else { Some(machine()?) };
        Ok((args, local))
    }

    /// The identities of the files that `journalfiles` names, as of this moment.
    pub(super) fn inodes(&self) -> Vec<(u64, u64)> {
        let globs = self.files.iter().filter_map(|file| glob::glob(file).ok());
        let metas = globs.flatten().filter_map(|path| fs::metadata(path.ok()?).ok());
        let mut inodes: Vec<_> = metas.map(|meta| (meta.dev(), meta.ino())).collect();
        inodes.sort_unstable();
        inodes
    }
}

fn option(name: &str, value: impl Into<OsString>) -> OsString {
    let mut arg = OsString::from(format!("{name}="));
    arg.push(value.into());
    arg
}

/// journalctl doesn't follow files that are named from where it is.
fn absolute(path: &Path) -> PathBuf {
    std::path::absolute(path).unwrap_or_else(|_| path.to_owned())
}

/// Entries of this machine. journalctl itself leaves others out only without `--merge`, and then follows nothing but
/// what was written since the machine was started.
fn machine() -> Result<JournalTerm, JournalError> {
    let id = fs::read_to_string("/etc/machine-id").map_err(JournalError::MachineId)?;
    let value = id.trim().to_owned();
    if value.is_empty() {
        return Err(JournalError::MachineId(io::Error::other("it is empty")));
    }
    Ok(JournalTerm { field: "_MACHINE_ID".to_owned(), value })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn args(place: &JournalPlace) -> String {
        let (args, _) = place.args().unwrap();
        args.join(" ".as_ref()).into_string().unwrap()
    }

    #[test]
    fn a_place_is_arguments() {
        let default = JournalPlace::default();
        assert_eq!(args(&default), "--system");
        let path = JournalPlace { path: Some("/j".into()), ..default.clone() };
        assert_eq!(args(&path), "--directory=/j");
        let files = vec!["/a*.journal".into(), "/b.journal".into()];
        let files = JournalPlace { files, ..default.clone() };
        assert_eq!(args(&files), "--file=/a*.journal --file=/b.journal");
        for (flags, wanted) in
            [(0, ""), (2, "--directory=/run/log/journal"), (12, "--system --user")]
        {
            assert_eq!(args(&JournalPlace { flags: Some(flags), ..default.clone() }), wanted);
        }
        let namespace = JournalPlace { namespace: Some("n".into()), ..path };
        assert_eq!(args(&namespace), "--directory=/j --namespace=n");
        let here = JournalPlace { files: vec!["a.journal".into()], ..default };
        assert!(args(&here).starts_with("--file=/"), "{}", args(&here));
    }

    #[test]
    fn err_what_excludes_itself_or_is_unknown() {
        let files = vec!["/b.journal".to_owned()];
        let both = JournalPlace { path: Some("/j".into()), files, ..JournalPlace::default() };
        let text = "journalpath and journalfiles exclude each other; keep one of them";
        assert_eq!(both.args().unwrap_err().to_string(), text);
        let flags = JournalPlace { flags: Some(16), ..JournalPlace::default() };
        let text = "journalflags is 16; write a sum of 1 (this machine), 2 (since its start), \
                    4 (the system) and 8 (the user), and other journals as namespace";
        assert_eq!(flags.args().unwrap_err().to_string(), text);
    }
}
