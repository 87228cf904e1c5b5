//! What a node tells of its steps when it is traced: all of them, in order, and nothing otherwise.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on is to panic")]

mod cast;
mod driven;
mod pair;

use cast::{addr, id, name};
use pair::{LINK, Pair, cfg, chat, peer};
use ringchat_core::trace::{DialReason, DropReason, MessageKind, Mode, State, Traced, Tracing};
use ringchat_core::wire::{Beat, CandidateRank, Deliver, Elect, Envelope, Message};
use ringchat_core::{
    Action, Command, Config, DialFailure, DownReason, Epoch, Index, Input, Instant, LinkId, Node, Origin,
    RoomId, Stamp, Start, Text, TextRun, UnixTime,
};

fn config(start: Start) -> Config {
    Config::new(addr(1), name(), start).with_trace(Tracing::Events)
}

/// A member of a room that the peer leads, traced.
fn member() -> Pair {
    let mut pair = Pair::with(config(Start::Join { contacts: vec![addr(2)] }));
    pair.join();
    pair
}

/// What is told of a turn.
fn told(out: &[Action]) -> Vec<&Traced> {
    let steps = out.iter().filter_map(|action| match action {
        Action::Trace { traced, .. } => Some(&**traced),
        _ => None,
    });
    steps.collect()
}

fn say(text: &str) -> Input {
    let texts = TextRun::new([&Text::new(text).unwrap()]).unwrap();
    Input::Command(Command::Say { texts, at: UnixTime(7) })
}

/// The token of the peer in the election of `epoch`.
fn token(epoch: u64) -> Message {
    let candidate = CandidateRank { epoch: Epoch(1), length: Index(9), id: peer().id };
    Message::Elect(Elect { epoch: Epoch(epoch), candidate, path: vec![peer().id], cfg: cfg(1), roster: None })
}

fn states(out: &[Action]) -> Vec<&State> {
    let states = told(out).into_iter().filter_map(|traced| match traced {
        Traced::State(state) => Some(state),
        _ => None,
    });
    states.collect()
}

#[test]
fn a_node_that_is_not_traced_tells_nothing() {
    let mut pair = Pair::with_member();
    let mut out = pair.handle(say("hello"));
    out.extend(pair.receive(LINK, token(2)));
    out.extend(pair.handle(Input::LinkDown { link: LINK, reason: DownReason::Eof }));
    assert!(out.len() > 3 && told(&out).is_empty(), "{out:?}");
}

#[test]
fn a_node_tells_first_who_it_is() {
    let config = config(Start::Create);
    let mut node = Node::new(config, cast::seed(1), Instant::ZERO);
    let out = driven::handle(&mut node, &mut Instant(0), Input::Tick);
    let [Traced::Life { me, .. }, Traced::State(state)] = told(&out)[..] else { panic!("{out:?}") };
    assert_eq!((me.id, state.mode, state.leader), (id(1), Mode::Leading, Some(id(1))));
    assert_eq!(state.roster.as_ref().unwrap().len(), 1);
}

#[test]
fn each_sending_is_told_with_its_stamp_right_before_it_is_asked_for() {
    let mut pair = member();
    let mut sendings = 0;
    for input in [say("hello"), Input::Received { link: LINK, envelope: envelope(5, token(2)) }] {
        let out = pair.handle(input);
        for (before, action) in out.iter().zip(out.iter().skip(1)) {
            let (Action::Send { envelope, .. } | Action::Multicast { envelope, .. }) = action else {
                continue;
            };
            let Action::Trace { lamport, traced } = before else { panic!("{before:?}") };
            let Traced::Sent { to, stamp, sketch } = &**traced else { panic!("{traced:?}") };
            assert_eq!((to, stamp, *lamport), (&vec![(LINK, peer().id)], &envelope.stamp, envelope.stamp));
            assert_eq!(sketch.kind, MessageKind::of(&envelope.message));
            sendings += 1;
        }
    }
    assert!(sendings >= 2);
}

fn envelope(stamp: u64, message: Message) -> Envelope {
    Envelope { room: RoomId::UNKNOWN, stamp: Stamp(stamp), message }
}

#[test]
fn a_message_is_told_before_what_follows_from_it() {
    let mut pair = member();
    let out = pair.handle(Input::Received { link: LINK, envelope: envelope(77, token(2)) });
    let Action::Trace { lamport, traced } = &out[0] else { panic!("{out:?}") };
    let Traced::Took { link, from, stamp, counted, sketch } = &**traced else { panic!("{traced:?}") };
    assert_eq!((*link, *from, *stamp, *counted), (LINK, peer().id, Stamp(77), true));
    assert_eq!((sketch.kind, sketch.epoch, *lamport), (MessageKind::Elect, Some(Epoch(2)), Stamp(78)));
    assert_eq!(states(&out).last().unwrap().mode, Mode::Electing);
}

#[test]
fn a_message_without_effect_is_told_with_the_reason() {
    let mut pair = member();
    let why = |out: Vec<Action>| {
        let dropped = |traced: &Traced| match traced {
            Traced::Dropped { from, kind, why } => Some((*from, *kind, *why)),
            _ => None,
        };
        told(&out).into_iter().find_map(dropped)
    };
    let dropped = |kind, why| Some((peer().id, kind, why));
    assert_eq!(why(pair.receive(LINK, token(1))), dropped(MessageKind::Elect, DropReason::Stale));
    let ack = Message::Ack { view: cfg(1).view, index: Index(1) };
    assert_eq!(why(pair.receive(LINK, ack)), dropped(MessageKind::Ack, DropReason::NotLeader));
    let goodbye = Message::Probe { me: pair.node.me().clone(), size: 1 };
    assert_eq!(
        why(pair.receive(LINK, goodbye)),
        dropped(MessageKind::Probe, DropReason::Fault),
        "a false name"
    );
    let late = Message::Pong(Beat { view: None, cfg: None, stable: Index(0) });
    assert_eq!(why(pair.receive(LINK, late)), dropped(MessageKind::Pong, DropReason::Closing));
}

#[test]
fn a_stranger_does_not_move_the_clock_and_the_trace_says_so() {
    let mut pair = Pair::with(config(Start::Create));
    pair.link_up(Origin::Accepted);
    let before = pair.node.lamport();
    let out = pair.handle(Input::Received { link: LINK, envelope: envelope(9, Message::WantRoster) });
    let Traced::Took { counted, .. } = told(&out)[0] else { panic!("{out:?}") };
    let Action::Trace { lamport, .. } = &out[0] else { panic!("{out:?}") };
    assert_eq!((*counted, *lamport), (false, before));
}

#[test]
fn what_a_node_holds_is_told_when_it_changes_and_its_roster_once() {
    let mut pair = member();
    assert!(states(&pair.handle(Input::Heard { link: LINK })).is_empty());
    let deliver = |pair: &mut Pair, index| {
        let deliver =
            Deliver { view: cfg(1).view, entries: vec![chat(index, index, index)], stable: Index(0) };
        pair.receive(LINK, Message::Deliver(deliver))
    };
    let out = deliver(&mut pair, 3);
    let [state] = states(&out)[..] else { panic!("{out:?}") };
    assert_eq!((state.log, &state.roster, state.leader), (Index(4), &None, Some(peer().id)));
    let out = pair.handle(Input::LinkDown { link: LINK, reason: DownReason::Eof });
    let [Traced::Down { link: LINK, reason: DownReason::Eof, .. }, ..] = told(&out)[..] else {
        panic!("{out:?}")
    };
    assert_eq!(states(&out)[0].next, None);
}

#[test]
fn a_trace_can_begin_and_end_at_any_time() {
    let mut pair = Pair::with_member();
    let out = pair.handle(Input::Command(Command::Trace(Tracing::Texts)));
    let [Traced::Life { .. }, Traced::State(state)] = told(&out)[..] else { panic!("{out:?}") };
    assert_eq!(state.roster.as_ref(), Some(&pair.roster()));
    let out = pair.handle(say("hello"));
    let said = told(&out).into_iter().find_map(|traced| match traced {
        Traced::Sent { sketch, .. } => sketch.said.first(),
        _ => None,
    });
    assert_eq!(said.unwrap().iter().collect::<Vec<_>>(), ["hello"]);
    let out = pair.handle(Input::Command(Command::Trace(Tracing::Off)));
    assert!(told(&out).is_empty());
    assert!(told(&pair.handle(say("more"))).is_empty());
}

#[test]
fn no_text_is_told_unless_it_is_asked_for() {
    let mut pair = member();
    let out = pair.handle(say("a secret"));
    let told = told(&out);
    assert!(!told.is_empty() && !format!("{told:?}").contains("secret"), "{told:?}");
    let sent = told.iter().any(|traced| matches!(traced, Traced::Sent { sketch, .. } if sketch.texts == 1));
    assert!(sent, "{told:?}");
}

#[test]
fn dials_are_told_with_their_purpose_and_their_end() {
    let mut pair = member();
    let out = pair.handle(Input::LinkDown { link: LINK, reason: DownReason::Eof });
    let dialed = |traced: &Traced| match traced {
        Traced::Dialed { dial, addr, whom, why } => Some((*dial, *addr, *whom, *why)),
        _ => None,
    };
    let (dial, addr, whom, why) = told(&out).into_iter().find_map(dialed).unwrap();
    assert_eq!((addr, whom, why), (peer().addr(), Some(peer().id), DialReason::Peer));
    let out = pair.handle(Input::DialFailed { dial, reason: DialFailure::Refused });
    assert_eq!(told(&out)[0], &Traced::Failed { dial, reason: DialFailure::Refused });
}

#[test]
fn links_are_told_with_who_is_at_the_other_end() {
    let mut pair = Pair::with(config(Start::Create));
    let (link, remote, origin) = (LinkId(2), addr(3), Origin::Accepted);
    let out = pair.handle(Input::LinkUp { link, origin, remote, peer: id(3) });
    assert_eq!(told(&out), [&Traced::Up { link, origin, remote, peer: id(3) }]);
    let out = pair.handle(Input::LinkDown { link, reason: DownReason::Io });
    assert_eq!(told(&out), [&Traced::Down { link, peer: id(3), reason: DownReason::Io }]);
}
