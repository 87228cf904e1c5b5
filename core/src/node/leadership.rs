//! What a leader knows of its members: how much of the log each has, and which of them are slow.

use alloc::collections::{BTreeMap, BTreeSet, VecDeque};
use alloc::vec::Vec;
use core::mem;
use core::time::Duration;

use super::Node;
use super::admission::Admissions;
use super::follow_ups::FollowUp;
use super::log::Log;
use super::merging::Merge;
use super::removal::Removals;
use super::shares::Shares;
use super::timers::Timer;
use crate::action::{CloseMode, Departure, Fault};
use crate::config::Times;
use crate::ids::{LinkId, NodeId};
use crate::limits::{UNSTABLE_BYTES, inflight_bytes};
use crate::numbers::Index;
use crate::roster::View;
use crate::time::Instant;
use crate::trace::DropReason;
use crate::wire::{Change, Deliver, Entry, Message, Proven, Refusal, Run, ViewSpan};

/// The leader's side of the protocol. An election or another leader ends it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(super) struct Leadership {
    pub(super) admissions: Admissions,
    pub(super) removals: Removals,
    pub(super) merge: Merge,
    members: BTreeMap<NodeId, Progress>,
    /// Members that want to leave once all members have their messages.
    draining: BTreeSet<NodeId>,
    /// Members that come from another ring and have not shown their logs yet.
    returning: BTreeSet<NodeId>,
    /// Members that were cut off and have not come back yet.
    cut_off: BTreeSet<NodeId>,
    /// Runs that wait while too much is unstable.
    held: VecDeque<Proven<Run>>,
    /// How many bytes of them each member has.
    shares: Shares,
    /// Members of which there was no room for a run. Nothing that they submit is taken until they show their logs again, and
    /// then submit all that has no place: a later run alone would lie behind a gap.
    turned_away: BTreeSet<NodeId>,
    /// Members that have shown their logs in this call, and the histories of these.
    shown: BTreeMap<NodeId, Vec<ViewSpan>>,
    /// Whether too much is unstable.
    holding: bool,
    /// The least that a synced member has of the log.
    slowest: Index,
    /// Up to here the log was sent to all that keep up.
    distributed: Index,
}

/// How far one member is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Progress {
    /// Whether its log is this one's, or is becoming that.
    synced: bool,
    /// Whether it was told anew who leads.
    reminded: bool,
    /// Up to here its log is this one's.
    acked: Index,
    /// Up to here it has taken what was sent; ahead of `acked` while it installs.
    taken: Index,
    /// Up to here the log was sent to it.
    sent: Index,
    /// Where the log that it installs ends.
    install_end: Index,
    /// The most of the log that it has taken in this view, once it has shown its own.
    most: Option<Index>,
    /// When it last took more than that, or ceased to follow.
    gained_at: Instant,
    cut_off: Option<Instant>,
}

impl Progress {
    fn new(now: Instant, acked: Index) -> Self {
        Self {
            synced: false,
            reminded: false,
            acked,
            taken: acked,
            sent: acked,
            install_end: acked,
            most: None,
            gained_at: now,
            cut_off: None,
        }
    }

    fn installs(&self) -> bool {
        self.synced && self.acked < self.install_end
    }

    /// Whether it has all that its log had to become.
    fn follows(&self) -> bool {
        self.synced && self.acked >= self.install_end
    }

    /// Up to where the member keeps up. A member that catches up holds up no other, however long it takes.
    fn keeps_up_to(&self) -> Index {
        self.acked.max(self.install_end)
    }

    /// The member's log begins to become this one from `from` to `end`. Whoever begins this again and again gains nothing.
    fn sync(&mut self, from: Index, end: Index, now: Instant) {
        if self.most.is_none() || self.follows() {
            self.gained_at = now;
        }
        *self = Self {
            synced: true,
            acked: from,
            taken: from,
            sent: from,
            install_end: end,
            most: self.most.or(Some(from)),
            ..*self
        };
    }

    fn unsync(&mut self, now: Instant) {
        if self.follows() {
            self.gained_at = now;
        }
        self.synced = false;
        self.reminded = false;
    }
}

/// A member that does not follow, or installs the log.
#[derive(Clone, Copy, Debug)]
pub(super) struct Lag {
    /// For how long it has not followed, and taken nothing new.
    pub(super) time: Duration,
    /// Whether it installs the log.
    pub(super) installs: bool,
    /// Whether it was told anew who leads.
    pub(super) is_reminded: bool,
}

impl Leadership {
    /// Leads `members`, none of which has shown its log yet. The log up to `distributed` is not news to anybody.
    pub(super) fn new(members: &[NodeId], distributed: Index, now: Instant) -> Self {
        let members = members.iter().map(|id| (*id, Progress::new(now, Index::default()))).collect();
        Self { members, distributed, ..Self::default() }
    }

    /// The other members.
    pub(super) fn members(&self) -> impl Iterator<Item = NodeId> {
        self.members.keys().copied()
    }

    /// Whether `peer` is a member, to which the leader keeps a link.
    pub(super) fn wants_link(&self, peer: NodeId) -> bool {
        self.members.contains_key(&peer)
    }

    /// Whether `peer` is a member or waits to become one.
    pub(super) fn knows(&self, peer: NodeId) -> bool {
        self.wants_link(peer) || self.admissions.is_waiting(peer)
    }

    /// Whether `member` has to be told who leads: it does not follow, and is not a newcomer that is not welcomed yet.
    pub(super) fn awaits_news(&self, member: NodeId) -> bool {
        self.is_unsynced(member) && !self.admissions.is_newcomer(member)
    }

    pub(super) fn is_synced(&self, member: NodeId) -> bool {
        self.members.get(&member).is_some_and(|progress| progress.synced)
    }

    pub(super) fn is_unsynced(&self, member: NodeId) -> bool {
        self.members.get(&member).is_some_and(|progress| !progress.synced)
    }

    /// When `member` last took something new of the log, or ceased to follow.
    pub(super) fn gained_at(&self, member: NodeId) -> Option<Instant> {
        self.members.get(&member).map(|progress| progress.gained_at)
    }

    pub(super) fn all_synced(&self) -> bool {
        self.members.values().all(|progress| progress.synced)
    }

    /// A member no longer follows, or its link is gone: it has to show its log again.
    pub(super) fn unsync(&mut self, member: NodeId, now: Instant) {
        if let Some(progress) = self.members.get_mut(&member) {
            progress.unsync(now);
        }
    }

    /// The members that do not follow, or install the log.
    pub(super) fn laggards(&self, now: Instant) -> impl Iterator<Item = (NodeId, Lag)> {
        let lagging = self.members.iter().filter(|(_, progress)| !progress.synced || progress.installs());
        lagging.map(move |(id, progress)| {
            let (time, installs) = (now.since(progress.gained_at), progress.synced);
            (*id, Lag { time, installs, is_reminded: progress.reminded })
        })
    }

    /// A member was told anew who leads.
    pub(super) fn set_reminded(&mut self, member: NodeId) {
        if let Some(progress) = self.members.get_mut(&member) {
            progress.reminded = true;
        }
    }

    /// Applies a change of the membership, after which the log has `len` places.
    fn apply(&mut self, change: &Change, len: Index, now: Instant) {
        let Change::Edit { gone, joined, .. } = change else { return };
        for (member, _) in gone {
            self.members.remove(&member.id);
            if joined.iter().all(|(joined, _)| joined.id != member.id) {
                self.returning.remove(&member.id);
            }
            for noted in [&mut self.draining, &mut self.cut_off, &mut self.turned_away] {
                noted.remove(&member.id);
            }
        }
        for (member, _) in joined {
            self.members.insert(member.id, Progress::new(now, len));
        }
    }

    /// From where on a member that catches up may need the log; from its start while one has not shown its own.
    pub(super) fn needs_from(&self) -> Option<Index> {
        let installing = self.members.values().filter(|progress| progress.installs());
        let returning = self.returning.iter().map(|_| Index::default());
        installing.map(|progress| progress.acked).chain(returning).min()
    }

    /// Notes members that come from another ring.
    pub(super) fn add_returning(&mut self, members: Vec<NodeId>) {
        self.returning.extend(members);
    }

    /// Whether `member` was in another ring until it came in, so that its tail was said there.
    pub(super) fn is_returning(&self, member: NodeId) -> bool {
        self.returning.contains(&member)
    }

    /// Notes a member that wants to leave once all members have its messages.
    pub(super) fn add_draining(&mut self, member: NodeId) {
        self.draining.insert(member);
    }

    /// The members that want to leave once all members have their messages.
    pub(super) fn draining(&self) -> &BTreeSet<NodeId> {
        &self.draining
    }

    /// The members, without `newcomers`, that do not have the log up to `index`.
    pub(super) fn lacking(&self, index: Index, newcomers: &BTreeSet<NodeId>) -> Vec<NodeId> {
        let insiders = self.members.iter().filter(|(id, _)| !newcomers.contains(id));
        let lacking = insiders.filter(|(_, progress)| !progress.synced || progress.acked < index);
        lacking.map(|(id, _)| *id).collect()
    }

    /// Whether too much is unstable to sequence more chat.
    pub(super) fn is_holding(&self) -> bool {
        self.holding
    }

    /// Keeps a run until enough is stable, if there is room. Otherwise its author is turned away.
    pub(super) fn hold(&mut self, said: Proven<Run>, is_bounded: bool) {
        let (member, weight) = (said.origin.id, said.weight());
        if self.shares.has_room(member, weight) || !is_bounded {
            self.shares.take(member, weight);
            self.held.push_back(said);
        } else {
            self.turned_away.insert(member);
        }
    }

    /// Whether nothing that `member` submits is taken.
    pub(super) fn has_turned_away(&self, member: NodeId) -> bool {
        self.turned_away.contains(&member)
    }

    /// The next run that was held, unless too much is unstable.
    fn take_held(&mut self) -> Option<Proven<Run>> {
        let said = if self.holding { None } else { self.held.pop_front() }?;
        self.shares.give_back(said.origin.id, said.weight());
        Some(said)
    }

    /// Notes a member that has shown all of its log.
    pub(super) fn note_shown(&mut self, member: NodeId, history: Vec<ViewSpan>) {
        self.shown.insert(member, history);
    }

    /// Takes out the members that have shown their logs.
    pub(super) fn take_shown(&mut self) -> BTreeMap<NodeId, Vec<ViewSpan>> {
        mem::take(&mut self.shown)
    }

    /// The links of the members that have all before `from` and take more. They count as sent up to `next`.
    pub(super) fn take_recipients(
        &mut self,
        from: Index,
        next: Index,
        log: &Log,
        link_of: impl Fn(NodeId) -> Option<LinkId>,
    ) -> Vec<LinkId> {
        self.distributed = next;
        let most = inflight_bytes(self.members.len());
        let mut links = Vec::with_capacity(self.members.len());
        for (id, progress) in &mut self.members {
            let takes = progress.synced && progress.sent == from;
            if takes
                && log.weight(progress.taken, from) < most
                && let Some(link) = link_of(*id)
            {
                progress.sent = next;
                links.push(link);
            }
        }
        links
    }

    /// Feeds all that decides what follows into `state`, but for what is held. For `stability` see `Node::digest`.
    #[cfg(feature = "inspect")]
    pub(super) fn digest(&self, stability: bool, now: Instant, state: &mut impl core::hash::Hasher) {
        use core::hash::Hash;
        self.members.len().hash(state);
        for (id, progress) in &self.members {
            (id, progress.synced, progress.cut_off.is_some()).hash(state);
            // Of one that has not shown its log, the rest is set anew when it does.
            (progress.synced || progress.reminded).hash(state);
            progress.synced.then_some((progress.sent, progress.installs())).hash(state);
            (progress.synced && self.admissions.waits_for(progress.acked)).hash(state);
            stability.then_some((progress.acked, progress.taken, progress.install_end)).hash(state);
        }
        (&self.draining, &self.returning, &self.turned_away, self.holding).hash(state);
        self.admissions.digest(state);
        self.removals.digest(now, state);
        stability.then_some(self.slowest).hash(state);
    }

    /// The runs that wait while too much is unstable.
    #[cfg(feature = "inspect")]
    pub(super) fn held(&self) -> &VecDeque<Proven<Run>> {
        &self.held
    }

    /// How many bytes they have.
    #[cfg(feature = "inspect")]
    pub(super) fn held_bytes(&self) -> u64 {
        self.shares.used()
    }
}

impl Node {
    /// A membership entry was sequenced.
    pub(super) fn change_members(&mut self, change: &Change) {
        let (now, len) = (self.timers.now(), self.replica.log().len());
        let Some(leadership) = self.role.leadership_mut() else { return };
        leadership.apply(change, len, now);
    }

    /// A link to a member stands anew: the member has to show its log again.
    pub(super) fn member_linked(&mut self, member: NodeId) {
        let now = self.now();
        if let Some(leadership) = self.role.leadership_mut() {
            leadership.unsync(member, now);
        }
        self.note(FollowUp::Recount);
        self.ask_on_new_link(member);
    }

    /// A member's log begins to become this one, from the place `from` on.
    pub(super) fn member_synced(&mut self, member: NodeId, from: Index) {
        let (now, len) = (self.now(), self.replica.log().len());
        if self.role.leadership_mut().is_some_and(|leadership| leadership.cut_off.remove(&member)) {
            // The reason may have been lost when the link was closed.
            self.send_to(member, Message::Refused(Refusal::Slow));
        }
        let Some(leadership) = self.role.leadership_mut() else { return };
        leadership.returning.remove(&member);
        leadership.turned_away.remove(&member);
        if let Some(progress) = leadership.members.get_mut(&member) {
            progress.sync(from, len, now);
        }
        self.pump(member);
        self.note(FollowUp::Recount);
        self.note(FollowUp::Admit);
    }

    /// Sends a member the entries that it lacks, as many as may be in flight.
    fn pump(&mut self, member: NodeId) {
        // All others get what was sequenced first, so that the member ends where they are and goes on with them.
        self.distribute();
        while let Some((entries, next)) = self.next_batch(member) {
            let deliver = Deliver { view: self.membership.view(), entries, stable: self.replica.stable() };
            if !self.send_to(member, Message::Deliver(deliver)) {
                return;
            }
            let progress = self.role.leadership_mut().and_then(|it| it.members.get_mut(&member));
            if let Some(progress) = progress {
                progress.sent = next;
            }
        }
    }

    fn next_batch(&self, member: NodeId) -> Option<(Vec<Entry>, Index)> {
        let members = &self.role.leadership()?.members;
        let progress = members.get(&member)?;
        let inflight = self.replica.log().weight(progress.taken, progress.sent);
        let has_room = inflight < inflight_bytes(members.len());
        if !progress.synced || progress.sent >= self.replica.log().len() || !has_room {
            return None;
        }
        let next = self.replica.log().batch_end(progress.sent);
        Some((self.replica.log().range(progress.sent, next).cloned().collect(), next))
    }

    /// The next batch that the members which keep up were not sent yet.
    pub(super) fn next_to_distribute(&self) -> Option<(Index, Index)> {
        let from = self.role.leadership()?.distributed;
        (from < self.replica.log().len()).then(|| (from, self.replica.log().batch_end(from)))
    }

    /// Why a message for the leader of `view` has no effect here, if it has none.
    pub(super) fn not_led_in(&self, view: View) -> Option<DropReason> {
        if !self.leads() {
            return Some(DropReason::NotLeader);
        }
        (view != self.membership.view()).then_some(DropReason::Stale)
    }

    pub(super) fn on_ack(&mut self, member: NodeId, view: View, index: Index) {
        if let Some(why) = self.not_led_in(view) {
            return self.ignore(why);
        }
        if index > self.replica.log().len() {
            return self.ignore(DropReason::Early);
        }
        if !self.replica.log().is_between_entries(index) {
            return self.accuse(member, Fault::WithinRun);
        }
        let now = self.now();
        let Some(progress) = self.role.leadership_mut().and_then(|it| it.members.get_mut(&member)) else {
            return self.ignore(DropReason::NotMember);
        };
        if !progress.synced {
            return self.ignore(DropReason::Early);
        }
        if progress.most < Some(index) {
            (progress.most, progress.gained_at) = (Some(index), now);
        }
        progress.taken = progress.taken.max(index);
        if index < progress.install_end {
            return self.pump(member);
        }
        if index <= progress.acked {
            return self.ignore(DropReason::Known);
        }
        let before = progress.acked;
        progress.acked = index;
        let held_up_all = self.role.leadership().is_some_and(|it| before <= it.slowest);
        self.pump(member);
        if held_up_all {
            self.note(FollowUp::Recount);
        }
        self.note(FollowUp::Release);
        self.note(FollowUp::Admit);
    }

    /// Counts anew up to where all members have the log.
    pub(super) fn recount(&mut self) {
        let len = self.replica.log().len();
        let Some(leadership) = self.role.leadership_mut() else { return };
        let synced = leadership.members.values().filter(|progress| progress.synced);
        leadership.slowest = synced.map(Progress::keeps_up_to).min().unwrap_or(len);
        let all = leadership.members.values().map(|progress| progress.acked).min().unwrap_or(len);
        let advanced = all > self.replica.stable();
        self.learn_stable(all);
        if advanced {
            self.tell_draining();
        }
    }

    fn unstable_bytes(&self) -> u64 {
        let slowest = self.role.leadership().map_or(Index::default(), |leadership| leadership.slowest);
        self.replica.log().weight(slowest, self.replica.log().len())
    }

    /// Stops sequencing chat while too much is unstable.
    pub(super) fn check_hold(&mut self) {
        let over = self.unstable_bytes() >= UNSTABLE_BYTES as u64;
        let detect = self.times.detect;
        if let Some(leadership) = self.role.leadership_mut()
            && over
            && !leadership.holding
        {
            leadership.holding = true;
            self.timers.arm(Timer::Slow, detect);
        }
    }

    /// Sequences chat again once half of what was unstable is stable.
    pub(super) fn release(&mut self) {
        let is_holding = self.role.leadership().is_some_and(Leadership::is_holding);
        if !is_holding || self.is_in_doubt() || self.unstable_bytes() > UNSTABLE_BYTES as u64 / 2 {
            return;
        }
        if let Some(leadership) = self.role.leadership_mut() {
            leadership.holding = false;
        }
        self.timers.clear(Timer::Slow);
        while let Some(said) = self.role.leadership_mut().and_then(Leadership::take_held) {
            self.sequence_said(said, false);
        }
        self.sequence_own();
        self.ask_turned_away();
    }

    /// Asks the members that were turned away to show their logs, after which they submit again what has no place.
    fn ask_turned_away(&mut self) {
        let turned_away = self.role.leadership().map(|it| it.turned_away.clone()).unwrap_or_default();
        for member in turned_away {
            self.send_elected(member, self.announcement());
        }
    }

    /// The room was held up for as long as it may be: cuts off the members that are too far behind.
    pub(super) fn on_slow_due(&mut self) {
        let len = self.replica.log().len();
        let Some(leadership) = self.role.leadership() else { return };
        let slow = leadership.members.iter().filter(|(_, progress)| {
            progress.synced
                && self.replica.log().weight(progress.keeps_up_to(), len) > UNSTABLE_BYTES as u64 / 2
        });
        for member in slow.map(|(id, _)| *id).collect::<Vec<_>>() {
            self.cut_off(member);
        }
        self.note(FollowUp::Recount);
        self.note(FollowUp::Release);
    }

    /// Closes the link to a slow member, which catches up when it links anew. The second time it is removed.
    pub(super) fn cut_off(&mut self, member: NodeId) {
        let now = self.now();
        self.send_to(member, Message::Refused(Refusal::Slow));
        if let Some(link) = self.links.of(member) {
            self.close(link, CloseMode::Flush);
        }
        let progress = self.role.leadership_mut().and_then(|it| it.members.get_mut(&member));
        let Some(progress) = progress else { return };
        progress.unsync(now);
        let again = progress.cut_off.is_some_and(|at| now.since(at) < Times::SLOW_TWICE);
        progress.cut_off = Some(now);
        if let Some(leadership) = self.role.leadership_mut() {
            leadership.cut_off.insert(member);
        }
        if again {
            self.schedule_removal(member, Departure::Lost);
        }
        self.note(FollowUp::SeekNext);
    }
}
