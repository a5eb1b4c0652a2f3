//! A failure with its data as fail2ban holds them: every group of the expression in its place, and the lines in the
//! three pieces that cutting the date out leaves.
//!
//! The engine says who failed and when. What it has no use for is here: groups that took no part, in which order groups
//! came, and the lines that a connection held back.

use std::collections::VecDeque;
use std::ops::Range;

use crate::date::Detector;
use crate::engine::Jail;
use crate::model::{Host, Match, Time};
use crate::text::quoted;

/// Connections that are remembered, as in fail2ban.
const CONNECTIONS_MAX: usize = 100;

/// A line: what is before its date, the date, and what is behind it.
pub(super) type Pieces = [String; 3];

/// One failure.
#[derive(Clone, Debug)]
pub(super) struct Ticket {
    pub(super) id: String,
    pub(super) time: Option<Time>,
    /// Whether its time is a whole number.
    pub(super) is_whole: bool,
    pub(super) data: Data,
    pub(super) lines: Vec<Pieces>,
}

/// Named values in the order in which they came.
#[derive(Clone, Debug, Default)]
pub(super) struct Data(Vec<(String, Value)>);

/// A value of a failure.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Value {
    Nothing,
    Text(String),
    Set(Vec<String>),
}

impl Value {
    /// As Python writes it.
    pub(super) fn repr(&self) -> String {
        match self {
            Self::Nothing => "None".to_owned(),
            Self::Text(text) => quoted(text),
            Self::Set(texts) => {
                let texts: Vec<String> = texts.iter().map(|text| quoted(text)).collect();
                format!("{{{}}}", texts.join(", "))
            }
        }
    }

    /// As Python prints it.
    pub(super) fn shown(&self) -> String {
        match self {
            Self::Text(text) => text.clone(),
            other => other.repr(),
        }
    }
}

impl Data {
    pub(super) fn get(&self, name: &str) -> Option<&Value> {
        self.0.iter().find(|(known, _)| known == name).map(|(_, value)| value)
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (&str, &Value)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value))
    }

    fn set(&mut self, name: &str, value: Value) {
        match self.0.iter_mut().find(|(known, _)| known == name) {
            Some((_, known)) => *known = value,
            None => self.0.push((name.to_owned(), value)),
        }
    }

    fn remove(&mut self, name: &str) -> Option<Value> {
        let at = self.0.iter().position(|(known, _)| known == name)?;
        Some(self.0.remove(at).1)
    }

    /// Whether there is a text, and not an empty one.
    fn has(&self, name: &str) -> bool {
        self.text(name).is_some_and(|text| !text.is_empty())
    }

    fn text(&self, name: &str) -> Option<&str> {
        match self.get(name) {
            Some(Value::Text(text)) => Some(text),
            _ => None,
        }
    }
}

/// Makes tickets of matches, in the order of their lines.
pub(super) struct Tickets<'j> {
    jail: &'j Jail,
    detector: Detector,
    connections: VecDeque<Connection>,
}

/// What is remembered of a connection.
#[derive(Clone, Debug, Default)]
struct Connection {
    id: String,
    data: Data,
    users: Vec<String>,
    is_pending: bool,
    /// Lines that are no failure by themselves.
    held: Vec<Pieces>,
    /// Lines of a failure of which it isn't known yet whose it is.
    lines: Vec<Pieces>,
}

impl Connection {
    /// Notes who tried.
    fn note(&mut self, user: Option<String>) {
        if let Some(user) = user.filter(|user| !self.users.contains(user)) {
            self.users.push(user);
            self.data.set("users", Value::Set(self.users.clone()));
        }
    }
}

impl<'j> Tickets<'j> {
    pub(super) fn new(jail: &'j Jail) -> Self {
        Self { jail, detector: jail.templates.detector(), connections: VecDeque::new() }
    }

    /// The failures of a match, which is of the lines in `text`.
    pub(super) fn of(&mut self, found: &Match, text: &[u8]) -> Vec<Ticket> {
        let text = String::from_utf8_lossy(text);
        let mut is_whole = false;
        let mut searched = String::new();
        let mut lines = Vec::new();
        for line in text.split('\n') {
            let (pieces, is_line_whole) = self.pieces(line);
            searched.extend([&pieces[0], &pieces[2], "\n"]);
            is_whole = is_line_whole;
            lines.push(pieces);
        }
        let own = self.own(found, &searched);
        let (mut data, lines) = match own.text("mlfid").map(str::to_owned) {
            Some(id) => self.merged(id, own, lines, found),
            None => (own, lines),
        };
        data.remove("mlfforget");
        let ticket = |host: &Host| Ticket {
            id: written(host),

            time: found.time,
            is_whole,
            data: data.clone(),
            lines: lines.clone(),
        };
        found.failures.iter().map(ticket).collect()
    }

    /// The pieces of a line, and whether its time is a whole number: where the date names its zone, or one is given for
    /// all lines and the date is a civil one.
    fn pieces(&mut self, line: &str) -> (Pieces, bool) {
        let Some(found) = self.detector.find(line.as_bytes()) else {
            return ([String::new(), String::new(), line.to_owned()], false);
        };
        let (start, end) = (found.cut.start, found.cut.end);
        let piece = |range: Range<usize>| line.get(range).unwrap_or_default().to_owned();
        let is_civil = || !self.jail.templates.name(found.template).contains("Epoch");
        let is_whole = found.stamp.names_zone() || (self.jail.log_zone.is_some() && is_civil());
        ([piece(0..start), piece(start..end), piece(end..line.len())], is_whole)
    }

    /// The groups of the expression that matched.
    fn own(&self, found: &Match, searched: &str) -> Data {
        let mut data = Data::default();
        let groups = self.jail.filter.all_groups(found.regex, searched).unwrap_or_default();
        for (name, own) in groups {
            // Another group may help one that is empty out.
            let field = found.fields.get(name);
            let value = field.map(str::to_owned).filter(|_| name != "mlfid").or(own);
            data.set(name, value.map_or(Value::Nothing, Value::Text));
        }
        if let Some(ip) = found.fields.get("ip") {
            data.set("ip", Value::Text(ip.to_owned()));
        }
        data
    }

    /// The groups and lines of a match together with those of its connection.
    fn merged(
        &mut self,
        id: String,
        mut own: Data,
        lines: Vec<Pieces>,
        found: &Match,
    ) -> (Data, Vec<Pieces>) {
        let forgets =
            matches!(own.remove("mlfforget"), Some(Value::Text(text)) if !text.is_empty());
        let gains = own.has("mlfgained");
        if gains {
            let gained = own.get("mlfgained").cloned().unwrap_or(Value::Nothing);
            own.set("nofail", gained);
        }
        let user = own.text("user").filter(|user| !user.is_empty()).map(str::to_owned);
        let at = self.connections.iter().position(|known| known.id == id);
        let is_new = at.is_none();
        let mut connection =
            at.and_then(|at| self.connections.get(at).cloned()).unwrap_or_default();
        if is_new {
            connection.id = id;
            connection.data = own;
            connection.note(user);
        } else {
            connection.note(user);
            let nofail = connection.data.remove("nofail");
            let gained = connection.data.remove("mlfgained");
            let had = [nofail, gained].into_iter().flatten().any(|value| value != Value::Nothing);
            connection.is_pending &= !gains;
            if !had && !connection.is_pending {
                connection.lines.clear();
            }
            for (name, value) in own.0 {
                if value != Value::Nothing {
                    connection.data.set(&name, value);
                }
            }
        }
        if connection.is_pending || connection.users.len() > 1 {
            connection.data.remove("nofail");
            connection.data.remove("mlfgained");
        }
        let data = connection.data.clone();
        let mut all = Vec::new();
        if !data.has("nofail") {
            all.append(&mut connection.held);
            all.extend(connection.lines.iter().cloned());
            all.extend(lines.into_iter().filter(|_| !data.has("mlfgained")));
            connection.lines.clone_from(&all);
        } else if !forgets {
            connection.held.extend(lines);
        }
        connection.is_pending = found.id.is_none() && found.failures.is_empty();
        match at {
            Some(at) if forgets => drop(self.connections.remove(at)),
            Some(at) => self.connections[at] = connection,
            None if forgets => {}
            None => {
                if self.connections.len() >= CONNECTIONS_MAX {
                    self.connections.pop_front();
                }
                self.connections.push_back(connection);
            }
        }
        (data, all)
    }
}

/// An id as fail2ban writes it: an address in its usual form, whatever the log has.
pub(super) fn written(host: &Host) -> String {
    let text = host.to_string();
    text.parse::<std::net::IpAddr>().map_or(text, |ip| ip.to_string())
}
