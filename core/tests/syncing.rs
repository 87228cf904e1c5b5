//! A member that waits for the log of its leader.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on is to panic")]

mod cast;
mod driven;
mod pair;

use std::time::Duration;

use pair::{LINK, Pair, cfg};
use ringchat_core::wire::{Deliver, Elected, Message};
use ringchat_core::{Action, Index, Input};

/// How often the log is shown to the leader.
fn shown(out: &[Action]) -> usize {
    let shows = |it: &&Action| matches!(it, Action::Send { link: LINK, envelope } if matches!(envelope.message, Message::Sync(_)));
    out.iter().filter(shows).count()
}

#[test]
fn who_waits_for_the_log_of_its_leader_has_shown_its_own_once() {
    let mut pair = Pair::with_member();
    let elected = Elected { cfg: cfg(2), roster: pair.roster(), history: Vec::new() };
    let mut times = shown(&pair.receive(LINK, Message::Elected(elected)));
    let end = pair.now.after(Duration::from_millis(800));
    while pair.now < end {
        pair.now = pair.node.deadline().unwrap();
        times += shown(&pair.handle(Input::Tick));
    }
    assert!(!pair.node.is_normal());
    assert_eq!(times, 1);
}

/// What the model checker leaves out.
#[test]
fn only_what_an_earlier_leader_tells_comes_too_late() {
    let mut pair = Pair::with_member();
    pair.elect(2);
    for (epoch, is_too_late) in [(1, true), (2, false), (3, false)] {
        let deliver = Deliver { view: cfg(epoch).view, entries: Vec::new(), stable: Index(0) };
        for message in [Message::Install(pair.to_install(epoch, 0)), Message::Deliver(deliver)] {
            assert_eq!(pair.node.is_too_late(LINK, &message), is_too_late, "{message:?}");
        }
    }
}
