//! Changes that go to a daemon, which is this process: the same as without one.

use std::ffi::OsStr;
use std::fs;
use std::io::{BufRead, BufReader};
use std::net::Ipv4Addr;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::os::unix::net::UnixListener;
use std::path::PathBuf;

use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use f2b::control::socket::{Hello, InLines, Listener, Server};
use f2b::control::{self, Direct, Failed, JailFolder, Reply, Request, Take};
use f2b::model::{Clock, Host, SystemClock, Time};

use crate::harness::{Ran, World, ran};

/// As `F2B_CONFIG` names it.
fn config(world: &World) -> PathBuf {
    world.socket().ancestors().nth(2).unwrap().to_owned()
}

/// A daemon for the world's store that answers by `answer`.
pub(crate) fn serve(
    world: &World,
    answer: impl Fn(Request, &mut Take<'_>) -> Result<(), Failed> + Send + Sync + 'static,
) -> Server {
    let hello = Hello::new(&world.db(), &config(world));
    Listener::bind(&world.socket()).unwrap().serve(InLines::new(hello, answer)).unwrap()
}

/// A daemon that does what the command line would do, and counts.
fn daemon(world: &World) -> (Server, Arc<AtomicUsize>) {
    let asked = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&asked);
    let (config, store) = (config(world), world.db());
    let server = serve(world, move |request, take| {
        count.fetch_add(1, Ordering::SeqCst);
        let now = SystemClock.now();
        let folder = &JailFolder::new(&config);
        let (store, enforces, runs_commands) = (&store, true, false);
        Direct { folder, store, now, enforces, runs_commands }.answer(request, take)
    });
    (server, asked)
}

/// As a user has it: without the tests' promise to leave the firewall alone. No jail of these worlds has an action.
pub(crate) fn command(world: &World, line: &str) -> Command {
    let mut command = world.command();
    command.env_remove("F2B_NO_ENFORCE").args(line.split_whitespace());
    command
}

fn f2b(world: &World, line: &str) -> Ran {
    ran(&mut command(world, line))
}

/// A world with a store, to which a daemon can belong.
pub(crate) fn world() -> World {
    let world = World::with_a_door();
    world.write("list", "192.0.2.20\n127.0.0.1\n192.0.2.21\n");
    world.write("bad", "192.0.2.30\nnobody\n");
    world.f2b("ban 198.51.100.1 --jail door --time -1").exits(0);
    world
}

#[test]
fn changes_are_the_same_with_and_without_a_daemon() {
    let (with, without) = (world(), world());
    let (server, asked) = daemon(&with);
    let told = |world: &World, line: &str| {
        let mut command = command(world, line);
        let ran = ran(command.env("SSH_CONNECTION", "203.0.113.9 50000 192.0.2.200 22"));
        let folder = world.path("").display().to_string();
        let hide = |text: &str| text.replace(folder.trim_end_matches('/'), "DIR");
        (ran.status, hide(&ran.out), hide(&ran.err))
    };
    for (line, status) in [
        ("ban 192.0.2.1 2001:db8::/32 --jail door --time -1", 0),
        ("ban 192.0.2.1 --jail door --time -1", 0),
        ("ban 127.0.0.1 --jail door --time -1", 2),
        ("ban 203.0.113.9 --jail door --time -1", 2),
        ("ban 192.0.2.2 --jail doer", 2),
        ("ban 192.0.2.2 --jail shed", 2),
        ("ban 0.0.0.0/0 --jail door --time -1", 2),
        ("export --output banned", 0),
        ("export csv --output door.csv --jail dooor", 2),
        ("unban 192.0.2.1 192.0.2.2", 0),
        ("unban 2001:db8::1", 1),
        ("unban 192.0.2.1 --jail dooor", 2),
        ("import ip.deny list --jail door", 0),
        ("import ip.deny list --jail door", 1),
        ("import ip.deny bad", 2),
        ("restore --check", 0),
        ("flush --dry-run", 0),
        ("purge --keep -1", 2),
        ("unban --all", 0),
        ("unban --all", 1),
    ] {
        let found = told(&with, line);
        assert_eq!(found, told(&without, line), "{line}");
        assert_eq!(found.0, status, "{line}: {found:?}");
    }
    for world in [&with, &without] {
        assert_eq!(world.sql("SELECT count(*), count(ended) FROM bans"), "5|5");
        assert_eq!(fs::read_to_string(world.path("banned")).unwrap(), "");
    }
    assert_eq!(asked.load(Ordering::SeqCst), 18, "what is wrong on its face never gets there");
    drop(server);
}

#[test]
fn a_path_of_any_bytes_goes_through() {
    let world = world();
    let (server, asked) = daemon(&world);
    let odd = OsStr::from_bytes(b"b\xffnned");
    let export = ran(command(&world, "export --output").arg(odd)).exits(0);
    assert!(export.out.starts_with("wrote 1 ban to "), "{}", export.out);
    let unban = f2b(&world, "unban 198.51.100.1").exits(0);
    assert!(unban.out.contains("\nrewrote "), "{}", unban.out);
    assert_eq!(fs::read_to_string(world.path("").join(odd)).unwrap(), "");
    assert_eq!(asked.load(Ordering::SeqCst), 2);
    drop(server);
}

#[test]
fn a_long_list_goes_through_in_parts() {
    let world = world();
    let (server, asked) = daemon(&world);
    let list: String = (0..110_000)
        .flat_map(|n| [Ipv4Addr::from_bits((10 << 24) + n).to_string(), "\n".to_owned()])
        .collect();
    world.write("long", list);
    let found = f2b(&world, "import ip.deny long --jail door").exits(0);
    assert_eq!((found.out.as_str(), found.err.as_str()), ("imported 110000 bans\n", ""));
    assert_eq!(asked.load(Ordering::SeqCst), 2);
    let found = f2b(&world, "unban --all").exits(0);
    assert_eq!(found.out.lines().count(), 110_002);
    drop(server);
}

#[test]
fn what_a_daemon_would_not_do_is_done_without_it() {
    let world = world();
    let (server, asked) = daemon(&world);
    let other = self::world();
    fs::create_dir(world.path("empty")).unwrap();
    for (line, status) in [
        ("ban 192.0.2.1 --jail door --time -1 --force --no-enforce", 0),
        ("ban 192.0.2.2 --jail door --time -1 --force --shell-actions", 0),
        ("ban 192.0.2.3 --jail door --time -1 --force --now 2026-11-20", 0),
        ("ban 192.0.2.4 --jail door --time -1 --force --db other", 0),
        ("ban 192.0.2.5 --jail door --time -1 --force --config empty", 2),
        ("bans", 0),
    ] {
        f2b(&world, line).exits(status);
    }
    f2b(&other, &format!("--socket {} unban 192.0.2.9", world.socket().display())).exits(1);
    assert_eq!(asked.load(Ordering::SeqCst), 0);
    let store = world.db().canonicalize().unwrap();
    std::os::unix::fs::symlink(store, world.path("link")).unwrap();
    f2b(&world, "unban 192.0.2.1 --db link").exits(0);
    assert_eq!(asked.load(Ordering::SeqCst), 1, "the same store by another name");
    drop(server);
    f2b(&world, "unban 192.0.2.2").exits(0);
    assert_eq!(asked.load(Ordering::SeqCst), 1);
}

#[test]
fn ping_reload_and_stop_tell_what_the_daemon_says() {
    let world = world();
    let nobody = format!(
        "f2b: no daemon listens at {}; start it with f2b daemon, or name its socket with --socket\n",
        world.socket().display()
    );
    for (line, status) in [("ping", 1), ("stop", 1), ("reload", 2)] {
        let found = f2b(&world, line).exits(status);
        assert_eq!((found.out.as_str(), &found.err), ("", &nobody), "{line}");
    }
    let (stopping, stopped) = mpsc::channel();
    let server = serve(&world, move |request, take| {
        let Request::Daemon(command) = request else { unreachable!("{request:?}") };
        take(match command {
            control::Command::Status => Reply::Following(control::Following::default()),
            control::Command::Watch => Reply::Happened(control::Happening::Nothing),
            control::Command::Ping => Reply::Pong {
                version: "1.2.3".to_owned(),
                pid: 812,
                since: Time::from_secs(1_793_491_200),
                jails: vec!["door".to_owned(), "shed".to_owned()],
            },
            control::Command::Reload { jail: Some(jail), .. } => Reply::Reloaded {
                jails: vec!["door".to_owned()],
                findings: vec![format!("jail.conf:6: {jail} is wrong")],
            },
            control::Command::Reload { jail: None, .. } => {
                Reply::Reloaded { jails: Vec::new(), findings: Vec::new() }
            }
            control::Command::Stop => {
                stopping.send(()).unwrap();
                Reply::Stopping
            }
            _ => return Ok(()),
        })?;
        Ok(())
    });
    let found = f2b(&world, "ping").exits(0);
    assert_eq!(
        found.out,
        "f2b 1.2.3 (pid 812) runs since 2026-11-01 00:00:00, with 2 jails: door, shed\n"
    );
    let found = f2b(&world, "reload").exits(0);
    assert_eq!(found.out, "reloaded; the daemon runs with no jail\n");
    let found = f2b(&world, "reload shed").exits(2);
    assert_eq!(found.out, "reloaded; the daemon runs with 1 jail: door\n");
    assert_eq!(found.err, "f2b: jail.conf:6: shed is wrong\n");
    let stop = std::thread::spawn({
        let mut command = command(&world, "stop");
        move || ran(&mut command)
    });
    stopped.recv().unwrap();
    let last = server.stop();
    let second = Listener::bind(&world.socket()).unwrap_err().to_string();
    let at = world.socket();
    let living = format!("another f2b daemon listens at {}; f2b stop ends it", at.display());
    assert_eq!(second, living);
    assert!(!stop.is_finished());
    drop(last);
    let found = stop.join().unwrap().exits(0);
    let has_stopped = format!("the daemon (pid {}) has stopped\n", std::process::id());
    assert_eq!((found.out, found.err.as_str()), (has_stopped, ""));
    assert!(!world.socket().exists());
}

#[test]
fn watch_shows_what_happens_at_once_and_in_columns() {
    let world = world();
    let (shown, is_shown) = mpsc::channel();
    let (ending, ended) = mpsc::channel();
    let is_shown = Mutex::new(is_shown);
    let server = serve(&world, move |_, take| {
        for (jail, host) in [("warehouse", "198.51.100.23"), ("door", "192.0.2.1")] {
            let (jail, host) = (jail.to_owned(), Host::parse(host));
            let at = Time::from_secs(1_793_491_200);
            take(Reply::Happened(control::Happening::Failed { jail, host, at }))?;
        }
        // Nothing else happens before that is shown.
        let is_shown = is_shown.lock().unwrap().recv_timeout(Duration::from_secs(30));
        ending.send(is_shown.is_ok()).unwrap();
        Ok(())
    });
    let mut watch = command(&world, "watch").stdout(Stdio::piped()).spawn().unwrap();
    let lines = BufReader::new(watch.stdout.take().unwrap()).lines();
    let lines: Vec<_> = lines.take(2).map(Result::unwrap).collect();
    let _ = shown.send(());
    assert_eq!(
        lines,
        [
            "2026-11-01 00:00:00   failure     warehouse   198.51.100.23",
            "2026-11-01 00:00:00   failure     door        192.0.2.1",
        ]
    );
    assert!(ended.recv().unwrap(), "shown with the next that happened");
    assert!(watch.wait().unwrap().success());
    drop(server);
}

#[test]
fn err_who_may_not_speak_to_a_daemon_is_told_so() {
    let world = world();
    let (server, _) = daemon(&world);
    fs::set_permissions(world.path(""), fs::Permissions::from_mode(0o755)).unwrap();
    let socket = world.socket();
    let denied = "permission denied; who may not write to the store may not speak to its daemon";
    ran(world.as_nobody().arg("ping")).fails_with(&format!("{}: {denied}", socket.display()));
    let mut unban = world.as_nobody();
    let refused = ran(unban.env_remove("F2B_NO_ENFORCE").args(["unban", "192.0.2.1"])).exits(2);
    drop(server);
    let mut unban = world.as_nobody();
    let without = ran(unban.env_remove("F2B_NO_ENFORCE").args(["unban", "192.0.2.1"])).exits(2);
    assert_eq!((refused.out, refused.err), (without.out, without.err));
}

#[test]
fn the_socket_of_a_dead_daemon_is_in_nobodys_way() {
    let world = world();
    let socket = world.socket();
    fs::create_dir(socket.parent().unwrap()).unwrap();
    drop(UnixListener::bind(&socket).unwrap());
    f2b(&world, "unban 198.51.100.1").exits(0);
    f2b(&world, "ping").exits(1);
    let (server, asked) = daemon(&world);
    f2b(&world, "unban 198.51.100.1").exits(1);
    assert_eq!(asked.load(Ordering::SeqCst), 1);
    drop(server);
}

#[test]
fn err_a_second_daemon_is_refused_and_harms_nobody() {
    let world = world();
    let (server, asked) = daemon(&world);
    let socket = world.socket();
    let refused = || Listener::bind(&socket).unwrap_err().to_string();
    let living = format!(
        "another f2b daemon (pid {}) listens at {}; f2b stop ends it",
        std::process::id(),
        socket.display()
    );
    assert_eq!(refused(), living);
    // Even if the lock was taken away.
    fs::remove_file(world.path("run/f2b.sock.lock")).unwrap();
    assert_eq!(refused(), living);
    f2b(&world, "unban 192.0.2.1").exits(1);
    assert_eq!(asked.load(Ordering::SeqCst), 1);
    drop(server);
    drop(Listener::bind(&socket).unwrap());
}

#[test]
fn a_socket_is_its_owners_and_goes_with_its_daemon() {
    let world = World::empty();
    let socket = world.socket();
    let listener = Listener::bind(&socket).unwrap();
    let mode = |path: &std::path::Path| fs::metadata(path).unwrap().mode() & 0o777;
    assert_eq!((mode(socket.parent().unwrap()), mode(&socket)), (0o755, 0o600));
    drop(listener);
    assert!(!socket.exists());
    let listener = Listener::bind(&socket).unwrap();
    fs::remove_file(&socket).unwrap();
    let other = UnixListener::bind(&socket).unwrap();
    drop(listener);
    assert!(socket.exists(), "it is another's");
    drop(other);
}

#[test]
fn err_where_nobody_can_listen() {
    let world = World::empty();
    let refused = |name: &str| {
        let error = Listener::bind(&world.path(name)).unwrap_err().to_string();
        error.replace(world.path("").to_str().unwrap(), "DIR/")
    };
    let advice = "a daemon can't listen there, name another socket with --socket";
    assert_eq!(
        refused("a/b/s"),
        format!("DIR/a/b: No such file or directory (os error 2); {advice}")
    );
    world.write("file", "precious");
    assert_eq!(
        refused("file"),
        "DIR/file is there and is no socket; remove it, or name another with --socket"
    );
    assert_eq!(fs::read_to_string(world.path("file")).unwrap(), "precious");
    let long = refused(&"s".repeat(120));
    assert!(long.ends_with(advice), "{long}");
}
