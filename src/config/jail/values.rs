//! What the options of a jail say: as they are set, else as the table of options has them.

use super::super::interpolate::Given;
use super::super::options::{self, truth};
use super::super::traced::Text;
use super::super::traced::Traced;
use crate::diag::{Diagnostic, Severity};
use crate::model::duration::parse_micros;
use crate::text;

/// The values of a jail's options, and what was found wrong with them.
pub(super) struct Values<'v> {
    set: &'v Given,
    pub(super) findings: Vec<Diagnostic>,
    /// Whether something keeps the jail from being used.
    pub(super) failed: bool,
}

impl<'v> Values<'v> {
    pub(super) fn new(set: &'v Given) -> Self {
        Self { set, findings: Vec::new(), failed: false }
    }

    /// The option as it is set, perhaps to nothing.
    pub(super) fn get(&self, name: &str) -> Option<&'v Traced> {
        self.set.get(name)
    }

    /// The option if it is set to something.
    pub(super) fn filled(&self, name: &str) -> Option<&'v Traced> {
        self.get(name).filter(|value| !value.value.trim().is_empty())
    }

    pub(super) fn text(&self, name: &str) -> Option<Text> {
        self.filled(name).map(Traced::text)
    }

    pub(super) fn fail(&mut self, found: Diagnostic) {
        self.failed = true;
        self.findings.push(found);
    }

    /// What the option means; what its default means if it isn't set or if that can't be read, of which `wrong`
    /// makes a finding.
    pub(super) fn read<T>(
        &mut self,
        name: &'static str,
        parse: impl Fn(&str) -> Option<T>,
        wrong: impl FnOnce(&Traced) -> Diagnostic,
    ) -> T {
        let value = self.get(name);
        if let Some(meaning) = value.and_then(|value| parse(&value.value)) {
            return meaning;
        }
        if let Some(found) = value.map(wrong) {
            self.failed |= found.severity == Severity::Error;
            self.findings.push(found);
        }
        default(name, parse)
    }

    pub(super) fn flag(&mut self, name: &'static str) -> bool {
        let wrong = |value: &Traced| {
            let message = format!("{name} is '{}', which counts as no", text::shown(&value.value));
            Diagnostic::new("bad-boolean", Severity::Warning, message)
                .with_location(value.at.location())
                .with_text(&value.value)
                .with_help("write true or false")
        };
        let is_clear = self.get(name).is_none_or(|value| truth(&value.value).is_some());
        self.read(name, truth, wrong) && is_clear
    }

    pub(super) fn number(&mut self, name: &'static str) -> u32 {
        self.read(name, number, |value| {
            let message = format!("{name} is '{}'", text::shown(&value.value));
            let default = options::default(name);
            Diagnostic::new("bad-number", Severity::Warning, message)
                .with_location(value.at.location())
                .with_text(&value.value)
                .with_help(format!("write a whole number; {default} is used"))
        })
    }

    /// A time from zero, in microseconds.
    pub(super) fn micros(&mut self, name: &'static str) -> i64 {
        self.read(name, micros, |value| bad_time(name, value))
    }

    /// A time from zero, in microseconds, that may be left out; or one of -1 second, if that means for ever.
    ///
    /// DIFFERS: to fail2ban any below zero is a time all the same, after which a ban ends before it begins.
    pub(super) fn micros_if_set(&mut self, name: &'static str, may_be_ever: bool) -> Option<i64> {
        const EVER: i64 = -1_000_000;
        let value = self.filled(name)?;
        let ever = parse_micros(&value.value).ok().filter(|us| may_be_ever && *us == EVER);
        let micros = micros(&value.value).or(ever);
        if micros.is_none() {
            self.fail(bad_time(name, value));
        }
        micros
    }
}

/// What the default of an option means.
pub(super) fn default<T>(name: &str, parse: impl Fn(&str) -> Option<T>) -> T {
    parse(options::default(name)).expect("the tests of the configuration read every default")
}

pub(super) fn number(text: &str) -> Option<u32> {
    text.trim().parse().ok()
}

fn micros(text: &str) -> Option<i64> {
    parse_micros(text).ok().filter(|micros| *micros >= 0)
}

pub(super) fn bad_time(name: &str, value: &Traced) -> Diagnostic {
    let message = format!("{name} is '{}', which is no duration", text::shown(&value.value));
    Diagnostic::new("bad-duration", Severity::Error, message)
        .with_location(value.at.location())
        .with_text(&value.value)
        .with_help("write seconds or units such as 600, 10m, 1d12h, 1w")
}
