//! Members that leave the membership: those that were lost, that do not follow, or that want to go.

use alloc::collections::{BTreeMap, BTreeSet};
use alloc::vec::Vec;

use super::follow_ups::FollowUp;
use super::timers::Timer;
use super::{Node, Rule};
use crate::action::{CloseMode, Departure};
use crate::config::Times;
use crate::ids::NodeId;
use crate::time::Instant;
use crate::wire::{Body, Change, RefusedKind};

/// The removals that a leader has scheduled.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(super) struct Removals {
    pending: BTreeMap<NodeId, Departure>,
    /// When members were last removed.
    last: Option<Instant>,
}

impl Removals {
    /// Whether `member` has to leave the membership.
    pub(super) fn contains(&self, member: NodeId) -> bool {
        self.pending.contains_key(&member)
    }

    /// The members that have to leave the membership.
    pub(super) fn members(&self) -> impl Iterator<Item = NodeId> {
        self.pending.keys().copied()
    }

    /// Schedules a removal. Returns whether it is due at once: a member that wants to go does not wait, and a lost one
    /// waits only if others were removed a short time ago, so that many that are lost together leave together.
    fn schedule(&mut self, member: NodeId, why: Departure, now: Instant) -> bool {
        self.pending.insert(member, why);
        why == Departure::Quit || !self.is_recent(now)
    }

    fn is_recent(&self, now: Instant) -> bool {
        self.last.is_some_and(|at| now.since(at) < Times::SUSPECT_WINDOW)
    }

    fn take(&mut self, now: Instant) -> BTreeMap<NodeId, Departure> {
        self.last = Some(now);
        core::mem::take(&mut self.pending)
    }

    /// Feeds all that decides what follows into `state`.
    #[cfg(feature = "inspect")]
    pub(super) fn digest(&self, now: Instant, state: &mut impl core::hash::Hasher) {
        core::hash::Hash::hash(&(&self.pending, self.is_recent(now)), state);
    }
}

impl Node {
    /// Removes `member` from the membership: the first at once, others soon after together.
    pub(super) fn schedule_removal(&mut self, member: NodeId, why: Departure) {
        if !self.membership.roster().contains(member) || member == self.me.id {
            return;
        }
        let now = self.now();
        let Some(leadership) = self.role.leadership_mut() else { return };
        if leadership.removals.schedule(member, why, now) {
            self.note(FollowUp::CommitRemovals);
        } else if !self.timers.is_set(Timer::Removal) {
            self.timers.arm(Timer::Removal, Times::SUSPECT_WINDOW);
        }
    }

    /// Removes `members` from the membership at once and together.
    pub(super) fn remove_at_once(&mut self, members: Vec<NodeId>, why: Departure) {
        if let Some(leadership) = self.role.leadership_mut() {
            leadership.removals.pending.extend(members.into_iter().map(|member| (member, why)));
            self.note(FollowUp::CommitRemovals);
        }
    }

    /// Appends the membership without the members that have to leave it.
    pub(super) fn commit_removals(&mut self) {
        let now = self.now();
        if self.is_in_doubt() {
            return;
        }
        let Some(leadership) = self.role.leadership_mut() else { return };
        let pending = leadership.removals.take(now);
        let roster = self.membership.roster();
        let gone = pending.into_iter().filter_map(|(id, why)| Some((roster.find(id)?.clone(), why)));
        let gone: Vec<_> = gone.collect();
        if gone.is_empty() {
            return;
        }
        let ids: Vec<NodeId> = gone.iter().map(|(member, _)| member.id).collect();
        let change = Change::Edit { gone, joined: Vec::new(), merged: false };
        self.sequence(Body::Membership { cfg: self.membership.cfg().next(), change: change.into() });
        for id in ids {
            self.notify_removed(id);
        }
        // The route may be of a ring to come, which still takes the removed for members.
        self.note(FollowUp::SeekNext);
        self.note(FollowUp::Release);
        self.note(FollowUp::Admit);
    }

    /// Tells `id` that it was removed, if a link to it stands.
    fn notify_removed(&mut self, id: NodeId) {
        let Some(link) = self.links.of(id) else { return };
        self.send_not_member(link, RefusedKind::Ping, self.membership.view().epoch);
        self.close(link, CloseMode::Flush);
    }

    /// Reminds members that do not follow, and gives them up in time.
    pub(super) fn check_unsynced(&mut self) {
        let (now, patience) = (self.now(), Times::unsynced(self.size_of_ring(self.membership.roster())));
        let (reminds, gives_up) = (self.enforces(Rule::RemindUnsynced), self.enforces(Rule::UnsyncedTimeout));
        let soon = self.times.sweep();
        let Some(leadership) = self.role.leadership() else { return };
        let spared: BTreeSet<NodeId> =
            leadership.admissions.newcomers().chain(leadership.removals.members()).collect();
        let (mut lost, mut behind) = (Vec::new(), Vec::new());
        for (member, lag) in leadership.laggards(now).filter(|(member, _)| !spared.contains(member)) {
            if lag.time >= patience && (lag.installs || gives_up) {
                lost.push(member);
            } else if !lag.installs && !lag.is_reminded && lag.time >= soon {
                behind.push(member);
            }
        }
        for member in behind {
            self.remind(member, reminds);
        }
        for member in lost {
            self.schedule_removal(member, Departure::Lost);
        }
    }

    /// Tells a member that does not follow who leads, or dials it.
    fn remind(&mut self, member: NodeId, enforced: bool) {
        let is_linked = self.links.is_linked(member);
        if is_linked && let Some(leadership) = self.role.leadership_mut() {
            // Without a link nothing could have told the member.
            leadership.set_reminded(member);
        }
        if is_linked && enforced {
            let elected = self.announcement();
            self.send_elected(member, elected);
        } else if enforced {
            self.dial(member);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::roster::Member;

    #[test]
    fn the_first_lost_member_is_removed_at_once_and_others_soon_after_together() {
        let [first, second, leaver] = [1, 2, 3].map(|number| Member::numbered(number).id);
        let mut removals = Removals::default();
        assert!(removals.schedule(first, Departure::Lost, Instant(0)));
        assert_eq!(removals.take(Instant(0)).len(), 1);
        assert!(!removals.schedule(second, Departure::Lost, Instant(1)));
        assert!(removals.schedule(leaver, Departure::Quit, Instant(1)), "who wants to go does not wait");
        assert_eq!(removals.take(Instant(1)).len(), 2);
        let later = Instant(1).after(Times::SUSPECT_WINDOW);
        assert!(removals.schedule(first, Departure::Lost, later));
    }
}
