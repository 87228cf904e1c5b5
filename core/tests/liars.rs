//! A peer that breaks the protocol is told apart from one that keeps it: its link is closed, and the node's state
//! stays in order.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on is to panic")]

mod cast;
mod driven;

use std::collections::BTreeMap;
use std::time::Duration;

use cast::{addr, life, member, name, seed};
use ringchat_core::limits::MAX_CLOCK_LEAP;
use ringchat_core::secure::Secret;
use ringchat_core::wire::{
    Beat, Body, Change, Deliver, Elected, Entry, Envelope, Hello, Install, Join, Message, NotMember, Refusal,
    RefusedKind, Run,
};
use ringchat_core::{
    Action, Config, ConfigId, Departure, DialFailure, DialId, DownReason, Epoch, Fault, Index, Input,
    Instant, LinkId, Member, Node, NodeId, Notice, Origin, RoomId, Roster, Seq, Stamp, Start, Text, TextRun,
    View,
};

const LINK: LinkId = LinkId(1);

/// A node, and a peer that says what it likes on the one link between them.
struct Pair {
    node: Node,
    now: Instant,
}

impl Pair {
    /// The node leads a room of its own, and a stranger has connected.
    fn with_leader() -> Self {
        let mut pair = Self::new(Start::Create);
        pair.link_up(Origin::Accepted);
        pair
    }

    /// The node is a member of a room that the peer leads, in which the peer has said two things.
    fn with_member() -> Self {
        let mut pair = Self::new(Start::Join { contacts: vec![addr(2)] });
        let dial = DialId(1);
        pair.link_up(Origin::Dialed(dial));
        pair.elect(1);
        pair.install(1, 0, &[pair.opened(1, 0)]);
        assert!(pair.node.is_normal());
        assert_eq!(pair.deliver(&[chat(1, 1, 1), chat(2, 2, 2)]), []);
        pair
    }

    fn new(start: Start) -> Self {
        Self::with(Config::new(addr(1), name(), start))
    }

    fn with(config: Config) -> Self {
        let mut pair = Self { node: Node::new(config, seed(1), Instant::ZERO), now: Instant::ZERO };
        pair.handle(Input::Tick);
        pair
    }

    fn link_up(&mut self, origin: Origin) {
        self.link_up_to(peer().id, origin);
    }

    /// The link opens, and this is what the other end has proven.
    fn link_up_to(&mut self, peer: NodeId, origin: Origin) {
        self.handle(Input::LinkUp { link: LINK, origin, remote: addr(2), peer });
    }

    fn handle(&mut self, input: Input) -> Vec<Action> {
        driven::handle(&mut self.node, &mut self.now, input)
    }

    /// The faults that the node finds with `message`, sent at `stamp`. The link is closed if there are any.
    fn faults_at(&mut self, stamp: u64, message: Message) -> Vec<Fault> {
        let envelope = Envelope { room: RoomId::UNKNOWN, stamp: Stamp(stamp), message };
        let out = self.handle(Input::Received { link: LINK, envelope });
        let faults: Vec<Fault> = out.iter().filter_map(fault).collect();
        let closed = out.iter().any(|action| matches!(action, Action::Close { link: LINK, .. }));
        assert_eq!(closed, !faults.is_empty());
        faults
    }

    fn faults(&mut self, message: Message) -> Vec<Fault> {
        self.faults_at(1, message)
    }

    fn elect(&mut self, epoch: u64) {
        let elected = Elected { cfg: cfg(epoch), roster: self.roster(), history: Vec::new() };
        assert_eq!(self.faults(Message::Elected(elected)), []);
    }

    fn install(&mut self, epoch: u64, common: u64, entries: &[Entry]) -> Vec<Fault> {
        let common = Index(common);
        let install = Install {
            cfg: cfg(epoch),
            roster: self.roster(),
            common,
            base: common,
            end: common.plus(entries.len() as u64),
            origins: BTreeMap::new(),
            history: Vec::new(),
            stable: Index(0),
        };
        assert_eq!(self.faults(Message::Install(install)), []);
        self.deliver_in(epoch, entries)
    }

    fn deliver(&mut self, entries: &[Entry]) -> Vec<Fault> {
        self.deliver_in(1, entries)
    }

    fn deliver_in(&mut self, epoch: u64, entries: &[Entry]) -> Vec<Fault> {
        let deliver = Deliver { view: cfg(epoch).view, entries: entries.to_vec(), stable: Index(0) };
        self.faults(Message::Deliver(deliver))
    }

    /// Nothing comes but signs of life.
    fn live_on(&mut self, time: Duration) {
        let end = self.now.after(time);
        while self.now < end {
            self.now = self.node.deadline().unwrap();
            self.handle(Input::Tick);
            let beat = Beat { view: None, cfg: None, stable: Index(0) };
            assert_eq!(self.faults(Message::Pong(beat)), []);
        }
    }

    /// The peer is gone, and nobody answers any more.
    fn leave_alone(&mut self) {
        let mut actions = self.handle(Input::LinkDown { link: LINK, reason: DownReason::Eof });
        for _ in 0..100 {
            let dial = actions.iter().find_map(|action| match action {
                Action::Dial { dial, .. } => Some(*dial),
                _ => None,
            });
            actions = if let Some(dial) = dial {
                self.handle(Input::DialFailed { dial, reason: DialFailure::Refused })
            } else {
                self.now = self.node.deadline().unwrap();
                self.handle(Input::Tick)
            };
        }
    }

    fn roster(&self) -> Roster {
        Roster::new(vec![peer(), self.node.me().clone()]).unwrap()
    }

    fn opened(&self, epoch: u64, index: u64) -> Entry {
        let change = Change::Opened { roster: self.roster(), lost: Vec::new() };
        let cfg = cfg(epoch);
        Entry {
            view: cfg.view,
            index: Index(index),
            stamp: Stamp(index),
            body: Body::Membership { cfg, change: change.into() },
        }
    }
}

fn fault(action: &Action) -> Option<Fault> {
    match action {
        Action::Notify { notice: Notice::Fault { reason, .. }, .. } => Some(*reason),
        _ => None,
    }
}

/// What the peer said, as it stands in the log of the first epoch.
fn chat(index: u64, seq: u64, stamp: u64) -> Entry {
    run(index, seq, stamp, 1)
}

/// So many things that the peer said in a row.
fn run(index: u64, first: u64, stamp: u64, count: usize) -> Entry {
    let texts = TextRun::new(&vec![Text::new("x").unwrap(); count]).unwrap();
    let stamp = Stamp(stamp);
    let said = Run::sham(RoomId([1; 16]), peer().into(), Seq(first), stamp, texts);
    Entry {
        view: cfg(1).view,
        index: Index(index),
        stamp,
        body: Body::Chat { said, missing: 0, replayed: false },
    }
}

fn cfg(epoch: u64) -> ConfigId {
    ConfigId::first(View { epoch: Epoch(epoch), leader: peer().id })
}

fn join(me: Member) -> Message {
    Message::Join(Join { me, contact: None, epoch: Epoch(0), generation: 1, ring: Vec::new() })
}

fn peer() -> Member {
    member(2)
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
    for (proven, id, at, fault) in [
        (life(2, 1), life(1, 1), 1, Fault::FalseName),
        (life(2, 1), life(1, 1), 3, Fault::FalseName),
        (life(1, 7), life(1, 7), 1, Fault::Unexpected),
        (life(3, 1), life(3, 1), 1, Fault::Unexpected),
    ] {
        let mut pair = Pair::new(Start::Create);
        pair.link_up_to(proven, Origin::Accepted);
        let me = Member::new(id, addr(at), name());
        assert_eq!(pair.faults(join(me)), [fault]);
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
    assert_eq!(pair.install(2, 3, &[run(3, 3, 3, 2)]), [Fault::WithinRun]);
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
