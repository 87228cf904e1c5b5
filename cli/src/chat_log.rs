//! The log of a session: a file to which lines `TS: message` are appended.
//!
//! The file's name is easy to guess, and other users may write to its folder.

use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};

use thiserror::Error;

use crate::line::Line;
use crate::own_file::{self, Unusable};
use crate::system::{FileId, FileType, files};

/// The line between two sessions.
const SEPARATOR: &str = "-------------------------------------\n";

/// Bytes that may wait for the next [`ChatLog::flush`]. More are written at once.
const MAX_PENDING: usize = 64 * 1024;

/// The log of a session. The file is opened for the first line, and again when another file or none is at its path.
pub(crate) struct ChatLog {
    /// The path of the file. `None` if no log is wanted, or after an error that ended the log.
    path: Option<PathBuf>,
    open: Option<Open>,
    pending: String,
    exposure: Exposure,
}

/// Whether other users can read or change the log, and whether the user was told.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Exposure {
    /// Other users were not seen to have access.
    None,
    /// Other users have access; the user was not told yet.
    Untold,
    /// Other users have access, and the user was told.
    Told,
}

/// An open log file.
struct Open {
    file: File,
    id: FileId,
}

/// A problem of the log that the user is told of.
#[derive(Debug, Error)]
pub(crate) enum LogProblem {
    /// Other users can read or change the file; the log goes on.
    #[error("others can read or change the log {path}; chmod 600 {path} keeps them out", path = .0.display())]
    Exposed(PathBuf),
    /// The file was no longer at its path; the log goes on in a new one.
    #[error("the log {} was moved or deleted; it goes on in a new file", .0.display())]
    Moved(PathBuf),
    /// The log ends.
    #[error("the log {} {why}; the room goes on without a log, choose another with --log-file", path.display())]
    Ended { path: PathBuf, why: Unusable },
}

impl ChatLog {
    /// The log at `path`. A new file is readable for its owner only.
    pub(crate) fn new(path: PathBuf) -> Self {
        Self { path: Some(path), ..Self::none() }
    }

    /// A log that drops all lines.
    pub(crate) fn none() -> Self {
        Self { path: None, open: None, pending: String::new(), exposure: Exposure::None }
    }

    /// Adds a line. Writes it only if many bytes wait.
    ///
    /// # Errors
    /// As [`ChatLog::flush`].
    pub(crate) fn add(&mut self, line: &Line) -> Result<(), LogProblem> {
        self.pending.push_str(&line.render(false));
        self.pending.push('\n');
        if self.pending.len() > MAX_PENDING { self.flush() } else { Ok(()) }
    }

    /// Writes all added lines.
    ///
    /// # Errors
    /// A problem that the user should know; each is reported once. After one that ends the log, all further lines are
    /// dropped.
    pub(crate) fn flush(&mut self) -> Result<(), LogProblem> {
        let Some(path) = self.path.clone().filter(|_| !self.pending.is_empty()) else {
            self.pending.clear();
            return Ok(());
        };
        let (was_open, moved) = (self.open.is_some(), self.has_moved(&path));
        let written = self.write(&path, moved);
        self.pending.clear();
        if let Err(why) = written {
            *self = Self::none();
            return Err(LogProblem::Ended { path, why });
        }
        if was_open && moved {
            return Err(LogProblem::Moved(path));
        }
        if self.exposure == Exposure::Untold {
            self.exposure = Exposure::Told;
            return Err(LogProblem::Exposed(path));
        }
        Ok(())
    }

    /// Whether the file at the path is not the open one.
    fn has_moved(&self, path: &Path) -> bool {
        self.open.as_ref().map(|open| open.id) != files::id_at(path)
    }

    /// Writes the waiting lines, to a newly opened file if `anew`.
    fn write(&mut self, path: &Path, anew: bool) -> Result<(), Unusable> {
        if anew || self.open.is_none() {
            let (file, found) = own_file::open(path, false)?;
            if found.kind == FileType::Regular && found.is_exposed && self.exposure == Exposure::None {
                self.exposure = Exposure::Untold;
            }
            if found.length > 0 {
                self.pending.insert_str(0, SEPARATOR);
            }
            self.open = Some(Open { file, id: found.id });
        }
        match &mut self.open {
            Some(open) => open.file.write_all(self.pending.as_bytes()).map_err(Unusable::Failed),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs::{self, OpenOptions};
    use std::os::unix::fs::{OpenOptionsExt, PermissionsExt, symlink};
    use std::os::unix::net::UnixListener;

    use ringchat_core::Stamp;
    use rustix::fs::{CWD, Mode, OFlags, mkfifoat};
    use tempfile::TempDir;

    use super::*;

    /// How a message ends that reports the end of the log.
    const GOES_ON: &str = "the room goes on without a log, choose another with --log-file";

    /// A folder, and the path of the log in it.
    fn place() -> (TempDir, PathBuf) {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("chat_1.log");
        (dir, path)
    }

    /// Logs a line and returns what the user is told.
    fn write(log: &mut ChatLog, stamp: u64) -> String {
        log.add(&Line::log(Stamp(stamp), "hello")).unwrap();
        log.flush().map_or_else(|trouble| trouble.to_string(), |()| String::new())
    }

    /// What the user is told about a log at `path` that must be given up.
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
    fn a_path_that_is_no_regular_file_is_refused_without_waiting() {
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
    fn a_log_in_dev_null_is_dropped_without_a_message() {
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
