//! Members that are played by hand. Their ids and addresses order as their places do.

#![allow(dead_code, reason = "each test uses a part of it")]

use std::net::SocketAddr;
use std::num::NonZeroU64;

use ringchat_core::{Member, Name, NodeId, RoomId, Seed};

/// The address of a place.
pub(crate) fn addr(place: u64) -> SocketAddr {
    let [.., high, low] = place.to_be_bytes();
    ([10, 0, high, low], 4000).into()
}

/// The id of whoever is at a place.
pub(crate) fn id(place: u64) -> NodeId {
    life(place, 1)
}

/// The id of whoever is at a place in that life.
pub(crate) fn life(place: u64, incarnation: u64) -> NodeId {
    let mut key = [0; 32];
    key[..8].copy_from_slice(&place.to_be_bytes());
    NodeId::new(key, NonZeroU64::new(incarnation).unwrap())
}

/// Whoever is at a place.
pub(crate) fn member(place: u64) -> Member {
    Member::new(id(place), addr(place), name())
}

/// What everybody is called.
pub(crate) fn name() -> Name {
    Name::new("m").unwrap()
}

/// The seed of a node at a place.
pub(crate) fn seed(place: u64) -> Seed {
    Seed { id: id(place), room: RoomId([1; 16]), jitter: [1; 32] }
}
