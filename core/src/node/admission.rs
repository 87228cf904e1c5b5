//! Admission: the leader appends one entry for all newcomers that wait, and welcomes them once every insider has it.

use alloc::collections::{BTreeMap, BTreeSet};
use alloc::vec::Vec;
use core::net::SocketAddr;
use core::time::Duration;

use super::follow_ups::FollowUp;
use super::links::Purpose;
use super::merging::size_of;
use super::{Node, Rule};
use crate::action::{CloseMode, Departure, Fault};
use crate::ids::{LinkId, NodeId};
use crate::limits::{MAX_HALF_OPEN, MAX_ROSTER};
use crate::node::Timer;
use crate::numbers::{Epoch, Index};
use crate::roster::{Member, View};
use crate::time::Instant;
use crate::wire::{Body, Change, Join, Message, Refusal};

/// A newcomer that waits to be let in.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Joiner {
    member: Member,
    /// The member after which the newcomer comes in the ring.
    contact: NodeId,
    /// The highest epoch that the newcomer has promised; zero if it never was a member.
    epoch: Epoch,
    /// The other members of the ring that the newcomer leads.
    ring: Vec<Member>,
    /// Whether the leader has found the newcomer at its address.
    found: bool,
}

/// Newcomers whose entry is on its way to the insiders.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Admission {
    /// The newcomers are welcomed once every insider has the log up to here.
    index: Index,
    newcomers: BTreeSet<NodeId>,
    since: Instant,
}

/// The newcomers of a leader: those that wait, and those that are being let in.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(super) struct Admissions {
    joiners: Vec<Joiner>,
    current: Option<Admission>,
    /// Addresses of members at which somebody else claimed to be and was not found, and when.
    refuted: BTreeMap<SocketAddr, Instant>,
}

impl Admissions {
    /// Whether no newcomer waits or is being let in.
    pub(super) fn is_idle(&self) -> bool {
        self.joiners.is_empty() && self.current.is_none()
    }

    /// Whether newcomers are being let in.
    pub(super) fn is_under_way(&self) -> bool {
        self.current.is_some()
    }

    /// The members that are being let in and are not welcomed yet.
    pub(super) fn newcomers(&self) -> impl Iterator<Item = NodeId> {
        self.current.iter().flat_map(|it| it.newcomers.iter().copied())
    }

    pub(super) fn is_newcomer(&self, member: NodeId) -> bool {
        self.current.as_ref().is_some_and(|it| it.newcomers.contains(&member))
    }

    pub(super) fn is_waiting(&self, peer: NodeId) -> bool {
        self.joiners.iter().any(|joiner| joiner.member.id == peer)
    }

    /// Whether `peer` waits to be let in, or to be welcomed.
    pub(super) fn wants_in(&self, peer: NodeId) -> bool {
        self.is_newcomer(peer) || self.is_waiting(peer)
    }

    /// Whether as many wait as may.
    fn is_full(&self) -> bool {
        self.joiners.len() >= MAX_HALF_OPEN
    }

    /// How many members those that wait would add.
    fn waiting(&self) -> usize {
        self.joiners.iter().map(|it| it.ring.len().saturating_add(1)).sum()
    }

    fn withdraw(&mut self, peer: NodeId) {
        self.joiners.retain(|joiner| joiner.member.id != peer);
    }

    fn joiner(&self, peer: NodeId) -> Option<&Joiner> {
        self.joiners.iter().find(|joiner| joiner.member.id == peer)
    }

    /// A newcomer was not found at `addr`, where a member is.
    fn refute(&mut self, addr: SocketAddr, now: Instant, lasts: Duration) {
        self.refuted.retain(|_, at| now.since(*at) < lasts);
        self.refuted.insert(addr, now);
    }

    fn is_refuted(&self, addr: SocketAddr, now: Instant, lasts: Duration) -> bool {
        self.refuted.get(&addr).is_some_and(|at| now.since(*at) < lasts)
    }

    /// Takes out all that wait, unless others are being let in.
    fn take_joiners(&mut self) -> Vec<Joiner> {
        if self.is_under_way() { Vec::new() } else { core::mem::take(&mut self.joiners) }
    }

    /// Whether newcomers wait for a member that has the log up to `acked` only.
    #[cfg(feature = "inspect")]
    pub(super) fn waits_for(&self, acked: Index) -> bool {
        self.current.as_ref().is_some_and(|it| acked < it.index)
    }

    /// Feeds all that decides what follows into `state`.
    #[cfg(feature = "inspect")]
    pub(super) fn digest(&self, state: &mut impl core::hash::Hasher) {
        use core::hash::Hash;
        self.joiners.hash(state);
        self.refuted.keys().for_each(|addr| addr.hash(state));
        self.current.as_ref().map(|it| (it.index, &it.newcomers)).hash(state);
    }
}

impl Joiner {
    /// The newcomer and the members of its ring.
    fn ids(&self) -> Vec<NodeId> {
        core::iter::once(&self.member).chain(&self.ring).map(|member| member.id).collect()
    }

    /// The newcomer after its contact, then each member of its ring after the one before.
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
            || join.me.id == self.me.id
        {
            return self.fault(link, Fault::Unexpected);
        }
        if self.lives_here(&join.me) {
            return self.refuse_address(link);
        }
        join.ring.retain(|member| !self.lives_here(member) && !self.is_held(member));
        // A node that asks is alive. As a member it must not be passed over because an earlier dial to it failed.
        self.reach.forget_failed_dial(join.me.id);
        if self.leaving.is_some() || self.role.leader_is_lost() || !self.is_normal() || self.is_in_doubt() {
            return self.send(link, Message::Refused(Refusal::Busy));
        }
        let (rank, highest) = (self.rank(), self.highest_acceptable());
        if !self.leads() {
            let (me, leader) = (self.me.id, self.member(self.membership.view().leader));
            return self.send(link, Message::JoinVia { me, leader });
        }
        if self.is_led_too_far(join.epoch) {
            return self.begin_unbound_life(Some(join.me.addr()));
        }
        let Some(leadership) = self.role.leadership_mut() else { return };
        leadership.admissions.withdraw(join.me.id);
        if join.epoch > highest {
            return self.refuse_to_admit(link, Refusal::EpochTooHigh);
        }
        let is_greater = join.ring.is_empty() || rank > (size_of(&join.ring), join.me.id);
        if leadership.admissions.is_full() || leadership.merge.is_asked() || !is_greater {
            return self.send(link, Message::Refused(Refusal::Busy));
        }
        let members = leadership.admissions.waiting().saturating_add(self.membership.roster().len());
        if members.saturating_add(join.ring.len()) >= MAX_ROSTER {
            self.refuse_to_admit(link, Refusal::RoomFull);
            if !join.ring.is_empty() {
                self.too_many_to_merge();
            }
            return;
        }
        let contact = join.contact.unwrap_or(self.me.id);
        let member = join.me.clone();
        let joiner = Joiner { member: join.me, contact, epoch: join.epoch, ring: join.ring, found: false };
        leadership.admissions.joiners.push(joiner);
        self.bind_join_link(link, &member, join.generation);
        // To be let in may take a while. Until then the newcomer has to know that the leader listens.
        let beat = self.beat();
        self.send(link, Message::Pong(beat));
        self.look_for_newcomer(&member);
        self.note(FollowUp::Admit);
    }

    /// Whether another life than `newcomer` is at the address that `newcomer` says is its own: a member, or one that was
    /// lost and that this node has met there. A newcomer from the same machine may take the place of a lost one.
    fn is_address_disputed(&self, newcomer: &Member) -> bool {
        let other_life = |member: &Member| member.id != newcomer.id && member.addr() == newcomer.addr();
        let is_disputed = self.membership.roster().iter().any(other_life)
            || (self.replica.lost().was_at_address_of(newcomer) && !self.links.is_located(newcomer));
        is_disputed && self.enforces(Rule::FoundAtAddress)
    }

    /// Whether a link stands to a member that `member`, of a ring that wants in, would replace.
    fn is_held(&self, member: &Member) -> bool {
        let mut replaced = self.membership.roster().iter().filter(|other| member.replaces(other));
        replaced.any(|other| self.links.is_linked(other.id)) && self.enforces(Rule::FoundAtAddress)
    }

    /// Looks whether a newcomer is where it says, if somebody else was there: only one of them can be.
    fn look_for_newcomer(&mut self, newcomer: &Member) {
        if !self.is_address_disputed(newcomer) || self.links.looks_for_newcomer(newcomer.id) {
            return;
        }
        let (now, lasts, addr) = (self.now(), self.times.detect, newcomer.addr());
        if self.role.leadership().is_some_and(|it| it.admissions.is_refuted(addr, now, lasts)) {
            self.turn_away(newcomer.id);
        } else {
            self.start_dial(Purpose::Newcomer(newcomer.id), 0, addr);
        }
    }

    /// The newcomer is where it says, so nobody else is there.
    pub(super) fn on_newcomer_found(&mut self, newcomer: NodeId) {
        let Some(leadership) = self.role.leadership_mut() else { return };
        let joiner = leadership.admissions.joiners.iter_mut().find(|joiner| joiner.member.id == newcomer);
        if let Some(joiner) = joiner {
            joiner.found = true;
            self.note(FollowUp::Admit);
        }
    }

    /// The newcomer is not where it says. If somebody else still is, it is turned away.
    pub(super) fn on_newcomer_not_found(&mut self, newcomer: NodeId) {
        let (now, lasts) = (self.now(), self.times.detect);
        let joiner = self.role.leadership().and_then(|it| it.admissions.joiner(newcomer));
        let Some(member) = joiner.map(|joiner| joiner.member.clone()) else { return };
        if self.is_address_disputed(&member)
            && let Some(leadership) = self.role.leadership_mut()
        {
            leadership.admissions.refute(member.addr(), now, lasts);
            self.turn_away(newcomer);
        }
    }

    fn turn_away(&mut self, newcomer: NodeId) {
        if let Some(leadership) = self.role.leadership_mut() {
            leadership.admissions.withdraw(newcomer);
        }
        if let Some(link) = self.links.of(newcomer) {
            self.refuse_address(link);
        }
    }

    fn refuse_address(&mut self, link: LinkId) {
        self.refuse_to_admit(link, Refusal::AddressTaken);
    }

    /// Refuses for good, and closes the link. A member has no reason to ask. If one does, its link is lost with that.
    fn refuse_to_admit(&mut self, link: LinkId, refusal: Refusal) {
        let member = self.links.get(link).and_then(|state| state.peer);
        self.send(link, Message::Refused(refusal));
        self.close(link, CloseMode::Flush);
        if let Some(member) = member.filter(|member| !self.links.is_linked(*member)) {
            self.on_link_lost(member);
        }
    }

    /// Whether `member` says that it is this node, or listens where this node does.
    fn lives_here(&self, member: &Member) -> bool {
        member.replaces(&self.me)
    }

    /// Welcomes newcomers whose entry all insiders have, and lets in those that wait.
    pub(super) fn admit_joiners(&mut self) {
        let is_idle = self.role.leadership().is_none_or(|leadership| leadership.admissions.is_idle());
        if is_idle || self.is_in_doubt() {
            return;
        }
        self.check_admission();
        self.try_admit();
    }

    /// Appends the entry of all that wait, unless others are being let in.
    fn try_admit(&mut self) {
        let Some(leadership) = self.role.leadership_mut() else { return };
        let mut joiners = leadership.admissions.take_joiners();
        // Some may have given up or come in by an election meanwhile.
        joiners.retain(|it| self.links.is_linked(it.member.id) && !leadership.is_synced(it.member.id));
        let is_sought = |it: &mut Joiner| !it.found && self.is_address_disputed(&it.member);
        let sought: Vec<Joiner> = joiners.extract_if(.., is_sought).collect();
        if let Some(leadership) = self.role.leadership_mut() {
            leadership.admissions.joiners.extend(sought);
        }
        if joiners.is_empty() || self.leaving.is_some() {
            return;
        }
        let promised = joiners.iter().map(|joiner| joiner.epoch).max().unwrap_or_default();
        if promised >= self.membership.view().epoch && self.enforces(Rule::EpochAboveReturners) {
            self.reopen(promised.next());
        }
        let returning = joiners.iter().filter(|joiner| joiner.epoch > Epoch::default());
        let returning: Vec<NodeId> = returning.flat_map(Joiner::ids).collect();
        let merged = joiners.iter().any(|joiner| !joiner.ring.is_empty());
        let joined: Vec<_> = joiners.into_iter().flat_map(Joiner::in_ring_order).collect();
        let newcomers: BTreeSet<NodeId> = joined.iter().map(|(member, _)| member.id).collect();
        let gone = self.older_lives(&joined);
        // Noted before the entry has its effects, so that this node does not greet the newcomers as members yet.
        let (index, since) = (self.replica.log().len().next(), self.now());
        if let Some(leadership) = self.role.leadership_mut() {
            leadership.add_returning(returning);
            leadership.admissions.current = Some(Admission { index, newcomers, since });
        }
        let change = Change::Edit { gone, joined, merged };
        self.sequence(Body::Membership { cfg: self.membership.cfg().next(), change: change.into() });
        self.timers.arm(Timer::Admission, self.times.admission());
        self.note(FollowUp::Admit);
    }

    /// Members whose address a newcomer has: their process has ended.
    fn older_lives(&self, joined: &[(Member, NodeId)]) -> Vec<(Member, Departure)> {
        let replaced = |member: &&Member| joined.iter().any(|(newcomer, _)| newcomer.replaces(member));
        let older = self.membership.roster().iter().filter(replaced);
        older.map(|member| (member.clone(), Departure::Lost)).collect()
    }

    /// Opens a new epoch under the same leader, above what a returning member has promised.
    fn reopen(&mut self, epoch: Epoch) {
        let roster = self.membership.roster().clone();
        self.become_leader(View { epoch, leader: self.me.id }, roster);
        for member in self.linked_peers() {
            if self.membership.roster().contains(member) {
                let elected = self.announcement();
                self.send_elected(member, elected);
            }
        }
    }

    /// Welcomes the newcomers once every insider has their entry.
    fn check_admission(&mut self) {
        let waits = self.enforces(Rule::WelcomeAfterAcks);
        let Some(leadership) = self.role.leadership_mut() else { return };
        let Some(admission) = &leadership.admissions.current else { return };
        if waits && !leadership.lacking(admission.index, &admission.newcomers).is_empty() {
            return;
        }
        let newcomers = admission.newcomers.clone();
        leadership.admissions.current = None;
        self.timers.clear(Timer::Admission);
        for newcomer in newcomers {
            if self.links.is_linked(newcomer) {
                let elected = self.announcement();
                self.send_elected(newcomer, elected);
            }
        }
    }

    /// Removes newcomers whose entry did not reach all insiders in time, and cuts off the insiders that are behind.
    pub(super) fn on_admission_due(&mut self) {
        let cuts_off = self.enforces(Rule::AdmissionsGoOn);
        let Some(leadership) = self.role.leadership_mut() else { return };
        let Some(admission) = leadership.admissions.current.take() else { return };
        let mut behind = leadership.lacking(admission.index, &admission.newcomers);
        behind.retain(|insider| cuts_off && leadership.is_synced(*insider));
        let is_out = |id: &NodeId| leadership.is_unsynced(*id);
        let out: Vec<NodeId> = admission.newcomers.into_iter().filter(is_out).collect();
        for newcomer in &out {
            self.send_to(*newcomer, Message::Refused(Refusal::TooLate));
        }
        self.remove_at_once(out, Departure::Lost);
        for insider in behind {
            self.cut_off(insider);
        }
        self.note(FollowUp::Admit);
    }

    /// Asks the insiders for which an admission waits for a sign of life. A dead insider holds up the admission no
    /// longer than it takes to find out, and one that answers and takes nothing no longer than `detect`.
    pub(super) fn hurry_admission(&mut self) {
        let Some(leadership) = self.role.leadership() else { return };
        let Some(admission) = &leadership.admissions.current else { return };
        let (now, since) = (self.now(), admission.since);
        if now.since(since) < self.times.dial() {
            return;
        }
        let lacking = leadership.lacking(admission.index, &admission.newcomers);
        let goes_on = self.enforces(Rule::AdmissionsGoOn);
        let took_nothing = |insider: &NodeId| {
            let gained_at = leadership.gained_at(*insider).filter(|_| leadership.is_synced(*insider));
            goes_on && gained_at.is_some_and(|at| now.since(at.max(since)) >= self.times.detect)
        };
        let (idle, slow): (Vec<_>, Vec<_>) = lacking.into_iter().partition(took_nothing);
        for insider in slow {
            self.on_suspect(insider);
        }
        for insider in idle {
            self.schedule_removal(insider, Departure::Lost);
        }
    }
}
