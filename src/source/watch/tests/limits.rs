//! What the system doesn't tell, and what it doesn't give: then it is polled, and said why.

use std::process::Command;

use super::*;

#[test]
fn full_queue_says_both() {
    let limit = fs::read_to_string("/proc/sys/fs/inotify/max_queued_events").unwrap();
    let limit: usize = limit.trim().parse().unwrap();
    let mut place = Place::watching(&["log"], &["log"]);
    let other = [place.path("other.1"), place.path("other.2")];
    fs::write(&other[0], b"").unwrap();
    for at in 0..=limit / 2 {
        fs::rename(&other[at % 2], &other[1 - at % 2]).unwrap();
    }
    let mut seen = place.seen();
    while place.wait(0) {
        let more = place.seen();
        seen.files_grew |= more.files_grew;
        seen.names_changed |= more.names_changed;
    }
    assert_eq!(seen, Seen { files_grew: true, names_changed: true });
}

#[test]
fn file_systems_of_others_are_polled() {
    let of = |magic| {
        let mut found = rustix::fs::statfs("/").unwrap();
        found.f_type = magic;
        is_remote(found)
    };
    let (nfs, fuse, cifs, ext4, overlay) = (0x6969, 0x6573_5546, 0xff53_4d42, 0xef53, 0x794c_7630);
    assert!(of(nfs) && of(fuse) && of(cifs));
    assert!(!of(ext4) && !of(overlay));
}

/// Does the rest of the test `name` in a process of its own, whose user has no more than `limit` of something; `false` if
/// this is that process.
fn limited(name: &str, limit: &str) -> bool {
    if std::env::var_os("F2B_TEST_LIMIT").is_some_and(|of| of == *name) {
        return false;
    }
    let script =
        format!("echo {limit} && exec \"$0\" --exact source::watch::tests::limits::{name}");
    let mut command = Command::new("unshare");
    command.args(["--user", "--map-root-user", "sh", "-c", &script]);
    command.arg(std::env::current_exe().unwrap()).env("F2B_TEST_LIMIT", name);
    let output = command.output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && said.contains("1 passed"), "{output:?}");
    true
}

#[test]
fn user_without_instances_polls() {
    if limited("user_without_instances_polls", "0 > /proc/sys/user/max_inotify_instances") {
        return;
    }
    let mut watch = Watch::new().unwrap();
    assert!(watch.needs_polling());
    let trouble = watch.take_trouble().unwrap().to_string();
    assert!(trouble.contains("raise the sysctl fs.inotify.max_user_instances"), "{trouble}");
    watch.set_paths(&["/var/log/auth.log".into()]);
    assert!(!watch.set_files([&File::open("/proc/self/exe").unwrap()].into_iter()));
    assert_eq!(watch.read().unwrap(), NOTHING);
    assert!(watch.needs_polling() && watch.take_trouble().is_none());
}

#[test]
fn user_without_watches_polls_what_is_left() {
    if limited("user_without_watches_polls_what_is_left", "2 > /proc/sys/user/max_inotify_watches")
    {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let files: Vec<_> =
        (0..3).map(|at| File::create(folder.path().join(format!("log.{at}"))).unwrap()).collect();
    let mut watch = Watch::new().unwrap();
    assert!(watch.set_files(files[..2].iter()) && !watch.needs_polling());
    assert!(!watch.set_files(files.iter()) && watch.needs_polling());
    let trouble = watch.take_trouble().unwrap().to_string();
    let remedy = "log.2: can't be watched, for this user has no inotify watch left, so logs are looked at every second; \
                  raise the sysctl fs.inotify.max_user_watches";
    assert!(trouble.ends_with(remedy), "{trouble}");
    assert!(!watch.set_files(files.iter()) && watch.take_trouble().is_none(), "told again");
    (&files[0]).write_all(b"a line\n").unwrap();
    assert_eq!(watch.read().unwrap(), GREW);
    assert!(watch.set_files([&files[2]].into_iter()) && !watch.needs_polling());
    // The root has none left for the folders below it.
    watch.set_paths(&[folder.path().join("log.*")]);
    assert!(watch.needs_polling());
    assert!(watch.take_trouble().is_some());
}
