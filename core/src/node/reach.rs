//! Members that this node cannot use just now: whom it passes over, and until when.

use alloc::collections::{BTreeMap, BTreeSet};
use core::net::SocketAddr;

use super::pauses::{Lengths, Pause};
use super::strangers::Strangers;
use crate::config::Times;
use crate::ids::NodeId;
use crate::limits::MAX_ROSTER;
use crate::numbers::Epoch;
use crate::roster::{Roster, View};
use crate::time::Instant;

/// Which members cannot be reached, and which of them do not take this node for a member.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) struct Reach {
    /// Members whose last dial failed, and the epoch that this node had promised then.
    unreachable: BTreeMap<NodeId, Epoch>,
    /// Addresses at which dials have failed.
    resting: BTreeMap<SocketAddr, Pause>,
    /// Members that refused this node. They are passed over until there is a leader.
    refused_us: BTreeSet<NodeId>,
    /// Members that refused this node and know a newer configuration.
    ahead: BTreeSet<NodeId>,
    /// How many dials this node has left to members that it was never linked to.
    pub(super) strangers: Strangers,
    /// The last view whose elected leader could not be linked to, and when.
    unlinkable: Option<(View, Instant)>,
}

/// The pauses at an address at which dials have failed.
const PAUSES: Lengths = Lengths { first: Times::RESEEK, least: Times::RESEEK, most: Times::RESEEK_MOST };

impl Reach {
    /// No dial to `peer` works. The node has promised the epoch `promised`.
    pub(super) fn note_failed_dial(&mut self, peer: NodeId, promised: Epoch) {
        self.unreachable.insert(peer, promised);
    }

    /// A dial to `addr` has failed. Pauses between such dials grow.
    pub(super) fn rest(&mut self, addr: SocketAddr, now: Instant) {
        self.resting.entry(addr).or_default().begin(now, PAUSES);
        if self.resting.len() > MAX_ROSTER
            && let Some((&first, _)) = self.resting.iter().min_by_key(|(_, pause)| pause.until())
        {
            self.resting.remove(&first);
        }
    }

    /// Whether there is a pause at `addr`.
    pub(super) fn rests(&self, addr: SocketAddr, now: Instant) -> bool {
        self.resting.get(&addr).is_some_and(|pause| pause.lasts(now))
    }

    /// Whether there is a pause at `addr` for any member that is said to listen there. A process that was started again has
    /// another id, so the pause holds for others only after some failures, when the next is as long as any.
    pub(super) fn rests_for_all(&self, addr: SocketAddr, now: Instant) -> bool {
        let is_long = |pause: &Pause| pause.next() >= PAUSES.most;
        self.resting.get(&addr).is_some_and(|pause| pause.lasts(now) && is_long(pause))
    }

    /// A link to `peer` stands. It was dialed at `addr`, if this node dialed it.
    pub(super) fn note_link(&mut self, peer: NodeId, addr: Option<SocketAddr>) {
        if let Some(addr) = addr {
            self.resting.remove(&addr);
        }
        self.unreachable.remove(&peer);
        self.refused_us.remove(&peer);
    }

    /// Whatever became of the last dial to `peer`, it is dialed again as soon as it is needed.
    pub(super) fn forget_failed_dial(&mut self, peer: NodeId) {
        self.unreachable.remove(&peer);
    }

    /// The same for all members.
    pub(super) fn forget_failed_dials(&mut self) {
        self.unreachable.clear();
    }

    /// A member says that this node is none.
    pub(super) fn note_refusal(&mut self, peer: NodeId) {
        self.refused_us.insert(peer);
    }

    /// A peer that refused this node knows a newer configuration.
    pub(super) fn note_ahead(&mut self, peer: NodeId) {
        self.ahead.insert(peer);
    }

    /// There is a leader, or time has passed: refusals lapse.
    pub(super) fn forgive(&mut self) {
        self.refused_us.clear();
    }

    /// This node is a member of the newest ring that it knows. A member that was not at its address may be there now.
    pub(super) fn caught_up(&mut self) {
        self.ahead.clear();
        self.resting.clear();
    }

    /// Forgets everything but how the last leader was lost. Returns the peers that know a newer configuration.
    pub(super) fn start_over(&mut self) -> BTreeSet<NodeId> {
        self.unreachable.clear();
        self.refused_us.clear();
        core::mem::take(&mut self.ahead)
    }

    /// Forgets those that are not in `roster`.
    pub(super) fn retain(&mut self, roster: &Roster) {
        self.unreachable.retain(|id, _| roster.contains(*id));
        self.refused_us.retain(|id| roster.contains(*id));
    }

    /// Whether the ring has to pass over `id`.
    pub(super) fn passes_over(&self, id: NodeId) -> bool {
        self.is_unreachable(id) || self.has_refused(id)
    }

    /// Whether the ring passes over anybody.
    pub(super) fn passes_over_any(&self) -> bool {
        !self.unreachable.is_empty() || !self.refused_us.is_empty()
    }

    pub(super) fn is_unreachable(&self, id: NodeId) -> bool {
        self.unreachable.contains_key(&id)
    }

    /// Whether `id` was found unreachable while this node took part in the election of `epoch`.
    pub(super) fn was_lost_in(&self, id: NodeId, epoch: Epoch) -> bool {
        self.unreachable.get(&id) == Some(&epoch)
    }

    pub(super) fn has_refused(&self, id: NodeId) -> bool {
        self.refused_us.contains(&id)
    }

    /// Whether a peer that refused this node knows a newer configuration.
    pub(super) fn is_behind(&self) -> bool {
        !self.ahead.is_empty()
    }

    /// The leader that was elected in `view` cannot be linked to. Returns whether that leader could not be linked to
    /// in an earlier view either, a short time ago. To lose it twice in one view does not count: it may have dialed
    /// and then died.
    pub(super) fn note_unlinkable(&mut self, view: View, now: Instant) -> bool {
        let is_again = |(last, at): (View, Instant)| {
            last.leader == view.leader && last.epoch < view.epoch && now.since(at) < Times::UNREACHABLE_LEADER
        };
        self.unlinkable.replace((view, now)).is_some_and(is_again)
    }

    /// Feeds all that decides what follows into `state`; the node has promised the epoch `promised`.
    #[cfg(feature = "inspect")]
    pub(super) fn digest(&self, promised: Epoch, state: &mut impl core::hash::Hasher) {
        use core::hash::Hash;
        self.unreachable.len().hash(state);
        for (id, epoch) in &self.unreachable {
            (id, *epoch == promised).hash(state);
        }
        (&self.refused_us, &self.ahead, self.unlinkable.map(|(view, _)| view)).hash(state);
        self.resting.keys().for_each(|addr| addr.hash(state));
    }
}

#[cfg(test)]
mod tests {
    use core::time::Duration;

    use super::*;
    use crate::roster::Member;

    #[test]
    fn a_leader_is_unlinkable_again_only_in_a_later_view_and_soon_after() {
        let view = |epoch, leader| View { epoch: Epoch(epoch), leader: Member::numbered(leader).id };
        let mut reach = Reach::default();
        assert!(!reach.note_unlinkable(view(1, 7), Instant(0)));
        assert!(!reach.note_unlinkable(view(1, 7), Instant(1)), "the same view");
        assert!(!reach.note_unlinkable(view(2, 8), Instant(2)), "another leader");
        assert!(reach.note_unlinkable(view(3, 8), Instant(3)));
        let late = Instant(3).after(Times::UNREACHABLE_LEADER);
        assert!(!reach.note_unlinkable(view(4, 8), late), "long after");
    }

    #[test]
    fn of_too_many_addresses_the_pause_is_forgotten_that_ends_first() {
        let mut reach = Reach::default();
        let addr = |number: usize| Member::numbered(u16::try_from(number).unwrap()).addr();
        let rests = |reach: &Reach, number: usize| reach.rests(addr(number), Instant(MAX_ROSTER as u64));
        for number in 0..MAX_ROSTER {
            reach.rest(addr(number), Instant(number as u64));
        }
        assert!((0..MAX_ROSTER).all(|number| rests(&reach, number)));
        reach.rest(addr(MAX_ROSTER), Instant(MAX_ROSTER as u64));
        assert!((1..=MAX_ROSTER).all(|number| rests(&reach, number)) && !rests(&reach, 0));
    }

    #[test]
    fn pauses_at_an_address_grow_and_in_the_end_hold_for_all() {
        let (mut reach, addr, mut now) = (Reach::default(), Member::numbered(7).addr(), Instant(5));
        for (failed, seconds) in (1..).zip([1, 2, 4, 8, 16, 16]) {
            reach.rest(addr, now);
            let end = now.after(Duration::from_secs(seconds));
            let before = end.before(Duration::from_micros(1));
            assert!(reach.rests(addr, before) && !reach.rests(addr, end), "after {failed}");
            assert_eq!(reach.rests_for_all(addr, before), failed >= 4);
            now = end;
        }
        let late = now.after(Times::RESEEK_MOST);
        reach.rest(addr, late);
        assert!(!reach.rests(addr, late.after(Times::RESEEK)), "long after the last, it is the first again");
        reach.note_link(Member::numbered(7).id, Some(addr));
        assert!(!reach.rests(addr, late));
    }

    #[test]
    fn members_are_passed_over_until_they_link_or_refusals_lapse() {
        let [dead, refuses] = [7, 8].map(|number| Member::numbered(number).id);
        let mut reach = Reach::default();
        reach.note_failed_dial(dead, Epoch(3));
        reach.note_refusal(refuses);
        assert!(reach.passes_over(dead) && reach.passes_over(refuses));
        assert!(reach.was_lost_in(dead, Epoch(3)) && !reach.was_lost_in(dead, Epoch(4)));
        reach.forgive();
        assert!(reach.passes_over(dead) && !reach.passes_over(refuses));
        reach.note_link(dead, None);
        assert!(!reach.passes_over_any());
        reach.note_failed_dial(dead, Epoch(3));
        reach.forget_failed_dials();
        assert!(!reach.passes_over_any());
    }
}
