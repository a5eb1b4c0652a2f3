//! Every stock action beside Debian's fail2ban: the same ban makes both run the same scripts, and these call the same
//! programs with the same arguments and input.
//!
//! The programs are stubs that write down how they were called. Fails if fail2ban is missing; `make packages`
//! installs it.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test ends where its helper fails")]

use std::ffi::OsString;
use std::fmt::Write as _;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use f2b::config::Config;
use f2b::enforce::action::{
    Action, Call, Counters, Flushed, Moment, Operation, Outcome, Run, RunError, Shell, State,
    Steps, Ticket, Work,
};
use f2b::model::{BanTime, Host, Time};
use serde_json::Value;

/// Programs that stock actions call, and that aren't there to count lines or to cut texts.
const PROGRAMS: &str = "afctl apf apprise conntrack csf curl date dig firewall-cmd geoiplookup host hostname \
    ip ip6tables ipf ipfw ipset iptables jq logger mail nft nginx npfctl nsupdate pfctl perl route sendmail service \
    shorewall shorewall6 sleep ss ssh ufw wget whois";

/// A program that says how it was called: its name, its arguments and, where it is a mail, its input.
const STUB: &str = r#"#!/bin/sh
name=${0##*/}
case $name in sendmail|mail|apprise|nsupdate) input=$(cat);; *) input=;; esac
line=$name
for argument; do line="$line [$argument]"; done
# In one go: others write, too.
printf '%s {%s}\n' "$line" "$input" >> "$F2B_LOG"
case $name in
  date) echo DATE;;
  dig) echo 'abuse@example.org';;
  nft) printf '\t\tip saddr @addr-set-%s reject # handle 7\n' "$F2B_JAIL";;
  whois) echo 'whois of it';;
esac
for word in $F2B_FAILS; do
  case " $* " in *" $word "*) exit 1;; esac
done
"#;

/// Parameters that an action can't do without, or that keep it from the machine's own files.
const PARAMETERS: &[(&str, &str)] = &[
    ("abuseipdb", "abuseipdb_apikey=KEY, abuseipdb_category=18"),
    ("apprise", "config=DIR/apprise"),
    ("blocklist_de", "email=a@b, apikey=KEY, service=ssh, agent=us"),
    ("bsd-ipfw", "startstatefile=DIR/state, lowest_rule_num=7"),
    ("cloudflare", "cfuser=me, cftoken=TOKEN"),
    ("cloudflare-token", "cfzone=zone, cftoken=TOKEN"),
    ("complain", "logpath=DIR/log"),
    ("dshield", "tmpfile=DIR/dshield, port=22, myip=192.0.2.9"),
    ("dummy", "target=DIR/dummy"),
    ("hostsdeny", "file=DIR/hosts.deny"),
    ("ipthreat", "ipthreat_apikey=KEY"),
    ("mail-buffered", "tmpfile=DIR/mail"),
    ("mynetwatchman", "tmpfile=DIR/watch, mnwlogin=me, mnwpass=PASS"),
    ("netscaler", "ns_host=192.0.2.9, ns_auth=AUTH, ns_dataset=set"),
    ("nginx-block-map", "srv_cfg_path=DIR/, srv_pid=DIR/pid"),
    ("nsupdate", "domain=example.org, nsupdatecmd=nsupdate, keyfile=DIR/key"),
    ("sendmail-buffered", "tmpfile=DIR/buffered"),
    ("sendmail-geoip-lines", "logpath=DIR/lines"),
    ("sendmail-whois-lines", "logpath=DIR/lines"),
    ("mail-whois-lines", "logpath=DIR/lines"),
    ("ufw", "kill-mode=ss"),
    ("xarf-login-attack", "mailcmd=sendmail, logpath=DIR/lines, service=ssh, port=22"),
];

/// Actions as wikis and manuals have them.
const WRITTEN: &[(&str, &str)] = &[
    ("iptables", "name=SMTP, port=smtp, protocol=tcp"),
    ("sendmail-whois", "name=mail, dest=you@example.com, sender=fail2ban@example.com"),
    ("iptables-multiport", "name=web, port=\"http,https\", protocol=tcp, chain=\"<known/chain>\""),
    ("iptables-allports", "name=all, returntype=DROP"),
    ("iptables-ipset", "type=allports, ipsettime='<timeout-bantime>'"),
    ("nftables", "type=allports, blocktype=drop, table=own"),
    ("nftables", "type=custom, match='meta mark 7'"),
    ("firewallcmd-ipset", "actiontype=<allports>"),
    ("ufw", "application=\"OpenSSH\", comment=\"<F-USER> by <name>\", destination=192.0.2.9"),
    ("route", "blocktype=blackhole"),
];

/// What the actions work on.
struct Scene {
    dir: tempfile::TempDir,
    /// Jails with the file of their action.
    jails: Vec<(String, String)>,
    environment: Vec<(OsString, OsString)>,
}

/// A folder of the stock configuration, of the version that `F2B_FAIL2BAN_ROOT` names or of the installed one.
fn stock(folder: &str) -> PathBuf {
    let root = std::env::var_os("F2B_FAIL2BAN_ROOT").unwrap_or_else(|| "/".into());
    Path::new(&root).join("etc/fail2ban").join(folder)
}

/// The names of all stock actions but of those that only others include.
fn actions() -> Vec<String> {
    let files = fs::read_dir(stock("action.d")).unwrap().map(|entry| entry.unwrap().path());
    let confs = files.filter(|path| path.extension().is_some_and(|extension| extension == "conf"));
    let names = confs.map(|path| path.file_stem().unwrap().to_string_lossy().into_owned());
    let mut names: Vec<_> = names.filter(|name| !name.ends_with("-common")).collect();
    names.sort();
    names
}

/// Each stock action with what it needs, and some as people write them.
fn specs() -> Vec<(String, &'static str)> {
    let needed = |name: &str| PARAMETERS.iter().find(|(of, _)| *of == name).map_or("", |(_, p)| p);
    let stock = actions().into_iter().map(|name| {
        let given = needed(&name);
        (name, given)
    });
    stock.chain(WRITTEN.iter().map(|(name, given)| ((*name).to_owned(), *given))).collect()
}

impl Scene {
    /// Calls with the argument `fails` fail.
    fn new(fails: &str) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let place = dir.path().to_str().unwrap().to_owned();
        for folder in ["bin", "filter.d", "files"] {
            fs::create_dir(dir.path().join(folder)).unwrap();
        }
        std::os::unix::fs::symlink(stock("action.d"), dir.path().join("action.d")).unwrap();
        for program in PROGRAMS.split_whitespace() {
            let stub = dir.path().join("bin").join(program);
            fs::write(&stub, STUB).unwrap();
            fs::set_permissions(stub, fs::Permissions::from_mode(0o755)).unwrap();
        }
        fs::write(dir.path().join("filter.d/f.conf"), "[Definition]\nfailregex = ^x <HOST>$\n")
            .unwrap();
        let mut jails = Vec::new();
        let mut text = String::from("[DEFAULT]\nfilter = f\nlogpath = /dev/null\nbantime = 600\n");
        for (index, (action, given)) in specs().into_iter().enumerate() {
            let jail = format!("t{index}");
            let mut given = given.replace("DIR", &format!("{place}/files"));
            if action.starts_with("sendmail") {
                let _ = write!(given, ", mailcmd='sendmail -f \"<sender>\" \"<dest>\"'");
            }
            let given = given.trim_start_matches(", ");
            let _ = write!(text, "[{jail}]\nenabled = true\naction = {action}[{given}]\n");
            jails.push((jail, action));
        }
        fs::write(dir.path().join("jail.conf"), text).unwrap();
        let path = format!("{place}/bin:/usr/bin:/bin");
        let log = format!("{place}/log");
        let environment = [("PATH", path), ("F2B_LOG", log), ("F2B_FAILS", fails.to_owned())];
        let environment =
            environment.map(|(name, value)| (OsString::from(name), OsString::from(value)));
        Self { dir, jails, environment: environment.into() }
    }

    fn log(&self) -> PathBuf {
        self.dir.path().join("log")
    }

    /// Before an action begins there are no files but one with lines to look for.
    fn clean(&self) {
        let files = self.dir.path().join("files");
        fs::remove_dir_all(&files).unwrap();
        fs::create_dir(&files).unwrap();
        fs::write(files.join("lines"), "one 192.0.2.1 a\ntwo 192.0.2.10 b\nthree\n").unwrap();
    }

    fn theirs(&self) -> Value {
        self.clean();
        let output = Command::new("/usr/bin/python3")
            .arg(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/conformance/actions.py"))
            .args([self.dir.path(), &self.log()])
            .envs(self.environment.iter().map(|(name, value)| (name, value)))
            .current_dir("/")
            .output()
            .expect("Debian's python3 is installed");
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "fail2ban is missing or too new: {said}");
        serde_json::from_slice(&output.stdout).unwrap()
    }
}

fn compiled(config: &Config, jail: &str) -> Action {
    let loaded = config.jail(jail);
    let def = loaded.value.unwrap_or_else(|| panic!("{:?}", loaded.findings));
    Action::compile(jail, &def.actions[0]).unwrap()
}

/// Runs commands for real and keeps their text.
struct Noted {
    shell: Shell,
    scripts: Vec<String>,
}

impl Run for Noted {
    fn run(&mut self, call: Call) -> Result<(), RunError> {
        if let Work::Command(command) = &call.work {
            self.scripts.push(command.script().to_owned());
        }
        self.shell.run(call)
    }
}

/// What a step did; the calls are sorted, for those of a pipeline have no order.
#[derive(Clone, Debug)]
struct Done {
    step: String,
    scripts: Vec<Option<String>>,
    calls: Vec<String>,
    has_failed: bool,
}

impl Done {
    fn of_theirs(value: &Value) -> Self {
        let texts = |value: &Value| -> Vec<Option<String>> {
            let texts = value.as_array().unwrap().iter();
            texts.map(|text| text.as_str().map(str::to_owned)).collect()
        };
        let trimmed = |text: Option<String>| text.map(|text| text.trim().to_owned());
        // An empty command is none.
        let is_any = |script: &Option<String>| script.as_deref() != Some("");
        let mut calls: Vec<_> = texts(&value[2]).into_iter().flatten().collect();
        calls.sort();
        Self {
            step: value[0].as_str().unwrap().to_owned(),
            scripts: texts(&value[1]).into_iter().map(trimmed).filter(is_any).collect(),
            calls,
            has_failed: value[3].as_bool().unwrap(),
        }
    }
}

fn ticket(family: &str) -> Ticket {
    let (host, matches, user) = match family {
        "4" => ("192.0.2.1", vec!["plain".to_owned()], "root"),
        _ => ("2001:db8::1", vec!["it's $(one)".into(), "<ip> `two`".into()], "a b\"; c"),
    };
    Ticket {
        host: Host::parse(host),
        ip: None,
        at: Time::from_secs(1_795_661_700),
        bantime: BanTime::Micros(600_000_000),
        failures: 2,
        bancount: 1,
        is_restored: false,
        matches,
        fields: vec![("user".into(), user.into())],
        in_jail: None,
        anywhere: None,
    }
}

/// Takes the step of that name.
fn take(steps: &mut Steps<'_, Noted>, step: &str) -> Outcome<()> {
    let mut words = step.split(' ');
    let about = |family: &str| ticket(family);
    match (words.next().unwrap(), words.next()) {
        ("start", _) => steps.start(),
        ("stop", _) => steps.stop(),
        ("reload", _) => steps.reload(),
        ("flush", _) => steps.flush().map(|how| assert_eq!(how, Flushed::AtOnce)),
        ("ban", Some(family)) => steps.ban(&about(family)),
        ("unban", Some(family)) => steps.unban(&about(family)),
        ("prolong", Some(family)) => steps.prolong(&about(family)),
        _ => panic!("no step is called '{step}'"),
    }
}

/// What f2b does in the steps that fail2ban took.
fn ours(scene: &Scene, action: &Action, jail: &str, theirs: &[Done]) -> Vec<Done> {
    let moment = Moment {
        now: Time::from_secs(1_795_661_700),
        bantime: BanTime::Micros(600_000_000),
        counters: Counters::default(),
    };
    let mut state = State::default();
    let mut environment = scene.environment.clone();
    environment.push(("F2B_JAIL".into(), jail.into()));
    let one = |theirs: &Done| {
        fs::write(scene.log(), "").unwrap();
        let shell = Shell { environment: environment.clone() };
        let mut run = Noted { shell, scripts: Vec::new() };
        let result = take(&mut action.steps(&mut state, &mut run, moment), &theirs.step);
        let calls = fs::read_to_string(scene.log()).unwrap();
        Done {
            step: theirs.step.clone(),
            scripts: run.scripts.into_iter().map(Some).collect(),
            calls: {
                let mut calls: Vec<_> = calls.lines().map(str::to_owned).collect();
                calls.sort();
                calls
            },
            has_failed: result.is_err(),
        }
    };
    theirs.iter().map(one).collect()
}

/// Actions whose command for lifting all bans is the same for all families.
const SHARED_FLUSH: &[&str] =
    &["dummy", "iptables-ipset-proto4", "mikrotik", "nginx-block-map", "pf"];

/// Whether the same was done, or what is deliberately different.
fn is_alike(ours: &Done, theirs: &Done, file: &str, flush: &Done) -> bool {
    // DIFFERS: fail2ban runs such a command at the first flush only.
    let is_second = ours.step == "flush again" && theirs.scripts.is_empty();
    if is_second && SHARED_FLUSH.contains(&file) && !ours.scripts.is_empty() {
        return ours.scripts == flush.scripts;
    }
    // DIFFERS: what was started for all families is repaired at the first ban of a family, too.
    if file == "pf" && ours.step == "ban 4" && ours.scripts.len() == 5 {
        return theirs.scripts.len() == 3 && theirs.has_failed;
    }
    // The text of a script that a stranger's words are in is not known.
    let same = |(ours, theirs): (&_, &Option<String>)| theirs.is_none() || ours == theirs;
    ours.has_failed == theirs.has_failed
        && ours.scripts.len() == theirs.scripts.len()
        && ours.scripts.iter().zip(&theirs.scripts).all(same)
        && ours.calls == theirs.calls
}

/// Takes second attempts away.
///
/// DIFFERS: without a check there is none.
fn once(done: &mut Done, action: &Action) {
    if done.has_failed && !action.scripts().has(Operation::Check) {
        done.scripts.dedup();
        done.calls.dedup();
    }
}

/// Compares all actions when calls with these arguments fail.
fn compare(fails: &str) -> (usize, usize) {
    let scene = Scene::new(fails);
    let theirs = scene.theirs();
    let config = Config::open(scene.dir.path()).unwrap();
    let (mut calls, mut different) = (0, String::new());
    for (jail, file) in &scene.jails {
        let theirs: Vec<Done> =
            theirs[jail].as_array().unwrap().iter().map(Done::of_theirs).collect();
        scene.clean();
        let action = compiled(&config, jail);
        let ours = ours(&scene, &action, jail, &theirs);
        let flush = ours.iter().position(|done| done.step == "flush").unwrap_or(0);
        for (mut done, mut theirs) in ours.iter().cloned().zip(theirs) {
            calls += done.calls.len();
            once(&mut done, &action);
            once(&mut theirs, &action);
            if !is_alike(&done, &theirs, file, &ours[flush]) {
                let _ = writeln!(different, "{file}: {done:#?}\nfail2ban: {theirs:#?}");
            }
        }
    }
    assert!(different.is_empty(), "{different}");
    (scene.jails.len(), calls)
}

#[test]
fn every_stock_action_runs_what_fail2ban_runs() {
    let (actions, calls) = compare("never");
    assert!(actions > 50 && calls > 500, "{actions} actions, {calls} calls");
}

#[test]
fn every_stock_action_makes_what_is_not_there_yet() {
    compare("-C --test -L");
}

#[test]
fn every_stock_action_is_checked_when_a_ban_fails() {
    compare("192.0.2.1");
}

#[test]
fn every_stock_action_is_repaired_when_its_check_fails() {
    compare("192.0.2.1 -C --test -L list");
}
