//! Files. They have no modes: whoever may use a folder may use what is put there, and a profile is for its user alone.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read};
use std::os::windows::fs::OpenOptionsExt;
use std::path::Path;
use std::time::Duration;

use winapi_util::file::{information, typ};

use crate::system::{Facts, FileId, FileType};

/// `FILE_FLAG_OPEN_REPARSE_POINT`: a link is opened itself, and [`facts`] tells that it is one.
const NO_FOLLOWING: u32 = 0x0020_0000;

/// `FILE_FLAG_BACKUP_SEMANTICS`: folders can be opened too.
const FOLDERS_TOO: u32 = 0x0200_0000;

/// Opens the file at `path` to append to it, without following a link. What is to be read too (`reads`) has one writer,
/// which must set the place to write at, since no right to append lets it cut the file.
///
/// # Errors
/// If the system refuses that.
pub(crate) fn open_to_append(path: &Path, reads: bool) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.create(true).custom_flags(NO_FOLLOWING);
    if reads {
        options.read(true).write(true).truncate(false)
    } else {
        options.append(true)
    };
    options.open(path)
}

/// Opens the file at `path` to read it; a link leads on only if `follows`.
///
/// # Errors
/// If the system refuses that.
pub(crate) fn open_to_read(path: &Path, follows: bool) -> io::Result<File> {
    let flags = if follows { FOLDERS_TOO } else { FOLDERS_TOO | NO_FOLLOWING };
    OpenOptions::new().read(true).custom_flags(flags).open(path)
}

/// Opens a file that is there to be locked.
///
/// # Errors
/// If the system refuses that.
pub(crate) fn open_to_lock(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.create(true).write(true).truncate(false).custom_flags(NO_FOLLOWING).open(path)
}

/// What the system tells of an open file.
///
/// # Errors
/// If the system tells nothing.
pub(crate) fn facts(file: &File) -> io::Result<Facts> {
    let open = typ(file)?;
    let mut facts = Facts {
        kind: FileType::Other,
        is_foreign: false,
        is_exposed: false,
        names: 1,
        id: FileId(0, 0),
        length: 0,
    };
    if !open.is_disk() {
        facts.kind = if open.is_char() { FileType::CharDevice } else { FileType::Pipe };
        return Ok(facts);
    }
    let (kind, found) = (file.metadata()?.file_type(), information(file)?);
    facts.kind = match kind {
        _ if kind.is_symlink() => FileType::Link,
        _ if kind.is_file() => FileType::Regular,
        _ => FileType::Other,
    };
    facts.names = found.number_of_links();
    facts.id = FileId(found.volume_serial_number(), found.file_index());
    facts.length = found.file_size();
    Ok(facts)
}

/// Which file is at `path`; of a link, the link itself. `None` if there is none.
pub(crate) fn id_at(path: &Path) -> Option<FileId> {
    facts(&open_to_read(path, false).ok()?).ok().map(|found| found.id)
}

/// Makes a folder, and those above it that are missing.
///
/// # Errors
/// If the system refuses that.
pub(crate) fn make_folder(folder: &Path) -> io::Result<()> {
    fs::create_dir_all(folder)
}

/// Does nothing: a program cannot wait until the names in a folder are on the disk.
///
/// # Errors
/// None.
pub(crate) fn sync_folder(_folder: &Path) -> io::Result<()> {
    Ok(())
}

/// A file that is read. No pipe of another program is, so none keeps silent.
pub(crate) struct Patient(File);

impl Patient {
    /// Reads `file`.
    ///
    /// # Errors
    /// None.
    pub(crate) fn new(file: File, _patience: Duration) -> io::Result<Self> {
        Ok(Self(file))
    }
}

impl Read for Patient {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.0.read(buffer)
    }
}
