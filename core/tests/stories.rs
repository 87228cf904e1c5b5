//! What one node does in moments that a network of whole nodes comes to only by chance.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on is to panic")]

mod cast;
mod driven;
mod newcomer;

use std::time::Duration;

use cast::{addr, id};
use newcomer::{
    CONTACT, FROM_CONTACT, LEADER, ME, Newcomer, STRANGER, TO_LEADER, cfg, dialed, link_of, sends,
    starts_an_election,
};
use ringchat_core::wire::{CandidateRank, Elect, Elected, Hello, Message, NotMember, RefusedKind};
use ringchat_core::{
    Action, ConfigId, DialFailure, DownReason, ElectionPhase, Epoch, Index, Input, JoinFailure, LinkId, Node,
    NodeId, Notice, RingReason, View,
};

/// A firewall may stand before the leader alone.
#[test]
fn a_leader_out_of_reach_is_told_beside_the_contact_that_named_it() {
    let (mut it, dial) = Newcomer::that_dials_the_leader();
    let failure = DialFailure::TimedOut;
    let failed = it.handle(Input::DialFailed { dial, reason: failure });
    let told = failed.iter().find_map(|action| match action {
        Action::Notify { notice: Notice::NotYet { contact, failure, .. }, .. } => Some((*contact, *failure)),
        _ => None,
    });
    assert_eq!(told, Some((addr(CONTACT), JoinFailure::Leader { addr: addr(LEADER), failure })));
}

/// A member of the ring has the newcomer's entry sooner than the last one, on whom the welcome waits, and greets it.
/// If the newcomer greeted its own next, the leader, the welcome's link would be closed for that; it would ask again,
/// and so on.
#[test]
fn whoever_waits_to_be_welcomed_does_not_greet_the_leader_that_it_asks() {
    let mut it = Newcomer::that_has_asked();
    let link = FROM_CONTACT;
    it.connected_by(link, CONTACT);
    let wants = it.hear(link, Message::Hello(it.hello(CONTACT, false)));
    assert!(sends(&wants, |message| *message == Message::WantRoster), "{wants:?}");
    let roster = it.ring(&[LEADER, CONTACT, ME]);
    let knows = it.hear(link, Message::Roster { cfg: cfg(), roster: roster.clone() });
    assert!(sends(&knows, |message| matches!(message, Message::Hello(_))), "{knows:?}");
    assert_eq!(dialed(&knows, LEADER), None);
    let welcomed = it.welcome(roster);
    assert!(sends(&welcomed, |message| matches!(message, Message::Sync(_))), "{welcomed:?}");
}

/// Else the ring would wait for that next for ever.
#[test]
fn a_next_that_greets_somebody_else_is_dialed_again() {
    let mut it = Newcomer::that_has_asked();
    let welcomed = it.welcome(it.ring(&[LEADER, ME, CONTACT]));
    let link = LinkId(4);
    it.connect(link, dialed(&welcomed, CONTACT).unwrap(), CONTACT);
    let hello = Hello { you: id(77), ..it.hello(CONTACT, true) };
    let again = it.hear(link, Message::Hello(hello));
    assert!(dialed(&again, CONTACT).is_some(), "{again:?}");
}

/// A token takes a second or two to go round a thousand; if all others stood too by then, each of their tokens would
/// go round as well.
#[test]
fn in_a_long_ring_an_election_is_left_to_whoever_is_next_to_the_lost_leader_for_long() {
    let mut it = Newcomer::that_has_asked();
    let ring: Vec<u64> = (1..=1000).map(|place| if place == 500 { ME } else { place + 1000 }).collect();
    let ring = [&[LEADER], &ring[1..]].concat();
    it.welcome(it.ring(&ring));
    it.follow(it.ring(&ring));
    let mut out = it.handle(Input::LinkDown { link: TO_LEADER, reason: DownReason::Eof });
    let lost = it.now;
    while let Some(dial) = dialed(&out, LEADER) {
        out = it.handle(Input::DialFailed { dial, reason: DialFailure::Refused });
    }
    while !starts_an_election(&out) {
        it.now = it.node.deadline().unwrap();
        out = it.handle(Input::Tick);
    }
    assert!(it.now.since(lost) >= Duration::from_secs(2), "{:?}", it.now.since(lost));
}

/// Members who each give up the route of a dead ring at another time would bring it back to each other for ever. But
/// a ring that is alive may try once more, with another configuration of the same view.
#[test]
fn a_route_that_has_lapsed_is_no_news_and_a_newer_one_of_that_ring_is() {
    let mut it = Newcomer::that_has_asked();
    let ring = it.ring(&[LEADER, ME]);
    it.welcome(ring.clone());
    it.follow(ring);
    let first = ConfigId::first(View { epoch: Epoch(2), leader: id(STRANGER) });
    let wants = |actions: &[Action]| sends(actions, |message| *message == Message::WantRoster);
    assert!(wants(&it.greeted_by_stranger(10, first)));
    it.hear(LinkId(10), Message::Roster { cfg: first, roster: it.ring(&[STRANGER, ME]) });
    it.live_on(Duration::from_secs(4));
    it.handle(Input::LinkDown { link: LinkId(10), reason: DownReason::Eof });
    assert!(!wants(&it.greeted_by_stranger(11, first)));
    assert!(wants(&it.greeted_by_stranger(12, first.next())));
}

/// A member that woke from an election of its own refuses, then follows, and says on the same link whose next it is. When
/// its refusal has lapsed, its word counts, and nothing else may happen that would make this node look again.
#[test]
fn who_has_refused_and_then_follows_is_the_previous_once_the_refusal_has_lapsed() {
    let mut it = Newcomer::that_has_asked();
    let ring = it.ring(&[LEADER, CONTACT, ME]);
    it.welcome(ring.clone());
    it.follow(ring);
    let link = FROM_CONTACT;
    it.connected_by(link, CONTACT);
    it.hear(link, Message::Hello(it.hello(CONTACT, false)));
    assert_eq!(it.node.prev(), Some(id(CONTACT)));
    let refusal = NotMember { re: RefusedKind::Hello, epoch: Epoch(1), me: id(CONTACT), cfg: None };
    it.hear(link, Message::NotMember(refusal));
    it.hear(link, Message::Hello(it.hello(CONTACT, true)));
    assert_eq!(it.node.prev(), None);
    it.live_on(Duration::from_millis(1200));
    assert_eq!(it.node.prev(), Some(id(CONTACT)));
}

/// A member slept, and its link broke. The ring did not need it then; much later the next has gone.
#[test]
fn a_member_behind_the_next_that_did_not_answer_once_is_dialed_when_the_next_is_gone() {
    let mut it = Newcomer::that_has_asked();
    let ring = it.ring(&[LEADER, ME, NEXT, LAST]);
    it.welcome(ring.clone());
    it.follow(ring);
    for member in [NEXT, LAST] {
        it.greeted_by(member);
    }
    it.loses(LAST);
    it.live_on_with(Duration::from_millis(1200), &[TO_LEADER, link_of(NEXT)]);
    let gone = it.loses(NEXT);
    assert!(dialed(&gone, LAST).is_some(), "{gone:?}");
    assert_eq!(it.node.next(), None, "nobody farther is next before that dial has failed");
}

/// The ring closes before the leader's log removes the member.
#[test]
fn a_ring_that_closes_over_a_lost_neighbour_is_told_as_repaired() {
    let mut it = Newcomer::that_has_asked();
    let ring = it.ring(&[LEADER, CONTACT, ME]);
    it.welcome(ring.clone());
    it.follow(ring);
    it.connected_by(FROM_CONTACT, CONTACT);
    let came_in = it.hear(FROM_CONTACT, Message::Hello(it.hello(CONTACT, false)));
    assert_eq!(ring_told(&came_in), Some((id(CONTACT), id(LEADER), RingReason::Join)));
    let lost = it.handle(Input::LinkDown { link: FROM_CONTACT, reason: DownReason::Io });
    let dial = dialed(&lost, CONTACT).unwrap();
    it.handle(Input::DialFailed { dial, reason: DialFailure::Refused });
    let closed = it.hear(TO_LEADER, Message::Hello(it.hello(LEADER, true)));
    assert_eq!(ring_told(&closed), Some((id(LEADER), id(LEADER), RingReason::Repair)));
}

/// The neighbours that the user is told, and why they changed.
fn ring_told(actions: &[Action]) -> Option<(NodeId, NodeId, RingReason)> {
    actions.iter().find_map(|action| match action {
        Action::Notify { notice: Notice::Ring { prev, next, reason }, .. } => {
            Some((prev.id, next.id, *reason))
        }
        _ => None,
    })
}

/// A leader that slept is dialed as it wakes, takes the new link for the one that stands, and closes the old one. Its answer
/// is on the way.
#[test]
fn a_dial_to_one_that_was_silent_has_its_whole_time_from_when_the_link_breaks() {
    let mut it = Newcomer::that_has_asked();
    let ring = it.ring(&[LEADER, ME]);
    it.welcome(ring.clone());
    it.follow(ring);
    let mut out = Vec::new();
    while dialed(&out, LEADER).is_none() {
        it.now = it.node.deadline().unwrap();
        out = it.handle(Input::Tick);
    }
    it.connect(LinkId(50), dialed(&out, LEADER).unwrap(), LEADER);
    it.live_on(Duration::from_millis(300));
    it.handle(Input::LinkDown { link: TO_LEADER, reason: DownReason::Io });
    let lost = it.now;
    while !starts_an_election(&out) {
        it.now = it.node.deadline().unwrap();
        out = it.handle(Input::Tick);
    }
    assert!(it.now.since(lost) >= Duration::from_millis(500), "{:?}", it.now.since(lost));
}

/// After this node in its ring.
const NEXT: u64 = 3;
const LAST: u64 = 4;

/// A member of a ring of four, whose leader is lost, and which is linked to these others. It has begun an election.
fn electing(linked: &[u64], prepare: impl Fn(&mut Node)) -> Newcomer {
    let mut it = Newcomer::that_has_asked();
    prepare(&mut it.node);
    let ring = it.ring(&[LEADER, ME, NEXT, LAST]);
    it.welcome(ring.clone());
    it.follow(ring);
    for &member in linked {
        it.greeted_by(member);
    }
    let mut out = it.handle(Input::LinkDown { link: TO_LEADER, reason: DownReason::Io });
    for lost in [LEADER, NEXT, LAST] {
        if let Some(dial) = dialed(&out, lost).filter(|_| !linked.contains(&lost)) {
            out.extend(it.handle(Input::DialFailed { dial, reason: DialFailure::Refused }));
        }
    }
    assert!(starts_an_election(&out), "{out:?}");
    it
}

/// A member did not answer in an election, and has followed its winner.
#[test]
fn a_member_that_follows_the_new_leader_as_well_is_not_passed_over_in_the_next_election() {
    let mut it = electing(&[NEXT, LAST], |_| {});
    it.loses(LAST);
    let cfg = ConfigId::first(View { epoch: Epoch(2), leader: id(NEXT) });
    let roster = it.ring(&[NEXT, LAST, ME]);
    let elected = Elected { cfg, roster: roster.clone(), history: Vec::new() };
    it.hear(link_of(NEXT), Message::Elected(elected));
    it.follow_on(link_of(NEXT), cfg, roster);
    let gone = it.loses(NEXT);
    assert!(dialed(&gone, LAST).is_some(), "{gone:?}");
}

impl Newcomer {
    /// A member links to this node.
    fn greeted_by(&mut self, from: u64) -> Vec<Action> {
        self.connected_by(link_of(from), from);
        self.hear(link_of(from), Message::Hello(Hello { generation: 9, ..self.hello(from, false) }))
    }

    /// A member passes on the token of a candidate with a log of that length.
    fn passed(&mut self, from: u64, candidate: u64, length: u64, path: &[u64]) -> Vec<Action> {
        let of = |&place: &u64| if place == ME { self.node.me().id } else { id(place) };
        let candidate = CandidateRank { epoch: Epoch(1), length: Index(length), id: of(&candidate) };
        let path = path.iter().map(of).collect();
        let elect = Elect { epoch: Epoch(2), candidate, path, cfg: cfg(), roster: None };
        self.hear(link_of(from), Message::Elect(elect))
    }
}

/// To which member, in which epoch and by which way a token is sent.
fn token(actions: &[Action]) -> Option<(LinkId, u64, usize)> {
    actions.iter().find_map(|action| {
        let Action::Send { link, envelope } = action else { return None };
        if let Message::Elect(it) = &envelope.message {
            Some((*link, it.epoch.0, it.path.len()))
        } else {
            None
        }
    })
}

fn wins(actions: &[Action]) -> bool {
    let won = |notice: &Notice| matches!(notice, Notice::Election { phase: ElectionPhase::Won, .. });
    actions.iter().any(|action| matches!(action, Action::Notify { notice, .. } if won(notice)))
}

/// The next comes to life while the token is on its way past it.
fn win_past_the_next(prepare: impl Fn(&mut Node)) -> bool {
    let mut it = electing(&[LAST], prepare);
    assert_eq!(token(&it.greeted_by(NEXT)), Some((link_of(NEXT), 2, 1)));
    let back = it.passed(LAST, ME, 1, &[ME, LAST]);
    assert_eq!(token(&back).is_none(), wins(&back));
    assert!(wins(&back) || token(&back) == Some((link_of(NEXT), 3, 1)), "{back:?}");
    wins(&back)
}

#[test]
fn a_token_that_has_passed_over_the_next_wins_nothing() {
    assert!(!win_past_the_next(|_| {}));
}

/// Another has heard of another ring, in which the member that takes part as well has another place.
#[test]
fn a_candidate_sends_its_token_to_those_that_take_part_and_that_it_has_not_met() {
    let mut it = electing(&[NEXT, LAST], |_| {});
    it.passed(LAST, LAST, 0, &[LAST]);
    let back = it.passed(NEXT, ME, 1, &[ME, NEXT]);
    assert!(!wins(&back));
    assert_eq!(token(&back), Some((link_of(LAST), 2, 2)));
    assert!(wins(&it.passed(LAST, ME, 1, &[ME, NEXT, LAST])));
}

/// The member that brings the token back has heard of a newer ring, in which another is the next.
#[test]
fn a_candidate_that_dials_a_nearer_next_does_not_win_past_it() {
    let mut it = electing(&[NEXT, LAST], |_| {});
    let newer = it.ring(&[LEADER, ME, CONTACT, NEXT, LAST]);
    let cfg = ConfigId { n: cfg().n + 1, ..cfg() };
    let told = it.hear(link_of(LAST), Message::Roster { cfg, roster: newer });
    let back = it.passed(LAST, ME, 1, &[ME, NEXT, LAST]);
    assert!(!wins(&back), "{back:?}");
    let dial = dialed(&told, CONTACT).unwrap();
    assert!(wins(&it.handle(Input::DialFailed { dial, reason: DialFailure::Refused })));
}

/// The winner died at once. Those that have followed it refuse the members that it left out, which are still on this node's route.
#[test]
fn in_an_election_the_ring_of_an_earlier_winner_is_heard_of_too() {
    let mut it = electing(&[NEXT, LAST], |_| {});
    let candidate = CandidateRank { epoch: Epoch(1), length: Index(1), id: id(LAST) };
    let elect = Elect { epoch: Epoch(3), candidate, path: vec![id(LAST)], cfg: cfg(), roster: None };
    it.hear(link_of(LAST), Message::Elect(elect));
    let cfg = ConfigId::first(View { epoch: Epoch(2), leader: id(LAST) });
    let elected = Elected { cfg, roster: it.ring(&[LAST, ME, CONTACT, NEXT]), history: Vec::new() };
    let heard = it.hear(link_of(LAST), Message::Elected(elected));
    assert!(dialed(&heard, CONTACT).is_some(), "{heard:?}");
}

/// Each has heard of another ring, so a part of the members is a ring of its own.
#[test]
fn a_candidate_sends_its_token_to_a_linked_member_that_has_sent_none() {
    let mut it = electing(&[NEXT, LAST], |_| {});
    assert_eq!(token(&it.passed(NEXT, ME, 1, &[ME, NEXT])), Some((link_of(LAST), 2, 2)));
    assert!(wins(&it.passed(LAST, ME, 1, &[ME, NEXT, LAST])));
}

#[test]
fn a_candidate_whose_token_has_come_back_does_not_win_for_a_better_one() {
    let mut it = electing(&[NEXT, LAST], |_| {});
    it.passed(NEXT, ME, 1, &[ME, NEXT]);
    let better = it.passed(LAST, LAST, 9, &[LAST]);
    assert!(!wins(&better) && token(&better) == Some((link_of(NEXT), 2, 2)), "{better:?}");
}

/// The link before breaks, or is replaced.
#[test]
fn a_token_goes_to_the_next_again_if_the_link_to_it_stands_anew() {
    let mut it = electing(&[NEXT, LAST], |_| {});
    for (anew, breaks) in [(201, true), (202, false)] {
        if breaks {
            it.handle(Input::LinkDown { link: link_of(NEXT), reason: DownReason::Io });
        }
        it.connected_by(LinkId(anew), NEXT);
        let hello = Hello { generation: anew, ..it.hello(NEXT, false) };
        assert_eq!(token(&it.hear(LinkId(anew), Message::Hello(hello))), Some((LinkId(anew), 2, 1)));
    }
}

#[test]
fn a_token_that_has_met_the_next_goes_to_its_candidate() {
    let mut it = electing(&[NEXT, LAST], |_| {});
    assert_eq!(token(&it.passed(NEXT, LAST, 9, &[LAST, NEXT])), Some((link_of(LAST), 2, 3)));
}

/// The next has no link to the candidate, which has refused it.
#[test]
fn a_token_that_comes_again_from_those_it_has_met_since_goes_to_its_candidate_once() {
    let mut it = electing(&[NEXT, LAST], |_| {});
    assert_eq!(token(&it.passed(LAST, LAST, 9, &[LAST])), Some((link_of(NEXT), 2, 2)));
    assert_eq!(token(&it.passed(NEXT, LAST, 9, &[LAST, ME])), None, "it has met nobody since");
    assert_eq!(token(&it.passed(NEXT, LAST, 9, &[LAST, ME, NEXT])), Some((link_of(LAST), 2, 3)));
    assert_eq!(token(&it.passed(NEXT, LAST, 9, &[LAST, ME, NEXT, CONTACT])), None);
}

#[cfg(feature = "ablation")]
#[test]
fn a_member_is_left_out_if_a_token_wins_that_has_passed_over_the_next() {
    assert!(win_past_the_next(|node| node.ablate(&[ringchat_core::Rule::TokenMeetsAll])));
}

/// A newcomer refuses to take part in an election, as it does before its welcome. Its refusal comes when the election is
/// over and the newcomer is a member.
fn elect_after_a_late_refusal(prepare: impl Fn(&mut Node)) -> Vec<Action> {
    let mut it = Newcomer::that_has_asked();
    prepare(&mut it.node);
    let ring = it.ring(&[LEADER, ME, CONTACT]);
    it.welcome(ring.clone());
    it.follow(ring);
    it.connected_by(FROM_CONTACT, CONTACT);
    it.hear(FROM_CONTACT, Message::Hello(Hello { generation: 2, ..it.hello(CONTACT, false) }));
    assert_eq!(it.node.next(), Some(id(CONTACT)));
    let late = NotMember { re: RefusedKind::Elect, epoch: Epoch(1), me: id(CONTACT), cfg: None };
    it.hear(FROM_CONTACT, Message::NotMember(late));
    let lost = it.handle(Input::LinkDown { link: TO_LEADER, reason: DownReason::Io });
    let dial = dialed(&lost, LEADER).unwrap();
    let elects = it.handle(Input::DialFailed { dial, reason: DialFailure::Refused });
    assert!(starts_an_election(&elects), "{elects:?}");
    elects
}

fn passes_a_token(actions: &[Action]) -> bool {
    sends(actions, |message| matches!(message, Message::Elect(_)))
}

#[test]
fn a_member_that_refused_an_earlier_election_gets_the_token_of_the_next() {
    assert!(passes_a_token(&elect_after_a_late_refusal(|_| {})));
}

#[cfg(feature = "ablation")]
#[test]
fn a_member_that_refused_an_earlier_election_is_left_out_if_its_refusal_counts_on() {
    let rules = &[ringchat_core::Rule::RefusalsOfThisElection];
    assert!(!passes_a_token(&elect_after_a_late_refusal(|node| node.ablate(rules))));
}

/// Both ends dial each other again and again. What was dialed before may arrive after what was dialed later.
#[test]
fn of_two_links_that_a_peer_dials_the_one_of_the_higher_generation_stands() {
    let mut it = Newcomer::that_has_asked();
    let ring = it.ring(&[LEADER, CONTACT, ME]);
    it.welcome(ring.clone());
    it.follow(ring);
    it.greeted_by(CONTACT);
    let closes = |actions: &[Action], link: LinkId| {
        actions.iter().any(|action| matches!(action, Action::Close { link: closed, .. } if *closed == link))
    };
    let mut standing = link_of(CONTACT);
    for (link, generation, stands) in [(200, 8, false), (201, 9, false), (202, 10, true)] {
        let link = LinkId(link);
        it.connected_by(link, CONTACT);
        let told = it.hear(link, Message::Hello(Hello { generation, ..it.hello(CONTACT, false) }));
        let superseded = sends(&told, |message| matches!(message, Message::Superseded { generation: 9 }));
        assert_eq!(superseded, !stands, "{generation}: {told:?}");
        assert!(closes(&told, if stands { standing } else { link }), "{generation}: {told:?}");
        standing = if stands { link } else { standing };
    }
}

/// Its token does not come back to it, and nobody else would end the election before it takes too long.
#[test]
fn an_election_starts_anew_once_the_best_candidate_is_dead() {
    let mut it = electing(&[NEXT, LAST], |_| {});
    assert_eq!(token(&it.passed(LAST, LAST, 9, &[LAST])), Some((link_of(NEXT), 2, 2)));
    let lost = it.handle(Input::LinkDown { link: link_of(LAST), reason: DownReason::Io });
    let dial = dialed(&lost, LAST).unwrap();
    let anew = it.handle(Input::DialFailed { dial, reason: DialFailure::Refused });
    assert_eq!(token(&anew), Some((link_of(NEXT), 3, 1)), "{anew:?}");
}

#[test]
fn a_dial_that_was_superseded_is_tried_again_with_a_higher_generation() {
    let mut it = Newcomer::that_has_asked();
    let welcomed = it.welcome(it.ring(&[LEADER, ME, CONTACT]));
    let generation = |action: &Action| match action {
        Action::Send { envelope, .. } => match &envelope.message {
            Message::Hello(hello) => Some(hello.generation),
            _ => None,
        },
        _ => None,
    };
    let greeting = |actions: &[Action]| actions.iter().find_map(generation);
    let greets = it.connect(LinkId(4), dialed(&welcomed, CONTACT).unwrap(), CONTACT);
    assert!(greeting(&greets).is_some_and(|generation| generation < 5), "{greets:?}");
    let again = it.hear(LinkId(4), Message::Superseded { generation: 5 });
    let greets = it.connect(LinkId(5), dialed(&again, CONTACT).unwrap(), CONTACT);
    assert_eq!(greeting(&greets), Some(6));
}

/// The leader that has let it in is lost, and others elect another.
#[test]
fn a_welcome_comes_too_late_for_whoever_takes_part_in_an_election() {
    for takes_part in [false, true] {
        let mut it = Newcomer::that_has_asked();
        it.connected_by(FROM_CONTACT, CONTACT);
        it.hear(FROM_CONTACT, Message::Hello(it.hello(CONTACT, false)));
        let roster = it.ring(&[LEADER, ME, CONTACT]);
        it.hear(FROM_CONTACT, Message::Roster { cfg: cfg(), roster: roster.clone() });
        if takes_part {
            let candidate = CandidateRank { epoch: Epoch(1), length: Index(9), id: id(CONTACT) };
            let path = vec![id(CONTACT)];
            let elect = Elect { epoch: Epoch(2), candidate, path, cfg: cfg(), roster: None };
            it.hear(FROM_CONTACT, Message::Elect(elect));
            assert_eq!(it.node.promised(), Epoch(2));
        }
        let cfg = ConfigId::first(View { epoch: Epoch(3), leader: id(LEADER) });
        let welcomed = it.hear(TO_LEADER, Message::Elected(Elected { cfg, roster, history: Vec::new() }));
        assert_eq!(sends(&welcomed, |message| matches!(message, Message::Sync(_))), !takes_part);
    }
}
