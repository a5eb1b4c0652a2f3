//! `-i`: commands from standard input, until it ends or one of them is `quit`.

use super::{Client, Done, help};

const PROMPT: &str = "fail2ban> ";

impl Client<'_> {
    /// What goes wrong is told, and the next line is read. The end of the input is no success, as fail2ban-client has it.
    pub(super) fn interactive(&mut self, words: &[String]) -> Done {
        if !words.is_empty() {
            self.command(words)?;
        }
        writeln!(self.out, "{}", help::banner())?;
        let mut lines = std::io::stdin().lines();
        loop {
            write!(self.out, "{PROMPT}")?;
            self.out.flush()?;
            let Some(Ok(line)) = lines.next() else { break };
            let Some(words) = shlex::split(line.trim()) else {
                self.say.error("No closing quotation");
                continue;
            };
            match words.first().map(String::as_str) {
                None => {}
                Some("exit" | "quit") => return Ok(true),
                Some("help") => write!(self.out, "{}", help::text(self.face))?,
                Some(word @ ("reload" | "restart")) => {
                    let is_server = word == "restart" && words.len() == 1;
                    let steps: &[&str] = match word {
                        "restart" if is_server => &["stop", "load configuration", "start"],
                        _ => &["reload"],
                    };
                    for step in steps {
                        writeln!(self.out, "  ## {step} ... ")?;
                    }
                    self.command(&words)?;
                }
                Some(_) => _ = self.command(&words)?,
            }
        }
        writeln!(self.out)?;
        self.out.flush()?;
        self.say.error("EOF when reading a line");
        Ok(false)
    }
}
