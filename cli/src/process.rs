//! The program as a process: how it ends at once and how it stops.

use std::process;

pub(crate) use crate::system::process::{dump_no_core, never_stops, stop, take_all_descriptors};
use crate::terminal;

/// The number of the signal that tells that the terminal is gone, where there is one.
pub(crate) const SIGHUP: i32 = 1;

/// The number of the signal that Ctrl-C sends, on every system.
pub(crate) const SIGINT: i32 = 2;

/// The number of the signal that Ctrl-\ sends, where there is one.
pub(crate) const SIGQUIT: i32 = 3;

/// Restores the terminal and ends the program at once, with the exit code of a shell for `signal`.
pub(crate) fn abort(signal: i32) -> ! {
    terminal::abandon();
    process::exit(128 + signal)
}
