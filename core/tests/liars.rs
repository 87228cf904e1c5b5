//! A peer that breaks the protocol is told apart from one that keeps it: its link is closed, and the node's state
//! stays in order.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on is to panic")]

mod cast;
mod driven;
mod pair;

use std::time::Duration;

use cast::{addr, life, member, name};
use pair::{LINK, Pair, cfg, chat, entry, fault, peer, run, said};
use ringchat_core::limits::{CLOCK_CREDIT, MAX_EPOCH_LEAP, MAX_PLACES};
use ringchat_core::secure::Secret;
use ringchat_core::wire::{
    Body, CandidateRank, Change, Elected, Entry, Envelope, Hello, Install, Join, Message, NotMember, Refusal,
    RefusedKind,
};
use ringchat_core::{
    Action, Config, ConfigId, Departure, DialId, DownReason, Epoch, Fault, Index, Input, Member, Name, Node,
    NodeId, Notice, Origin, RoomId, Roster, Seq, Stamp, Start, View,
};

fn join(me: Member) -> Message {
    Message::Join(Join { me, contact: None, epoch: Epoch(0), generation: 1, ring: Vec::new() })
}

#[test]
fn nobody_greets_a_node_as_the_node_itself() {
    let mut pair = Pair::with_leader();
    let me = pair.node.me().id;
    let hello = Hello { me, you: me, generation: 1, next: true, answer: false, view: None, cfg: None };
    assert_eq!(pair.faults(Message::Hello(hello)), [Fault::FalseName]);
    assert!(pair.node.is_leader());
}

#[test]
fn nobody_takes_the_leaders_place_by_its_id_or_its_address() {
    for (proven, id, at, fault) in
        [(life(2, 1), life(1, 1), 1, Fault::FalseName), (life(2, 1), life(1, 1), 3, Fault::FalseName)]
    {
        let mut pair = Pair::new(Start::Create);
        pair.link_up_to(proven, Origin::Accepted);
        let me = Member::new(id, addr(at), name());
        assert_eq!(pair.faults(join(me)), [fault]);
        assert_eq!(pair.node.roster(), &Roster::alone(pair.node.me().clone()));
    }
    for id in [life(1, 7), life(3, 1)] {
        let mut pair = Pair::new(Start::Create);
        pair.link_up_to(id, Origin::Accepted);
        let told = pair.receive(LINK, join(Member::new(id, addr(1), name())));
        assert_eq!(told.into_iter().find_map(refusal), Some(Refusal::AddressTaken));
        assert_eq!(pair.node.roster(), &Roster::alone(pair.node.me().clone()));
    }
}

#[test]
fn nobody_speaks_in_the_name_of_another_member() {
    let other = member(3);
    let refusal = NotMember { re: RefusedKind::Hello, epoch: Epoch(9), me: other.id, cfg: None };
    let hello = |pair: &Pair| Hello {
        me: other.id,
        you: pair.node.me().id,
        generation: 1,
        next: true,
        answer: false,
        view: None,
        cfg: None,
    };
    let messages: [&dyn Fn(&Pair) -> Message; 6] = [
        &|pair| Message::Hello(hello(pair)),
        &|_| Message::NotMember(refusal.clone()),
        &|_| Message::JoinVia { me: other.id, leader: peer() },
        &|_| join(other.clone()),
        &|_| Message::Probe { me: other.clone(), size: 1 },
        &|_| Message::ProbeReply { me: other.clone() },
    ];
    for message in messages {
        for mut pair in [Pair::with_leader(), Pair::with_member()] {
            let message = message(&pair);
            assert_eq!(pair.faults(message.clone()), [Fault::FalseName], "{message:?}");
        }
    }
}

/// A room with a secret has the id that follows from the secret, whatever a member says.
#[test]
fn a_member_with_a_secret_takes_no_room_from_others() {
    let secret = Secret::new([7; Secret::BYTES]);
    let hears = |room: RoomId| {
        let config = Config::new(addr(1), name(), Start::Join { contacts: vec![addr(2)] });
        let mut pair = Pair::with(config.with_secret(secret.clone()));
        pair.link_up(Origin::Dialed(DialId(1)));
        let elected = Elected { cfg: cfg(1), roster: pair.roster(), history: Vec::new() };
        let envelope = Envelope { room, stamp: Stamp(1), message: Message::Elected(elected) };
        let out = pair.handle(Input::Received { link: LINK, envelope });
        out.iter().filter_map(fault).collect::<Vec<_>>()
    };
    assert_eq!(hears(secret.room()), []);
    assert_eq!(hears(RoomId([9; 16])), [Fault::OtherRoom]);
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
fn no_clock_leaps_to_its_end_and_nobody_is_accused_for_a_stamp() {
    let mut pair = Pair::with_member();
    let before = pair.node.lamport();
    for _ in 0..3 {
        assert_eq!(pair.faults_at(u64::MAX, Message::WantRoster), []);
    }
    assert!((CLOCK_CREDIT..2 * CLOCK_CREDIT).contains(&pair.node.lamport().since(before)));
}

#[test]
fn an_election_takes_an_epoch_up_by_no_more_than_a_leap() {
    let mut pair = Pair::with_member();
    let (highest, other) = (pair.node.promised().0, member(3).id);
    for epoch in [highest + MAX_EPOCH_LEAP + 1, u64::MAX] {
        assert_eq!(pair.stand(epoch, 9, other), None);
        assert!(pair.node.is_normal());
    }
    pair.stand(highest + MAX_EPOCH_LEAP, 9, other);
    assert!(!pair.node.is_normal());
}

#[test]
fn nobody_is_let_in_who_has_promised_an_epoch_far_above() {
    let asks = |above: u64| {
        let mut pair = Pair::with_leader();
        let epoch = pair.node.promised().plus(above);
        let join = Join { me: peer(), contact: None, epoch, generation: 1, ring: Vec::new() };
        pair.receive(LINK, Message::Join(join)).into_iter().find_map(refusal)
    };
    assert_eq!(asks(MAX_EPOCH_LEAP), None);
    assert_eq!(asks(MAX_EPOCH_LEAP + 1), Some(Refusal::EpochTooHigh));
}

/// A member that a liar has led to an epoch far above is alone, and asks a greater ring to take it in.
#[test]
fn who_was_led_too_high_begins_a_new_life_and_asks_again() {
    let mut pair = Pair::with_member();
    pair.stand(pair.node.promised().0 + MAX_EPOCH_LEAP, 9, member(3).id);
    let told = refused_for_its_epoch(&mut pair);
    let [Notice::NewLife { me }] = &told.notices[..] else { panic!("{told:?}") };
    assert!(me.id != told.before && me.id == pair.node.me().id);
    assert_eq!((pair.node.promised(), pair.node.view().epoch), (Epoch(0), Epoch(0)));
    pair.now = pair.node.deadline().unwrap();
    let out = pair.handle(Input::Tick);
    let dialed =
        out.iter().find_map(|it| if let Action::Dial { addr, .. } = it { Some(*addr) } else { None });
    assert_eq!(dialed, Some(addr(2)));
}

/// Whether a node that a liar has led to `epoch` begins a new life, and the epoch that it had promised.
fn begins_anew_from(epoch: u64) -> (bool, u64) {
    let mut pair = Pair::with_member();
    pair.stand(epoch, 9, member(3).id);
    pair.leave_alone();
    let promised = pair.node.promised().0;
    (!refused_for_its_epoch(&mut pair).notices.is_empty(), promised)
}

#[test]
fn only_an_epoch_above_a_leap_from_the_first_is_a_reason_to_begin_a_new_life() {
    let (_, promised) = begins_anew_from(2);
    let leap = MAX_EPOCH_LEAP - (promised - 2);
    assert_eq!(begins_anew_from(leap), (false, MAX_EPOCH_LEAP));
    assert_eq!(begins_anew_from(leap + 1), (true, MAX_EPOCH_LEAP + 1));
}

#[test]
fn nobody_begins_a_new_life_because_a_liar_says_that_its_epoch_is_too_high() {
    let mut pair = Pair::with_member();
    let told = refused_for_its_epoch(&mut pair);
    assert!(told.notices.is_empty() && pair.node.is_leader(), "{told:?}");
}

/// What the node tells its user, and who it was before.
#[derive(Debug)]
struct Told {
    notices: Vec<Notice>,
    before: NodeId,
}

/// The node comes to be alone, asks a greater ring to take it in, and is refused.
fn refused_for_its_epoch(pair: &mut Pair) -> Told {
    pair.leave_alone();
    assert!(pair.node.is_leader());
    pair.link_up(Origin::Accepted);
    let asked = pair.receive(LINK, Message::Probe { me: peer(), size: 5 });
    let is_join = |it: &Action| matches!(it, Action::Send { envelope, .. } if matches!(envelope.message, Message::Join(_)));
    assert!(asked.iter().any(is_join), "{asked:?}");
    let before = pair.node.me().id;
    Told { notices: pair.notices(Message::Refused(Refusal::EpochTooHigh)), before }
}

fn refusal(action: Action) -> Option<Refusal> {
    let Action::Send { envelope, .. } = action else { return None };
    if let Message::Refused(refusal) = envelope.message { Some(refusal) } else { None }
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

/// The one that has gone may have said two things under one number, of which the leader took the other.
#[test]
fn of_somebody_who_has_gone_a_leader_may_lack_what_was_shown() {
    let mut pair = Pair::with_member();
    let gone = member(3);
    let last = [(3, 1), (4, 2)].map(|(index, first)| entry(index, said(&gone, first, &["x"]), 0));
    assert_eq!(pair.deliver(&last), []);
    pair.elect(2);
    assert_eq!(pair.install(2, 4, &[pair.opened(2, 4)]), []);
    assert!(pair.node.is_normal());
}

/// A leader says that the member is elsewhere, or is called otherwise, in an entry or in its whole log. Returns how often
/// the member begins a new life for it.
fn lives_of_one_misnamed(prepare: impl Fn(&mut Node)) -> usize {
    let mut lives = 0;
    let mut is_new_life = |told: Vec<Notice>| {
        lives += usize::from(told.iter().any(|it| matches!(it, Notice::NewLife { .. })));
    };
    let id = Pair::with_member().node.me().id;
    for me in [Member::new(id, addr(77), name()), Member::new(id, addr(1), Name::new("x").unwrap())] {
        let mut pair = Pair::with_member();
        prepare(&mut pair.node);
        let change = Change::Edit { gone: Vec::new(), joined: vec![(me.clone(), peer().id)], merged: false };
        let body = Body::Membership { cfg: cfg(1).next(), change: change.into() };
        is_new_life(pair.told_of(&[Entry { body, ..chat(3, 1, 3) }], 0));
        let mut pair = Pair::with_member();
        prepare(&mut pair.node);
        pair.elect(2);
        let roster = Roster::new(vec![peer(), me]).unwrap();
        is_new_life(pair.notices(Message::Install(Install { roster, ..pair.to_install(2, 3) })));
    }
    lives
}

#[test]
fn a_member_that_is_listed_under_another_address_or_name_comes_in_anew() {
    assert_eq!(lives_of_one_misnamed(|_| {}), 4);
}

#[cfg(feature = "ablation")]
#[test]
fn a_member_stays_where_nobody_finds_it_if_its_entry_may_be_false() {
    assert_eq!(lives_of_one_misnamed(|node| node.ablate(&[ringchat_core::Rule::TrueEntry])), 0);
}

/// A liar that led before may have told an honest leader of messages that nobody said. So that leader takes no run under
/// such a number for new, and its log lacks what the member was shown.
#[test]
fn a_leader_that_was_told_false_last_numbers_is_followed() {
    let mut pair = Pair::with_member();
    pair.elect(2);
    let entries = [pair.opened(2, 2)];
    let shared = Install { end: Index(3), ..pair.to_install(2, 2) };
    assert_eq!(pair.install_once(&shared, &entries), []);
    assert!(!pair.node.is_normal());
    let whole = Install { common: Index(0), origins: [(peer().id, Seq(9))].into(), ..shared };
    assert_eq!(pair.install_once(&whole, &entries), []);
    assert!(pair.node.is_normal());
}

#[test]
fn a_neighbour_that_refuses_the_greeting_like_a_full_room_is_asked_again() {
    let mut pair = Pair::with_member();
    pair.handle(Input::LinkDown { link: LINK, reason: DownReason::Eof });
    let again = DialId(2);
    pair.link_up(Origin::Dialed(again));
    assert_eq!(pair.faults(Message::Refused(Refusal::RoomFull)), [Fault::Unexpected]);
}

#[test]
fn nobody_welcomes_a_newcomer_as_its_own_leader() {
    let mut pair = Pair::new(Start::Join { contacts: vec![addr(2)] });
    pair.link_up(Origin::Dialed(DialId(1)));
    let view = View { epoch: Epoch(1), leader: pair.node.me().id };
    let elected = Elected { cfg: ConfigId::first(view), roster: pair.roster(), history: Vec::new() };
    assert_eq!(pair.faults(Message::Elected(elected)), [Fault::Unexpected]);
}

#[test]
fn who_won_with_a_log_that_it_does_not_have_is_not_followed() {
    let anew = MAX_PLACES + 1;
    for (claimed, faults) in [(4, vec![]), (5, vec![Fault::FalseClaim]), (anew, vec![])] {
        let mut pair = Pair::with_member();
        pair.stand(2, claimed, peer().id);
        pair.elect(2);
        let install = Install { end: Index(4), ..pair.to_install(2, 3) };
        assert_eq!(pair.faults(Message::Install(install)), faults);
    }
}

/// The winner of an election between the node and a member with a greater id, whose logs are equal. By the hash it is to
/// be the node.
fn winner(mut pair: Pair) -> NodeId {
    let standing = |id| CandidateRank { epoch: Epoch(1), length: Index(3), id }.standing(RoomId::UNKNOWN);
    let me = pair.node.me().id;
    let other = (3..100).map(|place| member(place).id).find(|id| standing(*id) < standing(me)).unwrap();
    assert!(other > me);
    pair.join();
    pair.stand(2, 3, other).unwrap()
}

#[test]
fn a_greater_id_wins_nothing() {
    let pair = Pair::new(Start::Join { contacts: vec![addr(2)] });
    let me = pair.node.me().id;
    assert_eq!(winner(pair), me);
}

#[cfg(feature = "ablation")]
#[test]
fn a_greater_id_wins_if_no_hash_decides() {
    let mut pair = Pair::new(Start::Join { contacts: vec![addr(2)] });
    pair.node.ablate(&[ringchat_core::Rule::HashedTies]);
    let me = pair.node.me().id;
    assert!(winner(pair) > me);
}

#[test]
fn equal_logs_win_equally_often() {
    let mut won = [0; 8];
    for room in 0..160 {
        let place = |place: &u64| CandidateRank { epoch: Epoch(1), length: Index(1), id: member(*place).id };
        let room = RoomId([room; 16]);
        let winner = (0..8).max_by_key(|it| place(it).standing(room)).unwrap();
        won[usize::try_from(winner).unwrap()] += 1;
    }
    assert!(won.iter().all(|won| (8..40).contains(won)), "{won:?}");
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

#[test]
fn a_leader_takes_no_configuration_of_its_own_back() {
    let mut pair = Pair::with_member();
    let change = Change::Edit { gone: Vec::new(), joined: Vec::new(), merged: false };
    let body = Body::Membership { cfg: cfg(1).next(), change: change.into() };
    let entry = Entry { body, ..chat(3, 3, 3) };
    assert_eq!(pair.deliver(&[entry]), []);
    assert_eq!(pair.node.cfg(), cfg(1).next());
    // The link stands anew, and the log is shown anew.
    pair.link_up(Origin::Accepted);
    let me = pair.node.me().id;
    let hello =
        Hello { me: peer().id, you: me, generation: 9, next: true, answer: false, view: None, cfg: None };
    assert_eq!(pair.faults(Message::Hello(hello)), []);
    let install = Install { end: Index(4), ..pair.to_install(1, 4) };
    assert_eq!(pair.faults(Message::Install(install)), [Fault::LogOrder]);
    assert_eq!(pair.node.cfg(), cfg(1).next());
}

/// A room of three of which the node is one, and the third member.
fn with_third() -> (Pair, Member) {
    let (mut pair, third) = (Pair::with_member(), member(3));
    let joined = [(third.clone(), peer().id)].into();
    let change = Change::Edit { gone: Vec::new(), joined, merged: false };
    let body = Body::Membership { cfg: cfg(1).next(), change: change.into() };
    assert_eq!(pair.deliver(&[Entry { body, ..chat(3, 3, 3) }]), []);
    assert!(pair.node.roster().contains(third.id));
    (pair, third)
}

fn looks_for(pair: &Pair, gone: &Member) -> bool {
    pair.node.is_normal() && !pair.node.roster().contains(gone.id) && pair.node.lost().eq([gone])
}

/// A liar tells two members of two rings. When it has gone, each of them looks for the other.
#[test]
fn who_is_gone_without_a_word_of_the_log_is_looked_for() {
    for opened in [vec![], vec![Pair::with_member().opened(2, 4)]] {
        let (mut pair, third) = with_third();
        pair.elect(2);
        let install = Install { end: Index(4 + opened.len() as u64), ..pair.to_install(2, 4) };
        assert_eq!(pair.install_once(&install, &opened), []);
        assert!(looks_for(&pair, &third));
    }
    let (mut pair, third) = with_third();
    let change = Change::Opened { roster: pair.roster(), lost: Vec::new() };
    let body = Body::Membership { cfg: cfg(1).next().next(), change: change.into() };
    assert_eq!(pair.deliver(&[Entry { body, ..chat(4, 4, 4) }]), []);
    assert!(looks_for(&pair, &third));
}

/// Its way is to be the ring, which would lack the winner.
#[test]
fn nobody_wins_with_a_token_that_did_not_begin_with_it() {
    for (begins_here, wins) in [(false, false), (true, true)] {
        let mut pair = Pair::with_member();
        let me = pair.node.me().id;
        assert_eq!(pair.stand(2, 1, member(3).id), Some(me), "a worse one");
        let candidate = CandidateRank { epoch: Epoch(1), length: pair.node.log_len(), id: me };
        let path = if begins_here { vec![me, peer().id] } else { vec![peer().id] };
        let elect =
            ringchat_core::wire::Elect { epoch: Epoch(2), candidate, path, cfg: cfg(1), roster: None };
        assert_eq!(pair.faults(Message::Elect(elect)), []);
        assert_eq!(pair.node.is_leader(), wins);
    }
}

#[test]
fn who_meets_a_life_of_before_is_not_accused() {
    let mut pair = Pair::with_leader();
    let hello = Hello {
        me: peer().id,
        you: life(1, 7),
        generation: 1,
        next: true,
        answer: false,
        view: None,
        cfg: None,
    };
    let out = pair.receive(LINK, Message::Hello(hello));
    assert_eq!(out.iter().find_map(fault), None);
    assert!(out.iter().any(|it| matches!(it, Action::Close { link: LINK, .. })), "{out:?}");
}

/// A greeting on a link that the other end has dialed.
#[test]
fn a_greeting_is_no_answer_and_one_for_an_earlier_life_is_not_answered() {
    let greet = |you: Option<NodeId>, answer: bool| {
        let mut pair = Pair::with_leader();
        let you = you.unwrap_or(pair.node.me().id);
        let hello = Hello { me: peer().id, you, generation: 1, next: true, answer, view: None, cfg: None };
        pair.receive(LINK, Message::Hello(hello))
    };
    let answers = |out: &[Action]| out.iter().any(|action| matches!(action, Action::Send { .. }));
    assert_eq!(greet(None, true).iter().find_map(fault), Some(Fault::Unexpected));
    let refused = greet(None, false);
    assert!(answers(&refused), "{refused:?}");
    let closed = greet(Some(life(1, 7)), false);
    assert!(!answers(&closed) && closed.iter().find_map(fault).is_none(), "{closed:?}");
    assert!(closed.iter().any(|action| matches!(action, Action::Close { .. })), "{closed:?}");
}
