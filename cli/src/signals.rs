//! Signals. The first that asks the program to end leaves the room in order; the second ends the program at once.

use std::io;
use std::sync::Arc;
use std::thread;

use signal_hook::consts::{SIGCONT, SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGTSTP, SIGWINCH};
use signal_hook::iterator::Signals;

use crate::desk::{DeskQueue, Item};
use crate::outcome::Cause;
use crate::process::{abort, ignored};
use crate::session::Session;

/// Starts a thread that handles signals; those of the terminal only if there is a `desk`.
///
/// # Errors
/// If the system accepts no handler or starts no thread.
pub(crate) fn handle(session: Arc<Session>, desk: Option<Arc<DeskQueue>>) -> io::Result<()> {
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

fn tell(desk: Option<&Arc<DeskQueue>>, item: Item) {
    if let Some(desk) = desk {
        desk.put(item);
    }
}
