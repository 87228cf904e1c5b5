//! What is drawn, and where: integers that every renderer takes as they are.

use alloc::collections::BTreeMap;
use alloc::string::String;
use alloc::vec::Vec;

use super::class::Class;

/// The height of the heads of the columns.
pub(crate) const HEAD: i32 = 46;
/// Where bands and hairlines begin.
pub(crate) const LEFT: i32 = 62;
/// What is free at the right of bands.
pub(crate) const RIGHT: i32 = 12;

/// A mark.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Mark {
    /// The row that it begins at.
    pub(crate) row: usize,
    pub(crate) kind: MarkKind,
    pub(crate) x1: i32,
    pub(crate) y1: i32,
    pub(crate) x2: i32,
    pub(crate) y2: i32,
    pub(crate) class: Option<Class>,
    pub(crate) label: String,
    /// The event that it tells of.
    pub(crate) event: Option<usize>,
    pub(crate) end: Tip,
}

/// What a mark is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum MarkKind {
    /// A message, from the middle of one dot to the middle of another.
    Arrow,
    /// A sending or a receipt. The label is the Lamport time; `x2` tells at which side it stands.
    Dot,
    /// The member won: a ring around the dot.
    Won,
    /// A death.
    Cross,
    /// A member notices that another is gone.
    Down,
    /// A dial failed.
    Tick,
    /// The member left.
    Bar,
    /// The member is in.
    Triangle,
    /// A time that all share, behind everything.
    Band,
    /// A member is there.
    Lifeline,
    /// It leads.
    Reign,
    /// It takes part in an election, or waits for a log.
    Wait,
    /// Much time went by.
    Break,
    /// The name over a column.
    Head,
    /// A wall between two sides.
    Wall,
    /// The letter of a side.
    Side,
}

impl MarkKind {
    /// The name in JSON.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Arrow => "arrow",
            Self::Dot => "dot",
            Self::Won => "won",
            Self::Cross => "cross",
            Self::Down => "down",
            Self::Tick => "tick",
            Self::Bar => "bar",
            Self::Triangle => "triangle",
            Self::Band => "band",
            Self::Lifeline => "lifeline",
            Self::Reign => "reign",
            Self::Wait => "wait",
            Self::Break => "break",
            Self::Head => "head",
            Self::Wall => "wall",
            Self::Side => "side",
        }
    }
}

/// How an arrow ends.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Tip {
    /// It arrives.
    #[default]
    Head,
    /// The receiver stops it.
    Bar,
    /// It has no effect.
    Drop,
    /// Nobody knows its end.
    Fade,
    /// Nobody knows its beginning.
    Dawn,
    /// It gets lost.
    Cut,
}

impl Tip {
    /// The name in JSON.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Head => "head",
            Self::Bar => "bar",
            Self::Drop => "drop",
            Self::Fade => "fade",
            Self::Dawn => "dawn",
            Self::Cut => "cut",
        }
    }
}

/// The name over a column.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Head {
    pub(crate) x: i32,
    pub(crate) y: i32,
    pub(crate) name: String,
    /// What stands below it.
    pub(crate) below: String,
    pub(crate) class: Option<Class>,
}

/// A row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Row {
    pub(crate) y: i32,
    pub(crate) t: u64,
}

/// A label of the time at the left.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct TimeLabel {
    pub(crate) y: i32,
    pub(crate) label: String,
}

/// A column.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Column {
    pub(crate) x: i32,
    pub(crate) label: String,
    pub(crate) lives: Vec<usize>,
}

/// A whole picture.
#[derive(Clone, Debug, Default)]
pub(crate) struct Layout {
    pub(crate) width: i32,
    pub(crate) height: i32,
    /// The lowest point of lifelines.
    pub(crate) bottom: i32,
    pub(crate) columns: Vec<Column>,
    pub(crate) rows: Vec<Row>,
    /// The row of each event that has one.
    pub(crate) row_of: BTreeMap<usize, usize>,
    pub(crate) ticks: Vec<TimeLabel>,
    pub(crate) heads: Vec<Head>,
    /// Each begins at its row or later ones.
    pub(crate) marks: Vec<Mark>,
    pub(crate) notes: Vec<String>,
}
