//! The thread that reads, decides and stores, from the start to the end of the service.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;

use super::desk::{Desk, Shared};
use super::enforcer::Enforcer;
use super::error::ServiceError;
use super::log::Log;
use super::notify::Notify;
use super::settings::Settings;
use super::signals::Listening;
use super::tell::Teller;
use super::wake::{Call, Calls, calls};
use crate::config::Config;
use crate::control::socket::{Hello, Listener, Server};
use crate::control::{Following, JailFollowing, LogFollowing};
use crate::engine::follow::{Standing, Step};
use crate::engine::muster::Unusable;
use crate::engine::projection::{Lock, ProjectionError};
use crate::engine::{Follower, Ground, Muster, Reach, Writer};
use crate::error::Error;
use crate::model::{Clock, Origin, SystemClock, Time};
use crate::source::Watch;
use crate::source::journal::{End, Journal};

/// Before it is looked again whether a name server or a command has answered.
const ANSWER_WAIT: Duration = Duration::from_millis(10);
/// Before it is looked again at files that the system says nothing of.
const POLLING_WAIT: Duration = Duration::from_secs(1);
/// Before it is looked again whether others have changed what nobody is told of: sets of ipset, rules of iptables-legacy.
const LOOK_EVERY: Duration = Duration::from_secs(5);
/// For so long what is being carried out is waited for at the end.
const END_WAIT: Duration = Duration::from_millis(500);

/// Where it is said what is wrong with a configuration.
type Answer = std::sync::mpsc::Sender<Result<(), String>>;

/// Why a part of the service has ended.
enum Ended {
    /// It is to stop.
    Stop,
    /// It goes on with another configuration.
    Reloaded(Muster),
}

/// Runs until it is told to stop.
///
/// # Errors
///
/// The configuration or the store can't be used, another process follows the logs for it; nothing was begun then.
pub fn run(settings: &Settings, log: &Log) -> Result<(), ServiceError> {
    let muster = muster(settings)?;
    let lock = Lock::of_follower(&settings.store).map_err(ProjectionError::from)?;
    let Some(lock) = lock else {
        return Err(ServiceError::Followed(settings.store.clone()));
    };
    let (caller, calls) = calls()?;
    let _signals = Listening::start(caller.clone())?;
    let mut listener = settings.socket.as_deref().map(Listener::bind).transpose()?;
    let following = Following { since: SystemClock.now(), ..Following::default() };
    let following: Shared = Arc::new(Mutex::new(following));
    let mut service = Service {
        following: Arc::clone(&following),
        settings,
        log,
        calls,
        writer: Writer::open(&settings.store)?,
        notify: Notify::from_environment(),
        enforcer: None,
    };
    let desk = Desk::new(settings, caller, log.clone(), following);
    let mut desk = Some(desk);
    let mut server = None;
    let mut muster = muster;
    loop {
        service.enforce(&muster)?;
        service.begin(&muster);
        let ended = service.follow(&muster, &mut || {
            if let (Some(listener), Some(desk)) = (listener.take(), desk.take()) {
                let hello = Hello::new(&settings.store, &settings.config);
                server =
                    Some(listener.serve(hello, move |request, take| desk.answer(request, take))?);
            }
            Ok(())
        })?;
        match ended {
            Ended::Stop => break,
            Ended::Reloaded(new) => muster = new,
        }
    }
    // Who asked for the end hears of it, and waits for it.
    let stopped = server.map(Server::stop);
    service.end();
    drop(lock);
    drop(stopped);
    Ok(())
}

/// The jails that are enabled; it is an error if the configuration can't be read at all.
fn muster(settings: &Settings) -> Result<Muster, ServiceError> {
    let config = Config::open(&settings.config)?;
    Ok(Muster::of(&config, &[], SystemClock.now()))
}

struct Service<'s> {
    settings: &'s Settings,
    log: &'s Log,
    calls: Calls,
    writer: Writer,
    notify: Notify,
    enforcer: Option<Enforcer>,
    following: Shared,
}

/// What is waited for besides what happens.
struct Waiting {
    has_more: bool,
    is_open: bool,
    polls: bool,
    next_end: Option<Time>,
}

impl Service<'_> {
    /// Has the bans of these jails carried out.
    fn enforce(&mut self, muster: &Muster) -> Result<(), ServiceError> {
        let Settings { store, enforces, runs_commands, .. } = self.settings;
        if let Some(former) = self.enforcer.take() {
            former.end(END_WAIT);
        }
        if *enforces {
            let jails = muster.members.iter().map(|member| member.def.clone()).collect();
            self.enforcer = Some(Enforcer::start(store, jails, *runs_commands, self.log.clone())?);
        }
        Ok(())
    }

    /// Follows the logs of these jails until the service ends or has another configuration.
    fn follow(
        &mut self,
        muster: &Muster,
        ready: &mut dyn FnMut() -> Result<(), ServiceError>,
    ) -> Result<Ended, ServiceError> {
        let ground = Ground::new(muster.jails(), self.settings.zone);
        let mut follower = Follower::new(&ground, Origin::Daemon);
        let mut teller = Teller::new(self.log.clone(), muster);
        let mut watch = Watch::new()?;
        watch.set_paths(&muster.patterns());
        muster.follow(&mut follower, Reach::Findtime, End::Follow, SystemClock.now());
        teller.muster(muster);
        teller.news(&follower.begin(&mut self.writer, SystemClock.now())?);
        // Whatever comes after the watch is noticed, and the first step reads what came before.
        let _ = watch.set_files(follower.files());
        ready()?;
        self.notify.tell("READY=1");
        let mut next_end = self.writer.reader().next_end()?;
        let mut looked = Instant::now();
        loop {
            let now = SystemClock.now();
            let step = follower.step(&mut self.writer, now)?;
            teller.step(&step, now);
            self.keep(&step, &follower);
            // What was written before a file was watched is read once more.
            let is_new = !step.news.is_empty() && watch.set_files(follower.files());
            if let Some(trouble) = watch.take_trouble() {
                self.log.warning("filter", format_args!("{trouble}"));
            }
            if self.has_changed(&step, now, &teller, next_end)? {
                next_end = self.writer.reader().next_end()?;
            }
            let (has_more, is_open) = (step.has_more || is_new, step.is_open);
            let polls = watch.needs_polling() || muster.polls();
            let waiting = Waiting { has_more, is_open, polls: polls || step.retry, next_end };
            self.wait(&watch, follower.journals(), &waiting)?;
            if let Some(enforcer) = &mut self.enforcer {
                let is_due = enforcer.needs_polling() && looked.elapsed() >= LOOK_EVERY;
                if is_due {
                    looked = Instant::now();
                }
                enforcer.repair(is_due);
            }
            let seen = watch.read()?;
            if seen.names_changed {
                muster.logs().iter().for_each(|log| log.follow(&mut follower, Reach::All));
            }
            for call in self.calls.take() {
                match call {
                    Call::Stop => {
                        let _ = follower.settle(&mut self.writer, SystemClock.now())?;
                        return Ok(Ended::Stop);
                    }
                    Call::Reload(answer) => {
                        if let Some(new) = self.reload(muster, answer) {
                            let _ = follower.settle(&mut self.writer, SystemClock.now())?;
                            return Ok(Ended::Reloaded(new));
                        }
                    }
                    Call::Reopen => self.reopen(),
                    Call::Changed => next_end = self.writer.reader().next_end()?,
                }
            }
        }
    }

    /// Begins anew with these jails.
    fn begin(&self, muster: &Muster) {
        let jails = muster.names().into_iter();
        let jails = jails.map(|name| JailFollowing { name, ..JailFollowing::default() });
        self.following.lock().unwrap_or_else(PoisonError::into_inner).jails = jails.collect();
    }

    /// Keeps true what others are told.
    fn keep(&self, step: &Step, follower: &Follower<'_>) {
        let mut following = self.following.lock().unwrap_or_else(PoisonError::into_inner);
        let Following { jails, logs, .. } = &mut *following;
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
        *logs = follower
            .logs()
            .map(|Standing { path, unread_bytes, trouble }| LogFollowing {
                path: path.into_owned(),
                unread_bytes,
                trouble: trouble.map(str::to_owned),
            })
            .collect();
    }

    /// Has carried out what a step has changed, and the ends of bans; whether there was anything.
    fn has_changed(
        &mut self,
        step: &Step,
        now: Time,
        teller: &Teller,
        next_end: Option<Time>,
    ) -> Result<bool, ServiceError> {
        let mut has_changed = !step.pursued.made.is_empty() || !step.pursued.ended.is_empty();
        if next_end.is_some_and(|end| end <= now) {
            let (ended, files) = self.writer.tick(now).map_err(Error::from)?;
            teller.ended(&ended);
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

    /// Waits for the next thing that happens.
    fn wait<'j>(
        &'j self,
        watch: &'j Watch,
        journals: impl Iterator<Item = &'j Journal>,
        waiting: &Waiting,
    ) -> Result<(), ServiceError> {
        let until_end = waiting.next_end.map(|end| {
            let micros = end.micros().saturating_sub(SystemClock.now().micros());
            // A little later: the end is reached when its time is over.
            Duration::from_micros(micros.max(0).unsigned_abs() + 1000)
        });
        let waits = [
            waiting.has_more.then_some(Duration::ZERO),
            waiting.is_open.then_some(ANSWER_WAIT),
            waiting.polls.then_some(POLLING_WAIT),
            self.enforcer.as_ref().filter(|enforcer| enforcer.needs_polling()).map(|_| LOOK_EVERY),
            Notify::watchdog(),
            until_end,
        ];
        let limit = waits.into_iter().flatten().min();
        let limit = limit.and_then(|limit| Timespec::try_from(limit).ok());
        let monitor = self.enforcer.as_ref().and_then(Enforcer::fd);
        let fds = [self.calls.fd(), watch.fd()].into_iter().chain(monitor);
        let fds = fds.chain(journals.map(Journal::fd));
        let mut fds: Vec<_> = fds.map(|fd| PollFd::from_borrowed_fd(fd, PollFlags::IN)).collect();
        match poll(&mut fds, limit.as_ref()) {
            // A signal, or it is looked at all.
            Ok(_) | Err(Errno::INTR) => {}
            Err(error) => return Err(ServiceError::Waiting(error.into())),
        }
        self.notify.tell("WATCHDOG=1");
        Ok(())
    }

    /// The jails of the configuration as it is by now, if it can be used; what is wrong with it is the answer.
    fn reload(&self, present: &Muster, answer: Option<Answer>) -> Option<Muster> {
        self.log.info("server", format_args!("Reload all jails"));
        self.notify.tell("RELOADING=1");
        let new = muster(self.settings).map_err(|error| error.to_string());
        let new = new.and_then(|new| match new.losing(present) {
            None => Ok(new),
            Some(Unusable { jail, findings }) => {
                let findings: Vec<_> = findings.iter().map(ToString::to_string).collect();
                Err(format!("jail '{jail}' can't be used: {}", findings.join("\n")))
            }
        });
        let (new, said) = match new {
            Ok(new) => (Some(new), Ok(())),
            Err(why) => (None, Err(why)),
        };
        if let Err(why) = &said {
            let what = format_args!("the configuration is not taken, all goes on as it was: {why}");
            self.log.error("server", what);
            self.notify.tell("READY=1");
        }
        if let Some(answer) = answer {
            // Who asked may be gone.
            let _ = answer.send(said);
        }
        new
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
