//! The parser of the export format: all that journalctl may print, and anything else.

use proptest::collection::vec;
use proptest::prelude::*;

use super::super::export::{FIELD_MAX_BYTES, Parser};
use super::*;

/// Parses bytes that come in pieces of these lengths, again and again.
fn parse(mut bytes: &[u8], pieces: &[usize]) -> Vec<Entry> {
    let (mut parser, mut entries) = (Parser::default(), Vec::new());
    for len in pieces.iter().cycle() {
        let (piece, rest) = bytes.split_at(bytes.len().min((*len).max(1)));
        parser.push(piece, &mut entries);
        bytes = rest;
        if bytes.is_empty() {
            break;
        }
    }
    entries
}

fn place(cursor: &str, received: &str) -> Vec<(String, Vec<u8>)> {
    let field = |name: &str, value: &str| (name.to_owned(), value.as_bytes().to_vec());
    vec![field("__CURSOR", cursor), field("__REALTIME_TIMESTAMP", received)]
}

fn whole(cursor: &str, fields: &[(&str, &[u8])]) -> Vec<u8> {
    let mut entry = place(cursor, "7");
    entry.extend(fields.iter().map(|(name, value)| ((*name).to_owned(), value.to_vec())));
    exported(&[entry])
}

proptest! {
    #[test]
    fn entries_come_back_in_any_pieces(
        wanted in vec(vec(("[A-Z][A-Z0-9_]{0,9}", vec(any::<u8>(), 0..40)), 0..6), 0..6),
        pieces in vec(1_usize..30, 1..5),
    ) {
        let entries = wanted.iter().enumerate().map(|(n, fields)| {
            let mut entry = place(&format!("c{n}"), &n.to_string());
            entry.extend(fields.iter().cloned());
            entry
        });
        let bytes = exported(&entries.collect::<Vec<_>>());
        let wanted = wanted.into_iter().enumerate().map(|(n, fields)| {
            let received = Time::from_micros(n.try_into().unwrap());
            Entry::new(format!("c{n}"), received, fields)
        });
        prop_assert_eq!(parse(&bytes, &pieces), wanted.collect::<Vec<_>>());
    }

    #[test]
    fn anything_is_the_same_in_any_pieces(
        parts in vec(prop_oneof![
            Just(b"\n".to_vec()), Just(b"A=".to_vec()), Just(b"MESSAGE\n".to_vec()),
            Just(b"\x03\0\0\0\0\0\0\0".to_vec()), Just(vec![0xff; 8]), Just(whole("c", &[])),
            vec(any::<u8>(), 0..20),
        ], 0..30),
        pieces in vec(1_usize..30, 1..5),
    ) {
        let bytes = parts.concat();
        let entries = parse(&bytes, &pieces);
        for entry in &entries {
            let _ = entry.line();
        }
        prop_assert_eq!(entries, parse(&bytes, &[usize::MAX]));
    }
}

#[test]
fn what_is_no_entry_is_passed_over() {
    let good = whole("good", &[("MESSAGE", b"x")]);
    for junk in [
        &b"-- Journal begins at Thu 2026-11-26 02:24:55 UTC. --\n"[..],
        b"\n\n\n",
        b"MESSAGE=without place\n\n",
        b"__CURSOR=x\n__REALTIME_TIMESTAMP=yesterday\n\n",
        b"__CURSOR=x\n__REALTIME_TIMESTAMP=-1\n\n",
        b"__CURSOR=x\n__REALTIME_TIMESTAMP=99999999999999999999\n\n",
        b"lower=x\n=x\n\n",
        b"MESSAGE\n\xff\xff\xff\xff\xff\xff\xff\xff\n\n",
        b"MESSAGE\n\x01\0\0\0\0\0\0\0ab\n\n",
        &[b"A".repeat(1 << 20), b"=x\n\n".to_vec()].concat(),
    ] {
        let bytes = [junk, &good, &good].concat();
        let found: Vec<_> = parse(&bytes, &[4096]).iter().map(text).collect();
        assert_eq!(found, ["x", "x"], "{:?}", String::from_utf8_lossy(&junk[..junk.len().min(80)]));
    }
}

#[test]
fn of_a_long_field_the_beginning_is_kept() {
    let long = b"m".repeat(3 * FIELD_MAX_BYTES);
    let binary = [b"\n".to_vec(), long.clone()].concat();
    let bytes =
        [whole("a", &[("A", &long), ("B", &binary), ("C", b"c")]), whole("b", &[])].concat();
    let entries = parse(&bytes, &[1 << 16]);
    let lens = |name: &str| entries[0].values(name).map(<[u8]>::len).collect::<Vec<_>>();
    assert_eq!(
        (lens("A"), lens("B"), lens("C")),
        (vec![FIELD_MAX_BYTES], vec![FIELD_MAX_BYTES], vec![1])
    );
    assert_eq!(entries[1].cursor, "b");
}

#[test]
fn of_an_entry_without_end_the_beginning_is_kept() {
    let bytes = [b"A=\n".repeat(1 << 20), whole("a", &[]), whole("b", &[("A", b"1")])].concat();
    let entries = parse(&bytes, &[1 << 16]);
    let counts: Vec<_> = entries.iter().map(|entry| entry.values("A").count()).collect();
    assert_eq!(counts, [4 * FIELD_MAX_BYTES / 128, 1]);
}
