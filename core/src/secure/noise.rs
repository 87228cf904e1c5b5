//! The handshake of Noise that an end of a link makes before it proves its id.

use alloc::boxed::Box;
use core::cell::Cell;
use core::fmt;

use snow::params::{CipherChoice, DHChoice, HashChoice, NoiseParams};
use snow::resolvers::{BoxedCryptoResolver, CryptoResolver, DefaultResolver};
use snow::types::{Cipher, Dh, Hash, Random};
use snow::{Builder, Error, HandshakeState};
use zeroize::Zeroizing;

use super::credentials::{Credentials, Privacy};
use super::error::LinkError;
use super::link::Role;
use super::proof::LABEL;

/// The suite that all links speak: the Noise Protocol Framework, revision 34, with the pattern `NN` and a shared secret.
pub(super) const SUITE: &str = "Noise_NNpsk0_25519_AESGCM_SHA256";

/// The version of what is said before a link is open, which is the first byte of a dialer.
pub(super) const LINK_VERSION: u8 = 3;

/// Fresh bytes from the system's random source, for the one key that an end of a link makes. They are wiped once the
/// key is made.
pub struct Ephemeral(Option<Box<Zeroizing<[u8; 32]>>>);

impl Ephemeral {
    /// With `bytes` that no other link has and nobody can guess.
    pub fn new(bytes: [u8; 32]) -> Self {
        Self(Some(Box::new(Zeroizing::new(bytes))))
    }

    /// With what `fill` fills it with, from the system's random source.
    ///
    /// # Errors
    /// The error of `fill`.
    pub fn draw<E>(fill: impl FnOnce(&mut [u8]) -> Result<(), E>) -> Result<Self, E> {
        // On the heap, so that no copy stays behind when it is moved.
        let mut bytes = Box::new(Zeroizing::new([0; 32]));
        fill(bytes.as_mut_slice())?;
        Ok(Self(Some(bytes)))
    }
}

impl fmt::Debug for Ephemeral {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Ephemeral").finish_non_exhaustive()
    }
}

/// A random source that yields its 32 bytes once, and fails after that.
impl Random for Ephemeral {
    fn try_fill_bytes(&mut self, dest: &mut [u8]) -> Result<(), Error> {
        let bytes = self.0.take().filter(|bytes| bytes.len() == dest.len()).ok_or(Error::Rng)?;
        dest.copy_from_slice(bytes.as_slice());
        Ok(())
    }
}

/// One ephemeral key, and implementations: the preferred ones where there are such, and those of `snow`.
struct Resolver {
    ephemeral: Cell<Option<Ephemeral>>,
    preferred: BoxedCryptoResolver,
}

impl CryptoResolver for Resolver {
    fn resolve_rng(&self) -> Option<Box<dyn Random>> {
        let ephemeral: Box<dyn Random> = Box::new(self.ephemeral.take()?);
        Some(ephemeral)
    }

    fn resolve_dh(&self, choice: &DHChoice) -> Option<Box<dyn Dh>> {
        self.preferred.resolve_dh(choice).or_else(|| DefaultResolver.resolve_dh(choice))
    }

    fn resolve_hash(&self, choice: &HashChoice) -> Option<Box<dyn Hash>> {
        self.preferred.resolve_hash(choice).or_else(|| DefaultResolver.resolve_hash(choice))
    }

    fn resolve_cipher(&self, choice: &CipherChoice) -> Option<Box<dyn Cipher>> {
        self.preferred.resolve_cipher(choice).or_else(|| DefaultResolver.resolve_cipher(choice))
    }
}

/// The handshake of one end, at its start.
///
/// # Errors
/// [`LinkError::Noise`] if an implementation lacks a part of the suite.
pub(super) fn start(
    role: Role,
    credentials: &Credentials,
    ephemeral: Ephemeral,
) -> Result<HandshakeState, LinkError> {
    let prologue = prologue(credentials.privacy());
    let resolver = Resolver { ephemeral: Cell::new(Some(ephemeral)), preferred: credentials.resolver() };
    start_with(SUITE, role, credentials.psk(), &prologue, resolver).map_err(|_| LinkError::Noise)
}

fn start_with(
    suite: &str,
    role: Role,
    psk: &[u8; 32],
    prologue: &[u8],
    resolver: Resolver,
) -> Result<HandshakeState, Error> {
    let params: NoiseParams = suite.parse()?;
    let builder = Builder::with_resolver(params, Box::new(resolver)).psk(0, psk)?.prologue(prologue)?;
    match role {
        Role::Dialer => builder.build_initiator(),
        Role::Acceptor => builder.build_responder(),
    }
}

/// What both ends must have in common beside the secret.
fn prologue(privacy: Privacy) -> [u8; LABEL.len() + 2] {
    let mut prologue = [0; LABEL.len() + 2];
    let mode = match privacy {
        Privacy::Open => 0,
        Privacy::Private => 1,
    };
    for (to, from) in prologue.iter_mut().zip(LABEL.iter().chain(&[LINK_VERSION, mode])) {
        *to = *from;
    }
    prologue
}

#[cfg(test)]
mod tests;
