//! What must hold: functions over what the members showed and what they hold.
//!
//! The names of the properties are those of the protocol's description: S for safety, in every state of
//! every run; L for liveness, once the faults have stopped.

use alloc::string::String;
mod converged;
mod election;
mod history;
mod state;

pub use converged::{Shape, converged};
pub use election::{Tokens, winner_has_all};
pub use history::{History, Promises, Room};
pub use state::{States, no_doubles, only_needed_links, same_logs};

use core::fmt;

use ringchat_core::Instant;

/// Something that must not be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    /// When, in virtual time.
    pub at: Instant,
    /// Which property does not hold.
    pub property: &'static str,
    /// What was seen.
    pub detail: String,
}

impl Violation {
    /// What was seen at `at`, against `property`.
    pub fn new(at: Instant, property: &'static str, detail: impl Into<String>) -> Self {
        Self { at, property, detail: detail.into() }
    }
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} violated at {}: {}", self.property, self.at, self.detail)
    }
}

impl core::error::Error for Violation {}
