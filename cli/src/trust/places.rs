//! The folders in which the program keeps its files, as the XDG Base Directory Specification names them.

use std::fs::{self, DirBuilder, Permissions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};

use etcetera::BaseStrategy;
use etcetera::base_strategy::Xdg;
use rustix::process::geteuid;

/// The name of this program's folder in each of those of the user.
const OWN: &str = "ringchat";

/// The folder of what must not be lost: `$XDG_DATA_HOME/ringchat`, or that below the user's home. `None` if there is neither.
pub(crate) fn data() -> Option<PathBuf> {
    own(&Xdg::new().ok()?.data_dir())
}

/// The folder of what was noticed: `$XDG_STATE_HOME/ringchat`, or that below the user's home. `None` if there is neither.
pub(crate) fn state() -> Option<PathBuf> {
    own(&Xdg::new().ok()?.state_dir()?)
}

/// A home that is no absolute path would put the files into the current folder.
fn own(folder: &Path) -> Option<PathBuf> {
    folder.is_absolute().then(|| folder.join(OWN))
}

/// Makes one of these folders, and those above it that are missing. From then on only its owner can use it.
///
/// # Errors
/// If the system refuses that, or the folder is that of another user, who could not use what is put there.
pub(crate) fn make(folder: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
    let found = fs::metadata(folder)?;
    if found.uid() != geteuid().as_raw() {
        return Err(io::Error::new(io::ErrorKind::PermissionDenied, "the folder belongs to another user"));
    }
    if found.mode() & 0o077 != 0 {
        fs::set_permissions(folder, Permissions::from_mode(0o700))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_home_in_the_current_folder_is_none() {
        assert_eq!(own(Path::new(".local/share")), None);
        assert_eq!(own(Path::new("/home/eve/.local/share")), Some("/home/eve/.local/share/ringchat".into()));
    }

    #[test]
    fn a_folder_that_others_could_use_is_closed_to_them() {
        let dir = tempfile::tempdir().unwrap();
        let folder = dir.path().join("a").join("b");
        fs::create_dir_all(&folder).unwrap();
        fs::set_permissions(&folder, Permissions::from_mode(0o777)).unwrap();
        make(&folder).unwrap();
        assert_eq!(fs::metadata(folder).unwrap().permissions().mode() & 0o777, 0o700);
    }

    #[test]
    fn the_folder_of_another_user_is_left_alone() {
        let dir = tempfile::tempdir().unwrap();
        if std::os::unix::fs::chown(dir.path(), Some(4711), None).is_err() {
            println!("SKIPPED: only root can give a folder away");
            return;
        }
        assert!(make(dir.path()).unwrap_err().to_string().contains("belongs to another user"));
    }
}
