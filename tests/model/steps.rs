//! What can happen, as it is typed and as the model sees it.

use std::fmt::Write as _;

use f2b::model::Time;
use proptest::prelude::*;

use crate::model::{Ban, HOSTS, JAILS, Line, Model};

/// 12 on average; a shorter one is what a failure shrinks to.
const LENGTH: std::ops::RangeInclusive<usize> = 1..=23;

/// One thing that happens.
#[derive(Clone, Debug)]
pub(crate) enum Step {
    /// A ban by hand, for minutes; `None` for ever.
    Ban {
        jail: usize,
        host: usize,
        minutes: Option<i64>,
    },
    /// Of one host or all, in one jail or all.
    Unban {
        jail: Option<usize>,
        host: Option<usize>,
    },
    /// A plain list of hosts.
    Import {
        jail: usize,
        hosts: Vec<usize>,
        minutes: i64,
    },
    /// The bans in force, to a file.
    Save,
    /// That file, back.
    Load,
    /// Failures in the first minute of an hour: second and host, in the order of the log.
    Append {
        hours_ago: i64,
        failures: Vec<(i64, usize)>,
    },
    Rotate,
    /// The log in one jail or both, or with the rotated ones.
    Scan {
        jails: Vec<usize>,
        is_all: bool,
    },
    /// Forget what is older than minutes.
    Purge {
        minutes: i64,
    },
    /// Time passes: minutes.
    Wait {
        minutes: i64,
    },
}

/// Sequences of steps.
pub(crate) fn sequences() -> impl Strategy<Value = Vec<Step>> {
    prop::collection::vec(a_step(), LENGTH)
}

fn a_step() -> impl Strategy<Value = Step> {
    let jail = 0..JAILS.len();
    let host = 0..HOSTS.len();
    let failing = 0..HOSTS.len() - 1;
    let minutes = 1_i64..3000;
    let jails = prop::sample::subsequence(vec![0, 1], 1..=2);
    prop_oneof![
        2 => (jail.clone(), host.clone(), prop::option::weighted(0.8, minutes.clone()))
            .prop_map(|(jail, host, minutes)| Step::Ban { jail, host, minutes }),
        2 => (prop::option::of(jail.clone()), prop::option::weighted(0.7, host.clone()))
            .prop_map(|(jail, host)| Step::Unban { jail, host }),
        1 => (jail, prop::collection::vec(host, 1..4), minutes.clone())
            .prop_map(|(jail, hosts, minutes)| Step::Import { jail, hosts, minutes }),
        1 => Just(Step::Save),
        1 => Just(Step::Load),
        5 => (0_i64..4, prop::collection::vec((0_i64..60, failing), 1..6))
            .prop_map(|(hours_ago, failures)| Step::Append { hours_ago, failures }),
        1 => Just(Step::Rotate),
        5 => (jails, any::<bool>()).prop_map(|(jails, is_all)| Step::Scan { jails, is_all }),
        1 => (60_i64..3000).prop_map(|minutes| Step::Purge { minutes }),
        3 => (1_i64..300).prop_map(|minutes| Step::Wait { minutes }),
    ]
}

/// The times and hosts of failures that are appended now.
fn appended(now: i64, hours_ago: i64, failures: &[(i64, usize)]) -> Vec<(i64, usize)> {
    let hour = now.div_euclid(3600) - hours_ago;
    let line = |(second, host): &(i64, usize)| {
        let at = hour * 3600 + second;
        (if at > now { at - 3600 } else { at }, *host)
    };
    failures.iter().map(line).collect()
}

impl Step {
    /// What is typed for it, a second after the step before.
    pub(crate) fn shell_line(&self, model: &Model) -> String {
        let now = format!("--now @{}", model.now + 1);
        let jail = |jail: usize| format!("--jail {}", JAILS[jail].name);
        let time = |minutes: Option<i64>| minutes.map_or("-1".to_owned(), |n| format!("{n}m"));
        match self {
            Self::Ban { jail: name, host, minutes } => {
                format!("f2b ban {} {} --time {} {now}", HOSTS[*host], jail(*name), time(*minutes))
            }
            Self::Unban { jail: name, host } => {
                let host = host.map_or("--all", |host| HOSTS[host]);
                format!("f2b unban {host} {} {now}", name.map(jail).unwrap_or_default())
            }
            Self::Import { jail: name, hosts, minutes } => {
                let hosts: Vec<&str> = hosts.iter().map(|host| HOSTS[*host]).collect();
                let (hosts, name) = (hosts.join("\\n"), jail(*name));
                format!("printf '{hosts}\\n' | f2b import ip.deny - {name} --time {minutes}m {now}")
            }
            Self::Save => format!("[ ! -f store/f2b.sqlite3 ] || f2b export csv {now} >saved.csv"),
            Self::Load => format!("[ ! -f saved.csv ] || f2b import csv saved.csv {now}"),
            Self::Append { hours_ago, failures } => {
                let mut line = "printf '".to_owned();
                let first = model.lines.len();
                let lines = appended(model.now + 1, *hours_ago, failures);
                for (n, (at, host)) in lines.into_iter().enumerate() {
                    let (at, number) = (Time::from_secs(at), first + n);
                    write!(line, "{at} bad {} try {number}\\n", HOSTS[host]).expect("a String");
                }
                line + "' >>log"
            }
            Self::Rotate => "[ ! -f log.1 ] || mv log.1 log.2; mv log log.1; touch log".to_owned(),
            Self::Scan { jails, is_all } => {
                let jails: Vec<String> = jails.iter().map(|name| jail(*name)).collect();
                let logs = if *is_all { "'log*'" } else { "log" };
                format!("f2b scan --quiet {} --ban {logs} {now} >/dev/null", jails.join(" "))
            }
            Self::Purge { minutes } => {
                format!("[ ! -f store/f2b.sqlite3 ] || f2b purge --keep {minutes}m {now}")
            }
            Self::Wait { minutes } => format!("# {minutes} minutes later"),
        }
    }

    /// What it does to the model.
    pub(crate) fn apply(&self, model: &mut Model) {
        model.now += 1;
        let now = model.now;
        let end = |minutes: Option<i64>| minutes.map_or(i64::MAX, |n| now + n * 60);
        match self {
            Self::Ban { jail, host, minutes } => model.ban(*jail, *host, end(*minutes)),
            Self::Unban { jail, host } => model.unban(*jail, *host),
            Self::Import { jail, hosts, minutes } => {
                let ban = |host: &usize| Ban::new(*jail, *host, now, now + minutes * 60);
                let listed: Vec<Ban> = hosts.iter().map(ban).collect();
                model.import(&listed);
            }
            Self::Save => model.saved = model.listed(),
            Self::Load => {
                let saved = model.saved.clone();
                model.import(&saved);
            }
            Self::Append { hours_ago, failures } => {
                let lines = appended(now, *hours_ago, failures).into_iter();
                let lines = lines.map(|(at, host)| Line { at, host, age: 0, known: [false; 2] });
                model.lines.extend(lines);
            }
            Self::Rotate => {
                for line in &mut model.lines {
                    line.age += 1;
                }
            }
            Self::Scan { jails, is_all } => {
                for jail in jails {
                    model.scan(*jail, if *is_all { 2 } else { 0 });
                }
            }
            Self::Purge { minutes } => model.purge(now - minutes * 60),
            Self::Wait { minutes } => model.now += minutes * 60,
        }
    }
}
