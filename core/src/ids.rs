//! Ids: what tells links, dials, rooms and members from all others of their kind.

use core::fmt;
use core::num::NonZeroU64;

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A connection, named by the driver. Never reused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LinkId(pub u64);

/// An attempt to connect, named by the node. Never reused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DialId(pub u64);

/// A room. That of an open room comes from the system's random source, that of a private one from its secret. Zeros stand
/// for "not known yet".
#[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RoomId(pub [u8; Self::BYTES]);

impl RoomId {
    /// Bytes of an id of a room.
    pub const BYTES: usize = 16;

    /// The room is not known yet.
    pub const UNKNOWN: Self = Self([0; Self::BYTES]);
}

/// The whole id in 32 digits.
impl fmt::Debug for RoomId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", u128::from_be_bytes(self.0))
    }
}

/// A member in one of its lives: a key, and an incarnation.
///
/// Opaque, and totally ordered, by key and then by incarnation.
/// `Display` is short, for people; `LowerHex` is the whole id.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NodeId {
    key: [u8; 32],
    incarnation: NonZeroU64,
}

impl NodeId {
    /// The member whose key pair is [`Identity::sham`](crate::secure::Identity::sham) of `key`.
    #[cfg(feature = "sham")]
    pub fn sham(key: [u8; 32], incarnation: NonZeroU64) -> Self {
        Self::new(crate::secure::Identity::sham(key).key(), incarnation)
    }

    /// Bytes of a key and an incarnation.
    const BYTES: usize = 32 + 8;

    /// The member that has `key`, in the life called `incarnation`. Both come from the system's random source.
    pub const fn new(key: [u8; 32], incarnation: NonZeroU64) -> Self {
        Self { key, incarnation }
    }

    /// The id that is in `bytes`, if one is: a key, then an incarnation, big-endian and not zero.
    fn from_bytes(bytes: &[u8; Self::BYTES]) -> Option<Self> {
        let (key, incarnation) = bytes.split_first_chunk()?;
        let incarnation = u64::from_be_bytes(incarnation.try_into().ok()?);
        Some(Self { key: *key, incarnation: NonZeroU64::new(incarnation)? })
    }

    /// The same in all lives of a member.
    pub const fn key(&self) -> &[u8; 32] {
        &self.key
    }

    /// Which life of the member this is. Lives are in no order.
    pub const fn incarnation(&self) -> NonZeroU64 {
        self.incarnation
    }
}

/// The first four bytes of the key, and the incarnation: `3f7a09c1#9e3779b97f4a7c15`.
impl fmt::Display for NodeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.key.iter().take(4).try_for_each(|byte| write!(f, "{byte:02x}"))?;
        write!(f, "#{:x}", self.incarnation)
    }
}

/// The whole id in 80 digits: the key, then the incarnation.
impl fmt::LowerHex for NodeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (words, _) = self.key.as_chunks();
        words.iter().try_for_each(|word| write!(f, "{:016x}", u64::from_be_bytes(*word)))?;
        write!(f, "{:016x}", self.incarnation)
    }
}

impl fmt::Debug for NodeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Reads `N` bytes that were written as one piece.
pub(crate) fn piece<'de, const N: usize, D: Deserializer<'de>>(deserializer: D) -> Result<[u8; N], D::Error> {
    let bytes = <&[u8]>::deserialize(deserializer)?;
    bytes.try_into().map_err(|_| D::Error::invalid_length(bytes.len(), &"the bytes of one value"))
}

// As one piece, which takes a byte for its length and is written and read much faster than byte by byte.
impl Serialize for RoomId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_bytes(&self.0)
    }
}

impl<'de> Deserialize<'de> for RoomId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        piece(deserializer).map(Self)
    }
}

impl Serialize for NodeId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut bytes = [0; Self::BYTES];
        let (key, incarnation) = bytes.split_at_mut(self.key.len());
        key.copy_from_slice(&self.key);
        incarnation.copy_from_slice(&self.incarnation.get().to_be_bytes());
        serializer.serialize_bytes(&bytes)
    }
}

impl<'de> Deserialize<'de> for NodeId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let bytes = piece::<{ Self::BYTES }, D>(deserializer)?;
        Self::from_bytes(&bytes).ok_or_else(|| D::Error::custom("not an id"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(first: u8, last: u8, incarnation: u64) -> NodeId {
        let mut key = [0; 32];
        (key[0], key[31]) = (first, last);
        NodeId::new(key, NonZeroU64::new(incarnation).unwrap())
    }

    #[test]
    fn ids_order_by_key_and_then_by_incarnation() {
        let ids = [id(0, 0, 9), id(0, 1, 2), id(0, 1, 3), id(0, 2, 1), id(1, 0, 1), id(255, 0, 1)];
        assert!(ids.is_sorted_by(|a, b| a < b));
    }

    #[test]
    fn an_id_is_shown_in_short_and_in_whole() {
        assert_eq!(alloc::format!("{}", id(0x0a, 1, 0xab)), "0a000000#ab");
        let whole = alloc::format!("{:x}", id(0x0a, 1, 0xab));
        assert_eq!(whole, alloc::format!("0a{}01{:016x}", "0".repeat(60), 0xab));
    }

    #[test]
    fn the_id_of_a_room_is_sixteen_bytes_and_their_length() {
        let room = RoomId(core::array::from_fn(|at| u8::try_from(at).unwrap()));
        let bytes = postcard::to_allocvec(&room).unwrap();
        assert_eq!(bytes, [&[16], room.0.as_slice()].concat());
        assert_eq!(postcard::from_bytes(&bytes), Ok(room));
        for length in [15, 17] {
            let other = [&[length], [7; 17].as_slice()].concat();
            assert!(postcard::from_bytes::<RoomId>(&other).is_err(), "{length} bytes");
        }
        assert_eq!(alloc::format!("{room:?}"), "000102030405060708090a0b0c0d0e0f");
    }

    #[test]
    fn an_id_is_forty_bytes_and_its_length_and_its_incarnation_is_never_zero() {
        let mut bytes = postcard::to_allocvec(&id(1, 2, u64::MAX)).unwrap();
        assert_eq!((bytes.len(), bytes[0]), (41, 40));
        assert_eq!(postcard::from_bytes(&bytes), Ok(id(1, 2, u64::MAX)));
        for length in [39, 41] {
            let other = [&[length], [7; 41].as_slice()].concat();
            assert!(postcard::from_bytes::<NodeId>(&other).is_err(), "{length} bytes");
        }
        bytes[33..].fill(0);
        assert!(postcard::from_bytes::<NodeId>(&bytes).is_err());
    }
}
