//! Signatures that were verified already, for all readers of a room.

use std::sync::{Arc, Mutex};

use ringchat_core::secure::{Signature, Verifier};
use ringchat_core::wire::{RunDigest, Seen, SeenRuns};

use crate::host::lock;

/// What all readers of a room share: a run that came on one link is not verified again on another. Each clone keeps
/// decoded keys of its own.
#[derive(Clone, Debug, Default)]
pub struct SharedSeen {
    runs: Arc<Mutex<SeenRuns>>,
    verifier: Verifier,
}

// The lock is not held while a signature is verified, so that readers verify at the same time.
impl Seen for SharedSeen {
    fn has(&mut self, run: RunDigest) -> bool {
        lock(&self.runs).has(run)
    }

    fn add(&mut self, run: RunDigest) {
        lock(&self.runs).add(run);
    }

    fn is_signed(&mut self, key: &[u8; 32], bytes: &[u8], signature: &Signature) -> bool {
        self.verifier.verify(key, bytes, signature)
    }
}
