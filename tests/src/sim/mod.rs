//! Rings of real nodes on a simulated network, in virtual time. One seed decides everything.

pub mod network;
pub mod rng;
mod schedule;

pub use network::{Death, Heal, HostId, Network, Quality};
pub use rng::Rng;
