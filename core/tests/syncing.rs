//! What a member tells its leader of its log.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on is to panic")]

mod cast;
mod driven;
mod pair;

use std::time::Duration;

use pair::{LINK, Pair, cfg, chat, entry, peer, said};
use ringchat_core::limits::{BATCH_BYTES, MAX_TEXT};
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

fn acknowledged(out: &[Action]) -> Option<Index> {
    out.iter().find_map(|it| match it {
        Action::Send { link: LINK, envelope } => match envelope.message {
            Message::Ack { index, .. } => Some(index),
            _ => None,
        },
        _ => None,
    })
}

/// Many acknowledgements together cost as much as one.
#[test]
fn a_short_text_is_acknowledged_soon_and_much_text_at_once() {
    let mut pair = Pair::with_member();
    let view = cfg(1).view;
    let deliver = |entries| Message::Deliver(Deliver { view, entries, stable: Index(0) });
    assert_eq!(acknowledged(&pair.receive(LINK, deliver(vec![chat(3, 3, 3)]))), None);
    let (told, mut acknowledgement) = (pair.now, None);
    while acknowledgement.is_none() {
        pair.now = pair.node.deadline().unwrap();
        acknowledgement = acknowledged(&pair.handle(Input::Tick));
    }
    assert_eq!(acknowledgement, Some(Index(4)));
    assert!(pair.now.since(told) <= Duration::from_millis(100), "{:?}", pair.now.since(told));
    let text = "x".repeat(MAX_TEXT);
    let texts = vec![text.as_str(); BATCH_BYTES / MAX_TEXT];
    let (mut next, mut acknowledgement) = (4, None);
    while acknowledgement.is_none() && next < 1000 {
        let run = entry(next, said(&peer(), next, &texts), 0);
        next = run.end().0;
        acknowledgement = acknowledged(&pair.receive(LINK, deliver(vec![run])));
    }
    assert_eq!(acknowledgement, Some(Index(next)));
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
    let acknowledgement = Message::Ack { view: cfg(2).view, index: Index(0) };
    assert!(pair.node.is_too_late(LINK, &acknowledgement), "it does not lead");
}
