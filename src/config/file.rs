//! One configuration file: what stands under its name, as far as that can be a configuration.

use std::fs::{self, File, FileType};
use std::io::{self, Read};
use std::path::Path;

use super::ini::{self, Parsed};
use crate::diag::{Diagnostic, Location, Severity};

/// A larger file isn't read. fail2ban's largest has some 30 kB; a list of addresses in one has its place in a file of
/// its own (`ignoreip = file:PATH`), for which the bound is the same.
const FILE_MAX_BYTES: u64 = 16_000_000;

/// What a mask is a link to; it is an empty file to whoever reads it.
const MASK: &str = "/dev/null";

/// The file as it is read; `None` if there is none.
pub(super) fn read(path: &Path) -> Option<Parsed> {
    let found = fs::metadata(path).ok()?;
    if fs::canonicalize(path).is_ok_and(|path| path == Path::new(MASK)) {
        return Some(Parsed::default());
    }
    if !found.is_file() {
        return Some(no_file(path, found.file_type()));
    }
    match bytes(path) {
        Ok(Some(bytes)) => Some(ini::parse(path, &bytes)),
        Ok(None) => Some(unread(
            path,
            Severity::Error,
            format!("can't read: it is larger than {} MB", FILE_MAX_BYTES / 1_000_000),
            "split it, or put the file that is meant in its place",
        )),
        Err(error) => {
            let message = format!("can't read: {error}");
            Some(unread(path, Severity::Error, message, "check its permissions"))
        }
    }
}

/// The bytes of a file; `None` if they are too many.
fn bytes(path: &Path) -> io::Result<Option<Vec<u8>>> {
    let mut bytes = Vec::new();
    File::open(path)?.take(FILE_MAX_BYTES + 1).read_to_end(&mut bytes)?;
    Ok((bytes.len() as u64 <= FILE_MAX_BYTES).then_some(bytes))
}

/// Reading from anything else may wait for ever, or never end. A folder is passed over by fail2ban, too.
fn no_file(path: &Path, kind: FileType) -> Parsed {
    let help = "put a file in its place, or take it away";
    if kind.is_dir() {
        return unread(path, Severity::Warning, "passed over: it is a folder".to_owned(), help);
    }
    unread(path, Severity::Error, "can't read: it is a device, a pipe or a socket".to_owned(), help)
}

fn unread(path: &Path, severity: Severity, message: String, help: &str) -> Parsed {
    let found = Diagnostic::new("unreadable-file", severity, message)
        .with_location(Location::new(path, 0))
        .with_help(help);
    Parsed { sections: Vec::new(), findings: vec![found] }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(path: &Path) -> Option<Vec<String>> {
        let name = path.file_name().and_then(|name| name.to_str()).expect("a name");
        let folder = path.to_str().and_then(|path| path.strip_suffix(name)).expect("it ends so");
        let findings = read(path)?.findings;
        Some(findings.iter().map(|found| found.to_string().replace(folder, "")).collect())
    }

    #[test]
    fn err_what_is_no_file_of_a_sensible_size_is_told_and_not_read() {
        let dir = tempfile::tempdir().expect("a folder");
        let path = dir.path().join("jail.local");
        assert_eq!(said(&path), None);
        let instead = "put a file in its place, or take it away";
        fs::create_dir(&path).expect("made");
        let folder = format!("jail.local: passed over: it is a folder; {instead}");
        assert_eq!(said(&path), Some(vec![folder]));
        fs::remove_dir(&path).expect("removed");
        let device =
            format!("jail.local: can't read: it is a device, a pipe or a socket; {instead}");
        std::os::unix::fs::symlink("/dev/zero", &path).expect("linked");
        assert_eq!(said(&path), Some(vec![device]));
        fs::remove_file(&path).expect("removed");
        std::os::unix::fs::symlink(MASK, &path).expect("linked");
        assert_eq!(said(&path), Some(Vec::new()));
        fs::remove_file(&path).expect("removed");
        let file = File::create(&path).expect("made");
        file.set_len(FILE_MAX_BYTES + 1).expect("it takes no room");
        let large = "jail.local: can't read: it is larger than 16 MB; \
                     split it, or put the file that is meant in its place";
        assert_eq!(said(&path), Some(vec![large.to_owned()]));
        file.set_len(1).expect("shorter");
        assert_ne!(said(&path), Some(vec![large.to_owned()]));
    }
}
