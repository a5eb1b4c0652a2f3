//! What the generators found, made small: each was read differently once.

use std::fmt::Write as _;

use crate::logs::{self, Case};
use crate::trees::{self, Tree};

/// Files of a folder beside those that every tree has, in which `filter = f` and `action = a` are the defaults.
fn tree(files: &[(&'static str, &str)]) {
    let base = trees::BASE.iter().copied();
    let plain = [
        ("filter.d/f.conf", "[INCLUDES]\nbefore = base.conf\n"),
        ("jail.conf", "[INCLUDES]\nbefore = base.conf\n[j]\n"),
        ("action.d/a.conf", "[Definition]\nactionban = run <ip>\n"),
    ];
    let is_given = |path: &str| files.iter().any(|(given, _)| *given == path);
    let plain = plain.into_iter().filter(|(path, _)| !is_given(path));
    let all = base.chain(plain).chain(files.iter().copied());
    let tree = Tree(all.map(|(path, text)| (path, text.to_owned())).collect());
    assert_eq!(trees::compare(&tree), Ok(()), "{tree:?}");
}

fn log(definition: &str, lines: &[&str]) {
    let case = Case {
        definition: format!("{definition}\n"),
        filter: "made".to_owned(),
        options: Vec::new(),
        lines: lines.iter().map(|line| format!("Aug 14 11:00:00 {line}")).collect(),
    };
    assert_eq!(logs::compare(&case), Ok(()), "{case:?}");
}

#[test]
fn a_filter_without_a_definition_defines_nothing() {
    tree(&[("filter.d/f.conf", "[DEFAULT]\nfailregex = ^<HOST>\n")]);
}

#[test]
fn an_init_of_the_filter_stays_beside_the_jails_own() {
    let jail = "[INCLUDES]\nbefore = base.conf\n[j]\nfailregex = ^j <HOST>\njournalmatch = _X=j\nmaxlines = 3\n\
                prefregex = j\ndatepattern = J\n";
    let init = "[INCLUDES]\nbefore = base.conf\n[Init]\nfailregex = ^i <HOST>\njournalmatch = _X=i\nmaxlines = 5\n\
                prefregex = i\ndatepattern = I\n";
    tree(&[("jail.conf", jail), ("filter.d/f.conf", init)]);
}

#[test]
fn a_jail_reads_its_filter_twice() {
    let filter = "[DEFAULT]\nword = D\n[Definition]\nfailregex = %(known/word)s <known/word> %(word)s <HOST>\n\
                  ignoreregex = <ADDR>\naddr = %(word)s\n[Init]\nword = I\n";
    let jail =
        "[INCLUDES]\nbefore = base.conf\n[j]\n[k]\nfilter = f[word=p]\n[l]\nfilter = f[other=p]\n";
    tree(&[("filter.d/f.conf", filter), ("jail.conf", jail)]);
}

#[test]
fn a_place_that_is_named_sees_what_init_says() {
    let filter = "[DEFAULT]\nother = %(known/word)s\n[Definition]\nfailregex = <Init/other><HOST>\nword =\n[Init]\nword = W\n";
    tree(&[("filter.d/f.conf", filter)]);
    let filter = "[INCLUDES]\nbefore = base.conf\n[DEFAULT]\nother = %(known/word)s\n[Definition]\nword =\n[Init]\nword = W\nignoreregex =\n  <Init/other>\n";
    tree(&[("filter.d/f.conf", filter)]);
    let filter = "[DEFAULT]\nother = %(word)s\n[Definition]\nfailregex = <Init/other><HOST>\nword = D\n[Init]\nword = W\n";
    tree(&[("filter.d/f.conf", filter)]);
}

#[test]
fn a_file_that_is_merged_twice_comes_before_itself() {
    tree(&[
        ("jail.conf", "[INCLUDES]\nbefore = base.conf\n[j]\nfilter = j\n"),
        ("filter.d/j.conf", "[INCLUDES]\nbefore = f.conf\n  common.conf\n"),
        ("filter.d/f.conf", "[INCLUDES]\nbefore = base.conf\n  common.conf\n"),
        (
            "filter.d/common.local",
            "[DEFAULT]\nother = %(known/word)s\n[Init]\nword = W\nignoreregex = <Init/other>\n",
        ),
    ]);
}

#[test]
fn a_former_value_has_the_defaults_behind_it_once_there_is_one() {
    let jail = "[INCLUDES]\nbefore = base.conf\n[j]\nfilter = f[other='<known/other>']\n";
    let one = "[DEFAULT]\nother =\n[Definition]\nfailregex = x%(other)s\nother = O\n";
    tree(&[("jail.conf", jail), ("filter.d/f.conf", one)]);
    tree(&[
        ("jail.conf", jail),
        ("filter.d/f.conf", one),
        ("filter.d/f.local", "[Definition]\nx = 1\n"),
    ]);
}

#[test]
fn a_circle_beside_what_is_needed_spoils_the_filter() {
    tree(&[(
        "filter.d/f.conf",
        "[INCLUDES]\nbefore = base.conf\n[Definition]\na = <b>\nb = <a>\n",
    )]);
    tree(&[("filter.d/f.conf", "[INCLUDES]\nbefore = base.conf\n[DEFAULT]\na = %(nothing/x)s\n")]);
    tree(&[("action.d/a.conf", "[Definition]\nport = %(word)s\nactionban = run\n")]);
    for port in ["<known/port>", "<Init/port>"] {
        let action = format!("[Init]\nport = {port}\n[Init?family=inet6]\nport = 1\n");
        tree(&[("action.d/a.conf", &action)]);
    }
}

#[test]
fn tags_that_double_without_end_are_an_error() {
    let mut filter = "[Definition]\nfailregex = <t0> <HOST>\n".to_owned();
    for n in 0..30 {
        writeln!(filter, "t{n} = <t{}><t{}>", n + 1, n + 1).unwrap();
    }
    tree(&[("filter.d/f.conf", &(filter + "t30 = z\n"))]);
}

#[test]
fn what_depends_on_the_family_waits_for_the_ban() {
    tree(&[(
        "action.d/a.conf",
        "[Init]\nactionstart = <name>\n[Init?family=inet6]\nactionstart =\n",
    )]);
    let action =
        "[Definition]\nactionban = do <port> <other>\nother = a<port>b\n[Init]\nport = 4\n";
    for variant in [
        "[Init?family=inet6]\nport = 6\n",
        "[Definition?family=inet6]\nactionban = six\nport = 6\n",
        "[DEFAULT?family=inet6]\nport = 6\n",
        "port?family=inet6 = 6\n",
    ] {
        tree(&[("action.d/a.conf", &format!("{action}{variant}"))]);
    }
}

#[test]
fn quoted_parameters_are_trimmed() {
    let jail = "[INCLUDES]\nbefore = base.conf\n[j]\nport = %(none)s\n  [z]\nnone =\naction = a[port=\"%(port)s\"]\n";
    tree(&[("jail.conf", jail)]);
}

#[test]
fn an_address_is_what_fail2ban_takes_for_one() {
    log(
        "failregex = <HOST>",
        &["2001:db8::/33", "::ffff:c000:201", ":5", "1::2::3", "::ffff:192.0.2.9"],
    );
    log("failregex = <DNS><ADDR>\n  <HOST>", &["::ffff:192.0.2.9"]);
}

#[test]
fn the_address_beside_an_id_is_kept() {
    log(
        "failregex = <F-ID>\\w+</F-ID> <HOST>",
        &["abc 192.0.2.1", "x [2001:DB8::1]", "y host.example", "1 1"],
    );
}

#[test]
fn access_is_gained_by_a_connection_only() {
    let line = "(?:<F-MLFGAINED>in</F-MLFGAINED>)?<HOST>";
    log(&format!("failregex = {line}"), &["in192.0.2.1"]);
    log(
        &format!("failregex = <F-MLFID>\\d</F-MLFID>{line}"),
        &["1 192.0.2.1", "1in192.0.2.1", "1192.0.2.1"],
    );
}

#[test]
fn a_connection_that_ends_at_once_has_no_users() {
    let line =
        "<F-MLFID>\\d</F-MLFID> <F-USER>\\w+</F-USER> (?:<F-MLFFORGET>gone</F-MLFFORGET>)? ?<ADDR>";
    log(
        &format!("failregex = {line}"),
        &["1 root gone 192.0.2.1", "2 root 192.0.2.1", "2 bob gone 192.0.2.1"],
    );
}

#[test]
fn a_match_that_begins_with_a_lines_end_leaves_that_line() {
    let lines = ["192.0.2.1", "192.0.2.2", "a b192.0.2.3", "192.0.2.4", "x"];
    for regex in [
        "<SKIPLINES>[^:]*<HOST>",
        "\\n.*<ADDR>",
        "\\n(?=.*<ADDR>)",
        "\\n(?=.*<ADDR>)\\n?",
        "(?=<ADDR>)",
        "^(?=.*<ADDR>)",
        "(?=\\n<ADDR>)",
        "$(?=\\n.*<ADDR>)",
        "<ADDR>\\n",
        "<ADDR>\\n\\D",
    ] {
        for maxlines in [2, 3] {
            log(&format!("failregex = {regex}\nmaxlines = {maxlines}"), &lines);
        }
    }
}

#[test]
fn a_former_value_quotes_former_values() {
    for other in ["other =\n", "other = new\n", ""] {
        tree(&[
            ("jail.conf", "[INCLUDES]\nbefore = base.conf\n[j]\nfilter = j[other=P]\n"),
            ("filter.d/common.local", "[Definition]\nword = %(other)s-%(xx)s\nxx = X\n"),
            (
                "filter.d/f.conf",
                "[INCLUDES]\nbefore = base.conf\n  common.conf\n[Definition]\nword = W\nfailregex = <known/word>\nxx = Y\n",
            ),
            ("filter.d/f.local", "[DEFAULT]\nother = O\n"),
            ("filter.d/j.conf", &format!("[INCLUDES]\nafter = f.conf\n[Definition]\n{other}")),
        ]);
    }
}

#[test]
fn groups_that_help_others() {
    let lines =
        ["u=bob d=dom 192.0.2.1", "u=o'neil d=\"x\" 192.0.2.1", "v=x d=y 192.0.2.1", "u=bob d= 1"];
    for regex in [
        "u=<F-USER>\\S+</F-USER> d=<F-TUPLE_USER>\\S+</F-TUPLE_USER> <HOST>",
        "u=<F-USER>\\S+</F-USER> d=(?:<F-TUPLE_USER_1>d\\w+</F-TUPLE_USER_1>)?.* <HOST>",
        "u=<F-TUPLE_X_2>\\S+</F-TUPLE_X_2> d=<F-TUPLE_X_10>\\S*</F-TUPLE_X_10> <HOST>",
        "u=<F-ID>\\S+</F-ID> d=<F-TUPLE_ID>\\S*</F-TUPLE_ID>",
        "u=<F-ID>\\S+</F-ID> d=<F-TUPLE_FID>\\S*</F-TUPLE_FID> <ADDR>",
        "(?:u=<F-ID>\\S+</F-ID>|v=<F-ALT_ID>\\S+</F-ALT_ID>) d",
        "(?:u=<F-PORT>\\S+</F-PORT>|v=<F-ALT_PORT_1>\\S+</F-ALT_PORT_1>) d.*<ADDR>",
        "<F-MLFID>[uv]</F-MLFID>=<F-USER>\\S+</F-USER> d=<F-TUPLE_USER>\\S*</F-TUPLE_USER> <ADDR>",
    ] {
        log(&format!("failregex = {regex}"), &lines);
    }
}

#[test]
fn the_width_of_a_network_is_that_of_its_text() {
    let hosts = ["::ffff:c000:20124", "::ffff:192.0.2.1120", "192.0.2.133", "2001:db8::129"];
    log("failregex = <HOST><CIDR>", &hosts);
}

#[test]
fn an_address_beside_a_tuple() {
    log("failregex = <HOST><F-TUPLE_ID>\\w*</F-TUPLE_ID>", &["Aug 14 11:00:00 192.0.2.1tid"]);
}

#[test]
fn patterns_with_dates_of_any_form() {
    let lines = [
        "[1124010012] 192.0.2.1",
        "@4000000042ff0d0600000000 192.0.2.1",
        "2005-08-14 04:49:49.123456 192.0.2.1",
        "2005.08.14 11:54:48.123456 +0200; 192.0.2.1",
        "<08/14/05@11:00:11> 192.0.2.1",
    ];
    for pattern in ["^{DATE}", "{DATE}", "{^LN-BEG}{DATE}", "^{date}", "^<?{DATE}>?"] {
        log(&format!("failregex = <HOST>$\ndatepattern = {pattern}"), &lines);
    }
}

#[test]
fn corners_of_pythons_expressions() {
    let lines = [
        "x 192.0.2.1",
        "X 192.0.2.2",
        "yx 192.0.2.3",
        "é 192.0.2.4",
        "٣ 192.0.2.5",
        " 192.0.2.6",
        "a~ 192.0.2.7",
    ];
    for regex in [
        "(?!y)+x <HOST>",
        "^(?=x)*x <HOST>",
        "^(?:(?!y))++x <HOST>",
        "^(?:(?<=k))?x <HOST>",
        "^(y)?(?=(x))??x <HOST>",
        "(?a)^\\w <HOST>",
        "(?ai)^x <HOST>",
        "^(?a:\\w) <HOST>",
        "^(?a:[\\d]|y)?\\w? <HOST>",
        "(?i)(?m)^x <HOST>$",
        "(?x)^x\\ <HOST> # it (is",
        "^(y)?(?(1)) ?<HOST>",
        "^(y)?(?(1)x) ?<HOST>",
        "a(?#x\\)y(?P<t>.*)~ <HOST>",
    ] {
        log(&format!("failregex = {regex}"), &lines);
    }
}

#[test]
fn what_a_filter_sees_of_its_jail() {
    for (brackets, filter) in [
        ("", "[DEFAULT]\nmaxretry=1\n[Definition]\nfailregex = ^x <maxretry> <findtime> <HOST>\n"),
        ("", "[Definition]\nmaxretry=1\nfailregex = ^x %(maxretry)s <maxretry> <HOST>\n"),
        ("", "[Definition]\nfailregex = ^x <Backend> <enabled> <filter> %(backend)s <HOST>\n"),
        ("", "[Definition]\nfailregex = ^(?P<action>\\w+) <HOST>\n"),
        ("[Mode=3]", "[Definition]\nmode=n\nfailregex = ^x <mode> <MODE> %(mode)s <HOST>\n"),
        ("[MODE=3,mode=4]", "[Init]\nmode=1\n[Definition]\nfailregex = ^x <mode> <Mode> <HOST>\n"),
        ("[failregex=\"^p <HOST>\",maxlines=2,usedns=no]", "[Definition]\nfailregex = ^f <HOST>\n"),
        ("", "[Init]\nusedns = no\n[Definition]\nfailregex = ^f <HOST>\n"),
    ] {
        let jail = format!(
            "[j]\nfilter = f{brackets}\nfailregex =\nmaxretry = 7\nfindtime = 9\nmaxlines = 5\nusedns = raw\n"
        );
        for jail in [
            jail.replace("failregex =\n", ""),
            jail.replace("failregex =", "failregex = ^j <HOST>"),
        ] {
            tree(&[("jail.conf", &jail), ("filter.d/f.conf", filter)]);
        }
    }
}

#[test]
fn context_without_an_id_makes_no_failure_of_other_context() {
    let id = "^ ?s\\[<F-MLFID>\\w+</F-MLFID>\\]:";
    for first in ["<F-NOFAIL>ok</F-NOFAIL>", "<F-MLFGAINED>ok</F-MLFGAINED>", "ok"] {
        let definition = format!(
            "failregex = {id} {first}\n            {id} <F-NOFAIL>conn</F-NOFAIL> from <HOST>\n            {id} bad$"
        );
        log(&definition, &["s[3]: ok", "s[3]: conn from 192.0.2.1"]);
        log(&definition, &["s[3]: ok", "s[3]: conn from 192.0.2.1", "s[3]: bad", "s[3]: ok"]);
        log(&definition, &["s[3]: ok", "s[3]: bad", "s[3]: conn from 192.0.2.1", "s[3]: bad"]);
    }
}
