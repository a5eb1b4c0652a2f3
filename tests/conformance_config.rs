//! The configuration beside Debian's fail2ban: every stock filter in every mode, every stock jail
//! with its actions, and a folder of our own with what the stock files don't do.
//!
//! Fails if fail2ban is missing; `make packages` installs it.

#![expect(clippy::unwrap_used, reason = "a test ends where its helper fails")]

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use f2b::config::{Config, Spec, options};
use f2b::model::BanTime;
use serde_json::Value;

#[path = "conformance/shape.rs"]
mod shape;

use shape::{as_python, compare_actions, setting, shape, their_filter, their_shape};

/// A folder of the stock configuration, of the version that `F2B_FAIL2BAN_ROOT` names or of the installed one.
fn stock(folder: &str) -> PathBuf {
    let root = std::env::var_os("F2B_FAIL2BAN_ROOT").unwrap_or_else(|| "/".into());
    Path::new(&root).join("etc/fail2ban").join(folder)
}

/// What fail2ban makes of a folder.
fn fail2ban(dir: &Path) -> Value {
    let output = Command::new("/usr/bin/python3")
        .arg(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/conformance/config_dump.py"))
        .arg(dir)
        .output()
        .expect("Debian's python3 is installed");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "fail2ban is missing or too new, run `make packages`: {said}");
    serde_json::from_slice(&output.stdout).unwrap()
}

/// Compares all filters; gives how many there were.
fn compare_filters(config: &Config, theirs: &Value) -> usize {
    let filters = theirs["filters"].as_object().unwrap();
    for (key, dump) in filters {
        let (name, mode) = key.split_once(' ').unwrap_or((key, ""));
        let mut spec = Spec::parse(name).unwrap();
        spec.options.push(("logtype".to_owned(), "file".to_owned()));
        if !mode.is_empty() {
            spec.options.push(("mode".to_owned(), mode.to_owned()));
        }
        let ours = config.filter(&spec);
        if dump.get("error").is_some() {
            assert!(ours.value.is_none(), "{key}: fail2ban can't read it");
            continue;
        }
        let their_shape = their_shape(dump);
        let Some(def) = ours.value else {
            let none = !their_shape.contains_key("failregex");
            assert!(none, "{key}: {:?}", ours.findings);
            assert!(ours.findings.iter().any(|found| found.id == "no-failregex"), "{key}");
            continue;
        };
        assert_eq!(shape(&def), their_shape, "{key}");
        for line in def.failregex.iter().chain(&def.ignoreregex) {
            assert!(line.at.line > 0 && line.at.file.is_file(), "{key}: {line:?}");
        }
    }
    filters.len()
}

fn compare_jails(config: &Config, theirs: &Value) -> usize {
    let order: Vec<&str> =
        theirs["order"].as_array().unwrap().iter().map(|name| name.as_str().unwrap()).collect();
    assert_eq!(config.jail_names().value.unwrap(), order);
    for name in &order {
        let dump = &theirs["jails"][name];
        let loaded = config.jail(name);
        if !their_filter(dump).contains_key("failregex") {
            assert!(loaded.findings.iter().any(|found| found.id == "no-failregex"), "{name}");
            continue;
        }
        assert_eq!(loaded.findings, [], "{name}, {dump:#}");
        let jail = loaded.value.unwrap();
        for (option, value) in dump["options"].as_object().unwrap() {
            if option != "enabled" {
                let default = || options::named(option).map(|option| option.default);
                let ours = setting(&jail, option).or_else(default);
                let value = value.as_str().unwrap();
                assert_eq!(
                    ours.map(|ours| as_python(ours, value)),
                    Some(value),
                    "{option} of {name}"
                );
            }
        }
        let mut filter = shape(&jail.filter);
        filter.remove("usedns");
        let theirs = their_filter(dump);
        for (option, lines) in &theirs {
            assert_eq!(filter.get(option), Some(lines), "{option} of {name}");
        }
        assert_eq!(filter.len(), theirs.len(), "filter of {name}");
        assert_eq!(compare_actions(&jail, &dump["actions"]), Ok(()));
    }
    order.len()
}

#[test]
fn every_stock_filter_in_every_mode_and_every_stock_jail_are_alike() {
    let dir = stock("");
    let theirs = fail2ban(&dir);
    let config = Config::open(&dir).unwrap();
    let filters = compare_filters(&config, &theirs);
    assert!(filters > 400, "only {filters} filters: fail2ban's folder isn't the stock one");
    let jails = compare_jails(&config, &theirs);
    assert!(jails > 80, "only {jails} jails: fail2ban's folder isn't the stock one");
    let enabled = config.jails();
    assert_eq!(enabled.findings, []);
    assert_eq!(enabled.value.unwrap()[0].name, "sshd");
}

/// A folder of our own beside copies of the stock filters and actions.
fn folder(files: &[(&str, &str)]) -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    for sub in ["filter.d", "action.d", "jail.d"] {
        fs::create_dir(dir.path().join(sub)).unwrap();
    }
    for sub in ["filter.d", "action.d"] {
        for entry in fs::read_dir(stock(sub)).unwrap() {
            let entry = entry.unwrap();
            if entry.path().extension().is_some_and(|extension| extension == "conf") {
                fs::copy(entry.path(), dir.path().join(sub).join(entry.file_name())).unwrap();
            }
        }
    }
    for (name, content) in files {
        fs::write(dir.path().join(name), content).unwrap();
    }
    dir
}

const OWN: &[(&str, &str)] = &[
    (
        "jail.conf",
        "[INCLUDES]\nbefore = first.conf\n  second.conf\nafter = last.conf\n[DEFAULT]\nport = any\n\
         banaction = iptables-multiport\nfilter = %(__name__)s[mode=%(mode)s]\nmode = normal\n\
         action_ = %(banaction)s[port=\"%(port)s\", chain=\"<known/chain>\"]\naction = %(action_)s\n\
         [sshd]\nport = 22\nlogpath = /a\n  /b tail\nmaxretry = 7\n\
         [mine]\nmode = hard\nfailregex = ^jail <HOST> <mode>$\n  %(known/failregex)s\n\
         logpath = %(sshd/logpath)s\nfindtime = 1h ; an hour\n",
    ),
    ("first.conf", "[sshd]\nmaxretry = 1\nfindtime = 1\n[DEFAULT]\nbantime = 10\n"),
    ("second.conf", "[INCLUDES]\nbefore = first.conf\n[sshd]\nfindtime = %(known/findtime)s2\n"),
    ("last.conf", "[sshd]\nbantime = 3\n"),
    (
        "jail.local",
        "[mine]\nfindtime = 2%(known/findtime)s\naction = %(known/action)s\n  dummy[a=b]\n",
    ),
    (
        "jail.d/c.conf",
        "[tags]\nfilter = tags[deep=pd, both=pb, word=pw, only=po]\nfindtime = 5\n\
         [empty]\nfilter = mine\nfailregex =\nignoreregex =\nprefregex =\ndatepattern =\n\
         usedns = raw\nignoreip = 192.0.2.1 ; one\n  198.51.100.0/24,\n\n  host.example\n\
         [params]\nfilter = mine[mode=hard, maxlines=4, list=\"a, b]\", init-only=<known/init-only>J]\n\
         datepattern = ^%%Y %(known/datepattern)s\n\
         action = dummy[name=params-more, target=<known/target>]\n  dummy[name=other][init=\"x y\"]\n\
         \x20 %(action_)s nftables[type=multiport, name=%(__name__)s]\n\
         [journal]\nbackend = systemd[journalflags=1]\nfilter = sshd\nlogpath = /ignored\n\
         maxlines = 2\nprefregex = ^<F-CONTENT>.*</F-CONTENT>$\n  two\nignoreregex = a\n\n  b\n\
         journalmatch = _X=1 + _Y=2\n  _Z=3\n",
    ),
    ("jail.d/b.conf", "[mine]\nmaxretry = 9\n"),
    ("jail.d/a.conf", "[mine]\nmaxretry = 8\nmaxmatches = 100\n"),
    ("filter.d/tags.local", "[Definition]\nw2 = new\n"),
    (
        "filter.d/tags.conf",
        "[DEFAULT]\n\
         deep = DD\n\
         both = BD\n\
         [Definition]\n\
         failregex = 1<nosec/word> 2<matches> 3<bantime> 4<known/both> 5<known/w2> 6<Known/word> 7<Default/deep>\n\
         \x20 8<X/word> 9<timeout> A<known/known> B<Init/ini> C<init/ini> D<known/vv> E<Word> F<x/Only> G<x/deep>\n\
         word = W\n\
         w2 = old\n\
         both = B\n\
         matches = M\n\
         bantime = BT\n\
         timeout = T\n\
         vv = <word>\n\
         [x]\n\
         only = on\n\
         [Init]\n\
         ini = I\n\
         both = BI\n",
    ),
    (
        "filter.d/mine.conf",
        "[INCLUDES]\nbefore = common.conf\n[DEFAULT]\ndeep = D<mode>\nlist = L\n[Definition]\n\
         failregex = ^%(__prefix_line)sa <HOST> <re-<mode>> <.*:>$\n  ^<deep> <list> <HOST>\n\n\
         # between\n  ^<x/word> <Init-only> <known/re-hard> <HOST>\nre-normal = normal\n\
         re-hard = hard <F-USER>u</F-USER>\nlist = <deep>,<deep>\nmode = normal\n\
         ignoreregex =\nword = W\n[x]\nword = X\n[Init]\nmaxlines = 3\ninit-only = I\n",
    ),
];

/// An action whose tags are options of a jail, parameters, built-in, or nothing.
const ACTION: &str = "[INCLUDES]\nbefore = iptables.conf\n[DEFAULT]\ndeep = d<port>\n[Definition]\n\
    actionban = <maxretry> <bantime> <findtime> <logpath> <failures> <filter> <ip> <F-USER>\n\
    \x20 %%d <deep> <Port> <nothing> <blocktype> <name> <actname> <known/port> <Init/port>\n\
    actionunban = <actionban> <ip-<x>>\nx = host\n[Init]\nport = 1\nblocktype = B\n";

#[test]
fn every_stock_action_is_alike() {
    let config = folder(&[("action.d/own.conf", ACTION)]);
    let mut jails = "[DEFAULT]\nfilter = sshd\nmaxretry = 4\nfindtime = 9\n".to_owned();
    for entry in fs::read_dir(config.path().join("action.d")).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_stem().unwrap().to_str().unwrap();
        writeln!(jails, "[all-{name}]\naction = {name}[port=\"7,8\", bantime=0]").unwrap();
        writeln!(jails, "[bare-{name}]\naction = {name}").unwrap();
    }
    fs::write(config.path().join("jail.conf"), jails).unwrap();
    let theirs = fail2ban(config.path());
    let config = Config::open(config.path()).unwrap();
    assert!(compare_jails(&config, &theirs) > 100);
}

#[test]
fn a_folder_of_our_own_is_alike() {
    let dir = folder(OWN);
    let theirs = fail2ban(dir.path());
    let config = Config::open(dir.path()).unwrap();
    compare_filters(&config, &theirs);
    assert_eq!(compare_jails(&config, &theirs), 6);
}

#[test]
fn the_five_jails_of_qmailtoaster_load_as_they_were_pasted() {
    let own = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/sample");
    let dir = folder(&[]);
    fs::copy(own.join("jail.conf"), dir.path().join("jail.conf")).unwrap();
    for entry in fs::read_dir(own.join("filter.d")).unwrap() {
        let entry = entry.unwrap();
        fs::copy(entry.path(), dir.path().join("filter.d").join(entry.file_name())).unwrap();
    }
    let theirs = fail2ban(dir.path());
    let config = Config::open(dir.path()).unwrap();
    compare_filters(&config, &theirs);
    assert_eq!(compare_jails(&config, &theirs), 5);
    let loaded = config.jails();
    assert_eq!(loaded.findings, []);
    let jails = loaded.value.unwrap();
    assert_eq!(jails.len(), 5);
    let vpopmail = jails.iter().find(|jail| jail.name == "vpopmail").unwrap();
    assert_eq!(vpopmail.bantime, BanTime::Permanent);
    assert_eq!(vpopmail.actions.len(), 2);
    assert_eq!(vpopmail.logpaths[0].glob, "/var/log/maillog");
}

#[test]
fn a_jail_without_its_filter_ignores_and_bans_as_it_does_with_it() {
    let config = Config::open(&stock(".")).unwrap();
    let names = config.jail_names().value.unwrap();
    assert!(names.len() > 80, "{names:?}");
    for name in names {
        let (whole, part) =
            (config.draft(&name).unwrap(), config.draft_without_filter(&name).unwrap());
        let [whole, part] = [whole, part].map(|draft| {
            let jail = draft.jail;
            let ignores = (jail.ignoreip, jail.ignoreself, jail.ignorecommand, jail.ignorecache);
            format!("{} {ignores:?} {:?} {:?}", draft.is_usable, jail.bantime, jail.actions)
        });
        assert_eq!(part, whole, "{name}");
    }
}
