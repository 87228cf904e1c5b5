//! Handles, of which a process may have as many as memory holds.

use std::io;

use rustix::io::Errno;

/// How many connections and files this process may have.
pub(crate) fn most() -> usize {
    usize::MAX
}

/// Whether the process has no handle for another connection.
pub(crate) fn is_lack(error: &io::Error) -> bool {
    Errno::from_io_error(error) == Some(Errno::MFILE)
}
