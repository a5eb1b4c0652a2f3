//! Which other options a text names.

/// The names in the `%(name)s` of a text.
pub(super) fn names(text: &str) -> Vec<String> {
    let begins = text.match_indices("%(").map(|(at, _)| &text[at + 2..]);
    begins.filter_map(|rest| Some(rest[..rest.find(")s")?].to_owned())).collect()
}

/// The first innermost `<tag>` at or after `from`: where it begins and its name.
pub(super) fn next_tag(value: &str, from: usize) -> Option<(usize, &str)> {
    let mut start = None;
    for (index, byte) in value.bytes().enumerate().skip(from) {
        match (byte, start) {
            (b'<', _) => start = Some(index),
            (b'>', Some(open)) if index > open + 1 => return Some((open, &value[open + 1..index])),
            (b' ' | b'>', _) => start = None,
            _ => {}
        }
    }
    None
}

/// The innermost tags of a text.
pub(super) fn tags(text: &str) -> impl Iterator<Item = &str> {
    let mut from = 0;
    std::iter::from_fn(move || {
        let (start, tag) = next_tag(text, from)?;
        from = start + tag.len() + 2;
        Some(tag)
    })
}
