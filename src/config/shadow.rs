//! Settings of an administrator's own files that do nothing, because another file has the last word.
//!
//! That `jail.local` overrides `jail.conf` is how it's meant to be. That one drop-in overrides another,
//! or that a jail of `jail.conf` has its own value where `jail.local` sets a default, surprises people.

use std::path::PathBuf;

use super::merged::{Merged, Options};
use super::traced::Traced;
use crate::diag::{Diagnostic, Severity};
use crate::text;

/// Notes for what is set in files of the administrator, `own`, and doesn't count in the given jails.
pub(super) fn findings(merged: &Merged, own: &[PathBuf], jails: &[&str]) -> Vec<Diagnostic> {
    let mut findings = overridden(own, &merged.defaults);
    for options in jails.iter().filter_map(|jail| merged.section(jail)) {
        findings.extend(overridden(own, options));
    }
    findings.extend(unreached(merged, own, jails));
    findings
}

/// Values that a file of the same rank overrides: a drop-in by a drop-in, a `.local` by a `.local`.
fn overridden(files: &[PathBuf], options: &Options) -> Vec<Diagnostic> {
    let is_local = |value: &Traced| value.at.file.extension().is_some_and(|end| end == "local");
    let mut findings = Vec::new();
    for (name, stack) in options {
        for (value, later) in stack.iter().zip(stack.iter().skip(1)) {
            let is_meant = !is_of(value, files) || is_local(later) && !is_local(value);
            let is_other = value.at.file != later.at.file && value.value != later.value;
            if is_meant || !is_other || quotes(later, name) {
                continue;
            }
            let (option, at) = (text::shown(name), later.at.location());
            let found = note(value, format!("this '{option}' has no effect"));
            findings.push(found.with_help(format!(
                "'{}' in {at}, which is read later, takes its place",
                text::shown(&later.value)
            )));
        }
    }
    findings
}

/// Defaults that come later than a jail's own value, which counts nevertheless.
fn unreached(merged: &Merged, files: &[PathBuf], jails: &[&str]) -> Vec<Diagnostic> {
    let rank = |value: &Traced| merged.files.iter().rposition(|file| **file == *value.at.file);
    let mut findings = Vec::new();
    for (name, stack) in &merged.defaults {
        let Some(default) = stack.last().filter(|value| is_of(value, files)) else { continue };
        let own = |jail: &&str| {
            let own = merged.section(jail)?.get(name)?.last()?;
            let is_lost = rank(own) < rank(default) && own.value != default.value;
            (is_lost && !quotes(own, name)).then(|| (text::shown(jail).into_owned(), own))
        };
        let own: Vec<_> = jails.iter().filter_map(own).collect();
        let Some((first, value)) = own.first() else { continue };
        let whom = match own.len() {
            1 => format!("jail '{first}', which has its own"),
            2 => format!("jails '{first}' and '{}', which have their own", own[1].0),
            more => format!("jail '{first}' and {} others, which have their own", more - 1),
        };
        let found = note(default, format!("this '{}' doesn't reach {whom}", text::shown(name)));
        findings.push(found.with_help(format!(
            "'{first}' has '{}' in {}; what you set in [{first}] counts",
            text::shown(&value.value),
            value.at.location()
        )));
    }
    findings
}

fn is_of(value: &Traced, files: &[PathBuf]) -> bool {
    files.iter().any(|file| **file == *value.at.file)
}

/// Whether the value builds upon a former one: `%(known/name)s`, `%(default/name)s`.
fn quotes(value: &Traced, name: &str) -> bool {
    value.value.to_lowercase().contains(&format!("/{name})s"))
}

fn note(value: &Traced, message: String) -> Diagnostic {
    Diagnostic::new("shadowed-setting", Severity::Note, message).with_location(value.at.location())
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::super::merge::{Files, Siblings, candidates};

    /// The findings for a folder with these files, each as file, line and message.
    fn found(files: &[(&str, &str)]) -> Vec<String> {
        let dir = tempfile::tempdir().expect("a folder for the test");
        fs::create_dir(dir.path().join("jail.d")).expect("made");
        for (name, content) in files {
            fs::write(dir.path().join(name), content).expect("written");
        }
        let merged = Files::default().merge(&candidates(dir.path(), "jail"), Siblings::Too);
        let jails: Vec<_> = merged.sections.iter().map(|(name, ..)| name.as_str()).collect();
        let own = &candidates(dir.path(), "jail")[1..];
        let findings = super::findings(&merged, own, &jails);
        let prefix = format!("{}/", dir.path().display());
        findings.iter().map(|found| found.to_string().replace(&prefix, "")).collect()
    }

    #[test]
    fn a_drop_in_that_another_overrides_has_no_effect() {
        let conf = ("jail.conf", "[a]\nx = 1\ny = 1\n");
        let early = ("jail.d/a.conf", "[a]\nx = 2\ny = 2\nz = 3\n");
        let late = ("jail.d/b.conf", "[a]\nx = 3\ny = 2\nz = %(known/z)s 4\n");
        let expected = "jail.d/a.conf:2: this 'x' has no effect; '3' in jail.d/b.conf:2, which is read later, takes its place";
        assert_eq!(found(&[conf, early, late]), [expected]);
    }

    #[test]
    fn a_local_file_is_there_to_override() {
        let conf = ("jail.conf", "[DEFAULT]\nx = 0\n[a]\nx = 1\n");
        let drop_in = ("jail.d/a.conf", "[a]\nx = 2\n");
        let local = ("jail.local", "[DEFAULT]\nx = 4\n[a]\nx = 3\n");
        assert_eq!(found(&[conf, drop_in, local]), [""; 0]);
        let last = ("jail.d/a.local", "[a]\nx = 5\n");
        let expected = "jail.local:4: this 'x' has no effect; '5' in jail.d/a.local:2, which is read later, takes its place";
        assert_eq!(found(&[conf, drop_in, local, last]), [expected]);
    }

    #[test]
    fn a_default_does_not_reach_jails_with_their_own() {
        let conf =
            ("jail.conf", "[a]\nx = 1\n[b]\nx = 2\n[c]\nx = 3\n[d]\nx = %(default/x)s\n[e]\n");
        let local = |text| ("jail.local", text);
        assert_eq!(
            found(&[conf, local("[DEFAULT]\nx = 9\n")]),
            ["jail.local:2: this 'x' doesn't reach jail 'a' and 2 others, which have their own; \
              'a' has '1' in jail.conf:2; what you set in [a] counts"]
        );
        let some = found(&[conf, local("[DEFAULT]\nx = 9\n[b]\nx = 9\n[c]\nx = 4\n")]);
        assert_eq!(some.len(), 1);
        assert!(some[0].contains("doesn't reach jail 'a', which has its own"), "{some:?}");
    }
}
