//! A leader that is told that a member seems to be dead, and looks for itself.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on is to panic")]

mod cast;
mod driven;
mod leader;

use cast::{addr, id};
use leader::Leader;
use ringchat_core::wire::{Beat, Message};
use ringchat_core::{Action, DialFailure, DialId, Index, Input, LinkId};

const SUSPECT: u64 = 2;
const OTHER: u64 = 3;

impl Leader {
    fn hear_a_sign_of_life(&mut self, member: u64) {
        self.hear(member, Message::Pong(Beat { view: None, cfg: None, stable: Index(0) }));
    }

    /// Nothing comes of the suspect until the leader dials it.
    fn dial_the_silent(&mut self) -> DialId {
        loop {
            self.now = self.node.deadline().unwrap();
            let out = self.handle(Input::Tick);
            let dial = |it: &Action| match it {
                Action::Dial { dial, addr: to, .. } if *to == addr(SUSPECT) => Some(*dial),
                _ => None,
            };
            if let Some(dial) = out.iter().find_map(dial) {
                return dial;
            }
            self.hear_a_sign_of_life(OTHER);
        }
    }

    /// A member says of another that it seems to be dead. Returns whether the leader asks that one for a sign of life.
    fn asks(&mut self) -> bool {
        let out = self.hear(OTHER, Message::Suspect { id: id(SUSPECT) });
        let asks = |it: &Action| {
            matches!(it, Action::Send { link, envelope }
                if *link == LinkId(SUSPECT) && matches!(envelope.message, Message::Ping(_)))
        };
        out.iter().any(asks)
    }
}

/// Whether a member stays that was suspected and answered. Later it is silent, and a dial to it fails.
fn stays(speaks_before_the_dial_fails: bool) -> bool {
    let mut leader = Leader::new();
    leader.let_in(OTHER);
    assert!(leader.asks());
    assert!(!leader.asks(), "it is asked once");
    leader.hear_a_sign_of_life(SUSPECT);
    let dial = leader.dial_the_silent();
    if speaks_before_the_dial_fails {
        leader.hear_a_sign_of_life(SUSPECT);
    }
    leader.handle(Input::DialFailed { dial, reason: DialFailure::Refused });
    leader.node.roster().contains(id(SUSPECT))
}

#[test]
fn a_member_stays_of_which_something_is_heard_though_a_dial_to_it_fails() {
    assert!(stays(true));
    assert!(!stays(false));
}
