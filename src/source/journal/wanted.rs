//! Which entries of the journal a jail wants (`journalmatch`).

use std::fmt;

use super::Entry;
use crate::model::JournalTerm;

/// Groups of terms: an entry is wanted if it agrees with one of them, and with a group if it has, for each field that
/// the group names, one of the values that the group has for it (sd_journal_add_match(3)). Without groups every entry
/// is wanted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Match {
    groups: Vec<Vec<JournalTerm>>,
}

/// A word is no `FIELD=value`, or there is none. The text is what fail2ban's server answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("Invalid match")]
pub struct InvalidMatch;

impl Match {
    /// Of groups that are read already, of all lines of a `journalmatch`.
    pub fn new(groups: Vec<Vec<JournalTerm>>) -> Self {
        let groups = groups.into_iter().filter(|group| !group.is_empty());
        Self { groups: groups.collect() }
    }

    /// Of the words of a line, `+` between groups, as `fail2ban-client set JAIL addjournalmatch` has them.
    ///
    /// DIFFERS: to fail2ban a field's name may have any length and begin with a digit, and no words at all, or `+`
    /// alone, make it read every entry.
    pub fn parse<W: AsRef<str>>(words: &[W]) -> Result<Self, InvalidMatch> {
        let groups = words.split(|word| word.as_ref() == "+").map(|group| {
            let terms = group.iter().map(|word| JournalTerm::parse(word.as_ref()));
            terms.collect::<Option<Vec<_>>>().ok_or(InvalidMatch)
        });
        let parsed = Self::new(groups.collect::<Result<_, _>>()?);
        if parsed.wants_all() { Err(InvalidMatch) } else { Ok(parsed) }
    }

    /// What any of several jails wants.
    pub fn union<'m>(matches: impl IntoIterator<Item = &'m Self>) -> Self {
        let mut groups: Vec<Vec<JournalTerm>> = Vec::new();
        for one in matches {
            if one.wants_all() {
                return Self::default();
            }
            for group in &one.groups {
                if !groups.contains(group) {
                    groups.push(group.clone());
                }
            }
        }
        Self { groups }
    }

    /// Whether every entry is wanted.
    pub fn wants_all(&self) -> bool {
        self.groups.is_empty()
    }

    /// Whether an entry is wanted. It must have been read with this match or a union that this was a part of: other
    /// fields are left out of entries.
    pub fn is_met_by(&self, entry: &Entry) -> bool {
        let has = |term: &JournalTerm| {
            entry.values(&term.field).any(|value| value == term.value.as_bytes())
        };
        let agrees = |group: &Vec<JournalTerm>| {
            let any_of = |field: &str| group.iter().any(|term| term.field == field && has(term));
            group.iter().all(|term| any_of(&term.field))
        };
        self.wants_all() || self.groups.iter().any(agrees)
    }

    /// The groups, in the order in which they were written.
    pub fn groups(&self) -> &[Vec<JournalTerm>] {
        &self.groups
    }

    /// The arguments of journalctl for this, and for `always` besides: FIELD=value words, and `+`.
    pub(super) fn args(&self, always: Option<&JournalTerm>) -> Vec<String> {
        let always = always.map(JournalTerm::to_string);
        if self.wants_all() {
            return always.into_iter().collect();
        }
        let words = |group: &Vec<JournalTerm>| {
            let terms = group.iter().map(JournalTerm::to_string);
            terms.chain(always.clone()).collect::<Vec<_>>()
        };
        self.groups.iter().map(words).collect::<Vec<_>>().join(&"+".to_owned())
    }
}

/// As fail2ban shows it: `A=1 B=2 + C=3`.
impl fmt::Display for Match {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.args(None).join(" "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Time;

    fn parse(line: &str) -> Result<Match, InvalidMatch> {
        Match::parse(&line.split_whitespace().collect::<Vec<_>>())
    }

    #[test]
    fn ok_parse_words_and_groups() {
        for line in ["A=1", "A=1 B=2 + C=3", "A= + A=1=2", "_COMM=sshd + _SYSTEMD_UNIT=a.service"] {
            assert_eq!(parse(line).unwrap().to_string(), line);
        }
        assert_eq!(parse("+ A=1 + + B=2 +").unwrap().to_string(), "A=1 + B=2");
    }

    #[test]
    fn err_parse_other_words() {
        for line in ["foo", "_a=1", "=x", "A", "__CURSOR=x", "A=1 bad C=3", "", "+", "1A=x"] {
            assert_eq!(parse(line).unwrap_err().to_string(), "Invalid match", "{line}");
        }
    }

    #[test]
    fn fields_are_all_wanted_and_of_a_field_one_value() {
        let field = |name: &str, value: &str| (name.to_owned(), value.as_bytes().to_vec());
        let fields = vec![field("A", "1"), field("B", "2"), field("B", "3"), field("C", "")];
        let entry = Entry::new(String::new(), Time::default(), fields);
        for (line, is_met) in [
            ("A=1", true),
            ("A=2", false),
            ("A=1 B=2", true),
            ("A=1 B=3", true),
            ("A=1 B=4", false),
            ("A=1 A=2", true),
            ("A=2 A=3", false),
            ("A=1 A=2 D=1", false),
            ("A=2 + B=3", true),
            ("A=2 + B=4", false),
            ("C=", true),
            ("D=", false),
        ] {
            assert_eq!(parse(line).unwrap().is_met_by(&entry), is_met, "{line}");
        }
        assert!(Match::default().is_met_by(&entry));
    }

    #[test]
    fn a_union_is_each_group_once_or_everything() {
        let [a, b] = ["A=1 + B=2", "B=2 + C=3 D=4"].map(|line| parse(line).unwrap());
        assert_eq!(Match::union([&a, &b]).to_string(), "A=1 + B=2 + C=3 D=4");
        assert!(Match::union([&a, &Match::default()]).wants_all());
        let id = JournalTerm { field: "_MACHINE_ID".to_owned(), value: "x".to_owned() };
        assert_eq!(a.args(Some(&id)).join(" "), "A=1 _MACHINE_ID=x + B=2 _MACHINE_ID=x");
        assert_eq!(Match::default().args(Some(&id)), ["_MACHINE_ID=x"]);
    }
}
