//! How wide the terminal is, and texts that break where a person would break them.
//!
//! What goes to a terminal is for a person and fits; what goes to a file or a pipe is for programs too, and its lines
//! are as long as they are.

use std::io::IsTerminal;
use std::os::fd::AsFd;

use unicode_width::UnicodeWidthStr as _;

/// The width of a terminal that doesn't say how wide it is.
const USUAL_COLUMNS: usize = 80;

/// The columns of the terminal that a stream writes to; `None` if it writes to something else.
pub fn columns(stream: &(impl AsFd + IsTerminal)) -> Option<usize> {
    let size = stream.is_terminal().then(|| rustix::termios::tcgetwinsize(stream))?;
    let columns = size.map_or(0, |size| size.ws_col.into());
    Some(if columns == 0 { USUAL_COLUMNS } else { columns })
}

/// `text`, broken at blanks so that it fits into `columns`; its further lines begin with `indent` blanks.
///
/// A word that is longer than a line stands alone on one. Without `columns` the text is one line.
pub fn folded(text: &str, columns: Option<usize>, indent: usize) -> String {
    let Some(columns) = columns else { return text.to_owned() };
    let mut out = String::with_capacity(text.len() + 16);
    let (mut used, mut has_word) = (0, false);
    for (nth, word) in text.split(' ').enumerate() {
        let len = word.width();
        if has_word && used + 1 + len > columns {
            out.truncate(out.trim_end_matches(' ').len());
            out.push('\n');
            out.extend(std::iter::repeat_n(' ', indent));
            used = indent;
        } else if nth > 0 {
            out.push(' ');
            used += 1;
        }
        out.push_str(word);
        used += len;
        has_word |= len > 0;
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_breaks_between_words_and_hangs_below_its_beginning() {
        let text = "   = help: say what may stand there";
        assert_eq!(folded(text, None, 11), text);
        assert_eq!(folded(text, Some(35), 11), text);
        assert_eq!(folded(text, Some(34), 11), "   = help: say what may stand\n           there");
        assert_eq!(folded("a  bb c", Some(3), 1), "a\n bb\n c");
    }

    #[test]
    fn a_word_that_is_too_long_stands_alone() {
        assert_eq!(folded("at /a/long/path or so", Some(8), 2), "at\n  /a/long/path\n  or so");
        assert_eq!(folded("/a/long/path", Some(8), 2), "/a/long/path");
    }
}
