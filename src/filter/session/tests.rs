use super::*;
use crate::config::{FilterDef, UseDns};
use crate::filter::{CompileOptions, Hits, Matcher, Mode, Verdict};

/// A filter of connections whose lines name a user, an address, or nothing.
fn filter() -> Filter {
    let id = "^ <F-MLFID>s\\d+</F-MLFID>";
    let mut def =
        FilterDef::literal(&format!("{id} <F-NOFAIL>user</F-NOFAIL> <F-USER>\\S+</F-USER>$"));
    for rest in ["from <HOST>$", "fail$", "<F-NOFAIL><F-MLFFORGET>bye</F-MLFFORGET></F-NOFAIL>$"] {
        def.failregex.extend(FilterDef::literal(&format!("{id} {rest}")).failregex);
    }
    let options = CompileOptions { usedns: UseDns::Raw, maxlines: 1, raw: false };
    Filter::compile(&def, &options).expect("compiles")
}

/// The only hit of the line that was examined last.
fn kept<'h>(matcher: &Matcher<'_>, hits: &'h mut Hits) -> KeptHit<'h> {
    *hits = Hits::default();
    hits.keep(matcher);
    hits.lines().flatten().next().expect("a hit")
}

/// What came of the last of `lines`: is it a failure, of how many lines.
fn feed(sessions: &mut Sessions, filter: &Filter, lines: impl Iterator<Item = String>) -> Said {
    let mut matcher = Matcher::new(filter);
    let (mut said, mut hits) = (None, Hits::default());
    for line in lines {
        assert_eq!(matcher.examine(line.as_bytes(), Mode::First), Verdict::Matched, "{line}");
        said = Some(sessions.merge(kept(&matcher, &mut hits)).said);
    }
    said.expect("a line")
}

/// Bytes of text that are held, of lines before.
fn held_bytes(sessions: &Sessions) -> usize {
    let of = |c: &Connection| {
        c.groups.view().iter().map(|(_, t)| t.len()).sum::<usize>()
            + c.users.iter().map(|u| u.len()).sum::<usize>()
    };
    sessions.connections.iter().map(of).sum()
}

#[test]
fn a_connection_holds_no_more_after_a_hundred_thousand_lines() {
    let filter = filter();
    let mut sessions = Sessions::of(&filter);
    feed(&mut sessions, &filter, (0..10).map(|_| " s1 fail\n".to_owned()));
    let before = held_bytes(&sessions);
    let pending = feed(&mut sessions, &filter, (0..100_000).map(|_| " s1 fail\n".to_owned()));
    assert!(pending.is_pending);
    assert_eq!(held_bytes(&sessions), before);
    let failure = feed(&mut sessions, &filter, std::iter::once(" s1 from 192.0.2.1\n".to_owned()));
    assert_eq!(failure.lines, 100_011, "each line counts though none is held");
}

#[test]
fn users_of_a_connection_are_few_and_short() {
    let filter = filter();
    let mut sessions = Sessions::of(&filter);
    let users = (0..5_000).map(|nth| format!(" s1 user {}{nth}\n", "x".repeat(nth % 2_000)));
    let last = feed(&mut sessions, &filter, users);
    assert!(!last.nofail, "another user on the same connection is a failure");
    let connection = &sessions.connections[0];
    assert_eq!(connection.users.len(), USERS_MAX);
    assert!(held_bytes(&sessions) < (USERS_MAX + 3) * REMEMBERED_MAX_BYTES);
    let long = format!(" s2 user {}\n", "x".repeat(REMEMBERED_MAX_BYTES + 1));
    feed(&mut sessions, &filter, std::iter::once(long));
    let hit = feed(&mut sessions, &filter, std::iter::once(" s2 from 192.0.2.1\n".to_owned()));
    assert_eq!(hit.id, Some(Host::Addr("192.0.2.1".parse().expect("an address"))));
    assert!(!sessions.connections[1].groups.view().has(USER), "a long text is not remembered");
    assert_eq!(sessions.connections[1].users[0].len(), REMEMBERED_MAX_BYTES);
}

#[test]
fn the_oldest_connection_makes_room_for_another() {
    let filter = filter();
    let mut sessions = Sessions::of(&filter);
    let max = CONNECTIONS_MAX;
    feed(&mut sessions, &filter, (0..max).map(|nth| format!(" s{nth} from 192.0.2.1\n")));
    // The second ends, so that the next takes its place and not the first one's, though it goes on longest.
    let said = feed(
        &mut sessions,
        &filter,
        [" s1 bye\n".to_owned(), format!(" s{max} fail\n"), " s0 fail\n".to_owned()].into_iter(),
    );
    assert!(!said.is_pending, "the first is still known");
    let said = feed(
        &mut sessions,
        &filter,
        [format!(" s{} fail\n", max + 1), " s0 fail\n".to_owned()].into_iter(),
    );
    assert!(said.is_pending, "the first had to go");
    feed(&mut sessions, &filter, (0..10_000).map(|nth| format!(" s{nth} fail\n")));
    assert_eq!((sessions.places.len(), sessions.connections.len()), (max, max));
}
