//! Files that only their owner can read or write, and that are always whole.

use std::fmt;
use std::fs::{self, File, TryLockError};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use tempfile::NamedTempFile;
use thiserror::Error;
use zeroize::Zeroizing;

use crate::system::files::{facts, open_to_lock, open_to_read};
use crate::system::{Facts, FileType};

pub(crate) use crate::system::files::sync_folder as sync;

/// Bytes of a file with one secret, at most.
const SMALL: usize = 1024;

/// What a file is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum FileKind {
    /// It says who the user is.
    Identity,
    /// It has the secret of a private room.
    Secret,
    /// It has the keys that the user knows.
    Known,
}

impl fmt::Display for FileKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Identity => "id file",
            Self::Secret => "secret file",
            Self::Known => "the file of known keys",
        })
    }
}

/// Why a file cannot be used. Nothing of the file is shown, and the file stays as it is.
#[derive(Debug, Error)]
#[error("{kind} {} {why}; {}", path.display(), self.advice())]
pub(crate) struct KeyFileError {
    pub(crate) kind: FileKind,
    pub(crate) path: PathBuf,
    pub(crate) why: KeyFileProblem,
}

/// What is wrong with a file.
#[derive(Debug, Error)]
pub(crate) enum KeyFileProblem {
    /// The mode of the file lets others use it.
    #[error("can be read by others")]
    Exposed,
    /// The path is a symbolic link.
    #[error("is a link, which is not followed")]
    Link,
    /// The path leads to a folder, a pipe, a socket or a device.
    #[error("is no regular file")]
    NoFile,
    /// The file belongs to another user.
    #[error("belongs to another user")]
    Foreign,
    /// The contents are not what this program writes.
    #[error("is damaged, or is the file of something else")]
    Damaged,
    /// There is no file.
    #[error("does not exist")]
    Missing,
    /// The system does not let the program read the file.
    #[error("cannot be read ({0})")]
    Unreadable(io::Error),
    /// The system does not let the program make the file, or its folder.
    #[error("cannot be made ({0})")]
    Unmade(io::Error),
}

impl KeyFileError {
    /// What to do about it.
    fn advice(&self) -> &'static str {
        match (self.kind, &self.why) {
            (FileKind::Identity, KeyFileProblem::Exposed) => "chmod 600 it, or delete it for a new identity",
            (FileKind::Identity, KeyFileProblem::Damaged) => {
                "put a copy of it back, or move it away for a new identity"
            }
            (FileKind::Identity, _) => "choose another with --id-file",
            (FileKind::Secret, KeyFileProblem::Exposed) => {
                "chmod 600 it, or make a new room with another file if somebody may have read it"
            }
            (FileKind::Secret, KeyFileProblem::Damaged) => {
                "put a copy of it back, or make a new room with another file"
            }
            (FileKind::Secret, KeyFileProblem::Missing) => "with -l it is made; to join, use a ticket",
            (FileKind::Secret, _) => "choose another with --secret-file",
            (FileKind::Known, KeyFileProblem::Exposed) => "chmod 600 it if nobody changed it, or delete it",
            (FileKind::Known, _) => "move it away",
        }
    }
}

/// Whether to wait while another program holds the lock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Patience {
    /// Wait.
    Waits,
    /// Try again at the next change.
    None,
}

/// Reads the small file at `path`, which `parse` understands if it is whole. `None` if there is no file.
///
/// # Errors
/// As [`read`], and if `parse` does not understand it.
pub(super) fn read_small<T>(
    path: &Path,
    parse: impl FnOnce(&[u8]) -> Option<T>,
) -> Result<Option<T>, KeyFileProblem> {
    let Some(contents) = read(path, SMALL)? else { return Ok(None) };
    parse(&contents).map(Some).ok_or(KeyFileProblem::Damaged)
}

/// Reads the file at `path`, of at most `most` bytes. `None` if there is none.
///
/// # Errors
/// If others may have read or written the file, or it cannot be read.
pub(crate) fn read(path: &Path, most: usize) -> Result<Option<Zeroizing<Vec<u8>>>, KeyFileProblem> {
    let file = match open_to_read(path, false) {
        Ok(file) => file,
        Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {
            return Ok(None);
        }
        Err(_) if fs::symlink_metadata(path).is_ok_and(|found| found.is_symlink()) => {
            return Err(KeyFileProblem::Link);
        }
        Err(error) => return Err(KeyFileProblem::Unreadable(error)),
    };
    let length = match facts(&file).map_err(KeyFileProblem::Unreadable)? {
        Facts { kind: FileType::Link, .. } => return Err(KeyFileProblem::Link),
        Facts { kind, .. } if kind != FileType::Regular => return Err(KeyFileProblem::NoFile),
        Facts { is_foreign: true, .. } => return Err(KeyFileProblem::Foreign),
        Facts { is_exposed: true, .. } => return Err(KeyFileProblem::Exposed),
        Facts { length, .. } => length,
    };
    // No more memory is set aside than the file needs.
    let most = usize::try_from(length).map_or(most, |length| most.min(length + 1));
    read_whole(file, most).map_err(KeyFileProblem::Unreadable)?.map(Some).ok_or(KeyFileProblem::Damaged)
}

/// All that `file` holds; `None` if that is more than `most` bytes. Nothing of it stays behind.
///
/// # Errors
/// If the file cannot be read.
pub(crate) fn read_whole(mut file: impl Read, most: usize) -> io::Result<Option<Zeroizing<Vec<u8>>>> {
    // One byte more than may be there, so that a longer file is noticed.
    let mut bytes = Zeroizing::new(vec![0; most + 1]);
    let mut length = 0;
    while length <= most {
        match file.read(bytes.get_mut(length..).unwrap_or_default()) {
            Ok(0) => {
                bytes.truncate(length);
                return Ok(Some(bytes));
            }
            Ok(count) => length += count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(None)
}

/// Puts a file with these contents at `path`, whole or not at all. Returns false if another process was faster: then its
/// file stays.
///
/// # Errors
/// If the system refuses to.
pub(crate) fn place(path: &Path, contents: &str) -> io::Result<bool> {
    let folder = folder_of(path);
    let file = written(folder, contents)?;
    match file.persist_noclobber(path) {
        Ok(_) => sync(folder).map(|()| true),
        Err(refused) if refused.error.kind() == io::ErrorKind::AlreadyExists => Ok(false),
        Err(refused) => Err(refused.error),
    }
}

/// A file without a lasting name in `folder`, readable for its owner only, with these contents on the disk.
pub(crate) fn written(folder: &Path, contents: &str) -> io::Result<NamedTempFile> {
    let mut file = NamedTempFile::with_prefix_in(".new-", folder)?;
    file.write_all(contents.as_bytes())?;
    file.as_file().sync_all()?;
    Ok(file)
}

/// Holds the lock until the file that is returned is closed. `None` if another program has it and there is no patience.
///
/// # Errors
/// If the system refuses that.
pub(crate) fn lock(path: &Path, patience: Patience) -> io::Result<Option<File>> {
    let file = open_to_lock(path)?;
    match patience {
        Patience::Waits => file.lock()?,
        Patience::None => match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Ok(None),
            Err(TryLockError::Error(error)) => return Err(error),
        },
    }
    Ok(Some(file))
}

/// The folder in which `path` is.
pub(crate) fn folder_of(path: &Path) -> &Path {
    match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    }
}
