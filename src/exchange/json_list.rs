//! The list as a JSON document.

use std::io::{self, Write};

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::{Defaults, ListError, parse_addr, parse_time};
use crate::model::Ban;

#[derive(Serialize, Deserialize)]
struct Document {
    bans: Vec<Element>,
}

#[derive(Serialize, Deserialize)]
struct Element {
    host: String,
    #[serde(default)]
    jail: Option<String>,
    #[serde(default)]
    banned_at: Option<String>,
    #[serde(default)]
    banned_until: Until,
    #[serde(default)]
    origin: Option<String>,
    #[serde(default)]
    failures: u32,
}

/// When a ban ends, as its member says.
#[derive(Default)]
enum Until {
    /// There is no such member: the usual time.
    #[default]
    Unsaid,
    /// `null`: permanent.
    Never,
    At(String),
}

impl Serialize for Until {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Unsaid | Self::Never => to.serialize_none(),
            Self::At(time) => to.serialize_str(time),
        }
    }
}

impl<'de> Deserialize<'de> for Until {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let time: Option<String> = Option::deserialize(from)?;
        Ok(time.map_or(Self::Never, Self::At))
    }
}

pub(super) fn write(bans: &[Ban], out: &mut dyn Write) -> io::Result<()> {
    let bans = bans
        .iter()
        .map(|ban| Element {
            host: ban.host.to_string(),
            jail: Some(ban.jail.clone()),
            banned_at: Some(ban.at.to_string()),
            banned_until: ban.until.map_or(Until::Never, |until| Until::At(until.to_string())),
            origin: Some(ban.origin.name().to_owned()),
            failures: ban.failures,
        })
        .collect();
    serde_json::to_writer_pretty(&mut *out, &Document { bans })?;
    writeln!(out)
}

/// Errors count elements, from 1.
pub(super) fn read(text: &str, defaults: &Defaults) -> Result<Vec<Ban>, ListError> {
    let document: Document = serde_json::from_str(text)?;
    let mut bans = Vec::new();
    for (nth, element) in (1..).zip(document.bans) {
        let mut ban = defaults.ban(parse_addr(&element.host, nth)?);
        if let Some(jail) = element.jail {
            ban.jail = jail;
        }
        if let Some(at) = element.banned_at {
            ban.at = parse_time(&at, nth)?;
            ban.until = defaults.bantime.until(ban.at);
        }
        match element.banned_until {
            Until::Unsaid => {}
            Until::Never => ban.until = None,
            Until::At(text) => ban.until = Some(parse_time(&text, nth)?),
        }
        ban.failures = element.failures;
        bans.push(ban);
    }
    Ok(bans)
}
