//! Ids as digits.

use alloc::format;
use alloc::string::String;
use core::num::NonZeroU64;

use ringchat_core::{NodeId, RoomId};
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serializer};

/// The bytes that are written in `text` in lower case, if they are exactly so many.
fn bytes<const N: usize>(text: &str) -> Option<[u8; N]> {
    let digit = |byte: &u8| match byte {
        b'0'..=b'9' => Some(byte.wrapping_sub(b'0')),
        b'a'..=b'f' => Some(byte.wrapping_sub(b'a').wrapping_add(10)),
        _ => None,
    };
    let (pairs, rest) = text.as_bytes().as_chunks::<2>();
    let mut bytes = [0; N];
    if pairs.len() != N || !rest.is_empty() {
        return None;
    }
    for (byte, [high, low]) in bytes.iter_mut().zip(pairs) {
        *byte = (digit(high)? << 4) | digit(low)?;
    }
    Some(bytes)
}

/// An id of a member: the key in 64 digits, then the incarnation in 16.
pub(crate) mod node {
    use super::*;

    pub(crate) fn serialize<S: Serializer>(id: &NodeId, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&format!("{id:x}"))
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<NodeId, D::Error> {
        let text = String::deserialize(deserializer)?;
        parse(&text).ok_or_else(|| D::Error::custom("no id of a member: 80 digits of 0 to f"))
    }

    fn parse(text: &str) -> Option<NodeId> {
        let whole: [u8; 40] = bytes(text)?;
        let (key, incarnation) = whole.split_first_chunk::<32>()?;
        let incarnation = u64::from_be_bytes(incarnation.try_into().ok()?);
        Some(NodeId::new(*key, NonZeroU64::new(incarnation)?))
    }
}

/// An id of a room in 32 digits.
pub(crate) mod room {
    use super::*;

    pub(crate) fn serialize<S: Serializer>(id: &RoomId, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&format!("{id:?}"))
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<RoomId, D::Error> {
        let text = String::deserialize(deserializer)?;
        bytes(&text).map(RoomId).ok_or_else(|| D::Error::custom("no id of a room: 32 digits of 0 to f"))
    }
}
