//! The console.

use std::io::{self, Stdout, Write, stdout};
use std::time::Duration;

use crossterm::ansi_support::supports_ansi;
use crossterm::event;

/// What the console is written through: only standard output brings it all characters.
pub(crate) type Output = Stdout;

/// Whether a new size comes among the keys.
pub(crate) const RESIZES_COME_AS_KEYS: bool = true;

/// How long to wait for a key at a time.
const LONG: Duration = Duration::from_secs(3600);

/// Whether the console obeys control sequences, which it is asked to do.
pub(crate) fn obeys_sequences() -> bool {
    supports_ansi()
}

/// The columns and rows of the console, if it tells.
pub(crate) fn size() -> Option<(u16, u16)> {
    crossterm::terminal::size().ok()
}

/// Whether another program owns the console: no shell shares it with a program that it started.
pub(crate) fn is_behind() -> bool {
    false
}

/// Whether another program used the console while this one was stopped: no program is stopped.
///
/// # Errors
/// None.
pub(crate) fn was_lent() -> io::Result<bool> {
    Ok(false)
}

/// What was typed and not read: nothing, since it comes as keys.
pub(crate) fn typed_ahead(_most: usize) -> Vec<u8> {
    Vec::new()
}

/// Waits for keys. Returns false if the console is gone.
pub(crate) fn wait_for_keys() -> bool {
    loop {
        match event::poll(LONG) {
            Ok(true) => return true,
            Ok(false) => {}
            Err(_) => return false,
        }
    }
}

/// The console. Writing may wait.
///
/// # Errors
/// None.
pub(crate) fn output() -> io::Result<Output> {
    Ok(stdout())
}

/// Waits until `out` accepts something: writing itself waits.
///
/// # Errors
/// None.
pub(crate) fn wait_for(_out: &Output, _time: Duration) -> io::Result<()> {
    Ok(())
}

/// Whether the console accepts something; nobody tells beforehand.
pub(crate) fn accepts_output(_time: Duration) -> bool {
    true
}

/// Writes a few bytes.
///
/// # Errors
/// If the console is gone.
pub(crate) fn write_directly(text: &str) -> io::Result<()> {
    let mut out = stdout().lock();
    out.write_all(text.as_bytes())?;
    out.flush()
}

/// Does nothing: the console shows what it accepts.
pub(crate) fn drop_output() {}

/// Drops what was typed and not read.
pub(crate) fn drop_input() {
    while event::poll(Duration::ZERO).is_ok_and(|waits| waits) && event::read().is_ok() {}
}
