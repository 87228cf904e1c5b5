//! The terminal: its size, its modes, and their restoration, however the program ends.

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

/// Makes the terminal mark pasted text (bracketed paste).
const MARK_PASTES: &str = "\x1b[?2004h";

/// Restores the modes that this program changes: bracketed paste, automatic wrapping, synchronized output.
const USUAL_MODES: &str = "\x1b[?2004l\x1b[?7h\x1b[?2026l";

/// Shows another screen than that of the shell, and makes the terminal report whether the user looks at it.
const BEGIN_FULL_SCREEN: &str = "\x1b[?1049h\x1b[?1004h";

/// Shows the screen of the shell again, with its cursor.
pub(crate) const END_FULL_SCREEN: &str = "\x1b[?1004l\x1b[?25h\x1b[?1049l";

/// The assumed size of a terminal that reports none.
const USUAL_SIZE: Size = Size { columns: 80, rows: 24 };

/// The maximum of text typed before the terminal is taken, in bytes. A terminal keeps no more.
const MAX_TYPED_AHEAD: usize = 4096;

/// How often to check whether the terminal accepts output before output in progress is dropped; half a second in all.
const LOOKS: usize = 25;

/// The maximum duration of one check.
const LOOK: Timespec = Timespec { tv_sec: 0, tv_nsec: 20_000_000 };

/// Whether the terminal is in the modes of this program.
static IS_TAKEN: AtomicBool = AtomicBool::new(false);

/// Whether the terminal shows another screen than that of the shell.
static IS_FULL: AtomicBool = AtomicBool::new(false);

/// Whether the program is ending in the middle of something, so that nothing but the usual modes may be written.
static IS_GIVEN_UP: AtomicBool = AtomicBool::new(false);

/// Held by the thread that is writing to the terminal.
static WRITING: Mutex<()> = Mutex::new(());

/// Whether the program can read single keys and place rows: both ends are a terminal that obeys control sequences.
pub(crate) fn is_editable() -> bool {
    stdin().is_terminal() && stdout().is_terminal() && !is_dumb()
}

/// Whether the terminal obeys line ends only (`TERM=dumb`).
pub(crate) fn is_dumb() -> bool {
    env::var("TERM").is_ok_and(|term| term == "dumb")
}

/// Whether the terminal has 256 colours or more, by what it is called.
pub(crate) fn has_many_colours() -> bool {
    let has = |name, words: &[&str]| {
        env::var(name).is_ok_and(|value: String| words.iter().any(|word| value.contains(word)))
    };
    has("TERM", &["256", "direct", "kitty", "alacritty"]) || has("COLORTERM", &["truecolor", "24bit"])
}

/// The size of the terminal that shows standard output.
pub(crate) fn size() -> Size {
    match tcgetwinsize(stdout()) {
        Ok(size) if size.ws_col > 0 && size.ws_row > 0 => {
            Size { columns: size.ws_col.into(), rows: size.ws_row.into() }
        }
        _ => USUAL_SIZE,
    }
}

/// Takes the terminal: from now on it delivers single keys and echoes nothing.
///
/// # Errors
/// If the terminal is gone.
pub(crate) fn take() -> io::Result<()> {
    IS_TAKEN.store(true, Ordering::SeqCst);
    enable_raw_mode()?;
    write(MARK_PASTES);
    Ok(())
}

/// Restores the terminal. Does nothing if it is restored already. Any thread may call this.
pub(crate) fn give_back() {
    if IS_TAKEN.swap(false, Ordering::SeqCst) {
        // A terminal that is gone needs no restoration.
        let _ = disable_raw_mode();
        write(&usual_modes());
    }
}

/// As [`give_back`], in the middle of output: further text begins on a row of its own. What a slow terminal has not
/// shown yet is dropped.
pub(crate) fn abandon() {
    if IS_TAKEN.swap(false, Ordering::SeqCst) {
        IS_GIVEN_UP.store(true, Ordering::SeqCst);
        let _ = disable_raw_mode();
        write(&format!("{}\r\n", usual_modes()));
    }
}

/// What restores the modes that this program has changed.
fn usual_modes() -> String {
    let screen = if IS_FULL.swap(false, Ordering::SeqCst) { END_FULL_SCREEN } else { "" };
    screen.to_owned() + USUAL_MODES
}

/// What is to be written so that the terminal shows another screen. From now on a restoration of the terminal ends that.
pub(crate) fn begin_full_screen() -> &'static str {
    IS_FULL.store(true, Ordering::SeqCst);
    BEGIN_FULL_SCREEN
}

/// [`END_FULL_SCREEN`] was written.
pub(crate) fn has_ended_full_screen() {
    IS_FULL.store(false, Ordering::SeqCst);
}

/// Takes the terminal again after the program was stopped. Returns whether another program used the terminal meanwhile.
/// If a shell still owns the terminal, the system stops the program until the shell hands it over.
///
/// # Errors
/// As [`take`].
pub(crate) fn take_again() -> io::Result<bool> {
    let is_behind = tcgetpgrp(stdin()).is_ok_and(|front| front != getpgrp());
    if is_behind {
        // Only the foreground program may do this, so the system stops a program in the background; the call changes
        // nothing else. A stop by our own signal could come after the shell has handed over the terminal.
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

/// Makes a panic restore the terminal before its report is printed.
pub(crate) fn give_back_on_panic() {
    let report = panic::take_hook();
    panic::set_hook(Box::new(move |info| {
        abandon();
        report(info);
    }));
}

/// The text typed before the terminal was taken, with the line ends that the terminal made.
pub(crate) fn typed_ahead() -> String {
    let waiting = rustix::io::ioctl_fionread(stdin()).unwrap_or(0);
    let mut bytes = vec![0; usize::try_from(waiting).unwrap_or(0).min(MAX_TYPED_AHEAD)];
    let count = if bytes.is_empty() { 0 } else { rustix::io::read(stdin(), &mut bytes).unwrap_or(0) };
    bytes.truncate(count);
    String::from_utf8_lossy(&bytes).into_owned()
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

/// Writes all `bytes` to the terminal `out`, or stops when the program ends in the middle.
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

/// Writes a few bytes. If the terminal accepts nothing for half a second, drops the earlier output and tries again.
fn write(text: &str) {
    if (0..LOOKS).any(|_| write_now(text)) {
        return;
    }
    let _ = tcflush(stdout(), QueueSelector::OFlush);
    let _ = (0..LOOKS).any(|_| write_now(text));
}

/// Writes `text` if the terminal accepts output and no other thread writes. Waits a moment for the terminal.
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

    /// Runs in a process of its own, on the terminal of the test below.
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
