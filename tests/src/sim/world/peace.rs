//! What must be so in the end, when the faults have stopped.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::time::Duration;

use ringchat_core::Node;

use super::{HostId, World};
use crate::oracles::{Shape, Violation, converged, no_doubles, only_needed_links, same_logs};

/// What must be so in the end.
impl World {
    /// The rings that all that are alive form, in which all agree and nothing is lost.
    ///
    /// # Errors
    /// What is not so, or not yet.
    pub fn rings(&self, shape: Shape) -> Result<Vec<Vec<HostId>>, Violation> {
        let not_yet = |detail| Violation::new(self.now, "convergence", detail);
        if let Some(host) = self.alive().iter().find(|&&host| self.is_leaving(host)) {
            return Err(not_yet(format!("{} is still leaving", self.label(*host))));
        }
        let rings = converged(&self.reports(), shape).map_err(not_yet)?;
        if shape == Shape::Merged {
            self.nobody_is_looked_for(&rings).map_err(not_yet)?;
        }
        for ring in &rings {
            same_logs(ring.iter().map(|&host| self.node(host))).map_err(not_yet)?;
            for &host in ring {
                no_doubles(self.node(host)).map_err(|detail| Violation::new(self.now, "S5", detail))?;
            }
            self.room.nothing_lost(self.now, ring)?;
            self.room.one_order(self.now, ring)?;
        }
        Ok(rings)
    }

    /// Whether no ring looks for a member at an address where a member of another ring lives.
    fn nobody_is_looked_for(&self, rings: &[Vec<HostId>]) -> Result<(), String> {
        let node_of = |&host: &HostId| self.node(host);
        for ring in rings {
            let lost: BTreeSet<SocketAddr> =
                ring.iter().map(node_of).flat_map(Node::lost).map(|id| id.addr()).collect();
            let others = rings.iter().filter(|other| *other != ring).flatten().map(node_of);
            if let Some(found) = others.map(Node::me).find(|other| lost.contains(&other.id.addr())) {
                return Err(format!("there are {} rings, and one looks for {found}", rings.len()));
            }
        }
        Ok(())
    }

    /// Nothing but heartbeats, and probes for the lost, is sent for `time`, on no more links than are needed.
    ///
    /// # Errors
    /// What is sent.
    pub fn be_quiet(&mut self, time: Duration) -> Result<(), Violation> {
        let before = self.counts.sent.clone();
        self.run_for(time)?;
        for (kind, count) in &self.counts.sent {
            let more = count - before.get(kind).copied().unwrap_or(0);
            if more > 0 && !matches!(*kind, "Ping" | "Pong" | "Probe") {
                return Err(Violation::new(self.now, "quiet", format!("{more} {kind} are sent")));
            }
        }
        for host in self.alive() {
            only_needed_links(self.node(host)).map_err(|detail| Violation::new(self.now, "S11", detail))?;
        }
        Ok(())
    }
}
