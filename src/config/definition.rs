//! What filters and actions have in common: `[Definition]` overlaid with `[Init]` and with the
//! parameters from the brackets, tags resolved.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use super::indented;
use super::interpolate::{Given, InterpolationError, Scope};
use super::merged::{DEFAULT, INCLUDES, Merged};
use super::options::unknown_option;
use super::quoted;
use super::substitute::{self, SubstituteError};
use super::traced::{Line, Text, Traced};
use crate::diag::{Diagnostic, Location, Severity};
use crate::text::printable;

const DEFINITION: &str = "Definition";
const INIT: &str = "Init";
/// The sections that mean something.
const SECTIONS: [&str; 4] = [DEFINITION, INIT, DEFAULT, INCLUDES];
/// The longest letter in UTF-8, in bytes.
const LETTER_MAX_BYTES: usize = 4;
/// The tags of a failregex that stand for a part of a line.
const BUILT_IN: [&str; 7] = ["HOST", "ADDR", "IP4", "IP6", "CIDR", "SUBNET", "DNS"];

/// The options of a jail that are known before its filter is read.
const EARLY: [&str; 3] = ["enabled", "backend", "filter"];

/// The merged files of a filter or action with the parameters given to it.
pub(super) struct Definition {
    merged: Rc<Merged>,
    /// From the brackets: these beat everything.
    params: Given,
    /// What `<...>` sees beside the options of the files: parameters, and options of the jail.
    tagged: Given,
    /// What `%(...)s` sees first: these, and more when it's [`reread`](Self::reread).
    quoted: Given,
    /// Tags in capitals that options in small letters took the place of.
    displaced: RefCell<BTreeSet<String>>,
    /// Tags that are replaced at a ban.
    late: &'static [&'static str],
    none: Given,
}

/// How a reader comes to an option.
#[derive(Clone, Copy)]
enum Asked {
    Directly,
    ByTag,
    /// Together with all others, when parameters don't count in what is quoted.
    InPassing,
}

impl Definition {
    /// The parameters are written at `at`; `jail` has the jail's options, for quoting.
    pub(super) fn new(
        merged: Rc<Merged>,
        params: &[(String, String)],
        at: &Line,
        jail: &Given,
    ) -> Result<Self, Box<InterpolationError>> {
        let mut own = Given::new();
        let mut vars = jail.clone();
        for (name, value) in params {
            let value = with_known(&merged, Traced::new(value.clone(), at.clone()))?;
            // Found by its own name first, and then by that of another in any case.
            vars.insert(name.to_lowercase(), value.clone());
            own.insert(name.clone(), value);
        }
        Ok(Self {
            merged,
            params: own,
            quoted: vars.clone(),
            tagged: vars,
            displaced: RefCell::default(),
            late: &[],
            none: Given::new(),
        })
    }

    /// The same for a filter: the jail's options take the place of its own, but only those of [`EARLY`] are
    /// there beside them.
    pub(super) fn of_filter(mut self) -> Self {
        let params: BTreeSet<_> = self.params.keys().map(|name| name.to_lowercase()).collect();
        self.tagged.retain(|name, _| EARLY.contains(&name.as_str()) || params.contains(name));
        self
    }

    /// The same, with tags to leave alone whatever they stand for.
    pub(super) fn with_late(mut self, late: &'static [&'static str]) -> Self {
        self.late = late;
        self
    }

    /// Whether `[Definition]` itself, or a parameter, sets the option.
    pub(super) fn defines(&self, name: &str) -> bool {
        self.params.contains_key(name)
            || self.merged.section(DEFINITION).is_some_and(|options| options.contains_key(name))
    }

    /// Whether a parameter or `[Init]` sets the option.
    pub(super) fn is_given(&self, name: &str) -> bool {
        self.params.contains_key(name) || self.initializes(name)
    }

    /// Whether a value in its files quotes the option.
    pub(super) fn quotes(&self, name: &str) -> bool {
        self.merged.quotes(name)
    }

    /// Whether `[Init]` sets the option.
    pub(super) fn initializes(&self, name: &str) -> bool {
        self.merged.section(INIT).is_some_and(|options| options.contains_key(name))
    }

    /// The same as a jail reads it, which is the second time: `%(x)s` then sees what `[Init]` said at the first.
    pub(super) fn reread(mut self) -> Result<Self, Box<InterpolationError>> {
        let names: Vec<String> =
            self.merged.section(INIT).into_iter().flatten().map(|(name, _)| name.clone()).collect();
        for name in names {
            if let Some(value) = self.bare(INIT).fetch(&name)? {
                self.quoted.insert(format!("known/{name}"), value.clone());
                if !self.params.contains_key(&name) {
                    self.quoted.insert(name, value);
                }
            }
        }
        Ok(self)
    }

    /// Sets a parameter that nobody gave.
    pub(super) fn set_param(&mut self, name: &str, value: Traced) {
        self.tagged.insert(name.to_owned(), value.clone());
        self.quoted.insert(name.to_owned(), value.clone());
        self.params.insert(name.to_owned(), value);
    }

    /// The built-in tags that were found to be options, in what was read so far.
    pub(super) fn displaced(&self) -> BTreeSet<String> {
        self.displaced.borrow().clone()
    }

    /// The names of all options and parameters.
    pub(super) fn names(&self) -> BTreeSet<String> {
        let is_variant = |name: &&String| name.contains('?');
        let all =
            self.own_names().chain(self.merged.defaults.keys()).filter(|name| !is_variant(name));
        let init = self.merged.section(INIT).into_iter().flat_map(BTreeMap::keys);
        all.chain(init.filter(is_variant)).chain(self.params.keys()).cloned().collect()
    }

    /// Findings about tags left in a text that look like one of the options: `<mdre-agressive>`.
    ///
    /// `others` are tags that are replaced later.
    pub(super) fn misspelt(&self, text: &Text, others: &[&str]) -> Vec<Diagnostic> {
        let mut names = self.names();
        names.extend(others.iter().map(|name| (*name).to_owned()));
        let is_option = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "_-".contains(c);
        let left = quoted::tags(&text.value);
        let left =
            left.filter(|tag| tag.len() > 3 && tag.chars().all(is_option) && !names.contains(*tag));
        let slip = |tag: &str| {
            // Text and parameters to be given are often near to something; a slip is one letter.
            let is_near = |name: &&String| {
                name.len().abs_diff(tag.len()) <= LETTER_MAX_BYTES
                    && strsim::damerau_levenshtein(tag, name) == 1
            };
            let near = names.iter().find(is_near)?;
            let message = format!("there is no option for <{tag}>, so that it is text");
            let found = Diagnostic::new("unknown-tag", Severity::Warning, message);
            let found = found.with_location(text.at.clone()).with_text(format!("<{tag}>"));
            Some(found.with_help(format!("did you mean <{}>?", printable(near))))
        };
        left.filter_map(slip).collect()
    }

    /// Findings about names in its files and brackets that nobody reads and that look like ones that somebody does:
    /// sections, options and, of the `params`, those that are like one of its options.
    pub(super) fn slips(
        &self,
        known: &[&str],
        params: &[(String, String)],
        at: &Line,
    ) -> Vec<Diagnostic> {
        let mut findings: Vec<_> = self
            .merged
            .sections
            .iter()
            .filter_map(|(name, _, at)| section_slip(name, at))
            .collect();
        let is_read = |name: &str| {
            let lower = name.to_lowercase();
            known.contains(&&*lower) || self.merged.quotes(&lower) || self.merged.tags(&lower)
        };
        let slip = |name: &str, words: &[&str], at: Location| {
            // Most names are known, which is soon seen.
            let near = if is_read(name) { None } else { words.iter().find(|w| is_slip(name, w)) };
            Some(unknown_option(name, near?, at))
        };
        let sections = [DEFINITION, INIT].into_iter().filter_map(|name| self.merged.section(name));
        for (name, stack) in sections.flatten() {
            let at = stack.last().map(|value| value.at.location());
            findings.extend(at.and_then(|at| slip(name, known, at)));
        }
        findings.extend(self.misplaced());
        let is_section = |name: &str, _| SECTIONS.contains(&name);
        let sections = [DEFINITION, INIT].into_iter().filter_map(|name| self.merged.section(name));
        let all = sections.chain([&self.merged.defaults]);
        findings.extend(all.flat_map(|options| {
            indented::findings(options, &|name| known.contains(&name), &is_section)
        }));
        let mut words: Vec<&str> = self.own_names().map(String::as_str).collect();
        words.extend(known);
        for (name, _) in params.iter().filter(|(name, _)| !words.contains(&&**name)) {
            findings.extend(slip(name, &words, at.location()));
        }
        findings
    }

    fn own_names(&self) -> impl Iterator<Item = &String> {
        let sections = [DEFINITION, INIT].into_iter().filter_map(|name| self.merged.section(name));
        sections.flat_map(BTreeMap::keys)
    }

    /// The option with everything in it resolved; `None` if nobody sets it.
    pub(super) fn value(&self, name: &str) -> Result<Option<Traced>, SubstituteError> {
        self.resolved(name, Asked::Directly)
    }

    fn resolved(&self, name: &str, asked: Asked) -> Result<Option<Traced>, SubstituteError> {
        let Some(value) = self.overlaid(name, asked)? else { return Ok(None) };
        if self.is_conditional(name) {
            return Ok(Some(value));
        }
        substitute::resolve(name, value, &|tag| self.tag(tag)).map(Some)
    }

    /// The first option that can't be resolved, among those that are read anyway and all in the files,
    /// needed or not: to fail2ban one spoils a jail's filter.
    pub(super) fn check(&self, read: &[&str]) -> Result<(), SubstituteError> {
        read.iter().try_for_each(|name| self.value(name).map(|_| ()))?;
        let rest = self.own_names().chain(self.params.keys());
        for name in rest.filter(|name| !read.contains(&name.as_str())) {
            self.resolved(name, Asked::InPassing)?;
        }
        self.check_known()
    }

    /// The first `<known/x>` that can't be resolved: what `[Init]` says of x, which is there beside a parameter x.
    pub(super) fn check_known(&self) -> Result<(), SubstituteError> {
        for (name, stack) in self.merged.section(INIT).into_iter().flatten() {
            let names_a_place = |tag: &str| tag.contains('/');
            let quotes =
                stack.last().is_some_and(|value| quoted::tags(&value.value).any(names_a_place));
            if (quotes || self.params.contains_key(name))
                && let Some(value) = self.bare(INIT).fetch(name)?
            {
                let known = format!("known/{name}");
                substitute::resolve(&known, value, &|tag| self.tag(tag))?;
            }
        }
        Ok(())
    }

    fn bare<'m>(&'m self, section: &'m str) -> Scope<'m> {
        Scope::new(&self.merged, section, &self.none)
    }

    /// The option before its tags are replaced.
    fn overlaid(
        &self,
        name: &str,
        asked: Asked,
    ) -> Result<Option<Traced>, Box<InterpolationError>> {
        if let Some(value) = self.params.get(name) {
            return Ok(Some(value.clone()));
        }
        // Here upper and lower case differ, unlike in the lookup after it.
        if self.initializes(name) {
            return self.bare(INIT).fetch(name);
        }
        // Defaults are defaults of a section: files without [Definition] define nothing.
        if self.merged.section(DEFINITION).is_none() {
            return Ok(None);
        }
        let scope = Scope::new(&self.merged, DEFINITION, &self.quoted);
        match asked {
            // Here, too, names in capitals are found in small letters.
            Asked::ByTag if !self.defines(name) => {
                Scope::new(&self.merged, DEFINITION, &self.tagged).fetch(name)
            }
            Asked::InPassing => self.bare(DEFINITION).fetch(name),
            _ => scope.fetch(name),
        }
    }

    fn tag(&self, tag: &str) -> Result<Option<Traced>, SubstituteError> {
        if self.late.contains(&tag) || self.is_conditional(tag) {
            return Ok(None);
        }
        if let Some(value) = self.overlaid(tag, Asked::ByTag)? {
            if BUILT_IN.contains(&tag) {
                self.displaced.borrow_mut().insert(tag.to_owned());
            }
            return Ok(Some(value));
        }
        let Some((section, option)) = tag.split_once('/') else { return Ok(None) };
        // A place that is named is read as it is, without parameters.
        let found = if section.eq_ignore_ascii_case("known") {
            self.known(option)?
        } else if section.eq_ignore_ascii_case(DEFAULT) {
            self.bare(DEFAULT).fetch(option)?
        } else if self.merged.section(section).is_some() {
            self.bare(section).fetch(option)?
        } else {
            None
        };
        Ok(found)
    }

    /// What an option would be without parameters, or was before a file changed it.
    fn known(&self, option: &str) -> Result<Option<Traced>, Box<InterpolationError>> {
        if self.initializes(option) {
            return self.bare(INIT).fetch(option);
        }
        if self.merged.section(DEFINITION).is_none() {
            return Ok(None);
        }
        let scope = self.bare(DEFINITION);
        // To fail2ban former values are a section of its own, which has the defaults behind it, too.
        let remembers = self.merged.remembering.contains(DEFINITION);
        match if remembers { scope.fetch_known(option)? } else { None } {
            Some(known) => Ok(Some(known)),
            None => scope.fetch(option),
        }
    }

    /// Whether the value depends on the address that is being banned; only parameters and `[Init]` can say so.
    fn is_conditional(&self, name: &str) -> bool {
        let is_variant =
            |key: &String| key.strip_prefix(name).is_some_and(|rest| rest.starts_with('?'));
        let init = self.merged.section(INIT).into_iter().flat_map(BTreeMap::keys);
        init.chain(self.params.keys()).any(is_variant)
    }

    /// Values for a family of addresses that stand where none are looked for.
    fn misplaced(&self) -> Vec<Diagnostic> {
        let section = |name| self.merged.section(name);
        let vain =
            [section(DEFINITION), Some(&self.merged.defaults)].into_iter().flatten().flatten();
        let init = section(INIT).into_iter().flatten().filter(|(name, _)| !name.contains('='));
        let variants = vain.chain(init).filter_map(|(name, stack)| {
            let (option, _) = name.split_once('?')?;
            let message = format!("this '{}' for a family has no effect", printable(name));
            let found = Diagnostic::new("misplaced-condition", Severity::Warning, message);
            let help = format!("write '{}' below [Init?family=inet6]", printable(option));
            Some(found.with_location(stack.last()?.at.location()).with_help(help))
        });
        variants.collect()
    }
}

/// The finding about a section whose name looks like one that means something.
fn section_slip(name: &str, at: &Location) -> Option<Diagnostic> {
    let is_near = |word: &&&str| word.eq_ignore_ascii_case(name) || is_slip(name, word);
    let near = SECTIONS.iter().find(is_near).filter(|word| **word != name)?;
    let message = format!("section [{}] means nothing", printable(name));
    let found = Diagnostic::new("unknown-section", Severity::Warning, message);
    let found = found.with_location(at.clone()).with_text(name);
    Some(found.with_help(format!("did you mean [{near}]?")))
}

/// Whether `name` is `word` but for a letter or two.
fn is_slip(name: &str, word: &str) -> bool {
    let limit = if word.len() < 6 { 1 } else { 2 };
    name.len().abs_diff(word.len()) <= limit
        && name != word
        && strsim::damerau_levenshtein(name, word) <= limit
}

/// A parameter's `<known/x>` is what `[Init]` says about x: the value without the parameter.
fn with_known(merged: &Merged, value: Traced) -> Result<Traced, Box<InterpolationError>> {
    let Some(init) = merged.section(INIT).filter(|_| value.value.contains("<known/")) else {
        return Ok(value);
    };
    let none = Given::new();
    let scope = Scope::new(merged, INIT, &none);
    let mut value = value;
    for name in init.keys() {
        let tag = format!("<known/{name}>");
        if value.value.contains(&tag)
            && let Some(known) = scope.fetch(name)?
        {
            value = value.replace(&tag, &known);
        }
    }
    Ok(value)
}
