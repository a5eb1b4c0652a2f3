//! The steps of a change-over, as data: what is printed as the plan is what is done.

use std::fmt;
use std::io::Write;
use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use super::look::{Found, Way};
use super::server::{self, Server};
use crate::cli::args::{FlushArgs, LinksArgs, StartArgs};
use crate::cli::compat::Face;
use crate::cli::output::counted;
use crate::cli::systemd::Unit;
use crate::cli::{
    Context, Error, cover, links, remote, restore, session, start, systemd, take_over, warn,
};
use crate::config;
use crate::control::{Change, Mode, Question, Reply, WhichBans};
use crate::model::Addr;
use crate::store::BanOrder;

/// A server that has restored its bans bans nobody more for so long, and is asked so often.
const SETTLED: usize = 10;
const LOOK_AGAIN: Duration = Duration::from_millis(200);
/// The same of one that has fewer than it was told of: it may still read its configuration, or have dropped some.
const SETTLED_WITH_FEWER: usize = 50;
/// A server that systemd has started listens after so many looks, or does not come so far.
const LISTENS: usize = 300;

/// One of them. Each may be done again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// fail2ban's database into the store.
    TakeOver(PathBuf),
    /// f2b's daemon, with its rules.
    Start(Way),
    /// The cover is there.
    Cover,
    /// fail2ban ends, and lifts its bans.
    StopFail2ban(Way),
    /// What f2b has in the firewall is made anew, its daemon, too.
    Renew(Way),
    /// fail2ban's names are f2b's.
    Link(PathBuf),
    /// The firewall is as the store says.
    Verify,
    /// The cover is not there any more.
    Uncover,
    /// f2b's daemon ends.
    StopF2b(Way),
    /// The store into fail2ban's database.
    GiveBack(PathBuf),
    /// Nothing of f2b's is in the firewall.
    Flush,
    /// fail2ban's names are not f2b's any more.
    Unlink(PathBuf),
    /// fail2ban runs.
    StartFail2ban(Way),
    /// fail2ban has restored its bans.
    Await(Way),
}

/// From fail2ban to f2b.
pub(super) fn apply(found: &Found, links: Option<&PathBuf>) -> Vec<Step> {
    let take_over = found.database.clone().map(Step::TakeOver);
    let is_begun = found.server.is_some() || found.is_enabled;
    let mut steps = Vec::new();
    if is_begun || found.is_covered {
        steps.push(Step::Cover);
    }
    steps.extend(take_over.clone());
    steps.push(Step::Start(found.f2b));
    if is_begun {
        steps.push(Step::StopFail2ban(found.fail2ban));
        steps.extend(take_over);
    }
    if is_begun || found.is_covered {
        steps.push(Step::Renew(found.f2b));
    }
    steps.extend(links.cloned().map(Step::Link));
    steps.extend([Step::Verify, Step::Uncover]);
    steps
}

/// From f2b to fail2ban.
pub(super) fn revert(found: &Found, links: Option<&PathBuf>) -> Vec<Step> {
    let path = found.settings.dbfile.clone().filter(|path| path.is_absolute());
    let mut steps = vec![Step::Cover, Step::StopF2b(found.f2b)];
    if found.server.is_some() {
        // Both run, or it was interrupted: what fail2ban has banned since is not lost either.
        steps.push(Step::StopFail2ban(found.fail2ban));
        steps.extend(found.database.clone().map(Step::TakeOver));
    }
    steps.extend(path.map(Step::GiveBack));
    steps.push(Step::Flush);
    steps.extend(links.cloned().map(Step::Unlink));
    steps.extend([Step::StartFail2ban(found.fail2ban), Step::Await(found.fail2ban), Step::Uncover]);
    steps
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TakeOver(path) => write!(f, "take over what is new in {}", path.display()),
            Self::Start(Way::Systemd) => write!(f, "systemctl enable f2b, and f2b start"),
            Self::Start(Way::Direct) => write!(f, "f2b start: its rules are put in"),
            Self::Cover => write!(
                f,
                "keep out everyone who is banned by a table of nftables, {}, for {} minutes at most",
                cover::TABLE,
                cover::MINUTES
            ),
            Self::StopFail2ban(Way::Systemd) => write!(f, "systemctl disable --now fail2ban"),
            Self::StopFail2ban(Way::Direct) => write!(f, "stop fail2ban, which lifts its bans"),
            Self::Renew(_) => write!(f, "f2b flush and restart: its rules are put in anew"),
            Self::Link(folder) => write!(f, "f2b links --install {}", folder.display()),
            Self::Verify => write!(f, "see whether all bans are in force"),
            Self::Uncover => write!(f, "take the table {} away", cover::TABLE),
            Self::StopF2b(Way::Systemd) => write!(f, "systemctl disable --now f2b"),
            Self::StopF2b(Way::Direct) => write!(f, "f2b stop"),
            Self::GiveBack(path) => write!(f, "f2b export fail2ban -o {}", path.display()),
            Self::Flush => write!(f, "f2b flush: its rules are taken out"),
            Self::Unlink(folder) => write!(f, "f2b links --remove {}", folder.display()),
            Self::StartFail2ban(Way::Systemd) => write!(f, "systemctl enable --now fail2ban"),
            Self::StartFail2ban(Way::Direct) => write!(f, "fail2ban-client start"),
            Self::Await(_) => write!(f, "wait until fail2ban has put its bans in"),
        }
    }
}

/// Whether fail2ban could go on: it is there, and has a database in which it is told of the bans.
pub(super) fn is_revertible(found: &Found) -> Result<(), Error> {
    if found.fail2ban == Way::Direct && original().is_none() {
        return Err(missing());
    }
    if !found.settings.dbfile.as_ref().is_some_and(|path| path.is_absolute()) {
        return Err(Error::NotKnown);
    }
    Ok(())
}

/// The real fail2ban-client: a link of that name may lead to this program.
fn original() -> Option<PathBuf> {
    let own = std::env::current_exe().ok();
    let path = std::env::var_os("PATH")?;
    let mut files = std::env::split_paths(&path).map(|folder| folder.join(Face::Client.name()));
    files.find(|file| std::fs::canonicalize(file).is_ok_and(|file| own.as_ref() != Some(&file)))
}

fn missing() -> Error {
    Error::NoFail2ban("there is no fail2ban-client in PATH but f2b's; install fail2ban".to_owned())
}

/// What the steps are taken with.
pub(super) struct Doing<'d> {
    pub(super) context: &'d Context,
    pub(super) settings: &'d config::Server,
    pub(super) is_forced: bool,
}

impl Doing<'_> {
    /// Takes a step; what it has to say goes to `out`.
    pub(super) fn step(&self, step: &Step, out: &mut dyn Write) -> Result<(), Error> {
        let Self { context, settings, .. } = *self;
        let from = StartArgs { logtarget: None, loglevel: None };
        match step {
            Step::TakeOver(path) => _ = take_over::run(context, path, false, out)?,
            Step::Start(way) => {
                if *way == Way::Systemd {
                    systemd::control(&["enable", systemd::UNIT])?;
                }
                if context.daemon().is_err() {
                    start::start(context, &from, out)?;
                }
            }
            Step::Cover => cover::raise(self.banned()?)?,
            Step::StopFail2ban(Way::Systemd) => {
                systemd::control(&["disable", "--now", systemd::FAIL2BAN])?;
            }
            Step::StopFail2ban(Way::Direct) => {
                if let Some(server) = self.fail2ban()?
                    && !server.stop(&settings.socket)?
                {
                    return Err(Error::StillThere(server.pid));
                }
            }
            Step::Renew(_) => {
                if context.daemon().is_ok() {
                    remote::stop(context, out)?;
                }
                self.flush(out)?;
                start::start(context, &from, out)?;
            }
            Step::Verify => self.verify()?,
            Step::Uncover => cover::lower()?,
            Step::StopF2b(Way::Systemd) => {
                systemd::control(&["disable", "--now", systemd::UNIT])?;
            }
            Step::StopF2b(Way::Direct) => {
                if context.daemon().is_ok() {
                    remote::stop(context, out)?;
                }
            }
            Step::GiveBack(path) => _ = take_over::give_back(context, path, None, out)?,
            Step::Flush => self.flush(out)?,
            Step::Link(folder) => {
                let install = Some(folder.clone());
                links::run(&LinksArgs { install, remove: None, force: false }, out)?;
            }
            Step::Unlink(folder) => {
                let remove = Some(folder.clone());
                links::run(&LinksArgs { install: None, remove, force: false }, out)?;
            }
            Step::StartFail2ban(Way::Systemd) => {
                systemd::control(&["enable", "--now", systemd::FAIL2BAN])?;
            }
            Step::StartFail2ban(Way::Direct) => self.start_fail2ban()?,
            Step::Await(way) => self.until_settled(*way, out)?,
        }
        Ok(())
    }

    /// Takes out f2b's rules. Whoever was banned since the cover was raised has no other, and nobody bans meanwhile.
    fn flush(&self, out: &mut dyn Write) -> Result<(), Error> {
        cover::raise(self.banned()?)?;
        restore::flush(self.context, &FlushArgs { jail: None, dry_run: false }, out)?;
        Ok(())
    }

    /// Everyone who is banned by either, but not from where this is done.
    fn banned(&self) -> Result<Vec<Addr>, Error> {
        let mut banned = self.in_force()?;
        if let Some(server) = self.fail2ban()? {
            let hosts = server.jails.iter().flat_map(|(_, hosts)| hosts);
            banned.extend(hosts.filter_map(|host| host.parse::<Addr>().ok()));
        }
        let peer = session::peer();
        let is_peers = |host: &Addr| peer.is_some_and(|peer| host.contains(peer));
        banned.retain(|host| !host.is_everyone() && !is_peers(host));
        Ok(banned)
    }

    /// Who is banned as the store has it.
    fn in_force(&self) -> Result<Vec<Addr>, Error> {
        let mut banned = Vec::new();
        if self.context.db.exists() {
            let which = WhichBans::InForce(BanOrder::Host);
            self.context.ask(Question::Bans { jail: None, which, counted: false }, |reply| {
                if let Reply::Ban(ban) = reply {
                    banned.extend(ban.host.addr());
                }
                Ok(())
            })?;
        }
        Ok(banned)
    }

    /// fail2ban's server; f2b's daemon may have its socket.
    fn fail2ban(&self) -> Result<Option<Server>, Error> {
        let daemon = self.context.daemon().ok().map(|daemon| daemon.hello().pid);
        let server = Server::at(&self.settings.socket)?;
        Ok(server.filter(|server| Some(server.pid) != daemon))
    }

    fn verify(&self) -> Result<(), Error> {
        let mut missing = Vec::new();
        let change = Change::Restore { jail: None, filters_only: false, mode: Mode::Show };
        self.context.change(change, |reply| {
            if let Reply::Gate(fate) = reply {
                missing.push(fate.place);
            }
            Ok(())
        })?;
        self.context.ask(Question::Overview, |reply| {
            if let Reply::Overview(all) = reply {
                let troubles = all.troubles.iter();
                missing
                    .extend(troubles.map(|it| format!("{} ({}): {}", it.action, it.jail, it.why)));
            }
            Ok(())
        })?;
        if missing.is_empty() {
            return Ok(());
        }
        let error = Error::NotInForce(missing.join("; "));
        if self.is_forced {
            warn(&format!("f2b: {error}"));
            return Ok(());
        }
        Err(error)
    }

    fn start_fail2ban(&self) -> Result<(), Error> {
        let mut client = Command::new(original().ok_or_else(missing)?);
        client.arg("-c").arg(&self.context.config).arg("start").stdin(std::process::Stdio::null());
        let output = client.output().map_err(|error| Error::NoFail2ban(error.to_string()))?;
        if output.status.success() {
            return Ok(());
        }
        let said = [output.stderr, output.stdout].concat();
        let said = String::from_utf8_lossy(&said).trim().replace('\n', "; ");
        Err(Error::NoFail2ban(said))
    }

    /// fail2ban restores ban by ban, and doesn't say when it is done.
    fn until_settled(&self, way: Way, out: &mut dyn Write) -> Result<(), Error> {
        self.until_it_listens(way)?;
        let given = self.in_force()?.len() as u64;
        let (mut banned, mut looks) = (0, 0);
        while looks < if banned < given { SETTLED_WITH_FEWER } else { SETTLED } {
            let server = Server::at(&self.settings.socket)?.ok_or_else(has_ended)?;
            let now = server.banned();
            looks = if now == banned { looks + 1 } else { 0 };
            banned = now;
            if server.ends_within(LOOK_AGAIN)? {
                return Err(has_ended());
            }
        }
        writeln!(out, "fail2ban runs with {}", counted(banned, "ban"))?;
        Ok(())
    }

    /// systemd calls a server started that has not yet begun; fail2ban-client waits.
    fn until_it_listens(&self, way: Way) -> Result<(), Error> {
        for _ in 0..LISTENS {
            if way == Way::Direct || Server::at(&self.settings.socket)?.is_some() {
                return Ok(());
            }
            if server::ends_within(unit_pid(), LOOK_AGAIN)? {
                return Err(has_ended());
            }
        }
        Err(Error::NoFail2ban(
            "its server does not listen at its socket; its log says why".to_owned(),
        ))
    }
}

fn has_ended() -> Error {
    Error::NoFail2ban("its server has ended; its log says why".to_owned())
}

/// fail2ban's process, as systemd has it: there is one as soon as it is started, and a socket only later.
fn unit_pid() -> u32 {
    Unit::of(systemd::FAIL2BAN).map_or(0, |unit| unit.main_pid)
}
