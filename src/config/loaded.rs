//! What comes of loading something.

use crate::diag::Diagnostic;

/// What could be loaded, and everything that was found on the way.
#[derive(Clone, Debug)]
pub struct Loaded<T> {
    /// `None` if an error keeps it from being used.
    pub value: Option<T>,
    /// In the order of finding.
    pub findings: Vec<Diagnostic>,
}
