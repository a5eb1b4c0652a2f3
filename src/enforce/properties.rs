//! What is set for an action, as it is for addresses of one family.
//!
//! fail2ban keeps values that depend on the family (`[Init?family=inet6]`) apart until there is an address, and
//! resolves what refers to them only then (1.0.2).

use std::borrow::Cow;

use crate::command;
use crate::config::ActionDef;

/// How deep values may refer to each other, as in fail2ban.
const ROUNDS: usize = 25;

/// Characters that mean something to a shell beyond putting words together.
const SHELL: [char; 17] =
    ['$', '`', ';', '|', '&', '<', '>', '(', ')', '*', '?', '[', ']', '~', '#', '\n', '\r'];

/// The properties of an action for one family.
#[derive(Clone, Copy)]
pub(super) struct Properties<'a> {
    action: &'a ActionDef,
    family: &'static str,
}

impl<'a> Properties<'a> {
    /// Those of `action` for the family that `<family>` stands for.
    pub(super) fn new(action: &'a ActionDef, family: &'static str) -> Self {
        Self { action, family }
    }

    /// The property as it is written, for this family if it has a value of its own.
    pub(super) fn raw(self, name: &str) -> Option<&'a str> {
        let own = format!("{name}?family={}", self.family);
        let properties = &self.action.properties;
        let found = properties.get(&own).or_else(|| properties.get(name))?;
        Some(&found.value)
    }

    /// What a tag stands for that every action has, unless there is a property of that name.
    pub(super) fn built_in(self, tag: &str) -> Option<&'static str> {
        match tag {
            "sp" => Some(" "),
            "family" => Some(self.family),
            _ => None,
        }
    }

    /// The property with everything in it resolved; `None` if it isn't set, or refers to what only a ban can say.
    pub(super) fn text(self, name: &str) -> Option<String> {
        let mut text = self.raw(name)?.to_owned();
        for _ in 0..ROUNDS {
            if !text.contains('<') {
                return Some(text);
            }
            text = command::replace(&text, |tag| {
                self.raw(tag).or_else(|| self.built_in(tag)).map(Cow::from)
            });
        }
        None
    }

    /// The words that a shell makes of the property; `None` if it would do more than that with it.
    pub(super) fn words(self, name: &str) -> Option<Vec<String>> {
        let text = self.text(name)?;
        if text.contains(SHELL) { None } else { shlex::split(&text) }
    }

    /// The property, if it is one word.
    pub(super) fn word(self, name: &str) -> Option<String> {
        let words = self.words(name)?;
        <[String; 1]>::try_from(words).ok().map(|[word]| word)
    }

    /// The words between the commas of the property, at least one.
    pub(super) fn list(self, name: &str) -> Option<Vec<String>> {
        let words = self.words(name)?;
        let words: Vec<String> = words
            .iter()
            .flat_map(|word| word.split(','))
            .filter(|word| !word.is_empty())
            .map(str::to_owned)
            .collect();
        (!words.is_empty()).then_some(words)
    }
}
