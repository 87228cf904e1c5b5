//! Where a ticket comes from, and how one is recognized. A ticket has the secret of its room, so nothing here shows it.

use std::fs::File;
use std::io::{self, IsTerminal, stdin};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use ringchat_core::secure::{Ticket, TicketError};
use thiserror::Error;
use zeroize::Zeroizing;

use super::ask::ask;
use super::private_file::read_whole;

/// Bytes of a file with a ticket, at most. A ticket is much shorter.
const MAX_BYTES: usize = 4096;

/// What a ticket begins with, in lower case.
const PREFIX: &str = "ringchat:";

/// Letters after the prefix that make a ticket. A port has at most five digits.
const AFTER_PREFIX: usize = 8;

/// Letters in a row that make a ticket without its prefix. No label of a host name and no key has as many.
const WITHOUT_PREFIX: usize = 64;

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
            Self::File(path) => ticket_in(&of_file(path)?),
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

fn of_file(path: &Path) -> Result<Zeroizing<Vec<u8>>, TicketProblem> {
    let unreadable = |why| TicketProblem::Unreadable { path: path.to_owned(), why };
    let file = File::open(path).map_err(unreadable)?;
    let found = file.metadata().map_err(unreadable)?;
    if found.is_file() && found.mode() & 0o077 != 0 {
        return Err(TicketProblem::Exposed(path.to_owned()));
    }
    read_whole(file, MAX_BYTES).map_err(unreadable)?.ok_or_else(|| TicketProblem::TooLong(path.to_owned()))
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
    // Letters outside ASCII are no part of a ticket, so bytes are enough.
    let mut runs = text.as_bytes().split(|byte| !is_letter(*byte));
    is_in(text) || runs.any(|letters| letters.len() >= WITHOUT_PREFIX)
}

fn is_letter(byte: u8) -> bool {
    byte.is_ascii_alphabetic() || matches!(byte, b'2'..=b'7')
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::{PermissionsExt, symlink};

    use ringchat_core::secure::Secret;

    use super::*;

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

    #[test]
    fn a_link_to_a_file_and_an_open_pipe_will_do() {
        let dir = tempfile::tempdir().unwrap();
        let (path, link) = (dir.path().join("ticket"), dir.path().join("link"));
        fs::write(&path, ticket().reveal().as_bytes()).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o400)).unwrap();
        symlink(&path, &link).unwrap();
        assert_eq!(TicketSource::File(link).read().unwrap(), ticket());
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
