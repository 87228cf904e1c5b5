//! The rows of the matrix: how many nodes, and what may happen to them.

use std::fmt;

use super::state::Budget;

/// A search of the matrix.
#[derive(Clone, Copy, Debug)]
pub struct Row {
    /// Nodes at the beginning.
    pub nodes: usize,
    /// What may happen to them.
    pub budget: Budget,
    /// The least number of states, if the ordinary tests search the row to its end. None if it is too large for that.
    pub tested: Option<usize>,
}

const NONE: Budget = Budget::NONE;

const fn tested(nodes: usize, states: usize, budget: Budget) -> Row {
    Row { nodes, budget, tested: Some(states) }
}

const fn large(nodes: usize, budget: Budget) -> Row {
    Row { nodes, budget, tested: None }
}

/// All rows, by what happens.
pub const ROWS: &[Row] = &[
    // Crashes.
    tested(3, 8200, Budget { crashes: 2, messages: 2, ..NONE }),
    tested(3, 36_800, Budget { crashes: 2, messages: 3, ..NONE }),
    tested(4, 18_400, Budget { crashes: 1, messages: 1, ..NONE }),
    tested(4, 266_800, Budget { crashes: 2, messages: 1, ..NONE }),
    large(4, Budget { crashes: 2, messages: 2, ..NONE }),
    large(4, Budget { crashes: 3, messages: 1, ..NONE }),
    large(5, Budget { crashes: 2, messages: 1, ..NONE }),
    // Newcomers.
    tested(2, 1350, Budget { joins: 1, crashes: 1, ..NONE }),
    tested(2, 4100, Budget { joins: 1, leaves: 1, ..NONE }),
    tested(2, 18_400, Budget { joins: 2, ..NONE }),
    tested(3, 64_400, Budget { joins: 1, crashes: 1, ..NONE }),
    large(3, Budget { joins: 1, crashes: 1, messages: 1, ..NONE }),
    large(3, Budget { joins: 1, crashes: 2, messages: 1, ..NONE }),
    tested(2, 82_800, Budget { joins: 1, breaks: 1, messages: 1, ..NONE }),
    tested(2, 19_300, Budget { joins: 1, false_alarms: 1, ..NONE }),
    large(2, Budget { joins: 1, partitions: 1, ..NONE }),
    large(2, Budget { joins: 1, partitions: 1, crashes: 1, messages: 1, ..NONE }),
    // Leaving in order.
    tested(3, 850, Budget { leaves: 2, ..NONE }),
    tested(3, 1800, Budget { leaves: 1, messages: 1, ..NONE }),
    tested(3, 119_600, Budget { leaves: 2, messages: 2, ..NONE }),
    tested(3, 184_000, Budget { leaves: 1, crashes: 1, messages: 2, ..NONE }),
    large(4, Budget { leaves: 1, crashes: 1, messages: 1, ..NONE }),
    large(3, Budget { leaves: 1, partitions: 1, messages: 1, ..NONE }),
    // Connections that break, and timers that go off too early.
    tested(3, 2700, Budget { breaks: 1, crashes: 1, ..NONE }),
    tested(3, 7300, Budget { false_alarms: 1, crashes: 1, ..NONE }),
    large(3, Budget { false_alarms: 1, crashes: 1, messages: 1, ..NONE }),
    large(3, Budget { false_alarms: 2, messages: 1, ..NONE }),
    tested(3, 23_000, Budget { breaks: 2, messages: 1, ..NONE }),
    large(4, Budget { breaks: 1, crashes: 1, messages: 1, ..NONE }),
    // A leader that stops for a while and goes on.
    large(3, Budget { sleeps: 1, messages: 1, ..NONE }),
    // A member that shows words that nobody said.
    tested(3, 13_800, Budget { inventions: 1, crashes: 2, messages: 2, ..NONE }),
    tested(4, 44_100, Budget { inventions: 1, crashes: 1, messages: 1, ..NONE }),
    large(2, Budget { inventions: 1, joins: 1, crashes: 1, messages: 1, ..NONE }),
    // Partitions: any cut in two, healed at any time.
    tested(2, 450, Budget { partitions: 1, messages: 1, ..NONE }),
    tested(2, 16_500, Budget { partitions: 2, messages: 1, ..NONE }),
    tested(3, 21_600, Budget { partitions: 1, ..NONE }),
    large(3, Budget { partitions: 1, messages: 1, ..NONE }),
    large(3, Budget { partitions: 1, messages: 2, ..NONE }),
    large(3, Budget { partitions: 1, crashes: 1, messages: 1, ..NONE }),
    large(3, Budget { partitions: 1, crashes: 1, messages: 2, ..NONE }),
    large(3, Budget { partitions: 1, crashes: 2, messages: 1, ..NONE }),
    large(3, Budget { partitions: 1, breaks: 1, messages: 1, ..NONE }),
    large(3, Budget { partitions: 2, messages: 1, ..NONE }),
    large(4, Budget { partitions: 1, ..NONE }),
    large(4, Budget { partitions: 1, messages: 1, ..NONE }),
];

impl fmt::Display for Row {
    /// The first cells of the row in a table: nodes, faults, messages.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let it = self.budget;
        let faults = [
            (it.joins, "join", "joins"),
            (it.leaves, "leave", "leaves"),
            (it.crashes, "crash", "crashes"),
            (it.breaks, "link break", "link breaks"),
            (it.false_alarms, "false alarm", "false alarms"),
            (it.partitions, "partition", "partitions"),
            (it.sleeps, "sleep of the leader", "sleeps of leaders"),
            (it.inventions, "invention", "inventions"),
        ];
        let faults = faults.into_iter().filter(|(count, ..)| *count > 0);
        let faults =
            faults.map(|(count, one, many)| format!("{count} {}", if count == 1 { one } else { many }));
        let faults: Vec<String> = faults.collect();
        write!(f, "| {} | {} | {} |", self.nodes, faults.join(", "), it.messages)
    }
}
