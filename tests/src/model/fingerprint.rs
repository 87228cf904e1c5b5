//! A number for each state. Two states have the same number only if everything that can follow is the same, except with
//! a chance of about one in 2^128 for each pair.

use std::hash::{Hash, Hasher};

use siphasher::sip128::{Hasher128, SipHasher13};

use super::host::Life;
use super::state::{State, Wire};

/// Generations of connections further apart than this are alike.
const FAR: i64 = 3;

impl State {
    /// This state's fingerprint. Names of connections, stamps and points of time have no part in it.
    pub fn fingerprint(&self) -> u128 {
        let mut hasher = SipHasher13::new();
        (self.budget, self.cut, self.hosts.len()).hash(&mut hasher);
        (self.asleep, self.is_overdue(), self.knocks.len()).hash(&mut hasher);
        for host in &self.hosts {
            host.digest().hash.hash(&mut hasher);
        }
        self.digest_generations(&mut hasher);
        self.digest_wires(&mut hasher);
        let mut dials: Vec<_> = self.dials.iter().map(|it| (it.from, it.addr)).collect();
        dials.sort_unstable();
        dials.hash(&mut hasher);
        hasher.finish128().as_u128()
    }

    /// A host tells generations by the newest that it knows of; this tells how those of two hosts lie.
    fn digest_generations(&self, hasher: &mut impl Hasher) {
        for (a, host) in self.hosts.iter().enumerate() {
            for b in a + 1..self.hosts.len() {
                if host.life == Life::Running && self.hosts[b].life == Life::Running {
                    distance(self.newest_generation(a, b), self.newest_generation(b, a)).hash(hasher);
                }
            }
        }
    }

    /// The newest generation of connections with a peer that a host knows of.
    fn newest_generation(&self, host: usize, peer: usize) -> u64 {
        let peer = self.hosts[peer].node.me().id;
        self.hosts[host].digest().generations.get(&peer).copied().unwrap_or(0)
    }

    /// The ends of a wire in an order that tells who dialed, as long as that matters to an end.
    fn ends(&self, wire: &Wire) -> [usize; 2] {
        let stands = |end: usize| wire.gone[end] || self.hosts[wire.hosts[end]].node.stands(wire.link);
        if wire.hosts[0] > wire.hosts[1] && stands(0) && stands(1) { [1, 0] } else { [0, 1] }
    }

    fn digest_wires(&self, hasher: &mut impl Hasher) {
        self.wires.len().hash(hasher);
        let mut wires: Vec<&Wire> = self.wires.iter().map(AsRef::as_ref).collect();
        wires.sort_by_key(|wire| {
            let [a, b] = wire.hosts;
            (a.min(b), a.max(b), wire.link)
        });
        for wire in wires {
            let ends = self.ends(wire);
            for end in ends {
                (wire.hosts[end], wire.gone[end]).hash(hasher);
            }
            self.knocks.contains(&wire.link).hash(hasher);
            for end in ends {
                if wire.gone[end] {
                    continue;
                }
                let newest = self.newest_generation(wire.hosts[end], wire.hosts[1 - end]);
                (wire.tails[end], wire.queues[end].len()).hash(hasher);
                for letter in &wire.queues[end] {
                    letter.digest.hash(hasher);
                    letter.generation.map(|generation| distance(generation, newest)).hash(hasher);
                }
            }
        }
    }
}

fn distance(a: u64, b: u64) -> i64 {
    (a.cast_signed() - b.cast_signed()).clamp(-FAR, FAR)
}
