//! The program as a process: how it ends at once, and how it stops.

use std::fs;
use std::process;

use signal_hook::consts::{SIGSTOP, SIGTSTP};
use signal_hook::low_level::raise;

use crate::terminal;

/// Ends the program at once, with the terminal as it was.
pub(crate) fn abort(signal: i32) -> ! {
    terminal::abandon();
    process::exit(128 + signal)
}

/// Stops this thread, and with it the program, until the shell continues it.
pub(crate) fn stop() {
    // It cannot fail for this signal.
    let _ = raise(SIGSTOP);
}

/// Whether the key that stops a program has to do nothing, as under a shell that could not continue it.
pub(crate) fn never_stops() -> bool {
    ignored().contains(&SIGTSTP)
}

/// The signals that were ignored when the program started, by `nohup` or a shell, and stay so. Only Linux tells.
pub(crate) fn ignored() -> Vec<i32> {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:")).unwrap_or_default();
    let mask = u64::from_str_radix(mask.trim(), 16).unwrap_or(0);
    (1..=64).filter(|signal| mask & (1 << (signal - 1)) != 0).collect()
}
