//! Which event stands in which row, and how far rows are apart: quiet is short, action long.

use alloc::collections::BTreeMap;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use super::class::Class;
use super::marks::{HEAD, Row, TimeLabel};
use super::story::Story;
use super::wanted::Window;

use crate::trace::run::What;

/// The first row.
const FIRST: i32 = 74;
/// How far the names of columns are apart, if they are repeated.
const PAGE: i32 = 1200;
/// From this time between two rows on, a break stands between them.
const BREAK: u64 = 100_000;

/// The rows of a picture.
#[derive(Clone, Debug, Default)]
pub(crate) struct Rows {
    pub(crate) all: Vec<Row>,
    /// The first event of each row.
    firsts: Vec<usize>,
    /// The row of each event that has one.
    of: BTreeMap<usize, usize>,
    pub(crate) breaks: Vec<Pause>,
    pub(crate) ticks: Vec<TimeLabel>,
    /// Where names of columns stand again.
    pub(crate) heads: Vec<i32>,
    /// How many events that were asked for are not shown.
    pub(crate) left_out: usize,
}

/// A long time between two rows.
#[derive(Clone, Debug)]
pub(crate) struct Pause {
    pub(crate) row: usize,
    pub(crate) y: i32,
    pub(crate) label: String,
}

impl Rows {
    /// The rows of what is shown.
    pub(crate) fn new(story: &Story<'_>, window: &Window) -> Self {
        let mut rows = Self { heads: [0].into(), ..Self::default() };
        let mut hidden = Hidden::default();
        let mut last: Option<usize> = None;
        for e in window.from..window.to {
            if !is_shown(story, window, e) {
                hidden.note(story, e);
                continue;
            }
            if rows.all.len() >= window.max {
                rows.left_out += 1;
                continue;
            }
            let shares =
                window.turns && last.is_some_and(|last| story.same_turn(last, e) && plain(story, last, e));
            if !shares {
                rows.add(story, window, story.event(e).t, &hidden);
                hidden = Hidden::default();
                rows.firsts.push(e);
            }
            rows.of.insert(e, rows.all.len().saturating_sub(1));
            last = Some(e);
        }
        rows
    }

    fn add(&mut self, story: &Story<'_>, window: &Window, t: u64, hidden: &Hidden) {
        let row = self.all.len();
        let Some(before) = self.all.last().copied() else {
            self.all.push(Row { y: FIRST, t });
            self.label(story, FIRST, t, None);
            return;
        };
        let passed = t.saturating_sub(before.t);
        let mut y = before.y + gap(passed);
        if passed >= BREAK {
            let label = match hidden.what() {
                Some(what) => format!("{} of {what}", seconds(passed)),
                // Nobody knows of what, if the reader has left things out.
                None if story.run.one_in > 1 => seconds(passed),
                None if hidden.beat || !story.tells_beats => {
                    format!("{}, only signs of life", seconds(passed))
                }
                None => format!("{} of silence", seconds(passed)),
            };
            self.breaks.push(Pause { row, y: before.y + gap(passed) / 2, label });
        }
        if window.pages && y / PAGE > before.y / PAGE {
            self.heads.push(y);
            y += HEAD + 24;
        }
        self.all.push(Row { y, t });
        self.label(story, y, t, Some(before.t));
    }

    /// Labels the time of a row, if there is room, and if it is the first of a round step.
    fn label(&mut self, story: &Story<'_>, y: i32, t: u64, before: Option<u64>) {
        const STEPS: [(u64, i32); 4] = [(1_000_000, 26), (100_000, 40), (10_000, 60), (1_000, 110)];
        let free = self.ticks.last().map_or(i32::MAX, |tick| y - tick.y);
        let since = |t: u64| t.saturating_add(3_600_000_000 * 24).saturating_sub(story.zero);
        let is_new = |step: u64| before.is_none_or(|before| since(t) / step != since(before) / step);
        if STEPS.iter().any(|&(step, room)| free >= room && is_new(step)) {
            self.ticks.push(TimeLabel { y, label: relative(t, story.zero) });
        }
    }

    /// The rows of all events.
    pub(crate) fn by_event(&self) -> BTreeMap<usize, usize> {
        self.of.clone()
    }

    /// The row of an event.
    pub(crate) fn of(&self, e: usize) -> Option<usize> {
        self.of.get(&e).copied()
    }

    /// Where an event stands: at its row, else between rows by its time.
    pub(crate) fn y(&self, story: &Story<'_>, e: usize) -> i32 {
        match self.of(e).and_then(|row| self.all.get(row)) {
            Some(row) => row.y,
            None => self.between(self.of.range(..e).next_back().map_or(0, |(_, &row)| row), story.event(e).t),
        }
    }

    /// The first event at `y` or below it.
    pub(crate) fn event_below(&self, y: i32) -> Option<usize> {
        self.firsts.get(self.all.partition_point(|row| row.y < y)).copied()
    }

    /// The last row that has begun when event `e` happens.
    pub(crate) fn row_before(&self, e: usize) -> usize {
        self.of.range(..=e).next_back().map_or(0, |(_, &row)| row)
    }

    /// Where moment `t` stands.
    pub(crate) fn y_at(&self, t: u64) -> i32 {
        let later = self.all.partition_point(|row| row.t <= t);
        self.between(later.saturating_sub(1), t)
    }

    fn between(&self, row: usize, t: u64) -> i32 {
        let Some(before) = self.all.get(row) else { return FIRST };
        if t < before.t {
            return before.y - 14;
        }
        let Some(after) = self.all.get(row + 1).filter(|after| after.t > before.t) else {
            return before.y + 6;
        };
        let (passed, all) = (t.saturating_sub(before.t).min(after.t - before.t), after.t - before.t);
        let height = u64::try_from(after.y - before.y).unwrap_or(0);
        before.y + i32::try_from(u128::from(height) * u128::from(passed) / u128::from(all)).unwrap_or(0)
    }

    /// Where the last row stands.
    pub(crate) fn bottom(&self) -> i32 {
        self.all.last().map_or(FIRST, |row| row.y)
    }
}

fn gap(passed: u64) -> i32 {
    match passed {
        0 => 13,
        1..1_000 => 17,
        1_000..10_000 => 21,
        10_000..100_000 => 30,
        100_000..1_000_000 => 42,
        _ => 54,
    }
}

/// Whether two events of one turn may share a row: one that is drawn as more than a dot has a row of its own.
fn plain(story: &Story<'_>, a: usize, b: usize) -> bool {
    let is_dot = |e: usize| matches!(story.event(e).what, What::Sent { .. } | What::Took { .. });
    is_dot(a) && is_dot(b) && !matches!(story.event(b).what, What::Took { .. })
}

/// Whether an event has a row.
fn is_shown(story: &Story<'_>, window: &Window, e: usize) -> bool {
    let event = story.event(e);
    match &event.what {
        What::Sent { gist, .. } => window.has(Class::of(gist.kind)) && story.begun(e).next().is_some(),
        What::Took { gist, .. } => window.has(Class::of(gist.kind)),
        What::Down { with: Some(with), .. } => {
            let died = story.courses.get(*with).and_then(|course| course.died);
            window.has(Class::Repair) && died.is_some_and(|died| died < e)
        }
        What::Failed { whom: Some(_), .. } => window.has(Class::Repair),
        What::Deed(_) => true,
        What::End(_) => window.has(Class::Member),
        _ => false,
    }
}

/// What was not shown since the last row.
#[derive(Default)]
struct Hidden {
    chat: bool,
    beat: bool,
    other: bool,
}

impl Hidden {
    fn note(&mut self, story: &Story<'_>, e: usize) {
        let kind = match &story.event(e).what {
            What::Sent { gist, .. } | What::Took { gist, .. } => gist.kind,
            What::Sum(sum) => sum.kind,
            _ => return,
        };
        match Class::of(kind) {
            Class::Chat => self.chat = true,
            Class::Beat => self.beat = true,
            _ => self.other = true,
        }
    }

    /// None if there was nothing but signs of life, if even those.
    fn what(&self) -> Option<&'static str> {
        match (self.chat, self.beat, self.other) {
            (_, _, true) => Some("messages that are not shown"),
            (true, true, false) => Some("chat and signs of life"),
            (true, false, false) => Some("chat"),
            (false, _, false) => None,
        }
    }
}

/// A time span for people: `300 ms`, `1.5 s`.
pub(crate) fn seconds(us: u64) -> String {
    match us {
        ..100_000 => format!("{} ms", us / 1_000),
        _ => format!("{}.{} s", us / 1_000_000, us % 1_000_000 / 100_000),
    }
}

/// A moment relative to another one: `+20 ms`, `−1.285 s`.
pub(crate) fn relative(t: u64, zero: u64) -> String {
    let sign = if t >= zero { '+' } else { '−' };
    let us = t.abs_diff(zero);
    match us {
        ..1_000_000 => format!("{sign}{} ms", us / 1_000),
        1_000_000..10_000_000 => format!("{sign}{}.{:03} s", us / 1_000_000, us % 1_000_000 / 1_000),
        _ => format!("{sign}{}.{} s", us / 1_000_000, us % 1_000_000 / 100_000),
    }
}
