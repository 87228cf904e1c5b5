//! What was pressed and waits until the room takes what was typed before. If that is much, nothing more is read from the
//! terminal, which then makes its writer wait.

use std::collections::VecDeque;
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::Duration;

use ringchat_core::Instant;

use super::keys::Meaning;

/// How many keys and bytes of pasted texts wait before nothing more is read.
const MAX_WAITING: usize = 64 * 1024;

/// How long after the room took no more a user may still be about to drop what waited.
const REACTION: Duration = Duration::from_secs(2);

/// Something that the user pressed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Pressed {
    /// A key with this meaning.
    Key(Meaning),
    /// This text was pasted.
    Paste(String),
}

impl Pressed {
    /// Whether it comes before all that waits: it clears, stops, ends or paints.
    pub(super) fn is_urgent(&self) -> bool {
        use Meaning::{Abort, Interrupt, Redraw, Stop};
        matches!(self, Self::Key(Interrupt | Stop | Abort | Redraw))
    }

    fn weight(&self) -> usize {
        match self {
            Self::Key(_) => 1,
            Self::Paste(text) => 1 + text.len(),
        }
    }
}

/// What waits. As long as anything does, the first is what the room has not taken.
#[derive(Debug, Default)]
pub(super) struct Later {
    waiting: VecDeque<Pressed>,
    weight: usize,
    /// Whether the room has not taken what was handed over last.
    is_refused: bool,
    /// When something last waited, unless the user has dropped it, or was told that nothing waits.
    waited_at: Option<Instant>,
    gate: Arc<Gate>,
}

impl Later {
    /// Whether `pressed` has to wait.
    pub(super) fn comes_behind(&self, pressed: &Pressed) -> bool {
        !self.is_empty() && !pressed.is_urgent()
    }

    /// Whether nothing waits.
    pub(super) fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }

    /// Lets `pressed` wait behind all others.
    pub(super) fn put(&mut self, pressed: Pressed) {
        self.weight += pressed.weight();
        self.waiting.push_back(pressed);
        self.set_gate();
    }

    /// The room does not take what the key `meaning` hands over at `now`: it waits before all others.
    pub(super) fn refuse(&mut self, meaning: Meaning, now: Instant) {
        let key = Pressed::Key(meaning);
        self.weight += key.weight();
        self.waiting.push_front(key);
        self.is_refused = true;
        self.note_wait(now);
    }

    /// Something waits at `now`, here or on its way to the room.
    pub(super) fn note_wait(&mut self, now: Instant) {
        self.waited_at = Some(now);
    }

    /// Gives what waits longest.
    pub(super) fn next(&mut self) -> Option<Pressed> {
        self.is_refused = false;
        let next = self.waiting.pop_front();
        self.weight -= next.as_ref().map_or(0, Pressed::weight);
        self.set_gate();
        next
    }

    /// Whether what [`next`](Self::next) gave waits again.
    pub(super) fn is_refused(&self) -> bool {
        self.is_refused
    }

    /// Whether something waited so shortly before `now` that a key pressed to drop it comes too late. Tells it once.
    pub(super) fn has_just_waited(&mut self, now: Instant) -> bool {
        self.is_empty() && self.waited_at.take().is_some_and(|at| now.since(at) < REACTION)
    }

    /// Drops all that waits. Returns how many lines that were.
    pub(super) fn clear(&mut self) -> usize {
        self.waited_at = None;
        let is_end = |pressed: &Pressed| *pressed == Pressed::Key(Meaning::Send);
        let lines = self.waiting.drain(..).filter(is_end).count();
        self.weight = 0;
        self.set_gate();
        lines
    }

    /// What tells whether to read on.
    pub(super) fn gate(&self) -> Arc<Gate> {
        Arc::clone(&self.gate)
    }

    /// Closes the gate if much waits, and opens it once half of that is gone.
    fn set_gate(&self) {
        if self.weight >= MAX_WAITING {
            self.gate.close(true);
        } else if self.weight <= MAX_WAITING / 2 {
            self.gate.close(false);
        }
    }
}

/// Stops the thread that reads the terminal.
#[derive(Debug, Default)]
pub(super) struct Gate {
    is_closed: Mutex<bool>,
    changed: Condvar,
}

impl Gate {
    fn close(&self, is_closed: bool) {
        let mut now = self.is_closed.lock().unwrap_or_else(PoisonError::into_inner);
        if *now != is_closed {
            *now = is_closed;
            drop(now);
            self.changed.notify_all();
        }
    }

    /// Waits until it is open.
    pub(super) fn pass(&self) {
        let now = self.is_closed.lock().unwrap_or_else(PoisonError::into_inner);
        drop(self.changed.wait_while(now, |is_closed| *is_closed));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ENTER: Pressed = Pressed::Key(Meaning::Send);

    fn is_closed(later: &Later) -> bool {
        *later.gate.is_closed.lock().unwrap()
    }

    #[test]
    fn what_waits_comes_in_its_order_behind_what_was_refused() {
        let mut later = Later::default();
        assert!(!later.comes_behind(&ENTER));
        later.refuse(Meaning::Send, Instant::ZERO);
        assert!(later.is_refused() && later.comes_behind(&Pressed::Key(Meaning::Type('a'))));
        for urgent in [Meaning::Interrupt, Meaning::Stop, Meaning::Abort] {
            assert!(!later.comes_behind(&Pressed::Key(urgent)));
        }
        later.put(Pressed::Paste("b".to_owned()));
        assert_eq!(later.next(), Some(ENTER));
        later.refuse(Meaning::Send, Instant::ZERO);
        later.put(ENTER);
        let rest: Vec<Pressed> = std::iter::from_fn(|| later.next()).collect();
        assert_eq!(rest, [ENTER, Pressed::Paste("b".to_owned()), ENTER]);
        assert!(!later.is_refused() && later.weight == 0);
    }

    #[test]
    fn a_key_that_comes_too_late_to_drop_what_waited_is_told_so_once() {
        let start = Instant::ZERO.after(REACTION);
        let soon = start.after(REACTION / 2);
        let mut later = Later::default();
        assert!(!later.has_just_waited(start), "nothing has waited");
        for (now, is_late) in [(soon, true), (start.after(REACTION), false)] {
            later.refuse(Meaning::Send, start);
            assert_eq!(later.next(), Some(ENTER));
            assert_eq!(later.has_just_waited(now), is_late);
            assert!(!later.has_just_waited(now), "the next key leaves");
        }
        later.refuse(Meaning::Send, start);
        later.clear();
        assert!(!later.has_just_waited(soon), "the user has dropped it");
    }

    #[test]
    fn nothing_more_is_read_while_much_waits() {
        let mut later = Later::default();
        (0..MAX_WAITING).for_each(|_| later.put(ENTER));
        assert!(is_closed(&later));
        later.next();
        assert!(is_closed(&later), "it does not open for each key");
        while later.weight > MAX_WAITING / 2 {
            later.next();
        }
        assert!(!is_closed(&later));
        later.put(Pressed::Paste("x".repeat(MAX_WAITING)));
        assert!(is_closed(&later));
        later.put(ENTER);
        assert_eq!(later.clear(), MAX_WAITING / 2 + 1);
        assert!(!is_closed(&later) && later.is_empty());
    }
}
