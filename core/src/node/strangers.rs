//! Members that this node was never linked to. Anybody may have invented them, or have told the addresses of third parties
//! for them. So dials to them are few: some at once, a trickle after that, and a ring that closes without them does not wait.

use alloc::vec::Vec;
use core::net::SocketAddr;
use core::time::Duration;

use super::follow_ups::FollowUp;
use super::links::Purpose;
use super::{Node, Rule};
use crate::ids::NodeId;
use crate::limits::{
    FAMILIAR_DIALS, LOOK_AHEAD, MAX_ROSTER, STRANGER_DIALS, STRANGERS_A_SECOND, STRANGERS_AT_ONCE,
};
use crate::roster::{Member, Roster};
use crate::time::Instant;

/// After so long a dial that was spent comes back.
const COMES_BACK: Duration = Duration::from_micros(1_000_000 / STRANGERS_A_SECOND);

/// A ring of this size is believed in whoever tells of it.
const SMALL_RING: usize = 16;

/// The member that vouches for a stranger.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Voucher {
    /// Anybody.
    Anybody,
    /// The leader of the log.
    Leader,
    /// That leader's predecessor: no one leader can tell that of a member that it invents.
    Predecessor,
}

/// What a dial to a stranger is for. The less it is needed, the more dials it leaves for others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Need {
    /// The stranger is the leader.
    Leader,
    /// The stranger may be a nearer next than the one that this node has.
    Nearer,
    /// The ring has to wait for the stranger.
    Next,
}

impl Need {
    /// How many dials are left for others.
    const fn leaves(self) -> u32 {
        match self {
            Self::Leader => 0,
            Self::Nearer => STRANGER_DIALS / 6,
            Self::Next => STRANGER_DIALS / 3,
        }
    }
}

/// A number of dials, of which those that are spent come back with time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Credit {
    most: u32,
    /// When all have come back.
    full_at: Instant,
}

impl Credit {
    const fn new(most: u32) -> Self {
        Self { most, full_at: Instant::ZERO }
    }

    /// Whether a dial can be spent and so many are left.
    fn has(self, leaves: u32, now: Instant) -> bool {
        let spent = self.full_at.since(now);
        let spendable = self.most.saturating_sub(leaves).saturating_sub(1);
        spent <= COMES_BACK.saturating_mul(spendable) && leaves < self.most
    }

    fn spend(&mut self, now: Instant) {
        self.full_at = self.full_at.max(now).after(COMES_BACK);
    }
}

/// How many dials a node has left to members that it was never linked to.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Strangers {
    /// To those that nobody vouches for.
    heard_of: Credit,
    /// To those that the leader of the log vouches for.
    listed: Credit,
    /// To those that its predecessor vouches for.
    familiar: Credit,
    /// How many elections this node has begun since it had a leader.
    elections: u32,
}

impl Default for Strangers {
    fn default() -> Self {
        let [heard_of, listed] = [Credit::new(STRANGER_DIALS); 2];
        Self { heard_of, listed, familiar: Credit::new(FAMILIAR_DIALS), elections: 0 }
    }
}

impl Strangers {
    fn credit(&mut self, voucher: Voucher) -> &mut Credit {
        match voucher {
            Voucher::Anybody => &mut self.heard_of,
            Voucher::Leader => &mut self.listed,
            Voucher::Predecessor => &mut self.familiar,
        }
    }

    /// This node begins an election.
    pub(super) fn note_election(&mut self) {
        self.elections = self.elections.saturating_add(1);
    }

    /// There is a leader.
    pub(super) fn note_leader(&mut self) {
        self.elections = 0;
    }
}

impl Node {
    /// Whether this node was never linked to `peer`.
    pub(super) fn is_stranger(&self, peer: NodeId) -> bool {
        !self.links.has_met(peer) && self.enforces(Rule::FewStrangers)
    }

    fn voucher(&self, stranger: NodeId) -> Voucher {
        if self.membership.was_there_before(stranger) {
            Voucher::Predecessor
        } else if self.membership.roster().contains(stranger) {
            Voucher::Leader
        } else {
            Voucher::Anybody
        }
    }

    /// Whether this node may dial `peer` now, or is dialing it.
    pub(super) fn may_dial(&self, peer: NodeId, need: Need) -> bool {
        if !self.is_stranger(peer) {
            return true;
        }
        let (now, voucher) = (self.now(), self.voucher(peer));
        let credit = match voucher {
            Voucher::Anybody => self.reach.strangers.heard_of,
            Voucher::Leader => self.reach.strangers.listed,
            Voucher::Predecessor => self.reach.strangers.familiar,
        };
        let leaves = if voucher == Voucher::Predecessor { 0 } else { need.leaves() };
        if !credit.has(leaves, now) {
            return false;
        }
        let rests = || self.addr_of(peer).is_some_and(|addr| self.reach.rests_for_all(addr, now));
        voucher == Voucher::Predecessor
            || self.links.dialing(peer).is_some()
            || (!rests() && self.dialed_of(voucher) < STRANGERS_AT_ONCE)
    }

    /// This node dials `peer`.
    pub(super) fn spend_dial(&mut self, peer: NodeId) {
        if self.is_stranger(peer) {
            let (now, voucher) = (self.now(), self.voucher(peer));
            self.reach.strangers.credit(voucher).spend(now);
        }
    }

    /// How many dials to strangers of that kind are under way.
    fn dialed_of(&self, voucher: Voucher) -> usize {
        let is_one = |peer: NodeId| !self.links.has_met(peer) && self.voucher(peer) == voucher;
        let peers = self.links.purposes();
        peers.filter(|purpose| matches!(purpose, Purpose::Peer(peer) if is_one(*peer))).count()
    }

    /// Dials strangers that are nearer than the next, and that the ring does not wait for.
    pub(super) fn dial_nearer_strangers(&mut self) {
        if !self.ring.strangers_wait() {
            return;
        }
        let nearer = self.membership.route().after(self.me.id).take_while(|id| Some(*id) != self.ring.next());
        let waiting = nearer.filter(|id| !self.reach.passes_over(*id) && self.links.dialing(*id).is_none());
        let waiting = waiting.filter(|id| self.may_dial(*id, Need::Nearer));
        for stranger in waiting.take(STRANGERS_AT_ONCE).collect::<Vec<_>>() {
            self.dial(stranger);
        }
        self.note(FollowUp::SeekNext);
    }

    /// How many members a ring has for the time that an election takes: a ring that somebody invents must not make it long.
    /// So it counts for no more than twice the members that this node knows otherwise, and for more only if that time was
    /// too short.
    pub(super) fn size_of_ring(&self, roster: &Roster) -> usize {
        let (before, by_log) = (self.membership.size_before(), self.membership.roster().len());
        let told = roster.len();
        let believed = |known: usize| {
            let size = known.saturating_mul(2).saturating_add(SMALL_RING);
            size.saturating_mul(2usize.saturating_pow(self.reach.strangers.elections.min(MAX_ROSTER.ilog2())))
        };
        let is_believed = told <= believed(if before == 0 { by_log } else { before }) || by_log == 0;
        if is_believed || !self.enforces(Rule::RingsOfKnownSize) {
            return told;
        }
        let is_known = |id: &NodeId| self.links.has_met(*id) || self.membership.was_there_before(*id);
        let known = roster.ids().filter(is_known).count();
        told.min(believed(if before == 0 { by_log } else { known }))
    }

    /// Where to ask to be let in again: at members that this node was linked to, and at a few others.
    pub(super) fn contacts_among(&self, ring: &Roster) -> Vec<SocketAddr> {
        let others = ring.iter().filter(|member| member.id != self.me.id);
        let (met, strangers): (Vec<&Member>, Vec<&Member>) =
            others.partition(|member| !self.is_stranger(member.id));
        let strangers = strangers.into_iter().take(LOOK_AHEAD);
        met.into_iter().chain(strangers).map(Member::addr).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dials_are_spent_and_come_back_up_to_their_number() {
        let mut credit = Credit::new(3);
        let now = Instant(1_000_000);
        for left in [3, 2, 1] {
            assert!(credit.has(left - 1, now) && !credit.has(left, now), "{left}");
            credit.spend(now);
        }
        assert!(!credit.has(0, now));
        let later = now.after(COMES_BACK);
        assert!(credit.has(0, later) && !credit.has(1, later));
        let much_later = now.after(COMES_BACK * 100);
        assert!(credit.has(2, much_later) && !credit.has(3, much_later));
    }
}
