//! The file of a private room's secret, from which the room can be made again after all members have left.

use std::path::Path;

use ringchat_core::secure::Secret;
use zeroize::Zeroizing;

use super::key_text::{bytes, letters};
use super::private_file::{self, FileKind, KeyFileError, KeyFileProblem};

/// The first line of the file.
const HEADER: &str = "ringchat secret 1; whoever has this file can enter the room";

/// A new secret.
///
/// # Errors
/// If the system has no random source.
pub(crate) fn draw() -> Result<Secret, getrandom::Error> {
    let mut secret = Zeroizing::new([0; Secret::BYTES]);
    getrandom::fill(secret.as_mut_slice())?;
    Ok(Secret::new(*secret))
}

/// The secret in the file at `path`.
///
/// # Errors
/// If there is no file, or it cannot be used.
pub(crate) fn load(path: &Path) -> Result<Secret, KeyFileError> {
    private_file::read_small(path, parse)
        .and_then(|secret| secret.ok_or(KeyFileProblem::Missing))
        .map_err(|why| failed(path, why))
}

/// The secret in the file at `path`. If there is no file, `new` is put there.
///
/// # Errors
/// If the file cannot be used, or cannot be made.
pub(crate) fn load_or_make(path: &Path, new: Secret) -> Result<Secret, KeyFileError> {
    if let Some(secret) = private_file::read_small(path, parse).map_err(|why| failed(path, why))? {
        return Ok(secret);
    }
    let placed = private_file::place(path, &contents(&new));
    let is_first = placed.map_err(|error| failed(path, KeyFileProblem::Unmade(error)))?;
    // Another process of the user may have been faster.
    if is_first { Ok(new) } else { load(path) }
}

fn failed(path: &Path, why: KeyFileProblem) -> KeyFileError {
    KeyFileError { kind: FileKind::Secret, path: path.to_owned(), why }
}

/// The secret in `contents`. The room behind the secret proves that no letter of the secret was changed.
fn parse(contents: &[u8]) -> Option<Secret> {
    let mut lines = std::str::from_utf8(contents).ok()?.strip_suffix('\n')?.split('\n');
    let header = lines.next()?;
    let secret = Secret::new(*bytes(lines.next()?.strip_prefix("secret ")?)?);
    let room = lines.next()?.strip_prefix("room ")?;
    let is_whole = header == HEADER && letters(&secret.room().0).as_str() == room && lines.next().is_none();
    is_whole.then_some(secret)
}

fn contents(secret: &Secret) -> Zeroizing<String> {
    // With its full capacity, so that no copy of the secret stays behind when it grows.
    let mut contents = Zeroizing::new(String::with_capacity(256));
    let room = secret.room();
    for part in [HEADER, "\nsecret ", &letters(secret.bytes()), "\nroom ", &letters(&room.0), "\n"] {
        contents.push_str(part);
    }
    contents
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    fn secret(byte: u8) -> Secret {
        Secret::new([byte; Secret::BYTES])
    }

    #[test]
    fn a_missing_file_is_made_once_and_then_used() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("secret");
        let missing = load(&path).unwrap_err().to_string();
        assert!(missing.ends_with("does not exist; with -l it is made; to join, use a ticket"), "{missing}");
        assert_eq!(load_or_make(&path, secret(1)).unwrap(), secret(1));
        assert_eq!(load_or_make(&path, secret(2)).unwrap(), secret(1));
        assert_eq!(load(&path).unwrap(), secret(1));
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    }

    #[test]
    fn a_file_that_others_read_or_that_was_changed_is_refused_and_stays() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("secret");
        load_or_make(&path, secret(1)).unwrap();
        let whole = fs::read(&path).unwrap();
        for at in 0..whole.len() {
            let mut changed = whole.clone();
            changed[at] = if changed[at] == b'b' { b'c' } else { b'b' };
            assert!(parse(&changed).is_none() && parse(&whole[..at]).is_none(), "byte {at}");
        }
        fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
        let said = load_or_make(&path, secret(2)).unwrap_err().to_string();
        assert!(said.contains("can be read by others; chmod 600 it"), "{said}");
        assert_eq!(fs::read(&path).unwrap(), whole);
    }

    #[test]
    fn a_new_secret_is_another_each_time() {
        assert_ne!(draw().unwrap(), draw().unwrap());
    }
}
