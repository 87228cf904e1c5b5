//! Files that the program appends to, each for its user alone.
//!
//! Other users may write to the folder. So opening a file neither waits nor follows a link, and nothing is written before
//! the open file itself has been checked.

use std::fs::{self, File, Metadata, OpenOptions};
use std::io::{self, IsTerminal};
use std::os::unix::fs::{FileTypeExt, MetadataExt, OpenOptionsExt};
use std::path::Path;

use rustix::fs::OFlags;
use rustix::process::geteuid;
use thiserror::Error;

/// Why a file cannot be appended to.
#[derive(Debug, Error)]
pub(crate) enum Unusable {
    /// The path leads to a folder, a pipe, a socket or a device.
    #[error("is no regular file")]
    NoFile,
    /// The path is a symbolic link.
    #[error("is a link, which is not followed")]
    Link,
    /// The file has further hard links.
    #[error("is a file with other names too (hard links)")]
    OtherNames,
    /// The file belongs to another user.
    #[error("belongs to another user")]
    Foreign,
    /// The system reports an error.
    #[error("cannot be written ({0})")]
    Failed(io::Error),
}

/// Opens the file at `path` to append to it, and to read it if `reads`. A new file is readable for its owner only.
///
/// # Errors
/// The reason why nothing must be written there.
pub(crate) fn open(path: &Path, reads: bool) -> Result<(File, Metadata), Unusable> {
    // Opening must not wait: a pipe may have no reader, a serial line no carrier.
    let flags = OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::NOCTTY;
    let opened = OpenOptions::new()
        .create(true)
        .append(true)
        .read(reads)
        .mode(0o600)
        .custom_flags(flags.bits().cast_signed())
        .open(path);
    let file = opened.map_err(|error| why_unopened(path, error))?;
    let found = file.metadata().map_err(Unusable::Failed)?;
    // /dev/null is a character device too; it drops all lines, as its user wants, and shows them to nobody.
    if !found.is_file() && (!found.file_type().is_char_device() || file.is_terminal()) {
        return Err(Unusable::NoFile);
    }
    if found.is_file() && found.uid() != geteuid().as_raw() {
        return Err(Unusable::Foreign);
    }
    if found.is_file() && found.nlink() > 1 {
        return Err(Unusable::OtherNames);
    }
    Ok((file, found))
}

/// The reason why `path` cannot be opened. What is at `path` says more than the system's error.
fn why_unopened(path: &Path, error: io::Error) -> Unusable {
    match fs::symlink_metadata(path) {
        Ok(found) if found.is_symlink() => Unusable::Link,
        Ok(found) if !found.is_file() => Unusable::NoFile,
        Ok(_) | Err(_) => Unusable::Failed(error),
    }
}
