//! Members that this node cannot use just now: whom it passes over, and until when.

use alloc::collections::{BTreeMap, BTreeSet};

use crate::config::Times;
use crate::ids::NodeId;
use crate::numbers::Epoch;
use crate::roster::{Roster, View};
use crate::time::Instant;

/// Which members cannot be reached, and which of them do not take this node for a member.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) struct Reach {
    /// Members whose last dial failed, and the epoch that this node had promised then.
    unreachable: BTreeMap<NodeId, Epoch>,
    /// Members that refused this node. They are passed over until there is a leader.
    refused_us: BTreeSet<NodeId>,
    /// Members that refused this node and know a newer configuration.
    ahead: BTreeSet<NodeId>,
    /// The last view whose elected leader could not be linked to, and when.
    unlinkable: Option<(View, Instant)>,
}

impl Reach {
    /// No dial to `peer` works. The node has promised the epoch `promised`.
    pub(super) fn dial_failed(&mut self, peer: NodeId, promised: Epoch) {
        self.unreachable.insert(peer, promised);
    }

    /// A link to `peer` stands.
    pub(super) fn linked(&mut self, peer: NodeId) {
        self.unreachable.remove(&peer);
        self.refused_us.remove(&peer);
    }

    /// `peer` has dialed this node, so it is alive, whatever became of the last dial to it.
    pub(super) fn is_alive(&mut self, peer: NodeId) {
        self.unreachable.remove(&peer);
    }

    /// A member says that this node is none.
    pub(super) fn refused(&mut self, peer: NodeId) {
        self.refused_us.insert(peer);
    }

    /// A peer that refused this node knows a newer configuration.
    pub(super) fn is_ahead(&mut self, peer: NodeId) {
        self.ahead.insert(peer);
    }

    /// There is a leader, or time has passed: refusals lapse.
    pub(super) fn forgive(&mut self) {
        self.refused_us.clear();
    }

    /// This node is a member of the newest ring that it knows.
    pub(super) fn caught_up(&mut self) {
        self.ahead.clear();
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
    pub(super) fn is_unlinkable_again(&mut self, view: View, now: Instant) -> bool {
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
    }
}
