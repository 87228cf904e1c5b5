//! Lays out lines in the columns of the full screen: the clock, the name, the text.
//!
//! A text of a member begins behind the column of names, and so do all of its further rows. So no text can imitate the
//! beginning of another line. Where there is no column of names, further rows are indented.
//!
//! The rest of a link that is wider than its column is the exception: the terminal wraps it, at its own edges, so that
//! it can be opened and copied whole. No link has a blank, so it looks like no beginning of a line.

use std::iter;
use std::ops::Range;

use anstyle::{Ansi256Color, AnsiColor, Color, Style};
use unicode_segmentation::UnicodeSegmentation;
use unicode_width::UnicodeWidthStr;

use super::super::paint::{FOLDED, UNFOLDED};
use super::scrollback::{Entry, EntryKind, Scrollback};
use crate::calendar::{Calendar, DayTime};
use crate::line::{Line, Said};
use crate::wrap::wrap_column;

/// The bounds of the column of names.
const NARROWEST_NAME: usize = 5;
pub(crate) const WIDEST_NAME: usize = 12;

/// The width of the column of clocks.
const CLOCK: usize = 6;

/// The minimum width of a pane that has columns.
const MIN_COLUMNS: usize = 40;

/// What stands before the name where there are no columns. With its blank no link, which may go on at the edge, can look
/// like the beginning of a text.
const MARK: &str = "> ";

fn mark_of(entry: &Entry) -> &'static str {
    if entry.line.said().is_some_and(|said| !said.is_act) { MARK } else { "" }
}

/// The indent of the further rows of a text where there are no columns.
const INDENT: &str = "   ";

/// The mark of a further line of a text.
const FURTHER: &str = "| ";

/// The colours of names, of 256. Each has a contrast of 4:1 or more on black and on white, and they stay apart for people
/// who see red and green alike.
const HUES: [u8; 8] = [27, 30, 62, 99, 130, 133, 161, 164];

const DIM: Style = Style::new().dimmed();
const OWN: Style = Style::new().bold();
const MENTION: Style = AnsiColor::Magenta.on_default().bold();
const FEW_COLOURS: Style = AnsiColor::Cyan.on_default().bold();

/// How many colours a terminal has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Palette {
    /// None, not even a style.
    None,
    /// Those of every terminal.
    Few,
    /// 256 or more.
    Many,
}

impl Palette {
    /// `text` in `style`, if there are styles.
    pub(crate) fn paint(self, style: Style, text: &str) -> String {
        if self == Self::None || style.is_plain() || text.is_empty() {
            return text.to_owned();
        }
        format!("{style}{text}{style:#}")
    }

    fn name(self, said: &Said, kind: EntryKind) -> Style {
        match (said.is_mention, kind, self) {
            (true, ..) => MENTION,
            (false, EntryKind::Room, Self::Many) => {
                let hue = usize::from(said.key.first().copied().unwrap_or(0)) % HUES.len();
                let hue = HUES.get(hue).map(|hue| Color::Ansi256(Ansi256Color(*hue)));
                Style::new().fg_color(hue)
            }
            (false, EntryKind::Room, _) => FEW_COLOURS,
            (false, kind, _) if kind.is_waiting() => OWN.dimmed(),
            (false, ..) => OWN,
        }
    }
}

/// A row of talk.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct TalkRow {
    /// The row as it is written.
    pub(crate) text: String,
    /// Whether the terminal wraps the row into the next, because both show parts of one link.
    pub(crate) goes_on: bool,
}

impl From<String> for TalkRow {
    fn from(text: String) -> Self {
        Self { text, goes_on: false }
    }
}

/// A row of a text, or a link that is wider than a row, which takes several.
struct TextRow {
    /// The number of the row within its line.
    nth: usize,
    /// The bytes that it shows.
    part: Range<usize>,
    /// The bytes of the further rows of a link, each as wide as the terminal.
    more: Vec<Range<usize>>,
}

impl TextRow {
    fn height(&self) -> usize {
        1 + self.more.len()
    }
}

/// Where lines are shown, and how.
#[derive(Clone, Copy)]
pub(crate) struct Pane<'a> {
    /// The width in columns.
    pub(crate) columns: usize,
    /// The width of the terminal.
    pub(crate) screen: usize,
    /// Whether texts stand without columns, so that they can be copied.
    pub(crate) is_plain: bool,
    /// Whether clocks are shown.
    pub(crate) shows_times: bool,
    /// Whether Lamport times are shown.
    pub(crate) shows_stamps: bool,
    /// The width of the column of names.
    pub(crate) names: usize,
    /// The colours.
    pub(crate) palette: Palette,
    /// The days and clocks.
    pub(crate) calendar: &'a Calendar,
    /// All lines.
    pub(crate) scrollback: &'a Scrollback,
    /// The first line that the user has not seen.
    pub(crate) unread: Option<usize>,
}

impl Pane<'_> {
    /// Makes the column of names fit those of the `count` entries before the entry `end`.
    pub(crate) fn fit_names(&mut self, end: usize, count: usize) {
        let shown = end.saturating_sub(count)..end;
        let names = shown.filter_map(|number| Some(self.label(self.scrollback.get(number)?.line.said()?)));
        let widest = names.map(|name| name.width()).max().unwrap_or(0);
        self.names = widest.clamp(NARROWEST_NAME, WIDEST_NAME);
    }

    /// The rows of the entry `number`, with what stands above it.
    pub(crate) fn rows(&self, number: usize) -> Vec<TalkRow> {
        let Some(entry) = self.scrollback.get(number) else { return Vec::new() };
        let moment = self.calendar.moment(entry.at);
        let mut rows: Vec<TalkRow> = Vec::new();
        rows.extend(moment.as_ref().and_then(|moment| self.day(number, moment)).map(TalkRow::from));
        if self.unread == Some(number) {
            rows.push(self.rule("new").into());
        }
        rows.extend(self.entry(entry, moment.as_ref()));
        rows
    }

    /// The number of the last entry of which most rows are hidden.
    pub(crate) fn last_folded(&self) -> Option<usize> {
        let is_folded = |entry: &Entry| {
            // So most texts are told apart without being wrapped.
            let is_long = entry.line.text().len() > FOLDED.most;
            !entry.is_whole && is_long && height(&self.wrapped(entry).1) > FOLDED.most
        };
        let mut all = (self.scrollback.first()..self.scrollback.placed()).rev();
        all.find(|number| self.scrollback.get(*number).is_some_and(is_folded))
    }

    /// The row that begins a day, if the entry `number` is the first of one.
    fn day(&self, number: usize, moment: &DayTime) -> Option<String> {
        let before = number.checked_sub(1).and_then(|before| self.scrollback.get(before));
        let before = before.and_then(|entry| self.calendar.moment(entry.at));
        if before.is_some_and(|before| before.day == moment.day) {
            return None;
        }
        let fits = moment.day.width() + 6 <= self.columns;
        Some(self.rule(if fits { &moment.day } else { &moment.short_day }))
    }

    fn rule(&self, title: &str) -> String {
        let title = format!("── {title} ");
        let rest = "─".repeat(self.columns.saturating_sub(title.width()));
        self.palette.paint(DIM, &(title + &rest))
    }

    fn has_columns(&self) -> bool {
        !self.is_plain && self.columns >= MIN_COLUMNS
    }

    /// What the author is called on the screen.
    fn label(&self, said: &Said) -> String {
        let shown = self.scrollback.ending(&cut(&said.name, WIDEST_NAME), said.addr);
        // The longer one tells more.
        let ending = shown.into_iter().chain(said.ending.clone()).max_by_key(String::len).unwrap_or_default();
        if self.has_columns() { with_ending(&said.name, &ending) } else { said.name.clone() + &ending }
    }

    fn entry(&self, entry: &Entry, moment: Option<&DayTime>) -> Vec<TalkRow> {
        let (before, blank, further) = self.edges(entry, moment);
        let (text, wrapped) = self.wrapped(entry);
        let fold = if entry.is_whole { UNFOLDED } else { FOLDED };
        let all = height(&wrapped);
        let mut room = fold.shown_of(all);
        let mut rows: Vec<TalkRow> = Vec::new();
        for (at, row) in wrapped.iter().enumerate() {
            // A link is shown whole, or not at all.
            let Some(left) = room.checked_sub(row.height()) else { break };
            room = left;
            let edge = match (at, row.nth) {
                (0, _) => &before,
                (_, 0) => &further,
                _ => &blank,
            };
            rows.push((edge.clone() + &text.styled(self.palette, row.part.clone())).into());
            rows.extend(row.more.iter().map(|part| text.styled(self.palette, part.clone()).into()));
            let going_on = rows.iter_mut().rev().skip(1).take(row.more.len());
            going_on.for_each(|row| row.goes_on = true);
        }
        if all > rows.len() {
            let hint = if fold.can_be_had { " (/full shows them)" } else { "" };
            let more = format!("... {} more lines{hint}", all - rows.len());
            let more = cut(&more, self.columns.saturating_sub(self.indent()));
            rows.push((further.clone() + &self.palette.paint(DIM, &more)).into());
        }
        self.note(entry.kind, &mut rows, &blank);
        rows
    }

    /// The text of an entry, and its rows.
    fn wrapped<'b>(&self, entry: &'b Entry) -> (EntryText<'b>, Vec<TextRow>) {
        let text = EntryText::new(self, entry);
        let width = self.columns.saturating_sub(self.indent()).max(1);
        let mut rows: Vec<TextRow> = Vec::new();
        for line in text.lines() {
            let parts = wrap_column(text.text.get(line.clone()).unwrap_or_default(), width);
            for (nth, row) in parts.into_iter().enumerate() {
                let part = line.start + row.part.start..line.start + row.part.end;
                let is_first = rows.is_empty() && !self.has_columns();
                let edge = if is_first { mark_of(entry).len() } else { self.indent() };
                rows.push(if row.height > 1 {
                    self.link(nth, part, edge)
                } else {
                    TextRow { nth, part, more: Vec::new() }
                });
            }
        }
        (text, rows)
    }

    /// A link that is wider than its column, behind an `edge` of so many columns. Each of its characters has one byte and one
    /// column. It takes what the terminal has.
    fn link(&self, nth: usize, link: Range<usize>, edge: usize) -> TextRow {
        let first = link.end.min(link.start + self.screen.saturating_sub(edge).max(1));
        let next = |end: usize| Some(link.end.min(end + self.screen)).filter(|next| *next > end);
        let ends: Vec<usize> = iter::successors(Some(first), |end| next(*end)).collect();
        let more = ends.iter().zip(ends.iter().skip(1)).map(|(start, end)| *start..*end).collect();
        TextRow { nth, part: link.start..first, more }
    }

    /// The width of what stands before the further rows of a text.
    fn indent(&self) -> usize {
        match (self.has_columns(), self.shows_times) {
            (false, _) => INDENT.len(),
            (true, true) => CLOCK + self.names + 1,
            (true, false) => self.names + 1,
        }
    }

    /// What stands before the first row of an entry, before any further row, and before a further line.
    fn edges(&self, entry: &Entry, moment: Option<&DayTime>) -> (String, String, String) {
        if !self.has_columns() {
            return (mark_of(entry).to_owned(), INDENT.to_owned(), self.further());
        }
        let clock = match (self.shows_times, moment) {
            (true, Some(moment)) => self.palette.paint(DIM, &moment.clock),
            (true, None) => " ".repeat(CLOCK),
            (false, _) => String::new(),
        };
        let (name, style) = match entry.line.said() {
            Some(said) if !said.is_act => (self.label(said), self.palette.name(said, entry.kind)),
            _ => (String::new(), Style::new()),
        };
        let room = " ".repeat((self.names + 1).saturating_sub(name.width()));
        let before = clock + &self.palette.paint(style, &name) + &room;
        (before, " ".repeat(self.indent()), self.further())
    }

    /// What stands before a further line of a text.
    fn further(&self) -> String {
        if self.is_plain {
            return " ".repeat(self.indent());
        }
        " ".repeat(self.indent().saturating_sub(FURTHER.len())) + &self.palette.paint(DIM, FURTHER)
    }

    /// Adds what a text of the user waits for.
    fn note(&self, kind: EntryKind, rows: &mut Vec<TalkRow>, blank: &str) {
        let note = match kind {
            EntryKind::Sending => "sending",
            EntryKind::Held => "waits for a leader",
            EntryKind::Room | EntryKind::Own | EntryKind::Command => return,
        };
        let Some(last) = rows.last_mut() else { return };
        let room = self.columns.saturating_sub(visible_width(&last.text) + note.width() + 2);
        if room > 0 {
            last.text.push_str(&(" ".repeat(room) + &self.palette.paint(DIM, note)));
        } else {
            let note = cut(note, self.columns.saturating_sub(blank.width()));
            rows.push((blank.to_owned() + &self.palette.paint(DIM, &note)).into());
        }
    }
}

/// The text of an entry as it is wrapped.
struct EntryText<'a> {
    line: &'a Line,
    text: String,
    /// The style of the beginning of the text, and where it ends.
    head: (usize, Style),
    /// The style of the rest; `None` if the line has styles of its own.
    rest: Option<Style>,
}

impl<'a> EntryText<'a> {
    fn new(pane: &Pane<'_>, entry: &'a Entry) -> Self {
        let line = &entry.line;
        let rest =
            if entry.kind.is_waiting() || entry.kind == EntryKind::Command { DIM } else { Style::new() };
        let Some(said) = line.said() else {
            let rest = (entry.kind == EntryKind::Command).then_some(rest);
            let text = line.text().to_owned();
            return Self { line, text, head: (0, Style::new()), rest };
        };
        let name = pane.label(said);
        let style = pane.palette.name(said, entry.kind);
        let stamp = if pane.shows_stamps && !entry.kind.is_waiting() {
            format!("[{}] ", said.stamp)
        } else {
            String::new()
        };
        let beside = if said.beside.is_empty() { String::new() } else { format!("({}) ", said.beside) };
        let lead = match (said.is_act, pane.has_columns()) {
            (true, _) => format!("* {name} {stamp}{beside}"),
            (false, true) => stamp + &beside,
            (false, false) => format!("{name}: {stamp}{beside}"),
        };
        let head = (lead.len(), if said.is_act || !pane.has_columns() { style } else { DIM });
        Self { line, text: lead + line.body(), head, rest: Some(rest) }
    }

    /// The bytes of each line of the text.
    fn lines(&self) -> impl Iterator<Item = Range<usize>> {
        let mut start = 0;
        self.text.split('\n').map(move |line| {
            let range = start..start + line.len();
            start = range.end + 1;
            range
        })
    }

    fn styled(&self, palette: Palette, range: Range<usize>) -> String {
        let Some(rest) = self.rest else { return self.line.part(range, palette != Palette::None) };
        let text = |range: Range<usize>| self.text.get(range).unwrap_or_default();
        let (end, style) = self.head;
        let middle = end.clamp(range.start, range.end);
        palette.paint(style, text(range.start..middle)) + &palette.paint(rest, text(middle..range.end))
    }
}

fn height(rows: &[TextRow]) -> usize {
    rows.iter().map(TextRow::height).sum()
}

/// The name, with the `ending` that tells it from others, at most as wide as names are drawn. Of an ending that is too
/// wide only its end is shown.
pub(super) fn with_ending(name: &str, ending: &str) -> String {
    let most = WIDEST_NAME - 1;
    // An ending is ASCII.
    let ending = ending.get(ending.len().saturating_sub(most)..).unwrap_or_default();
    cut(name, WIDEST_NAME - ending.len()) + ending
}

/// The beginning of `name` that has at most `most` columns; it ends in `…` if something is missing.
pub(crate) fn cut(name: &str, most: usize) -> String {
    if name.width() <= most {
        return name.to_owned();
    }
    let mut width = 1;
    let fitting = name.graphemes(true).take_while(|cluster| {
        width += cluster.width();
        width <= most
    });
    fitting.collect::<String>() + "…"
}

/// The width of a row without its control sequences.
pub(crate) fn visible_width(row: &str) -> usize {
    let mut parts = row.split("\x1b[");
    let first = parts.next().map_or(0, UnicodeWidthStr::width);
    let rest = parts.map(|part| part.split_once('m').map_or(0, |(_, text)| text.width()));
    first + rest.sum::<usize>()
}
