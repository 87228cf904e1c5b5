//! The program as a process.

use std::fs;

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use signal_hook::consts::{SIGSTOP, SIGTSTP};
use signal_hook::low_level::raise;

/// The variable that tells the name of the user's account.
pub(crate) const USER: &str = "USER";

/// Lets the system give away no memory of this program should it crash: secrets are in it.
pub(crate) fn dump_no_core() {
    // Only to raise a limit can fail.
    let _ = setrlimit(Resource::Core, Rlimit { current: Some(0), maximum: Some(0) });
    hide_memory();
}

/// The limit bounds a file. It does not keep Linux from handing the memory to the program that `core_pattern` may name.
#[cfg(target_os = "linux")]
fn hide_memory() {
    // Every Linux knows this.
    let _ = rustix::process::set_dumpable_behavior(rustix::process::DumpableBehavior::NotDumpable);
}

/// Other systems write files only.
#[cfg(not(target_os = "linux"))]
fn hide_memory() {}

/// Takes as many file descriptors as the system allows: the more there are, the more strangers may wait.
pub(crate) fn take_all_descriptors() {
    let Rlimit { maximum, .. } = getrlimit(Resource::Nofile);
    // Where that is more than the system gives, the usual limit stays.
    let _ = setrlimit(Resource::Nofile, Rlimit { current: maximum, maximum });
}

/// Stops the whole program until the shell continues it.
pub(crate) fn stop() {
    // Raising this signal cannot fail.
    let _ = raise(SIGSTOP);
}

/// Whether the key that stops a program must do nothing: the signal was ignored when the program started, as by a
/// parent that could not continue the program.
pub(crate) fn never_stops() -> bool {
    ignored().contains(&SIGTSTP)
}

/// The signals that were ignored when the program started, by `nohup` or a shell; they stay ignored. Always empty on
/// systems other than Linux, which do not report them.
pub(crate) fn ignored() -> Vec<i32> {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:")).unwrap_or_default();
    let mask = u64::from_str_radix(mask.trim(), 16).unwrap_or(0);
    (1..=64).filter(|signal| mask & (1 << (signal - 1)) != 0).collect()
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use rustix::process::{DumpableBehavior, dumpable_behavior};

    use super::*;

    #[test]
    fn neither_a_file_nor_another_program_gets_the_memory() {
        dump_no_core();
        let Rlimit { current, maximum } = getrlimit(Resource::Core);
        assert_eq!((current, maximum), (Some(0), Some(0)));
        assert_eq!(dumpable_behavior().unwrap(), DumpableBehavior::NotDumpable);
    }
}
