//! What REGEX means: a filter of the configuration, a filter's file anywhere, or an expression.
//!
//! A text that could be a path is looked for as it is and with the ends of filter files, below the configuration if it
//! has no slash, else where it says. What isn't found is an expression. (fail2ban-regex 1.0.2.)

use std::path::{Path, PathBuf};

use super::ended::Ended;
use crate::config::{Config, FilterDef, Loaded, Spec, SpecError};
use crate::text::quoted;

/// What the original's name for a short text may be long.
const SHORT_CHARS: usize = 53;

/// What is looked for.
#[derive(Clone, Debug)]
pub(super) enum Subject {
    /// An expression.
    Line(String),
    /// A filter of a configuration folder.
    Filter { folder: PathBuf, name: String, options: Vec<(String, String)> },
    /// A filter's file elsewhere.
    File { path: PathBuf, options: Vec<(String, String)> },
}

impl Subject {
    /// Finds out what a text means below a configuration folder.
    ///
    /// # Errors
    ///
    /// It names a filter with options that are none.
    pub(super) fn of(text: &str, config: &str) -> Result<Self, Ended> {
        if !may_be_path(text) {
            return Ok(Self::Line(text.to_owned()));
        }
        let spec = match Spec::parse(text) {
            Ok(spec) => spec,
            Err(SpecError::Form { .. }) => return Ok(Self::Line(text.to_owned())),
            Err(SpecError::NoOption { offset, .. }) => {
                let (at, rest) = inside(text, offset);
                return Err(bad_options(
                    text,
                    &format!("expected option, wrong syntax at {at}: {rest}"),
                ));
            }
            Err(SpecError::AfterValue { offset, option, .. }) => {
                let (at, rest) = inside(text, offset);
                let option = quoted(&option);
                let wrong = format!("unexpected syntax at {at} after option {option}: {rest}");
                return Err(bad_options(text, &wrong));
            }
        };
        Ok(find(&spec, Path::new(config)).unwrap_or_else(|| Self::Line(text.to_owned())))
    }

    /// The line of the report that says what it is.
    pub(super) fn header(&self) -> String {
        match self {
            Self::Line(text) => format!("Use   failregex line : {}", short(text)),
            Self::Filter { folder, name, .. } => {
                format!("Use   failregex filter file : {name}, basedir: {}", folder.display())
            }
            Self::File { path, .. } => format!("Use   failregex file : {}", path.display()),
        }
    }

    /// The options that it was named with.
    pub(super) fn options(&self) -> &[(String, String)] {
        match self {
            Self::Line(_) => &[],
            Self::Filter { options, .. } | Self::File { options, .. } => options,
        }
    }

    /// Reads it, for lines of files or of a journal; `typed` is what it was named by.
    ///
    /// # Errors
    ///
    /// It can't be read. What is wrong comes behind what the original says, which is little.
    pub(super) fn load(&self, typed: &str, is_journal: bool) -> Result<FilterDef, Ended> {
        let mut options = self.options().to_vec();
        if is_journal && !options.iter().any(|(name, _)| name == "logtype") {
            options.push(("logtype".to_owned(), "journal".to_owned()));
        }
        let loaded = match self {
            Self::Line(text) => return Ok(FilterDef::literal(text)),
            Self::File { path, .. } => Config::filter_file(&readable(path), &options),
            Self::Filter { folder, name, .. } => {
                let config = Config::open(folder).map_err(|error| {
                    Ended::with(format!("ERROR: failed to load filter {typed}")).because(error)
                })?;
                config.filter(&Spec { name: name.clone(), options })
            }
        };
        let Loaded { value, findings } = loaded;
        value.ok_or_else(|| {
            let ended = Ended::with(format!("ERROR: failed to load filter {typed}"));
            findings.iter().fold(ended, Ended::because)
        })
    }
}

/// Whether it looks like a name or path, perhaps with options.
fn may_be_path(text: &str) -> bool {
    let name = text.split_once('[').map_or(text, |(name, _)| name);
    let is_name = |c: char| c.is_alphanumeric() || matches!(c, '_' | '-' | '.' | '/');
    let has_options = name.len() < text.len();
    !name.is_empty() && name.chars().all(is_name) && (!has_options || text.ends_with(']'))
}

fn find(spec: &Spec, config: &Path) -> Option<Subject> {
    let Spec { name, options } = spec;
    let has_end = name.chars().rev().take(6).any(|c| c == '.');
    let ends: &[&str] = if has_end { &[""] } else { &["", ".conf", ".local"] };
    let is_filters = |folder: &Path| folder.file_name().is_some_and(|name| name == "filter.d");
    let folder = match name.rsplit_once('/') {
        Some((folder, _)) => PathBuf::from(if folder.is_empty() { "/" } else { folder }),
        None => config.to_owned(),
    };
    let below = match name.contains('/') {
        false if !is_filters(config) => config.join("filter.d"),
        false => config.to_owned(),
        true => PathBuf::new(),
    };
    ends.iter().map(|end| below.join(format!("{name}{end}"))).find(|path| path.is_file())?;
    if folder != config && !is_filters(&folder) {
        return Some(Subject::File { path: name.into(), options: options.clone() });
    }
    let stem = Path::new(name).file_stem()?.to_string_lossy().into_owned();
    let folder = if is_filters(&folder) {
        // DIFFERS: to fail2ban-regex the folder of `filter.d/x.conf` has no name and isn't there.
        let above = folder.parent().filter(|above| !above.as_os_str().is_empty());
        above.unwrap_or(Path::new(".")).to_owned()
    } else {
        folder
    };
    Some(Subject::Filter { folder, name: stem, options: options.clone() })
}

/// The file that a path without its end means.
fn readable(path: &Path) -> PathBuf {
    let mut local = path.as_os_str().to_owned();
    local.push(".local");
    let local = PathBuf::from(local);
    if !path.is_file() && local.is_file() { local } else { path.to_owned() }
}

/// A place in a text as one between its brackets, and what is there.
fn inside(text: &str, offset: usize) -> (usize, &str) {
    let open = text.find('[').map_or(0, |at| at + 1);
    let inner = text[open..].strip_suffix(']').unwrap_or(&text[open..]);
    let at = offset.saturating_sub(open).min(inner.len());
    // The blanks before it belong to it.
    let at = inner.get(..at).map_or(0, |before| before.trim_end().len());
    (at, inner.get(at..).unwrap_or_default())
}

fn bad_options(text: &str, wrong: &str) -> Ended {
    Ended::with(format!(
        "ERROR: Wrong filter name or options: {wrong}\n       while parsing: {text}"
    ))
}

/// A text of at most 53 characters, or the beginning of a longer one.
pub(super) fn short(text: &str) -> String {
    if text.chars().count() <= SHORT_CHARS {
        return text.to_owned();
    }
    let begin: String = text.chars().take(SHORT_CHARS - 3).collect();
    format!("{begin}...")
}

/// Names and values as Python writes a dictionary.
pub(super) fn dictionary<'d>(
    items: impl IntoIterator<Item = (&'d str, Option<&'d str>)>,
) -> String {
    let item = |(name, value): (&str, Option<&str>)| {
        let value = value.map_or_else(|| "None".to_owned(), quoted);
        format!("{}: {value}", quoted(name))
    };
    let items: Vec<String> = items.into_iter().map(item).collect();
    format!("{{{}}}", items.join(", "))
}
