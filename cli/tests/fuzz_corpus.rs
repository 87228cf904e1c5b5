//! Replays the corpora of the fuzz targets, which include each input that ever failed.

#![allow(clippy::unwrap_used, reason = "a failing test panics")]

#[allow(dead_code, reason = "another test that shares this uses the rest")]
#[path = "../../fuzz/replay.rs"]
mod replay;

use replay::replay;
use ringchat::fuzzing;

#[test]
fn the_args_corpus_holds() {
    replay("args", fuzzing::args);
}

#[test]
fn the_screen_corpus_holds() {
    replay("screen", fuzzing::screen);
}
