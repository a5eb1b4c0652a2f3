//! `--output`: one thing of every failure, as fail2ban-regex's `-o` prints it.

use std::io::{self, Write};

use crate::model::{Host, Match};
use crate::text::quoted;

/// What is printed of a failure.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Shape {
    /// What identifies it.
    Id,
    /// Its address, or else its id.
    Ip,
    /// The line.
    Message,
    /// A Python row of id, time and data.
    Row,
    /// One named capture, or `None`.
    Field(String),
    /// A text with `<ip>`, `<F-USER>`, `<time>` and others filled in.
    Template(String),
}

impl Shape {
    /// Reads the option's argument.
    pub fn parse(text: &str) -> Self {
        match text {
            "id" | "fid" => Self::Id,
            "ip" => Self::Ip,
            "msg" => Self::Message,
            "row" => Self::Row,
            _ if text.contains('<') => Self::Template(text.to_owned()),
            _ => Self::Field(text.to_lowercase()),
        }
    }

    /// Prints each failure of a matched line.
    pub fn write(&self, found: &Match, text: &[u8], out: &mut dyn Write) -> io::Result<()> {
        let text = String::from_utf8_lossy(text);
        found.failures.iter().try_for_each(|host| match self {
            Self::Id => writeln!(out, "{host}"),
            Self::Ip => writeln!(out, "{}", found.host.as_ref().unwrap_or(host)),
            Self::Message => writeln!(out, "{text}"),
            Self::Row => writeln!(out, "{}", row(found, host)),
            Self::Field(name) => {
                writeln!(out, "{}", field(found, name).unwrap_or_else(|| "None".into()))
            }
            Self::Template(template) => writeln!(out, "{}", filled(template, found, host, &text)),
        })
    }
}

fn field(found: &Match, name: &str) -> Option<String> {
    let addr =
        |v4: bool| found.host.as_ref().filter(|h| h.addr().is_some_and(|a| a.ip().is_ipv4() == v4));
    match name {
        "ip4" => addr(true).map(Host::to_string),
        "ip6" => addr(false).map(Host::to_string),
        "dns" => found.host.as_ref().filter(|host| host.addr().is_none()).map(Host::to_string),
        _ => found.fields.iter().find(|(known, _)| known == name).map(|(_, value)| value.clone()),
    }
}

/// `['192.0.2.1',⇥1782060468.0,⇥{'user': 'root', 'ip4': '192.0.2.1', 'ip6': None, 'dns': None}],`
fn row(found: &Match, host: &Host) -> String {
    let time =
        found.time.map_or_else(|| "None".to_owned(), |time| format!("{:?}", time.as_secs_f64()));
    let mut data: Vec<String> =
        found.fields.iter().map(|(name, value)| format!("'{name}': {}", quoted(value))).collect();
    for name in ["ip4", "ip6", "dns"] {
        let value = field(found, name).map_or_else(|| "None".to_owned(), |value| quoted(&value));
        data.push(format!("'{name}': {value}"));
    }
    format!("[{},\t{time},\t{{{}}}],", quoted(&host.to_string()), data.join(", "))
}

/// Known tags are replaced; others stay, as fail2ban leaves them.
fn filled(template: &str, found: &Match, host: &Host, text: &str) -> String {
    let mut out = String::with_capacity(template.len() + text.len());
    let mut rest = template;
    while let Some(open) = rest.find('<') {
        let (before, tail) = rest.split_at(open);
        out.push_str(before);
        let tag = tail.find('>').map(|close| &tail[1..close]);
        if let Some((tag, value)) = tag.and_then(|tag| Some((tag, value(tag, found, host, text)?)))
        {
            out.push_str(&value);
            rest = &tail[tag.len() + 2..];
        } else {
            out.push('<');
            rest = &tail[1..];
        }
    }
    out + rest
}

fn value(tag: &str, found: &Match, host: &Host, text: &str) -> Option<String> {
    let addr = found.host.as_ref().or(Some(host)).and_then(Host::addr);
    Some(match tag {
        "ip" => found.host.as_ref().unwrap_or(host).to_string(),
        "fid" | "F-ID" => host.to_string(),
        "time" => found.time.map_or_else(String::new, |time| format!("{:?}", time.as_secs_f64())),
        "matches" | "msg" => text.to_owned(),
        "failures" => "1".to_owned(),
        "family" => if addr?.ip().is_ipv4() { "inet4" } else { "inet6" }.to_owned(),
        _ => field(found, &tag.strip_prefix("F-")?.to_lowercase())?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Time;

    fn found() -> Match {
        Match {
            time: Some(Time::from_secs(1_782_060_468)),
            id: Some(Host::parse("192.0.2.1")),
            host: Some(Host::parse("192.0.2.1")),
            fields: vec![("user".into(), "o'root".into())],
            failures: vec![Host::parse("192.0.2.1")],
            ..Match::default()
        }
    }

    fn printed(shape: &str) -> String {
        let mut out = Vec::new();
        Shape::parse(shape).write(&found(), b"the line", &mut out).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn each_shape_is_the_originals() {
        assert_eq!(printed("id"), "192.0.2.1\n");
        assert_eq!(printed("msg"), "the line\n");
        assert_eq!(printed("user"), "o'root\n");
        assert_eq!(printed("dns"), "None\n");
        assert_eq!(
            printed("row"),
            "['192.0.2.1',\t1782060468.0,\t{'user': \"o'root\", 'ip4': '192.0.2.1', 'ip6': None, 'dns': None}],\n"
        );
        assert_eq!(printed("<ip> <F-USER> <family> <nosuch>"), "192.0.2.1 o'root inet4 <nosuch>\n");
    }
}
