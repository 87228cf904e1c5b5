//! What lets people see what a room did: traces, pictures, and rooms that are simulated.

mod recorder;
mod tape;
mod trace_file;
mod writer;

#[cfg(feature = "see")]
mod commands;
#[cfg(feature = "see")]
mod lab;
#[cfg(feature = "see")]
mod live;
#[cfg(feature = "see")]
mod memory;
#[cfg(feature = "see")]
mod pace;
#[cfg(feature = "see")]
mod serve;
#[cfg(feature = "see")]
mod sim;
#[cfg(feature = "see")]
mod trace;
#[cfg(not(feature = "see"))]
mod without;

use std::path::PathBuf;

#[cfg(feature = "see")]
pub(crate) use commands::{commands, run};
#[cfg(feature = "see")]
pub(crate) use live::{Live, SeeError};
pub(crate) use recorder::{Recorder, TraceStatus};
pub(crate) use trace_file::TraceFileError;
#[cfg(not(feature = "see"))]
pub(crate) use without::{Live, SeeError, commands, run};

/// The exit code of a wrong command line, or of a script that is none.
const USAGE: u8 = 2;

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

/// Whether there is a page of the room, and where.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct SeeSettings {
    /// Whether there is one from the beginning.
    pub(crate) on: bool,
    /// Its port; 0 for any free one.
    pub(crate) port: u16,
}

/// What the user wants of the page of the room.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum SeeOrder {
    /// To know where it is.
    Tell,
    /// That there is one.
    On,
    /// That there is none.
    Off,
}

/// Where the page of the room is. Whoever has the address can see the page.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct SeeStatus {
    /// Its address with its key.
    pub(crate) url: String,
    /// How many requests were refused.
    pub(crate) refused: u64,
}
