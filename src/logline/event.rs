//! What the server tells of jails and hosts, in the words by which fail2ban's filters and other programs find it.
//!
//! Who writes such a line in another way is not understood. What stands for a host may have been
//! chosen by a stranger, so it is one word here: `a] Ban 192.0.2.1` as an identifier would otherwise
//! get somebody else banned by whoever reads the log.

use std::fmt::{self, Write as _};
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;

use super::pen::civil;
use super::record::{Facts, one_line};
use crate::config::Level;
use crate::model::{BanTime, Time, Zone};
use crate::text;

/// Something that happened. `host` is an address or another identifier.
#[derive(Clone, Copy, Debug)]
#[expect(missing_docs, reason = "the fields are named after what they are")]
pub enum Event<'e> {
    /// A failure that counts; `at` is when it happened.
    Found { jail: &'e str, host: &'e str, at: Time },
    /// A failure that a user told of.
    Attempt { jail: &'e str, host: &'e str, at: Time },
    /// A failure that doesn't count: `rule` is `ip`, `dns`, `ignoreself rule`, `command`, `file:PATH`.
    Ignored { jail: &'e str, host: &'e str, rule: &'e str },
    /// A ban whose time was over before it began.
    Expired { jail: &'e str, host: &'e str },
    /// A ban.
    Ban { jail: &'e str, host: &'e str },
    /// A ban that is carried out again after a start.
    RestoreBan { jail: &'e str, host: &'e str },
    /// A ban that is carried out again because it was not in force any more, by one action or by all.
    Reban { jail: &'e str, host: &'e str, action: Option<&'e str> },
    /// The end of a ban.
    Unban { jail: &'e str, host: &'e str },
    /// A host that was banned so long ago, in microseconds, and is as if it weren't.
    AlreadyBanned { jail: &'e str, host: &'e str, age_us: i64 },
    /// A ban that lasts longer because its host goes on failing; `until` is `None` for ever.
    Prolonged { jail: &'e str, host: &'e str, until: Option<Time> },
    /// A ban that lasts longer because it is the `count`-th; `until` is `None` for ever.
    Increased { jail: &'e str, host: &'e str, count: u32, time: BanTime, until: Option<Time> },
    /// All bans of an action were lifted at once.
    Flushed { jail: &'e str, action: &'e str },
    /// There is a jail.
    JailCreated { jail: &'e str },
    /// It is at work.
    JailStarted { jail: &'e str },
    /// It no longer is.
    JailStopped { jail: &'e str },
    /// A file is followed, from `pos` on.
    LogAdded { path: &'e Path, pos: u64 },
    /// A file is no longer followed.
    LogRemoved { path: &'e Path },
}

impl Event<'_> {
    /// Which part of the server tells it.
    pub fn logger(&self) -> &'static str {
        match self {
            Self::Found { .. }
            | Self::Attempt { .. }
            | Self::Ignored { .. }
            | Self::LogAdded { .. }
            | Self::LogRemoved { .. } => "filter",
            Self::Expired { .. }
            | Self::Ban { .. }
            | Self::RestoreBan { .. }
            | Self::Reban { .. }
            | Self::Unban { .. }
            | Self::AlreadyBanned { .. }
            | Self::Prolonged { .. }
            | Self::Flushed { .. } => "actions",
            Self::Increased { .. } => "observer",
            Self::JailCreated { .. } | Self::JailStarted { .. } | Self::JailStopped { .. } => {
                "jail"
            }
        }
    }

    /// How much it matters.
    pub fn level(&self) -> Level {
        match self {
            Self::Ban { .. }
            | Self::RestoreBan { .. }
            | Self::Reban { .. }
            | Self::Unban { .. }
            | Self::Prolonged { .. }
            | Self::Increased { .. }
            | Self::Flushed { .. } => Level::NOTICE,
            // The first seconds are those of lines that were on their way already.
            Self::AlreadyBanned { age_us, .. } if *age_us < 3_000_000 => Level::DEBUG,
            Self::AlreadyBanned { age_us, .. } if *age_us < 60_000_000 => Level::NOTICE,
            Self::AlreadyBanned { .. } => Level::WARNING,
            _ => Level::INFO,
        }
    }

    /// The message, with times in `zone`.
    pub fn message(&self, zone: Zone) -> String {
        let at = |time| civil(time, zone, "%Y-%m-%d %H:%M:%S");
        match *self {
            Self::Found { jail, host, at: time } => {
                format!("[{jail}] Found {} - {}", Id(host), at(time))
            }
            Self::Attempt { jail, host, at: time } => {
                format!("[{jail}] Attempt {} - {}", Id(host), at(time))
            }
            Self::Ignored { jail, host, rule } => format!("[{jail}] Ignore {} by {rule}", Id(host)),
            Self::Expired { jail, host } => {
                format!("[{jail}] Ignore {}, expired bantime", Id(host))
            }
            Self::Ban { jail, host } => format!("[{jail}] Ban {}", Id(host)),
            Self::RestoreBan { jail, host } => format!("[{jail}] Restore Ban {}", Id(host)),
            Self::Reban { jail, host, action: None } => format!("[{jail}] Reban {}", Id(host)),
            Self::Reban { jail, host, action: Some(action) } => {
                format!("[{jail}] Reban {}, action {}", Id(host), text::quoted(action))
            }
            Self::Unban { jail, host } => format!("[{jail}] Unban {}", Id(host)),
            Self::AlreadyBanned { jail, host, .. } => {
                format!("[{jail}] {} already banned", Id(host))
            }
            Self::Prolonged { jail, host, until } => {
                let until = until.map_or_else(|| "infinite".to_owned(), at);
                format!("[{jail}] Prolong Ban {} (-> {until})", Id(host))
            }
            Self::Increased { jail, host, count, time, until } => {
                let until = until.map_or_else(|| "infinite".to_owned(), at);
                format!("[{jail}] Increase Ban {} ({count} # {time} -> {until})", Id(host))
            }
            Self::Flushed { jail, action } => format!("[{jail}] Flush ticket(s) with {action}"),
            Self::JailCreated { jail } => format!("Creating new jail {}", text::quoted(jail)),
            Self::JailStarted { jail } => format!("Jail {} started", text::quoted(jail)),
            Self::JailStopped { jail } => format!("Jail {} stopped", text::quoted(jail)),
            Self::LogAdded { path, pos } => {
                format!("Added logfile: {} (pos = {pos})", quoted(path))
            }
            Self::LogRemoved { path } => format!("Removed logfile: {}", quoted(path)),
        }
    }

    /// The same for programs; nothing if it isn't about a jail.
    pub fn facts(&self) -> Option<Facts> {
        let (event, jail, host) = match *self {
            Self::Found { jail, host, .. } => ("found", jail, Some(host)),
            Self::Attempt { jail, host, .. } => ("attempt", jail, Some(host)),
            Self::Ignored { jail, host, .. } => ("ignored", jail, Some(host)),
            Self::Expired { jail, host } => ("expired", jail, Some(host)),
            Self::Ban { jail, host } => ("ban", jail, Some(host)),
            Self::RestoreBan { jail, host } => ("restore-ban", jail, Some(host)),
            Self::Reban { jail, host, .. } => ("reban", jail, Some(host)),
            Self::Unban { jail, host } => ("unban", jail, Some(host)),
            Self::AlreadyBanned { jail, host, .. } => ("already-banned", jail, Some(host)),
            Self::Prolonged { jail, host, .. } => ("prolonged", jail, Some(host)),
            Self::Increased { jail, host, .. } => ("increased", jail, Some(host)),
            Self::Flushed { jail, .. } => ("flushed", jail, None),
            Self::JailCreated { jail } => ("jail-created", jail, None),
            Self::JailStarted { jail } => ("jail-started", jail, None),
            Self::JailStopped { jail } => ("jail-stopped", jail, None),
            Self::LogAdded { .. } | Self::LogRemoved { .. } => return None,
        };
        Some(Facts { event, jail: one_line(jail), host: host.map(one_line) })
    }
}

fn quoted(path: &Path) -> String {
    match path.to_str() {
        Some(path) => text::quoted(path),
        None => format!("'{}'", text::printable_bytes(path.as_os_str().as_bytes())),
    }
}

/// A host as one word.
struct Id<'h>(&'h str);

impl fmt::Display for Id<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for c in self.0.chars() {
            if c.is_whitespace() || matches!(c, '[' | ']') {
                write!(f, "\\x{:02x}", u32::from(c))?;
            } else {
                f.write_char(c)?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::ffi::OsStr;

    use super::*;

    #[test]
    fn events_are_told_in_fail2bans_words() {
        let (jail, host, at) = ("j", "192.0.2.1", Time::from_secs(1_795_655_810));
        let path = Path::new("/var/log/a'b.log");
        let time = BanTime::Micros(4_000_000);
        for (event, expected) in [
            (
                Event::Found { jail, host, at },
                "filter INFO [j] Found 192.0.2.1 - 2026-11-26 02:16:50",
            ),
            (
                Event::Attempt { jail, host, at },
                "filter INFO [j] Attempt 192.0.2.1 - 2026-11-26 02:16:50",
            ),
            (Event::Ignored { jail, host, rule: "ip" }, "filter INFO [j] Ignore 192.0.2.1 by ip"),
            (Event::Expired { jail, host }, "actions INFO [j] Ignore 192.0.2.1, expired bantime"),
            (Event::Ban { jail, host: "2001:db8::1" }, "actions NOTICE [j] Ban 2001:db8::1"),
            (Event::RestoreBan { jail, host }, "actions NOTICE [j] Restore Ban 192.0.2.1"),
            (Event::Reban { jail, host, action: None }, "actions NOTICE [j] Reban 192.0.2.1"),
            (
                Event::Reban { jail, host, action: Some("a") },
                "actions NOTICE [j] Reban 192.0.2.1, action 'a'",
            ),
            (Event::Unban { jail, host }, "actions NOTICE [j] Unban 192.0.2.1"),
            (
                Event::AlreadyBanned { jail, host, age_us: 2_999_999 },
                "actions DEBUG [j] 192.0.2.1 already banned",
            ),
            (
                Event::AlreadyBanned { jail, host, age_us: 3_000_000 },
                "actions NOTICE [j] 192.0.2.1 already banned",
            ),
            (
                Event::AlreadyBanned { jail, host, age_us: 60_000_000 },
                "actions WARNING [j] 192.0.2.1 already banned",
            ),
            (
                Event::Prolonged { jail, host, until: Some(at) },
                "actions NOTICE [j] Prolong Ban 192.0.2.1 (-> 2026-11-26 02:16:50)",
            ),
            (
                Event::Prolonged { jail, host, until: None },
                "actions NOTICE [j] Prolong Ban 192.0.2.1 (-> infinite)",
            ),
            (
                Event::Increased { jail, host, count: 2, time, until: Some(at) },
                "observer NOTICE [j] Increase Ban 192.0.2.1 (2 # 4s -> 2026-11-26 02:16:50)",
            ),
            (
                Event::Increased { jail, host, count: 2, time: BanTime::Permanent, until: None },
                "observer NOTICE [j] Increase Ban 192.0.2.1 (2 # permanent -> infinite)",
            ),
            (Event::Flushed { jail, action: "a" }, "actions NOTICE [j] Flush ticket(s) with a"),
            (Event::JailCreated { jail }, "jail INFO Creating new jail 'j'"),
            (Event::JailStarted { jail }, "jail INFO Jail 'j' started"),
            (Event::JailStopped { jail }, "jail INFO Jail 'j' stopped"),
            (
                Event::LogAdded { path, pos: 7 },
                "filter INFO Added logfile: \"/var/log/a'b.log\" (pos = 7)",
            ),
            (
                Event::LogRemoved { path: Path::new(OsStr::from_bytes(b"/l\xff\n")) },
                "filter INFO Removed logfile: '/l\\xff\\x0a'",
            ),
        ] {
            let zone = Zone::parse("Europe/Berlin").unwrap();
            let told = format!("{} {} {}", event.logger(), event.level(), event.message(zone));
            assert_eq!(told, expected);
        }
    }

    #[test]
    fn a_host_is_one_word_whatever_it_is() {
        let unban = Event::Unban { jail: "j", host: "a] Ban 192.0.2.1" };
        assert_eq!(unban.message(Zone::utc()), "[j] Unban a\\x5d\\x20Ban\\x20192.0.2.1");
    }
}
