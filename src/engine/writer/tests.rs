//! Orders against a real store and real files.

use tempfile::TempDir;

use super::*;

struct Fixture {
    folder: TempDir,
    writer: Writer,
}

impl Fixture {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let writer = Writer::open(&folder.path().join("f2b.sqlite")).unwrap();
        Self { folder, writer }
    }

    fn obey(&mut self, order: Order, secs: i64) -> Done {
        self.writer.obey(order, at(secs)).unwrap()
    }

    fn ban(&mut self, host: &str, length: BanTime, secs: i64) -> Done {
        let hosts = vec![Host::parse(host)];
        self.obey(Order::Ban { jail: "sshd".to_owned(), hosts, length }, secs)
    }

    fn export(&mut self, format: Format, jail: Option<&str>, secs: i64) -> Done {
        let file = self.folder.path().join("list");
        self.obey(Order::Export { file, format, jail: jail.map(str::to_owned) }, secs)
    }

    fn list(&self) -> String {
        std::fs::read_to_string(self.folder.path().join("list")).unwrap()
    }

    fn banned(&self, secs: i64) -> Vec<String> {
        let bans = self.writer.reader().bans_active(at(secs), None).unwrap();
        bans.iter().map(|ban| format!("{} {}", ban.jail, ban.host)).collect()
    }
}

fn at(secs: i64) -> Time {
    Time::from_secs(1_793_491_200 + secs)
}

fn secs(secs: i64) -> BanTime {
    BanTime::Micros(secs * 1_000_000)
}

fn kinds(done: &Done) -> Vec<&'static str> {
    let kind = |effect: &Effect| match effect {
        Effect::Made(_) => "made",
        Effect::Stood(_) => "stood",
        Effect::Prolonged(_) => "prolonged",
        Effect::Ended(_) => "ended",
        Effect::NotBanned(_) => "not banned",
    };
    done.effects.iter().map(kind).collect()
}

#[test]
fn a_ban_stands_against_a_shorter_one_and_yields_to_a_longer_one() {
    let mut f = Fixture::new();
    assert_eq!(kinds(&f.ban("192.0.2.1", secs(100), 0)), ["made"]);
    assert_eq!(kinds(&f.ban("192.0.2.1", secs(50), 10)), ["stood"]);
    assert_eq!(kinds(&f.ban("192.0.2.1", BanTime::Permanent, 10)), ["prolonged"]);
    let hosts = vec![Host::parse("192.0.2.2"); 2];
    let twice = Order::Ban { jail: "sshd".to_owned(), hosts, length: secs(100) };
    assert_eq!(kinds(&f.obey(twice, 20)), ["made", "stood"]);
    let bans = f.writer.reader().bans_of(&Host::parse("192.0.2.1")).unwrap();
    let [ban] = bans.as_slice() else { panic!("{bans:?}") };
    assert_eq!((ban.at, ban.until, ban.ended), (at(0), None, None));

    // A clock that stands still: there is no later failure than the ban.
    assert_eq!(kinds(&f.ban("192.0.2.2", BanTime::Permanent, 20)), ["made"]);
    let bans = f.writer.reader().bans_of(&Host::parse("192.0.2.2")).unwrap();
    assert_eq!(bans[0].ended, Some((at(20), EndReason::Replaced)));
}

#[test]
fn every_order_seals_first_what_is_over() {
    let mut f = Fixture::new();
    f.ban("192.0.2.1", secs(100), 0);
    assert_eq!(f.obey(Order::Tick, 99), Done::default());
    let hosts = vec![Host::parse("192.0.2.1")];
    let done = f.obey(Order::Unban { hosts, jail: None }, 100);
    assert_eq!((done.expired.len(), kinds(&done)), (1, vec!["not banned"]));
    let bans = f.writer.reader().bans_of(&Host::parse("192.0.2.1")).unwrap();
    assert_eq!(bans[0].ended, Some((at(100), EndReason::Expired)));
}

#[test]
fn an_exported_file_follows_the_bans_and_time() {
    let mut f = Fixture::new();
    f.ban("192.0.2.1", secs(100), 0);
    assert_eq!(f.export(Format::IpDeny, None, 1).exported, Some(Exported { bans: 1, kept: 0 }));
    assert_eq!(f.ban("192.0.2.0/24", BanTime::Permanent, 1).files.len(), 1);
    assert_eq!(f.list(), "192.0.2.0/24\n192.0.2.1\n");
    assert_eq!(f.obey(Order::Tick, 50).files, [], "nothing has changed");
    assert_eq!(f.obey(Order::Tick, 100).files, [FileFate::Written(f.folder.path().join("list"))]);
    assert_eq!(f.list(), "192.0.2.0/24\n");
}

#[test]
fn the_list_of_one_jail_is_written_once() {
    let mut f = Fixture::new();
    f.ban("192.0.2.1", secs(100), 0);
    f.export(Format::IpDeny, None, 0);
    f.export(Format::IpDeny, Some("web"), 0);
    assert_eq!(f.list(), "");
    assert_eq!(f.ban("192.0.2.2", secs(100), 0).files, []);
    assert_eq!(f.list(), "");
}

#[test]
fn a_file_is_rewritten_forgotten_or_told_to_be_stale() {
    let mut f = Fixture::new();
    let file = f.folder.path().join("list");
    f.export(Format::IpDeny, None, 0);
    // A folder can't be replaced by a file.
    std::fs::remove_file(&file).unwrap();
    std::fs::create_dir(&file).unwrap();
    let done = f.ban("192.0.2.1", secs(100), 0);
    let [FileFate::Stale { why, .. }] = done.files.as_slice() else {
        unreachable!("{:?}", done.files)
    };
    assert!(why.starts_with(&format!("{}: is a folder; ", file.display())), "{why}");
    std::fs::remove_dir(&file).unwrap();
    assert_eq!(f.ban("192.0.2.2", secs(100), 0).files, [FileFate::Gone(file)]);
    assert_eq!(f.ban("192.0.2.3", secs(100), 0).files, []);
}

#[test]
fn an_import_makes_each_ban_once_and_only_those_in_force() {
    let mut f = Fixture::new();
    f.ban("192.0.2.1", secs(100), 0);
    let listed = |host: &str, jail: &str, until| Ban {
        host: Host::parse(host),
        jail: jail.to_owned(),
        at: at(-50),
        until: Some(at(until)),
        origin: Origin::Scan,
        failures: 1,
        ended: None,
    };
    let bans = vec![
        listed("192.0.2.1", "sshd", 500),
        listed("192.0.2.1", "web", 500),
        listed("192.0.2.2", "sshd", 500),
        listed("192.0.2.2", "sshd", 900),
        listed("192.0.2.3", "sshd", 10),
    ];
    let done = f.obey(Order::Import { bans: bans.clone() }, 10);
    assert_eq!(kinds(&done), ["made", "made"]);
    assert_eq!(f.banned(10), ["sshd 192.0.2.1", "sshd 192.0.2.2", "web 192.0.2.1"]);
    let web = f.writer.reader().bans_active(at(10), Some("web")).unwrap();
    assert_eq!((web[0].origin, web[0].until), (Origin::Import, Some(at(500))));
    assert_eq!(kinds(&f.obey(Order::Import { bans }, 10)), [] as [&str; 0]);
}

#[test]
fn a_purge_forgets_and_says_how_much() {
    let mut f = Fixture::new();
    f.ban("192.0.2.1", secs(10), 0);
    f.ban("192.0.2.2", BanTime::Permanent, 0);
    let done = f.obey(Order::Purge { before: at(50), most: 9 }, 100);
    let expected = Purged { bans: 1, hosts: 1, ..Purged::default() };
    assert_eq!((done.expired.len(), done.purged), (1, Some(expected)));
    assert_eq!(f.banned(100), ["sshd 192.0.2.2"]);
}
