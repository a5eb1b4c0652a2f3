//! What jails are set to, as a running fail2ban answers it of the same configuration: all jails of Debian's package.

use std::collections::BTreeSet;
use std::fs;
use std::process::{Command, Stdio};

use f2b::config::Config;
use f2b::control::{ActionSettings, JailSettings};
use f2b::engine::{Muster, Roster};
use f2b::model::BanTime;
use serde_json::{Map, Value, json};

use crate::harness::{Host, now};
use crate::net::eventually;

/// Asks everything, by fail2ban's own client.
const ASK: &str = r#"
import json, sys
from fail2ban.client.csocket import CSocket
client = CSocket(sys.argv[1])
def get(*words):
    code, value = client.send(["get", *words])
    return value if code == 0 else "error: %s" % value
options = "ignoreself ignoreip ignorecommand ignorecache logpath logencoding prefregex failregex ignoreregex \
usedns findtime bantime datepattern logtimezone maxretry maxmatches maxlines bantime.increment bantime.factor \
bantime.maxtime bantime.multipliers".split()
answer = {}
for jail in client.send(["status"])[1][1][1].split(", "):
    of = {option: get(jail, option) for option in options}
    of["ignoreip"] = [str(word) for word in of["ignoreip"]]
    of["actions"] = {}
    for action in get(jail, "actions"):
        names = [name for name in get(jail, "actionproperties", action) if not name.startswith("ESCAPE")]
        names.remove("banEpoch")
        of["actions"][action] = {name: get(jail, "action", action, name) for name in names}
    answer[jail] = of
json.dump(answer, sys.stdout)
"#;

/// What is set beside the defaults, in some jail.
const ODD: &str = "
[sshd]
ignoreip = 10.1.2.3/8 localhost 2001:DB8::1 foo.example
ignorecommand = /bin/false <ip>
ignorecache = key=\"<ip>\", max-count=10, max-time=5m
bantime.increment = true
bantime.factor = 2
bantime.maxtime = 1d
bantime.multipliers = 1 2 4
logtimezone = UTC+0200
[postfix]
datepattern = %%Y-%%m-%%d %%H:%%M:%%S
bantime = -1
[apache-auth]
datepattern = {^LN-BEG}Epoch
[dovecot]
datepattern = {^LN-BEG}
logencoding = utf-8
[exim]
action = iptables-allports
   sendmail-whois[name=x, dest=a@b, logpath=/x]
usedns = no
datepattern = %%d/%%b/%%Y
   Epoch
";

fn settings_of(settings: &JailSettings) -> Value {
    let secs = |micros: i64| micros / 1_000_000;
    let increment = |option: &str| {
        let value =
            settings.increment.get(option).map(|value| serde_json::to_value(value).unwrap());
        match value {
            None => Value::Null,
            Some(value) => match (&value["truth"], &value["micros"], &value["text"]) {
                (Value::Null, Value::Null, text) => text.clone(),
                (Value::Null, micros, _) => json!(secs(micros.as_i64().unwrap())),
                (truth, ..) => truth.clone(),
            },
        }
    };
    let actions: Map<String, Value> = settings
        .actions
        .iter()
        .map(|ActionSettings { name, properties, timeout_us }| {
            let mut all: Map<String, Value> =
                properties.iter().map(|(name, text)| (name.clone(), value(name, text))).collect();
            all.insert("timeout".to_owned(), json!(secs(*timeout_us)));
            (name.clone(), Value::Object(all))
        })
        .collect();
    let cache = settings.ignorecache.as_ref();
    json!({
        "ignoreself": settings.ignoreself,
        "ignoreip": settings.ignoreip,
        "ignorecommand": settings.ignorecommand.as_ref().map_or(json!(false), |text| json!(text)),
        "ignorecache":
            cache.map(|cache| json!([cache.key, cache.max_count, secs(cache.max_time_us)])),
        "logpath": settings.logpaths,
        "logencoding": settings.logencoding,
        "prefregex": settings.prefregex,
        "failregex": settings.failregex,
        "ignoreregex": settings.ignoreregex,
        "usedns": settings.usedns,
        "findtime": secs(settings.findtime_us),
        "bantime": match settings.bantime {
            BanTime::Permanent => -1,
            BanTime::Micros(micros) => secs(micros),
        },
        "datepattern": [settings.datepattern.pattern, settings.datepattern.name],
        "logtimezone": settings.logtimezone,
        "maxretry": settings.maxretry,
        "maxmatches": settings.maxmatches,
        "maxlines": settings.maxlines,
        "bantime.increment": increment("increment"),
        "bantime.factor": increment("factor"),
        "bantime.maxtime": increment("maxtime"),
        "bantime.multipliers": increment("multipliers"),
        "actions": actions,
    })
}

fn value(property: &str, text: &str) -> Value {
    match property {
        "actionstart_on_demand" | "actionrepair_on_unban" | "norestored" => json!(text == "true"),
        _ => json!(text),
    }
}

/// The properties of an action that are not the same. A parameter is told as what it comes to, to fail2ban with tags of
/// other ones.
fn properties(whose: &str, ours: &Value, theirs: &Value) -> Vec<String> {
    let keys: BTreeSet<&String> =
        [ours, theirs].iter().flat_map(|all| all.as_object().unwrap().keys()).collect();
    let is_open = |key: &&String| {
        // A parameter is meant for both families, as to fail2ban 1.1.
        *key == "blocktype?family=inet6" && ours["blocktype"] == ours[&**key]
            || !key.starts_with("action")
                && theirs[&**key].as_str().is_some_and(|text| text.contains('<'))
    };
    let differing =
        keys.into_iter().filter(|key| ours.get(key) != theirs.get(key) && !is_open(key));
    differing
        .map(|key| format!("{whose} {key}: {:?} for {:?}", ours.get(key), theirs.get(key)))
        .collect()
}

#[test]
fn a_jail_is_set_to_what_a_running_fail2ban_says() {
    let host = Host::new("");
    let folder = host.path("conf");
    let copied = Command::new("cp").arg("-rL").arg("/etc/fail2ban").arg(&folder).status().unwrap();
    assert!(copied.success());
    let log = host.log("x.log");
    fs::write(&log, "").unwrap();
    let names = Config::open(&folder).unwrap().jail_names().value.unwrap();
    let section = |name: &String| {
        format!("[{name}]\nenabled = true\nbackend = polling\nlogpath = {}\n", log.display())
    };
    fs::create_dir_all(folder.join("jail.d")).unwrap();
    let jails: String = names.iter().map(section).collect();
    fs::write(folder.join("jail.local"), jails).unwrap();
    fs::write(folder.join("jail.d/zz.local"), ODD).unwrap();
    let path = |name: &str| host.path(name).display().to_string();
    let server = format!(
        "[Definition]\nlogtarget = {}\nsocket = {}\npidfile = {}\ndbfile = None\nallowipv6 = auto\n",
        path("theirs.log"),
        path("theirs.sock"),
        path("theirs.pid"),
    );
    fs::write(folder.join("fail2ban.local"), server).unwrap();
    let mut command = Command::new("fail2ban-server");
    command.arg("-c").arg(&folder).args(["-f", "start"]).env("TZ", "UTC");
    command.stdout(Stdio::null()).stderr(Stdio::null());
    let mut server = host.host().inside(|| command.spawn().unwrap());
    let said = || fs::read_to_string(path("theirs.log")).unwrap_or_default();
    eventually("it has started all", || said().matches("' started").count() == names.len());
    let asked = Command::new("/usr/bin/python3").args(["-c", ASK, &path("theirs.sock")]).output();
    server.kill().unwrap();
    server.wait().unwrap();
    let asked = asked.unwrap();
    let theirs: Map<String, Value> = serde_json::from_slice(&asked.stdout)
        .unwrap_or_else(|_| unreachable!("{}", String::from_utf8_lossy(&asked.stderr)));
    assert_eq!(theirs.len(), names.len());

    let muster = Muster::of(&Config::open(&folder).unwrap(), &[], now());
    let roster = Roster::of(&muster);
    let mut odd = Vec::new();
    for name in &names {
        let ours = settings_of(&roster.settings(name).unwrap());
        for (option, theirs) in theirs[name].as_object().unwrap() {
            match (ours[option].as_object(), theirs.as_object()) {
                (Some(ours), Some(theirs)) if ours.keys().eq(theirs.keys()) => {
                    let differs = |name: &&String| ours[*name] != theirs[*name];
                    let differing = theirs.keys().filter(differs);
                    odd.extend(differing.flat_map(|action| {
                        properties(&format!("{name} {action}"), &ours[action], &theirs[action])
                    }));
                }
                _ if ours[option] == *theirs => {}
                _ => odd.push(format!("{name} {option}: {} for {theirs}", ours[option])),
            }
        }
    }
    assert!(odd.is_empty(), "{}", odd.join("\n"));
}
