//! Members that were lost and did not leave: they may come back, and miss what was said since.

use alloc::collections::BTreeMap;
use core::net::SocketAddr;

use crate::action::Departure;
use crate::config::Times;
use crate::ids::NodeId;
use crate::limits::MAX_ABSENT;
use crate::numbers::Index;
use crate::roster::{Member, Roster};
use crate::time::Instant;
use crate::wire::Change;

/// The lost members that are remembered.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) struct LostMembers {
    lost: BTreeMap<NodeId, Lost>,
    /// The member that was looked for last.
    probed: Option<NodeId>,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Lost {
    member: Member,
    /// The place of the entry that removed the member.
    index: Index,
    /// The first place that the member may miss: all members had the log up to here before it was removed.
    missed_from: Index,
    at: Instant,
}

impl LostMembers {
    #[cfg(feature = "inspect")]
    pub(crate) fn members(&self) -> impl Iterator<Item = &Member> {
        self.lost.values().map(|lost| &lost.member)
    }

    /// The lost members, and the entry that removed each.
    #[cfg(feature = "inspect")]
    pub(super) fn removed_at(&self) -> impl Iterator<Item = (NodeId, Index)> {
        self.lost.iter().map(|(id, lost)| (*id, lost.index))
    }

    pub(crate) fn len(&self) -> usize {
        self.lost.len()
    }

    /// Where to look for a lost member now. Each has its turn.
    pub(crate) fn next_to_probe(&mut self) -> Option<SocketAddr> {
        let mut later = self.lost.iter().filter(|(id, _)| Some(**id) > self.probed);
        let (id, lost) = later.next().or_else(|| self.lost.first_key_value())?;
        self.probed = Some(*id);
        Some(lost.member.addr())
    }

    pub(crate) fn contains(&self, id: NodeId) -> bool {
        self.lost.contains_key(&id)
    }

    pub(crate) fn member(&self, id: NodeId) -> Option<&Member> {
        self.lost.get(&id).map(|lost| &lost.member)
    }

    /// The first place that a lost member may miss.
    pub(crate) fn since(&self) -> Option<Index> {
        self.lost.values().map(|lost| lost.missed_from).min()
    }

    /// A membership entry was appended at `index`. All who were members before it have the log up to `stable`.
    pub(crate) fn apply(&mut self, index: Index, stable: Index, change: &Change, at: Instant) {
        let missed_from = stable.min(index);
        match change {
            Change::Opened { roster, lost } => {
                for member in lost {
                    self.lose(Lost { member: member.clone(), index, missed_from, at });
                }
                self.replace(roster);
            }
            Change::Edit { gone, joined, .. } => {
                let lost = gone.iter().filter(|(_, why)| *why == Departure::Lost);
                for (member, _) in lost {
                    self.lose(Lost { member: member.clone(), index, missed_from, at });
                }
                for (member, _) in joined {
                    self.returned(member);
                }
            }
        }
        self.expire(at);
    }

    /// Forgets those that are members, and older lives at the addresses of members.
    pub(crate) fn replace(&mut self, members: &Roster) {
        members.iter().for_each(|member| self.returned(member));
    }

    /// The entries from `index` on are no longer in the log.
    pub(crate) fn forget_from(&mut self, index: Index) {
        self.lost.retain(|_, lost| lost.index < index);
    }

    fn lose(&mut self, lost: Lost) {
        self.lost.insert(lost.member.id, lost);
        while self.lost.len() > MAX_ABSENT {
            let oldest = self.lost.iter().min_by_key(|(_, lost)| (lost.at, lost.index)).map(|(id, _)| *id);
            let Some(oldest) = oldest else { break };
            self.lost.remove(&oldest);
        }
    }

    /// Forgets `member`, and older lives at its address: it is a member now.
    fn returned(&mut self, member: &Member) {
        self.lost.retain(|_, lost| !member.replaces(&lost.member));
    }

    pub(crate) fn expire(&mut self, now: Instant) {
        self.lost.retain(|_, lost| now.since(lost.at) < Times::ABSENT);
    }
}
