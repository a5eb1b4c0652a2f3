use proptest::prelude::*;

use std::sync::Arc;

use super::jail::{Calendars, Jail, Overrides};
use super::judge::Judging;
use super::lookup::Names;
use super::piece::Share;
use super::set::JailSet;
use super::stream::Stream;
use super::totals::{SampleLimits, Totals};
use super::wanted::{Manner, Wanted};
use crate::config::{FilterDef, JailDef, UseDns};
use crate::date::YearWindow;
use crate::filter::{Mode, Sessions};
use crate::model::{Time, Zone};
use crate::source::{chunk, chunk_count};

const LIMITS: SampleLimits = SampleLimits { matched: 3, ignored: 3, missed: 3, is_whole: false };

fn wanted() -> Wanted {
    Wanted {
        mode: Mode::All,
        manner: Manner::F2b,
        zone: Zone::utc(),
        now: Time::from_secs(1_795_000_000),
        limits: LIMITS,
        matches: true,
        hits: true,
        bans: false,
    }
}

fn jail(failregex: &[&str]) -> Arc<Jail> {
    let mut def = FilterDef::literal(failregex[0]);
    def.failregex = failregex.iter().flat_map(|one| FilterDef::literal(one).failregex).collect();
    def.ignoreregex = FilterDef::literal("from 192\\.0\\.2\\.9 ").failregex;
    let overrides = Overrides { usedns: Some(UseDns::Raw), ..Overrides::default() };
    let calendars = Calendars::new(YearWindow::archive());
    let (jail, findings) = Jail::compile(&JailDef::of_filter(def), &overrides, &calendars);
    jail.unwrap_or_else(|| unreachable!("{findings:?}"))
}

/// Scans pieces of `log`, each with a stream of its own, and adds them up as the engine does: for each jail its
/// totals and what it found.
fn scan(
    jails: &[Arc<Jail>],
    log: &[u8],
    pieces: &[std::ops::Range<usize>],
) -> Vec<(Totals, Vec<String>)> {
    let places: Vec<usize> = (0..jails.len()).collect();
    let (set, names) = (JailSet::new(jails, &places), Names::default());
    let mut all: Vec<(Totals, Vec<String>)> = jails.iter().map(|_| <_>::default()).collect();
    let mut sessions: Vec<Sessions> = jails.iter().map(|jail| Sessions::of(&jail.filter)).collect();
    let mut before = 0;
    for range in pieces {
        let mut stream = Stream::new(&set, &names, wanted());
        if range.start > 0 {
            stream.look_back(&log[..range.start]);
        }
        let piece = stream.block(&log[range.clone()], range.start as u64);
        for ((mut share, jail), (sessions, (totals, lines))) in
            piece.jails.into_iter().zip(jails).zip(sessions.iter_mut().zip(&mut all))
        {
            let judging = Judging { jail, names: &names, wanted: wanted() };
            judging.merge(&mut share, sessions);
            judging.settle(&mut share);
            let Share { totals: more, matches, .. } = share;
            for line in &matches.lines {
                let text = String::from_utf8_lossy(matches.text(line)).into_owned();
                let (offset, number) = (line.place.offset, line.place.line + before);
                let at = (offset, number, line.time, line.regex, line.nofail);
                lines.push(format!("{at:?} {:?} {:?} {text}", line.failures, line.fields));
            }
            totals.add(more, LIMITS);
        }
        before += piece.line_ends;
    }
    all
}

/// Lines that match, are ignored, are missed, are blank, comments or junk; some without a date.
fn a_line() -> impl Strategy<Value = String> {
    let date = prop::sample::select(vec![
        "Nov 20 10:00:01 ",
        "Nov 20 10:00:01 ",
        "Nov 20 10:00:02 ",
        "Nov  3 1:00:02 ",
        "",
    ]);
    let text = prop::sample::select(vec![
        "mail: login failed from 192.0.2.1 x",
        "mail: login failed from 192.0.2.9 x",
        "mail: login failed from 192.0.2.1",
        "mail[7]: user <joe> unknown",
        "mail[7]: rejected from 2001:db8::1 x",
        "mail[8]: rejected from 198.51.100.7 x",
        "mail: nothing to see here",
        "",
        "# a comment",
        "\r",
        "login fail\u{fffd}ed from",
        "a much longer line, so that lines differ in their lengths: login failed from 203.0.113.5 x",
    ]);
    (date, text, prop::sample::select(vec!["\n", "\r\n", "\n\n"]))
        .prop_map(|(date, text, end)| format!("{date}{text}{end}"))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(100))]

    #[test]
    fn jails_together_and_in_chunks_find_what_each_finds_in_the_whole(
        lines in prop::collection::vec(a_line(), 1..60),
        target in 1_usize..400,
        has_end in any::<bool>(),
    ) {
        let mut log = lines.concat();
        if !has_end {
            log.pop();
        }
        // An empty log has no chunks, and so nobody counts the expressions.
        prop_assume!(!log.is_empty());
        let log = log.as_bytes();
        let chunks: Vec<_> =
            (0..chunk_count(log.len(), target)).map(|index| chunk(log, index, target)).collect();
        let filters = [
            vec!["login failed from <HOST> x", "mail: .* from <HOST>"],
            vec![
                r"<F-MLFID>mail\[\d\]</F-MLFID>: <F-NOFAIL>user</F-NOFAIL> <<F-USER>\w+</F-USER>> unknown",
                r"<F-MLFID>mail\[\d\]</F-MLFID>: rejected from <HOST>",
            ],
            // One that needs no text of three letters, so that every line is looked at.
            vec![r"\w+ <HOST> x"],
        ];
        let jails: Vec<_> = filters.iter().map(|failregex| jail(failregex)).collect();
        // Each jail by itself, in one piece, says what must come of it.
        let alone: Vec<_> = jails
            .iter()
            .flat_map(|jail| {
                scan(std::slice::from_ref(jail), log, std::slice::from_ref(&(0..log.len())))
            })
            .collect();
        for count in 1..=jails.len() {
            let together = scan(&jails[..count], log, &chunks);
            for ((sum, pieces), (whole, all)) in together.into_iter().zip(&alone) {
                prop_assert_eq!(&pieces, all);
                prop_assert_eq!(sum.lines, whole.lines);
                prop_assert_eq!(&sum.failregex, &whole.failregex);
                prop_assert_eq!(&sum.ignoreregex, &whole.ignoreregex);
                prop_assert_eq!(&sum.dates, &whole.dates);
                prop_assert_eq!(&sum.hits, &whole.hits);
                prop_assert_eq!(&sum.matched, &whole.matched);
                prop_assert_eq!(&sum.missed, &whole.missed);
                prop_assert_eq!(sum.hosts.ranked(), whole.hosts.ranked());
            }
        }
    }
}

#[test]
fn a_hit_that_could_name_nobody_is_counted_as_no_hit() {
    let log = b"Nov 20 09:00:00 fail from \nNov 20 09:00:01 fail from 999.1.2.3\nNov 20 09:00:02 fail from 192.0.2.1\n";
    let all = scan(&[jail(&["fail from <HOST>?$"])], log, std::slice::from_ref(&(0..log.len())));
    let (totals, _) = &all[0];
    assert_eq!(totals.failregex, [2], "as fail2ban-regex counts: the impossible address is a hit");
    assert_eq!((totals.hits.len(), totals.invalid_ids), (2, 1));
    assert_eq!((totals.lines.matched, totals.lines.missed), (1, 2));
}
