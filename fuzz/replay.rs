//! Replays what fuzzing starts from, and each input that ever failed. The crates that have the targets' bodies
//! share this file.

use std::fs;
use std::path::{Path, PathBuf};

/// The folder of what the fuzz target of that name starts from.
pub(crate) fn corpus(target: &str) -> PathBuf {
    let above = Path::new(env!("CARGO_MANIFEST_DIR")).ancestors();
    let mut corpora = above.map(|folder| folder.join("fuzz/corpus"));
    corpora.find(|corpora| corpora.is_dir()).unwrap().join(target)
}

/// Runs `body` on each input in the corpus of `target`, and prints which.
pub(crate) fn replay(target: &str, body: fn(&[u8])) {
    let corpus = corpus(target);
    let mut inputs: Vec<PathBuf> = fs::read_dir(&corpus).unwrap().map(|file| file.unwrap().path()).collect();
    inputs.sort();
    assert!(!inputs.is_empty(), "no input in {}", corpus.display());
    for input in inputs {
        println!("{}", input.display());
        body(&fs::read(&input).unwrap());
    }
}
