//! The exceptions that fail2ban's server answers with.

use crate::compat::Value;
use crate::control::{Failed, Refusal, RefusalKind};
use crate::error::Error;

const BUILTINS: &str = "builtins";
const FAIL2BAN: &str = "fail2ban.exceptions";

/// What a client raises; always a [`Value::Exception`]. Three classes change what `fail2ban-client` prints:
/// `UnknownJailException`, `DuplicateJailException` and `IndexError`.
#[derive(Debug)]
pub(super) struct Raised(pub(super) Value);

impl Raised {
    fn new(module: &str, class: &str, args: Vec<Value>) -> Self {
        let (module, class) = (module.to_owned(), class.to_owned());
        Self(Value::Exception { module, class, args })
    }

    pub(super) fn builtin(class: &str, text: impl Into<Value>) -> Self {
        Self::new(BUILTINS, class, vec![text.into()])
    }

    pub(super) fn exception(text: impl Into<String>) -> Self {
        Self::builtin("Exception", text.into())
    }

    pub(super) fn value(text: impl Into<String>) -> Self {
        Self::builtin("ValueError", text.into())
    }

    /// A command has fewer words than it needs.
    pub(super) fn no_such_word() -> Self {
        Self::builtin("IndexError", "list index out of range")
    }

    /// A request is of a type that has no members.
    pub(super) fn not_counted(class: &str) -> Self {
        Self::builtin("TypeError", format!("'{class}' object is not subscriptable"))
    }

    pub(super) fn unknown_jail(name: &str) -> Self {
        Self::new(FAIL2BAN, "UnknownJailException", vec![name.into()])
    }

    /// Of a document in JSON, at a character.
    pub(super) fn json(what: &str, document: &str, at: usize) -> Self {
        let args = vec![what.into(), document.into(), super::count(at)];
        Self::new("json.decoder", "JSONDecodeError", args)
    }

    /// Where nothing is, Python tells the place beside the text.
    fn syntax(text: &str) -> Self {
        let Some(what) = text.strip_suffix(" (<string>, line 0)") else {
            return Self::builtin("SyntaxError", text);
        };
        let place = vec!["<string>".into(), 0.into(), 0.into(), "".into(), 0.into(), 0.into()];
        Self::new(BUILTINS, "SyntaxError", vec![what.into(), Value::Tuple(place)])
    }

    /// Of the system: number, words, file.
    fn system(class: &str, number: i64, words: &str, file: String) -> Self {
        Self::new(BUILTINS, class, vec![number.into(), words.into(), file.into()])
    }

    fn refusal(Refusal { kind, text }: Refusal) -> Self {
        match kind {
            RefusalKind::UnknownJail => Self::unknown_jail(&text),
            RefusalKind::DuplicateJail => {
                Self::new(FAIL2BAN, "DuplicateJailException", vec![text.into()])
            }
            RefusalKind::Regex => {
                Self::new("fail2ban.server.failregex", "RegexException", vec![text.into()])
            }
            RefusalKind::Value => Self::value(text),
            RefusalKind::Name => Self::builtin("NameError", text),
            RefusalKind::Syntax => Self::syntax(&text),
            RefusalKind::Type => Self::builtin("TypeError", text),
            RefusalKind::Key => Self::builtin("KeyError", text),
            RefusalKind::Attribute => Self::builtin("AttributeError", text),
            RefusalKind::Lookup => Self::builtin("LookupError", text),
            RefusalKind::Runtime => Self::builtin("RuntimeError", text),
            RefusalKind::FileNotFound => {
                Self::system("FileNotFoundError", 2, "No such file or directory", text)
            }
            RefusalKind::IsADirectory => {
                Self::system("IsADirectoryError", 21, "Is a directory", text)
            }
            RefusalKind::Other => Self::exception(text),
        }
    }
}

impl From<Failed> for Raised {
    fn from(failed: Failed) -> Self {
        match failed {
            Failed::Refused(Error::Refused(refusal)) => Self::refusal(refusal),
            Failed::Refused(Error::UnknownJail { name, .. }) => Self::unknown_jail(&name),
            failed => Self::exception(failed.to_string()),
        }
    }
}
