//! Traces of members become one run: reading, pairing, merging.

mod clocks;
mod deaths;
mod fates;
mod gather;
mod merge;
mod pair;
mod read;
pub(crate) mod run;

pub use merge::MergeError;
pub use read::{FileReader, ReadError, TraceReader, anonymous};
pub use run::MergedRun;
