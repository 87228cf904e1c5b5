//! Signatures that prove nothing, for runs in which millions of them are made: a keyed hash, and anybody has the key.

use core::hash::Hasher;

use siphasher::sip::SipHasher13;

/// What the last eight bytes of a sham key are. No other key has them: one in 2^64 would.
pub const SHAM_MARK: [u8; 8] = *b"sham key";

/// `key` with the mark at its end.
pub(super) fn marked(mut key: [u8; 32]) -> [u8; 32] {
    if let Some(end) = key.last_chunk_mut() {
        *end = SHAM_MARK;
    }
    key
}

pub(super) fn is_marked(key: &[u8; 32]) -> bool {
    key.ends_with(&SHAM_MARK)
}

/// A hash of the key and the message, and zeros.
pub(super) fn sign(key: &[u8; 32], message: &[u8]) -> [u8; 64] {
    let mut hasher = SipHasher13::new();
    hasher.write(key);
    hasher.write(message);
    let mut signature = [0; 64];
    if let Some(start) = signature.first_chunk_mut() {
        *start = hasher.finish().to_be_bytes();
    }
    signature
}
