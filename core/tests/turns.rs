//! What is handed to a node together leaves it together.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test that cannot go on is to panic"
)]

#[allow(dead_code, reason = "the benchmark uses the rest")]
#[path = "../benches/room/mod.rs"]
mod room;

use ringchat_core::limits::MAX_TEXT;
use ringchat_core::wire::{Entry, Message};
use ringchat_core::{Action, Command, Input, Notice, Outbox, Text, TextRun, UnixTime};

use room::Room;

const LEADER: usize = 0;
const SENDER: usize = 1;
const RECEIVER: usize = 2;

/// The messages that come to `who`.
fn messages(sent: &[(usize, Vec<Input>)], who: usize) -> Vec<Message> {
    let inputs = sent.iter().filter(|(to, _)| *to == who).flat_map(|(_, inputs)| inputs.clone());
    let message = |input| match input {
        Input::Received { envelope, .. } => Some(envelope.message),
        _ => None,
    };
    inputs.filter_map(message).collect()
}

fn inputs(sent: Vec<(usize, Vec<Input>)>, who: usize) -> Vec<Input> {
    sent.into_iter().filter(|(to, _)| *to == who).flat_map(|(_, inputs)| inputs).collect()
}

#[test]
fn what_is_said_in_one_turn_is_submitted_together_and_delivered_together() {
    let mut room = Room::of(3);
    let sent = room.say(SENDER, 40);
    let submitted = messages(&sent, LEADER);
    let [Message::Submit { said, .. }] = &submitted[..] else { panic!("{submitted:?}") };
    let [said] = &said[..] else { panic!("{said:?}") };
    assert_eq!((said.first.0, said.count()), (1, 40));
    let delivered = messages(&room.hand_over(LEADER, inputs(sent, LEADER)), RECEIVER);
    let [Message::Deliver(deliver)] = &delivered[..] else { panic!("{delivered:?}") };
    assert_eq!(deliver.entries.iter().map(Entry::count).collect::<Vec<_>>(), [40]);
}

#[test]
fn what_a_leader_says_in_one_turn_is_delivered_together() {
    let delivered = messages(&Room::of(3).say(LEADER, 40), RECEIVER);
    let [Message::Deliver(deliver)] = &delivered[..] else { panic!("{delivered:?}") };
    assert_eq!(deliver.entries.iter().map(Entry::count).collect::<Vec<_>>(), [40]);
}

#[test]
fn a_node_takes_as_many_texts_as_it_has_room_for_and_gives_back_the_others() {
    for length in [1, MAX_TEXT] {
        let room = Room::of(2);
        let mut node = room.node(SENDER);
        let text = Text::new(&"x".repeat(length)).unwrap();
        let mut taken = 0;
        while node.can_say() {
            let texts = TextRun::new(&vec![text.clone(); 100]).unwrap();
            let more = node.takes(&texts);
            let mut out = Outbox::new();
            node.handle(room.now(), Input::Command(Command::Say { texts, at: UnixTime(0) }), &mut out);
            let refused =
                |action: &&Action| matches!(action, Action::Notify { notice: Notice::NotTaken { .. }, .. });
            assert_eq!(out.iter().filter(refused).count(), 100 - more, "{length}");
            taken += more;
        }
        assert_eq!(node.waiting(), taken);
        assert!(taken >= 64, "{taken} texts of {length}");
    }
}
