//! The ring: the next member, the previous one, and how a gap is closed.
//!
//! The next is the first member after this one in the route that can be linked to. A full roster is a successor list of
//! n - 1, so the ring closes whichever members are missing.

use alloc::vec::Vec;

use super::follow_ups::FollowUp;
use super::strangers::Need;
use super::{Node, Rule};
use crate::action::{Notice, RingReason};
use crate::config::Times;
use crate::ids::NodeId;
use crate::limits::LOOK_AHEAD;
use crate::node::Timer;
use crate::wire::Hello;

/// The neighbours of this node.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) struct Ring {
    /// The next member, while a link to it stands.
    next: Option<NodeId>,
    /// The member that is being dialed to be the next.
    seeking: Option<NodeId>,
    /// Whether members nearer than the next wait to be dialed, because this node was never linked to them.
    strangers_wait: bool,
    /// The nearest member before this one that takes it for its next.
    prev: Option<NodeId>,
    /// The previous and the next member that the user was told.
    told: Option<(NodeId, NodeId)>,
    /// Why the neighbours changed last, or are about to change.
    reason: Option<RingReason>,
}

impl Ring {
    /// The next member, while a link to it stands.
    pub(super) fn next(&self) -> Option<NodeId> {
        self.next
    }

    /// The nearest member before this one that takes it for its next.
    pub(super) fn prev(&self) -> Option<NodeId> {
        self.prev
    }

    /// The member that is being dialed to be the next.
    pub(super) fn seeking(&self) -> Option<NodeId> {
        self.seeking
    }

    /// Whether members nearer than the next wait to be dialed.
    pub(super) fn strangers_wait(&self) -> bool {
        self.strangers_wait
    }

    pub(crate) fn is_next_or_sought(&self, peer: NodeId) -> bool {
        self.next == Some(peer) || self.seeking == Some(peer)
    }

    pub(crate) fn is_neighbour(&self, peer: NodeId) -> bool {
        self.is_next_or_sought(peer) || self.prev == Some(peer)
    }

    /// Sets the reason that the user is told if the neighbours change.
    pub(crate) fn because(&mut self, reason: RingReason) {
        self.reason = Some(reason);
    }

    /// Lets the user be told the neighbours anew, because this node came in.
    pub(crate) fn forget_told(&mut self) {
        self.told = None;
        self.reason = None;
    }

    fn was_told(&self, peer: NodeId) -> bool {
        self.told.is_some_and(|(prev, next)| prev == peer || next == peer)
    }
}

impl Node {
    /// Sees to it that the first reachable member after this one is next, or is being dialed.
    pub(super) fn seek_next(&mut self) {
        let (first, strangers_wait) = self.first_usable();
        self.ring.strangers_wait = strangers_wait;
        if self.reach.passes_over_any() && !self.timers.is_set(Timer::Reseek) {
            self.timers.arm(Timer::Reseek, Times::RESEEK);
        }
        let Some(first) = first else {
            self.ring.seeking = None;
            self.leave_next();
            return self.owe_next();
        };
        if self.ring.next == Some(first) {
            self.ring.seeking = None;
            self.note(FollowUp::PassToken);
        } else if self.links.is_linked(first) {
            self.take_next(first);
        } else if self.addr_of(first).is_some_and(|addr| self.links.asks(first, addr)) {
            // The welcome comes on the link on which this node asked. A greeting would replace that link.
            self.ring.seeking = None;
        } else if self.ring.seeking != Some(first) {
            self.ring.seeking = Some(first);
            if !self.dial(first) {
                self.ring.seeking = None;
            }
        }
    }

    /// The first member after this one that is or may become the next, and whether strangers nearer than that wait to be
    /// dialed. The ring waits for some strangers, and then only if there is nobody else.
    fn first_usable(&self) -> (Option<NodeId>, bool) {
        let mut waiting = None;
        let gives_up = self.gives_up_strangers();
        let counts = |id: NodeId| !gives_up || self.links.is_linked(id) || !self.is_stranger(id);
        let usable = |id: &NodeId| !self.passes_over(*id) && counts(*id);
        for id in self.membership.route().after(self.me.id).filter(usable) {
            if self.links.is_linked(id) || self.ring.seeking == Some(id) || self.may_dial(id, Need::Next) {
                return (Some(id), waiting.is_some());
            }
            waiting = waiting.or(Some(id));
        }
        (waiting.filter(|id| self.may_dial(*id, Need::Nearer)), waiting.is_some())
    }

    /// Whether the ring has to pass over `id`.
    pub(super) fn passes_over(&self, id: NodeId) -> bool {
        self.reach.passes_over(id) || self.leaves_out(id)
    }

    /// A link to `peer` stands anew.
    pub(super) fn ring_linked(&mut self, peer: NodeId) {
        if self.ring.seeking == Some(peer) {
            self.take_next(peer);
        } else {
            self.note(FollowUp::SeekNext);
        }
        // The greeting may have been sent before the next changed.
        self.tell_role(peer);
    }

    fn take_next(&mut self, peer: NodeId) {
        self.ring.seeking = None;
        self.leave_next();
        self.ring.next = Some(peer);
        self.tell_role(peer);
        self.owe_next();
    }

    fn leave_next(&mut self) {
        if let Some(old) = self.ring.next.take() {
            self.tell_role(old);
        }
    }

    /// Owes a new next the token of an election, or the news of who leads.
    fn owe_next(&mut self) {
        self.note(FollowUp::PassToken);
        self.note(FollowUp::Announce);
    }

    /// A linked peer tells whether this node is its next.
    pub(super) fn on_role(&mut self, hello: &Hello) {
        if let Some(link) = self.links.of_mut(hello.me) {
            link.takes_me_for_next = hello.next;
        }
        self.seek_prev();
    }

    /// Finds the nearest member before this one that takes it for its next.
    pub(super) fn seek_prev(&mut self) {
        let mut before = self.membership.route().after(self.me.id).rev();
        self.ring.prev = before.find(|id| self.links.takes_me_for_next(*id) && !self.reach.has_refused(*id));
    }

    /// Lets refusals lapse: a member that takes this node for its next may be its previous again.
    pub(super) fn forgive(&mut self) {
        self.reach.forgive();
        self.seek_prev();
    }

    /// `peer` is no neighbour any longer.
    pub(super) fn ring_unlinked(&mut self, peer: NodeId) {
        if self.ring.was_told(peer) && self.membership.route().contains(peer) {
            // The ring may close before the log removes the peer.
            self.ring.because(RingReason::Repair);
        }
        if self.ring.next == Some(peer) {
            self.ring.next = None;
            self.note(FollowUp::SeekNext);
        }
        self.seek_prev();
        if self.ring.seeking == Some(peer) && self.links.dialing(peer).is_none() {
            self.ring.seeking = None;
            self.note(FollowUp::SeekNext);
        }
    }

    /// Dials members behind the nearest successor, which takes long to answer.
    pub(super) fn look_ahead(&mut self) {
        let Some(seeking) = self.ring.seeking else { return };
        let after = self.membership.route().after(self.me.id).skip_while(|id| *id != seeking);
        let unknown = after.filter(|id| !self.passes_over(*id));
        let ahead = unknown.take(LOOK_AHEAD).take_while(|id| !self.links.is_linked(*id));
        for peer in ahead.collect::<Vec<_>>() {
            self.dial(peer);
        }
    }

    /// Tries members again that were passed over.
    pub(super) fn on_reseek_due(&mut self) {
        if !self.enforces(Rule::RetrySkipped) {
            return;
        }
        if !self.role.is_electing() {
            self.forgive();
            self.retry_behind_next();
        }
        let nearer = self.membership.route().after(self.me.id).take_while(|id| Some(*id) != self.ring.next);
        let now = self.now();
        let grow = self.enforces(Rule::GrowingPauses);
        let rests = |id: NodeId| grow && self.addr_of(id).is_some_and(|addr| self.reach.rests(addr, now));
        let skipped = nearer.filter(|id| self.reach.is_unreachable(*id) && !rests(*id)).collect::<Vec<_>>();
        for peer in skipped {
            self.dial(peer);
        }
        self.note(FollowUp::SeekNext);
    }

    /// Lets failed dials to members behind the next lapse. Nobody dials these members again, and one that once did not answer
    /// in time would be passed over much later, when the next is gone.
    fn retry_behind_next(&mut self) {
        let behind = self.membership.route().after(self.me.id).skip_while(|id| Some(*id) != self.ring.next);
        for peer in behind {
            self.reach.forget_failed_dial(peer);
        }
    }

    /// Tells the user of new neighbours once both are known.
    pub(super) fn announce_ring(&mut self) {
        if !self.is_normal() || !self.membership.is_ready() {
            return;
        }
        let alone = self.membership.roster().len() <= 1;
        let (Some(prev), Some(next)) = (
            self.ring.prev.or_else(|| alone.then_some(self.me.id)),
            self.ring.next.or_else(|| alone.then_some(self.me.id)),
        ) else {
            return;
        };
        if self.ring.told == Some((prev, next))
            || !self.membership.roster().contains(prev)
            || !self.membership.roster().contains(next)
        {
            return;
        }
        self.ring.told = Some((prev, next));
        let (prev, next) = (self.member(prev).into(), self.member(next).into());
        let reason = self.ring.reason.unwrap_or(RingReason::Join);
        self.effects.notify(Notice::Ring { prev, next, reason });
    }
}
