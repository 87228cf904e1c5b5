//! Who said something, and what only members know: keys, signatures, secrets.
//!
//! All cryptography is that of other crates: Ed25519 of `ed25519-dalek`, BLAKE3 of `blake3`, the Noise protocol of `snow`.

mod accepted;
mod credentials;
mod derive;
mod error;
mod gate;
mod key;
mod link;
mod noise;
mod proof;
mod record;
mod said;
#[cfg(feature = "sham")]
mod sham;
mod strangers;
mod ticket;

pub use accepted::{AcceptedEphemerals, Doorkeeper};
pub use credentials::{Credentials, Privacy};
pub(crate) use derive::derive;
pub use derive::{Secret, ShortKey, destination, open_psk};
pub use error::LinkError;
pub use gate::AnswerGate;
pub use key::{Identity, Signature, Verifier, verify};
pub use link::{Link, Opened, Progress};
pub use noise::Ephemeral;
pub use record::Sealer;
pub use said::Said;
#[cfg(feature = "sham")]
pub use sham::SHAM_MARK;
#[cfg(feature = "sham")]
pub(crate) use sham::sham_verify;
pub use strangers::{Strangers, neighbourhood};
#[cfg(feature = "fuzzing")]
pub(crate) use ticket::seal;
pub use ticket::{Ticket, TicketError};
