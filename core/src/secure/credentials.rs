//! What a node needs to know to open links.

use alloc::boxed::Box;
use core::fmt;
use core::num::NonZeroU64;

use snow::resolvers::{BoxedCryptoResolver, DefaultResolver};
use zeroize::Zeroizing;

use super::derive::{Secret, destination, open_psk};
use super::key::Identity;
use crate::config::{Config, Seed};
use crate::ids::NodeId;

/// Whether strangers can join a room.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Privacy {
    /// Whoever reaches a member can.
    Open,
    /// Only those that have the room's secret can.
    Private,
}

/// What a node needs to know to open links: the secret of its room, and who it is. All its links share one.
///
/// The secret is wiped when it is dropped, and `Debug` does not show it.
pub struct Credentials {
    psk: Zeroizing<[u8; 32]>,
    privacy: Privacy,
    identity: Identity,
    id: NodeId,
    /// What a dialer that expects `id` calls it in its first message.
    to: [u8; 16],
    resolver: fn() -> BoxedCryptoResolver,
}

impl Credentials {
    /// Those of the person with `identity`, in the life called `incarnation`, for the private room with `secret`.
    pub fn private(secret: &Secret, identity: Identity, incarnation: NonZeroU64) -> Self {
        Self::new(secret.psk(), Privacy::Private, identity, incarnation)
    }

    /// Those of the person with `identity`, in the life called `incarnation`, for an open room.
    pub fn open(identity: Identity, incarnation: NonZeroU64) -> Self {
        Self::new(Zeroizing::new(open_psk()), Privacy::Open, identity, incarnation)
    }

    /// Those of the node that `seed` makes of `config`: for the private room whose secret it has, or an open one.
    pub fn of(config: &Config, seed: &Seed) -> Self {
        let (identity, incarnation) = (seed.identity.clone(), seed.incarnation);
        match &config.secret {
            Some(secret) => Self::private(secret, identity, incarnation),
            None => Self::open(identity, incarnation),
        }
    }

    /// Lets `resolver` implement what it can of the suite, in place of the pure implementations. Its random source is not
    /// used. Ends with different implementations understand each other.
    #[must_use]
    pub fn with_resolver(self, resolver: fn() -> BoxedCryptoResolver) -> Self {
        Self { resolver, ..self }
    }

    pub(super) fn new(
        psk: Zeroizing<[u8; 32]>,
        privacy: Privacy,
        identity: Identity,
        incarnation: NonZeroU64,
    ) -> Self {
        let id = NodeId::new(identity.key(), incarnation);
        Self { psk, privacy, identity, id, to: destination(id), resolver: || Box::new(DefaultResolver) }
    }

    /// The same, but in the life called `incarnation`.
    #[must_use]
    pub fn in_life(&self, incarnation: NonZeroU64) -> Self {
        Self::new(self.psk.clone(), self.privacy, self.identity.clone(), incarnation)
            .with_resolver(self.resolver)
    }

    /// The id that is proven with these.
    pub const fn id(&self) -> NodeId {
        self.id
    }

    /// What signs in the name of that id.
    pub const fn identity(&self) -> &Identity {
        &self.identity
    }

    pub(super) fn psk(&self) -> &[u8; 32] {
        &self.psk
    }

    /// Whether strangers can join the room.
    pub const fn privacy(&self) -> Privacy {
        self.privacy
    }

    pub(super) fn resolver(&self) -> BoxedCryptoResolver {
        (self.resolver)()
    }

    pub(super) const fn to(&self) -> &[u8; 16] {
        &self.to
    }
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut parts = f.debug_struct("Credentials");
        parts.field("id", &self.id).field("privacy", &self.privacy).finish_non_exhaustive()
    }
}
