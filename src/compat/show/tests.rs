use super::*;

fn text(text: &str) -> Value {
    Value::from(text)
}

fn list(members: &[&str]) -> Value {
    Value::List(members.iter().map(|member| text(member)).collect())
}

fn pair(name: &str, value: Value) -> Value {
    Value::Tuple(vec![text(name), value])
}

#[track_caller]
fn shows(line: &str, value: Value, expected: &str) {
    let words: Vec<_> = line.split(' ').map(str::to_owned).collect();
    let whole = Value::Tuple(vec![0.into(), value]);
    let expected = Shown { text: Some(expected.to_owned()), error: None };
    assert_eq!(reply(&words, &whole, true), expected, "{line}");
}

fn refused(module: &str, class: &str, args: Vec<Value>) -> Shown {
    let exception = Value::Exception { module: module.to_owned(), class: class.to_owned(), args };
    reply(&["x".to_owned()], &Value::Tuple(vec![1.into(), exception]), true)
}

fn of_jail(banned: &[&str]) -> Value {
    Value::List(vec![
        pair(
            "Filter",
            Value::List(vec![
                pair("Currently failed", 1.into()),
                pair("Total failed", 3.into()),
                pair("File list", list(&["/a", "/b"])),
            ]),
        ),
        pair(
            "Actions",
            Value::List(vec![
                pair("Currently banned", 2.into()),
                pair("Total banned", 6.into()),
                pair("Banned IP list", list(banned)),
            ]),
        ),
    ])
}

#[test]
fn what_is_shown_goes_by_the_words() {
    for (line, value, expected) in [
        ("ping", text("pong"), "Server replied: pong"),
        ("version", text("1.0.2"), "1.0.2"),
        ("start j", Value::None, "Jail started"),
        ("stop", Value::None, "Shutdown successful"),
        ("stop j", Value::None, "Jail stopped"),
        ("add j", text("j"), "Added jail j"),
        ("flushlogs", text("rolled over"), "logs: rolled over"),
        ("echo loglevel logpath", list(&["loglevel", "logpath"]), "loglevel logpath"),
        ("get loglevel", text("INFO"), "Current logging level is 'INFO'"),
        ("set logtarget /x", text("/x"), "Current logging target is:\n`- /x"),
        ("get syslogsocket", text("auto"), "Current syslog socket is:\n`- auto"),
        ("get dbfile", Value::None, "Database currently disabled"),
        ("get dbfile", text("/d"), "Current database file is:\n`- /d"),
        ("get dbpurgeage", 86400.into(), "Current database purge age is:\n`- 86400seconds"),
        ("get j logpath", list(&[]), "No file is currently monitored"),
        ("set j addlogpath /a", list(&["/a"]), "Current monitored log file(s):\n`- /a"),
        ("get j logencoding", text("UTF-8"), "Current log encoding is set to:\nUTF-8"),
        ("get j journalmatch", Value::List(vec![list(&["A=x", "B=y"]), list(&["C=z"])]), {
            "Current match filter:\nA=x B=y + C=z"
        }),
        ("get j datepattern", Value::None, "Current date pattern set to: Not set/required"),
        ("get j datepattern", Value::Tuple(vec![Value::None, text("Default Detectors")]), {
            "Current date pattern set to: Default Detectors"
        }),
        ("get j datepattern", Value::Tuple(vec![text("%Y"), text("Year")]), {
            "Current date pattern set to: %Y (Year)"
        }),
        ("get j ignoreip", list(&["::1", "10.0.0.0/8"]), {
            "These IP addresses/networks are ignored:\n|- ::1\n`- 10.0.0.0/8"
        }),
        ("set j delfailregex 0", list(&["a", "b"]), {
            "The following regular expression are defined:\n|- [0]: a\n`- [1]: b"
        }),
        ("get j actions", list(&[]), "No actions for jail j"),
        ("get j actions", list(&["a", "b"]), "The jail j has the following actions:\na, b"),
        ("get j actionmethods a", list(&["x", "y"]), {
            "The jail j action a has the following methods:\nx, y"
        }),
        ("get j actionproperties a", list(&[]), "No properties for jail j action a"),
        ("get j banip", list(&["1", "2"]), "1 2"),
        ("get j banip ,", list(&["1", "2"]), "1,2"),
        ("get j banip --with-time", list(&["1", "2"]), "1\n2"),
        ("set j banip 1 2", 2.into(), "2"),
        ("get j banned", list(&["1"]), "['1']"),
        ("set j bantime 5", 5.into(), "5"),
        ("get dbmaxmatches failregex", 10.into(), "10"),
    ] {
        shows(line, value, expected);
    }
}

#[test]
fn status_is_a_tree() {
    let server =
        Value::List(vec![pair("Number of jail", 2.into()), pair("Jail list", text("a, b"))]);
    shows("status", server.clone(), "Status\n|- Number of jail:\t2\n`- Jail list:\ta, b");
    let expected = "\
Status for the jail: j
|- Filter
|  |- Currently failed:\t1
|  |- Total failed:\t3
|  `- File list:\t/a /b
`- Actions
   |- Currently banned:\t2
   |- Total banned:\t6
   `- Banned IP list:\t";
    shows("status j", of_jail(&[]), expected);
    shows("status j", of_jail(&["::1", "x"]), &format!("{expected}::1 x"));

    let Value::List(mut all) = server else { unreachable!() };
    all.push(Value::Dict(vec![(text("a"), of_jail(&[])), (text("b"), of_jail(&[]))]));
    let expected = "\
Status
|- Number of jail:\t2
|- Jail list:\ta, b
`- Status for the jails:
   |- Jail: a
   |  |- Filter
   |  |  |- Currently failed:\t1
   |  |  |- Total failed:\t3
   |  |  `- File list:\t/a /b
   |  `- Actions
   |     |- Currently banned:\t2
   |     |- Total banned:\t6
   |     `- Banned IP list:\t
   `- Jail: b
      |- Filter
      |  |- Currently failed:\t1
      |  |- Total failed:\t3
      |  `- File list:\t/a /b
      `- Actions
         |- Currently banned:\t2
         |- Total banned:\t6
         `- Banned IP list:\t";
    shows("status --all", Value::List(all), expected);
}

#[test]
fn stats_is_a_table() {
    let jail = |failed: (i64, i64), banned: (i64, i64)| {
        let numbers = |(a, b): (i64, i64)| Value::Tuple(vec![a.into(), b.into()]);
        Value::List(vec![text("polling"), numbers(failed), numbers(banned)])
    };
    let jails = vec![(text("j1"), jail((0, 0), (0, 0))), (text("j2"), jail((2, 12), (8, 8)))];
    shows(
        "stats",
        Value::Dict(jails.clone()),
        "          ║          ║ Filter    ║ Actions  \n \
         Jail     ║ Backend  ╟───────────╫───────────\n          \
         ║          ║ cur │ tot ║ cur │ tot\n\
         ══════════╬══════════╬═══════════╬═══════════\n \
         j1       ║ polling  ║   0 │   0 ║   0 │   0\n \
         j2       ║ polling  ║   2 │  12 ║   8 │   8\n\
         ══════════╩══════════╩═══════════╩═══════════",
    );
    shows("stats", Value::Dict(vec![]), "No jails found.");
    let stats = Value::Tuple(vec![0.into(), Value::Dict(jails)]);
    let ascii = reply(&["stats".to_owned()], &stats, false).text.unwrap();
    assert!(ascii.is_ascii(), "{ascii}");
}

#[test]
fn a_refusal_is_shown_on_both_outputs() {
    for (class, args, shown, logged) in [
        (
            "UnknownJailException",
            vec![text("x")],
            "Sorry but the jail 'x' does not exist",
            "('x',)",
        ),
        ("DuplicateJailException", vec![text("x")], "The jail 'x' already exists", "('x',)"),
        (
            "IndexError",
            vec![text("list index out of range")],
            "Sorry but the command is invalid",
            { "('list index out of range',)" },
        ),
        ("Exception", vec![text("Invalid command")], "Invalid command", "('Invalid command',)"),
        ("KeyError", vec![text("a")], "'a'", "('a',)"),
    ] {
        let expected =
            Shown { text: Some(shown.to_owned()), error: Some(format!("NOK: {logged}")) };
        assert_eq!(refused("builtins", class, args), expected);
    }
}

#[test]
fn what_is_no_reply_is_shown_as_it_is() {
    for (value, said) in [(text("ERROR: no"), "ERROR: no"), (list(&["SHUTDOWN"]), "SHUTDOWN")] {
        let expected = Shown { text: None, error: Some(said.to_owned()) };
        assert_eq!(reply(&["x".to_owned()], &value, true), expected);
    }
}
