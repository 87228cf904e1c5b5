//! What is written to the terminal: lines that scroll away, and below them the region with what is typed.
//!
//! Each turn is one write: the region is erased, new lines are written, and the region again. The terminal never
//! wraps a row by itself, but for links; so a terminal that finds a character wider than [`wrap`] does clips it, and
//! the rows stay where they are. For the same reason the cursor is placed by writing its row up to it once more.

use std::collections::VecDeque;

use unicode_width::UnicodeWidthStr;

use crate::line::Line;
use crate::terminal::Size;
use crate::wrap::{GOES_ON, MIN_WIDTH, WrappedRow, locate, wrap, wrap_typed};

/// How much of a long line is shown.
#[derive(Clone, Copy, Debug)]
struct Fold {
    /// A line of more rows is folded.
    most: usize,
    /// The rows of a folded line that are shown.
    shown: usize,
    /// Whether the others can be asked for.
    can_be_had: bool,
}

/// A line as it comes.
const FOLDED: Fold = Fold { most: 20, shown: 12, can_be_had: true };

/// A line that was asked for.
const UNFOLDED: Fold = Fold { most: 500, shown: 500, can_be_had: false };

/// A line where nobody can ask for it.
const FOLDED_FOR_GOOD: Fold = Fold { can_be_had: false, ..FOLDED };

/// What lines look like on a terminal.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Look {
    /// Whether in colour.
    pub(crate) colour: bool,
    /// Whether a log has what the screen does not show.
    pub(crate) has_log: bool,
}

impl Look {
    /// Where the rows are that are not shown.
    fn hint(self) -> &'static str {
        if self.has_log { "the log has them" } else { "no log is kept" }
    }
}

/// Lines that are kept for painting anew.
const MAX_KEPT: usize = 1000;

/// Bytes of text in them.
const MAX_KEPT_BYTES: usize = 1024 * 1024;

/// The least height of a terminal on which something is painted.
const MIN_HEIGHT: usize = 2;

/// Begins and ends what a terminal shows at once.
const BEGIN: &str = "\x1b[?2026h\x1b[?7l";
const END: &str = "\x1b[?7h\x1b[?2026l";

/// Lets the terminal wrap a link, and no more.
const WRAP_ON: &str = "\x1b[?7h";
const WRAP_OFF: &str = "\x1b[?7l";

const ERASE_BELOW: &str = "\x1b[J";
const ERASE_ROW: &str = "\x1b[2K";
const TOP_LEFT: &str = "\x1b[H";
const NEXT_ROW: &str = "\r\n";

/// What stands below the lines.
#[derive(Clone, Debug)]
pub(crate) struct Region {
    /// The prompt and what is typed.
    pub(crate) line: Line,
    /// The byte of the line before which the cursor stands.
    pub(crate) cursor: usize,
    /// What stands below.
    pub(crate) note: Option<Line>,
}

/// Rows as they are painted, and the cursor among them.
#[derive(Debug, Default, PartialEq, Eq)]
struct Painted {
    rows: Vec<String>,
    /// The row with the cursor, and what stands left of it there.
    cursor: (usize, String),
}

/// A line, and how much of it is shown.
#[derive(Clone, Debug)]
struct Kept {
    line: Line,
    fold: Fold,
}

/// The screen as it was painted, and what is to be.
pub(crate) struct Painter {
    size: Size,
    look: Look,
    /// Lines that scroll away, as far as a screen can show them. The last ones are yet to be painted.
    kept: VecDeque<Kept>,
    kept_bytes: usize,
    unpainted: usize,
    /// The last line that was folded.
    folded: Option<Line>,
    region: Painted,
    /// Rows of the screen that this program has filled, counted from the last row upwards.
    filled: usize,
    /// The screen is to be painted anew, because its rows are not where they were.
    is_stale: bool,
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
            is_stale: false,
        }
    }

    /// How many columns the terminal has.
    pub(crate) fn columns(&self) -> usize {
        self.size.columns
    }

    /// The terminal has another size. On a wider one all rows stay where they are; on a narrower one some terminals
    /// wrap them anew, and some cut them.
    pub(crate) fn resize(&mut self, size: Size) {
        let was_too_small = self.is_too_small();
        let is_low = size.rows <= self.region.rows.len();
        self.is_stale |= was_too_small || is_low || size.columns < self.size.columns;
        self.size = size;
    }

    /// Paints everything anew in the next frame.
    pub(crate) fn redraw(&mut self) {
        self.is_stale = true;
    }

    /// Another program wrote to the terminal: the next frame begins where the cursor is.
    pub(crate) fn begin_below(&mut self) {
        self.region = Painted::default();
        self.filled = 0;
    }

    /// Adds a line.
    pub(crate) fn add(&mut self, line: Line) {
        self.keep(Kept { line, fold: FOLDED });
    }

    /// Adds the line that was folded last, unfolded. False if there is none.
    pub(crate) fn unfold(&mut self) -> bool {
        let folded = self.folded.clone();
        if let Some(line) = folded.clone() {
            self.keep(Kept { line, fold: UNFOLDED });
        }
        folded.is_some()
    }

    /// Forgets all lines: the next frame shows an empty screen.
    pub(crate) fn clear(&mut self) {
        self.kept.clear();
        (self.kept_bytes, self.unpainted) = (0, 0);
        self.filled = self.size.rows;
        self.is_stale = true;
    }

    /// What to write so that the terminal shows all lines, and the region below; nothing if it does already.
    pub(crate) fn frame(&mut self, region: Option<&Region>) -> String {
        if self.is_too_small() {
            self.unpainted = 0;
            return String::new();
        }
        let region = region.map(|region| self.lay_out(region)).unwrap_or_default();
        if !self.is_stale && self.unpainted == 0 && region == self.region {
            return String::new();
        }
        let mut out = BEGIN.to_owned();
        if self.is_stale {
            self.repaint(region.rows.len(), &mut out);
        }
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
        // What is yet to be painted stays.
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

    /// The rows of the region above the cursor, if the terminal has wrapped them anew.
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

    /// Writes the newest of the painted lines from the top of the screen on, and leaves room for some rows below. Unless
    /// this program has filled the screen, its rows are scrolled away before: what another program has shown stays.
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
        // The region is written here.
        self.region = Painted::default();
        self.filled = self.size.rows;
        self.is_stale = false;
    }

    /// The rows of the lines that were painted before, as far as the screen has room for them above those `below`.
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

    /// Lays the region out, or of a large one what surrounds the cursor.
    fn lay_out(&self, region: &Region) -> Painted {
        let (text, columns) = (region.line.text(), self.size.columns);
        let mut rows = wrap_typed(text, columns);
        let (at, left) = locate(text, &rows, columns, region.cursor);
        if at == rows.len() {
            rows.push(WrappedRow { indent: GOES_ON, part: text.len()..text.len(), height: 1 });
        }
        let indent = rows.get(at).map_or("", |row| row.indent);
        let left = format!("{indent}{}", text.get(left).unwrap_or_default());
        let note: Vec<String> = region.note.iter().flat_map(|note| self.note_rows(note)).collect();
        let most = (self.size.rows / 2).saturating_sub(note.len()).max(1);
        let first = (at + 1).saturating_sub(most);
        let shown = rows.iter().skip(first).take(most).map(|row| region.line.row(row, self.look.colour));
        let rows: Vec<String> = shown.chain(note).collect();
        Painted { rows, cursor: (at - first, left) }
    }

    fn note_rows(&self, note: &Line) -> Vec<String> {
        let rows = wrap(note.text(), self.size.columns);
        rows.iter().take(self.size.rows / 4).map(|row| note.row(row, self.look.colour)).collect()
    }
}

/// A line for a terminal on which nobody edits lines, newline included. Unless the terminal obeys nothing, it wraps no
/// row by itself.
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

/// The rows of a line, each with its height, and how many there are that are not shown.
fn rows(line: &Line, columns: usize, look: Look, fold: Fold) -> (Vec<(String, usize)>, usize) {
    let rows = wrap(line.text(), columns);
    let total: usize = rows.iter().map(|row| row.height).sum();
    let mut room = if total > fold.most { fold.shown } else { total };
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
        // The line end makes it a further line of the text.
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
