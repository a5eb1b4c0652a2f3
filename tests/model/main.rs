//! Random sequences of everything that bans and lifts, against a simple model of who must be banned.
//!
//! Every step is a process of its own, so that each is a restart; after each the store's answer is compared.
//! `F2B_MODEL_SEED` and `F2B_MODEL_CASES` choose other sequences; a failure prints the seed and the shortest
//! sequence that it could find, as shell lines.

#![expect(clippy::unwrap_used, reason = "a test may stop where it stands")]

#[path = "../cli/harness.rs"]
#[expect(dead_code, reason = "other tests use the rest of it")]
mod harness;
mod model;
mod steps;

use std::collections::BTreeMap;

use f2b::model::{Time, Zone};
use harness::{World, ran};
use model::{JAILS, Model};
use proptest::test_runner::{Config, RngAlgorithm, TestCaseError, TestError, TestRng, TestRunner};
use steps::{Step, sequences};

const CASES: u32 = 24;
const SEED: u64 = 1;
/// Shrinking runs a sequence each time.
const SHRINKS: u32 = 200;

/// f2b in a folder with two jails that read one log.
struct Run {
    world: World,
    /// What was typed, as shell lines.
    typed: Vec<String>,
}

impl Run {
    fn new() -> Self {
        let world = World::empty();
        world.write("filter.d/door.conf", "[Definition]\nfailregex = ^ bad <HOST> try \\d+$\n");
        let mut jails = String::new();
        for jail in &JAILS {
            let (name, maxretry, bantime) = (jail.name, jail.maxretry, jail.bantime);
            let section = format!(
                "[{name}]\nenabled = true\nignoreself = false\nfilter = door\nlogpath = log\n\
                 findtime = {}\nmaxretry = {maxretry}\nbantime = {bantime}\n",
                model::FINDTIME,
            );
            jails.push_str(&section);
        }
        world.write("jail.conf", jails);
        world.write("log", "");
        Self { world, typed: Vec::new() }
    }

    fn shell(&mut self, line: String) -> harness::Ran {
        let found = ran(&mut self.world.shell(&line));
        self.typed.push(line);
        found
    }

    /// Who is banned in which jail, until when (seconds, `None` for ever).
    fn banned(&self, now: i64) -> Result<BTreeMap<(String, String), Option<i64>>, String> {
        let now = format!("@{now}");
        let found = self.world.run(["bans", "--format", "json", "--now", &now]);
        if found.err.contains("no store") {
            return Ok(BTreeMap::new());
        }
        if !found.err.is_empty() {
            return Err(found.err);
        }
        let mut banned = BTreeMap::new();
        for ban in found.json()["bans"].as_array().unwrap() {
            let text = |name: &str| ban[name].as_str().unwrap().to_owned();
            let until = ban["banned_until"].as_str();
            let until = until.map(|text| Time::parse(text, Zone::Local).unwrap().secs());
            let longest = banned.entry((text("jail"), text("host"))).or_insert(until);
            *longest = longest.zip(until).map(|(one, other)| one.max(other));
        }
        Ok(banned)
    }
}

/// Does a step in both worlds and compares them.
fn check(run: &mut Run, model: &mut Model, step: &Step) -> Result<(), String> {
    let found = run.shell(step.shell_line(model));
    if !(0..=1).contains(&found.status) || !found.err.is_empty() {
        return Err(format!("{}{}", found.out, found.err));
    }
    step.apply(model);
    let (expected, found) = (model.banned(), run.banned(model.now)?);
    if expected != found {
        return Err(format!("expected {expected:?}, found {found:?}"));
    }
    Ok(())
}

fn setting(name: &str, default: u64) -> u64 {
    std::env::var(name).map_or(default, |text| text.parse().expect("a number"))
}

#[test]
fn who_is_banned_is_what_a_simple_model_says() {
    let seed = setting("F2B_MODEL_SEED", SEED);
    let cases = u32::try_from(setting("F2B_MODEL_CASES", CASES.into())).unwrap();
    let config =
        Config { cases, max_shrink_iters: SHRINKS, failure_persistence: None, ..Config::default() };
    let mut bytes = [0; 32];
    bytes[..8].copy_from_slice(&seed.to_le_bytes());
    let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &bytes);
    let result = TestRunner::new_with_rng(config, rng).run(&sequences(), |steps| {
        let (mut run, mut model) = (Run::new(), Model::default());
        for step in &steps {
            check(&mut run, &mut model, step)
                .map_err(|why| TestCaseError::fail(format!("{}\n{why}", run.typed.join("\n"))))?;
        }
        Ok(())
    });
    match result {
        Ok(()) => {}
        Err(TestError::Fail(why, _)) => panic!("F2B_MODEL_SEED={seed}\n{why}"),
        Err(error) => panic!("F2B_MODEL_SEED={seed}: {error}"),
    }
}
