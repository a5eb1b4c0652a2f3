//! Templates of `--output`: `<ip> <F-USER> <time>`.
//!
//! The tags are those of actions, and mean for a failure what fail2ban-regex has them mean: a tag without a value
//! vanishes, what is no tag stays as it is written.

use std::borrow::Cow;

use super::python::Said;
use super::{Part, ShapeError};
use crate::command::tag::{OF_BANS, Piece, name_of, own_full_name, own_name, pieces, reversed};
use crate::model::Addr;

/// Tags by their names.
pub(super) const NAMES: [&str; 15] = [
    "ip",
    "fid",
    "family",
    "ip-rev",
    "ip-host",
    "time",
    "matches",
    "msg",
    "failures",
    "bancount",
    "restored",
    "br",
    "sp",
    "fq-hostname",
    "sh-hostname",
];

/// What stands for a value of a failure.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Tag {
    /// A tag with a name of its own.
    Named(TagName),
    /// `<F-NAME>`: a capture, in small letters.
    Field(String),
    /// `<F-*>`: all data.
    All,
    /// None: it stays as it is.
    Unknown(String),
}

/// Tags with names of their own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TagName {
    /// The address, or else the id.
    Ip,
    /// The id.
    Id,
    /// `inet4` or `inet6`.
    Family,
    /// The address as a name in DNS has it.
    Reversed,
    /// The name of the address.
    Name,
    /// Seconds since 1970.
    Time,
    /// The line.
    Line,
    /// How many lines make it up.
    Failures,
    /// What is the same for all.
    Constant(String),
}

impl TagName {
    /// The tag of this name.
    pub(super) fn parse(name: &str) -> Option<Self> {
        Some(match name {
            "ip" => Self::Ip,
            "fid" => Self::Id,
            "family" => Self::Family,
            "ip-rev" => Self::Reversed,
            "ip-host" => Self::Name,
            "time" => Self::Time,
            "matches" | "msg" => Self::Line,
            "failures" => Self::Failures,
            // Nothing is banned yet, let alone banned again.
            "bancount" | "restored" => Self::Constant("0".into()),
            "br" => Self::Constant("\n".into()),
            "sp" => Self::Constant(" ".into()),
            "sh-hostname" => Self::Constant(own_name()),
            "fq-hostname" => Self::Constant(own_full_name()),
            _ => return None,
        })
    }

    fn value<'s>(&self, said: &'s Said<'_>) -> Cow<'s, str> {
        let addr = || said.addr().map(Addr::ip);
        match self {
            Self::Ip => said.ip(),
            Self::Id => said.failure.to_string().into(),
            Self::Family => match addr() {
                Some(ip) if ip.is_ipv4() => "inet4",
                Some(_) => "inet6",
                None => "None",
            }
            .into(),
            Self::Reversed => said.addr().map(reversed).unwrap_or_default().into(),
            Self::Name => addr().and_then(name_of).map_or("None".into(), Cow::from),
            Self::Time => said.time().unwrap_or_default().into(),
            Self::Line => said.text.into(),
            Self::Failures => said.found.attempts.to_string().into(),
            Self::Constant(text) => text.clone().into(),
        }
    }
}

impl Tag {
    fn parse(name: &str) -> Result<Self, ShapeError> {
        let mut of_bans = OF_BANS.into_iter().chain(["raw-ticket"]);
        if let Some(name) = of_bans.find(|known| *known == name) {
            return Err(ShapeError::OfBan(name));
        }
        let is_capital = |c: char| c.is_ascii_uppercase() || c.is_ascii_digit() || "_-".contains(c);
        Ok(match (TagName::parse(name), name.strip_prefix("F-")) {
            (Some(name), _) => Self::Named(name),
            (None, Some("*")) => Self::All,
            (None, Some(field)) if !field.is_empty() && field.chars().all(is_capital) => {
                Self::Field(match &*field.to_lowercase() {
                    "id" => "fid".to_owned(),
                    "port" => "fport".to_owned(),
                    other => other.to_owned(),
                })
            }
            _ => Self::Unknown(name.to_owned()),
        })
    }

    /// What it stands for.
    pub(super) fn value<'s>(&self, said: &'s Said<'_>) -> Cow<'s, str> {
        match self {
            Self::Named(name) => name.value(said),
            Self::Field(name) => match &**name {
                "matches" => said.matches().into(),
                "failures" => said.found.attempts.to_string().into(),
                name => said.field(name).unwrap_or_default(),
            },
            Self::All => said.data().into(),
            Self::Unknown(name) => format!("<{name}>").into(),
        }
    }
}

/// Whether a failure has this whatever its filter captures.
pub(super) fn is_always_there(field: &str) -> bool {
    matches!(
        field,
        "fid" | "fport" | "ip" | "ip4" | "ip6" | "dns" | "users" | "matches" | "failures"
    )
}

/// The pieces of a template.
pub(super) fn parts(template: &str) -> Result<Vec<Part>, ShapeError> {
    let part = |piece| match piece {
        Piece::Text(text) => Ok(Part::Text(text.to_owned())),
        Piece::Tag(name) => Tag::parse(name).map(Part::Tag),
    };
    pieces(template).into_iter().map(part).collect()
}
