//! The dates that are recognized without a `datepattern`: seventeen forms, as data.
//!
//! The detector's list starts with copies of them that stand at the beginning of the line, because
//! a date there is the line's own and one further right may be part of the message.

/// The forms in the order in which they are tried. `Epoch` and `TAI64N` are no patterns but names.
pub(super) const BASE: [&str; 17] = [
    r"%ExY(?P<_sep>[-/.])%m(?P=_sep)%d(?:T|  ?)%H:%M:%S(?:[.,]%f)?(?:\s*%z)?",
    r"(?:%a )?%b %d %k:%M:%S(?:\.%f)?(?: %ExY)?",
    r"(?:%a )?%b %d %ExY %k:%M:%S(?:\.%f)?",
    r"%d(?P<_sep>[-/])%m(?P=_sep)(?:%ExY|%Exy) %k:%M:%S",
    r"%d(?P<_sep>[-/])%b(?P=_sep)%ExY[ :]?%H:%M:%S(?:\.%f)?(?: %z)?",
    r"%m/%d/%ExY:%H:%M:%S",
    r"%m-%d-%ExY %k:%M:%S(?:\.%f)?",
    "Epoch",
    r"{^LN-BEG}%H:%M:%S",
    r"^<%m/%d/%Exy@%H:%M:%S>",
    r"%Exy%Exm%Exd  ?%H:%M:%S",
    r"%b %d, %ExY %I:%M:%S %p",
    r"^%b-%d-%Exy %k:%M:%S",
    // As fail2ban 1.1 has it; 1.0 knew no hyphen and no colons here.
    r"%ExY%Exm%Exd(?:-|T|  ?)%ExH:?%ExM:?%ExS(?:[.,]%f)?(?:\s*%z)?",
    r"(?:%Z )?(?:%a )?%b %d %k:%M:%S(?:\.%f)?(?: %ExY)?",
    r"(?:%z )?(?:%a )?%b %d %k:%M:%S(?:\.%f)?(?: %ExY)?",
    "TAI64N",
];

/// The mark of the beginning of the line.
pub(super) const LINE_BEGIN: &str = "{^LN-BEG}";

/// Whether a form says itself where in the line it stands.
pub(super) fn is_anchored(form: &str) -> bool {
    form.starts_with(['^', '{'])
}

/// The copies at the beginning of the line, in the order of the forms.
pub(super) fn anchored_copies() -> impl Iterator<Item = String> {
    BASE.iter().filter(|form| !is_anchored(form)).map(|form| format!("{LINE_BEGIN}{form}"))
}
