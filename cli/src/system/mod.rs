//! What each system does in its own way. Each of these modules is there for Unix and for Windows; they offer the same, so
//! that the rest of the program does not ask which system it runs on.

#[cfg(unix)]
mod unix;
#[cfg(windows)]
mod windows;

#[cfg(unix)]
pub(crate) use unix::{files, hidden_input, process, signals, terminal};
#[cfg(windows)]
pub(crate) use windows::{files, hidden_input, process, signals, terminal};

/// What the system tells of an open file.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Facts {
    pub(crate) kind: FileType,
    /// Whether another user owns the file.
    pub(crate) is_foreign: bool,
    /// Whether its mode lets others use the file.
    pub(crate) is_exposed: bool,
    /// How many names (hard links) the file has.
    pub(crate) names: u64,
    pub(crate) id: FileId,
    /// In bytes.
    pub(crate) length: u64,
}

/// What a path leads to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum FileType {
    Regular,
    /// A terminal, for example, or what drops all that is written.
    CharDevice,
    Pipe,
    /// A link that was opened itself. Unix refuses to open one that it must not follow.
    Link,
    Other,
}

/// Which file it is, whatever its name: the volume, and the number there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct FileId(u64, u64);

/// What a signal asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(windows, allow(dead_code, reason = "Windows asks for nothing but the end"))]
pub(crate) enum Request {
    /// To leave in order, because of this signal.
    Leave(i32),
    /// To leave in order, because the terminal is gone. It may be said several times.
    HangUp(i32),
    /// To end at once, because of this signal.
    Abort(i32),
    /// To stop until the shell continues the program.
    Stop,
    /// To go on after a stop.
    GoOn,
    /// To look how large the terminal is now.
    Resize,
}
