//! Paints the terminal: lines that scroll away, and below them a region with the text being typed.
//!
//! Each frame is one write: it erases the region, writes the new lines, and writes the region again. The terminal wraps
//! no row by itself except links. So if a terminal takes a character to be wider than [`wrap`] does, it clips the row,
//! and the other rows keep their places. For the same reason the cursor is placed by writing its row again up to it.

use std::collections::VecDeque;

use unicode_width::UnicodeWidthStr;

use crate::line::Line;
use crate::terminal::Size;
use crate::wrap::{MIN_WIDTH, WrappedRow, wrap};

use super::region::{Painted, Region};

/// How many rows of a long line are shown.
#[derive(Clone, Copy, Debug)]
pub(super) struct Fold {
    /// The maximum number of rows of a line that is not folded.
    pub(super) most: usize,
    /// The number of rows of a folded line that are shown.
    shown: usize,
    /// Whether `/full` can show the other rows.
    pub(super) can_be_had: bool,
}

impl Fold {
    /// How many of `rows` rows are shown.
    pub(super) fn shown_of(self, rows: usize) -> usize {
        if rows > self.most { self.shown } else { rows }
    }
}

/// The fold of an incoming line.
pub(super) const FOLDED: Fold = Fold { most: 20, shown: 12, can_be_had: true };

/// The fold of a line that `/full` shows.
pub(super) const UNFOLDED: Fold = Fold { most: 500, shown: 500, can_be_had: false };

/// The fold of a line on an output without commands.
const FOLDED_FOR_GOOD: Fold = Fold { can_be_had: false, ..FOLDED };

/// How lines look on a terminal.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Look {
    /// Whether lines are in colour.
    pub(crate) colour: bool,
    /// Whether a log has the rows that the screen does not show.
    pub(crate) has_log: bool,
}

impl Look {
    /// Where to find the hidden rows of a line.
    fn hint(self) -> &'static str {
        if self.has_log { "the log has them" } else { "no log is kept" }
    }
}

/// The maximum number of lines kept for repainting.
const MAX_KEPT: usize = 1000;

/// The maximum number of bytes in the lines kept.
const MAX_KEPT_BYTES: usize = 1024 * 1024;

/// The minimum height of a terminal. Nothing is painted on a lower one.
const MIN_HEIGHT: usize = 2;

/// The beginning and the end of a frame: the terminal shows a frame at once (synchronized output) and wraps no row.
pub(super) const BEGIN: &str = "\x1b[?2026h\x1b[?7l";
pub(super) const END: &str = "\x1b[?7h\x1b[?2026l";

/// Around a link, which the terminal wraps.
pub(super) const WRAP_ON: &str = "\x1b[?7h";
pub(super) const WRAP_OFF: &str = "\x1b[?7l";

/// Erases the row of the cursor, which stands at its beginning, and all rows below. `tmux` takes a screen that is erased
/// from its first cell on to be gone, and keeps a copy of it above; so the rest is erased from the second one on.
const ERASE_BELOW: &str = "\x1b[2K\x1b[C\x1b[J\r";
pub(super) const ERASE_ROW: &str = "\x1b[2K";
const TOP_LEFT: &str = "\x1b[H";
const NEXT_ROW: &str = "\r\n";

/// A line and its fold.
#[derive(Clone, Debug)]
struct Kept {
    line: Line,
    fold: Fold,
}

/// The state of the screen, and the lines that the next frame adds.
pub(crate) struct Painter {
    size: Size,
    look: Look,
    /// The newest lines, kept for repainting. The last `unpainted` of them are not painted yet.
    kept: VecDeque<Kept>,
    kept_bytes: usize,
    unpainted: usize,
    /// The last line that was folded.
    folded: Option<Line>,
    region: Painted,
    /// The number of rows of the screen that this program has filled, counted from the last row upwards.
    filled: usize,
    placed: Placed,
}

/// Where the painted rows are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Placed {
    /// Where they were painted.
    There,
    /// Above the screen, but for the region: the window has become as low as that.
    Above,
    /// Elsewhere, perhaps: the next frame must repaint the screen.
    Elsewhere,
}

impl Painter {
    /// A painter for a terminal of this size.
    pub(crate) fn new(size: Size, look: Look) -> Self {
        Self {
            size,
            look,
            kept: VecDeque::new(),
            kept_bytes: 0,
            unpainted: 0,
            folded: None,
            region: Painted::default(),
            filled: 0,
            placed: Placed::There,
        }
    }

    /// The width of the terminal in columns.
    pub(crate) fn columns(&self) -> usize {
        self.size.columns
    }

    /// The rows that a line takes.
    pub(crate) fn height(&self, line: &Line) -> usize {
        let (rows, _) = rows(line, self.size.columns, self.look, FOLDED);
        rows.iter().map(|(_, height)| height).sum()
    }

    /// Adapts to a new size of the terminal. On a wider terminal all rows keep their places; when a terminal becomes
    /// narrower, it wraps or cuts the rows.
    pub(crate) fn resize(&mut self, size: Size) {
        let moves = self.is_too_small() || size.columns < self.size.columns;
        let is_low = size.rows <= self.region.rows.len();
        self.placed = match self.placed {
            Placed::There if !moves && !is_low => Placed::There,
            Placed::There | Placed::Above if !moves && is_low => Placed::Above,
            _ => Placed::Elsewhere,
        };
        self.size = size;
    }

    /// Makes the next frame repaint the screen.
    pub(crate) fn redraw(&mut self) {
        self.placed = Placed::Elsewhere;
    }

    /// Makes the next frame begin at the cursor, because another program wrote to the terminal.
    pub(crate) fn begin_below(&mut self) {
        self.region = Painted::default();
        self.filled = 0;
    }

    /// Adds a line.
    pub(crate) fn add(&mut self, line: Line) {
        self.keep(Kept { line, fold: FOLDED });
    }

    /// Adds the last folded line again, unfolded. Returns false if there is none.
    pub(crate) fn unfold(&mut self) -> bool {
        let folded = self.folded.clone();
        if let Some(line) = folded.clone() {
            self.keep(Kept { line, fold: UNFOLDED });
        }
        folded.is_some()
    }

    /// Drops all lines and makes the next frame show an empty screen.
    pub(crate) fn clear(&mut self) {
        self.kept.clear();
        (self.kept_bytes, self.unpainted) = (0, 0);
        self.filled = self.size.rows;
        self.redraw();
    }

    /// The bytes that make the terminal show all lines and the region below them. Empty if nothing changed.
    pub(crate) fn frame(&mut self, region: Option<&Region>) -> String {
        if self.is_too_small() {
            self.unpainted = 0;
            return String::new();
        }
        let region =
            region.map(|region| region.lay_out(self.size.columns, self.size.rows / 2, self.look.colour));
        let region = region.unwrap_or_default();
        if self.placed == Placed::There && self.unpainted == 0 && region == self.region {
            return String::new();
        }
        let mut out = BEGIN.to_owned();
        match self.placed {
            Placed::There => {}
            Placed::Above => self.begin_at_top(&mut out),
            Placed::Elsewhere => self.repaint(region.rows.len(), &mut out),
        }
        self.placed = Placed::There;
        self.erase_region(&mut out);
        self.write_lines(&mut out);
        self.write_region(region, &mut out);
        out + END
    }

    fn is_too_small(&self) -> bool {
        self.size.columns < MIN_WIDTH || self.size.rows < MIN_HEIGHT
    }

    fn keep(&mut self, kept: Kept) {
        self.kept_bytes += kept.line.text().len();
        self.kept.push_back(kept);
        self.unpainted += 1;
        // Unpainted lines must stay.
        while self.kept.len() > self.unpainted.max(1)
            && (self.kept.len() > MAX_KEPT || self.kept_bytes > MAX_KEPT_BYTES)
        {
            let gone = self.kept.pop_front();
            self.kept_bytes -= gone.map_or(0, |gone| gone.line.text().len());
        }
    }

    fn erase_region(&self, out: &mut String) {
        out.extend(["\r", &up(self.region.cursor.0), ERASE_BELOW]);
    }

    /// The number of rows above the cursor in the region, if the terminal has rewrapped its rows.
    fn rows_above_cursor(&self) -> usize {
        let (at, left) = &self.region.cursor;
        let heights =
            self.region.rows.iter().take(*at).map(|row| row.width().div_ceil(self.size.columns).max(1));
        heights.sum::<usize>() + left.width() / self.size.columns
    }

    fn write_lines(&mut self, out: &mut String) {
        let new = self.kept.len() - self.unpainted;
        for kept in self.kept.range(new..) {
            let (rows, hidden) = rows(&kept.line, self.size.columns, self.look, kept.fold);
            for (row, height) in rows {
                write_row(&row, height, out);
                out.push_str(NEXT_ROW);
                self.filled = self.filled.saturating_add(height);
            }
            if hidden > 0 {
                self.folded = Some(kept.line.clone());
            }
        }
        self.unpainted = 0;
    }

    fn write_region(&mut self, region: Painted, out: &mut String) {
        out.push_str(&region.rows.join(NEXT_ROW));
        if let Some(last) = region.rows.len().checked_sub(1) {
            out.extend(["\r", &up(last - region.cursor.0), &region.cursor.1]);
        }
        self.region = region;
    }

    /// Writes the newest painted lines from the top of the screen on, with space for `below` rows. Unless this program
    /// has filled the screen, first scrolls it away, so that the output of other programs is not lost.
    fn repaint(&mut self, below: usize, out: &mut String) {
        if self.filled + self.region.rows.len() < self.size.rows {
            out.extend(["\r", &up(self.rows_above_cursor()), ERASE_BELOW, &"\n".repeat(self.size.rows)]);
        }
        out.push_str(TOP_LEFT);
        for (row, height) in self.newest_rows(below) {
            let room = format!("{ERASE_ROW}\n").repeat(height - 1);
            out.extend([&room, ERASE_ROW, &up(height - 1), "\r"]);
            write_row(&row, height, out);
            out.push_str(NEXT_ROW);
        }
        // The cursor is where the new region begins.
        self.region = Painted::default();
        self.filled = self.size.rows;
    }

    /// Lets the region begin at the top of a screen that shows nothing else. The lines stand above, where the terminal keeps what
    /// has left the screen: painted once more, they would stand there twice.
    fn begin_at_top(&mut self, out: &mut String) {
        out.push_str(TOP_LEFT);
        self.begin_below();
    }

    /// The newest rows of the painted lines, as many as fit above `below` rows, each with its height.
    fn newest_rows(&self, below: usize) -> VecDeque<(String, usize)> {
        let mut room = self.size.rows.saturating_sub(below.max(1));
        let mut newest = VecDeque::new();
        let old = self.kept.len() - self.unpainted;
        for kept in self.kept.range(..old).rev() {
            let (rows, _) = rows(&kept.line, self.size.columns, self.look, kept.fold);
            for (row, height) in rows.into_iter().rev() {
                if height > room {
                    return newest;
                }
                room -= height;
                newest.push_front((row, height));
            }
        }
        newest
    }
}

/// A line for a terminal on which the program edits no lines, with its final newline. A terminal that `obeys` control
/// sequences is told not to wrap rows.
pub(crate) fn unedited(line: &Line, columns: usize, look: Look, obeys: bool) -> String {
    let mut out = String::new();
    for (row, height) in rows(line, columns, look, FOLDED_FOR_GOOD).0 {
        if obeys && height == 1 {
            out.extend([WRAP_OFF, &row, WRAP_ON, "\n"]);
        } else {
            out.extend([&row, "\n"]);
        }
    }
    out
}

/// The shown rows of a line, each with its height, and the number of hidden rows.
fn rows(line: &Line, columns: usize, look: Look, fold: Fold) -> (Vec<(String, usize)>, usize) {
    let rows = wrap(line.text(), columns);
    let total: usize = rows.iter().map(|row| row.height).sum();
    let mut room = fold.shown_of(total);
    let fits = |row: &&WrappedRow| {
        let fits = row.height <= room;
        room = room.saturating_sub(row.height);
        fits
    };
    let shown: Vec<&WrappedRow> = rows.iter().take_while(fits).collect();
    let hidden = total - shown.iter().map(|row| row.height).sum::<usize>();
    let mut painted: Vec<(String, usize)> =
        shown.into_iter().map(|row| (line.row(row, look.colour), row.height)).collect();
    if hidden > 0 {
        let lines = if hidden == 1 { "line" } else { "lines" };
        let hint = if fold.can_be_had { "/full shows them" } else { look.hint() };
        // The line end makes the hint a further line of the text.
        let more = Line::default().and(&format!("\n... {hidden} more {lines} ({hint})"));
        painted
            .extend(wrap(more.text(), columns).iter().skip(1).map(|row| (more.row(row, false), row.height)));
    }
    (painted, hidden)
}

fn write_row(row: &str, height: usize, out: &mut String) {
    if height > 1 {
        out.extend([WRAP_ON, row, WRAP_OFF]);
    } else {
        out.push_str(row);
    }
}

fn up(rows: usize) -> String {
    if rows == 0 { String::new() } else { format!("\x1b[{rows}A") }
}

#[cfg(test)]
mod tests;
