//! `nft -j list set`, `list ruleset` (libnftables-json(5)): sets with their elements; all else is passed over.

use std::io::{BufReader, Read};

use serde_json::Value;

use super::sets::{Lasts, ban};
use super::{Nth, Sets, sets};
use crate::exchange::stream::Bounds;
use crate::exchange::{Defaults, ListError};
use crate::model::{Ban, BanTime};

/// Errors count elements, from 1. It is held in memory as a whole.
pub(super) fn read<E: From<ListError>>(
    from: impl Read,
    bounds: &Bounds,
    defaults: &Defaults,
    mut take: impl FnMut(Ban) -> Result<(), E>,
) -> Result<(), E> {
    let document: Result<Value, _> = serde_json::from_reader(BufReader::new(from));
    let document = document.map_err(|error| bounds.trouble_or(error))?;
    let objects = document.get("nftables").and_then(Value::as_array).into_iter().flatten();
    let (mut known, nth) = (Sets::default(), Nth::default());
    for set in objects.filter_map(|object| object.get("set")) {
        let Some(elements) = set.get("elem").and_then(Value::as_array) else { continue };
        let name = set.get("name").and_then(Value::as_str).unwrap_or_default();
        known.begin(name)?;
        for element in elements {
            let line = nth.next();
            let is_v6 = set.get("type").and_then(Value::as_str) == Some("ipv6_addr");
            let jail = known.jail(name, is_v6, line, defaults)?;
            let (value, lasts) = match element.get("elem") {
                Some(inner) => (inner.get("val").unwrap_or(&Value::Null), lasts(inner)),
                None => (element, Lasts::Unsaid),
            };
            for addr in sets::addrs(&text(value), line)? {
                take(ban(addr, &jail, lasts, defaults))?;
            }
        }
    }
    Ok(())
}

/// An address, a network or a range as the other tools write it; anything else as it stands there.
fn text(value: &Value) -> String {
    let prefix =
        |of: &Value| Some(format!("{}/{}", of.get("addr")?.as_str()?, of.get("len")?.as_u64()?));
    let range = |of: &Value| Some(format!("{}-{}", of.get(0)?.as_str()?, of.get(1)?.as_str()?));
    let found = match value {
        Value::String(text) => Some(text.clone()),
        Value::Object(of) => {
            of.get("prefix").and_then(prefix).or_else(|| of.get("range").and_then(range))
        }
        _ => None,
    };
    found.unwrap_or_else(|| value.to_string())
}

fn lasts(element: &Value) -> Lasts {
    let secs = |name: &str| element.get(name).and_then(Value::as_i64);
    match (secs("expires"), secs("timeout")) {
        (Some(left), _) => Lasts::For(BanTime::Micros(left.saturating_mul(1_000_000))),
        (None, Some(0)) => Lasts::For(BanTime::Permanent),
        (None, _) => Lasts::Unsaid,
    }
}
