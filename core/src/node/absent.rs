//! Members that were lost, not left: they may come back, and miss what was said since.

use alloc::collections::BTreeMap;

use crate::config::Times;
use crate::ids::{Index, NodeId};
use crate::limits::MAX_ABSENT;
use crate::roster::Member;
use crate::time::Instant;

/// The lost members that are remembered.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) struct Absent(BTreeMap<NodeId, Lost>);

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Lost {
    member: Member,
    /// The entry that removed it.
    index: Index,
    at: Instant,
}

impl Absent {
    pub(crate) fn contains(&self, id: NodeId) -> bool {
        self.0.contains_key(&id)
    }

    pub(crate) fn member(&self, id: NodeId) -> Option<Member> {
        self.0.get(&id).map(|lost| lost.member.clone())
    }

    /// What they miss begins here.
    pub(crate) fn since(&self) -> Option<Index> {
        self.0.values().map(|lost| lost.index).min()
    }

    pub(crate) fn lose(&mut self, member: Member, index: Index, at: Instant) {
        self.0.insert(member.id, Lost { member, index, at });
        while self.0.len() > MAX_ABSENT {
            let oldest = self.0.iter().min_by_key(|(_, lost)| (lost.at, lost.index)).map(|(id, _)| *id);
            let Some(oldest) = oldest else { break };
            self.0.remove(&oldest);
        }
    }

    /// A member is there that has this id, or a newer life of that address.
    pub(crate) fn returned(&mut self, id: NodeId) {
        self.0.retain(|lost, _| lost.addr() != id.addr());
    }

    pub(crate) fn expire(&mut self, now: Instant) {
        self.0.retain(|_, lost| now.since(lost.at) < Times::ABSENT);
    }
}
