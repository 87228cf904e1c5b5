//! Who said something, and what only members know: keys, signatures, secrets.
//!
//! All cryptography is that of other crates: Ed25519 of `ed25519-dalek`, BLAKE3 of `blake3`.

mod derive;
mod key;
mod said;
#[cfg(feature = "sham")]
mod sham;
mod ticket;

pub(crate) use derive::derive;
pub use derive::{Secret, ShortKey, destination, open_psk};
pub use key::{Identity, Signature, verify};
pub use said::Said;
#[cfg(feature = "sham")]
pub use sham::SHAM_MARK;
#[cfg(feature = "sham")]
pub(crate) use sham::sham_verify;
#[cfg(feature = "fuzzing")]
pub(crate) use ticket::seal;
pub use ticket::{Ticket, TicketError};
