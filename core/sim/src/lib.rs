//! Rings of real nodes on a simulated network, in virtual time. One seed decides everything.
//!
//! - [`network`]: TCP, and everything that can go wrong with it.
//! - [`World`]: the nodes on it, and everything that users and faults can do to them.
//! - [`oracles`]: what must hold, from what members show and from what nodes hold; each [`Property`] by name.
//! - [`scenario`]: runs written as text.

#![no_std]
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on is to panic"))]

extern crate alloc;

mod lives;
pub mod network;
pub mod oracles;
mod property;
mod rng;
pub mod scenario;
mod schedule;
mod trace;
mod world;

pub use network::{Death, Heal, HostId, Network, Quality, SignatureCheck, Tampering};
pub use property::Property;
pub use rng::Rng;
pub use world::{Counts, HostStep, Life, Place, Voters, World, addr_of, place_of};
#[cfg(feature = "sham")]
pub use world::{FalseAddress, Lie, Lies, id_of};

/// Runs the example of the README.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
