//! A peer that breaks the protocol is told apart from one that keeps it: its link is closed, and the node's state
//! stays in order.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on is to panic")]

mod cast;
mod driven;
mod pair;

use std::time::Duration;

use cast::{addr, life, name};
use pair::{LINK, Pair, cfg, chat, peer, run};
use ringchat_core::limits::MAX_CLOCK_LEAP;
use ringchat_core::wire::{Body, Change, Elected, Hello, Join, Message, Refusal};
use ringchat_core::{
    ConfigId, Departure, DialId, DownReason, Epoch, Fault, Index, Input, Member, NodeId, Origin, Roster,
    Stamp, Start, View,
};

#[test]
fn nobody_greets_a_node_as_the_node_itself() {
    let mut pair = Pair::with_leader();
    let me = pair.node.me().id;
    let hello = Hello { me, you: me, generation: 1, next: true, answer: false, view: None, cfg: None };
    assert_eq!(pair.faults(Message::Hello(hello)), [Fault::Unexpected]);
    assert!(pair.node.is_leader());
}

#[test]
fn nobody_takes_the_leaders_place_by_its_id_or_its_address() {
    for (id, at) in [(life(1, 1), 1), (life(1, 7), 1), (life(3, 1), 1), (life(1, 1), 3)] {
        let mut pair = Pair::with_leader();
        let me = Member::new(id, addr(at), name());
        let join = Join { me, contact: None, epoch: Epoch(0), generation: 1, ring: Vec::new() };
        assert_eq!(pair.faults(Message::Join(join)), [Fault::Unexpected]);
        assert_eq!(pair.node.roster(), &Roster::alone(pair.node.me().clone()));
    }
}

#[test]
fn a_ring_that_counts_an_older_life_of_the_leader_comes_in_without_it() {
    let mut pair = Pair::with_leader();
    let older = Member::new(life(1, 7), addr(1), name());
    let join = Join { me: peer(), contact: None, epoch: Epoch(0), generation: 1, ring: vec![older] };
    assert_eq!(pair.faults(Message::Join(join)), []);
    let members: Vec<NodeId> = pair.node.roster().ids().collect();
    assert_eq!(members, [pair.node.me().id, peer().id]);
}

#[test]
fn no_clock_leaps_to_its_end() {
    let mut pair = Pair::with_member();
    let far = pair.node.lamport().plus(MAX_CLOCK_LEAP);
    assert_eq!(pair.faults_at(far.0, Message::WantRoster), []);
    assert!(pair.node.lamport() > far);
    assert_eq!(pair.faults_at(u64::MAX, Message::WantRoster), [Fault::Clock]);
    assert!(pair.node.lamport() < far.plus(far.0));
}

#[test]
fn entries_come_with_increasing_stamps() {
    let mut pair = Pair::with_member();
    assert_eq!(pair.deliver(&[chat(3, 3, 2)]), [Fault::LogOrder]);
    assert_eq!(pair.node.log_len(), Index(3));
}

#[test]
fn a_run_of_which_the_log_holds_a_part_is_not_taken() {
    let mut pair = Pair::with_member();
    assert_eq!(pair.deliver(&[run(1, 1, 1, 4)]), [Fault::LogOrder]);
    assert_eq!(pair.node.log_len(), Index(3));
}

#[test]
fn a_log_that_ends_within_a_run_is_not_installed() {
    let mut pair = Pair::with_member();
    pair.elect(2);
    assert_eq!(pair.install_to(Index(4), 2, 3, &[run(3, 3, 3, 2)]), [Fault::WithinRun]);
    assert!(!pair.node.is_normal());
    assert_eq!(pair.node.log_len(), Index(3));
}

#[test]
fn a_log_is_installed_only_in_order() {
    for entries in [[chat(1, 1, 2), chat(2, 2, 1)], [chat(1, 1, 0), chat(2, 2, 1)]] {
        let mut pair = Pair::with_member();
        pair.elect(2);
        assert_eq!(pair.install(2, 1, &entries), [Fault::LogOrder]);
        assert_eq!(pair.node.log_len(), Index(3));
    }
}

#[test]
fn what_was_shown_is_not_taken_back() {
    let mut pair = Pair::with_member();
    pair.elect(2);
    assert_eq!(pair.install(2, 2, &[pair.opened(2, 2)]), [Fault::TakenBack]);
    assert_eq!(pair.node.log_len(), Index(3));
}

#[test]
fn a_neighbour_that_refuses_the_greeting_like_a_full_room_is_asked_again() {
    let mut pair = Pair::with_member();
    pair.handle(Input::LinkDown { link: LINK, reason: DownReason::Eof });
    let again = DialId(2);
    pair.handle(Input::LinkUp { link: LINK, origin: Origin::Dialed(again), remote: addr(2) });
    assert_eq!(pair.faults(Message::Refused(Refusal::RoomFull)), [Fault::Unexpected]);
}

#[test]
fn nobody_welcomes_a_newcomer_as_its_own_leader() {
    let mut pair = Pair::new(Start::Join { contacts: vec![addr(2)] });
    pair.handle(Input::LinkUp { link: LINK, origin: Origin::Dialed(DialId(1)), remote: addr(2) });
    let view = View { epoch: Epoch(1), leader: pair.node.me().id };
    let elected = Elected { cfg: ConfigId::first(view), roster: pair.roster(), history: Vec::new() };
    assert_eq!(pair.faults(Message::Elected(elected)), [Fault::Unexpected]);
}

#[test]
fn a_leader_changes_the_membership_of_no_view_but_its_own() {
    let mut pair = Pair::with_member();
    let mut entry = pair.opened(2, 3);
    entry.view = cfg(1).view;
    entry.stamp = Stamp(3);
    assert_eq!(pair.deliver(&[entry]), [Fault::LogOrder]);
    assert_eq!(pair.node.log_len(), Index(3));
}

#[test]
fn who_was_removed_and_is_left_alone_leads_a_room_of_its_own() {
    let mut pair = Pair::with_member();
    let me = pair.node.me().clone();
    let mut removal = pair.opened(1, 3);
    let gone = vec![(me.clone(), Departure::Lost)];
    let change = Change::Edit { gone, joined: Vec::new(), merged: false };
    removal.body = Body::Membership { cfg: cfg(1).next(), change: change.into() };
    assert_eq!(pair.deliver(&[removal]), []);
    // Another ring takes it for one of its own, and does not follow that up.
    let roster = pair.roster();
    assert_eq!(pair.faults(Message::Roster { cfg: cfg(2), roster }), []);
    pair.live_on(Duration::from_secs(6));
    pair.leave_alone();
    assert!(pair.node.is_leader());
    assert_eq!(pair.node.roster(), &Roster::alone(me));
}
