//! What the user wants of the node, in a queue that makes a fast user wait.

use std::collections::VecDeque;
use std::fmt;

use ringchat_core::limits::{BATCH_BYTES, SUBMIT_WINDOW, SUBMIT_WINDOW_BYTES};
use ringchat_core::trace::Tracing;
use ringchat_core::{Report, Seq, Text, TextRun};

use crate::error::Ended;

/// Commands that wait for the node before the user waits: as many as the node may have under way.
const MAX_COMMANDS: usize = SUBMIT_WINDOW;

/// Bytes of text in them before the user waits.
const MAX_COMMAND_BYTES: usize = SUBMIT_WINDOW_BYTES;

/// Where a report goes.
pub enum ReportTo {
    /// To the events, in its place among them.
    Events,
    /// To a function, which is dropped uncalled if the room ends before. It must not wait.
    Asker(Box<dyn FnOnce(Report) + Send>),
}

impl fmt::Debug for ReportTo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Events => "Events",
            Self::Asker(_) => "Asker",
        })
    }
}

/// A command of the user on its way to the node.
#[derive(Debug)]
pub(crate) enum UserCommand {
    /// Say these texts.
    Say(TextRun),
    /// Give a report.
    Report(ReportTo),
    /// Tell a trace so much.
    Trace(Tracing),
    /// Leave the room.
    Leave,
}

/// Commands on their way to the node, in order. Leaving comes last, after all that was said before.
#[derive(Debug, Default)]
pub(crate) struct CommandQueue {
    commands: VecDeque<UserCommand>,
    /// How many they are, each text counted.
    count: usize,
    bytes: usize,
    /// How many texts were said since the start.
    said: Seq,
    closed: bool,
}

impl CommandQueue {
    /// Whether a user has to wait for room.
    ///
    /// # Errors
    /// If the user has left, or the node has ended.
    pub(crate) fn is_full(&self) -> Result<bool, Ended> {
        if self.closed { Err(Ended) } else { Ok(self.has_most()) }
    }

    /// Whether users may be waiting for room.
    pub(crate) fn has_most(&self) -> bool {
        self.count >= MAX_COMMANDS || self.bytes >= MAX_COMMAND_BYTES
    }

    /// Takes something to say, and gives its number among all that was said here, from 1: the node counts alike. The
    /// caller has looked for room.
    pub(crate) fn say(&mut self, text: &Text) -> Seq {
        self.count = self.count.saturating_add(1);
        self.bytes = self.bytes.saturating_add(text.as_str().len());
        if !self.joins_the_last(text) {
            self.commands.push_back(UserCommand::Say(text.clone().into()));
        }
        self.said = self.said.next();
        self.said
    }

    /// Puts a text behind those that were said last, if they take it.
    fn joins_the_last(&mut self, text: &Text) -> bool {
        let Some(UserCommand::Say(texts)) = self.commands.back_mut() else { return false };
        texts.bytes(usize::MAX) < BATCH_BYTES && texts.push(text)
    }

    /// Takes a question for a report. The caller has looked for room.
    pub(crate) fn report(&mut self, to: ReportTo) {
        self.count = self.count.saturating_add(1);
        self.commands.push_back(UserCommand::Report(to));
    }

    /// Takes how much is to be traced from now on. The caller has looked for room.
    pub(crate) fn trace(&mut self, tracing: Tracing) {
        self.count = self.count.saturating_add(1);
        self.commands.push_back(UserCommand::Trace(tracing));
    }

    /// Asks to leave, once.
    pub(crate) fn leave(&mut self) {
        if !self.closed {
            self.closed = true;
            self.commands.push_back(UserCommand::Leave);
        }
    }

    /// The node has ended: nothing more is taken.
    pub(crate) fn close(&mut self) {
        self.closed = true;
        self.commands.clear();
        (self.count, self.bytes) = (0, 0);
    }

    /// Whether the user has asked to leave, or the node has ended.
    pub(crate) fn is_closed(&self) -> bool {
        self.closed
    }

    /// Whether none waits.
    pub(crate) fn is_empty(&self) -> bool {
        self.commands.is_empty()
    }

    /// Gives the oldest commands, up to the first that says something, of which `takes` tells how much is taken.
    pub(crate) fn take(&mut self, takes: impl Fn(&TextRun) -> usize) -> Vec<UserCommand> {
        let mut commands = Vec::new();
        while let Some(command) = self.commands.pop_front() {
            let UserCommand::Say(texts) = &command else {
                self.count = self.count.saturating_sub(1);
                commands.push(command);
                continue;
            };
            let count = takes(texts).min(texts.len());
            self.count = self.count.saturating_sub(count);
            self.bytes = self.bytes.saturating_sub(texts.bytes(count));
            commands.extend(texts.part(0, count).map(UserCommand::Say));
            if let Some(rest) = texts.part(count, usize::MAX) {
                self.commands.push_front(UserCommand::Say(rest));
            }
            break;
        }
        commands
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ringchat_core::limits::MAX_TEXT;

    fn text(n: usize) -> Text {
        Text::new(&n.to_string()).unwrap()
    }

    /// What the queue gives when the node takes so many texts, in words.
    fn take(queue: &mut CommandQueue, texts: usize) -> Vec<String> {
        queue.take(|_| texts).iter().map(word).collect()
    }

    fn word(command: &UserCommand) -> String {
        match command {
            UserCommand::Say(texts) => format!("say {}", texts.iter().collect::<Vec<_>>().join(" ")),
            UserCommand::Report(_) => "report".to_owned(),
            UserCommand::Trace(_) => "trace".to_owned(),
            UserCommand::Leave => "leave".to_owned(),
        }
    }

    #[test]
    fn what_was_said_waits_in_order_before_leaving() {
        let mut queue = CommandQueue::default();
        assert_eq!(queue.say(&text(1)), Seq(1));
        queue.report(ReportTo::Events);
        assert_eq!(queue.say(&text(2)), Seq(2));
        queue.leave();
        queue.leave();
        assert!(take(&mut queue, 0).is_empty());
        assert_eq!(take(&mut queue, 1), ["say 1"]);
        assert_eq!(take(&mut queue, 0), ["report"]);
        assert_eq!(take(&mut queue, 9), ["say 2"]);
        assert_eq!(take(&mut queue, 9), ["leave"]);
        assert!(take(&mut queue, 9).is_empty());
    }

    #[test]
    fn what_is_said_in_a_row_goes_together_as_far_as_it_is_taken() {
        let mut queue = CommandQueue::default();
        for n in 0..5 {
            queue.say(&text(n));
        }
        let first = queue.take(|_| 3);
        queue.say(&text(5));
        assert_eq!(first.iter().map(word).collect::<Vec<_>>(), ["say 0 1 2"]);
        assert_eq!(take(&mut queue, 9), ["say 3 4"]);
        assert_eq!(take(&mut queue, 9), ["say 5"]);
        assert!(queue.is_empty());
    }

    #[test]
    fn a_fast_user_has_to_wait() {
        let mut queue = CommandQueue::default();
        for n in 0..MAX_COMMANDS {
            assert_eq!(queue.is_full(), Ok(false));
            queue.say(&text(n));
        }
        assert_eq!(queue.is_full(), Ok(true));
        take(&mut queue, 1);
        assert_eq!(queue.is_full(), Ok(false));
    }

    #[test]
    fn long_texts_are_bounded_by_their_bytes() {
        let long = Text::new(&"x".repeat(MAX_TEXT)).unwrap();
        let mut queue = CommandQueue::default();
        let fit = MAX_COMMAND_BYTES / MAX_TEXT;
        for _ in 0..fit {
            assert_eq!(queue.is_full(), Ok(false));
            queue.say(&long);
        }
        assert_eq!(queue.is_full(), Ok(true));
        let mut taken = Vec::new();
        while let [UserCommand::Say(texts)] = &queue.take(TextRun::len)[..] {
            taken.push(texts.len());
        }
        assert_eq!(taken, vec![BATCH_BYTES / MAX_TEXT; fit * MAX_TEXT / BATCH_BYTES]);
        assert_eq!(queue.is_full(), Ok(false));
    }

    #[test]
    fn a_user_who_has_left_says_nothing_more() {
        let mut queue = CommandQueue::default();
        queue.leave();
        assert_eq!(queue.is_full(), Err(Ended));
        queue.close();
        assert!(take(&mut queue, 9).is_empty());
    }
}
