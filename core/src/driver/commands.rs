//! What the user wants of the node, in a queue that makes a fast user wait.

use alloc::collections::VecDeque;

use super::Ended;
use crate::input::Command;

/// Commands that wait for the node before the user waits.
const MAX_COMMANDS: usize = 64;

/// Commands on their way to the node, in order. Leaving comes last, after all that was said before.
#[derive(Debug, Default)]
pub struct CommandQueue {
    commands: VecDeque<Command>,
    closed: bool,
}

impl CommandQueue {
    /// Takes a command, or tells with `false` that the user has to wait for room.
    ///
    /// # Errors
    /// If the room was left.
    pub fn offer(&mut self, command: &Command) -> Result<bool, Ended> {
        if self.closed {
            return Err(Ended);
        }
        let has_room = !self.is_full();
        if has_room {
            self.commands.push_back(command.clone());
        }
        Ok(has_room)
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
    }

    /// Whether the user has asked to leave, or the node has ended.
    pub fn is_closed(&self) -> bool {
        self.closed
    }

    /// Whether a user has to wait for room.
    pub fn is_full(&self) -> bool {
        self.commands.len() >= MAX_COMMANDS
    }

    /// Whether none waits.
    pub fn is_empty(&self) -> bool {
        self.commands.is_empty()
    }

    /// Gives the oldest command; nothing if that is something to say and the node can take none.
    pub fn take(&mut self, can_say: bool) -> Option<Command> {
        if matches!(self.commands.front()?, Command::Say(_)) && !can_say {
            return None;
        }
        self.commands.pop_front()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::Text;

    fn say(n: usize) -> Command {
        Command::Say(Text::new(&alloc::format!("{n}")).unwrap())
    }

    #[test]
    fn what_was_said_waits_in_order_before_leaving() {
        let mut queue = CommandQueue::default();
        assert_eq!(queue.offer(&say(1)), Ok(true));
        assert_eq!(queue.offer(&Command::Report), Ok(true));
        queue.leave();
        queue.leave();
        assert_eq!(queue.take(false), None);
        assert_eq!(queue.take(true), Some(say(1)));
        assert_eq!(queue.take(false), Some(Command::Report));
        assert_eq!(queue.take(false), Some(Command::Leave));
        assert_eq!(queue.take(true), None);
    }

    #[test]
    fn a_fast_user_has_to_wait() {
        let mut queue = CommandQueue::default();
        assert!((0..MAX_COMMANDS).all(|n| queue.offer(&say(n)) == Ok(true)));
        assert_eq!(queue.offer(&say(MAX_COMMANDS)), Ok(false));
        queue.take(true);
        assert_eq!(queue.offer(&say(MAX_COMMANDS)), Ok(true));
    }

    #[test]
    fn who_has_left_says_nothing_more() {
        let mut queue = CommandQueue::default();
        queue.leave();
        assert_eq!(queue.offer(&say(1)), Err(Ended));
        queue.close();
        assert_eq!(queue.take(true), None);
    }
}
