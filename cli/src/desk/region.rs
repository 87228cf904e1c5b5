//! The region at the end of the screen: the text being typed, with its prompt, and a note below it.

use crate::line::Line;
use crate::wrap::{GOES_ON, WrappedRow, locate, wrap, wrap_typed};

/// The region below the lines.
#[derive(Clone, Debug)]
pub(crate) struct Region {
    /// The prompt and the text being typed.
    pub(crate) line: Line,
    /// The byte of the line before which the cursor stands.
    pub(crate) cursor: usize,
    /// A note below the text.
    pub(crate) note: Option<Line>,
}

/// The painted rows of the region and the cursor.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Painted {
    /// The rows, with their colours.
    pub(crate) rows: Vec<String>,
    /// The number of the row with the cursor, and the text of that row to the left of the cursor.
    pub(crate) cursor: (usize, String),
}

impl Region {
    /// Lays out the region in `most` rows of `columns`. Of a large region only the rows around the cursor are shown.
    pub(crate) fn lay_out(&self, columns: usize, most: usize, colour: bool) -> Painted {
        let text = self.line.text();
        let mut rows = wrap_typed(text, columns);
        let (at, left) = locate(text, &rows, columns, self.cursor);
        if at == rows.len() {
            rows.push(WrappedRow { indent: GOES_ON, part: text.len()..text.len(), height: 1 });
        }
        let indent = rows.get(at).map_or("", |row| row.indent);
        let left = format!("{indent}{}", text.get(left).unwrap_or_default());
        let note: Vec<String> =
            self.note.iter().flat_map(|note| note_rows(note, columns, most / 2, colour)).collect();
        let most = most.saturating_sub(note.len()).max(1);
        let first = (at + 1).saturating_sub(most);
        let shown = rows.iter().skip(first).take(most).map(|row| self.line.row(row, colour));
        let rows: Vec<String> = shown.chain(note).collect();
        Painted { rows, cursor: (at - first, left) }
    }
}

fn note_rows(note: &Line, columns: usize, most: usize, colour: bool) -> Vec<String> {
    wrap(note.text(), columns).iter().take(most).map(|row| note.row(row, colour)).collect()
}
