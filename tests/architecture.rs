//! The layers of `src/lib.rs`, held to: a module uses those below it, never its neighbours unless
//! named, and `unsafe` stands in one file.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test may stop where it stands")]

use std::fs;
use std::path::{Path, PathBuf};

/// Each module with its layer, and the neighbours it may use all the same.
const LAYERS: [(&str, u8, &[&str]); 20] = [
    ("model", 0, &["text"]),
    ("diag", 0, &["text"]),
    ("text", 0, &[]),
    ("command", 1, &[]),
    ("config", 1, &[]),
    ("source", 1, &[]),
    ("date", 1, &[]),
    ("store", 1, &[]),
    ("filter", 2, &[]),
    ("decide", 2, &[]),
    ("enforce", 2, &[]),
    ("exchange", 2, &[]),
    ("check", 3, &["engine"]),
    ("engine", 3, &[]),
    ("error", 4, &[]),
    ("control", 5, &[]),
    ("insight", 5, &[]),
    ("daemon", 6, &[]),
    ("cli", 7, &[]),
    ("main", 8, &[]),
];

fn layer(module: &str) -> (u8, &'static [&'static str]) {
    let found = LAYERS.iter().find(|(name, ..)| *name == module);
    let (_, layer, neighbours) = found.unwrap_or_else(|| panic!("module '{module}' has no layer"));
    (*layer, neighbours)
}

fn sources(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
}

fn all() -> Vec<(PathBuf, String)> {
    let mut paths = Vec::new();
    sources(Path::new("src"), &mut paths);
    paths.into_iter().map(|path| (path.clone(), fs::read_to_string(path).unwrap())).collect()
}

/// The code of a file before its unit tests: those may use whatever shows what they mean.
fn code(text: &str) -> &str {
    text.split("\n#[cfg(test)]\nmod tests").next().unwrap_or(text)
}

#[test]
fn modules_use_only_the_layers_below_them() {
    let mut wrong = Vec::new();
    for (path, text) in all() {
        let inner = path.strip_prefix("src").unwrap();
        if inner.ends_with("tests.rs") || inner.components().any(|part| part.as_os_str() == "tests")
        {
            continue;
        }
        let first = inner.components().next().unwrap().as_os_str().to_string_lossy();
        let module = first.trim_end_matches(".rs");
        if matches!(module, "lib" | "main") {
            continue;
        }
        let (own, neighbours) = layer(module);
        let lines = code(&text).lines().filter(|line| !line.trim_start().starts_with("//"));
        for used in lines.flat_map(|line| line.split("crate::").skip(1)) {
            let name: String =
                used.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
            if name.is_empty() || name == module || neighbours.contains(&name.as_str()) {
                continue;
            }
            if layer(&name).0 >= own {
                wrong.push(format!("{}: {module} uses {name}", path.display()));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn unsafe_stands_in_one_file() {
    for (path, text) in all() {
        let has_unsafe = code(&text)
            .lines()
            .any(|line| !line.trim_start().starts_with("//") && line.contains("unsafe {"));
        if has_unsafe {
            assert!(path.starts_with("src/source/map") || path == Path::new("src/source/map.rs"));
        }
    }
}
