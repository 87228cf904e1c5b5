//! Replays what fuzzing starts from, and each input that ever failed.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on is to panic")]

#[path = "../../../fuzz/replay.rs"]
mod replay;

#[test]
fn the_ask_corpus_holds() {
    replay::replay("ask", ringchat_lab::fuzzing::ask);
}
