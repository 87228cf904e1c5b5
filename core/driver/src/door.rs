//! What all links of a room share while they open, and after.

use std::io;
use std::net::IpAddr;
use std::sync::{Arc, Mutex};

use ringchat_core::secure::{
    AcceptedEphemerals, AnswerGate, Credentials, Doorkeeper, Ephemeral, LinkError, Strangers,
};
use ringchat_core::{Instant, LinkId, NodeId};

use crate::clock::Clock;
use crate::descriptors;
use crate::host::lock;
use crate::seen::SharedSeen;
use crate::write_queue::WritePool;

/// The door of a room: what proves this node to the other ends of links, the strangers that wait to be let in, and the
/// signatures that were verified already. Clones are the same door.
#[derive(Clone, Debug)]
pub struct Door(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    /// The credentials of this life.
    credentials: Mutex<Arc<Credentials>>,
    clock: Clock,
    seen: SharedSeen,
    writes: WritePool,
    /// Nobody holds this for longer than it takes to look.
    waiting: Mutex<Waiting>,
}

#[derive(Debug)]
struct Waiting {
    accepted: AcceptedEphemerals,
    gate: AnswerGate,
    strangers: Strangers,
}

impl Door {
    /// The door of a node with these credentials. Its links use the cipher of `ring`, if this crate is built with it.
    pub fn new(credentials: Credentials) -> Self {
        let clock = Clock::start();
        let waiting = Waiting {
            accepted: AcceptedEphemerals::default(),
            gate: AnswerGate::new(clock.now()),
            strangers: Strangers::within(descriptors::most()),
        };
        let (seen, writes) = (SharedSeen::default(), WritePool::default());
        let credentials = Mutex::new(Arc::new(fast(credentials)));
        Self(Arc::new(Shared { credentials, clock, seen, writes, waiting: Mutex::new(waiting) }))
    }

    pub(crate) fn credentials(&self) -> Arc<Credentials> {
        Arc::clone(&lock(&self.0.credentials))
    }

    /// From now on the links prove `id`, another life of the same member.
    pub(crate) fn new_life(&self, id: NodeId) {
        let mut credentials = lock(&self.0.credentials);
        *credentials = Arc::new(credentials.in_life(id.incarnation()));
    }

    pub(crate) fn seen(&self) -> SharedSeen {
        self.0.seen.clone()
    }

    /// What all write queues of the room share.
    pub(crate) fn write_pool(&self) -> WritePool {
        self.0.writes.clone()
    }

    /// Fresh bytes for one end of a link.
    pub(crate) fn ephemeral() -> io::Result<Ephemeral> {
        Ok(Ephemeral::draw(getrandom::fill)?)
    }

    /// A connection was accepted `now`, as `link`. Gives those that have to be closed to make room for it.
    pub(crate) fn come(&self, link: LinkId, from: IpAddr, now: Instant) -> Vec<LinkId> {
        lock(&self.0.waiting).strangers.come(link, from, now)
    }

    /// The system takes no further connection. Gives the one that has to be closed to make room.
    pub(crate) fn crowd_out(&self) -> Option<LinkId> {
        lock(&self.0.waiting).strangers.crowd_out()
    }

    /// `link` is open, or closed.
    pub(crate) fn go(&self, link: LinkId) {
        lock(&self.0.waiting).strangers.go(link);
    }

    /// What lets in the other end of `link`.
    pub(crate) fn keeper(&self, link: LinkId) -> impl Doorkeeper + '_ {
        Keeper { door: self, link }
    }
}

struct Keeper<'a> {
    door: &'a Door,
    link: LinkId,
}

impl Doorkeeper for Keeper<'_> {
    fn let_in(&mut self, ephemeral: [u8; 32]) -> Result<(), LinkError> {
        let now = self.door.0.clock.now();
        let mut waiting = lock(&self.door.0.waiting);
        waiting.accepted.let_in(ephemeral)?;
        if !waiting.gate.pass(now) {
            return Err(LinkError::TooMany);
        }
        waiting.strangers.knows_the_secret(self.link);
        Ok(())
    }
}

/// The same credentials, with the fastest cipher that there is.
#[cfg(feature = "ring")]
fn fast(credentials: Credentials) -> Credentials {
    credentials.with_resolver(|| Box::new(snow::resolvers::RingResolver))
}

/// The same credentials.
#[cfg(not(feature = "ring"))]
fn fast(credentials: Credentials) -> Credentials {
    credentials
}

#[cfg(test)]
mod tests {
    use core::num::NonZeroU64;

    use ringchat_core::secure::Identity;

    use super::*;

    #[test]
    fn all_that_share_a_door_prove_the_new_life() {
        let identity = Identity::from_seed([7; 32]);
        let [first, second] = [1, 2].map(|n| NonZeroU64::MIN.saturating_add(n));
        let door = Door::new(Credentials::open(identity.clone(), first));
        let same = door.clone();
        door.new_life(NodeId::new(identity.key(), second));
        assert_eq!(same.credentials().id(), NodeId::new(identity.key(), second));
    }
}
