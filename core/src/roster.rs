//! Members, and the ring they form.

use alloc::collections::{BTreeMap, BTreeSet};
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::fmt;
use core::net::{Ipv4Addr, SocketAddr};

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize};
use thiserror::Error;

use crate::ids::NodeId;
use crate::limits::MAX_ROSTER;
use crate::name::Name;
use crate::numbers::Epoch;

/// A member: which one, where it listens, and what people call it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Member {
    /// Tells the member, in this life, from all others.
    pub id: NodeId,
    addr: SocketAddr,
    /// What people call the member. Not unique.
    pub name: Name,
}

impl Member {
    /// The member with that id, which others reach at `addr`. The flow label and the scope of a v6 address do not
    /// travel and are dropped.
    pub fn new(id: NodeId, addr: SocketAddr, name: Name) -> Self {
        Self { id, addr: SocketAddr::new(addr.ip(), addr.port()), name }
    }

    /// A stand-in for a member that was met at `addr`, and did not say what it is called.
    pub(crate) fn met(id: NodeId, addr: SocketAddr) -> Self {
        Self::new(id, addr, Name::unknown())
    }

    /// A stand-in for a member of which only the id is known.
    pub(crate) fn unknown(id: NodeId) -> Self {
        Self { id, addr: SocketAddr::new(Ipv4Addr::UNSPECIFIED.into(), 0), name: Name::unknown() }
    }

    /// Where others reach the member, fixed for its life; `0.0.0.0:0` in the stand-in for a member that is no longer
    /// known.
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// Whether this member and `other` exclude each other: they are one member, or two at one address, where no two
    /// processes can listen.
    pub(crate) fn replaces(&self, other: &Self) -> bool {
        self.id == other.id || self.addr == other.addr
    }
}

impl fmt::Display for Member {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}({})", self.name, self.addr)
    }
}

/// The time in which one member leads. Two rings of a partition may share an epoch, but never a view.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct View {
    /// The epoch that the leader opened.
    pub epoch: Epoch,
    /// The member that writes the log in this view.
    pub leader: NodeId,
}

/// A configuration: the `n`th membership of a view. Greater is newer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct ConfigId {
    /// The view in which the membership was written.
    pub view: View,
    /// How many memberships came before this one in the view.
    pub n: u64,
}

impl ConfigId {
    /// The configuration that opens `view`.
    pub fn first(view: View) -> Self {
        Self { view, n: 0 }
    }

    /// The next configuration of the same view (saturating).
    #[must_use]
    pub fn next(self) -> Self {
        Self { n: self.n.saturating_add(1), ..self }
    }
}

/// Members in ring order: the successor of each is the member after it, and the successor of the last is the first.
///
/// Ids are unique. At most [`MAX_ROSTER`] members. Cheap to clone.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub struct Roster(Arc<[Member]>);

impl Roster {
    /// A ring of these members.
    ///
    /// # Errors
    /// If there are more than [`MAX_ROSTER`], or an id stands there twice.
    pub fn new(members: Vec<Member>) -> Result<Self, RosterError> {
        if members.len() > MAX_ROSTER {
            return Err(RosterError::TooMany);
        }
        let mut ids: Vec<NodeId> = members.iter().map(|m| m.id).collect();
        ids.sort_unstable();
        if ids.windows(2).any(|pair| matches!(pair, [a, b] if a == b)) {
            return Err(RosterError::Twice);
        }
        Ok(Self(members.into()))
    }

    /// A ring of one.
    pub fn alone(me: Member) -> Self {
        Self(Arc::new([me]))
    }

    /// How many members the ring has.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether the ring has no member.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The members in ring order.
    pub fn iter(&self) -> core::slice::Iter<'_, Member> {
        self.0.iter()
    }

    /// The ids of the members in ring order.
    pub fn ids(&self) -> impl DoubleEndedIterator<Item = NodeId> + '_ {
        self.0.iter().map(|m| m.id)
    }

    /// The member with that id.
    pub fn find(&self, id: NodeId) -> Option<&Member> {
        self.0.iter().find(|m| m.id == id)
    }

    /// Whether `id` is a member.
    pub fn contains(&self, id: NodeId) -> bool {
        self.find(id).is_some()
    }

    /// The members that `other` lacks, in ring order.
    pub fn without(&self, other: &Self) -> Vec<Member> {
        // Rings that follow each other differ in a few places only, and nobody stands twice in one.
        let same = |(a, b): &(&Member, &Member)| a.id == b.id;
        let before = self.iter().zip(other).take_while(same).count();
        let rest = |roster: &Self| roster.0.len().saturating_sub(before);
        let after = self.iter().rev().zip(other.iter().rev()).take_while(same).count();
        let between = |roster: &Self| rest(roster).saturating_sub(after);
        let known: BTreeSet<NodeId> = other.ids().skip(before).take(between(other)).collect();
        let mine = self.iter().skip(before).take(between(self));
        mine.filter(|m| !known.contains(&m.id)).cloned().collect()
    }

    /// The other members in ring order, starting with the successor of `id`; all members if `id` is none of them.
    pub fn after(&self, id: NodeId) -> impl DoubleEndedIterator<Item = NodeId> + '_ {
        self.members_after(id).map(|m| m.id)
    }

    fn members_after(&self, id: NodeId) -> impl DoubleEndedIterator<Item = &Member> {
        let at = self.0.iter().position(|m| m.id == id);
        let (before, from) = self.0.split_at(at.unwrap_or(0));
        from.iter().skip(usize::from(at.is_some())).chain(before)
    }

    /// This ring, and before `id` the members that only `other` has. All of those stay: if they are too many for a ring, the
    /// last of the members go that only this ring has.
    #[must_use]
    pub fn keeping(&self, other: &Self, id: NodeId) -> Self {
        let known: BTreeSet<NodeId> = self.ids().collect();
        let kept: Vec<Member> = other.members_after(id).filter(|m| !known.contains(&m.id)).cloned().collect();
        if kept.is_empty() {
            return self.clone();
        }
        let needed: BTreeSet<NodeId> = other.ids().chain([id]).collect();
        let mine = |it: &NodeId| !needed.contains(it);
        let shared = self.ids().filter(|id| !mine(id)).count();
        let room = MAX_ROSTER.saturating_sub(shared).saturating_sub(kept.len());
        let too_many: BTreeSet<NodeId> = self.ids().filter(mine).skip(room).collect();
        let mut members = self.retain(|id| !too_many.contains(&id)).0.to_vec();
        let at = members.iter().position(|m| m.id == id).unwrap_or(members.len());
        members.splice(at..at, kept);
        Self(members.into())
    }

    /// This ring with the members that only `other` has, each after the member of this ring that it follows there. A full
    /// ring takes no more.
    #[must_use]
    pub fn with(&self, other: &Self) -> Self {
        let known: BTreeSet<NodeId> = self.ids().collect();
        let Some(start) = other.iter().position(|m| known.contains(&m.id)) else { return self.clone() };
        let (before, from) = other.0.split_at(start);
        let mut added: BTreeMap<NodeId, Vec<Member>> = BTreeMap::new();
        let (mut after, mut room) = (None, MAX_ROSTER.saturating_sub(self.len()));
        for member in from.iter().chain(before) {
            if known.contains(&member.id) {
                after = Some(member.id);
            } else if let Some(after) = after.filter(|_| room > 0) {
                added.entry(after).or_default().push(member.clone());
                room = room.saturating_sub(1);
            }
        }
        if added.is_empty() {
            return self.clone();
        }
        let mut members = Vec::with_capacity(MAX_ROSTER.saturating_sub(room));
        for member in self {
            members.push(member.clone());
            members.extend(added.remove(&member.id).into_iter().flatten());
        }
        Self(members.into())
    }

    /// This ring with only the members that `keep` names.
    #[must_use]
    pub fn retain(&self, keep: impl Fn(NodeId) -> bool) -> Self {
        self.edit(keep, &[])
    }

    /// This ring with only the members that `keep` names, and then each newcomer in turn right after its contact, or at
    /// the end if the contact is no member. A newcomer replaces the member with its id. A full ring takes no newcomer.
    #[must_use]
    pub fn edit(&self, keep: impl Fn(NodeId) -> bool, newcomers: &[(Member, NodeId)]) -> Self {
        let mut members: Vec<Member> = self.0.iter().filter(|m| keep(m.id)).cloned().collect();
        for (newcomer, contact) in newcomers {
            members.retain(|m| m.id != newcomer.id);
            if members.len() < MAX_ROSTER {
                let contact = members.iter().position(|m| m.id == *contact);
                let at = contact.map_or(members.len(), |at| at.saturating_add(1));
                members.insert(at, newcomer.clone());
            }
        }
        Self(members.into())
    }
}

impl<'a> IntoIterator for &'a Roster {
    type Item = &'a Member;
    type IntoIter = core::slice::Iter<'a, Member>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

impl<'de> Deserialize<'de> for Roster {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::new(Vec::deserialize(deserializer)?).map_err(D::Error::custom)
    }
}

/// What keeps members from being a ring.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum RosterError {
    /// There are more than [`MAX_ROSTER`] members.
    #[error("a room has at most {} members", MAX_ROSTER)]
    TooMany,
    /// An id stands there twice.
    #[error("a member stands twice in the roster")]
    Twice,
}

#[cfg(test)]
impl Member {
    /// One of many, whose ids and addresses order as their numbers do.
    pub(crate) fn numbered(n: u16) -> Self {
        let mut key = [0; 32];
        key[..2].copy_from_slice(&n.to_be_bytes());
        let id = NodeId::sham(key, core::num::NonZeroU64::MIN);
        Self::new(id, ([127, 0, 0, 1], n).into(), Name::new("m").unwrap())
    }
}

#[cfg(test)]
mod tests {
    use core::net::SocketAddrV6;

    use super::*;
    use alloc::vec;

    fn member(n: u16) -> Member {
        Member::numbered(n)
    }

    fn ring(ports: &[u16]) -> Roster {
        Roster::new(ports.iter().map(|&p| member(p)).collect()).unwrap()
    }

    #[test]
    fn what_one_ring_has_and_another_lacks_comes_in_order() {
        assert_eq!(ring(&[3, 1, 2]).without(&ring(&[1, 9])), [member(3), member(2)]);
        let rings: [&[u16]; 8] =
            [&[], &[1], &[2, 3], &[1, 2, 3], &[1, 9, 3], &[3, 2, 1], &[1, 3, 2, 4], &[1, 2, 3, 4]];
        for (mine, other) in rings.iter().flat_map(|mine| rings.map(|other| (ring(mine), ring(other)))) {
            let lacks = mine.iter().filter(|m| !other.contains(m.id)).cloned();
            assert_eq!(mine.without(&other), lacks.collect::<Vec<_>>(), "{mine:?}, {other:?}");
        }
    }

    #[test]
    fn the_ring_is_walked_from_the_one_after_me() {
        let after: Vec<NodeId> = ring(&[1, 2, 3, 4]).after(member(3).id).collect();
        assert_eq!(after, [4, 1, 2].map(|n| member(n).id));
    }

    #[test]
    fn a_newcomer_comes_right_after_its_contact() {
        assert_eq!(ring(&[1, 2, 3]).edit(|_| true, &[(member(9), member(2).id)]), ring(&[1, 2, 9, 3]));
        assert_eq!(ring(&[1, 2, 3]).edit(|_| true, &[(member(9), member(7).id)]), ring(&[1, 2, 3, 9]));
        assert_eq!(ring(&[1, 2, 9]).edit(|_| true, &[(member(9), member(1).id)]), ring(&[1, 9, 2]));
    }

    #[test]
    fn another_ring_adds_members_and_neither_takes_away_nor_moves_any() {
        assert_eq!(ring(&[1, 2, 3]).with(&ring(&[3, 9, 8, 1, 7])), ring(&[1, 7, 2, 3, 9, 8]));
        assert_eq!(ring(&[1, 2, 3]).with(&ring(&[3, 2, 1])), ring(&[1, 2, 3]));
        assert_eq!(ring(&[1, 2]).with(&ring(&[8, 9])), ring(&[1, 2]));
        let inventions = Roster::new((1..).take(MAX_ROSTER).map(member).collect()).unwrap();
        let both = ring(&[1, 5000, 5001]).with(&inventions);
        assert_eq!(both.len(), MAX_ROSTER);
        assert!(both.contains(member(5001).id));
    }

    #[test]
    fn a_newer_ring_keeps_the_members_of_an_older_one_behind_all_others() {
        let me = member(3).id;
        assert_eq!(ring(&[1, 2, 3]).keeping(&ring(&[3, 2, 1]), me), ring(&[1, 2, 3]));
        assert_eq!(ring(&[1, 9, 3, 2]).keeping(&ring(&[1, 2, 3, 7, 8]), me), ring(&[1, 9, 7, 8, 3, 2]));
        assert_eq!(ring(&[3, 9]).keeping(&ring(&[2, 3, 1]), me), ring(&[1, 2, 3, 9]));
        let inventions = Roster::new((1..).take(MAX_ROSTER).map(member).collect()).unwrap();
        let both = inventions.keeping(&ring(&[3, 5000, 5001, 900]), me);
        assert_eq!(both.len(), MAX_ROSTER);
        assert!([3, 900, 5000, 5001].iter().all(|n| both.contains(member(*n).id)));
        assert!(!both.contains(member(u16::try_from(MAX_ROSTER).unwrap()).id));
    }

    #[test]
    fn a_full_ring_takes_nobody() {
        let members = (1..).take(MAX_ROSTER).map(member).collect();
        let full = Roster::new(members).unwrap();
        assert_eq!(full.edit(|_| true, &[(member(9999), member(1).id)]), full);
    }

    #[test]
    fn a_member_that_stands_twice_is_refused() {
        assert_eq!(Roster::new(vec![member(1), member(1)]), Err(RosterError::Twice));
    }
    #[test]
    fn an_address_drops_what_does_not_travel() {
        let ip = [0xfe80, 0, 0, 0, 0, 0, 0, 1].into();
        let (scoped, plain) = (SocketAddrV6::new(ip, 4000, 7, 3), SocketAddrV6::new(ip, 4000, 0, 0));
        let Member { id, name, .. } = member(1);
        assert_eq!(Member::new(id, scoped.into(), name).addr(), plain.into());
    }

    #[test]
    fn two_lives_of_one_address_are_not_both_there() {
        let (one, two) = (member(1), member(2));
        assert!(Member::new(two.id, one.addr(), two.name.clone()).replaces(&one));
        assert!(Member::new(one.id, two.addr(), one.name.clone()).replaces(&one));
        assert!(!two.replaces(&one));
    }
}
