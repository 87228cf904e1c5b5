//! A leader whose ring finds another: what it takes from a stranger, and what becomes of its question.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on is to panic")]

mod cast;
mod driven;
mod pair;

use std::time::Duration;

use cast::member;
use pair::{LINK, Pair, cfg, peer};
use ringchat_core::limits::{MAX_EPOCH, MAX_EPOCH_LEAP};
use ringchat_core::wire::{Body, Change, Elected, Entry, Join, Message, Refusal};
use ringchat_core::{
    Action, ConfigId, DialFailure, DialId, Epoch, Fault, Input, LinkId, Member, Notice, Origin, Roster,
    Start, View,
};

/// The link to a leader of another ring, which came through it.
const OTHER: LinkId = LinkId(2);

/// The leader of another ring, and the one that it follows later.
fn others() -> [Member; 2] {
    [member(3), member(4)]
}

impl Pair {
    /// The leader of a greater ring looks for this one, which asks to be taken in.
    fn ask_to_merge(&mut self) -> Vec<Action> {
        let [other, _] = others();
        let (remote, peer) = (other.addr(), other.id);
        self.handle(Input::LinkUp { link: OTHER, origin: Origin::Accepted, remote, peer });
        let out = self.receive(OTHER, Message::Probe { me: other, size: 5 });
        assert!(out.iter().any(|it| matches!(it, Action::Send { link: OTHER, envelope } if matches!(envelope.message, Message::Join(_)))));
        out
    }
}

fn closes(out: &[Action]) -> bool {
    out.iter().any(|it| matches!(it, Action::Close { link: OTHER, .. }))
}

/// The answer lists all members of both rings.
#[test]
fn a_leader_that_asks_on_a_link_that_it_did_not_dial_takes_a_long_answer() {
    let asked = Pair::with_leader().ask_to_merge();
    assert!(asked.contains(&Action::Trust { link: OTHER }), "{asked:?}");
}

#[test]
fn nobody_is_looked_for_on_a_link_that_it_dialed() {
    let mut pair = Pair::with_member();
    pair.leave_alone();
    let dials = |it: &Action| if let Action::Dial { dial, .. } = it { Some(*dial) } else { None };
    let dial = loop {
        pair.now = pair.node.deadline().unwrap();
        if let Some(dial) = pair.handle(Input::Tick).iter().find_map(dials) {
            break dial;
        }
    };
    let remote = peer().addr();
    pair.handle(Input::LinkUp { link: OTHER, origin: Origin::Dialed(dial), remote, peer: peer().id });
    let out = pair.receive(OTHER, Message::Probe { me: peer(), size: 5 });
    assert_eq!(out.iter().find_map(pair::fault), Some(Fault::Unexpected));
}

#[test]
fn one_that_leads_no_longer_names_its_leader_and_is_not_accused() {
    let mut pair = Pair::with_leader();
    pair.ask_to_merge();
    let [other, leader] = others();
    let out = pair.receive(OTHER, Message::JoinVia { me: other.id, leader: leader.clone() });
    assert_eq!(out.iter().find_map(pair::fault), None);
    assert!(closes(&out));
    let dials = |it: &Action| matches!(it, Action::Dial { addr, .. } if *addr == leader.addr());
    assert!(out.iter().any(dials), "it looks for the leader that was named: {out:?}");
}

#[test]
fn one_that_leads_no_longer_passes_on_what_its_leader_says_and_is_not_accused() {
    let mut pair = Pair::with_leader();
    pair.ask_to_merge();
    let [other, leader] = others();
    let view = View { epoch: Epoch(9), leader: leader.id };
    let roster = Roster::new(vec![leader, other, pair.node.me().clone()]).unwrap();
    let elected = Elected { cfg: ConfigId::first(view), roster, history: Vec::new() };
    let out = pair.receive(OTHER, Message::Elected(elected));
    assert_eq!(out.iter().find_map(pair::fault), None);
    assert!(closes(&out));
}

#[test]
fn a_leader_that_leads_no_longer_takes_back_its_question() {
    let mut pair = Pair::with_leader();
    pair.come_to_leader(Vec::new());
    pair.ask_to_merge();
    pair.stand(99, 9, peer().id);
    let [other, _] = others();
    assert!(!pair.node.is_normal());
    let roster = pair.roster();
    let welcome = Message::Elected(Elected { cfg: cfg(100), roster, history: Vec::new() });
    for message in
        [welcome, Message::Refused(Refusal::Busy), Message::JoinVia { me: other.id, leader: peer() }]
    {
        let out = pair.receive(OTHER, message);
        assert_eq!(out.iter().find_map(pair::fault), None);
    }
}

/// A node that leads itself above all epochs to which others come.
fn led_too_far() -> Pair {
    let mut pair = Pair::new(Start::Join { contacts: vec![peer().addr()] });
    pair.link_up(Origin::Dialed(DialId(1)));
    pair.elect(MAX_EPOCH);
    pair.install(MAX_EPOCH, 0, &[pair.opened(MAX_EPOCH, 0)]);
    pair.leave_alone();
    assert!(pair.node.is_normal() && pair.node.view().epoch > Epoch(MAX_EPOCH));
    pair
}

/// Such a node is asked by one that has promised `epoch` to let it in. Returns whether the node begins a new life with the
/// other.
fn goes_over_to(epoch: u64) -> bool {
    let mut pair = led_too_far();
    let [other, _] = others();
    let (remote, peer) = (other.addr(), other.id);
    pair.handle(Input::LinkUp { link: OTHER, origin: Origin::Accepted, remote, peer });
    let join = Join { me: other, contact: None, epoch: Epoch(epoch), generation: 1, ring: Vec::new() };
    let mut out = pair.receive(OTHER, Message::Join(join));
    let is_anew = out.iter().any(|it| matches!(it, Action::Notify { notice: Notice::NewLife { .. }, .. }));
    while is_anew && !out.iter().any(|it| matches!(it, Action::Dial { .. })) {
        pair.now = pair.node.deadline().unwrap();
        out = pair.handle(Input::Tick);
    }
    let dials = |it: &Action| matches!(it, Action::Dial { addr, .. } if *addr == remote);
    assert_eq!(is_anew, out.iter().any(dials));
    is_anew
}

#[test]
fn one_that_was_led_too_far_goes_over_to_a_ring_that_asks_it() {
    assert!(goes_over_to(3));
    assert!(goes_over_to(0), "a newcomer takes no epoch above the highest");
    assert!(goes_over_to(MAX_EPOCH - 2 * MAX_EPOCH_LEAP), "one was led further than the other");
    assert!(!goes_over_to(MAX_EPOCH - MAX_EPOCH_LEAP / 2), "the other can follow");
    assert!(!goes_over_to(MAX_EPOCH + 1), "both were led too far");
}

#[test]
fn one_that_was_led_too_far_and_stays_alone_begins_with_a_low_epoch_and_a_new_log() {
    let mut pair = led_too_far();
    pair.say("far away");
    let [other, _] = others();
    let (remote, peer) = (other.addr(), other.id);
    pair.handle(Input::LinkUp { link: OTHER, origin: Origin::Accepted, remote, peer });
    let newcomer = Join { me: other, contact: None, epoch: Epoch(0), generation: 1, ring: Vec::new() };
    pair.receive(OTHER, Message::Join(newcomer));
    (0..20).for_each(|_| pair.leave_alone());
    let node = &pair.node;
    assert!(node.is_normal() && node.view().leader == node.me().id);
    assert!(node.view().epoch < Epoch(9), "{:?}", node.view());
    assert_eq!(node.log_entries().map(|entry| entry.view.epoch).max(), Some(node.view().epoch));
}

#[test]
fn a_leader_leads_its_members_into_no_ring_that_is_too_far() {
    for (leap, follows) in [(2 * MAX_EPOCH_LEAP, true), (2 * MAX_EPOCH_LEAP + 1, false)] {
        let mut pair = Pair::with_member();
        let elected = Elected { cfg: cfg(1 + leap), roster: pair.roster(), history: Vec::new() };
        let out = pair.receive(LINK, Message::Elected(elected));
        let shows_log = |it: &Action| matches!(it, Action::Send { envelope, .. } if matches!(envelope.message, Message::Sync(_)));
        assert_eq!(out.iter().any(shows_log), follows, "{leap}");
    }
}

/// What follows if the leader of the greater ring, where this one asks to be taken in, announces such an epoch.
#[derive(Debug, PartialEq, Eq)]
enum Outcome {
    TakenIn,
    Waits,
    Accuses,
}

impl Pair {
    fn is_welcomed_to_other(&mut self, epoch: Epoch) -> Outcome {
        let [other, _] = others();
        let view = View { epoch, leader: other.id };
        let roster = Roster::new(vec![other, self.node.me().clone()]).unwrap();
        let welcome = Elected { cfg: ConfigId::first(view), roster, history: Vec::new() };
        let out = self.receive(OTHER, Message::Elected(welcome));
        match (out.iter().any(|it| pair::fault(it).is_some()), self.node.is_leader()) {
            (false, false) => Outcome::TakenIn,
            (false, true) => Outcome::Waits,
            _ => Outcome::Accuses,
        }
    }
}

fn answered(epoch: impl Fn(Epoch) -> Epoch) -> Outcome {
    let mut pair = Pair::with_leader();
    pair.ask_to_merge();
    let epoch = epoch(pair.node.promised());
    pair.is_welcomed_to_other(epoch)
}

#[test]
fn a_ring_is_taken_in_only_under_a_new_epoch_that_is_not_too_high() {
    assert_eq!(answered(|promised| promised), Outcome::Waits);
    assert_eq!(answered(Epoch::next), Outcome::TakenIn);
    assert_eq!(answered(|promised| promised.plus(MAX_EPOCH_LEAP)), Outcome::TakenIn);
    assert_eq!(answered(|promised| promised.plus(MAX_EPOCH_LEAP + 1)), Outcome::Accuses);
}

/// The other leader counts the one that asks among its members, so it tells of its epoch before it opens a new one.
#[test]
fn a_leader_waits_for_the_new_epoch_of_one_that_takes_it_for_a_member_still() {
    let mut pair = Pair::with_leader();
    pair.ask_to_merge();
    let promised = pair.node.promised();
    assert_eq!(pair.is_welcomed_to_other(promised), Outcome::Waits);
    assert_eq!(pair.is_welcomed_to_other(promised.next()), Outcome::TakenIn);
}

/// How often a node that comes to lead looks for a member within two minutes that it never met, and that its last leader
/// has told to be lost.
#[test]
fn a_member_that_a_leader_only_told_to_be_lost_is_looked_for_seldom() {
    let (mut pair, lost) = (Pair::with_member(), member(3));
    pair.elect(2);
    let change = Change::Opened { roster: pair.roster(), lost: vec![lost.clone()] };
    let body = Body::Membership { cfg: cfg(2), change: change.into() };
    assert_eq!(pair.install(2, 3, &[Entry { body, ..pair.opened(2, 3) }]), []);
    pair.leave_alone();
    assert!(pair.node.is_leader());
    let (end, mut times) = (pair.now.after(Duration::from_mins(2)), 0);
    while pair.now < end {
        pair.now = pair.node.deadline().unwrap();
        for action in pair.handle(Input::Tick) {
            if let Action::Dial { dial, addr, .. } = action {
                times += usize::from(addr == lost.addr());
                pair.handle(Input::DialFailed { dial, reason: DialFailure::Refused });
            }
        }
    }
    assert!((1..=5).contains(&times), "{times}");
}
