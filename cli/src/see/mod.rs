//! What lets people see what a room did: traces, pictures, and rooms that are simulated.

#[cfg(feature = "see")]
mod memory;
mod recorder;
#[cfg(feature = "see")]
mod serve;
pub(crate) mod sim;
mod tape;
pub(crate) mod trace;
mod trace_file;
mod writer;

use std::path::PathBuf;

pub(crate) use recorder::{Recorder, TraceStatus};
pub(crate) use trace_file::TraceFileError;

/// What is traced, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct TraceSettings {
    /// The file of the trace that begins with the program, if one does.
    pub(crate) file: Option<PathBuf>,
    /// Whether traces tell what people say.
    pub(crate) texts: bool,
    /// How many bytes a file may have.
    pub(crate) limit: u64,
}

impl TraceSettings {
    /// The usual limit of a file.
    pub(crate) const LIMIT: u64 = 64 << 20;
}

/// What the user wants of the trace while the room goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TraceOrder<'a> {
    /// To know where it goes.
    Tell,
    /// That it goes to this file from now on.
    On(&'a str),
    /// That it ends.
    Off,
}
