//! Rings of real nodes on a simulated network, in virtual time. One seed decides everything.

pub mod chaos;
pub mod network;
pub mod record;
pub mod rng;
mod schedule;
pub mod totals;
mod trace;
mod world;

pub use network::{Death, Heal, HostId, Network, Quality};
pub use rng::Rng;
pub use world::{Counts, Life, Place, World, addr_of, id_of, place_of};
