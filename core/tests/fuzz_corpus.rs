//! Replays what fuzzing starts from, and each input that ever failed.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot go on is to panic")]

mod messages;
mod rehearsal;
#[path = "../../fuzz/replay.rs"]
mod replay;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use proptest::strategy::{Strategy, ValueTree};
use proptest::test_runner::TestRunner;
use rehearsal::Rehearsal;
use replay::{corpus, replay};
use ringchat_core::fuzzing;
use ringchat_core::limits::MAX_FRAME;
use ringchat_core::wire::{FrameDecoder, ShamSeen, encode};

#[test]
fn the_decode_corpus_holds() {
    replay("decode", fuzzing::decode);
}

#[test]
fn the_roundtrip_corpus_holds() {
    replay("roundtrip", fuzzing::roundtrip);
}

#[test]
fn the_node_corpus_holds() {
    replay("node", fuzzing::node);
}

#[test]
fn the_link_corpus_holds() {
    replay("link", fuzzing::link);
}

#[test]
fn the_record_corpus_holds() {
    replay("record", fuzzing::record);
}

#[test]
fn the_ticket_corpus_holds() {
    replay("ticket", fuzzing::ticket);
}

#[test]
fn the_roundtrip_corpus_has_every_kind_of_message() {
    let seeds =
        fs::read_dir(corpus("roundtrip")).unwrap().map(|file| fs::read(file.unwrap().path()).unwrap());
    let kinds: BTreeSet<&str> = seeds.filter_map(|seed| kind_of(&seed)).collect();
    assert_eq!(kinds.len(), messages::KINDS, "run write_the_seeds");
}

/// The kind of the message in a frame, given without its length, if there is one.
fn kind_of(frame: &[u8]) -> Option<&'static str> {
    let length = u32::try_from(frame.len()).unwrap().to_be_bytes();
    let link = [length.as_slice(), frame].concat();
    let (mut frames, mut rest) = (FrameDecoder::new(MAX_FRAME), link.as_slice());
    while !rest.is_empty() {
        let read = std::io::Read::read(&mut rest, frames.spare()).unwrap();
        frames.advance(read);
    }
    frames.pop(&mut ShamSeen::default()).ok().flatten().map(|envelope| messages::kind(&envelope.message))
}

/// To be run when the messages change: the seeds of `roundtrip` are a rich one and a poor one of each kind.
#[test]
#[ignore = "writes the seeds; run it when the messages change"]
fn write_the_seeds() {
    let (mut runner, strategy) = (TestRunner::deterministic(), messages::envelope());
    let mut seeds: BTreeMap<String, Vec<u8>> = BTreeMap::new();
    for _ in 0..20_000 {
        let envelope = strategy.new_tree(&mut runner).unwrap().current();
        let kind = messages::kind(&envelope.message);
        let mut frame = Vec::new();
        encode(&envelope, &mut frame).unwrap();
        let body = &frame[4..];
        let rich = seeds.entry(format!("{kind}-rich")).or_default();
        if (rich.len()..400).contains(&body.len()) {
            *rich = body.to_vec();
        }
        let poor = seeds.entry(format!("{kind}-poor")).or_insert_with(|| body.to_vec());
        if body.len() < poor.len() {
            *poor = body.to_vec();
        }
    }
    for (name, seed) in seeds {
        fs::write(corpus("roundtrip").join(name), seed).unwrap();
    }
}

/// To be run when the messages change: the seeds of `node` are what happens to real nodes.
#[test]
#[ignore = "writes the seeds; run it when the messages change"]
fn write_the_scripts() {
    let scripts = [
        ("it-leads-and-others-come-and-go", leads()),
        ("it-joins-and-loses-its-leader", joins()),
        ("its-room-is-cut-in-two-and-one-again", parts()),
    ];
    for (name, script) in scripts {
        fs::write(corpus("node").join(name), script).unwrap();
    }
}

fn leads() -> Vec<u8> {
    let mut room = Rehearsal::new(true);
    room.enter(0, true);
    (1..4).for_each(|who| room.enter(who, false));
    room.talk();
    room.die(2);
    room.pass(1);
    room.leave(1);
    room.talk();
    room.leave(0);
    room.script()
}

fn joins() -> Vec<u8> {
    let mut room = Rehearsal::new(false);
    room.enter(1, true);
    (2..4).for_each(|who| room.enter(who, false));
    room.enter(0, false);
    room.talk();
    room.die(1);
    room.talk();
    room.pass(2);
    room.leave(2);
    room.leave(0);
    room.script()
}

fn parts() -> Vec<u8> {
    let mut room = Rehearsal::new(true);
    room.enter(0, true);
    (1..4).for_each(|who| room.enter(who, false));
    room.talk();
    room.part();
    room.talk();
    room.pass(2);
    room.meet();
    room.pass(8);
    room.talk();
    room.script()
}
