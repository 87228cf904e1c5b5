//! Members that departed for good: the log forgets them, and what they said must not come back as something new.

use alloc::collections::{BTreeMap, VecDeque};

use super::replica::Forgotten;
use super::{Node, Rule};
use crate::ids::NodeId;
use crate::limits::MAX_DEPARTED;
use crate::numbers::Seq;

/// The last messages of members that the log has forgotten. The newest [`MAX_DEPARTED`] are kept.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(super) struct Departed {
    last: BTreeMap<NodeId, Seq>,
    oldest_first: VecDeque<NodeId>,
}

impl Departed {
    /// The number of the last message of `id` that was noted, if `id` departed.
    pub(super) fn last_of(&self, id: NodeId) -> Seq {
        self.last.get(&id).copied().unwrap_or_default()
    }

    /// The log has forgotten `id`, whose messages up to `last` must not come back.
    pub(super) fn note(&mut self, id: NodeId, last: Seq) {
        let known = self.last.entry(id).or_default();
        *known = last.max(*known);
        self.oldest_first.retain(|other| *other != id);
        self.oldest_first.push_back(id);
        if self.oldest_first.len() > MAX_DEPARTED
            && let Some(oldest) = self.oldest_first.pop_front()
        {
            self.last.remove(&oldest);
        }
    }

    /// How many are remembered.
    #[cfg(feature = "inspect")]
    pub(super) fn len(&self) -> usize {
        self.last.len()
    }
}

impl Node {
    /// Forgets origins that departed for good, if many are known.
    pub(super) fn bound_origins(&mut self) {
        if self.replica.knows_many_origins() {
            let forgotten = self.replica.forget_origins(self.membership.roster());
            self.note_departed(forgotten);
        }
    }

    /// Remembers members that the log has forgotten.
    pub(super) fn note_departed(&mut self, forgotten: Forgotten) {
        if self.enforces(Rule::RememberDeparted) {
            self.replica.note_departed(forgotten);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::roster::Member;

    #[test]
    fn the_newest_are_remembered_with_their_highest_numbers() {
        let id = |n: usize| Member::numbered(u16::try_from(n).unwrap()).id;
        let mut departed = Departed::default();
        (0..MAX_DEPARTED).for_each(|n| departed.note(id(n), Seq(7)));
        departed.note(id(0), Seq(5));
        departed.note(id(MAX_DEPARTED), Seq(9));
        assert_eq!([0, 1, MAX_DEPARTED].map(|n| departed.last_of(id(n))), [Seq(7), Seq(0), Seq(9)]);
        assert_eq!((departed.last.len(), departed.oldest_first.len()), (MAX_DEPARTED, MAX_DEPARTED));
    }
}
