//! The forms a date may have, compiled.
//!
//! A list is built once and shared by all threads; what moves while lines are read is in the
//! [`Detector`](super::Detector).

use std::borrow::Cow;
use std::sync::{Arc, LazyLock, OnceLock};

use regex::bytes::{Regex, RegexBuilder, RegexSet};

use super::builtin::{self, LINE_BEGIN};
use super::dated::{Cut, Dated};
use super::epoch::{Epoch, tai_hit};
use super::pattern::{self, Built};
use super::reader::FormReader;
use super::stamp::{Field, Stamp, read};
use super::{DateError, YearWindow};
use crate::model::zone::zone_names;
use crate::text::verdict;

/// A template's place in the list as it was given.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TemplateId(
    /// The index.
    pub u16,
);

/// The compiled templates of a log.
#[derive(Clone, Debug)]
pub struct Templates {
    pub(super) list: Arc<[Template]>,
    /// All templates in one pass, to see which can match at all; built for the first log that needs it,
    /// `None` where it can't be.
    set: Arc<OnceLock<Option<RegexSet>>>,
}

/// One form of date.
#[derive(Debug)]
pub(super) struct Template {
    name: String,
    pattern: String,
    regex: String,
    matcher: Matcher,
    /// Stands at the beginning (or the end) of the line.
    pub(super) anchored: bool,
    /// How much a hit counts when templates compete for a place.
    pub(super) weight: u64,
    /// Matches only where there is a digit.
    pub(super) needs_digit: bool,
    /// Reads the form without the engine.
    pub(super) reader: Option<FormReader>,
}

#[derive(Debug)]
enum Matcher {
    Plain(Plain),
    /// A built-in form, compiled when a line is first searched for it: most logs need one or two.
    Builtin {
        /// For lines of ASCII: classes that are sets of bytes compile in a tenth of the time.
        ascii: OnceLock<Plain>,
        /// For others.
        any: OnceLock<Plain>,
    },
    Fancy {
        regex: fancy_regex::Regex,
        fields: Vec<(Field, usize)>,
    },
    Epoch(Epoch),
    /// Compiled when first needed, too.
    Tai(OnceLock<Regex>),
}

/// An expression and what its groups mean.
#[derive(Debug)]
struct Plain {
    regex: Regex,
    fields: Vec<(Field, usize)>,
}

impl Plain {
    fn new(text: &str, is_unicode: bool) -> Result<Self, regex::Error> {
        let regex = RegexBuilder::new(text).unicode(is_unicode).build()?;
        let fields = fields_of(regex.capture_names());
        Ok(Self { regex, fields })
    }

    fn find(&self, line: &[u8], from: usize) -> Option<Dated> {
        let groups = self.regex.captures_at(line, from)?;
        let group = |index: usize| groups.get(index).map(|m| (m.start(), m.end()));
        hit(line, &self.fields, group)
    }
}

impl Templates {
    /// The forms that are recognized when nothing is configured.
    #[expect(clippy::needless_pass_by_value, reason = "a window is given away when it's chosen")]
    pub fn builtin(window: YearWindow) -> Self {
        Self::new(builtin_list(&window))
    }

    /// The templates of configured patterns; the built-in ones if there is no pattern.
    #[expect(clippy::needless_pass_by_value, reason = "a window is given away when it's chosen")]
    pub fn from_patterns<S: AsRef<str>>(
        patterns: &[S],
        window: YearWindow,
    ) -> Result<Self, DateError> {
        let mut list: Vec<Template> = Vec::new();
        for pattern in patterns.iter().map(AsRef::as_ref).filter(|p| !p.trim().is_empty()) {
            let (several, templates) = templates_of(pattern, &window)?;
            for template in templates {
                if let Some(known) = list.iter_mut().find(|known| known.name == template.name)
                    && several
                {
                    // To fail2ban they are one, and it weighs what the last says.
                    known.weight = template.weight;
                } else if !list.iter().any(|other| other.name == template.name) {
                    list.push(template);
                // fail2ban refuses a pattern that is there twice, and passes over a built-in form that is: both
                // `{DEFAULT}` and `{^LN-BEG}` have it.
                } else if !several {
                    return Err(DateError::Duplicate { pattern: pattern.to_owned() });
                }
            }
        }
        if list.is_empty() {
            list = builtin_list(&window);
        }
        Ok(Self::new(list))
    }

    fn new(list: Vec<Template>) -> Self {
        Self { list: list.into(), set: Arc::default() }
    }

    /// Which templates can match in lines, seen in one pass.
    pub(super) fn set(&self) -> Option<&RegexSet> {
        let build = || {
            let texts: Option<Vec<&str>> = self.list.iter().map(Template::superset).collect();
            texts.filter(|texts| texts.len() > 1).and_then(|texts| RegexSet::new(texts).ok())
        };
        self.set.get_or_init(build).as_ref()
    }

    /// The number of templates.
    pub fn len(&self) -> usize {
        self.list.len()
    }

    /// Whether there is none: never.
    pub fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    /// The name of a template as reports show it; empty for an id of another list.
    pub fn name(&self, id: TemplateId) -> &str {
        self.get(id).map_or("", |template| &template.name)
    }

    /// The pattern of a template as it was written.
    pub fn pattern(&self, id: TemplateId) -> &str {
        self.get(id).map_or("", |template| &template.pattern)
    }

    /// How much a hit of a template counts when templates compete for a place; 0 for an id of another list.
    pub fn weight(&self, id: TemplateId) -> u64 {
        self.get(id).map_or(0, |template| template.weight)
    }

    /// The regular expression of a template.
    pub fn regex(&self, id: TemplateId) -> &str {
        self.get(id).map_or("", |template| &template.regex)
    }

    /// The first pattern that cuts something else than a date: what it matches is of today's first second.
    pub fn without_date(&self) -> Option<&str> {
        let is_without = |template: &&Template| match &template.matcher {
            Matcher::Plain(Plain { fields, .. }) | Matcher::Fancy { fields, .. } => {
                fields.is_empty()
            }
            _ => false,
        };
        let mut without = self.list.iter().filter(is_without);
        // `()` says that there is none; the words are what {DATE} becomes among others.
        let is_meant =
            |text: &str| ["{UNB}^", "()", "Epoch", "TAI64N"].iter().any(|word| text.contains(word));
        without.find(|template| !is_meant(&template.pattern)).map(|template| &*template.pattern)
    }

    fn get(&self, id: TemplateId) -> Option<&Template> {
        self.list.get(usize::from(id.0))
    }
}

/// The names of zones, as an expression.
static ZONE_BY_NAME: LazyLock<String> = LazyLock::new(|| {
    let names: Vec<&str> = zone_names().chain(["Z"]).collect();
    format!("(?P<Z>(?-i:{}))", names.join("|"))
});

fn builtin_list(window: &YearWindow) -> Vec<Template> {
    // fail2ban's weights: a form found anywhere goes before one found at the beginning of lines only with about a
    // hundred times its hits.
    let copies = builtin::anchored_copies().map(|form| (form, 100));
    let forms = builtin::BASE.iter().map(|form| ((*form).to_owned(), 1));
    copies.chain(forms).map(|(form, weight)| builtin_template(&form, weight, window)).collect()
}

fn builtin_template(form: &str, weight: u64, window: &YearWindow) -> Template {
    let anchored = form.starts_with(LINE_BEGIN);
    let base = form.strip_prefix(LINE_BEGIN).unwrap_or(form);
    let mut template = match base {
        "Epoch" => Template::epoch(anchored, false),
        "TAI64N" => Template::tai(anchored),
        _ => {
            let mut built = pattern::build(form, window).expect("the built-in forms are right");
            // A word before the date is its zone only if it is the name of one.
            built.regex = built.regex.replace("(?P<Z>Z|[A-Z]{3,5})", &ZONE_BY_NAME);
            Template {
                needs_digit: true,
                reader: FormReader::of_form(base, anchored, window),
                ..Template::of(
                    form,
                    built,
                    Matcher::Builtin { ascii: OnceLock::new(), any: OnceLock::new() },
                )
            }
        }
    };
    template.weight = weight;
    template
}

/// The templates a pattern stands for, and whether it stands for several.
fn templates_of(pattern: &str, window: &YearWindow) -> Result<(bool, Vec<Template>), DateError> {
    let upper = pattern.to_uppercase();
    let (anchored, word) = match upper.strip_prefix('^').or(upper.strip_prefix(LINE_BEGIN)) {
        Some(rest) => (true, rest),
        None => (false, upper.as_str()),
    };
    let one = |template| Ok((false, vec![template]));
    match word {
        _ if pattern.contains('%') => {}
        "EPOCH" => return one(Template::epoch(anchored, false)),
        "LEPOCH" => return one(Template::epoch(anchored, true)),
        "TAI64N" => return one(Template::tai(anchored)),
        "{NONE}" => return one(Template::none()?),
        // DIFFERS: to fail2ban this is a text that lines hold, and `{DEFAULT}` beside another pattern is nothing.
        "ISO8601" => {
            let form = format!("{}{}", if anchored { LINE_BEGIN } else { "" }, builtin::BASE[0]);
            return one(builtin_template(&form, 1, window));
        }
        "{DEFAULT}" => return Ok((true, builtin_list(window))),
        "" if anchored && upper == LINE_BEGIN => {
            let list = builtin_list(window).into_iter().filter(|t| t.anchored).collect();
            return Ok((true, list));
        }
        _ => {}
    }
    let lower_date = pattern.replace("{date}", "{DATE}");
    if lower_date.contains("{DATE}") {
        // What becomes a word such as `^Epoch` is that word; inside of more it is its letters, as in fail2ban,
        // where `\[{DATE}\]` finds no number.
        let each = builtin::BASE.iter().map(|form| {
            let date = form.strip_prefix(LINE_BEGIN).unwrap_or(form);
            templates_of(&lower_date.replace("{DATE}", date.trim_matches('*')), window)
        });
        let lists = each.map(|found| found.map(|(_, templates)| templates));
        return Ok((true, lists.collect::<Result<Vec<_>, _>>()?.into_iter().flatten().collect()));
    }
    one(Template::custom(pattern, window)?)
}

impl Template {
    fn custom(pattern: &str, window: &YearWindow) -> Result<Self, DateError> {
        let built = pattern::build(pattern, window)?;
        let mut template = Self::compile(pattern, built)?;
        template.check_day()?;
        template.reader = FormReader::of_pattern(pattern, window);
        Ok(template)
    }

    fn none() -> Result<Self, DateError> {
        let built = Built { name: "^".into(), regex: "^()".into(), anchored: true };
        Self::compile("{UNB}^", built)
    }

    fn compile(pattern: &str, built: Built) -> Result<Self, DateError> {
        let matcher = match Plain::new(&built.regex, true) {
            Ok(plain) => Matcher::Plain(plain),
            Err(plain) => {
                let regex = fancy_regex::Regex::new(&built.regex).map_err(|_| {
                    DateError::Regex { pattern: pattern.to_owned(), reason: verdict(&plain) }
                })?;
                let fields = fields_of(regex.capture_names());
                Matcher::Fancy { regex, fields }
            }
        };
        Ok(Self::of(pattern, built, matcher))
    }

    fn of(pattern: &str, built: Built, matcher: Matcher) -> Self {
        Self {
            name: built.name,
            pattern: pattern.to_owned(),
            regex: built.regex,
            matcher,
            anchored: built.anchored,
            weight: 1,
            needs_digit: false,
            reader: None,
        }
    }

    fn epoch(anchored: bool, long: bool) -> Self {
        let word = if long { "LongEpoch" } else { "Epoch" };
        let begin = if anchored { LINE_BEGIN } else { "" };
        let epoch = Epoch { anchored, long };
        Self {
            name: format!("{begin}{word}"),
            pattern: format!("{begin}{}", if long { "LEPOCH" } else { "Epoch" }),
            regex: epoch.regex(),
            matcher: Matcher::Epoch(epoch),
            anchored,
            weight: 1,
            needs_digit: true,
            reader: anchored.then_some(FormReader::Epoch(epoch)),
        }
    }

    fn tai(anchored: bool) -> Self {
        let begin = if anchored { r"^(?:\W{0,2})?" } else { "" };
        let text = format!(r"{begin}(@[0-9a-f]{{24}})(?:\b{{start-half}}|\b{{end-half}})");
        let name = format!("{}TAI64N", if anchored { LINE_BEGIN } else { "" });
        Self {
            pattern: name.clone(),
            name,
            matcher: Matcher::Tai(OnceLock::new()),
            regex: text,
            anchored,
            weight: 1,
            needs_digit: false,
            reader: anchored.then_some(FormReader::Tai),
        }
    }

    /// An expression that matches at least the lines in which this template matches.
    fn superset(&self) -> Option<&str> {
        match self.matcher {
            Matcher::Plain(_) | Matcher::Builtin { .. } | Matcher::Tai(_) => Some(&self.regex),
            Matcher::Epoch(_) => Some("[0-9]{10}"),
            Matcher::Fancy { .. } => None,
        }
    }

    /// A month without a day isn't a date, nor is a day without a month.
    ///
    /// DIFFERS: fail2ban takes such a pattern and fails at every line that it matches.
    fn check_day(&self) -> Result<(), DateError> {
        let (Matcher::Plain(Plain { fields, .. }) | Matcher::Fancy { fields, .. }) = &self.matcher
        else {
            return Ok(());
        };
        let has = |wanted: &[Field]| fields.iter().any(|(field, _)| wanted.contains(field));
        let month = has(&[Field::Month, Field::MonthName]);
        let day = has(&[Field::Day]);
        let week = has(&[Field::SundayWeek, Field::MondayWeek])
            && has(&[Field::Weekday, Field::WeekdayName]);
        if month == day || week || has(&[Field::OfYear, Field::Epoch, Field::LongEpoch]) {
            return Ok(());
        }
        let (has, lacks) = if month { ("month", "day") } else { ("day", "month") };
        Err(DateError::HalfDate { pattern: self.pattern.clone(), has, lacks })
    }

    /// The first match at or after `from` and not beyond `to`.
    ///
    /// The text ends at `to` but still begins at 0, as in fail2ban: a word may be cut off at the end, and is
    /// whole at the beginning, where `^` doesn't match at `from` either.
    pub(super) fn find(&self, line: &[u8], from: usize, to: usize) -> Option<Dated> {
        let line = &line[..to];
        let read =
            self.reader.filter(|_| !self.anchored).and_then(|reader| reader.read(line, from));
        read.or_else(|| self.find_by_engine(line, from))
    }

    /// The same without a reader.
    pub(super) fn find_by_engine(&self, line: &[u8], from: usize) -> Option<Dated> {
        match &self.matcher {
            Matcher::Plain(plain) => plain.find(line, from),
            Matcher::Builtin { ascii, any } => {
                let is_unicode = !line.is_ascii();
                let compile =
                    || Plain::new(&self.regex, is_unicode).expect("the tests search for each form");
                let plain = if is_unicode { any } else { ascii };
                plain.get_or_init(compile).find(line, from)
            }
            Matcher::Fancy { regex, fields } => {
                let text = as_text(line);
                let groups = regex.captures_from_pos(&*text, from).ok()??;
                let group = |index: usize| groups.get(index).map(|m| (m.start(), m.end()));
                hit(line, fields, group)
            }
            Matcher::Epoch(epoch) => epoch.find(line, from),
            Matcher::Tai(regex) => {
                let compile = || Regex::new(&self.regex).expect("it's a constant");
                let regex = regex.get_or_init(compile);
                let groups = regex.captures_at(line, from)?;
                let (whole, label) = (groups.get(0)?, groups.get(1)?);
                Some(tai_hit(whole.start(), label.start(), label.as_bytes()))
            }
        }
    }
}

fn hit(
    line: &[u8],
    fields: &[(Field, usize)],
    group: impl Fn(usize) -> Option<(usize, usize)>,
) -> Option<Dated> {
    let (start, end) = group(0)?;
    // What is cut from the line is the first group: the whole date, unless the pattern has groups of its own.
    // Then it is the first of those, as in fail2ban, and a directive has one too: `%Y (foo)` cuts the year.
    let (cut_start, cut_end) = group(1).unwrap_or((start, start));
    let values = fields
        .iter()
        .filter_map(|(field, index)| group(*index).map(|(from, to)| (*field, &line[from..to])));
    let cut = Cut { start: cut_start, end: cut_end };
    // Such a pattern is for lines that have no date.
    let is_dateless = fields.is_empty() && cut_start == cut_end;
    let stamp = if is_dateless { Stamp::DATELESS } else { read(values) };
    Some(Dated { start, end, cut, stamp })
}

fn fields_of<'n>(names: impl Iterator<Item = Option<&'n str>>) -> Vec<(Field, usize)> {
    names
        .enumerate()
        .filter_map(|(index, name)| Field::of_group(name?).map(|field| (field, index)))
        .collect()
}

/// The line as text of the same length: each byte that is no UTF-8 becomes a character that no
/// pattern means.
pub(super) fn as_text(line: &[u8]) -> Cow<'_, str> {
    if let Ok(text) = std::str::from_utf8(line) {
        return Cow::Borrowed(text);
    }
    let mut text = String::with_capacity(line.len());
    for chunk in line.utf8_chunks() {
        text.push_str(chunk.valid());
        // One byte each, so that positions hold for the line. Beside a byte that is no text no word begins or
        // ends for the engine: a date there would be hidden.
        text.extend(chunk.invalid().iter().map(|_| '\u{1a}'));
    }
    Cow::Owned(text)
}
