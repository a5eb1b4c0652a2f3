//! Pickles of plain values, as fail2ban's programs send them to each other.
//!
//! Python's pickles are programs for a small machine that can call anything; fail2ban's server unpickles whatever it is
//! sent, and so runs what its clients like. Here only those instructions are followed that make plain values
//! ([`decode`]). [`Frames`] cuts what arrives into requests, [`encode`] writes the replies. None of the values that are
//! read shares anything: what a pickle says once and repeats is copied, and counted each time.

mod decode;
mod encode;
mod frame;
mod opcode;
mod text;

#[cfg(test)]
mod tests;

pub use self::decode::{decode, decode_reply};
pub use self::encode::encode;
pub use self::frame::{CLOSE, Frame, Frames, MARKER, TooLong};

/// The newest protocol of pickles, of Python 3.8.
pub const PROTOCOL_MAX: u8 = 5;

/// The oldest protocol that replies are written in: that of Python 2, of Go's readers.
pub const PROTOCOL_MIN: u8 = 2;

/// A request has so many bytes at most. fail2ban has no limit; the longest that its client can be told to send is a
/// command line, of 2 MiB.
pub const REQUEST_MAX: usize = 16 << 20;

/// A request has so many values at most, those within others and those that are repeated included; so many are held at
/// any time while it is read. With all that reading needs they take up some 100 MB.
pub const VALUES_MAX: usize = 500_000;

/// Values are within each other so deep at most. A stream of configuration is six deep.
pub const DEPTH_MAX: usize = 64;

/// Why a pickle can't be read. The texts are those of Python where it has the same complaint.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Malformed {
    /// There is none.
    #[error("Ran out of input")]
    Empty,
    /// It ends too early.
    #[error("pickle data was truncated")]
    Truncated,
    /// It contains what is no instruction.
    #[error("invalid load key, '{}'.", key(*.0))]
    Unknown(u8),
    /// It contains an instruction that makes something else than a plain value.
    #[error("a pickle of plain values only can be read, and instruction '{}' makes others", key(*.0))]
    Forbidden(u8),
    /// It is of a protocol yet to come.
    #[error("unsupported pickle protocol: {0}")]
    Protocol(u8),
    /// An instruction needs what was not made before it.
    #[error("unpickling stack underflow")]
    Underflow,
    /// An instruction is about something of another kind.
    #[error("pickle instruction '{}' does not fit what stands before it", key(*.0))]
    Unfit(u8),
    /// What was not remembered is repeated.
    #[error("Memo value not found at index {0}")]
    Forgotten(usize),
    /// The argument of an instruction can't be read, or is a number beyond 64 bits.
    #[error("pickle instruction '{}' has a value that can't be read", key(*.0))]
    Unreadable(u8),
    /// It has more values than [`VALUES_MAX`], or more text than [`REQUEST_MAX`].
    #[error("pickle data has too many values")]
    TooMany,
    /// It is deeper than [`DEPTH_MAX`], or contains itself.
    #[error("pickle data is too deep")]
    TooDeep,
}

/// As Python shows it.
fn key(code: u8) -> String {
    match code {
        0x20..0x7f => char::from(code).to_string(),
        _ => format!("\\x{code:02x}"),
    }
}
