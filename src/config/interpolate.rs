//! `%(name)s`: a text in which other options are quoted, resolved when the option is fetched.
//!
//! Names are looked up where the fetched option is, even inside a text that came from elsewhere:
//! what is given, the section, `[DEFAULT]`. `known/x` is what `x` was before the file at hand
//! changed it: seen inside the n-th value of `x`, it is the one below.

use std::collections::BTreeMap;
use std::rc::Rc;

use super::merged::{DEFAULT, Merged, Options};
use super::traced::{Line, Traced};
use crate::diag::{Diagnostic, Location, Severity, nearest};
use crate::text;

/// Values that precede those of the files.
pub(super) type Given = BTreeMap<String, Traced>;

/// As deep as fail2ban goes.
const DEPTH_MAX: usize = 10;

/// What is wrong with a text.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum Problem {
    #[error("option '{option}' needs '{key}', which isn't set")]
    Missing { option: String, key: String, near: Option<String> },
    #[error("option '{option}' has a lone '%' at '{rest}'")]
    LonePercent { option: String, rest: String },
    #[error("option '{option}' needs itself or too much: {}", path.join(" → "))]
    TooDeep { option: String, path: Vec<String> },
    #[error("'<{tag}>' stands for itself in option '{option}' of the filter")]
    TagLoop { option: String, tag: String },
}

/// A text that can't be resolved.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{at}: {problem}")]
pub(super) struct InterpolationError {
    /// The line that has the `%`.
    pub(super) at: Location,
    pub(super) problem: Problem,
}

impl InterpolationError {
    /// The finding, without a subject.
    pub(super) fn diagnostic(&self) -> Diagnostic {
        let (id, help) = match &self.problem {
            Problem::Missing { near: Some(near), .. } => {
                ("missing-option", format!("did you mean '{near}'?"))
            }
            Problem::Missing { key, .. } => {
                ("missing-option", format!("set '{key}' in the section or in [DEFAULT]"))
            }
            Problem::LonePercent { .. } => {
                ("lone-percent", "write '%%' for a literal percent sign".to_owned())
            }
            Problem::TagLoop { .. } => ("self-reference", "break the circle".to_owned()),
            Problem::TooDeep { .. } => {
                ("interpolation-loop", "break the circle at one of these options".to_owned())
            }
        };
        let message = text::printable(&self.problem.to_string()).into_owned();
        let excerpt = match &self.problem {
            Problem::Missing { key, .. } => format!("%({key})s"),
            Problem::TagLoop { tag, .. } => format!("<{tag}>"),
            Problem::LonePercent { .. } | Problem::TooDeep { .. } => "%".to_owned(),
        };
        Diagnostic::new(id, Severity::Error, message)
            .with_location(self.at.clone())
            .with_text(excerpt)
            .with_help(text::printable(&help).into_owned())
    }
}

/// Gives `known/x` where the files don't: a jail sees the options of its filter.
pub(super) type Known<'m> = &'m dyn Fn(&str) -> Result<Option<Traced>, Box<InterpolationError>>;

/// Where options are fetched.
#[derive(Clone, Copy)]
pub(super) struct Scope<'m> {
    merged: &'m Merged,
    section: &'m str,
    options: Option<&'m Options>,
    given: &'m Given,
    known: Option<Known<'m>>,
    /// Whether it is the section as it was before, which to fail2ban is a section of its own: former values, behind
    /// them the defaults.
    is_former: bool,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Owner {
    Section,
    Default,
    Elsewhere,
}

/// A value on the way: which option it is, and how many values of it are below.
struct Frame {
    option: String,
    owner: Owner,
    below: usize,
}

type Resolved<T> = Result<T, Box<InterpolationError>>;

impl<'m> Scope<'m> {
    /// A section of the merged files, which may be missing from them.
    pub(super) fn new(merged: &'m Merged, section: &'m str, given: &'m Given) -> Self {
        let options = merged.section(section);
        Self { merged, section, options, given, known: None, is_former: false }
    }

    /// The same, with another source for `known/x`.
    pub(super) fn with_known(mut self, known: Known<'m>) -> Self {
        self.known = Some(known);
        self
    }

    /// The option's value with everything in it resolved; `None` if it isn't set.
    pub(super) fn fetch(&self, option: &str) -> Resolved<Option<Traced>> {
        match self.plain(option) {
            Some((value, frame)) => self.expand(&value, &mut vec![frame]).map(Some),
            None => Ok(None),
        }
    }

    /// What the files say, before anything is resolved, the current value last.
    pub(super) fn stack(&self, option: &str) -> &'m [Rc<Traced>] {
        let own = self.options.and_then(|options| options.get(option));
        own.or_else(|| self.merged.defaults.get(option)).map_or(&[], Vec::as_slice)
    }

    /// The option as another one in a `known/` sees it from outside: the value below the current.
    pub(super) fn fetch_known(&self, option: &str) -> Resolved<Option<Traced>> {
        match self.below(option, &[]) {
            Some((value, frame)) => {
                let former = Self { is_former: true, ..*self };
                former.expand(&value, &mut vec![frame]).map(Some)
            }
            None => Ok(None),
        }
    }

    fn plain(&self, name: &str) -> Option<(Traced, Frame)> {
        let lower = name.to_lowercase();
        if let Some(value) = self.given.get(name).or_else(|| self.given.get(&lower)) {
            return Some((value.clone(), elsewhere(lower)));
        }
        if self.is_former
            && let Some(former) = self.below(name, &[])
        {
            return Some(former);
        }
        let own = self.options.and_then(|options| options.get(&lower));
        top(own, Owner::Section, &lower)
            .or_else(|| top(self.merged.defaults.get(&lower), Owner::Default, &lower))
    }

    /// The value of `option` below the one that is being resolved, or below the current one.
    fn below(&self, option: &str, frames: &[Frame]) -> Option<(Traced, Frame)> {
        let lower = option.to_lowercase();
        let seen = frames
            .iter()
            .rev()
            .find(|frame| frame.option == lower && frame.owner != Owner::Elsewhere);
        let own = self.options.and_then(|options| options.get(&lower));
        let defaults = self.merged.defaults.get(&lower);
        let take = |stack: Option<&Vec<Rc<Traced>>>, owner, index: usize| {
            let value = stack?.get(index)?;
            Some((Traced::clone(value), Frame { option: lower.clone(), owner, below: index }))
        };
        let (own_below, default_below) = match seen {
            Some(Frame { owner: Owner::Default, below, .. }) => (None, below.checked_sub(1)),
            seen => {
                let level = seen.map(|frame| frame.below);
                let level = level.or_else(|| own.and_then(|stack| stack.len().checked_sub(1)));
                let last = defaults.and_then(|stack| stack.len().checked_sub(1));
                (level.and_then(|level| level.checked_sub(1)), last)
            }
        };
        own_below
            .and_then(|index| take(own, Owner::Section, index))
            .or_else(|| default_below.and_then(|index| take(defaults, Owner::Default, index)))
    }

    fn lookup(&self, key: &str, frames: &[Frame]) -> Resolved<Option<(Traced, Frame)>> {
        if let Some(found) = self.plain(key) {
            return Ok(Some(found));
        }
        let Some((section, option)) = key.split_once('/') else { return Ok(None) };
        let lower = option.to_lowercase();
        let default = || top(self.merged.defaults.get(&lower), Owner::Default, &lower);
        if section.eq_ignore_ascii_case("known") {
            if let Some(value) = self.known.map_or(Ok(None), |known| known(&lower))? {
                // It is resolved already; what is in it is text.
                let quoted = value.replace("%", &Traced::new("%%", value.at.clone()));
                return Ok(Some((quoted, elsewhere(lower))));
            }
            return Ok(self.below(option, frames));
        }
        if section.eq_ignore_ascii_case(DEFAULT) {
            return Ok(default());
        }
        let sections = &self.merged.sections;
        let exact = sections.iter().find(|(name, ..)| name == section);
        let found =
            exact.or_else(|| sections.iter().find(|(name, ..)| name.eq_ignore_ascii_case(section)));
        let Some((name, options, _)) = found else { return Ok(None) };
        let owner = if name == self.section { Owner::Section } else { Owner::Elsewhere };
        Ok(top(options.get(&lower), owner, &lower).or_else(default))
    }

    fn expand(&self, value: &Traced, frames: &mut Vec<Frame>) -> Resolved<Traced> {
        let mut out = Traced::empty(value.at.clone());
        let text = value.value.as_str();
        let mut from = 0;
        while let Some(found) = text[from..].find('%') {
            let percent = from + found;
            out.push(value, from..percent);
            let rest = &text[percent + 1..];
            if rest.starts_with('%') {
                out.push(value, percent..percent + 1);
                from = percent + 2;
                continue;
            }
            let Some(key) = reference(rest) else {
                let option = option_name(frames);
                let rest = text::shown(&text[percent..]).lines().next().unwrap_or("").to_owned();
                return error(value.place_of(percent), Problem::LonePercent { option, rest });
            };
            self.quote(key, value.place_of(percent), frames, &mut out)?;
            from = percent + "%()s".len() + key.len();
        }
        out.push(value, from..text.len());
        Ok(out)
    }

    /// Appends the option that `%(key)s` stands for.
    fn quote(
        &self,
        key: &str,
        at: &Line,
        frames: &mut Vec<Frame>,
        out: &mut Traced,
    ) -> Resolved<()> {
        if key == "__name__" {
            out.push_all(&Traced::new(self.section, at.clone()));
            return Ok(());
        }
        let Some((found, frame)) = self.lookup(key, frames)? else {
            let near = self.nearest_option(key);
            let option = option_name(frames);
            return error(at, Problem::Missing { option, key: key.to_owned(), near });
        };
        if !found.value.contains('%') {
            out.push_all(&found);
            return Ok(());
        }
        frames.push(frame);
        if frames.len() > DEPTH_MAX {
            let path = frames.iter().map(|frame| frame.option.clone()).collect();
            return error(at, Problem::TooDeep { option: option_name(frames), path });
        }
        out.push_all(&self.expand(&found, frames)?);
        frames.pop();
        Ok(())
    }

    fn nearest_option(&self, key: &str) -> Option<String> {
        let own = self.options.into_iter().flat_map(BTreeMap::keys);
        let known = own.chain(self.merged.defaults.keys()).chain(self.given.keys());
        nearest(key, known.map(String::as_str)).map(str::to_owned)
    }
}

fn top(stack: Option<&Vec<Rc<Traced>>>, owner: Owner, option: &str) -> Option<(Traced, Frame)> {
    let stack = stack?;
    let value = Traced::clone(stack.last()?);
    Some((value, Frame { option: option.to_owned(), owner, below: stack.len() - 1 }))
}

fn elsewhere(option: String) -> Frame {
    Frame { option, owner: Owner::Elsewhere, below: 0 }
}

/// The key of the `(key)s` at the beginning of the text.
fn reference(rest: &str) -> Option<&str> {
    let inner = rest.strip_prefix('(')?;
    let key = &inner[..inner.find(')')?];
    let closed = inner[key.len() + 1..].starts_with('s');
    (closed && !key.is_empty()).then_some(key)
}

/// The first `%(name)s` in a text.
pub(crate) fn first_reference(text: &str) -> Option<&str> {
    text.match_indices('%').find_map(|(at, _)| {
        let key = reference(&text[at + 1..])?;
        text.get(at..at + "%()s".len() + key.len())
    })
}

/// The option that was asked for.
fn option_name(frames: &[Frame]) -> String {
    frames.first().map(|frame| frame.option.clone()).unwrap_or_default()
}

fn error<T>(at: &Line, problem: Problem) -> Resolved<T> {
    Err(Box::new(InterpolationError { at: at.location(), problem }))
}

#[cfg(test)]
mod tests {
    use std::fmt::Write as _;
    use std::fs;

    use super::super::merge::{Files, Siblings};
    use super::*;

    fn merged(files: &[&str]) -> Merged {
        let dir = tempfile::tempdir().expect("a folder for the test");
        let list: Vec<_> = (0..files.len()).map(|i| dir.path().join(format!("{i}.conf"))).collect();
        for (path, content) in list.iter().zip(files) {
            fs::write(path, content).expect("written");
        }
        Files::default().merge(&list, Siblings::No)
    }

    fn fetch(files: &[&str], option: &str) -> Result<Option<String>, Problem> {
        let merged = merged(files);
        let none = Given::new();
        let value = Scope::new(&merged, "s", &none).fetch(option);
        value.map(|value| value.map(|value| value.value)).map_err(|error| error.problem)
    }

    fn ok(content: &str) -> String {
        fetch(&[content], "a").expect("it can be resolved").expect("it is set")
    }

    #[test]
    fn every_form_of_reference() {
        for (content, value) in [
            ("[s]\na = 100%%", "100%"),
            ("[s]\na = <%(B)s>\nb = x", "<x>"),
            ("[DEFAULT]\nb = d\n[s]\na = %(b)s", "d"),
            ("[s]\na = %(__name__)s", "s"),
            ("[o]\ny = %(q)s\n[s]\nq = Q\na = %(o/y)s", "Q"),
            ("[DEFAULT]\ny = d\n[o]\n[s]\na = %(o/y)s", "d"),
            ("[DEFAULT]\ny = d\n[s]\ny = s\na = %(default/y)s", "d"),
            ("[Foo]\nXx = 1\n[s]\na = %(Foo/Xx)s", "1"),
            ("[DEFAULT]\na = d\n[s]\na = %(known/a)s+", "d+"),
            ("[DEFAULT]\na = %(b)s\nb = 1\n[s]\nb = 2", "2"),
        ] {
            assert_eq!(ok(content), value, "{content}");
        }
    }

    #[test]
    fn known_goes_down_one_value_at_a_time() {
        let files = [
            "[s]\na = 1\nb = x%(known/a)s\n",
            "[s]\na = %(known/a)s2\n",
            "[s]\na = %(known/a)s3\n",
        ];
        assert_eq!(fetch(&files, "a"), Ok(Some("123".to_owned())));
        assert_eq!(fetch(&files, "b"), Ok(Some("x12".to_owned())));
        let defaults = ["[DEFAULT]\na = 1\n[s]\n", "[DEFAULT]\na = %(known/a)s2\n"];
        assert_eq!(fetch(&defaults, "a"), Ok(Some("12".to_owned())));
    }

    #[test]
    fn ten_references_resolve_and_eleven_do_not() {
        let chain = |count: usize| {
            let mut content = "[s]\na = %(x1)s\n".to_owned();
            for index in 1..count {
                let _ = writeln!(content, "x{index} = %(x{})s", index + 1);
            }
            content + &format!("x{count} = end\n")
        };
        assert_eq!(fetch(&[&chain(10)], "a"), Ok(Some("end".to_owned())));
        let error = fetch(&[&chain(11)], "a");
        assert!(matches!(error, Err(Problem::TooDeep { path, .. }) if path.len() == 11));
    }

    #[test]
    fn what_is_not_there_is_an_error_at_its_line() {
        let merged = merged(&["[s]\na = x\n  %(bantme)s\nbantime = 1\nc = 5 % x\n"]);
        let none = Given::new();
        let scope = Scope::new(&merged, "s", &none);
        let error = scope.fetch("a").expect_err("there is no bantme");
        assert_eq!(error.at.line, 3);
        let rendered = error.diagnostic().to_string();
        let expected = "option 'a' needs 'bantme', which isn't set; did you mean 'bantime'?";
        assert!(rendered.ends_with(expected), "{rendered}");
        let error = scope.fetch("c").expect_err("it has a lone percent sign").diagnostic();
        assert_eq!(error.id, "lone-percent");
        assert_eq!(error.help.as_deref(), Some("write '%%' for a literal percent sign"));
    }
}
