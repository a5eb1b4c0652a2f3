//! Clients that are silent, slow, many, or speak otherwise.

use std::io::{ErrorKind, Read, Write};
use std::os::unix::fs::MetadataExt;
use std::os::unix::net::UnixStream;
use std::time::{Duration, Instant};

use f2b::compat::Value;
use f2b::compat::pickle::{MARKER, REQUEST_MAX, decode, encode};
use f2b::control::socket::CLIENTS_MAX;

use crate::harness::Host;
use crate::net::DEADLINE;
use crate::servers::{OURS, host, ours};

fn connect(host: &Host) -> UnixStream {
    let stream = UnixStream::connect(host.path(OURS)).unwrap();
    stream.set_read_timeout(Some(DEADLINE)).unwrap();
    stream
}

fn request(words: &[&str]) -> Vec<u8> {
    let words = words.iter().map(|word| Value::from(*word)).collect();
    [encode(&Value::List(words), 5).as_slice(), MARKER].concat()
}

/// The next reply; `None` if the connection is closed.
fn reply(stream: &mut UnixStream) -> Option<Value> {
    let mut held = Vec::new();
    let mut byte = [0];
    while !held.ends_with(MARKER) {
        match stream.read(&mut byte) {
            Ok(0) => return None,
            Ok(_) => held.push(byte[0]),
            Err(error) => {
                assert_eq!(error.kind(), ErrorKind::ConnectionReset);
                return None;
            }
        }
    }
    Some(decode(&held).unwrap())
}

fn pong() -> Value {
    Value::Tuple(vec![Value::Int(0), "pong".into()])
}

fn pings(stream: &mut UnixStream) -> Option<Value> {
    stream.write_all(&request(&["ping"])).unwrap();
    reply(stream)
}

#[test]
fn its_socket_is_its_owners() {
    let host = host();
    let _daemon = ours(&host);
    assert_eq!(host.path(OURS).metadata().unwrap().mode() & 0o777, 0o700);
}

#[test]
fn requests_that_come_together_or_byte_by_byte_are_answered_in_their_order() {
    let host = host();
    let _daemon = ours(&host);
    let mut stream = connect(&host);
    let both = [request(&["echo", "1"]), request(&["ping"])].concat();
    let echo = Value::Tuple(vec![Value::Int(0), Value::List(vec!["1".into()])]);
    stream.write_all(&both).unwrap();
    assert_eq!((reply(&mut stream), reply(&mut stream)), (Some(echo.clone()), Some(pong())));
    for byte in both {
        stream.write_all(&[byte]).unwrap();
    }
    assert_eq!((reply(&mut stream), reply(&mut stream)), (Some(echo), Some(pong())));
    stream.write_all(b"<F2B_CLOSE_COMMAND><F2B_END_COMMAND>").unwrap();
    assert_eq!(reply(&mut stream), None);
}

#[test]
fn err_what_is_no_pickle_or_would_run_something_is_told_and_forgiven() {
    let host = host();
    let _daemon = ours(&host);
    let mut stream = connect(&host);
    let touched = host.path("touched");
    let call = format!("cos\nsystem\n(Vtouch {}\ntR.", touched.display());
    for (junk, text) in [
        ("", "ERROR: Ran out of input"),
        ("{\"status\":1}", "ERROR: invalid load key, '{'."),
        (
            &*call,
            "ERROR: a pickle of plain values only can be read, and instruction 'c' makes others",
        ),
    ] {
        stream.write_all(&[junk.as_bytes(), MARKER].concat()).unwrap();
        assert_eq!(reply(&mut stream), Some(text.into()));
    }
    assert!(!touched.exists());
    assert_eq!(pings(&mut stream), Some(pong()));
}

#[test]
fn err_what_is_too_long_or_cut_off_ends_the_connection_and_no_other() {
    let host = host();
    let _daemon = ours(&host);
    let mut other = connect(&host);
    assert_eq!(pings(&mut other), Some(pong()));

    let mut long = connect(&host);
    let piece = vec![b'x'; 1 << 20];
    let mut sent = 0;
    long.write_all(b"V").unwrap();
    while sent <= REQUEST_MAX && long.write_all(&piece).is_ok() {
        sent += piece.len();
    }
    assert_eq!(reply(&mut long), Some("ERROR: pickle data has too many values".into()));
    assert_eq!(reply(&mut long), None);

    // Its text was to be longer than what came: nothing more does, and what is behind the marker is not obeyed.
    let mut cut = connect(&host);
    cut.write_all(&[b"\x80\x05]\x8c\xff".as_slice(), MARKER, &request(&["stop"])].concat())
        .unwrap();
    assert_eq!(reply(&mut cut), Some("ERROR: pickle data was truncated".into()));
    assert_eq!(reply(&mut cut), None);
    assert_eq!(pings(&mut other), Some(pong()));
}

#[test]
fn who_sleeps_keeps_nobody_waiting() {
    let host = host();
    let _daemon = ours(&host);
    let (mut sleeper, mut other) = (connect(&host), connect(&host));
    sleeper.write_all(&request(&["sleep", "600"])).unwrap();
    let begun = Instant::now();
    assert_eq!(pings(&mut other), Some(pong()));
    assert!(begun.elapsed() < Duration::from_mins(1));
}

#[test]
fn who_says_nothing_may_stay_until_his_place_is_wanted() {
    let host = host();
    let _daemon = ours(&host);
    let mut first = connect(&host);
    assert_eq!(pings(&mut first), Some(pong()));
    let mut idle: Vec<_> = (1..CLIENTS_MAX).map(|_| connect(&host)).collect();
    for stream in &mut idle {
        assert_eq!(pings(stream), Some(pong()));
    }
    // He has asked for nothing for longest, and goes when one more comes.
    let mut more = connect(&host);
    assert_eq!(pings(&mut more), Some(pong()));
    assert_eq!(reply(&mut first), None);
    for stream in &mut idle {
        assert_eq!(pings(stream), Some(pong()));
    }
}
