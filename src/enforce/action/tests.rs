//! Toy actions run for real: each command writes its letter and family to a file.

mod letters;
mod values;

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use tempfile::TempDir;

use super::*;
use crate::config::Config;
use crate::model::{BanTime, Host, Time};

const MOMENT: Moment = Moment {
    now: Time::from_secs(1_795_661_700),
    bantime: BanTime::Micros(600_000_000),
    counters: Counters { banned: 2, banned_total: 3, found: 4, found_total: 5 },
};

/// A folder with a jail `j` that has one action, and what its commands write.
struct Stage {
    dir: TempDir,
    action: Action,
    state: State,
}

/// Letters of the operations as they are written, in the order of [`Operation::ALL`].
const LETTERS: &str = "SBEPUFCRLX";

/// Commands that write who they are, and fail if a file says so: `S4` to fail always, `S4-` once.
const SAY: &str = "case \"<family>\" in inet4) f=4;; inet6) f=6;; None) f=N;; *) f=-;; esac; l=$l$f\n\
     echo $l >> DIR/log\n\
     if [ -e DIR/$l-once ]; then rm DIR/$l-once; exit 1; fi; ! [ -e DIR/$l ]";

impl Stage {
    /// With the commands of these letters, and more options.
    fn new(letters: &str, more: &str) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let place = dir.path().to_str().unwrap();
        let mut definition = String::from("[Definition]\n");
        for (operation, letter) in Operation::ALL.into_iter().zip(LETTERS.chars()) {
            if letters.contains(letter) {
                let say = SAY.replace("DIR", place).replace('\n', "\n  ");
                let _ = writeln!(definition, "{operation} = l={letter}; {say}");
            }
        }
        Self::with(dir, &format!("{definition}{more}\n"), "toy")
    }

    fn with(dir: TempDir, definition: &str, action: &str) -> Self {
        fs::create_dir_all(dir.path().join("action.d")).unwrap();
        fs::create_dir_all(dir.path().join("filter.d")).unwrap();
        fs::write(dir.path().join("filter.d/f.conf"), "[Definition]\nfailregex = ^x <HOST>$\n")
            .unwrap();
        fs::write(dir.path().join("action.d/toy.conf"), definition).unwrap();
        let action = compiled(dir.path(), action).unwrap();
        Self { dir, action, state: State::default() }
    }

    /// The same action with another definition.
    fn edit(&mut self, change: impl Fn(String) -> String) {
        let path = self.dir.path().join("action.d/toy.conf");
        fs::write(&path, change(fs::read_to_string(&path).unwrap())).unwrap();
        self.action = compiled(self.dir.path(), "toy").unwrap();
    }

    /// Does a step, with the state as it comes out of a file.
    fn step<T>(&mut self, step: impl FnOnce(&mut Steps<'_, Shell>) -> Outcome<T>) -> Outcome<T> {
        let kept = serde_json::to_string(&self.state).unwrap();
        self.state = serde_json::from_str(&kept).unwrap();
        step(&mut self.action.steps(&mut self.state, &mut Shell::default(), MOMENT))
    }

    /// What the step had run.
    fn calls<T>(
        &mut self,
        step: impl FnOnce(&mut Steps<'_, Shell>) -> Outcome<T>,
    ) -> (String, Outcome<T>) {
        let log = self.dir.path().join("log");
        fs::write(&log, "").unwrap();
        let result = self.step(step);
        let said = fs::read_to_string(&log).unwrap();
        (said.split_whitespace().collect::<Vec<_>>().join(" "), result)
    }

    /// The same of a step that doesn't fail.
    fn ok<T>(&mut self, step: impl FnOnce(&mut Steps<'_, Shell>) -> Outcome<T>) -> String {
        let (calls, result) = self.calls(step);
        result.map(|_| calls).unwrap()
    }

    /// The same of one that fails, with the error.
    fn err<T>(
        &mut self,
        step: impl FnOnce(&mut Steps<'_, Shell>) -> Outcome<T>,
    ) -> (String, String) {
        let (calls, result) = self.calls(step);
        (calls, result.err().map(|error| error.to_string()).unwrap())
    }

    fn fail(&self, call: &str) {
        fs::write(self.dir.path().join(call), "").unwrap();
    }

    fn heal(&self, call: &str) {
        fs::remove_file(self.dir.path().join(call)).unwrap();
    }
}

fn compiled(dir: &Path, action: &str) -> Result<Action, Box<Diagnostic>> {
    let jail = format!("[j]\nenabled = true\nfilter = f\nlogpath = /dev/null\naction = {action}\n");
    fs::write(dir.join("jail.conf"), jail).unwrap();
    let jail = Config::open(dir).unwrap().jail("j");
    Action::compile("j", &jail.value.expect("the jail can be used").actions[0])
}

fn ticket(host: &str) -> Ticket {
    Ticket {
        host: Host::parse(host),
        ip: None,
        at: MOMENT.now,
        bantime: MOMENT.bantime,
        failures: 2,
        bancount: 1,
        is_restored: false,
        matches: vec!["one".into(), "two".into()],
        fields: Vec::new(),
        in_jail: None,
        anywhere: None,
    }
}

fn four() -> Ticket {
    ticket("192.0.2.1")
}

fn six() -> Ticket {
    ticket("2001:db8::1")
}

fn start(steps: &mut Steps<'_, Shell>) -> Outcome<()> {
    steps.start()
}

fn flush(steps: &mut Steps<'_, Shell>) -> Outcome<Flushed> {
    steps.flush()
}

fn reload(steps: &mut Steps<'_, Shell>) -> Outcome<()> {
    steps.reload()
}

fn stop(steps: &mut Steps<'_, Shell>) -> Outcome<()> {
    steps.stop()
}

fn verify(steps: &mut Steps<'_, Shell>) -> Outcome<()> {
    steps.verify()
}

const CONDITIONAL: &str = "[Init?family=inet6]\nx = 6";

/// The whole life of an action: start, bans, unban, reload, unban of all, stop.
fn life(letters: &str, more: &str) -> String {
    let mut stage = Stage::new(letters, more);
    let mut all = vec![
        stage.ok(start),
        stage.ok(|steps| steps.ban(&four())),
        stage.ok(|steps| steps.ban(&ticket("192.0.2.2"))),
        stage.ok(|steps| steps.ban(&six())),
        stage.ok(|steps| steps.unban(&four())),
        stage.ok(reload),
        stage.ok(flush),
        stage.ok(|steps| steps.ban(&four())),
        stage.ok(stop),
    ];
    assert!(stage.state.is_empty());
    all.push(stage.ok(stop));
    all.join(" | ")
}

#[test]
fn an_action_for_all_families_is_started_with_its_jail() {
    let expected = "S- | B4 | B4 | B6 | U4 | L- L4 L6 | F4 F6 | B4 | F4 X- X4 X6 | ";
    assert_eq!(life("SBUFLX", ""), expected);
}

#[test]
fn an_action_with_families_is_started_when_it_is_needed() {
    let expected = " | S4 B4 | B4 | S6 B6 | U4 | L4 L6 | F4 F6 | B4 | F4 X4 X6 | ";
    assert_eq!(life("SBUFLX", CONDITIONAL), expected);
}

#[test]
fn an_action_that_cannot_lift_all_bans_says_so() {
    let mut stage = Stage::new("SBUX", "");
    stage.ok(start);
    stage.ok(|steps| steps.ban(&four()));
    assert_eq!(stage.step(flush).unwrap(), Flushed::OneByOne);
    assert_eq!(stage.ok(|steps| steps.unban(&four())), "U4");
    assert_eq!(stage.ok(stop), "X- X4");
}

#[test]
fn the_same_command_is_run_once_for_all_families() {
    let dir = tempfile::tempdir().unwrap();
    let log = dir.path().join("log").display().to_string();
    let say = |name: &str| format!("action{name} = echo {name} >> {log}\n");
    let text: String = ["start", "ban", "flush", "reload", "stop"].map(say).concat();
    let definition = format!("[Definition]\n{text}actionstart_on_demand = true\n");
    let mut stage = Stage::with(dir, &definition, "toy");
    assert_eq!(stage.ok(start), "");
    assert_eq!(stage.ok(|steps| steps.ban(&four())), "start ban");
    assert_eq!(stage.ok(|steps| steps.ban(&six())), "ban");
    assert_eq!(stage.ok(reload), "reload");
    assert_eq!(stage.ok(flush), "flush");
    assert_eq!(stage.ok(stop), "stop");
}

#[test]
fn a_ban_that_fails_is_tried_again_if_the_check_is_good() {
    let mut stage = Stage::new("SBUCX", CONDITIONAL);
    stage.fail("B4");
    let (calls, error) = stage.err(|steps| steps.ban(&four()));
    assert_eq!(calls, "S4 B4 C4 B4");
    assert_eq!(error, "jail 'j': actionban of 192.0.2.1 of action 'toy' failed: status 1");
    // What was never banned is not unbanned.
    assert_eq!(stage.ok(|steps| steps.unban(&four())), "");
    stage.heal("B4");
    stage.fail("B4-once");
    assert_eq!(stage.ok(|steps| steps.ban(&four())), "B4 C4 B4");
    assert_eq!(stage.state.lost().count(), 0);
}

#[test]
fn a_ban_whose_check_fails_restarts_the_action_and_loses_the_bans() {
    let mut stage = Stage::new("SBUCX", CONDITIONAL);
    stage.ok(|steps| steps.ban(&four()));
    stage.ok(|steps| steps.ban(&six()));
    stage.fail("B4-once");
    stage.fail("C4-once");
    assert_eq!(stage.ok(|steps| steps.ban(&ticket("192.0.2.2"))), "B4 C4 X4 S4 C4 B4");
    assert_eq!(stage.state.lost().collect::<Vec<_>>(), [Family::Inet4]);
    assert_eq!(stage.ok(|steps| steps.reban(&four())), "B4");
    stage.state.set_reapplied(Family::Inet4);
    assert_eq!(stage.state.lost().count(), 0);
}

#[test]
fn what_stays_broken_is_told_and_repaired_at_the_next_ban() {
    let mut stage = Stage::new("SBUCX", CONDITIONAL);
    stage.ok(|steps| steps.ban(&four()));
    stage.fail("B4");
    stage.fail("C4");
    let (calls, error) = stage.err(|steps| steps.ban(&four()));
    assert_eq!(calls, "B4 C4 X4 S4 C4");
    assert_eq!(
        error,
        "jail 'j': actionban of 192.0.2.1 of action 'toy' failed: invariant check failed, unable \
         to restore a sane environment: actioncheck: status 1"
    );
    assert_eq!(stage.state.lost().collect::<Vec<_>>(), [Family::Inet4]);
    stage.heal("B4");
    stage.heal("C4");
    stage.fail("B4-once");
    stage.fail("C4-once");
    assert_eq!(stage.ok(|steps| steps.ban(&four())), "B4 C4 X4 S4 C4 B4");
}

#[test]
fn a_repair_takes_the_place_of_a_restart() {
    let mut stage = Stage::new("SBUCRXE", CONDITIONAL);
    stage.ok(|steps| steps.ban(&four()));
    stage.fail("B4-once");
    stage.fail("C4-once");
    assert_eq!(stage.ok(|steps| steps.ban(&ticket("192.0.2.2"))), "B4 C4 R4 C4 B4");
    assert_eq!(stage.ok(|steps| steps.reban(&four())), "E4");
    stage.fail("B4");
    stage.fail("C4");
    assert_eq!(stage.err(|steps| steps.ban(&four())).0, "B4 C4 R4 C4");
    stage.fail("R4");
    let (calls, error) = stage.err(|steps| steps.ban(&four()));
    assert_eq!(calls, "B4 C4 R4");
    assert!(error.ends_with("restore a sane environment: actionrepair: status 1"), "{error}");
}

#[test]
fn an_unban_that_fails_is_tried_again_if_the_check_is_good() {
    let mut stage = Stage::new("SBUCX", "");
    stage.ok(|steps| steps.ban(&four()));
    stage.fail("U4-once");
    assert_eq!(stage.ok(|steps| steps.unban(&four())), "U4 C4 U4");
    stage.fail("U4");
    stage.fail("C4");
    let (calls, error) = stage.err(|steps| steps.unban(&four()));
    assert_eq!(calls, "U4 C4");
    assert_eq!(
        error,
        "jail 'j': actionunban of 192.0.2.1 of action 'toy' failed: invariant check failed, unban \
         is impossible"
    );
    let mut stage = Stage::new("SBUCX", "actionrepair_on_unban = yes");
    stage.ok(|steps| steps.ban(&four()));
    stage.fail("U4-once");
    stage.fail("C4-once");
    assert_eq!(stage.ok(|steps| steps.unban(&four())), "U4 C4 X4 S4 C4 U4");
}

#[test]
fn without_a_check_nothing_is_done_twice() {
    let mut stage = Stage::new("BU", "");
    stage.fail("B4");
    assert_eq!(stage.err(|steps| steps.ban(&four())).0, "B4");
}

#[test]
fn a_flush_that_fails_leaves_the_bans_unless_the_action_is_made_anew() {
    let mut stage = Stage::new("SBUFCX", "");
    stage.ok(start);
    stage.ok(|steps| steps.ban(&four()));
    stage.ok(|steps| steps.ban(&six()));
    stage.fail("F4");
    stage.fail("F6");
    let (calls, error) = stage.err(flush);
    assert_eq!(calls, "F4 F6 C- C4 C6");
    assert_eq!(error, "jail 'j': actionflush for inet4 of action 'toy' failed: status 1");
    for call in ["C--once", "C4-once", "C6-once"] {
        stage.fail(call);
    }
    assert_eq!(stage.ok(flush), "F4 F6 C- X- S- C4 X4 S4 C6 X6 S6");
    assert_eq!(stage.state.lost().count(), 0);
    assert_eq!(stage.ok(|steps| steps.unban(&four())), "");
}

#[test]
fn a_stop_that_fails_stops_all_the_same() {
    let mut stage = Stage::new("SBUFCX", CONDITIONAL);
    stage.ok(|steps| steps.ban(&four()));
    for call in ["F4", "C4", "X4"] {
        stage.fail(call);
    }
    let (calls, error) = stage.err(stop);
    assert_eq!(calls, "F4 C4 X4");
    assert_eq!(error, "jail 'j': actionstop for inet4 of action 'toy' failed: status 1");
    assert!(stage.state.is_empty());
}

#[test]
fn a_check_finds_what_is_gone() {
    let mut stage = Stage::new("SBUCX", "");
    stage.ok(start);
    stage.ok(|steps| steps.ban(&four()));
    assert_eq!(stage.ok(verify), "C- C4");
    stage.fail("C--once");
    stage.fail("C4-once");
    assert_eq!(stage.ok(verify), "C- X- S- C- C4 X4 S4 C4");
    assert_eq!(stage.state.lost().collect::<Vec<_>>(), [Family::Inet4]);
    stage.fail("C4");
    assert_eq!(stage.err(verify).0, "C- C4 X4 S4 C4");
    // It no longer counts as started.
    assert_eq!(stage.ok(verify), "C-");
}

#[test]
fn a_start_that_fails_is_tried_again_only_on_demand() {
    let mut stage = Stage::new("SB", CONDITIONAL);
    stage.fail("S4");
    let (calls, error) = stage.err(|steps| steps.ban(&four()));
    assert_eq!(calls, "S4");
    assert_eq!(error, "jail 'j': actionstart for inet4 of action 'toy' failed: status 1");
    stage.heal("S4");
    assert_eq!(stage.ok(|steps| steps.ban(&four())), "S4 B4");
    let mut stage = Stage::new("SB", "");
    stage.fail("S-");
    assert_eq!(stage.err(start).0, "S-");
    assert_eq!(stage.ok(|steps| steps.ban(&four())), "B4");
}

#[test]
fn a_host_that_is_no_address_is_of_no_family_and_starts_all() {
    let mut stage = Stage::new("SBUX", CONDITIONAL);
    assert_eq!(stage.ok(|steps| steps.ban(&ticket("somebody"))), "S4 S6 BN");
    assert_eq!(stage.ok(|steps| steps.unban(&ticket("somebody"))), "UN");
    assert_eq!(stage.ok(stop), "X4 X6 XN");
}

#[test]
fn restored_bans_are_none_of_the_business_of_some_actions() {
    let mut stage = Stage::new("BPU", "norestored = true");
    let restored = Ticket { is_restored: true, ..four() };
    assert_eq!(stage.ok(|steps| steps.ban(&restored)), "");
    assert_eq!(stage.ok(|steps| steps.ban(&four())), "B4");
    assert_eq!(stage.ok(|steps| steps.prolong(&restored)), "");
    assert_eq!(stage.ok(|steps| steps.prolong(&four())), "P4");
    assert_eq!(stage.ok(|steps| steps.unban(&restored)), "");
    assert_eq!(stage.ok(|steps| steps.unban(&four())), "U4");
}

#[test]
fn what_was_started_is_stopped_whatever_the_configuration_says_by_then() {
    let mut stage = Stage::new("SBUFX", CONDITIONAL);
    stage.ok(|steps| steps.ban(&four()));
    stage.edit(|text| text.replace("l=X;", "l=newX;").replace("l=S;", "l=newS;"));
    assert!(!stage.action.is_current(&stage.state));
    assert_eq!(stage.ok(reload), "F4 X4 newS4");
    assert_eq!(stage.state.lost().collect::<Vec<_>>(), [Family::Inet4]);
    assert_eq!(stage.ok(|steps| steps.reban(&four())), "B4");
    stage.edit(|text| text.replace("l=newX;", "l=X;"));
    assert_eq!(stage.ok(stop), "F4 newX4");
}

#[test]
fn what_nobody_noted_is_found_by_the_check() {
    let mut stage = Stage::new("SBUFCX", CONDITIONAL);
    stage.fail("C6");
    let adopt = |steps: &mut Steps<'_, Shell>| {
        steps.adopt();
        Ok(())
    };
    assert_eq!(stage.ok(adopt), "C4 C6");
    assert_eq!(stage.ok(flush), "F4");
    assert_eq!(stage.ok(|steps| steps.ban(&four())), "B4");
    assert_eq!(stage.ok(|steps| steps.ban(&six())), "S6 B6");
}

#[test]
fn without_ipv6_nothing_is_started_for_it() {
    let mut stage = Stage::new("SB", &format!("actionstart_on_demand = false\n{CONDITIONAL}"));
    assert_eq!(stage.ok(start), "S4 S6");
    let mut stage = Stage::new("SB", &format!("actionstart_on_demand = false\n{CONDITIONAL}"));
    stage.action = stage.action.without_ipv6();
    assert_eq!(stage.ok(start), "S4");
}

fn script(call: &Call) -> &str {
    match &call.work {
        Work::Command(command) => command.script(),
        Work::Letter(letter) => panic!("{letter}"),
    }
}

#[test]
fn a_dry_run_says_what_would_be_run() {
    let stage = Stage::new("SB", CONDITIONAL);
    let (mut recorder, mut copy) = (Recorder::default(), stage.state.clone());
    stage.action.steps(&mut copy, &mut recorder, MOMENT).ban(&four()).unwrap();
    let operations: Vec<_> = recorder.calls.iter().map(|call| call.operation).collect();
    assert_eq!(operations, [Operation::Start, Operation::Ban]);
    assert!(script(&recorder.calls[1]).starts_with("l=B; case \"inet4\" in"));
    assert!(!stage.dir.path().join("log").exists());
}
