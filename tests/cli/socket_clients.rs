//! Clients of a daemon's socket that are broken, hostile, slow or many: each is told why, and the others are served.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::Shutdown;
use std::os::unix::net::UnixStream;
use std::process::Stdio;
use std::sync::{Mutex, mpsc};
use std::time::Duration;

use f2b::control::socket::{CLIENTS_MAX, READ_WITHIN, Server};
use f2b::control::{Command, Failed, Reply, Request};
use f2b::model::Host;

use crate::harness::{World, ran};
use crate::socket::{command, serve, world};

/// Something takes far too long.
const DEADLINE: Duration = Duration::from_mins(1);
const PING: &[u8] = b"{\"daemon\":\"ping\"}\n";

/// Answers all in one way.
fn daemon(world: &World) -> Server {
    serve(world, |_, take| Ok(take(Reply::Stopping)?))
}

/// A client that has been told hello.
fn client(world: &World) -> BufReader<UnixStream> {
    let stream = UnixStream::connect(world.socket()).unwrap();
    stream.set_read_timeout(Some(DEADLINE)).unwrap();
    let mut client = BufReader::new(stream);
    let hello = line(&mut client);
    assert!(hello.starts_with("{\"f2b\":\""), "{hello}");
    client
}

fn line(client: &mut BufReader<UnixStream>) -> String {
    let mut line = String::new();
    client.read_line(&mut line).unwrap();
    line
}

fn is_served(client: &mut BufReader<UnixStream>) {
    client.get_mut().write_all(PING).unwrap();
    is_answered(client);
}

fn is_answered(client: &mut BufReader<UnixStream>) {
    assert_eq!(line(client), "\"stopping\"\n");
    assert_eq!(line(client), "{\"end\":{\"ok\":null}}\n");
}

fn is_told(client: &mut BufReader<UnixStream>, why: &str) {
    assert_eq!(line(client), format!("{{\"end\":{{\"error\":\"{why}\"}}}}\n"));
}

/// No more is said.
fn is_left(client: &mut BufReader<UnixStream>) {
    // What is sent to a connection that is closed comes back as an error.
    assert_eq!(client.read(&mut [0]).unwrap_or(0), 0);
}

#[test]
fn err_junk_is_told_and_forgiven() {
    let world = world();
    let server = daemon(&world);
    let mut client = client(&world);
    for junk in
        [&b"GET / HTTP/1.1\n"[..], b"\n", b"\0\xff\n", b"{\"daemon\":\"fly\"}\n", b"[[[[[\n"]
    {
        client.get_mut().write_all(junk).unwrap();
        let told = line(&mut client);
        let begin = concat!(
            "{\"end\":{\"error\":\"f2b ",
            env!("CARGO_PKG_VERSION"),
            " does not know this request: "
        );
        assert!(told.starts_with(begin), "{told}");
    }
    is_served(&mut client);
    // Two at once, and the second in pieces.
    client.get_mut().write_all(&[PING, &PING[..5]].concat()).unwrap();
    assert_eq!(line(&mut client) + &line(&mut client), "\"stopping\"\n{\"end\":{\"ok\":null}}\n");
    client.get_mut().write_all(&PING[5..]).unwrap();
    assert_eq!(line(&mut client) + &line(&mut client), "\"stopping\"\n{\"end\":{\"ok\":null}}\n");
    drop(server);
}

#[test]
fn err_a_huge_request_is_refused() {
    let world = world();
    let server = daemon(&world);
    let mut huge = client(&world);
    let spaces = vec![b' '; 1 << 20];
    while huge.get_mut().write_all(&spaces).is_ok() {}
    is_told(&mut huge, "a request is at most 64 MiB long; send it in parts");
    is_left(&mut huge);
    is_served(&mut client(&world));
    drop(server);
}

#[test]
fn who_closes_his_side_hears_the_answer() {
    let world = world();
    let server = daemon(&world);
    let mut half = client(&world);
    half.get_mut().write_all(PING).unwrap();
    half.get_mut().shutdown(Shutdown::Write).unwrap();
    let mut told = String::new();
    half.read_to_string(&mut told).unwrap();
    assert_eq!(told, "\"stopping\"\n{\"end\":{\"ok\":null}}\n");
    let mut cut = client(&world);
    cut.get_mut().write_all(&PING[..9]).unwrap();
    cut.get_mut().shutdown(Shutdown::Write).unwrap();
    is_told(&mut cut, "a request ends in a line end; this one was cut off");
    is_left(&mut cut);
    drop(server);
}

#[test]
fn err_silent_and_slow_clients_are_sent_away() {
    let world = world();
    let server = daemon(&world);
    let mut silent = client(&world);
    let mut slow = client(&world);
    slow.get_mut().write_all(&PING[..9]).unwrap();
    let mut late = client(&world);
    is_served(&mut late);
    is_served(&mut client(&world));
    for client in [&mut silent, &mut slow, &mut late] {
        is_told(client, "a request has to be whole within 10 s; connect when there is one");
        is_left(client);
    }
    drop(server);
}

#[test]
fn err_there_is_room_for_so_many() {
    let world = world();
    // Nobody is sent away while he waits for his answer.
    let (release, released) = mpsc::channel::<()>();
    let released = Mutex::new(released);
    let server = serve(&world, move |_, take| {
        let _ = released.lock().unwrap().recv();
        Ok(take(Reply::Stopping)?)
    });
    let asking = |_| {
        let mut client = client(&world);
        client.get_mut().write_all(PING).unwrap();
        client
    };
    let mut clients: Vec<_> = (0..CLIENTS_MAX).map(asking).collect();
    let many = "the daemon speaks to 32 others already; try again";
    let mut refused = client(&world);
    is_told(&mut refused, many);
    is_left(&mut refused);
    ran(&mut command(&world, "ban 192.0.2.9 --jail door --time -1")).fails_with(many);
    drop(release);
    clients.iter_mut().for_each(is_answered);
    drop(clients.pop());
    // The place is free as soon as the thread has noticed.
    let comes_in = || {
        let mut next = client(&world);
        let _ = next.get_mut().write_all(PING);
        line(&mut next) == "\"stopping\"\n"
    };
    assert!((0..100_000).any(|_| comes_in()));
    drop(server);
}

/// A daemon whose answers never end, and which says how they did.
fn endless(world: &World) -> (Server, mpsc::Receiver<Result<(), Failed>>) {
    let (ended, ends) = mpsc::channel();
    let ended = Mutex::new(ended);
    let server = serve(world, move |request, take| {
        if let Request::Daemon(Command::Ping) = request {
            return Ok(take(Reply::Stopping)?);
        }
        let lifted =
            || Reply::Lifted { host: Host::parse("192.0.2.1"), jails: vec!["door".into()] };
        let end = loop {
            if let Err(error) = take(lifted()) {
                break Failed::from(error);
            }
        };
        ended.lock().unwrap().send(Err(end)).unwrap();
        Ok(())
    });
    (server, ends)
}

#[test]
fn a_client_that_is_killed_ends_its_answer() {
    let world = world();
    let (server, ends) = endless(&world);
    let mut unban = command(&world, "unban 192.0.2.1");
    let mut child = unban.stdout(Stdio::piped()).spawn().unwrap();
    let mut out = BufReader::new(child.stdout.take().unwrap());
    let mut first = String::new();
    out.read_line(&mut first).unwrap();
    assert_eq!(first, "unbanned 192.0.2.1 from door\n");
    child.kill().unwrap();
    child.wait().unwrap();
    let end = ends.recv_timeout(DEADLINE).unwrap();
    assert!(matches!(end, Err(Failed::Untaken(_))), "{end:?}");
    is_served(&mut client(&world));
    drop(server);
}

#[test]
fn err_who_does_not_read_is_dropped() {
    let world = world();
    let (server, ends) = endless(&world);
    let mut deaf = client(&world);
    let unban = b"{\"change\":{\"unban\":{\"hosts\":\"everyone\",\"jail\":null}}}\n";
    deaf.get_mut().write_all(unban).unwrap();
    is_served(&mut client(&world));
    let end = ends.recv_timeout(READ_WITHIN + DEADLINE).unwrap();
    assert!(matches!(end, Err(Failed::Untaken(_))), "{end:?}");
    drop(server);
}

#[test]
fn err_a_daemon_that_goes_in_the_middle_is_told_in_a_line() {
    let world = world();
    let (entered, enters) = mpsc::channel();
    let (release, released) = mpsc::channel::<()>();
    let (entered, released) = (Mutex::new(entered), Mutex::new(released));
    let server = serve(&world, move |_, _| {
        entered.lock().unwrap().send(()).unwrap();
        // Until the test is over.
        let _ = released.lock().unwrap().recv();
        Ok(())
    });
    let mut unban = command(&world, "unban 192.0.2.1");
    let unban = std::thread::spawn(move || ran(&mut unban));
    enters.recv().unwrap();
    // In spite of an answer that does not end.
    drop(server);
    unban.join().unwrap().fails_with(&format!(
        "the f2b daemon (pid {}) went away in the middle of its answer; f2b status shows what was done",
        std::process::id()
    ));
    drop(release);
}
