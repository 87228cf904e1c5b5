//! Breaks text into rows of a terminal. Only the first row of a text begins at the left edge.
//!
//! A terminal that wraps by itself continues at the left edge, where a text could imitate a line of another member. So
//! this module breaks every row and indents its continuation.

use std::ops::Range;

use unicode_segmentation::UnicodeSegmentation;
use unicode_width::UnicodeWidthStr;

/// The indent of a row that continues the row above.
pub(crate) const GOES_ON: &str = "    ";

/// The mark of a further line of a text.
pub(crate) const FURTHER_LINE: &str = "  | ";

/// What a ticket begins with, which is to be copied whole too.
const TICKET: &str = "ringchat:";

/// The minimum width of a row in columns. A narrower terminal counts as this wide.
pub(crate) const MIN_WIDTH: usize = 8;

/// A row: an indent and the part of a text that it shows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct WrappedRow {
    /// The indent or mark before the part.
    pub(crate) indent: &'static str,
    /// The bytes of the text that the row shows. The blank or line end between two rows belongs to neither row.
    pub(crate) part: Range<usize>,
    /// How many rows of the terminal this row occupies: 1, or more for a link that the terminal wraps.
    pub(crate) height: usize,
}

/// Breaks `text` into rows of at most `width` columns: at line ends, at blanks, and within words that are wider than a
/// row. The terminal wraps a link that is wider than a row, so that users can copy it whole; no part of a link can
/// imitate the beginning of a line.
pub(crate) fn wrap(text: &str, width: usize) -> Vec<WrappedRow> {
    Wrapper::new(text, width, true).wrap()
}

/// Breaks `text`, which has no line ends, into rows of at most `width` columns for a column of the screen, whose rows
/// have something of their own before the text. No row is indented. A link that is wider has a row of greater height.
pub(crate) fn wrap_column(text: &str, width: usize) -> Vec<WrappedRow> {
    Wrapper { goes_on: "", further: "", ..Wrapper::new(text, width, true) }.wrap()
}

/// As [`wrap`], but breaks links too. The row of a cursor must be known, which it is not in a link that the terminal
/// wraps.
pub(crate) fn wrap_typed(text: &str, width: usize) -> Vec<WrappedRow> {
    Wrapper::new(text, width, false).wrap()
}

/// Finds the byte `offset` of a typed `text` in its `rows`: the number of the row, and the bytes of that row to the
/// left. An offset behind a full row is at the start of the next row, which may not exist yet.
pub(crate) fn locate(text: &str, rows: &[WrappedRow], width: usize, offset: usize) -> (usize, Range<usize>) {
    let at = rows.partition_point(|row| row.part.start <= offset).saturating_sub(1);
    let Some(row) = rows.get(at) else { return (0, 0..0) };
    let left = row.part.start..offset.min(row.part.end);
    let columns = row.indent.len() + text.get(left.clone()).map_or(0, UnicodeWidthStr::width);
    let is_behind = offset > row.part.end || columns >= width.max(MIN_WIDTH);
    if is_behind { (at + 1, offset..offset) } else { (at, left) }
}

struct Wrapper<'a> {
    text: &'a str,
    width: usize,
    keeps_links: bool,
    goes_on: &'static str,
    further: &'static str,
    rows: Vec<WrappedRow>,
}

/// The row under construction.
struct Filling {
    indent: &'static str,
    start: usize,
    columns: usize,
}

/// A part of a line that is not broken, if it fits.
enum Unit {
    Blank,
    Word,
    Link,
}

impl<'a> Wrapper<'a> {
    fn new(text: &'a str, width: usize, keeps_links: bool) -> Self {
        let width = width.max(MIN_WIDTH);
        Self { text, width, keeps_links, goes_on: GOES_ON, further: FURTHER_LINE, rows: Vec::new() }
    }

    fn wrap(mut self) -> Vec<WrappedRow> {
        let mut start = 0;
        for line in self.text.split('\n') {
            self.line(start..start + line.len());
            start += line.len() + 1;
        }
        self.rows
    }

    /// Breaks one line of the text, given as its bytes.
    fn line(&mut self, line: Range<usize>) {
        let indent = if line.start == 0 { "" } else { self.further };
        let mut row = Filling { indent, start: line.start, columns: indent.len() };
        let ended = self.rows.len();
        let mut at = line.start;
        while at < line.end {
            let (unit, length) = self.unit(&self.text[at..line.end]);
            let next = at + length;
            match unit {
                Unit::Blank => self.blank(&mut row, at),
                Unit::Word => self.word(&mut row, at..next),
                Unit::Link => self.link(&mut row, at..next),
            }
            at = next;
        }
        if row.start < line.end || self.rows.len() == ended {
            self.end(&mut row, line.end);
        }
    }

    /// The unit at the beginning of `rest`, the rest of a line, and its length in bytes.
    fn unit(&self, rest: &str) -> (Unit, usize) {
        if rest.starts_with(' ') {
            return (Unit::Blank, 1);
        }
        let word = &rest[..rest.find(' ').unwrap_or(rest.len())];
        if !self.keeps_links {
            return (Unit::Word, word.len());
        }
        if let Some(length) = link(word) {
            return (Unit::Link, length);
        }
        // A bracket may precede a link, but no letter or digit.
        let inner = word.match_indices("http").map(|(at, _)| at).find(|&at| {
            let before = word[..at].chars().next_back();
            before.is_some_and(|c| !c.is_alphanumeric()) && link(&word[at..]).is_some()
        });
        (Unit::Word, inner.unwrap_or(word.len()))
    }

    fn blank(&mut self, row: &mut Filling, at: usize) {
        if at < row.start {
            // The blank follows a link that ended the row before.
        } else if row.columns < self.width {
            row.columns += 1;
        } else {
            self.end(row, at);
            row.start = at + 1;
        }
    }

    fn word(&mut self, row: &mut Filling, word: Range<usize>) {
        let text = &self.text[word.clone()];
        let columns = text.width();
        if row.columns + columns > self.width && self.goes_on.len() + columns <= self.width {
            self.end(row, word.start);
        }
        if row.columns + columns <= self.width {
            row.columns += columns;
            return;
        }
        for (at, cluster) in text.grapheme_indices(true) {
            let at = word.start + at;
            if self.goes_on.len() + cluster.width() <= self.width {
                self.piece(row, at, cluster.width());
            } else {
                for (inner, c) in cluster.char_indices() {
                    self.piece(row, at + inner, c.encode_utf8(&mut [0; 4]).width());
                }
            }
        }
    }

    /// Adds an unbroken piece that begins at the byte `at` to this row or to the next.
    fn piece(&mut self, row: &mut Filling, at: usize, columns: usize) {
        if row.columns + columns > self.width {
            self.end(row, at);
        }
        row.columns += columns;
    }

    /// Adds a link. Each of its characters has one byte and one column.
    fn link(&mut self, row: &mut Filling, link: Range<usize>) {
        if row.columns + link.len() > self.width && row.start < link.start {
            self.end(row, link.start);
        }
        row.columns += link.len();
        if row.columns > self.width {
            self.end(row, link.end);
            row.start += usize::from(self.text[link.end..].starts_with(' '));
        }
    }

    /// Ends the row before the byte `end` and begins its continuation there.
    fn end(&mut self, row: &mut Filling, end: usize) {
        let height = row.columns.div_ceil(self.width).max(1);
        self.rows.push(WrappedRow { indent: row.indent, part: row.start..end, height });
        *row = Filling { indent: self.goes_on, start: end, columns: self.goes_on.len() };
    }
}

/// The length of the link at the beginning of `word`, if there is one.
fn link(word: &str) -> Option<usize> {
    let scheme = ["https://", "http://", TICKET].into_iter().find(|scheme| word.starts_with(scheme))?;
    let is_of_links = |c: char| c.is_ascii_alphanumeric() || "._~:/?#@!$&'*+,;=%-".contains(c);
    let end = word.find(|c| !is_of_links(c)).unwrap_or(word.len());
    // Three slashes begin the room's own lines.
    let end = word[..end].find("///").unwrap_or(end);
    (end > scheme.len()).then_some(end)
}

#[cfg(test)]
pub(crate) mod tests {
    use proptest::prelude::*;

    use super::*;

    fn rows(text: &str, width: usize) -> Vec<String> {
        let shown = |row: &WrappedRow| format!("{}{}", row.indent, &text[row.part.clone()]);
        wrap(text, width).iter().map(shown).collect()
    }

    #[test]
    fn a_row_is_broken_at_a_blank_and_what_goes_on_is_indented() {
        assert_eq!(rows("one two three", 10), ["one two ", "    three"]);
        assert_eq!(rows("one twofour five", 11), ["one twofour", "    five"], "no blank at the beginning");
        assert_eq!(rows("one   two", 8), ["one   ", "    two"]);
        assert_eq!(rows("", 10), [""]);
    }

    #[test]
    fn a_further_line_is_marked_and_goes_on_indented() {
        assert_eq!(rows("a\n\nbb cc dd", 9), ["a", "  | ", "  | bb cc", "    dd"]);
    }

    #[test]
    fn a_word_wider_than_a_row_is_broken_at_the_edge_and_never_within_a_character() {
        assert_eq!(rows("abcdefghijkl", 8), ["abcdefgh", "    ijkl"]);
        assert_eq!(rows("한한한한한", 9), ["한한한한", "    한"]);
        assert_eq!(
            rows("e\u{301}e\u{301}e\u{301}e\u{301}e\u{301}e\u{301}e\u{301}e\u{301}e\u{301}", 8)[1],
            "    e\u{301}"
        );
    }

    #[test]
    fn blanks_of_any_kind_do_not_reach_the_left_edge() {
        for blank in [' ', '\u{a0}', '\u{2003}', '\u{3000}', '\u{2800}', '\u{3164}'] {
            let padding = blank.to_string().repeat(200);
            let text = format!(
                "> Bob(127.0.0.1:1)[2]: ok{padding}> Carol(127.0.0.1:4112)[24078]: forged{padding}/// lost ///"
            );
            for width in 8..120 {
                assert!(
                    rows(&text, width)[1..].iter().all(|row| row.starts_with("    ")),
                    "{blank:?} {width}"
                );
            }
        }
    }

    #[test]
    fn a_long_link_stays_whole_and_nothing_else_does() {
        let link = "https://example.org/a?b=c#d";
        assert_eq!(rows(&format!("see {link} there"), 20), ["see ", &format!("    {link}"), "    there"]);
        assert_eq!(wrap(&format!("see {link}"), 20)[1].height, 2);
        assert_eq!(rows(&format!("({link})"), 20), ["(", &format!("    {link}"), "    )"]);
        for text in ["https://a///Bob-was-lost///", "xhttps://example.org/abc", "https://(127.0.0.1:1)[2]:"] {
            assert!(wrap(text, 12).iter().all(|row| row.height == 1), "{text}");
        }
    }

    #[test]
    fn a_place_behind_a_full_row_is_on_the_next() {
        let text = "abcdefgh";
        let rows = wrap_typed(text, 8);
        assert_eq!(locate(text, &rows, 8, 3), (0, 0..3));
        assert_eq!(locate(text, &rows, 8, 8), (1, 8..8));
        let text = "abcdefgh ";
        assert_eq!(locate(text, &wrap_typed(text, 8), 8, 9), (1, 9..9));
        let text = "a\nb";
        assert_eq!(locate(text, &wrap_typed(text, 8), 8, 3), (1, 2..3));
    }

    /// Texts that are hard to break: with blanks, line ends, wide and joined characters, links.
    pub(crate) fn texts() -> impl Strategy<Value = String> {
        let piece = prop_oneof![
            6 => "[a-z]{1,12}",
            4 => " {1,9}",
            1 => Just("\n".to_owned()),
            2 => "[\u{a0}\u{3000}\u{2003}]{1,30}",
            1 => "(\u{1100}){1,20}",
            1 => Just("👩\u{200d}👩\u{200d}👧🇪🇺e\u{301}\u{301}한".to_owned()),
            2 => "https?://[a-z/?=:.]{0,60}",
            1 => any::<String>().prop_map(|text| crate::sanitize::Clean::new(&text).to_string()),
        ];
        proptest::collection::vec(piece, 0..30).prop_map(|pieces| pieces.concat())
    }

    proptest! {
        #[test]
        fn no_row_is_wider_than_the_terminal_and_none_but_the_first_begins_at_its_edge(text in texts(), width in 1..=200_usize) {
            for row in wrap_typed(&text, width) {
                let columns = row.indent.len() + text[row.part.clone()].graphemes(true).map(UnicodeWidthStr::width).sum::<usize>();
                let is_one_character = text[row.part.clone()].chars().count() == 1;
                prop_assert!(columns <= width.max(MIN_WIDTH) || is_one_character, "{:?}", row);
                prop_assert_eq!(row.height, 1);
            }
            for (nth, row) in wrap(&text, width).iter().enumerate() {
                prop_assert_eq!(row.indent.len(), if nth == 0 { 0 } else { 4 });
                prop_assert!(row.height == 1 || link(&text[row.part.clone()]) == Some(row.part.len()));
            }
        }

        #[test]
        fn the_rows_joined_are_the_text(text in texts(), width in 1..=200_usize) {
            for rows in [wrap(&text, width), wrap_typed(&text, width)] {
                let mut at = 0;
                for row in &rows {
                    let between = &text[at..row.part.start];
                    prop_assert!(["", " ", "\n", " \n"].contains(&between), "{between:?} is not shown");
                    at = row.part.end;
                }
                prop_assert!(["", " "].contains(&&text[at..]));
            }
        }

        #[test]
        fn every_place_has_a_row(text in texts(), width in 1..=200_usize) {
            let rows = wrap_typed(&text, width);
            for (offset, _) in text.char_indices() {
                let (row, left) = locate(&text, &rows, width, offset);
                prop_assert!(row <= rows.len());
                prop_assert!(left.start <= left.end && text.is_char_boundary(left.start));
            }
        }
    }
}
