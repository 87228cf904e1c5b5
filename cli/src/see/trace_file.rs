//! The file of a trace.

use std::fs::{File, TryLockError};
use std::io::{self, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use ringchat_trace::{TraceError, TraceHeader};
use thiserror::Error;

use crate::own_file::{self, Unusable};
use crate::system::FileType;

/// More bytes than the first line of a life has.
const HEADER: usize = 4096;

/// More bytes than any line has: a frame of texts, each byte of which takes six in JSON.
const LINE: usize = 4 << 20;

/// How the first line of a life begins, for one that was not written to its end.
const BEGINNING: &[u8] = br#"{"ringchat_trace":"#;

/// Why nothing is traced. The file stays as it is.
#[derive(Debug, Error)]
#[error("the trace {} {why}", path.display())]
pub(crate) struct TraceFileError {
    pub(super) path: PathBuf,
    pub(super) why: TraceFileProblem,
}

/// What keeps a file from being a trace.
#[derive(Debug, Error)]
pub(crate) enum TraceFileProblem {
    /// The file is something else.
    #[error("is the file of something else, which stays as it is; choose another")]
    NoTrace,
    /// The file was written by a newer program.
    #[error("was {0}; choose another")]
    Version(TraceError),
    /// The file is as large as it may be.
    #[error("has {} MiB already; choose another, or allow more with --trace-limit", .0 >> 20)]
    Full(u64),
    /// Another member writes it.
    #[error("is being written by another member; choose another")]
    Taken,
    /// This member writes one already.
    #[error("is being written; /trace off ends it")]
    On,
    /// Nothing can be written there.
    #[error(transparent)]
    Unusable(Unusable),
    /// The system reports an error.
    #[error("cannot be written ({0})")]
    Failed(#[from] io::Error),
}

impl TraceFileError {
    pub(super) fn new(path: &Path, why: TraceFileProblem) -> Self {
        Self { path: path.to_owned(), why }
    }

    /// Whether the system is to blame, not the choice of the file.
    pub(crate) fn is_of_system(&self) -> bool {
        matches!(self.why, TraceFileProblem::Failed(_) | TraceFileProblem::Unusable(Unusable::Failed(_)))
    }
}

/// Opens the file at `path` to append a life to it. Gives its size, which is below `limit`.
///
/// # Errors
/// Why no trace can go there.
pub(super) fn open(path: &Path, limit: u64) -> Result<(File, u64), TraceFileProblem> {
    let (mut file, found) = own_file::open(path, true).map_err(TraceFileProblem::Unusable)?;
    if found.kind != FileType::Regular {
        return Ok((file, 0));
    }
    match file.try_lock() {
        Err(TryLockError::WouldBlock) => return Err(TraceFileProblem::Taken),
        // Not all file systems have locks.
        Ok(()) | Err(TryLockError::Error(_)) => {}
    }
    let size = file.metadata()?.len();
    let whole = end_of_lines(&file, size)?;
    if whole < size {
        // What was being written when a process was killed.
        file.set_len(whole)?;
    }
    // Not every system appends by itself to a file that is read too.
    file.seek(SeekFrom::Start(whole))?;
    if whole >= limit { Err(TraceFileProblem::Full(whole)) } else { Ok((file, whole)) }
}

/// Where the last whole line of a trace ends.
fn end_of_lines(file: &File, size: u64) -> Result<u64, TraceFileProblem> {
    let start = read_at(file, 0, HEADER)?;
    let Some((first, _)) = split_line(&start) else {
        let is_torn = start.is_empty() || start.starts_with(BEGINNING) || BEGINNING.starts_with(&start);
        return if is_torn && start.len() < HEADER { Ok(0) } else { Err(TraceFileProblem::NoTrace) };
    };
    match TraceHeader::read(first) {
        Ok(_) => {}
        Err(error @ TraceError::Version(_)) => return Err(TraceFileProblem::Version(error)),
        Err(_) => return Err(TraceFileProblem::NoTrace),
    }
    let from = size.saturating_sub(u64::try_from(LINE).unwrap_or(u64::MAX));
    let tail = read_at(file, from, LINE)?;
    let end = tail.iter().rposition(|byte| *byte == b'\n').ok_or(TraceFileProblem::NoTrace)?;
    Ok(from + u64::try_from(end).unwrap_or(u64::MAX) + 1)
}

fn split_line(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let end = bytes.iter().position(|byte| *byte == b'\n')?;
    bytes.split_at_checked(end)
}

/// At most `most` bytes from `from` on.
fn read_at(file: &File, from: u64, most: usize) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let mut file = file;
    file.seek(SeekFrom::Start(from))?;
    file.take(u64::try_from(most).unwrap_or(u64::MAX)).read_to_end(&mut bytes)?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    const LIMIT: u64 = 1 << 20;

    const FIRST: &str = concat!(
        r#"{"ringchat_trace":1,"me":0,"id":""#,
        "0101010101010101010101010101010101010101010101010101010101010101",
        "0000000000000001",
        r#"","name":"eve","addr":"10.0.0.5:5000","wall":7,"detect_ms":1000,"texts":false,"sim":false}"#,
        "\n"
    );

    /// What is left of a file with these contents when a trace goes on there, or why none does.
    fn opened(contents: &str) -> Result<String, String> {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("t");
        fs::write(&path, contents).unwrap();
        let (_, size) = open(&path, LIMIT).map_err(|problem| problem.to_string())?;
        let left = fs::read_to_string(&path).unwrap();
        assert_eq!(left.len() as u64, size);
        Ok(left)
    }

    #[test]
    fn a_new_file_is_for_its_owner_alone() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("t");
        assert_eq!(open(&path, LIMIT).unwrap().1, 0);
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    }

    #[test]
    fn a_trace_goes_on_after_its_last_whole_line() {
        let line = r#"{"i":0,"t":0,"lc":1,"ev":"end","why":"left"}"#;
        assert_eq!(opened(""), Ok(String::new()));
        assert_eq!(opened(FIRST), Ok(FIRST.to_owned()));
        let whole = format!("{FIRST}{line}\n");
        assert_eq!(opened(&whole), Ok(whole.clone()));
        for cut in 1..line.len() {
            assert_eq!(opened(&format!("{whole}{}", &line[..cut])), Ok(whole.clone()), "{cut}");
        }
        for cut in 1..FIRST.len() - 1 {
            assert_eq!(opened(&FIRST[..cut]), Ok(String::new()), "{cut}");
        }
    }

    #[test]
    fn what_is_no_trace_stays_as_it_is() {
        let long = "x".repeat(HEADER + 1);
        for other in ["hello\n", "hello", "\n", "{}\n", "# notes\n{\"ringchat_trace\":1}\n", &long] {
            let dir = tempfile::tempdir().unwrap();
            let path = dir.path().join("t");
            fs::write(&path, other).unwrap();
            let problem = open(&path, LIMIT).unwrap_err();
            assert!(matches!(problem, TraceFileProblem::NoTrace), "{other}: {problem}");
            assert_eq!(fs::read_to_string(&path).unwrap(), other);
        }
        let newer = FIRST.replace("trace\":1", "trace\":2");
        assert!(opened(&newer).unwrap_err().contains("version 2"));
    }

    #[test]
    fn a_full_file_and_one_of_another_member_are_refused() {
        let full = FIRST.to_owned() + &"x".repeat(1 << 20) + "\n";
        assert!(opened(&full).unwrap_err().contains("1 MiB already"));
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("t");
        let _first = open(&path, LIMIT).unwrap();
        assert!(matches!(open(&path, LIMIT), Err(TraceFileProblem::Taken)));
    }
}
