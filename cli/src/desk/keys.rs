//! Reads keys and tells their meaning. No key waits for another, and unknown keys do nothing.

use std::io;
use std::time::Duration;

use crossterm::event::{self, Event, KeyCode, KeyEvent, KeyEventKind, KeyModifiers};

use super::edit::{Edit, MAX_TYPED};
use super::full_screen::ViewKey;
use super::later::{Gate, Pressed};
use super::{DeskQueue, Item};
use crate::terminal;

/// How long to look for further keys of a burst.
const BURST: Duration = Duration::from_millis(100);

/// How many looks in a row that find no key end a burst. One look is not enough: if the thread does not run for the time
/// of the look, because the machine is busy or the program was stopped, the look does not find keys already read, which
/// would then wait for the next key.
const LOOKS: usize = 2;

/// The meaning of a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Meaning {
    /// Type this character, which may be a newline.
    Type(char),
    /// Change the text, or move the cursor.
    Edit(Edit),
    /// Move to the row above, or to an older line.
    Up,
    /// Move to the row below, or to a newer line.
    Down,
    /// Complete the word left of the cursor, or show the next completion.
    Complete,
    /// Show the completion before.
    CompleteBack,
    /// Send what is typed.
    Send,
    /// Repaint the screen.
    Redraw,
    /// Clear the text, or leave if there is none.
    Interrupt,
    /// Delete the character to the right, or leave if there is no text.
    DeleteOrLeave,
    /// Stop the program until the shell continues it.
    Stop,
    /// End the program at once.
    Abort,
    /// Do what the full screen does with this key. In the line mode, do nothing but close an open question.
    View(ViewKey),
    /// Do nothing but close an open question.
    Nothing,
}

/// The meaning of `key`.
fn meaning(key: KeyEvent) -> Meaning {
    let modifiers = key.modifiers & (KeyModifiers::CONTROL | KeyModifiers::ALT);
    if modifiers == KeyModifiers::CONTROL {
        with_control(key.code)
    } else if modifiers == KeyModifiers::ALT {
        with_alt(key.code)
    } else if modifiers.is_empty() {
        alone(key.code)
    } else {
        Meaning::Nothing
    }
}

fn alone(code: KeyCode) -> Meaning {
    match code {
        KeyCode::Char(c) if !c.is_control() => Meaning::Type(c),
        KeyCode::Enter => Meaning::Send,
        KeyCode::Tab => Meaning::Complete,
        KeyCode::BackTab => Meaning::CompleteBack,
        KeyCode::Backspace => Meaning::Edit(Edit::Backspace),
        KeyCode::Delete => Meaning::Edit(Edit::Delete),
        KeyCode::Left => Meaning::Edit(Edit::Left),
        KeyCode::Right => Meaning::Edit(Edit::Right),
        KeyCode::Home => Meaning::Edit(Edit::Home),
        KeyCode::End => Meaning::Edit(Edit::End),
        KeyCode::Up => Meaning::Up,
        KeyCode::Down => Meaning::Down,
        KeyCode::PageUp => Meaning::View(ViewKey::PageUp),
        KeyCode::PageDown => Meaning::View(ViewKey::PageDown),
        KeyCode::Esc => Meaning::View(ViewKey::Back),
        KeyCode::F(1) => Meaning::View(ViewKey::Keys),
        KeyCode::F(2) => Meaning::View(ViewKey::Ring),
        KeyCode::F(3) => Meaning::View(ViewKey::Plain),
        _ => Meaning::Nothing,
    }
}

fn with_control(code: KeyCode) -> Meaning {
    match code {
        KeyCode::Char('a') => Meaning::Edit(Edit::Home),
        KeyCode::Char('b') => Meaning::Edit(Edit::Left),
        KeyCode::Char('c') => Meaning::Interrupt,
        KeyCode::Char('d') => Meaning::DeleteOrLeave,
        KeyCode::Char('e') => Meaning::Edit(Edit::End),
        KeyCode::Char('f') => Meaning::Edit(Edit::Right),
        KeyCode::Char('h') => Meaning::Edit(Edit::Backspace),
        KeyCode::Char('j') => Meaning::Type('\n'),
        KeyCode::Char('k') => Meaning::Edit(Edit::CutToEnd),
        KeyCode::Char('l') => Meaning::Redraw,
        KeyCode::Char('n') => Meaning::Down,
        KeyCode::Char('p') => Meaning::Up,
        KeyCode::Char('u') => Meaning::Edit(Edit::CutToHome),
        KeyCode::Char('w') => Meaning::Edit(Edit::CutToBlank),
        KeyCode::Char('y') => Meaning::Edit(Edit::Paste),
        KeyCode::Char('z') => Meaning::Stop,
        // A terminal sends the same byte for Ctrl-\ and Ctrl-4, and the same for Ctrl-_, Ctrl-/ and Ctrl-7.
        KeyCode::Char('4' | '\\') => Meaning::Abort,
        KeyCode::Char('7' | '_' | '/') => Meaning::Edit(Edit::Undo),
        KeyCode::Left => Meaning::Edit(Edit::WordLeft),
        KeyCode::Right => Meaning::Edit(Edit::WordRight),
        KeyCode::End => Meaning::View(ViewKey::Newest),
        _ => Meaning::Nothing,
    }
}

fn with_alt(code: KeyCode) -> Meaning {
    match code {
        KeyCode::Enter => Meaning::Type('\n'),
        KeyCode::Char('b') | KeyCode::Left => Meaning::Edit(Edit::WordLeft),
        KeyCode::Char('f') | KeyCode::Right => Meaning::Edit(Edit::WordRight),
        KeyCode::Char('d') => Meaning::Edit(Edit::CutWordRight),
        KeyCode::Backspace => Meaning::Edit(Edit::CutWordLeft),
        _ => Meaning::Nothing,
    }
}

/// Puts keys into `queue` until the terminal is gone, as long as `gate` is open.
pub(super) fn read_keys(queue: &DeskQueue, gate: &Gate) {
    let read = || {
        put(event::read()?, queue);
        gate.pass();
        Ok(())
    };
    loop {
        if !terminal::wait_for_keys() {
            return queue.put(Item::NoMoreKeys(None));
        }
        if let Err(error) = read_burst(event::poll, read) {
            return queue.put(Item::NoMoreKeys(Some(error)));
        }
    }
}

/// Reads as long as there are keys, which `is_more` looks for within a time.
fn read_burst(
    mut is_more: impl FnMut(Duration) -> io::Result<bool>,
    mut read: impl FnMut() -> io::Result<()>,
) -> io::Result<()> {
    let mut looks = 0;
    while looks < LOOKS {
        if is_more(BURST)? {
            read()?;
            looks = 0;
        } else {
            looks += 1;
        }
    }
    Ok(())
}

fn put(event: Event, queue: &DeskQueue) {
    match event {
        // Consoles of Windows tell it too. It is no key pressed, which would answer a question or end a completion.
        Event::Key(KeyEvent { kind: KeyEventKind::Release, .. }) => {}
        Event::Key(key) => queue.wait_and_put(Item::Pressed(Pressed::Key(meaning(key))), size_of::<Item>()),
        Event::Paste(mut text) => {
            // One byte above the maximum, so that the desk reports a cut text.
            text.truncate(text.floor_char_boundary(MAX_TYPED + 1));
            let weight = text.len();
            queue.wait_and_put(Item::Pressed(Pressed::Paste(text)), weight);
        }
        Event::FocusGained => queue.put(Item::Focus(true)),
        Event::FocusLost => queue.put(Item::Focus(false)),
        Event::Resize(..) if terminal::RESIZES_COME_AS_KEYS => queue.put(Item::Resized),
        Event::Mouse(_) | Event::Resize(..) => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_release_of_a_key_is_no_key() {
        let queue = DeskQueue::new(|_| Item::Taken);
        for kind in [KeyEventKind::Press, KeyEventKind::Release, KeyEventKind::Repeat, KeyEventKind::Release]
        {
            let key = KeyEvent::new_with_kind(KeyCode::Char('a'), KeyModifiers::NONE, kind);
            put(Event::Key(key), &queue);
        }
        let items = queue.take(9).unwrap();
        let is_typed = |item: &Item| matches!(item, Item::Pressed(Pressed::Key(Meaning::Type('a'))));
        assert!(items.len() == 2 && items.iter().all(is_typed), "{items:?}");
    }

    #[test]
    fn keys_that_one_look_does_not_find_are_read_all_the_same() {
        let mut found = [true, false, true, true, false, false, true].into_iter();
        let mut count = 0;
        let is_more = |_| Ok(found.next().is_some_and(|is_found| is_found));
        let read = || {
            count += 1;
            Ok(())
        };
        read_burst(is_more, read).unwrap();
        assert_eq!(count, 3);
        assert_eq!(found.len(), 1, "a burst ends");
    }
}
