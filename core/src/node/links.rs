//! The table of links and dials: pure bookkeeping, no decisions.

use alloc::collections::BTreeMap;
use alloc::vec::Vec;
use core::net::SocketAddr;

use crate::config::Times;
use crate::ids::{DialId, LinkId, NodeId};
use crate::limits::{MAX_BROKEN_DIALS, MAX_ROSTER, MAX_VAIN_DIALS};
use crate::numbers::Stamp;
use crate::roster::{ConfigId, Member, View};
use crate::time::Instant;
use crate::trace::DialReason;
use crate::wire::Hello;

/// What a dial is for.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Purpose {
    /// To link to a member.
    Peer(NodeId),
    /// To ask a contact who leads.
    Contact(SocketAddr),
    /// To find out whether this newcomer is where it says.
    Newcomer(NodeId),
    /// To find out whether a lost member is in another ring.
    Probe {
        /// The leader of that ring, if it is the one that is dialed.
        leader: Option<NodeId>,
    },
    /// To ask the leader to be let in.
    Leader {
        /// The leader, as the contact named it.
        leader: Member,
        /// The contact, after which this node wants to come in the ring.
        contact: NodeId,
    },
}

impl Purpose {
    /// The member that has to answer; none if any member at the address will do.
    fn expected(&self) -> Option<NodeId> {
        match self {
            Self::Peer(peer) | Self::Newcomer(peer) => Some(*peer),
            Self::Leader { leader, .. } => Some(leader.id),
            Self::Probe { leader } => *leader,
            Self::Contact(_) => None,
        }
    }

    /// The same for a trace.
    pub(super) fn reason(&self) -> DialReason {
        match self {
            Self::Peer(_) => DialReason::Peer,
            Self::Contact(_) => DialReason::Contact,
            Self::Probe { .. } => DialReason::Probe,
            Self::Leader { .. } => DialReason::Leader,
            Self::Newcomer(_) => DialReason::Newcomer,
        }
    }
}

/// An attempt to connect.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Dial {
    pub(crate) purpose: Purpose,
    pub(crate) generation: u64,
    pub(crate) started: Instant,
}

/// A link.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Link {
    pub(crate) remote: SocketAddr,
    /// Who is at the other end.
    pub(crate) who: NodeId,
    /// The purpose for which this node dialed; none if the link was accepted.
    pub(crate) purpose: Option<Purpose>,
    /// When the link was accepted, or the dial began.
    pub(crate) opened: Instant,
    /// The same as `who`, once both ends have agreed on this link.
    pub(crate) peer: Option<NodeId>,
    pub(crate) generation: u64,
    pub(crate) heard: Instant,
    pub(crate) sent: Instant,
    /// The highest Lamport time heard on the link; none if nothing was heard yet.
    pub(crate) stamp: Option<Stamp>,
    /// A greeting that waits for a roster with its sender, or for this node's own dial to fail.
    pub(crate) deferred: Option<Hello>,
    /// The newest configuration that the peer is known to have.
    pub(crate) knows: Option<ConfigId>,
    /// The view that the peer was in when it greeted.
    pub(crate) view: Option<View>,
    /// Since when this end has had no use for the link.
    pub(crate) idle_since: Option<Instant>,
    /// Whether the peer takes this node for its next.
    pub(crate) takes_me_for_next: bool,
    /// Whether the peer was told that it is this node's next.
    pub(crate) told_next: bool,
    /// When the peer was last asked for a sign of life because it is suspected.
    pub(crate) probed: Option<Instant>,
    /// Whether the link is being closed. What still comes in is ignored.
    pub(crate) closing: bool,
}

impl Link {
    /// Whether the other end is where `addr` says: dialed there, or on the same machine.
    fn is_from(&self, addr: SocketAddr) -> bool {
        self.remote == addr
            || (self.purpose.is_none() && self.remote.ip().to_canonical() == addr.ip().to_canonical())
    }
}

/// What is kept of a peer, linked or not, as long as there is room.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Known {
    /// Where it listens.
    addr: SocketAddr,
    /// Whether a link stood that was dialed there, or came from the same machine.
    located: bool,
    /// The highest generation that either end tried.
    generation: u64,
    /// Whether a link to it has stood.
    met: bool,
    /// How many dials in a row led to no link.
    unanswered: u8,
    /// When it was last dialed.
    dialed_at: Instant,
}

impl Known {
    const fn new(addr: SocketAddr) -> Self {
        Self { addr, located: false, generation: 0, met: false, unanswered: 0, dialed_at: Instant::ZERO }
    }

    /// Whether the last dial was a short time ago.
    fn was_dialed_lately(&self, now: Instant) -> bool {
        now.since(self.dialed_at) < Times::RESEEK_MOST
    }
}

/// All links and dials.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) struct Links {
    open: BTreeMap<LinkId, Link>,
    dials: BTreeMap<DialId, Dial>,
    peers: BTreeMap<NodeId, LinkId>,
    /// The peers with which either end ever tried to have a link.
    known: BTreeMap<NodeId, Known>,
    dialed: u64,
    /// How often in a row a dial to a peer connected and broke before the peer answered.
    broken: BTreeMap<NodeId, u8>,
}

impl Links {
    pub(crate) fn open(
        &mut self,
        link: LinkId,
        remote: SocketAddr,
        who: NodeId,
        dial: Option<Dial>,
        now: Instant,
    ) {
        let opened = dial.as_ref().map_or(now, |dial| dial.started);
        let generation = dial.as_ref().map_or(0, |dial| dial.generation);
        let link_state = Link {
            remote,
            who,
            purpose: dial.map(|dial| dial.purpose),
            opened,
            peer: None,
            generation,
            heard: now,
            sent: now,
            stamp: None,
            deferred: None,
            knows: None,
            view: None,
            idle_since: None,
            takes_me_for_next: false,
            told_next: false,
            probed: None,
            closing: false,
        };
        self.open.insert(link, link_state);
    }

    /// Forgets a link. Returns it, and whether it was the link to its peer.
    pub(crate) fn remove(&mut self, link: LinkId) -> Option<(Link, bool)> {
        let gone = self.open.remove(&link)?;
        let stood = gone.peer.is_some_and(|peer| self.of(peer) == Some(link));
        if let (true, Some(peer)) = (stood, gone.peer) {
            self.peers.remove(&peer);
        }
        Some((gone, stood))
    }

    /// A link that is not being closed.
    pub(crate) fn get(&self, link: LinkId) -> Option<&Link> {
        self.open.get(&link).filter(|link| !link.closing)
    }

    pub(crate) fn get_mut(&mut self, link: LinkId) -> Option<&mut Link> {
        self.open.get_mut(&link).filter(|link| !link.closing)
    }

    /// Who is at the other end of a link, which may be being closed.
    pub(crate) fn who(&self, link: LinkId) -> Option<NodeId> {
        self.open.get(&link).map(|link| link.who)
    }

    /// The link to `peer`.
    pub(crate) fn of(&self, peer: NodeId) -> Option<LinkId> {
        self.peers.get(&peer).copied()
    }

    pub(crate) fn of_mut(&mut self, peer: NodeId) -> Option<&mut Link> {
        self.peers.get(&peer).and_then(|link| self.open.get_mut(link))
    }

    /// The view that `peer` was in when it greeted.
    pub(crate) fn view_of(&self, peer: NodeId) -> Option<View> {
        self.peers.get(&peer).and_then(|link| self.open.get(link)).and_then(|link| link.view)
    }

    /// Whether `peer` has told that this node is its next.
    pub(crate) fn takes_me_for_next(&self, peer: NodeId) -> bool {
        let link = self.peers.get(&peer).and_then(|link| self.open.get(link));
        link.is_some_and(|link| link.takes_me_for_next)
    }

    pub(crate) fn is_linked(&self, peer: NodeId) -> bool {
        self.peers.contains_key(&peer)
    }

    /// All links that are not being closed.
    pub(crate) fn iter(&self) -> impl DoubleEndedIterator<Item = (LinkId, &Link)> {
        self.open.iter().filter(|(_, link)| !link.closing).map(|(id, link)| (*id, link))
    }

    pub(crate) fn len(&self) -> usize {
        self.open.len()
    }

    /// Makes `link` the link to `peer`. Returns the one before.
    pub(crate) fn bind(&mut self, link: LinkId, peer: NodeId, generation: u64) -> Option<LinkId> {
        let state = self.open.get_mut(&link)?;
        state.peer = Some(peer);
        state.generation = generation;
        state.deferred = None;
        if let Some(known) = self.known.get_mut(&peer) {
            known.located |= state.is_from(known.addr);
            known.met = true;
        }
        self.broken.remove(&peer);
        self.saw_generation(peer, generation);
        self.peers.insert(peer, link).filter(|old| *old != link)
    }

    /// Marks `link` as being closed: it no longer is the link to its peer.
    pub(crate) fn close(&mut self, link: LinkId) {
        if let Some(state) = self.open.get_mut(&link) {
            state.closing = true;
            if let Some(peer) = state.peer
                && self.peers.get(&peer) == Some(&link)
            {
                self.peers.remove(&peer);
            }
        }
    }

    /// Notes a new dial. Returns it, and who has to answer.
    pub(crate) fn dial(
        &mut self,
        purpose: Purpose,
        generation: u64,
        now: Instant,
    ) -> (DialId, Option<NodeId>) {
        self.dialed = self.dialed.saturating_add(1);
        let (id, expected) = (DialId(self.dialed), purpose.expected());
        self.dials.insert(id, Dial { purpose, generation, started: now });
        (id, expected)
    }

    /// Takes out a dial that has ended; none if it was given up meanwhile.
    pub(crate) fn take_dial(&mut self, dial: DialId) -> Option<Dial> {
        self.dials.remove(&dial)
    }

    pub(crate) fn dials(&self) -> impl Iterator<Item = (DialId, &Dial)> {
        self.dials.iter().map(|(id, dial)| (*id, dial))
    }

    /// Gives up all dials whose purpose is one of `which`. Returns the links without an agreed peer that such dials made.
    pub(crate) fn abandon(&mut self, which: impl Fn(&Purpose) -> bool) -> Vec<LinkId> {
        self.dials.retain(|_, dial| !which(&dial.purpose));
        self.unanswered().filter(|(_, _, purpose)| which(purpose)).map(|(id, ..)| id).collect()
    }

    /// The generation of the dial to `peer` that is under way.
    pub(crate) fn dialing(&self, peer: NodeId) -> Option<u64> {
        let purpose = Purpose::Peer(peer);
        let dial = self.dials.values().find(|dial| dial.purpose == purpose).map(|dial| dial.generation);
        dial.or_else(|| {
            self.unanswered().find(|(_, _, of)| **of == purpose).map(|(_, link, _)| link.generation)
        })
    }

    /// The dial to `peer` that is under way begins only now: until now there was no need of it.
    pub(crate) fn renew_dial(&mut self, peer: NodeId, now: Instant) {
        let purpose = Purpose::Peer(peer);
        self.dials.values_mut().filter(|dial| dial.purpose == purpose).for_each(|dial| dial.started = now);
        let unbound = self.open.values_mut().filter(|link| link.peer.is_none());
        unbound.filter(|link| link.purpose.as_ref() == Some(&purpose)).for_each(|link| link.opened = now);
    }

    /// Where `peer` listens.
    pub(crate) fn addr_of(&self, peer: NodeId) -> Option<SocketAddr> {
        self.known.get(&peer).map(|known| known.addr)
    }

    /// Whether `peer`, which listens on `addr`, is being asked to let this node in, or for the leader that could.
    pub(crate) fn asks(&self, peer: NodeId, addr: SocketAddr) -> bool {
        let asks = |purpose: &Purpose| match purpose {
            Purpose::Contact(contact) => *contact == addr,
            Purpose::Leader { leader, .. } => leader.id == peer,
            Purpose::Peer(_) | Purpose::Probe { .. } | Purpose::Newcomer(_) => false,
        };
        self.purposes().any(asks)
    }

    /// A dial to `peer` connected and broke before the peer answered. Returns whether to dial again.
    pub(crate) fn note_broken_dial(&mut self, peer: NodeId) -> bool {
        if self.broken.len() >= MAX_ROSTER {
            self.broken.clear();
        }
        let broken = self.broken.entry(peer).or_default();
        *broken = broken.saturating_add(1);
        let again = *broken <= MAX_BROKEN_DIALS;
        if !again {
            self.broken.remove(&peer);
        }
        again
    }

    /// No dial to `peer` works.
    pub(crate) fn forget_broken(&mut self, peer: NodeId) {
        self.broken.remove(&peer);
    }

    /// A link on which `peer` has greeted and still waits for an answer.
    pub(crate) fn deferred(&self, peer: NodeId) -> Option<LinkId> {
        let mut waiting =
            self.iter().filter(|(_, link)| link.deferred.as_ref().is_some_and(|h| h.me == peer));
        waiting.next().map(|(id, _)| id)
    }

    /// The generation of the link to `peer`.
    pub(crate) fn standing(&self, peer: NodeId) -> Option<u64> {
        self.peers.get(&peer).and_then(|link| self.open.get(link)).map(|link| link.generation)
    }

    /// A generation higher than all that were seen with `peer`, which listens on `addr`. It counts as seen.
    pub(crate) fn next_generation(&mut self, peer: NodeId, addr: SocketAddr) -> u64 {
        self.meet(peer, addr);
        let next = self.known.get(&peer).map_or(0, |known| known.generation).saturating_add(1);
        self.saw_generation(peer, next);
        next
    }

    /// Notes that a link of that generation was tried with `peer`.
    pub(crate) fn saw_generation(&mut self, peer: NodeId, generation: u64) {
        if let Some(known) = self.known.get_mut(&peer) {
            known.generation = generation.max(known.generation);
        }
    }

    /// Notes where `peer` listens. If too many are known, those without a link are forgotten.
    pub(crate) fn meet(&mut self, peer: NodeId, addr: SocketAddr) {
        if self.known.len() > 4 * MAX_ROSTER {
            let peers = &self.peers;
            self.known.retain(|id, _| peers.contains_key(id));
        }
        let known = self.known.entry(peer).or_insert(Known::new(addr));
        known.located &= known.addr == addr;
        known.addr = addr;
    }

    /// Whether a link to `peer` has stood, as far as this is kept.
    pub(crate) fn has_met(&self, peer: NodeId) -> bool {
        self.known.get(&peer).is_some_and(|known| known.met)
    }

    /// Notes that `peer` is dialed.
    pub(crate) fn note_dialed(&mut self, peer: NodeId, now: Instant) {
        if let Some(known) = self.known.get_mut(&peer) {
            let before = if known.was_dialed_lately(now) { known.unanswered } else { 0 };
            (known.unanswered, known.dialed_at) = (before.saturating_add(1), now);
        }
    }

    /// Notes that `peer` listens where it was dialed.
    pub(crate) fn note_answered(&mut self, peer: NodeId) {
        if let Some(known) = self.known.get_mut(&peer) {
            known.unanswered = 0;
        }
    }

    /// Whether `peer` was dialed again and again, the last time a short time ago, and was never found.
    pub(crate) fn dials_in_vain(&self, peer: NodeId, now: Instant) -> bool {
        let is_vain = |known: &Known| known.unanswered >= MAX_VAIN_DIALS && known.was_dialed_lately(now);
        self.known.get(&peer).is_some_and(is_vain)
    }

    /// What the dials under way are for, and those whose peers have not answered yet.
    pub(crate) fn purposes(&self) -> impl Iterator<Item = &Purpose> {
        self.dials.values().map(|dial| &dial.purpose).chain(self.unanswered().map(|(.., purpose)| purpose))
    }

    /// The links that this node dialed and whose peers have not answered yet, and what each is for.
    fn unanswered(&self) -> impl Iterator<Item = (LinkId, &Link, &Purpose)> {
        let unbound = self.iter().filter(|(_, link)| link.peer.is_none());
        unbound.filter_map(|(id, link)| Some((id, link, link.purpose.as_ref()?)))
    }

    /// Whether this node has met `member` at its address: it dialed the member there, or a link came from that machine.
    /// What a member only says of its address may be the address of somebody who has nothing to do with the room.
    pub(crate) fn is_located(&self, member: &Member) -> bool {
        self.known.get(&member.id).is_some_and(|known| known.located && known.addr == member.addr())
    }

    /// Whether a dial is under way that finds out whether the newcomer `id` is where it says.
    pub(crate) fn looks_for_newcomer(&self, id: NodeId) -> bool {
        self.dials.values().any(|dial| dial.purpose == Purpose::Newcomer(id))
    }

    /// Feeds what is known of peers into `state`, but for generations and times.
    #[cfg(feature = "inspect")]
    pub(super) fn digest_known(&self, state: &mut impl core::hash::Hasher) {
        use core::hash::Hash;
        for (peer, known) in &self.known {
            (peer, known.addr, known.located, known.met, known.unanswered).hash(state);
        }
    }

    /// The highest generation that was tried with each known peer.
    #[cfg(feature = "inspect")]
    pub(super) fn generations(&self) -> impl Iterator<Item = (NodeId, u64)> {
        self.known.iter().map(|(peer, known)| (*peer, known.generation))
    }

    /// The highest generation that was tried with `peer`.
    #[cfg(feature = "inspect")]
    pub(super) fn generation(&self, peer: NodeId) -> u64 {
        self.known.get(&peer).map_or(0, |known| known.generation)
    }

    /// How often in a row a dial to each peer connected and broke before the peer answered.
    #[cfg(feature = "inspect")]
    pub(super) fn broken(&self) -> &BTreeMap<NodeId, u8> {
        &self.broken
    }

    /// The accepted links whose peers have not introduced themselves, the oldest first, and who those peers are.
    pub(crate) fn half_open(&self) -> impl DoubleEndedIterator<Item = (LinkId, NodeId)> {
        let half_open = |(_, link): &(LinkId, &Link)| link.peer.is_none() && link.purpose.is_none();
        self.iter().filter(half_open).map(|(id, link)| (id, link.who))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_address_of_a_peer_is_known_after_its_link_has_gone() {
        let (mut links, peer, link) = (Links::default(), Member::numbered(7), LinkId(1));
        assert_eq!(links.addr_of(peer.id), None);
        links.meet(peer.id, peer.addr());
        links.open(link, peer.addr(), peer.id, None, Instant::ZERO);
        assert_eq!(links.bind(link, peer.id, 3), None);
        assert!(links.remove(link).is_some());
        assert_eq!(links.addr_of(peer.id), Some(peer.addr()));
        assert_eq!(links.next_generation(peer.id, peer.addr()), 4);
        #[cfg(feature = "inspect")]
        assert_eq!(links.generation(peer.id), 4);
        assert!(links.is_located(&peer));
        links.meet(peer.id, ([10, 0, 0, 1], 1).into());
        assert!(!links.is_located(&peer), "it is elsewhere now");
    }
}
