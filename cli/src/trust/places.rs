//! The folders in which the program keeps its files, as the XDG Base Directory Specification names them, or Windows.

use std::path::{Path, PathBuf};

use etcetera::{BaseStrategy, choose_base_strategy};

pub(crate) use crate::system::files::make_folder as make;

/// The name of this program's folder in each of the user's folders.
const OWN: &str = "ringchat";

/// The folder of what must not be lost: `$XDG_DATA_HOME/ringchat`, or that below the user's home; `%APPDATA%\ringchat` on
/// Windows. `None` if there is none.
pub(crate) fn data() -> Option<PathBuf> {
    own(&choose_base_strategy().ok()?.data_dir())
}

/// The folder of what was noticed: `$XDG_STATE_HOME/ringchat`, or that below the user's home; `%LOCALAPPDATA%\ringchat`
/// on Windows. `None` if there is none.
pub(crate) fn state() -> Option<PathBuf> {
    let folders = choose_base_strategy().ok()?;
    // Windows knows no state, but what stays on the machine.
    own(&folders.state_dir().unwrap_or_else(|| folders.cache_dir()))
}

/// A home that is no absolute path would put the files into the current folder.
fn own(folder: &Path) -> Option<PathBuf> {
    folder.is_absolute().then(|| folder.join(OWN))
}

#[cfg(test)]
mod tests {
    use std::fs::{self, Permissions};
    use std::os::unix::fs::PermissionsExt;

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
