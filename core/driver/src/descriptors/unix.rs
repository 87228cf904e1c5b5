//! File descriptors.

use std::io;

use rustix::io::Errno;
use rustix::process::{Resource, getrlimit};

/// How many connections and files this process may have.
pub(crate) fn most() -> usize {
    let most = getrlimit(Resource::Nofile).current;
    most.and_then(|most| most.try_into().ok()).unwrap_or(usize::MAX)
}

/// Whether the process, or the system, has no descriptor for another connection.
pub(crate) fn is_lack(error: &io::Error) -> bool {
    matches!(Errno::from_io_error(error), Some(Errno::MFILE | Errno::NFILE))
}
