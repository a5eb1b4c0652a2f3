//! Commands about the actions of a jail.

use serde_json::{Map, Value as Json};

use super::jail::seconds;
use super::raised::Raised;
use super::{Speaker, text, texts};
use crate::compat::{Value, python};
use crate::config::ActionDef;
use crate::control::{ActionSettings, Command, Deed, JailSettings, Tuning};

/// What fail2ban's actions can do; f2b's can do what [`deed`] knows.
const METHODS: [&str; 15] = [
    "ban",
    "clearAllParams",
    "consistencyCheck",
    "escapeTag",
    "executeCmd",
    "flush",
    "invalidateBanEpoch",
    "prolong",
    "reban",
    "reload",
    "replaceDynamicTags",
    "replaceTag",
    "start",
    "stop",
    "unban",
];
/// What fail2ban's actions have beside what is set for them.
const INNER: [&str; 4] = ["ESCAPE_CRE", "ESCAPE_VN_CRE", "banEpoch", "timeout"];

impl Speaker<'_> {
    pub(super) fn actions(self, jail: &str) -> Result<Value, Raised> {
        Ok(texts(self.settings(jail)?.actions.into_iter().map(|action| action.name)))
    }

    /// `get JAIL action ACTION PROPERTY`.
    pub(super) fn action_property(self, jail: &str, rest: &[Value]) -> Result<Value, Raised> {
        let [action, property, ..] = rest else { return Err(Raised::no_such_word()) };
        property_of(&self.action(jail, action)?, &text(property))
    }

    pub(super) fn action_properties(self, jail: &str, rest: &[Value]) -> Result<Value, Raised> {
        let action = self.action(jail, rest.first().ok_or_else(Raised::no_such_word)?)?;
        let mut names: Vec<_> = action.properties.into_keys().collect();
        names.extend(INNER.map(str::to_owned));
        names.sort_unstable();
        names.dedup();
        Ok(texts(names))
    }

    pub(super) fn action_methods(self, jail: &str, rest: &[Value]) -> Result<Value, Raised> {
        self.action(jail, rest.first().ok_or_else(Raised::no_such_word)?)?;
        Ok(texts(METHODS))
    }

    /// DIFFERS: an action is a list of commands here, never a program in Python.
    pub(super) fn add_action(self, jail: &str, rest: &[Value]) -> Result<Value, Raised> {
        let name = text(rest.first().ok_or_else(Raised::no_such_word)?);
        if rest.len() > 1 {
            return Err(Raised::exception("f2b runs no actions written in Python"));
        }
        self.tune(jail, Tuning::AddAction(name.as_ref().to_owned()))?;
        Ok(name.into_owned().into())
    }

    pub(super) fn del_action(self, jail: &str, rest: &[Value]) -> Result<Value, Raised> {
        let name = text(rest.first().ok_or_else(Raised::no_such_word)?);
        self.tune(jail, Tuning::DelAction(name.into_owned()))?;
        Ok(Value::None)
    }

    /// `set JAIL action ACTION PROPERTY VALUE`, `set JAIL action ACTION METHOD [JSON]`.
    pub(super) fn set_action(self, jail: &str, rest: &[Value]) -> Result<Value, Raised> {
        let [action, key, ..] = rest else { return Err(Raised::no_such_word()) };
        let (known, key) = (self.action(jail, action)?, text(key));
        if METHODS.contains(&&*key) {
            return self.call(jail, known.name, &key, rest.get(2));
        }
        let value = text(rest.get(2).ok_or_else(Raised::no_such_word)?);
        let properties = vec![(key.as_ref().to_owned(), value.into_owned())];
        let settings =
            self.tune(jail, Tuning::SetAction { action: known.name.clone(), properties })?;
        property_of(&named(&settings, &known.name)?, &key)
    }

    /// `multi-set JAIL action ACTION [[PROPERTY, VALUE], …]`.
    pub(super) fn set_action_properties(self, jail: &str, rest: &[Value]) -> Result<Value, Raised> {
        let [action, Value::List(pairs) | Value::Tuple(pairs), ..] = rest else {
            return Err(Raised::no_such_word());
        };
        let pair = |pair: &Value| match pair {
            Value::List(pair) | Value::Tuple(pair) if pair.len() == 2 => {
                Ok((text(&pair[0]).into_owned(), text(&pair[1]).into_owned()))
            }
            _ => Err(Raised::value("not enough values to unpack (expected 2)")),
        };
        let properties = pairs.iter().map(pair).collect::<Result<_, _>>()?;
        let action = text(action).into_owned();
        self.tune(jail, Tuning::SetAction { action, properties })?;
        Ok(true.into())
    }

    fn action(self, jail: &str, name: &Value) -> Result<ActionSettings, Raised> {
        named(&self.settings(jail)?, &text(name))
    }

    /// DIFFERS: bans are made and lifted by `banip` and `unbanip`, so that the store knows of them, and nothing that a
    /// request says is run.
    fn call(
        self,
        jail: &str,
        action: String,
        method: &str,
        arguments: Option<&Value>,
    ) -> Result<Value, Raised> {
        let Some(deed) = deed(method) else {
            return Err(Raised::exception(format!(
                "f2b does not call '{method}'; start, stop and flush it does"
            )));
        };
        if let Some(name) = arguments.map(|json| keywords(&text(json))).transpose()?.flatten() {
            let name = python::repr(&name.into());
            return Err(Raised::builtin(
                "TypeError",
                format!("CommandAction.{method}() got an unexpected keyword argument {name}"),
            ));
        }
        self.order(Command::CallAction { jail: jail.to_owned(), action, deed })?;
        Ok(true.into())
    }
}

fn deed(method: &str) -> Option<Deed> {
    match method {
        "start" => Some(Deed::Start),
        "stop" => Some(Deed::Stop),
        "flush" => Some(Deed::Flush),
        _ => None,
    }
}

fn named(settings: &JailSettings, name: &str) -> Result<ActionSettings, Raised> {
    let known = settings.actions.iter().find(|action| action.name == name);
    let unknown = || Raised::builtin("KeyError", format!("Invalid Action name: {name}"));
    known.cloned().ok_or_else(unknown)
}

/// DIFFERS: what is code or a compiled expression in fail2ban can't be told.
fn property_of(action: &ActionSettings, property: &str) -> Result<Value, Raised> {
    match (property, action.properties.get(property)) {
        ("timeout", _) => Ok(seconds(action.timeout_us)),
        (switch, Some(text)) if ActionDef::SWITCHES.contains(&switch) => {
            Ok((text == "true").into())
        }
        (_, Some(text)) => Ok(text.as_str().into()),
        ("banEpoch", None) => Ok(0.into()),
        (inner, None) if INNER.contains(&inner) || METHODS.contains(&inner) => {
            Err(Raised::exception(format!("f2b has no '{inner}' that could be shown")))
        }
        (other, None) => Err(Raised::builtin(
            "AttributeError",
            format!("'CommandAction' object has no attribute {}", python::repr(&other.into())),
        )),
    }
}

/// The first of the named arguments, of which no method that is called takes any.
fn keywords(json: &str) -> Result<Option<String>, Raised> {
    match serde_json::from_str::<Map<String, Json>>(json) {
        Ok(named) => Ok(named.into_iter().next().map(|(name, _)| name)),
        Err(error) => {
            let what = if error.to_string().starts_with("key must be a string") {
                "Expecting property name enclosed in double quotes"
            } else {
                "Expecting value"
            };
            let before: usize = json
                .split('\n')
                .take(error.line().saturating_sub(1))
                .map(|line| line.chars().count() + 1)
                .sum();
            Err(Raised::json(what, json, before + error.column().saturating_sub(1)))
        }
    }
}
