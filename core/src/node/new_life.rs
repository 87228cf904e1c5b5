//! A new life: the room counts more messages of this member than it has said, so none of its own would be heard again.

use alloc::sync::Arc;
use alloc::vec::Vec;
use core::fmt;
use core::net::SocketAddr;
use core::num::NonZeroU64;

use super::joining::Joining;
use super::log::count;
use super::ring::Ring;
use super::timers::Timer;
use super::{Node, Rule};
use crate::action::{CloseMode, Notice};
use crate::config::Config;
use crate::ids::LinkId;
use crate::limits::{MAX_EPOCH, MAX_EPOCH_LEAP};
use crate::numbers::Epoch;
use crate::roster::Member;
use crate::secure::derive;
use crate::wire::{Entry, Install};

/// What the incarnations to come are derived from. Nobody can foretell them.
#[derive(Clone, PartialEq, Eq, Hash)]
pub(super) struct Lives([u8; 32]);

impl Lives {
    pub(super) fn new(seed: &[u8; 32]) -> Self {
        Self(derive("ringchat/3 lives", [seed.as_slice()]))
    }

    pub(super) fn next(&mut self) -> NonZeroU64 {
        let incarnation = u64::from_be_bytes(derive("ringchat/3 life", [self.0.as_slice()]));
        self.0 = derive("ringchat/3 lives", [self.0.as_slice()]);
        NonZeroU64::new(incarnation).unwrap_or(NonZeroU64::MIN)
    }
}

impl fmt::Debug for Lives {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Lives")
    }
}

impl Node {
    /// Whether a log that a leader describes counts messages of this node that it has not said, or that have no place. What
    /// the leader tells of last numbers is its word alone.
    pub(super) fn is_overcounted(&self, install: &Install, entries: &[Entry]) -> bool {
        let me = self.me.id;
        let told = install.origins.get(&me).copied().unwrap_or_default();
        let mut placed = self.replica.log().origins_before(install.common);
        count(&mut placed, entries);
        // Nothing is missing between the two logs, and the leader counts what waits here and has no place in them.
        let is_refused = install.base == install.common
            && Some(&told) > placed.get(&me)
            && self.own.first().is_some_and(|said| said.first <= told);
        let is_beyond =
            !self.own.may_be_counted(told) || entries.iter().any(|entry| self.is_beyond_said(entry));
        (is_refused || is_beyond) && self.enforces(Rule::NewLife)
    }

    /// Whether an entry holds messages that this node never said, though its key signed them.
    pub(super) fn is_beyond_said(&self, entry: &Entry) -> bool {
        let mine = entry.said().filter(|said| said.origin.id == self.me.id);
        mine.is_some_and(|said| said.last() > self.own.last()) && self.enforces(Rule::NewLife)
    }

    /// Takes a new incarnation, whose numbers begin anew, and joins the room again as a member that was left behind. What
    /// has no place yet is said again.
    pub(super) fn begin_new_life(&mut self) {
        self.live_anew(None);
    }

    /// Whether a liar has led this node to an epoch to which no other comes that has promised `promised`. A newcomer has promised
    /// nothing.
    pub(super) fn is_led_too_far(&self, promised: Epoch) -> bool {
        let is_newcomer = promised == Epoch::default();
        let highest = if is_newcomer { Epoch(MAX_EPOCH) } else { promised.plus(MAX_EPOCH_LEAP) };
        self.membership.promised() > highest && self.enforces(Rule::BoundedEpochs)
    }

    /// Takes a new incarnation, which has promised nothing, and asks the member at `addr` first: a liar has led this node to
    /// an epoch to which no other ring comes.
    pub(super) fn begin_unbound_life(&mut self, addr: Option<SocketAddr>) {
        self.live_anew(addr);
        self.membership.unbind(self.timers.now());
    }

    fn live_anew(&mut self, first: Option<SocketAddr>) {
        let ring = self.role.syncing().map_or(self.membership.roster(), |syncing| syncing.roster());
        let others = self.contacts_among(ring).into_iter().filter(|addr| Some(*addr) != first);
        let contacts: Vec<SocketAddr> = first.into_iter().chain(others).collect();
        let links: Vec<LinkId> = self.links.iter().map(|(link, _)| link).collect();
        for link in links {
            self.close(link, CloseMode::Abort);
        }
        self.links.abandon(|_| true);
        self.ring = Ring::default();
        self.reach.start_over();
        let id = self.own.begin_new_life();
        self.me = Arc::new(Member::new(id, self.me.addr(), self.me.name.clone()));
        self.effects.new_life(id);
        self.trace_life();
        self.membership.begin_new_life(id);
        self.forget_route();
        let pause = self.pause_before_life();
        let limit = self.now().after(pause).after(Config::JOIN_TIMEOUT);
        self.rejoin(Joining::again(contacts, limit), Notice::NewLife { me: self.me.clone() });
        // The time for the life before is over.
        self.timers.clear(Timer::JoinLimit);
        self.timers.arm(Timer::Join, pause);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_two_lives_are_alike_and_none_shows_in_debug() {
        let lives = |seed| {
            let mut lives = Lives::new(&seed);
            [lives.next(), lives.next(), lives.next()]
        };
        let [a, b, c] = lives([1; 32]);
        assert!(a != b && b != c && a != c);
        assert_eq!(lives([1; 32]), [a, b, c]);
        assert_ne!(lives([2; 32])[0], a);
        assert_eq!(alloc::format!("{:?}", Lives::new(&[1; 32])), "Lives");
    }
}
