//! The jails that read one log in one pass, and what they have in common.
//!
//! Five jails on one log are five filters, but most of the work is not theirs: finding line ends,
//! dating, and passing over lines without any text that a filter cannot do without. That is done once
//! for all of them. A set of one is how a single filter runs.

use std::sync::Arc;

use super::jail::Jail;
use crate::date::Templates;
use crate::filter::Candidates;
use crate::model::Zone;

/// Jails that read a log together. They agree on its encoding and on whether lines are looked at one by
/// one: see [`JailSet::split`].
#[derive(Debug)]
pub struct JailSet {
    members: Vec<Member>,
    calendars: Vec<Calendar>,
    /// The texts of which each line that can match has one; `None` if no jail could say.
    candidates: Option<Candidates>,
    /// Whether some jail has to see every line.
    sees_all: bool,
}

/// A jail of a set.
#[derive(Debug)]
pub(super) struct Member {
    /// Its place in the list that the set was made of.
    pub(super) index: usize,
    pub(super) jail: Arc<Jail>,
    /// How its lines are dated: a place in [`JailSet::calendars`].
    pub(super) calendar: usize,
}

/// A way of dating lines.
#[derive(Debug)]
pub(super) struct Calendar {
    pub(super) templates: Templates,
    pub(super) log_zone: Option<Zone>,
}

impl JailSet {
    /// The set of the jails at `places` of `all`, which agree; see [`split`](Self::split).
    pub fn new(all: &[Arc<Jail>], places: &[usize]) -> Self {
        let mut calendars: Vec<Calendar> = Vec::new();
        let mut patterns: Vec<(&[String], Option<Zone>)> = Vec::new();
        let mut members = Vec::new();
        for &index in places {
            let jail = &all[index];
            let dated = (&jail.datepatterns[..], jail.log_zone);
            let known = patterns.iter().position(|known| *known == dated);
            let calendar = known.unwrap_or_else(|| {
                patterns.push(dated);
                calendars
                    .push(Calendar { templates: jail.templates.clone(), log_zone: jail.log_zone });
                calendars.len() - 1
            });
            members.push(Member { index, jail: Arc::clone(jail), calendar });
        }
        let each = || members.iter().map(|member| member.jail.filter.candidates());
        let candidates = Candidates::union(each().flatten());
        let sees_all = each().any(|candidates| candidates.is_none());
        Self { members, calendars, candidates, sees_all }
    }

    /// Parts the jails at `places` of `all` into those that can read a log together.
    ///
    /// A filter that looks at several lines at once keeps a log in one task, which the others need not
    /// wait for; and where jails differ over an encoding there are two texts to read.
    pub fn split(all: &[Arc<Jail>], places: &[usize]) -> Vec<Vec<usize>> {
        let mut parts: Vec<Vec<usize>> = Vec::new();
        let agree = |a: usize, b: usize| {
            let (a, b): (&Jail, &Jail) = (&all[a], &all[b]);
            a.encoding == b.encoding && a.is_serial() == b.is_serial()
        };
        for &place in places {
            match parts.iter_mut().find(|part| agree(part[0], place)) {
                Some(part) => part.push(place),
                None => parts.push(vec![place]),
            }
        }
        parts
    }

    /// The places of its jails in the list that it was made of.
    pub fn places(&self) -> impl Iterator<Item = usize> {
        self.members.iter().map(|member| member.index)
    }

    pub(super) fn members(&self) -> &[Member] {
        &self.members
    }

    pub(super) fn calendars(&self) -> &[Calendar] {
        &self.calendars
    }

    pub(super) fn candidates(&self) -> Option<&Candidates> {
        self.candidates.as_ref()
    }

    pub(super) fn sees_all(&self) -> bool {
        self.sees_all
    }

    /// The encoding of the logs.
    pub(super) fn encoding(&self) -> &'static encoding_rs::Encoding {
        self.members.first().map_or(encoding_rs::UTF_8, |member| member.jail.encoding)
    }

    /// Whether line ends of the logs are more than one byte, as in UTF-16.
    pub(super) fn is_wide(&self) -> bool {
        !self.encoding().is_ascii_compatible()
    }

    /// Whether a log has to be read by one task from its beginning to its end.
    pub(super) fn is_serial(&self) -> bool {
        self.members.iter().any(|member| member.jail.is_serial())
    }
}
