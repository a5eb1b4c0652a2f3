//! Failures that somebody tells of instead of a log: fail2ban's `set JAIL attempt`.
//!
//! They are stored as if they were lines of a log that each jail has for them, so that they are decided like any, outlast
//! a restart, and are told by the host's history.

use super::{Follower, Step, Stretch, Writer};
use crate::engine::writer::Reached;
use crate::model::{Head, Host, Match, Matches, Place, Time};
use crate::store::{Position, StoreError};

impl Follower<'_> {
    /// Counts failures of a host at `now` in a jail, by its place: one for each of `texts`, which tell of it; one if there
    /// are none.
    pub fn attempt(
        &mut self,
        writer: &mut Writer,
        jail: usize,
        host: &Host,
        texts: &[String],
        now: Time,
    ) -> Result<Step, StoreError> {
        let name = &self.ground.jails[jail].name;
        let path = format!("f2b:attempts in {name}");
        let positions = writer.reader().positions(name)?;
        let known = positions.iter().find(|read| read.path == path);
        let first = known.map_or(0, |read| read.position.offset);
        let head = Head::from_bytes(format!("{path}\n").as_bytes());
        let log = writer.identify(&head, &path, now, &|_, _| Vec::new())?;
        let none = [String::new()];
        let texts = if texts.is_empty() { &none } else { texts };
        let mut found = Matches::default();
        for (text, offset) in texts.iter().zip(first..) {
            let text = found.keep(text.as_bytes());
            found.lines.push(Match {
                place: Place { offset, line: offset + 1 },
                text,
                time: Some(now),
                id: Some(host.clone()),
                host: Some(host.clone()),
                attempts: 1,
                failures: vec![host.clone()],
                ..Match::default()
            });
        }
        let offset = first + found.lines.len() as u64;
        let stretch = Stretch {
            log,
            found: vec![(jail, found)],
            end: Reached::Place(Position { offset, lines: offset }),
            readers: vec![jail],
            is_live: true,
        };
        let mut step = Step { now, ..Step::default() };
        (step.pursued, step.files) = writer.pursue(&mut self.pursuit, &[stretch], now)?;
        step.is_open = self.pursuit.is_open();
        // Who was just banned may be banned for that by a jail that counts bans.
        step.has_more = !self.bans.is_empty() && !step.pursued.made.is_empty();
        Ok(step)
    }
}
