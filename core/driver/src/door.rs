//! What all links of a room share while they open, and after.

use std::io;
use std::net::IpAddr;
use std::sync::{Arc, Mutex};

use ringchat_core::secure::{
    AcceptedEphemerals, AnswerGate, Credentials, Doorkeeper, Ephemeral, LinkError, Strangers,
};
use ringchat_core::{Instant, LinkId};

use crate::clock::Clock;
use crate::host::lock;
use crate::seen::SharedSeen;

/// The door of a room: who this node is to whoever opens a link, who waits to be let in, and the signatures that were
/// verified already. Clones are the same door.
#[derive(Clone, Debug)]
pub struct Door(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    credentials: Credentials,
    clock: Clock,
    seen: SharedSeen,
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
            strangers: Strangers::default(),
        };
        let seen = SharedSeen::default();
        Self(Arc::new(Shared { credentials: fast(credentials), clock, seen, waiting: Mutex::new(waiting) }))
    }

    pub(crate) fn credentials(&self) -> &Credentials {
        &self.0.credentials
    }

    pub(crate) fn seen(&self) -> SharedSeen {
        self.0.seen.clone()
    }

    /// Fresh bytes for one end of a link.
    pub(crate) fn ephemeral() -> io::Result<Ephemeral> {
        Ok(Ephemeral::draw(getrandom::fill)?)
    }

    /// A connection was accepted `now`, as `link`. Gives those that have to be closed to make room for it.
    pub(crate) fn come(&self, link: LinkId, from: IpAddr, now: Instant) -> Vec<LinkId> {
        lock(&self.0.waiting).strangers.come(link, from, now)
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
