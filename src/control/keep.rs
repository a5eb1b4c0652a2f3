//! What fail2ban would know had it been in f2b's place: for the way back.
//!
//! fail2ban forgets a host in a jail when its ban is lifted; the bans that were forgiven so are left out, and the others
//! counted from there. Scans without a jail have no place in it.

use std::collections::HashMap;

use serde_json::Value;

use super::{Failed, Reply, Take};
use crate::engine::follow;
use crate::model::{Ban, EndReason, Host, Time};
use crate::store::{Event, MatchedLine, Reader, StoreError};

/// So many lines of a ban are kept, fail2ban's default.
const MATCHES_MAX: usize = 10;

/// Hands over a [`Reply::Kept`] for each ban, in the order in which they began, and a [`Reply::Reached`] for each log and
/// journal that a jail has read; of one jail or of all.
pub(super) fn kept(
    jail: Option<&str>,
    reader: &Reader,
    now: Time,
    take: &mut Take<'_>,
) -> Result<(), Failed> {
    let mut books = Books::of(jail, reader)?;
    reader.each_ban(jail, |ban| {
        if let Some(count) = books.count(&ban) {
            let data = data(reader, &ban)?;
            take(Reply::Kept { ban, count, data })?;
        }
        Ok::<_, Failed>(())
    })?;
    let is_wanted = |name: &String| !name.is_empty() && jail.is_none_or(|jail| jail == name);
    let names = reader.jails(now)?.into_iter().map(|jail| jail.name);
    for name in names.filter(is_wanted) {
        for read in follow::reached(&name, reader)? {
            take(Reply::Reached(read))?;
        }
    }
    Ok(())
}

type InJail = (String, Host);

/// How many bans there were of each host in each jail.
struct Books {
    /// When the last of them was lifted by hand.
    forgiven: HashMap<InJail, Time>,
    /// Those that count as more, or less, than there are.
    more: HashMap<(InJail, Time), i64>,
    counts: HashMap<InJail, i64>,
}

impl Books {
    fn of(jail: Option<&str>, reader: &Reader) -> Result<Self, StoreError> {
        let mut forgiven = HashMap::new();
        reader.each_ban(jail, |ban| {
            if matches!(ban.ended, Some((_, EndReason::Unbanned))) {
                forgiven.insert((ban.jail, ban.host), ban.at);
            }
            Ok::<_, StoreError>(())
        })?;
        let more = reader.counted_otherwise(jail)?.into_iter();
        let more = more.map(|found| (((found.jail, found.host), found.at), found.more)).collect();
        Ok(Self { forgiven, more, counts: HashMap::new() })
    }

    /// The how many-th ban of its host it is; `None` if it is forgiven, or of no jail.
    fn count(&mut self, ban: &Ban) -> Option<u64> {
        let of_host = (ban.jail.clone(), ban.host.clone());
        let is_forgiven = self.forgiven.get(&of_host).is_some_and(|forgiven| ban.at <= *forgiven);
        if ban.jail.is_empty() || is_forgiven {
            return None;
        }
        let more = self.more.get(&(of_host.clone(), ban.at)).copied().unwrap_or(0);
        let count = self.counts.entry(of_host).or_default();
        *count = count.saturating_add(1).saturating_add(more);
        Some((*count).max(0).unsigned_abs())
    }
}

/// What fail2ban keeps of a ban: what it kept of it itself, or the lines that led to it.
fn data(reader: &Reader, ban: &Ban) -> Result<Vec<u8>, StoreError> {
    let kept = reader.evidence(&ban.host)?;
    if let Some((.., data)) =
        kept.into_iter().find(|(jail, at, _)| *jail == ban.jail && *at == ban.at)
    {
        return Ok(data);
    }
    let mut lines: Vec<MatchedLine> = Vec::new();
    if ban.failures > 0 {
        reader.each_event(&ban.host, MATCHES_MAX, |event| {
            match event {
                Event::Match(line) if led_to(&line, ban) => lines.push(line),
                _ => {}
            }
            Ok::<_, StoreError>(())
        })?;
    }
    Ok(json(ban, &lines).into_bytes())
}

fn led_to(line: &MatchedLine, ban: &Ban) -> bool {
    line.failure.as_ref().is_some_and(|(jail, _)| *jail == ban.jail)
        && line.time.is_none_or(|time| time <= ban.at)
}

/// As Python writes it.
fn json(ban: &Ban, lines: &[MatchedLine]) -> String {
    let quoted = |text: &str| Value::from(text).to_string();
    let texts = lines.iter().map(|line| quoted(&String::from_utf8_lossy(&line.text)));
    let texts = texts.collect::<Vec<_>>().join(", ");
    let mut members =
        vec![format!("\"matches\": [{texts}]"), format!("\"failures\": {}", ban.failures)];
    if let Some(addr) = ban.host.addr().filter(|_| !lines.is_empty()) {
        let family = if addr.ip().is_ipv4() { "ip4" } else { "ip6" };
        members.push(format!("\"{family}\": {}", quoted(&addr.ip().to_string())));
    }
    for (name, text) in lines.last().iter().flat_map(|line| &line.fields) {
        if !matches!(name.as_str(), "ip4" | "ip6" | "matches" | "failures") && !text.is_empty() {
            members.push(format!("{}: {}", quoted(name), quoted(text)));
        }
    }
    format!("{{{}}}", members.join(", "))
}
