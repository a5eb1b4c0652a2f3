//! Requests and their answers, against a real store and a real configuration.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs;
use std::os::unix::ffi::OsStringExt;
use std::path::PathBuf;

use tempfile::TempDir;

use super::*;
use crate::engine::Writer;
use crate::exchange::Format;
use crate::model::{Ban, BanTime, EndReason, Host, Origin, Time};
use crate::store::{BanOrder, Event, HostTotals, MatchedLine, Purged, Reader};

struct Fixture {
    folder: TempDir,
}

impl Fixture {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let jail = "[mail]\nenabled = true\nfilter = mail\nlogpath = /a.log\nbantime = 1h\n";
        fs::write(folder.path().join("jail.conf"), jail).unwrap();
        fs::create_dir(folder.path().join("filter.d")).unwrap();
        let filter = "[Definition]\nfailregex = ^bad <HOST>$\n";
        fs::write(folder.path().join("filter.d/mail.conf"), filter).unwrap();
        Self { folder }
    }

    fn answer(&self, request: Request) -> Result<Vec<Reply>, Failed> {
        let store = self.folder.path().join("f2b.sqlite");
        let direct = Direct {
            folder: &JailFolder::new(self.folder.path()),
            store: &store,
            now: at(0),
            enforces: false,
            runs_commands: false,
        };
        let mut replies = Vec::new();
        direct.answer(request, &mut |reply| {
            replies.push(reply);
            Ok(())
        })?;
        Ok(replies)
    }

    fn ask(&self, question: Question) -> Vec<Reply> {
        self.answer(Request::Ask(question)).unwrap()
    }

    fn change(&self, change: Change) -> Vec<Reply> {
        self.answer(Request::Change(change)).unwrap()
    }

    fn ban(&self, jail: &str, hosts: &[&str]) -> Vec<Reply> {
        let hosts = hosts.iter().map(|host| Host::parse(host)).collect();
        self.change(Change::Ban { jail: jail.to_owned(), hosts, length: None, guard: None })
    }

    fn refusal(&self, request: Request) -> String {
        let error = self.answer(request).unwrap_err().to_string();
        error.replace(self.folder.path().to_str().unwrap(), "F")
    }
}

fn at(secs: i64) -> Time {
    Time::from_secs(1_793_491_200 + secs)
}

fn ban(host: &str, jail: &str) -> Ban {
    Ban {
        host: Host::parse(host),
        jail: jail.to_owned(),
        at: at(0),
        until: Some(at(3600)),
        origin: Origin::Manual,
        failures: 0,
        ended: None,
    }
}

#[test]
fn a_ban_without_a_length_is_as_long_as_the_jail_says() {
    let f = Fixture::new();
    let replies = f.ban("mail", &["192.0.2.1", "192.0.2.1"]);
    assert_eq!(
        replies,
        [Reply::Made(ban("192.0.2.1", "mail")), Reply::Stood(ban("192.0.2.1", "mail"))]
    );
    let which = WhichBans::InForce(BanOrder::Jail);
    let bans = f.ask(Question::Bans { jail: None, which, counted: false });
    assert_eq!(bans, [Reply::Ban(ban("192.0.2.1", "mail"))]);
}

#[test]
fn a_jail_tells_its_logs_whatever_its_filter_is() {
    let f = Fixture::new();
    f.ban("mail", &["192.0.2.1"]);
    fs::write(f.folder.path().join("filter.d/mail.conf"), "[Definition]\nfailregex = ^(\n")
        .unwrap();
    let logs = |replies: Vec<Reply>| match replies.into_iter().next() {
        Some(Reply::Jail(status)) => status.logs,
        other => panic!("no status: {other:?}"),
    };
    assert_eq!(logs(f.ask(Question::Jail { name: "mail".to_owned() })), ["/a.log"]);
    fs::remove_file(f.folder.path().join("filter.d/mail.conf")).unwrap();
    assert_eq!(logs(f.ask(Question::Jail { name: "mail".to_owned() })), ["/a.log"]);
}

#[test]
fn err_what_can_not_be_done_leaves_no_store() {
    let f = Fixture::new();
    let change = |hosts: &[&str], jail: &str| {
        let hosts = hosts.iter().map(|host| Host::parse(host)).collect();
        Request::Change(Change::Ban { jail: jail.to_owned(), hosts, length: None, guard: None })
    };
    assert_eq!(
        f.refusal(change(&["192.0.2.1"], "mial")),
        "there is no jail 'mial' in F; did you mean 'mail'?"
    );
    assert_eq!(
        f.refusal(change(&["192.0.2.1", "::/0"], "mail")),
        "'::/0' is everyone; a ban of everyone is none"
    );
    let everyone = Change::Import { bans: vec![ban("0.0.0.0/0", "import")], guard: None };
    assert_eq!(
        f.refusal(Request::Change(everyone)),
        "'0.0.0.0/0' is everyone; a ban of everyone is none"
    );
    let purge = Request::Change(Change::Purge { keep_us: 0 });
    assert_eq!(
        f.refusal(purge),
        "no store at F/f2b.sqlite; run f2b scan, batch or daemon first, or name it with --db"
    );
    let question = Request::Ask(Question::Overview);
    assert_eq!(
        f.refusal(question),
        "no store at F/f2b.sqlite; run f2b scan, batch or daemon first, or name it with --db"
    );
    let ping = Request::Daemon(Command::Ping);
    assert_eq!(f.refusal(ping), "no daemon is running; start it with f2b daemon");
    assert!(!f.folder.path().join("f2b.sqlite").exists());
}

#[test]
fn lifting_tells_the_jails_of_each_host_and_the_networks_that_still_ban_it() {
    let f = Fixture::new();
    let bans = ["192.0.2.0/24", "192.0.0.0/16", "192.0.2.7", "2001:db8::/32"];
    let bans = bans.map(|host| ban(host, "web")).into_iter();
    let bans = bans.chain([ban("192.0.2.7", "mail")]).collect();
    let imported = f.change(Change::Import { bans, guard: None });
    assert_eq!(imported, [Reply::Imported { new: 5 }]);
    let lift = || {
        let hosts = Whose::These(vec![Host::parse("192.0.2.7"), Host::parse("2001:db8::1")]);
        f.change(Change::Unban { hosts, jail: None })
    };
    let networks = |reply: &Reply| match reply {
        Reply::NotBanned { networks, .. } => {
            networks.iter().map(|ban| ban.host.to_string()).collect()
        }
        _ => Vec::new(),
    };
    let first = lift();
    let [Reply::Lifted { jails, .. }, other] = first.as_slice() else { unreachable!("{first:?}") };
    assert_eq!(jails, &["web", "mail"]);
    assert_eq!(networks(other), ["2001:db8::/32"]);
    let again = lift();
    assert_eq!(networks(&again[0]), ["192.0.0.0/16", "192.0.2.0/24"]);
}

#[test]
fn everyone_is_unbanned_in_parts_in_the_order_of_hosts() {
    let f = Fixture::new();
    let hosts = ["192.0.2.9", "192.0.2.1", "2001:db8::1", "192.0.2.3", "10.0.0.1"];
    f.ban("mail", &hosts);
    f.change(Change::Import { bans: vec![ban("192.0.2.3", "web")], guard: None });
    let mut writer = Writer::open(&f.folder.path().join("f2b.sqlite")).unwrap();
    let mut lifted = Vec::new();
    change::unban_everyone(None, &mut writer, at(1), 2, &mut |reply| {
        let Reply::Lifted { host, jails } = reply else { unreachable!("{reply:?}") };
        lifted.push(format!("{host} {}", jails.len()));
        Ok(())
    })
    .unwrap();
    assert_eq!(
        lifted,
        ["10.0.0.1 1", "192.0.2.1 1", "192.0.2.3 2", "192.0.2.9 1", "2001:db8::1 1"]
    );
    assert_eq!(writer.reader().bans_active(at(1), None).unwrap(), []);
}

#[test]
fn a_jail_is_told_by_what_is_configured_and_what_is_stored() {
    let f = Fixture::new();
    f.ban("mail", &["192.0.2.9", "192.0.2.1"]);
    f.change(Change::Import { bans: vec![ban("192.0.2.3", "old")], guard: None });
    let told = f.ask(Question::Jail { name: "mail".to_owned() });
    let Reply::Jail(status) = &told[0] else { unreachable!("{told:?}") };
    assert_eq!(
        (status.logs.as_slice(), status.summary.bans_active),
        (&["/a.log".to_owned()][..], 2)
    );
    assert_eq!(
        told[1..],
        [Reply::Ban(ban("192.0.2.1", "mail")), Reply::Ban(ban("192.0.2.9", "mail"))]
    );
    let old = f.ask(Question::Jail { name: "old".to_owned() });
    assert_eq!(old.len(), 2, "a jail that is no longer configured has its bans");
    let unknown = Request::Ask(Question::Jail { name: "mial".to_owned() });
    assert_eq!(f.refusal(unknown), "there is no jail 'mial' in F; did you mean 'mail'?");
}

#[test]
fn who_takes_no_more_is_handed_no_more() {
    let f = Fixture::new();
    f.ban("mail", &["192.0.2.1", "192.0.2.2"]);
    let reader = Reader::open(&f.folder.path().join("f2b.sqlite")).unwrap();
    let mut taken = 0;
    let question = Question::Bans { jail: None, which: WhichBans::Ever, counted: false };
    let folder = JailFolder::new(f.folder.path());
    let jails = Jails::new(&folder);
    let ended = ask(&question, jails, &reader, at(0), &mut |_| {
        taken += 1;
        Err(io::ErrorKind::BrokenPipe.into())
    });
    assert!(matches!(ended, Err(Failed::Untaken(_))), "{ended:?}");
    assert_eq!(taken, 1);
}

#[test]
fn requests_and_replies_go_through_json_and_come_back_as_they_were() {
    let named = Host::Name("::FFFF:1.2.3.4 is a name".into());
    let odd = || PathBuf::from(OsString::from_vec(b"/a\xff".to_vec()));
    let requests = [
        Request::Ask(Question::Overview),
        Request::Ask(Question::Bans {
            jail: None,
            which: WhichBans::InForce(BanOrder::Host),
            counted: false,
        }),
        Request::Ask(Question::History { host: named.clone(), limit: 9 }),
        Request::Change(Change::Ban {
            jail: "mail".to_owned(),
            hosts: vec![Host::parse("2001:db8::/32"), named],
            length: Some(BanTime::Micros(1)),
            guard: Some(Guard::default()),
        }),
        Request::Change(Change::Unban { hosts: Whose::Everyone, jail: None }),
        Request::Change(Change::Export { file: "/a".into(), format: Format::IpDeny, jail: None }),
        Request::Change(Change::Export { file: odd(), format: Format::IpDeny, jail: None }),
        Request::Daemon(Command::Ping),
        Request::Daemon(Command::Reload {
            jail: Some("mail".to_owned()),
            restart: true,
            unban: false,
        }),
        Request::Daemon(Command::Tune {
            jail: "mail".to_owned(),
            what: Tuning::SetAction {
                action: "a".to_owned(),
                properties: vec![("actionban".to_owned(), "true".to_owned())],
            },
        }),
        Request::Daemon(Command::TuneServer(ServerTuning::Loglevel("debug".to_owned()))),
    ];
    for request in requests {
        let text = serde_json::to_string(&request).unwrap();
        assert_eq!(serde_json::from_str::<Request>(&text).unwrap(), request, "{text}");
    }
    let line = |text: &[u8]| MatchedLine {
        time: None,
        failure: Some(("mail".to_owned(), Origin::Daemon)),
        filter: "f".to_owned(),
        regex: 1,
        nofail: false,
        place: 1 << 40,
        log: "/a.log".to_owned(),
        line: 7,
        text: text.to_owned(),
        fields: BTreeMap::new(),
    };
    let ended = Ban { ended: Some((at(1), EndReason::Unbanned)), ..ban("192.0.2.1", "mail") };
    let replies = [
        Reply::Ban(ended),
        Reply::Event(Event::Match(line("ü".as_bytes()))),
        Reply::Event(Event::Match(line(b"\xff"))),
        Reply::Totals(HostTotals { lines: 2, bans: 1 }),
        Reply::Purging { matches: 1, of: 2 },
        Reply::Purged { before: at(0), purged: Purged::default(), stuck_bytes: 0 },
        Reply::File(FileFate::Stale { file: "/a".into(), why: "w".to_owned() }),
        Reply::File(FileFate::Written(odd())),
        Reply::File(FileFate::Gone("/a".into())),
        Reply::Pong { version: "1".to_owned(), pid: 1, since: at(0), jails: Vec::new() },
        Reply::Stopping,
    ];
    for reply in replies {
        let text = serde_json::to_string(&reply).unwrap();
        assert_eq!(serde_json::from_str::<Reply>(&text).unwrap(), reply, "{text}");
    }
    assert_eq!(
        serde_json::to_string(&Reply::Made(ban("192.0.2.1", "mail"))).unwrap(),
        r#"{"made":{"host":{"addr":"192.0.2.1"},"jail":"mail","at":1793491200000000,"#.to_owned()
            + r#""until":1793494800000000,"origin":"manual","failures":0,"ended":null}}"#
    );
}
