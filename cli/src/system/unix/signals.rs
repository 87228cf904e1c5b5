//! Signals.

use std::io;
use std::thread;

use signal_hook::consts::{
    SIGABRT, SIGALRM, SIGCONT, SIGHUP, SIGINT, SIGPROF, SIGQUIT, SIGTERM, SIGTSTP, SIGUSR1, SIGUSR2,
    SIGVTALRM, SIGWINCH, SIGXCPU, SIGXFSZ,
};
use signal_hook::iterator::Signals;

use super::process::ignored;
use crate::system::Request;

/// The signals that ask the program to end. Nothing in it needs those of timers and limits, which would end it anyway.
pub(super) const ENDINGS: [i32; 10] =
    [SIGINT, SIGTERM, SIGHUP, SIGUSR1, SIGUSR2, SIGALRM, SIGVTALRM, SIGPROF, SIGXCPU, SIGXFSZ];

/// The signals that end the program at once.
pub(super) const ABORTS: [i32; 2] = [SIGQUIT, SIGABRT];

/// Starts a thread that calls `handler` for each signal; for those of the terminal only if there is a desk.
///
/// # Errors
/// If the system accepts no handler or starts no thread.
pub(crate) fn handle(has_desk: bool, mut handler: impl FnMut(Request) + Send + 'static) -> io::Result<()> {
    let of_terminal = ABORTS.into_iter().chain([SIGTSTP, SIGCONT, SIGWINCH]).filter(|_| has_desk);
    let mut signals = heeded(ENDINGS.into_iter().chain(of_terminal))?;
    thread::Builder::new().name("signals".into()).spawn(move || {
        for signal in signals.forever() {
            handler(match signal {
                SIGHUP => Request::HangUp(signal),
                SIGQUIT | SIGABRT => Request::Abort(signal),
                SIGTSTP => Request::Stop,
                SIGCONT => Request::GoOn,
                SIGWINCH => Request::Resize,
                _ => Request::Leave(signal),
            });
        }
    })?;
    Ok(())
}

/// A signal that asks the program to end, which is waited for.
#[cfg(feature = "see")]
pub(crate) struct Ending(Signals);

#[cfg(feature = "see")]
impl Ending {
    /// Takes such signals from now on.
    ///
    /// # Errors
    /// If the system accepts no handler.
    pub(crate) fn new() -> io::Result<Self> {
        heeded([SIGINT, SIGTERM, SIGHUP]).map(Self)
    }

    /// Waits for the first.
    pub(crate) fn wait(mut self) {
        self.0.forever().next();
    }
}

/// Those of `signals` that were not ignored when the program started.
pub(super) fn heeded(signals: impl IntoIterator<Item = i32>) -> io::Result<Signals> {
    let ignored = ignored();
    Signals::new(signals.into_iter().filter(|signal| !ignored.contains(signal)))
}
