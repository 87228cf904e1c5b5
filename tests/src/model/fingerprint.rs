//! A number for each state: equal for two states only if they are the same to all that may come, but for a
//! chance of about one in 2^128 a pair.

use std::hash::{Hash, Hasher};

use siphasher::sip128::{Hasher128, SipHasher13};

use ringchat_core::{NodeId, digest_message};

use super::state::{Life, State, Wire};

impl State {
    /// This state's fingerprint. Names of connections, stamps and points of time have no part in it.
    pub fn fingerprint(&self) -> u128 {
        let mut hasher = SipHasher13::new();
        (self.budget, self.cut, self.hosts.len()).hash(&mut hasher);
        for host in 0..self.hosts.len() {
            self.digest_host(host, &mut hasher);
        }
        self.digest_wires(&mut hasher);
        let mut dials: Vec<_> = self.dials.iter().map(|it| (it.from, it.addr)).collect();
        dials.sort_unstable();
        dials.hash(&mut hasher);
        hasher.finish128().as_u128()
    }

    fn digest_host(&self, host: usize, hasher: &mut impl Hasher) {
        let it = &self.hosts[host];
        it.life.hash(hasher);
        match it.life {
            Life::Running => {
                it.node.digest(&|peer| self.newest_generation(host, peer), hasher);
                (it.leaving, it.said, it.gaps, &it.shown).hash(hasher);
            }
            Life::Ended(_) => it.said.hash(hasher),
            Life::Crashed => {}
        }
    }

    /// The newest generation of connections between a host and a peer that either of them knows of.
    fn newest_generation(&self, host: usize, peer: NodeId) -> u64 {
        let node = &self.hosts[host].node;
        let other = self.hosts.iter().find(|it| it.life == Life::Running && it.node.me().id == peer);
        let theirs = other.map_or(0, |it| it.node.newest_generation(node.me().id));
        theirs.max(node.newest_generation(peer))
    }

    fn digest_wires(&self, hasher: &mut impl Hasher) {
        let mut wires: Vec<&Wire> = self.wires.iter().map(AsRef::as_ref).collect();
        wires.sort_by_key(|wire| (wire.hosts, wire.link));
        wires.len().hash(hasher);
        for wire in wires {
            (wire.hosts, wire.tails, wire.gone).hash(hasher);
            let newest = self.newest_generation(wire.hosts[0], self.hosts[wire.hosts[1]].node.me().id);
            for queue in &wire.queues {
                queue.len().hash(hasher);
                for envelope in queue {
                    envelope.room.hash(hasher);
                    digest_message(&envelope.message, newest, hasher);
                }
            }
        }
    }
}
