//! The log of a session: a file of `TS: message` lines, appended to.
//!
//! Its name is easy to guess, and it may stand in a folder of others. So it is opened without waiting and without
//! following a link, and nothing is written before the open file itself has been looked at.

use std::fmt;
use std::fs::{self, File, Metadata, OpenOptions};
use std::io::{self, IsTerminal, Write};
use std::os::unix::fs::{FileTypeExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use rustix::fs::OFlags;
use rustix::process::geteuid;

use crate::line::Line;

/// What stands between two sessions.
const SEPARATOR: &str = "-------------------------------------\n";

/// Bytes that may wait for the next [`ChatLog::flush`].
const MAX_PENDING: usize = 64 * 1024;

/// What others than its owner may do with a file.
const OTHERS: u32 = 0o077;

/// The log. It is opened for its first line, and anew when it is not at its path any more.
pub(crate) struct ChatLog {
    /// Where it is; none once it is given up, or if there is to be none.
    path: Option<PathBuf>,
    open: Option<Open>,
    pending: String,
    exposure: Exposure,
}

/// What others can do with a log, and its user knows.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Exposure {
    /// They cannot read or change it, as far as was seen.
    None,
    /// They can.
    Untold,
    /// They can, and it was said.
    Told,
}

/// An open log.
struct Open {
    file: File,
    /// Device and inode.
    id: (u64, u64),
}

/// What is to be said about a log.
#[derive(Debug)]
pub(crate) struct Trouble {
    path: PathBuf,
    what: What,
}

/// What happened to it. The first two let it go on.
#[derive(Debug)]
enum What {
    /// Others can read or change it.
    Exposed,
    /// It was not at its path any more, and was opened anew.
    Moved,
    /// It is a folder, a pipe, a device.
    NoFile,
    /// It leads to another file.
    Link,
    /// The same file has other names.
    OtherNames,
    /// It is another user's.
    Foreign,
    /// The system says so.
    Failed(io::Error),
}

impl fmt::Display for Trouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let path = self.path.display();
        let why = match &self.what {
            What::Exposed => {
                return write!(
                    f,
                    "others can read or change the log {path}; chmod 600 {path} keeps them out"
                );
            }
            What::Moved => return write!(f, "the log {path} was moved or deleted; it goes on in a new file"),
            What::NoFile => "is no regular file",
            What::Link => "is a link, which is not followed",
            What::OtherNames => "is a file with other names too (hard links)",
            What::Foreign => "belongs to another user",
            What::Failed(error) => return write!(f, "the log {path} cannot be written ({error}); {GOES_ON}"),
        };
        write!(f, "the log {path} {why}; {GOES_ON}")
    }
}

/// What follows from a log that is given up.
const GOES_ON: &str = "the room goes on without a log, choose another with --log-file";

impl ChatLog {
    /// The log at `path`; readable for its owner only if it is new.
    pub(crate) fn new(path: PathBuf) -> Self {
        Self { path: Some(path), ..Self::none() }
    }

    /// A log that drops all.
    pub(crate) fn none() -> Self {
        Self { path: None, open: None, pending: String::new(), exposure: Exposure::None }
    }

    /// Adds a line.
    ///
    /// # Errors
    /// As [`ChatLog::flush`].
    pub(crate) fn add(&mut self, line: &Line) -> Result<(), Trouble> {
        self.pending.push_str(&line.render(false));
        self.pending.push('\n');
        if self.pending.len() > MAX_PENDING { self.flush() } else { Ok(()) }
    }

    /// Writes what was added.
    ///
    /// # Errors
    /// What is to be said about the log, once. Unless it goes on, it drops all from now on.
    pub(crate) fn flush(&mut self) -> Result<(), Trouble> {
        let Some(path) = self.path.clone().filter(|_| !self.pending.is_empty()) else {
            self.pending.clear();
            return Ok(());
        };
        let (was_open, moved) = (self.open.is_some(), self.has_moved(&path));
        let written = self.write(&path, moved);
        self.pending.clear();
        if let Err(what) = written {
            *self = Self::none();
            return Err(Trouble { path, what });
        }
        if was_open && moved {
            return Err(Trouble { path, what: What::Moved });
        }
        if self.exposure == Exposure::Untold {
            self.exposure = Exposure::Told;
            return Err(Trouble { path, what: What::Exposed });
        }
        Ok(())
    }

    /// Whether the open log is not what is at its path now.
    fn has_moved(&self, path: &Path) -> bool {
        let now = fs::symlink_metadata(path).ok().map(|found| id(&found));
        self.open.as_ref().map(|open| open.id) != now
    }

    /// Writes what waits, to a newly opened file if so wished.
    fn write(&mut self, path: &Path, anew: bool) -> Result<(), What> {
        if anew || self.open.is_none() {
            let (open, found) = open(path)?;
            if found.is_file() && found.mode() & OTHERS != 0 && self.exposure == Exposure::None {
                self.exposure = Exposure::Untold;
            }
            if found.len() > 0 {
                self.pending.insert_str(0, SEPARATOR);
            }
            self.open = Some(open);
        }
        match &mut self.open {
            Some(open) => open.file.write_all(self.pending.as_bytes()).map_err(What::Failed),
            None => Ok(()),
        }
    }
}

fn id(file: &Metadata) -> (u64, u64) {
    (file.dev(), file.ino())
}

/// Opens the log at `path`, or tells why it may be none.
fn open(path: &Path) -> Result<(Open, Metadata), What> {
    // A pipe without a reader, or a line without a carrier, is not to be waited for.
    let flags = OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::NOCTTY;
    let opened = OpenOptions::new()
        .create(true)
        .append(true)
        .mode(0o600)
        .custom_flags(flags.bits().cast_signed())
        .open(path);
    let file = opened.map_err(|error| why_unopened(path, error))?;
    let found = file.metadata().map_err(What::Failed)?;
    // What is written to /dev/null is asked to be dropped, and nobody else gets it.
    if !found.is_file() && (!found.file_type().is_char_device() || file.is_terminal()) {
        return Err(What::NoFile);
    }
    if found.is_file() && found.uid() != geteuid().as_raw() {
        return Err(What::Foreign);
    }
    if found.is_file() && found.nlink() > 1 {
        return Err(What::OtherNames);
    }
    Ok((Open { file, id: id(&found) }, found))
}

/// What is at `path` tells more than the error of opening it.
fn why_unopened(path: &Path, error: io::Error) -> What {
    match fs::symlink_metadata(path) {
        Ok(found) if found.is_symlink() => What::Link,
        Ok(found) if !found.is_file() => What::NoFile,
        Ok(_) | Err(_) => What::Failed(error),
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::{PermissionsExt, symlink};
    use std::os::unix::net::UnixListener;

    use ringchat_core::Stamp;
    use rustix::fs::{CWD, Mode, mkfifoat};
    use tempfile::TempDir;

    use super::*;

    /// A folder, and where the log in it is.
    fn place() -> (TempDir, PathBuf) {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("chat_1.log");
        (dir, path)
    }

    /// Logs a line, and gives what is said about the log.
    fn write(log: &mut ChatLog, stamp: u64) -> String {
        log.add(&Line::log(Stamp(stamp), "hello")).unwrap();
        log.flush().map_or_else(|trouble| trouble.to_string(), |()| String::new())
    }

    /// What is said about a log at `path`, which is to be given up.
    fn refusal(path: &Path) -> String {
        let mut log = ChatLog::new(path.to_owned());
        let said = write(&mut log, 1);
        assert!(said.ends_with(GOES_ON), "{said}");
        assert_eq!(write(&mut log, 2), "", "it is said once");
        said
    }

    #[test]
    fn sessions_are_appended_with_a_line_between_and_kept_private() {
        let (_dir, path) = place();
        for session in 1..=2 {
            assert_eq!(write(&mut ChatLog::new(path.clone()), session), "");
        }
        assert_eq!(fs::read_to_string(&path).unwrap(), format!("1: hello\n{SEPARATOR}2: hello\n"));
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    }

    #[test]
    fn a_full_disk_is_said_once() {
        assert!(refusal(Path::new("/dev/full")).contains("No space left"));
    }

    #[test]
    fn what_is_no_regular_file_is_said_to_be_none_and_never_waited_for() {
        let (dir, path) = place();
        assert!(refusal(dir.path()).contains("is no regular file"));
        mkfifoat(CWD, &path, Mode::RUSR | Mode::WUSR).unwrap();
        assert!(refusal(&path).contains("is no regular file"), "a pipe without a reader");
        let _reader = OpenOptions::new()
            .read(true)
            .custom_flags(OFlags::NONBLOCK.bits().cast_signed())
            .open(&path)
            .unwrap();
        assert!(refusal(&path).contains("is no regular file"), "a pipe with a reader");
        let socket = dir.path().join("socket");
        let _listening = UnixListener::bind(&socket).unwrap();
        assert!(refusal(&socket).contains("is no regular file"));
    }

    #[test]
    fn what_is_logged_to_dev_null_is_dropped_without_a_word() {
        let mut log = ChatLog::new("/dev/null".into());
        assert_eq!((write(&mut log, 1), write(&mut log, 2)), (String::new(), String::new()));
    }

    #[test]
    fn a_link_is_not_followed_wherever_it_leads() {
        let (dir, path) = place();
        let other = dir.path().join("other");
        symlink(&other, &path).unwrap();
        assert!(refusal(&path).contains("is a link"));
        assert!(!other.exists());
        fs::write(&other, "private").unwrap();
        assert!(refusal(&path).contains("is a link"));
        fs::remove_file(&path).unwrap();
        fs::hard_link(&other, &path).unwrap();
        assert!(refusal(&path).contains("other names"));
        assert_eq!(fs::read_to_string(&other).unwrap(), "private");
    }

    #[test]
    fn a_log_that_others_can_read_is_written_and_said_once() {
        let (_dir, path) = place();
        fs::write(&path, "").unwrap();
        fs::set_permissions(&path, PermissionsExt::from_mode(0o640)).unwrap();
        let mut log = ChatLog::new(path.clone());
        assert!(write(&mut log, 1).contains("chmod 600"));
        assert_eq!(write(&mut log, 2), "");
        assert_eq!(fs::read_to_string(&path).unwrap(), "1: hello\n2: hello\n");
    }

    #[test]
    fn a_log_that_others_can_read_and_that_took_the_place_of_another_is_said_to_be_both() {
        let (dir, path) = place();
        let mut log = ChatLog::new(path.clone());
        assert_eq!(write(&mut log, 1), "");
        let other = dir.path().join("other");
        fs::write(&other, "").unwrap();
        fs::set_permissions(&other, PermissionsExt::from_mode(0o604)).unwrap();
        fs::rename(&other, &path).unwrap();
        assert!(write(&mut log, 2).contains("was moved"));
        assert!(write(&mut log, 3).contains("chmod 600"));
        assert_eq!(write(&mut log, 4), "");
    }

    #[test]
    fn a_log_of_another_user_is_not_written() {
        let (_dir, path) = place();
        fs::write(&path, "").unwrap();
        if std::os::unix::fs::chown(&path, Some(4711), None).is_err() {
            println!("SKIPPED: only root can give a file away");
            return;
        }
        assert!(refusal(&path).contains("belongs to another user"));
        assert_eq!(fs::read_to_string(&path).unwrap(), "");
    }

    #[test]
    fn a_log_that_was_moved_or_deleted_is_opened_anew_and_said_each_time() {
        let (dir, path) = place();
        let away = dir.path().join("away");
        let mut log = ChatLog::new(path.clone());
        assert_eq!(write(&mut log, 1), "");
        fs::rename(&path, &away).unwrap();
        assert!(write(&mut log, 2).contains("was moved or deleted"));
        assert_eq!(write(&mut log, 3), "");
        fs::remove_file(&path).unwrap();
        assert!(write(&mut log, 4).contains("was moved or deleted"));
        fs::rename(&away, &path).unwrap();
        assert!(write(&mut log, 5).contains("was moved or deleted"), "another file took its place");
        assert_eq!(fs::read_to_string(&path).unwrap(), format!("1: hello\n{SEPARATOR}5: hello\n"));
    }

    #[test]
    fn a_log_that_cannot_be_opened_anew_is_given_up() {
        let (dir, path) = place();
        let folder = dir.path().join("logs");
        fs::create_dir(&folder).unwrap();
        let path = folder.join(path.file_name().unwrap());
        let mut log = ChatLog::new(path);
        assert_eq!(write(&mut log, 1), "");
        fs::remove_dir_all(&folder).unwrap();
        assert!(write(&mut log, 2).ends_with(GOES_ON));
        assert_eq!(write(&mut log, 3), "");
    }
}
