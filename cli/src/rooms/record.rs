//! What is announced: a room, and where a member of it listens.

use std::collections::BTreeSet;
use std::fmt;
use std::net::SocketAddr;

use ringchat_core::{Name, RoomId};

/// Addresses of a room that are kept, at most.
pub(crate) const MAX_ADDRS: usize = 8;

/// Tells a room from all others, for its life. It tells nothing else: neither what the room is called nor its id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct RoomTag(pub(super) u32);

impl RoomTag {
    /// The tag of `room`. That of a private room follows from its secret alone.
    pub(crate) fn of(room: RoomId) -> Self {
        Self::hash("ringchat/3 tag of a room", &room.0)
    }

    pub(super) fn hash(context: &str, bytes: &[u8]) -> Self {
        let [a, b, c, d, ..] = blake3::derive_key(context, bytes);
        Self(u32::from_be_bytes([a, b, c, d]))
    }
}

/// Eight digits: `3f9c21ab`.
impl fmt::Display for RoomTag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:08x}", self.0)
    }
}

/// What somebody announces.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Record {
    /// The room.
    pub(crate) tag: RoomTag,
    /// What the room is called; `None` if it is private.
    pub(crate) name: Option<Name>,
    /// Where a member of it listens.
    pub(crate) addrs: BTreeSet<SocketAddr>,
}
