//! What a leader keeps of its members until it can append it, and how they share the room for that.

use alloc::collections::BTreeMap;

use crate::ids::NodeId;
use crate::limits::{HELD_BYTES, PUT_OFF_BYTES};
use crate::pool::pool_has_room;

/// How many bytes are kept of each member, of all that may be kept.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(super) struct Shares {
    used: u64,
    of: BTreeMap<NodeId, u64>,
}

impl Shares {
    /// Whether there is room for so many bytes of `member`.
    pub(super) fn has_room(&self, member: NodeId, bytes: u64) -> bool {
        let mine = self.of.get(&member).copied().unwrap_or_default();
        mine.saturating_add(bytes) <= PUT_OFF_BYTES as u64
            && pool_has_room(HELD_BYTES as u64, self.used, mine, bytes)
    }

    /// So many bytes of `member` are kept.
    pub(super) fn take(&mut self, member: NodeId, bytes: u64) {
        self.used = self.used.saturating_add(bytes);
        let mine = self.of.entry(member).or_default();
        *mine = mine.saturating_add(bytes);
    }

    /// So many bytes of `member` are kept no longer.
    pub(super) fn give_back(&mut self, member: NodeId, bytes: u64) {
        self.used = self.used.saturating_sub(bytes);
        if let Some(mine) = self.of.get_mut(&member) {
            *mine = mine.saturating_sub(bytes);
            if *mine == 0 {
                self.of.remove(&member);
            }
        }
    }

    /// How many bytes are kept.
    #[cfg(feature = "inspect")]
    pub(super) fn used(&self) -> u64 {
        self.used
    }
}
