//! What a failregex captured: who it is about, whether it is a failure, and the named groups.

use std::borrow::Cow;
use std::net::IpAddr;
use std::ops::Range;

use super::captured::Captured;
use super::groups::Groups;
use super::names::{
    CIDR, CONTENT, DNS, FID, IP4, IP6, MLFFORGET, MLFGAINED, MLFID, NOFAIL, NameId,
};
use crate::config::UseDns;
use crate::model::{Addr, Fields, Host};

/// What identifies a failure. Ranges are of [`Matcher::text`](super::Matcher::text).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Id {
    /// An address or network.
    Addr(Addr),
    /// A host name; what becomes of it is for `usedns` to say.
    Dns(Range<usize>),
    /// A text of its own, `<F-ID>`.
    Other(Range<usize>),
    /// Several texts together, `<F-ID>` and `<F-TUPLE_ID>`, as Python writes them: `('a', 'b')`.
    Tuple(String),
}

/// One failregex that matched a line.
#[derive(Clone, Debug, Default)]
pub struct Hit {
    /// Which one, from 0.
    pub regex: usize,
    /// Whom it is about; `None` if it says nobody, or no valid address.
    pub id: Option<Id>,
    /// Whether it is context that counts no failure by itself.
    pub nofail: bool,
    pub(super) addr: Option<Addr>,
    pub(super) is_invalid: bool,
    /// Groups that took part.
    pub(super) captured: Captured,
}

impl Hit {
    /// Whether the id is a host name.
    pub fn is_dns(&self) -> bool {
        matches!(self.id, Some(Id::Dns(_)))
    }

    /// The address it captured, even where something else identifies the failure.
    pub fn addr(&self) -> Option<Addr> {
        self.addr
    }

    /// Whether it captured an address that is none, such as `999.1.2.3`.
    ///
    /// DIFFERS: fail2ban bans the text as it is; the firewall refuses it, again and again.
    pub fn has_invalid_id(&self) -> bool {
        self.is_invalid
    }

    /// Whether a group took part that says who is meant, be it that nobody is, or that a later line says it.
    pub fn has_identity(&self) -> bool {
        [IP4, IP6, DNS, FID, MLFID].iter().any(|name| self.captured.range(*name).is_some())
    }

    /// See [`Filter::fields`](super::Filter::fields); `named` tells the name of a number.
    pub(super) fn fields<'t>(
        &'t self,
        named: impl Fn(NameId) -> &'t str + Copy + 't,
        text: &'t [u8],
        ids: Ids,
    ) -> impl Iterator<Item = (&'t str, Cow<'t, str>)> {
        let value = |range: &Range<usize>| std::str::from_utf8(text.get(range.clone())?).ok();
        let tuple = |wanted| self.captured.tuple(wanted);
        let get = |wanted| match tuple(wanted) {
            Some(text) => Some(text),
            None => value(&self.captured.range(wanted)?),
        };
        let beside = beside_fid(get, ids).map(|ip| ("ip", Cow::from(ip)));
        let own = self.captured.groups.iter();
        let own = own.filter(move |(name, _)| is_field(*name) && tuple(*name).is_none());
        let own =
            own.filter_map(move |(name, range)| Some((named(*name), Cow::from(value(range)?))));
        let tuples = self.captured.tuples.iter();
        let tuples = tuples.map(move |(name, text)| (named(*name), text.as_str().into()));
        own.chain(tuples).chain(beside)
    }

    /// Reads the groups: who is meant, and does it count.
    pub(super) fn interpret(&mut self, text: &str, ids: Ids) {
        let captured = &self.captured;
        let range = |wanted| captured.range(wanted);
        let get = |wanted: NameId| match captured.tuple(wanted) {
            Some(text) => Some(text),
            None => range(wanted).map(|range| &text[range]),
        };
        let identity = Identity::of(get, ids);
        let is_set = |name| get(name).is_some_and(|value| !value.is_empty());
        // Gaining access means something to a connection only.
        self.nofail = is_set(NOFAIL) || (is_set(MLFGAINED) && is_set(MLFID));
        self.is_invalid = identity == Identity::Invalid;
        (self.id, self.addr) = match identity {
            Identity::None | Identity::Invalid => (None, None),
            Identity::Addr(addr) => (Some(Id::Addr(addr)), Some(addr)),
            Identity::Dns => (range(DNS).map(Id::Dns), None),
            Identity::Fid(addr) => match captured.tuple(FID) {
                Some(text) => (Some(Id::Tuple(text.to_owned())), addr),
                None => (range(FID).map(Id::Other), addr),
            },
            Identity::Written(name) => (range(name).map(Id::Other), None),
        };
    }
}

pub(super) fn is_field(name: NameId) -> bool {
    !matches!(name, NOFAIL | MLFFORGET | MLFGAINED | CONTENT)
}

/// How ids are read.
#[derive(Clone, Copy, Debug)]
pub(super) struct Ids {
    /// Whether an address that is none, or has capitals, stays as it is.
    pub(super) raw: bool,
    /// What becomes of names.
    pub(super) usedns: UseDns,
}

/// Whom a set of groups is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Identity {
    None,
    Invalid,
    Addr(Addr),
    Dns,
    /// The text of `fid`, and the address beside it.
    Fid(Option<Addr>),
    /// The text of a group that should be an address.
    Written(NameId),
}

impl Identity {
    /// Decides by the groups' texts: an address before a name before a text, unless `fid` differs. A name that is
    /// looked up stands for its addresses, whatever `fid` says, as in fail2ban; one that is not does not.
    pub(super) fn of<'t>(get: impl Fn(NameId) -> Option<&'t str>, ids: Ids) -> Self {
        let some = |name| get(name).filter(|value| !value.is_empty());
        let fid = some(FID);
        let Some(written) = some(IP4).or_else(|| some(IP6)) else {
            return match (some(DNS), fid) {
                (Some(dns), Some(fid)) if dns != fid && ids.usedns == UseDns::Raw => {
                    Self::Fid(None)
                }
                (Some(_), _) => Self::Dns,
                (None, Some(_)) => Self::Fid(None),
                (None, None) => Self::None,
            };
        };
        let addr = address(written, some(CIDR));
        match (fid, addr) {
            (Some(fid), _) if fid != written => Self::Fid(addr),
            // fail2ban keeps an address as an object; its samples expect letters as they were written.
            (_, Some(addr)) if !(ids.raw && is_in_other_letters(addr, written)) => Self::Addr(addr),
            _ if ids.raw => Self::Written(if some(IP4).is_some() { IP4 } else { IP6 }),
            _ => Self::Invalid,
        }
    }
}

/// The address or name that was captured together with another `fid`.
fn beside_fid<'t>(get: impl Fn(NameId) -> Option<&'t str> + Copy, ids: Ids) -> Option<String> {
    let Identity::Fid(addr) = Identity::of(get, ids) else { return None };
    let some = |name| get(name).filter(|value| !value.is_empty());
    let written = some(IP4).or_else(|| some(IP6)).or_else(|| some(DNS))?;
    Some(addr.map_or_else(|| written.to_owned(), |addr| addr.to_string()))
}

fn is_in_other_letters(addr: Addr, written: &str) -> bool {
    let ours = addr.to_string();
    ours != written && ours.eq_ignore_ascii_case(written)
}

fn address(written: &str, cidr: Option<&str>) -> Option<Addr> {
    let ip: IpAddr = written.parse().ok()?;
    match cidr.map(str::parse) {
        // A line can't have everyone banned.
        Some(Ok(0)) => None,
        // A length beyond the family's width is none.
        Some(Ok(bits)) => Addr::network(ip, bits).or(Some(Addr::host(ip))),
        Some(Err(_)) | None => Some(Addr::host(ip)),
    }
}

/// Who a set of groups is about, as a host, whether that is a name to look up, and the address.
pub(super) fn host_of(groups: Groups<'_>, ids: Ids) -> (Option<Host>, bool, Option<Addr>) {
    let text = |name| groups.get(name).map(|text| Host::Name(text.into()));
    match Identity::of(|name| groups.get(name), ids) {
        Identity::None | Identity::Invalid => (None, false, None),
        Identity::Addr(addr) => (Some(Host::Addr(addr)), false, Some(addr)),
        Identity::Dns => (text(DNS), true, None),
        Identity::Fid(addr) => (text(FID), false, addr),
        Identity::Written(name) => (text(name), false, None),
    }
}

/// The fields among groups, by the names of their numbers.
pub(super) fn fields_of(groups: Groups<'_>, names: &[String], ids: Ids) -> Fields {
    let beside = beside_fid(|name| groups.get(name), ids).map(|ip| ("ip", Cow::from(ip)));
    let own = groups.iter().filter(|(name, _)| is_field(*name));
    let own = own.map(|(name, text)| (names[usize::from(name)].as_str(), Cow::from(text)));
    own.chain(beside).collect()
}
