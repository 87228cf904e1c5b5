//! Signals: the first leaves the room in order, the second ends the program at once.

use std::io;
use std::process;
use std::sync::Arc;
use std::thread;

use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::iterator::Signals;

use crate::outcome::Cause;
use crate::session::Session;
use crate::terminal::Saved;

/// Handles signals from now on. Before the program is ended at once, `terminal` is restored.
///
/// # Errors
/// If the system takes no handler.
pub(crate) fn handle(session: Arc<Session>, terminal: Option<Arc<Saved>>) -> io::Result<()> {
    let mut signals = Signals::new([SIGINT, SIGTERM, SIGHUP])?;
    thread::Builder::new().name("signals".into()).spawn(move || {
        for signal in signals.forever() {
            if session.is_interrupted() {
                terminal.inspect(|terminal| terminal.restore());
                process::exit(128 + signal);
            }
            session.leave(Cause::Signal(signal));
        }
    })?;
    Ok(())
}
