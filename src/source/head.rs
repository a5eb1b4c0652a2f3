//! Reading the head of a log from its file, whatever form it has there.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use super::SourceError;
use super::archive::{Compression, first_bytes};
use crate::model::{HEAD_MAX_BYTES, Head};

/// The head of the log in a file, decompressed if need be. An archive that breaks off early has
/// the head of what can be read.
///
/// # Errors
///
/// The file can't be read, or it is an archive that is broken from its first byte.
pub(super) fn of_file(path: &Path) -> Result<Head, SourceError> {
    let unreadable = |source| SourceError::Unreadable { path: path.to_owned(), source };
    let compression = Compression::of_file(path).map_err(unreadable)?;
    let file = File::open(path).map_err(unreadable)?;
    let Some(compression) = compression else {
        let bytes = first_bytes(file, HEAD_MAX_BYTES).map_err(unreadable)?;
        return Ok(Head::from_bytes(&bytes));
    };
    let mut text = compression.decode(file).map_err(unreadable)?.take(HEAD_MAX_BYTES as u64);
    let mut bytes = Vec::with_capacity(HEAD_MAX_BYTES);
    match text.read_to_end(&mut bytes) {
        Err(source) if bytes.is_empty() => Err(SourceError::Broken {
            path: path.to_owned(),
            compression: Some(compression),
            read_bytes: 0,
            source,
        }),
        Ok(_) | Err(_) => Ok(Head::from_bytes(&bytes)),
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    #[test]
    fn a_log_keeps_its_head_when_it_is_compressed() {
        let dir = tempfile::tempdir().unwrap();
        let text: Vec<u8> = (0..1000).flat_map(|i| format!("line {i}\n").into_bytes()).collect();
        let (plain, packed) = (dir.path().join("log"), dir.path().join("log.gz"));
        std::fs::write(&plain, &text).unwrap();
        let mut gz = flate2::write::GzEncoder::new(
            File::create(&packed).unwrap(),
            flate2::Compression::fast(),
        );
        gz.write_all(&text).unwrap();
        gz.finish().unwrap();
        assert_eq!(of_file(&plain).unwrap(), of_file(&packed).unwrap());
    }
}
