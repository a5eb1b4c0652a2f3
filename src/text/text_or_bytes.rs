//! A line or a path as others are told it in JSON: a text if it is UTF-8, else a list of bytes. For serde's `with`.

use std::ffi::OsString;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::PathBuf;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

#[derive(Deserialize)]
#[serde(untagged)]
enum Told {
    Text(String),
    Bytes(Vec<u8>),
}

/// Tells it.
pub fn serialize<T: AsBytes, S: Serializer>(found: &T, to: S) -> Result<S::Ok, S::Error> {
    match std::str::from_utf8(found.as_bytes()) {
        Ok(text) => to.serialize_str(text),
        Err(_) => found.as_bytes().serialize(to),
    }
}

/// Takes it.
pub fn deserialize<'de, T: AsBytes, D: Deserializer<'de>>(from: D) -> Result<T, D::Error> {
    Ok(T::from_bytes(match Told::deserialize(from)? {
        Told::Text(text) => text.into_bytes(),
        Told::Bytes(bytes) => bytes,
    }))
}

/// What is bytes, most often of UTF-8.
pub trait AsBytes {
    /// Its bytes.
    fn as_bytes(&self) -> &[u8];
    /// What has these bytes.
    fn from_bytes(bytes: Vec<u8>) -> Self;
}

impl AsBytes for Vec<u8> {
    fn as_bytes(&self) -> &[u8] {
        self
    }

    fn from_bytes(bytes: Vec<u8>) -> Self {
        bytes
    }
}

impl AsBytes for PathBuf {
    fn as_bytes(&self) -> &[u8] {
        self.as_os_str().as_bytes()
    }

    fn from_bytes(bytes: Vec<u8>) -> Self {
        OsString::from_vec(bytes).into()
    }
}
