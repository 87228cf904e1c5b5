//! The key pair of a person: Ed25519 (RFC 8032).

use alloc::collections::BTreeMap;
use alloc::sync::Arc;
use core::fmt;
use core::hash::{Hash, Hasher};

use ed25519_dalek::{Signer, SigningKey, Verifier as _, VerifyingKey};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use zeroize::Zeroizing;

use super::derive::ShortKey;
#[cfg(feature = "sham")]
use super::sham;
use crate::ids::piece;

/// The key pair of a person: it signs what the person says, and proves who is at an end of a link.
///
/// The private key is wiped when the last clone is dropped, and `Debug` does not show it. Two identities with one public
/// key are equal.
#[derive(Clone)]
pub struct Identity(Pair);

/// The private key lies on the heap, so that no copy of it stays behind when an identity is moved.
#[derive(Clone)]
enum Pair {
    Real(Arc<SigningKey>),
    #[cfg(feature = "sham")]
    Sham([u8; 32]),
}

impl Identity {
    /// The key pair that `seed`, a private key of RFC 8032, makes. The seed comes from the system's random source.
    pub fn from_seed(seed: [u8; 32]) -> Self {
        Self(Pair::Real(Arc::new(SigningKey::from_bytes(&Zeroizing::new(seed)))))
    }

    /// An identity whose signatures prove nothing and cost little. The last eight bytes of its key are [`SHAM_MARK`]
    /// and the others those of `key`.
    ///
    /// [`SHAM_MARK`]: super::SHAM_MARK
    #[cfg(feature = "sham")]
    pub fn sham(key: [u8; 32]) -> Self {
        Self(Pair::Sham(sham::marked(key)))
    }

    /// The public key.
    pub fn key(&self) -> [u8; 32] {
        match &self.0 {
            Pair::Real(pair) => pair.verifying_key().to_bytes(),
            #[cfg(feature = "sham")]
            Pair::Sham(key) => *key,
        }
    }

    /// Signs `message`. The same message always gets the same signature.
    pub fn sign(&self, message: &[u8]) -> Signature {
        match &self.0 {
            Pair::Real(pair) => Signature(pair.sign(message).to_bytes()),
            #[cfg(feature = "sham")]
            Pair::Sham(key) => Signature(sham::sign(key, message)),
        }
    }
}

impl PartialEq for Identity {
    fn eq(&self, other: &Self) -> bool {
        self.key() == other.key()
    }
}

impl Eq for Identity {}

impl Hash for Identity {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.key().hash(state);
    }
}

/// The short form of the public key.
impl fmt::Debug for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Identity").field(&ShortKey::new(&self.key())).finish()
    }
}

/// A signature of Ed25519.
///
/// It identifies nothing: the holder of a key can make any number of signatures of the same message.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Signature([u8; 64]);

impl Signature {
    /// Stands where nothing was signed yet. No key makes it.
    pub const NONE: Self = Self([0; 64]);

    /// The signature with these bytes. They may be any: only [`verify`] tells whether it is one.
    pub const fn new(bytes: [u8; 64]) -> Self {
        Self(bytes)
    }

    /// R and s of RFC 8032, one after the other.
    pub const fn bytes(&self) -> &[u8; 64] {
        &self.0
    }

    /// Whether R is a point of small order, in its canonical bytes; in others it passes no verification. The library
    /// decodes R to find that out (`verify_strict`), which takes a tenth of a verification.
    fn has_small_order(&self) -> bool {
        let Some(r) = self.0.first_chunk::<32>() else { return false };
        SMALL_ORDER.iter().any(|point| point.map(u128::to_be_bytes).as_flattened() == r)
    }
}

/// The canonical bytes of the eight points of small order.
const SMALL_ORDER: [[u128; 2]; 8] = [
    [0, 0],
    [0, 0x80],
    [0x0100_0000_0000_0000_0000_0000_0000_0000, 0],
    [0xecff_ffff_ffff_ffff_ffff_ffff_ffff_ffff, 0xffff_ffff_ffff_ffff_ffff_ffff_ffff_ff7f],
    [0x26e8_958f_c2b2_27b0_45c3_f489_f2ef_98f0, 0xd5df_ac05_d3c6_3339_b138_0288_6d53_fc05],
    [0x26e8_958f_c2b2_27b0_45c3_f489_f2ef_98f0, 0xd5df_ac05_d3c6_3339_b138_0288_6d53_fc85],
    [0xc717_6a70_3d4d_d84f_ba3c_0b76_0d10_670f, 0x2a20_53fa_2c39_ccc6_4ec7_fd77_92ac_037a],
    [0xc717_6a70_3d4d_d84f_ba3c_0b76_0d10_670f, 0x2a20_53fa_2c39_ccc6_4ec7_fd77_92ac_03fa],
];

/// The first four bytes: `5f1e09c2...`.
impl fmt::Debug for Signature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().take(4).try_for_each(|byte| write!(f, "{byte:02x}"))?;
        f.write_str("...")
    }
}

impl Serialize for Signature {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_bytes(&self.0)
    }
}

impl<'de> Deserialize<'de> for Signature {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        piece(deserializer).map(Self)
    }
}

/// Whether the holder of `key` signed `message`.
///
/// All members of a room must agree on that, whatever the bytes, so no freedom is left that RFC 8032 leaves (Chalkias,
/// Garillot and Nikolaenko 2020, "Taming the many EdDSAs"): the key is canonical and not of small order, R is not of
/// small order, s is below the order of the group, and the equation without a cofactor holds on the bytes of R.
pub fn verify(key: &[u8; 32], message: &[u8], signature: &Signature) -> bool {
    Verifier::default().verify(key, message, signature)
}

/// Verifies like [`verify`], and keeps the keys that it decoded last: to decode one takes a quarter as long as to verify
/// a signature.
#[derive(Clone, Debug, Default)]
pub struct Verifier {
    decoded: BTreeMap<[u8; 32], VerifyingKey>,
}

impl Verifier {
    /// Keys that are kept, at most.
    const MOST: usize = 64;

    /// Whether the holder of `key` signed `message`.
    pub fn verify(&mut self, key: &[u8; 32], message: &[u8], signature: &Signature) -> bool {
        let Some(decoded) = self.decode(key) else { return false };
        let claimed = ed25519_dalek::Signature::from_bytes(&signature.0);
        !signature.has_small_order() && decoded.verify(message, &claimed).is_ok()
    }

    fn decode(&mut self, key: &[u8; 32]) -> Option<VerifyingKey> {
        if let Some(decoded) = self.decoded.get(key) {
            return Some(*decoded);
        }
        let decoded = canonical(key)?;
        if self.decoded.len() >= Self::MOST {
            self.decoded.clear();
        }
        self.decoded.insert(*key, decoded);
        Some(decoded)
    }
}

/// The point that `key` encodes, if that is the one way to encode it and the point is not of small order.
fn canonical(key: &[u8; 32]) -> Option<VerifyingKey> {
    let point = VerifyingKey::from_bytes(key).ok().filter(|key| !key.is_weak())?;
    (point.to_edwards().compress().as_bytes() == key).then_some(point)
}

#[cfg(test)]
mod tests;
