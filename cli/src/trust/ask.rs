//! Asks at the terminal for what must not be shown.

use std::io::{self, Write, stderr, stdin};
use std::process;
use std::thread;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;
use rustix::termios::{
    LocalModes, OptionalActions, QueueSelector, SpecialCodeIndex, Termios, tcflush, tcgetattr, tcsetattr,
};
use signal_hook::consts::{SIGHUP, SIGINT, SIGQUIT, SIGTERM};
use signal_hook::iterator::Signals;
use zeroize::Zeroizing;

use crate::process::ignored;

/// Bytes of an answer, at most; what is typed beyond is dropped.
const MAX_BYTES: usize = 4096;

/// How long the next row of what was pasted may take.
const NEXT_ROW: Timespec = Timespec { tv_sec: 0, tv_nsec: 100_000_000 };

/// Asks `question` on standard error, and reads what is typed at the terminal on standard input until Enter, without
/// echo. Empty if nothing was typed.
///
/// Somebody may paste the answer in several rows. So Enter does not end what is not whole if more waits; and if the answer is
/// not whole in the end, what waits is dropped, for it may be a secret and would go to the shell.
///
/// # Errors
/// If the terminal is gone.
pub(super) fn ask(question: &str, is_whole: impl Fn(&[u8]) -> bool) -> io::Result<Zeroizing<Vec<u8>>> {
    let usual = tcgetattr(stdin())?;
    let ignored = ignored();
    let ending = [SIGINT, SIGTERM, SIGHUP, SIGQUIT].into_iter().filter(|signal| !ignored.contains(signal));
    let mut signals = Signals::new(ending)?;
    let (handle, modes) = (signals.handle(), usual.clone());
    let watch = thread::Builder::new().name("ask".into()).spawn(move || {
        if let Some(signal) = signals.forever().next() {
            restore(&modes);
            process::exit(128 + signal);
        }
    })?;
    let typed = hide(&usual).and_then(|()| {
        write!(stderr(), "{question}")?;
        read(is_whole)
    });
    restore(&usual);
    handle.close();
    // The thread cannot panic, and ends once its signals are closed.
    let _ = watch.join();
    match typed? {
        Typed::Line(line) => Ok(line),
        Typed::Interrupt => process::exit(128 + SIGINT),
    }
}

/// What the user did.
enum Typed {
    Line(Zeroizing<Vec<u8>>),
    /// The user pressed Ctrl-C.
    Interrupt,
}

/// Lets the terminal deliver single keys and echo none.
fn hide(usual: &Termios) -> io::Result<()> {
    let mut modes = usual.clone();
    // Without `ISIG`, Ctrl-C comes as a key, and Ctrl-Z does not leave a terminal without echo to the shell.
    modes.local_modes -= LocalModes::ECHO | LocalModes::ECHONL | LocalModes::ICANON | LocalModes::ISIG;
    modes.special_codes[SpecialCodeIndex::VMIN] = 1;
    modes.special_codes[SpecialCodeIndex::VTIME] = 0;
    Ok(tcsetattr(stdin(), OptionalActions::Now, &modes)?)
}

fn restore(usual: &Termios) {
    // A terminal that is gone needs no restoration.
    let _ = tcsetattr(stdin(), OptionalActions::Now, usual);
    let _ = writeln!(stderr());
}

/// Reads keys, one by one, so that what is typed after Enter stays for the room.
fn read(is_whole: impl Fn(&[u8]) -> bool) -> io::Result<Typed> {
    let mut line = Zeroizing::new(Vec::with_capacity(MAX_BYTES));
    let mut key = Zeroizing::new([0; 1]);
    loop {
        match rustix::io::read(stdin(), key.as_mut_slice()) {
            Ok(0) => return Ok(Typed::Line(line)),
            Ok(_) => {}
            Err(Errno::INTR) => continue,
            Err(error) => return Err(error.into()),
        }
        match key[0] {
            b'\r' | b'\n' if !is_whole(&line) && more_waits() => {}
            b'\r' | b'\n' | 0x04 => {
                if !is_whole(&line) {
                    // A terminal that is gone holds nothing.
                    let _ = tcflush(stdin(), QueueSelector::IFlush);
                }
                return Ok(Typed::Line(line));
            }
            0x03 => return Ok(Typed::Interrupt),
            0x7f | 0x08 => drop(line.pop()),
            // Ctrl-U begins again.
            0x15 => line.clear(),
            other if line.len() < MAX_BYTES && !other.is_ascii_control() => line.push(other),
            _ => {}
        }
    }
}

/// Whether another row comes at once, as of what is pasted.
fn more_waits() -> bool {
    let stdin = stdin();
    poll(&mut [PollFd::new(&stdin, PollFlags::IN)], Some(&NEXT_ROW)).is_ok_and(|ready| ready > 0)
}
