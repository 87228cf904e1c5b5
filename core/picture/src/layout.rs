//! Where everything stands in a space-time diagram. Only this file decides that.

use alloc::string::{String, ToString as _};
use alloc::vec::Vec;

use ringchat_core::ElectionPhase;

use super::class::Class;
use super::columns::Columns;
use super::lines;
use super::marks::{Head, Layout, Mark, MarkKind, Tip};
use super::rows::Rows;
use super::story::{Looks, Story};
use super::wanted::Window;
use super::words;
use crate::trace::run::{Frame, Gist, Tidings, What};

/// What is free below the last row.
const BELOW: i32 = 60;
/// How long the end of an arrow is of which only one end is known.
const STUB: i32 = 28;

/// Lays out what `window` shows of a run.
pub(crate) fn layout(story: &Story<'_>, window: &Window) -> Layout {
    let columns = Columns::new(story, window.from, window.members.as_ref());
    let rows = Rows::new(story, window);
    let mut canvas = Canvas { story, window, columns, rows, marks: Vec::new() };
    lines::bands(&mut canvas);
    lines::lifelines(&mut canvas);
    canvas.events();
    canvas.pauses();
    let (heads, bottom) = (canvas.heads(), canvas.bottom());
    let Canvas { columns, rows, mut marks, .. } = canvas;
    marks.sort_by_key(|mark| mark.row);
    Layout {
        width: columns.width,
        height: rows.bottom() + BELOW,
        bottom,
        columns: columns.all,
        notes: words::notes(story, window, rows.left_out),
        row_of: rows.by_event(),
        rows: rows.all,
        ticks: rows.ticks,
        heads,
        marks,
    }
}

/// A picture that is being drawn.
pub(crate) struct Canvas<'a> {
    pub(crate) story: &'a Story<'a>,
    pub(crate) window: &'a Window,
    pub(crate) columns: Columns,
    pub(crate) rows: Rows,
    marks: Vec<Mark>,
}

impl Canvas<'_> {
    /// Adds a mark that tells of no event.
    pub(crate) fn draw(
        &mut self,
        row: usize,
        kind: MarkKind,
        class: Option<Class>,
        at: [i32; 4],
    ) -> &mut Mark {
        let [x1, y1, x2, y2] = at;
        let mark =
            Mark { row, kind, x1, y1, x2, y2, class, label: String::new(), event: None, end: Tip::Head };
        let last = self.marks.len();
        self.marks.push(mark);
        &mut self.marks[last]
    }

    /// The lowest point of lifelines.
    pub(crate) fn bottom(&self) -> i32 {
        self.rows.bottom() + BELOW - 24
    }

    /// Everything that one event shows.
    fn events(&mut self) {
        for e in self.window.from..self.window.to {
            let Some(row) = self.rows.of(e) else {
                self.without_row(e);
                continue;
            };
            let y = self.rows.y(self.story, e);
            let event = self.story.event(e);
            match &event.what {
                What::Sent { gist, .. } => {
                    self.dot(e, row, y, gist);
                    self.arrows(e, row, y, gist);
                }
                What::Took { gist, .. } => {
                    self.dot(e, row, y, gist);
                    self.arrow_from_nowhere(e, row, y, gist);
                }
                What::Down { .. } => self.point(e, row, y, MarkKind::Down, Class::Dead),
                What::Failed { .. } => self.point(e, row, y, MarkKind::Tick, Class::Repair),
                What::End(_) => self.point(e, row, y, MarkKind::Bar, Class::Member),
                What::Deed(deed) if deed.kind.is_death() => {
                    self.point(e, row, y, MarkKind::Cross, Class::Dead);
                }
                _ => {}
            }
        }
    }

    /// What belongs to the turn of another event.
    fn without_row(&mut self, e: usize) {
        let event = self.story.event(e);
        let (kind, class) = match &event.what {
            What::Told(Tidings::Ready) => (MarkKind::Triangle, Class::Member),
            What::Told(Tidings::Election { step: ElectionPhase::Won, .. }) => (MarkKind::Won, Class::Lead),
            _ => return,
        };
        let row = self.rows.row_before(e);
        let y = self.rows.all.get(row).filter(|at| at.t == event.t).map(|at| at.y);
        let y = y.unwrap_or_else(|| self.rows.y(self.story, e));
        self.point(e, row, y, kind, class);
    }

    fn point(&mut self, e: usize, row: usize, y: i32, kind: MarkKind, class: Class) {
        let event = self.story.event(e);
        let m = match &event.what {
            What::Deed(deed) => deed.to.unwrap_or(event.m),
            _ => event.m,
        };
        if let Some(x) = self.columns.x(m) {
            self.draw(row, kind, Some(class), [x, y, x, y]).event = Some(e);
        }
    }

    fn dot(&mut self, e: usize, row: usize, y: i32, gist: &Gist) {
        let event = self.story.event(e);
        let Some(x) = self.columns.x(event.m) else { return };
        let counted = !matches!(event.what, What::Took { counted: false, .. });
        let to_the_right = self.others(e).first().is_some_and(|&other| other > x);
        let side = if to_the_right { -1 } else { 1 };
        let label = if counted { event.lamport.to_string() } else { String::new() };
        let mark = self.draw(row, MarkKind::Dot, Some(Class::of(gist.kind)), [x, y, side, y]);
        (mark.event, mark.label) = (Some(e), label);
    }

    /// The columns at the other ends of an event's messages, the farthest first.
    fn others(&self, e: usize) -> Vec<i32> {
        let own = self.columns.x(self.story.event(e).m).unwrap_or(0);
        let frame = |f: usize| self.story.run.frames.get(f);
        let to = self.story.begun(e).filter_map(frame).filter_map(|frame| frame.to);
        let from = self.story.ended.get(&e).copied().and_then(frame).and_then(|frame| frame.from);
        let mut xs: Vec<i32> = to.chain(from).filter_map(|m| self.columns.x(m)).collect();
        xs.sort_by_key(|x| core::cmp::Reverse((x - own).abs()));
        xs
    }

    fn arrows(&mut self, e: usize, row: usize, y: i32, gist: &Gist) {
        for f in self.story.begun(e) {
            let Some(frame) = self.story.run.frames.get(f) else { continue };
            let Some(x1) = self.columns.x(self.story.event(e).m) else { continue };
            let x2 = frame.to.and_then(|to| self.columns.x(to));
            let taken = frame.taken.filter(|&taken| self.rows.of(taken).is_some());
            let (at, end) = match (taken, x2) {
                (Some(_), Some(x2)) if x2 == x1 => continue,
                (Some(taken), Some(x2)) => {
                    ([x1, y, x2, self.rows.y(self.story, taken)], tip(self.story, taken, gist))
                }
                _ => unfinished(x1, y, x2, frame),
            };
            let label = self.label(gist);
            let mark = self.draw(row, MarkKind::Arrow, Some(Class::of(gist.kind)), at);
            (mark.event, mark.end, mark.label) = (Some(e), end, label);
        }
    }

    /// A receipt of which nobody tells the sending, or whose sending is not shown.
    fn arrow_from_nowhere(&mut self, e: usize, row: usize, y: i32, gist: &Gist) {
        let frame = self.story.ended.get(&e).and_then(|&f| self.story.run.frames.get(f));
        let sent = frame.and_then(|frame| frame.sent).filter(|&sent| self.rows.of(sent).is_some());
        let Some(x) = self.columns.x(self.story.event(e).m).filter(|_| sent.is_none()) else { return };
        let from = frame.and_then(|frame| frame.from).and_then(|from| self.columns.x(from));
        let side = if from.is_some_and(|from| from > x) { 1 } else { -1 };
        let label = self.label(gist);
        let mark =
            self.draw(row, MarkKind::Arrow, Some(Class::of(gist.kind)), [x + side * STUB, y - 8, x, y]);
        (mark.event, mark.end, mark.label) = (Some(e), Tip::Dawn, label);
    }

    /// A token bears the name of its candidate.
    fn label(&self, gist: &Gist) -> String {
        let candidate = gist.about.filter(|_| Class::of(gist.kind) == Class::Elect);
        candidate.map_or_else(String::new, |m| self.story.name(m).into())
    }

    fn pauses(&mut self) {
        let right = self.columns.width - super::marks::RIGHT;
        for pause in self.rows.breaks.clone() {
            let at = [super::marks::LEFT, pause.y, right, pause.y];
            self.draw(pause.row, MarkKind::Break, None, at).label = pause.label;
        }
    }

    /// The names over the columns, and what each member does there.
    fn heads(&mut self) -> Vec<Head> {
        let mut heads = Vec::new();
        for y in self.rows.heads.clone() {
            let row = self.rows.all.partition_point(|row| row.y < y);
            for column in self.columns.all.clone() {
                let [m] = column.lives.as_slice() else {
                    heads.push(Head {
                        x: column.x,
                        y,
                        name: column.label,
                        below: String::new(),
                        class: None,
                    });
                    continue;
                };
                let (below, class) = self.below(*m, y);
                let at = [column.x, y, column.x, y];
                self.draw(row, MarkKind::Head, class, at).label.clone_from(&column.label);
                heads.push(Head { x: column.x, y, name: column.label, below, class });
            }
        }
        heads
    }

    fn below(&self, m: usize, y: i32) -> (String, Option<Class>) {
        let e = self.rows.event_below(y).unwrap_or(self.window.from);
        match e.checked_sub(1).and_then(|e| self.story.courses[m].looks_after(e)) {
            Some(Looks::Leading) => ("leads".into(), Some(Class::Lead)),
            Some(Looks::Dead) => ("died".into(), Some(Class::Dead)),
            Some(Looks::Left) => ("left".into(), Some(Class::Dead)),
            Some(Looks::Frozen) => ("stopped".into(), Some(Class::Freeze)),
            _ if !self.story.run.lives[m].has_trace => ("no trace".into(), None),
            _ => (words::lot(self.story, m, e).unwrap_or_default(), None),
        }
    }
}

/// Whether the receiver of a token stops it, or it has no effect.
pub(crate) fn tip(story: &Story<'_>, taken: usize, gist: &Gist) -> Tip {
    let dropped = matches!(story.event(taken).what, What::Took { dropped: Some(_), .. });
    for (_, event) in story.rest_of_turn(taken) {
        match &event.what {
            What::Told(Tidings::Election { step: ElectionPhase::Swallow, candidate, .. })
                if Some(*candidate) == gist.about && Class::of(gist.kind) == Class::Elect =>
            {
                return Tip::Bar;
            }
            _ => {}
        }
    }
    if dropped { Tip::Drop } else { Tip::Head }
}

/// The arrow of a message whose receipt is not shown.
fn unfinished(x1: i32, y: i32, x2: Option<i32>, frame: &Frame) -> ([i32; 4], Tip) {
    use crate::trace::run::Fate;
    let side = if x2.is_some_and(|x2| x2 < x1) { -1 } else { 1 };
    match (frame.fate, x2) {
        (Fate::Lost, Some(x2)) => ([x1, y, x1 + (x2 - x1) / 2, y + 11], Tip::Cut),
        (Fate::Lost, None) => ([x1, y, x1 + side * STUB, y + 8], Tip::Cut),
        _ => ([x1, y, x1 + side * STUB, y + 8], Tip::Fade),
    }
}
