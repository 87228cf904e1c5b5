//! The trace of a member of a room: a file of lines, each an object of JSON, which other tools can read.
//!
//! A file holds one or more lives of one member. Each life begins with a [`TraceHeader`], and goes on with a
//! [`TraceLine`] for each event, in the order in which they happened. [`TraceRecord`] is either.
//!
//! A sending and its receipt are found in the files of two members by the sender and the sender's Lamport time, which no
//! two of its sendings share.

#![no_std]
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on is to panic"))]

extern crate alloc;

mod class;
mod event;
mod hex;
mod line;
mod scribe;
mod step;
mod thinner;
mod words;

pub use class::MessageClass;
pub use event::{
    Departed, DialLine, DownLine, DropLine, EndLine, FailLine, FaultKind, FaultLine, FullLine, MissedLine,
    NoteLine, ReceivedLine, RoomLine, SentLine, Sketched, StateLine, SumDirection, SumLine, TraceEvent,
    UpLine, WhoLine,
};
pub use line::{LifeLines, TraceError, TraceHeader, TraceLine, TraceRecord, VERSION};
pub use scribe::Scribe;
pub use step::{Flood, Fullness, Step};
pub use thinner::Thinner;
