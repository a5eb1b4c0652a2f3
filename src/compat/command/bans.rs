//! Commands that ask for bans, or change them.

use super::raised::Raised;
use super::{Speaker, count, text, texts};
use crate::compat::{Value, python};
use crate::control::{Change, Command, Question, Reply, Request, WhichBans, Whose};
use crate::model::{Addr, Ban, Host, Time, Zone};
use crate::store::BanOrder;

/// When a ban ends that doesn't.
const NEVER: &str = "9999-12-31 23:59:59";

impl Speaker<'_> {
    /// `banned`: a dictionary of one for each jail; `banned ID…`: for each, in which jails he is.
    pub(super) fn banned(self, ids: &[Value]) -> Result<Value, Raised> {
        let running = self.jails()?;
        if ids.is_empty() {
            let bans = self.in_force(None)?;
            let of = |jail: &String| {
                let bans = bans.iter().filter(|ban| ban.jail == *jail);
                texts(bans.map(|ban| ban.host.to_string()))
            };
            let one = |jail: &String| Value::Dict(vec![(jail.as_str().into(), of(jail))]);
            return Ok(Value::List(running.iter().map(one).collect()));
        }
        let hosts = hosts(ids);
        let bans = self.of_hosts(&hosts)?;
        let of = |host: &Host| {
            let his =
                |jail: &&String| bans.iter().any(|ban| ban.host == *host && ban.jail == **jail);
            texts(running.iter().filter(his))
        };
        Ok(Value::List(hosts.iter().map(of).collect()))
    }

    /// `get JAIL banned`: who is; `get JAIL banned ID…`: whether each is, or he is if it is one.
    pub(super) fn banned_in(self, jail: &str, ids: &[Value]) -> Result<Value, Raised> {
        self.running(jail)?;
        if ids.is_empty() {
            let bans = self.in_force(Some(jail))?;
            return Ok(texts(bans.iter().map(|ban| ban.host.to_string())));
        }
        let hosts = hosts(ids);
        let bans = self.of_hosts(&hosts)?;
        let is = |host: &Host| bans.iter().any(|ban| ban.host == *host && ban.jail == jail);
        let mut are = hosts.iter().map(|host| Value::Int(is(host).into()));
        match (are.next(), are.len()) {
            (Some(only), 0) => Ok(only),
            (first, _) => Ok(Value::List(first.into_iter().chain(are).collect())),
        }
    }

    /// `get JAIL banip [--with-time]`: who is banned, who is longest last. Clients put them into a line.
    pub(super) fn banned_by_end(self, jail: &str, rest: &[Value]) -> Result<Value, Raised> {
        self.running(jail)?;
        let mut bans = self.in_force(Some(jail))?;
        bans.sort_by_key(|ban| (ban.until.is_none(), ban.until));
        let with_time = rest.first().is_some_and(|word| text(word) == "--with-time");
        let shown = |ban: &Ban| {
            if with_time { with_its_time(ban, self.zone) } else { ban.host.to_string() }
        };
        Ok(texts(bans.iter().map(shown)))
    }

    /// How many were not banned before. Nobody is spared, as by fail2ban: who the jail ignores neither.
    pub(super) fn ban_ip(self, jail: &str, ids: &[Value]) -> Result<Value, Raised> {
        self.running(jail)?;
        let hosts = hosts(ids);
        if hosts.is_empty() {
            return Ok(0.into());
        }
        let before = self.of_hosts(&hosts)?;
        let was = |host: &Host| before.iter().any(|ban| ban.jail == jail && ban.host == *host);
        let change = Change::Ban { jail: jail.to_owned(), hosts, length: None, guard: None };
        let made = self.collect(Request::Change(change), |reply| match reply {
            Reply::Made(ban) if !was(&ban.host) => Some(()),
            _ => None,
        })?;
        Ok(count(made.len()))
    }

    /// `set JAIL attempt ID [TEXT…]`: always 1.
    pub(super) fn attempt(self, jail: &str, words: &[Value]) -> Result<Value, Raised> {
        self.running(jail)?;
        let (id, texts) = words.split_first().ok_or_else(Raised::no_such_word)?;
        let texts = texts.iter().map(|word| text(word).into_owned()).collect();
        let (jail, host) = (jail.to_owned(), Host::parse(&text(id)));
        self.order(Command::Attempt { jail, host, texts })?;
        Ok(1.into())
    }

    /// `unban ID…`, `unban --all`: how many bans were lifted.
    pub(super) fn unban(self, ids: &[Value]) -> Result<Value, Raised> {
        if let [only] = ids
            && text(only) == "--all"
        {
            return Ok(count(self.lift(Whose::Everyone, None)?.lifted));
        }
        Ok(count(self.lift_of(ids, None)?.lifted))
    }

    /// `set JAIL unbanip [--report-absent] ID…`.
    pub(super) fn unban_ip(self, jail: &str, words: &[Value]) -> Result<Value, Raised> {
        self.running(jail)?;
        let (first, rest) = words.split_first().ok_or_else(Raised::no_such_word)?;
        let reports = text(first) == "--report-absent";
        let ids = if reports { rest } else { words };
        let Lifted { lifted, absent } = self.lift_of(ids, Some(jail))?;
        if reports && !absent.is_empty() {
            let absent = texts(absent.iter().map(ToString::to_string));
            return Err(Raised::value(format!("not banned: {}", python::repr(&absent))));
        }
        Ok(count(lifted))
    }

    /// Lifts bans of hosts, and of those in networks.
    fn lift_of(self, ids: &[Value], jail: Option<&str>) -> Result<Lifted, Raised> {
        let named = hosts(ids);
        let networks: Vec<Addr> =
            named.iter().filter_map(Host::addr).filter(|addr| !addr.is_host()).collect();
        let mut all = named.clone();
        if !networks.is_empty() {
            let is_in = |host: &Host| {
                let within = |addr: Addr| networks.iter().any(|network| network.contains(addr));
                host.addr().is_some_and(within)
            };
            let within = self.in_force(jail)?.into_iter().map(|ban| ban.host).filter(is_in);
            all.extend(within.filter(|host| !named.contains(host)));
            all.sort_unstable();
            all.dedup();
        }
        if all.is_empty() {
            return Ok(Lifted::default());
        }
        let mut lifted = self.lift(Whose::These(all), jail)?;
        // A network that nobody has banned is no one who is absent if one of its hosts was banned.
        lifted
            .absent
            .retain(|host| named.contains(host) && !(is_network(host) && lifted.lifted > 0));
        Ok(lifted)
    }

    fn lift(self, hosts: Whose, jail: Option<&str>) -> Result<Lifted, Raised> {
        let mut lifted = Lifted::default();
        let change = Change::Unban { hosts, jail: jail.map(str::to_owned) };
        self.collect(Request::Change(change), |reply| {
            match reply {
                Reply::Lifted { jails, .. } => lifted.lifted += jails.len(),
                Reply::NotBanned { host, .. } => lifted.absent.push(host),
                _ => {}
            }
            None::<()>
        })?;
        Ok(lifted)
    }

    /// In the order in which they began, as fail2ban has them.
    pub(super) fn in_force(self, jail: Option<&str>) -> Result<Vec<Ban>, Raised> {
        let (jail, which) = (jail.map(str::to_owned), WhichBans::InForce(BanOrder::Begin));
        self.bans(Question::Bans { jail, which, counted: false })
    }

    fn of_hosts(self, hosts: &[Host]) -> Result<Vec<Ban>, Raised> {
        self.bans(Question::BansOf { hosts: hosts.to_vec() })
    }

    fn bans(self, question: Question) -> Result<Vec<Ban>, Raised> {
        self.collect(Request::Ask(question), |reply| match reply {
            Reply::Ban(ban) => Some(ban),
            _ => None,
        })
    }
}

/// What became of bans that were to be lifted.
#[derive(Default)]
struct Lifted {
    /// How many were.
    lifted: usize,
    /// Who had none.
    absent: Vec<Host>,
}

fn is_network(host: &Host) -> bool {
    host.addr().is_some_and(|addr| !addr.is_host())
}

fn hosts(ids: &[Value]) -> Vec<Host> {
    ids.iter().map(|id| Host::parse(&text(id))).collect()
}

/// `192.0.2.1 ⇥2026-11-26 02:37:31 + 600 = 2026-11-26 02:47:31`.
fn with_its_time(ban: &Ban, zone: Zone) -> String {
    let civil = |time: Time| time.in_zone(zone).format("%Y-%m-%d %H:%M:%S").to_string();
    let seconds = ban.until.map_or(-1, |until| (until.micros() - ban.at.micros()) / 1_000_000);
    let until = ban.until.map_or_else(|| NEVER.to_owned(), civil);
    format!("{} \t{} + {seconds} = {until}", ban.host, civil(ban.at))
}
