//! What is asked of an entry of systemd's journal: `FIELD=value` (sd_journal_add_match(3)).

use std::fmt;

/// `FIELD=value`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct JournalTerm {
    /// Capitals, digits and `_`, at most 64.
    pub field: String,
    /// The whole of what it must hold; may be empty.
    pub value: String,
}

impl JournalTerm {
    /// A word as a term, if it begins with the name of a field that journald may store: no digit first, and no `__`,
    /// which are fields that are not looked up.
    pub fn parse(word: &str) -> Option<Self> {
        let (field, value) = word.split_once('=')?;
        let is_field = is_field_name(field.as_bytes())
            && !field.starts_with(|c: char| c.is_ascii_digit())
            && !field.starts_with("__");
        is_field.then(|| Self { field: field.to_owned(), value: value.to_owned() })
    }
}

/// As it is written.
impl fmt::Display for JournalTerm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}={}", self.field, self.value)
    }
}

/// Whether an entry may have a field of this name.
pub fn is_field_name(name: &[u8]) -> bool {
    (1..=FIELD_NAME_MAX_BYTES).contains(&name.len())
        && name.iter().all(|c| c.is_ascii_uppercase() || c.is_ascii_digit() || *c == b'_')
}

/// journald stores no field with a longer name.
pub const FIELD_NAME_MAX_BYTES: usize = 64;
