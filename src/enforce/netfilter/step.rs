//! What is done to a packet filter, as data: it can be shown as well as done.

use std::fmt;

use super::nftables::Elements;

/// One thing to do, of which all happens or nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// A tool is run.
    Run {
        /// The program and its arguments.
        argv: Vec<String>,
        /// What it reads.
        input: String,
    },
    /// Elements of sets of nftables are changed, by the kernel's own interface.
    Elements(Vec<Elements>),
}

impl Step {
    /// A tool that reads what it is to do.
    pub(in crate::enforce) fn script<const N: usize>(argv: [&str; N], input: String) -> Self {
        Self::Run { argv: argv.map(str::to_owned).into(), input }
    }
}

/// As a shell would be told: elements are shown as `nft` has them.
impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (command, input) = match self {
            Self::Run { argv, input } => (argv.join(" "), input.clone()),
            Self::Elements(sets) => {
                let lines: Vec<_> = sets.iter().map(Elements::to_string).collect();
                ("nft -f -".to_owned(), lines.concat())
            }
        };
        if input.is_empty() {
            return writeln!(f, "{command}");
        }
        writeln!(f, "{command} <<'END'\n{input}END")
    }
}
