//! The list as a JSON document.

use std::fmt;
use std::io::{self, BufReader, Read, Write};

use serde::de::{DeserializeSeed, Error, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::array::Array;
use super::stream::{Bounded, Bounds};
use super::{Defaults, ListError, parse_addr, parse_time};
use crate::model::Ban;

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
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
    /// That was so elsewhere: told, and not taken over.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    packets: Option<u64>,
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

pub(super) fn begin(out: &mut dyn Write) -> Array<'_> {
    Array::new(out, &[], "bans")
}

pub(super) fn write(ban: &Ban, packets: Option<u64>, list: &mut Array<'_>) -> io::Result<()> {
    list.element(&Element {
        host: ban.host.to_string(),
        jail: Some(ban.jail.clone()),
        banned_at: Some(ban.at.to_string()),
        banned_until: ban.until.map_or(Until::Never, |until| Until::At(until.to_string())),
        origin: Some(ban.origin.name().to_owned()),
        failures: ban.failures,
        packets,
    })
}

/// Errors count elements, from 1.
pub(super) fn read<E: From<ListError>>(
    from: Bounded<'_, impl Read>,
    bounds: &Bounds,
    defaults: &Defaults,
    mut take: impl FnMut(Ban) -> Result<(), E>,
) -> Result<(), E> {
    let mut refused = None;
    let mut nth = 0;
    let take = |element: Element| {
        nth += 1;
        bounds.piece();
        let taken = element.ban(nth, defaults).map_err(E::from).and_then(&mut take);
        taken.map_err(|error| refused = Some(error)).is_ok()
    };
    let mut json = serde_json::Deserializer::from_reader(BufReader::new(from));
    let read = Document(take).deserialize(&mut json).and_then(|()| json.end());
    match (refused, read) {
        (Some(error), _) => Err(error),
        (None, Err(error)) => Err(bounds.trouble_or(error).into()),
        (None, Ok(())) => Ok(()),
    }
}

impl Element {
    fn ban(self, nth: u64, defaults: &Defaults) -> Result<Ban, ListError> {
        let mut ban = defaults.ban(parse_addr(&self.host, nth)?);
        if let Some(jail) = self.jail {
            ban.jail = jail;
        }
        if let Some(at) = self.banned_at {
            ban.at = parse_time(&at, nth)?;
            ban.until = defaults.bantime.until(ban.at);
        }
        match self.banned_until {
            Until::Unsaid => {}
            Until::Never => ban.until = None,
            Until::At(text) => ban.until = Some(parse_time(&text, nth)?),
        }
        ban.failures = self.failures;
        Ok(ban)
    }
}

/// The object, whose elements are taken one by one as they are read, until one is refused.
struct Document<T>(T);

impl<'de, T: FnMut(Element) -> bool> DeserializeSeed<'de> for Document<T> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<(), D::Error> {
        from.deserialize_map(self)
    }
}

impl<'de, T: FnMut(Element) -> bool> Visitor<'de> for Document<T> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object with a list of bans")
    }

    fn visit_map<M: MapAccess<'de>>(mut self, mut members: M) -> Result<(), M::Error> {
        let mut has_bans = false;
        while let Some(name) = members.next_key::<String>()? {
            if name != "bans" {
                return Err(Error::unknown_field(&name, &["bans"]));
            }
            if std::mem::replace(&mut has_bans, true) {
                return Err(Error::duplicate_field("bans"));
            }
            members.next_value_seed(Elements(&mut self.0))?;
        }
        if has_bans { Ok(()) } else { Err(Error::missing_field("bans")) }
    }
}

/// The array of it.
struct Elements<T>(T);

impl<'de, T: FnMut(Element) -> bool> DeserializeSeed<'de> for Elements<T> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<(), D::Error> {
        from.deserialize_seq(self)
    }
}

impl<'de, T: FnMut(Element) -> bool> Visitor<'de> for Elements<T> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of bans")
    }

    fn visit_seq<S: SeqAccess<'de>>(mut self, mut elements: S) -> Result<(), S::Error> {
        while let Some(element) = elements.next_element()? {
            if !(self.0)(element) {
                return Err(Error::custom("refused"));
            }
        }
        Ok(())
    }
}
