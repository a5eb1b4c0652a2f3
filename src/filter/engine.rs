//! Which engine runs an expression, and how.
//!
//! The linear engine takes every expression that it can mean; the time it needs grows with the line and
//! nothing else. It is built for ASCII texts first: nearly every log line is one, and a class such as
//! `[^:]` or `\w` is then a set of bytes instead of a tree of encodings. Any other text is searched by a
//! second program, built when it is first needed. Where an expression begins with a literal or at the
//! beginning of the line, its groups are found in one go from there; otherwise two automata first find
//! where the match begins and ends.
//!
//! What needs look-around, conditionals or back-references is walked too, if it begins with a literal or at
//! the beginning of the text. Otherwise it runs on the backtracking engine under a step limit, and only on
//! texts that its plain superset matches.

mod backtracking;

use std::ops::Range;
use std::sync::OnceLock;

use memchr::memmem::Finder;
use regex_automata::Input;
use regex_automata::meta;
use regex_automata::util::primitives::NonMaxUsize;
use regex_syntax::hir::{Class, ClassBytes, ClassBytesRange, Hir, HirKind, Look};

use self::backtracking::{Backtracking, backtracking};
use super::error::PatternError;
use super::translate::{Lines, Translated, translate};
use super::walk::{Trail, Walk};

/// Repetitions of Unicode classes such as `\w{14,20}` need more than the default of 10 MiB.
const SIZE_LIMIT_BYTES: usize = 64 << 20;
/// Places of the literal beginning that are tried one by one; a line with more is searched as a whole.
const TRIES_MAX: usize = 4;
/// Shorter beginnings stand in too many places.
const BEGINNING_MIN_BYTES: usize = 3;

/// A compiled expression.
#[derive(Debug)]
pub(super) enum Engine {
    Linear(Box<Linear>),
    Backtracking(Box<Backtracking>),
}

/// What an expression is made into, and what was learnt on the way.
pub(super) struct Compiled {
    pub(super) engine: Engine,
    /// Names of the groups, by index.
    pub(super) group_names: Vec<Option<String>>,
    /// The syntax tree of what it matches, or of a superset.
    pub(super) superset: Hir,
    /// The constructs for which it needs the backtracking engine; empty for the linear one.
    pub(super) narrowing: Vec<&'static str>,
}

/// When what backtracks is made for good. It is large, so of very many expressions only those keep it that are ever
/// tried; walks are made then in any case.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Make {
    Now,
    WhenTried,
}

/// An expression for the linear engine.
#[derive(Debug)]
pub(super) struct Linear {
    expression: String,
    /// Built for the first text that needs it, as most expressions of a configuration never see one;
    /// `None` inside: too large, its texts are given up.
    ascii: OnceLock<Option<meta::Regex>>,
    unicode: OnceLock<Option<meta::Regex>>,
    direct: OnceLock<Option<Box<Direct>>>,
}

/// A way to the groups of an ASCII text without looking for the match first.
#[derive(Debug)]
pub(super) struct Direct {
    /// What the match begins with; `None`: it begins where the text does.
    beginning: Option<Finder<'static>>,
    walk: Walk,
}

/// Scratch space of one thread for one expression, and the groups it found last.
#[derive(Debug)]
pub(super) struct Scratch {
    slots: Vec<Option<NonMaxUsize>>,
    /// Large, and few expressions need one.
    ascii: Option<Box<meta::Cache>>,
    unicode: Option<Box<meta::Cache>>,
    trail: Trail,
    gave_up: u64,
}

impl Engine {
    /// Compiles an expression in Python's syntax, its tags replaced.
    pub(super) fn compile(
        expanded: &str,
        lines: Lines,
        make: Make,
    ) -> Result<Compiled, PatternError> {
        let Translated { plain, exact, marked, narrowing } = translate(expanded, lines)?;
        let superset = regex_syntax::Parser::new().parse(&plain).map_err(Box::new)?;
        let linear = Linear::new(plain);
        if narrowing.is_empty() {
            let mut group_names = vec![None; superset.properties().explicit_captures_len() + 1];
            name_groups(&superset, &mut group_names);
            let engine = Self::Linear(Box::new(linear));
            return Ok(Compiled { engine, group_names, superset, narrowing });
        }
        let regex = backtracking(&exact).map_err(Box::new)?;
        let group_names = regex.capture_names().map(|name| name.map(str::to_owned)).collect();
        let engine = Box::new(Backtracking {
            superset: linear,
            expression: exact,
            exact: OnceLock::new(),
            marked,
            direct: OnceLock::new(),
        });
        if make == Make::Now {
            engine.exact.get_or_init(|| Some(regex));
        }
        Ok(Compiled { engine: Self::Backtracking(engine), group_names, superset, narrowing })
    }

    /// Whether a text that begins with `byte` may match, as far as that is plain to see.
    pub(super) fn may_begin_with(&self, byte: u8) -> bool {
        // The walk's classes are of ASCII; a text that goes on otherwise begins with the same ones.
        let at_start = self.direct().filter(|direct| byte.is_ascii() && direct.beginning.is_none());
        at_start.is_none_or(|direct| direct.walk.may_begin_with(byte))
    }

    fn direct(&self) -> Option<&Direct> {
        match self {
            Self::Linear(linear) => linear.direct(),
            Self::Backtracking(backtracking) => backtracking.direct(),
        }
    }

    /// Whether it matches somewhere in `text`.
    pub(super) fn is_match(&self, text: &str, scratch: &mut Scratch) -> bool {
        match self {
            Self::Linear(linear) => linear.is_match(text, scratch),
            Self::Backtracking(backtracking) => backtracking.is_match(text, scratch),
        }
    }

    /// Searches `text` and leaves the groups of the first match in `scratch`; whether there is one.
    pub(super) fn search(&self, text: &str, scratch: &mut Scratch) -> bool {
        match self {
            Self::Linear(linear) => linear.search(text, scratch),
            Self::Backtracking(backtracking) => backtracking.search(text, scratch),
        }
    }
}

impl Scratch {
    /// For an expression of so many groups, the whole match included.
    pub(super) fn new(groups: usize) -> Self {
        let slots = vec![None; groups * 2];
        Self { slots, ascii: None, unicode: None, trail: Trail::default(), gave_up: 0 }
    }

    /// Where a group of the last match is; `None` if it took no part.
    pub(super) fn get(&self, group: usize) -> Option<Range<usize>> {
        let start = (*self.slots.get(group * 2)?)?.get();
        let end = (*self.slots.get(group * 2 + 1)?)?.get();
        Some(start..end)
    }

    /// How many texts were too much for an engine's limits since the last call.
    pub(super) fn take_gave_up(&mut self) -> u64 {
        std::mem::take(&mut self.gave_up)
    }

    fn keep(&mut self, groups: impl Iterator<Item = Option<Range<usize>>>) {
        self.slots.clear();
        for group in groups {
            self.slots.push(group.as_ref().and_then(|group| NonMaxUsize::new(group.start)));
            self.slots.push(group.as_ref().and_then(|group| NonMaxUsize::new(group.end)));
        }
    }
}

impl Linear {
    fn new(expression: String) -> Self {
        let (ascii, unicode, direct) = (OnceLock::new(), OnceLock::new(), OnceLock::new());
        Self { expression, ascii, unicode, direct }
    }

    /// Its syntax tree, which is not kept: it is large, and few texts need it.
    fn hir(&self) -> Option<Hir> {
        regex_syntax::Parser::new().parse(&self.expression).ok()
    }

    fn direct(&self) -> Option<&Direct> {
        self.direct.get_or_init(|| Direct::of(&of_ascii(&self.hir()?))).as_deref()
    }

    /// The program for a text, with its scratch space.
    fn program<'p>(
        &'p self,
        text: &str,
        scratch: &'p mut Scratch,
    ) -> Option<(&'p meta::Regex, &'p mut meta::Cache, &'p mut Vec<Option<NonMaxUsize>>)> {
        let (built, cache) = if text.is_ascii() {
            (self.ascii.get_or_init(|| build(&of_ascii(&self.hir()?)).ok()), &mut scratch.ascii)
        } else {
            (self.unicode.get_or_init(|| build(&self.hir()?).ok()), &mut scratch.unicode)
        };
        let Some(program) = built else {
            scratch.gave_up += 1;
            return None;
        };
        let cache = cache.get_or_insert_with(|| Box::new(program.create_cache()));
        Some((program, cache.as_mut(), &mut scratch.slots))
    }

    fn is_match(&self, text: &str, scratch: &mut Scratch) -> bool {
        self.program(text, scratch).is_some_and(|(program, cache, _)| {
            program.search_half_with(cache, &Input::new(text).earliest(true)).is_some()
        })
    }

    fn search(&self, text: &str, scratch: &mut Scratch) -> bool {
        if let Some(is_match) = by_walk(self.direct(), text, scratch) {
            return is_match;
        }
        self.program(text, scratch).is_some_and(|(program, cache, slots)| {
            program.search_slots_with(cache, &Input::new(text), slots).is_some()
        })
    }
}

/// Whether there is a match, which leaves its groups; `None` if that takes another way.
fn by_walk(direct: Option<&Direct>, text: &str, scratch: &mut Scratch) -> Option<bool> {
    direct.filter(|_| text.is_ascii())?.search(text, scratch)
}

impl Direct {
    fn of(hir: &Hir) -> Option<Box<Self>> {
        let beginning = match beginning(hir)? {
            Beginning::Text => None,
            Beginning::Literal(literal) if literal.len() < BEGINNING_MIN_BYTES => return None,
            Beginning::Literal(literal) => Some(Finder::new(literal).into_owned()),
        };
        Some(Box::new(Self { beginning, walk: Walk::new(hir)? }))
    }

    /// Whether there is a match; `None` if that takes another way.
    fn search(&self, text: &str, scratch: &mut Scratch) -> Option<bool> {
        let Some(finder) = &self.beginning else { return self.at(0, text, scratch) };
        let mut from = 0;
        for _ in 0..TRIES_MAX {
            let Some(at) = finder.find(&text.as_bytes()[from..]) else { return Some(false) };
            if self.at(from + at, text, scratch)? {
                return Some(true);
            }
            from += at + 1;
        }
        None
    }

    fn at(&self, start: usize, text: &str, scratch: &mut Scratch) -> Option<bool> {
        self.walk.run(text.as_bytes(), start, &mut scratch.slots, &mut scratch.trail).ok()
    }
}

fn build(hir: &Hir) -> Result<meta::Regex, Box<meta::BuildError>> {
    let config = meta::Config::new().nfa_size_limit(Some(SIZE_LIMIT_BYTES)).utf8_empty(false);
    meta::Builder::new().configure(config).build_from_hir(hir).map_err(Box::new)
}

/// Writes the names of the groups to their places.
fn name_groups(hir: &Hir, names: &mut [Option<String>]) {
    if let HirKind::Capture(capture) = hir.kind()
        && let Some(place) = usize::try_from(capture.index).ok().and_then(|at| names.get_mut(at))
    {
        *place = capture.name.as_ref().map(ToString::to_string);
    }
    for sub in hir.kind().subs() {
        name_groups(sub, names);
    }
}

/// How every match begins.
enum Beginning<'h> {
    Text,
    Literal(&'h [u8]),
}

fn beginning(hir: &Hir) -> Option<Beginning<'_>> {
    match hir.kind() {
        HirKind::Literal(literal) => Some(Beginning::Literal(&literal.0)),
        HirKind::Look(Look::Start) => Some(Beginning::Text),
        HirKind::Concat(parts) => beginning(parts.first()?),
        _ => None,
    }
}

/// The expression as it is for texts of ASCII characters: classes lose their other members.
fn of_ascii(hir: &Hir) -> Hir {
    match hir.kind() {
        HirKind::Empty => Hir::empty(),
        HirKind::Literal(literal) => Hir::literal(literal.0.clone()),
        HirKind::Class(Class::Unicode(class)) => {
            let ascii = class.iter().filter(|range| range.start().is_ascii());
            let byte = |c: char| u8::try_from(c).unwrap_or(0x7f).min(0x7f);
            let ranges =
                ascii.map(|range| ClassBytesRange::new(byte(range.start()), byte(range.end())));
            Hir::class(Class::Bytes(ClassBytes::new(ranges)))
        }
        HirKind::Class(class) => Hir::class(class.clone()),
        HirKind::Look(look) => Hir::look(match look {
            Look::WordUnicode => Look::WordAscii,
            Look::WordUnicodeNegate => Look::WordAsciiNegate,
            Look::WordStartUnicode => Look::WordStartAscii,
            Look::WordEndUnicode => Look::WordEndAscii,
            Look::WordStartHalfUnicode => Look::WordStartHalfAscii,
            Look::WordEndHalfUnicode => Look::WordEndHalfAscii,
            other => *other,
        }),
        HirKind::Repetition(repetition) => {
            let mut repetition = repetition.clone();
            repetition.sub = Box::new(of_ascii(&repetition.sub));
            Hir::repetition(repetition)
        }
        HirKind::Capture(capture) => {
            let mut capture = capture.clone();
            capture.sub = Box::new(of_ascii(&capture.sub));
            Hir::capture(capture)
        }
        HirKind::Concat(parts) => Hir::concat(parts.iter().map(of_ascii).collect()),
        HirKind::Alternation(parts) => Hir::alternation(parts.iter().map(of_ascii).collect()),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn groups(expression: &str, text: &str) -> Option<Vec<Option<Range<usize>>>> {
        let compiled = Engine::compile(expression, Lines::One, Make::WhenTried).expect("compiles");
        let mut scratch = Scratch::new(compiled.group_names.len());
        let engine = compiled.engine;
        let is_match = engine.search(text, &mut scratch);
        let first = text.as_bytes().first().copied().unwrap_or(b'\n');
        assert!(!is_match || engine.may_begin_with(first), "{expression} on {text:?}");
        is_match.then(|| (0..scratch.slots.len() / 2).map(|group| scratch.get(group)).collect())
    }

    fn reference(expression: &str, text: &str) -> Option<Vec<Option<Range<usize>>>> {
        let plain = translate(expression, Lines::One).expect("translates").plain;
        let captures = regex::Regex::new(&plain).expect("compiles").captures(text)?;
        Some(captures.iter().map(|group| group.map(|group| group.range())).collect())
    }

    proptest! {
        /// Whichever way the groups are found, they are those of the regex crate.
        #[test]
        fn every_way_finds_the_same_groups(
            text in "(?:ab[:é ]|ab|[xy]{0,3}|[a-c: ]{0,4}){0,12}\n",
            expression in prop::sample::select(vec![
                "aba([^:]*):(x*)y?", "^ab(.*?)([xy]+)$", "(a|ab)(c|bcd)?:", r"abx(\w+)\s", "[^a]b(:)",
                "abab(?:(x)|(y))", "^(?:ab|(x))+", "^(?:(a)|(b)|(x)){2,4}(.*)$", r"^(\w*?)b(.)\b", "^(a*)(a?)(b+?)",
                r"aba(.{2,5})(\W)\B", "^([ab]*)(ab)([^y]{0,3}?)x", "^((?:[ab]:?)*)(.+)$", "^(?:a(b)?)+(.*)",
            ]),
        ) {
            prop_assert_eq!(groups(expression, &text), reference(expression, &text), "{}", expression);
        }
    }

    /// What the backtracking engine finds by itself.
    fn exactly(expression: &str, text: &str) -> Option<Vec<Option<Range<usize>>>> {
        let exact = translate(expression, Lines::One).expect("translates").exact;
        let regex = fancy_regex::Regex::new(&exact).expect("compiles");
        let captures = regex.captures(text).expect("few steps")?;
        Some(captures.iter().map(|group| group.map(|group| group.range())).collect())
    }

    proptest! {
        /// Look-ahead, conditionals, back-references and atomic groups are walked as they would be run.
        #[test]
        fn a_walk_around_finds_the_same_groups(
            text in "(?:ab[: ]|ab|[xy]{0,3}|[a-c: ]{0,4}){0,12}\n",
            expression in prop::sample::select(vec![
                "^(?!ab)(.)(?:(?!xy).)*?(x+)", "^(a)?(b)?(?(1)[ab: ]+|(x+))(.*)$", "^(a|x)*(.)(?P=t)?(?P<t>b)?",
                "^(?P<t>ab|x)?.*(?(t)y|:)(.)", "^(?P<q>[ab]+).*?(?P=q)(.)", r"^(\w+) (?:(\1)|(b))", "^(?=(a)|(x))(?:(?=.y)x|[ab])+(.)",
                "^(?>(a|ab))(.)", "^(?:(a)|(?>b+?)|(?![^x])x)*(:)", "^(?(?=a)a|b)", "abx(?!y)(.*)", "^(?!(a)b)(?:(x)|.)*(?(2) |:)$",
                "^(?:(?P<u>a)|(?(u)b|x))+(.)", "^(?:(?=(a+))a)+(b)", "^(x)?(?(1))(y)?(?(2)|(.))",
            ].into_iter().filter(|text| translate(text, Lines::One).is_ok()).collect::<Vec<_>>()),
        ) {
            prop_assert_eq!(groups(expression, &text), exactly(expression, &text), "{}", expression);
        }
    }

    #[test]
    fn what_looks_around_is_walked_from_the_beginning_of_the_text() {
        let is_walked = |expression| {
            let compiled = Engine::compile(expression, Lines::One, Make::Now).expect("compiles");
            matches!(&compiled.engine, Engine::Backtracking(b) if b.direct().is_some())
        };
        assert!(is_walked(
            r"^(?:(?P<u>\S+)|(?:(?! from ).)*?) from (?(u)x|w)(?:(?P<q>['-]).*(?P=q)|(?>y*)z)$"
        ));
        assert!(!is_walked("(?i)^(?P<q>a)(?P=q)"), "letters of either case");
        assert!(!is_walked("^a(?<!b)c") && !is_walked("^a++b"), "no walk goes back");
    }

    #[test]
    fn a_long_line_of_beginnings_takes_the_other_way() {
        let text = format!("{} abc 7\n", "abc ".repeat(200_000));
        assert_eq!(groups(r"abc (\d)", &text), reference(r"abc (\d)", &text));
    }
}
