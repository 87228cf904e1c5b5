//! Replays what fuzzing starts from, and each input that ever failed.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on is to panic")]

#[allow(dead_code, reason = "another test that shares this uses the rest")]
#[path = "../../fuzz/replay.rs"]
mod replay;

use replay::replay;
use ringchat_tests::fuzzing;

#[test]
fn the_ring_corpus_holds() {
    replay("ring", fuzzing::ring);
}
