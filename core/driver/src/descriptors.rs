//! How many sockets and files a process may have, which each system tells in its own way.

#[cfg(unix)]
mod unix;
#[cfg(windows)]
mod windows;

#[cfg(unix)]
pub(crate) use unix::{is_lack, most};
#[cfg(windows)]
pub(crate) use windows::{is_lack, most};
