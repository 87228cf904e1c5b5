//! The simulator of ringchat, and what must hold in each of its runs.
//!
//! - [`model`]: every state that a few nodes can reach.
//! - [`sim`]: the network and the nodes on it, in virtual time, from one seed; random runs in [`sim::chaos`].
//! - [`oracles`]: what must hold, from what members show and from what nodes hold.
//! - [`scenario`]: runs written as text, in the folder `scenarios`.

#![cfg_attr(
    test,
    allow(
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::panic,
        reason = "a test that cannot go on is to panic"
    )
)]

#[doc(hidden)]
pub mod fuzzing;
pub mod model;
pub mod oracles;
pub mod scenario;
pub mod sim;
pub mod without;
