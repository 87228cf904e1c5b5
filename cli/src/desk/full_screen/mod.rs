//! The full screen: the talk above a status bar and the text being typed, and the ring beside the talk.
//!
//! A frame is a list of rows. Only rows that changed are written, each at its own place; rows that show one link are written
//! together, so that the terminal knows that they belong together.

mod keys_page;
mod layout;
mod panel;
mod ring;
mod scrollback;
mod status;

use std::mem;
use std::time::Duration;

use anstyle::Style;
use ringchat_core::{Instant, UnixTime};

use super::paint::{BEGIN, END, ERASE_ROW, WRAP_OFF, WRAP_ON};
use super::region::{Painted, Region};
use crate::calendar::Calendar;
use crate::line::Line;
use crate::terminal::Size;
use crate::wrap::MIN_WIDTH;

use keys_page::KeysPage;
use layout::{Pane, TalkRow, visible_width};
use panel::ring_rows;
use scrollback::{Entry, Scrollback};
use status::{ViewStatus, status_bar};

pub(crate) use layout::Palette;
pub(crate) use ring::{RingView, SharedRing};
pub(crate) use scrollback::EntryKind;

/// The smallest terminal with more than the text being typed.
const SMALLEST: Size = Size { columns: 20, rows: 5 };

/// The width from which on the ring stands beside the talk.
const WITH_PANEL: usize = 80;

/// The width of the ring, with the line left of it.
const PANEL: usize = 26;

const BAR: Style = Style::new().invert();

const ERASE_ALL: &str = "\x1b[2J";
const HIDE_CURSOR: &str = "\x1b[?25l";
const SHOW_CURSOR: &str = "\x1b[?25h";

/// How long a step of a token is in sight.
const STEP: Duration = Duration::from_millis(300);

/// How the full screen looks.
#[derive(Clone, Copy, Debug)]
pub(crate) struct FullLook {
    /// The colours.
    pub(crate) palette: Palette,
    /// Whether Lamport times are shown.
    pub(crate) shows_stamps: bool,
}

/// What stands above the status bar.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum View {
    #[default]
    Talk,
    Keys,
    Ring,
    /// The talk as texts alone.
    Plain,
}

/// A key that only the full screen has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ViewKey {
    /// Scroll to older lines.
    PageUp,
    /// Scroll to newer lines.
    PageDown,
    /// Scroll the page of keys by a row, to its beginning.
    RowUp,
    /// Scroll the page of keys by a row, to its end.
    RowDown,
    /// Show the newest lines.
    Newest,
    /// Show the keys, or the talk again.
    Keys,
    /// Show the ring instead of the talk, or the talk again.
    Ring,
    /// Show texts alone, or with all else again.
    Plain,
    /// Show the talk again, as it is usually shown.
    Back,
}

/// The end of what is in sight: all entries before this one, and so many rows of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Place {
    entry: usize,
    rows: usize,
}

/// A row.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct FrameRow {
    /// The talk, or what stands instead of it.
    left: String,
    /// What stands beside it, and the column in which that begins.
    right: Option<(usize, String)>,
    /// Whether the terminal wraps the left part into the next row.
    goes_on: bool,
}

impl From<String> for FrameRow {
    fn from(left: String) -> Self {
        Self { left, ..Self::default() }
    }
}

/// What the terminal is to show.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Frame {
    rows: Vec<FrameRow>,
    /// The row of the cursor, and the text left of it.
    cursor: (usize, String),
}

/// What the full screen shows, whether it is in sight or not.
pub(crate) struct FullScreen {
    size: Size,
    look: FullLook,
    ring: SharedRing,
    scrollback: Scrollback,
    view: View,
    keys: KeysPage,
    shows_times: bool,
    /// The end of what is in sight; `None` for the newest lines.
    place: Option<Place>,
    /// The rows of talk in sight.
    height: usize,
    /// The first line that came while the user did not look, and how many came since.
    unread: Option<usize>,
    news: usize,
    has_focus: bool,
    /// When the token of an election may move on.
    next_step: Instant,
    /// What the terminal shows; `None` if that is not known.
    shown: Option<Frame>,
}

impl FullScreen {
    /// A screen on a terminal of this size.
    pub(crate) fn new(size: Size, look: FullLook, ring: SharedRing) -> Self {
        Self {
            size,
            look,
            ring,
            scrollback: Scrollback::default(),
            view: View::default(),
            keys: KeysPage::default(),
            shows_times: true,
            place: None,
            height: size.rows,
            unread: None,
            news: 0,
            has_focus: true,
            next_step: Instant::ZERO,
            shown: None,
        }
    }

    /// Adds a line that came at `at`.
    pub(crate) fn add(&mut self, line: Line, at: UnixTime, kind: EntryKind) {
        if kind == EntryKind::Room && !self.is_watched() {
            if self.news == 0 {
                self.unread = Some(self.scrollback.placed());
            }
            self.news = self.news.saturating_add(1);
        }
        self.scrollback.add(Entry { line, at, kind, is_whole: false });
    }

    /// Adds a text that the user sends; it waits for its place.
    pub(crate) fn send(&mut self, line: Line, at: UnixTime) {
        self.scrollback.wait_for_place(line, at);
        // What came while the user had scrolled up is in sight only from now on.
        let unread = self.unread.filter(|_| !self.is_watched());
        self.see_all();
        self.unread = unread;
    }

    /// The text of the user that `line` tells has its place.
    pub(crate) fn settle(&mut self, line: Line, at: UnixTime) {
        self.scrollback.settle(line, at);
    }

    /// The text of the user gets no place.
    pub(crate) fn refuse(&mut self, text: &str) {
        self.scrollback.refuse(text);
    }

    /// The texts of the user wait for a leader.
    pub(crate) fn hold(&mut self) {
        self.scrollback.hold();
    }

    /// Whether a report of the node would tell more of the ring. Asked once, it is no longer so.
    pub(crate) fn wants_report(&mut self) -> bool {
        mem::take(&mut self.ring.lock().is_stale)
    }

    /// Shows clocks from now on, or no longer.
    pub(crate) fn show_times(&mut self, on: bool) {
        self.shows_times = on;
    }

    /// Shows all of the last text that is folded. Returns false if there is none.
    pub(crate) fn unfold(&mut self, calendar: &Calendar) -> bool {
        let number = self.pane(calendar).last_folded();
        number.is_some_and(|number| self.scrollback.unfold(number))
    }

    /// Drops all lines.
    pub(crate) fn clear(&mut self) {
        self.scrollback.clear();
        self.see_all();
    }

    /// The user looks at the terminal, or no longer.
    pub(crate) fn focus(&mut self, has_focus: bool) {
        self.has_focus = has_focus;
    }

    /// Adapts to a new size of the terminal.
    pub(crate) fn resize(&mut self, size: Size) {
        if size != self.size {
            self.size = size;
            self.redraw();
        }
    }

    /// When the token of an election moves on or a lost member goes. `None` if nothing of that waits.
    pub(crate) fn next_change(&self) -> Option<Instant> {
        let ring = self.ring.lock();
        let step = ring.has_steps().then_some(self.next_step);
        step.into_iter().chain(ring.lost_until()).min()
    }

    /// Moves the token on, and lets lost members go, if it is time.
    pub(crate) fn advance(&mut self, now: Instant) {
        let mut ring = self.ring.lock();
        if ring.has_steps() && self.next_step <= now {
            ring.step();
            self.next_step = now.after(STEP);
        }
        ring.let_go(now);
    }

    /// Begins to be in sight. What came before was on the other screen.
    pub(crate) fn begin(&mut self) {
        self.ring.lock().forget_moments();
        self.has_focus = true;
        self.see_all();
        self.redraw();
    }

    /// Makes the next frame write all rows.
    pub(crate) fn redraw(&mut self) {
        self.shown = None;
    }

    /// Does what a key says.
    pub(crate) fn key(&mut self, key: ViewKey, calendar: &Calendar) {
        let toggled = |view: View, other: View| if view == other { View::Talk } else { other };
        match key {
            ViewKey::PageUp if self.view == View::Keys => self.keys.scroll(-self.keys.page()),
            ViewKey::PageDown if self.view == View::Keys => self.keys.scroll(self.keys.page()),
            ViewKey::PageUp | ViewKey::PageDown if !self.shows_talk() => {}
            ViewKey::PageUp => self.scroll_up(calendar),
            ViewKey::PageDown => self.scroll_down(calendar),
            ViewKey::RowUp => self.keys.scroll(-1),
            ViewKey::RowDown => self.keys.scroll(1),
            ViewKey::Newest => self.place = None,
            ViewKey::Keys => {
                self.view = toggled(self.view, View::Keys);
                self.keys = KeysPage::default();
            }
            ViewKey::Ring => self.view = toggled(self.view, View::Ring),
            ViewKey::Plain => self.view = toggled(self.view, View::Plain),
            ViewKey::Back => self.view = View::Talk,
        }
    }

    /// Whether the arrows scroll what is in sight.
    pub(crate) fn takes_arrows(&self) -> bool {
        self.view == View::Keys && self.keys.scrolls()
    }

    /// The bytes that make the terminal show the lines, and `region` below them. Empty if nothing changed.
    pub(crate) fn frame(&mut self, region: Option<&Region>, calendar: &Calendar) -> String {
        let frame = self.compose(region, calendar);
        let before = self.shown.replace(frame.clone());
        if before.as_ref() == Some(&frame) {
            return String::new();
        }
        let mut out = [BEGIN, HIDE_CURSOR].concat();
        if before.is_none() {
            out.push_str(ERASE_ALL);
        }
        let before = before.unwrap_or_default();
        let mut at = 0;
        for rows in frame.rows.chunk_by(|row, _| row.goes_on) {
            if before.rows.get(at..at + rows.len()) != Some(rows) {
                write_rows(at, rows, &mut out);
            }
            at += rows.len();
        }
        // A terminal may find a character wider than its table; so the text left of the cursor is written once more.
        let (row, left) = &frame.cursor;
        out.push_str(&(place(*row, 0) + left));
        out + SHOW_CURSOR + END
    }

    /// The user has seen all, and wants to see what follows.
    pub(crate) fn see_all(&mut self) {
        if self.view != View::Plain {
            self.view = View::Talk;
        }
        (self.place, self.unread, self.news) = (None, None, 0);
    }

    /// Whether the user looks at the newest lines.
    fn is_watched(&self) -> bool {
        self.shows_talk() && self.has_focus && self.place.is_none()
    }

    /// Whether the talk is in sight.
    fn shows_talk(&self) -> bool {
        match self.view {
            View::Talk | View::Plain => true,
            View::Keys => false,
            View::Ring => self.has_panel(),
        }
    }

    fn compose(&mut self, region: Option<&Region>, calendar: &Calendar) -> Frame {
        let Size { columns, rows } = self.size;
        if columns < MIN_WIDTH || rows == 0 {
            return Frame::default();
        }
        let is_small = columns < SMALLEST.columns || rows < SMALLEST.rows;
        let typed = self.typed(region, rows / 3);
        let bars = usize::from(!is_small);
        self.height = rows.saturating_sub(typed.rows.len() + bars);
        if self.is_watched() {
            self.news = 0;
        }
        let mut frame = self.upper(calendar);
        let view = ViewStatus {
            waiting: self.scrollback.waiting(),
            news: self.news,
            is_scrolled: self.place.is_some(),
            hint: self.keys.hint().filter(|_| self.view == View::Keys),
        };
        let bar = status_bar(&self.ring.lock(), view, columns);
        frame.extend((!is_small).then(|| self.look.palette.paint(BAR, &bar).into()));
        let cursor = (frame.len() + typed.cursor.0, typed.cursor.1);
        frame.extend(typed.rows.into_iter().map(FrameRow::from));
        Frame { rows: frame, cursor }
    }

    /// The rows of what is typed, at most `most`, and at least one; one more for a note.
    fn typed(&self, region: Option<&Region>, most: usize) -> Painted {
        let Some(region) = region else { return Painted { rows: vec![String::new()], ..Painted::default() } };
        let most = if region.note.is_some() { most.max(2) } else { most.max(1) };
        region.lay_out(self.size.columns, most, self.look.palette != Palette::None)
    }

    /// The rows above the status bar.
    fn upper(&mut self, calendar: &Calendar) -> Vec<FrameRow> {
        let (columns, height) = (self.size.columns, self.height);
        let has_panel = self.has_panel();
        let plain = |rows: Vec<String>| rows.into_iter().map(FrameRow::from).collect();
        let mut rows: Vec<FrameRow> = match self.view {
            View::Keys => plain(self.keys.rows(self.talk_columns(), height)),
            View::Ring if !has_panel => plain(ring_rows(&self.ring.lock(), columns, height)),
            View::Talk | View::Ring | View::Plain => self.talk(calendar),
        };
        // Talk stands at the bottom, all else at the top.
        let empty = vec![FrameRow::default(); height.saturating_sub(rows.len())];
        rows.splice(if self.shows_talk() { 0..0 } else { rows.len()..rows.len() }, empty);
        if has_panel {
            let ring = ring_rows(&self.ring.lock(), PANEL - 2, height);
            // A link may take the whole row.
            let narrow = |row: &FrameRow| visible_width(&row.left) <= self.talk_columns();
            for (at, row) in rows.iter_mut().enumerate().filter(|(_, row)| narrow(row)) {
                let drawn = ring.get(at).map_or("", String::as_str);
                row.right = Some((self.talk_columns(), format!("│ {drawn}").trim_end().to_owned()));
            }
        }
        rows
    }

    fn has_panel(&self) -> bool {
        self.size.columns >= WITH_PANEL && self.view != View::Plain
    }

    fn talk_columns(&self) -> usize {
        self.size.columns - if self.has_panel() { PANEL } else { 0 }
    }

    /// The rows of talk in sight.
    fn talk(&self, calendar: &Calendar) -> Vec<FrameRow> {
        let pane = self.pane(calendar);
        let place = self.last_in_sight(&pane);
        let mut rows: Vec<TalkRow> = Vec::new();
        if place.rows > 0 {
            rows.extend(pane.rows(place.entry).into_iter().take(place.rows).rev());
        }
        for entry in (self.scrollback.first()..place.entry).rev() {
            if rows.len() >= self.height {
                break;
            }
            rows.extend(pane.rows(entry).into_iter().rev());
        }
        rows.truncate(self.height);
        // Nothing of a link is wrapped into what stands below the talk.
        rows.iter_mut().take(1).for_each(|row| row.goes_on = false);
        let row = |TalkRow { text, goes_on }| FrameRow { left: text, right: None, goes_on };
        rows.into_iter().rev().map(row).collect()
    }

    fn pane<'a>(&'a self, calendar: &'a Calendar) -> Pane<'a> {
        let mut pane = Pane {
            columns: self.talk_columns(),
            screen: self.size.columns,
            is_plain: self.view == View::Plain,
            shows_times: self.shows_times,
            shows_stamps: self.look.shows_stamps,
            names: 0,
            palette: self.look.palette,
            calendar,
            scrollback: &self.scrollback,
            unread: self.unread,
        };
        let oldest_page = self.scrollback.first() + self.height;
        let last = self.place.map_or(self.scrollback.end(), |place| place.entry.max(oldest_page));
        pane.fit_names(last + 1, self.height);
        pane
    }

    /// The place behind the newest line.
    fn end(&self) -> Place {
        Place { entry: self.scrollback.end(), rows: 0 }
    }

    /// Where the rows in sight end. The oldest lines go, also while the user looks at them.
    fn last_in_sight(&self, pane: &Pane<'_>) -> Place {
        self.place.map_or(self.end(), |place| place.max(self.top(pane)))
    }

    /// Where the rows in sight end if the oldest are in sight.
    fn top(&self, pane: &Pane<'_>) -> Place {
        self.forward(pane, Place { entry: self.scrollback.first(), rows: 0 }, self.height)
    }

    /// The rows of one page: all in sight but one.
    fn page(&self) -> usize {
        self.height.saturating_sub(1).max(1)
    }

    fn scroll_up(&mut self, calendar: &Calendar) {
        let pane = self.pane(calendar);
        let here = self.last_in_sight(&pane);
        let place = self.back(&pane, here, self.page()).max(self.top(&pane)).min(here);
        self.place = (place < self.end()).then_some(place);
    }

    fn scroll_down(&mut self, calendar: &Calendar) {
        let pane = self.pane(calendar);
        let place = self.forward(&pane, self.last_in_sight(&pane), self.page());
        self.place = (place < self.end()).then_some(place);
    }

    /// The place `count` rows before `place`.
    fn back(&self, pane: &Pane<'_>, place: Place, count: usize) -> Place {
        let (Place { mut entry, mut rows }, mut left) = (place, count);
        while left > rows {
            left -= rows;
            if entry <= self.scrollback.first() {
                return Place { entry: self.scrollback.first(), rows: 0 };
            }
            entry -= 1;
            rows = pane.rows(entry).len();
        }
        Place { entry, rows: rows - left }
    }

    /// The place `count` rows behind `place`; the end if there are no more rows.
    fn forward(&self, pane: &Pane<'_>, place: Place, count: usize) -> Place {
        let (Place { mut entry, mut rows }, mut left) = (place, count);
        while entry < self.scrollback.end() {
            let all = pane.rows(entry).len();
            if rows + left < all {
                return Place { entry, rows: rows + left };
            }
            left -= all.saturating_sub(rows).min(left);
            (entry, rows) = (entry + 1, 0);
        }
        self.end()
    }
}

/// Writes rows that the terminal is to wrap into each other, or a single row, from the row `at` on.
fn write_rows(at: usize, rows: &[FrameRow], out: &mut String) {
    (at..at + rows.len()).rev().for_each(|at| out.extend([&place(at, 0), ERASE_ROW]));
    let is_wrapped = rows.len() > 1;
    out.push_str(if is_wrapped { WRAP_ON } else { "" });
    out.extend(rows.iter().map(|row| row.left.as_str()));
    out.push_str(if is_wrapped { WRAP_OFF } else { "" });
    for (at, row) in (at..).zip(rows) {
        if let Some((column, text)) = &row.right {
            out.push_str(&(place(at, *column) + text));
        }
    }
}

/// What moves the cursor.
fn place(row: usize, column: usize) -> String {
    format!("\x1b[{};{}H", row + 1, column + 1)
}

#[cfg(test)]
mod tests;
