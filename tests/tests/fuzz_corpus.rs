//! Replays what fuzzing starts from, and each input that ever failed.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on is to panic")]

use std::fs;
use std::path::PathBuf;

use ringchat_tests::fuzzing;

fn replay(target: &str, body: fn(&[u8])) {
    let corpus = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../fuzz/corpus").join(target);
    let mut replayed = 0;
    for file in fs::read_dir(&corpus).unwrap() {
        let path = file.unwrap().path();
        println!("{}", path.display());
        body(&fs::read(&path).unwrap());
        replayed += 1;
    }
    assert!(replayed > 0, "no input in {}", corpus.display());
}

#[test]
fn the_ring_corpus_holds() {
    replay("ring", fuzzing::ring);
}
