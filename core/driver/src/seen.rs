//! Signatures that were verified already, for all readers of a room.

use std::sync::{Arc, Mutex};

use ringchat_core::wire::{RunDigest, Seen, SeenRuns};

use crate::host::lock;

/// What all readers of a room share: a run that came on one link is not verified again on another.
#[derive(Clone, Debug, Default)]
pub struct SharedSeen(Arc<Mutex<SeenRuns>>);

// The lock is not held while a signature is verified, so that readers verify at the same time.
impl Seen for SharedSeen {
    fn has(&mut self, run: RunDigest) -> bool {
        lock(&self.0).has(run)
    }

    fn add(&mut self, run: RunDigest) {
        lock(&self.0).add(run);
    }
}
