//! A member tells the others of members that do not exist, at addresses of third parties.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on is to panic")]

mod cast;
mod driven;
mod net;

use std::time::Duration;

use cast::{id, member};
use net::{Net, Who};
use ringchat_core::limits::{STRANGER_DIALS, STRANGERS_A_SECOND, STRANGERS_AT_ONCE};
use ringchat_core::wire::{Body, CandidateRank, Change, Deliver, Elect, Elected, Entry, Message};
use ringchat_core::{ConfigId, Index, Instant, Member, Node, NodeId, Roster, View};

const HONEST: u64 = 7;
/// Neither the leader nor its neighbour.
const LIAR: Who = 4;
/// Places where nobody listens.
const NOWHERE: std::ops::Range<u64> = 1000..1500;
/// Within this a ring of so few elects a leader once more, if the first election fails.
const ELECTION: Duration = Duration::from_secs(5);

fn inventions() -> Vec<Member> {
    NOWHERE.map(member).collect()
}

/// A room of `size`, in which dials to addresses where nobody listens are refused or never answered.
fn room_of(size: u64, refuses: bool, prepare: fn(&mut Node)) -> Net {
    let mut room = Net::gathered(size, prepare);
    room.is_silent = !refuses;
    room
}

/// A configuration of an epoch above that of `node`, in which the liar leads all of them.
fn invented(node: &Node) -> ConfigId {
    ConfigId::first(View { epoch: node.promised().plus(9), leader: id(LIAR) })
}

/// The liar tells all to whom it has a link of a newer ring: of the listener, of inventions, and of itself.
fn tell_of_another_ring(room: &mut Net) {
    for listener in room.linked_to(LIAR) {
        let cfg = invented(&room.nodes[&listener]);
        let members = [vec![member(listener)], inventions(), vec![member(LIAR)]].concat();
        room.say(LIAR, listener, Message::Roster { cfg, roster: Roster::new(members).unwrap() });
    }
}

/// The liar leads, and lets inventions in after each member.
fn let_inventions_in(room: &mut Net, leader: Who) {
    let (view, members) = (room.nodes[&leader].view(), room.nodes[&leader].roster().clone());
    let mut inventions = inventions().into_iter();
    let each = inventions.len() / members.len();
    let joined: Vec<(Member, NodeId)> = members
        .ids()
        .flat_map(|after| inventions.by_ref().take(each).map(move |it| (it, after)).collect::<Vec<_>>())
        .collect();
    for listener in room.linked_to(leader) {
        let node = &room.nodes[&listener];
        let change = Change::Edit { gone: Vec::new(), joined: joined.clone(), merged: false };
        let body = Body::Membership { cfg: node.cfg().next(), change: change.into() };
        let entry = Entry { view, index: node.log_len(), stamp: node.lamport().plus(9), body };
        room.say(
            leader,
            listener,
            Message::Deliver(Deliver { view, entries: vec![entry], stable: Index(0) }),
        );
    }
}

/// The first leader dies, and another is elected.
fn elect_another(room: &mut Net) -> Who {
    room.die(1, true);
    room.until(ELECTION, Net::is_one).unwrap();
    room.pass(Duration::from_secs(3));
    room.leader().unwrap()
}

/// The most dials that a node makes to nowhere in this time.
fn most_futile(room: &Net, since: Instant) -> usize {
    let of = |who: &Who| room.futile.iter().filter(|(at, whose)| whose == who && *at >= since).count();
    room.nodes.keys().map(of).max().unwrap()
}

/// How many dials a node may make to inventions in this time, and some to members that died.
fn bound(time: Duration) -> usize {
    usize::try_from(u64::from(STRANGER_DIALS) + STRANGERS_A_SECOND * time.as_secs() + HONEST).unwrap()
}

/// How long the room takes to elect a leader once the liar and the leader are gone, after the liar told of another ring.
fn freeze_after_another_ring(refuses: bool, prepare: fn(&mut Node)) -> Option<Duration> {
    let mut room = room_of(HONEST + 1, refuses, prepare);
    tell_of_another_ring(&mut room);
    room.pass(Duration::from_millis(500));
    room.die(LIAR, true);
    room.die(1, true);
    room.until(ELECTION, Net::is_one)
}

/// How long the room takes to elect a leader once the liar is gone, which led it and had let inventions in.
fn freeze_after_a_lying_leader(refuses: bool, prepare: fn(&mut Node)) -> Option<Duration> {
    let mut room = room_of(HONEST + 2, refuses, prepare);
    let leader = elect_another(&mut room);
    let_inventions_in(&mut room, leader);
    room.pass(Duration::from_millis(500));
    room.die(leader, true);
    room.until(ELECTION, Net::is_one)
}

/// How many dials a node makes to inventions within 10 s, told by a member or let in by a leader.
fn dials_to_inventions(refuses: bool, leads: bool, prepare: fn(&mut Node)) -> usize {
    let mut room = room_of(HONEST + 1, refuses, prepare);
    let leader = leads.then(|| elect_another(&mut room));
    let start = room.now;
    match leader {
        Some(leader) => let_inventions_in(&mut room, leader),
        None => tell_of_another_ring(&mut room),
    }
    room.pass(Duration::from_secs(10));
    most_futile(&room, start)
}

/// How long the room takes to elect a leader if the one that goes had let inventions in, and told of a candidate that does
/// not exist.
fn freeze_after_an_invented_candidate(prepare: fn(&mut Node)) -> Option<Duration> {
    let mut room = room_of(HONEST + 2, true, prepare);
    let leader = elect_another(&mut room);
    let_inventions_in(&mut room, leader);
    let node = &room.nodes[&leader];
    let (epoch, cfg, nobody) = (node.promised().next(), node.cfg(), id(NOWHERE.end));
    let candidate = CandidateRank { epoch: node.promised(), length: Index(1000), id: nobody };
    let elect = Elect { epoch, candidate, path: vec![nobody, id(leader)], cfg, roster: None };
    for listener in room.linked_to(leader) {
        room.say(leader, listener, Message::Elect(elect.clone()));
    }
    room.die(leader, true);
    room.until(ELECTION, Net::is_one)
}

/// How many dials a member makes for announcements of leaders that do not exist, and how long the room takes to be one again once
/// the liar is gone.
fn follow_inventions(prepare: fn(&mut Node)) -> (usize, Option<Duration>) {
    let mut room = room_of(HONEST + 1, true, prepare);
    let (start, listener) = (room.now, room.linked_to(LIAR).into_iter().find(|who| *who != 1).unwrap());
    for leader in inventions() {
        let view = View { epoch: room.nodes[&listener].promised().next(), leader: leader.id };
        let members = room.nodes[&listener].roster().iter().cloned().chain([leader]);
        let roster = Roster::new(members.collect()).unwrap();
        let elected = Elected { cfg: ConfigId::first(view), roster, history: Vec::new() };
        room.say(LIAR, listener, Message::Elected(elected));
    }
    let dials = most_futile(&room, start);
    room.die(LIAR, true);
    (dials, room.until(ELECTION, Net::is_one))
}

/// How often a member dials its next within a minute, which only the leader reaches.
fn dials_to_one_out_of_reach(prepare: fn(&mut Node)) -> usize {
    let mut room = room_of(4, true, prepare);
    let start = room.now;
    room.part([2, 3]);
    room.pass(Duration::from_mins(1));
    assert_eq!(room.leader(), Some(1));
    most_futile(&room, start)
}

/// How often a node dials a member within 20 s that tells a foreign address, links, and breaks its links ten times a second.
fn dials_to_one_that_links_and_breaks(prepare: fn(&mut Node)) -> usize {
    let mut room = room_of(4, true, prepare);
    room.astray = Some(LIAR);
    for _ in 0..200 {
        room.cut_off(LIAR);
        room.pass(Duration::from_millis(100));
    }
    most_futile(&room, Instant::ZERO)
}

#[test]
fn a_ring_that_a_member_invents_freezes_nobody_and_cuts_nobody_off() {
    for refuses in [true, false] {
        assert!(freeze_after_another_ring(refuses, |_| {}).is_some(), "refused: {refuses}");
    }
}

#[test]
fn inventions_that_a_leader_lets_in_freeze_nobody_once_it_is_gone() {
    for refuses in [true, false] {
        assert!(freeze_after_a_lying_leader(refuses, |_| {}).is_some(), "refused: {refuses}");
    }
}

#[test]
fn inventions_are_dialed_in_a_trickle() {
    for (refuses, leads) in [(true, true), (true, false), (false, true), (false, false)] {
        let dials = dials_to_inventions(refuses, leads, |_| {});
        assert!(dials > 10, "inventions are dialed");
        assert!(dials <= bound(Duration::from_secs(10)), "{dials}, refused: {refuses}, led: {leads}");
    }
}

/// The most dials to nowhere that a node has under way together, if none is answered and each lasts so long.
fn most_at_once(room: &Net, lasts: Duration) -> usize {
    let later = |(at, who): &(Instant, Who)| {
        let end = at.after(lasts);
        room.futile.iter().filter(|(other, whose)| whose == who && *other >= *at && *other < end).count()
    };
    room.futile.iter().map(later).max().unwrap()
}

#[test]
fn few_inventions_that_do_not_answer_are_dialed_at_once() {
    let mut room = room_of(HONEST + 1, false, |_| {});
    tell_of_another_ring(&mut room);
    room.pass(Duration::from_secs(10));
    assert_eq!(most_at_once(&room, Duration::from_millis(400)), STRANGERS_AT_ONCE);
}

#[test]
fn a_candidate_that_does_not_exist_delays_the_election_by_that_of_the_known_ring() {
    assert!(freeze_after_an_invented_candidate(|_| {}).is_some());
}

#[test]
fn leaders_that_do_not_exist_are_dialed_a_few_times_and_then_the_room_is_one_again() {
    let (dials, freeze) = follow_inventions(|_| {});
    assert!((10..=bound(Duration::from_secs(1))).contains(&dials), "{dials}");
    assert!(freeze.is_some());
}

#[test]
fn pauses_between_dials_to_a_member_out_of_reach_grow() {
    let dials = dials_to_one_out_of_reach(|_| {});
    assert!((5..=10).contains(&dials), "{dials}");
}

#[test]
fn a_member_that_tells_a_foreign_address_has_it_dialed_a_few_times_however_often_it_breaks_its_links() {
    let dials = dials_to_one_that_links_and_breaks(|_| {});
    assert!((3..=10).contains(&dials), "{dials}");
}

#[cfg(feature = "ablation")]
mod ablations {
    use super::*;
    use ringchat_core::Rule;

    #[test]
    fn a_ring_that_a_member_invents_cuts_members_off_if_it_takes_members_away() {
        assert!(freeze_after_another_ring(false, |node| node.ablate(&[Rule::RouteOnlyAdds])).is_none());
    }

    #[test]
    fn a_ring_that_a_member_invents_cuts_members_off_if_others_pass_on_what_they_heard() {
        assert!(freeze_after_another_ring(false, |node| node.ablate(&[Rule::NoHearsay])).is_none());
    }

    #[test]
    fn inventions_freeze_the_room_and_are_dialed_in_a_storm_if_dials_to_strangers_are_many() {
        let many = |node: &mut Node| node.ablate(&[Rule::FewStrangers]);
        assert!(freeze_after_a_lying_leader(false, many).is_none());
        let dials = dials_to_inventions(true, true, many);
        assert!(dials > bound(Duration::from_secs(10)), "{dials}");
        let (dials, _) = follow_inventions(many);
        assert!(dials > bound(Duration::from_secs(1)), "{dials}");
    }

    #[test]
    fn a_candidate_that_does_not_exist_freezes_the_room_if_any_size_of_a_ring_is_believed() {
        let any = |node: &mut Node| node.ablate(&[Rule::RingsOfKnownSize]);
        assert!(freeze_after_an_invented_candidate(any).is_none());
    }

    #[test]
    fn a_member_out_of_reach_is_dialed_each_second_if_pauses_do_not_grow() {
        let dials = dials_to_one_out_of_reach(|node| node.ablate(&[Rule::GrowingPauses]));
        assert!(dials > 50, "{dials}");
        let dials = dials_to_one_that_links_and_breaks(|node| node.ablate(&[Rule::GrowingPauses]));
        assert!(dials > 100, "{dials}");
    }
}
