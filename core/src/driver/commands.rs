//! What the user wants of the node, in a queue that makes a fast user wait.

use alloc::collections::VecDeque;
use alloc::vec::Vec;

use super::Ended;
use crate::input::Command;
use crate::limits::{BATCH_BYTES, SUBMIT_WINDOW, SUBMIT_WINDOW_BYTES};
use crate::text::Text;
use crate::text_run::TextRun;

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
    /// How many they are, each text counted.
    count: usize,
    bytes: usize,
    closed: bool,
}

impl CommandQueue {
    /// Takes something to say, if there is room.
    ///
    /// # Errors
    /// If the room was left.
    pub fn say(&mut self, text: &Text) -> Result<Offer, Ended> {
        let offer = self.offer()?;
        if offer != Offer::Full {
            self.count = self.count.saturating_add(1);
            self.bytes = self.bytes.saturating_add(text.as_str().len());
            if !self.joins_the_last(text) {
                self.commands.push_back(Command::Say(text.clone().into()));
            }
        }
        Ok(offer)
    }

    /// Puts a text behind those that were said last, if they take it.
    fn joins_the_last(&mut self, text: &Text) -> bool {
        let Some(Command::Say(texts)) = self.commands.back_mut() else { return false };
        texts.bytes(usize::MAX) < BATCH_BYTES && texts.push(text)
    }

    /// Takes a question for a report, if there is room.
    ///
    /// # Errors
    /// If the room was left.
    pub fn report(&mut self) -> Result<Offer, Ended> {
        let offer = self.offer()?;
        if offer != Offer::Full {
            self.count = self.count.saturating_add(1);
            self.commands.push_back(Command::Report);
        }
        Ok(offer)
    }

    fn offer(&self) -> Result<Offer, Ended> {
        if self.closed {
            Err(Ended)
        } else if self.is_full() {
            Ok(Offer::Full)
        } else if self.is_empty() {
            Ok(Offer::First)
        } else {
            Ok(Offer::Further)
        }
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
        (self.count, self.bytes) = (0, 0);
    }

    /// Whether the user has asked to leave, or the node has ended.
    pub fn is_closed(&self) -> bool {
        self.closed
    }

    /// Whether a user has to wait for room.
    pub fn is_full(&self) -> bool {
        self.count >= MAX_COMMANDS || self.bytes >= MAX_COMMAND_BYTES
    }

    /// Whether none waits.
    pub fn is_empty(&self) -> bool {
        self.commands.is_empty()
    }

    /// Gives the oldest commands, up to the first that says something, of which `takes` tells how much is taken.
    pub fn take(&mut self, takes: impl Fn(&TextRun) -> usize) -> Vec<Command> {
        let mut commands = Vec::new();
        while let Some(command) = self.commands.pop_front() {
            let Command::Say(texts) = &command else {
                self.count = self.count.saturating_sub(1);
                commands.push(command);
                continue;
            };
            let count = takes(texts).min(texts.len());
            self.count = self.count.saturating_sub(count);
            self.bytes = self.bytes.saturating_sub(texts.bytes(count));
            commands.extend(texts.part(0, count).map(Command::Say));
            if let Some(rest) = texts.part(count, usize::MAX) {
                self.commands.push_front(Command::Say(rest));
            }
            break;
        }
        commands
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::limits::MAX_TEXT;
    use alloc::vec;

    fn text(n: usize) -> Text {
        Text::new(&alloc::format!("{n}")).unwrap()
    }

    fn say(numbers: impl IntoIterator<Item = usize>) -> Command {
        let texts: Vec<Text> = numbers.into_iter().map(text).collect();
        Command::Say(TextRun::new(&texts).unwrap())
    }

    fn take(queue: &mut CommandQueue, texts: usize) -> Vec<Command> {
        queue.take(|_| texts)
    }

    #[test]
    fn what_was_said_waits_in_order_before_leaving() {
        let mut queue = CommandQueue::default();
        assert_eq!(queue.say(&text(1)), Ok(Offer::First));
        assert_eq!(queue.report(), Ok(Offer::Further));
        assert_eq!(queue.say(&text(2)), Ok(Offer::Further));
        queue.leave();
        queue.leave();
        assert_eq!(take(&mut queue, 0), []);
        assert_eq!(take(&mut queue, 1), [say([1])]);
        assert_eq!(take(&mut queue, 0), [Command::Report]);
        assert_eq!(take(&mut queue, 9), [say([2])]);
        assert_eq!(take(&mut queue, 9), [Command::Leave]);
        assert_eq!(take(&mut queue, 9), []);
    }

    #[test]
    fn what_is_said_in_a_row_goes_together_as_far_as_it_is_taken() {
        let mut queue = CommandQueue::default();
        (0..5).for_each(|n| assert!(queue.say(&text(n)).is_ok()));
        let first = take(&mut queue, 3);
        queue.say(&text(5)).unwrap();
        assert_eq!(first, [say([0, 1, 2])]);
        assert_eq!(take(&mut queue, 9), [say([3, 4])]);
        assert_eq!(take(&mut queue, 9), [say([5])]);
        assert!(queue.is_empty());
    }

    #[test]
    fn a_fast_user_has_to_wait() {
        let mut queue = CommandQueue::default();
        assert!((0..MAX_COMMANDS).all(|n| queue.say(&text(n)) != Ok(Offer::Full)));
        assert_eq!(queue.say(&text(MAX_COMMANDS)), Ok(Offer::Full));
        assert_eq!(queue.report(), Ok(Offer::Full));
        take(&mut queue, 1);
        assert_eq!(queue.say(&text(MAX_COMMANDS)), Ok(Offer::Further));
    }

    #[test]
    fn long_texts_are_bounded_by_their_bytes() {
        let long = Text::new(&"x".repeat(MAX_TEXT)).unwrap();
        let mut queue = CommandQueue::default();
        let fit = MAX_COMMAND_BYTES / MAX_TEXT;
        assert!((0..fit).all(|_| queue.say(&long) != Ok(Offer::Full)));
        assert_eq!(queue.say(&long), Ok(Offer::Full));
        let mut taken = Vec::new();
        while let [Command::Say(texts)] = &take(&mut queue, usize::MAX)[..] {
            taken.push(texts.len());
        }
        assert_eq!(taken, vec![BATCH_BYTES / MAX_TEXT; fit * MAX_TEXT / BATCH_BYTES]);
        assert_eq!(queue.say(&long), Ok(Offer::First));
    }

    #[test]
    fn who_has_left_says_nothing_more() {
        let mut queue = CommandQueue::default();
        queue.leave();
        assert_eq!(queue.say(&text(1)), Err(Ended));
        queue.close();
        assert_eq!(take(&mut queue, 9), []);
    }
}
