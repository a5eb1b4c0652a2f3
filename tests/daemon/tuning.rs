//! Jails that are changed while the service runs: what is set is in force when that is answered, and no line is lost or
//! counted twice.

use std::fs;

use f2b::control::socket::Client;
use f2b::control::{
    Command, Deed, Failed, JailSettings, JailState, Reply, Request, ServerTuning, Tuning,
};

use crate::harness::{Host, now};
use crate::machines::{V4, V6};
use crate::net::eventually;

const A: &str = "[a]\nlogpath = LOG/a.log\naction = nftables[port=22]\n";

impl Host {
    /// What the service answers.
    fn say(&self, command: Command) -> Result<Vec<Reply>, String> {
        let mut client = Client::connect(&self.path("f2b.sock")).unwrap().unwrap();
        let mut replies = Vec::new();
        let asked = client.answer(&Request::Daemon(command), &mut |reply| {
            replies.push(reply);
            Ok(())
        });
        match asked {
            Ok(()) => Ok(replies),
            Err(Failed::Refused(error)) => Err(error.to_string()),
            Err(error) => unreachable!("{error}"),
        }
    }

    fn set(&self, jail: &str, what: Tuning) -> Result<JailSettings, String> {
        let jail = jail.to_owned();
        match &self.say(Command::Tune { jail, what })?[..] {
            [Reply::Settings(settings)] => Ok(JailSettings::clone(settings)),
            other => unreachable!("{other:?}"),
        }
    }

    fn stop_jail(&self, name: &str) {
        let name = Some(name.to_owned());
        assert_eq!(self.say(Command::StopJail { name }), Ok(vec![Reply::Done]));
    }

    /// Waits until so many failures are stored; more are too many.
    #[track_caller]
    fn counts(&self, failures: usize) {
        eventually("they are counted", || self.failures() >= failures);
        assert_eq!(self.failures(), failures);
    }
}

fn text(text: &str) -> String {
    text.to_owned()
}

#[test]
fn how_many_failures_make_a_ban_within_which_time_and_for_how_long() {
    let host = Host::new(A);
    let daemon = host.start();
    host.fail_at("a.log", &[V6, V6], now().plus_micros(-50_000_000));
    host.counts(2);
    assert_eq!(host.set("a", Tuning::Findtime(text("10"))).unwrap().findtime_us, 10_000_000);
    host.fail("a.log", &[V6]);
    host.counts(3);
    assert!(host.banned().is_empty(), "two of them are too old");
    host.set("a", Tuning::Findtime(text("10m"))).unwrap();
    eventually("all three are young enough", || !host.lets_in(V6, 22));
    assert_eq!(host.set("a", Tuning::Maxretry(text("2"))).unwrap().maxretry, 2);
    host.set("a", Tuning::Bantime(text("2h"))).unwrap();
    host.fail("a.log", &[V4]);
    host.counts(4);
    assert!(host.lets_in(V4, 22));
    host.fail("a.log", &[V4]);
    eventually("it is the second", || !host.lets_in(V4, 22));
    let lengths = "SELECT host, (until_us - at_us) / 1000000 FROM bans ORDER BY host";
    assert_eq!(host.ask(lengths), [format!("{V6} 3600"), format!("{V4} 7200")]);
    daemon.stop();
    assert_eq!(host.failures(), 5);
}

#[test]
fn what_counts_as_a_failure_is_another_from_the_next_line_on() {
    let host = Host::new(A);
    let daemon = host.start();
    let write = |host: &Host, what: &str| {
        let lines = format!("{} {what} {V4}\n", now()).repeat(3);
        fs::write(host.log("b.log"), lines).unwrap();
        let lines = fs::read_to_string(host.log("b.log")).unwrap();
        let mut log = crate::harness::append(&host.log("a.log"));
        std::io::Write::write_all(&mut log, lines.as_bytes()).unwrap();
    };
    write(&host, "yes");
    host.fail("a.log", &[V6]);
    host.counts(1);
    let settings = host.set("a", Tuning::AddFailregex(vec![text("^ yes <HOST>$")])).unwrap();
    assert_eq!(settings.failregex.len(), 2);
    assert_eq!(host.failures(), 1, "what was written before was read before");
    write(&host, "yes");
    eventually("he is banned", || !host.lets_in(V4, 22));
    let refused = host.set("a", Tuning::AddFailregex(vec![text("nohost")]));
    assert_eq!(refused, Err(text("No failure-id group in 'nohost'")));
    assert_eq!(host.set("a", Tuning::DelFailregex(0)).unwrap().failregex.len(), 1);
    host.fail("a.log", &[V6, V6, V6]);
    host.set("a", Tuning::AddIgnoreip(vec![text(V6)])).unwrap();
    daemon.stop();
    assert_eq!(host.failures(), 4);
    assert_eq!(host.banned().len(), 1);
}

#[test]
fn whom_a_jail_ignores_from_now_on_is_not_banned() {
    let host = Host::new(A);
    let daemon = host.start();
    host.fail("a.log", &[V4, V4]);
    host.counts(2);
    let settings = host.set("a", Tuning::AddIgnoreip(vec![text("203.0.113.7/24")])).unwrap();
    assert_eq!(settings.ignoreip, ["203.0.113.0/24"]);
    host.fail("a.log", &[V4, V4, V6, V6, V6]);
    eventually("the other is", || !host.lets_in(V6, 22));
    assert!(host.lets_in(V4, 22));
    let refused = host.set("a", Tuning::DelIgnoreip(text("9.9.9.9")));
    assert_eq!(refused, Err(text("list.remove(x): x not in list")));
    host.set("a", Tuning::DelIgnoreip(text("203.0.113.0/24"))).unwrap();
    host.fail("a.log", &[V4, V4, V4]);
    eventually("he is, too", || !host.lets_in(V4, 22));
    daemon.stop();
}

#[test]
fn logs_are_followed_and_left() {
    let host = Host::new(A);
    let daemon = host.start();
    let path = host.log("b.log").display().to_string();
    let add = |tail| Tuning::AddLogpath { path: path.clone(), tail };
    let refused = host.set("a", add(false));
    assert_eq!(refused, Err(path.clone()));
    host.fail("b.log", &[V4, V4]);
    assert_eq!(host.set("a", add(false)).unwrap().logpaths.len(), 2);
    host.counts(2);
    daemon.says("Added logfile: ");
    host.fail("b.log", &[V4]);
    eventually("he is banned", || !host.lets_in(V4, 22));
    assert_eq!(host.set("a", Tuning::DelLogpath(path.clone())).unwrap().logpaths.len(), 1);
    daemon.says(&format!("Removed logfile: '{path}'"));
    host.fail("b.log", &[V6, V6, V6]);
    host.fail("a.log", &[V6]);
    host.counts(4);
    daemon.stop();
    assert_eq!(host.failures(), 4);
}

#[test]
fn a_jail_that_is_idle_goes_on_where_it_stopped() {
    let host = Host::new(A);
    let daemon = host.start();
    host.fail("a.log", &[V4, V4, V4, V6]);
    eventually("he is banned", || !host.lets_in(V4, 22));
    assert_eq!(host.set("a", Tuning::Idle(true)).unwrap().state, JailState::Idle);
    host.fail("a.log", &[V6, V6]);
    host.does(&format!("unban {V4}"));
    eventually("bans end all the same", || host.lets_in(V4, 22));
    assert_eq!(host.failures(), 4);
    assert_eq!(host.set("a", Tuning::Idle(false)).unwrap().state, JailState::Running);
    eventually("what was written meanwhile counts", || !host.lets_in(V6, 22));
    daemon.stop();
    assert_eq!(host.failures(), 6);
}

#[test]
fn a_jail_that_is_stopped_lets_in_whom_it_has_banned_until_the_next_reload() {
    let host = Host::new(&format!("{A}[b]\nlogpath = LOG/b.log\naction = nftables[port=25]\n"));
    let daemon = host.start();
    host.fail("a.log", &[V4, V4, V4]);
    host.fail("b.log", &[V4, V4, V4]);
    eventually("he is kept out", || !host.lets_in(V4, 22) && !host.lets_in(V4, 25));
    host.stop_jail("a");
    assert!(host.lets_in(V4, 22) && !host.lets_in(V4, 25));
    let gone = host.say(Command::Settings { jail: text("a") });
    assert_eq!(gone, Err(text("a")));
    host.f2b(&format!("ban {V6} --jail a")).exits(2);
    host.does(&format!("ban {V6} --jail b"));
    assert!(host.lets_in(V4, 22), "others are carried out without it");
    assert_eq!(host.banned().len(), 3, "its bans stay in the store");
    daemon.reload();
    eventually("it is back", || !host.lets_in(V4, 22));
    daemon.stop();
}

#[test]
fn a_jail_that_is_added_is_like_any_other_until_the_next_reload() {
    let host = Host::new(A);
    let daemon = host.start();
    let name = text("new");
    let add = Command::AddJail { name: name.clone(), backend: None };
    let added = host.say(add).unwrap();
    assert!(
        matches!(&added[..], [Reply::Settings(settings)] if settings.state == JailState::Added)
    );
    host.fail("b.log", &[V4]);
    let path = host.log("b.log").display().to_string();
    for what in [
        Tuning::AddFailregex(vec![text("^ no <HOST>$")]),
        Tuning::AddLogpath { path, tail: false },
        Tuning::AddAction(text("tell")),
        Tuning::SetAction {
            action: text("tell"),
            properties: vec![(
                text("actionban"),
                format!("echo <ip> >> {}", host.path("told").display()),
            )],
        },
    ] {
        host.set("new", what).unwrap();
    }
    host.say(Command::StartJail { name }).unwrap();
    host.fail("b.log", &[V4, V4]);
    let told = || fs::read_to_string(host.path("told")).unwrap_or_default();
    eventually("its action is told", || told() == format!("{V4}\n"));
    host.does(&format!("ban {V6} --jail new"));
    eventually("by whoever bans", || told() == format!("{V4}\n{V6}\n"));
    daemon.reload();
    assert_eq!(host.say(Command::Settings { jail: text("new") }), Err(text("new")));
    daemon.stop();
}

#[test]
fn an_action_that_is_added_gets_all_bans_and_one_that_is_removed_is_undone() {
    let host = Host::new(A);
    let told = |name: &str| fs::read_to_string(host.path(name)).unwrap_or_default();
    let echo = |what: &str| format!("echo {what} <ip> >> {}", host.path("told").display());
    let daemon = host.start();
    host.fail("a.log", &[V4, V4, V4]);
    eventually("he is kept out", || !host.lets_in(V4, 22));
    host.set("a", Tuning::AddAction(text("tell"))).unwrap();
    let set = |name: &str, what: &str| Tuning::SetAction {
        action: text("tell"),
        properties: vec![(text(name), echo(what))],
    };
    host.set("a", set("actionunban", "end")).unwrap();
    host.set("a", set("actionban", "begin")).unwrap();
    eventually("it is told", || told("told") == format!("begin {V4}\n"));
    host.set("a", Tuning::DelAction(text("nftables"))).unwrap();
    assert!(host.lets_in(V4, 22));
    host.set("a", Tuning::DelAction(text("tell"))).unwrap();
    eventually("it is undone", || told("told") == format!("begin {V4}\nend {V4}\n"));
    assert_eq!(host.banned().len(), 1);
    daemon.reload();
    assert!(!host.lets_in(V4, 22));
    daemon.stop();
}

#[test]
fn an_action_can_be_stopped_and_started() {
    let host = Host::new(A);
    let daemon = host.start();
    host.fail("a.log", &[V4, V4, V4]);
    eventually("he is kept out", || !host.lets_in(V4, 22));
    let call = |action: &str, deed| {
        host.say(Command::CallAction { jail: text("a"), action: text(action), deed })
    };
    assert_eq!(call("nope", Deed::Stop), Err(text("Invalid Action name: nope")));
    assert_eq!(call("nftables", Deed::Stop), Ok(vec![Reply::Done]));
    assert!(host.lets_in(V4, 22));
    assert_eq!(call("nftables", Deed::Start), Ok(vec![Reply::Done]));
    assert!(!host.lets_in(V4, 22));
    call("nftables", Deed::Flush).unwrap();
    host.fail("a.log", &[V6, V6, V6]);
    eventually("the next ban brings all back", || !host.lets_in(V6, 22) && !host.lets_in(V4, 22));
    daemon.stop();
}

#[test]
fn the_server_is_set_as_fail2bans_is() {
    let host = Host::new(A);
    let daemon = host.start();
    let tune = |what| host.say(Command::TuneServer(what));
    let is = |replies: Vec<Reply>| match replies.into_iter().next() {
        Some(Reply::Server(settings)) => settings,
        other => unreachable!("{other:?}"),
    };
    let before = is(host.say(Command::Server).unwrap());
    assert_eq!((&*before.loglevel, before.dbpurgeage_us), ("INFO", 86_400_000_000));
    assert_eq!(before.logtarget, daemon.own_log().display().to_string());
    for (what, why) in [
        (ServerTuning::Loglevel(text("foo")), "Invalid log level 'FOO'"),
        (ServerTuning::Logtarget(text("/nope/x")), "Failed to change log target"),
        (ServerTuning::Dbpurgeage(text("abc")), "name 'abc' is not defined"),
        (ServerTuning::Dbmaxmatches(text("x")), "invalid literal for int() with base 10: 'x'"),
        (ServerTuning::Dbfile(text("/x")), "Cannot change database when there are jails present"),
    ] {
        assert_eq!(tune(what), Err(text(why)));
    }
    assert_eq!(is(host.say(Command::Server).unwrap()), before);
    let other = host.path("other.log").display().to_string();
    let target = ServerTuning::Logtarget(format!("{other}[padding=off]"));
    assert_eq!(is(tune(target).unwrap()).logtarget, other);
    assert_eq!(is(tune(ServerTuning::Loglevel(text("error"))).unwrap()).loglevel, "ERROR");
    host.fail("a.log", &[V4, V4, V4]);
    eventually("he is kept out", || !host.lets_in(V4, 22));
    assert!(!fs::read_to_string(&other).unwrap_or_default().contains("Ban"));
    assert_eq!(host.say(Command::Reopen), Ok(vec![Reply::Reopened(text("rolled over"))]));
    daemon.stop();
}

#[test]
fn no_line_is_lost_or_counted_twice_however_often_something_is_set() {
    let host = Host::new(A);
    let daemon = host.start();
    let hosts = ["198.51.100.11", "198.51.100.12", "198.51.100.13", "198.51.100.14"];
    host.set("a", Tuning::Maxretry(text("200"))).unwrap();
    std::thread::scope(|scope| {
        scope.spawn(|| {
            for _ in 0..100 {
                host.fail("a.log", &hosts);
                std::thread::park_timeout(std::time::Duration::from_millis(5));
            }
        });
        for nth in 0..30 {
            let what = match nth % 3 {
                0 => Tuning::Maxretry(format!("{}", 200 + nth)),
                1 => Tuning::Idle(nth % 2 == 0),
                _ => Tuning::Findtime(format!("{}m", 10 + nth)),
            };
            host.set("a", what).unwrap();
        }
        host.set("a", Tuning::Idle(false)).unwrap();
    });
    host.counts(400);
    daemon.stop();
    assert_eq!(host.failures(), 400);
    assert!(host.banned().is_empty());
}

#[test]
fn a_reload_may_be_of_one_jail_and_begin_anew_or_lift_all_bans() {
    let b = "[b]\nlogpath = LOG/b.log\naction = nftables[port=25]\n";
    let host = Host::new(&format!("{A}{b}"));
    let daemon = host.start();
    let reload = |jail: Option<&str>, restart, unban| {
        let jail = jail.map(str::to_owned);
        host.say(Command::Reload { jail, restart, unban }).map(drop)
    };
    let maxretry = |jail: &str| match &host.say(Command::Settings { jail: text(jail) }).unwrap()[..]
    {
        [Reply::Settings(settings)] => settings.maxretry,
        other => unreachable!("{other:?}"),
    };
    for jail in ["a", "b"] {
        host.set(jail, Tuning::Maxretry(text("2"))).unwrap();
    }
    host.fail("a.log", &[V4, V4]);
    host.fail("b.log", &[V4, V4]);
    eventually("he is kept out", || !host.lets_in(V4, 22) && !host.lets_in(V4, 25));
    reload(Some("a"), false, false).unwrap();
    assert_eq!((maxretry("a"), maxretry("b")), (3, 2));
    assert!(reload(Some("nope"), false, false).unwrap_err().contains("no jail 'nope'"));
    // What somebody else has done to its rules is gone with them.
    host.host().shell("nft add element inet f2b-table addr-set-a { 198.51.100.9 }");
    reload(Some("a"), true, false).unwrap();
    assert!(!host.kept_out().contains("198.51.100.9") && !host.lets_in(V4, 22));
    reload(Some("a"), false, true).unwrap();
    eventually("he is let in", || host.lets_in(V4, 22));
    assert!(!host.lets_in(V4, 25));
    assert_eq!(maxretry("b"), 2);
    reload(None, false, true).unwrap();
    eventually("he is let in there, too", || host.lets_in(V4, 25));
    assert_eq!(maxretry("b"), 3);
    daemon.stop();
}
