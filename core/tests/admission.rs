//! Newcomers that come to a leader while it lets others in.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on is to panic")]

mod cast;
mod driven;
mod leader;

use cast::{addr, id, member};
use leader::Leader;
use ringchat_core::wire::{Body, Join, Message, Refusal, Run, Sync};
use ringchat_core::{Action, DownReason, Epoch, Input, LinkId, Origin, RoomId, Seq, Stamp, Text};

const INSIDER: u64 = 2;
const FIRST: u64 = 3;
const SECOND: u64 = 4;

/// A leader whose other member has not yet got the entry of the first newcomer when the second one asks.
fn letting_in() -> Leader {
    let mut leader = Leader::new();
    leader.let_in(INSIDER);
    leader.knock(FIRST);
    leader.knock(SECOND);
    leader
}

impl Leader {
    fn acknowledge(&mut self, member: u64) -> Vec<Action> {
        let (view, index) = (self.node.view(), self.node.log_len());
        self.hear(member, Message::Ack { view, index })
    }

    fn sync(&mut self, member: u64) -> Vec<Action> {
        let sync = Sync { view: self.node.view(), history: Vec::new(), tail: Vec::new(), more: false };
        self.hear(member, Message::Sync(sync))
    }

    fn has(&self, member: u64) -> bool {
        self.node.roster().contains(id(member))
    }
}

fn welcomes(actions: &[Action], newcomer: u64) -> bool {
    let to = |action: &Action| {
        matches!(action, Action::Send { link, envelope }
            if *link == LinkId(newcomer) && matches!(envelope.message, Message::Elected(_)))
    };
    actions.iter().any(to)
}

#[test]
fn who_asks_while_another_is_let_in_waits_until_that_one_is_welcomed() {
    let mut leader = letting_in();
    assert!(leader.has(FIRST) && !leader.has(SECOND));
    let acknowledged = leader.acknowledge(INSIDER);
    assert!(welcomes(&acknowledged, FIRST) && !welcomes(&acknowledged, SECOND), "{acknowledged:?}");
    assert!(leader.has(SECOND));
}

#[test]
fn who_goes_while_another_is_let_in_does_not_become_a_member() {
    let mut leader = letting_in();
    leader.handle(Input::LinkDown { link: LinkId(SECOND), reason: DownReason::Eof });
    leader.acknowledge(INSIDER);
    leader.sync(FIRST);
    assert!(leader.has(FIRST) && !leader.has(SECOND));
}

/// Whether the leader tells somebody to ask again later.
fn is_busy(actions: &[Action], link: u64) -> bool {
    let tells = |action: &Action| {
        matches!(action, Action::Send { link: to, envelope }
            if *to == LinkId(link) && envelope.message == Message::Refused(Refusal::Busy))
    };
    actions.iter().any(tells)
}

#[test]
fn of_two_rings_the_greater_is_not_let_in_by_the_lesser() {
    for (ring, is_greater) in [(vec![member(10), member(11)], true), (Vec::new(), false)] {
        let mut leader = Leader::new();
        leader.link_up(FIRST);
        let join = Join { me: member(FIRST), contact: None, epoch: Epoch(0), generation: 1, ring };
        let told = leader.hear(FIRST, Message::Join(join));
        assert_eq!((is_busy(&told, FIRST), leader.has(FIRST)), (is_greater, !is_greater));
    }
}

#[test]
fn nobody_is_let_in_by_a_leader_that_has_asked_a_greater_ring_to_let_in_its_own() {
    let mut leader = Leader::new();
    leader.link_up(FIRST);
    leader.hear(FIRST, Message::Probe { me: member(FIRST), size: 9 });
    assert!(is_busy(&leader.knock(SECOND), SECOND));
    leader.handle(Input::LinkDown { link: LinkId(FIRST), reason: DownReason::Eof });
    assert!(!is_busy(&leader.knock(SECOND + 1), SECOND + 1));
}

/// What the model checker leaves out.
#[test]
fn only_an_insider_that_gets_the_entry_of_a_newcomer_lets_it_in() {
    let mut leader = Leader::new();
    leader.let_in(INSIDER);
    let before = leader.node.log_len();
    assert!(leader.node.lets_in_nobody(LinkId(INSIDER), before), "nobody waits");
    leader.knock(FIRST);
    let after = leader.node.log_len();
    for (member, index, lets_in_nobody) in
        [(INSIDER, before, true), (INSIDER, after, false), (FIRST, after, true), (SECOND, after, true)]
    {
        assert_eq!(leader.node.lets_in_nobody(LinkId(member), index), lets_in_nobody, "{member}, {index:?}");
    }
}

/// It was in another ring meanwhile, and this one has not removed it yet.
#[test]
fn what_a_member_said_in_another_ring_is_told_to_be_of_there_when_it_comes_back() {
    let mut leader = Leader::new();
    leader.let_in(FIRST);
    leader.handle(Input::LinkDown { link: LinkId(FIRST), reason: DownReason::Eof });
    let anew = LinkId(100 + FIRST);
    let (remote, peer) = (addr(FIRST), id(FIRST));
    leader.handle(Input::LinkUp { link: anew, origin: Origin::Accepted, remote, peer });
    let epoch = leader.node.promised();
    let join = Join { me: member(FIRST), contact: None, epoch, generation: 9, ring: Vec::new() };
    leader.hear(anew.0, Message::Join(join));
    leader.sync(INSIDER);
    leader.acknowledge(INSIDER);
    let texts = Text::new("x").unwrap().into();
    let said = Run::sham(RoomId([1; 16]), member(FIRST).into(), Seq(1), Stamp(1), texts);
    let sync = Sync { view: leader.node.view(), history: Vec::new(), tail: vec![said], more: false };
    leader.hear(anew.0, Message::Sync(sync));
    let last = leader.node.log_entries().next_back().unwrap();
    assert!(matches!(last.body, Body::Chat { replayed: true, .. }), "{last:?}");
}
