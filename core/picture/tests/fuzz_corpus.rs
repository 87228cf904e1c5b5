//! Replays what fuzzing starts from, and each input that ever failed.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on is to panic")]

#[path = "../../../fuzz/replay.rs"]
mod replay;

use std::path::Path;

use ringchat_picture::fuzzing;
use ringchat_sim::scenario::play_lives;
use ringchat_trace::TraceRecord;

#[test]
fn the_trace_corpus_holds() {
    replay::replay("trace", fuzzing::trace);
}

/// To write the seeds anew: `cargo test -p ringchat-picture --test fuzz_corpus -- --ignored`.
#[test]
#[ignore = "writes files"]
fn write_the_seeds() {
    let folder = replay::corpus("trace");
    std::fs::create_dir_all(&folder).unwrap();
    for (name, scenario) in [
        ("crash", "nodes 3 seed 1\nat 300ms crash leader\nuntil converged within 5s\n"),
        (
            "split",
            "nodes 3 seed 2\nat 300ms partition 1\nuntil time within 3s\nat 0s heal reset\nuntil time within 2s\n",
        ),
        ("leave", "nodes 3 seed 3\nat 100ms say 1 hi\nat 300ms leave 2\nuntil time within 1s\n"),
    ] {
        let (_, lives, _) = play_lives(scenario);
        let mut bytes = Vec::new();
        for life in lives {
            if !bytes.is_empty() {
                bytes.push(0);
            }
            TraceRecord::Header(life.header).write(&mut bytes);
            let quiet = |line: &&ringchat_trace::TraceLine| !is_beat(&line.event);
            life.lines
                .iter()
                .filter(quiet)
                .for_each(|line| TraceRecord::Line(line.clone()).write(&mut bytes));
        }
        std::fs::write(Path::new(&folder).join(name), bytes).unwrap();
    }
}

fn is_beat(event: &ringchat_trace::TraceEvent) -> bool {
    use ringchat_core::trace::MessageKind::{Ping, Pong};
    match event {
        ringchat_trace::TraceEvent::Send(sent) => matches!(sent.what.k, Ping | Pong),
        ringchat_trace::TraceEvent::Recv(taken) => matches!(taken.what.k, Ping | Pong),
        _ => false,
    }
}
