//! `--output`: one thing of every failure, as fail2ban-regex's `-o` prints it.
//!
//! What is asked for is read once ([`Shape::parse`]), with the fields that the filters capture, so that a misspelt
//! name is an error and not a column of `None`.

mod python;
mod tag;

use std::io::{self, Write};

use self::python::Said;
use self::tag::{Tag, TagName};
use crate::date::Detector;
use crate::diag::{Diagnostic, Severity, nearest};
use crate::engine::Jail;
use crate::model::Match;
use crate::text::{printable_lines, shown};

/// Names of what every failure has.
const NAMES: [&str; 9] = ["id", "ip", "host", "msg", "row", "ip4", "ip6", "dns", "users"];

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
    /// A text with tags.
    Template(Vec<Part>),
}

/// A piece of a template.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Part {
    /// Printed as it is.
    Text(String),
    /// Replaced.
    Tag(Tag),
}

/// Why an argument of `--output` is none.
#[derive(Debug, thiserror::Error)]
pub enum ShapeError {
    /// Nothing has this name.
    #[error("no filter captures '{}'{}; there are {names}, or write a template such as '<time> <ip>'",
        shown(.name), near.as_ref().map(|near| format!(", did you mean '{near}'?")).unwrap_or_default())]
    Unknown {
        /// What was asked for.
        name: String,
        /// What is like it.
        near: Option<String>,
        /// What there is.
        names: String,
    },
    /// Only a ban has this.
    #[error("<{0}> is known of a ban, not of a failure; f2b bans lists bans")]
    OfBan(&'static str),
}

impl Shape {
    /// Reads the option's argument, for failures of these jails; and what is strange about it.
    ///
    /// # Errors
    /// No failure of theirs has it.
    pub fn parse<'j>(
        text: &str,
        jails: impl IntoIterator<Item = &'j Jail>,
    ) -> Result<(Self, Vec<Diagnostic>), ShapeError> {
        let fields = fields(jails);
        if text.contains('<') {
            let parts = tag::parts(text)?;
            let findings = strange(&parts, &fields);
            return Ok((Self::Template(parts), findings));
        }
        let name = text.to_lowercase();
        let shape = match &*name {
            "id" | "fid" => Self::Id,
            "ip" => Self::Ip,
            "msg" => Self::Message,
            "row" => Self::Row,
            _ if fields.contains(&name) => Self::Field(name),
            "host" => Self::Ip,
            "ip4" | "ip6" | "dns" | "users" => Self::Field(name),
            _ => {
                let fields = fields.iter().map(String::as_str);
                let own = fields.filter(|field| !NAMES.contains(field));
                let names: Vec<&str> = NAMES.into_iter().chain(own).collect();
                let near = nearest(&name, names.iter().copied()).map(str::to_owned);
                let near = near.filter(|_| !name.is_empty());
                let near = near.or_else(|| TagName::parse(&name).map(|_| format!("<{name}>")));
                return Err(ShapeError::Unknown { name, near, names: names.join(", ") });
            }
        };
        Ok((shape, Vec::new()))
    }
}

/// The names of what these jails' filters capture.
fn fields<'j>(jails: impl IntoIterator<Item = &'j Jail>) -> Vec<String> {
    let mut fields = Vec::new();
    for Jail { filter, .. } in jails {
        let regexes = 0..filter.failregex().len();
        for name in regexes.flat_map(|regex| filter.field_names(regex)) {
            if !fields.iter().any(|known| known == name) {
                fields.push(name.to_owned());
            }
        }
    }
    fields
}

/// Tags that stand for nothing, or for themselves, and are like one that means something.
fn strange(parts: &[Part], fields: &[String]) -> Vec<Diagnostic> {
    let captured = fields.iter().map(|field| format!("F-{}", field.to_uppercase()));
    let known: Vec<String> =
        captured.chain(tag::NAMES.iter().map(|name| (*name).to_owned())).collect();
    let near = |name: &str| {
        let known = known.iter().map(String::as_str);
        let captured = format!("F-{}", name.to_uppercase());
        match name.to_lowercase().trim_start_matches("f-") {
            "host" => Some("ip".to_owned()),
            _ if known.clone().any(|known| known == captured) => Some(captured),
            lower => nearest(name, known.clone())
                .or_else(|| known.clone().find(|known| *known == lower))
                .map(str::to_owned),
        }
    };
    let mut findings = Vec::new();
    for part in parts {
        let (name, what) = match part {
            Part::Tag(Tag::Field(name))
                if !tag::is_always_there(name) && !fields.contains(name) =>
            {
                (format!("F-{}", name.to_uppercase()), "stands for nothing: no filter captures it")
            }
            Part::Tag(Tag::Unknown(name)) if near(name).is_some() => {
                (name.clone(), "is no tag, but text")
            }
            _ => continue,
        };
        let message = format!("--output: <{}> {what}", shown(&name));
        let found = Diagnostic::new("output-tag", Severity::Warning, message);
        findings.push(match near(&name) {
            Some(near) => found.with_help(format!("did you mean <{near}>?")),
            None => found,
        });
    }
    findings
}

/// Prints what was asked for of every failure.
#[derive(Debug)]
pub struct Printer<'p> {
    shape: &'p Shape,
    /// Of each jail.
    of: Vec<OfJail<'p>>,
}

/// How the lines of a jail are read once more, for what nobody else wants to know.
#[derive(Debug)]
struct OfJail<'p> {
    jail: &'p Jail,
    detector: Detector,
    /// Whether the last date named its zone.
    is_zoned: bool,
}

impl<'p> Printer<'p> {
    /// Prints failures of these jails.
    pub fn new(shape: &'p Shape, jails: impl IntoIterator<Item = &'p Jail>) -> Self {
        let of =
            |jail: &'p Jail| OfJail { jail, detector: jail.templates.detector(), is_zoned: false };
        Self { shape, of: jails.into_iter().map(of).collect() }
    }

    /// Prints each failure of a line that the jail at this place matched.
    pub fn write(
        &mut self,
        jail: usize,
        found: &Match,
        line: &[u8],
        out: &mut dyn Write,
    ) -> io::Result<()> {
        let of = &mut self.of[jail];
        let is_zoned = self.shape.tells_time() && of.is_zoned(line);
        let text = String::from_utf8_lossy(line);
        for failure in &found.failures {
            let said = Said { found, failure, text: &text, is_zoned };
            match self.shape {
                Shape::Id => writeln!(out, "{}", printable_lines(&failure.to_string())),
                Shape::Ip => writeln!(out, "{}", printable_lines(&said.ip())),
                Shape::Message => writeln!(out, "{}", printable_lines(&text)),
                Shape::Row => {
                    let names = of.jail.filter.field_names(found.regex);
                    writeln!(out, "{}", said.row(names))
                }
                Shape::Field(name) => {
                    let value = said.field(name);
                    writeln!(out, "{}", printable_lines(&value.unwrap_or_else(|| "None".into())))
                }
                Shape::Template(parts) => {
                    for part in parts {
                        match part {
                            Part::Text(text) => out.write_all(text.as_bytes())?,
                            Part::Tag(tag) => {
                                out.write_all(printable_lines(&tag.value(&said)).as_bytes())?;
                            }
                        }
                    }
                    writeln!(out)
                }
            }?;
        }
        Ok(())
    }
}

impl Shape {
    fn tells_time(&self) -> bool {
        match self {
            Self::Row => true,
            Self::Template(parts) => parts.contains(&Part::Tag(Tag::Named(TagName::Time))),
            _ => false,
        }
    }
}

impl OfJail<'_> {
    /// Whether the date of a line, or else the last one before it, names its zone: fail2ban writes that as a whole
    /// number.
    fn is_zoned(&mut self, line: &[u8]) -> bool {
        if let Some(found) = self.detector.find(line).filter(|found| !found.stamp.is_undated()) {
            self.is_zoned = found.stamp.names_zone();
        }
        self.is_zoned
    }
}
