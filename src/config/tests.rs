//! The configuration as a whole.

use std::fs;
use std::path::Path;

use super::*;

const FILTER: &str =
    "[Definition]\nfailregex = ^no <HOST>$\n  ^bad <HOST> <x>$\nx = %(y)s\ny = why\n";

struct Folder(tempfile::TempDir);

impl Folder {
    fn new(files: &[(&str, &str)]) -> Self {
        let dir = tempfile::tempdir().expect("a folder for the test");
        for (name, content) in files {
            let path = dir.path().join(name);
            fs::create_dir_all(path.parent().expect("it is in the folder")).expect("made");
            fs::write(path, content).expect("written");
        }
        Self(dir)
    }

    fn jail(jail: &str) -> Self {
        let action = "[Definition]\nactionban = ban <ip> <name> <port>\n[Init]\nport = 1\n";
        Self::new(&[
            ("jail.conf", jail),
            ("filter.d/f.conf", FILTER),
            ("action.d/sendmail-whois.conf", action),
            ("action.d/program.py", ""),
        ])
    }

    fn config(&self) -> Config {
        Config::open(self.0.path()).expect("the folder exists")
    }

    /// Findings with paths as seen from the folder.
    fn shown(&self, findings: &[Diagnostic]) -> Vec<String> {
        let dir = format!("{}/", self.0.path().display());
        findings.iter().map(|found| found.to_string().replace(&dir, "")).collect()
    }
}

/// The jail `j` and what was found.
fn load(jail: &str) -> (Option<JailDef>, Vec<String>) {
    let folder = Folder::jail(jail);
    let loaded = folder.config().jail("j");
    (loaded.value, folder.shown(&loaded.findings))
}

#[test]
fn connections_are_killed_only_where_a_jail_says_so() {
    for (says, kills, finding) in [
        ("", false, None),
        ("kill_connections = yes", true, None),
        ("kill_connections = perhaps", false, Some("kill_connections is 'perhaps'")),
        ("kill_conections = yes", false, Some("did you mean 'kill_connections'?")),
    ] {
        let (jail, found) =
            load(&format!("[j]\nenabled = yes\nfilter = f\nlogpath = /a\n{says}\n"));
        assert_eq!(jail.expect("it loads").kill_connections, kills, "{says}");
        let is_found = |text| found.iter().any(|found| found.contains(text));
        assert!(finding.map_or(found.is_empty(), is_found), "{says}: {found:?}");
    }
}

#[test]
fn a_jail_is_assembled_from_all_its_parts() {
    let (jail, found) = load(
        "[DEFAULT]\nbantime = 1d\nignoreip = 127.0.0.1/8\n  ::1\n[j]\nenabled = yes\nfilter = f[y=Y]\n\
         logpath = /a b head\n  /c tail\n  /d\nmaxretry = 2\naction = sendmail-whois[port=9]\n\
         bantime.increment = true\nbantime.factor = 2\nignoreregex = ^fine$\n",
    );
    let jail = jail.expect("it loads");
    assert!(found.is_empty(), "{found:?}");
    assert!(jail.enabled && jail.ignoreself);
    let regexes: Vec<_> = jail.filter.failregex.iter().map(|t| (&*t.value, t.at.line)).collect();
    assert_eq!(regexes, [("^no <HOST>$", 2), ("^bad <HOST> Y$", 3)]);
    assert_eq!(jail.filter.ignoreregex[0].at.line, 15);
    let logs: Vec<_> =
        jail.logpaths.iter().map(|log| (&*log.glob, log.tail, log.at.line)).collect();
    assert_eq!(logs, [("/a b", false, 8), ("/c", true, 9), ("/d", false, 10)]);
    assert_eq!((jail.maxretry, jail.maxmatches, jail.findtime_us), (2, 5, 600_000_000));
    assert_eq!(jail.bantime, crate::model::BanTime::Micros(86_400_000_000));
    assert_eq!(jail.ignoreip.len(), 2);
    assert_eq!(jail.increment.map(|increment| increment.factor), Some(2.0));
    assert_eq!(jail.actions[0].properties["actionban"].value, "ban <ip> j 9");
}

#[test]
fn an_unknown_action_leaves_the_jail_usable() {
    let (jail, found) =
        load("[j]\nfilter = f\naction = program.py[name=y]\n  sendmailwhois[name=x]\n");
    assert_eq!(jail.expect("it loads").actions.len(), 1);
    assert_eq!(
        found,
        [
            "jail.conf:3: action 'program.py' is a Python program; f2b can't run it; use an action with a .conf file",
            "jail.conf:4: unknown action 'sendmailwhois'; did you mean 'sendmail-whois'?",
        ]
    );
}

#[test]
fn what_breaks_a_jail_is_named_with_its_place() {
    for (jail, expected) in [
        ("[j]\nfilter = g\n", "jail.conf:2: unknown filter 'g'; did you mean 'f'?"),
        (
            "[j]\nfilter = f\nbantime = foo\n",
            "jail.conf:3: bantime is 'foo', which is no duration; write seconds or units such as 600, 10m, 1d12h, 1w",
        ),
        (
            "[j]\nfilter = f\nlogpath = /a b\n",
            "jail.conf:3: 'b' is behind a log's path; write one path per line; after a path with blanks write ' head'",
        ),
        (
            "[j]\nfilter = f\nlogpath = 100%\n",
            "jail.conf:3: option 'logpath' has a lone '%' at '%'; write '%%' for a literal percent sign",
        ),
        (
            "[j]\nfilter = f[a]\n",
            "jail.conf:2: 'f[a]' has no option=value at 'a]'; write no blanks around '='",
        ),
        (
            "[j]\nfilter = f\nfailregex =\n",
            "jail.conf:3: filter 'f' has no failregex; give it one, for instance 'failregex = ^login failed from <HOST>$'",
        ),
        ("[k]\n", "there is no jail 'j' in 'DIR'; did you mean 'k'?"),
        (
            "[j]\nfilter = f\nfilter f\n",
            "jail.conf:3: 'filter f' is no option; write 'name = value', or indent it to continue the value above",
        ),
    ] {
        let (value, found) = load(jail);
        assert!(value.is_none(), "{jail}");
        assert_eq!(found.len(), 1, "{found:?}");
        let begin = expected.split("DIR").next().unwrap_or("");
        assert!(found[0].starts_with(begin), "{} is not {expected}", found[0]);
    }
}

#[test]
fn what_is_only_odd_is_a_warning() {
    for (line, expected) in [
        ("max_retry = 3", "jail.conf:3: unknown option 'max_retry'; did you mean 'maxretry'?"),
        ("action =\nwanted = %(ports)s\nports = 1", "jail.conf:4: nobody reads option 'wanted'"),
        ("maxretry = x", "jail.conf:3: maxretry is 'x'; write a whole number; 3 is used"),
        (
            "enabled = maybe",
            "jail.conf:3: enabled is 'maybe', which counts as no; write true or false",
        ),
        ("usedns = foo", "jail.conf:3: usedns is 'foo'; write yes, warn, no or raw; no is used"),
        (
            "maxlines = 0",
            "jail.conf:3: maxlines is '0'; write a whole number above zero; 1 is used",
        ),
    ] {
        let (jail, found) = load(&format!("[j]\nfilter = f\n{line}\n"));
        assert!(jail.is_some(), "{line}");
        assert_eq!(found.join(""), expected);
    }
}

#[test]
fn settings_say_what_they_override() {
    let folder = Folder::jail("[DEFAULT]\nmaxretry = 1\n[j]\nfilter = f\nmaxretry = 2\n");
    fs::write(folder.0.path().join("jail.local"), "[j]\nmaxretry = 3\n").expect("written");
    let jail = folder.config().jail("j").value.expect("it loads");
    let setting = jail.settings.iter().find(|s| s.name == "maxretry").expect("it is set");
    assert_eq!((setting.text.value.as_str(), setting.text.at.line), ("3", 2));
    let lines: Vec<u32> = setting.overridden.iter().map(|at| at.line).collect();
    assert_eq!(lines, [5, 2]);
}

#[test]
fn one_broken_jail_leaves_the_others() {
    let folder = Folder::jail(
        "[DEFAULT]\nenabled = true\nfilter = f\n[a]\nbantime = x\n[b]\n[c]\nenabled = no\nfindtime = x\n",
    );
    let loaded = folder.config().jails();
    let names: Vec<_> = loaded.value.into_iter().flatten().map(|jail| jail.name).collect();
    assert_eq!(names, ["b"]);
    assert_eq!(loaded.findings.len(), 1);
    assert_eq!(loaded.findings[0].subject.as_deref(), Some("a"));
    assert_eq!(folder.config().jail_names().value.map(|names| names.len()), Some(3));
}

#[test]
fn a_folder_must_exist_and_have_jails() {
    let error = Config::open(Path::new("/nowhere")).expect_err("there is no such folder");
    assert_eq!(
        error.to_string(),
        "configuration folder '/nowhere' does not exist; name another with -c/--config"
    );
    let folder = Folder::new(&[("file", "")]);
    let error = Config::open(&folder.0.path().join("file")).expect_err("it is a file");
    assert!(matches!(error, ConfigError::NotADir { .. }));
    let loaded = folder.config().jail_names();
    assert_eq!(loaded.value, Some(vec![]));
    assert_eq!(
        folder.shown(&loaded.findings),
        ["jail.conf: there is no jail.conf; name the folder that has one with -c/--config"]
    );
}

#[test]
fn a_filter_is_found_by_name_or_by_path() {
    let folder = Folder::jail("");
    let config = folder.config();
    assert!(config.has_filter("f") && !config.has_filter("g"));
    assert_eq!(config.filter_names(), ["f"]);
    let unknown = config.filter(&Spec::named("ff"));
    assert_eq!(folder.shown(&unknown.findings), ["unknown filter 'ff'; did you mean 'f'?"]);
    let path = folder.0.path().join("filter.d/f.conf");
    let def = Config::filter_file(&path, &[("y".to_owned(), "Z".to_owned())]);
    assert_eq!(def.value.expect("it loads").failregex[1].value, "^bad <HOST> Z$");
    let literal = FilterDef::literal("^<HOST>$");
    assert_eq!(literal.failregex[0].value, "^<HOST>$");
}

#[test]
fn an_option_may_take_the_place_of_a_tag_with_a_warning() {
    let filter = "[Definition]\nfailregex = ^<HOST> <ADDR>$\nhost = H\n";
    let folder = Folder::new(&[("filter.d/f.conf", filter)]);
    let loaded = folder.config().filter(&Spec::named("f"));
    assert_eq!(loaded.value.expect("it loads").failregex[0].value, "^H <ADDR>$");
    assert_eq!(loaded.findings[0].id, "shadowed-tag");
}

#[test]
fn a_circle_of_tags_breaks_only_its_filter() {
    let folder =
        Folder::new(&[("filter.d/f.conf", "[Definition]\nfailregex = <a>\na = <b>\nb = <a>\n")]);
    let loaded = folder.config().filter(&Spec::named("f"));
    assert!(loaded.value.is_none());
    assert_eq!(loaded.findings[0].id, "self-reference");
}

proptest::proptest! {
    #![proptest_config(proptest::prelude::ProptestConfig { cases: 300, ..Default::default() })]

    #[test]
    fn no_text_breaks_the_reader(
        pieces in proptest::collection::vec(proptest::sample::select(vec![
            "[s]", "[Definition]", "[Init]", "\n", "\n  ", " = ", "a", "b", "failregex", "%(a)s", "%(b)s", "%(",
            "%%", "%", "<a>", "<b>", "<", ">", "<known/a>", "%(known/b)s", "%(s/a)s", ";", " ; ", "#", "é", "[",
            "]", "\"", ",", "a[b=\"", "\u{a0}", "\r", "<a<b>>", "<HOST>",
        ]), 0..60)
    ) {
        let text = pieces.concat();
        let parsed = ini::parse(Path::new("f"), text.as_bytes());
        for option in parsed.sections.iter().flat_map(|section| &section.options) {
            assert_eq!(option.value.split('\n').count(), option.lines.len());
        }
        let _ = Spec::parse(&text);
        assert!(spec::split(&text).iter().all(|(at, entry)| text[*at..].starts_with(entry)));
        let folder = Folder::new(&[("f.conf", &format!("[Definition]\nfailregex = x\n{text}"))]);
        let path = folder.0.path().join("f.conf");
        let _ = Config::filter_file(&path, &[("b".to_owned(), text)]);
    }
}

#[test]
fn a_slip_in_one_section_stops_that_jail_only() {
    let folder = Folder::new(&[
        (
            "jail.conf",
            "[DEFAULT]\nfilter = f\nenabled = true\n[a]\nx\n[b]\nmaxretry = 1\nmaxretry = 2\n[c]\n",
        ),
        ("jail.local", "[DEFAULT]\nmaxretry = 9\n[d]\n# caf\u{e9}\n"),
        ("filter.d/f.conf", "[Definition]\nfailregex = ^x <HOST>\n"),
    ]);
    let config = folder.config();
    let usable = |name: &str| config.draft(name).expect("it is there").is_usable;
    assert_eq!(["a", "b", "c", "d"].map(usable), [false, false, true, true]);
    let jails = config.jails().value.expect("they are there");
    assert_eq!(jails.iter().map(|jail| &*jail.name).collect::<Vec<_>>(), ["c", "d"]);
    let found = folder.shown(&config.jails().findings);
    assert_eq!(found.len(), 2, "{found:?}");
}

#[test]
fn the_encoding_and_the_zone_of_a_jail_are_settled_when_it_is_read() {
    let (jail, found) = load("[j]\nfilter = f\nlogencoding = latin9\nlogtimezone = UTC+0200\n");
    assert!(found.is_empty(), "{found:?}");
    let jail = jail.expect("it loads");
    assert_eq!(jail.logencoding.name(), "ISO-8859-15");
    assert_eq!(jail.logtimezone, crate::model::Zone::parse("+02"));
    let (jail, _) = load("[j]\nfilter = f\nlogencoding = Auto\nlogtimezone =\n");
    let jail = jail.expect("it loads");
    assert_eq!((jail.logencoding.name(), jail.logtimezone), ("UTF-8", None));
    let (jail, found) = load("[j]\nfilter = f\nlogencoding = klingon\nlogtimezone = UTX+0200\n");
    assert!(jail.is_none());
    assert_eq!(
        found,
        [
            "jail.conf:3: unknown encoding 'klingon'; write auto, UTF-8, ISO-8859-15 or the like",
            "jail.conf:4: unknown time zone 'UTX+0200'; write a name such as Europe/Paris, or an \
             offset such as UTC+0200"
        ]
    );
}

#[test]
fn a_jail_that_reads_the_journal_does_so_in_any_case() {
    let filter = "[Definition]\nfailregex = ^<logtype> <backend> <HOST>$\n";
    let jail = "[j]\nfilter = g\nbackend = Systemd[journalflags=1]\nlogpath = /ignored\n";
    let folder = Folder::new(&[("jail.conf", jail), ("filter.d/g.conf", filter)]);
    let loaded = folder.config().jail("j");
    assert_eq!(loaded.findings, []);
    let jail = loaded.value.expect("it loads");
    let flags = JournalSource { flags: Some(1), ..JournalSource::default() };
    assert_eq!(jail.backend, Backend::Journal(flags));
    assert_eq!(jail.filter.failregex[0].value, "^journal Systemd[journalflags=1] <HOST>$");
    assert!(jail.logpaths.is_empty());
    let (jail, found) = load("[j]\nfilter = f\nbackend = systemd[journalflags=x]\n");
    assert!(jail.is_none());
    assert_eq!(found, ["jail.conf:3: journalflags is 'x'; write a whole number such as 1"]);
}

#[test]
fn what_makes_bans_longer_is_read_once() {
    let (jail, found) = load(
        "[j]\nfilter = f\nbantime.increment = yes\nbantime.factor = 2.0 / 4\n\
         bantime.formula = ban.Time * 2\nbantime.multipliers = 1 2\n  4\nbantime.maxtime = -1\n\
         bantime.rndtime = 1m30s\nbantime.overalljails = on\n",
    );
    assert!(found.is_empty(), "{found:?}");
    let increment = jail.and_then(|jail| jail.increment).expect("they get longer");
    let formula = increment.formula.as_ref().map(|text| (text.value.as_str(), text.at.line));
    assert_eq!(formula, Some(("ban.Time * 2", 5)));
    let wanted = Increment {
        factor: 0.5,
        formula: increment.formula.clone(),
        multipliers: vec![1, 2, 4],
        maxtime_us: Some(-1_000_000),
        rndtime_us: Some(90_000_000),
        overalljails: true,
    };
    assert_eq!(increment, wanted);
    let (jail, _) = load(
        "[j]\nfilter = f\nbantime.increment = 1\nbantime.factor =\nbantime.formula =\nbantime.maxtime =\n",
    );
    let wanted = Increment {
        factor: 1.0,
        formula: None,
        multipliers: Vec::new(),
        maxtime_us: None,
        rndtime_us: None,
        overalljails: false,
    };
    assert_eq!(jail.and_then(|jail| jail.increment), Some(wanted));
    // As long as they don't get longer, nobody cares.
    assert!(load("[j]\nfilter = f\nbantime.factor = x\n").1.is_empty());
}

#[test]
fn err_what_should_make_bans_longer_and_cannot_be_read() {
    let (jail, found) = load(
        "[j]\nfilter = f\nbantime.increment = yes\nbantime.factor = -1\n\
         bantime.multipliers = 1 2\n  4 -8\nbantime.maxtime = -2\nbantime.rndtime = x\n",
    );
    assert!(jail.is_none());
    let duration = "which is no duration; write seconds or units such as 600, 10m, 1d12h, 1w";
    assert_eq!(
        found,
        [
            "jail.conf:4: bantime.factor is '-1'; write a number from 0 such as 2 or 0.5, or a quotient such as \
             2.0 / 2.885",
            "jail.conf:6: '-8' in bantime.multipliers is no whole number; write whole numbers from 0 with blanks between \
             them: 1 2 4 8",
            &format!("jail.conf:7: bantime.maxtime is '-2', {duration}"),
            &format!("jail.conf:8: bantime.rndtime is 'x', {duration}"),
        ]
    );
}

#[test]
fn a_journalmatch_is_read_wherever_it_is_written() {
    let filter = "[Definition]\nfailregex = ^<HOST>$\njournalmatch = _A=1 + _B=2\n  _C='x\n";
    let read = |jail: &str| {
        let clear = "[Definition]\nfailregex = ^<HOST>$\njournalmatch = _A=1\n";
        let filters = [("filter.d/g.conf", filter), ("filter.d/clear.conf", clear)];
        let folder = Folder::new(&[("jail.conf", jail), filters[0], filters[1]]);
        let draft = folder.config().draft("j").expect("there is one");
        let severe = draft.findings.iter().any(|found| found.severity == Severity::Error);
        let wanted = draft.jail.filter.journalmatch;
        let wanted: Vec<_> =
            wanted.iter().map(|line| (line.groups.len(), line.text.at.line)).collect();
        (draft.is_usable, severe, folder.shown(&draft.findings), wanted, draft.jail.without_logs)
    };
    let unclosed = |place: &str| {
        let help = "close it, or write a backslash before it";
        vec![format!("{place}: a quote of this journalmatch is never closed; {help}")]
    };
    let fails = WithoutLogs::Fails;
    let found = unclosed("filter.d/g.conf:4");
    let files = read("[j]\nfilter = g\n");
    assert_eq!(files, (true, false, found.clone(), vec![(2, 3)], fails));
    let clear = |jail: &str, without_logs| {
        let read = read(&format!("[j]\nfilter = clear\n{jail}"));
        assert_eq!(read.4, without_logs, "{jail}");
    };
    clear("", WithoutLogs::ReadsJournal);
    clear("systemd_if_nologs = no\n", fails);
    clear("backend = polling\n", fails);
    clear("journalmatch =\n", fails);
    let journal = read("[j]\nfilter = g\nbackend = systemd\n");
    assert_eq!(journal, (false, true, found, vec![(2, 3)], fails));
    // A jail's own takes the place of the filter's; what can't be read is nothing to fall back upon.
    let own = read("[j]\nfilter = g\njournalmatch = _A=1\n");
    assert_eq!(own, (true, false, Vec::new(), vec![(1, 3)], WithoutLogs::ReadsJournal));
    let own = read("[j]\nfilter = g\njournalmatch = _A='1\n");
    assert_eq!(own, (true, false, unclosed("jail.conf:3"), Vec::new(), fails));
}

#[test]
fn a_filter_alone_is_a_jail_with_the_defaults_of_the_table() {
    let jail = JailDef::of_filter(FilterDef::literal("^bad <HOST>$"));
    assert_eq!(jail.filter.failregex[0].value, "^bad <HOST>$");
    assert!(jail.enabled && jail.ignoreself && jail.name.is_empty());
    assert!(jail.logpaths.is_empty() && jail.actions.is_empty() && jail.ignoreip.is_empty());
    assert_eq!((jail.maxretry, jail.maxmatches, jail.maxlines), (3, 5, 1));
    assert_eq!((jail.findtime_us, jail.usedns), (600_000_000, UseDns::Warn));
    assert_eq!(jail.bantime, crate::model::BanTime::Micros(600_000_000));
    assert_eq!((jail.backend, jail.without_logs), (Backend::Auto, WithoutLogs::Fails));
    assert_eq!((jail.logencoding.name(), jail.logtimezone), ("UTF-8", None));
    assert!(jail.increment.is_none() && jail.ignorecommand.is_none() && jail.ignorecache.is_none());
    let filter = FilterDef { maxlines: Some(4), usedns: Some(UseDns::No), ..FilterDef::default() };
    let jail = JailDef::of_filter(filter);
    assert_eq!((jail.maxlines, jail.usedns), (4, UseDns::No));
}

#[test]
fn what_cannot_be_read_has_the_default() {
    let folder = Folder::jail(
        "[j]\nfilter = f\nmaxretry = x\nmaxlines = 0\nfindtime = -1\nbantime = -2\nignoreself = perhaps\n",
    );
    let draft = folder.config().draft("j").expect("there is one");
    let jail = draft.jail;
    assert_eq!((jail.maxretry, jail.maxlines, jail.findtime_us), (3, 1, 600_000_000));
    assert_eq!(jail.bantime, crate::model::BanTime::Micros(600_000_000));
    assert!(!jail.ignoreself && !draft.is_usable);
    let duration = "which is no duration; write seconds or units such as 600, 10m, 1d12h, 1w";
    assert_eq!(
        folder.shown(&draft.findings),
        [
            "jail.conf:4: maxlines is '0'; write a whole number above zero; 1 is used",
            "jail.conf:3: maxretry is 'x'; write a whole number; 3 is used",
            &format!("jail.conf:5: findtime is '-1', {duration}"),
            &format!("jail.conf:6: bantime is '-2', {duration}"),
            "jail.conf:7: ignoreself is 'perhaps', which counts as no; write true or false",
        ]
    );
}

#[test]
fn a_parameter_for_a_family_waits_for_the_ban() {
    // As in fail2ban 1.1; to 1.0 it is no parameter, and the jail is left out.
    let action = "[Definition]\nactionban = do <x> <y>\ny = a<x>b\n[Init]\nx = four\n\
                  [Definition?family=inet6]\nx = vain\n";
    let jail = "[j]\nfilter = f\naction = act[x?family=inet6=\"six\"]\n";
    let filter = "[Definition]\nfailregex = <HOST>\n";
    let files = [("jail.conf", jail), ("action.d/act.conf", action), ("filter.d/f.conf", filter)];
    let folder = Folder::new(&files);
    let loaded = folder.config().jail("j");
    assert_eq!(
        folder.shown(&loaded.findings),
        ["action.d/act.conf:7: this 'x?family=inet6' for a family has no effect; \
          write 'x' below [Init?family=inet6]"]
    );
    let properties = &loaded.value.expect("it loads").actions[0].properties;
    let value = |name: &str| properties[name].value.as_str();
    assert_eq!((value("actionban"), value("x?family=inet6")), ("do <x> a<x>b", "six"));
}
