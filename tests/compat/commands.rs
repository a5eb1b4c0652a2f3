//! What sets and gets single options, to both servers: a list of commands by way of `fail2ban-client`, and random ones by
//! way of the module that other programs use, which shows types as well.

use std::env;
use std::io::Write;
use std::process::{Command, Stdio};
use std::thread;

use crate::harness::Host;
use crate::servers::{OURS, Said, THEIRS, client, host, ours, theirs};

/// Commands in their order, a line each: what one does the next finds. `''` is an empty word, `␣` a blank in one.
const COMMANDS: &str = include_str!("commands.txt");

/// What is answered otherwise, on purpose: each with what f2b and fail2ban print. docs/fail2ban.md tells why.
const DIFFERENT: [(&str, &str, &str); 8] = [
    ("set mail findtime 1.5h", "5400", "5400.0"),
    ("set mail maxretry -1", "-1 is no number from 0", "-1"),
    ("set mail logtimezone Europe/Berlin", "Europe/Berlin", {
        "Unknown or unsupported time zone: 'Europe/Berlin'"
    }),
    ("add mail", "The jail 'mail' already exists", "name 'noduplicates' is not defined"),
    ("get mail action note ban", "f2b has no 'ban' that could be shown", ""),
    (
        "set mail action note ban",
        "f2b does not call 'ban'; start, stop and flush it does",
        "CommandAction.ban() missing 1 required positional argument: 'aInfo'",
    ),
    (
        "set mail addignoreregex (",
        "Unable to compile regular expression '(':\na ( is never closed",
        "Unable to compile regular expression '(':\nmissing ), unterminated subpattern at position 0",
    ),
    ("stats", "", "Invalid command"),
];

/// What a client says to a command of the list, without what is known to be another's.
fn said(host: &Host, socket: &str, command: &str) -> Said {
    let logs = host.path("log").display().to_string();
    let word = |word: &str| word.replace('␣', " ").replace("LOG", &logs);
    let words: Vec<_> = command
        .split(' ')
        .map(|text| if text == "''" { String::new() } else { word(text) })
        .collect();
    client(host, socket, &words.iter().map(String::as_str).collect::<Vec<_>>())
}

#[test]
fn fail2ban_client_gets_and_sets_the_same_at_both_servers() {
    let host = host();
    std::fs::write(host.log("other"), "").unwrap();
    let (_ours, _theirs) = (ours(&host), theirs(&host, THEIRS));
    let (sockets, host) = ([OURS, THEIRS], &host);
    let all = |socket| COMMANDS.lines().map(|line| said(host, socket, line)).collect::<Vec<_>>();
    let [ours, theirs] = thread::scope(|scope| {
        sockets
            .map(|socket| scope.spawn(move || all(socket)))
            .map(|answers| answers.join().unwrap())
    });
    let lines = COMMANDS.lines().zip(ours.iter().zip(&theirs));
    let different = lines.filter(|(_, (ours, theirs))| ours != theirs);
    let different: Vec<_> = different
        .map(|(command, (ours, theirs))| {
            format!("{command}\n  f2b:      {ours:?}\n  fail2ban: {theirs:?}")
        })
        .collect();
    assert!(different.is_empty(), "{}", different.join("\n"));
    assert!(ours.len() > 200 && ours.iter().filter(|said| said.status == Some(0)).count() > 100);
}

#[test]
fn what_is_answered_otherwise_is_answered_so_on_purpose() {
    let host = host();
    let (_ours, _theirs) = (ours(&host), theirs(&host, THEIRS));
    for (command, ours, theirs) in DIFFERENT {
        let [by_ours, by_theirs] = [OURS, THEIRS].map(|socket| said(&host, socket, command).out);
        if !ours.is_empty() {
            assert_eq!(by_ours.trim_end(), ours, "{command}");
        }
        assert_eq!(by_theirs.trim_end(), theirs, "{command}");
        assert_ne!(by_ours, by_theirs, "{command}");
    }
}

/// Of a jail that reads the journal, and one that is to be told of changes.
#[test]
fn a_jail_of_the_journal_shows_what_it_matches() {
    let host = host();
    let journal = "[log]\nbackend = systemd\njournalmatch = _SYSTEMD_UNIT=x.service + _COMM=y\n";
    let auto = "[quick]\nbackend = auto\nlogpath = LOG/door\n";
    host.configure(&format!("{}{journal}{auto}", crate::servers::JAILS));
    let daemon = ours(&host);
    let (_theirs, sockets) = (theirs(&host, THEIRS), [OURS, THEIRS]);
    let mut seen = 0;
    for command in [
        "status log",
        "get log journalmatch",
        "get log logpath",
        "set log addjournalmatch _UID=0 _PID=1 + _GID=3",
        "set log deljournalmatch _COMM=y",
        "set log deljournalmatch _COMM=zz",
        "set log addjournalmatch bad",
        "set log addlogpath LOG/mail",
        "status log",
        "get log journalmatch",
    ] {
        let [ours, theirs] = sockets.map(|socket| said(&host, socket, command));
        assert_eq!(ours, theirs, "{command}");
        seen += usize::from(ours.out.contains("Journal matches:\t_SYSTEMD_UNIT=x.service + "));
    }
    assert_eq!(seen, 2);
    let stats = said(&host, OURS, "stats").out;
    for backend in ["{'door': ['polling', ", "'log': ['systemd', ", "'quick': ['pyinotify', "] {
        assert!(stats.contains(backend), "{stats}");
    }
    drop(daemon);
}

/// Asks both servers what stands on its lines, and tells what they answer differently.
const MODULE: &str = r"
import json, sys
sys.path.insert(0, '/usr/lib/python3/dist-packages')
from fail2ban.client.csocket import CSocket

def shape(value):
    if isinstance(value, (list, tuple)): return type(value)(shape(v) for v in value)
    if isinstance(value, dict): return {k: shape(v) for k, v in value.items()}
    if isinstance(value, Exception): return type(value).__name__, value.args
    return str(value) if isinstance(value, str) else value

sockets = [CSocket(path) for path in sys.argv[1:3]]
asked = 0
for line in sys.stdin:
    ours, theirs = (shape(server.send(json.loads(line))) for server in sockets)
    # Of those who were banned in the same second nobody was first, and fail2ban has ignored addresses in a set.
    if any(word in line for word in ('banned', 'banip', 'ignoreip')):
        ours, theirs = (repr(sorted(map(repr, v[1]))) if isinstance(v[1], list) else v for v in (ours, theirs))
    if repr(ours) != repr(theirs): sys.exit(f'request {asked}: {line}f2b {ours!r}, fail2ban {theirs!r}')
    asked += 1
print(asked)
";

/// Options with values that they may be set to, or not; `get` has those that begin with `add` or `del` without that.
const OPTIONS: [(&str, &[&str]); 24] = [
    ("idle", &["on", "off", "maybe"]),
    ("ignoreself", &["true", "0", "yes", "xx"]),
    ("addignoreip", &["10.0.0.0/8", "198.51.100.7", "2001:db8::/32", "b.example", "::1"]),
    ("delignoreip", &["10.0.0.0/8", "198.51.100.7", "2001:db8::/32", "b.example", "::1"]),
    ("ignorecommand", &["", "/bin/false <ip>"]),
    ("ignorecache", &["", "key=\"<ip>\", max-count=7, max-time=1h", "bad"]),
    ("addlogpath", &["LOG/mail", "LOG/other", "LOG/door", "LOG/nope"]),
    ("dellogpath", &["LOG/mail", "LOG/other", "LOG/door", "LOG/nope"]),
    ("logencoding", &["auto", "utf-8", "ascii", "nope"]),
    ("addjournalmatch", &["_COMM=x"]),
    ("prefregex", &["", "^<F-CONTENT>.+</F-CONTENT>$", "^x"]),
    ("addfailregex", &["^a <HOST>$", "^b <ADDR> (?:c|d)$", "<F-ID>\\d+</F-ID>", "no one"]),
    ("delfailregex", &["0", "1", "-1", "7", "x"]),
    ("addignoreregex", &["^a", "b$"]),
    ("delignoreregex", &["0", "1", "-1", "7", "x"]),
    ("usedns", &["no", "what"]),
    ("findtime", &["600", "10m", "0.5", "1d", "abc", ""]),
    ("bantime", &["600", "1h", "2w", "-1", "abc", ""]),
    ("datepattern", &["", "%Y-%m-%d %H:%M:%S", "{^LN-BEG}EPOCH", "%d/%b/%Y", "x%"]),
    ("logtimezone", &["UTC+0200", "UTC", "UTC+2"]),
    ("maxretry", &["1", "3", "50", "x"]),
    ("maxmatches", &["1", "3", "50", "x"]),
    ("maxlines", &["1", "3", "0", "x"]),
    ("bantime.maxtime", &["1w", "600", ""]),
];

/// Words that stand for themselves in random commands.
const OTHERS: [&str; 16] = [
    "set JAIL banip HOST",
    "set JAIL banip HOST HOST",
    "set JAIL unbanip HOST",
    "set JAIL unbanip --report-absent HOST HOST",
    "get JAIL banip",
    "get JAIL banned",
    "get JAIL banned HOST HOST",
    "banned HOST",
    "unban HOST",
    "get JAIL actions",
    "get JAIL actionproperties note",
    "set JAIL action note extra 7",
    "set JAIL action note actionban false",
    "get JAIL action note actionban",
    "set loglevel debug",
    "get loglevel",
];

/// Marsaglia's xorshift.
struct Random(u64);

impl Random {
    fn below(&mut self, end: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % u64::try_from(end).unwrap()).unwrap()
    }

    fn of<'t>(&mut self, all: &[&'t str]) -> &'t str {
        all[self.below(all.len())]
    }

    fn jail(&mut self) -> &'static str {
        self.of(&["mail", "mail", "door", "door", "door", "nope"])
    }

    fn host(&mut self) -> &'static str {
        self.of(&["198.51.100.1", "198.51.100.2", "203.0.113.9", "2001:db8::7", "b.example"])
    }

    fn command(&mut self) -> Vec<String> {
        if self.below(3) == 0 {
            let words = self.of(&OTHERS).split(' ');
            return words.map(|word| self.named(word).to_owned()).collect();
        }
        let (option, values) = OPTIONS[self.below(OPTIONS.len())];
        let got = ["add", "del"].iter().find_map(|verb| option.strip_prefix(verb));
        let words = match self.below(8) {
            0 => vec!["set", self.jail(), option],
            1 | 2 => vec!["get", self.jail(), got.unwrap_or(option)],
            _ => vec!["set", self.jail(), option, self.of(values)],
        };
        words.into_iter().map(str::to_owned).collect()
    }

    fn named(&mut self, word: &'static str) -> &'static str {
        match word {
            "JAIL" => self.jail(),
            "HOST" => self.host(),
            word => word,
        }
    }
}

fn number(name: &str, default: u64) -> u64 {
    env::var(name).map_or(default, |text| text.parse().unwrap())
}

/// `F2B_COMMANDS=3000 F2B_COMMANDS_SEED=N` asks more, and others.
#[test]
fn random_commands_are_answered_by_both_with_the_same_values() {
    let (count, seed) = (number("F2B_COMMANDS", 300), number("F2B_COMMANDS_SEED", 1));
    let host = host();
    std::fs::write(host.log("other"), "").unwrap();
    let (_ours, _theirs) = (ours(&host), theirs(&host, THEIRS));
    let logs = host.path("log").display().to_string();
    let mut random = Random(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1);
    let lines: String = (0..count)
        .map(|_| serde_json::to_string(&random.command()).unwrap().replace("LOG", &logs) + "\n")
        .collect();
    let mut python = Command::new("/usr/bin/python3");
    python.arg("-c").arg(MODULE).args([host.path(OURS), host.path(THEIRS)]);
    python.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut asking = host.host().inside(|| python.spawn().unwrap());
    asking.stdin.take().unwrap().write_all(lines.as_bytes()).unwrap();
    let output = asking.wait_with_output().unwrap();
    let err = String::from_utf8_lossy(&output.stderr);
    assert_eq!(String::from_utf8_lossy(&output.stdout), format!("{count}\n"), "seed {seed}: {err}");
}
