//! Text as rows of a terminal: no row but the first of a text begins at the left edge.
//!
//! A terminal that wraps by itself puts what goes on at the left edge, where a text could pass for a line of
//! somebody else. So every row is broken here, and what goes on is indented.

use std::ops::Range;

use unicode_segmentation::UnicodeSegmentation;
use unicode_width::UnicodeWidthStr;

/// What a row begins with that goes on with the line above.
pub(crate) const GOES_ON: &str = "    ";

/// What a further line of a text begins with.
pub(crate) const FURTHER_LINE: &str = "  | ";

/// The least width that rows are made for; a narrower terminal counts as this wide.
pub(crate) const MIN_WIDTH: usize = 8;

/// A row, as the part of a text that it shows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct WrappedRow {
    /// What stands before the part.
    pub(crate) indent: &'static str,
    /// The bytes of the text that the row shows. The blank or line end between two rows belongs to neither.
    pub(crate) part: Range<usize>,
    /// How many rows of the terminal it takes: one, but for a link that the terminal wraps.
    pub(crate) height: usize,
}

/// Breaks `text` into rows of at most `width` columns: at line ends, at blanks, and a word that is wider than a row
/// at the edge. A link that is wider than a row is left to the terminal to wrap, so that it can be copied whole: no
/// part of a link can pass for the beginning of a line.
pub(crate) fn wrap(text: &str, width: usize) -> Vec<WrappedRow> {
    Wrapper::new(text, width, true).wrap()
}

/// As [`wrap`], but breaks links too, as is needed where a cursor moves.
pub(crate) fn wrap_typed(text: &str, width: usize) -> Vec<WrappedRow> {
    Wrapper::new(text, width, false).wrap()
}

/// Where the place before the byte `offset` of a typed `text` is: the number of its row, and the bytes of that row
/// to the left of it. A place behind a full row is at the start of the next one, which may be one more than there are.
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
    rows: Vec<WrappedRow>,
}

/// The row that is being filled.
struct Filling {
    indent: &'static str,
    start: usize,
    columns: usize,
}

/// What a line is made of.
enum Unit {
    Blank,
    Word,
    Link,
}

impl<'a> Wrapper<'a> {
    fn new(text: &'a str, width: usize, keeps_links: bool) -> Self {
        Self { text, width: width.max(MIN_WIDTH), keeps_links, rows: Vec::new() }
    }

    fn wrap(mut self) -> Vec<WrappedRow> {
        let mut start = 0;
        for line in self.text.split('\n') {
            self.line(start..start + line.len());
            start += line.len() + 1;
        }
        self.rows
    }

    /// Breaks the line that these bytes are.
    fn line(&mut self, line: Range<usize>) {
        let indent = if line.start == 0 { "" } else { FURTHER_LINE };
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

    /// What `rest`, the rest of a line, begins with, and its length.
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
        // In front of a link may stand a bracket, but no letter.
        let inner = word.match_indices("http").map(|(at, _)| at).find(|&at| {
            let before = word[..at].chars().next_back();
            before.is_some_and(|c| !c.is_alphanumeric()) && link(&word[at..]).is_some()
        });
        (Unit::Word, inner.unwrap_or(word.len()))
    }

    fn blank(&mut self, row: &mut Filling, at: usize) {
        if at < row.start {
            // It follows a link, with which the row before ends.
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
        if row.columns + columns > self.width && GOES_ON.len() + columns <= self.width {
            self.end(row, word.start);
        }
        if row.columns + columns <= self.width {
            row.columns += columns;
            return;
        }
        for (at, cluster) in text.grapheme_indices(true) {
            let at = word.start + at;
            if GOES_ON.len() + cluster.width() <= self.width {
                self.piece(row, at, cluster.width());
            } else {
                for (inner, c) in cluster.char_indices() {
                    self.piece(row, at + inner, c.encode_utf8(&mut [0; 4]).width());
                }
            }
        }
    }

    /// Adds what is not broken, and begins at the byte `at`, to this row or to the next.
    fn piece(&mut self, row: &mut Filling, at: usize, columns: usize) {
        if row.columns + columns > self.width {
            self.end(row, at);
        }
        row.columns += columns;
    }

    /// Adds a link, each character of which has one byte and one column.
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

    /// Ends the row before the byte `end`, and begins one that goes on there.
    fn end(&mut self, row: &mut Filling, end: usize) {
        let height = row.columns.div_ceil(self.width).max(1);
        self.rows.push(WrappedRow { indent: row.indent, part: row.start..end, height });
        *row = Filling { indent: GOES_ON, start: end, columns: GOES_ON.len() };
    }
}

/// The length of the link that `word` begins with.
fn link(word: &str) -> Option<usize> {
    let scheme = ["https://", "http://"].into_iter().find(|scheme| word.starts_with(scheme))?;
    let is_of_links = |c: char| c.is_ascii_alphanumeric() || "._~:/?#@!$&'*+,;=%-".contains(c);
    let end = word.find(|c| !is_of_links(c)).unwrap_or(word.len());
    // Three slashes begin a line of the room itself.
    let end = word[..end].find("///").unwrap_or(end);
    (end > scheme.len()).then_some(end)
}

#[cfg(test)]
mod tests {
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

    /// Texts with what is hard to break: blanks, line ends, wide and joined characters, links.
    fn texts() -> impl Strategy<Value = String> {
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
