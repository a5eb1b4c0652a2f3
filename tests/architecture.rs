//! The layers of `src/lib.rs`, held to: a module uses those below it, never its neighbours unless
//! named; none has a circle inside; and `unsafe` stands in two files.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test may stop where it stands")]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

/// Each module with its layer, and the neighbours it may use all the same.
const LAYERS: [(&str, u8, &[&str]); 22] = [
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
    ("logline", 2, &[]),
    ("check", 3, &["engine"]),
    ("engine", 3, &[]),
    ("error", 4, &[]),
    ("control", 5, &[]),
    ("insight", 5, &[]),
    ("compat", 6, &[]),
    ("daemon", 7, &[]),
    ("cli", 8, &[]),
    ("main", 9, &[]),
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
fn unsafe_stands_in_two_files() {
    for (path, text) in all() {
        let has_unsafe = code(&text)
            .lines()
            .any(|line| !line.trim_start().starts_with("//") && line.contains("unsafe {"));
        if has_unsafe {
            let may = ["src/source/map.rs", "src/daemon/memory.rs"].map(Path::new);
            assert!(path.starts_with("src/source/map") || may.contains(&path.as_path()));
        }
    }
}

/// A module by its path below the crate, with its code.
type Modules = BTreeMap<Vec<String>, String>;

fn modules() -> Modules {
    let of_file = |(path, text): (PathBuf, String)| {
        let inner = path.strip_prefix("src").unwrap().with_extension("");
        let mut module: Vec<String> =
            inner.iter().map(|part| part.to_string_lossy().into_owned()).collect();
        module.pop_if(|last| last == "mod");
        let is_test = module.iter().any(|part| part == "tests");
        (!is_test).then(|| (module, without_comments(code(&text))))
    };
    all().into_iter().filter_map(of_file).collect()
}

fn without_comments(text: &str) -> String {
    let lines = text.lines().filter(|line| !line.trim_start().starts_with("//"));
    lines.collect::<Vec<_>>().join("\n")
}

/// `a::{b, c::{d, e}}` as `a::b`, `a::c::d` and `a::c::e`.
fn spread(tree: &str, prefix: &str, paths: &mut Vec<String>) {
    let tree = tree.trim();
    let Some((head, inner)) = tree.split_once('{') else {
        let path = tree.split(" as ").next().unwrap_or(tree);
        return paths.push(format!("{prefix}{}", path.trim_end_matches("::self")));
    };
    let prefix = format!("{prefix}{head}");
    let (mut depth, mut start) = (0, 0);
    let inner = inner.trim_end().strip_suffix('}').unwrap_or(inner);
    for (at, c) in inner.char_indices() {
        match c {
            '{' => depth += 1,
            '}' => depth -= 1,
            ',' if depth == 0 => {
                spread(&inner[start..at], &prefix, paths);
                start = at + 1;
            }
            _ => {}
        }
    }
    if !inner[start..].trim().is_empty() {
        spread(&inner[start..], &prefix, paths);
    }
}

/// Paths that a module names: in `use`, and in the code.
fn paths_of(text: &str) -> Vec<String> {
    let mut paths = Vec::new();
    for used in text.split("use ").skip(1) {
        spread(used.split(';').next().unwrap_or(used), "", &mut paths);
    }
    for root in ["crate::", "super::"] {
        for (at, _) in text.match_indices(root) {
            let is_path = |c: char| c.is_alphanumeric() || matches!(c, '_' | ':');
            paths.push(text[at..].chars().take_while(|c| is_path(*c)).collect());
        }
    }
    paths
}

/// The module that a path leads to, seen from `from`; what a folder's file exports is its child's.
fn resolve(all: &Modules, from: &[String], path: &str, depth: u8) -> Option<Vec<String>> {
    let mut parts = path.split("::").filter(|part| !part.is_empty()).peekable();
    let mut at = match *parts.peek()? {
        "crate" => Vec::new(),
        "super" | "self" => from.to_vec(),
        child => {
            let mut below = from.to_vec();
            below.push(child.to_owned());
            all.contains_key(&below).then(|| from.to_vec())?
        }
    };
    while let Some(part) = parts.next_if(|part| matches!(*part, "crate" | "super" | "self")) {
        if part == "super" {
            at.pop();
        }
    }
    for part in parts {
        at.push(part.to_owned());
        if all.contains_key(&at) {
            continue;
        }
        at.pop();
        let exported = all.get(&at).map(|text| paths_of(text)).unwrap_or_default();
        let exported = exported.iter().find(|path| path.rsplit("::").next() == Some(part));
        return match exported {
            Some(path) if depth < 4 => resolve(all, &at, path, depth + 1).or(Some(at)),
            _ => Some(at),
        };
    }
    Some(at)
}

/// Whom each child of `parent` uses of its siblings.
fn siblings(all: &Modules, parent: &[String]) -> BTreeMap<String, BTreeSet<String>> {
    let mut graph: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for (module, text) in all.iter().filter(|(module, _)| module.len() > parent.len()) {
        if !module.starts_with(parent) {
            continue;
        }
        let child = &module[parent.len()];
        for path in paths_of(text) {
            let used = resolve(all, module, &path, 0).filter(|used| used.starts_with(parent));
            let Some(used) = used.as_ref().and_then(|used| used.get(parent.len())) else {
                continue;
            };
            if used != child {
                graph.entry(child.clone()).or_default().insert(used.clone());
            }
        }
    }
    graph
}

/// Those who, by way of others, use themselves.
fn round(graph: &BTreeMap<String, BTreeSet<String>>) -> Vec<&String> {
    let reaches = |from: &String| {
        let (mut seen, mut next) = (BTreeSet::new(), vec![from]);
        while let Some(at) = next.pop() {
            let used = graph.get(at).into_iter().flatten();
            next.extend(used.filter(|used| seen.insert((*used).clone())));
        }
        seen.contains(from)
    };
    graph.keys().filter(|child| reaches(child)).collect()
}

#[test]
fn no_module_has_a_circle_inside() {
    let all = modules();
    let parents: BTreeSet<&[String]> =
        all.keys().filter_map(|module| Some(module.split_last()?.1)).collect();
    let parents: Vec<_> = parents.into_iter().filter(|parent| !parent.is_empty()).collect();
    let mut edges = 0;
    for parent in &parents {
        let graph = siblings(&all, parent);
        edges += graph.values().map(BTreeSet::len).sum::<usize>();
        assert!(round(&graph).is_empty(), "{} goes round: {:?}", parent.join("::"), round(&graph));
    }
    // It does see who uses whom.
    assert!(parents.len() > 8 && edges > 200, "{} modules, {edges} uses", parents.len());
    let lane = &siblings(&all, &["engine".to_owned()])["lane"];
    assert!(lane.contains("judge") && !lane.contains("stream"), "{lane:?}");
}

#[test]
fn a_circle_is_found() {
    let all: Modules = [
        ("a", "pub use low::Low;"),
        ("a::low", "use super::high::{High, other::self};"),
        ("a::high", "use super::Low;"),
        ("a::aside", "use crate::a::{high::High, low};"),
    ]
    .into_iter()
    .map(|(path, text)| (path.split("::").map(str::to_owned).collect(), text.to_owned()))
    .collect();
    assert_eq!(round(&siblings(&all, &["a".to_owned()])), ["high", "low"]);
}
