//! What the console asks for: Ctrl-C, Ctrl-Break, and the end of the window or of the user's session. Nobody tells which
//! of them it was.

use std::io;
#[cfg(feature = "see")]
use std::sync::mpsc::{self, Receiver};

use crate::process::SIGINT;
use crate::system::Request;

/// Calls `handler` in a thread each time the console asks for the end.
///
/// # Errors
/// If the system accepts no handler or starts no thread.
pub(crate) fn handle(_has_desk: bool, mut handler: impl FnMut(Request) + Send + 'static) -> io::Result<()> {
    ctrlc::set_handler(move || handler(Request::Leave(SIGINT))).map_err(io::Error::other)
}

/// A request to end, which is waited for.
#[cfg(feature = "see")]
pub(crate) struct Ending(Receiver<()>);

#[cfg(feature = "see")]
impl Ending {
    /// Takes such requests from now on.
    ///
    /// # Errors
    /// If the system accepts no handler or starts no thread.
    pub(crate) fn new() -> io::Result<Self> {
        let (asked, ending) = mpsc::channel();
        handle(false, move |_| {
            // Nobody waits for a second one.
            let _ = asked.send(());
        })?;
        Ok(Self(ending))
    }

    /// Waits for the first.
    pub(crate) fn wait(self) {
        // The handler, which holds the other end, lasts as long as the program.
        let _ = self.0.recv();
    }
}
