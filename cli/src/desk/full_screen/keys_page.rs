//! The page of keys, which scrolls where the terminal is too small for it.

use super::layout::cut;
use crate::wrap::wrap_column;

/// The keys that only the full screen has, and the most useful others.
const HELP: &[(&str, &str)] = &[
    ("F1", "these keys, or the talk again"),
    ("F2", "the ring instead of the talk"),
    ("F3", "texts alone, to be copied"),
    ("Esc", "back from any of these"),
    ("PgUp PgDn", "scroll"),
    ("End", "the end of the text, then the newest line"),
    ("Ctrl-End", "the newest line"),
    ("Enter", "sends"),
    ("Ctrl-J", "a new line of the same text"),
    ("Tab", "completes names and commands"),
    ("Up Down", "what was typed before"),
    ("Ctrl-C", "clears the line, or leaves"),
    ("/screen", "back to the line mode"),
    ("/help", "all commands"),
];

/// The width of the column of keys.
const KEYS: usize = 11;

/// The page.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct KeysPage {
    /// The first row in sight.
    top: usize,
    /// The rows that the last frame had, and those of them in sight.
    all: usize,
    height: usize,
}

impl KeysPage {
    /// The rows in sight on a page of this size. Keeps to what there is.
    pub(super) fn rows(&mut self, columns: usize, height: usize) -> Vec<String> {
        let all = all_rows(columns);
        (self.all, self.height) = (all.len(), height);
        self.scroll(0);
        all.into_iter().skip(self.top).take(height).collect()
    }

    /// Moves so many rows down, or up.
    pub(super) fn scroll(&mut self, rows: isize) {
        let last = self.all.saturating_sub(self.height);
        self.top = self.top.saturating_add_signed(rows).min(last);
    }

    /// The rows of one page: all in sight but one.
    pub(super) fn page(&self) -> isize {
        isize::try_from(self.height.saturating_sub(1).max(1)).unwrap_or(isize::MAX)
    }

    /// Whether not all rows are in sight.
    pub(super) fn scrolls(&self) -> bool {
        self.all > self.height
    }

    /// The key that shows more, if there is more.
    pub(super) fn hint(&self) -> Option<&'static str> {
        let is_at_end = self.top + self.height >= self.all;
        self.scrolls().then_some(if is_at_end { "PgUp: more" } else { "PgDn: more" })
    }
}

/// All rows; what a key does goes on under its own beginning.
fn all_rows(columns: usize) -> Vec<String> {
    let of_key = |(key, does): &(&str, &str)| {
        let parts = wrap_column(does, columns.saturating_sub(KEYS));
        let row = |(nth, part): (usize, &str)| format!("{:KEYS$}{part}", if nth == 0 { *key } else { "" });
        let rows = parts.iter().filter_map(|row| does.get(row.part.clone())).enumerate().map(row);
        rows.map(|row| cut(&row, columns)).collect::<Vec<_>>()
    };
    HELP.iter().flat_map(of_key).collect()
}
