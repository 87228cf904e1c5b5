//! Who leaves waits until all members have its messages, but not for ever.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on is to panic")]

mod cast;
mod driven;
mod leader;

use cast::member;
use leader::Leader;
use ringchat_core::wire::{Beat, Message, Run};
use ringchat_core::{
    Action, Command, Ending, Index, Input, LinkId, Notice, RoomId, Seq, Stamp, Text, TextRun, UnixTime,
};

const LEAVER: u64 = 2;
const OTHER: u64 = 3;

/// Up to where all members have the log, as the one that leaves is told.
fn told(actions: &[Action]) -> Option<Index> {
    actions.iter().find_map(|action| match action {
        Action::Send { link: LinkId(LEAVER), envelope } => match &envelope.message {
            Message::Ping(beat) => Some(beat.stable),
            _ => None,
        },
        _ => None,
    })
}

fn say(leader: &mut Leader, texts: &[&str]) {
    let texts: Vec<Text> = texts.iter().map(|text| Text::new(text).unwrap()).collect();
    let texts = TextRun::new(&texts).unwrap();
    leader.handle(Input::Command(Command::Say { texts, at: UnixTime(0) }));
}

#[test]
fn a_member_that_wants_to_leave_is_told_at_once_what_all_have() {
    let mut leader = Leader::new();
    leader.let_in(OTHER);
    let before = leader.node.log_len();
    assert_eq!(told(&leader.hear(LEAVER, Message::Draining)), Some(before));
    say(&mut leader, &["x"]);
    let (view, index) = (leader.node.view(), leader.node.log_len());
    assert_eq!(told(&leader.hear(LEAVER, Message::Ack { view, index })), None);
    assert_eq!(told(&leader.hear(OTHER, Message::Ack { view, index })), Some(before.next()));
}

#[test]
fn whoever_leaves_is_told_how_many_of_its_own_messages_may_be_lost() {
    let mut leader = Leader::new();
    leader.let_in(OTHER);
    say(&mut leader, &["a", "b"]);
    let (room, texts) = (RoomId([1; 16]), Text::new("c").unwrap().into());
    let theirs = Run::sham(room, member(OTHER).into(), Seq(1), Stamp(1), texts);
    leader.hear(OTHER, Message::Submit { view: leader.node.view(), said: vec![theirs] });
    let mut out = leader.handle(Input::Command(Command::Leave));
    while let Some(deadline) = leader.node.deadline() {
        leader.now = deadline;
        out.extend(leader.handle(Input::Tick));
        for member in [LEAVER, OTHER] {
            let beat = Beat { view: None, cfg: None, stable: Index(0) };
            out.extend(leader.hear(member, Message::Pong(beat)));
        }
    }
    let ended = |it: &Action| match it {
        Action::Notify { notice: Notice::Ended(ending), .. } => Some(ending.clone()),
        _ => None,
    };
    assert_eq!(out.iter().find_map(ended), Some(Ending::Left { unsure: 2 }));
}
