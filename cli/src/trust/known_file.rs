//! The file of the known keys, which all programs of the user share.
//!
//! Each change is made under a lock: the file is read again, changed, and replaced as a whole.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use ringchat_core::Name;
use thiserror::Error;

use super::day::Day;
use super::known::{Change, KnownKeys};
use super::places;
use super::private_file::{self, FileKind, KeyFileError, Patience, lock};

/// Bytes of the file, at most: several times those of the longest that the program writes.
const MAX_BYTES: usize = 4 * 1024 * 1024;

/// Damaged files that are kept aside, at most.
const MAX_ASIDE: usize = 20;

/// The known keys, and the file in which they are kept.
#[derive(Debug)]
pub(crate) struct KnownFile {
    /// The path; `None` if known keys are not kept.
    path: Option<PathBuf>,
    keys: KnownKeys,
    /// What happened since the file was written.
    changes: BTreeMap<[u8; 32], Change>,
    /// Whether the changes are more than another day.
    is_urgent: bool,
}

/// A problem of the file that the user is told of.
#[derive(Debug, Error)]
pub(crate) enum KnownProblem {
    /// The file cannot be used; no key is known or kept.
    #[error("{0}; until then no key is known")]
    File(#[from] KeyFileError),
    /// Lines of the file cannot be read. All others are used.
    #[error("{lines} of the known keys in {} cannot be read and were left out; the file as it was is {}", path.display(), aside.display())]
    Damaged { lines: usize, path: PathBuf, aside: PathBuf },
    /// The file cannot be written; keys are known until the program ends.
    #[error("the known keys {} cannot be written ({error}); they are kept until you leave", path.display())]
    Unwritten { path: PathBuf, error: io::Error },
}

impl KnownFile {
    /// The known keys of the user.
    pub(crate) fn open() -> (Self, Option<KnownProblem>) {
        Self::at(places::state().map(|folder| folder.join("known")))
    }

    /// The known keys in the file at `path`, and what is wrong with it.
    pub(crate) fn at(path: Option<PathBuf>) -> (Self, Option<KnownProblem>) {
        let mut file = Self { path, keys: KnownKeys::default(), changes: BTreeMap::new(), is_urgent: false };
        let Some(path) = &file.path else { return (file, None) };
        match read(path) {
            Ok((keys, 0)) => {
                file.keys = keys;
                (file, None)
            }
            Ok((keys, _)) => {
                file.keys = keys;
                let problem = file.write(Patience::Waits).err();
                (file, problem)
            }
            Err(error) => {
                file.path = None;
                (file, Some(error.into()))
            }
        }
    }

    /// The keys, with all that was noted.
    pub(crate) fn keys(&self) -> &KnownKeys {
        &self.keys
    }

    /// Whether what is noted is kept for later sessions, as far as is known.
    pub(crate) fn is_kept(&self) -> bool {
        self.path.is_some()
    }

    /// Notes that the holder of `key` said something as `name`.
    pub(crate) fn hear(&mut self, key: [u8; 32], name: &Name, day: Day) {
        let before = self.keys.get(&key).cloned();
        let change = match self.changes.get(&key) {
            Some(verified @ Change::Verified(..)) => verified.clone(),
            _ => Change::Heard(name.clone(), day),
        };
        let has_place = self.keys.note(key, &change);
        let after = self.keys.get(&key);
        if has_place && after != before.as_ref() {
            self.is_urgent |= after.map(|known| &known.name) != before.as_ref().map(|known| &known.name);
            self.changes.insert(key, change);
        }
    }

    /// Notes that the user compared `key` with its holder, who is called `name`. Returns false if there is no place for
    /// another verified key.
    pub(crate) fn verify(&mut self, key: [u8; 32], name: &Name, day: Day) -> bool {
        let change = Change::Verified(name.clone(), day);
        let has_place = self.keys.note(key, &change);
        if has_place {
            self.changes.insert(key, change);
            self.is_urgent = true;
        }
        has_place
    }

    /// Writes what was noted, if there is something that should not wait for the end of the session.
    ///
    /// # Errors
    /// As [`KnownFile::save`].
    pub(crate) fn save_urgent(&mut self) -> Result<(), KnownProblem> {
        if self.is_urgent { self.save(Patience::None) } else { Ok(()) }
    }

    /// Writes what was noted.
    ///
    /// # Errors
    /// A problem that the user should know. After one that keeps the file from being written, nothing more is written.
    pub(crate) fn save(&mut self, patience: Patience) -> Result<(), KnownProblem> {
        if self.changes.is_empty() { Ok(()) } else { self.write(patience) }
    }

    fn write(&mut self, patience: Patience) -> Result<(), KnownProblem> {
        let Some(path) = self.path.clone() else {
            self.changes.clear();
            return Ok(());
        };
        let written = self.replace(&path, patience);
        if matches!(written, Err(KnownProblem::File(_) | KnownProblem::Unwritten { .. })) {
            self.path = None;
        }
        written
    }

    /// Reads the file at `path` again, and replaces it by one with all changes. Does nothing if another program has the
    /// lock and there is no patience.
    fn replace(&mut self, path: &Path, patience: Patience) -> Result<(), KnownProblem> {
        let unwritten = |error| KnownProblem::Unwritten { path: path.to_owned(), error };
        let folder = private_file::folder_of(path);
        places::make(folder).map_err(unwritten)?;
        let Some(_lock) = lock(&path.with_extension("lock"), patience).map_err(unwritten)? else {
            return Ok(());
        };
        let (mut keys, lines) = read(path)?;
        let damaged = if lines == 0 {
            None
        } else {
            let aside = keep_aside(path).map_err(unwritten)?;
            Some(KnownProblem::Damaged { lines, path: path.to_owned(), aside })
        };
        for (key, change) in &self.changes {
            keys.note(*key, change);
        }
        let new = private_file::written(folder, &keys.contents()).map_err(unwritten)?;
        new.persist(path).map_err(|refused| unwritten(refused.error))?;
        private_file::sync(folder).map_err(unwritten)?;
        self.keys = keys;
        self.changes.clear();
        self.is_urgent = false;
        damaged.map_or(Ok(()), Err)
    }
}

/// The keys in the file at `path`, none if there is no file, and how many of its lines cannot be read.
fn read(path: &Path) -> Result<(KnownKeys, usize), KeyFileError> {
    let failed = |why| KeyFileError { kind: FileKind::Known, path: path.to_owned(), why };
    let contents = private_file::read(path, MAX_BYTES).map_err(failed)?;
    Ok(contents.map_or_else(Default::default, |contents| KnownKeys::parse(&contents)))
}

/// Gives the file at `path` a second name that none has yet, so that it stays when it is replaced.
fn keep_aside(path: &Path) -> io::Result<PathBuf> {
    let names = (1..=MAX_ASIDE).map(|n| path.with_extension(format!("damaged-{n}")));
    for aside in names {
        match fs::hard_link(path, &aside) {
            Ok(()) => return Ok(aside),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(error),
        }
    }
    Err(io::Error::other(format!("{MAX_ASIDE} damaged files are kept already; look at them and delete them")))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::{PermissionsExt, symlink};
    use std::thread;

    use tempfile::TempDir;

    use super::*;

    fn place() -> (TempDir, PathBuf) {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("ringchat").join("known");
        (dir, path)
    }

    fn opened(path: &Path) -> KnownFile {
        let (file, problem) = KnownFile::at(Some(path.to_owned()));
        assert!(problem.is_none(), "{problem:?}");
        file
    }

    fn name(name: &str) -> Name {
        Name::new(name).unwrap()
    }

    fn day() -> Day {
        "2026-05-03".parse().unwrap()
    }

    #[test]
    fn what_was_heard_and_verified_is_known_to_the_next_program() {
        let (_dir, path) = place();
        let mut file = opened(&path);
        file.hear([1; 32], &name("Alice"), day());
        assert!(file.verify([2; 32], &name("Bob"), day()));
        file.hear([2; 32], &name("Bob"), day());
        file.save_urgent().unwrap();
        let next = opened(&path);
        assert_eq!(next.keys(), file.keys());
        assert!(
            next.keys().get(&[2; 32]).unwrap().is_verified && !next.keys().get(&[1; 32]).unwrap().is_verified
        );
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    }

    #[test]
    fn two_programs_lose_nothing_of_each_other() {
        let (_dir, path) = place();
        let (mut one, mut two) = (opened(&path), opened(&path));
        one.hear([1; 32], &name("Alice"), day());
        two.verify([1; 32], &name("Alice"), day());
        two.hear([2; 32], &name("Bob"), day());
        two.save(Patience::Waits).unwrap();
        one.save(Patience::Waits).unwrap();
        let both = opened(&path);
        assert!(both.keys().get(&[1; 32]).unwrap().is_verified && both.keys().get(&[2; 32]).is_some());
        assert_eq!(one.keys(), both.keys(), "a program learns what the other noted");
    }

    #[test]
    fn many_programs_at_once_lose_nothing() {
        let (_dir, path) = place();
        thread::scope(|scope| {
            for n in 0..8 {
                let path = &path;
                scope.spawn(move || {
                    let mut file = opened(path);
                    for m in 0..5 {
                        file.hear([n * 5 + m; 32], &name("Alice"), day());
                        file.save(Patience::Waits).unwrap();
                    }
                });
            }
        });
        let known = opened(&path);
        assert!((0..40).all(|n| known.keys().get(&[n; 32]).is_some()));
    }

    #[test]
    fn while_another_program_has_the_lock_nothing_waits_and_nothing_is_lost() {
        let (_dir, path) = place();
        let mut file = opened(&path);
        file.hear([1; 32], &name("Alice"), day());
        places::make(path.parent().unwrap()).unwrap();
        let held = lock(&path.with_extension("lock"), Patience::Waits).unwrap();
        file.save_urgent().unwrap();
        assert!(!path.exists());
        drop(held);
        file.save_urgent().unwrap();
        assert!(opened(&path).keys().get(&[1; 32]).is_some());
    }

    #[test]
    fn a_damaged_file_is_kept_aside_and_its_good_lines_are_used() {
        let (_dir, path) = place();
        let mut file = opened(&path);
        file.hear([1; 32], &name("Alice"), day());
        file.save(Patience::Waits).unwrap();
        for n in 1..=2 {
            let damaged = fs::read_to_string(&path).unwrap() + "half a li";
            fs::write(&path, &damaged).unwrap();
            let (read, problem) = KnownFile::at(Some(path.clone()));
            let Some(KnownProblem::Damaged { lines: 1, aside, .. }) = problem else { panic!("{problem:?}") };
            assert!(aside.ends_with(format!("known.damaged-{n}")));
            assert_eq!(fs::read_to_string(aside).unwrap(), damaged);
            assert!(read.keys().get(&[1; 32]).is_some());
            assert_eq!(opened(&path).keys(), file.keys());
        }
    }

    #[test]
    fn a_file_that_cannot_be_trusted_is_told_and_left_alone() {
        let (_dir, path) = place();
        let mut file = opened(&path);
        file.hear([1; 32], &name("Alice"), day());
        file.save(Patience::Waits).unwrap();
        let before = fs::read(&path).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o646)).unwrap();
        let (mut read, problem) = KnownFile::at(Some(path.clone()));
        assert!(problem.unwrap().to_string().contains("chmod 600"));
        assert!(read.keys().get(&[1; 32]).is_none());
        read.verify([2; 32], &name("Bob"), day());
        read.save(Patience::Waits).unwrap();
        assert_eq!(fs::read(&path).unwrap(), before);
        let target = path.with_extension("target");
        fs::rename(&path, &target).unwrap();
        symlink(&target, &path).unwrap();
        assert!(KnownFile::at(Some(path)).1.unwrap().to_string().contains("is a link"));
    }

    #[test]
    fn a_folder_that_cannot_be_made_is_told_once_and_keys_are_known_until_the_end() {
        let mut file = opened(Path::new("/proc/ringchat/known"));
        file.hear([1; 32], &name("Alice"), day());
        let problem = file.save_urgent().unwrap_err().to_string();
        assert!(problem.ends_with("they are kept until you leave"), "{problem}");
        file.hear([2; 32], &name("Bob"), day());
        file.save_urgent().unwrap();
        assert!(file.keys().get(&[1; 32]).is_some() && file.keys().get(&[2; 32]).is_some());
    }
}
