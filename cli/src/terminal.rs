//! The terminal: its size, its modes, and their restoration, however the program ends.

use std::env;
use std::io::{self, IsTerminal, Write, stdin, stdout};
use std::panic;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use crossterm::terminal::{disable_raw_mode, enable_raw_mode};
use parking_lot::Mutex;

use crate::system::terminal as system;
pub(crate) use crate::system::terminal::{Output, RESIZES_COME_AS_KEYS, is_behind, output, wait_for_keys};

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

/// Erases what stands behind and below the cursor.
const ERASE_BELOW: &str = "\x1b[J";

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
const LOOK: Duration = Duration::from_millis(20);

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
    env::var("TERM").is_ok_and(|term| term == "dumb") || !system::obeys_sequences()
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
    match system::size() {
        Some((columns, rows)) if columns > 0 && rows > 0 => {
            Size { columns: columns.into(), rows: rows.into() }
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

/// As [`give_back`], in the middle of output: further text begins on a row of its own, with nothing below it. What a slow
/// terminal has not shown yet is dropped.
pub(crate) fn abandon() {
    if IS_TAKEN.swap(false, Ordering::SeqCst) {
        IS_GIVEN_UP.store(true, Ordering::SeqCst);
        let _ = disable_raw_mode();
        write(&format!("{}\r\n{ERASE_BELOW}", usual_modes()));
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
    let was_away = system::was_lent()? || !IS_TAKEN.load(Ordering::SeqCst);
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

/// The text typed before the terminal was taken. Each Enter is a newline in it, as the terminal made it, and so is one
/// that was pressed just after the terminal was taken.
pub(crate) fn typed_ahead() -> String {
    String::from_utf8_lossy(&system::typed_ahead(MAX_TYPED_AHEAD)).replace('\r', "\n")
}

/// Drops what was typed and not read. Returns whether a whole line is among it.
pub(crate) fn drop_typed() -> bool {
    let has_line = !typed_ahead().is_empty();
    system::drop_input();
    has_line
}

/// Writes all `bytes` to the terminal `out`, or stops when the program ends in the middle.
///
/// # Errors
/// If the terminal is gone.
pub(crate) fn write_all(out: &mut Output, mut bytes: &[u8]) -> io::Result<()> {
    while !bytes.is_empty() {
        let writing = WRITING.lock();
        if IS_GIVEN_UP.load(Ordering::SeqCst) {
            return Ok(());
        }
        match out.write(bytes) {
            Ok(count) => bytes = bytes.get(count..).unwrap_or_default(),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                drop(writing);
                system::wait_for(out, LOOK)?;
            }
            Err(error) => return Err(error),
        }
    }
    out.flush()
}

/// Writes a few bytes. If the terminal accepts nothing for half a second, drops the earlier output and tries again.
fn write(text: &str) {
    if (0..LOOKS).any(|_| write_now(text)) {
        return;
    }
    system::drop_output();
    let _ = (0..LOOKS).any(|_| write_now(text));
}

/// Writes `text` if the terminal accepts output and no other thread writes. Waits a moment for the terminal, and for the
/// other thread.
fn write_now(text: &str) -> bool {
    let takes_something = system::accepts_output(LOOK);
    let writing = WRITING.try_lock_for(LOOK);
    takes_something && writing.is_some() && system::write_directly(text).is_ok()
}

#[cfg(test)]
pub(crate) mod tests {
    use std::fs::{File, OpenOptions};
    use std::io::Read;
    use std::process::{Command, Stdio};
    use std::sync::mpsc;
    use std::thread;

    use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
    use rustix::termios::{LocalModes, tcgetattr};

    use super::*;

    /// Runs the ignored test called `test`, which panics, in a process of its own on a terminal of its own, and asserts that
    /// the modes of that terminal are the usual ones afterwards. Returns what was written to it.
    pub(crate) fn panic_on_a_terminal(test: &str) -> String {
        let master = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
        grantpt(&master).unwrap();
        unlockpt(&master).unwrap();
        let path = ptsname(&master, Vec::new()).unwrap().into_string().unwrap();
        let slave = OpenOptions::new().read(true).write(true).open(path).unwrap();
        let stdio = || Stdio::from(slave.try_clone().unwrap());
        let mut child = Command::new(env::current_exe().unwrap())
            .args(["--exact", test, "--ignored", "--nocapture"])
            .stdin(stdio())
            .stdout(stdio())
            .stderr(stdio())
            .spawn()
            .unwrap();
        assert!(!child.wait().unwrap().success());
        assert!(tcgetattr(&slave).unwrap().local_modes.contains(LocalModes::ICANON | LocalModes::ECHO));
        // Once nobody has the other end, the terminal gives all that was written, and then an error.
        drop(slave);
        let mut written = Vec::new();
        let _ = File::from(master).read_to_end(&mut written);
        String::from_utf8_lossy(&written).into_owned()
    }

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
        let written = panic_on_a_terminal("terminal::tests::panics_with_the_terminal_taken");
        let at = |text| written.find(text).unwrap_or_else(|| panic!("no {text:?} in {written:?}"));
        assert!(at(MARK_PASTES) < at(USUAL_MODES) && at(USUAL_MODES) < at("a panic with the terminal taken"));
    }

    #[test]
    #[ignore = "panics on a terminal that is its own"]
    fn panics_while_another_thread_writes() {
        give_back_on_panic();
        take().unwrap();
        let (tell, is_held) = mpsc::channel();
        thread::spawn(move || {
            let _writing = WRITING.lock();
            tell.send(()).unwrap();
            thread::park_timeout(LOOK * 5);
        });
        is_held.recv().unwrap();
        panic!("a panic while another thread writes");
    }

    #[test]
    fn a_thread_that_writes_for_a_moment_does_not_keep_the_terminal() {
        let written = panic_on_a_terminal("terminal::tests::panics_while_another_thread_writes");
        assert!(written.contains(USUAL_MODES), "{written:?}");
    }
}
