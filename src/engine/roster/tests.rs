use super::*;
use crate::engine::tuning::{DateSettings, IncrementValue};
use crate::model::Clock;

fn now() -> Time {
    crate::model::SystemClock.now()
}

fn roster() -> Roster {
    let mut roster = Roster::default();
    roster.add("j", Some("polling"), now()).unwrap();
    roster
}

fn tune(roster: &mut Roster, what: impl Into<Tuning>) -> Result<JailSettings, String> {
    match roster.tune("j", &what.into(), now()) {
        Ok(_) => Ok(roster.settings("j").unwrap()),
        Err(refusal) => Err(refusal.text),
    }
}

fn text(text: &str) -> String {
    text.to_owned()
}

#[test]
fn a_jail_that_was_added_runs_when_it_is_started() {
    let mut roster = roster();
    assert!(roster.muster().members.is_empty());
    let twice = roster.add("j", None, now()).unwrap_err();
    assert_eq!((twice.kind, &*twice.text), (RefusalKind::DuplicateJail, "j"));
    assert_eq!(roster.start("j"), Ok(Effect::Actions));
    assert_eq!(roster.start("j"), Ok(Effect::None));
    assert_eq!(roster.muster().names(), ["j"]);
    assert_eq!(roster.stop(Some("j")), Ok(Effect::Actions));
    assert_eq!(roster.start("j").unwrap_err().kind, RefusalKind::UnknownJail);
    assert!(roster.stopped().contains("j"));
}

#[test]
fn what_a_jail_is_added_with_is_what_fail2ban_adds_it_with() {
    let settings = roster().settings("j").unwrap();
    assert_eq!(settings.ignorecommand, None);
    assert_eq!((settings.maxretry, settings.maxmatches, settings.maxlines), (3, 5, 1));
    assert_eq!((&*settings.usedns, &*settings.logencoding), ("warn", "UTF-8"));
    assert_eq!(settings.datepattern.name, "Default Detectors");
    assert!(settings.ignoreself && settings.failregex.is_empty() && settings.actions.is_empty());
    let unknown = roster().add("k", Some("bar"), now()).unwrap_err().text;
    let wanted =
        "Unknown backend bar. Must be among ['pyinotify', 'gamin', 'polling', 'systemd'] or 'auto'";
    assert_eq!(unknown, wanted);
}

#[test]
fn what_can_not_be_set_changes_nothing_and_is_refused_in_fail2bans_words() {
    let mut roster = roster();
    let before = roster.settings("j").unwrap();
    let of =
        |option: &str, value: &str| Tuning::Increment { option: text(option), value: text(value) };
    let host = r"\[?(?:(?:::f{4,6}:)?(?P<ip4>(?:\d{1,3}\.){3}\d{1,3})|(?P<ip6>(?:[0-9a-fA-F]{1,4}::?|::){1,7}(?:[0-9a-fA-F]{1,4}|(?<=:):)))\]?";
    let unclosed = format!(
        "Unable to compile regular expression 'x (?:{host}|(?P<dns>[\\w\\-.^_]*\\w)) (':\n"
    );
    for (what, wanted) in [
        (Tuning::Findtime(text("abc")), "name 'abc' is not defined"),
        (Tuning::Maxretry(text("x")), "invalid literal for int() with base 10: 'x'"),
        (Tuning::Maxlines(text("0")), "maxlines must be integer greater than zero"),
        (Tuning::Logencoding(text("nope")), "unknown encoding: nope"),
        (Tuning::Logtimezone(text("UTC+2")), "Unknown or unsupported time zone: 'UTC+2'"),
        (Tuning::Ignorecache(text("bad")), "expected option, wrong syntax at 0: bad"),
        (Tuning::Ignorecache(text("max-count=5")), "key"),
        (Tuning::AddFailregex(vec![text("nohost")]), "No failure-id group in 'nohost'"),
        (Tuning::AddFailregex(vec![text("")]), "Cannot add empty regex"),
        (Tuning::AddFailregex(vec![text("x <HOST> (")]), &unclosed),
        (Tuning::DelIgnoreip(text("9.9.9.9")), "list.remove(x): x not in list"),
        (Tuning::DelAction(text("y")), "Invalid Action name: y"),
        (
            Tuning::Datepattern(text("x%")),
            "Failed to set datepattern 'x%' (may be an invalid format or unescaped percent char): incomplete format",
        ),
        (of("maxtime", "abc"), "name 'abc' is not defined"),
        (of("factor", "abc"), "name 'abc' is not defined"),
        (of("multipliers", "1 x"), "invalid literal for int() with base 10: 'x'"),
        (Tuning::AddLogpath { path: text("/nope"), tail: false }, "/nope"),
        (Tuning::AddLogpath { path: text("/tmp"), tail: false }, "/tmp"),
    ] {
        let refused = tune(&mut roster, what.clone()).unwrap_err();
        assert!(refused.starts_with(wanted), "{what:?}: {refused}");
        assert_eq!(roster.settings("j").unwrap(), before, "{what:?}");
    }
}

#[test]
fn what_is_set_is_told_as_fail2ban_tells_it() {
    let mut roster = roster();
    let mut set = |what: Tuning| tune(&mut roster, what).unwrap();
    let words = ["10.1.2.3/8", "localhost", "192.0.2.1"].map(text).to_vec();
    assert_eq!(set(Tuning::AddIgnoreip(words)).ignoreip, ["10.0.0.0/8", "localhost", "192.0.2.1"]);
    let left = set(Tuning::DelIgnoreip(text("10.1.2.3/8")));
    assert_eq!(left.ignoreip, ["localhost", "192.0.2.1"]);
    assert_eq!(set(Tuning::Findtime(text("5 5"))).findtime_us, 10_000_000);
    assert_eq!(set(Tuning::Usedns(text("RAW"))).usedns, "raw");
    assert_eq!(set(Tuning::Usedns(text("true"))).usedns, "no");
    assert_eq!(set(Tuning::Logencoding(text("utf-8"))).logencoding, "utf-8");
    assert_eq!(set(Tuning::Logencoding(text("auto"))).logencoding, "UTF-8");
    assert_eq!(set(Tuning::Logtimezone(text("UTC+0200"))).logtimezone, Some(text("UTC+0200")));
    let failing = set(Tuning::AddFailregex(vec![text("^a <F-ID/>"), text("^b <F-ID/>")]));
    assert_eq!(failing.failregex, [r"^a (?P<fid>\S+)", r"^b (?P<fid>\S+)"]);
    assert_eq!(set(Tuning::DelFailregex(9)).failregex.len(), 2);
    assert_eq!(set(Tuning::DelFailregex(-1)).failregex, [r"^a (?P<fid>\S+)"]);
    assert!(set(Tuning::DelFailregex(0)).failregex.is_empty());
    let of =
        |option: &str, value: &str| Tuning::Increment { option: text(option), value: text(value) };
    let increment = set(of("maxtime", "2d")).increment;
    assert_eq!(increment["maxtime"], IncrementValue::Micros(172_800_000_000));
    let increment = set(of("increment", "xx")).increment;
    assert_eq!(increment["increment"], IncrementValue::Truth(false));
    assert!(!set(of("maxtime", "")).increment.contains_key("maxtime"));
}

#[test]
fn date_patterns_have_fail2bans_names() {
    let mut roster = roster();
    for (pattern, wanted, name) in [
        ("%Y", Some("%Y"), "Year"),
        ("Epoch", None, "Epoch"),
        ("TAI64N", None, "TAI64N"),
        ("{^LN-BEG}Epoch", None, "{^LN-BEG}Epoch"),
        ("{^LN-BEG}%Y-%m-%d", Some("{^LN-BEG}%Y-%m-%d"), "{^LN-BEG}Year-Month-Day"),
        ("^%Y-%m-%d", Some("^%Y-%m-%d"), "^Year-Month-Day"),
        ("{NONE}", Some("{UNB}^"), "^"),
        ("{DEFAULT}", None, "Default Detectors"),
        ("{^LN-BEG}", None, "Default Detectors"),
        ("EPOCH", None, "Epoch"),
        (
            "%d %b %Y %H:%M:%S%z",
            Some("%d %b %Y %H:%M:%S%z"),
            "Day MON Year 24hour:Minute:SecondZone offset",
        ),
        ("%d/%b/%Y\nEpoch", Some("%d/%b/%Y"), "Day/MON/Year"),
        ("", None, "Default Detectors"),
    ] {
        let settings = tune(&mut roster, Tuning::Datepattern(text(pattern))).unwrap();
        let wanted = DateSettings { pattern: wanted.map(text), name: text(name) };
        assert_eq!(settings.datepattern, wanted, "{pattern}");
    }
}

#[test]
fn an_action_is_what_it_was_told_to_be() {
    let mut roster = roster();
    roster.start("j").unwrap();
    let add = Tuning::AddAction(text("a"));
    assert_eq!(roster.tune("j", &add, now()), Ok(Effect::Actions));
    let twice = roster.tune("j", &add, now()).unwrap_err();
    assert_eq!(twice, Refusal::new(RefusalKind::Value, "Action a already exists"));
    let set = |name: &str, value: &str| Tuning::SetAction {
        action: text("a"),
        properties: vec![(text(name), text(value))],
    };
    let settings = tune(&mut roster, set("actionban", "true <ip>")).unwrap();
    assert_eq!(settings.actions[0].properties["actionban"], "true <ip>");
    assert_eq!(settings.actions[0].properties["actionstop"], "");
    assert_eq!(settings.actions[0].timeout_us, 60_000_000);
    assert_eq!(tune(&mut roster, set("timeout", "5m")).unwrap().actions[0].timeout_us, 300_000_000);
    assert_eq!(tune(&mut roster, set("timeout", "abc")), Err(text("name 'abc' is not defined")));
    assert!(tune(&mut roster, Tuning::DelAction(text("a"))).unwrap().actions.is_empty());
}
