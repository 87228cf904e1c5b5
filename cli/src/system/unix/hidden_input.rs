//! Keys of the terminal on standard input, which shows none of them.

use std::io::{self, Stdin, Write, stderr, stdin};
use std::process;
use std::thread::{self, JoinHandle};
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::retry_on_intr;
use rustix::termios::{
    LocalModes, OptionalActions, QueueSelector, SpecialCodeIndex, Termios, tcflush, tcgetattr, tcsetattr,
};
use signal_hook::iterator::Handle;
use zeroize::Zeroizing;

use super::signals::{ABORTS, ENDINGS, heeded};

/// A terminal that delivers single keys and shows none. Dropping this restores the terminal, and so does a signal that
/// ends the program.
pub(crate) struct HiddenInput {
    terminal: Stdin,
    /// The last key.
    key: Zeroizing<[u8; 1]>,
    usual: Termios,
    signals: Handle,
    watch: Option<JoinHandle<()>>,
}

impl HiddenInput {
    /// Begins.
    ///
    /// # Errors
    /// If the terminal is gone, or the system starts no thread.
    pub(crate) fn start() -> io::Result<Self> {
        let usual = tcgetattr(stdin())?;
        let mut signals = heeded(ENDINGS.into_iter().chain(ABORTS))?;
        let (handle, modes) = (signals.handle(), usual.clone());
        let watch = thread::Builder::new().name("ask".into()).spawn(move || {
            if let Some(signal) = signals.forever().next() {
                restore(&modes);
                process::exit(128 + signal);
            }
        })?;
        let (terminal, key) = (stdin(), Zeroizing::new([0]));
        let input = Self { terminal, key, usual, signals: handle, watch: Some(watch) };
        input.hide()?;
        Ok(input)
    }

    /// Lets the terminal deliver single keys and echo none.
    fn hide(&self) -> io::Result<()> {
        let mut modes = self.usual.clone();
        // Without `ISIG`, Ctrl-C comes as a key, and Ctrl-Z does not leave a terminal without echo to the shell.
        modes.local_modes -= LocalModes::ECHO | LocalModes::ECHONL | LocalModes::ICANON | LocalModes::ISIG;
        modes.special_codes[SpecialCodeIndex::VMIN] = 1;
        modes.special_codes[SpecialCodeIndex::VTIME] = 0;
        Ok(tcsetattr(&self.terminal, OptionalActions::Now, &modes)?)
    }

    /// The next byte that is typed. `None` at the end of all input.
    ///
    /// # Errors
    /// If the terminal is gone.
    pub(crate) fn key(&mut self) -> io::Result<Option<u8>> {
        let count = retry_on_intr(|| rustix::io::read(&self.terminal, self.key.as_mut_slice()))?;
        Ok((count > 0).then_some(self.key[0]))
    }

    /// Whether another byte comes within `time`.
    pub(crate) fn more_comes(&self, time: Duration) -> bool {
        let mut polled = [PollFd::new(&self.terminal, PollFlags::IN)];
        Timespec::try_from(time).is_ok_and(|time| poll(&mut polled, Some(&time)).is_ok_and(|ready| ready > 0))
    }

    /// Drops what was typed and not read.
    pub(crate) fn drop_typed(&self) {
        // A terminal that is gone holds nothing.
        let _ = tcflush(&self.terminal, QueueSelector::IFlush);
    }
}

impl Drop for HiddenInput {
    fn drop(&mut self) {
        restore(&self.usual);
        self.signals.close();
        // The thread cannot panic, and ends once its signals are closed.
        let _ = self.watch.take().map(JoinHandle::join);
    }
}

fn restore(usual: &Termios) {
    // A terminal that is gone needs no restoration.
    let _ = tcsetattr(stdin(), OptionalActions::Now, usual);
    let _ = writeln!(stderr());
}
