//! What a node keeps for others, by kind.

use super::super::Node;
use super::super::leadership::Leadership;
use super::super::recovery::Syncing;
use crate::limits::{HELD_BYTES, INSTALL_BYTES, LOG_BYTES, MAX_FRAME_WEIGHT};

/// The bytes of others that a node keeps, as it counts them itself.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Held {
    /// Entries of the log.
    pub log: u64,
    /// Entries of a log that is being installed.
    pub install: u64,
    /// Submissions that a leader holds while too much is unstable.
    pub submissions: u64,
    /// Messages that a leader puts off while it does not know whether it still leads.
    pub put_off: u64,
}

impl Held {
    /// What a node may keep of each kind. One message more may overshoot the first two.
    pub const MOST: Self = Self {
        log: (LOG_BYTES + MAX_FRAME_WEIGHT) as u64,
        install: (INSTALL_BYTES + MAX_FRAME_WEIGHT) as u64,
        submissions: HELD_BYTES as u64,
        put_off: HELD_BYTES as u64,
    };

    /// Whether it is no more than a node may keep.
    pub fn is_within_limits(&self) -> bool {
        let Self { log, install, submissions, put_off } = *self;
        let most = Self::MOST;
        log <= most.log
            && install <= most.install
            && submissions <= most.submissions
            && put_off <= most.put_off
    }
}

impl Node {
    /// The bytes of others that this node keeps.
    pub fn held(&self) -> Held {
        Held {
            log: self.replica.log().kept_weight(),
            install: self.role.syncing().map_or(0, Syncing::weight),
            submissions: self.role.leadership().map_or(0, Leadership::held_bytes),
            put_off: self.doubt.bytes(),
        }
    }
}
