//! Signatures that were verified already.

use alloc::collections::{BTreeSet, VecDeque};

use crate::limits::SEEN_RUNS;
#[cfg(feature = "sham")]
use crate::secure::sham_verify;
use crate::secure::{Signature, derive, verify};

/// Names one signed run: its author, its room, all that it says, and its signature.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RunDigest([u8; 16]);

impl RunDigest {
    /// Names the run of which `bytes` were signed.
    pub(super) fn new(bytes: &[u8], signature: &Signature) -> Self {
        Self(derive("ringchat/3 seen", [bytes, signature.bytes()]))
    }
}

/// Remembers runs whose signatures were verified, so that a run that comes again costs no more than a hash: to its author,
/// after an election, in a merge.
pub trait Seen {
    /// Whether the run was verified.
    fn has(&mut self, run: RunDigest) -> bool;

    /// Notes a run that was verified.
    fn add(&mut self, run: RunDigest);

    /// Whether the holder of `key` made `signature` of these bytes.
    fn is_signed(&mut self, key: &[u8; 32], bytes: &[u8], signature: &Signature) -> bool {
        verify(key, bytes, signature)
    }
}

/// The last [`SEEN_RUNS`] runs that were verified.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct SeenRuns {
    oldest_first: VecDeque<RunDigest>,
    all: BTreeSet<RunDigest>,
}

impl Seen for SeenRuns {
    fn has(&mut self, run: RunDigest) -> bool {
        self.all.contains(&run)
    }

    fn add(&mut self, run: RunDigest) {
        if self.all.insert(run) {
            self.oldest_first.push_back(run);
        }
        if self.oldest_first.len() > SEEN_RUNS
            && let Some(oldest) = self.oldest_first.pop_front()
        {
            self.all.remove(&oldest);
        }
    }
}

/// Like [`SeenRuns`], and takes sham signatures too. No driver has one, so no program takes them, however it was built.
#[cfg(feature = "sham")]
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct ShamSeen(SeenRuns);

#[cfg(feature = "sham")]
impl Seen for ShamSeen {
    fn has(&mut self, run: RunDigest) -> bool {
        self.0.has(run)
    }

    fn add(&mut self, run: RunDigest) {
        self.0.add(run);
    }

    fn is_signed(&mut self, key: &[u8; 32], bytes: &[u8], signature: &Signature) -> bool {
        sham_verify(key, bytes, signature) || verify(key, bytes, signature)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_oldest_makes_room_for_the_newest() {
        let digest = |n: usize| RunDigest((n as u128).to_be_bytes());
        let mut seen = SeenRuns::default();
        (0..=SEEN_RUNS).for_each(|n| seen.add(digest(n)));
        seen.add(digest(SEEN_RUNS));
        assert_eq!(
            (seen.has(digest(0)), seen.has(digest(1)), seen.has(digest(SEEN_RUNS))),
            (false, true, true)
        );
        assert_eq!((seen.all.len(), seen.oldest_first.len()), (SEEN_RUNS, SEEN_RUNS));
    }
}
