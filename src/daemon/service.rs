//! The thread that reads, decides and stores, from the start to the end of the service.

mod jails;
mod waiting;

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use self::jails::muster;
use self::waiting::{LOOK_EVERY, Waiting};
use super::alarm::Alarm;
use super::audience::Audience;
use super::desk::{Desk, Shared};
use super::enforcer::Enforcer;
use super::error::ServiceError;
use super::log::{Event as Line, Log};
use super::memory;
use super::notify::Notify;
use super::settings::{Fail2banSocket, Settings};
use super::signals::Listening;
use super::tell::Teller;
use super::tuner::{Jails, Tuner};
use super::wake::{Answer, Call, Calls, calls};
use crate::compat::Speaker;
use crate::compat::wire::{self, Pickled};
use crate::config::Level;
use crate::control::socket::{Hello, InLines, Listener, Server};
use crate::control::{Following, LogFollowing, Take};
use crate::engine::follow::{Event, News, Standing, Step};
use crate::engine::projection::{Lock, ProjectionError};
use crate::engine::{Follower, Ground, Muster, Reach, Roster, Writer};
use crate::error::Error;
use crate::model::{Clock, Host, Origin, SystemClock, Time};
use crate::source::Watch;
use crate::source::journal::End;

/// After more matches of a jail at once memory is given back when all is read.
const BURST_MATCHES: u64 = 1000;
/// For so long what is being carried out is waited for at the end.
const END_WAIT: Duration = Duration::from_millis(500);

/// Why a part of the service has ended.
enum Ended {
    /// It is to stop.
    Stop,
    /// It goes on with another configuration.
    Reloaded(Muster),
    /// It goes on with jails that were changed while it ran, and the same actions.
    Tuned(Muster),
}

/// Runs until it is told to stop.
///
/// # Errors
///
/// The configuration or the store can't be used, another process follows the logs for it; nothing was begun then.
pub fn run(settings: &Settings, log: &Log) -> Result<(), ServiceError> {
    let mut muster = muster(settings)?;
    let lock = Lock::of_follower(&settings.store).map_err(ProjectionError::from)?;
    let Some(lock) = lock else {
        return Err(ServiceError::Followed(settings.store.clone()));
    };
    let (caller, calls) = calls()?;
    let _signals = Listening::start(caller.clone())?;
    let mut listener = settings.socket.as_deref().map(Listener::bind).transpose()?;
    let mut compat = listen(&settings.fail2ban, log)?;
    let following = Following { since: SystemClock.now(), ..Following::default() };
    let following: Shared = Arc::new(Mutex::new(following));
    let writer = Writer::open(&settings.store)?;
    let mut service = Service {
        following: Arc::clone(&following),
        settings,
        log,
        calls,
        alarm: Alarm::new()?,
        bans_before: writer.reader().last_ban().map_err(Error::from)?,
        writer,
        notify: Notify::from_environment(),
        enforcer: None,
        audience: Audience::default(),
        roster: Arc::new(Mutex::new(Roster::of(&muster))),
        answers: Vec::new(),
        former: Former::default(),
    };
    let tuner = Tuner::new(Arc::clone(&service.roster), caller.clone());
    let desk = Desk::new(settings, caller, log.clone(), following, service.audience.clone(), tuner);
    let mut desk = Some(desk);
    let mut servers = Vec::new();
    service.tells(&mut muster);
    let mut ready = || {
        let Some(desk) = desk.take().map(Arc::new) else { return Ok(()) };
        if let Some(listener) = listener.take() {
            let (hello, desk) = (Hello::new(&settings.store, &settings.config), Arc::clone(&desk));
            let answer = move |request, take: &mut Take<'_>| desk.answer(request, take);
            servers.push(listener.serve(InLines::new(hello, answer))?);
        }
        if let Some(listener) = compat.take() {
            let zone = settings.zone;
            let answer = move |request| {
                let ask = |request, take: &mut Take<'_>| desk.answer(request, take);
                Speaker::new(&ask, zone).reply(request)
            };
            servers.push(listener.serve(Pickled::new(answer))?);
        }
        Ok(())
    };
    let mut has_begun = false;
    loop {
        match service.run(&muster, &mut ready, &mut has_begun) {
            Ok(Ended::Stop) => break,
            Ok(Ended::Reloaded(new)) => {
                muster = new;
                service.former.is_enforced = false;
                service.tells(&mut muster);
            }
            Ok(Ended::Tuned(new)) => {
                muster = new;
                service.tells(&mut muster);
            }
            Err(ServiceError::Domain(error)) if has_begun => {
                service.former.is_enforced = false;
                if service.pauses(&error)? {
                    break;
                }
            }
            Err(error) => return Err(error),
        }
    }
    service.audience.close();
    // Who asked for the end hears of it, and waits for it.
    let stopped: Vec<_> = servers.into_iter().map(Server::stop).collect();
    service.end();
    drop(lock);
    drop(stopped);
    Ok(())
}

/// Listens for fail2ban's tools.
fn listen(place: &Fail2banSocket, log: &Log) -> Result<Option<Listener>, ServiceError> {
    match place {
        Fail2banSocket::Nowhere => Ok(None),
        Fail2banSocket::At(path) => Ok(Some(wire::listen(path)?)),
        Fail2banSocket::IfFree(path) => match wire::listen(path) {
            Ok(listener) => Ok(Some(listener)),
            Err(error) => {
                let what = format_args!("fail2ban-client and others can't speak to f2b: {error}");
                log.warning("server", what);
                Ok(None)
            }
        },
    }
}

struct Service<'s> {
    settings: &'s Settings,
    log: &'s Log,
    calls: Calls,
    /// The last ban that was made before this process began.
    bans_before: u64,
    /// The end of the next ban.
    alarm: Alarm,
    writer: Writer,
    notify: Notify,
    enforcer: Option<Enforcer>,
    following: Shared,
    audience: Audience,
    roster: Jails,
    /// Who waits until what he has changed is in force.
    answers: Vec<Answer>,
    former: Former,
}

/// What was so with the jails before, and needs not be done or told again.
#[derive(Default)]
struct Former {
    /// Whether their bans are carried out by the actions that they have now.
    is_enforced: bool,
    /// Whether it was told what is wrong with their configuration.
    is_told: bool,
    logs: BTreeSet<PathBuf>,
}

/// The logs of some jails, as long as these stay the same.
struct Course<'g> {
    muster: &'g Muster,
    follower: Follower<'g>,
    teller: Teller,
    watch: Watch,
    /// When the next ban is over.
    next_end: Option<Time>,
    /// When it was last looked at what nobody tells of.
    looked: Instant,
    waiting: Waiting,
    /// Whether what was found took memory that may not be needed again for long.
    is_swollen: bool,
}

impl Course<'_> {
    /// Follows logs that there are by now.
    fn name(&mut self) {
        for log in self.muster.logs() {
            log.follow(&mut self.follower, Reach::All);
        }
    }
}

impl Service<'_> {
    /// Says where this process tells of bans.
    fn tells(&self, muster: &mut Muster) {
        if self.log.tells(Level::NOTICE) {
            muster.own_log.written_to(&self.log.target().to, self.bans_before);
        }
    }

    /// Has the bans of these jails carried out.
    fn enforce(&mut self, muster: &Muster) -> Result<(), ServiceError> {
        let Settings { store, enforces, runs_commands, .. } = self.settings;
        if std::mem::replace(&mut self.former.is_enforced, true) {
            return Ok(());
        }
        self.former.is_enforced = false;
        if let Some(former) = self.enforcer.take() {
            former.end(END_WAIT);
        }
        if *enforces {
            self.enforcer = Some(Enforcer::start(store, muster, *runs_commands, self.log.clone())?);
        }
        self.former.is_enforced = true;
        Ok(())
    }

    /// Has the bans of these jails carried out and their logs followed, until the service ends or has another
    /// configuration.
    fn run(
        &mut self,
        muster: &Muster,
        ready: &mut dyn FnMut() -> Result<(), ServiceError>,
        has_begun: &mut bool,
    ) -> Result<Ended, ServiceError> {
        self.enforce(muster)?;
        self.begin(muster);
        let ground = Ground::new(muster.jails(), self.settings.zone);
        let mut course = self.course(muster, &ground)?;
        ready()?;
        *has_begun = true;
        self.notify.tell("READY=1");
        for answer in self.answers.drain(..) {
            // Who asked may be gone.
            let _ = answer.send(Ok(()));
        }
        memory::give_back();
        loop {
            self.step(&mut course, false)?;
            self.wait(&course)?;
            self.mend(&mut course);
            if course.watch.read()?.names_changed {
                course.name();
            }
            if let Some(ended) = self.obey(&mut course)? {
                return Ok(ended);
            }
        }
    }

    /// Opens the logs of these jails.
    fn course<'g>(
        &mut self,
        muster: &'g Muster,
        ground: &'g Ground,
    ) -> Result<Course<'g>, ServiceError> {
        let now = SystemClock.now();
        let mut follower = Follower::new(ground, Origin::Daemon);
        let teller = Teller::new(self.log.clone(), self.audience.clone(), muster);
        let mut watch = Watch::new()?;
        watch.set_paths(&muster.patterns());
        let instead = muster.follow(&mut follower, Reach::Findtime, End::Follow, now);
        if !std::mem::replace(&mut self.former.is_told, true) {
            teller.muster(muster, &instead);
        }
        let mut news = follower.begin(&mut self.writer, now)?;
        news.retain(|News { path, what }| {
            !matches!(what, Event::Begun(_)) || !self.former.logs.contains(path)
        });
        teller.news(&news);
        let logs = follower.logs().map(|log| PathBuf::from(&*log.path)).collect();
        for gone in std::mem::replace(&mut self.former.logs, logs).difference(&self.former.logs) {
            self.log.event(&Line::LogRemoved { path: gone });
        }
        // Whatever comes after the watch is noticed, and the first step reads what came before.
        let _ = watch.set_files(follower.files());
        let next_end = self.writer.reader().next_end()?;
        let (looked, waiting) = (Instant::now(), Waiting::default());
        let is_swollen = false;
        Ok(Course { muster, follower, teller, watch, next_end, looked, waiting, is_swollen })
    }

    /// Reads, decides and stores what there is, and has carried out what that changes; `all`: also how far logs were read
    /// in which nothing was found.
    fn step(&mut self, course: &mut Course<'_>, all: bool) -> Result<(), ServiceError> {
        let step = if all {
            course.follower.settle(&mut self.writer, &SystemClock)?
        } else {
            course.follower.step(&mut self.writer, &SystemClock)?
        };
        self.take(course, step)
    }

    /// Counts failures of a host of which somebody tells. A jail that is gone by now counts none.
    fn attempt(
        &mut self,
        course: &mut Course<'_>,
        jail: &str,
        host: &Host,
        texts: &[String],
    ) -> Result<(), ServiceError> {
        let names = course.muster.names();
        let Some(place) = names.iter().position(|name| name == jail) else { return Ok(()) };
        let now = SystemClock.now();
        let told = Line::Attempt { jail, host: &host.to_string(), at: now };
        self.log.event(&told);
        let step = course.follower.attempt(&mut self.writer, place, host, texts, now)?;
        self.take(course, step)
    }

    /// Tells of a step, and has carried out what it changes.
    fn take(&mut self, course: &mut Course<'_>, step: Step) -> Result<(), ServiceError> {
        let Course { muster, follower, teller, watch, next_end, .. } = course;
        teller.step(&step);
        self.keep(&step);
        // What was written before a file was watched is read once more.
        let is_new = !step.news.is_empty() && watch.set_files(follower.files());
        if let Some(trouble) = watch.take_trouble() {
            self.log.warning("filter", format_args!("{trouble}"));
        }
        if self.has_changed(&step, teller, *next_end)? {
            *next_end = self.writer.reader().next_end()?;
        }
        course.waiting = Waiting {
            has_more: step.has_more || is_new,
            is_open: step.is_open,
            polls: watch.needs_polling() || muster.polls() || step.retry,
        };
        course.is_swollen |= step.counted.iter().any(|(_, counts)| counts.matched > BURST_MATCHES);
        drop(step);
        if course.is_swollen && !course.waiting.has_more {
            course.is_swollen = false;
            memory::give_back();
        }
        Ok(())
    }

    /// Has mended what others have changed in the firewall.
    fn mend(&mut self, course: &mut Course<'_>) {
        if let Some(enforcer) = &mut self.enforcer {
            let is_due = enforcer.needs_polling() && course.looked.elapsed() >= LOOK_EVERY;
            if is_due {
                course.looked = Instant::now();
            }
            enforcer.repair(is_due);
        }
    }

    /// Does what it is called for; why that ends the course, if it does.
    fn obey(&mut self, course: &mut Course<'_>) -> Result<Option<Ended>, ServiceError> {
        while let Some(call) = self.calls.next() {
            let ended = match call {
                Call::Stop => Some(Ended::Stop),
                Call::Reload(jail, answer) => {
                    self.reload(course.muster, jail.as_deref(), answer).map(Ended::Reloaded)
                }
                Call::Tuned { actions, answer } => {
                    self.answers.push(answer);
                    Some(self.tuned(course.muster, actions))
                }
                Call::Attempt { jail, host, texts, answer } => {
                    self.attempt(course, &jail, &host, &texts)?;
                    // Who asked may be gone.
                    let _ = answer.send(Ok(()));
                    None
                }
                Call::Reopen => {
                    self.reopen();
                    None
                }
                Call::Changed => {
                    course.next_end = self.writer.reader().next_end()?;
                    None
                }
                Call::Logs(_said) => {
                    self.keep_logs(&course.follower);
                    None
                }
            };
            if let Some(ended) = ended {
                self.step(course, true)?;
                return Ok(Some(ended));
            }
        }
        Ok(None)
    }

    /// Keeps true what others are told.
    fn keep(&self, step: &Step) {
        let mut following = self.following.lock().unwrap_or_else(PoisonError::into_inner);
        let jails = &mut following.jails;
        for (place, counts) in &step.counted {
            let jail = &mut jails[*place];
            jail.lines += counts.lines;
            jail.matched += counts.matched;
            jail.ignored += counts.ignored;
        }
        for (place, ..) in &step.pursued.failures {
            jails[*place].failures += 1;
        }
        for (place, off_us) in &step.pursued.odd {
            jails[*place].off_us = Some(*off_us);
        }
    }

    /// Says how far logs were read, which each of them is asked for.
    fn keep_logs(&self, follower: &Follower<'_>) {
        let logs = follower.logs().map(|Standing { path, unread_bytes, trouble }| LogFollowing {
            path: path.into_owned(),
            unread_bytes,
            trouble: trouble.map(str::to_owned),
        });
        let logs = logs.collect();
        self.following.lock().unwrap_or_else(PoisonError::into_inner).logs = logs;
    }

    /// Has carried out what a step has changed, and the ends of bans; whether there was anything.
    fn has_changed(
        &mut self,
        step: &Step,
        teller: &Teller,
        next_end: Option<Time>,
    ) -> Result<bool, ServiceError> {
        let now = step.now;
        let mut has_changed = !step.pursued.is_of_no_ban();
        if next_end.is_some_and(|end| end <= now) {
            let (ended, files) = self.writer.tick(now).map_err(Error::from)?;
            for ban in &ended {
                teller.ended(ban, now);
            }
            teller.files(&files);
            has_changed = true;
        }
        if has_changed {
            let uncarried = self.writer.take_uncarried();
            if let Some(enforcer) = &mut self.enforcer {
                enforcer.follow(&uncarried);
            }
        }
        Ok(has_changed)
    }

    fn reopen(&self) {
        if let Err(error) = self.log.reopen() {
            self.log.error("server", format_args!("{error}"));
        }
    }

    fn end(self) {
        self.notify.tell("STOPPING=1");
        self.log.info("server", format_args!("Shutdown in progress..."));
        let until = Instant::now() + END_WAIT;
        if let Some(enforcer) = self.enforcer {
            enforcer.end(until.saturating_duration_since(Instant::now()));
        }
        self.log.info("server", format_args!("Exiting f2b"));
    }
}
