//! A line → a match or none.
//!
//! [`Filter::compile`] turns what a configuration says ([`FilterDef`](crate::config::FilterDef)) into
//! expressions that run: [tags](tags) become groups, Python's syntax [becomes ours](translate), and an
//! [engine](engine) is chosen for each. A [`Matcher`] then examines one line at a time, its date already
//! cut out: ignoreregex, prefregex, failregex in fail2ban's order. It is pure; what state a filter keeps
//! across lines lives beside it, in [`Sessions`] (connections that an `<F-MLFID>` ties together) and
//! [`LineWindow`] (`maxlines`). [`Candidates`] finds the few lines of a buffer that can match at all.
//!
//! Why did this line not match? Begin at [`Matcher::examine`]. Behaviour of fail2ban 1.1; nothing here
//! reads a file, knows a jail, asks a name server or the clock.

mod captured;
mod choice;
mod compile;
mod engine;
mod error;
mod everything;
mod groups;
mod hit;
mod kept;
mod literal;
mod matcher;
mod names;
mod pattern;
mod session;
mod tags;
mod translate;
mod walk;
mod window;

#[cfg(test)]
mod tests;

pub use compile::{CompileOptions, Filter};
pub use everything::AllGroups;
pub use hit::{Hit, Id};
pub use kept::{Hits, KeptHit};
pub use literal::Candidates;
pub use matcher::{Matcher, Mode, Verdict};
pub use pattern::Pattern;
pub use session::{Merged, Said, Sessions};
pub use tags::{expand, expanded};
pub use window::LineWindow;
