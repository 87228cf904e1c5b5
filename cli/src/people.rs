//! What people say: typed at the desk, or lines from a terminal without one or from a pipe.

use std::io::{self, BufRead};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender};

use ringchat_core::Text;
use ringchat_core::limits::MAX_TEXT;
use ringchat_driver::Ended;

use crate::lines::{self, Lines};
use crate::outcome::Cause;
use crate::screen::Question;
use crate::session::Session;
use crate::typed::{HELP, Typed};
use crate::words;

/// Answers that may be awaited before input is read no further.
pub(crate) const MAX_ASKED: usize = 64;

/// Typed texts that may wait for the room before the desk takes no more.
pub(crate) const MAX_WAITING: usize = 1024;

/// Says and asks what people want until they leave.
pub(crate) struct Input {
    /// The session.
    pub(crate) session: Arc<Session>,
    /// Where the screen learns what the next report is to answer. Whatever is not said goes this way, so that answers
    /// come in the order of the questions.
    pub(crate) questions: SyncSender<Question>,
}

/// What became of a line.
enum Done {
    /// It was dealt with.
    Yes,
    /// The room is left.
    Left,
}

impl Input {
    /// Takes what is typed at the desk.
    pub(crate) fn typed_texts(self, texts: &Receiver<String>) {
        while let Ok(text) = texts.recv() {
            if let Done::Left = self.typed(&text) {
                return;
            }
        }
    }

    /// Once the room was entered, reads typed lines from a terminal without a desk, then leaves the room.
    pub(crate) fn typed_lines(self, input: impl BufRead, admitted: &Receiver<()>) {
        self.lines(input, admitted, Self::typed);
    }

    /// Once the room was entered, reads lines from a pipe, each a message, then leaves the room. `//exit` alone leaves
    /// at once; a blank line is no message.
    pub(crate) fn piped_lines(self, input: impl BufRead, admitted: &Receiver<()>) {
        self.lines(input, admitted, |this, line| match line {
            "//exit" => this.leave(""),
            _ if line.trim().is_empty() => Done::Yes,
            _ => this.say(line),
        });
    }

    fn lines(self, input: impl BufRead, admitted: &Receiver<()>, each: impl Fn(&Self, &str) -> Done) {
        if admitted.recv().is_err() {
            return;
        }
        let cause = match self.read(input, each) {
            Ok(()) => Cause::Eof,
            Err(error) => Cause::InputFailed(error.to_string()),
        };
        self.session.leave(cause);
    }

    fn read(&self, input: impl BufRead, each: impl Fn(&Self, &str) -> Done) -> io::Result<()> {
        let mut lines = Lines::new(input, MAX_TEXT);
        while let Some(line) = lines.next()? {
            let done = match line {
                lines::Line::Whole(line) => each(self, &String::from_utf8_lossy(&line)),
                lines::Line::TooLong { length } => self.tell(words::too_long(length)),
            };
            if let Done::Left = done {
                break;
            }
        }
        Ok(())
    }

    /// Does what a typed line means.
    fn typed(&self, line: &str) -> Done {
        match Typed::parse(line) {
            Typed::Say(text) if text.trim().is_empty() => Done::Yes,
            Typed::Say(text) => self.say(text),
            Typed::Leave(last) => self.leave(last),
            Typed::Help(part) => self.help(part),
            Typed::Members(part) => self.ask(Question::Members(part.to_lowercase())),
            Typed::Ring => self.ask(Question::Ring),
            Typed::Leader => self.ask(Question::Leader),
            Typed::Stats => self.ask(Question::Stats),
            Typed::Full => self.ask(Question::Full),
            Typed::Clear => self.ask(Question::Clear),
            Typed::Unknown(nearest) => {
                let hint = nearest.map_or_else(String::new, |nearest| format!("did you mean {nearest}? "));
                self.tell(format!("no such command; {hint}/help lists them, // says a text with a slash"))
            }
        }
    }

    fn say(&self, text: &str) -> Done {
        match Text::new(text).map(|text| self.session.room.say(text)) {
            Ok(Ok(_)) => Done::Yes,
            Ok(Err(Ended)) => Done::Left,
            Err(error) => self.tell(words::too_long(error.length)),
        }
    }

    /// Leaves the room, with last words if there are any.
    fn leave(&self, last: &str) -> Done {
        if !last.is_empty() {
            self.say(last);
        }
        self.session.leave(Cause::Quit);
        Done::Left
    }

    fn help(&self, part: &str) -> Done {
        let lines = HELP.iter().filter(|line| line.contains(part)).map(|line| (*line).to_owned());
        self.ask(Question::Tell(lines.collect()))
    }

    fn tell(&self, text: String) -> Done {
        self.ask(Question::Tell(vec![text]))
    }

    fn ask(&self, question: Question) -> Done {
        let asked = self.questions.send(question).is_ok() && self.session.room.report_in_events().is_ok();
        if asked { Done::Yes } else { Done::Left }
    }
}
