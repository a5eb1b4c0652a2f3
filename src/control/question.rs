//! Questions, answered from a reader of the store.

use super::{Failed, JailStatus, Jails, Overview, Question, Reply, Take, WhichBans, keep};
use crate::config::JailDef;
use crate::engine::own_log::OwnLog;
use crate::engine::projection::Effects;
use crate::error::Error;
use crate::model::{Ban, Time};
use crate::store::{BanOrder, JailSummary, LOG_OF_BANS, Reader};

/// So many bans are counted, and held, at once.
const COUNTED_AT_ONCE: usize = 10_000;

/// Answers a question, as of `now`.
///
/// A list is of one snapshot of the store: while `take` has not taken all of it, what is written meanwhile
/// can't be merged into the store's file.
pub fn ask(
    question: &Question,
    jails: Jails<'_>,
    reader: &Reader,
    now: Time,
    take: &mut Take<'_>,
) -> Result<(), Failed> {
    if let Question::Bans { jail, .. }
    | Question::WithoutEffect { jail, .. }
    | Question::Kept { jail } = question
    {
        jails.knowing(jail.as_deref(), reader)?;
    }
    match question {
        Question::Overview => overview(reader, now, take),
        Question::Jail { name } => jail(name, jails, reader, now, take),
        Question::Bans { jail, which, counted } => {
            let mut told = Told::new(reader, now, *counted, take)?;
            let ban = |ban| told.ban(ban);
            match which {
                WhichBans::InForce(order) => {
                    reader.each_active(now, jail.as_deref(), *order, ban)?;
                }
                WhichBans::Ever => reader.each_ban(jail.as_deref(), ban)?,
            }
            told.part()
        }
        Question::BansOf { hosts } => {
            for host in hosts {
                let bans = reader.bans_of(host)?.into_iter().filter(|ban| ban.is_active(now));
                bans.map(Reply::Ban).try_for_each(&mut *take)?;
            }
            Ok(())
        }
        Question::WithoutEffect { jail, most } => {
            without_effect(jail.as_deref(), *most, reader, now, take)
        }
        Question::Kept { jail } => keep::kept(jail.as_deref(), reader, now, take),
        Question::History { host, limit } => {
            let limit = usize::try_from(*limit).unwrap_or(usize::MAX);
            take(Reply::Totals(reader.host_totals(host)?))?;
            reader.each_event(host, limit, |event| Ok(take(Reply::Event(event))?))
        }
    }
}

/// The rules are looked at only for the bans that are told.
fn without_effect(
    jail: Option<&str>,
    most: u32,
    reader: &Reader,
    now: Time,
    take: &mut Take<'_>,
) -> Result<(), Failed> {
    let found = reader.bans_without_effect(now, jail)?;
    let most = usize::try_from(most).unwrap_or(usize::MAX);
    let more = found.len().saturating_sub(most);
    if found.is_empty() {
        return Ok(());
    }
    let mut effects = Effects::new(reader)?;
    for without in found.into_iter().take(most) {
        let cause = effects.cause(&without.ban);
        take(Reply::WithoutEffect { without, cause })?;
    }
    if more > 0 { Ok(take(Reply::More(more as u64))?) } else { Ok(()) }
}

/// Bans that are told, with their packets if those are asked for.
struct Told<'t, 'k> {
    now: Time,
    /// `None` where nothing was put in.
    effects: Option<Effects>,
    /// Those yet to be told: a packet filter's tool is run once for many.
    part: Vec<Ban>,
    take: &'t mut Take<'k>,
}

impl<'t, 'k> Told<'t, 'k> {
    fn new(
        reader: &Reader,
        now: Time,
        counted: bool,
        take: &'t mut Take<'k>,
    ) -> Result<Self, Failed> {
        let effects = if counted { Some(Effects::new(reader)?) } else { None };
        let effects = effects.filter(|effects| !effects.is_empty());
        Ok(Self { now, effects, part: Vec::new(), take })
    }

    fn ban(&mut self, ban: Ban) -> Result<(), Failed> {
        if self.effects.is_none() {
            return Ok((self.take)(Reply::Ban(ban))?);
        }
        self.part.push(ban);
        if self.part.len() < COUNTED_AT_ONCE { Ok(()) } else { self.part() }
    }

    /// Tells those that wait.
    fn part(&mut self) -> Result<(), Failed> {
        let Some(effects) = &mut self.effects else { return Ok(()) };
        let in_force: Vec<_> =
            self.part.iter().filter(|ban| ban.is_active(self.now)).cloned().collect();
        let mut counts = effects.packets(&in_force).into_iter();
        for ban in self.part.drain(..) {
            let packets = if ban.is_active(self.now) { counts.next().flatten() } else { None };
            (self.take)(Reply::Counted { ban, packets })?;
        }
        Ok(())
    }
}

fn overview(reader: &Reader, now: Time, take: &mut Take<'_>) -> Result<(), Failed> {
    let jails = reader.jails(now)?;
    let store = reader.path().to_owned();
    let installed = reader.installations()?;
    let mut pending: Vec<_> = reader.pending()?.into_keys().collect();
    // Where nobody is banned and nothing was put in, there is nothing to do. Bans of a filter alone are nobody's.
    pending.retain(|name| {
        let bans = |jail: &JailSummary| jail.name == *name && jail.bans_active > 0;
        !name.is_empty() && (jails.iter().any(bans) || installed.iter().any(|i| i.jail == *name))
    });
    let (totals, troubles) = (reader.totals()?, reader.troubles()?);
    Ok(take(Reply::Overview(Overview { store, totals, jails, troubles, pending }))?)
}

fn jail(
    name: &str,
    jails: Jails<'_>,
    reader: &Reader,
    now: Time,
    take: &mut Take<'_>,
) -> Result<(), Failed> {
    let summary = reader.jail(name, now)?;
    let definition = jails.definition(name);
    if summary.is_none() && definition.is_none() {
        // A jail that is configured but can't be used has a status too.
        jails.configuring(name)?;
    }
    let definition = definition.as_ref().map(|draft| &draft.jail);
    let (findtime_us, maxretry) =
        definition.map_or((0, 1), |jail| (jail.findtime_us, jail.maxretry));
    let since = now.plus_micros(-findtime_us);
    let failed_lately = reader.count_failing(name, since, now.plus_micros(1), maxretry)?;
    take(Reply::Jail(JailStatus {
        name: name.to_owned(),
        failed_lately,
        logs: definition.map(|jail| logs(jail, jails)).transpose()?.unwrap_or_default(),
        summary: summary.unwrap_or_default(),
    }))?;
    reader.each_active(now, Some(name), BanOrder::Host, |ban| Ok(take(Reply::Ban(ban))?))
}

/// What a jail reads. Whether that is bans is plain without the filter, which a daemon's jails alone have, of nearly all
/// that read files.
fn logs(jail: &JailDef, jails: Jails<'_>) -> Result<Vec<String>, Error> {
    let config = jails.config()?;
    let own_log = OwnLog::of(config);
    let counts_bans = |jail: &JailDef| own_log.shown_to(jail).is_some();
    let is_shown_bans = if jails.is_running(&jail.name) || !own_log.depends_on_filter(jail) {
        counts_bans(jail)
    } else {
        config.jail(&jail.name).value.is_some_and(|jail| counts_bans(&jail))
    };
    let bans = is_shown_bans.then(|| LOG_OF_BANS.to_owned());
    Ok(jail.logpaths.iter().map(|log| log.glob.clone()).chain(bans).collect())
}
