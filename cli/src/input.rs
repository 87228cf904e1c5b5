//! Input from people: texts typed at the desk, or lines from a pipe or a terminal that has no desk.

use std::io::{self, BufRead};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender};

use ringchat_core::limits::MAX_TEXT;
use ringchat_core::{Seq, Text};
use ringchat_driver::Ended;

use crate::bounded_lines::{BoundedLine, BoundedLines};
use crate::desk::{Outbox, Typed};
use crate::line::ACT;
use crate::outcome::Cause;
use crate::screen::Request;
use crate::session::Session;
use crate::trust::has_ticket;
use crate::typed::TypedLine;
use crate::wording;

/// Requests that may wait for their answer. At this bound no further input is read.
pub(crate) const MAX_ASKED: usize = 64;

/// Typed texts that may wait for the room. At this bound the desk keeps further texts.
pub(crate) const MAX_WAITING: usize = 1024;

/// Says texts and makes requests until the user leaves the room.
pub(crate) struct HumanInput {
    /// The session that the input belongs to.
    pub(crate) session: Arc<Session>,
    /// The requests that the next reports of the node answer on the screen. Every line that is no message goes through
    /// this queue, so answers come in the order of the requests.
    pub(crate) requests: SyncSender<Request>,
}

/// Whether to read on after a line.
enum Done {
    /// The line was handled.
    Yes,
    /// The room is being left; nothing more is said.
    Left,
    /// The user left; no further line matters.
    Quit,
}

impl HumanInput {
    /// Handles the texts that are typed at the desk.
    pub(crate) fn typed_texts(self, texts: &Outbox) {
        while let Some(typed) = texts.next() {
            let done = match typed {
                Typed::Text(text) => self.typed(&text),
                Typed::Look => self.ask(Request::Look),
                Typed::Leave => {
                    self.session.leave(Cause::Eof);
                    Done::Quit
                }
            };
            match done {
                Done::Yes => {}
                Done::Left => return self.count_untaken(texts),
                Done::Quit => return,
            }
        }
    }

    /// Counts the texts that the room did not take before it was left.
    fn count_untaken(&self, texts: &Outbox) {
        let is_said = |typed: &Typed| {
            let Typed::Text(text) = typed else { return false };
            matches!(TypedLine::parse(text), TypedLine::Say(_) | TypedLine::Act(_))
        };
        self.session.count_untaken(texts.rest().filter(is_said).count() as u64);
    }

    /// Waits until the room is entered, handles the lines typed at a terminal that has no desk, then leaves the room.
    pub(crate) fn typed_lines(self, input: impl BufRead, admitted: &Receiver<()>) {
        self.lines(&mut BoundedLines::new(input, MAX_TEXT), admitted, |this, line| {
            // The desk asks about a ticket; here nothing can be asked.
            if has_ticket(line) {
                return this.tell(wording::HAS_TICKET.to_owned());
            }
            this.typed(line)
        });
    }

    /// Waits until the room is entered, says each line of a pipe as a message, then leaves the room. A pipe may bring
    /// any text, so no line but `//exit`, which leaves at once, is a command. Blank lines are skipped. Once nobody reads the
    /// output any more, the remaining lines are counted.
    pub(crate) fn piped_lines(self, input: impl BufRead, admitted: &Receiver<()>) {
        let mut lines = BoundedLines::new(input, MAX_TEXT);
        let done = self.lines(&mut lines, admitted, |this, line| match line {
            "//exit" => this.leave(""),
            _ if line.trim().is_empty() => Done::Yes,
            _ => this.say(line).err().unwrap_or(Done::Yes),
        });
        if matches!(done, Done::Left) && self.session.is_unheard() {
            // A line that cannot be read ends the input.
            while let Ok(Some(line)) = lines.next() {
                match line {
                    BoundedLine::Whole(line) if line == b"//exit" => break,
                    BoundedLine::Whole(line) if String::from_utf8_lossy(&line).trim().is_empty() => {}
                    _ => self.session.unsaid.add(),
                }
            }
        }
        self.session.unsaid.end();
    }

    fn lines(
        &self,
        lines: &mut BoundedLines<impl BufRead>,
        admitted: &Receiver<()>,
        each: impl Fn(&Self, &str) -> Done,
    ) -> Done {
        if admitted.recv().is_err() {
            return Done::Left;
        }
        let (cause, done) = match self.read(lines, each) {
            Ok(done) => (Cause::Eof, done),
            Err(error) => (Cause::InputFailed(error.to_string()), Done::Yes),
        };
        self.session.leave(cause);
        done
    }

    fn read(
        &self,
        lines: &mut BoundedLines<impl BufRead>,
        each: impl Fn(&Self, &str) -> Done,
    ) -> io::Result<Done> {
        while let Some(line) = lines.next()? {
            let done = match line {
                BoundedLine::Whole(line) => each(self, &String::from_utf8_lossy(&line)),
                BoundedLine::TooLong { length, .. } => self.refuse(length),
            };
            if let Done::Left | Done::Quit = done {
                return Ok(done);
            }
        }
        Ok(Done::Yes)
    }

    /// Handles a typed line: a message or a command.
    fn typed(&self, line: &str) -> Done {
        match TypedLine::parse(line) {
            TypedLine::Say(text) if text.trim().is_empty() => Done::Yes,
            TypedLine::Say(text) => self.say_typed(text),
            TypedLine::Act(text) => self.say_typed(&format!("{ACT}{text}")),
            TypedLine::Leave(last) => self.leave(last),
            TypedLine::Ask(request) => self.ask(request),
            TypedLine::Trace(order) => self.tell(match self.session.trace(order) {
                Ok(status) => wording::trace(status.as_ref()),
                Err(error) => error.to_string(),
            }),
            TypedLine::See(order) => self.tell(match self.session.see(order) {
                Ok(status) => wording::see(status.as_ref()),
                Err(error) => error.to_string(),
            }),
            TypedLine::Misused(usage) => self.tell(usage.to_owned()),
            TypedLine::Unknown(nearest) => {
                let hint = nearest.map_or_else(String::new, |nearest| format!("did you mean {nearest}? "));
                self.tell(format!("no such command; {hint}/help lists them, // says a text with a slash"))
            }
        }
    }

    /// Says `text`, and lets the screen tell if it waits too long for its place.
    fn say_typed(&self, text: &str) -> Done {
        match self.say(text) {
            Ok(seq) => self.ask(Request::Said(seq)),
            Err(done) => {
                if let Done::Left = done {
                    self.session.count_untaken(1);
                }
                done
            }
        }
    }

    /// Says `text`, and gives its number among the own texts.
    ///
    /// # Errors
    /// Whether to read on, if it is not said.
    fn say(&self, text: &str) -> Result<Seq, Done> {
        match Text::new(text).map(|text| self.session.room.say(text)) {
            Ok(Ok(seq)) => Ok(seq),
            Ok(Err(Ended)) => {
                self.session.unsaid.add();
                Err(Done::Left)
            }
            Err(error) => Err(self.refuse(error.length)),
        }
    }

    /// Tells that a text of `length` bytes is not sent. Only a pipe brings such a text here: the desk keeps it to be
    /// shortened, and a terminal takes no line of that length.
    fn refuse(&self, length: usize) -> Done {
        self.session.count_unsent();
        self.tell(wording::too_long(length))
    }

    /// Says `last` unless it is empty, then leaves the room.
    fn leave(&self, last: &str) -> Done {
        if !last.is_empty() {
            // The room is left anyway.
            let _ = self.say(last);
        }
        self.session.leave(Cause::Quit);
        Done::Quit
    }

    fn tell(&self, text: String) -> Done {
        self.ask(Request::Tell(vec![text]))
    }

    fn ask(&self, request: Request) -> Done {
        let asked = self.requests.send(request).is_ok() && self.session.room.report_in_events().is_ok();
        if asked { Done::Yes } else { Done::Left }
    }
}
