//! The terminal itself: its size, its modes, and their restoring, whichever way the program ends.

use std::env;
use std::ffi::OsStr;
use std::fs::{File, OpenOptions};
use std::io::{self, IsTerminal, Write, stdin, stdout};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::OpenOptionsExt;
use std::panic;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError, TryLockError};

use crossterm::terminal::{disable_raw_mode, enable_raw_mode};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::OFlags;
use rustix::io::Errno;
use rustix::process::getpgrp;
use rustix::termios::{
    LocalModes, QueueSelector, tcdrain, tcflush, tcgetattr, tcgetpgrp, tcgetwinsize, ttyname,
};

/// The size of a terminal, in characters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Size {
    pub(crate) columns: usize,
    pub(crate) rows: usize,
}

/// Pasted text comes marked.
const MARK_PASTES: &str = "\x1b[?2004h";

/// The modes that this program changes, as they were.
const USUAL_MODES: &str = "\x1b[?2004l\x1b[?7h\x1b[?2026l";

/// The size of a terminal that does not know it.
const USUAL_SIZE: Size = Size { columns: 80, rows: 24 };

/// Type-ahead that is taken, in bytes: a terminal keeps no more.
const MAX_TYPED_AHEAD: usize = 4096;

/// Looks at whether the terminal takes something before it is given back without what is being written: half a second.
const LOOKS: usize = 25;

/// How long one look may last.
const LOOK: Timespec = Timespec { tv_sec: 0, tv_nsec: 20_000_000 };

/// Whether the terminal is in this program's modes.
static IS_TAKEN: AtomicBool = AtomicBool::new(false);

/// Whether nothing more is to be written but the usual modes: the program ends in the middle of something.
static IS_GIVEN_UP: AtomicBool = AtomicBool::new(false);

/// Held by whoever writes.
static WRITING: Mutex<()> = Mutex::new(());

/// Whether keys can be read one by one, and rows be placed.
pub(crate) fn is_editable() -> bool {
    stdin().is_terminal() && stdout().is_terminal() && !is_dumb()
}

/// Whether the terminal obeys nothing but line ends.
pub(crate) fn is_dumb() -> bool {
    env::var("TERM").is_ok_and(|term| term == "dumb")
}

/// The size of the terminal that shows the output.
pub(crate) fn size() -> Size {
    match tcgetwinsize(stdout()) {
        Ok(size) if size.ws_col > 0 && size.ws_row > 0 => {
            Size { columns: size.ws_col.into(), rows: size.ws_row.into() }
        }
        _ => USUAL_SIZE,
    }
}

/// Takes the terminal: keys come one by one, and nothing is echoed.
///
/// # Errors
/// If the terminal is gone.
pub(crate) fn take() -> io::Result<()> {
    IS_TAKEN.store(true, Ordering::SeqCst);
    enable_raw_mode()?;
    write(MARK_PASTES);
    Ok(())
}

/// Gives the terminal back as it was. It may be given back already, and by any thread.
pub(crate) fn give_back() {
    if IS_TAKEN.swap(false, Ordering::SeqCst) {
        // A terminal that is gone needs no restoring.
        let _ = disable_raw_mode();
        write(USUAL_MODES);
    }
}

/// As [`give_back`], in the middle of something: what comes next begins on a row of its own. What a slow terminal
/// has not shown yet is dropped.
pub(crate) fn abandon() {
    if IS_TAKEN.swap(false, Ordering::SeqCst) {
        IS_GIVEN_UP.store(true, Ordering::SeqCst);
        let _ = disable_raw_mode();
        write(&format!("{USUAL_MODES}\r\n"));
    }
}

/// Takes the terminal again after the program was stopped. True if another program had it meanwhile. If a shell still
/// has it, the system stops the program until the shell gives it.
///
/// # Errors
/// As [`take`].
pub(crate) fn take_again() -> io::Result<bool> {
    let is_behind = tcgetpgrp(stdin()).is_ok_and(|front| front != getpgrp());
    if is_behind {
        // Of all that the system lets only the program in front do, this changes nothing. Stopping oneself could
        // come too late, after the shell has given the terminal.
        let _ = tcdrain(stdin());
    }
    let is_of_shell = tcgetattr(stdin())?.local_modes.contains(LocalModes::ICANON);
    let was_away = is_behind || is_of_shell || !IS_TAKEN.load(Ordering::SeqCst);
    if was_away {
        disable_raw_mode()?;
        take()?;
    }
    Ok(was_away)
}

/// A panic gives the terminal back before it is reported.
pub(crate) fn give_back_on_panic() {
    let report = panic::take_hook();
    panic::set_hook(Box::new(move |info| {
        abandon();
        report(info);
    }));
}

/// What was typed before the terminal was taken, line ends as the terminal made them.
pub(crate) fn typed_ahead() -> String {
    let waiting = rustix::io::ioctl_fionread(stdin()).unwrap_or(0);
    let mut bytes = vec![0; usize::try_from(waiting).unwrap_or(0).min(MAX_TYPED_AHEAD)];
    let count = if bytes.is_empty() { 0 } else { rustix::io::read(stdin(), &mut bytes).unwrap_or(0) };
    bytes.truncate(count);
    String::from_utf8_lossy(&bytes).into_owned()
}

/// Waits for keys. False if the terminal is gone.
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

/// The terminal that shows the output, to be written to without waiting. A terminal that cannot be opened anew may make
/// the writer wait.
///
/// # Errors
/// If standard output is closed.
pub(crate) fn output() -> io::Result<File> {
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

/// Writes all `bytes` to the terminal `out`, unless the terminal is given up meanwhile.
///
/// # Errors
/// If the terminal is gone.
pub(crate) fn write_all(out: &mut File, mut bytes: &[u8]) -> io::Result<()> {
    while !bytes.is_empty() {
        let writing = WRITING.lock().unwrap_or_else(PoisonError::into_inner);
        if IS_GIVEN_UP.load(Ordering::SeqCst) {
            return Ok(());
        }
        match out.write(bytes) {
            Ok(count) => bytes = bytes.get(count..).unwrap_or_default(),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                drop(writing);
                let polled = poll(&mut [PollFd::new(out, PollFlags::OUT)], Some(&LOOK));
                polled.map(drop).or_else(|error| if error == Errno::INTR { Ok(()) } else { Err(error) })?;
            }
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

/// Writes a few bytes. For a terminal that takes nothing, this waits a while, and then drops what was written before.
fn write(text: &str) {
    if (0..LOOKS).any(|_| write_now(text)) {
        return;
    }
    let _ = tcflush(stdout(), QueueSelector::OFlush);
    let _ = (0..LOOKS).any(|_| write_now(text));
}

/// Writes if the terminal takes something and nobody else writes. Waits a moment for that.
fn write_now(text: &str) -> bool {
    let stdout = stdout();
    let mut polled = [PollFd::new(&stdout, PollFlags::OUT)];
    let takes_something = poll(&mut polled, Some(&LOOK)) == Ok(1);
    let writing = WRITING.try_lock();
    let is_alone = !matches!(writing, Err(TryLockError::WouldBlock));
    takes_something && is_alone && rustix::io::write(&stdout, text.as_bytes()).is_ok()
}

#[cfg(test)]
mod tests {
    use std::fs::OpenOptions;
    use std::io::Read;
    use std::process::{Command, Stdio};

    use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};

    use super::*;

    /// Runs on the terminal of the test below.
    #[test]
    #[ignore = "panics on a terminal that is its own"]
    fn panics_with_the_terminal_taken() {
        give_back_on_panic();
        take().unwrap();
        panic!("a panic with the terminal taken");
    }

    #[test]
    fn a_panic_gives_the_terminal_back_before_it_is_reported() {
        let master = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
        grantpt(&master).unwrap();
        unlockpt(&master).unwrap();
        let path = ptsname(&master, Vec::new()).unwrap().into_string().unwrap();
        let slave = OpenOptions::new().read(true).write(true).open(path).unwrap();
        let stdio = || Stdio::from(slave.try_clone().unwrap());
        let test = "terminal::tests::panics_with_the_terminal_taken";
        let mut child = Command::new(env::current_exe().unwrap())
            .args(["--exact", test, "--ignored", "--nocapture"])
            .stdin(stdio())
            .stdout(stdio())
            .stderr(stdio())
            .spawn()
            .unwrap();
        assert!(!child.wait().unwrap().success());
        assert!(tcgetattr(&slave).unwrap().local_modes.contains(LocalModes::ICANON | LocalModes::ECHO));
        let mut written = vec![0; 64 * 1024];
        let count = File::from(master).read(&mut written).unwrap();
        let written = String::from_utf8_lossy(&written[..count]);
        let at = |text| written.find(text).unwrap_or_else(|| panic!("no {text:?} in {written:?}"));
        assert!(at(MARK_PASTES) < at(USUAL_MODES) && at(USUAL_MODES) < at("a panic with the terminal taken"));
    }
}
