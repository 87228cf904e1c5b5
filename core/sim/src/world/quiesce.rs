//! What must hold once the faults have stopped.

use alloc::collections::{BTreeMap, BTreeSet};
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use core::net::SocketAddr;
use core::time::Duration;

use ringchat_core::{Member, View};

use super::{HostId, World};
use crate::Property;
use crate::oracles::{Shape, Violation, converged, no_doubles, only_needed_links, same_logs};

impl World {
    /// The rings that all live members form. Checks [`Property::Convergence`], [`Property::NothingLost`],
    /// [`Property::OneOrder`] and [`Property::NoDoubles`].
    ///
    /// # Errors
    /// The first of these that does not hold, or does not hold yet.
    pub fn rings(&self, shape: Shape) -> Result<Vec<Vec<HostId>>, Violation> {
        let not_yet = |detail| Violation::new(self.now, Property::Convergence, detail);
        if let Some(host) = self.alive().iter().find(|&&host| self.is_leaving(host)) {
            return Err(not_yet(format!("{} is still leaving", self.label(*host))));
        }
        let rings = converged(&self.reports(), shape).map_err(not_yet)?;
        if shape == Shape::Merged {
            self.nobody_is_looked_for(&rings).map_err(not_yet)?;
            self.all_are_connected(&rings).map_err(not_yet)?;
        }
        let truthful = !self.transcripts.fault_model().has_liar();
        for ring in rings.iter().filter(|_| truthful) {
            same_logs(ring.iter().map(|&host| self.node(host))).map_err(not_yet)?;
            for &host in ring {
                no_doubles(self.node(host))
                    .map_err(|detail| Violation::new(self.now, Property::NoDoubles, detail))?;
            }
            self.transcripts.nothing_lost(self.now, ring)?;
            self.transcripts.one_order(self.now, ring)?;
        }
        Ok(rings)
    }

    /// The rings that `hosts` form, whatever the state of all others.
    ///
    /// # Errors
    /// If one of them has no leader, or looks for another one of them.
    pub fn rings_among(&self, hosts: &[HostId]) -> Result<Vec<Vec<HostId>>, Violation> {
        let not_yet = |detail| Violation::new(self.now, Property::Convergence, detail);
        let mut rings: BTreeMap<View, Vec<HostId>> = BTreeMap::new();
        for &host in hosts {
            if !self.node(host).is_normal() {
                return Err(not_yet(format!("{} has no leader", self.label(host))));
            }
            rings.entry(self.node(host).view()).or_default().push(host);
        }
        let rings: Vec<_> = rings.into_values().collect();
        self.nobody_is_looked_for(&rings).map_err(not_yet)?;
        Ok(rings)
    }

    /// Checks that no ring looks for a member of another ring, unless the leaders of the two cannot reach each other.
    fn nobody_is_looked_for(&self, rings: &[Vec<HostId>]) -> Result<(), String> {
        for (n, ring) in rings.iter().enumerate() {
            // A lying leader may have kept from this one what others know.
            let leader = ring.first().and_then(|&host| self.leader_of(host));
            let lost = leader.into_iter().flat_map(|host| self.node(host).lost());
            let looked_for: BTreeSet<SocketAddr> = lost.map(Member::addr).collect();
            let others = rings.iter().enumerate().filter(|&(other, _)| other != n).map(|(_, other)| other);
            let reachable = others.filter(|other| self.can_merge(ring, other)).flatten();
            let mut found = reachable.map(|&host| self.node(host).me());
            if let Some(found) = found.find(|me| looked_for.contains(&me.addr())) {
                return Err(format!("there are {} rings, and one looks for {found}", rings.len()));
            }
        }
        Ok(())
    }

    /// Whether the leaders of two rings can reach each other.
    fn can_merge(&self, a: &[HostId], b: &[HostId]) -> bool {
        let leader = |ring: &[HostId]| ring.first().and_then(|&host| self.leader_of(host));
        leader(a).zip(leader(b)).is_some_and(|(a, b)| self.are_connected(a, b))
    }

    fn leader_of(&self, host: HostId) -> Option<HostId> {
        self.of_id(self.node(host).view().leader)
    }

    /// Checks that no cut goes through a ring.
    fn all_are_connected(&self, rings: &[Vec<HostId>]) -> Result<(), String> {
        for ring in rings {
            let Some(&first) = ring.first() else { continue };
            if let Some(&other) = ring.iter().find(|&&other| !self.are_connected(first, other)) {
                return Err(format!("{} and {} are in one ring", self.label(first), self.label(other)));
            }
        }
        Ok(())
    }

    /// Lets `time` pass, and checks [`Property::QuietAtRest`] and [`Property::OnlyNeededLinks`].
    ///
    /// # Errors
    /// The first violation.
    pub fn be_quiet(&mut self, time: Duration) -> Result<(), Violation> {
        let before = self.counts.sent.clone();
        self.run_for(time)?;
        self.was_quiet(&before)
    }

    /// Checks [`Property::QuietAtRest`] since so many messages of each kind had been sent, and
    /// [`Property::OnlyNeededLinks`].
    ///
    /// # Errors
    /// The first violation.
    pub(crate) fn was_quiet(&self, before: &BTreeMap<&'static str, u64>) -> Result<(), Violation> {
        for (kind, count) in &self.counts.sent {
            let more = count - before.get(kind).copied().unwrap_or(0);
            if more > 0 && !matches!(*kind, "Ping" | "Pong" | "Probe") {
                return Err(Violation::new(
                    self.now,
                    Property::QuietAtRest,
                    format!("{more} {kind} are sent"),
                ));
            }
        }
        for host in self.alive() {
            only_needed_links(self.node(host))
                .map_err(|detail| Violation::new(self.now, Property::OnlyNeededLinks, detail))?;
        }
        Ok(())
    }
}
