//! Who takes matches one by one while logs are read: the store, the decisions, the output.

use std::io::{self, Write};

use super::super::args::{Format, ScanArgs};
use super::super::output::failure::Shape;
use super::super::output::json;
use super::super::target::Target;
use super::super::warn_findings;
use super::plan::Plan;
use crate::config::Text;
use crate::engine::ignore::Ignore;
use crate::engine::persist::Persist;
use crate::engine::verdict::Gathered;
use crate::engine::{LogInfo, Sink};
use crate::error::Error;
use crate::model::{Match, Matches};
use crate::store::{Store, Written};

/// Whoever takes matches one by one: the store, the decisions, the output.
pub(super) struct Takers<'t> {
    persist: Option<Persist<'t>>,
    gathered: Option<Gathered>,
    print: Option<Print<'t>>,
}

enum Print<'t> {
    Jsonl(&'t mut dyn Write),
    Csv(Box<csv::Writer<&'t mut dyn Write>>),
    Shape(&'t Shape, &'t mut dyn Write),
}

impl<'t> Takers<'t> {
    pub(super) fn new(
        plan: &'t Plan,
        target: &Target,
        args: &ScanArgs,
        store: Option<&'t mut Store>,
        out: &'t mut dyn Write,
    ) -> Result<Self, Error> {
        let jail = target.jail.as_deref();
        let definition = definition(target);
        let name = jail.map_or("", |jail| jail.name.as_str());
        let persist = store
            .map(|store| Persist::new(store, &target.filter.name, &definition, name))
            .transpose()?;
        let gathered = jail.map(|jail| {
            let (ignore, findings) = Ignore::of(jail);
            warn_findings(&findings);
            Gathered::new(ignore, args.ban)
        });
        let print = match (&plan.shape, args.format) {
            (Some(shape), _) => Some(Print::Shape(shape, out)),
            (None, Format::Jsonl) => Some(Print::Jsonl(out)),
            (None, Format::Csv) => {
                let mut rows = csv::Writer::from_writer(out);
                rows.write_record(json::MATCH_COLUMNS).map_err(io::Error::from)?;
                Some(Print::Csv(Box::new(rows)))
            }
            (None, Format::Text | Format::Json) => None,
        };
        Ok(Self { persist, gathered, print })
    }

    pub(super) fn want_matches(&self) -> bool {
        self.persist.is_some() || self.gathered.is_some() || self.print.is_some()
    }

    pub(super) fn prints(&self) -> bool {
        self.print.is_some()
    }

    pub(super) fn finish(self) -> Result<(Option<Written>, Option<Gathered>), Error> {
        if let Some(Print::Csv(mut rows)) = self.print {
            rows.flush()?;
        }
        Ok((self.persist.map(Persist::finish).transpose()?, self.gathered))
    }
}

impl Sink for Takers<'_> {
    type Error = Error;

    fn take(&mut self, log: &LogInfo, mut matches: Matches) -> Result<(), Error> {
        if let Some(print) = &mut self.print {
            for found in &matches.lines {
                print.one(log, found, matches.text(found))?;
            }
        }
        if let Some(gathered) = &mut self.gathered {
            let Matches { lines, texts } = &mut matches;
            for found in lines {
                gathered.take(found, &texts[found.text.clone()]);
            }
        }
        if let Some(persist) = &mut self.persist {
            persist.take(log, matches)?;
        }
        Ok(())
    }
}

impl Print<'_> {
    fn one(&mut self, log: &LogInfo, found: &Match, text: &[u8]) -> io::Result<()> {
        match self {
            Self::Jsonl(out) => json::line(&json::Match::new(&log.name, found, text), *out),
            Self::Csv(rows) => {
                Ok(rows.write_record(json::Match::new(&log.name, found, text).cells())?)
            }
            Self::Shape(shape, out) => shape.write(found, text, *out),
        }
    }
}

/// What a filter is, for the store: changed expressions make another filter.
fn definition(target: &Target) -> String {
    let filter = &target.filter;
    let list = |texts: &[Text]| -> Vec<String> { texts.iter().map(|t| t.value.clone()).collect() };
    serde_json::json!({
        "prefregex": filter.prefregex.as_ref().map(|text| &text.value),
        "failregex": list(&filter.failregex),
        "ignoreregex": list(&filter.ignoreregex),
        "datepattern": list(&filter.datepattern),
    })
    .to_string()
}
