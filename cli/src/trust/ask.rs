//! Asks at the terminal for what must not be shown.

use std::io::{self, Write, stderr};
use std::process;
use std::time::Duration;

use zeroize::Zeroizing;

use crate::process::SIGINT;
use crate::system::hidden_input::HiddenInput;

/// Bytes of an answer, at most; what is typed beyond is dropped.
const MAX_BYTES: usize = 4096;

/// How long the next row of what was pasted may take.
const NEXT_ROW: Duration = Duration::from_millis(100);

/// Asks `question` on standard error, and reads what is typed at the terminal on standard input until Enter, without
/// echo. Empty if nothing was typed.
///
/// Somebody may paste the answer in several rows. So Enter does not end what is not whole if more waits; and if the answer
/// is not whole in the end, what waits is dropped, for it may be a secret and would go to the shell.
///
/// # Errors
/// If the terminal is gone.
pub(super) fn ask(question: &str, is_whole: impl Fn(&[u8]) -> bool) -> io::Result<Zeroizing<Vec<u8>>> {
    let mut input = HiddenInput::start()?;
    write!(stderr(), "{question}")?;
    let typed = read(&mut input, is_whole);
    drop(input);
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

/// Reads keys, one by one, so that what is typed after Enter stays for the room.
fn read(input: &mut HiddenInput, is_whole: impl Fn(&[u8]) -> bool) -> io::Result<Typed> {
    let mut line = Zeroizing::new(Vec::with_capacity(MAX_BYTES));
    while let Some(key) = input.key()? {
        match key {
            b'\r' | b'\n' if !is_whole(&line) && input.more_comes(NEXT_ROW) => {}
            b'\r' | b'\n' | 0x04 => {
                if !is_whole(&line) {
                    input.drop_typed();
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
    Ok(Typed::Line(line))
}
