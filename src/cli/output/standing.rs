//! Whether a host is banned and, if it isn't, why not.

use super::{civil, until_when};
use crate::decide::Rule;
use crate::engine::ignore::IgnoredBy;
use crate::model::duration::spell;
use crate::model::{Ban, EndReason, Time, Zone};
use crate::text::shown;

/// What became of a host that failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Standing {
    /// It is banned, until then; `None`: for ever.
    Banned(Option<Time>),
    /// The jail ignores it.
    Ignored(IgnoredBy),
    /// It was banned, and that has ended: when, and whether someone lifted it.
    Over(Time, EndReason),
    /// None of its failures has a date.
    Undated,
    /// Nobody was asked to ban.
    Undecided,
    /// Its failures are too few, or too far from each other.
    Below(Rule),
}

/// What there is to know of a host.
pub struct Known<'k> {
    /// Its bans, of any jail, in any order.
    pub bans: &'k [Ban],
    /// What makes the jail ignore it.
    pub ignored: Option<IgnoredBy>,
    /// Whether one of its failures has a date.
    pub is_dated: bool,
    /// What the jail demands; `None` if nobody was to be banned.
    pub rule: Option<Rule>,
}

impl Standing {
    /// What became of a host as of `now`: what can't be helped comes before what more failures would change.
    pub fn of(known: Known<'_>, now: Time) -> Self {
        let in_force = known.bans.iter().filter(|ban| ban.is_active(now)).map(|ban| ban.until);
        // The longest one counts; a permanent one is longer than any.
        if let Some(until) = in_force.max_by_key(|until| until.map_or(i64::MAX, Time::micros)) {
            return Self::Banned(until);
        }
        if let Some(by) = known.ignored {
            return Self::Ignored(by);
        }
        let over = known.bans.iter().filter_map(|ban| {
            let expired = ban.until.map(|until| (until, EndReason::Expired));
            ban.ended.or(expired).filter(|(end, _)| *end <= now)
        });
        match (over.max_by_key(|(end, _)| *end), known.rule) {
            (Some((end, reason)), _) => Self::Over(end, reason),
            (None, _) if !known.is_dated => Self::Undated,
            (None, None) => Self::Undecided,
            (None, Some(rule)) => Self::Below(rule),
        }
    }

    /// In a cell of a table.
    pub fn text(&self, zone: Zone) -> String {
        match self {
            Self::Banned(until) => until_when(*until, zone),
            Self::Ignored(IgnoredBy::Own) => "no: own address".to_owned(),
            Self::Ignored(IgnoredBy::Word(word) | IgnoredBy::Name(word)) => {
                format!("no: ignoreip {}", shown(word))
            }
            Self::Ignored(IgnoredBy::Command) => "no: ignorecommand".to_owned(),
            Self::Over(end, EndReason::Unbanned) => format!("no: lifted {}", civil(*end, zone)),
            Self::Over(end, _) => format!("no: over since {}", civil(*end, zone)),
            Self::Undated => "no: no date".to_owned(),
            Self::Undecided => "not decided".to_owned(),
            Self::Below(rule) => {
                format!("no: fewer than {} in {}", rule.maxretry, spell(rule.findtime_us))
            }
        }
    }
}
