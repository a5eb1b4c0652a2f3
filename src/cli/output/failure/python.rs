//! A failure as fail2ban-regex writes its data: in the notation of Python.

use std::borrow::Cow;

use crate::command::tag::seconds;
use crate::model::{Addr, Host, Match};
use crate::text::quoted;

/// Groups that every `<HOST>` has.
const HOST_GROUPS: [&str; 3] = ["ip4", "ip6", "dns"];

/// A failure, and all that is known of it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Said<'s> {
    pub(super) found: &'s Match,
    pub(super) failure: &'s Host,
    pub(super) text: &'s str,
    /// Whether its date names its zone.
    pub(super) is_zoned: bool,
}

impl Said<'_> {
    /// Its address; of a name that was looked up one for each failure.
    pub(super) fn addr(&self) -> Option<Addr> {
        self.found.host.as_ref().and_then(Host::addr).or(self.failure.addr())
    }

    /// Its address or name, or else its id.
    pub(super) fn ip(&self) -> Cow<'_, str> {
        match self.addr() {
            Some(addr) => addr.to_string().into(),
            None => self.field("ip").unwrap_or_else(|| self.failure.to_string().into()),
        }
    }

    /// What a group captured.
    pub(super) fn field(&self, name: &str) -> Option<Cow<'_, str>> {
        if name == "users" {
            return (!self.found.users.is_empty()).then(|| self.users().into());
        }
        self.found.fields.get(name).map(Cow::from)
    }

    /// Seconds since 1970: whole where the date names its zone, as fail2ban has it; nothing without a date.
    pub(super) fn time(&self) -> Option<String> {
        let time = self.found.time?;
        Some(if self.is_zoned { time.secs().to_string() } else { seconds(time) })
    }

    /// `['192.0.2.1',⇥1782060468.0,⇥{'user': 'root', 'ip4': '192.0.2.1', 'ip6': None, 'dns': None}],`; `names` are
    /// those of the expression's groups.
    pub(super) fn row<'n>(&self, names: impl Iterator<Item = &'n str>) -> String {
        let fields = &self.found.fields;
        let names: Vec<&str> = names.collect();
        let others = fields.iter().map(|(name, _)| name);
        let others = others.filter(|name| !names.contains(name));
        let missing = HOST_GROUPS
            .iter()
            .copied()
            .filter(|name| !names.contains(name) && fields.get(name).is_none());
        let mut data = Vec::new();
        for name in names.iter().copied().chain(missing).chain(others) {
            let value = self.field(name).map_or_else(|| "None".to_owned(), |text| quoted(&text));
            data.push(format!("'{name}': {value}"));
        }
        data.extend(self.users_item());
        let time = self.time().unwrap_or_else(|| "None".to_owned());
        format!("[{},\t{time},\t{{{}}}],", quoted(&self.failure.to_string()), data.join(", "))
    }

    /// `{'matches': ['…'], 'failures': 1, 'ip4': '192.0.2.1', 'user': 'root'}`.
    pub(super) fn data(&self) -> String {
        let matches = format!("'matches': {}", self.matches());
        let failures = format!("'failures': {}", self.found.attempts);
        let fields = self.found.fields.iter();
        let fields = fields.map(|(name, value)| format!("'{name}': {}", quoted(value)));
        let all: Vec<String> =
            [matches, failures].into_iter().chain(fields).chain(self.users_item()).collect();
        format!("{{{}}}", all.join(", "))
    }

    /// The lines as a list.
    pub(super) fn matches(&self) -> String {
        let lines: Vec<String> = self.text.split('\n').map(quoted).collect();
        format!("[{}]", lines.join(", "))
    }

    fn users_item(&self) -> Option<String> {
        (!self.found.users.is_empty()).then(|| format!("'users': {}", self.users()))
    }

    /// As a set.
    fn users(&self) -> String {
        let users: Vec<String> = self.found.users.iter().map(|user| quoted(user)).collect();
        format!("{{{}}}", users.join(", "))
    }
}
