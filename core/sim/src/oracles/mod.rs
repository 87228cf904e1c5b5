//! What must hold: functions over what members showed and what nodes hold. Each violation names its [`Property`].

use alloc::string::String;
mod converged;
mod election;
mod state;
mod transcript;

pub use converged::{Shape, converged};
pub use election::{Tokens, winner_has_all};
pub use state::{States, no_doubles, only_needed_links, same_logs};
pub use transcript::{FaultModel, Transcript, Transcripts};

use core::fmt;

use ringchat_core::Instant;

use crate::Property;

/// A property that does not hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    /// When, in virtual time.
    pub at: Instant,
    /// The property that does not hold.
    pub property: Property,
    /// What was seen.
    pub detail: String,
}

impl Violation {
    /// A violation of `property`, seen at `at`.
    pub fn new(at: Instant, property: Property, detail: impl Into<String>) -> Self {
        Self { at, property, detail: detail.into() }
    }
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} violated at {}: {}", self.property, self.at, self.detail)
    }
}

impl core::error::Error for Violation {}
