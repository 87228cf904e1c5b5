//! The log of a session: a file of `TS: message` lines, appended to.

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use crate::line::Line;

/// What stands between two sessions.
const SEPARATOR: &str = "-------------------------------------\n";

/// Bytes that may wait for the next [`ChatLog::flush`].
const MAX_PENDING: usize = 64 * 1024;

/// The log. Once it could not be written, it takes lines and drops them.
pub(crate) struct ChatLog {
    path: PathBuf,
    file: Option<File>,
    pending: String,
}

impl ChatLog {
    /// The log at `path`; readable for its owner only if it is new.
    ///
    /// # Errors
    /// If it cannot be opened for writing.
    pub(crate) fn open(path: PathBuf) -> io::Result<Self> {
        let file = OpenOptions::new().create(true).append(true).mode(0o600).open(&path)?;
        let pending = if file.metadata()?.len() > 0 { SEPARATOR.to_owned() } else { String::new() };
        Ok(Self { path, file: Some(file), pending })
    }

    /// A log that drops all, in place of the one at `path`.
    pub(crate) fn none(path: PathBuf) -> Self {
        Self { path, file: None, pending: String::new() }
    }

    /// Where it is.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Adds a line.
    ///
    /// # Errors
    /// As [`ChatLog::flush`].
    pub(crate) fn add(&mut self, line: &Line) -> io::Result<()> {
        self.pending.push_str(&line.render(false));
        self.pending.push('\n');
        if self.pending.len() > MAX_PENDING { self.flush() } else { Ok(()) }
    }

    /// Writes what was added.
    ///
    /// # Errors
    /// If it cannot be written; this is said once.
    pub(crate) fn flush(&mut self) -> io::Result<()> {
        let Some(file) = &mut self.file else {
            self.pending.clear();
            return Ok(());
        };
        let written = file.write_all(self.pending.as_bytes());
        self.pending.clear();
        if written.is_err() {
            self.file = None;
        }
        written
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn sessions_are_appended_with_a_line_between_and_kept_private() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("chat_1.log");
        for session in 1..=2 {
            let mut log = ChatLog::open(path.clone()).unwrap();
            log.add(&Line::log(session, "hello")).unwrap();
            log.flush().unwrap();
        }
        assert_eq!(fs::read_to_string(&path).unwrap(), format!("1: hello\n{SEPARATOR}2: hello\n"));
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    }

    #[test]
    fn a_full_disk_is_said_once() {
        let mut log = ChatLog::open("/dev/full".into()).unwrap();
        log.add(&Line::log(1, "hello")).unwrap();
        assert_eq!(log.flush().unwrap_err().kind(), io::ErrorKind::StorageFull);
        log.add(&Line::log(2, "hello")).unwrap();
        assert!(log.flush().is_ok());
    }
}
