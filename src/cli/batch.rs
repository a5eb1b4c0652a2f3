//! `f2b batch`: every enabled jail from where it stopped, once.

use std::collections::BTreeSet;
use std::io::{self, Write};

use rustix::event::{PollFd, PollFlags, Timespec, poll};

use super::args::BatchArgs;
use super::output::counted;
use super::{Context, Error, Status, files, warn, warn_findings};
use crate::config::Config;
use crate::control::{self, FileFate, Jails, Reply, Unenforced};
use crate::engine::follow::{Event, News, Step};
use crate::engine::muster::Unusable;
use crate::engine::projection::{Lock, LockError, ProjectionError};
use crate::engine::{Follower, Ground, Muster, Reach, Writer};
use crate::error;
use crate::model::time::FixedClock;
use crate::model::{Ban, Origin, Prolongation};
use crate::source::journal::End;
use crate::text::printable;

pub(super) fn run(
    context: &Context,
    args: &BatchArgs,
    out: &mut dyn Write,
) -> Result<Status, Error> {
    for name in &args.jails {
        context.known_jail(name)?;
    }
    let config = Config::open(&context.config)?;
    let muster = Muster::of(&config, &args.jails, context.now);
    warn_findings(&muster.findings);
    for Unusable { jail, findings } in &muster.unusable {
        warn(&format!("f2b: jail '{jail}' can't be used, the others are:"));
        warn_findings(findings);
    }
    if muster.members.is_empty() {
        return Err(error::Error::NoJails(context.config.clone()).into());
    }
    let Some(_following) = Lock::of_follower(&context.db).map_err(locked)? else {
        warn(
            "f2b: another f2b follows the logs for this store already; it does what is to be done",
        );
        return Ok(Status::Nothing);
    };
    let mut writer = Writer::open(&context.db)?;
    let is_lacking = !muster.unusable.is_empty();
    let mut sums = Sums { names: muster.names(), is_lacking, ..Sums::default() };
    let ground = Ground::new(muster.jails(), context.zone);
    let mut follower = Follower::new(&ground, Origin::Batch);
    let reach = if args.all { Reach::All } else { Reach::Findtime };
    muster.follow(&mut follower, reach, End::Last, context.now);
    sums.tell(&follower.begin(&mut writer, context.now)?);
    loop {
        let step = follower.settle(&mut writer, &FixedClock(context.now))?;
        let (has_more, is_open) = (step.has_more, step.is_open);
        sums.add(step);
        if !has_more && !is_open {
            break;
        }
        if is_open && !has_more {
            wait(&follower);
        }
    }
    sums.ended(writer.tick(context.now)?);
    if context.enforces {
        let jails = Jails::new(&context.jails).running_commands(context.runs_commands);
        control::follow(jails, &mut writer, context.now, &mut |reply| {
            if let Reply::Unenforced(action) = reply {
                sums.unenforced.push(action);
            }
            Ok(())
        })?;
    }
    sums.show(out)
}

/// What a batch came to.
#[derive(Default)]
struct Sums {
    names: Vec<String>,
    failures: Vec<(usize, u64)>,
    made: Vec<Ban>,
    longer: Vec<Prolongation>,
    ended: Vec<Ban>,
    files: Vec<FileFate>,
    unenforced: Vec<Unenforced>,
    /// Whether a jail can't be used, or a log not be read.
    is_lacking: bool,
}

impl Sums {
    fn add(&mut self, step: Step) {
        self.tell(&step.news);
        for (jail, ..) in &step.pursued.failures {
            match self.failures.iter_mut().find(|(known, _)| known == jail) {
                Some((_, failures)) => *failures += 1,
                None => self.failures.push((*jail, 1)),
            }
        }
        self.made.extend(step.pursued.made);
        self.longer.extend(step.pursued.longer);
        self.ended.extend(step.pursued.ended);
        self.files.extend(step.files);
    }

    fn ended(&mut self, ended: (Vec<Ban>, Vec<FileFate>)) {
        self.ended.extend(ended.0);
        self.files.extend(ended.1);
    }

    /// Says which logs can't be read.
    fn tell(&mut self, news: &[News]) {
        for News { path, what } in news {
            let path = printable(&path.to_string_lossy()).into_owned();
            match what {
                Event::Unreadable(why) => {
                    self.is_lacking = true;
                    warn(&format!("f2b: {path} can't be read: {why}"));
                }
                Event::Begun(_) | Event::Rotated | Event::Emptied | Event::Finished(_) => {}
            }
        }
    }

    /// Says what was found, a line a jail; nothing if that is nothing.
    fn show(&mut self, out: &mut dyn Write) -> Result<Status, Error> {
        // A ban is made when the last answer about its host is there, so that they come in any order.
        let place = |jail: &String| self.names.iter().position(|name| name == jail);
        self.made.sort_by_cached_key(|ban| (place(&ban.jail), ban.at, ban.host.clone()));
        for (place, name) in self.names.iter().enumerate() {
            let failures = self.failures.iter().find(|(jail, _)| *jail == place);
            let failures = failures.map_or(0, |(_, failures)| *failures);
            let own = |bans: &[Ban]| bans.iter().filter(|ban| ban.jail == *name).count() as u64;
            let (made, ended) = (own(&self.made), own(&self.ended));
            let longer = self.longer.iter().filter(|longer| longer.jail == *name);
            let longer: BTreeSet<_> = longer.map(|longer| (&longer.host, longer.ban_at)).collect();
            let longer = longer.len() as u64;
            if failures + made + longer + ended > 0 {
                let counts = [
                    (failures, "new failure", ""),
                    (made, "new ban", ""),
                    (longer, "ban", " prolonged"),
                    (ended, "ban", " over"),
                ];
                let counts = counts.into_iter().filter(|(count, ..)| *count > 0);
                let counts =
                    counts.map(|(count, what, end)| format!("{}{end}", counted(count, what)));
                writeln!(out, "{name}: {}", counts.collect::<Vec<_>>().join(", "))?;
            }
        }
        // What was read may be old: its ban has ended before it was carried out.
        let key = |ban: &Ban| (ban.host.clone(), ban.jail.clone(), ban.at);
        let over: BTreeSet<_> = self.ended.iter().map(key).collect();
        for ban in &self.made {
            let host = ban.host.to_string();
            let verb = if over.contains(&key(ban)) { "was" } else { "is" };
            writeln!(out, "  {} {verb} banned in {}", printable(&host), ban.jail)?;
        }
        let trouble = files::show(&self.files, &mut io::sink())?;
        let trouble = files::warn_unenforced(&self.unenforced, out)?.or(trouble);
        let trouble = trouble.or(self.is_lacking.then_some(Status::Trouble));
        Ok(trouble.unwrap_or(Status::Found))
    }
}

/// Waits for entries of a journal, or a moment for answers.
fn wait(follower: &Follower<'_>) {
    const A_MOMENT: Timespec = Timespec { tv_sec: 0, tv_nsec: 10_000_000 };
    let mut fds: Vec<_> = follower
        .journals()
        .map(|journal| PollFd::from_borrowed_fd(journal.fd(), PollFlags::IN))
        .collect();
    // However it ends, it is looked again.
    let _ = poll(&mut fds, Some(&A_MOMENT));
}

fn locked(error: LockError) -> error::Error {
    ProjectionError::from(error).into()
}
