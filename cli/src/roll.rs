//! The names that the user may want to type, shared between the screen that hears them and the desk that completes them.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use ringchat_core::{Member, NodeId};

use crate::present::Looks;

/// The names of the members. Cheap to clone; all clones share them.
#[derive(Clone, Debug, Default)]
pub(crate) struct Roll(Arc<Mutex<Names>>);

/// A member as a user may want to type it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Called {
    /// The name.
    pub(crate) name: String,
    /// The name, with the address if another member's name looks the same: so commands know who is meant.
    pub(crate) who: String,
}

#[derive(Debug, Default)]
struct Names {
    me: Option<NodeId>,
    /// All members in ring order, as far as it is known, with the number of the text that each said last.
    members: Vec<(Member, u64)>,
    texts: u64,
}

impl Roll {
    /// The room has exactly `members`, in ring order; `me` is the user.
    pub(crate) fn call<'a>(&self, me: NodeId, members: impl IntoIterator<Item = &'a Member>) {
        let mut names = self.lock();
        let spoke: BTreeMap<NodeId, u64> =
            names.members.iter().map(|(member, said)| (member.id, *said)).collect();
        names.me = Some(me);
        let said = |id: &NodeId| spoke.get(id).copied().unwrap_or(0);
        names.members = members.into_iter().map(|member| (member.clone(), said(&member.id))).collect();
    }

    /// `member` joined.
    pub(crate) fn add(&self, member: &Member) {
        let mut names = self.lock();
        names.members.retain(|(other, _)| other.id != member.id);
        names.members.push((member.clone(), 0));
    }

    /// The member `id` has gone.
    pub(crate) fn remove(&self, id: NodeId) {
        self.lock().members.retain(|(other, _)| other.id != id);
    }

    /// The member `id` said something.
    pub(crate) fn spoke(&self, id: NodeId) {
        let mut names = self.lock();
        names.texts += 1;
        let now = names.texts;
        if let Some((_, said)) = names.members.iter_mut().find(|(other, _)| other.id == id) {
            *said = now;
        }
    }

    /// All others: those first that spoke last, then those after the user in the ring.
    pub(crate) fn others(&self) -> Vec<Called> {
        let names = self.lock();
        let looks: Vec<Looks> = names.members.iter().map(|(member, _)| Looks::of(&member.name)).collect();
        let all: Vec<_> = names.members.iter().zip(Looks::alike(looks.iter())).collect();
        let is_me = |member: &Member| Some(member.id) == names.me;
        let own = all.iter().position(|((member, _), _)| is_me(member));
        let (before, after) = all.split_at(own.map_or(0, |own| own + 1));
        let mut others: Vec<_> =
            after.iter().chain(before).filter(|((member, _), _)| !is_me(member)).collect();
        others.sort_by_key(|((_, said), _)| Reverse(*said));
        let called = |((member, _), is_alike): &(&(Member, u64), bool)| {
            let name = member.name.to_string();
            Called { who: if *is_alike { member.to_string() } else { name.clone() }, name }
        };
        others.into_iter().map(called).collect()
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
    use crate::people::find;

    fn member(name: &str, n: u8) -> Member {
        let id = NodeId::new([n; 32], NonZeroU64::MIN);
        Member::new(id, ([127, 0, 0, n], 1).into(), Name::new(name).unwrap())
    }

    /// What stands in the roll: names, and as commands know them.
    fn others(roll: &Roll) -> (Vec<String>, Vec<String>) {
        roll.others().into_iter().map(|called| (called.name, called.who)).unzip()
    }

    #[test]
    fn those_that_spoke_last_come_first_then_the_ring_and_never_oneself() {
        let [ann, me, bob, cyd] =
            [("ann", 1), ("me", 2), ("bob", 3), ("cyd", 4)].map(|(name, n)| member(name, n));
        let roll = Roll::default();
        assert_eq!(others(&roll).0, [""; 0]);
        roll.call(me.id, [&ann, &me, &bob, &cyd]);
        assert_eq!(others(&roll).0, ["bob", "cyd", "ann"]);
        assert_eq!(others(&roll).1, ["bob", "cyd", "ann"]);
        roll.spoke(cyd.id);
        roll.spoke(ann.id);
        roll.spoke(me.id);
        assert_eq!(others(&roll).0, ["ann", "cyd", "bob"]);
        roll.remove(ann.id);
        roll.add(&member("bob", 5));
        assert_eq!(others(&roll).0, ["cyd", "bob", "bob"]);
        roll.call(me.id, [&me, &bob, &cyd]);
        assert_eq!(others(&roll).0, ["cyd", "bob"], "who spoke is still known");
    }

    #[test]
    fn commands_are_told_which_of_two_is_meant_whose_names_look_the_same() {
        let [me, carol, other, bob] =
            [("Bob", 1), ("Carol", 2), ("C\u{430}rol", 3), ("Bob", 4)].map(|(name, n)| member(name, n));
        let roll = Roll::default();
        roll.call(me.id, [&me, &carol, &other, &bob]);
        let all = [&carol, &other, &bob].map(Member::to_string);
        assert_eq!(
            others(&roll),
            (["Carol", "C\u{430}rol", "Bob"].map(str::to_owned).to_vec(), all.to_vec())
        );
        let members = [&me, &carol, &other, &bob];
        for (who, meant) in all.iter().zip([&carol, &other, &bob]) {
            assert_eq!(find(who, members).unwrap(), meant);
        }
        roll.remove(other.id);
        assert_eq!(others(&roll).1[0], "Carol");
    }
}
