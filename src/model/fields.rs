//! What a regular expression caught, by name.
//!
//! Every match has some, and a log under attack has a match a line: names and texts stand in one text, behind their
//! lengths, so that a match makes and frees one allocation for all of them.

use std::fmt;

/// Named captures in the order of their expression: names and texts.
///
/// ```
/// use f2b::model::Fields;
///
/// let fields: Fields = [("ip4", "192.0.2.1"), ("user", "root")].into_iter().collect();
/// assert_eq!(fields.get("user"), Some("root"));
/// assert_eq!(fields.iter().next(), Some(("ip4", "192.0.2.1")));
/// ```
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Fields {
    /// Netstrings without their commas: `3:ip49:192.0.2.14:user4:root`.
    text: String,
}

impl Fields {
    /// None.
    pub const NONE: &'static Self = &Self { text: String::new() };

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.text.is_empty()
    }

    /// The text of that name, if it was caught; of several, the first.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.iter().find(|(known, _)| *known == name).map(|(_, text)| text)
    }

    /// All, with their names.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> + Clone {
        let mut rest = self.text.as_str();
        std::iter::from_fn(move || Some((take(&mut rest)?, take(&mut rest)?)))
    }
}

impl<N: AsRef<str>, T: AsRef<str>> FromIterator<(N, T)> for Fields {
    fn from_iter<I: IntoIterator<Item = (N, T)>>(fields: I) -> Self {
        let mut text = String::new();
        for (name, value) in fields {
            put(&mut text, name.as_ref());
            put(&mut text, value.as_ref());
        }
        Self { text }
    }
}

impl fmt::Debug for Fields {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.iter()).finish()
    }
}

fn put(text: &mut String, value: &str) {
    const DIGITS: [char; 10] = ['0', '1', '2', '3', '4', '5', '6', '7', '8', '9'];
    text.reserve(value.len() + 4);
    // `write!` takes as long as all the rest of a short match.
    let mut power = 1;
    while value.len() / power >= 10 {
        power *= 10;
    }
    while power > 0 {
        text.push(DIGITS[value.len() / power % 10]);
        power /= 10;
    }
    text.push(':');
    text.push_str(value);
}

fn take<'t>(rest: &mut &'t str) -> Option<&'t str> {
    let (len, behind) = rest.split_once(':')?;
    let (value, behind) = behind.split_at_checked(len.parse().ok()?)?;
    *rest = behind;
    Some(value)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn what_is_put_in_comes_out(fields in proptest::collection::vec((".{0,12}", "(?s).{0,300}"), 0..5)) {
            let kept: Fields = fields.iter().cloned().collect();
            let out: Vec<_> = kept.iter().map(|(n, t)| (n.to_owned(), t.to_owned())).collect();
            prop_assert_eq!(&out, &fields);
            prop_assert_eq!(kept.is_empty(), fields.is_empty());
        }
    }

    #[test]
    fn the_first_of_a_name_is_found() {
        let fields: Fields = [("a", "1:2"), ("b", ""), ("a", "3")].into_iter().collect();
        assert_eq!(fields.get("a"), Some("1:2"));
        assert_eq!(fields.get("b"), Some(""));
        assert_eq!(fields.get("c"), None);
    }
}
