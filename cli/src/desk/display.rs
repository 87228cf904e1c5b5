//! What the terminal shows: lines that scroll away, or the full screen. Both know all lines, and one of them is in sight.

use std::collections::VecDeque;
use std::io;
use std::mem;
use std::time::Duration;

use ringchat_core::{Instant, UnixTime};
use ringchat_driver::Clock;

use super::BELL;
use super::full_screen::{EntryKind, FullLook, FullScreen, SharedRing, ViewKey};
use super::paint::{Look, Painter};
use super::region::Region;
use crate::calendar::Calendar;
use crate::line::Line;
use crate::terminal;

/// The minimum time between two frames of the full screen.
const FRAME: Duration = Duration::from_millis(16);

/// How many rows of the talk stay on the terminal when the full screen goes.
const STAY: usize = 20;

/// The terminal and what it shows.
#[allow(clippy::struct_excessive_bools, reason = "each is true or not by itself")]
pub(super) struct Display {
    out: terminal::Output,
    painter: Painter,
    full: FullScreen,
    calendar: Calendar,
    /// Whether the full screen is in sight, and whether the user wants it to be.
    is_full: bool,
    wants_full: bool,
    /// The last lines that came while the full screen was in sight.
    unpainted: VecDeque<(Line, UnixTime)>,
    /// Whether the next frame rings.
    rings: bool,
    clock: Clock,
    /// When the next frame of the full screen may be written, and whether it has to.
    next_frame: Instant,
    is_late: bool,
}

/// How a display begins.
pub(super) struct DisplaySettings {
    /// How lines look.
    pub(super) look: Look,
    /// How the full screen looks.
    pub(super) full_look: FullLook,
    /// What stands before lines.
    pub(super) calendar: Calendar,
    /// The ring as this member sees it.
    pub(super) ring: SharedRing,
    /// Whether the user wants the full screen.
    pub(super) wants_full: bool,
}

impl Display {
    /// The terminal of this process.
    ///
    /// # Errors
    /// If standard output is closed.
    pub(super) fn new(settings: DisplaySettings) -> io::Result<Self> {
        let size = terminal::size();
        Ok(Self {
            out: terminal::output()?,
            painter: Painter::new(size, settings.look),
            full: FullScreen::new(size, settings.full_look, settings.ring),
            calendar: settings.calendar,
            is_full: false,
            wants_full: settings.wants_full,
            unpainted: VecDeque::new(),
            rings: false,
            clock: Clock::start(),
            next_frame: Instant::ZERO,
            is_late: false,
        })
    }

    /// The time by which frames are due.
    pub(super) fn now(&self) -> Instant {
        self.clock.now()
    }

    /// Whether the full screen is in sight.
    pub(super) fn is_full(&self) -> bool {
        self.is_full
    }

    /// The width of the terminal in columns.
    pub(super) fn columns(&self) -> usize {
        self.painter.columns()
    }

    /// Adds a line that came at `at`.
    pub(super) fn add(&mut self, line: Line, at: UnixTime) {
        self.full.add(line.clone(), at, EntryKind::Room);
        self.add_below(line, at);
    }

    /// Adds a line that tells what the full screen shows in another way.
    pub(super) fn add_aside(&mut self, line: Line, at: UnixTime) {
        self.add_below(line, at);
    }

    /// Adds what the user typed: `line` as it was typed, and `own` as the full screen shows it.
    pub(super) fn add_typed(&mut self, line: Line, own: Line, at: UnixTime) {
        if own.said().is_some() {
            self.full.send(own, at);
        } else {
            self.full.add(own, at, EntryKind::Command);
            self.full.see_all();
        }
        self.add_below(line, at);
    }

    /// Adds a line to those that scroll away, now or when the full screen has gone.
    fn add_below(&mut self, line: Line, at: UnixTime) {
        if !self.is_full {
            return self.calendar.date(line, at).into_iter().for_each(|line| self.painter.add(line));
        }
        if self.unpainted.len() == STAY {
            self.unpainted.pop_front();
        }
        self.unpainted.push_back((line, at));
    }

    /// What the full screen is to know beyond lines.
    pub(super) fn full(&mut self) -> &mut FullScreen {
        &mut self.full
    }

    /// Does what a key of the full screen says, if that is in sight.
    pub(super) fn key(&mut self, key: ViewKey) {
        if self.is_full {
            self.full.key(key, &self.calendar);
        }
    }

    /// Whether the arrows scroll what is in sight.
    pub(super) fn takes_arrows(&self) -> bool {
        self.is_full && self.full.takes_arrows()
    }

    /// Shows all of the last folded line. Returns false if there is none.
    pub(super) fn unfold(&mut self) -> bool {
        if self.is_full { self.full.unfold(&self.calendar) } else { self.painter.unfold() }
    }

    /// Shows times before lines from now on, or no longer.
    pub(super) fn show_times(&mut self, on: bool) {
        self.calendar.show_times(on);
        self.full.show_times(on);
    }

    /// Makes the next frame ring.
    pub(super) fn ring(&mut self) {
        self.rings = true;
    }

    /// Drops all lines.
    pub(super) fn clear(&mut self) {
        self.unpainted.clear();
        self.full.clear();
        self.painter.clear();
    }

    /// Makes the next frame repaint the terminal.
    pub(super) fn redraw(&mut self) {
        if self.is_full {
            self.full.redraw();
        } else {
            self.painter.redraw();
        }
    }

    /// Adapts to the size of the terminal.
    pub(super) fn resize(&mut self) {
        let size = terminal::size();
        self.painter.resize(size);
        self.full.resize(size);
    }

    /// How long to wait for further items until a frame must be written. `None` for ever.
    pub(super) fn due(&self) -> Option<Duration> {
        let frame = self.is_late.then_some(self.next_frame);
        let due = frame.into_iter().chain(self.full.next_change()).min().filter(|_| self.is_full);
        due.map(|at| self.clock.until(at))
    }

    /// Shows all lines, and `region` below them. The full screen may do so a moment later.
    pub(super) fn paint(&mut self, region: Option<&Region>) -> io::Result<()> {
        if self.is_full {
            self.full.advance(self.clock.now());
            self.is_late = !self.clock.until(self.next_frame).is_zero();
            if self.is_late {
                return Ok(());
            }
        }
        let mut frame =
            if self.is_full { self.full.frame(region, &self.calendar) } else { self.painter.frame(region) };
        if self.is_full && !frame.is_empty() {
            self.next_frame = self.clock.now().after(FRAME);
        }
        if mem::take(&mut self.rings) {
            frame.push_str(BELL);
        }
        self.write(&frame)
    }

    /// The terminal is taken, for the first time or again after a stop: shows what the user wants to see.
    pub(super) fn begin(&mut self) -> io::Result<()> {
        if !self.wants_full {
            return Ok(());
        }
        if !self.is_full {
            let frame = self.painter.frame(None);
            self.write(&frame)?;
        }
        self.is_full = true;
        self.full.begin();
        self.write(terminal::begin_full_screen())
    }

    /// The terminal is about to be given back: the last lines stay on it, and the typed text goes.
    pub(super) fn end(&mut self) -> io::Result<()> {
        if self.is_full {
            self.write(terminal::END_FULL_SCREEN)?;
            terminal::has_ended_full_screen();
            self.is_full = false;
            self.stay();
        }
        self.paint(None)
    }

    /// Shows the full screen instead of lines that scroll away, or the other way round.
    pub(super) fn switch(&mut self) -> io::Result<()> {
        self.wants_full = !self.wants_full;
        if self.wants_full { self.begin() } else { self.end() }
    }

    /// Another program wrote to the terminal, below what this one wrote.
    pub(super) fn begin_below(&mut self) {
        if !self.is_full {
            self.painter.begin_below();
        }
    }

    /// Lets the last lines stay that came on the full screen.
    fn stay(&mut self) {
        self.painter.resize(terminal::size());
        let mut room = STAY;
        let fits = |(line, _): &&(Line, UnixTime)| {
            let height = self.painter.height(line);
            let fits = height <= room;
            room = room.saturating_sub(height);
            fits
        };
        let count = self.unpainted.iter().rev().take_while(fits).count();
        let first = self.unpainted.len() - count;
        for (line, at) in mem::take(&mut self.unpainted).into_iter().skip(first) {
            self.add_below(line, at);
        }
    }

    fn write(&mut self, text: &str) -> io::Result<()> {
        terminal::write_all(&mut self.out, text.as_bytes())
    }
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroU16;

    use super::*;
    use crate::desk::Palette;
    use crate::terminal::tests::panic_on_a_terminal;

    /// Shows a line and what is typed, and panics. The terminal is that of one of the tests below.
    fn panic_in_sight(wants_full: bool) {
        terminal::give_back_on_panic();
        terminal::take().unwrap();
        let mut display = Display::new(DisplaySettings {
            look: Look { colour: true, has_log: true },
            full_look: FullLook { palette: Palette::Many, shows_stamps: false },
            calendar: Calendar::in_utc(true, true),
            ring: SharedRing::default(),
            wants_full,
        })
        .unwrap();
        display.begin().unwrap();
        display.add(Line::system("shown before the panic"), UnixTime(0));
        // The cursor stands in the first of two rows.
        let line = Line::default().and("> half a line").and_typed(&"\nbelow the cursor".repeat(20));
        let region = Region { line, cursor: 5, note: None };
        display.paint(Some(&region)).unwrap();
        panic!("a panic in sight");
    }

    /// A terminal on which these bytes were written.
    fn terminal(bytes: &str) -> vt100::Parser {
        let cells = |n| NonZeroU16::new(n).unwrap();
        let mut terminal = vt100::Parser::new(cells(80), cells(80), 0);
        terminal.process(bytes.as_bytes());
        terminal
    }

    #[test]
    #[ignore = "panics on a terminal that is its own"]
    fn panics_in_the_line_mode() {
        panic_in_sight(false);
    }

    #[test]
    fn a_panic_in_the_line_mode_is_reported_below_what_was_typed() {
        let written = panic_on_a_terminal("desk::display::tests::panics_in_the_line_mode");
        let shown = terminal(&written);
        let screen = shown.screen();
        assert!(!screen.hide_cursor() && !screen.bracketed_paste());
        let rows: Vec<String> = screen.rows(0, 80).collect();
        let at = |text| rows.iter().position(|row| row.contains(text)).unwrap_or_else(|| panic!("{rows:#?}"));
        assert_eq!(rows[at("half a line")], "> half a line", "nothing is written over it");
        assert!(
            at("shown before the panic") < at("half a line") && at("half a line") < at("a panic in sight")
        );
        let report = &rows[at("a panic in sight")];
        assert_eq!(report, "a panic in sight", "it is mixed with what was typed: {rows:#?}");
        for (begins, ends) in [("\u{1b}[?7l", "\u{1b}[?7h"), ("\u{1b}[?2026h", "\u{1b}[?2026l")] {
            let last = |mode| written.rfind(mode).unwrap_or_else(|| panic!("no {mode:?} in {written:?}"));
            assert!(last(begins) < last(ends), "{begins:?} is left in {written:?}");
        }
    }

    #[test]
    #[ignore = "panics on a terminal that is its own"]
    fn panics_on_the_full_screen() {
        panic_in_sight(true);
    }

    #[test]
    fn a_panic_ends_the_full_screen_before_it_is_reported() {
        let written = panic_on_a_terminal("desk::display::tests::panics_on_the_full_screen");
        let (before, after) = written.split_once("\x1b[?1049l").expect("the full screen ends");
        let mut shown = terminal(before);
        let screen = shown.screen();
        assert!(screen.alternate_screen() && screen.contents().contains("shown before the panic"));
        assert!(!before.contains("a panic in"), "{before:?}");
        shown.process(format!("\x1b[?1049l{after}").as_bytes());
        let screen = shown.screen();
        assert!(!screen.alternate_screen() && !screen.hide_cursor() && !screen.bracketed_paste());
        let contents = screen.contents();
        assert!(contents.contains("a panic in sight"), "{contents}");
        assert!(!contents.contains("before the panic") && !contents.contains("half a line"), "{contents}");
        assert!(before.contains("\x1b[?1004l"), "the terminal no longer tells whether it is looked at");
    }
}
