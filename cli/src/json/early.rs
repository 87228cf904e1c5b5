//! Commands that wait until the room is entered.

use std::collections::VecDeque;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::{iter, mem};

use super::command::JsonCommand;

/// How many commands wait, at most. Then no further input is read.
const MAX_WAITING: usize = 256;

/// How far the session is with what waits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Phase {
    /// The room is not entered yet.
    #[default]
    Waiting,
    /// The room is entered, and commands that waited are being obeyed.
    Entered,
    /// None waits any more.
    Done,
    /// The room was left, or never entered.
    Over,
}

#[derive(Debug, Default)]
struct State {
    phase: Phase,
    waiting: VecDeque<JsonCommand>,
}

/// The commands that wait, in their order.
#[derive(Debug, Default)]
pub(super) struct EarlyCommands {
    state: Mutex<State>,
    changed: Condvar,
}

impl EarlyCommands {
    /// Lets `command` wait behind the others, or gives it back if none has to wait any more.
    pub(super) fn put(&self, command: JsonCommand) -> Option<JsonCommand> {
        let is_full = |state: &mut State| {
            matches!(state.phase, Phase::Waiting | Phase::Entered) && state.waiting.len() >= MAX_WAITING
        };
        let state = self.changed.wait_while(self.lock(), is_full);
        let mut state = state.unwrap_or_else(PoisonError::into_inner);
        match state.phase {
            Phase::Waiting | Phase::Entered => {
                state.waiting.push_back(command);
                None
            }
            Phase::Done | Phase::Over => Some(command),
        }
    }

    /// The room is entered. Each that waits is obeyed in turn, as long as `obey` returns true. Returns whether it always did.
    pub(super) fn enter(&self, obey: impl FnMut(JsonCommand) -> bool) -> bool {
        let mut state = self.lock();
        if state.phase == Phase::Waiting {
            state.phase = Phase::Entered;
        }
        drop(state);
        // Nothing is locked while one is obeyed: that may take long.
        iter::from_fn(|| self.next()).all(obey)
    }

    fn next(&self) -> Option<JsonCommand> {
        let mut state = self.lock();
        let next = if state.phase == Phase::Entered { state.waiting.pop_front() } else { None };
        if next.is_none() && state.phase == Phase::Entered {
            state.phase = Phase::Done;
        }
        drop(state);
        self.changed.notify_all();
        next
    }

    /// The room was left, or never entered. Returns how many of those that wait would have said something, unless that is
    /// known already.
    pub(super) fn end(&self) -> usize {
        let mut state = self.lock();
        let is_news = mem::replace(&mut state.phase, Phase::Over) != Phase::Over;
        let said = state.waiting.iter().filter(|command| matches!(command, JsonCommand::Say { .. })).count();
        drop(state);
        self.changed.notify_all();
        if is_news { said } else { 0 }
    }

    /// Waits until none waits any more. Returns false if the room was left, or never entered.
    pub(super) fn wait(&self) -> bool {
        let waits = |state: &mut State| matches!(state.phase, Phase::Waiting | Phase::Entered);
        let state = self.changed.wait_while(self.lock(), waits);
        state.unwrap_or_else(PoisonError::into_inner).phase == Phase::Done
    }

    /// Whether the room is not entered yet, nor given up, and nothing waits for that.
    pub(super) fn is_unused(&self) -> bool {
        let state = self.lock();
        state.phase == Phase::Waiting && state.waiting.is_empty()
    }

    /// Whether the room was left, or never entered.
    pub(super) fn is_over(&self) -> bool {
        self.lock().phase == Phase::Over
    }

    /// Ends the waiting. Gives all that nobody will obey.
    pub(super) fn give_up(&self) -> VecDeque<JsonCommand> {
        let mut state = self.lock();
        state.phase = Phase::Over;
        let waiting = mem::take(&mut state.waiting);
        drop(state);
        self.changed.notify_all();
        waiting
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;
    use std::thread;

    use super::*;

    fn say(text: &str) -> JsonCommand {
        JsonCommand::Say { text: text.into(), reference: None, waiting: false }
    }

    #[test]
    fn commands_wait_in_their_order_until_the_room_is_entered() {
        let early = EarlyCommands::default();
        assert!(early.is_unused());
        for text in ["a", "b"] {
            assert_eq!(early.put(say(text)), None);
        }
        assert!(!early.is_unused());
        let obeyed = RefCell::new(Vec::new());
        early.enter(|command| {
            if obeyed.borrow().is_empty() {
                assert_eq!(early.put(say("c")), None, "it comes behind those that wait");
            }
            obeyed.borrow_mut().push(command);
            true
        });
        assert_eq!(*obeyed.borrow(), ["a", "b", "c"].map(say));
        assert_eq!(early.put(say("d")), Some(say("d")));
        assert!(early.wait() && !early.is_unused() && early.give_up().is_empty());
    }

    #[test]
    fn what_nobody_will_obey_is_given_back() {
        let early = EarlyCommands::default();
        let all: Vec<JsonCommand> = (0..MAX_WAITING).map(|n| say(&n.to_string())).collect();
        for command in &all {
            let JsonCommand::Say { text, .. } = command else { panic!() };
            assert_eq!(early.put(say(text)), None);
        }
        thread::scope(|scope| {
            let more = scope.spawn(|| early.put(say("more")));
            assert_eq!((early.end(), early.end()), (MAX_WAITING, 0), "they are counted once");
            assert_eq!(early.give_up(), all);
            assert_eq!(more.join().unwrap(), Some(say("more")), "what finds no place waits for the end");
        });
        assert!(!early.wait() && early.is_over());
        early.enter(|_| panic!("it is over"));
        assert!(early.is_over());
    }
}
