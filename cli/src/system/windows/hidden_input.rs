//! Keys of the console, which shows none of them.

use std::io::{self, Write, stderr};
use std::time::{Duration, Instant};

use crossterm::event::{self, Event, KeyCode, KeyEvent, KeyEventKind, KeyModifiers};
use crossterm::terminal::{disable_raw_mode, enable_raw_mode};

/// A console that delivers single keys and shows none. Dropping this restores the console.
pub(crate) struct HiddenInput {
    /// What was typed already.
    next: Option<u8>,
}

impl HiddenInput {
    /// Begins.
    ///
    /// # Errors
    /// If the console is gone.
    pub(crate) fn start() -> io::Result<Self> {
        enable_raw_mode()?;
        Ok(Self { next: None })
    }

    /// The next byte that is typed, never `None`. Keys of other characters than those of ASCII are question marks.
    ///
    /// # Errors
    /// If the console is gone.
    pub(crate) fn key(&mut self) -> io::Result<Option<u8>> {
        loop {
            if let Some(byte) = self.next.take() {
                return Ok(Some(byte));
            }
            self.next = byte(&event::read()?);
        }
    }

    /// Whether another byte comes within `time`. The end of a press is none.
    pub(crate) fn more_comes(&mut self, time: Duration) -> bool {
        let end = Instant::now() + time;
        while self.next.is_none()
            && event::poll(end.saturating_duration_since(Instant::now())).is_ok_and(|is| is)
        {
            match event::read() {
                Ok(event) => self.next = byte(&event),
                Err(_) => return false,
            }
        }
        self.next.is_some()
    }

    /// Drops what was typed and not read.
    pub(crate) fn drop_typed(&mut self) {
        while self.more_comes(Duration::ZERO) {
            self.next = None;
        }
    }
}

impl Drop for HiddenInput {
    fn drop(&mut self) {
        // A console that is gone needs no restoration.
        let _ = disable_raw_mode();
        let _ = writeln!(stderr());
    }
}

/// What a terminal would send for a key.
fn byte(event: &Event) -> Option<u8> {
    match *event {
        Event::Key(KeyEvent { kind: KeyEventKind::Release, .. }) => None,
        Event::Key(KeyEvent { code: KeyCode::Enter, .. }) => Some(b'\r'),
        Event::Key(KeyEvent { code: KeyCode::Backspace, .. }) => Some(0x08),
        Event::Key(KeyEvent { code: KeyCode::Char(c), modifiers, .. }) => {
            let byte = u8::try_from(c).ok().filter(u8::is_ascii).unwrap_or(b'?');
            Some(if modifiers == KeyModifiers::CONTROL { byte & 0x1f } else { byte })
        }
        _ => None,
    }
}
