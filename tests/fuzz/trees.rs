//! Configuration folders, compared jail by jail.

use std::fmt;
use std::fs;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};

use f2b::config::{Config, JailDef, options};
use f2b::diag::Severity;
use proptest::prelude::*;
use proptest::sample::select;
use serde_json::{Value, json};

use crate::oracle;
use crate::shape::{as_python, compare_actions, setting, shape, their_filter};

/// A folder: files and their text.
#[derive(Clone)]
pub(crate) struct Tree(pub(crate) Vec<(&'static str, String)>);

impl fmt::Debug for Tree {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|(path, text)| write!(f, "\n==> {path}\n{text}"))
    }
}

impl Tree {
    pub(crate) fn write(&self, dir: &Path) {
        for (path, text) in &self.0 {
            let path = dir.join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
    }
}

/// What a kind of file may have.
struct Grammar {
    sections: &'static [&'static str],
    options: &'static [&'static str],
    pieces: &'static [&'static str],
    /// Whole lines that make the rest matter.
    useful: &'static [&'static str],
}

/// Jails that both programs load.
pub(crate) static COMPARED: AtomicU64 = AtomicU64::new(0);

const PLAIN: &[&str] = &["a", "b c", "1", "x=y", "\"q\"", "[z]", "é", "a:b", "7", "-", "w,v"];
const JAIL: Grammar = Grammar {
    sections: &["j1", "j2", "DEFAULT", "j3"],
    options: &[
        "xx",
        "yy",
        "zz",
        "port",
        "mode",
        "banaction",
        "usedns",
        "ignoreip",
        "logencoding",
        "datepattern",
        "prefregex",
        "failregex",
        "ignoreregex",
        "XX",
        "j1",
        "action_",
    ],
    pieces: &[
        "%(xx)s",
        "%(yy)s",
        "%(zz)s",
        "%(port)s",
        "%(known/xx)s",
        "%(known/failregex)s",
        "%(default/xx)s",
        "%(j1/yy)s",
        "%(j2/xx)s",
        "%(__name__)s",
        "%%",
        "<known/port>",
        "<mode>",
        "<HOST>",
        "<F-USER>u</F-USER>",
        "%(known/word)s",
        "%(XX)s",
        "%(known/yy)s",
        "%(mode)s",
    ],
    useful: &[
        "filter = f",
        "filter = f[mode=%(mode)s]",
        "filter = j1[word=\"a, b\", other='<known/other>']",
        "filter = %(__name__)s",
        "filter = f[word=1][mode=b, re-b=<word>]",
        "failregex = ^%(known/failregex)s\n  <HOST>",
        "maxretry = 4",
        "findtime = 5m",
        "bantime = 1h ; long",
        "logpath = /tmp/x\n  /tmp/y tail",
        "action = a[port=\"%(port)s\"] b",
        "action = a[name=n1]\n  a[name=%(__name__)s-x, word='<known/word>']",
        "action = %(action_)s",
        "mode = a",
        "mode = b",
        "action = b[chain=\"<known/chain>\", port=1,\n  word=<port>]",
        "backend = systemd",
        "maxlines = 3",
        "port = 22",
        "maxmatches = %(maxretry)s",
        "action_ = %(banaction)s[name=%(__name__)s]",
        "banaction = a",
        "banaction = b[word=3]",
    ],
};
const FILTER: Grammar = Grammar {
    sections: &["Definition", "Init", "DEFAULT", "lt_file", "lt_x"],
    options: &[
        "failregex",
        "ignoreregex",
        "prefregex",
        "mode",
        "re-a",
        "re-b",
        "word",
        "other",
        "datepattern",
        "pre",
        "host",
        "Word",
        "addr",
    ],
    pieces: &[
        "%(word)s",
        "%(other)s",
        "<word>",
        "<other>",
        "<re-<mode>>",
        "<mode>",
        "<known/word>",
        "<lt_<logtype>/pre>",
        "<HOST>",
        "(?P<mode>x)",
        "%(known/failregex)s",
        "<lt_x/word>",
        "%(lt_file/pre)s",
        "%(known/word)s",
        "<Word>",
        "<ADDR>",
        "<pre>",
        "<re-a>",
        "<logtype>",
        "<default/word>",
        "<Definition/word>",
        "<Init/other>",
        "%%",
        "%(known/other)s",
        "<.*:>",
        "<[^>]+>",
        "< word>",
        "<word",
        "%(mode)s",
    ],
    useful: &[
        "failregex = ^<HOST>",
        "failregex = ^<word> <HOST>\n  <re-<mode>>",
        "mode = a",
        "re-a = a<word>",
        "re-b = b%(word)s",
        "word = W",
        "other = O",
        "pre = P",
        "maxlines = 2",
        "before = common.conf",
    ],
};
const ACTION: Grammar = Grammar {
    sections: &["Definition", "Init", "DEFAULT", "Init?family=inet6"],
    options: &[
        "actionban",
        "actionunban",
        "actionstart",
        "port",
        "chain",
        "name",
        "word",
        "blocktype",
        "timeout",
    ],
    pieces: &[
        "<ip>",
        "<port>",
        "<chain>",
        "<name>",
        "<actname>",
        "<known/port>",
        "<word>",
        "<bantime>",
        "<matches>",
        "<blocktype>",
        "<Init/port>",
        "%(word)s",
        "<F-USER>",
        "<ip-<word>>",
        "<known/word>",
        "%(port)s",
        "<family>",
        "<Definition/word>",
        "$(x)",
        "%%",
    ],
    useful: &[
        "actionban = run <ip> <word>",
        "port = 1",
        "chain = C",
        "word = W",
        "blocktype = R",
        "actionunban = <actionban>",
    ],
};

fn value(grammar: &'static Grammar) -> impl Strategy<Value = String> {
    let piece = prop_oneof![2 => select(PLAIN), 3 => select(grammar.pieces)];
    let piece =
        (piece, select(&["", " ", ""][..])).prop_map(|(piece, blank)| format!("{piece}{blank}"));
    prop::collection::vec(piece, 0..4).prop_map(|pieces| pieces.concat())
}

/// An option as it may be laid out.
fn option(grammar: &'static Grammar) -> impl Strategy<Value = String> {
    let layout = select(&[" = ", "=", ": ", " =", "= ", " = ", " = "][..]);
    let more = prop::collection::vec(
        prop_oneof![
            6 => value(grammar).prop_map(|value| format!("  {value}\n")),
            1 => Just("\n".to_owned()),
            1 => Just("# note\n".to_owned()),
            1 => Just("  ; note\n".to_owned()),
            1 => value(grammar).prop_map(|value| format!("\t{value} ; said\n")),
        ],
        0..3,
    );
    (
        select(grammar.options),
        layout,
        value(grammar),
        select(&["", "", "", " ; why", " # why", "  "][..]),
        more,
    )
        .prop_map(|(name, layout, value, end, more)| {
            format!("{name}{layout}{value}{end}\n{}", more.concat())
        })
}

/// A section, with each option once: twice is an error of the whole file, which has its own tests.
fn section(name: &'static str, grammar: &'static Grammar) -> impl Strategy<Value = String> {
    let useful = select(grammar.useful).prop_map(|line| format!("{line}\n"));
    let lines = prop_oneof![2 => useful, 3 => option(grammar)];
    prop::collection::vec(lines, 0..5).prop_map(move |options| {
        let mut text = format!("[{name}]\n");
        let mut seen: Vec<String> = Vec::new();
        for option in options {
            let key = option.split(['=', ':']).next().unwrap().trim().to_lowercase();
            if !seen.contains(&key) {
                text += &option;
                seen.push(key);
            }
        }
        text
    })
}

/// A file with some of the sections that its grammar has; `head` is always there.
fn file(head: &'static str, grammar: &'static Grammar) -> impl Strategy<Value = String> {
    let sections: Vec<_> = grammar
        .sections
        .iter()
        .map(|name| prop::option::weighted(0.5, section(name, grammar)))
        .collect();
    sections.prop_map(move |sections| {
        let text: Vec<String> = sections.into_iter().flatten().collect();
        format!("{head}{}", text.concat())
    })
}

fn optional(
    path: &'static str,
    head: &'static str,
    grammar: &'static Grammar,
) -> impl Strategy<Value = Option<(&'static str, String)>> {
    prop::option::weighted(0.4, file(head, grammar))
        .prop_map(move |text| text.map(|text| (path, text)))
}

fn always(
    path: &'static str,
    head: &'static str,
    grammar: &'static Grammar,
) -> impl Strategy<Value = Option<(&'static str, String)>> {
    file(head, grammar).prop_map(move |text| Some((path, text)))
}

/// What makes most jails usable.
pub(crate) const BASE: [(&str, &str); 2] = [
    ("base.conf", "[DEFAULT]\nfilter = f\naction = a\n"),
    ("filter.d/base.conf", "[Definition]\nfailregex = ^base <HOST>$\n"),
];

/// A folder with jails, filters and actions that name each other.
pub(crate) fn tree() -> impl Strategy<Value = Tree> {
    let jails = (
        always("jail.conf", "[INCLUDES]\nbefore = base.conf\n  paths.conf\n", &JAIL),
        optional("paths.conf", "", &JAIL),
        optional("jail.d/a.conf", "", &JAIL),
        optional("jail.local", "", &JAIL),
        optional("jail.d/b.local", "[INCLUDES]\nafter = ../paths.conf\n", &JAIL),
    );
    let filters = (
        always("filter.d/f.conf", "[INCLUDES]\nbefore = base.conf\n  common.conf\n", &FILTER),
        optional("filter.d/f.local", "", &FILTER),
        optional("filter.d/common.conf", "", &FILTER),
        optional("filter.d/common.local", "", &FILTER),
        always("filter.d/j1.conf", "[INCLUDES]\nafter = f.conf\n", &FILTER),
    );
    let actions = (
        always("action.d/a.conf", "", &ACTION),
        optional("action.d/a.local", "", &ACTION),
        always("action.d/b.conf", "[INCLUDES]\nbefore = a.conf\n", &ACTION),
    );
    (jails, filters, actions).prop_map(|(j, f, a)| {
        let all = [j.0, j.1, j.2, j.3, j.4, f.0, f.1, f.2, f.3, f.4, a.0, a.1, a.2];
        Tree(
            BASE.iter()
                .map(|(path, text)| (*path, (*text).to_owned()))
                .chain(all.into_iter().flatten())
                .collect(),
        )
    })
}

/// What fail2ban refuses and f2b means: documented in docs/differences.md.
fn is_beyond_fail2ban(error: &str) -> bool {
    // An option that quotes what it was before in more than one file, and names in capitals.
    let known = [
        "Recursion limit exceeded",
        "interpolation key",
        // A percent sign in a filter's text that a jail quotes.
        "InterpolationSyntaxError: '%' must be followed",
        "InterpolationSyntaxError: bad interpolation variable reference '%(?P",
        // A jail that quotes what its filter doesn't have.
        "TypeError: argument of type 'NoneType'",
        // A circle of tags that nothing uses; f2b says so where something does.
        "self referencing definitions",
    ];
    known.iter().any(|text| error.contains(text))
}

/// Compares the jails of a tree.
pub(crate) fn compare(tree: &Tree) -> Result<(), String> {
    let dir = tempfile::tempdir().unwrap();
    tree.write(dir.path());
    let theirs = oracle::ask(&json!({ "tree": dir.path() }));
    let config = Config::open(dir.path()).unwrap();
    if theirs["hangs"] == true {
        // Nothing to compare with, but f2b must come back.
        config
            .jail_names()
            .value
            .unwrap_or_default()
            .iter()
            .for_each(|name| drop(config.jail(name)));
        return Ok(());
    }
    let names = config.jail_names().value;
    if let Some(error) = theirs["error"].as_str() {
        return match names {
            Some(_) if !is_beyond_fail2ban(error) => {
                Err(format!("fail2ban can't read it: {error}"))
            }
            _ => Ok(()),
        };
    }
    let order: Vec<&str> =
        theirs["order"].as_array().unwrap().iter().map(|n| n.as_str().unwrap()).collect();
    let Some(names) = names else { return Err("only f2b can't read it".to_owned()) };
    if names != order {
        return Err(format!("{names:?} are jails, to fail2ban {order:?}"));
    }
    order.iter().try_for_each(|name| jail(&config, name, &theirs["jails"][name]))
}

/// A jail that fail2ban's reader, which is asked here, gives on to a server that wouldn't start it.
fn refused_by_the_server(config: &Config, name: &str) -> Option<JailDef> {
    let draft = config.draft(name).ok()?;
    let mut errors = draft.findings.iter().filter(|found| found.severity == Severity::Error);
    errors.all(|found| found.id == "unknown-encoding").then_some(draft.jail)
}

fn jail(config: &Config, name: &str, theirs: &Value) -> Result<(), String> {
    let loaded = config.jail(name);
    if let Some(error) = theirs["error"].as_str() {
        let is_wrong = loaded.findings.iter().any(|found| found.severity == Severity::Error);
        return match loaded.value {
            Some(_) if !is_wrong && !is_beyond_fail2ban(error) => {
                Err(format!("{name} is no jail to fail2ban: {error}"))
            }
            _ => Ok(()),
        };
    }
    let their_filter = their_filter(theirs);
    let Some(ours) = loaded.value.or_else(|| refused_by_the_server(config, name)) else {
        // fail2ban overlooks some circles and leaves their tags in the text.
        let is_circle = loaded.findings.iter().any(|found| found.id == "self-reference");
        let lacks = is_circle || !their_filter.contains_key("failregex");
        let said =
            format!("{name} is no jail to f2b: {:?}\nto fail2ban {theirs:#}", loaded.findings);
        return if lacks { Ok(()) } else { Err(said) };
    };
    for (option, value) in theirs["options"].as_object().unwrap() {
        let value = value.as_str().unwrap();
        let default = || options::named(option).map(|option| option.default);
        let found = setting(&ours, option).or_else(default).map(|ours| as_python(ours, value));
        if option != "enabled" && found != Some(value) {
            return Err(format!("{option} of {name} is {found:?}, to fail2ban {value:?}"));
        }
    }
    let mut filter = shape(&ours.filter);
    filter.remove("usedns");
    if filter != their_filter {
        return Err(format!("filter of {name} is {filter:#?}, to fail2ban {their_filter:#?}"));
    }
    compare_actions(&ours, &theirs["actions"])
        .map_err(|why| format!("{why}\n{:?}", loaded.findings))?;
    COMPARED.fetch_add(1, Ordering::Relaxed);
    Ok(())
}
