//! `ipset save`: `create SET TYPE … [timeout SECONDS]`, `add SET ENTRY [timeout SECONDS] …` (ipset(8)).

use std::collections::HashSet;
use std::io::Read;

use super::sets::{Lasts, ban};
use super::{Sets, sets};
use crate::exchange::stream::Lines;
use crate::exchange::{Defaults, ListError};
use crate::model::{Ban, BanTime};

/// A time of 0 is none; where a set has no times, its elements say nothing of them.
pub(super) fn read<E: From<ListError>>(
    mut lines: Lines<'_, impl Read>,
    defaults: &Defaults,
    mut take: impl FnMut(Ban) -> Result<(), E>,
) -> Result<(), E> {
    let mut sets = Sets::default();
    let mut of_v6 = HashSet::new();
    while let Some((line, text)) = lines.next()? {
        let mut words = text.split_whitespace();
        match (words.next(), words.next(), words.next()) {
            (Some("create"), Some(set), Some(_)) => {
                sets.begin(set)?;
                if words.any(|word| word == "inet6") {
                    of_v6.insert(set.to_owned());
                }
            }
            (Some("add"), Some(set), Some(entry)) => {
                // Who saves a part of it may leave out how it is made.
                sets.begin(set)?;
                let jail = sets.jail(set, of_v6.contains(set), line, defaults)?;
                let timeout = words.skip_while(|word| *word != "timeout").nth(1);
                let lasts = timeout.map_or(Ok(Lasts::Unsaid), |secs| self::lasts(secs, line))?;
                for addr in sets::addrs(entry, line)? {
                    take(ban(addr, &jail, lasts, defaults))?;
                }
            }
            (None, ..) => {}
            (Some(word), ..) if word.starts_with('#') => {}
            _ => return Err(ListError::NotAnElement { line, text: text.to_owned() }.into()),
        }
    }
    Ok(())
}

fn lasts(secs: &str, line: u64) -> Result<Lasts, ListError> {
    let wrong = |_| ListError::NotAnElement { line, text: format!("timeout {secs}") };
    Ok(Lasts::For(match secs.parse::<u32>().map_err(wrong)? {
        0 => BanTime::Permanent,
        secs => BanTime::Micros(i64::from(secs) * 1_000_000),
    }))
}
