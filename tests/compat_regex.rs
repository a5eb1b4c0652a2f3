//! f2b by the name of fail2ban-regex beside Debian's, on the same arguments: the same report, streams and statuses.
//!
//! The sample logs and filters are those of Debian's package, read where it installs them. What may differ is in
//! `docs/fail2ban-regex.md`, and here in [`normal`] and nowhere else. By default each sample log is tried in one form of
//! output; `F2B_COMPAT_ALL=1` tries it in all.

#![expect(clippy::unwrap_used, reason = "a test may stop where it stands")]

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{LazyLock, Mutex};

use f2b::model::{Clock, SystemClock, Zone};
use regex::{Captures, Regex};

const THEIRS: &str = "/usr/bin/fail2ban-regex";
const LOGS: &str = "/usr/lib/python3/dist-packages/fail2ban/tests/files/logs";
const R: &str = "Failed password for .* from <HOST> port";

/// A folder with logs, filters, and a link to f2b.
struct World {
    dir: tempfile::TempDir,
    link: PathBuf,
}

impl World {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let link = dir.path().join("fail2ban-regex");
        std::os::unix::fs::symlink(env!("CARGO_BIN_EXE_f2b"), &link).unwrap();
        Self { dir, link }
    }

    fn write(&self, name: &str, text: impl AsRef<[u8]>) {
        let path = self.dir.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    fn run(&self, program: &Path, args: &[String]) -> Output {
        let mut command = Command::new(program);
        command.current_dir(self.dir.path()).args(args).env("TZ", "UTC").env("LC_ALL", "C.UTF-8");
        command.output().unwrap()
    }

    /// What differs with these arguments.
    fn difference(&self, args: &[String]) -> Option<String> {
        let [theirs, ours] = [Path::new(THEIRS), &self.link].map(|program| self.run(program, args));
        let said = |output: &Output| normal(&String::from_utf8_lossy(&output.stdout));
        let (their_out, our_out) = (said(&theirs), said(&ours));
        let mut wrong = String::new();
        if theirs.status.code() != ours.status.code() {
            let _ = write!(wrong, " status {:?} not {:?}", ours.status, theirs.status);
        }
        if their_out != our_out {
            let pairs = their_out.lines().zip(our_out.lines());
            let first = pairs.clone().find(|(theirs, ours)| theirs != ours);
            let _ = write!(wrong, "\n{first:#?}");
        }
        // What is said there is f2b's own, but for what optparse says.
        let err = |output: &Output| normal(&String::from_utf8_lossy(&output.stderr));
        let is_usage = theirs.status.code() == Some(2);
        if err(&theirs).is_empty() != err(&ours).is_empty()
            || (is_usage && err(&theirs) != err(&ours))
        {
            let _ = write!(wrong, "\nstderr: {:?} not {:?}", err(&ours), err(&theirs));
        }
        (!wrong.is_empty()).then(|| format!("fail2ban-regex {args:?}:{wrong}"))
    }

    /// Runs both with each of these arguments, on as many threads as there are processors.
    fn agree(&self, cases: &[Vec<String>]) {
        let next = AtomicUsize::new(0);
        let wrong = Mutex::new(Vec::new());
        let threads = std::thread::available_parallelism().map_or(2, usize::from);
        std::thread::scope(|scope| {
            for _ in 0..threads {
                scope.spawn(|| {
                    while let Some(case) = cases.get(next.fetch_add(1, Ordering::Relaxed)) {
                        if let Some(difference) = self.difference(case) {
                            wrong.lock().unwrap().push(difference);
                        }
                    }
                });
            }
        });
        let wrong = wrong.into_inner().unwrap();
        assert!(wrong.is_empty(), "{} of {}:\n{}", wrong.len(), cases.len(), wrong.join("\n"));
    }
}

/// Text without what may differ; each rule has a row in `docs/fail2ban-regex.md`.
fn normal(text: &str) -> String {
    static RULES: LazyLock<[(Regex, &str); 7]> = LazyLock::new(|| {
        [
            (r"\[processed in \d+\.\d\d sec\]", "[processed]"),
            // The time of a line without a date is now.
            (r"1[789]\d{8}\.\d{4,}", "NOW"),
            (r"Usage: \S+", "Usage: PROGRAM"),
            // The words of the help, and of an expression that doesn't compile, are our own.
            (r"(?s)(Usage: PROGRAM[^\n]*\n)\n.*(Options|LOG):.*", "$1"),
            (r"(Unable to compile regular expression [^\n]*\n)[^\n]*", "$1"),
            (r"(?m)^Real  filter options : .*$", "Real  filter options"),
            (r"(\d\d):\d\d:\d\d (20\d\d) NOW", "$1 $2"),
        ]
        .map(|(rule, text)| (Regex::new(rule).unwrap(), text))
    });
    // Also as a date: the two begin in different seconds.
    static NOW: LazyLock<Regex> = LazyLock::new(|| {
        let now = SystemClock.now().in_zone(Zone::Local);
        let today = now.format(r"%a %b %d \d\d:\d\d:\d\d %Y").to_string();
        Regex::new(&today).unwrap()
    });
    static SET: LazyLock<Regex> = LazyLock::new(|| Regex::new(r"\{('[^{}:]*)\}").unwrap());
    let mut text = NOW.replace_all(text, "NOW").into_owned();
    // Dates such as 20050814-11:00:00 are known, as to 1.1.
    for (ours, theirs) in [
        ("(?:-|T|  ?)", "(?:T|  ?)"),
        ("Ex24hour:?ExMinute:?ExSecond", "Ex24hourExMinuteExSecond"),
        ("%ExH:?%ExM:?%ExS", "%ExH%ExM%ExS"),
        (r"):?(?P<M>[0-5]\d):?(?P<S>", r")(?P<M>[0-5]\d)(?P<S>"),
    ] {
        text = text.replace(ours, theirs);
    }
    for (rule, with) in RULES.iter() {
        text = rule.replace_all(&text, *with).into_owned();
    }
    // A set of Python's has no order.
    let sorted = |found: &Captures<'_>| {
        let mut users: Vec<&str> = found[1].split(", ").collect();
        users.sort_unstable();
        format!("{{{}}}", users.join(", "))
    };
    SET.replace_all(&text, sorted).into_owned()
}

fn words(words: &[&str]) -> Vec<String> {
    words.iter().map(|word| (*word).to_owned()).collect()
}

/// A line, split at blanks; `R` is an expression.
fn split(line: &str) -> Vec<String> {
    shlex::split(line)
        .unwrap()
        .into_iter()
        .map(|word| if word == "R" { R.into() } else { word })
        .collect()
}

fn logs() -> World {
    let world = World::new();
    let day = "Jun 21 16:47";
    let lines = [
        ":47 host sshd[122]: Connection from 198.51.100.1 port 22",
        ":48 host sshd[123]: Failed password for root from 198.51.100.1 port 22 ssh2",
        ":49 host sshd[123]: Failed password for invalid user bob from 198.51.100.2 port 22 ssh2",
        ":50 host sshd[124]: Invalid user bob from 203.0.113.5",
        ":50 host sshd[125]: User x not allowed because account is locked",
        ":50 host sshd[125]: Disconnected from 198.51.100.9 port 22 [preauth]",
        ":51 host sshd[126]: Accepted password for root from 198.51.100.77 port 22 ssh2",
        ":52 host sshd[127]: pam_unix(sshd:auth): authentication failure; logname= uid=0 euid=0 tty=ssh ruser= rhost=198.51.100.3  user=root",
        ":53 host sshd[127]: Failed password for ann from 198.51.100.3 port 4 ssh2",
        ":54 host foo: bar  \t",
    ];
    let a: Vec<String> = lines.iter().map(|line| format!("{day}{line}\n")).collect();
    let a = a.concat();
    world.write("a.log", format!("# comment\n\n{a}"));
    let many = (0..44).map(|n| {
        format!(
            "{day}:{:02} host sshd[{n}]: Failed password for root from 198.51.100.{n} port 22\n",
            n + 10
        )
    });
    let many: Vec<String> = many.collect();
    world.write("many.log", many.concat());
    world.write("n19.log", many[..19].concat());
    world.write("n20.log", many[..20].concat());
    world.write("open.log", many.concat().trim_end());
    world.write("bytes.log", b"Jun 21 16:47:48 Failed password for x\xff\x1b[1m from 198.51.100.7 port\r\n   \n \r\nJun 21 16:47:48 \t \xc3\xa4 \xc2\xa0\n");
    world.write(
        "mixed.log",
        "2026-11-01 10:00:00 a from 198.51.100.1\nx 2026-11-01 10:00:00 a from 198.51.100.1\n\
         [01/Nov/2026:10:00:00 +0100] from 198.51.100.3\nNov  1 10:00:00 q from 198.51.100.4\n\
         1793527200 from 198.51.100.5\n1793527200.123 from 198.51.100.5\nNov  1 10:00:00 q from 198.51.100.4\n",
    );
    let filter = "[Definition]\nfailregex = Failed password for .* from <HOST> port\n            Invalid user .* from <HOST>\nignoreregex = bob\nmaxlines = 3\n";
    for name in [
        "my.conf",
        "noext",
        "filter.d/your.conf",
        "filter.d/noext",
        "filter.d/loc.local",
        "sub/other.conf",
        "sub/loc.local",
    ] {
        world.write(name, filter);
    }
    world
}

#[test]
fn options_are_read_as_optparse_reads_them() {
    let cases = [
        "--foo a.log x",
        "-x a.log x",
        "--print a.log x",
        "--print-no a.log x",
        "-c",
        "--config",
        "-L x a.log R",
        "--verbosity=x a.log R",
        "-V",
        "--version",
        "-V --foo",
        "--foo -V",
        "--version=3",
        "-vV",
        "-h",
        "a.log",
        "a.log R x y",
        "--print-no-missed --print-all-missed a.log R",
        "--print-no-ignored --print-all-ignored a.log R",
        "-- a.log R",
        "a.log R -v",
        "a.log -- R -v",
        "--max=0x3 a.log R",
        "-vL3 a.log R",
        "-rvL 010 a.log R",
        "-L 0 a.log R",
        "-L -1 a.log R",
        "--verbosity=-1 a.log R",
        "-t --full-traceback a.log R",
        "-l foo a.log R",
        "-l '' a.log R",
        "-l INFO a.log R",
        "-l 50 a.log R",
        "--TZ x a.log R",
        "-L -3 --TZ x a.log R",
        "-d %Q -L 2 a.log R",
    ];
    logs().agree(&cases.map(split));
}

#[test]
fn every_option_of_the_report_does_the_same() {
    let cases = [
        "a.log R",
        "a.log sshd",
        "-v a.log R",
        "-v a.log sshd",
        "-v -v a.log sshd",
        "-v bytes.log sshd",
        "--print-all-matched bytes.log R",
        "open.log R",
        "n19.log x<HOST>",
        "n20.log x<HOST>",
        "n20.log R root",
        "--print-all-ignored n20.log R root",
        "--print-no-ignored n19.log R root",
        "--print-no-missed a.log R",
        "--print-all-matched many.log R",
        "--print-all-missed many.log x<HOST>",
        "-L 3 a.log R",
        "-L 1 a.log R",
        "-L 3 a.log sshd",
        "-D a.log R",
        "-D a.log sshd",
        "-D --print-all-matched a.log R Invalid",
        "-D --usedns no a.log R",
        "--VD mixed.log 'from <HOST>'",
        "-v --VD mixed.log 'from <HOST>'",
        "--no-check-all -v a.log sshd",
        "-r a.log sshd",
        "--usedns=no a.log sshd",
        "--timezone UTC+02 -v a.log R",
        "--TZ UTC-05 -o row a.log R",
        "-d '%b %d %H:%M:%S' a.log sshd",
        "-d xx%Q a.log R",
        "-d '' a.log R",
        "-d {^LN-BEG} a.log R",
        "-d {DEFAULT} a.log R",
        "-d EPOCH a.log R",
        "-d '{DATE}' a.log R",
        "-d ' %b %d ' a.log R",
        "-d xx a.log R",
        "-d a% a.log R",
        "-e latin1 a.log R",
        "-e foo a.log R",
        "-e auto a.log R",
        "-e utf-16 a.log R",
        "-m x a.log sshd",
        "-m '\"' a.log sshd",
        "systemd-journal sshd",
        "systemd-journalx R",
        "-m 'A=b C=d' systemd-journal R",
        "-m x systemd-journal R",
        "systemd-journal[journalpath=/nonexistent] sshd",
        "-v systemd-journal R",
    ];
    logs().agree(&cases.map(split));
}

#[test]
fn what_is_printed_of_each_failure_is_the_same() {
    let wishes = [
        "row",
        "id",
        "fid",
        "ip",
        "msg",
        "host",
        "ip4",
        "dns",
        "matches",
        "user",
        "users",
        "time",
        "foo",
        "ROW",
        "<ip> <time> <fid> <family> <ip-rev> <failures> <msg>",
        "<matches>|",
        "<F-*>",
        "<br>x<sp>y",
        "<bantime>",
        "<foo>",
        "a<b",
        "<F-ID>",
        "<F-MLFID>",
        "<raw-ticket>",
        "<F-USERS> <F-MATCHES> <bancount>",
        "",
    ];
    let mut cases = Vec::new();
    for wish in wishes {
        cases.push(words(&["-o", wish, "a.log", "sshd"]));
    }
    for wish in ["row", "matches", "<time>"] {
        cases.push(words(&["-o", wish, "mixed.log", "from <HOST>"]));
    }
    let line = "Jun 21 16:47:48 user=a b= from 198.51.100.1";
    for wish in ["row", "ip", "<F-IP> <ip> <fid>"] {
        cases.push(words(&[
            "-o",
            wish,
            line,
            r"user=<F-ID>\w+</F-ID> b=<F-USER>\w*</F-USER> from <HOST>",
        ]));
    }
    for host in ["999.51.100.7", "localhost", "2001:DB8::A", "::ffff:198.51.100.1", "192.0.2.012"] {
        for options in ["-o row", "-o ip", "-r -o row", "-v", "--usedns=no -v"] {
            let line = format!("Jun 21 16:47:48 Failed password for x from {host} port");
            let mut case = split(options);
            case.extend([line, R.to_owned()]);
            cases.push(case);
        }
    }
    logs().agree(&cases);
}

#[test]
fn operands_mean_the_same() {
    let world = logs();
    let here = world.dir.path().display().to_string();
    let mut cases: Vec<Vec<String>> = [
        "my.conf",
        "./my.conf",
        "noext",
        "./noext",
        "./filter.d/your.conf",
        "./filter.d/your",
        "sub/other.conf",
        "sub/loc",
        "sub/loc.local",
        "./my.conf[x=y]",
        "./my.conf[x='a b']",
        "./sub",
        "/",
        ".",
        "sshd.conf",
        "sshd.local",
        "filter.d/sshd",
        "/etc/fail2ban/filter.d/sshd",
        "sshd[mode=aggressive]",
        "sshd[mode='ddos']",
        "sshd [mode=x]",
        " sshd",
        "sshd[mode=aggressive][x=y]",
        "sshd[mode]",
        "sshd[a=b c]",
        "sshd[a=\"b\" c=d]",
        "sshd[a=b",
        "sshd[]",
        "nosuch",
        "nosuch[x=y]",
        "",
        "<HOST",
        "<HOST> (x",
        "<HOST> <HOST>",
        "sshd[logtype=journal]",
    ]
    .iter()
    .map(|regex| words(&["a.log", regex]))
    .collect();
    for path in [
        "my.conf",
        "filter.d/your.conf",
        "filter.d/your",
        "filter.d/loc.local",
        "filter.d/loc",
        "noext",
    ] {
        cases.push(words(&["a.log", &format!("{here}/{path}")]));
    }
    for filter in ["your", "your.conf", "loc", "loc.local"] {
        cases.push(words(&["-c", ".", "a.log", filter]));
    }
    cases.push(words(&["-c", "/etc/fail2ban/filter.d", "a.log", "sshd"]));
    cases.push(words(&["-c", "/nonexistent", "a.log", "sshd"]));
    for ignore in ["(x", "", "sshd", "/etc/fail2ban/filter.d/sshd.conf", "Invalid", "198"] {
        cases.push(words(&["a.log", R, ignore]));
    }
    let line = "Jun 21 16:47:49 Failed password for x from 198.51.100.7 port";
    for log in ["", "-", "nofile", "sub", line, "x\n", &format!("x\n{line}\n\n#x\n1\n2\n3\n4")] {
        cases.push(words(&[log, R]));
    }
    world.agree(&cases);
}

/// The stock filters that have a sample log.
fn samples() -> Vec<(String, String)> {
    let mut found: Vec<_> = fs::read_dir(LOGS)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| Path::new("/etc/fail2ban/filter.d").join(format!("{name}.conf")).is_file())
        .map(|name| (format!("{LOGS}/{name}"), name))
        .collect();
    found.sort();
    assert!(found.len() > 80, "{found:?}");
    found
}

#[test]
fn the_stock_filters_agree_on_their_samples() {
    const FORMS: [&[&str]; 5] = [
        &["-v", "--print-all-matched", "--print-all-missed"],
        &["-o", "row"],
        &[],
        &["-o", "<matches>|<F-*>"],
        &["--no-check-all", "-v", "--print-all-ignored"],
    ];
    let is_all = std::env::var_os("F2B_COMPAT_ALL").is_some();
    let mut cases = Vec::new();
    for (nth, (log, filter)) in samples().iter().enumerate() {
        for (_, form) in
            FORMS.iter().enumerate().filter(|(form, _)| is_all || nth % FORMS.len() == *form)
        {
            let mut case = words(form);
            case.extend(words(&["-r", log, filter]));
            cases.push(case);
        }
    }
    World::new().agree(&cases);
}

#[test]
fn a_log_of_several_chunks_is_reported_the_same() {
    let world = World::new();
    let line = |n: u32| {
        let what = match n % 7 {
            0 => format!("Failed password for root from 198.51.100.{} port 22 ssh2", n % 250),
            1 => format!("Invalid user bob{} from 203.0.113.{} port 9", n % 5, n % 200),
            _ => "pam_unix(sshd:session): session opened for user root".to_owned(),
        };
        format!(
            "Jun 21 {:02}:{:02}:{:02} host sshd[{}]: {what}\n",
            n / 3600,
            n / 60 % 60,
            n % 60,
            n / 3
        )
    };
    world.write("big.log", (0..20_000).map(line).collect::<Vec<_>>().concat());
    world.agree(&[words(&["big.log", "sshd"]), words(&["-o", "row", "big.log", "sshd"])]);
}
