//! The terminal on standard input and output.

use std::ffi::OsStr;
use std::fs::{File, OpenOptions};
use std::io::{self, stdin, stdout};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::OpenOptionsExt;
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::OFlags;
use rustix::io::Errno;
use rustix::process::getpgrp;
use rustix::termios::{
    LocalModes, QueueSelector, tcdrain, tcflush, tcgetattr, tcgetpgrp, tcgetwinsize, ttyname,
};

/// What a terminal is written through.
pub(crate) type Output = File;

/// Whether a new size comes among the keys: no, a signal tells it.
pub(crate) const RESIZES_COME_AS_KEYS: bool = false;

/// Whether terminals obey control sequences. A variable tells of those that do not.
pub(crate) fn obeys_sequences() -> bool {
    true
}

/// The columns and rows of the terminal that shows standard output, if it tells.
pub(crate) fn size() -> Option<(u16, u16)> {
    tcgetwinsize(stdout()).ok().map(|size| (size.ws_col, size.ws_row))
}

/// Whether another program owns the terminal, such as a shell.
pub(crate) fn is_behind() -> bool {
    tcgetpgrp(stdin()).is_ok_and(|front| front != getpgrp())
}

/// Whether another program used the terminal while this one was stopped, or still does. If a shell owns the terminal,
/// the system stops the program until the shell hands it over.
///
/// # Errors
/// If the terminal is gone.
pub(crate) fn was_lent() -> io::Result<bool> {
    let is_behind = is_behind();
    if is_behind {
        // Only the foreground program may do this, so the system stops a program in the background; the call changes
        // nothing else. A stop by our own signal could come after the shell has handed over the terminal.
        let _ = tcdrain(stdin());
    }
    let is_of_shell = tcgetattr(stdin())?.local_modes.contains(LocalModes::ICANON);
    Ok(is_behind || is_of_shell)
}

/// The bytes that were typed and not read, `most` at most.
pub(crate) fn typed_ahead(most: usize) -> Vec<u8> {
    let waiting = rustix::io::ioctl_fionread(stdin()).unwrap_or(0);
    let mut bytes = vec![0; usize::try_from(waiting).unwrap_or(0).min(most)];
    let count = if bytes.is_empty() { 0 } else { rustix::io::read(stdin(), &mut bytes).unwrap_or(0) };
    bytes.truncate(count);
    bytes
}

/// Waits for keys. Returns false if the terminal is gone.
pub(crate) fn wait_for_keys() -> bool {
    let stdin = stdin();
    let mut polled = [PollFd::new(&stdin, PollFlags::IN)];
    loop {
        match poll(&mut polled, None) {
            Ok(_) => break,
            Err(Errno::INTR) => {}
            Err(_) => return false,
        }
    }
    !polled[0].revents().intersects(PollFlags::HUP | PollFlags::ERR | PollFlags::NVAL)
}

/// The terminal that shows standard output, opened for writing without waiting. If the terminal cannot be opened a
/// second time, this is standard output itself, and writing may wait.
///
/// # Errors
/// If standard output is closed.
pub(crate) fn output() -> io::Result<Output> {
    let flags = (OFlags::NOCTTY | OFlags::NONBLOCK).bits();
    let anew = ttyname(stdout(), Vec::new()).ok().and_then(|path| {
        let flags = flags.try_into().ok()?;
        OpenOptions::new().write(true).custom_flags(flags).open(OsStr::from_bytes(path.as_bytes())).ok()
    });
    match anew {
        Some(terminal) => Ok(terminal),
        None => Ok(rustix::io::dup(stdout())?.into()),
    }
}

/// Waits until `out` accepts something, for `time` at most.
///
/// # Errors
/// If the terminal is gone.
pub(crate) fn wait_for(out: &Output, time: Duration) -> io::Result<()> {
    let time = Timespec::try_from(time).map_err(io::Error::other)?;
    match poll(&mut [PollFd::new(out, PollFlags::OUT)], Some(&time)) {
        Ok(_) | Err(Errno::INTR) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

/// Whether standard output accepts something within `time`.
pub(crate) fn accepts_output(time: Duration) -> bool {
    let stdout = stdout();
    let mut polled = [PollFd::new(&stdout, PollFlags::OUT)];
    Timespec::try_from(time).is_ok_and(|time| poll(&mut polled, Some(&time)) == Ok(1))
}

/// Writes a few bytes to standard output, past its buffer.
///
/// # Errors
/// If standard output accepts nothing.
pub(crate) fn write_directly(text: &str) -> io::Result<()> {
    rustix::io::write(stdout(), text.as_bytes())?;
    Ok(())
}

/// Drops what a slow terminal has not shown yet.
pub(crate) fn drop_output() {
    let _ = tcflush(stdout(), QueueSelector::OFlush);
}

/// Drops what was typed and not read.
pub(crate) fn drop_input() {
    let _ = tcflush(stdin(), QueueSelector::IFlush);
}
