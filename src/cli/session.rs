//! Who gives the order: from where the SSH session comes that this process runs in.

use std::ffi::OsStr;
use std::fs::File;
use std::io::Read;
use std::iter::successors;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::process::parent_id;

use crate::model::Addr;

/// What sshd(8) sets; the client's address comes first in both.
const VARIABLES: [&str; 2] = ["SSH_CONNECTION", "SSH_CLIENT"];
/// Of so many processes between this one and the first: processes that end meanwhile could make a circle of them.
const ANCESTORS_MAX: usize = 64;
/// As long are the files that are read of a process, most often.
const FILE_BYTES: usize = 8192;

/// The address that the session comes from: by this process's environment or, for sudo and su drop that, by the
/// nearest ancestor's that has it and may be read, as root may.
pub(super) fn peer() -> Option<Addr> {
    let own = |name: &&str| address(std::env::var_os(name)?.as_os_str());
    VARIABLES.iter().find_map(own).or_else(|| {
        let ancestors = successors(Some(parent_id()), |pid| parent(*pid)).take(ANCESTORS_MAX);
        ancestors.filter_map(|pid| read(pid, "environ")).find_map(|all| {
            VARIABLES.iter().find_map(|name| address(OsStr::from_bytes(value(&all, name)?)))
        })
    })
}

/// The value of a variable in an environment as proc(5) has it.
fn value<'e>(environment: &'e [u8], name: &str) -> Option<&'e [u8]> {
    let of_name = |entry: &'e [u8]| entry.strip_prefix(name.as_bytes())?.strip_prefix(b"=");
    environment.split(|byte| *byte == 0).find_map(of_name)
}

fn address(value: &OsStr) -> Option<Addr> {
    // An address of a link has its interface behind it.
    value.to_str()?.split_whitespace().next()?.split('%').next()?.parse().ok()
}

fn parent(pid: u32) -> Option<u32> {
    // Its name is in brackets, and may be anything; `/proc/PID/status` has a name for each field, and takes as long again.
    let stat = read(pid, "stat")?;
    let rest = &stat[stat.iter().rposition(|byte| *byte == b')')? + 1..];
    let parent = std::str::from_utf8(rest).ok()?.split_whitespace().nth(1)?;
    parent.parse().ok().filter(|parent| *parent > 0)
}

/// A file of a process. The kernel doesn't say how long it is; with room for nearly any, it is read in one go.
fn read(pid: u32, name: &str) -> Option<Vec<u8>> {
    let mut text = Vec::with_capacity(FILE_BYTES);
    let file = File::open(format!("/proc/{pid}/{name}")).ok()?;
    file.take(u64::MAX).read_to_end(&mut text).ok()?;
    Some(text)
}
