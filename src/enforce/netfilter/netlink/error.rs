//! Why nf_tables can't be read or changed.

use std::io;

use rustix::io::Errno;

use super::set::{Key, SetInfo, SetName};

/// Why the kernel's nf_tables can't be read or changed; nothing was changed then.
#[derive(Debug, thiserror::Error)]
pub enum NetlinkError {
    /// The process may not touch the firewall of its network namespace.
    #[error("nf_tables, {what}: not permitted; run as root, or with CAP_NET_ADMIN")]
    NotPermitted {
        /// What was asked for.
        what: String,
    },
    /// A table, chain or set is missing.
    #[error("nf_tables, {what}: no such table, chain or set; it has to be made first")]
    NoSuch {
        /// What was asked for.
        what: String,
    },
    /// A range that shares addresses with another one of its set, without being the same.
    #[error("nf_tables, {what}: a range overlaps with another one; remove that in the same change")]
    Overlap {
        /// The set.
        what: String,
    },
    /// A key that the set can't hold: the other family's, a range in a set of hosts, or one that ends before it begins.
    #[error("nf_tables, {what}: it can't hold {key}; its type or its flags are others")]
    WrongKey {
        /// The key.
        key: Key,
        /// The set.
        what: String,
    },
    /// Others changed nf_tables whenever it was read.
    #[error("nf_tables, {what}: it changes faster than it can be read; try again later")]
    Restless {
        /// What was asked for.
        what: String,
    },
    /// A reply that nf_tables isn't known to give.
    #[error("nf_tables, {what}: strange reply of the kernel ({why}); f2b doesn't know this kernel")]
    Strange {
        /// What was asked for.
        what: String,
        /// What is strange about it.
        why: &'static str,
    },
    /// The kernel, or the way to it, failed in another way.
    #[error("nf_tables, {what}: {source}")]
    Io {
        /// What was asked for.
        what: String,
        /// What the kernel says.
        source: io::Error,
    },
}

/// Why connections could not be cut.
#[derive(Debug, thiserror::Error)]
#[error("{what} failed: {why}")]
pub struct CutError {
    what: &'static str,
    why: String,
}

/// How a request went wrong, not yet said of what.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Failed {
    /// The kernel refused the message of this number.
    Refused { sequence: u32, errno: Errno },
    /// A system call failed.
    System(Errno),
    /// What was read changed in the meantime.
    Interrupted,
    /// A reply can't be understood.
    Strange(&'static str),
}

impl Failed {
    /// Whether the kernel doesn't know what was asked for.
    pub(super) fn is_missing(self) -> bool {
        matches!(self, Self::Refused { errno: Errno::NOENT, .. })
    }

    /// The error to tell if it was about connections.
    pub(super) fn in_cutting(self, what: &'static str) -> CutError {
        let why = match self {
            Self::Refused { errno, .. } | Self::System(errno) => io::Error::from(errno).to_string(),
            Self::Interrupted => "they change faster than they can be read".to_owned(),
            Self::Strange(why) => format!("strange reply of the kernel ({why})"),
        };
        CutError { what, why }
    }

    /// The error to tell, about `what`.
    pub(super) fn about(self, what: &impl ToString) -> NetlinkError {
        let what = what.to_string();
        match self {
            Self::Refused { errno: Errno::PERM, .. } | Self::System(Errno::PERM) => {
                NetlinkError::NotPermitted { what }
            }
            Self::Refused { errno: Errno::NOENT, .. } => NetlinkError::NoSuch { what },
            Self::Refused { errno: Errno::EXIST, .. } => NetlinkError::Overlap { what },
            Self::Refused { errno, .. } | Self::System(errno) => {
                NetlinkError::Io { what, source: errno.into() }
            }
            Self::Interrupted => NetlinkError::Restless { what },
            Self::Strange(why) => NetlinkError::Strange { what, why },
        }
    }
}

/// The key as the set can have it.
pub(super) fn fitting(key: &Key, set: &SetName<'_>, info: SetInfo) -> Result<Key, NetlinkError> {
    let wrong = || NetlinkError::WrongKey { key: *key, what: set.to_string() };
    key.in_set(info).ok_or_else(wrong)
}
