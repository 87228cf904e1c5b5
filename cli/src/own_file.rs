//! Files that the program appends to, each for its user alone.
//!
//! Other users may write to the folder. So opening a file neither waits nor follows a link, and nothing is written before
//! the open file itself has been checked.

use std::fs::{self, File};
use std::io::{self, IsTerminal};
use std::path::Path;

use thiserror::Error;

use crate::system::{Facts, FileType, files};

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
pub(crate) fn open(path: &Path, reads: bool) -> Result<(File, Facts), Unusable> {
    let file = files::open_to_append(path, reads).map_err(|error| why_unopened(path, error))?;
    let found = files::facts(&file).map_err(Unusable::Failed)?;
    match found.kind {
        FileType::Regular if found.is_foreign => Err(Unusable::Foreign),
        FileType::Regular if found.names > 1 => Err(Unusable::OtherNames),
        FileType::Regular => Ok((file, found)),
        // /dev/null drops all lines, as its user wants, and shows them to nobody.
        FileType::CharDevice if !file.is_terminal() => Ok((file, found)),
        FileType::Link => Err(Unusable::Link),
        FileType::CharDevice | FileType::Pipe | FileType::Other => Err(Unusable::NoFile),
    }
}

/// The reason why `path` cannot be opened. What is at `path` says more than the system's error.
fn why_unopened(path: &Path, error: io::Error) -> Unusable {
    match fs::symlink_metadata(path) {
        Ok(found) if found.is_symlink() => Unusable::Link,
        Ok(found) if !found.is_file() => Unusable::NoFile,
        Ok(_) | Err(_) => Unusable::Failed(error),
    }
}
