//! The node: its parts, and the one dispatch of its inputs. Each file beside this one holds one part of the state, or one
//! part of the protocol.

mod admission;
mod authors;
mod clock;
mod departed;
mod detection;
mod doubt;
mod effects;
mod election;
mod follow_ups;
mod handshake;
#[cfg(feature = "inspect")]
pub(crate) mod inspect;
mod joining;
mod leadership;
mod leaving;
mod links;
mod log;
mod lost_members;
mod membership;
mod merging;
mod new_life;
mod own_messages;
mod pauses;
mod reach;
mod recovery;
mod relay;
mod removal;
mod replica;
mod report;
mod ring;
mod role;
mod rules;
mod shares;
mod strangers;
mod timers;
mod tracing;

use alloc::sync::Arc;
use alloc::vec::Vec;
use core::net::SocketAddr;

#[cfg(feature = "ablation")]
pub use self::rules::Rule;
#[cfg(not(feature = "ablation"))]
use self::rules::Rule;
use self::rules::Rules;

use self::doubt::Doubt;
use self::effects::Effects;
use self::follow_ups::FollowUps;
use self::joining::Joining;
use self::leadership::Leadership;
use self::leaving::Leaving;
use self::links::Links;
use self::membership::Membership;
use self::new_life::Lives;
use self::own_messages::OwnMessages;
use self::reach::Reach;
use self::replica::Replica;
use self::ring::Ring;
use self::role::Role;
use self::timers::{Timer, Timers};
use crate::action::{Action, CloseMode, Fault, Notice};
use crate::config::{Config, Seed, Start, Times};
use crate::ids::{LinkId, NodeId};
use crate::input::{Command, DownReason, Input};
use crate::rng::Rng;
use crate::roster::Member;
use crate::secure::Secret;
use crate::time::Instant;
use crate::trace::DropReason;
use crate::wire::{Envelope, Message};

/// Where a node puts its actions. The driver owns it, and empties it between two calls.
pub type Outbox = Vec<Action>;

/// A member of a room: a deterministic state machine that is driven by [`Node::handle`].
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Node {
    /// This member, shared with all messages that it says.
    me: Arc<Member>,
    times: Times,
    rng: Rng,
    timers: Timers,
    role: Role,
    leaving: Option<Leaving>,
    membership: Membership,
    ring: Ring,
    links: Links,
    replica: Replica,
    own: OwnMessages,
    doubt: Doubt,
    reach: Reach,
    effects: Effects,
    rules: Rules,
    follow_ups: FollowUps,
}

impl Node {
    /// A new node. `seed` is all that is random about it; `now` is the driver's clock.
    pub fn new(config: Config, seed: Seed, now: Instant) -> Self {
        let id = seed.id();
        let Seed { identity, room: drawn, jitter, .. } = seed;
        let room = config.secret.as_ref().map(Secret::room);
        let me = Arc::new(Member::new(id, config.addr, config.name));
        let role = match config.start {
            Start::Create => Role::Founding(room.unwrap_or(drawn)),
            Start::Join { contacts } => {
                Role::Joining(Joining::fresh(contacts, now.after(config.join_timeout)))
            }
        };
        let mut node = Self {
            times: Times::new(config.detect),
            rng: Rng::new(jitter),
            timers: Timers::new(now),
            role,
            leaving: None,
            membership: Membership::new(me.id, now),
            ring: Ring::default(),
            links: Links::default(),
            replica: Replica::showing(config.backlog),
            own: OwnMessages::new(identity, Lives::new(&jitter)),
            doubt: Doubt::default(),
            reach: Reach::default(),
            effects: Effects::new(now, room.unwrap_or_default(), config.trace),
            rules: Rules::default(),
            follow_ups: FollowUps::default(),
            me,
        };
        // The first tick begins the node's life: only a call can hand out actions.
        node.timers.set(Timer::Join, now);
        node
    }

    /// Takes one input that happened by `now`, then does all that is due, and puts the actions into `out`, which must be
    /// empty. Cannot fail, and no input makes it panic. After the node has ended it does nothing.
    pub fn handle(&mut self, now: Instant, input: Input, out: &mut Outbox) {
        self.handle_all(now, [input], out);
    }

    /// Takes inputs that happened one after the other by `now`, as [`handle`](Self::handle) takes one. What they make a
    /// leader sequence, or a member submit, is sent together, so a driver should hand over all messages of one read at
    /// once.
    pub fn handle_all(&mut self, now: Instant, inputs: impl IntoIterator<Item = Input>, out: &mut Outbox) {
        debug_assert!(out.is_empty(), "the driver empties the outbox");
        if self.has_ended() {
            return;
        }
        self.effects.exchange(out);
        self.trace_life();
        let absence = self.timers.advance(now, self.enforces(Rule::PatientClock), self.times);
        self.note_absence(absence);
        for input in inputs {
            if !self.has_ended() {
                self.take(input);
                self.settle();
            }
        }
        // Before a timer may end the leadership that owes the answers.
        self.answer_syncs();
        while !self.has_ended()
            && let Some(timer) = self.timers.take_due()
        {
            self.due(timer);
            self.settle();
        }
        self.conclude();
        if self.has_ended() {
            self.effects.drop_what_follows_the_halt();
        } else {
            self.trace_state();
        }
        self.effects.exchange(out);
        debug_assert!(
            self.deadline().is_none_or(|at| at > now),
            "a deadline that is due was left: {:?}",
            self.timers.deadline()
        );
    }

    /// When to hand in `Input::Tick`, on the driver's clock. Changes with each input.
    pub fn deadline(&self) -> Option<Instant> {
        self.timers.deadline().filter(|_| !self.has_ended())
    }

    fn take(&mut self, input: Input) {
        match input {
            Input::Tick => {}
            Input::Command(Command::Say { texts, at }) => self.say(&texts, at),
            Input::Command(Command::Report) => {
                let report = self.report();
                self.effects.notify(Notice::Report(report.into()));
            }
            Input::Command(Command::Trace(tracing)) => self.set_tracing(tracing),
            Input::Command(Command::Leave) => self.leave(),
            Input::LinkUp { link, origin, remote, peer } => self.on_link_up(link, origin, remote, peer),
            Input::DialFailed { dial, reason } => self.on_dial_failed(dial, reason),
            Input::Received { link, envelope } => self.on_received(link, envelope),
            Input::Heard { link } => self.on_heard(link),
            Input::LinkDown { link, reason } => self.on_link_down(link, reason),
        }
    }

    fn on_heard(&mut self, link: LinkId) {
        let now = self.now();
        if let Some(state) = self.links.get_mut(link) {
            state.heard = now;
        }
    }

    fn on_received(&mut self, link: LinkId, envelope: Envelope) {
        let before = self.effects.lamport();
        let checked = self.check(link, &envelope);
        let after = self.effects.lamport();
        self.trace_receipt(link, &envelope, after > before.max(envelope.stamp));
        match checked {
            None => self.ignore(DropReason::Closing),
            Some(Err(fault)) => {
                self.ignore(DropReason::Fault);
                self.fault(link, fault);
            }
            Some(Ok(Some(peer))) => self.on_peer_message(link, peer, envelope.message),
            Some(Ok(None)) => self.on_stranger_message(link, envelope.message),
        }
    }

    /// Checks and counts an envelope. Gives what is wrong with it, or the peer if both ends have agreed on the link; none
    /// if the link is being closed.
    fn check(&mut self, link: LinkId, envelope: &Envelope) -> Option<Result<Option<NodeId>, Fault>> {
        let now = self.now();
        let state = self.links.get_mut(link)?;
        if envelope.message.sender().is_some_and(|sender| sender != state.who) {
            return Some(Err(Fault::FalseName));
        }
        state.heard = now;
        state.stamp = state.stamp.max(Some(envelope.stamp));
        let peer = state.peer;
        let is_stranger = peer.is_none() && state.purpose.is_none();
        Some(self.effects.receive(envelope, is_stranger, now).map(|()| peer))
    }

    /// Dispatches a message on a link whose ends have agreed on it.
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

    /// Dispatches a message on a link whose ends have not agreed on it yet.
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
            Message::Pong(_) if self.wants_in_on(link) => {}
            Message::Ping(_) if self.wants_in_on(link) => {
                let beat = self.beat();
                self.send(link, Message::Pong(beat));
            }
            // Whoever lets this node in takes it for a member before the welcome comes, or still does after a welcome that came too
            // late.
            _ if self.wants_in_on(link) && self.enforces(Rule::EarlyIsNoFault) => {
                self.ignore(DropReason::Early);
            }
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

    /// Does once for all inputs of a call what need not be done for each.
    fn conclude(&mut self) {
        self.check_doubt();
        self.answer_syncs();
        self.submit_said();
        self.deliver_sequenced();
        self.check_leaving();
        self.settle();
        if !self.has_ended() {
            self.announce_ring();
            self.hurry_sweep();
        }
    }

    /// This member.
    pub fn me(&self) -> &Member {
        &self.me
    }

    fn now(&self) -> Instant {
        self.timers.now()
    }

    fn send(&mut self, link: LinkId, message: Message) {
        let now = self.now();
        let Some(state) = self.links.get_mut(link) else { return };
        state.sent = now;
        let who = state.who;
        self.effects.send(link, who, message);
    }

    /// Sends on the link to `peer`. Returns whether there is one.
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
        self.effects.close(link, mode);
        self.merge_link_lost(link);
        if let Some(peer) = peer.filter(|peer| !self.links.is_linked(*peer)) {
            self.ring_unlinked(peer);
        }
    }

    /// Closes a link because of its peer's fault.
    fn fault(&mut self, link: LinkId, reason: Fault) {
        let Some(remote) = self.links.get(link).map(|link| link.remote) else { return };
        self.effects.notify_fault(remote, reason);
        let state = self.links.get(link).map(|link| (link.peer, link.purpose.clone()));
        self.close(link, CloseMode::Abort);
        match state {
            Some((Some(peer), _)) => {
                self.pause_if_led_by(peer);
                self.on_link_lost(peer);
            }
            Some((None, Some(purpose))) => self.on_dial_ended(&purpose, Ok(DownReason::Closed)),
            Some((None, None)) | None => {}
        }
    }

    /// Closes the link to `peer` because of its fault.
    fn accuse(&mut self, peer: NodeId, reason: Fault) {
        if let Some(link) = self.links.of(peer) {
            self.fault(link, reason);
        }
    }

    /// The member of that id, if this node or a ring that it knows of has it, or has lost it.
    fn find_member(&self, id: NodeId) -> Option<&Member> {
        let me = Some(&*self.me).filter(|me| me.id == id);
        let in_awaited_ring = || self.role.syncing().and_then(|syncing| syncing.roster().find(id));
        let in_ring = || self.membership.find(id).or_else(in_awaited_ring);
        me.or_else(in_ring).or_else(|| self.replica.lost().member(id))
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
