//! The names that the user may want to type, shared between the screen that hears them and the desk that completes them.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use ringchat_core::{Member, NodeId};

/// The names of the members. Cheap to clone; all clones share them.
#[derive(Clone, Debug, Default)]
pub(crate) struct Roll(Arc<Mutex<Names>>);

#[derive(Debug, Default)]
struct Names {
    me: Option<NodeId>,
    /// All members in ring order, as far as it is known, with the number of the text that each said last.
    members: Vec<(NodeId, String, u64)>,
    texts: u64,
}

impl Roll {
    /// The room has exactly `members`, in ring order; `me` is the user.
    pub(crate) fn call<'a>(&self, me: NodeId, members: impl IntoIterator<Item = &'a Member>) {
        let mut names = self.lock();
        let spoke: BTreeMap<NodeId, u64> = names.members.iter().map(|(id, _, said)| (*id, *said)).collect();
        names.me = Some(me);
        let said = |id: &NodeId| spoke.get(id).copied().unwrap_or(0);
        names.members = members
            .into_iter()
            .map(|member| (member.id, member.name.to_string(), said(&member.id)))
            .collect();
    }

    /// `member` joined.
    pub(crate) fn add(&self, member: &Member) {
        let mut names = self.lock();
        names.members.retain(|(id, ..)| *id != member.id);
        names.members.push((member.id, member.name.to_string(), 0));
    }

    /// The member `id` has gone.
    pub(crate) fn remove(&self, id: NodeId) {
        self.lock().members.retain(|(other, ..)| *other != id);
    }

    /// The member `id` said something.
    pub(crate) fn spoke(&self, id: NodeId) {
        let mut names = self.lock();
        names.texts += 1;
        let now = names.texts;
        if let Some((.., said)) = names.members.iter_mut().find(|(other, ..)| *other == id) {
            *said = now;
        }
    }

    /// The names of all others, each once: those first that spoke last, then those after the user in the ring.
    pub(crate) fn names(&self) -> Vec<String> {
        let names = self.lock();
        let own = names.members.iter().position(|(id, ..)| Some(*id) == names.me);
        let (before, after) = names.members.split_at(own.map_or(0, |own| own + 1));
        let mut others: Vec<_> =
            after.iter().chain(before).filter(|(id, ..)| Some(*id) != names.me).collect();
        others.sort_by_key(|(_, _, said)| Reverse(*said));
        let mut unique: Vec<String> = Vec::new();
        for (_, name, _) in others {
            if !unique.contains(name) {
                unique.push(name.clone());
            }
        }
        unique
    }

    fn lock(&self) -> MutexGuard<'_, Names> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroU64;

    use ringchat_core::Name;

    use super::*;

    fn member(name: &str, n: u8) -> Member {
        let id = NodeId::new([n; 32], NonZeroU64::MIN);
        Member::new(id, ([127, 0, 0, n], 1).into(), Name::new(name).unwrap())
    }

    #[test]
    fn those_that_spoke_last_come_first_then_the_ring_and_never_oneself() {
        let [ann, me, bob, cyd] =
            [("ann", 1), ("me", 2), ("bob", 3), ("cyd", 4)].map(|(name, n)| member(name, n));
        let roll = Roll::default();
        assert_eq!(roll.names(), [""; 0]);
        roll.call(me.id, [&ann, &me, &bob, &cyd]);
        assert_eq!(roll.names(), ["bob", "cyd", "ann"]);
        roll.spoke(cyd.id);
        roll.spoke(ann.id);
        roll.spoke(me.id);
        assert_eq!(roll.names(), ["ann", "cyd", "bob"]);
        roll.remove(ann.id);
        roll.add(&member("bob", 5));
        assert_eq!(roll.names(), ["cyd", "bob"], "two of one name are one word");
        roll.call(me.id, [&me, &bob, &cyd]);
        assert_eq!(roll.names(), ["cyd", "bob"], "who spoke is still known");
    }
}
