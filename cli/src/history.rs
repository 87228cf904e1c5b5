//! The lines that the user typed, kept for the next session: a JSON string a line, in a file for its user alone.

use std::io;
use std::path::{Path, PathBuf};

use log::warn;

use crate::trust::{places, private_file, typed_may_have_secret};

/// The maximum number of lines kept.
pub(crate) const MAX_LINES: usize = 1000;

/// The maximum length of a line that is kept for the next session, in bytes.
const MAX_LINE: usize = 4096;

/// The maximum size of the file in bytes.
const MAX_BYTES: usize = 1024 * 1024;

/// The typed lines, and the file in which they are kept.
#[derive(Debug, Default)]
pub(crate) struct History {
    /// The path; `None` if lines are not kept.
    path: Option<PathBuf>,
    /// What was typed in this session.
    typed: Vec<String>,
}

impl History {
    /// The history of the user, and the lines of earlier sessions.
    pub(crate) fn of_user() -> (Self, Vec<String>) {
        Self::at(places::state().map(|folder| folder.join("history")))
    }

    /// The history in the file at `path`, and the lines of earlier sessions.
    fn at(path: Option<PathBuf>) -> (Self, Vec<String>) {
        let lines = path.as_deref().map(read).transpose().unwrap_or_else(|why| {
            warn!("typed lines of earlier sessions cannot be read: {why}");
            None
        });
        (Self { path, typed: Vec::new() }, lines.unwrap_or_default())
    }

    /// Keeps a typed line, unless it begins with a blank or may have a secret in it.
    pub(crate) fn add(&mut self, line: &str) {
        let is_kept = !line.starts_with(' ') && line.len() <= MAX_LINE && !typed_may_have_secret(line);
        if self.path.is_none() || !is_kept {
            return;
        }
        if self.typed.len() == MAX_LINES {
            self.typed.remove(0);
        }
        self.typed.push(line.to_owned());
    }

    /// Adds the lines of this session to the file, which other sessions may have changed meanwhile.
    pub(crate) fn save(self) {
        let Some(path) = self.path.filter(|_| !self.typed.is_empty()) else { return };
        if let Err(why) = write(&path, self.typed) {
            warn!("typed lines are not kept: {why}");
        }
    }
}

/// The lines in the file at `path`. Those that cannot be read are left out.
fn read(path: &Path) -> io::Result<Vec<String>> {
    let contents = private_file::read(path, MAX_BYTES)
        .map_err(|why| io::Error::other(format!("{} {why}", path.display())))?;
    let lines = contents.iter().flat_map(|contents| contents.split(|byte| *byte == b'\n'));
    Ok(lines.filter_map(|line| serde_json::from_slice(line).ok()).collect())
}

fn write(path: &Path, typed: Vec<String>) -> io::Result<()> {
    let folder = private_file::folder_of(path);
    places::make(folder)?;
    // The session is over, so there is no later chance; another session has the lock for a moment only.
    let Some(_lock) = private_file::lock(&path.with_extension("lock"), private_file::Patience::Waits)? else {
        return Ok(());
    };
    let new = private_file::written(folder, &contents(&merged(read(path)?, typed)))?;
    new.persist(path).map_err(|refused| refused.error)?;
    Ok(())
}

/// The lines of the file, then those of this session. Of equal lines in a row one is kept.
fn merged(mut lines: Vec<String>, typed: Vec<String>) -> Vec<String> {
    lines.extend(typed);
    lines.dedup();
    lines.drain(..lines.len().saturating_sub(MAX_LINES));
    lines
}

/// The newest of `lines` that a file can hold.
fn contents(lines: &[String]) -> String {
    let mut room = MAX_BYTES;
    let encoded = lines.iter().rev().map(|line| {
        // Serializing a string cannot fail.
        serde_json::to_string(line).unwrap_or_default() + "\n"
    });
    let mut fitting: Vec<String> = encoded
        .take_while(|line| {
            let fits = line.len() <= room;
            room = room.saturating_sub(line.len());
            fits
        })
        .collect();
    fitting.reverse();
    fitting.concat()
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::PermissionsExt;

    use tempfile::TempDir;

    use super::*;

    fn place() -> (TempDir, PathBuf) {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("ringchat").join("history");
        (dir, path)
    }

    fn opened(path: &Path) -> (History, Vec<String>) {
        History::at(Some(path.to_owned()))
    }

    fn type_in(path: &Path, lines: &[&str]) {
        let (mut history, _) = opened(path);
        for line in lines {
            history.add(line);
        }
        history.save();
    }

    #[test]
    fn lines_of_sessions_that_overlap_are_all_kept_in_a_file_for_their_user_alone() {
        let (_dir, path) = place();
        let (mut first, none) = opened(&path);
        assert_eq!(none, [""; 0]);
        first.add("one\n\"two\" é");
        type_in(&path, &["meanwhile"]);
        first.save();
        assert_eq!(opened(&path).1, ["meanwhile", "one\n\"two\" é"]);
        assert_eq!(fs::read_to_string(&path).unwrap(), "\"meanwhile\"\n\"one\\n\\\"two\\\" é\"\n");
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(fs::read_dir(path.parent().unwrap()).unwrap().count(), 2, "the file and its lock");
    }

    #[test]
    fn blanks_in_front_secrets_and_long_lines_are_not_kept() {
        let (_dir, path) = place();
        let secret = "a".repeat(26);
        let beside =
            ["{}.", "secret:{}", "//{}", "/me says:{}", "@{}", "{}-x"].map(|it| it.replace("{}", &secret));
        type_in(&path, &beside.each_ref().map(String::as_str));
        type_in(&path, &[" hidden", &format!("it is {secret}"), &"x".repeat(MAX_LINE + 1)]);
        assert!(!path.exists());
        type_in(&path, &["kept", "kept", "/who"]);
        assert_eq!(opened(&path).1, ["kept", "/who"]);
    }

    #[test]
    fn the_newest_lines_are_kept_that_there_is_place_for() {
        let lines =
            |count: usize, length: usize| (0..count).map(|n| format!("{n:0length$}")).collect::<Vec<_>>();
        let kept = merged(lines(MAX_LINES, 4), vec!["last".to_owned()]);
        assert_eq!((kept.len(), kept[0].as_str(), kept[MAX_LINES - 1].as_str()), (MAX_LINES, "0001", "last"));
        let large = contents(&lines(MAX_LINES, MAX_LINE));
        assert!(large.len() <= MAX_BYTES && large.ends_with("999\"\n"));
        assert!(large.len() > MAX_BYTES - 2 * MAX_LINE);
    }

    #[test]
    fn a_file_that_others_can_read_is_neither_read_nor_written() {
        let (_dir, path) = place();
        type_in(&path, &["one"]);
        fs::set_permissions(&path, PermissionsExt::from_mode(0o644)).unwrap();
        type_in(&path, &["two"]);
        assert_eq!(opened(&path).1, [""; 0]);
        assert_eq!(fs::read_to_string(&path).unwrap(), "\"one\"\n");
    }

    #[test]
    fn damaged_lines_are_left_out() {
        let (_dir, path) = place();
        type_in(&path, &["one"]);
        let damaged =
            fs::read(&path).unwrap().into_iter().chain(*b"oops\n\xff\n7\n\"two\"\n").collect::<Vec<u8>>();
        fs::write(&path, damaged).unwrap();
        assert_eq!(opened(&path).1, ["one", "two"]);
    }
}
