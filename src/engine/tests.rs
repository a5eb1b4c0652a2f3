use proptest::prelude::*;

use super::lookup::Names;
use super::piece::{Piece, Scanner, Setup};
use super::timeline::Timeline;
use super::totals::{SampleLimits, Totals};
use crate::config::{FilterDef, UseDns};
use crate::date::{Resolver, Templates, YearWindow};
use crate::filter::{CompileOptions, Filter, Mode, Sessions};
use crate::model::{Time, Zone};
use crate::source::{chunk, chunk_count};

const LIMITS: SampleLimits = SampleLimits { matched: 3, ignored: 3, missed: 3 };

struct Parts {
    filter: Filter,
    templates: Templates,
    names: Names,
}

impl Parts {
    fn new(failregex: &[&str]) -> Self {
        let mut def = FilterDef::literal(failregex[0]);
        def.failregex =
            failregex.iter().flat_map(|one| FilterDef::literal(one).failregex).collect();
        def.ignoreregex = FilterDef::literal("from 192\\.0\\.2\\.9 ").failregex;
        let options = CompileOptions { usedns: UseDns::Raw, maxlines: 1, raw: false };
        let filter = Filter::compile(&def, &options).expect("compiles");
        let templates = Templates::builtin(YearWindow::archive());
        Self { filter, templates, names: Names::new(UseDns::Raw) }
    }

    /// Scans pieces of `log`, each with a scanner of its own, and adds them up as the engine does.
    fn scan(&self, log: &[u8], pieces: &[std::ops::Range<usize>]) -> (Totals, Vec<String>) {
        let setup = Setup {
            filter: &self.filter,
            templates: &self.templates,
            names: &self.names,
            mode: Mode::All,
            encoding: encoding_rs::UTF_8,
            limits: LIMITS,
            keep_matches: true,
            keep_hits: true,
            trail_only: false,
        };
        let (mut totals, mut lines, mut before) = (Totals::default(), Vec::new(), 0);
        let mut sessions = Sessions::default();
        for range in pieces {
            let resolver = Resolver::new(Zone::utc(), None, Time::from_secs(1_795_000_000));
            let mut scanner = Scanner::new(setup, &Timeline::Each, resolver, None);
            if range.start > 0 {
                scanner.look_back(&log[..range.start]);
            }
            let mut piece = scanner.piece(&log[range.clone()], range.start as u64);
            if self.filter.has_sessions() {
                super::judge::merge(&mut piece, &mut sessions, &self.names, LIMITS, true);
            }
            let Piece { totals: more, matches, line_ends, .. } = piece;
            for line in &matches.lines {
                let text = String::from_utf8_lossy(matches.text(line)).into_owned();
                let at = (
                    line.place.offset,
                    line.place.line + before,
                    line.time,
                    line.regex,
                    line.nofail,
                );
                lines.push(format!("{at:?} {:?} {:?} {text}", line.failures, line.fields));
            }
            before += line_ends;
            totals.add(more, LIMITS);
        }
        (totals, lines)
    }
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
    fn a_scan_in_chunks_is_a_scan_of_the_whole(
        lines in prop::collection::vec(a_line(), 1..60),
        target in 1_usize..400,
        has_end in any::<bool>(),
    ) {
        let mut log = lines.concat();
        if !has_end {
            log.pop();
        }
        let log = log.as_bytes();
        let chunks: Vec<_> =
            (0..chunk_count(log.len(), target)).map(|index| chunk(log, index, target)).collect();
        let filters = [
            vec!["login failed from <HOST> x", "mail: .* from <HOST>"],
            vec![
                r"<F-MLFID>mail\[\d\]</F-MLFID>: <F-NOFAIL>user</F-NOFAIL> <<F-USER>\w+</F-USER>> unknown",
                r"<F-MLFID>mail\[\d\]</F-MLFID>: rejected from <HOST>",
            ],
        ];
        for failregex in filters {
            let parts = Parts::new(&failregex);
            let (whole, all) = parts.scan(log, std::slice::from_ref(&(0..log.len())));
            let (sum, pieces) = parts.scan(log, &chunks);
            prop_assert_eq!(pieces, all);
            prop_assert_eq!(format!("{:?}", sum.lines), format!("{:?}", whole.lines));
            prop_assert_eq!(sum.failregex, whole.failregex);
            prop_assert_eq!(sum.ignoreregex, whole.ignoreregex);
            prop_assert_eq!(sum.dates, whole.dates);
            prop_assert_eq!(sum.hits, whole.hits);
            prop_assert_eq!(sum.matched, whole.matched);
            prop_assert_eq!(sum.missed, whole.missed);
            prop_assert_eq!(sum.hosts.ranked(), whole.hosts.ranked());
        }
    }
}
