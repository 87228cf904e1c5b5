//! What travels between nodes, and how it becomes bytes.
//!
//! A link that is open carries frames in its records: a big-endian `u32` length, then that many bytes, which are one
//! [`Envelope`] in postcard.

mod entry;
mod error;
mod frame;
mod incoming;
mod message;
mod packed;
mod proven;
mod run;
mod seen;

pub use entry::{Body, Change, Entry};
pub use error::{DecodeError, FrameTooLong};
pub use frame::{FrameDecoder, encode};
pub(crate) use incoming::Incoming;
pub use message::{
    Beat, CandidateRank, Deliver, Elect, Elected, Envelope, Hello, Install, Join, Message, NotMember,
    Refusal, RefusedKind, Standing, Sync, ViewSpan,
};
pub use proven::Proven;
pub use run::Run;
pub(crate) use run::{MAX_RUN, texts_of_a_run, weight};
#[cfg(feature = "sham")]
pub use seen::ShamSeen;
pub use seen::{RunDigest, Seen, SeenRuns};
