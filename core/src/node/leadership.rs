//! What a leader knows of its members: who has how much of the log, who is slow, who is to go.

use alloc::collections::{BTreeMap, BTreeSet, VecDeque};
use alloc::vec::Vec;

use super::admission::{Admission, Joiner};
use super::log::Log;
use super::{Node, Rule};
use crate::action::{CloseMode, Departure};
use crate::config::Times;
use crate::ids::{LinkId, NodeId};
use crate::limits::{INFLIGHT_BYTES, UNSTABLE_BYTES};
use crate::node::Timer;
use crate::numbers::{Index, Seq};
use crate::roster::{Roster, View};
use crate::time::Instant;
use crate::wire::{Body, Change, Deliver, Entry, Message, Refusal, RefusedKind, Run};

/// The leader's side of the protocol. Gone while it is frozen by an election.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) struct Leadership {
    pub(super) members: BTreeMap<NodeId, Progress>,
    pub(super) joiners: Vec<Joiner>,
    pub(super) admission: Option<Admission>,
    pub(super) draining: BTreeSet<NodeId>,
    /// Members that come from another ring and have not shown their logs yet.
    pub(super) returning: BTreeSet<NodeId>,
    /// Members that were cut off and have not come back yet.
    cut_off: BTreeSet<NodeId>,
    /// The link on which this ring has asked to be taken into a greater one.
    pub(super) merging: Option<LinkId>,
    /// Whether the user was told that another ring is too large for this one.
    pub(super) told_too_many: bool,
    pub(super) doomed: BTreeMap<NodeId, Departure>,
    pub(super) last_removal: Option<Instant>,
    /// Submissions that wait while the room is held up.
    pub(super) held: VecDeque<Run>,
    pub(super) holding: bool,
    /// The least acknowledged by a synced member.
    pub(super) slowest: Index,
    /// Up to here the log was sent to all that keep up.
    distributed: Index,
}

/// How far one member is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Progress {
    pub(super) synced: bool,
    /// Since when it is not.
    unsynced_since: Instant,
    /// It was told anew who leads.
    pub(super) reminded: bool,
    /// Up to here its log is this one's.
    pub(super) acked: Index,
    /// Up to here it has taken what was sent; ahead of `acked` while it installs.
    pub(super) taken: Index,
    /// Up to here the log was sent to it.
    pub(super) sent: Index,
    /// What it installs ends here.
    pub(super) install_end: Index,
    /// When it last took something.
    took_at: Instant,
    pub(super) cut_off: Option<Instant>,
}

impl Progress {
    fn new(now: Instant, acked: Index) -> Self {
        Self {
            synced: false,
            unsynced_since: now,
            reminded: false,
            acked,
            taken: acked,
            sent: acked,
            install_end: acked,
            took_at: now,
            cut_off: None,
        }
    }

    pub(super) fn installs(&self) -> bool {
        self.synced && self.acked < self.install_end
    }

    /// Up to where it keeps up: to catch up, however long that takes, holds up nobody.
    fn keeps_up_to(&self) -> Index {
        self.acked.max(self.install_end)
    }

    fn unsync(&mut self, now: Instant) {
        if self.synced {
            self.synced = false;
            self.unsynced_since = now;
        }
        self.reminded = false;
    }
}

impl Leadership {
    pub(super) fn unsync(&mut self, member: NodeId, now: Instant) {
        if let Some(progress) = self.members.get_mut(&member) {
            progress.unsync(now);
        }
    }

    pub(super) fn wants_link(&self, peer: NodeId) -> bool {
        self.members.contains_key(&peer)
    }

    pub(super) fn knows(&self, peer: NodeId) -> bool {
        self.wants_link(peer) || self.joiners.iter().any(|joiner| joiner.member.id == peer)
    }

    /// Whether `member` is to be told who leads: it does not follow, and was let in.
    pub(super) fn awaits_news(&self, member: NodeId) -> bool {
        self.is_unsynced(member) && !self.is_newcomer(member)
    }

    /// Whether `member` waits to be let in, or to be welcomed.
    pub(super) fn wants_in(&self, member: NodeId) -> bool {
        self.is_newcomer(member) || self.joiners.iter().any(|joiner| joiner.member.id == member)
    }

    fn is_newcomer(&self, member: NodeId) -> bool {
        self.admission.as_ref().is_some_and(|it| it.newcomers.contains(&member))
    }

    pub(super) fn is_synced(&self, member: NodeId) -> bool {
        self.members.get(&member).is_some_and(|progress| progress.synced)
    }

    pub(super) fn is_unsynced(&self, member: NodeId) -> bool {
        self.members.get(&member).is_some_and(|progress| !progress.synced)
    }

    pub(super) fn all_synced(&self) -> bool {
        self.members.values().all(|progress| progress.synced)
    }

    /// From where on somebody who catches up may need the log; from its start while one has not shown its own.
    pub(super) fn needs_from(&self) -> Option<Index> {
        let installing = self.members.values().filter(|progress| progress.installs());
        let returning = self.returning.iter().map(|_| Index::default());
        installing.map(|progress| progress.acked).chain(returning).min()
    }

    /// Whether `member` was in another ring until it came in, so that its tail was said there.
    pub(super) fn is_returning(&self, member: NodeId) -> bool {
        self.returning.contains(&member)
    }

    /// All but `newcomers` that do not have the log up to `index`.
    pub(super) fn lacking(&self, index: Index, newcomers: &BTreeSet<NodeId>) -> Vec<NodeId> {
        let insiders = self.members.iter().filter(|(id, _)| !newcomers.contains(id));
        let lacking = insiders.filter(|(_, progress)| !progress.synced || progress.acked < index);
        lacking.map(|(id, _)| *id).collect()
    }

    pub(super) fn last_held(&self, origin: NodeId) -> Option<Seq> {
        self.held.iter().rev().find(|said| said.origin.id == origin).map(Run::last)
    }

    pub(super) fn is_holding(&self) -> bool {
        self.holding
    }

    pub(super) fn hold(&mut self, said: Run) {
        self.held.push_back(said);
    }

    /// The links of the members that have all before `from` and take more; they count as sent up to `next`.
    pub(super) fn take_recipients(
        &mut self,
        from: Index,
        next: Index,
        log: &Log,
        link_of: impl Fn(NodeId) -> Option<LinkId>,
    ) -> Vec<LinkId> {
        self.distributed = next;
        let mut links = Vec::with_capacity(self.members.len());
        for (id, progress) in &mut self.members {
            let takes = progress.synced && progress.sent == from;
            if takes
                && log.weight(progress.taken, from) < INFLIGHT_BYTES as u64
                && let Some(link) = link_of(*id)
            {
                progress.sent = next;
                links.push(link);
            }
        }
        links
    }
}

impl Node {
    /// Begins to lead these members, none of whom has shown its log yet.
    pub(super) fn take_lead(&mut self, roster: &Roster) {
        let now = self.now();
        let others = roster.ids().filter(|id| *id != self.me.id);
        let members = others.map(|id| (id, Progress::new(now, Index::default()))).collect();
        let distributed = self.log.len();
        self.leadership = Some(Leadership { members, distributed, ..Leadership::default() });
        self.arm_probe();
    }

    /// A membership entry was sequenced.
    pub(super) fn change_members(&mut self, change: &Change) {
        let (now, len) = (self.clock.now(), self.log.len());
        let Some(leadership) = &mut self.leadership else { return };
        let Change::Edit { gone, joined, .. } = change else { return };
        for (member, _) in gone {
            leadership.members.remove(&member.id);
            if joined.iter().all(|(joined, _)| joined.id != member.id) {
                leadership.returning.remove(&member.id);
            }
            leadership.draining.remove(&member.id);
            leadership.cut_off.remove(&member.id);
        }
        for (member, _) in joined {
            leadership.members.insert(member.id, Progress::new(now, len));
        }
    }

    /// A link to a member stands anew: it is to show its log again.
    pub(super) fn member_linked(&mut self, member: NodeId) {
        let now = self.now();
        if let Some(leadership) = &mut self.leadership {
            leadership.unsync(member, now);
        }
        self.recount();
        self.ask_on_new_link(member);
    }

    /// A member's log is being made this one's, from `from` on.
    pub(super) fn member_synced(&mut self, member: NodeId, from: Index) {
        let (now, len) = (self.now(), self.log.len());
        if self.leadership.as_mut().is_some_and(|leadership| leadership.cut_off.remove(&member)) {
            // It may not have got the reason before its link was closed.
            self.send_to(member, Message::Refused(Refusal::Slow));
        }
        let Some(leadership) = &mut self.leadership else { return };
        leadership.returning.remove(&member);
        if let Some(progress) = leadership.members.get_mut(&member) {
            progress.synced = true;
            progress.acked = from;
            progress.taken = from;
            progress.sent = from;
            progress.install_end = len;
            progress.took_at = now;
        }
        self.pump(member);
        self.recount();
        self.check_admission();
    }

    /// Sends a member what it lacks, as much as it takes.
    fn pump(&mut self, member: NodeId) {
        // It is to end up where those are who keep up, and get what follows with them.
        self.distribute();
        while let Some((entries, next)) = self.next_batch(member) {
            let deliver = Deliver { view: self.view, entries, stable: self.stable };
            if !self.send_to(member, Message::Deliver(deliver)) {
                return;
            }
            let progress = self.leadership.as_mut().and_then(|it| it.members.get_mut(&member));
            if let Some(progress) = progress {
                progress.sent = next;
            }
        }
    }

    fn next_batch(&self, member: NodeId) -> Option<(Vec<Entry>, Index)> {
        let progress = self.leadership.as_ref()?.members.get(&member)?;
        let inflight = self.log.weight(progress.taken, progress.sent);
        if !progress.synced || progress.sent >= self.log.len() || inflight >= INFLIGHT_BYTES as u64 {
            return None;
        }
        let next = self.log.batch_end(progress.sent);
        Some((self.log.range(progress.sent, next).collect(), next))
    }

    /// The next entries that those who keep up were not sent yet.
    pub(super) fn next_to_distribute(&self) -> Option<(Index, Index)> {
        let from = self.leadership.as_ref()?.distributed;
        (from < self.log.len()).then(|| (from, self.log.batch_end(from)))
    }

    pub(super) fn on_ack(&mut self, member: NodeId, view: View, index: Index) {
        if !self.leads() || view != self.view || index > self.log.len() {
            return;
        }
        let now = self.now();
        let Some(progress) = self.leadership.as_mut().and_then(|it| it.members.get_mut(&member)) else {
            return;
        };
        if !progress.synced {
            return;
        }
        progress.took_at = now;
        progress.taken = progress.taken.max(index);
        if index < progress.install_end {
            return self.pump(member);
        }
        if index <= progress.acked {
            return;
        }
        let before = progress.acked;
        progress.acked = index;
        let held_up_all =
            self.leadership.as_ref().is_some_and(|it| before <= it.slowest) || before <= self.stable;
        self.pump(member);
        if held_up_all {
            self.recount();
        }
        self.release();
        self.check_admission();
    }

    /// Counts anew up to where everybody has the log.
    pub(super) fn recount(&mut self) {
        let len = self.log.len();
        let Some(leadership) = &mut self.leadership else { return };
        let synced = leadership.members.values().filter(|progress| progress.synced);
        leadership.slowest = synced.map(Progress::keeps_up_to).min().unwrap_or(len);
        let all = leadership.members.values().map(|progress| progress.acked).min().unwrap_or(len);
        let advanced = all > self.stable;
        self.learn_stable(all);
        if advanced {
            self.tell_draining();
        }
    }

    fn unstable_bytes(&self) -> u64 {
        let slowest = self.leadership.as_ref().map_or(Index::default(), |leadership| leadership.slowest);
        self.log.weight(slowest, self.log.len())
    }

    /// Sequences no more chat while too much is unstable.
    pub(super) fn check_hold(&mut self) {
        let over = self.unstable_bytes() >= UNSTABLE_BYTES as u64;
        let detect = self.times.detect;
        if let Some(leadership) = &mut self.leadership
            && over
            && !leadership.holding
        {
            leadership.holding = true;
            self.arm(Timer::Slow, detect);
        }
    }

    /// Goes on once half of what was unstable is stable.
    pub(super) fn release(&mut self) {
        if self.is_in_doubt() || self.unstable_bytes() > UNSTABLE_BYTES as u64 / 2 {
            return;
        }
        let Some(leadership) = &mut self.leadership else { return };
        if !leadership.holding {
            return;
        }
        leadership.holding = false;
        self.timers.clear(Timer::Slow);
        while let Some(leadership) = &mut self.leadership
            && !leadership.holding
            && let Some(said) = leadership.held.pop_front()
        {
            self.sequence(Body::Chat { said, replayed: false });
        }
        self.sequence_own();
    }

    /// The room was held up for as long as it may: whoever is too far behind is cut off.
    pub(super) fn on_slow_due(&mut self) {
        let len = self.log.len();
        let Some(leadership) = &self.leadership else { return };
        let slow = leadership.members.iter().filter(|(_, progress)| {
            progress.synced && self.log.weight(progress.keeps_up_to(), len) > UNSTABLE_BYTES as u64 / 2
        });
        for member in slow.map(|(id, _)| *id).collect::<Vec<_>>() {
            self.cut_off(member);
        }
        self.recount();
        self.release();
    }

    /// Reads and serves a slow member no more until it comes back; the second time it is removed.
    fn cut_off(&mut self, member: NodeId) {
        let now = self.now();
        self.send_to(member, Message::Refused(Refusal::Slow));
        if let Some(link) = self.links.of(member) {
            self.close(link, CloseMode::Flush);
        }
        let progress = self.leadership.as_mut().and_then(|it| it.members.get_mut(&member));
        let Some(progress) = progress else { return };
        progress.unsync(now);
        let again = progress.cut_off.is_some_and(|at| now.since(at) < Times::SLOW_TWICE);
        progress.cut_off = Some(now);
        if let Some(leadership) = &mut self.leadership {
            leadership.cut_off.insert(member);
        }
        if again {
            self.doom(member, Departure::Lost);
        }
        self.seek_next();
    }

    /// Reminds members that do not follow, and gives them up in time.
    pub(super) fn check_unsynced(&mut self) {
        let (now, patience) = (self.now(), Times::unsynced(self.roster.len()));
        let (reminds, gives_up) = (self.keeps(Rule::RemindUnsynced), self.keeps(Rule::UnsyncedTimeout));
        let Some(leadership) = &mut self.leadership else { return };
        let doomed = leadership.doomed.keys().copied();
        let newcomers = leadership.admission.iter().flat_map(|it| it.newcomers.iter().copied());
        let spared: BTreeSet<NodeId> = newcomers.chain(doomed).collect();
        let (mut lost, mut behind) = (Vec::new(), Vec::new());
        for (id, progress) in leadership.members.iter_mut().filter(|(id, _)| !spared.contains(id)) {
            let since = match progress.synced {
                true if progress.installs() => Some(progress.took_at),
                true => None,
                false => Some(progress.unsynced_since),
            };
            let Some(since) = since else { continue };
            if now.since(since) >= patience && (progress.synced || gives_up) {
                lost.push(*id);
            } else if !progress.synced && !progress.reminded && now.since(since) >= self.times.sweep() {
                // Without a link there is nothing yet that could have told it.
                progress.reminded = self.links.is_linked(*id);
                behind.push(*id);
            }
        }
        for member in behind.into_iter().filter(|_| reminds) {
            if self.links.is_linked(member) {
                let elected = self.announcement();
                self.send_elected(member, elected);
            } else {
                self.dial(member);
            }
        }
        for member in lost {
            self.doom(member, Departure::Lost);
        }
    }

    /// `member` is to leave the membership: the first at once, others soon after together.
    pub(super) fn doom(&mut self, member: NodeId, why: Departure) {
        let now = self.now();
        if !self.roster.contains(member) || member == self.me.id {
            return;
        }
        let Some(leadership) = &mut self.leadership else { return };
        leadership.doomed.insert(member, why);
        let recent = leadership.last_removal.is_some_and(|at| now.since(at) < Times::SUSPECT_WINDOW);
        if why == Departure::Quit || !recent {
            self.commit_removals();
        } else if !self.timers.is_set(Timer::Removal) {
            self.arm(Timer::Removal, Times::SUSPECT_WINDOW);
        }
    }

    /// `members` leave the membership at once and together.
    pub(super) fn expel(&mut self, members: Vec<NodeId>, why: Departure) {
        if let Some(leadership) = &mut self.leadership {
            leadership.doomed.extend(members.into_iter().map(|member| (member, why)));
            self.commit_removals();
        }
    }

    /// Appends the membership without those who are to leave it.
    pub(super) fn commit_removals(&mut self) {
        let now = self.now();
        if !self.leads() || self.is_in_doubt() {
            return;
        }
        let Some(leadership) = &mut self.leadership else { return };
        leadership.last_removal = Some(now);
        let doomed = core::mem::take(&mut leadership.doomed);
        let gone = doomed.into_iter().filter_map(|(id, why)| Some((self.roster.find(id)?.clone(), why)));
        let gone: Vec<_> = gone.collect();
        if gone.is_empty() {
            return;
        }
        let ids: Vec<NodeId> = gone.iter().map(|(member, _)| member.id).collect();
        let change = Change::Edit { gone, joined: Vec::new(), merged: false };
        self.sequence(Body::Membership { cfg: self.cfg.next(), change: change.into() });
        for id in ids {
            self.dismiss(id);
        }
        // The route may be of a ring to come, which still takes them for members.
        self.seek_next();
        self.release();
        self.check_admission();
    }

    /// Tells one who is no member any more, if it can be told.
    fn dismiss(&mut self, id: NodeId) {
        let Some(link) = self.links.of(id) else { return };
        let epoch = self.view.epoch;
        self.send_not_member(link, RefusedKind::Ping, epoch);
        self.close(link, CloseMode::Flush);
    }
}
