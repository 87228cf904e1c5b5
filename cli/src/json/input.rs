//! Standard input as a program writes it.

use std::io::{self, BufRead};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};

use ringchat_core::Text;
use ringchat_core::limits::{MAX_TEXT, SUBMIT_WINDOW};
use serde_json::Value;

use super::command::{Command, NoCommand, Question};
use super::event::Event;
use crate::lines::{Line, Lines};
use crate::outcome::Cause;
use crate::outlet::Outlet;
use crate::session::{Ask, Session};

/// Bytes of a line, at most: the longest text with every character escaped, and room for the rest.
pub(crate) const MAX_LINE: usize = 6 * MAX_TEXT + 4096;

/// Answers that may be awaited before standard input is read no further.
const MAX_ASKED: usize = 64;

/// What was asked, and what comes back with the answer.
pub(super) type Asked = (Ask, Option<Value>);

/// What standard input wants answered, as its face sees it.
pub(crate) struct Questions {
    pub(super) asked: Receiver<Asked>,
    pub(super) said: Receiver<Option<Value>>,
}

/// The ends of the queues that standard input fills.
pub(crate) struct Asking {
    pub(super) asked: SyncSender<Asked>,
    pub(super) said: SyncSender<Option<Value>>,
}

/// The two queues between standard input and its face.
pub(crate) fn questions() -> (Asking, Questions) {
    let (ask, asked) = sync_channel(MAX_ASKED);
    // Everything that may be on its way: what the node holds, and what the driver's queue does.
    let (say, said) = sync_channel(2 * SUBMIT_WINDOW);
    (Asking { asked: ask, said: say }, Questions { asked, said })
}

/// Reads commands until the input ends or the room is left.
pub(crate) struct Input {
    session: Arc<Session>,
    outlet: Outlet,
    asking: Asking,
    /// Yields once the room was entered; ends if it never is.
    admitted: Option<Receiver<()>>,
}

impl Input {
    /// Standard input of `session`, whose complaints go to `outlet`.
    pub(crate) fn new(session: Arc<Session>, outlet: Outlet, asking: Asking, admitted: Receiver<()>) -> Self {
        Self { session, outlet, asking, admitted: Some(admitted) }
    }

    /// Reads `input` to its end, then leaves the room.
    pub(crate) fn run(mut self, input: impl BufRead) {
        let cause = match self.read(input) {
            Ok(()) => Cause::Eof,
            Err(error) => Cause::InputFailed(error.to_string()),
        };
        self.session.leave(cause);
    }

    fn read(&mut self, input: impl BufRead) -> io::Result<()> {
        let mut lines = Lines::new(input, MAX_LINE);
        while let Some(line) = lines.next()? {
            match line {
                Line::Whole(line) if line.trim_ascii().is_empty() => {}
                Line::Whole(line) => match Command::parse(&line) {
                    Ok(Command::Quit) => {
                        self.session.leave(Cause::Quit);
                        return Ok(());
                    }
                    Ok(command) => {
                        if !self.obey(command) {
                            return Ok(());
                        }
                    }
                    Err(NoCommand { message, reference }) => {
                        self.complain("bad_command", message, reference);
                    }
                },
                Line::TooLong { length } => {
                    let message = format!("a line has at most {MAX_LINE} bytes; this one has {length}");
                    self.complain("bad_command", message, None);
                }
            }
        }
        self.is_admitted();
        Ok(())
    }

    /// Does what is asked. False once the room is left.
    fn obey(&mut self, command: Command) -> bool {
        match command {
            Command::Say { text, reference } => self.say(&text, reference),
            Command::Members(question) => self.ask(Ask::Members, question),
            Command::Ring(question) => self.ask(Ask::Ring, question),
            Command::Stats(question) => self.ask(Ask::Stats, question),
            Command::Quit => false,
        }
    }

    fn say(&mut self, text: &str, reference: Option<Value>) -> bool {
        match Text::new(text) {
            Ok(text) => {
                self.is_admitted()
                    && self.asking.said.send(reference).is_ok()
                    && self.session.room.say(text).is_ok()
            }
            Err(error) => {
                self.complain("text_too_long", error.to_string(), reference);
                true
            }
        }
    }

    fn ask(&self, ask: Ask, Question { reference }: Question) -> bool {
        self.asking.asked.send((ask, reference)).is_ok() && self.session.room.report_in_events().is_ok()
    }

    /// Waits until the room was entered; false if it never is.
    fn is_admitted(&mut self) -> bool {
        match &self.admitted {
            Some(admitted) if admitted.recv().is_err() => false,
            _ => {
                self.admitted = None;
                true
            }
        }
    }

    fn complain(&self, code: &str, message: String, reference: Option<Value>) {
        let error = Event::Error { code, message: message.into(), fatal: false, reference };
        self.outlet.insist(&error.line(self.session.lamport()));
    }
}
