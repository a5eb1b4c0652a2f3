//! The same commands to both servers.

use std::fs;
use std::process::Command;

use crate::net::eventually;
use crate::servers::{OURS, Said, THEIRS, client, configure, host, ours, theirs};

/// Commands in their order, separated by blanks: what one does the next finds.
const COMMANDS: [&str; 60] = [
    "ping",
    "ping 5",
    "ping 5 more",
    "echo a b",
    "echo",
    "server-status",
    "sleep 0.01",
    "sleep x",
    "status",
    "status mail",
    "status door short",
    "status door basic",
    "status nope",
    "status mail a b",
    "banned",
    "get mail banip",
    "get mail banned",
    "set mail banip",
    "set mail banip 203.0.113.9 198.51.100.1 2001:DB8::7",
    "status mail",
    "status mail short",
    "status mail cymru",
    "status mail nonsense",
    "get mail banned",
    "get mail banned 198.51.100.1",
    "get mail banned 198.51.100.2",
    "get mail banned 198.51.100.1 198.51.100.2 2001:db8::7",
    "get nope banned",
    "get nope banip",
    "banned",
    "banned 198.51.100.1",
    "banned 198.51.100.1 198.51.100.2",
    "set door banip not-an-address 203.0.113.9 203.0.113.7 198.51.100.0/24",
    "status door",
    "banned 203.0.113.9",
    "set mail unbanip --report-absent 198.51.100.1 198.51.100.2",
    "set mail unbanip --report-absent",
    "set mail unbanip 198.51.100.2",
    "set mail unbanip",
    "set door unbanip 203.0.113.0/25",
    "set door unbanip not-an-address",
    "unban 203.0.113.9",
    "unban 203.0.113.9",
    "unban",
    "status door",
    "unban --all",
    "unban --all",
    "set mail banip 198.51.100.77",
    "set mail banip 198.51.100.77",
    "set nope banip 198.51.100.77",
    "set nope nosuch",
    "set mail nosuch x",
    "set mail",
    "set",
    "get mail",
    "get mail nosuch",
    "nosuch",
    "start mail",
    "stop nope",
    "flushlogs",
];

#[test]
fn fail2ban_client_says_the_same_of_both_servers() {
    let host = host();
    let (_ours, _theirs) = (ours(&host), theirs(&host, THEIRS));
    let mut different = Vec::new();
    for command in COMMANDS {
        let words: Vec<_> = command.split(' ').collect();
        let (ours, theirs) = (client(&host, OURS, &words), client(&host, THEIRS, &words));
        if ours != theirs {
            different.push(format!("{command}\n  f2b:      {ours:?}\n  fail2ban: {theirs:?}"));
        }
    }
    assert!(different.is_empty(), "{}", different.join("\n"));
}

#[test]
fn an_attempt_counts_as_a_failure_by_both() {
    let host = host();
    let (daemon, _theirs) = (ours(&host), theirs(&host, THEIRS));
    let banned = |socket| client(&host, socket, &["get", "door", "banned", "198.51.100.5"]).out;
    for words in [
        &["set", "nope", "attempt", "198.51.100.5"][..],
        &["set", "door", "attempt", "198.51.100.5"],
        &["get", "door", "banned", "198.51.100.5"],
        &["set", "door", "attempt", "198.51.100.5", "one line", "and another"],
    ] {
        assert_eq!(client(&host, OURS, words), client(&host, THEIRS, words), "{words:?}");
    }
    for socket in [OURS, THEIRS] {
        eventually("three attempts are enough", || banned(socket) == "1\n");
    }
    daemon.says("INFO    [door] Attempt 198.51.100.5 - ");
    daemon.says("NOTICE  [door] Ban 198.51.100.5");
    drop(daemon);
    // What was told before is not written over by what is told to the next daemon.
    let _daemon = ours(&host);
    assert_eq!(
        client(&host, OURS, &["set", "door", "attempt", "198.51.100.6", "later"]).out,
        "1\n"
    );
    let told =
        host.ask("SELECT host || ' ' || text FROM failures WHERE jail = 'door' ORDER BY place");
    assert_eq!(
        told,
        [
            "198.51.100.5 ",
            "198.51.100.5 one line",
            "198.51.100.5 and another",
            "198.51.100.6 later"
        ]
    );
}

#[test]
fn what_logs_say_is_shown_the_same_by_both() {
    let host = host();
    let (_ours, _theirs) = (ours(&host), theirs(&host, THEIRS));
    let (guesser, once) = ("198.51.100.5", "203.0.113.20");
    host.fail("mail", &[guesser, guesser, guesser, once]);
    for jail in ["mail", "door"] {
        let mut said = Vec::new();
        eventually(jail, || {
            said = [OURS, THEIRS].map(|socket| client(&host, socket, &["status", jail])).into();
            said[0] == said[1] && (jail == "door" || said[0].out.contains("Total banned:\t1"))
        });
    }
    let with_time = ["get", "mail", "banip", "--with-time"];
    let ends = [OURS, THEIRS].map(|socket| client(&host, socket, &with_time).out);
    for end in ends {
        assert!(end.starts_with(&format!("{guesser} \t2")), "{end}");
        assert_eq!(end.matches(" + 3600 = ").count(), 1, "{end}");
    }
}

/// Everything by way of the module that exporters use, to see types and order; requests are more than texts there.
const MODULE: &str = r#"
import pickle, socket, sys
sys.path.insert(0, '/usr/lib/python3/dist-packages')
from fail2ban.client.csocket import CSocket
MARKER = b'<F2B_END_COMMAND>'

def raw(path, request):
    """What the module doesn't send."""
    with socket.socket(socket.AF_UNIX) as server:
        server.connect(path)
        server.sendall(pickle.dumps(request) + MARKER)
        reply = b''
        while not reply.endswith(MARKER): reply += server.recv(4096)
    return pickle.loads(reply)

def shape(value):
    if isinstance(value, (list, tuple)): return type(value)(shape(v) for v in value)
    if isinstance(value, dict): return {k: shape(v) for k, v in value.items()}
    if isinstance(value, Exception): return type(value).__name__, value.args
    return str(value) if isinstance(value, str) else value

REQUESTS = [['ping'], ('ping',), {0: 'ping'}, 'ping', [b'ping'], [], 7, None, 1.5, ['echo', 1, 'a', None, True, 0.5, {'k': [1]}, (2,)],
    ['status'], ['status', 'mail'], ['status', 'nope'], ['status', 'mail', 'short'], ['banned'], ['get', 'mail', 'banned'],
    ['set', 'mail', 'banip', '198.51.100.9'], ['set', 'mail', 'banip', '198.51.100.9'], ['get', 'mail', 'banned', '198.51.100.9'],
    ['banned', '198.51.100.9', '198.51.100.10'], ['get', 'mail', 'banip'], ['set', 'mail', 'unbanip', '198.51.100.9'], ['unban', '--all'],
    ['set', 'mail'], ['get', 'mail', 'nosuch'], ['nosuch'], ['stop', 'nope'], ['config-error', 'x'], ['flushlogs'], ['server-status']]
paths = sys.argv[1:3]
sockets = [CSocket(path) for path in paths]
for request in REQUESTS:
    if isinstance(request, list) and b'ping' not in request:
        ours, theirs = (shape(server.send(request)) for server in sockets)
    else:
        ours, theirs = (shape(raw(path, request)) for path in paths)
    if repr(ours) != repr(theirs): sys.exit(f'{request}: f2b {ours!r}, fail2ban {theirs!r}')
print(len(REQUESTS))
"#;

#[test]
fn replies_have_the_types_and_the_order_of_fail2bans() {
    let host = host();
    let (_ours, _theirs) = (ours(&host), theirs(&host, THEIRS));
    let mut python = Command::new("/usr/bin/python3");
    python.arg("-c").arg(MODULE).args([host.path(OURS), host.path(THEIRS)]);
    let output = host.host().output(&mut python);
    let err = String::from_utf8_lossy(&output.stderr);
    assert_eq!(String::from_utf8_lossy(&output.stdout), "30\n", "{err}");
}

#[test]
fn a_reload_takes_what_the_configuration_says_by_then() {
    let host = host();
    let daemon = ours(&host);
    let ours = |words: &[&str]| client(&host, OURS, words);
    host.configure(&format!("{}[shed]\nlogpath = LOG/door\n", crate::servers::JAILS));
    let ok = Said { status: Some(0), out: "OK\n".to_owned(), err: String::new() };
    assert_eq!(ours(&["reload"]), ok);
    assert!(ours(&["status"]).out.contains("Jail list:\tdoor, mail, shed"));
    ours(&["set", "mail", "banip", "198.51.100.1"]);
    ours(&["set", "door", "banip", "198.51.100.1"]);
    assert_eq!(ours(&["reload", "--restart", "--unban", "mail"]), ok);
    assert_eq!(ours(&["banned", "198.51.100.1"]).out, "[['door']]\n");
    daemon.says("[mail] Unban 198.51.100.1");

    // fail2ban's client sends expressions as they are.
    let broken = crate::servers::JAILS.replace("[mail]", "[mail]\nfailregex = ^ (no <HOST>$");
    host.configure(&broken);
    let refused = ours(&["reload"]);
    assert_eq!(refused.status, Some(255), "{refused:?}");
    assert!(refused.out.contains("all goes on as it was"), "{refused:?}");
    assert!(ours(&["status"]).out.contains("Jail list:\tdoor, mail, shed"));
}

#[test]
fn stop_ends_the_daemon() {
    let host = host();
    let daemon = ours(&host);
    let stopped = client(&host, OURS, &["stop"]);
    let expected =
        Said { status: Some(0), out: "Shutdown successful\n".to_owned(), err: String::new() };
    assert_eq!(stopped, expected);
    eventually("its socket is gone", || !host.path(OURS).exists());
    daemon.says("Exiting f2b");
}

#[test]
fn it_listens_where_fail2ban_conf_says_unless_somebody_does() {
    let host = host();
    let daemon = host.start();
    assert_eq!(client(&host, "default.sock", &["ping"]).out, "Server replied: pong\n");
    daemon.kill();

    // Its socket was left behind.
    let daemon = host.start();
    assert_eq!(client(&host, "default.sock", &["ping"]).out, "Server replied: pong\n");
    // fail2ban's server leaves f2b alone as well.
    let start = client(&host, "default.sock", &["start"]);
    assert_eq!((start.status, &*start.err), (Some(255), "ERROR   Server already running"));
    daemon.stop();
    assert!(!host.path("default.sock").exists());

    configure(&host, THEIRS);
    let _theirs = theirs(&host, THEIRS);
    let daemon = host.start();
    daemon.says(
        "theirs.sock is listened at already, most likely by fail2ban's server, which is left alone",
    );
    assert_eq!(client(&host, THEIRS, &["version"]).out, "1.0.2\n");
    daemon.stop();
    assert_eq!(client(&host, THEIRS, &["ping"]).out, "Server replied: pong\n");

    let mut command = host.command();
    command.args(["daemon", "--logtarget", "STDERR", "--fail2ban-socket"]).arg(host.path(THEIRS));
    let refused = host.host().output(&mut command);
    assert_eq!(refused.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&refused.stderr).contains("is listened at already"));
    assert!(fs::exists(host.path(THEIRS)).unwrap());
}
