//! The desk: the one thread that owns the terminal, the text being typed, and the screen.
//!
//! Keys, lines, signals and the request to end arrive through one queue. Each turn takes all waiting items and then
//! writes once. The desk never waits for the room.

mod complete;
mod display;
mod doubt;
mod edit;
mod full_screen;
mod item;
mod keys;
mod later;
mod outlet;
mod paint;
mod recall;
mod region;
mod sending;

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use ringchat_core::{Name, UnixTime};
use unicode_segmentation::UnicodeSegmentation;
use unicode_width::UnicodeWidthStr;

use crate::calendar::Calendar;
use crate::history::History;
use crate::line::Line;
use crate::outcome::Cause;
use crate::process::{SIGINT, SIGQUIT};
use crate::roll::Roll;
use crate::sanitize;
use crate::session::Session;
use crate::trust::{has_ticket, now};
use crate::wrap::{locate, wrap_typed};
use crate::{process, terminal};

use complete::Completion;
use display::{Display, DisplaySettings};
use doubt::Doubt;
use edit::{Edit, EditBuffer, MAX_TYPED};
use keys::{Meaning, read_keys};
use later::{Later, Pressed};
use outlet::Outlet;
use recall::Recall;
use region::Region;

pub(crate) use full_screen::{FullLook, Palette, RingView, SharedRing, ViewKey};
pub(crate) use item::{DeskQueue, Item, Typed, weight};
pub(crate) use outlet::{Outbox, typed_texts};
pub(crate) use paint::{Look, unedited};

/// The maximum number of items in one turn.
const TURN: usize = 1000;

/// How often, and for how long each time, to look for something that may come at once: a signal to leave, the rest of a
/// paste.
const LOOKS: usize = 5;
const LOOK: Duration = Duration::from_millis(20);

/// What makes a terminal ring.
pub(crate) const BELL: &str = "\x07";

/// What the user can do at the moment.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Phase {
    /// Wait until the room lets this member in; the terminal is in its usual modes.
    Joining,
    /// Type texts.
    Typing,
    /// Wait for the end of the program.
    Leaving,
}

/// What a desk needs to know.
pub(crate) struct DeskSettings {
    /// What stands before the text being typed.
    pub(crate) prompt: Line,
    /// The silence after which the room suspects a stopped member.
    pub(crate) detect: Duration,
    /// The name and the address of the user.
    pub(crate) me: (Name, SocketAddr),
    /// How lines look.
    pub(crate) look: Look,
    /// How the full screen looks.
    pub(crate) full_look: FullLook,
    /// Whether it begins with the full screen.
    pub(crate) wants_full: bool,
    /// The ring as this member sees it.
    pub(crate) ring: SharedRing,
    /// What stands before lines.
    pub(crate) calendar: Calendar,
    /// The names to complete.
    pub(crate) roll: Roll,
    /// Where typed lines are kept, and those of earlier sessions.
    pub(crate) history: (History, Vec<String>),
}

/// The desk.
pub(crate) struct Desk {
    queue: Arc<DeskQueue>,
    session: Arc<Session>,
    /// The queue of texts to send and of commands.
    outlet: Outlet,
    /// What was pressed and waits until the room takes what was typed before.
    later: Later,
    prompt: Line,
    /// The silence after which the room suspects a stopped member.
    detect: Duration,
    /// The name and the address of the user.
    me: (Name, SocketAddr),
    display: Display,
    typed: EditBuffer,
    recall: Recall,
    history: History,
    roll: Roll,
    completion: Option<Completion>,
    phase: Phase,
    /// Whether the last key was refused because the text is too long.
    is_too_long: bool,
    /// The open question whether to send a text; Enter confirms it.
    question: Option<Line>,
    /// Why the text was not sent at the last Enter, as long as nothing shows that.
    unseen: Option<Doubt>,
}

impl Desk {
    /// A desk for the terminal of this process.
    ///
    /// # Errors
    /// If standard output is closed.
    pub(crate) fn new(
        queue: Arc<DeskQueue>,
        session: Arc<Session>,
        outlet: Outlet,
        settings: DeskSettings,
    ) -> io::Result<Self> {
        let (history, before) = settings.history;
        let display = Display::new(DisplaySettings {
            look: settings.look,
            full_look: settings.full_look,
            calendar: settings.calendar,
            ring: settings.ring,
            wants_full: settings.wants_full,
        })?;
        Ok(Self {
            queue,
            session,
            outlet,
            later: Later::default(),
            prompt: settings.prompt,
            detect: settings.detect,
            me: settings.me,
            display,
            typed: EditBuffer::default(),
            recall: Recall::of(&before),
            history,
            roll: settings.roll,
            completion: None,
            phase: Phase::Joining,
            is_too_long: false,
            question: None,
            unseen: None,
        })
    }

    /// Works until the queue is closed, then restores the terminal.
    pub(crate) fn run(mut self) {
        while let Some(items) = self.queue.take_within(TURN, self.display.due()) {
            for item in items {
                self.take(item);
            }
            self.look_for_more();
            self.paint();
            self.unseen = None;
        }
        self.phase = Phase::Leaving;
        self.show(Display::end);
        terminal::give_back();
        self.history.save();
        self.queue.end();
    }

    fn take(&mut self, item: Item) {
        match item {
            Item::Line(line) => self.add(line, now()),
            Item::Again(line, at) => self.add(line, at),
            Item::Aside(line) => self.display.add_aside(line, now()),
            Item::Placed(line) => self.display.full().settle(line, now()),
            Item::NotPlaced(text) => self.display.full().refuse(&text),
            Item::Held => self.display.full().hold(),
            Item::Ring => self.look(),
            Item::Switch if self.phase == Phase::Typing => self.show(Display::switch),
            Item::Switch => {}
            Item::Focus(has_focus) => self.display.full().focus(has_focus),
            Item::Times(on) => self.display.show_times(on),
            Item::Bell => self.display.ring(),
            Item::Unfold => {
                if !self.display.unfold() {
                    self.tell("no text was folded");
                }
            }
            Item::Clear => self.display.clear(),
            Item::Admitted => self.begin(),
            Item::Pressed(pressed) => self.press(pressed),
            Item::Taken => self.press_on(),
            Item::NoMoreKeys(None) => self.leave(Cause::Eof),
            Item::NoMoreKeys(Some(error)) => self.leave(Cause::InputFailed(error.to_string())),
            Item::Resized => self.display.resize(),
            Item::Stop => self.stop(),
            Item::Continued => self.go_on(),
            Item::Leaving => self.phase = Phase::Leaving,
        }
    }

    /// Takes the terminal and shows the prompt. Sends the lines typed before; an unfinished one can be edited.
    fn begin(&mut self) {
        if self.phase != Phase::Joining {
            return;
        }
        self.phase = Phase::Typing;
        if let Err(error) = terminal::take() {
            return self.leave(Cause::InputFailed(error.to_string()));
        }
        let ahead = terminal::typed_ahead();
        self.show(Display::begin);
        self.look();
        for part in ahead.split_inclusive('\n') {
            self.press(Pressed::Paste(part.trim_end_matches('\n').to_owned()));
            if part.ends_with('\n') {
                self.press(Pressed::Key(Meaning::Send));
            }
        }
        let (queue, gate) = (Arc::clone(&self.queue), self.later.gate());
        let reader = thread::Builder::new().name("keys".into()).spawn(move || read_keys(&queue, &gate));
        if let Err(error) = reader {
            self.leave(Cause::InputFailed(error.to_string()));
        }
    }

    fn key(&mut self, meaning: Meaning) {
        match (self.phase, meaning) {
            (_, Meaning::Abort) => process::abort(SIGQUIT),
            (_, Meaning::Stop) => self.stop(),
            (_, Meaning::Redraw) => self.display.redraw(),
            (Phase::Typing, meaning) => self.type_key(meaning),
            (_, Meaning::Interrupt) => process::abort(SIGINT),
            (Phase::Joining | Phase::Leaving, _) => {}
        }
    }

    fn type_key(&mut self, meaning: Meaning) {
        let was_asked = self.question.take().is_some();
        if !matches!(meaning, Meaning::Up | Meaning::Down) {
            self.recall.settle();
        }
        if !matches!(meaning, Meaning::Complete | Meaning::CompleteBack) {
            self.completion = None;
        }
        match meaning {
            Meaning::Type(c) => self.type_in(c),
            Meaning::Edit(Edit::End) if self.typed.is_at_end() => self.display.key(ViewKey::Newest),
            Meaning::Edit(edit) => self.typed.edit(edit),
            Meaning::Up if self.display.takes_arrows() => self.display.key(ViewKey::RowUp),
            Meaning::Down if self.display.takes_arrows() => self.display.key(ViewKey::RowDown),
            Meaning::Up => self.move_up(),
            Meaning::Down => self.move_down(),
            Meaning::Complete => self.complete(false),
            Meaning::CompleteBack => self.complete(true),
            Meaning::Send => self.send(was_asked),
            Meaning::Interrupt if self.typed.text().is_empty() => self.interrupt(),
            Meaning::Interrupt => {
                let text = self.typed.text().to_owned();
                self.keep(&text, false);
                self.typed.clear();
                self.drop_waiting();
            }
            Meaning::DeleteOrLeave if self.typed.text().is_empty() => {
                if self.hand_over(Typed::Leave, meaning) {
                    self.phase = Phase::Leaving;
                }
            }
            Meaning::DeleteOrLeave => self.typed.edit(Edit::Delete),
            // The key closes the question, and nothing besides.
            Meaning::View(ViewKey::Back) if was_asked => {}
            Meaning::View(key) => self.display.key(key),
            Meaning::Redraw | Meaning::Stop | Meaning::Abort | Meaning::Nothing => {}
        }
    }

    /// Asks for a report of the node, if the full screen needs one.
    fn look(&mut self) {
        if self.display.is_full() && self.display.full().wants_report() {
            // If too much waits, the user has asked more than that.
            let _ = self.outlet.hand_over(Typed::Look);
        }
    }

    fn type_in(&mut self, c: char) {
        let is_harmless = sanitize::typed(c.encode_utf8(&mut [0; 4])).starts_with(c);
        let is_taken = !is_harmless || self.typed.type_in(c);
        if !is_taken && !self.is_too_long {
            self.tell(&format!("not typed: a line has at most {} KiB", MAX_TYPED / 1024));
        }
        self.is_too_long = !is_taken;
    }

    /// Inserts pasted text at the cursor. A paste never sends the text, so final line ends are dropped.
    fn paste(&mut self, text: &str) {
        if self.phase == Phase::Typing {
            self.question = None;
            self.completion = None;
            self.recall.settle();
            self.insert(if self.typed.is_at_end() { text.trim_end_matches(['\r', '\n']) } else { text });
        }
    }

    fn insert(&mut self, text: &str) {
        let text = sanitize::typed(text);
        if self.typed.insert(&text) < text.len() {
            self.tell(&format!(
                "a line has at most {} KiB; the rest of the text was left out",
                MAX_TYPED / 1024
            ));
        }
    }

    /// Completes the word left of the cursor, or shows the next completion, or the one before.
    fn complete(&mut self, is_back: bool) {
        if self.completion.is_none() {
            self.completion = Completion::of(self.typed.left(), &self.roll.others());
        }
        if let Some(completion) = &mut self.completion {
            let (part, text) = completion.turn(is_back);
            self.typed.replace_left(part, text);
        }
    }

    /// Keeps a line to be recalled, unless a ticket is in it; one that was sent in the next session too.
    fn keep(&mut self, line: &str, was_sent: bool) {
        if has_ticket(line) {
            return;
        }
        self.recall.keep(line);
        if was_sent {
            self.history.add(line);
        }
    }

    fn move_up(&mut self) {
        if self.move_by_row(|row| row.checked_sub(1)) {
            return;
        }
        if let Some(older) = self.recall.older(self.typed.text(), self.typed.left()) {
            self.typed.replace(older);
        }
    }

    fn move_down(&mut self) {
        if self.move_by_row(|row| row.checked_add(1)) {
            return;
        }
        if let Some(newer) = self.recall.newer(self.typed.text()) {
            self.typed.replace(&newer);
        }
    }

    /// Moves the cursor to the row `to(current row)`, to the same column if that row is long enough. Returns false if
    /// there is no such row.
    fn move_by_row(&mut self, to: impl Fn(usize) -> Option<usize>) -> bool {
        let before = self.shown_prompt().text().len();
        let line = self.typed_line();
        let (text, columns) = (line.text(), self.display.columns());
        let rows = wrap_typed(text, columns);
        let (at, left) = locate(text, &rows, columns, before + self.typed.cursor());
        let indent = |at: usize| rows.get(at).map_or(0, |row| row.indent.len());
        let column = indent(at) + text.get(left).map_or(0, UnicodeWidthStr::width);
        let Some((at, row)) = to(at).and_then(|at| Some((at, rows.get(at)?))) else { return false };
        if row.part.end < before {
            return false;
        }
        let mut width = indent(at);
        let clusters = text.get(row.part.clone()).unwrap_or_default().grapheme_indices(true);
        let place = clusters.take_while(|(_, cluster)| {
            width += cluster.width();
            width <= column
        });
        let place = place.last().map_or(row.part.start, |(at, cluster)| row.part.start + at + cluster.len());
        self.typed.move_to(place.max(before) - before);
        true
    }

    /// Restores the terminal and stops the program until the shell continues it.
    fn stop(&mut self) {
        // Nobody would continue a program whose terminal is gone.
        if process::never_stops() || self.session.is_hung_up() {
            return;
        }
        if self.phase == Phase::Typing {
            // A suspect has half of the time again to answer.
            let given_up = (self.detect + self.detect / 2).as_secs_f64();
            self.tell(&format!("stopped: the room gives you up after {given_up} s; fg comes back"));
        }
        self.show(Display::end);
        terminal::give_back();
        // It may have gone meanwhile.
        if !self.session.is_hung_up() {
            process::stop();
        }
        self.go_on();
    }

    /// Takes the terminal again after a stop.
    fn go_on(&mut self) {
        if self.phase != Phase::Typing || (terminal::is_behind() && self.is_told_to_leave()) {
            return;
        }
        match terminal::take_again() {
            Ok(true) => {
                self.display.begin_below();
                self.show(Display::begin);
            }
            Ok(false) => {}
            Err(error) => self.leave(Cause::InputFailed(error.to_string())),
        }
        self.display.resize();
    }

    /// Whether the program has to leave. A shell that ends a stopped program sends it that signal and lets it go on,
    /// behind the shell: to take the terminal again would stop the program there.
    fn is_told_to_leave(&mut self) -> bool {
        for _ in 0..LOOKS {
            for item in self.queue.take_within(TURN, Some(LOOK)).into_iter().flatten() {
                match item {
                    Item::Continued => {}
                    item => self.take(item),
                }
            }
            if self.phase == Phase::Leaving {
                return true;
            }
        }
        false
    }

    fn leave(&mut self, cause: Cause) {
        self.phase = Phase::Leaving;
        self.session.leave(cause);
    }

    fn tell(&mut self, text: &str) {
        self.add(Line::system(text), now());
    }

    /// Shows a line that came at `at`.
    fn add(&mut self, line: Line, at: UnixTime) {
        self.display.add(line, at);
    }

    /// What stands before the text being typed. The full screen has the name elsewhere.
    fn shown_prompt(&self) -> Line {
        if self.display.is_full() { Line::default().and("> ") } else { self.prompt.clone() }
    }

    fn typed_line(&self) -> Line {
        self.shown_prompt().and_typed(self.typed.text())
    }

    fn paint(&mut self) {
        let region = (self.phase == Phase::Typing).then(|| Region {
            line: self.typed_line(),
            cursor: self.shown_prompt().text().len() + self.typed.cursor(),
            note: self.question.clone(),
        });
        self.show(|display| display.paint(region.as_ref()));
    }

    fn show(&mut self, show: impl FnOnce(&mut Display) -> io::Result<()>) {
        if let Err(error) = show(&mut self.display) {
            self.leave(Cause::OutputFailed(error));
            self.queue.end();
        }
    }
}
