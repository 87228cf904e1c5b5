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

/// Turns in a round, which takes `Times::PROBE`, of all lost members together that are not located.
const OTHERS_A_ROUND: usize = 5;

/// The lost members that are remembered.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) struct LostMembers {
    lost: BTreeMap<NodeId, Lost>,
    /// The located member that was looked for last in this round.
    probed: Option<NodeId>,
    /// How many turns of those that are not located are left in this round.
    others: usize,
    /// When a leader that was only named was last looked for.
    followed: Option<Instant>,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Lost {
    member: Member,
    /// The place of the entry that removed the member.
    index: Index,
    /// The first place that the member may miss: all members had the log up to here before it was removed.
    missed_from: Index,
    at: Instant,
    /// Whether this node has met the member at its address.
    located: bool,
    /// How often the member was looked for, and when last.
    asked: u32,
    asked_at: Instant,
}

impl Lost {
    /// Whether to look for a member that is not located. Each time the pause is twice as long.
    fn is_due(&self, now: Instant) -> bool {
        let pause = Times::PROBE.saturating_mul(2_u32.saturating_pow(self.asked));
        self.asked == 0 || now.since(self.asked_at) >= pause
    }
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

    #[cfg(feature = "inspect")]
    pub(crate) fn len(&self) -> usize {
        self.lost.len()
    }

    /// How many turns there are to look for lost members: one for each that is located, and a few for all others together.
    pub(crate) fn turns(&self) -> usize {
        let located = self.lost.values().filter(|lost| lost.located).count();
        located.saturating_add(self.turns_of_others())
    }

    fn turns_of_others(&self) -> usize {
        self.lost.values().filter(|lost| !lost.located).count().min(OTHERS_A_ROUND)
    }

    /// Where to look for a lost member now, but not where `is_taken` says that a member is. Those that are located have
    /// turns of their own. All others share a few, each with growing pauses: their addresses are what somebody said, and may
    /// belong to people who have nothing to do with the room.
    pub(crate) fn next_to_probe(
        &mut self,
        now: Instant,
        is_taken: impl Fn(SocketAddr) -> bool,
    ) -> Option<SocketAddr> {
        if self.next_located().is_none() && self.others == 0 {
            (self.probed, self.others) = (None, self.turns_of_others());
        }
        let id = if let Some(id) = self.next_located() {
            self.probed = Some(id);
            id
        } else {
            self.others = self.others.saturating_sub(1);
            self.next_of_others(now)?
        };
        let lost = self.lost.get_mut(&id)?;
        (lost.asked, lost.asked_at) = (lost.asked.saturating_add(1), now);
        Some(lost.member.addr()).filter(|addr| !is_taken(*addr))
    }

    fn next_located(&self) -> Option<NodeId> {
        let mut located = self.lost.iter().filter(|(_, lost)| lost.located).map(|(id, _)| *id);
        located.find(|id| Some(*id) > self.probed)
    }

    fn next_of_others(&self, now: Instant) -> Option<NodeId> {
        let due = self.lost.iter().filter(|(_, lost)| !lost.located && lost.is_due(now));
        due.min_by_key(|(_, lost)| (lost.asked, lost.asked_at)).map(|(id, _)| *id)
    }

    /// Whether to look for a leader now that is not located, but was named by a member that was looked for.
    pub(crate) fn may_follow(&mut self, now: Instant) -> bool {
        let may = self.followed.is_none_or(|at| now.since(at) >= Times::PROBE);
        if may {
            self.followed = Some(now);
        }
        may
    }

    /// Whether another life than `newcomer` was met at the address that `newcomer` says is its own, and was lost.
    pub(crate) fn was_at_address_of(&self, newcomer: &Member) -> bool {
        let other_life = |lost: &Lost| lost.member.id != newcomer.id && lost.member.addr() == newcomer.addr();
        self.lost.values().any(|lost| lost.located && other_life(lost))
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

    /// A membership entry was appended at `index`. All members before it have the log up to `stable`. `is_located` tells
    /// which of them this node has met at their addresses.
    pub(crate) fn apply(
        &mut self,
        (index, stable): (Index, Index),
        change: &Change,
        at: Instant,
        is_located: impl Fn(&Member) -> bool,
    ) {
        let missed_from = stable.min(index);
        let lost = |member: &Member| Lost {
            member: member.clone(),
            index,
            missed_from,
            at,
            located: is_located(member),
            asked: 0,
            asked_at: at,
        };
        match change {
            Change::Opened { roster, lost: members } => {
                for member in members {
                    self.lose(lost(member));
                }
                self.replace(roster);
            }
            Change::Edit { gone, joined, merged } => {
                let members = gone.iter().filter(|(_, why)| *why == Departure::Lost);
                members.for_each(|(member, _)| self.lose(lost(member)));
                // The leader has looked whether a newcomer is where it says. Of a whole ring only its leader says so.
                let returns = |member: &Member, lost: &Member| {
                    if *merged { member.id == lost.id } else { member.replaces(lost) }
                };
                for (member, _) in joined {
                    self.lost.retain(|_, lost| !returns(member, &lost.member));
                }
            }
        }
        self.expire(at);
    }

    /// Forgets those that are members.
    pub(crate) fn replace(&mut self, members: &Roster) {
        self.lost.retain(|id, _| !members.contains(*id));
    }

    /// The entries from `index` on are no longer in the log.
    pub(crate) fn forget_from(&mut self, index: Index) {
        self.lost.retain(|_, lost| lost.index < index);
    }

    /// Looks for a member of which the log does not tell, and which has the log up to `end` or needs none. `located` tells
    /// whether this node has met the member at its address.
    pub(crate) fn look_for(&mut self, member: Member, located: bool, end: Index, now: Instant) {
        let index = Index::default();
        self.lose(Lost { member, index, missed_from: end, at: now, located, asked: 0, asked_at: now });
    }

    /// The log begins anew with the place `base`, and the lost members may miss all of it.
    pub(crate) fn begin_at(&mut self, base: Index) {
        self.lost.values_mut().for_each(|lost| (lost.index, lost.missed_from) = (base, base));
    }

    fn lose(&mut self, lost: Lost) {
        self.lost.insert(lost.member.id, lost);
        while self.lost.len() > MAX_ABSENT {
            let oldest = self.lost.iter().min_by_key(|(_, lost)| (lost.located, lost.at, lost.index));
            let oldest = oldest.map(|(id, _)| *id);
            let Some(oldest) = oldest else { break };
            self.lost.remove(&oldest);
        }
    }

    pub(crate) fn expire(&mut self, now: Instant) {
        self.lost.retain(|_, lost| now.since(lost.at) < Times::ABSENT);
    }
}

#[cfg(test)]
mod tests {
    use alloc::vec;
    use alloc::vec::Vec;

    use super::*;

    #[test]
    fn nobody_is_lost_by_an_entry_that_is_no_longer_in_the_log() {
        let [stays_lost, is_back] = [1, 2].map(Member::numbered);
        let mut lost = LostMembers::default();
        for (index, member) in [(3, &stays_lost), (5, &is_back)] {
            let gone = vec![(member.clone(), Departure::Lost)];
            let change = Change::Edit { gone, joined: vec![], merged: false };
            lost.apply((Index(index), Index(2)), &change, Instant::ZERO, |_| true);
        }
        lost.forget_from(Index(5));
        assert!(lost.contains(stays_lost.id) && !lost.contains(is_back.id));
    }
    #[test]
    fn of_too_many_that_are_lost_the_oldest_are_forgotten_that_were_not_met() {
        let mut all = LostMembers::default();
        let member = |number: usize| Member::numbered(u16::try_from(number).unwrap());
        let mut lose = |number: usize, is_located: bool| {
            let gone = vec![(member(number), Departure::Lost)];
            let change = Change::Edit { gone, joined: vec![], merged: false };
            let place = Index(number as u64);
            all.apply((place, place), &change, Instant::ZERO, |_| is_located);
            (1..=number).filter(|number| !all.contains(member(*number).id)).collect::<Vec<_>>()
        };
        assert!((1..=MAX_ABSENT).all(|number| lose(number, number == 1).is_empty()));
        assert_eq!(lose(MAX_ABSENT + 1, false), [2]);
        assert_eq!(lose(MAX_ABSENT + 2, false), [2, 3]);
    }
}
