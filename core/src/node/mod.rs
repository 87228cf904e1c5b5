//! The node: its state, and the one dispatch of its inputs. Each file beside this one holds one part of
//! the protocol.

mod absent;
mod admission;
mod detection;
pub(crate) mod digest;
mod doubt;
mod election;
mod handshake;
pub mod invariants;
mod joining;
mod leadership;
mod leaving;
mod links;
mod log;
mod membership;
mod merging;
mod recovery;
mod relay;
mod report;
mod ring;
mod rules;
mod submissions;
mod timers;

use alloc::collections::{BTreeMap, BTreeSet};
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::net::SocketAddr;

pub use self::rules::Rule;

use self::absent::Absent;
use self::doubt::Doubt;
use self::election::Election;
use self::joining::Joining;
use self::leadership::Leadership;
use self::leaving::Leaving;
use self::links::Links;
use self::log::Log;
use self::membership::Route;
use self::recovery::Waiting;
use self::ring::Ring;
use self::submissions::Submissions;
use self::timers::{PatientClock, Timer, Timers};
use crate::action::{Action, CloseMode, Ending, Fault, Notice};
use crate::config::{Config, Seed, Start, Times};
use crate::ids::{LinkId, NodeId, RoomId};
use crate::input::{Command, DownReason, Input};
use crate::limits::MAX_CLOCK_LEAP;
use crate::numbers::{Epoch, Index, Seq, Stamp};
use crate::report::Stats;
use crate::rng::Rng;
use crate::roster::{ConfigId, Member, Roster, View};
use crate::time::Instant;
use crate::wire::{Envelope, Message};

/// Where a node puts its actions; owned by the driver, emptied by it between calls.
pub type Outbox = Vec<Action>;

/// What a node is doing.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Mode {
    /// It wants in, or back in.
    Joining,
    /// It is a member with a leader (or leads itself) and appends to its log.
    Normal,
    /// It takes part in an election and appends nothing.
    Electing(Election),
    /// It knows the new leader and waits for its log.
    Waiting(Waiting),
    /// It is no more.
    Ended,
}

/// A member of a room: a deterministic state machine that is driven by [`Node::handle`].
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Node {
    /// Shared with all that it says.
    me: Arc<Member>,
    room: RoomId,
    times: Times,
    rng: Rng,
    clock: PatientClock,
    timers: Timers,
    lamport: Stamp,
    mode: Mode,
    joining: Option<Joining>,
    leaving: Option<Leaving>,
    /// The view in which the log was last written.
    view: View,
    /// No entry of an older epoch is appended any more.
    promised: Epoch,
    /// What the log's membership entries amount to.
    cfg: ConfigId,
    roster: Roster,
    /// The newest roster known by any means: it decides who is next and who is accepted, nothing else.
    route: Route,
    /// When the route was learned from others.
    route_learned: Instant,
    /// The newest route that was given up.
    lapsed: Option<ConfigId>,
    ring: Ring,
    links: Links,
    log: Log,
    /// Every member has the log up to here, as far as this node knows.
    stable: Index,
    /// Own messages that have no place in the log yet, in order.
    submissions: Submissions,
    /// The first of them that goes to the leader when all inputs are taken; none between two calls.
    submit_from: Option<Seq>,
    /// The number of the last own message.
    said: Seq,
    /// Where the log ends that holds all own messages which have a place.
    own_end: Index,
    /// The number of the last message of each origin that the user has seen.
    shown: BTreeMap<NodeId, Seq>,
    /// Whether the user was told `Ready` for the current membership.
    ready: bool,
    /// The weight of what was appended since the last acknowledgement.
    unacked: u64,
    absent: Absent,
    leadership: Option<Leadership>,
    doubt: Doubt,
    /// The leader that is lost, until an election begins.
    lost_leader: Option<NodeId>,
    /// The last view whose leader was elected and could not be linked to, and when.
    unlinkable: Option<(View, Instant)>,
    /// Members whose last dial failed, and the epoch promised then.
    unreachable: BTreeMap<NodeId, Epoch>,
    /// Members that refused this one; lapses when there is a leader.
    shunned: BTreeSet<NodeId>,
    /// Members that refused this one and know a newer configuration.
    went_on: BTreeSet<NodeId>,
    started: Instant,
    stats: Stats,
    /// The rules taken away from it.
    #[cfg(feature = "ablation")]
    ablated: &'static [Rule],
    /// Filled while an input is handled, and empty otherwise.
    out: Outbox,
}

impl Node {
    /// A new node. `seed` is all that is random about it; `now` is the driver's clock.
    pub fn new(config: Config, seed: Seed, now: Instant) -> Self {
        let Seed { id, jitter } = seed;
        let me = Arc::new(Member::new(id, config.addr, config.name));
        let view = View { epoch: Epoch::default(), leader: me.id };
        let mut node = Self {
            room: RoomId::UNKNOWN,
            times: Times::new(config.detect),
            rng: Rng::new(jitter),
            clock: PatientClock::new(now),
            timers: Timers::default(),
            lamport: Stamp::default(),
            mode: Mode::Joining,
            joining: None,
            leaving: None,
            view,
            promised: Epoch::default(),
            cfg: ConfigId::first(view),
            roster: Roster::default(),
            route: Route { cfg: ConfigId::first(view), roster: Roster::default() },
            route_learned: now,
            lapsed: None,
            ring: Ring::default(),
            links: Links::default(),
            log: Log::default(),
            stable: Index::default(),
            submissions: Submissions::default(),
            submit_from: None,
            said: Seq::default(),
            own_end: Index::default(),
            shown: BTreeMap::new(),
            ready: false,
            unacked: 0,
            absent: Absent::default(),
            leadership: None,
            doubt: Doubt::default(),
            lost_leader: None,
            unlinkable: None,
            unreachable: BTreeMap::new(),
            shunned: BTreeSet::new(),
            went_on: BTreeSet::new(),
            started: now,
            stats: Stats::default(),
            #[cfg(feature = "ablation")]
            ablated: &[],
            out: Vec::new(),
            me,
        };
        match config.start {
            Start::Create => node.joining = None,
            Start::Join { contacts } => {
                node.joining = Some(Joining::fresh(contacts, now.after(config.join_timeout)));
            }
        }
        // The first tick begins the node's life, so that what it does then can be handed out.
        node.timers.set(Timer::Join, now);
        node
    }

    /// Takes one input that happened by `now`, then does all that is due, and puts what follows into `out`,
    /// which is to be empty. Cannot fail, and never panics over what comes in. After the node has ended it
    /// does nothing.
    pub fn handle(&mut self, now: Instant, input: Input, out: &mut Outbox) {
        self.handle_all(now, [input], out);
    }

    /// Takes inputs that happened one after the other by `now`, as [`handle`](Self::handle) takes one. What
    /// they made a leader sequence, or a member submit, is then sent together, so a driver hands over at once what
    /// one read brought.
    pub fn handle_all(&mut self, now: Instant, inputs: impl IntoIterator<Item = Input>, out: &mut Outbox) {
        debug_assert!(out.is_empty(), "the driver empties the outbox");
        if self.has_ended() {
            return;
        }
        core::mem::swap(&mut self.out, out);
        let deadline = self.timers.first().filter(|_| self.keeps(Rule::PatientClock));
        let late = self.clock.advance(now, deadline.map(|deadline| deadline.at));
        self.note_lateness(late);
        for input in inputs {
            if !self.has_ended() {
                self.take(input);
            }
        }
        while !self.has_ended()
            && let Some(timer) = self.timers.take_due(self.now())
        {
            self.due(timer);
        }
        self.settle();
        if self.has_ended() {
            self.drop_what_follows_the_halt();
        }
        core::mem::swap(&mut self.out, out);
        debug_assert!(
            self.deadline().is_none_or(|at| at > now),
            "a deadline that is due was left: {:?}",
            self.timers.first()
        );
    }

    /// When to hand in `Input::Tick`, on the driver's clock. Changes with each input.
    pub fn deadline(&self) -> Option<Instant> {
        let first = self.timers.first().filter(|_| !self.has_ended())?;
        Some(self.clock.to_driver(first.at))
    }

    fn take(&mut self, input: Input) {
        match input {
            Input::Tick => {}
            Input::Command(Command::Say(texts)) => self.say(&texts),
            Input::Command(Command::Report) => {
                let report = self.report();
                self.notify(Notice::Report(report.into()));
            }
            Input::Command(Command::Leave) => self.leave(),
            Input::LinkUp { link, origin, remote } => self.on_link_up(link, origin, remote),
            Input::DialFailed { dial, reason } => self.on_dial_failed(dial, reason),
            Input::Received { link, envelope } => self.on_received(link, envelope),
            Input::LinkDown { link, reason } => self.on_link_down(link, reason),
        }
    }

    fn on_received(&mut self, link: LinkId, envelope: Envelope) {
        let now = self.now();
        if envelope.stamp > self.lamport.plus(MAX_CLOCK_LEAP) {
            return self.fault(link, Fault::Clock);
        }
        let Some(state) = self.links.get_mut(link) else { return };
        state.heard = now;
        state.stamp = state.stamp.max(Some(envelope.stamp));
        let peer = state.peer;
        let is_stranger = peer.is_none() && state.purpose.is_none();
        self.stats.received = self.stats.received.saturating_add(1);
        if !is_stranger {
            self.receive_stamp(envelope.stamp);
        }
        if self.room == RoomId::UNKNOWN {
            if !is_stranger {
                self.room = envelope.room;
            }
        } else if envelope.room != self.room && envelope.room != RoomId::UNKNOWN {
            return self.fault(link, Fault::OtherRoom);
        }
        match peer {
            Some(peer) => self.on_peer_message(link, peer, envelope.message),
            None => self.on_stranger_message(link, envelope.message),
        }
    }

    /// A message on a link whose ends have agreed who they are.
    fn on_peer_message(&mut self, link: LinkId, peer: NodeId, message: Message) {
        let Some(message) = self.put_off(link, peer, message) else { return };
        match message {
            Message::Hello(hello) => self.on_hello(link, hello),
            Message::NotMember(refusal) => self.on_not_member(link, &refusal),
            Message::WantRoster => self.send_roster(link),
            Message::Roster { cfg, roster } => self.on_roster(link, cfg, &roster),
            Message::Ping(beat) => self.on_ping(link, peer, beat),
            Message::Pong(beat) => self.on_beat(link, peer, beat),
            Message::Elect(elect) => self.on_elect(link, peer, elect),
            Message::Elected(elected) => self.on_elected(link, elected),
            Message::Submit { view, said } => self.on_submit(peer, view, said),
            Message::Deliver(deliver) => self.on_deliver(peer, deliver),
            Message::Ack { view, index } => self.on_ack(peer, view, index),
            Message::Sync(sync) => self.on_sync(link, peer, sync),
            Message::Install(install) => self.on_install(peer, install),
            Message::Suspect { id } => self.on_suspect(id),
            Message::Draining => self.on_draining(peer),
            Message::Leave => self.on_leave(peer),
            Message::Goodbye { successor } => self.on_goodbye(peer, successor),
            Message::Refused(refusal) => self.on_refused(link, refusal),
            Message::Join(join) => self.on_join(link, join),
            Message::WantPromise { round } => self.on_want_promise(link, peer, round),
            Message::Promise { round, epoch } => self.on_promise(peer, round, epoch),
            Message::JoinVia { .. }
            | Message::Superseded { .. }
            | Message::Probe { .. }
            | Message::ProbeReply { .. } => self.fault(link, Fault::Unexpected),
        }
    }

    /// A message on a link whose ends have not agreed yet who they are.
    fn on_stranger_message(&mut self, link: LinkId, message: Message) {
        match message {
            Message::Hello(hello) => self.on_hello(link, hello),
            Message::NotMember(refusal) => self.on_not_member(link, &refusal),
            Message::Superseded { generation } => self.on_superseded(link, generation),
            Message::WantRoster => self.send_roster(link),
            Message::Roster { cfg, roster } => self.on_roster(link, cfg, &roster),
            Message::Join(join) => self.on_join(link, join),
            Message::JoinVia { me, leader } => self.on_join_via(link, me, leader),
            Message::Probe { me, size } => self.on_probe(link, &me, size),
            Message::ProbeReply { me } => self.on_probe_reply(link, &me),
            Message::Elected(elected) => self.on_welcome(link, elected),
            Message::Refused(refusal) => self.on_refused(link, refusal),
            Message::Pong(_) | Message::WantPromise { .. } if self.wants_in_on(link) => {}
            Message::Ping(_)
            | Message::Pong(_)
            | Message::Elect(_)
            | Message::Submit { .. }
            | Message::Deliver(_)
            | Message::Ack { .. }
            | Message::Sync(_)
            | Message::Install(_)
            | Message::Suspect { .. }
            | Message::Draining
            | Message::Leave
            | Message::Goodbye { .. }
            | Message::WantPromise { .. }
            | Message::Promise { .. } => self.fault(link, Fault::Unexpected),
        }
    }

    fn due(&mut self, timer: Timer) {
        match timer {
            Timer::Sweep => self.sweep(),
            Timer::Ack => self.acknowledge(),
            Timer::Initiate => self.on_initiate_due(),
            Timer::Election => self.on_election_due(),
            Timer::Reseek => self.on_reseek_due(),
            Timer::Join => self.on_join_due(),
            Timer::JoinLimit => self.on_join_limit(),
            Timer::Admission => self.on_admission_due(),
            Timer::Removal => self.commit_removals(),
            Timer::Leave => self.on_leave_due(),
            Timer::Slow => self.on_slow_due(),
            Timer::Probe => self.on_probe_due(),
            Timer::Merge => self.give_up_merge(),
        }
    }

    /// What may follow from any input.
    fn settle(&mut self) {
        if self.has_ended() {
            return;
        }
        self.check_doubt();
        self.submit_said();
        self.deliver_sequenced();
        self.check_leaving();
        if !self.has_ended() {
            self.announce_ring();
            self.hurry_sweep();
        }
    }

    /// What was still being done when the node ended is not to undo its last words, such as by aborting a link.
    fn drop_what_follows_the_halt(&mut self) {
        if let Some(halt) = self.out.iter().position(|action| matches!(action, Action::Halt { .. })) {
            self.out.truncate(halt.saturating_add(1));
        }
    }

    fn now(&self) -> Instant {
        self.clock.now()
    }

    /// Sets `timer` to go off after `delay`, at least a microsecond from now.
    fn arm(&mut self, timer: Timer, delay: core::time::Duration) {
        let at = self.now().after(delay.max(core::time::Duration::from_micros(1)));
        self.timers.set(timer, at);
    }

    /// A message of that Lamport time came from somebody who belongs here.
    fn receive_stamp(&mut self, stamp: Stamp) {
        self.lamport = self.lamport.max(stamp).next();
    }

    fn tick(&mut self) -> Stamp {
        self.ticks(1)
    }

    /// So many things happen, one after the other. Returns the time of the first.
    fn ticks(&mut self, count: u64) -> Stamp {
        let first = self.lamport.next();
        self.lamport = self.lamport.plus(count);
        first
    }

    fn envelope(&mut self, message: Message) -> Envelope {
        Envelope { room: self.room, stamp: self.tick(), message }
    }

    fn send(&mut self, link: LinkId, message: Message) {
        let now = self.now();
        let Some(state) = self.links.get_mut(link) else { return };
        state.sent = now;
        self.stats.sent = self.stats.sent.saturating_add(1);
        let envelope = self.envelope(message).into();
        self.out.push(Action::Send { link, envelope });
    }

    /// Sends on the link that stands for `peer`. Tells whether there is one.
    fn send_to(&mut self, peer: NodeId, message: Message) -> bool {
        let link = self.links.of(peer);
        if let Some(link) = link {
            self.send(link, message);
        }
        link.is_some()
    }

    fn close(&mut self, link: LinkId, mode: CloseMode) {
        let Some(state) = self.links.get(link) else { return };
        let peer = state.peer;
        self.links.close(link);
        self.out.push(Action::Close { link, mode });
        if let Some(peer) = peer.filter(|peer| !self.links.is_linked(*peer)) {
            self.ring_unlinked(peer);
        }
    }

    /// Closes a link for its peer's fault.
    fn fault(&mut self, link: LinkId, reason: Fault) {
        let Some(remote) = self.links.get(link).map(|link| link.remote) else { return };
        self.stats.faults = self.stats.faults.saturating_add(1);
        self.notify(Notice::Fault { remote, reason });
        let state = self.links.get(link).map(|link| (link.peer, link.purpose.clone()));
        self.close(link, CloseMode::Abort);
        match state {
            Some((Some(peer), _)) => self.on_link_lost(peer),
            Some((None, Some(purpose))) => self.dial_came_to_nothing(&purpose, Ok(DownReason::Closed)),
            Some((None, None)) | None => {}
        }
    }

    /// Closes the link to `peer` for its fault.
    fn accuse(&mut self, peer: NodeId, reason: Fault) {
        if let Some(link) = self.links.of(peer) {
            self.fault(link, reason);
        }
    }

    #[inline]
    fn notify(&mut self, notice: Notice) {
        self.out.push(Action::Notify { lamport: self.lamport, notice });
    }

    fn end(&mut self, ending: Ending) {
        // Who never was a member has told nobody anything that is still to arrive.
        let mode = if let Ending::Left { .. } = ending { CloseMode::Flush } else { CloseMode::Abort };
        self.notify(Notice::Ended(ending));
        self.out.push(Action::Halt { mode });
        self.mode = Mode::Ended;
    }

    /// Who leads, or is awaited to.
    fn leader(&self) -> Option<NodeId> {
        match &self.mode {
            Mode::Normal => Some(self.view.leader),
            Mode::Waiting(waiting) => Some(waiting.view().leader),
            Mode::Joining | Mode::Electing(_) | Mode::Ended => None,
        }
    }

    /// The epoch in which this node has a leader, or awaits one.
    fn awaited_epoch(&self) -> Epoch {
        match &self.mode {
            Mode::Waiting(waiting) => waiting.view().epoch,
            Mode::Joining | Mode::Normal | Mode::Electing(_) | Mode::Ended => self.view.epoch,
        }
    }

    /// Whether this node leads, and is not frozen by an election.
    fn leads(&self) -> bool {
        self.is_normal() && self.leadership.is_some()
    }

    /// The newest configuration known, once there is one.
    fn known_cfg(&self) -> Option<ConfigId> {
        (!self.route.roster.is_empty()).then_some(self.route.cfg)
    }

    /// Whether `cfg` is newer than all that this node knows, and than what it has given up.
    fn is_news(&self, cfg: Option<ConfigId>) -> bool {
        cfg > self.known_cfg() && cfg > self.lapsed
    }

    /// The view of the log, once there is one.
    fn known_view(&self) -> Option<View> {
        (self.view.epoch > Epoch::default()).then_some(self.view)
    }

    /// The member of that id, if this node or a ring that it knows of has it, or has lost it.
    fn find_member(&self, id: NodeId) -> Option<&Member> {
        let me = Some(&*self.me).filter(|me| me.id == id);
        let awaited = if let Mode::Waiting(waiting) = &self.mode { waiting.roster().find(id) } else { None };
        let in_ring = || self.roster.find(id).or_else(|| self.route.roster.find(id)).or(awaited);
        me.or_else(in_ring).or_else(|| self.absent.member(id))
    }

    /// The member of that id, as far as this node knows it.
    fn member(&self, id: NodeId) -> Member {
        self.find_member(id).cloned().unwrap_or_else(|| Member::unknown(id))
    }

    /// Where `peer` listens: known of each member of a ring that this node knows, and of each peer that it ever had a
    /// link to or dialed.
    fn addr_of(&self, peer: NodeId) -> Option<SocketAddr> {
        self.find_member(peer).map(Member::addr).or_else(|| self.links.addr_of(peer))
    }
}
