//! What is printed on a terminal can't steer it.
//!
//! What a stranger wrote is escaped where it is printed, for programs too. Whatever is not (a template's own text, a
//! jail's name) and ends up on a terminal passes through this.

use std::io::{self, Write};

use crate::text::printable;

/// A writer to a terminal: control characters that stand for anything but a line end or a tab are escaped.
#[derive(Debug)]
pub struct Harmless<W> {
    terminal: W,
    /// The beginning of a character whose end was not written yet.
    begun: Vec<u8>,
}

impl<W: Write> Harmless<W> {
    /// A writer to `terminal`.
    pub fn new(terminal: W) -> Self {
        Self { terminal, begun: Vec::new() }
    }

    fn text(&mut self, text: &str) -> io::Result<()> {
        for line in text.split_inclusive('\n') {
            let (line, end) = line.strip_suffix('\n').map_or((line, ""), |line| (line, "\n"));
            write!(self.terminal, "{}{end}", printable(line))?;
        }
        Ok(())
    }
}

impl<W: Write> Write for Harmless<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut all = std::mem::take(&mut self.begun);
        all.extend_from_slice(bytes);
        let mut rest = all.as_slice();
        while !rest.is_empty() {
            let error = match std::str::from_utf8(rest) {
                Ok(text) => {
                    self.text(text)?;
                    break;
                }
                Err(error) => error,
            };
            let (valid, wrong) = rest.split_at(error.valid_up_to());
            self.text(std::str::from_utf8(valid).unwrap_or_default())?;
            let Some(len) = error.error_len() else {
                wrong.clone_into(&mut self.begun);
                break;
            };
            write!(self.terminal, "{}", wrong[..len].escape_ascii())?;
            rest = &wrong[len..];
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.terminal.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_steers_the_terminal_wherever_it_is_cut() {
        let bytes = b"a\x1b[31m\xc3\xa9\t\xc2\x9b\xe2\x80\xae\x00\xff\r\nb";
        for cut in 0..bytes.len() {
            let mut seen = Vec::new();
            let mut harmless = Harmless::new(&mut seen);
            harmless.write_all(&bytes[..cut]).expect("memory");
            harmless.write_all(&bytes[cut..]).expect("memory");
            let seen = String::from_utf8(seen).expect("UTF-8");
            assert_eq!(seen, "a\\x1b[31m\u{e9}\t\\x9b\\x202e\\x00\\xff\\x0d\nb", "cut at {cut}");
        }
    }
}
