//! What a scan needs to know before it reads a line.

use super::super::args::{Format, ScanArgs};
use super::super::output::failure::Shape;
use super::super::output::report::{SAMPLE_LINES, Show};
use super::super::target::Target;
use super::super::{Context, warn};
use crate::config::{JailDef, UseDns};
use crate::date::{Templates, YearWindow, parse_log_zone};
use crate::decide::Rule;
use crate::engine::{Names, SampleLimits, Scan};
use crate::error::Error;
use crate::filter::{CompileOptions, Filter, Mode};
use crate::model::BanTime;
use crate::model::duration::{self, DurationError};
use crate::source::{self, Log};

/// Everything compiled and settled before the first line is read.
pub(super) struct Plan {
    pub(super) filter: Filter,
    pub(super) templates: Templates,
    pub(super) names: Names,
    pub(super) encoding: &'static encoding_rs::Encoding,
    pub(super) log_zone: Option<chrono::FixedOffset>,
    pub(super) rule: Option<Rule>,
    pub(super) limits: SampleLimits,
    pub(super) show: [Show; 3],
    pub(super) maxlines: u32,
    pub(super) datepatterns: Vec<String>,
    pub(super) shape: Option<Shape>,
}

impl Plan {
    /// Compiles the filter and settles what the arguments and the jail leave open.
    pub(super) fn new(args: &ScanArgs, target: &Target) -> Result<Self, Error> {
        let jail = target.jail.as_deref();
        let usedns = if args.raw {
            UseDns::Raw
        } else {
            args.usedns.as_deref().and_then(UseDns::parse).unwrap_or(UseDns::Raw)
        };
        let maxlines = args.maxlines.or(target.filter.maxlines).unwrap_or(1);
        let raw = args.raw || args.usedns.as_deref() == Some("raw");
        let options = CompileOptions { usedns, maxlines, raw };
        let filter = Filter::compile(&target.filter, &options).map_err(Error::Findings)?;
        let datepatterns: Vec<String> = match &args.datepattern {
            Some(patterns) => patterns.lines().map(str::to_owned).collect(),
            None => target.filter.datepattern.iter().map(|text| text.value.clone()).collect(),
        };
        let templates = Templates::from_patterns(&datepatterns, YearWindow::archive())?;
        let show = [
            if args.print_all_matched { Show::All } else { Show::No },
            shown(args.print_all_ignored, args.print_no_ignored, args.maxlines),
            shown(args.print_all_missed, args.print_no_missed, args.maxlines),
        ];
        let limits = SampleLimits {
            matched: show[0].limit(),
            ignored: show[1].limit(),
            missed: show[2].limit(),
        };
        Ok(Self {
            filter,
            templates,
            names: Names::new(usedns),
            encoding: encoding(args, jail)?,
            log_zone: jail
                .and_then(|jail| jail.logtimezone.as_ref())
                .and_then(|zone| parse_log_zone(&zone.value)),
            rule: jail.map(|jail| rule(args, jail)).transpose()?,
            limits: if args.output.is_some() || args.format != Format::Text {
                SampleLimits::default()
            } else {
                limits
            },
            show,
            maxlines,
            datepatterns,
            shape: args.output.as_deref().map(Shape::parse),
        })
    }

    pub(super) fn scan<'p>(&'p self, context: &Context, args: &ScanArgs) -> Scan<'p> {
        let first_only = args.no_check_all || args.output.is_some();
        Scan {
            filter: &self.filter,
            templates: &self.templates,
            names: &self.names,
            mode: if first_only { Mode::First } else { Mode::All },
            encoding: self.encoding,
            zone: context.zone,
            log_zone: self.log_zone,
            now: context.now,
            limits: self.limits,
            keep_hits: args.verbose > 0 && args.format == Format::Text && args.output.is_none(),
        }
    }
}

fn shown(all: bool, none: bool, maxlines: Option<u32>) -> Show {
    match (all, none) {
        (true, _) => Show::All,
        (_, true) => Show::No,
        // As in the original, where -L is also the limit of what is printed.
        _ => Show::Few(maxlines.map_or(SAMPLE_LINES, |lines| lines as usize)),
    }
}

fn encoding(
    args: &ScanArgs,
    jail: Option<&JailDef>,
) -> Result<&'static encoding_rs::Encoding, Error> {
    let configured =
        jail.and_then(|jail| jail.logencoding.as_ref()).map(|text| text.value.as_str());
    let name = match args.encoding.as_deref().or(configured) {
        None => return Ok(encoding_rs::UTF_8),
        Some(name) if name.is_empty() || name.eq_ignore_ascii_case("auto") => {
            return Ok(encoding_rs::UTF_8);
        }
        Some(name) => name,
    };
    source::encoding(name).ok_or_else(|| Error::Encoding(name.to_owned()))
}

fn rule(args: &ScanArgs, jail: &JailDef) -> Result<Rule, Error> {
    let bantime = match &args.bantime {
        Some(text) => {
            BanTime::parse(text).map_err(|source| Error::Duration { option: "bantime", source })?
        }
        None => jail.bantime,
    };
    let findtime_us = match &args.findtime {
        Some(text) => duration::parse_micros(text)
            .and_then(|us| if us < 0 { Err(DurationError(text.clone())) } else { Ok(us) })
            .map_err(|source| Error::Duration { option: "findtime", source })?,
        None => jail.findtime_us,
    };
    Ok(Rule { maxretry: args.maxretry.unwrap_or(jail.maxretry), findtime_us, bantime })
}

/// The logs that the operands or the jail name; of a jail, those that exist.
pub(super) fn find_logs(target: &Target) -> Result<Vec<Log>, Error> {
    let Some(jail) = target.jail.as_deref().filter(|_| target.has_jails_logs) else {
        return Ok(source::expand(&target.logs)?);
    };
    let mut logs = Vec::new();
    for path in &target.logs {
        match source::expand(std::slice::from_ref(path)) {
            Ok(found) => logs.extend(found),
            Err(
                error @ (source::SourceError::Missing { .. } | source::SourceError::NoMatch { .. }),
            ) => {
                warn(&format!("f2b: {error} (logpath of jail '{}')", jail.name));
            }
            Err(error) => return Err(error.into()),
        }
    }
    if logs.is_empty() {
        let first = jail.logpaths.first().map(|log| format!("{}: ", log.at));
        let location = first.unwrap_or_default();
        return Err(Error::JailWithoutLog { jail: jail.name.clone(), location });
    }
    // Two of its paths may stand for one log.
    Ok(source::distinct(logs))
}
