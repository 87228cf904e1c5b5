//! The leader lets newcomers in: one entry for all who wait, and a welcome once every insider has it.

use alloc::collections::BTreeSet;
use alloc::vec::Vec;

use super::links::Purpose;
use super::merging::size_of;
use super::{Node, Rule};
use crate::action::{Action, CloseMode, Departure, Fault};
use crate::ids::{LinkId, NodeId};
use crate::limits::{MAX_HALF_OPEN, MAX_ROSTER};
use crate::node::Timer;
use crate::numbers::{Epoch, Index};
use crate::roster::{Member, View};
use crate::time::Instant;
use crate::wire::{Body, Change, Join, Message, Refusal};

/// Somebody who waits to be let in.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Joiner {
    pub(super) member: Member,
    /// It comes right after this one in the ring.
    pub(super) contact: NodeId,
    /// The highest epoch that it promised; zero for one who was never a member.
    pub(super) epoch: Epoch,
    /// The members of the ring that it leads.
    pub(super) ring: Vec<Member>,
}

/// Newcomers whose entry is on its way to the insiders.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Admission {
    /// Every insider is to have the log up to here.
    pub(super) index: Index,
    pub(super) newcomers: BTreeSet<NodeId>,
    since: Instant,
}

impl Joiner {
    /// Itself and the members of its ring.
    fn ids(&self) -> Vec<NodeId> {
        core::iter::once(&self.member).chain(&self.ring).map(|member| member.id).collect()
    }

    /// Itself after its contact, and each member of its ring after the one before.
    fn in_ring_order(self) -> Vec<(Member, NodeId)> {
        let mut after = self.contact;
        let members = core::iter::once(self.member).chain(self.ring);
        members.map(|member| (member.clone(), core::mem::replace(&mut after, member.id))).collect()
    }
}

impl Node {
    pub(super) fn on_join(&mut self, link: LinkId, mut join: Join) {
        let Some(state) = self.links.get(link) else { return };
        if state.purpose.as_ref().is_some_and(|purpose| !matches!(purpose, Purpose::Probe { .. }))
            || state.peer.is_some_and(|peer| peer != join.me.id)
            || self.lives_here(&join.me)
        {
            return self.fault(link, Fault::Unexpected);
        }
        join.ring.retain(|member| !self.lives_here(member));
        // Who can ask lives, whatever came of the last dial: as a member it is not to be passed over.
        self.unreachable.remove(&join.me.id);
        if self.leaving.is_some() || self.lost_leader.is_some() || !self.is_normal() || self.is_in_doubt() {
            return self.send(link, Message::Refused(Refusal::Busy));
        }
        let rank = self.rank();
        let Some(leadership) = &mut self.leadership else {
            let (me, leader) = (self.me.id, self.member(self.view.leader));
            return self.send(link, Message::JoinVia { me, leader });
        };
        leadership.joiners.retain(|joiner| joiner.member.id != join.me.id);
        let is_greater = join.ring.is_empty() || rank > (size_of(&join.ring), join.me.id);
        if leadership.joiners.len() >= MAX_HALF_OPEN || leadership.merging.is_some() || !is_greater {
            return self.send(link, Message::Refused(Refusal::Busy));
        }
        let waiting: usize = leadership.joiners.iter().map(|it| it.ring.len().saturating_add(1)).sum();
        if waiting.saturating_add(join.ring.len()).saturating_add(self.roster.len()) >= MAX_ROSTER {
            self.send(link, Message::Refused(Refusal::RoomFull));
            self.close(link, CloseMode::Flush);
            if !join.ring.is_empty() {
                self.too_many_to_merge();
            }
            return;
        }
        let contact = join.contact.unwrap_or(self.me.id);
        let member = join.me.clone();
        leadership.joiners.push(Joiner { member: join.me, contact, epoch: join.epoch, ring: join.ring });
        self.adopt(link, &member, join.generation);
        // It may take a while until it is let in; it is to know that somebody listens.
        let beat = self.beat();
        self.send(link, Message::Pong(beat));
        self.try_admit();
    }

    /// Whether `member` says that it is this node, or listens where this node does.
    fn lives_here(&self, member: &Member) -> bool {
        member.replaces(&self.me)
    }

    /// Lets in all who wait, unless others are just being let in.
    pub(super) fn try_admit(&mut self) {
        if self.is_in_doubt() {
            return;
        }
        let Some(leadership) = self.leadership.as_mut().filter(|it| it.admission.is_none()) else { return };
        let mut joiners = core::mem::take(&mut leadership.joiners);
        // Some may have given up, or have come in by an election meanwhile.
        joiners.retain(|it| self.links.is_linked(it.member.id) && !leadership.is_synced(it.member.id));
        if joiners.is_empty() || self.leaving.is_some() {
            return;
        }
        let promised = joiners.iter().map(|joiner| joiner.epoch).max().unwrap_or_default();
        if promised >= self.view.epoch && self.keeps(Rule::EpochAboveReturners) {
            self.reopen(promised.next());
        }
        let returning = joiners.iter().filter(|joiner| joiner.epoch > Epoch::default());
        let returning: Vec<NodeId> = returning.flat_map(Joiner::ids).collect();
        let merged = joiners.iter().any(|joiner| !joiner.ring.is_empty());
        let joined: Vec<_> = joiners.into_iter().flat_map(Joiner::in_ring_order).collect();
        let newcomers: BTreeSet<NodeId> = joined.iter().map(|(member, _)| member.id).collect();
        let gone = self.older_lives(&joined);
        // Noted before the entry has its effects: nobody is to greet the newcomers as members yet.
        let (index, since) = (self.log.len().next(), self.now());
        if let Some(leadership) = &mut self.leadership {
            leadership.returning.extend(returning);
            leadership.admission = Some(Admission { index, newcomers, since });
        }
        let change = Change::Edit { gone, joined, merged };
        self.sequence(Body::Membership { cfg: self.cfg.next(), change: change.into() });
        self.arm(Timer::Admission, self.times.admission());
        self.check_admission();
    }

    /// Members whose address a newcomer has: their process has ended.
    fn older_lives(&self, joined: &[(Member, NodeId)]) -> Vec<(Member, Departure)> {
        let replaced = |member: &&Member| joined.iter().any(|(newcomer, _)| newcomer.replaces(member));
        let older = self.roster.iter().filter(replaced);
        older.map(|member| (member.clone(), Departure::Lost)).collect()
    }

    /// Opens a new epoch under the same leader, above all that one who comes back has promised.
    fn reopen(&mut self, epoch: Epoch) {
        let roster = self.roster.clone();
        self.reign(View { epoch, leader: self.me.id }, roster);
        for member in self.linked_peers() {
            if self.roster.contains(member) {
                let elected = self.announcement();
                self.send_elected(member, elected);
            }
        }
    }

    /// Welcomes the newcomers once every insider has their entry.
    pub(super) fn check_admission(&mut self) {
        if self.is_in_doubt() {
            return;
        }
        let waits = self.keeps(Rule::WelcomeAfterAcks);
        let Some(leadership) = &mut self.leadership else { return };
        let Some(admission) = &leadership.admission else { return };
        if waits && !leadership.lacking(admission.index, &admission.newcomers).is_empty() {
            return;
        }
        let newcomers = admission.newcomers.clone();
        leadership.admission = None;
        self.timers.clear(Timer::Admission);
        for newcomer in newcomers {
            if let Some(link) = self.links.of(newcomer) {
                self.out.push(Action::Trust { link });
                let elected = self.announcement();
                self.send_elected(newcomer, elected);
            }
        }
        self.try_admit();
    }

    /// The insiders did not all get the entry in time: the newcomers go again.
    pub(super) fn on_admission_due(&mut self) {
        let Some(admission) = self.leadership.as_mut().and_then(|it| it.admission.take()) else { return };
        let is_out = |id: &NodeId| self.leadership.as_ref().is_some_and(|it| it.is_unsynced(*id));
        let out: Vec<NodeId> = admission.newcomers.into_iter().filter(is_out).collect();
        for newcomer in &out {
            self.send_to(*newcomer, Message::Refused(Refusal::TooLate));
        }
        self.expel(out, Departure::Lost);
        self.try_admit();
    }

    /// Asks the insiders on whom an admission waits for a sign of life: one that is dead must not hold it
    /// up for longer than it takes to know.
    pub(super) fn hurry_admission(&mut self) {
        let Some(leadership) = &self.leadership else { return };
        let Some(admission) = &leadership.admission else { return };
        if self.now().since(admission.since) < self.times.dial() {
            return;
        }
        for insider in leadership.lacking(admission.index, &admission.newcomers) {
            self.on_suspect(insider);
        }
    }
}
