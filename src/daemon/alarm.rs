//! Waking at an instant of the wall clock, by which bans end.
//!
//! Who waits for so many seconds waits too long if the clock is set forward meanwhile, or the machine sleeps: `poll(2)`
//! counts neither. The kernel's timer (timerfd_create(2)) goes by the clock itself, and costs no waking in between.

use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use rustix::time::{
    Itimerspec, TimerfdClockId, TimerfdFlags, TimerfdTimerFlags, Timespec, timerfd_create,
    timerfd_settime,
};

use crate::model::Time;

/// Rings once.
pub(super) struct Alarm {
    fd: OwnedFd,
    /// When, if it hasn't yet.
    at: Option<Time>,
}

impl Alarm {
    /// Rings never.
    ///
    /// # Errors
    ///
    /// The process has no descriptor left.
    pub(super) fn new() -> io::Result<Self> {
        let flags = TimerfdFlags::CLOEXEC | TimerfdFlags::NONBLOCK;
        Ok(Self { fd: timerfd_create(TimerfdClockId::Realtime, flags)?, at: None })
    }

    /// Rings at this instant, at once if it is past, and at no other.
    pub(super) fn set(&mut self, at: Option<Time>) -> io::Result<()> {
        if self.at == at {
            return Ok(());
        }
        // Zero would be never.
        let micros = at.map_or(0, |at| at.micros().max(1));
        let it_value = Timespec { tv_sec: micros / 1_000_000, tv_nsec: micros % 1_000_000 * 1000 };
        let once = Itimerspec { it_interval: Timespec { tv_sec: 0, tv_nsec: 0 }, it_value };
        timerfd_settime(&self.fd, TimerfdTimerFlags::ABSTIME, &once)?;
        self.at = at;
        Ok(())
    }

    /// Readable when it has rung.
    pub(super) fn fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }

    /// Whether it has rung since it was set; it doesn't any more then.
    pub(super) fn take(&mut self) -> bool {
        let has_rung = rustix::io::read(&self.fd, &mut [0; 8]).is_ok();
        if has_rung {
            self.at = None;
        }
        has_rung
    }
}

#[cfg(test)]
mod tests {
    use rustix::event::{PollFd, PollFlags, poll};

    use super::*;
    use crate::model::{Clock, SystemClock};

    fn rings(alarm: &Alarm, within_secs: i64) -> bool {
        let limit = Timespec { tv_sec: within_secs, tv_nsec: 0 };
        let mut fd = [PollFd::from_borrowed_fd(alarm.fd(), PollFlags::IN)];
        poll(&mut fd, Some(&limit)).unwrap() > 0
    }

    #[test]
    fn it_rings_once_and_not_before_its_time() {
        let mut alarm = Alarm::new().unwrap();
        let at = SystemClock.now().plus_micros(50_000);
        alarm.set(Some(at)).unwrap();
        assert!(rings(&alarm, 60) && SystemClock.now() >= at);
        assert!(alarm.take() && !alarm.take() && !rings(&alarm, 0));
        // The same again: it is past.
        alarm.set(Some(at)).unwrap();
        assert!(rings(&alarm, 60));
        alarm.set(Some(at.plus_micros(3_600_000_000))).unwrap();
        assert!(!rings(&alarm, 0) && !alarm.take());
        alarm.set(Some(Time::from_micros(0))).unwrap();
        assert!(rings(&alarm, 60));
        alarm.set(Some(Time::LAST)).unwrap();
        alarm.set(None).unwrap();
        assert!(!rings(&alarm, 0));
    }
}
