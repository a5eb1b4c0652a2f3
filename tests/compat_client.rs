//! fail2ban-client beside this program under its name: the same words to the same servers, the same outputs.
//!
//! Fails if fail2ban is missing; `make packages` installs it.

#![expect(clippy::unwrap_used, reason = "a test ends where its helper fails")]

use std::collections::BTreeMap;
use std::fs;
use std::io::Write as _;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;
use tempfile::TempDir;

const THEIRS: &str = "/usr/bin/fail2ban-client";

/// A link by which f2b is fail2ban-client.
fn link(folder: &Path) -> PathBuf {
    let link = folder.join("fail2ban-client");
    symlink(env!("CARGO_BIN_EXE_f2b"), &link).unwrap();
    link
}

fn run(program: &Path, words: &[&str]) -> Output {
    Command::new(program).args(words).stdin(Stdio::null()).output().unwrap()
}

/// What a program wrote, without what differs from run to run: the time and the process of each line of the log, and
/// the times of bans. Warnings of fail2ban's reading of its own configuration are left out.
fn written(bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(bytes);
    let lines = text.lines().filter(|line| !line.contains("]: WARNING ")).map(|line| {
        let is_digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
        let mut words: Vec<String> = line.split(' ').map(str::to_owned).collect();
        for word in &mut words {
            let day = word.trim_start_matches('\t');
            let is_day = day.len() == 10 && is_digits(&day.replace('-', "")) && day.contains('-');
            let is_hour = word.contains(':') && is_digits(&word.replace([':', ','], ""));
            let pid = word.strip_prefix('[').and_then(|word| word.strip_suffix("]:"));
            if is_day {
                "DAY".clone_into(word);
            } else if is_hour && word.len() >= 8 {
                "HOUR".clone_into(word);
            } else if pid.is_some_and(is_digits) {
                "[PID]:".clone_into(word);
            }
        }
        words.join(" ")
    });
    lines.collect::<Vec<_>>().join("\n")
}

/// Exit status, standard output, standard error; of two folders of one length the names are made one.
fn seen(output: &Output, folder: &Path) -> (Option<i32>, String, String) {
    let same = |bytes: &[u8]| written(bytes).replace(folder.to_str().unwrap(), "DIR");
    (output.status.code(), same(&output.stdout), same(&output.stderr))
}

/// A server of Debian's fail2ban, in a network of its own; it is killed when this goes.
struct Server {
    child: Child,
    folder: TempDir,
}

const JAILS: &str = "\
[DEFAULT]\nbackend = polling\nenabled = true\nlogpath = DIR/log\naction =\n
[one]\nfilter = sshd\n[two]\nfilter =\nfailregex = ^no <HOST>$\nignoreip = 198.51.100.0/30 ::1\n\
bantime.increment = true\nbantime.factor = 2\naction = dummy[target=DIR/dummy]\n  dummy[actname=more, target=DIR/more]\n";

impl Server {
    fn start() -> Self {
        let folder = TempDir::new().unwrap();
        let path = |name: &str| folder.path().join(name);
        for name in ["filter.d", "action.d"] {
            symlink(Path::new("/etc/fail2ban").join(name), path(name)).unwrap();
        }
        fs::write(path("log"), "").unwrap();
        let dir = folder.path().display();
        fs::write(path("jail.conf"), JAILS.replace("DIR", &dir.to_string())).unwrap();
        let conf = format!(
            "[Definition]\nloglevel = INFO\nlogtarget = {dir}/server.log\nsyslogsocket = auto\n\
             socket = {dir}/sock\npidfile = {dir}/pid\ndbfile = {dir}/db\ndbpurgeage = 1d\n\
             dbmaxmatches = 10\nallowipv6 = auto\n"
        );
        fs::write(path("fail2ban.conf"), conf).unwrap();
        let mut command = Command::new("unshare");
        command.args(["--net", "/usr/bin/fail2ban-server", "-f", "-c"]).arg(folder.path());
        command.arg("start").stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        // Who is ignored is a set, whose order would be another each time.
        let child = command.env("PYTHONHASHSEED", "0").spawn().unwrap();
        let server = Self { child, folder };
        let start = Instant::now();
        while !server.asked(Path::new(THEIRS), &["status", "two"]).status.success() {
            assert!(start.elapsed() < Duration::from_mins(1), "fail2ban-server doesn't start");
            std::thread::park_timeout(Duration::from_millis(50));
        }
        server
    }

    fn asked(&self, client: &Path, words: &[&str]) -> Output {
        let mut all = vec!["-c", self.folder.path().to_str().unwrap()];
        all.extend(words);
        run(client, &all)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// What is typed, a line each; `J` is a jail, `H` a host, `T` a time, `#` a number, `A` an action.
const TYPED: &str = "\
ping|ping 5|ping x|ping ' 1e1 ' y|echo|echo a 'b c' loglevel|version|status|status J|status J short|status J basic
status J basic x|status J cymru|status --all|stats|banned|banned H|banned H H|unban H|unban H H|unban --all|unban
get loglevel|set loglevel debug|set loglevel INFO|set loglevel LOUD|get logtarget|get syslogsocket|flushlogs
set allowipv6 auto|get allowipv6|get thread|set thread x|get dbfile|set dbfile x|get dbmaxmatches|set dbmaxmatches #
set dbmaxmatches x|get dbpurgeage|set dbpurgeage T|set dbpurgeage x|add J|add J polling|add J nope|add --all|start J
stop J|stop nope|reload|reload J|reload --restart J|reload nope|reload a b|reload --unban|restart J|config-error x
multi-set J addfailregex x|server-stream x|help|get|set|get J|set J|get nope|get J nope|set J nope|nope|get nope bantime
set J idle on|set J idle off|set J idle x|get J ignoreself|set J ignoreself no|set J ignoreself xx
set J addignoreip H|set J addignoreip H H|set J delignoreip H|get J ignoreip|set J ignorecommand 'x <ip>'
get J ignorecommand|set J ignorecommand ''|get J ignorecache|set J ignorecache 'key=\"<ip>\", max-count=#'
set J ignorecache bad|set J ignorecache ''|get J logpath|set J addlogpath /etc/hostname|set J addlogpath /etc/hostname tail
set J addlogpath /nope|set J addlogpath /etc/hostname x|set J dellogpath /etc/hostname|set J dellogpath /nope
get J logencoding|set J logencoding utf-8|set J logencoding nope|get J journalmatch|set J addjournalmatch A=b + C=d
set J deljournalmatch|get J prefregex|set J prefregex '^a <F-CONTENT>.*</F-CONTENT>'|set J prefregex ''|get J failregex
set J addfailregex '^it''s \"#\" é <HOST>'|set J addfailregex '(<HOST>'|set J addfailregex nohost|set J delfailregex 0
set J delfailregex #|get J ignoreregex|set J addignoreregex '^x'|set J addignoreregex '('|set J delignoreregex 0
get J usedns|set J usedns no|set J usedns foo|get J findtime|set J findtime T|set J findtime x|get J bantime
set J bantime T|set J bantime x|set J bantime ''|set J bantime 600.5|get J datepattern|set J datepattern '%Y-%m-%d'
set J datepattern ''|set J datepattern Epoch|set J datepattern 'x%'|get J logtimezone|set J logtimezone UTC+0200
set J logtimezone UTC+2|get J maxretry|set J maxretry #|set J maxretry x|get J maxmatches|set J maxmatches #
get J maxlines|set J maxlines 2|set J maxlines 0|get J bantime.increment|set J bantime.increment true
get J bantime.factor|set J bantime.factor 2|get J bantime.formula|get J bantime.nosuch|set J bantime.maxtime T
get J bantime.maxtime|get J bantime.evmultipliers|set J bantime.multipliers '1 2 4'|set J bantime.rndtime T
set J banip H|set J banip H H|set J banip|set J banip 'no address'|get J banip|get J banip ,|get J banip '\\n' x
get J banip --with-time|get J banned|get J banned H|get J banned H H|set J unbanip H|set J unbanip H H|set J unbanip
set J unbanip --report-absent H|get J actions|set J addaction A|set J delaction A|get J action A actionban
get J action A timeout|get J action A nope|set J action A actionban 'echo <ip>'|set J action A timeout T
set J action A actionban|set J action A flush|set J action A ban x|get J actionproperties A|get J actionmethods A
set J action A own value|get J action A own|get J x loglevel|set J loglevel|get J logpath x|sleep x|sleep 0";

/// A generator that gives the same each time.
struct Dice(u64);

impl Dice {
    fn below(&mut self, count: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 >> 33).unwrap() % count
    }

    fn one<'o>(&mut self, of: &[&'o str]) -> &'o str {
        of[self.below(of.len())]
    }

    /// The words of a line.
    fn words(&mut self, lines: &[&str]) -> Vec<String> {
        let words = shlex::split(self.one(lines)).unwrap();
        words.iter().map(|word| self.word(word)).collect()
    }

    fn word(&mut self, word: &str) -> String {
        let number = (self.below(9) + 1).to_string();
        match word {
            "J" => self.one(&["one", "two", "two", "new"]).to_owned(),
            "H" => {
                self.one(&["198.51.100.7", "198.51.100.9", "2001:db8::7", "2001:DB8::7"]).to_owned()
            }
            "T" => self.one(&["600", "10m", "1d12h", "-1"]).to_owned(),
            "A" => self.one(&["dummy", "more", "own", "none"]).to_owned(),
            _ => word.replace('#', &number),
        }
    }
}

#[test]
fn a_long_conversation_is_the_same() {
    let number =
        |name: &str, default| std::env::var(name).map_or(default, |value| value.parse().unwrap());
    let (count, seed) = (number("F2B_CLIENT_COMMANDS", 250), number("F2B_CLIENT_SEED", 1));
    let lines: Vec<&str> = TYPED.split(['|', '\n']).collect();
    let folder = TempDir::new().unwrap();
    let ours = link(folder.path());
    let (theirs, other) = (Server::start(), Server::start());
    let mut dice = Dice(0x9e37_79b9_7f4a_7c15 ^ seed);
    // Each line once, and as many more as there is time for.
    let each: Vec<_> = lines.iter().map(|line| dice.words(&[line])).collect();
    let more = std::iter::repeat_with(|| dice.words(&lines)).take(usize::try_from(count).unwrap());
    let mut typed: Vec<_> = each.into_iter().chain(more).collect();
    let mut order = Dice(seed + 1);
    for at in (1..typed.len()).rev() {
        typed.swap(at, order.below(at + 1));
    }
    let mut before = Vec::new();
    for words in typed {
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        let expected = theirs.asked(Path::new(THEIRS), &words);
        let found = other.asked(&ours, &words);
        before.push(words.join(" "));
        let (expected, found) =
            (seen(&expected, theirs.folder.path()), seen(&found, other.folder.path()));
        let last = before.iter().rev().take(20).rev().cloned().collect::<Vec<_>>().join("\n");
        assert_eq!(found, expected, "seed {seed}, after\n{last}");
    }
}

#[test]
fn options_are_read_alike() {
    let folder = TempDir::new().unwrap();
    let ours = link(folder.path());
    let path = folder.path().join("refuses");
    fs::write(&path, "").unwrap();
    let refuses = path.to_str().unwrap();
    for line in [
        "-c /nowhere ping".to_owned(),
        "--conf=/nowhere status".to_owned(),
        "--loglevel LOUD ping".to_owned(),
        "-V".to_owned(),
        "-qqvV".to_owned(),
        "--version".to_owned(),
        "--vers".to_owned(),
        "--str2sec 1d12h".to_owned(),
        "--str2sec=1.5h".to_owned(),
        "--str 1mo".to_owned(),
        "--str2sec -1".to_owned(),
        "-s /nowhere ping".to_owned(),
        "-s/nowhere -p/nowhere status".to_owned(),
        "-xqfs /nowhere stop".to_owned(),
        "-s /nowhere ping -- 5".to_owned(),
        "-s /nowhere -- ping".to_owned(),
        "-s /nowhere - ping".to_owned(),
        "-s /nowhere reload".to_owned(),
        format!("-s {refuses} ping"),
        format!("--socket={refuses} status"),
        format!("--sock {refuses} stop"),
    ] {
        let words: Vec<&str> = line.split(' ').collect();
        let (expected, found) = (run(Path::new(THEIRS), &words), run(&ours, &words));
        assert_eq!(seen(&found, folder.path()), seen(&expected, folder.path()), "{line}");
    }
    // The help is in words of its own.
    for (words, says_why) in [
        ("", false),
        ("-Z", true),
        ("--nope ping", true),
        ("--lo X", true),
        ("-s", true),
        ("-h", false),
    ] {
        let words: Vec<&str> = words.split_whitespace().collect();
        let (expected, found) = (run(Path::new(THEIRS), &words), run(&ours, &words));
        assert_eq!(found.status.code(), expected.status.code(), "{words:?}");
        assert_eq!(found.stderr, expected.stderr, "{words:?}");
        assert_eq!(!found.stderr.is_empty(), says_why, "{words:?}");
        assert!(found.stdout.starts_with(b"Usage: fail2ban-client [OPTIONS] <COMMAND>\n"));
    }
}

#[test]
fn lines_typed_one_by_one_are_answered_alike() {
    let (server, folder) = (Server::start(), TempDir::new().unwrap());
    let typed = "status\n\nfoo \"\nstatus 'two'\nnope\nget one maxretry\nreload\nquit\nstatus\n";
    let answers = [Path::new(THEIRS), &link(folder.path())].map(|client| {
        let mut command = Command::new(client);
        command.arg("-c").arg(server.folder.path()).args(["-i", "ping"]);
        let command = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        child.stdin.take().unwrap().write_all(typed.as_bytes()).unwrap();
        let output = child.wait_with_output().unwrap();
        let (code, out, error) = seen(&output, server.folder.path());
        // The banner is in words of its own.
        let (begin, rest) = out.split_once("\nfail2ban> ").unwrap();
        let begin = begin.split('\n').next().unwrap().to_owned();
        (code, begin, rest.to_owned(), error)
    });
    assert_eq!(answers[1], answers[0]);
}

/// A command by what it is about, with the rest; properties of an action by their names.
type Stream = BTreeMap<String, Value>;

fn stream(client: &Path, folder: &Path) -> Stream {
    let output = run(client, &["-c", folder.to_str().unwrap(), "-d"]);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let script =
        "import ast, json, sys\nfor line in sys.stdin: print(json.dumps(ast.literal_eval(line)))";
    let mut python = Command::new("/usr/bin/python3");
    let python = python.args(["-c", script]).stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut child = python.spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let writing = std::thread::spawn(move || stdin.write_all(&output.stdout).unwrap());
    let output = child.wait_with_output().unwrap();
    writing.join().unwrap();
    let commands = String::from_utf8(output.stdout).unwrap();
    let commands = commands.lines().map(|line| serde_json::from_str::<Vec<Value>>(line).unwrap());
    let mut stream = Stream::new();
    for command in commands {
        let about = match command[2..].first().and_then(Value::as_str) {
            Some("action" | "addlogpath" | "addaction") => 4,
            _ => 3,
        };
        let (about, rest) = command.split_at(about.min(command.len()));
        let rest = match rest.first() {
            Some(Value::Array(pairs)) if about.len() == 4 => pairs
                .iter()
                .map(|pair| (pair[0].as_str().unwrap().to_owned(), pair[1].clone()))
                .collect::<serde_json::Map<_, _>>()
                .into(),
            _ => rest.to_vec().into(),
        };
        stream.insert(Value::from(about).to_string(), rest);
    }
    stream
}

/// What of an action is run.
const COMMANDS: [&str; 6] =
    ["actionstart", "actionstop", "actioncheck", "actionban", "actionunban", "actionflush"];

/// fail2ban resolves a parameter's tags only where it is used, and so sends them; its parameters for a family hold
/// though one for both is given (until 1.1).
fn without_tags(ours: &Value, theirs: &Value) -> (Value, Value) {
    let (Value::Object(ours), Value::Object(theirs)) = (ours, theirs) else {
        return (ours.clone(), theirs.clone());
    };
    let is_told = |name: &str| {
        let has_tag = theirs[name].as_str().is_some_and(|text| text.contains('<'));
        COMMANDS.contains(&name) || !name.contains('?') && !has_tag
    };
    let told = |all: &serde_json::Map<String, Value>| {
        let told = all.iter().filter(|(name, _)| !theirs.contains_key(*name) || is_told(name));
        told.map(|(name, value)| (name.clone(), value.clone())).collect::<serde_json::Map<_, _>>()
    };
    (told(ours).into(), told(theirs).into())
}

#[test]
fn every_stock_jail_and_action_is_sent_alike() {
    let folder = TempDir::new().unwrap();
    let path = |name: &str| folder.path().join(name);
    for name in ["filter.d", "action.d", "fail2ban.conf", "paths-debian.conf", "paths-common.conf"]
    {
        symlink(Path::new("/etc/fail2ban").join(name), path(name)).unwrap();
    }
    fs::write(path("log"), "").unwrap();
    let logpath = format!("logpath = {}", path("log").display());
    let jails = fs::read_to_string("/etc/fail2ban/jail.conf").unwrap();
    let jails = jails.lines().map(|line| if line.starts_with("logpath") { &logpath } else { line });
    fs::write(path("jail.conf"), jails.collect::<Vec<_>>().join("\n")).unwrap();
    let actions =
        fs::read_dir("/etc/fail2ban/action.d").unwrap().map(|entry| entry.unwrap().path());
    let actions = actions.filter(|file| file.extension().is_some_and(|end| end == "conf"));
    let actions = actions.map(|file| file.file_stem().unwrap().to_string_lossy().into_owned());
    let local = actions
        .filter(|name| !name.ends_with("-common"))
        .map(|name| format!("[act-{name}]\nfilter = sshd\n{logpath}\naction = {name}\n"));
    let local = local.collect::<Vec<_>>().concat();
    fs::write(path("jail.local"), format!("[DEFAULT]\nenabled = true\n{local}")).unwrap();

    let theirs = stream(Path::new(THEIRS), folder.path());
    let ours = stream(&link(folder.path()), folder.path());
    assert!(theirs.len() > 1500, "only {} commands", theirs.len());
    let about = |stream: &Stream| stream.keys().cloned().collect::<Vec<_>>();
    assert_eq!(about(&ours), about(&theirs));
    for (about, theirs) in &theirs {
        let (ours, theirs) = without_tags(&ours[about], theirs);
        assert_eq!(ours, theirs, "{about}");
    }
}
