//! A member at rest is woken no more often than others are to hear of it, and notices silence in time all the same.

#![allow(clippy::expect_used, reason = "a test that cannot go on is to panic")]

#[allow(dead_code, reason = "the benchmark uses the rest")]
#[path = "../benches/room/mod.rs"]
mod room;

use ringchat_core::{Action, Input, Instant, LinkId, Node, Outbox};

use room::Room;

/// What follows once `detect` is over after the last message.
const DETECT: u64 = 1_000_000;

/// Wakes the node at each of its deadlines, and brings it nothing, until it asks for something of that kind.
fn until(node: &mut Node, wanted: impl Fn(&Action) -> bool) -> (usize, Instant) {
    for wakes in 1..100 {
        let now = node.deadline().expect("a deadline");
        let mut out = Outbox::new();
        node.handle(now, Input::Tick, &mut out);
        if out.iter().any(&wanted) {
            return (wakes, now);
        }
    }
    (usize::MAX, Instant::ZERO)
}

#[test]
fn silence_of_a_neighbour_is_noticed_when_it_has_lasted_for_detect() {
    let mut room = Room::of(5);
    room.talk(1, 1);
    let mut node = room.node(2);
    let (wakes, at) = until(&mut node, |action| matches!(action, Action::Dial { .. }));
    let silence = at.since(room.now());
    assert!(silence.as_micros() <= u128::from(DETECT), "{silence:?}");
    assert!(wakes <= 6, "{wakes} wakes in {silence:?}");
}

/// Whether the node dials anybody in three times `detect` in which parts of messages come on all its links, or do not.
fn dials_though(parts_come: bool) -> bool {
    let mut room = Room::of(5);
    room.talk(1, 1);
    let (mut node, end) = (room.node(2), Instant(room.now().0 + 3 * DETECT));
    let mut now = room.now();
    let mut out = Outbox::new();
    while now < end {
        now = node.deadline().expect("a deadline");
        let parts = (0..100).filter(|_| parts_come).map(|link| Input::Heard { link: LinkId(link) });
        node.handle_all(now, parts.chain([Input::Tick]), &mut out);
        if out.drain(..).any(|action| matches!(action, Action::Dial { .. })) {
            return true;
        }
    }
    false
}

#[test]
fn part_of_a_message_is_a_sign_of_life() {
    assert!(dials_though(false));
    assert!(!dials_though(true));
}

/// How many messages a room of `size` has sent.
fn sent(room: &Room, size: usize) -> u64 {
    (0..size).map(|who| room.node(who).stats().sent).sum()
}

#[test]
fn of_two_neighbours_at_rest_one_begins_and_the_other_answers() {
    let mut room = Room::of(3);
    room.pass(2 * DETECT);
    let before = sent(&room, 3);
    room.pass(10 * DETECT);
    // Three links of the ring, four times per `detect`, a question and an answer.
    assert_eq!(sent(&room, 3) - before, 10 * 3 * 4 * 2);
}
