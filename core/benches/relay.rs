//! What the relay of messages costs a node: said, sequenced, delivered, shown, encoded, decoded. All on one thread,
//! without clock or socket, so that a profiler or `valgrind --tool=callgrind` sees nothing but core.

#![allow(clippy::expect_used, reason = "a benchmark that cannot go on is to panic")]

mod room;

use std::io::Read;
use std::time::Duration;

use divan::Bencher;
use divan::counter::{BytesCount, ItemsCount};
use ringchat_core::limits::MAX_FRAME;
use ringchat_core::wire::{Envelope, FrameDecoder, Message, ShamSeen, encode};
use ringchat_core::{Input, Node, Outbox};

use room::Room;

/// Texts that come with one read.
const TEXTS: usize = 64;
const SIZES: [u8; 3] = [3, 10, 50];
const LEADER: usize = 0;
const SENDER: usize = 1;
const RECEIVER: usize = 2;

fn main() {
    divan::Divan::from_args().max_time(Duration::from_secs(2)).main();
}

/// What a member's texts are on their way to the leader.
fn submitted(room: &mut Room) -> Vec<Input> {
    let sent = room.say(SENDER, TEXTS);
    sent.into_iter().find(|(to, _)| *to == LEADER).expect("it submits").1
}

/// What a member's texts are on their way from the leader to a receiver.
fn delivered(room: &mut Room) -> Vec<Input> {
    let submitted = submitted(room);
    let sent = room.hand_over(LEADER, submitted);
    sent.into_iter().find(|(to, _)| *to == RECEIVER).expect("it delivers").1
}

fn envelopes(inputs: Vec<Input>) -> Vec<Envelope> {
    let received = inputs.into_iter().filter_map(|input| match input {
        Input::Received { envelope, .. } => Some(envelope),
        _ => None,
    });
    received.collect()
}

/// Measures what `who` does with `inputs`.
fn handle(bencher: Bencher<'_, '_>, room: &Room, who: usize, inputs: &[Input]) {
    let now = room.now();
    let start = || (room.node(who), inputs.to_vec(), Outbox::with_capacity(4 * TEXTS));
    let run = |(mut node, inputs, mut out): (Node, Vec<Input>, Outbox)| {
        node.handle_all(now, inputs, &mut out);
        (node, out)
    };
    bencher.counter(ItemsCount::new(TEXTS)).with_inputs(start).bench_values(run);
}

#[divan::bench(args = SIZES)]
fn a_sender_says(bencher: Bencher<'_, '_>, size: u8) {
    let mut room = Room::of(size);
    let before = room.clone();
    let submitted = envelopes(submitted(&mut room));
    let all = |envelope: &Envelope| matches!(&envelope.message, Message::Submit { said, .. } if said[0].count() == TEXTS as u64);
    assert!(matches!(&submitted[..], [one] if all(one)), "all texts are submitted together");
    let text = ringchat_core::Text::new(&"x".repeat(100)).expect("a text");
    let texts = ringchat_core::TextRun::new(&vec![text; TEXTS]).expect("there is one");
    let say = vec![Input::Command(ringchat_core::Command::Say { texts, at: ringchat_core::UnixTime(0) })];
    handle(bencher, &before, SENDER, &say);
}

#[divan::bench(args = SIZES)]
fn a_leader_sequences(bencher: Bencher<'_, '_>, size: u8) {
    let mut room = Room::of(size);
    let inputs = submitted(&mut room);
    handle(bencher, &room, LEADER, &inputs);
}

#[divan::bench(args = SIZES)]
fn a_member_shows(bencher: Bencher<'_, '_>, size: u8) {
    let mut room = Room::of(size);
    let inputs = delivered(&mut room);
    handle(bencher, &room, RECEIVER, &inputs);
}

#[divan::bench(args = SIZES)]
fn all_say_and_show(bencher: Bencher<'_, '_>, size: u8) {
    let mut room = Room::of(size);
    // From here on each log lets go of as many entries as it takes.
    (0..64).for_each(|_| room.talk(SENDER, TEXTS));
    let deliveries = TEXTS * usize::from(size);
    bencher.counter(ItemsCount::new(deliveries)).bench_local(|| room.talk(SENDER, TEXTS));
}

#[divan::bench]
fn encode_deliveries(bencher: Bencher<'_, '_>) {
    let envelopes = envelopes(delivered(&mut Room::of(3)));
    let mut bytes = Vec::new();
    encode_all(&envelopes, &mut bytes);
    let count = (ItemsCount::new(TEXTS), BytesCount::new(bytes.len()));
    bencher.counter(count.0).counter(count.1).bench_local(|| {
        bytes.clear();
        encode_all(&envelopes, &mut bytes);
    });
}

#[divan::bench]
fn decode_deliveries(bencher: Bencher<'_, '_>) {
    decode(bencher, &envelopes(delivered(&mut Room::of(3))));
}

#[divan::bench]
fn decode_submissions(bencher: Bencher<'_, '_>) {
    decode(bencher, &envelopes(submitted(&mut Room::of(3))));
}

fn decode(bencher: Bencher<'_, '_>, envelopes: &[Envelope]) {
    let mut bytes = Vec::new();
    encode_all(envelopes, &mut bytes);
    let count = (ItemsCount::new(TEXTS), BytesCount::new(bytes.len()));
    let mut decoder = FrameDecoder::new(MAX_FRAME);
    bencher.counter(count.0).counter(count.1).bench_local(|| {
        let mut came = Vec::with_capacity(envelopes.len());
        let mut rest = bytes.as_slice();
        while !rest.is_empty() {
            let read = rest.read(decoder.spare()).expect("bytes are read");
            decoder.advance(read);
            while let Some(envelope) = decoder.pop(&mut ShamSeen::default()).expect("a message") {
                came.push(envelope);
            }
        }
        assert_eq!(came.len(), envelopes.len(), "all messages come out");
        came
    });
}

fn encode_all(envelopes: &[Envelope], bytes: &mut Vec<u8>) {
    for envelope in envelopes {
        encode(envelope, bytes).expect("it fits a frame");
    }
}
