//! Files and their modes.

use std::fs::{self, DirBuilder, File, Metadata, OpenOptions, Permissions};
use std::io::{self, Read};
use std::os::unix::fs::{DirBuilderExt, FileTypeExt, MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::Path;
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::OFlags;
use rustix::io::retry_on_intr;
use rustix::process::geteuid;

use crate::system::{Facts, FileId, FileType};

/// The mode bits that let users other than the owner use a file.
const OTHERS: u32 = 0o077;

/// Opening must not wait: a pipe may have nobody at its other end, a serial line no carrier.
const AT_ONCE: OFlags = OFlags::NONBLOCK.union(OFlags::NOCTTY);

/// Opens the file at `path` to append to it, and to read it if `reads`, without following a link. A new file is
/// readable for its owner only.
///
/// # Errors
/// If the system refuses that.
pub(crate) fn open_to_append(path: &Path, reads: bool) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.create(true).append(true).read(reads).mode(0o600);
    options.custom_flags(bits(AT_ONCE | OFlags::NOFOLLOW)).open(path)
}

/// Opens the file at `path` to read it; if that is a link, only if `follows`.
///
/// # Errors
/// If the system refuses that.
pub(crate) fn open_to_read(path: &Path, follows: bool) -> io::Result<File> {
    let flags = if follows { AT_ONCE } else { AT_ONCE | OFlags::NOFOLLOW };
    OpenOptions::new().read(true).custom_flags(bits(flags)).open(path)
}

/// Opens a file that is there to be locked, without following a link.
///
/// # Errors
/// If the system refuses that.
pub(crate) fn open_to_lock(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.create(true).write(true).truncate(false).mode(0o600);
    options.custom_flags(bits(AT_ONCE | OFlags::NOFOLLOW)).open(path)
}

fn bits(flags: OFlags) -> i32 {
    flags.bits().cast_signed()
}

/// What the system tells of an open file.
///
/// # Errors
/// If the system tells nothing.
pub(crate) fn facts(file: &File) -> io::Result<Facts> {
    let found = file.metadata()?;
    let kind = found.file_type();
    let kind = match kind {
        _ if kind.is_file() => FileType::Regular,
        _ if kind.is_char_device() => FileType::CharDevice,
        _ if kind.is_fifo() => FileType::Pipe,
        _ if kind.is_symlink() => FileType::Link,
        _ => FileType::Other,
    };
    Ok(Facts {
        kind,
        is_foreign: is_foreign(&found),
        is_exposed: found.mode() & OTHERS != 0,
        names: found.nlink(),
        id: id(&found),
        length: found.len(),
    })
}

/// Which file is at `path`; of a link, the link itself. `None` if there is none.
pub(crate) fn id_at(path: &Path) -> Option<FileId> {
    fs::symlink_metadata(path).ok().map(|found| id(&found))
}

fn id(found: &Metadata) -> FileId {
    FileId(found.dev(), found.ino())
}

fn is_foreign(found: &Metadata) -> bool {
    found.uid() != geteuid().as_raw()
}

/// Makes a folder, and those above it that are missing. From then on only its owner can use it.
///
/// # Errors
/// If the system refuses that, or the folder is that of another user.
pub(crate) fn make_folder(folder: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
    let found = fs::metadata(folder)?;
    if is_foreign(&found) {
        return Err(io::Error::new(io::ErrorKind::PermissionDenied, "the folder belongs to another user"));
    }
    if found.mode() & OTHERS != 0 {
        fs::set_permissions(folder, Permissions::from_mode(0o700))?;
    }
    Ok(())
}

/// Waits until the names in `folder` are on the disk.
///
/// # Errors
/// If the system refuses that.
pub(crate) fn sync_folder(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}

/// A file that is read as long as it does not keep silent for longer than `patience`.
pub(crate) struct Patient {
    file: File,
    patience: Timespec,
}

impl Patient {
    /// Reads `file`, which may be a pipe.
    ///
    /// # Errors
    /// If the system knows no time as long as `patience`.
    pub(crate) fn new(file: File, patience: Duration) -> io::Result<Self> {
        Ok(Self { file, patience: patience.try_into().map_err(io::Error::other)? })
    }
}

impl Read for Patient {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let mut awaited = [PollFd::new(&self.file, PollFlags::IN)];
        if retry_on_intr(|| poll(&mut awaited, Some(&self.patience)))? == 0 {
            return Err(io::ErrorKind::TimedOut.into());
        }
        self.file.read(buffer)
    }
}
