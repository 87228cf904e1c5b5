//! What the simulated decoders take for signed.

use ringchat_core::secure::Signature;
#[cfg(not(feature = "sham"))]
use ringchat_core::wire::SeenRuns as Known;
#[cfg(feature = "sham")]
use ringchat_core::wire::ShamSeen as Known;
use ringchat_core::wire::{RunDigest, Seen};

/// Verifies signatures, unless a test takes that away.
#[derive(Clone, Debug, Default)]
pub struct SignatureCheck {
    seen: Known,
    /// Whether every signature is taken.
    pub believes_all: bool,
}

impl Seen for SignatureCheck {
    fn has(&mut self, run: RunDigest) -> bool {
        self.seen.has(run)
    }

    fn add(&mut self, run: RunDigest) {
        self.seen.add(run);
    }

    fn is_signed(&mut self, key: &[u8; 32], bytes: &[u8], signature: &Signature) -> bool {
        self.believes_all || self.seen.is_signed(key, bytes, signature)
    }
}
