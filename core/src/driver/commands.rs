//! What the user wants of the node, in a queue that makes a fast user wait.

use alloc::collections::VecDeque;
use alloc::vec::Vec;

use super::Ended;
use crate::input::Command;
use crate::limits::{SUBMIT_WINDOW, SUBMIT_WINDOW_BYTES};

/// Commands that wait for the node before the user waits: as many as the node may have under way.
const MAX_COMMANDS: usize = SUBMIT_WINDOW;

/// Bytes of text in them before the user waits.
const MAX_COMMAND_BYTES: usize = SUBMIT_WINDOW_BYTES;

/// What became of a command that was offered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Offer {
    /// It is the only one that waits: the node is to be told.
    First,
    /// It waits behind others, which the node knows of.
    Further,
    /// There is no room: the user has to wait.
    Full,
}

/// Commands on their way to the node, in order. Leaving comes last, after all that was said before.
#[derive(Debug, Default)]
pub struct CommandQueue {
    commands: VecDeque<Command>,
    bytes: usize,
    closed: bool,
}

impl CommandQueue {
    /// Takes a command, if there is room.
    ///
    /// # Errors
    /// If the room was left.
    pub fn offer(&mut self, command: &Command) -> Result<Offer, Ended> {
        if self.closed {
            return Err(Ended);
        }
        if self.is_full() {
            return Ok(Offer::Full);
        }
        let offer = if self.is_empty() { Offer::First } else { Offer::Further };
        self.bytes = self.bytes.saturating_add(weight(command));
        self.commands.push_back(command.clone());
        Ok(offer)
    }

    /// Asks to leave, once.
    pub fn leave(&mut self) {
        if !self.closed {
            self.closed = true;
            self.commands.push_back(Command::Leave);
        }
    }

    /// The node has ended: nothing more is taken.
    pub fn close(&mut self) {
        self.closed = true;
        self.commands.clear();
        self.bytes = 0;
    }

    /// Whether the user has asked to leave, or the node has ended.
    pub fn is_closed(&self) -> bool {
        self.closed
    }

    /// Whether a user has to wait for room.
    pub fn is_full(&self) -> bool {
        self.commands.len() >= MAX_COMMANDS || self.bytes >= MAX_COMMAND_BYTES
    }

    /// Whether none waits.
    pub fn is_empty(&self) -> bool {
        self.commands.is_empty()
    }

    /// Gives the oldest commands, up to what would be said beyond `room` texts.
    pub fn take(&mut self, room: usize) -> Vec<Command> {
        let mut says = self.commands.iter().enumerate().filter(|(_, command)| is_said(command));
        let end = says.nth(room).map_or(self.commands.len(), |(at, _)| at);
        let taken: Vec<Command> = self.commands.drain(..end).collect();
        self.bytes = self.bytes.saturating_sub(taken.iter().map(weight).sum());
        taken
    }
}

fn is_said(command: &Command) -> bool {
    matches!(command, Command::Say(_))
}

fn weight(command: &Command) -> usize {
    if let Command::Say(text) = command { text.as_str().len() } else { 0 }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::Text;
    use crate::limits::MAX_TEXT;

    fn say(n: usize) -> Command {
        Command::Say(Text::new(&alloc::format!("{n}")).unwrap())
    }

    #[test]
    fn what_was_said_waits_in_order_before_leaving() {
        let mut queue = CommandQueue::default();
        assert_eq!(queue.offer(&say(1)), Ok(Offer::First));
        assert_eq!(queue.offer(&Command::Report), Ok(Offer::Further));
        assert_eq!(queue.offer(&say(2)), Ok(Offer::Further));
        queue.leave();
        queue.leave();
        assert_eq!(queue.take(0), []);
        assert_eq!(queue.take(1), [say(1), Command::Report]);
        assert_eq!(queue.take(0), []);
        assert_eq!(queue.take(9), [say(2), Command::Leave]);
        assert_eq!(queue.take(9), []);
    }

    #[test]
    fn a_fast_user_has_to_wait() {
        let mut queue = CommandQueue::default();
        assert!((0..MAX_COMMANDS).all(|n| queue.offer(&say(n)) != Ok(Offer::Full)));
        assert_eq!(queue.offer(&say(MAX_COMMANDS)), Ok(Offer::Full));
        queue.take(1);
        assert_eq!(queue.offer(&say(MAX_COMMANDS)), Ok(Offer::Further));
    }

    #[test]
    fn long_texts_are_bounded_by_their_bytes() {
        let long = Command::Say(Text::new(&"x".repeat(MAX_TEXT)).unwrap());
        let mut queue = CommandQueue::default();
        let fit = MAX_COMMAND_BYTES / MAX_TEXT;
        assert!((0..fit).all(|_| queue.offer(&long) != Ok(Offer::Full)));
        assert_eq!(queue.offer(&long), Ok(Offer::Full));
        assert_eq!(queue.take(fit).len(), fit);
        assert_eq!(queue.offer(&long), Ok(Offer::First));
    }

    #[test]
    fn who_has_left_says_nothing_more() {
        let mut queue = CommandQueue::default();
        queue.leave();
        assert_eq!(queue.offer(&say(1)), Err(Ended));
        queue.close();
        assert_eq!(queue.take(9), []);
    }
}
