//! What tests a room of ringchat beyond its own tests.
//!
//! - [`chaos`]: random runs of the simulator, their records and their sums.
//! - [`model`]: every state that a few nodes can reach.
//! - [`ablation`]: rules taken away from the nodes, to see that the oracles notice.

#![cfg_attr(
    test,
    allow(
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::panic,
        reason = "a test that cannot go on is to panic"
    )
)]

pub mod ablation;
pub mod chaos;
#[doc(hidden)]
pub mod fuzzing;
pub mod model;
