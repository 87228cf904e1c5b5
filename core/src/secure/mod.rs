//! Who said something, and what only members know: keys, signatures, secrets.
//!
//! All cryptography is that of other crates: Ed25519 of `ed25519-dalek`, BLAKE3 of `blake3`.

mod key;
#[cfg(feature = "sham")]
mod sham;

pub use key::{Identity, Signature, verify};
#[cfg(feature = "sham")]
pub use sham::SHAM_MARK;
