//! What a node does to the world: the actions of one call, in order, with the Lamport time that they carry.

use alloc::boxed::Box;
use alloc::vec::Vec;
use core::mem;
use core::net::SocketAddr;

use super::Outbox;
use super::clock::LamportClock;
use super::tracing::Tracer;
use crate::action::{Action, CloseMode, Fault, Notice};
use crate::ids::{DialId, LinkId, NodeId, RoomId};
use crate::numbers::Stamp;
use crate::report::Stats;
use crate::time::Instant;
use crate::trace::{DialReason, Traced, Tracing};
use crate::wire::{Envelope, Message};

/// The actions of the current call, and what the envelopes of all calls share: room and Lamport clock.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Effects {
    room: RoomId,
    clock: LamportClock,
    /// Counts for people. Nothing that the node does depends on them.
    stats: Stats,
    started: Instant,
    /// None if nothing is traced.
    tracer: Option<Box<Tracer>>,
    /// Empty between two calls.
    out: Outbox,
}

impl Effects {
    /// Those of a node that starts `now`, in `room` if that is known.
    pub(super) fn new(now: Instant, room: RoomId, tracing: Tracing) -> Self {
        Self {
            room,
            clock: LamportClock::new(now),
            stats: Stats::default(),
            started: now,
            tracer: Tracer::new(tracing),
            out: Vec::new(),
        }
    }

    /// From now on, traces so much.
    pub(super) fn set_tracing(&mut self, tracing: Tracing) {
        self.tracer = Tracer::new(tracing);
    }

    pub(super) fn is_traced(&self) -> bool {
        self.tracer.is_some()
    }

    /// Tells what `what` makes, if this node is traced.
    #[inline]
    pub(super) fn trace(&mut self, what: impl FnOnce(&mut Tracer) -> Option<Traced>) {
        let Some(tracer) = &mut self.tracer else { return };
        if let Some(traced) = what(tracer) {
            self.out.push(Action::Trace { lamport: self.clock.stamp(), traced: traced.into() });
        }
    }

    /// Exchanges the actions with the driver's outbox: before a call to use its memory, after it to hand them over.
    pub(super) fn exchange(&mut self, out: &mut Outbox) {
        mem::swap(&mut self.out, out);
    }

    /// Drops what handlers did after the node had ended, such as to abort a link: its last words stand.
    pub(super) fn drop_what_follows_the_halt(&mut self) {
        if let Some(halt) = self.out.iter().position(|action| matches!(action, Action::Halt { .. })) {
            self.out.truncate(halt.saturating_add(1));
        }
    }

    /// The room, once it is known.
    pub(super) fn room(&self) -> RoomId {
        self.room
    }

    /// Sets the room that this node creates.
    pub(super) fn create_room(&mut self, room: RoomId) {
        self.room = room;
    }

    /// Counts an envelope. A node that knows no room yet takes the `sender`'s, unless that is a stranger, whose clock
    /// does not count either.
    ///
    /// # Errors
    /// What is wrong with the envelope, if it is of another room.
    pub(super) fn receive(
        &mut self,
        envelope: &Envelope,
        is_stranger: bool,
        now: Instant,
    ) -> Result<(), Fault> {
        self.stats.received = self.stats.received.saturating_add(1);
        if !is_stranger {
            self.observe(envelope.stamp, now);
        }
        if self.room == RoomId::UNKNOWN {
            if !is_stranger {
                self.room = envelope.room;
            }
        } else if envelope.room != self.room && envelope.room != RoomId::UNKNOWN {
            return Err(Fault::OtherRoom);
        }
        Ok(())
    }

    /// Moves the clock past the stamp of a message received, as far as others may move it.
    pub(super) fn observe(&mut self, stamp: Stamp, now: Instant) {
        self.clock.observe(stamp, now);
    }

    /// Moves the clock by `count` events. Returns the stamp of the first.
    pub(super) fn ticks(&mut self, count: u64) -> Stamp {
        self.clock.tick(count)
    }

    /// Lets others move the clock as far as they like.
    #[cfg(feature = "ablation")]
    pub(super) fn unbind_clock(&mut self) {
        self.clock.unbind();
    }

    fn envelope(&mut self, message: Message) -> Envelope {
        Envelope { room: self.room, stamp: self.ticks(1), message }
    }

    pub(super) fn dial(&mut self, dial: DialId, addr: SocketAddr, expected: Option<NodeId>, why: DialReason) {
        self.trace(|_| Some(Traced::Dialed { dial, addr, whom: expected, why }));
        self.out.push(Action::Dial { dial, addr, expected });
    }

    pub(super) fn new_life(&mut self, id: NodeId) {
        self.out.push(Action::NewLife { id });
    }

    pub(super) fn trust(&mut self, link: LinkId) {
        self.out.push(Action::Trust { link });
    }

    /// Sends to `peer`, who is at the other end of `link`.
    pub(super) fn send(&mut self, link: LinkId, peer: NodeId, message: Message) {
        self.stats.sent = self.stats.sent.saturating_add(1);
        let envelope = self.envelope(message);
        self.trace_sending(&envelope, || [(link, peer)].into());
        self.out.push(Action::Send { link, envelope: envelope.into() });
    }

    /// Sends on all of `links`; `who` tells who is at the other end of each.
    pub(super) fn multicast(
        &mut self,
        links: Vec<LinkId>,
        who: impl Fn(LinkId) -> Option<NodeId>,
        message: Message,
    ) {
        self.stats.sent = self.stats.sent.saturating_add(links.len() as u64);
        if !links.is_empty() {
            let envelope = self.envelope(message);
            let ends = || links.iter().filter_map(|link| Some((*link, who(*link)?))).collect();
            self.trace_sending(&envelope, ends);
            self.out.push(Action::Multicast { links, envelope: envelope.into() });
        }
    }

    #[inline]
    fn trace_sending(&mut self, envelope: &Envelope, to: impl FnOnce() -> Vec<(LinkId, NodeId)>) {
        self.trace(|tracer| {
            let sketch = tracer.sketch(&envelope.message);
            Some(Traced::Sent { to: to(), stamp: envelope.stamp, sketch })
        });
    }

    pub(super) fn close(&mut self, link: LinkId, mode: CloseMode) {
        self.out.push(Action::Close { link, mode });
    }

    #[inline]
    pub(super) fn notify(&mut self, notice: Notice) {
        self.out.push(Action::Notify { lamport: self.clock.stamp(), notice });
    }

    pub(super) fn notify_fault(&mut self, remote: SocketAddr, reason: Fault) {
        self.stats.faults = self.stats.faults.saturating_add(1);
        self.notify(Notice::Fault { remote, reason });
    }

    pub(super) fn halt(&mut self, mode: CloseMode) {
        self.out.push(Action::Halt { mode });
    }

    pub(super) fn count_shown(&mut self, messages: u64) {
        self.stats.shown = self.stats.shown.saturating_add(messages);
    }

    pub(super) fn count_election(&mut self) {
        self.stats.elections = self.stats.elections.saturating_add(1);
    }

    pub(super) fn count_election_message(&mut self) {
        self.stats.election_messages = self.stats.election_messages.saturating_add(1);
    }

    pub(super) fn lamport(&self) -> Stamp {
        self.clock.stamp()
    }

    /// The counts so far, and how long the node has run.
    pub(super) fn stats(&self, now: Instant) -> Stats {
        Stats { uptime: now.since(self.started), ..self.stats }
    }
}
