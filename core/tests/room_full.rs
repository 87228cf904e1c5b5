//! A room takes as many members as it may have, and tells the next one that it is full.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on is to panic")]

mod cast;
mod driven;
mod leader;

use cast::{addr, member, seed};
use leader::Leader;
use ringchat_core::limits::MAX_ROSTER;
use ringchat_core::wire::{Envelope, Join, Message, Refusal};
use ringchat_core::{
    Action, Config, Ending, Epoch, Input, Instant, LinkId, Member, Name, Node, Notice, Origin, RoomId, Stamp,
    Start,
};

fn refusal(actions: &[Action]) -> Option<Refusal> {
    actions.iter().find_map(|action| match action {
        Action::Send { envelope, .. } => match envelope.message {
            Message::Refused(refusal) => Some(refusal),
            _ => None,
        },
        _ => None,
    })
}

fn tells_too_many(actions: &[Action]) -> bool {
    let told = |action: &Action| matches!(action, Action::Notify { notice: Notice::TooManyToMerge, .. });
    actions.iter().any(told)
}

#[test]
fn the_last_place_is_given_and_the_next_newcomer_is_told_that_the_room_is_full() {
    let mut leader = Leader::new();
    let last = MAX_ROSTER as u64;
    leader.let_in(last);
    assert_eq!(refusal(&leader.knock(last + 1)), Some(Refusal::RoomFull));
    assert_eq!(leader.node.roster().len(), MAX_ROSTER);
}

#[test]
fn a_ring_that_is_too_large_to_be_taken_in_is_refused_and_the_user_told_once() {
    let mut leader = Leader::new();
    let half = MAX_ROSTER as u64 / 2;
    leader.let_in(half + 1);
    let other: Vec<Member> = (2000..).take(MAX_ROSTER / 2).map(member).collect();
    let mut ask = || {
        let (me, ring) = (other[0].clone(), other[1..].to_vec());
        leader.link_up(2000);
        leader.hear(2000, Message::Join(Join { me, contact: None, epoch: Epoch(1), generation: 1, ring }))
    };
    let (first, again) = (ask(), ask());
    assert_eq!((refusal(&first), tells_too_many(&first)), (Some(Refusal::RoomFull), true));
    assert_eq!((refusal(&again), tells_too_many(&again)), (Some(Refusal::RoomFull), false));
}

#[test]
fn the_leader_of_a_ring_that_is_refused_for_its_size_tells_its_user() {
    let mut leader = Leader::new();
    leader.let_in(2);
    leader.link_up(2000);
    let asked = leader.hear(2000, Message::Probe { me: member(2000), size: MAX_ROSTER as u64 });
    let joins = |action: &Action| matches!(action, Action::Send { envelope, .. } if matches!(envelope.message, Message::Join(_)));
    assert!(asked.iter().any(joins), "{asked:?}");
    assert!(tells_too_many(&leader.hear(2000, Message::Refused(Refusal::RoomFull))));
}

#[test]
fn a_newcomer_that_hears_that_the_room_is_full_ends_with_that() {
    let start = Start::Join { contacts: vec![addr(1)] };
    let config = Config::new(addr(2), Name::new("late").unwrap(), start);
    let mut node = Node::new(config, seed(2), Instant::ZERO);
    let mut out = Vec::new();
    node.handle(Instant(1), Input::Tick, &mut out);
    let dial = out.iter().find_map(|action| match action {
        Action::Dial { dial, .. } => Some(*dial),
        _ => None,
    });
    let (link, mut out) = (LinkId(1), Vec::new());
    let (origin, remote, peer) = (Origin::Dialed(dial.unwrap()), addr(1), member(1).id);
    let up = Input::LinkUp { link, origin, remote, peer };
    node.handle(Instant(2), up, &mut out);
    let message = Message::Refused(Refusal::RoomFull);
    let envelope = Envelope { room: RoomId([7; 16]), stamp: Stamp(5), message };
    out.clear();
    node.handle(Instant(3), Input::Received { link, envelope }, &mut out);
    let ended = Notice::Ended(Ending::RoomFull);
    assert!(out.iter().any(|action| matches!(action, Action::Notify { notice, .. } if *notice == ended)));
    assert!(node.has_ended());
}
