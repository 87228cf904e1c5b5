//! The oracles: they check what users are shown and what nodes hold. Each violation names a [`Property`].

mod converged;
mod dials;
mod election;
mod fault_model;
mod state;
mod transcript;

pub use converged::{Shape, converged};
pub use dials::Dials;
pub use election::{Tokens, winner_has_all};
pub use fault_model::FaultModel;
pub use state::{States, no_doubles, only_needed_links, same_logs};
pub use transcript::{Transcript, Transcripts};

use alloc::string::String;
use core::fmt;

use ringchat_core::Instant;

use crate::Property;

/// A property that does not hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    /// The virtual time at which this was seen.
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
