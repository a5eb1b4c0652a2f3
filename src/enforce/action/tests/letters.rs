//! Letters, sent to a server that keeps what it is told.

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{Ipv4Addr, SocketAddr, SocketAddrV4, TcpListener};
use std::thread::{self, JoinHandle};

use rustix::net::{AddressFamily, SocketType, bind, getsockname, socket};

use super::*;
use crate::command::tag::own_name;

/// A mail server for so many letters: its port, and what it will have been told.
fn server(letters: usize) -> (u16, JoinHandle<Vec<String>>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let told = thread::spawn(move || (0..letters).map(|_| converse(&listener)).collect());
    (port, told)
}

/// One connection, from greeting to end.
fn converse(listener: &TcpListener) -> String {
    let (mut stream, _) = listener.accept().unwrap();
    let mut said = String::new();
    let mut is_data = false;
    stream.write_all(b"220 here\r\n").unwrap();
    for line in BufReader::new(stream.try_clone().unwrap()).lines() {
        let line = line.unwrap();
        let answer: &[u8] = match &*line {
            "." => b"250 taken\r\n",
            _ if is_data => b"",
            "DATA" => b"354 go on\r\n",
            "QUIT" => b"221 bye\r\n",
            _ if line.starts_with("EHLO") => b"250-here\r\n250 AUTH PLAIN LOGIN\r\n",
            _ if line.starts_with("AUTH") => b"235 welcome\r\n",
            _ => b"250 yes\r\n",
        };
        is_data = line == "DATA" || is_data && line != ".";
        stream.write_all(answer).unwrap();
        said += &line;
        said.push('\n');
        if line == "QUIT" {
            break;
        }
    }
    let name = own_name();
    said.replace(&*name, "HERE")
}

fn stage(params: &str) -> Stage {
    let dir = tempfile::tempdir().unwrap();
    fs::create_dir(dir.path().join("action.d")).unwrap();
    fs::write(dir.path().join("action.d/smtp.py"), "").unwrap();
    Stage::with(dir, "[Definition]\n", &format!("smtp.py[{params}]"))
}

#[test]
fn a_start_a_ban_and_a_stop_are_told_by_mail() {
    let (port, told) = server(3);
    let mut stage = stage(&format!(
        "host=127.0.0.1:{port}, dest=\"root, Ops@example.org\", sendername=Fähe, matches=matches"
    ));
    let ticket = Ticket { matches: vec!["one".into(), ".".into()], ..four() };
    stage.step(start).unwrap();
    stage.step(|steps| steps.ban(&ticket)).unwrap();
    stage.step(|steps| steps.ban(&Ticket { is_restored: true, ..four() })).unwrap();
    stage.step(|steps| steps.unban(&ticket)).unwrap();
    stage.step(stop).unwrap();
    let told = told.join().unwrap();
    assert_eq!(
        told[1],
        "EHLO HERE\nMAIL FROM:<fail2ban@HERE>\nRCPT TO:<root@HERE>\nRCPT TO:<Ops@example.org>\nDATA\n\
         From: =?utf-8?b?RsOkaGU=?= <fail2ban@HERE>\n\
         Date: Thu, 26 Nov 2026 02:55:00 +0000\nTo: root@HERE, Ops@example.org\n\
         Subject: [Fail2Ban] j: banned 192.0.2.1 from HERE\nContent-Transfer-Encoding: 7bit\n\n\
         192.0.2.1 is banned for 600 seconds, after 2 failures, by jail j on HERE.\n\n\
         Lines with its failures:\n\none\n..\n\n-- \nf2b\n.\nQUIT\n"
    );
    assert!(told[0].contains("\nSubject: [Fail2Ban] j: started on HERE\n"), "{}", told[0]);
    assert!(told[2].contains("\nSubject: [Fail2Ban] j: stopped on HERE\n"), "{}", told[2]);
}

#[test]
fn a_strangers_words_are_no_headers_and_a_password_is_told() {
    let (port, told) = server(1);
    let mut stage = stage(&format!("host=127.0.0.1:{port}, user=me, password=secret"));
    let host = Host::Name("x\nBcc: all@example.org\n\nbody\r\n.\r\nQUIT".into());
    stage.step(|steps| steps.ban(&Ticket { host, ..four() })).unwrap();
    let told = told.join().unwrap().remove(0);
    assert!(told.starts_with("EHLO HERE\nAUTH PLAIN AG1lAHNlY3JldA==\nMAIL"), "{told}");
    let (headers, _) = told.split_once("\n\n").unwrap();
    assert!(!headers.lines().any(|line| line.starts_with("Bcc")), "{told}");
    assert_eq!(told.matches("\nQUIT").count(), 2, "one of them in the letter: {told}");
}

#[test]
fn err_a_server_that_is_silent_or_missing_is_told() {
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = silent.local_addr().unwrap().port();
    let mut stage = stage(&format!("host=127.0.0.1:{port}, timeout=0.2"));
    let error = stage.step(|steps| steps.ban(&four())).unwrap_err().to_string();
    let begin = "jail 'j': actionban of 192.0.2.1 of action 'smtp' failed: mail server 127.0.0.1:";
    assert!(error.starts_with(begin), "{error}");
    assert!(!stage.state.has_items(Family::Inet4));
    // A port that somebody has who doesn't listen; one that is free somebody else may have by then.
    let taken = socket(AddressFamily::INET, SocketType::STREAM, None).unwrap();
    bind(&taken, &SocketAddrV4::new(Ipv4Addr::LOCALHOST, 0)).unwrap();
    let port = SocketAddr::try_from(getsockname(&taken).unwrap()).unwrap().port();
    let mut stage = self::stage(&format!("host=127.0.0.1:{port}"));
    let error = stage.step(|steps| steps.ban(&four())).unwrap_err().to_string();
    assert!(error.contains("refused"), "{error}");
}

#[test]
fn a_letter_that_would_be_sent_can_be_read() {
    let stage = stage("dest=a@example.org");
    let (mut recorder, mut nothing) = (Recorder::default(), State::default());
    stage.action.steps(&mut nothing, &mut recorder, MOMENT).ban(&four()).unwrap();
    let shown = recorder.calls[0].to_string().replace(&*own_name(), "HERE");
    assert_eq!(
        shown,
        "# jail 'j', actionban of action 'smtp' for inet4\nServer: localhost:25\n\
         From: Fail2Ban <fail2ban>\nTo: a@example.org\n\
         Subject: [Fail2Ban] j: banned 192.0.2.1 from HERE\n\n\
         192.0.2.1 is banned for 600 seconds, after 2 failures, by jail j on HERE.\n\n-- \nf2b\n"
    );
}

#[test]
fn err_a_wrong_parameter_is_told_with_its_place() {
    let err = |params: &str| {
        let stage = stage("");
        let found = compiled(stage.dir.path(), &format!("smtp.py[{params}]")).unwrap_err();
        let place = stage.dir.path().display().to_string();
        found.to_string().replace(&place, "DIR")
    };
    let help = "it has host, ssl, user, password, sendername, sender, dest, matches, timeout";
    assert_eq!(err("to=me"), format!("DIR/jail.conf:5: 'to' is no parameter of 'smtp.py'; {help}"));
    assert_eq!(err("host=x:y"), format!("DIR/jail.conf:5: 'host' has no port behind ':'; {help}"));
    let none = "'matches' is none of matches, ipmatches, ipjailmatches";
    assert_eq!(err("matches=all"), format!("DIR/jail.conf:5: {none}; {help}"));
}
