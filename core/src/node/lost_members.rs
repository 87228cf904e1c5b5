//! Members that were lost, not left: they may come back, and miss what was said since.

use alloc::collections::BTreeMap;

use crate::action::Departure;
use crate::config::Times;
use crate::ids::{Index, NodeId};
use crate::limits::MAX_ABSENT;
use crate::roster::{Member, Roster};
use crate::time::Instant;
use crate::wire::Change;

/// The lost members that are remembered.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) struct LostMembers {
    pub(super) lost: BTreeMap<NodeId, Lost>,
    /// Who was looked for last.
    probed: Option<NodeId>,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Lost {
    member: Member,
    /// The entry that removed it.
    pub(super) index: Index,
    at: Instant,
}

impl LostMembers {
    #[cfg(feature = "inspect")]
    pub(crate) fn ids(&self) -> impl Iterator<Item = NodeId> {
        self.lost.keys().copied()
    }

    pub(crate) fn len(&self) -> usize {
        self.lost.len()
    }

    /// The one to look for now: each in turn.
    pub(crate) fn next_to_probe(&mut self) -> Option<NodeId> {
        let mut later = self.lost.keys().copied().filter(|id| Some(*id) > self.probed);
        self.probed = later.next().or_else(|| self.lost.keys().next().copied());
        self.probed
    }

    pub(crate) fn contains(&self, id: NodeId) -> bool {
        self.lost.contains_key(&id)
    }

    pub(crate) fn member(&self, id: NodeId) -> Option<Member> {
        self.lost.get(&id).map(|lost| lost.member.clone())
    }

    /// What they miss begins here.
    pub(crate) fn since(&self) -> Option<Index> {
        self.lost.values().map(|lost| lost.index).min()
    }

    /// A membership entry was appended at `index`.
    pub(crate) fn apply(&mut self, index: Index, change: &Change, at: Instant) {
        match change {
            Change::Opened { roster, lost } => {
                for member in lost {
                    self.lose(member, index, at);
                }
                self.replace(roster);
            }
            Change::Edit { gone, joined, .. } => {
                let lost = gone.iter().filter(|(_, why)| *why == Departure::Lost);
                lost.for_each(|(member, _)| self.lose(member, index, at));
                for (member, _) in joined {
                    self.returned(member.id);
                }
            }
        }
        self.expire(at);
    }

    /// These are members: whoever had the address of one before is looked for no more.
    pub(crate) fn replace(&mut self, members: &Roster) {
        members.ids().for_each(|id| self.returned(id));
    }

    /// The entries from `index` on are no longer in the log.
    pub(crate) fn forget_from(&mut self, index: Index) {
        self.lost.retain(|_, lost| lost.index < index);
    }

    fn lose(&mut self, member: &Member, index: Index, at: Instant) {
        self.lost.insert(member.id, Lost { member: member.clone(), index, at });
        while self.lost.len() > MAX_ABSENT {
            let oldest = self.lost.iter().min_by_key(|(_, lost)| (lost.at, lost.index)).map(|(id, _)| *id);
            let Some(oldest) = oldest else { break };
            self.lost.remove(&oldest);
        }
    }

    /// A member is there that has this id, or a newer life of that address.
    fn returned(&mut self, id: NodeId) {
        self.lost.retain(|lost, _| lost.addr() != id.addr());
    }

    pub(crate) fn expire(&mut self, now: Instant) {
        self.lost.retain(|_, lost| now.since(lost.at) < Times::ABSENT);
    }
}
