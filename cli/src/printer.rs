//! Where lines for people go: rows on a terminal, or plain lines in a pipe or file.

use std::sync::Arc;
use std::time::Duration;

use ringchat_core::{Stamp, UnixTime};

use crate::calendar::Calendar;
use crate::desk::{self, DeskQueue, Item, RingView, SharedRing};
use crate::line::Line;
use crate::line_writer::LineWriter;
use crate::terminal;
use crate::trust::now;

/// The destination of lines for people.
pub(crate) enum Printer {
    /// A pipe, a file, or a terminal on which the program edits no lines.
    Writer {
        /// The queue of lines.
        writer: LineWriter,
        /// How lines are written there.
        rendering: Rendering,
        /// What stands before lines.
        calendar: Calendar,
    },
    /// The desk.
    Desk {
        /// Its queue.
        queue: Arc<DeskQueue>,
        /// The ring that it draws.
        ring: SharedRing,
    },
}

/// How lines are written where the program edits no lines.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Rendering {
    /// As lines of a file.
    Plain,
    /// As rows of a terminal.
    Rows {
        /// The colours of the rows, and what a folded text refers to.
        look: desk::Look,
        /// Whether the terminal obeys control sequences.
        obeys: bool,
    },
}

impl Rendering {
    /// The line as it is written, with its final newline.
    pub(crate) fn render(self, line: &Line) -> String {
        match self {
            Self::Plain => line.render(false) + "\n",
            Self::Rows { look, obeys } => desk::unedited(line, terminal::size().columns, look, obeys),
        }
    }
}

impl Printer {
    /// Queues a line. The line is lost if the queue stays full.
    pub(crate) fn print(&mut self, line: Line) {
        match self {
            Self::Desk { queue, .. } => {
                let weight = desk::weight(&line);
                queue.offer(Item::Line(line), weight);
            }
            Self::Writer { .. } => self.write(line, now(), LineWriter::offer),
        }
    }

    /// As [`print`](Self::print), for a line that came at `at`.
    pub(crate) fn print_again(&mut self, line: Line, at: UnixTime) {
        match self {
            Self::Desk { queue, .. } => {
                let weight = desk::weight(&line);
                queue.offer(Item::Again(line, at), weight);
            }
            Self::Writer { .. } => self.write(line, at, LineWriter::offer),
        }
    }

    /// Queues a line that must not be lost.
    pub(crate) fn insist(&mut self, line: Line) {
        match self {
            Self::Desk { queue, .. } => {
                let weight = desk::weight(&line);
                queue.insist(Item::Line(line), weight);
            }
            Self::Writer { .. } => self.write(line, now(), LineWriter::insist),
        }
    }

    fn write(&mut self, line: Line, at: UnixTime, put: impl Fn(&LineWriter, &str)) {
        if let Self::Writer { writer, rendering, calendar } = self {
            calendar.date(line, at).iter().for_each(|line| put(writer, &rendering.render(line)));
        }
    }

    /// Records that `count` lines were lost before they reached the printer.
    pub(crate) fn lose(&self, count: u64) {
        match self {
            Self::Writer { writer, .. } => writer.lose(count),
            Self::Desk { queue, .. } => queue.lose(count),
        }
    }

    /// Shows times before lines from now on, or no longer.
    pub(crate) fn show_times(&mut self, on: bool) {
        match self {
            Self::Writer { calendar, .. } => calendar.show_times(on),
            Self::Desk { queue, .. } => queue.put(Item::Times(on)),
        }
    }

    /// Rings, if there is a terminal that can.
    pub(crate) fn ring(&self) {
        match self {
            Self::Writer { writer, rendering: Rendering::Rows { obeys: true, .. }, .. } => {
                writer.offer(desk::BELL);
            }
            Self::Writer { .. } => {}
            Self::Desk { queue, .. } => queue.put(Item::Bell),
        }
    }

    /// Sends `item` to the desk, if there is one.
    pub(crate) fn tell_desk(&self, item: Item) {
        if let Self::Desk { queue, .. } = self {
            queue.put(item);
        }
    }

    /// Whether lines go to the desk.
    pub(crate) fn is_desk(&self) -> bool {
        matches!(self, Self::Desk { .. })
    }

    /// Lets the desk, if there is one, know of the ring.
    pub(crate) fn with_ring(&self, change: impl FnOnce(&mut RingView)) {
        if let Self::Desk { queue, ring } = self {
            change(&mut ring.lock());
            queue.put(Item::Ring);
        }
    }

    /// Lets the desk, if there is one, know the Lamport time of the line that follows.
    pub(crate) fn note_lamport(&self, lamport: Stamp) {
        if let Self::Desk { ring, .. } = self {
            ring.lock().lamport = lamport;
        }
    }

    /// Queues a line that the full screen need not show, because it shows the same in another way.
    pub(crate) fn print_aside(&mut self, line: Line) {
        match self {
            Self::Desk { queue, .. } => {
                let weight = desk::weight(&line);
                queue.offer(Item::Aside(line), weight);
            }
            Self::Writer { .. } => self.print(line),
        }
    }

    /// Waits until all lines are shown, at most for `within`.
    pub(crate) fn finish(&self, within: Duration) {
        match self {
            Self::Writer { writer, .. } => writer.finish(within),
            Self::Desk { queue, .. } => queue.finish(within),
        }
    }
}
