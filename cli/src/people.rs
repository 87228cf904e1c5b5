//! Standard input as people use it: a prompt, or lines through a pipe.

use std::io::{self, BufRead};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender};

use ringchat_core::Text;
use ringchat_core::driver::Ended;
use ringchat_core::limits::MAX_TEXT;
use signal_hook::consts::SIGINT;

use crate::line::Line;
use crate::lines::{self, Lines};
use crate::outcome::Cause;
use crate::screen::Printer;
use crate::session::{Ask, Session};
use crate::terminal::{Edited, Prompt};
use crate::typed::{HELP, Typed};

/// Answers that may be awaited before input is read no further.
pub(crate) const MAX_ASKED: usize = 64;

/// Reads what people say until they leave.
pub(crate) struct Input {
    /// The session.
    pub(crate) session: Arc<Session>,
    /// Where complaints and help go.
    pub(crate) printer: Printer,
    /// Where the screen learns what the next report is to answer.
    pub(crate) asking: SyncSender<Ask>,
    /// Yields once the room was entered; ends if it never is.
    pub(crate) admitted: Receiver<()>,
}

/// What became of a line.
enum Done {
    /// It was dealt with.
    Yes,
    /// The screen is to be emptied.
    Clear,
    /// The room is left.
    Left,
}

impl Input {
    /// Edits lines at a prompt, then leaves the room.
    pub(crate) fn prompt(self, mut prompt: Prompt, text: &Line) {
        if self.admitted.recv().is_err() {
            return;
        }
        while !self.session.is_leaving() {
            let line = match prompt.read(text, &self.printer.outlet) {
                Ok(Edited::Line(line)) => line,
                Ok(Edited::Interrupted) => return self.session.leave(Cause::Signal(SIGINT)),
                Ok(Edited::Eof) => return self.session.leave(Cause::Eof),
                Err(error) => return self.session.leave(Cause::InputFailed(error)),
            };
            match self.typed(&line) {
                Done::Yes => {}
                Done::Clear => prompt.clear(),
                Done::Left => return,
            }
        }
    }

    /// Reads typed lines from a terminal that has no prompt, then leaves the room.
    pub(crate) fn typed_lines(self, input: impl BufRead) {
        self.lines(input, Self::typed);
    }

    /// Reads lines from a pipe, each a message, then leaves the room. `//exit` alone leaves at once.
    pub(crate) fn piped_lines(self, input: impl BufRead) {
        self.lines(input, |this, line| match line {
            "//exit" => this.leave(),
            _ => this.say(line),
        });
    }

    fn lines(self, input: impl BufRead, each: impl Fn(&Self, &str) -> Done) {
        if self.admitted.recv().is_err() {
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
            match line {
                lines::Line::Whole(line) => {
                    if let Done::Left = each(self, &String::from_utf8_lossy(&line)) {
                        break;
                    }
                }
                lines::Line::TooLong { length } => self.too_long(length),
            }
        }
        Ok(())
    }

    /// Does what a typed line means.
    fn typed(&self, line: &str) -> Done {
        match Typed::parse(line) {
            Typed::Say("") => Done::Yes,
            Typed::Say(text) => self.say(text),
            Typed::Leave => self.leave(),
            Typed::Help => {
                for line in HELP {
                    self.tell(line);
                }
                Done::Yes
            }
            Typed::Ask(ask) => {
                let asked = self.asking.send(ask).is_ok() && self.session.room.report().is_ok();
                if asked { Done::Yes } else { Done::Left }
            }
            Typed::Clear => Done::Clear,
            Typed::Unknown(nearest) => {
                let hint = nearest.map_or_else(String::new, |nearest| format!("did you mean {nearest}? "));
                self.tell(&format!("no such command; {hint}/help lists them, // says a text with a slash"));
                Done::Yes
            }
        }
    }

    fn say(&self, text: &str) -> Done {
        match Text::new(text).map(|text| self.session.room.say(text)) {
            Ok(Ok(())) => Done::Yes,
            Ok(Err(Ended)) => Done::Left,
            Err(error) => {
                self.too_long(error.length);
                Done::Yes
            }
        }
    }

    fn leave(&self) -> Done {
        self.session.leave(Cause::Quit);
        Done::Left
    }

    fn too_long(&self, length: usize) {
        self.tell(&format!(
            "not sent: a message has at most {MAX_TEXT} bytes, this one has {length}; say it in parts"
        ));
    }

    fn tell(&self, text: &str) {
        // Who does not read what the room says misses this too.
        let _ = self.printer.print(&Line::system(text));
    }
}
