//! Where in a command of the shell single quotes are open.

/// What a character stands in.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Context {
    /// A command: the whole one, or one in parentheses.
    Command,
    /// A command in back-quotes.
    BackQuotes,
    Double,
    Single,
}

/// Whether what comes after this beginning of a command stands in single quotes. In doubt it doesn't.
pub(super) fn is_single(beginning: &str) -> bool {
    let mut open = vec![Context::Command];
    let mut is_word_start = true;
    let mut chars = beginning.chars().peekable();
    while let Some(c) = chars.next() {
        let context = open.last().copied().unwrap_or(Context::Command);
        let is_command = matches!(context, Context::Command | Context::BackQuotes);
        match c {
            '\'' if context == Context::Single => drop(open.pop()),
            _ if context == Context::Single => {}
            '\\' => drop(chars.next()),
            '\'' if is_command => open.push(Context::Single),
            '"' if context == Context::Double => drop(open.pop()),
            '"' => open.push(Context::Double),
            '`' if context == Context::BackQuotes => drop(open.pop()),
            '`' => open.push(Context::BackQuotes),
            '$' if chars.peek() == Some(&'(') => {
                chars.next();
                open.push(Context::Command);
            }
            '(' if is_command => open.push(Context::Command),
            // Of `case` such a thing is open that never was.
            ')' if context == Context::Command && open.len() > 1 => drop(open.pop()),
            '#' if is_command && is_word_start => drop(chars.by_ref().find(|c| *c == '\n')),
            // Behind that, quotes mean nothing for some lines.
            '<' if is_command && chars.peek() == Some(&'<') => return false,
            _ => {}
        }
        is_word_start = c.is_whitespace() || ";|&(".contains(c);
    }
    open.last() == Some(&Context::Single)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn single_quotes_are_seen_where_the_shell_sees_them() {
        for open in [
            "echo '",
            "echo \"'\" '",
            "echo \\' 'a' 'b",
            "echo \"`echo '",
            "echo \"$(echo '",
            "echo $(echo a) '",
            "# don't\necho '",
            "echo a#b'",
            "case x in x) echo '",
            "(echo \"a\"); echo '",
        ] {
            assert!(is_single(open), "{open}");
        }
        for closed in [
            "",
            "echo ''",
            "echo \"'",
            "echo \"it's $(echo \"'",
            "# '",
            "echo \\'",
            "echo '\\'",
            "cat <<X\n'",
            "echo \"`echo 'a'`'",
        ] {
            assert!(!is_single(closed), "{closed}");
        }
    }
}
