//! Replays what fuzzing starts from, and each input that ever failed.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot go on is to panic")]

mod messages;
mod rehearsal;

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;

use proptest::strategy::{Strategy, ValueTree};
use proptest::test_runner::TestRunner;
use rehearsal::Rehearsal;
use ringchat_core::fuzzing;
use ringchat_core::limits::MAX_FRAME;
use ringchat_core::wire::{FrameDecoder, GREETING, encode};

fn corpus(target: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../fuzz/corpus").join(target)
}

fn replay(target: &str, body: fn(&[u8])) {
    let corpus = corpus(target);
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
fn the_roundtrip_corpus_has_every_kind_of_message() {
    let (mut runner, strategy) = (TestRunner::deterministic(), messages::envelope());
    for _ in 0..1000 {
        let envelope = strategy.new_tree(&mut runner).unwrap().current();
        let name = format!("{}-poor", messages::kind(&envelope.message));
        let seed = fs::read(corpus("roundtrip").join(&name)).unwrap();
        let mut link = GREETING.to_vec();
        link.extend_from_slice(&u32::try_from(seed.len()).unwrap().to_be_bytes());
        link.extend_from_slice(&seed);
        let mut frames = FrameDecoder::new(MAX_FRAME);
        frames.spare()[..link.len()].copy_from_slice(&link);
        frames.advance(link.len());
        let decoded = frames.pop().unwrap().unwrap();
        assert_eq!(
            messages::kind(&decoded.message),
            messages::kind(&envelope.message),
            "run write_the_seeds"
        );
    }
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
