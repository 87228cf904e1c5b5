//! The identity file: the key pair of the user, the same in all rooms.

use std::path::{Path, PathBuf};

use ringchat_core::secure::Identity;
use thiserror::Error;
use zeroize::Zeroizing;

use super::key_text::{bytes, full_key, letters};
use super::places;
use super::private_file::{self, FileKind, KeyFileError, KeyFileProblem};

/// The first line of the file.
const HEADER: &str = "ringchat identity 1; whoever has this file is you";

/// What the user is told if there is no home. The system asks the account only if `HOME` is not set, or empty.
const HOMELESS: &str = "no home folder is known: HOME, or without it your account, names none that begins with /. So your \
                        key, and what you learn of the keys of others, is for this stay only; --id-file FILE keeps your key";

/// Where the user's key pair is kept.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) enum IdFile {
    /// `id` in the program's folder of the user's home.
    #[default]
    Usual,
    /// This file.
    At(PathBuf),
}

/// Who the user is.
#[derive(Debug)]
pub(crate) struct OwnIdentity {
    /// The key pair.
    pub(crate) identity: Identity,
    /// Why the key pair is for this stay only; `None` if it is kept.
    pub(crate) unkept: Option<String>,
}

/// Why there is no identity.
#[derive(Debug, Error)]
pub(crate) enum IdentityError {
    /// The file cannot be used.
    #[error(transparent)]
    File(#[from] KeyFileError),
    /// There is no random source.
    #[error("the system gives no random bytes ({0}); end other programs")]
    Random(getrandom::Error),
}

impl IdFile {
    /// Reads the identity, or makes it if there is no file yet. If the usual file cannot be made, the identity is for
    /// this stay only.
    ///
    /// # Errors
    /// If there is a file that cannot be used, or the file that the user chose cannot be made.
    pub(crate) fn load(&self) -> Result<OwnIdentity, IdentityError> {
        let Some((path, is_usual)) = self.path() else {
            return Ok(OwnIdentity { identity: draw()?, unkept: Some(HOMELESS.to_owned()) });
        };
        match load_or_make(&path, is_usual) {
            Ok(identity) => Ok(OwnIdentity { identity, unkept: None }),
            Err(IdentityError::File(error)) if is_usual && matches!(error.why, KeyFileProblem::Unmade(_)) => {
                let unkept = format!("your key is for this stay only: {error}");
                Ok(OwnIdentity { identity: draw()?, unkept: Some(unkept) })
            }
            Err(error) => Err(error),
        }
    }

    /// The path, and whether it is the usual one. `None` if the user has no home.
    fn path(&self) -> Option<(PathBuf, bool)> {
        match self {
            Self::Usual => Some((places::data()?.join("id"), true)),
            Self::At(path) => Some((path.clone(), false)),
        }
    }
}

/// The identity in the file at `path`. If there is none, a new one is put there, in a folder that is made if
/// `makes_folder`.
fn load_or_make(path: &Path, makes_folder: bool) -> Result<Identity, IdentityError> {
    let failed = |why| KeyFileError { kind: FileKind::Identity, path: path.to_owned(), why };
    if let Some(identity) = private_file::read_small(path, parse).map_err(failed)? {
        return Ok(identity);
    }
    if makes_folder {
        places::make(private_file::folder_of(path)).map_err(|error| failed(KeyFileProblem::Unmade(error)))?;
    }
    let (made, contents) = new_file()?;
    let is_first =
        private_file::place(path, &contents).map_err(|error| failed(KeyFileProblem::Unmade(error)))?;
    if is_first {
        return Ok(made);
    }
    // Another process of the user was faster.
    Ok(private_file::read_small(path, parse)
        .map_err(failed)?
        .ok_or_else(|| failed(KeyFileProblem::Missing))?)
}

/// The identity in `contents`. The key behind the seed proves that no letter of the seed was changed.
fn parse(contents: &[u8]) -> Option<Identity> {
    let mut lines = std::str::from_utf8(contents).ok()?.strip_suffix('\n')?.split('\n');
    let header = lines.next()?;
    let seed = bytes(lines.next()?.strip_prefix("seed ")?)?;
    let key = lines.next()?.strip_prefix("key ")?;
    let identity = Identity::from_seed(*seed);
    let is_whole = header == HEADER && full_key(&identity.key()) == key && lines.next().is_none();
    is_whole.then_some(identity)
}

/// A new identity, and the contents of its file.
fn new_file() -> Result<(Identity, Zeroizing<String>), IdentityError> {
    let seed = seed()?;
    let identity = Identity::from_seed(*seed);
    // With its full capacity, so that no copy of the seed stays behind when it grows.
    let mut contents = Zeroizing::new(String::with_capacity(256));
    for part in [HEADER, "\nseed ", &letters(seed.as_slice()), "\nkey ", &full_key(&identity.key()), "\n"] {
        contents.push_str(part);
    }
    Ok((identity, contents))
}

fn draw() -> Result<Identity, IdentityError> {
    Ok(Identity::from_seed(*seed()?))
}

fn seed() -> Result<Zeroizing<[u8; 32]>, IdentityError> {
    let mut seed = Zeroizing::new([0; 32]);
    getrandom::fill(seed.as_mut_slice()).map_err(IdentityError::Random)?;
    Ok(seed)
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::{PermissionsExt, chown, symlink};
    use std::sync::Barrier;
    use std::thread;

    use rustix::fs::{CWD, Mode, mkfifoat};
    use tempfile::TempDir;

    use super::*;

    fn place() -> (TempDir, PathBuf) {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("ringchat").join("id");
        (dir, path)
    }

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).unwrap().permissions().mode() & 0o777
    }

    /// An identity file, and what the program says about it after `change`.
    fn refusal(change: impl FnOnce(&Path)) -> String {
        let (_dir, path) = place();
        load_or_make(&path, true).unwrap();
        change(&path);
        let before = fs::symlink_metadata(&path).unwrap();
        let said = load_or_make(&path, true).unwrap_err().to_string();
        let after = fs::symlink_metadata(&path).unwrap();
        assert_eq!(before.len(), after.len(), "the file stays as it is");
        assert!(said.starts_with(&format!("id file {} ", path.display())), "{said}");
        said
    }

    #[test]
    fn an_identity_stays_the_same_and_its_file_private() {
        let (_dir, path) = place();
        let first = load_or_make(&path, true).unwrap();
        assert_eq!(load_or_make(&path, true).unwrap(), first);
        assert_eq!((mode(&path), mode(path.parent().unwrap())), (0o600, 0o700));
        let left = fs::read_dir(path.parent().unwrap()).unwrap().count();
        assert_eq!(left, 1, "no other file is left");
        let (_dir, other) = place();
        assert_ne!(load_or_make(&other, true).unwrap(), first);
    }

    #[test]
    fn all_first_starts_at_once_have_one_identity() {
        for _ in 0..20 {
            let (_dir, path) = place();
            let together = Barrier::new(8);
            let start = || {
                together.wait();
                load_or_make(&path, true).unwrap().key()
            };
            let keys: Vec<[u8; 32]> = thread::scope(|scope| {
                let starts: Vec<_> = (0..8).map(|_| scope.spawn(start)).collect();
                starts.into_iter().map(|start| start.join().unwrap()).collect()
            });
            assert!(keys.iter().all(|key| *key == keys[0]));
        }
    }

    #[test]
    fn a_file_that_others_can_use_is_refused() {
        for mode in [0o640, 0o604, 0o620, 0o601] {
            let said = refusal(|path| fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap());
            assert!(
                said.ends_with("can be read by others; chmod 600 it, or delete it for a new identity"),
                "{said}"
            );
        }
    }

    #[test]
    fn what_is_no_file_of_the_user_is_refused_without_waiting() {
        let link = refusal(|path| {
            let target = path.with_file_name("target");
            fs::rename(path, &target).unwrap();
            symlink(&target, path).unwrap();
        });
        assert!(link.contains("is a link"), "{link}");
        let pipe = refusal(|path| {
            fs::remove_file(path).unwrap();
            mkfifoat(CWD, path, Mode::RUSR | Mode::WUSR).unwrap();
        });
        assert!(pipe.contains("is no regular file"), "{pipe}");
        let folder = refusal(|path| {
            fs::remove_file(path).unwrap();
            fs::create_dir(path).unwrap();
        });
        assert!(folder.contains("is no regular file"), "{folder}");
    }

    #[test]
    fn the_file_of_another_user_is_refused() {
        let (dir, path) = place();
        fs::write(dir.path().join("probe"), "").unwrap();
        if chown(dir.path().join("probe"), Some(4711), None).is_err() {
            println!("SKIPPED: only root can give a file away");
            return;
        }
        load_or_make(&path, true).unwrap();
        let said = refusal(|path| chown(path, Some(4711), None).unwrap());
        assert!(said.contains("belongs to another user"), "{said}");
    }

    #[test]
    fn any_change_of_the_contents_is_noticed_and_nothing_is_lost() {
        let (_dir, path) = place();
        load_or_make(&path, true).unwrap();
        let whole = fs::read(&path).unwrap();
        for at in 0..whole.len() {
            let mut changed = whole.clone();
            changed[at] = if changed[at] == b'b' { b'c' } else { b'b' };
            assert!(parse(&changed).is_none(), "byte {at}");
            assert!(parse(&whole[..at]).is_none(), "cut at {at}");
        }
        for changed in [Vec::new(), [whole.clone(), b"\n".to_vec()].concat(), vec![b'x'; 2000]] {
            fs::write(&path, &changed).unwrap();
            let said = load_or_make(&path, true).unwrap_err().to_string();
            assert!(said.contains("is damaged"), "{said}");
            assert_eq!(fs::read(&path).unwrap(), changed);
        }
    }

    #[test]
    fn a_folder_that_cannot_be_made_is_told() {
        let (dir, path) = place();
        fs::write(dir.path().join("ringchat"), "a file in the way").unwrap();
        let said = load_or_make(&path, true).unwrap_err().to_string();
        assert!(said.contains("cannot be made") && said.ends_with("choose another with --id-file"), "{said}");
        assert_eq!(fs::read_to_string(dir.path().join("ringchat")).unwrap(), "a file in the way");
        let missing = dir.path().join("no").join("folder");
        assert!(load_or_make(&missing, false).unwrap_err().to_string().contains("cannot be made"));
        assert!(!dir.path().join("no").exists(), "the folder of a chosen file is not made");
    }

    #[test]
    fn nothing_shows_the_seed() {
        let (_dir, path) = place();
        let own = OwnIdentity { identity: load_or_make(&path, true).unwrap(), unkept: None };
        let contents = fs::read_to_string(&path).unwrap();
        let seed = contents.lines().nth(1).and_then(|line| line.strip_prefix("seed ")).unwrap();
        assert!(seed.len() == 52 && !format!("{own:?}").contains(&seed[..8]));
        fs::write(&path, contents.replace("key ", "key x")).unwrap();
        let error = load_or_make(&path, true).unwrap_err();
        assert!(!format!("{error} {error:?}").contains(&seed[..8]));
    }
}
