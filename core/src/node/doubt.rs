//! A leader that slept does not know whether it still leads: the others may have elected another leader meanwhile, and
//! their messages may lie unread in its sockets. So it asks each member what that member has promised, and appends
//! nothing to the log until each has answered or is lost.

use alloc::collections::{BTreeSet, VecDeque};
use alloc::vec::Vec;
use core::time::Duration;

use super::follow_ups::FollowUp;
use super::shares::Shares;
use super::{Node, Rule};
use crate::action::{CloseMode, Departure};
use crate::config::Times;
use crate::ids::{LinkId, NodeId};
use crate::limits::RUN_OVERHEAD;
use crate::numbers::Epoch;
use crate::time::Instant;
use crate::trace::DropReason;
use crate::wire::{Message, Proven, RefusedKind, Run, ViewSpan};

/// Whether a leader that slept still leads.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) struct Doubt {
    /// How often this node has asked. An answer repeats the number, so that an answer to an earlier question does not
    /// count.
    round: u64,
    open: Option<Open>,
    /// Whether this node slept since its last election began.
    slept: bool,
}

/// What is known while the leader asks.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Open {
    since: Instant,
    /// The members that have not answered.
    awaited: BTreeSet<NodeId>,
    /// What members have sent to be appended, in the order in which it came.
    put_off: PutOff,
    /// How many bytes of that each member has sent.
    shares: Shares,
}

/// Messages, each with its link and the member at the other end.
type PutOff = VecDeque<(LinkId, NodeId, Message)>;

impl Doubt {
    /// Begins a new question to the members `awaited`. What was put off stays put off.
    fn begin(&mut self, now: Instant, awaited: BTreeSet<NodeId>) {
        self.round = self.round.saturating_add(1);
        let (put_off, shares) = self.open.take().map(|open| (open.put_off, open.shares)).unwrap_or_default();
        self.open = Some(Open { since: now, awaited, put_off, shares });
    }

    fn is_open(&self) -> bool {
        self.open.is_some()
    }

    /// An election begins. Returns whether this node slept since the last one began: the others may have had it already.
    pub(super) fn take_sleep(&mut self) -> bool {
        core::mem::take(&mut self.slept)
    }

    /// Ends the doubt. Returns what was put off.
    pub(super) fn end(&mut self) -> PutOff {
        self.open.take().map(|open| open.put_off).unwrap_or_default()
    }

    /// A member has answered the question of `round`. Returns whether that answer was awaited.
    fn answered(&mut self, member: NodeId, round: u64) -> bool {
        let is_current = round == self.round;
        self.open.as_mut().is_some_and(|open| is_current && open.awaited.remove(&member))
    }

    fn awaits(&self, member: NodeId) -> bool {
        self.open.as_ref().is_some_and(|open| open.awaited.contains(&member))
    }

    /// The members that have not answered, and how long ago they were asked.
    fn awaited(&self, now: Instant) -> (Vec<NodeId>, Duration) {
        let Some(open) = &self.open else { return (Vec::new(), Duration::ZERO) };
        (open.awaited.iter().copied().collect(), now.since(open.since))
    }

    /// How many bytes are put off.
    #[cfg(feature = "inspect")]
    pub(super) fn bytes(&self) -> u64 {
        self.open.as_ref().map_or(0, |open| open.shares.used())
    }

    /// Whether an answer to the question of `round` comes too late.
    #[cfg(feature = "inspect")]
    pub(super) fn is_over(&self, round: u64) -> bool {
        !self.is_open() || round < self.round
    }

    /// Whether this node slept since its last election began.
    pub(super) fn has_slept(&self) -> bool {
        self.slept
    }

    /// The number of the last question, and while the doubt lasts, the members that have not answered it and what
    /// was put off.
    #[cfg(feature = "inspect")]
    pub(super) fn state(&self) -> (u64, Option<(&BTreeSet<NodeId>, &PutOff)>) {
        (self.round, self.open.as_ref().map(|open| (&open.awaited, &open.put_off)))
    }

    /// Puts off what a member has sent. Returns whether there was room for it.
    fn put_off(&mut self, link: LinkId, member: NodeId, message: Message) -> bool {
        let Some(open) = &mut self.open else { return false };
        let weight = weight(&message);
        let has_room = open.shares.has_room(member, weight);
        if has_room {
            open.shares.take(member, weight);
            open.put_off.push_back((link, member, message));
        }
        has_room
    }
}

/// About how many bytes a message takes in memory.
fn weight(message: &Message) -> u64 {
    let (said, history): (&[Proven<Run>], &[ViewSpan]) = match message {
        Message::Submit { said, .. } => (said, &[]),
        Message::Sync(sync) => (&sync.tail, &sync.history),
        _ => (&[], &[]),
    };
    let overhead = RUN_OVERHEAD.saturating_add(size_of_val(history)) as u64;
    said.iter().map(|said| said.weight()).fold(overhead, u64::saturating_add)
}

impl Node {
    /// This node has not run for `absence`. A leader that slept may have been given up. In doubt only all of `detect` counts,
    /// since members that were just asked have heard of the leader: so even a leader that is late at every turn gets an answer.
    pub(super) fn note_absence(&mut self, absence: Duration) {
        let limit = if self.is_in_doubt() { self.times.detect } else { self.times.absence() };
        if absence <= limit || !self.enforces(Rule::DoubtAfterSleep) {
            return;
        }
        match self.role.election_mut() {
            Some(election) => election.sleep(),
            None => self.doubt.slept = true,
        }
        self.doubt_lead();
    }

    /// Whether this node leads and does not know whether the others still follow.
    pub(super) fn is_in_doubt(&self) -> bool {
        self.leads() && self.doubt.is_open()
    }

    /// Asks all members what they have promised. Newcomers that wait to be welcomed follow no leader yet.
    fn doubt_lead(&mut self) {
        let Some(leadership) = self.role.leadership() else { return };
        let is_asked =
            |id: &NodeId| !leadership.admissions.wants_in(*id) && !leadership.removals.contains(*id);
        let members: BTreeSet<NodeId> = leadership.members().filter(is_asked).collect();
        if members.is_empty() && !self.doubt.is_open() {
            return;
        }
        self.doubt.begin(self.timers.now(), members.clone());
        self.give_up_merge();
        for member in members {
            self.ask_promise(member);
        }
    }

    /// Asks a member what it has promised. Without a link it dials the member, and asks later.
    fn ask_promise(&mut self, member: NodeId) {
        let (now, round) = (self.now(), self.doubt.round);
        let Some(state) = self.links.of_mut(member) else {
            self.dial(member);
            return;
        };
        state.probed = Some(now);
        self.send_to(member, Message::WantPromise { round });
    }

    /// A link to a member stands anew: the question or the answer may be lost with the old one.
    pub(super) fn ask_on_new_link(&mut self, member: NodeId) {
        if self.is_in_doubt() && self.doubt.awaits(member) {
            self.ask_promise(member);
        }
    }

    pub(super) fn on_want_promise(&mut self, link: LinkId, peer: NodeId, round: u64) {
        if self.is_normal() && !self.membership.route().contains(peer) {
            return self.send_not_member(link, RefusedKind::WantPromise, self.membership.promised());
        }
        self.send(link, Message::Promise { round, epoch: self.membership.promised() });
    }

    /// A member that has promised a higher epoch takes part in an election, or follows its winner.
    pub(super) fn on_promise(&mut self, member: NodeId, round: u64, epoch: Epoch) {
        if !self.is_in_doubt() || !self.doubt.answered(member, round) {
            return self.ignore(DropReason::Stale);
        }
        if epoch > self.highest_acceptable() {
            self.ignore(DropReason::Leap);
        } else if epoch > self.membership.promised() {
            self.freeze(epoch);
        }
    }

    /// Puts off what a leader in doubt must not append yet. Returns any other message.
    pub(super) fn put_off(&mut self, link: LinkId, peer: NodeId, message: Message) -> Option<Message> {
        if !self.is_in_doubt() || !matches!(message, Message::Submit { .. } | Message::Sync(_)) {
            return Some(message);
        }
        if !self.doubt.put_off(link, peer, message) {
            // The member links anew, and shows all of it again.
            self.close(link, CloseMode::Abort);
            self.on_link_lost(peer);
        }
        None
    }

    /// Asks members again that sent something but no answer, and in the end gives them up.
    pub(super) fn press_doubt(&mut self) {
        if !self.is_in_doubt() {
            return;
        }
        let (awaited, asked) = self.doubt.awaited(self.now());
        let too_long = asked >= Times::unsynced(self.size_of_ring(self.membership.roster()));
        for member in awaited {
            let link = self.links.of(member).and_then(|link| self.links.get(link));
            if too_long {
                self.schedule_removal(member, Departure::Lost);
            } else if link.is_none_or(|link| link.probed.is_none_or(|at| link.heard >= at)) {
                self.ask_promise(member);
            }
        }
    }

    /// Ends the doubt once all members have answered or are lost, and does what was put off.
    pub(super) fn check_doubt(&mut self) {
        if !self.is_in_doubt() {
            return;
        }
        let (awaited, _) = self.doubt.awaited(self.now());
        let is_lost = |id: &NodeId| {
            self.role.leadership().as_ref().is_none_or(|it| it.removals.contains(*id) || !it.wants_link(*id))
        };
        if !awaited.iter().all(is_lost) {
            return;
        }
        let put_off = self.doubt.end();
        for follow_up in [FollowUp::CommitRemovals, FollowUp::Release, FollowUp::Admit] {
            self.note(follow_up);
        }
        self.settle();
        for (link, peer, message) in put_off {
            if self.stands_for(link, peer) {
                self.trace_return(peer, &message);
                self.on_peer_message(link, peer, message);
                self.settle();
            }
        }
        self.sequence_own();
    }

    pub(super) fn stands_for(&self, link: LinkId, member: NodeId) -> bool {
        self.links.get(link).is_some_and(|state| state.peer == Some(member))
    }
}
