//! What is read of the journal.

use super::*;

mod export;

/// Entries in the export format: what has control characters or isn't ASCII goes with its length.
fn exported<N: AsRef<str>>(entries: &[Vec<(N, Vec<u8>)>]) -> Vec<u8> {
    let mut out = Vec::new();
    for entry in entries {
        for (name, value) in entry {
            out.extend(name.as_ref().as_bytes());
            if value.iter().all(|byte| (b' '..0x7f).contains(byte)) {
                out.extend([b"=", &value[..]].concat());
            } else {
                out.push(b'\n');
                out.extend((value.len() as u64).to_le_bytes());
                out.extend(value);
            }
            out.push(b'\n');
        }
        out.push(b'\n');
    }
    out
}

fn text(entry: &Entry) -> String {
    String::from_utf8_lossy(&entry.line()).into_owned()
}
