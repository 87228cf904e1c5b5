//! What keeps the code easy to find one's way in: small files, thin runtimes, one meaning a name.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on is to panic")]

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

const MOST_LINES_OF_A_FILE: usize = 600;
const MOST_CODE_OF_A_RUNTIME: usize = 450;
const MOST_FIELDS_OF_THE_NODE: usize = 16;
const MOST_LINES_OF_THE_MAP: usize = 150;

/// The folders with the code of each crate that others build on.
const SHIPPED: [&str; 9] = [
    "core/src",
    "core/driver/src",
    "core/lab/src",
    "core/picture/src",
    "core/sim/src",
    "core/trace/src",
    "runtime-threads/src",
    "runtime-async-std/src",
    "cli/src",
];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn read(path: &str) -> String {
    fs::read_to_string(root().join(path)).unwrap()
}

/// All Rust files below `folder`, but those that only build artefacts hold.
fn rust_files(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() && !path.ends_with("target") && !path.ends_with(".git") {
            files.extend(rust_files(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
    files.sort();
    files
}

/// The lines of code of a folder: without tests, comments and blank lines.
fn code(folder: &str) -> Vec<String> {
    let mut code = Vec::new();
    for file in rust_files(&root().join(folder)) {
        let text = fs::read_to_string(&file).unwrap();
        let before_tests = text.split("#[cfg(test)]").next().unwrap_or_default();
        let lines = before_tests.lines().map(str::trim);
        code.extend(lines.filter(|line| !line.is_empty() && !line.starts_with("//")).map(String::from));
    }
    code
}

#[test]
fn no_file_is_long() {
    for file in rust_files(&root()) {
        let lines = fs::read_to_string(&file).unwrap().lines().count();
        assert!(lines <= MOST_LINES_OF_A_FILE, "{} has {lines} lines", file.display());
    }
    let map = read("ARCHITECTURE.md").lines().count();
    assert!(map <= MOST_LINES_OF_THE_MAP, "the map has {map} lines");
}

#[test]
fn a_runtime_is_thin_and_unlike_the_other() {
    let [threads, async_std] = ["runtime-threads/src", "runtime-async-std/src"].map(code);
    let mut lines: BTreeMap<&str, usize> = BTreeMap::new();
    // A brace says nothing of whether code was written twice.
    let says_something = |line: &&String| line.len() > 3;
    for line in async_std.iter().filter(says_something) {
        *lines.entry(line).or_default() += 1;
    }
    let mut alike = 0;
    for line in threads.iter().filter(says_something) {
        if let Some(left) = lines.get_mut(line.as_str()).filter(|left| **left > 0) {
            *left -= 1;
            alike += 1;
        }
    }
    println!("{} and {} lines of code, {alike} alike", threads.len(), async_std.len());
    for runtime in [&threads, &async_std] {
        assert!(runtime.len() <= MOST_CODE_OF_A_RUNTIME, "{} lines", runtime.len());
        assert!(alike * 5 <= runtime.len(), "{alike} of {} lines stand in the other too", runtime.len());
    }
}

/// Where code may ask which system it is for. Everything else is the same on all systems.
const OF_SYSTEMS: [&str; 5] = [
    "cli/src/system",
    "core/driver/src/clock.rs",
    "core/driver/src/descriptors",
    "core/driver/src/descriptors.rs",
    "core/driver/src/socket.rs",
];

#[test]
fn few_files_know_the_system() {
    let root = root();
    for file in SHIPPED.iter().flat_map(|folder| rust_files(&root.join(folder))) {
        let text = fs::read_to_string(&file).unwrap();
        let before_tests = text.split("\nmod tests {").next().unwrap_or_default();
        let asks = ["cfg(unix", "cfg(windows", "target_os", "std::os::"]
            .iter()
            .any(|word| before_tests.contains(word));
        let may = OF_SYSTEMS.iter().any(|place| file.starts_with(root.join(place)));
        assert!(may || !asks, "{} asks which system it is for", file.display());
    }
}

#[test]
fn no_two_public_types_share_a_name() {
    let mut homes: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for file in SHIPPED.iter().flat_map(|folder| rust_files(&root().join(folder))) {
        let text = fs::read_to_string(&file).unwrap();
        for line in text.lines().map(str::trim) {
            let mut words = line.split(|c: char| !c.is_alphanumeric() && c != '_');
            let kind = (words.next(), words.next());
            if let (Some("pub"), Some("struct" | "enum" | "trait" | "type")) = kind
                && let Some(name) = words.next()
            {
                homes.entry(name.into()).or_default().push(file.display().to_string());
            }
        }
    }
    // One name for one role: a program that changes its runtime changes one `use`.
    let shared: Vec<_> = homes
        .iter()
        .filter(|(name, homes)| homes.len() > 1 && !["Room", "Events"].contains(&name.as_str()))
        .collect();
    assert!(shared.is_empty(), "{shared:#?}");
}

#[test]
fn the_node_has_few_parts() {
    let text = read("core/src/node/mod.rs");
    let body = text.split("pub struct Node {").nth(1).and_then(|rest| rest.split("\n}").next()).unwrap();
    let fields = body.lines().map(str::trim).filter(|line| line.ends_with(',') && !line.starts_with("//"));
    let fields = fields.count();
    assert!((1..=MOST_FIELDS_OF_THE_NODE).contains(&fields), "the node has {fields} fields");
}
