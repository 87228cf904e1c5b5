//! Signals. The first that asks for the end leaves the room in order, the second ends the program at once.

use std::fs;
use std::io;
use std::process;
use std::sync::Arc;
use std::thread;

use signal_hook::consts::{SIGCONT, SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGTSTP, SIGWINCH};
use signal_hook::iterator::Signals;

use crate::desk::{Inbox, Item};
use crate::outcome::Cause;
use crate::session::Session;
use crate::terminal;

/// Handles signals from now on; those that concern the terminal only if the program edits lines there.
///
/// # Errors
/// If the system takes no handler.
pub(crate) fn handle(session: Arc<Session>, desk: Option<Arc<Inbox>>) -> io::Result<()> {
    let ignored = ignored();
    let of_terminal = [SIGQUIT, SIGTSTP, SIGCONT, SIGWINCH];
    let handled =
        [SIGINT, SIGTERM, SIGHUP].into_iter().chain(of_terminal.into_iter().filter(|_| desk.is_some()));
    let mut signals = Signals::new(handled.filter(|signal| !ignored.contains(signal)))?;
    thread::Builder::new().name("signals".into()).spawn(move || {
        for signal in signals.forever() {
            match signal {
                SIGQUIT => abort(signal),
                SIGTSTP => tell(desk.as_ref(), Item::Stop),
                SIGCONT => tell(desk.as_ref(), Item::Continued),
                SIGWINCH => tell(desk.as_ref(), Item::Resized),
                _ if session.is_interrupted() => abort(signal),
                _ => {
                    session.leave(Cause::Signal(signal));
                    tell(desk.as_ref(), Item::Leaving);
                }
            }
        }
    })?;
    Ok(())
}

/// Ends the program at once, with the terminal as it was.
pub(crate) fn abort(signal: i32) -> ! {
    terminal::abandon();
    process::exit(128 + signal)
}

/// Stops this thread, and with it the program, until the shell continues it.
pub(crate) fn stop() {
    // It cannot fail for this signal.
    let _ = signal_hook::low_level::raise(signal_hook::consts::SIGSTOP);
}

/// Whether the key that stops a program has to do nothing, as under a shell that could not continue it.
pub(crate) fn never_stops() -> bool {
    ignored().contains(&SIGTSTP)
}

fn tell(desk: Option<&Arc<Inbox>>, item: Item) {
    if let Some(desk) = desk {
        desk.put(item);
    }
}

/// The signals that were ignored when the program started, by `nohup` or a shell, and stay so. Only Linux tells.
fn ignored() -> Vec<i32> {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:")).unwrap_or_default();
    let mask = u64::from_str_radix(mask.trim(), 16).unwrap_or(0);
    (1..=64).filter(|signal| mask & (1 << (signal - 1)) != 0).collect()
}
