//! Where a ticket comes from, and how one is recognized. A ticket has the secret of its room, so nothing here shows it.

use std::collections::BTreeSet;
use std::io::{self, IsTerminal, stdin};
use std::path::{Path, PathBuf};
use std::time::Duration;

use ringchat_core::secure::{Ticket, TicketError};
use thiserror::Error;
use zeroize::Zeroizing;

use super::ask::ask;
use super::private_file::read_whole;
use crate::system::files::{Patient, facts, open_to_read};
use crate::system::{Facts, FileType};

/// Bytes of a file with a ticket, at most. A ticket is much shorter.
const MAX_BYTES: usize = 4096;

/// How long a pipe may bring nothing: as long as a person may take to open a store of passwords.
const PATIENCE: Duration = Duration::from_mins(2);

/// Where the system shows the open files of a process to that process.
const DESCRIPTORS: [&str; 3] = ["/dev/fd", "/dev/stdin", "/proc/self/fd"];

/// What a ticket begins with, in lower case.
const PREFIX: &str = "ringchat:";

/// Letters after the prefix that make a ticket. A port has at most five digits.
const AFTER_PREFIX: usize = 8;

/// Letters in a row that make a ticket without its prefix. No label of a host name and no key has as many.
const WITHOUT_PREFIX: usize = 64;

/// A ticket is mostly drawn by chance: of any [`WITHOUT_PREFIX`] letters of it, so many are different.
const DIFFERENT: usize = 16;

/// Where a ticket comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum TicketSource {
    /// A file, or an open file of this process, such as `/dev/fd/3`.
    File(PathBuf),
    /// The user types it.
    Typed,
}

/// Why there is no ticket.
#[derive(Debug, Error)]
pub(crate) enum TicketProblem {
    /// The file cannot be read.
    #[error("the ticket file {} cannot be read ({why})", path.display())]
    Unreadable { path: PathBuf, why: io::Error },
    /// The mode of the file lets others use it.
    #[error("the ticket file {} can be read by others; chmod 600 it", .0.display())]
    Exposed(PathBuf),
    /// It is a folder, a device, a named pipe or a socket.
    #[error("the ticket file {} is no regular file; for what another program writes, use a pipe as /dev/fd/3", .0.display())]
    NoFile(PathBuf),
    /// The other end of the pipe neither closes it nor writes.
    #[error("the ticket file {} is a pipe that neither ends nor brings more; let its other end be closed", .0.display())]
    Silent(PathBuf),
    /// The file has too much in it.
    #[error("the ticket file {} is longer than any ticket", .0.display())]
    TooLong(PathBuf),
    /// Nobody can be asked.
    #[error(
        "--ticket asks at a terminal, and standard input is none; use --ticket-file FILE, or /dev/fd/3 as FILE"
    )]
    NoTerminal,
    /// The terminal failed.
    #[error("the terminal gives no ticket ({0}); use --ticket-file")]
    Terminal(io::Error),
    /// The user typed nothing.
    #[error("no ticket was given; ask a member of the room for what /ticket shows there")]
    Nothing,
    /// It is none.
    #[error("{0}")]
    Bad(#[from] TicketError),
}

impl TicketSource {
    /// Reads the ticket.
    ///
    /// # Errors
    /// If there is none.
    pub(crate) fn read(&self) -> Result<Ticket, TicketProblem> {
        match self {
            Self::File(path) => ticket_in(&of_file(path, PATIENCE)?),
            Self::Typed if !stdin().is_terminal() => Err(TicketProblem::NoTerminal),
            Self::Typed => {
                let typed = ask("ticket (not shown): ", |typed| !is_damaged(typed));
                ticket_in(&typed.map_err(TicketProblem::Terminal)?)
            }
        }
    }
}

/// The ticket in `bytes`. Blanks and line ends do not count.
fn ticket_in(bytes: &[u8]) -> Result<Ticket, TicketProblem> {
    let mut text = Zeroizing::new(String::with_capacity(2 * bytes.len()));
    text.extend(bytes.iter().filter(|byte| !byte.is_ascii_whitespace()).map(|byte| char::from(*byte)));
    if text.is_empty() { Err(TicketProblem::Nothing) } else { Ok(text.parse()?) }
}

/// Whether `bytes` are a ticket of which a part may be missing.
fn is_damaged(bytes: &[u8]) -> bool {
    matches!(ticket_in(bytes), Err(TicketProblem::Bad(TicketError::Damaged)))
}

/// What the file at `path` holds, or the pipe that is open there, if it does not keep silent for longer than `patience`.
fn of_file(path: &Path, patience: Duration) -> Result<Zeroizing<Vec<u8>>, TicketProblem> {
    let unreadable = |why| TicketProblem::Unreadable { path: path.to_owned(), why };
    let file = open_to_read(path, true).map_err(unreadable)?;
    match facts(&file).map_err(unreadable)? {
        Facts { kind: FileType::Regular, is_exposed: true, .. } => {
            return Err(TicketProblem::Exposed(path.to_owned()));
        }
        Facts { kind: FileType::Regular, .. } => {}
        Facts { kind: FileType::Pipe, .. } if is_of_own(path) => {}
        _ => return Err(TicketProblem::NoFile(path.to_owned())),
    }
    let file = Patient::new(file, patience).map_err(unreadable)?;
    let read = read_whole(file, MAX_BYTES).map_err(|why| match why.kind() {
        io::ErrorKind::TimedOut => TicketProblem::Silent(path.to_owned()),
        _ => unreadable(why),
    });
    read?.ok_or_else(|| TicketProblem::TooLong(path.to_owned()))
}

/// Whether this file is open in this process already. A named pipe would be empty until somebody writes to it.
fn is_of_own(path: &Path) -> bool {
    DESCRIPTORS.into_iter().any(|open| path.starts_with(open))
}

/// Whether `text` has a ticket in it, or the beginning of one.
pub(crate) fn is_in(text: &str) -> bool {
    let lower = text.to_ascii_lowercase();
    lower.match_indices(PREFIX).any(|(at, _)| {
        let after = lower.as_bytes().get(at + PREFIX.len()..).unwrap_or_default();
        after.iter().take_while(|byte| is_letter(**byte)).count() >= AFTER_PREFIX
    })
}

/// Whether `text` has a ticket in it, perhaps without its beginning.
pub(crate) fn may_be_in(text: &str) -> bool {
    is_in(text) || runs(text).any(|_| true)
}

/// The same of a word of a command line or of a variable, which may be a name or a path: letters beside a sign of a path
/// are no part of a ticket, nor are few different letters again and again.
pub(crate) fn may_be_word(word: &str) -> bool {
    let is_path = word.contains(['/', '\\']);
    let is_of_chance = |letters: &[u8]| {
        let different: BTreeSet<u8> = letters.iter().map(u8::to_ascii_lowercase).collect();
        different.len() >= DIFFERENT || begins_as_ticket(letters)
    };
    is_in(word) || (!is_path && runs(word).any(is_of_chance))
}

/// Whether these letters may come after the prefix of a ticket: its first byte is its version, 1.
fn begins_as_ticket(letters: &[u8]) -> bool {
    matches!(letters, [b'a' | b'A', b'e'..=b'h' | b'E'..=b'H', ..])
}

/// The letters that may be a ticket without its prefix. Letters outside ASCII are no part of one, so bytes are enough.
fn runs(text: &str) -> impl Iterator<Item = &[u8]> {
    let runs = text.as_bytes().split(|byte| !is_letter(*byte));
    runs.filter(|letters| letters.len() >= WITHOUT_PREFIX)
}

fn is_letter(byte: u8) -> bool {
    byte.is_ascii_alphabetic() || matches!(byte, b'2'..=b'7')
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::io::{PipeReader, Write, pipe};
    use std::os::fd::AsRawFd;
    use std::os::unix::fs::{PermissionsExt, symlink};

    use ringchat_core::secure::Secret;
    use rustix::fs::{CWD, Mode, mkfifoat};

    use super::super::full_key;
    use super::*;

    const MOMENT: Duration = Duration::from_millis(20);

    fn ticket() -> Ticket {
        Ticket::new(Secret::new([5; Secret::BYTES]), [7; 32], &["10.0.0.1:5000".parse().unwrap()]).unwrap()
    }

    /// A file with these contents and this mode, read as a ticket.
    fn read(contents: &str, mode: u32) -> Result<Ticket, TicketProblem> {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("ticket");
        fs::write(&path, contents).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
        TicketSource::File(path).read()
    }

    #[test]
    fn a_ticket_is_read_from_a_file_however_it_was_wrapped() {
        let text = ticket().reveal();
        let wrapped = format!(" {}\n    {}\r\n", &text[..40], &text[40..]);
        for contents in [text.as_str(), &format!("{}\n", text.to_uppercase()), &wrapped] {
            assert_eq!(read(contents, 0o600).unwrap(), ticket());
        }
    }

    #[test]
    fn a_file_without_a_ticket_is_told_what_it_is_not_and_nothing_of_it() {
        let text = ticket().reveal().to_string();
        let damaged = text.replace(&text[20..22], "zz");
        for (contents, mode, wanted) in [
            ("", 0o600, "no ticket was given"),
            ("hello", 0o600, "a ticket begins with"),
            (damaged.as_str(), 0o600, "was changed"),
            (text.as_str(), 0o644, "can be read by others; chmod 600 it"),
            (&"x".repeat(5000), 0o600, "longer than any ticket"),
        ] {
            let error = read(contents, mode).unwrap_err();
            assert!(error.to_string().contains(wanted), "{error}");
            assert!(!format!("{error} {error:?}").contains(&text[30..40]), "{error:?}");
        }
        let missing = TicketSource::File("/nowhere/ticket".into()).read().unwrap_err();
        assert!(missing.to_string().contains("cannot be read"), "{missing}");
    }

    /// How this process sees its end of a pipe.
    fn path_of(pipe: &PipeReader) -> PathBuf {
        format!("/dev/fd/{}", pipe.as_raw_fd()).into()
    }

    #[test]
    fn a_link_to_a_file_and_an_open_pipe_will_do() {
        let dir = tempfile::tempdir().unwrap();
        let (path, link) = (dir.path().join("ticket"), dir.path().join("link"));
        fs::write(&path, ticket().reveal().as_bytes()).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o400)).unwrap();
        symlink(&path, &link).unwrap();
        assert_eq!(TicketSource::File(link).read().unwrap(), ticket());
        let (reader, mut writer) = pipe().unwrap();
        writer.write_all(ticket().reveal().as_bytes()).unwrap();
        drop(writer);
        assert_eq!(TicketSource::File(path_of(&reader)).read().unwrap(), ticket());
    }

    #[test]
    fn a_pipe_that_never_ends_or_brings_too_much_is_an_error() {
        let (reader, mut writer) = pipe().unwrap();
        writer.write_all(ticket().reveal().as_bytes()).unwrap();
        let silent = of_file(&path_of(&reader), MOMENT).unwrap_err().to_string();
        assert!(silent.contains("neither ends nor brings more"), "{silent}");
        writer.write_all(&[b'a'; 2 * MAX_BYTES]).unwrap();
        let long = of_file(&path_of(&reader), MOMENT).unwrap_err().to_string();
        assert!(long.contains("longer than any ticket"), "{long}");
    }

    #[test]
    fn what_is_neither_a_file_nor_an_open_pipe_is_refused_without_waiting() {
        let dir = tempfile::tempdir().unwrap();
        let named = dir.path().join("ticket");
        mkfifoat(CWD, &named, Mode::RUSR | Mode::WUSR).unwrap();
        for path in [named, "/dev/zero".into(), dir.path().to_owned()] {
            let said = of_file(&path, MOMENT).unwrap_err().to_string();
            assert!(said.contains("is no regular file"), "{said}");
        }
    }

    #[test]
    fn a_word_is_taken_for_a_ticket_only_if_it_may_be_one() {
        let text = ticket().reveal().to_string();
        let tail = full_key(&std::array::from_fn(|at| u8::try_from(at * 7).unwrap())) + "k3f7qmzx2c4h";
        for found in [text.as_str(), &text[9..], &text[9..80], &text.to_uppercase()[9..], &tail] {
            assert!(may_be_word(found) && may_be_in(found), "{found}");
        }
        for other in ["x".repeat(64), "name".repeat(40), format!("/tmp/{tail}"), format!("./{}", &text[9..])]
        {
            assert!(!may_be_word(&other), "{other}");
        }
        assert!(may_be_word(&format!("/tmp/{text}")), "its prefix gives it away");
    }

    #[test]
    fn a_ticket_is_recognized_and_other_words_are_not() {
        let text = ticket().reveal().to_string();
        for found in [text.as_str(), &text.to_uppercase(), &format!("here: {text}!"), &text[..17]] {
            assert!(is_in(found) && may_be_in(found), "{found}");
        }
        assert!(may_be_in(&text[9..]) && may_be_in(&text[9..80]));
        for other in [
            "ringchat:5000",
            "join ringchat: it is good",
            "k3f7-9qmz-x2c4-h8tw",
            &"a".repeat(63),
            "https://example.org/a/long/path/that/goes/on/and/on/and/on/and/on/and/on/and/on",
            &"ž".repeat(200),
        ] {
            assert!(!is_in(other) && !may_be_in(other), "{other}");
        }
    }
}
