//! Options of a jail that are set while it runs, as its section would set them.

use std::path::Path;

use super::super::backend::Backend;
use super::super::filter::FilterDef;
use super::super::interpolate::Given;
use super::super::options::truth;
use super::super::traced::{Line, Text, Traced};
use super::def::{JailDef, Setting};
use super::increment::increment;
use super::read;
use super::values::Values;
use crate::diag::{Diagnostic, Location};

/// What stands for the file of what no file has.
const NOWHERE: &str = "run time";
const INCREMENT: &str = "bantime.increment";

impl Text {
    /// A text that somebody gave while the program runs.
    pub fn at_run_time(value: &str) -> Self {
        Self { value: value.to_owned(), at: Location::new(NOWHERE, 0) }
    }
}

impl JailDef {
    /// A jail that nothing configures, with the defaults of all options.
    ///
    /// # Errors
    /// What can't be read of the `backend`.
    pub fn bare(name: &str, backend: &str) -> Result<Self, Vec<Diagnostic>> {
        let (kind, wrong) = Backend::read(&traced(backend));
        if !wrong.is_empty() {
            return Err(wrong);
        }
        let def = Self::of_filter(FilterDef::default());
        let mut def = Self { name: name.to_owned(), backend: kind, ..def };
        def.remember("backend", backend);
        Ok(def)
    }

    /// Sets an option: one of those that are read by themselves, and `bantime.*`; the filter's expressions, logs and
    /// actions are lists that are changed otherwise.
    ///
    /// # Errors
    /// What is wrong with the value; the jail is of no use then.
    pub fn set(&mut self, option: &str, value: &str) -> Result<(), Vec<Diagnostic>> {
        self.remember(option, value);
        let mut given: Given = [(option.to_owned(), traced(value))].into();
        if option.starts_with("bantime.") {
            given = self.increment_options();
            // What isn't read while bans don't get longer is told all the same.
            given.insert(INCREMENT.to_owned(), traced("true"));
        }
        let mut values = Values::new(&given);
        match option {
            "maxretry" => self.maxretry = values.number("maxretry"),
            "maxmatches" => self.maxmatches = values.number("maxmatches"),
            "findtime" => self.findtime_us = values.micros("findtime"),
            "bantime" => self.bantime = read::bantime(&mut values),
            "ignorecommand" => self.ignorecommand = values.text("ignorecommand"),
            "ignorecache" => self.ignorecache = read::ignorecache(&mut values),
            "logencoding" => self.logencoding = read::logencoding(&mut values),
            "logtimezone" => self.logtimezone = read::logtimezone(&mut values),
            _ if option.starts_with("bantime.") => {
                let read = increment(&mut values);
                self.increment = read.filter(|_| self.is_increasing());
            }
            _ => {
                let filter = &mut self.filter;
                filter.apply(option, &traced(value), &mut values.findings);
                self.maxlines = filter.maxlines.unwrap_or(self.maxlines);
                self.usedns = filter.usedns.unwrap_or(self.usedns);
            }
        }
        if values.findings.is_empty() { Ok(()) } else { Err(values.findings) }
    }

    /// Forgets that an option of `bantime.*` is set.
    pub fn unset(&mut self, option: &str) {
        self.settings.retain(|known| known.name != option);
        self.increment = increment(&mut Values::new(&self.increment_options()));
    }

    /// The value of an option as it is written, if it is.
    pub fn written(&self, option: &str) -> Option<&str> {
        let setting = self.settings.iter().find(|known| known.name == option)?;
        Some(&setting.text.value)
    }

    fn increment_options(&self) -> Given {
        let all = self.settings.iter().filter(|known| known.name.starts_with("bantime."));
        all.map(|known| (known.name.clone(), traced(&known.text.value))).collect()
    }

    fn is_increasing(&self) -> bool {
        self.written(INCREMENT).and_then(truth).unwrap_or(false)
    }

    fn remember(&mut self, option: &str, value: &str) {
        let text = Text::at_run_time(value);
        match self.settings.iter_mut().find(|known| known.name == option) {
            Some(known) => known.text = text,
            None => self.settings.push(Setting {
                name: option.to_owned(),
                text,
                overridden: Vec::new(),
            }),
        }
    }
}

fn traced(value: &str) -> Traced {
    Traced::new(value, Line { file: Path::new(NOWHERE).into(), line: 0 })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::BanTime;

    fn jail() -> JailDef {
        JailDef::bare("j", "polling").unwrap()
    }

    #[test]
    fn a_bare_jail_has_the_defaults_of_the_options() {
        let jail = jail();
        assert_eq!((&*jail.name, jail.written("backend")), ("j", Some("polling")));
        assert_eq!((jail.maxretry, jail.findtime_us), (3, 600_000_000));
        assert_eq!((jail.backend, jail.maxmatches), (Backend::Polling, 5));
        let wrong = JailDef::bare("j", "poling").unwrap_err();
        assert_eq!(wrong.len(), 1);
    }

    #[test]
    fn an_option_is_what_its_section_would_make_of_it() {
        let mut jail = jail();
        for (option, value) in [
            ("findtime", "1d12h"),
            ("bantime", "-1"),
            ("maxlines", "2"),
            ("datepattern", "%Y\n%m"),
            ("bantime.increment", "true"),
            ("bantime.factor", "3"),
        ] {
            jail.set(option, value).unwrap();
            assert_eq!(jail.written(option), Some(value));
        }
        assert_eq!((jail.findtime_us, jail.bantime), (129_600_000_000, BanTime::Permanent));
        assert_eq!((jail.maxlines, jail.filter.datepattern.len()), (2, 2));
        let factor = |jail: &JailDef| jail.increment.as_ref().map(|increment| increment.factor);
        assert_eq!(factor(&jail), Some(3.0));
        jail.unset("bantime.factor");
        assert_eq!((factor(&jail), jail.written("bantime.factor")), (Some(1.0), None));
    }

    #[test]
    fn err_what_its_section_would_not_take() {
        for (option, value) in [
            ("findtime", "often"),
            ("findtime", "-1"),
            ("maxretry", "x"),
            ("maxlines", "0"),
            ("logencoding", "nope"),
            ("ignorecache", "bad"),
            ("bantime.multipliers", "1 x"),
        ] {
            assert_eq!(jail().set(option, value).unwrap_err().len(), 1, "{option} {value}");
        }
    }
}
