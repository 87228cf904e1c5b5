//! A member that answers, but does not show its log to the leader.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on is to panic")]

mod cast;
mod driven;
mod leader;

use std::time::Duration;

use cast::{addr, id};
use leader::Leader;
use ringchat_core::wire::{Beat, Envelope, Hello, Message};
use ringchat_core::{Action, Index, Input, LinkId, Node, Origin, RoomId, Stamp};

const SILENT: u64 = 3;
/// The link on which that member greets anew.
const ANEW: LinkId = LinkId(103);

/// How many members a ring of three has, some time after one of them has linked anew and not shown its log.
fn members_after(time: Duration, prepare: impl Fn(&mut Node)) -> usize {
    after(time, prepare).0
}

/// The same, and how often that member was told meanwhile who leads.
fn after(time: Duration, prepare: impl Fn(&mut Node)) -> (usize, usize) {
    let mut leader = Leader::new();
    prepare(&mut leader.node);
    leader.let_in(3);
    let (remote, peer) = (addr(SILENT), id(SILENT));
    leader.handle(Input::LinkUp { link: ANEW, origin: Origin::Accepted, remote, peer });
    let (view, cfg) = (Some(leader.node.view()), Some(leader.node.cfg()));
    let (me, you) = (id(SILENT), leader.node.me().id);
    let hello = Hello { me, you, generation: 9, next: false, answer: false, view, cfg };
    hear(&mut leader, ANEW, Message::Hello(hello));
    assert!(leader.node.linked().any(|member| member == id(SILENT)));
    let end = leader.now.after(time);
    let mut told = 0;
    while leader.now < end {
        leader.now = leader.node.deadline().unwrap();
        told += leader.handle(Input::Tick).iter().filter(|it| tells_who_leads(it)).count();
        for link in [LinkId(2), ANEW] {
            hear(&mut leader, link, Message::Pong(Beat { view, cfg, stable: Index(0) }));
        }
    }
    (leader.node.roster().len(), told)
}

fn tells_who_leads(action: &Action) -> bool {
    matches!(action, Action::Send { link: ANEW, envelope } if matches!(envelope.message, Message::Elected(_)))
}

fn hear(leader: &mut Leader, link: LinkId, message: Message) {
    let envelope = Envelope { room: RoomId::UNKNOWN, stamp: Stamp(1), message };
    leader.handle(Input::Received { link, envelope });
}

#[test]
fn a_member_that_does_not_follow_leaves_the_membership() {
    assert_eq!(members_after(Duration::from_secs(1), |_| {}), 3, "it has time");
    assert_eq!(members_after(Duration::from_secs(20), |_| {}), 2);
}

#[test]
fn a_member_that_does_not_follow_is_told_once_more_who_leads() {
    assert_eq!(after(Duration::from_millis(500), |_| {}), (3, 1));
    assert_eq!(after(Duration::from_secs(2), |_| {}), (3, 1));
}

#[cfg(feature = "ablation")]
#[test]
fn a_member_that_does_not_follow_stays_if_it_is_not_given_up() {
    let rules = &[ringchat_core::Rule::UnsyncedTimeout];
    assert_eq!(members_after(Duration::from_secs(20), |node| node.ablate(rules)), 3);
}
