use super::*;
use crate::config::{FilterDef, UseDns};
use crate::model::{Addr, Host};

fn filter_of(failregex: &[&str], prefregex: Option<&str>, ignoreregex: &[&str]) -> Filter {
    let text = |value: &str| FilterDef::literal(value).failregex.remove(0);
    let mut def = FilterDef::literal(failregex[0]);
    def.failregex = failregex.iter().map(|value| text(value)).collect();
    def.prefregex = prefregex.map(text);
    def.ignoreregex = ignoreregex.iter().map(|value| text(value)).collect();
    Filter::compile(&def, &CompileOptions { usedns: UseDns::Raw, maxlines: 1, raw: false })
        .expect("compiles")
}

fn addr(text: &str) -> Id {
    Id::Addr(text.parse::<Addr>().expect("an address"))
}

#[test]
fn the_first_failregex_that_matches_is_the_hit() {
    let filter = filter_of(&["^ a <HOST>$", "b <HOST>$", "<HOST>$"], None, &[]);
    let mut matcher = Matcher::new(&filter);
    assert_eq!(matcher.examine(b" b 192.0.2.7\n", Mode::First), Verdict::Matched);
    assert_eq!(matcher.hits().len(), 1);
    assert_eq!((matcher.hits()[0].regex, &matcher.hits()[0].id), (1, &Some(addr("192.0.2.7"))));
    assert_eq!(matcher.examine(b" b 192.0.2.7\n", Mode::All), Verdict::Matched);
    assert_eq!(matcher.hits().iter().map(|hit| hit.regex).collect::<Vec<_>>(), [1, 2]);
    assert_eq!(matcher.examine(b" c\n", Mode::First), Verdict::Matched, "a name");
    assert_eq!(matcher.examine(b" ?\n", Mode::First), Verdict::Missed);
}

#[test]
fn each_match_is_asked_whether_it_is_ignored() {
    let filter = filter_of(&["^ f <HOST>", "<HOST> x"], None, &["ign"]);
    let mut matcher = Matcher::new(&filter);
    let text = b" f 192.0.2.7 x ign\n";
    assert_eq!(matcher.examine(text, Mode::All), Verdict::Ignored { regex: 0, times: 2 });
    assert_eq!(matcher.examine(text, Mode::First), Verdict::Ignored { regex: 0, times: 1 });
    assert_eq!(matcher.examine(b" nothing ign\n", Mode::All), Verdict::Missed);
    let early = filter_of(&["^ f <HOST>", "<HOST> x", "p<HOST>", "q<HOST>"], None, &["ign"]);
    let mut matcher = Matcher::new(&early);
    assert_eq!(
        matcher.examine(b" nothing ign\n", Mode::All),
        Verdict::Ignored { regex: 0, times: 1 }
    );
}

#[test]
fn a_prefregex_cuts_out_what_is_searched_and_lends_its_groups() {
    let filter = filter_of(
        &["^bad <HOST>$"],
        Some("^ host <F-ID>[a-z]+</F-ID>: <F-CONTENT>.+</F-CONTENT>$"),
        &[],
    );
    let mut matcher = Matcher::new(&filter);
    assert_eq!(matcher.examine(b" host sshd: bad 2001:db8::1\n", Mode::First), Verdict::Matched);
    let hit = &matcher.hits()[0];
    assert!(matches!(hit.id, Some(Id::Other(_))), "an id of its own beats a different address");
    assert_eq!(hit.addr(), Some("2001:db8::1".parse().expect("an address")));
    let fields: Vec<_> = filter.fields(hit, matcher.text()).collect();
    assert_eq!(
        fields,
        [("fid", "sshd".into()), ("ip6", "2001:db8::1".into()), ("ip", "2001:db8::1".into())]
    );
    assert!(matcher.prefregex_matched());
    assert_eq!(matcher.examine(b" host SSHD: bad 192.0.2.1\n", Mode::First), Verdict::Missed);
}

#[test]
fn an_impossible_address_identifies_nobody() {
    let filter = filter_of(&["from <ADDR>$"], None, &[]);
    let mut matcher = Matcher::new(&filter);
    assert_eq!(matcher.examine(b"from 999.1.2.3\n", Mode::First), Verdict::Matched);
    assert_eq!(matcher.hits()[0].id, None);
    assert!(matcher.hits()[0].has_invalid_id());
}

#[test]
fn a_subnet_loses_its_host_bits() {
    let filter = filter_of(&["from <SUBNET>$"], None, &[]);
    let mut matcher = Matcher::new(&filter);
    assert_eq!(matcher.examine(b"from 192.0.2.77/24\n", Mode::First), Verdict::Matched);
    assert_eq!(matcher.hits()[0].id.clone(), Some(addr("192.0.2.0/24")));
}

#[test]
fn invalid_utf8_is_searched_with_replacements() {
    let filter = filter_of(&["user \\S+ from <HOST>$"], None, &[]);
    let mut matcher = Matcher::new(&filter);
    assert_eq!(matcher.examine(b"user \xff\xfe from 192.0.2.1\n", Mode::First), Verdict::Matched);
}

#[test]
fn an_alternative_group_fills_an_empty_one() {
    let filter =
        filter_of(&["(?:u <F-USER>a</F-USER>|v <F-ALT_USER>b</F-ALT_USER>) <HOST>$"], None, &[]);
    let mut matcher = Matcher::new(&filter);
    assert_eq!(matcher.examine(b"v b 192.0.2.1\n", Mode::First), Verdict::Matched);
    let fields: Vec<_> = filter.fields(&matcher.hits()[0], matcher.text()).collect();
    assert!(fields.contains(&("user", "b".into())), "{fields:?}");
}

#[test]
fn parts_make_a_tuple() {
    let regex = "u=(?P<user>\\w+) d=(?P<tuple_user_2>'\\w+) (?P<tuple_user_1>z)?<F-ID>id</F-ID><F-TUPLE_ID>7</F-TUPLE_ID>";
    let filter = filter_of(&[regex], None, &[]);
    let mut matcher = Matcher::new(&filter);
    assert_eq!(matcher.examine(b"u=bob d='dom id7\n", Mode::First), Verdict::Matched);
    let hit = &matcher.hits()[0];
    assert_eq!(hit.id, Some(Id::Tuple("('id', '7')".into())));
    let fields: Vec<_> = filter.fields(hit, matcher.text()).collect();
    for field in [("user", "('bob', None, \"'dom\")"), ("tuple_id", "7"), ("fid", "('id', '7')")] {
        assert!(fields.contains(&(field.0, field.1.into())), "{fields:?}");
    }
}

#[test]
fn what_needs_look_around_runs_behind_its_plain_superset() {
    let filter = filter_of(&["^fail (?!ok)\\S+ <HOST>$"], None, &[]);
    assert_eq!(filter.failregex()[0].narrowing(), ["look-ahead"]);
    let mut matcher = Matcher::new(&filter);
    assert_eq!(matcher.examine(b"fail ok 192.0.2.1\n", Mode::First), Verdict::Missed);
    assert_eq!(matcher.examine(b"fail no 192.0.2.1\n", Mode::First), Verdict::Matched);
}

#[test]
fn a_line_that_would_stall_the_engine_is_given_up() {
    let filter = filter_of(&["^(?=((?:a+)+)+b)\\S* <HOST>$"], None, &[]);
    let mut matcher = Matcher::new(&filter);
    let line = format!("{} 192.0.2.1\n", "a".repeat(60));
    matcher.examine(line.as_bytes(), Mode::First);
    let filter = filter_of(&["^(?:(a+)+)+\\1b <HOST>$"], None, &[]);
    let mut matcher = Matcher::new(&filter);
    let line = format!("{}b 192.0.2.1\n", "ab".repeat(40));
    assert_eq!(matcher.examine(line.as_bytes(), Mode::First), Verdict::Missed);
}

#[test]
fn candidates_need_every_way_of_matching() {
    let filter = filter_of(&["login failed from <HOST>", ".*: bad pass for <HOST>"], None, &[]);
    let found = filter.candidates().expect("literals");
    assert!(found.is_match(b"x: bad pass for y") && !found.is_match(b"x: good pass for y"));
    assert!(filter_of(&["^<HOST>$", "login <HOST>"], None, &[]).candidates().is_none());
}

#[test]
fn err_every_expression_is_judged_at_once() {
    let mut def = FilterDef::literal("no host");
    def.failregex.extend(FilterDef::literal("(<HOST>").failregex);
    let findings =
        Filter::compile(&def, &CompileOptions { usedns: UseDns::Raw, maxlines: 1, raw: false })
            .expect_err("two bad expressions");
    let ids: Vec<_> = findings.iter().map(|finding| finding.id).collect();
    assert_eq!(ids, ["invalid-regex", "no-host"]);
    assert!(findings[1].to_string().contains("needs <HOST>"), "{}", findings[1]);
}

#[test]
fn a_window_matches_across_lines_and_consumes_them() {
    let mut def = FilterDef::literal("^start <F-USER>\\S+</F-USER>$<SKIPLINES>^end <HOST>$");
    def.maxlines = Some(4);
    let filter =
        Filter::compile(&def, &CompileOptions { usedns: UseDns::Raw, maxlines: 4, raw: false })
            .expect("compiles");
    let mut matcher = Matcher::new(&filter);
    let mut window = LineWindow::new(4);
    for (tag, line) in [(1, "start joe\n"), (2, "noise\n")] {
        assert_eq!(window.push(&mut matcher, line.as_bytes(), tag, Mode::First), Verdict::Missed);
    }
    assert_eq!(window.push(&mut matcher, b"end 192.0.2.1\n", 3, Mode::First), Verdict::Matched);
    assert_eq!(window.consumed(), [1]);
    assert_eq!(matcher.hits()[0].id.clone(), Some(addr("192.0.2.1")));
    assert_eq!(window.push(&mut matcher, b"end 192.0.2.1\n", 4, Mode::First), Verdict::Missed);
}

#[test]
fn a_connection_gathers_user_and_address_from_its_lines() {
    let filter = filter_of(
        &[
            "^ <F-MLFID>s\\d</F-MLFID> <F-NOFAIL>user</F-NOFAIL> <F-USER>\\S+</F-USER> bad$",
            "^ <F-MLFID>s\\d</F-MLFID> from <HOST>$",
            "^ <F-MLFID>s\\d</F-MLFID> fail$",
        ],
        None,
        &[],
    );
    let mut matcher = Matcher::new(&filter);
    let mut sessions = Sessions::of(&filter);
    let mut feed = |line: &str| {
        assert_eq!(matcher.examine(line.as_bytes(), Mode::First), Verdict::Matched, "{line}");
        let mut hits = Hits::default();
        hits.keep(&matcher);
        let merged = sessions.merge(hits.lines().flatten().next().expect("a hit"));
        (merged.said.clone(), merged.users())
    };
    let (context, _) = feed(" s1 user joe bad\n");
    assert!(context.nofail && context.id.is_none());
    let (pending, _) = feed(" s2 fail\n");
    assert!(!pending.nofail && pending.is_pending);
    let (failure, users) = feed(" s1 from 192.0.2.1\n");
    let joe: Host = Host::Addr("192.0.2.1".parse().expect("an address"));
    assert_eq!((failure.nofail, failure.id, failure.lines), (false, Some(joe.clone()), 2));
    assert_eq!(users, ["joe"]);
    let (again, _) = feed(" s1 fail\n");
    assert_eq!((again.id, again.lines), (Some(joe), 1));
}

#[test]
fn the_same_line_again_means_the_same() {
    let filter = filter_of(&["^a <HOST>$", "<HOST>$"], None, &["^a 192.0.2.9"]);
    let mut matcher = Matcher::new(&filter);
    let mut hits_of = |line: &str, mode| {
        let verdict = matcher.examine(line.as_bytes(), mode);
        (verdict, matcher.hits().iter().map(|hit| hit.id.clone()).collect::<Vec<_>>())
    };
    let once = hits_of("a 192.0.2.1\n", Mode::All);
    assert_eq!((once.0, once.1.len()), (Verdict::Matched, 2));
    assert_eq!(hits_of("a 192.0.2.1\n", Mode::All), once);
    assert_eq!(hits_of("a 192.0.2.1\n", Mode::First).1.len(), 1);
    assert_eq!(hits_of("a 192.0.2.12\n", Mode::First).1, [Some(addr("192.0.2.12"))]);
    assert_eq!(hits_of("a 192.0.2.9\n", Mode::All).0, Verdict::Ignored { regex: 0, times: 2 });
    assert_eq!(hits_of("a 192.0.2.9\n", Mode::All).0, Verdict::Ignored { regex: 0, times: 2 });
    assert_eq!(hits_of("a ?\n", Mode::All), hits_of("a ?\n", Mode::All));
}

#[test]
fn kept_hits_are_those_of_their_lines() {
    let filter = filter_of(&["^<F-USER>\\S+</F-USER> <HOST>$", "<HOST>$"], None, &[]);
    let mut matcher = Matcher::new(&filter);
    let mut kept = Hits::default();
    let lines = ["joe 192.0.2.1\n", "joe 192.0.2.1\n", "\u{e9}va 192.0.2.1\n", "joe 192.0.2.1\n"];
    for line in lines {
        assert_eq!(matcher.examine(line.as_bytes(), Mode::All), Verdict::Matched);
        kept.keep(&matcher);
    }
    let mut sessions = Sessions::of(&filter);
    let mut found = Vec::new();
    for hits in kept.lines() {
        for hit in hits {
            let fields = sessions.merge(hit).fields();
            found.push((
                hit.regex(),
                fields.iter().map(|(_, text)| text.to_owned()).collect::<Vec<_>>(),
            ));
        }
    }
    let address = || "192.0.2.1".to_owned();
    let line = |user: &str| [(0, vec![address(), user.to_owned()]), (1, vec![address()])];
    assert_eq!(found, ["joe", "joe", "\u{e9}va", "joe"].map(line).concat());
}

#[test]
fn each_line_that_is_given_up_is_counted() {
    let filter = filter_of(&["(?<!x)(?:(a|aa)+)+(?<!c)b <HOST>$"], None, &[]);
    let mut matcher = Matcher::new(&filter);
    let line = format!("{}cb {0}b 192.0.2.1\n", "a".repeat(60));
    for _ in 0..2 {
        matcher.examine(line.as_bytes(), Mode::First);
        assert_eq!(matcher.take_gave_up(), 1);
    }
    matcher.examine(line.as_bytes(), Mode::First);
    matcher.examine(line.as_bytes(), Mode::First);
    assert_eq!(matcher.take_gave_up(), 2);
}

#[test]
fn an_open_prefregex_leaves_it_to_the_failregexes_which_lines_are_candidates() {
    let with = |prefregex| filter_of(&["^login failed from <HOST>$"], Some(prefregex), &[]);
    let open =
        with(r"^(?:\[\])?(?P<mlfid>\s*(?:\S+\s+)?(?:sshd\[\d+\]:\s+)?)<F-CONTENT>.+</F-CONTENT>$");
    assert!(open.has_open_prefregex());
    let found = open.candidates().expect("of the failregex");
    assert!(found.is_match(b"h login failed from x") && !found.is_match(b"h sshd[1]: logout"));
    let mut matcher = Matcher::new(&open);
    for line in ["x\n", "\u{e9}\n", " \n", "h sshd[1]: \n"] {
        assert_eq!(matcher.examine(line.as_bytes(), Mode::First), Verdict::Missed);
        assert!(matcher.prefregex_matched(), "{line:?}");
    }
    matcher.examine(b"\n", Mode::First);
    assert!(!matcher.prefregex_matched(), "a line of a date alone");
    for closed in [
        "^sshd: <F-CONTENT>.+</F-CONTENT>$",
        "^(?:a|b)?<F-CONTENT>.*</F-CONTENT>$",
        "^(?:a|\\b)<F-CONTENT>.+</F-CONTENT>$",
        "^(?!a)<F-CONTENT>.+</F-CONTENT>$",
        "^(?:a )?<F-CONTENT>\\S+</F-CONTENT>$",
        "<F-CONTENT>.+</F-CONTENT>",
    ] {
        assert!(!with(closed).has_open_prefregex(), "{closed}");
    }
}

#[test]
fn a_name_that_is_looked_up_stands_for_its_addresses_whatever_id_is_beside_it() {
    let text = b" user bob from a.example\n";
    for (usedns, is_name) in
        [(UseDns::Yes, true), (UseDns::Warn, true), (UseDns::No, true), (UseDns::Raw, false)]
    {
        let def = FilterDef::literal("user <F-ID>\\w+</F-ID> from <DNS>$");
        let options = CompileOptions { usedns, maxlines: 1, raw: false };
        let filter = Filter::compile(&def, &options).expect("compiles");
        let mut matcher = Matcher::new(&filter);
        assert_eq!(matcher.examine(text, Mode::First), Verdict::Matched);
        let hit = &matcher.hits()[0];
        assert_eq!(matches!(hit.id, Some(Id::Dns(_))), is_name, "{usedns:?}");
        let has_ip = filter.fields(hit, matcher.text()).any(|(name, _)| name == "ip");
        assert_eq!(has_ip, !is_name, "a name stands beside the id only where it isn't it");
    }
}

#[test]
fn helpers_help_the_groups_of_their_own_expression() {
    // The values of fail2ban, but for groups that took no part: as in its version 1.1 they hide none.
    let user = |prefregex, failregex| {
        let content = "x: <F-CONTENT>.*</F-CONTENT>$";
        let filter = filter_of(&[failregex], Some(&format!("{prefregex} {content}")), &[]);
        let mut matcher = Matcher::new(&filter);
        assert_eq!(matcher.examine(b"h x: u=bob 192.0.2.1\n", Mode::First), Verdict::Matched);
        let found = filter.fields(&matcher.hits()[0], matcher.text()).find(|(n, _)| *n == "user");
        found.map(|(_, value)| value.into_owned())
    };
    let alternative = "^<F-ALT_USER>h</F-ALT_USER>";
    assert_eq!(user(alternative, r"^u=\w+ <HOST>$").as_deref(), Some("h"));
    assert_eq!(user(alternative, r"^u=<F-USER>\w+</F-USER> <HOST>$").as_deref(), Some("bob"));
    let other = r"^u=<F-ALT_USER>\w+</F-ALT_USER> <HOST>$";
    assert_eq!(user("^<F-USER>h</F-USER>", other).as_deref(), Some("bob"));
    let tuple = "^<F-TUPLE_USER>h</F-TUPLE_USER>";
    assert_eq!(user(tuple, r"^u=\w+ <HOST>$").as_deref(), Some("(None, 'h')"));
    assert_eq!(user(tuple, r"^u=<F-USER>\w+</F-USER> <HOST>$").as_deref(), Some("bob"));
    let other = r"^u=<F-TUPLE_USER>\w+</F-TUPLE_USER> <HOST>$";
    assert_eq!(user("^<F-USER>h</F-USER>", other).as_deref(), Some("(None, 'bob')"));
}

#[test]
fn of_very_many_failregexes_those_are_tried_whose_text_is_there() {
    let mut all: Vec<String> = (0..600).map(|n| format!("^ user{n:03}x from <HOST>$")).collect();
    all.extend(["^ \\S+ from <HOST>$".to_owned(), "^ (?!x)user007x from <HOST>$".to_owned()]);
    let all: Vec<&str> = all.iter().map(String::as_str).collect();
    let filter = filter_of(&all, None, &[]);
    let mut matcher = Matcher::new(&filter);
    assert_eq!(matcher.examine(b" user007x from 192.0.2.7\n", Mode::All), Verdict::Matched);
    assert_eq!(matcher.hits().iter().map(|hit| hit.regex).collect::<Vec<_>>(), [7, 600, 601]);
    assert_eq!(matcher.examine(b" user007y to 192.0.2.7\n", Mode::All), Verdict::Missed);
}

#[test]
fn more_failregexes_than_memory_holds_are_refused() {
    let refused = |n: usize, text: &str| {
        let mut def = FilterDef::literal(text);
        def.failregex = vec![def.failregex.remove(0); n];
        let options = CompileOptions { usedns: UseDns::Raw, maxlines: 1, raw: false };
        Filter::compile(&def, &options).expect_err("too many").remove(0).message
    };
    assert_eq!(refused(100_001, "a <ADDR>"), "100001 failregexes are too many");
    assert_eq!(
        refused(10_001, "^<IP4>$"),
        "10001 failregexes can't be told apart by a text in them"
    );
}
