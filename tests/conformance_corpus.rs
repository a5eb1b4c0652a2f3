//! The sample logs of Debian's fail2ban package: every line that it evaluates means the same here.
//!
//! Read where the package installs them; nothing of them is in this repository. Samples are the lines after a
//! `failJSON` comment, which says what must come of them; `filterOptions` say with which options the filter is
//! loaded from there on. Each set of options keeps its state (dates, connections, window) for the whole run.

#![expect(clippy::unwrap_used, reason = "a test may stop where it stands")]
#![expect(clippy::print_stderr, reason = "it says how much it compared")]

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use f2b::config::{Config, JailDef, Spec, UseDns};
use f2b::date::YearWindow;
use f2b::engine::{Calendars, Jail, JailSet, Live, Manner, Overrides, SampleLimits, Wanted};
use f2b::filter::Mode;
use f2b::model::{Host, Match, Time, Zone};
use serde_json::{Map, Value};

/// Where the package's files are in the folder that `F2B_FAIL2BAN_ROOT` names, else in `/`: another version,
/// unpacked somewhere, can be tried.
const LOGS: &str = "usr/lib/python3/dist-packages/fail2ban/tests/files/logs";
const CONFIG: &str = "etc/fail2ban";

fn root(path: &str) -> PathBuf {
    let root = std::env::var_os("F2B_FAIL2BAN_ROOT").unwrap_or_else(|| "/".into());
    Path::new(&root).join(path)
}

/// 2005-08-14 12:00:00 in Zurich, when the samples are read.
const NOW: Time = Time::from_secs(1_124_013_600);

/// One line with what must come of it.
struct Sample {
    at: String,
    line: String,
    expected: Map<String, Value>,
    options: Vec<Map<String, Value>>,
}

/// What came of a line.
#[derive(Debug, Default)]
struct Found {
    id: String,
    time: Option<Time>,
    fields: BTreeMap<String, Value>,
}

/// A filter with its options and the state of its stream.
struct Instance {
    jail: &'static Jail,
    is_journal: bool,
    live: Live<'static>,
    covered: Vec<bool>,
    offset: u64,
}

impl Instance {
    fn new(name: &str, options: &Map<String, Value>) -> Result<Self, String> {
        let config = Config::open(&root(CONFIG)).unwrap();
        let options: Vec<(String, String)> = options
            .iter()
            .filter(|(key, _)| !key.starts_with("test."))
            .map(|(key, value)| (key.clone(), value.as_str().unwrap_or_default().to_owned()))
            .collect();
        let is_journal = options.iter().any(|(key, value)| key == "logtype" && value == "journal");
        let loaded = config.filter(&Spec { name: name.to_owned(), options });
        let def = loaded.value.ok_or_else(|| format!("{name}: {:?}", loaded.findings))?;
        let overrides = Overrides {
            usedns: Some(UseDns::Raw),
            raw: true,
            ignores_nobody: true,
            ..Overrides::default()
        };
        let calendars = Calendars::new(YearWindow::archive());
        let (jail, findings) = Jail::compile(&JailDef::of_filter(def), &overrides, &calendars);
        let jail = jail.ok_or_else(|| format!("{name}: {findings:?}"))?;
        let wanted = Wanted {
            mode: Mode::All,
            manner: Manner::F2b,
            zone: Zone::parse("Europe/Zurich").unwrap(),
            now: NOW,
            limits: SampleLimits::default(),
            matches: true,
            hits: false,
            bans: false,
        };
        let set = Box::leak(Box::new(JailSet::new(std::slice::from_ref(&jail), &[0])));
        let live = Live::new(set, Box::leak(Box::default()), wanted);
        let covered = vec![false; jail.filter.failregex().len()];
        Ok(Self { jail: Box::leak(Box::new(jail)), is_journal, live, covered, offset: 0 })
    }

    fn feed(&mut self, line: &str) -> Vec<Found> {
        let judged = if self.is_journal {
            self.live.entry(line.as_bytes(), NOW)
        } else {
            self.live.block(format!("{line}\n").as_bytes(), self.offset)
        };
        self.offset += line.len() as u64 + 1;
        let (totals, matches) = judged.into_iter().next().unwrap();
        for (covered, hits) in self.covered.iter_mut().zip(&totals.failregex) {
            *covered |= *hits > 0;
        }
        let lines = matches.lines.into_iter().filter(|found| !found.nofail);
        lines.flat_map(results).collect()
    }
}

/// What a matched line means, once for each failure.
fn results(found: Match) -> Vec<Found> {
    let Match { time, fields, users, failures, attempts, .. } = found;
    let mut all: BTreeMap<String, Value> =
        fields.iter().map(|(name, value)| (name.to_owned(), value.into())).collect();
    all.insert("attempts".into(), attempts.into());
    if !users.is_empty() {
        all.insert("users".into(), users.into());
    }
    let found = |host: &Host| Found { id: host.to_string(), time, fields: all.clone() };
    failures.iter().map(found).collect()
}

/// The samples of a file and of those that it adds, in order.
fn samples(file: &str, samples_of: &mut Vec<Sample>, defaults: &mut Map<String, Value>) {
    let text = fs::read_to_string(root(LOGS).join(file)).unwrap();
    let mut options = vec![Map::new()];
    let mut expected: Option<Map<String, Value>> = None;
    let mut added = Vec::new();
    for (nth, line) in (1..).zip(text.split('\n')) {
        let line = line.trim_end_matches('\r');
        if !line.is_empty() && !line.starts_with('#') {
            // Nothing must come of a line that nothing is said of.
            expected.get_or_insert_default();
        }
        if let Some(expected) = expected.take() {
            let at = format!("{file}:{nth}");
            samples_of.push(Sample {
                at,
                line: line.to_owned(),
                expected,
                options: options.clone(),
            });
            continue;
        }
        let Some((word, payload)) = directive(line) else { continue };
        match word {
            "failJSON" => expected = Some(serde_json::from_str(payload).unwrap()),
            "fileOptions" => *defaults = serde_json::from_str(payload).unwrap(),
            "addFILE" => added.push(payload.trim().trim_matches('"').to_owned()),
            _ => {
                let value: Value = serde_json::from_str(payload).unwrap();
                let list = value.as_array().cloned().unwrap_or_else(|| vec![value]);
                options = list
                    .into_iter()
                    .map(|one| {
                        let mut all = defaults.clone();
                        all.extend(one.as_object().unwrap().clone());
                        all
                    })
                    .collect();
            }
        }
    }
    for file in added {
        samples(&file, samples_of, defaults);
    }
}

fn directive(line: &str) -> Option<(&str, &str)> {
    let (word, payload) =
        line.strip_prefix('#')?.trim_start_matches('#').trim_start().split_once(':')?;
    let is_known = ["failJSON", "fileOptions", "filterOptions", "addFILE"].contains(&word);
    is_known.then_some((word, payload))
}

/// Filters that have both samples and a file in the stock folder.
fn names() -> Vec<String> {
    let logs = fs::read_dir(root(LOGS)).expect("Debian's package fail2ban is installed");
    let mut names: Vec<String> = logs
        .map(|entry| entry.unwrap())
        .filter(|entry| entry.file_type().unwrap().is_file())
        .map(|entry| entry.file_name().into_string().unwrap())
        .filter(|name| root(CONFIG).join(format!("filter.d/{name}.conf")).exists())
        .collect();
    names.sort();
    names
}

/// Whether a sample is for a filter with these options.
fn applies(sample: &Sample, name: &str, options: &Map<String, Value>) -> bool {
    let condition = options.get("test.condition").and_then(Value::as_str);
    let constraint = sample.expected.get("constraint").and_then(Value::as_str);
    [condition, constraint].iter().flatten().all(|text| holds(text, name, options))
}

/// The few forms of condition that the samples use.
fn holds(constraint: &str, name: &str, options: &Map<String, Value>) -> bool {
    let mode = options.get("mode").and_then(Value::as_str);
    let constraint = constraint.replace(' ', "");
    let mut all = constraint.split("and").map(|one| match one {
        "opts.get('mode')=='aggressive'" => mode == Some("aggressive"),
        "opts.get('mode')!='aggressive'" => mode != Some("aggressive"),
        other => match other.strip_prefix("name=='").and_then(|rest| rest.strip_suffix('\'')) {
            Some(wanted) => wanted == name,
            None => unreachable!("a constraint that this test does not know: {other}"),
        },
    });
    all.all(|holds| holds)
}

/// What is wrong with what came of a sample.
fn compare(sample: &Sample, found: &[Found]) -> Option<String> {
    let is_match = sample.expected.get("match").and_then(Value::as_bool).unwrap_or(false);
    let [found] = found else {
        return (is_match || !found.is_empty()).then(|| {
            format!("{} results, expected {}: {found:?}", found.len(), i32::from(is_match))
        });
    };
    if !is_match {
        return Some(format!("a failure where none was expected: {found:?}"));
    }
    for (key, wanted) in &sample.expected {
        let got = match key.as_str() {
            "match" | "desc" | "constraint" => continue,
            "time" => {
                let Some(text) = wanted.as_str() else { continue };
                let zone = Zone::parse("Europe/Zurich").unwrap();
                let wanted = Time::parse(text, zone).unwrap();
                if found.time != Some(wanted) {
                    return Some(format!("time: {:?}, expected {text}", found.time));
                }
                continue;
            }
            "host" => found.fields.get("host").cloned().unwrap_or_else(|| found.id.clone().into()),
            _ => found.fields.get(key).cloned().unwrap_or(Value::Null),
        };
        if sorted(&got) != sorted(wanted) {
            return Some(format!("{key}: {got}, expected {wanted}"));
        }
    }
    None
}

fn sorted(value: &Value) -> Value {
    let Value::Array(list) = value else { return value.clone() };
    let mut list = list.clone();
    list.sort_by_key(ToString::to_string);
    Value::Array(list)
}

#[test]
fn every_sample_line_means_what_it_means_to_fail2ban() {
    let names = names();
    let (mut checks, mut passed, mut good) = (0, 0, 0);
    let mut wrong = Vec::new();
    for name in &names {
        let before = wrong.len();
        let mut of_filter = Vec::new();
        samples(name, &mut of_filter, &mut Map::new());
        let mut instances: BTreeMap<String, Instance> = BTreeMap::new();
        for sample in &of_filter {
            for options in &sample.options {
                let condition = options.get("test.condition").and_then(Value::as_str);
                let constraint = sample.expected.get("constraint").and_then(Value::as_str);
                if [condition, constraint].iter().flatten().any(|text| !holds(text, name, options))
                {
                    continue;
                }
                let key = serde_json::to_string(options).unwrap();
                if !instances.contains_key(&key) {
                    match Instance::new(name, options) {
                        Ok(instance) => {
                            instances.insert(key.clone(), instance);
                        }
                        Err(error) => {
                            wrong.push(error);
                            continue;
                        }
                    }
                }
                let instance = instances.get_mut(&key).unwrap();
                let prefix = options.get("test.prefix-line").and_then(Value::as_str).unwrap_or("");
                let line = format!("{prefix}{}", sample.line);
                checks += 1;
                match compare(sample, &instance.feed(&line)) {
                    None => passed += 1,
                    Some(text) => {
                        wrong.push(format!("{} {name}{key}: {text}\n    {line}", sample.at));
                    }
                }
            }
        }
        for (key, instance) in &instances {
            for (index, _) in instance.covered.iter().enumerate().filter(|(_, covered)| !**covered)
            {
                let source = instance.jail.filter.failregex()[index].source();
                let is_covered = instances.values().any(|other| {
                    other
                        .jail
                        .filter
                        .failregex()
                        .iter()
                        .zip(&other.covered)
                        .any(|(p, c)| *c && p.source() == source)
                });
                if !is_covered {
                    wrong.push(format!("{name}{key}: no sample hits '{source}'"));
                }
            }
        }
        good += u32::from(wrong.len() == before);
    }
    eprintln!("{passed} of {checks} lines, filters {good} of {}", names.len());
    assert!(
        wrong.is_empty(),
        "{passed} of {checks} lines, filters {good} of {}\n{}",
        names.len(),
        wrong.join("\n")
    );
    assert!(checks > 1000, "only {checks} lines: is the package complete?");
}

/// The same through the command line: the lines of a filter's samples are a log.
#[test]
fn the_command_line_gives_the_same_verdicts() {
    let (mut checks, mut wrong) = (0, Vec::new());
    let dir = tempfile::tempdir().unwrap();
    for name in names() {
        let mut all = Vec::new();
        samples(&name, &mut all, &mut Map::new());
        let mut logs: BTreeMap<String, Vec<&Sample>> = BTreeMap::new();
        for sample in &all {
            for options in &sample.options {
                // A journal's line has its time beside it, not in it.
                let is_file = options.get("logtype").and_then(Value::as_str) != Some("journal");
                if is_file && applies(sample, &name, options) {
                    logs.entry(spec(&name, options)).or_default().push(sample);
                }
            }
        }
        for (spec, samples) in logs {
            let log = dir.path().join("log");
            let text: Vec<&str> = samples.iter().map(|sample| &*sample.line).collect();
            fs::write(&log, text.join("\n") + "\n").unwrap();
            let matches = scan(&log, &spec);
            for (line, sample) in (1..).zip(&samples) {
                checks += 1;
                let found: Vec<Found> = matches
                    .iter()
                    .filter(|found| found["line"] == line && found["nofail"] == false)
                    .map(found_of)
                    .collect();
                let mut expected = Sample { expected: sample.expected.clone(), ..empty() };
                // How many lines a connection's failure is made of is no part of the interface.
                expected.expected.remove("attempts");
                wrong.extend(
                    compare(&expected, &found)
                        .map(|text| format!("{} {spec}: {text}\n    {}", sample.at, sample.line)),
                );
            }
        }
    }
    assert!(wrong.is_empty(), "{} of {checks} lines differ\n{}", wrong.len(), wrong.join("\n"));
    assert!(checks > 1000, "only {checks} lines");
}

fn empty() -> Sample {
    Sample { at: String::new(), line: String::new(), expected: Map::new(), options: Vec::new() }
}

fn spec(name: &str, options: &Map<String, Value>) -> String {
    let options: Vec<String> = options
        .iter()
        .filter(|(key, _)| !key.starts_with("test."))
        .map(|(key, value)| format!("{key}=\"{}\"", value.as_str().unwrap_or_default()))
        .collect();
    format!("{name}[{}]", options.join(","))
}

fn scan(log: &Path, spec: &str) -> Vec<Value> {
    let ran = std::process::Command::new(env!("CARGO_BIN_EXE_f2b"))
        .env("TZ", "Europe/Zurich")
        .args(["scan", "--dry-run", "--format", "jsonl", "--now", "2005-08-14T12:00:00+02:00"])
        .args(["--usedns", "raw", "-c"])
        .arg(root(CONFIG))
        .arg(log)
        .arg(spec)
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&ran.stderr);
    assert!(matches!(ran.status.code(), Some(0 | 1)), "{spec}: {said}");
    ran.stdout
        .split(|byte| *byte == b'\n')
        .filter(|line| !line.is_empty())
        .map(|line| serde_json::from_slice(line).unwrap())
        .collect()
}

fn found_of(found: &Value) -> Found {
    let fields = found["fields"].as_object().unwrap();
    let micros = found["time"].as_f64().map(|secs| (secs * 1e6).round());
    #[expect(clippy::cast_possible_truncation, reason = "microseconds of this century")]
    let time = micros.map(|micros| Time::from_micros(micros as i64));
    Found {
        id: found["id"].as_str().unwrap_or_default().to_owned(),
        time,
        fields: fields.iter().map(|(key, value)| (key.clone(), value.clone())).collect(),
    }
}
