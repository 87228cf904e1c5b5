//! Input from programs: a command per line of standard input.

use std::io::{self, BufRead};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};

use ringchat_core::Text;
use ringchat_core::limits::{MAX_TEXT, SUBMIT_WINDOW};
use serde_json::Value;

use super::command::{BadCommand, JsonCommand, JsonQuery, LongCommand};
use super::early::EarlyCommands;
use super::event::JsonEvent;
use crate::bounded_lines::{BoundedLine, BoundedLines};
use crate::line_writer::LineWriter;
use crate::outcome::Cause;
use crate::see::{SeeOrder, TraceOrder};
use crate::session::{Query, Session};
use crate::trust::may_have_secret;

/// The maximum length of a line in bytes: the longest text with every character escaped, and space for the rest.
pub(crate) const MAX_LINE: usize = 6 * MAX_TEXT + 4096;

/// Queries that may wait for their answer. At this bound no further input is read.
const MAX_ASKED: usize = 64;

/// What is said of a line that is no command and may have a secret in it.
const UNREPEATED: &str = "no command, and it may have a ticket or a secret in it";

/// A query, and the `ref` that is returned with its answer.
pub(super) type QueryWithRef = (Query, Option<Value>);

/// What a program wants to know of a text that it said.
#[derive(Clone, Debug, Default)]
pub(super) struct SaidText {
    /// The `ref` that is returned with `sent`.
    pub(super) reference: Option<Value>,
    /// Whether to tell if the text has to wait.
    pub(super) waiting: bool,
}

/// What the frontend must answer: the receiving ends of the queues that standard input fills.
pub(crate) struct Awaited {
    pub(super) asked: Receiver<QueryWithRef>,
    pub(super) said: Receiver<SaidText>,
    pub(super) early: Arc<EarlyCommands>,
}

/// The sending ends of the queues of [`Awaited`].
pub(crate) struct AwaitedSender {
    pub(super) asked: SyncSender<QueryWithRef>,
    pub(super) said: SyncSender<SaidText>,
    pub(super) early: Arc<EarlyCommands>,
}

/// The queues between standard input and the frontend.
pub(crate) fn awaited() -> (AwaitedSender, Awaited) {
    let (ask, asked) = sync_channel(MAX_ASKED);
    // As many messages as may be on their way: in the node and in the queue of its driver.
    let (say, said) = sync_channel(2 * SUBMIT_WINDOW);
    let early = Arc::new(EarlyCommands::default());
    (AwaitedSender { asked: ask, said: say, early: Arc::clone(&early) }, Awaited { asked, said, early })
}

/// Reads and obeys commands until the input ends or the room is left.
pub(crate) struct ProgramInput {
    session: Arc<Session>,
    writer: LineWriter,
    awaited: AwaitedSender,
}

impl ProgramInput {
    /// The input of `session`. Errors of commands go to `writer`.
    pub(crate) fn new(session: Arc<Session>, writer: LineWriter, awaited: AwaitedSender) -> Self {
        Self { session, writer, awaited }
    }

    /// Waits until the room is entered, which `admitted` tells, and obeys the commands that waited for that. If it never is,
    /// `admitted` is disconnected.
    pub(crate) fn admit(&self, admitted: &Receiver<()>) {
        let early = &self.awaited.early;
        if admitted.recv().is_err() || !early.enter(|command| self.obey(command)) {
            self.end_early();
        }
    }

    /// Nothing that waits will be said.
    fn end_early(&self) {
        (0..self.awaited.early.end()).for_each(|_| self.session.unsaid.add());
    }

    /// Reads `input` to its end, then leaves the room.
    pub(crate) fn run(&self, input: impl BufRead) {
        let mut lines = BoundedLines::new(input, MAX_LINE);
        let (cause, is_over) = match self.read(&mut lines) {
            Ok(is_over) => (Cause::Eof, is_over),
            Err(error) => (Cause::InputFailed(error.to_string()), true),
        };
        self.session.leave(cause);
        if !is_over && self.session.is_unheard() {
            self.count_unsaid(&mut lines);
        }
        self.session.unsaid.end();
    }

    /// Counts what the remaining lines say. A line that cannot be read ends the input.
    fn count_unsaid(&self, lines: &mut BoundedLines<impl BufRead>) {
        while let Ok(Some(line)) = lines.next() {
            let BoundedLine::Whole(line) = line else { continue };
            match JsonCommand::parse(&line) {
                Ok(JsonCommand::Say { .. }) => self.session.unsaid.add(),
                Ok(JsonCommand::Quit) => return,
                _ => {}
            }
        }
    }

    /// Obeys commands. Returns false if there may be more, but the room is left.
    fn read(&self, lines: &mut BoundedLines<impl BufRead>) -> io::Result<bool> {
        while let Some(line) = lines.next()? {
            match line {
                BoundedLine::Whole(line) if line.trim_ascii().is_empty() => {}
                BoundedLine::Whole(line) => match JsonCommand::parse(&line) {
                    Ok(JsonCommand::Quit) => {
                        // What was said before comes first. A program that has said nothing waits for no room.
                        if self.awaited.early.is_unused() {
                            self.end_early();
                        } else {
                            self.awaited.early.wait();
                        }
                        self.session.leave(Cause::Quit);
                        return Ok(true);
                    }
                    Ok(command) => {
                        if !self.take(command) {
                            return Ok(false);
                        }
                    }
                    Err(BadCommand { message, reference }) => {
                        let is_secret = may_have_secret(&String::from_utf8_lossy(&line));
                        // The message may repeat a part of the line.
                        let message = if is_secret { UNREPEATED.to_owned() } else { message };
                        self.complain("bad_command", message, reference);
                    }
                },
                BoundedLine::TooLong { length, head } => {
                    let LongCommand { code, reference } = LongCommand::of(&head);
                    let message = format!("a line has at most {MAX_LINE} bytes; this one has {length}");
                    self.complain(code, message, reference);
                }
            }
        }
        self.awaited.early.wait();
        Ok(true)
    }

    /// Obeys `command`, or lets it wait until the room is entered: nothing is known of the room before. Returns false once
    /// the room is left.
    fn take(&self, command: JsonCommand) -> bool {
        if matches!(command, JsonCommand::Trace { .. } | JsonCommand::See { .. }) {
            return self.obey(command);
        }
        match self.awaited.early.put(command) {
            None => true,
            Some(command) if !self.awaited.early.is_over() => self.obey(command),
            Some(JsonCommand::Say { .. }) => {
                self.session.unsaid.add();
                false
            }
            Some(_) => false,
        }
    }

    /// Obeys `command`. Returns false once the room is left.
    fn obey(&self, command: JsonCommand) -> bool {
        match command {
            JsonCommand::Say { text, reference, waiting } => self.say(&text, SaidText { reference, waiting }),
            JsonCommand::Last { count, reference } => self.ask(Query::Last(count), JsonQuery { reference }),
            JsonCommand::Leader(query) => self.ask(Query::Leader, query),
            JsonCommand::Members(query) => self.ask(Query::Members, query),
            JsonCommand::Ring(query) => self.ask(Query::Ring, query),
            JsonCommand::Stats(query) => self.ask(Query::Stats, query),
            JsonCommand::Ticket(query) => self.ask(Query::Ticket, query),
            JsonCommand::Keys(query) => self.ask(Query::Keys, query),
            JsonCommand::Verify { who, key, reference } => {
                self.ask(Query::Verify { who, key }, JsonQuery { reference })
            }
            JsonCommand::Trace { file, off, reference } => self.trace(file.as_deref(), off, reference),
            JsonCommand::See { on, reference } => self.see(on, reference),
            JsonCommand::Quit => false,
        }
    }

    fn say(&self, text: &str, said: SaidText) -> bool {
        match Text::new(text) {
            Ok(text) => {
                let is_said = self.awaited.said.send(said).is_ok() && self.session.room.say(text).is_ok();
                if !is_said {
                    self.session.unsaid.add();
                }
                is_said
            }
            Err(error) => {
                self.complain("text_too_long", error.to_string(), said.reference);
                true
            }
        }
    }

    fn ask(&self, query: Query, JsonQuery { reference }: JsonQuery) -> bool {
        self.awaited.asked.send((query, reference)).is_ok() && self.session.room.report_in_events().is_ok()
    }

    /// Returns true: the session goes on.
    fn trace(&self, file: Option<&str>, off: bool, reference: Option<Value>) -> bool {
        let order = match file {
            _ if off => TraceOrder::Off,
            Some(file) => TraceOrder::On(file),
            None => TraceOrder::Tell,
        };
        match self.session.trace(order) {
            Ok(status) => {
                let answer = JsonEvent::traced(status.as_ref(), reference);
                self.answer(&answer);
            }
            Err(error) => self.complain("trace_file", error.to_string(), reference),
        }
        true
    }

    /// Returns true: the session goes on.
    fn see(&self, on: Option<bool>, reference: Option<Value>) -> bool {
        let order = on.map_or(SeeOrder::Tell, |on| if on { SeeOrder::On } else { SeeOrder::Off });
        match self.session.see(order) {
            Ok(status) => {
                let answer = JsonEvent::seen(status.as_ref(), reference);
                self.answer(&answer);
            }
            Err(error) => self.complain("see", error.to_string(), reference),
        }
        true
    }

    fn complain(&self, code: &str, message: String, reference: Option<Value>) {
        let error = JsonEvent::Error { code, message: message.into(), fatal: false, reference };
        self.answer(&error);
    }

    /// The time is read where the line gets its place, since the other thread may write meanwhile: times never run back.
    fn answer(&self, event: &JsonEvent<'_>) {
        self.writer.insist_on(|| event.line(self.session.lamport()));
    }
}
