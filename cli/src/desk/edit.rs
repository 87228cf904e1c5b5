//! The text being typed and its cursor, which never stands within a character.

use std::collections::VecDeque;
use std::mem;
use std::ops::Range;

use unicode_segmentation::{GraphemeCursor, UnicodeSegmentation};

/// The maximum length of the text being typed, in bytes. Longer than a message, so that a long text can be shortened.
pub(crate) const MAX_TYPED: usize = 64 * 1024;

/// The maximum number of steps that can be undone.
const UNDO: usize = 64;

/// A change of the text or a move of the cursor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Edit {
    /// Move a character to the left.
    Left,
    /// Move a character to the right.
    Right,
    /// Move to the beginning of a word.
    WordLeft,
    /// Move to the end of a word.
    WordRight,
    /// Move to the start of the line.
    Home,
    /// Move to the end of the line.
    End,
    /// Delete the character to the left.
    Backspace,
    /// Delete the character to the right.
    Delete,
    /// Cut to the left up to the last blank.
    CutToBlank,
    /// Cut the word to the left.
    CutWordLeft,
    /// Cut the word to the right.
    CutWordRight,
    /// Cut to the start of the line.
    CutToHome,
    /// Cut to the end of the line.
    CutToEnd,
    /// Insert what was cut last, in a row.
    Paste,
    /// Undo the last change.
    Undo,
}

/// A text and its cursor.
#[derive(Debug, Default)]
pub(crate) struct EditBuffer {
    text: String,
    /// The byte before which the cursor stands.
    cursor: usize,
    cut: String,
    /// The texts and cursors before the last changes, the newest last.
    undo: VecDeque<(String, usize)>,
    last: LastEdit,
}

/// What the last key did to the text.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum LastEdit {
    /// It typed a character. Characters typed in a row are one step of undo.
    Typed,
    /// It cut something. Texts cut in a row are pasted together.
    Cut,
    /// It did anything else.
    #[default]
    Other,
}

impl EditBuffer {
    /// The whole text.
    pub(crate) fn text(&self) -> &str {
        &self.text
    }

    /// The byte before which the cursor stands.
    pub(crate) fn cursor(&self) -> usize {
        self.cursor
    }

    /// Whether the cursor stands behind the whole text, or there is none.
    pub(crate) fn is_at_end(&self) -> bool {
        self.cursor == self.text.len()
    }

    /// The text to the left of the cursor.
    pub(crate) fn left(&self) -> &str {
        self.text.get(..self.cursor).unwrap_or_default()
    }

    /// Types a character. Returns false if the text is too long.
    pub(crate) fn type_in(&mut self, c: char) -> bool {
        if self.last != LastEdit::Typed {
            self.remember();
        }
        self.last = LastEdit::Typed;
        self.put(c.encode_utf8(&mut [0; 4])) == c.len_utf8()
    }

    /// Inserts as much of `text` as fits. Returns the number of its bytes that were inserted.
    pub(crate) fn insert(&mut self, text: &str) -> usize {
        self.remember();
        self.put(text)
    }

    /// Replaces the text and moves the cursor to its end.
    pub(crate) fn replace(&mut self, text: &str) {
        self.remember();
        text.clone_into(&mut self.text);
        self.cursor = self.text.len();
    }

    /// Replaces these bytes, which end at the cursor, with as much of `text` as fits.
    pub(crate) fn replace_left(&mut self, bytes: Range<usize>, text: &str) {
        self.remember();
        self.cursor = bytes.start;
        self.text.replace_range(bytes, "");
        self.put(text);
    }

    /// Empties the text and drops its undo steps. Keeps the cut text.
    pub(crate) fn clear(&mut self) {
        *self = Self { cut: mem::take(&mut self.cut), ..Self::default() };
    }

    /// Moves the cursor to the first boundary of a character at or after the byte `at`.
    pub(crate) fn move_to(&mut self, at: usize) {
        self.last = LastEdit::Other;
        self.cursor = self.boundary_from(at.min(self.text.len()));
    }

    /// Applies `edit`.
    pub(crate) fn edit(&mut self, edit: Edit) {
        let here = self.cursor;
        match edit {
            Edit::Left => self.move_to(self.before(here)),
            Edit::Right => self.move_to(self.after(here)),
            Edit::WordLeft => self.move_to(self.leftwards(char::is_alphanumeric)),
            Edit::WordRight => self.move_to(self.rightwards(char::is_alphanumeric)),
            Edit::Home => self.move_to(self.line().start),
            Edit::End => self.move_to(self.line().end),
            Edit::Backspace => drop(self.remove(self.before(here)..here)),
            Edit::Delete => drop(self.remove(here..self.after(here))),
            Edit::CutToBlank => self.cut(self.leftwards(|c| !c.is_whitespace())..here),
            Edit::CutWordLeft => self.cut(self.leftwards(char::is_alphanumeric)..here),
            Edit::CutWordRight => self.cut(here..self.rightwards(char::is_alphanumeric)),
            Edit::CutToHome => self.cut(self.line().start.min(self.before(here))..here),
            Edit::CutToEnd => self.cut(here..self.line().end.max(self.after(here))),
            Edit::Paste => {
                let cut = self.cut.clone();
                self.insert(&cut);
            }
            Edit::Undo => self.undo(),
        }
    }

    fn put(&mut self, text: &str) -> usize {
        let room = MAX_TYPED.saturating_sub(self.text.len());
        let text = text.get(..text.floor_char_boundary(room)).unwrap_or_default();
        self.text.insert_str(self.cursor, text);
        self.cursor = self.boundary_from(self.cursor + text.len());
        text.len()
    }

    fn cut(&mut self, bytes: Range<usize>) {
        let (is_left, goes_on) = (bytes.start < self.cursor, self.last == LastEdit::Cut);
        let cut = self.remove(bytes);
        if cut.is_empty() {
            return;
        }
        self.cut = match (goes_on, is_left) {
            (false, _) => cut,
            (true, true) => cut + &self.cut,
            (true, false) => mem::take(&mut self.cut) + &cut,
        };
        self.last = LastEdit::Cut;
    }

    fn remove(&mut self, bytes: Range<usize>) -> String {
        if bytes.is_empty() {
            return String::new();
        }
        self.remember();
        let at = bytes.start;
        let removed = self.text.drain(bytes).collect();
        // The characters on both sides may have combined into one.
        self.cursor = self.boundary_from(at);
        removed
    }

    fn remember(&mut self) {
        self.last = LastEdit::Other;
        if self.undo.len() == UNDO {
            self.undo.pop_front();
        }
        self.undo.push_back((self.text.clone(), self.cursor));
    }

    fn undo(&mut self) {
        self.last = LastEdit::Other;
        if let Some((text, cursor)) = self.undo.pop_back() {
            (self.text, self.cursor) = (text, cursor);
        }
    }

    /// The start of the character to the left of the byte `at`.
    fn before(&self, at: usize) -> usize {
        let found = GraphemeCursor::new(at, self.text.len(), true).prev_boundary(&self.text, 0);
        found.ok().flatten().unwrap_or(0)
    }

    /// The end of the character to the right of the byte `at`.
    fn after(&self, at: usize) -> usize {
        let found = GraphemeCursor::new(at, self.text.len(), true).next_boundary(&self.text, 0);
        found.ok().flatten().unwrap_or(self.text.len())
    }

    /// The first boundary of a character at or after the byte `at`.
    fn boundary_from(&self, at: usize) -> usize {
        let at = self.text.ceil_char_boundary(at);
        let is_boundary = GraphemeCursor::new(at, self.text.len(), true).is_boundary(&self.text, 0);
        if is_boundary == Ok(false) { self.after(at) } else { at }
    }

    /// The bytes of the line with the cursor.
    fn line(&self) -> Range<usize> {
        let start = self.left().rfind('\n').map_or(0, |at| at + 1);
        let end = self.text[self.cursor..].find('\n').map_or(self.text.len(), |at| self.cursor + at);
        start..end
    }

    /// The start of the last run of characters of a kind that ends at or before the cursor.
    fn leftwards(&self, is_of_kind: impl Fn(char) -> bool) -> usize {
        let is = |cluster: &str| cluster.chars().next().is_some_and(&is_of_kind);
        let clusters = self.left().grapheme_indices(true).rev();
        let mut run = clusters.skip_while(|(_, cluster)| !is(cluster)).take_while(|(_, cluster)| is(cluster));
        let mut start = None;
        run.by_ref().for_each(|(at, _)| start = Some(at));
        start.unwrap_or(0)
    }

    /// The end of the first run of characters of a kind that begins at or after the cursor.
    fn rightwards(&self, is_of_kind: impl Fn(char) -> bool) -> usize {
        let is = |cluster: &str| cluster.chars().next().is_some_and(&is_of_kind);
        let clusters = self.text[self.cursor..].grapheme_indices(true);
        let run = clusters.skip_while(|(_, cluster)| !is(cluster)).take_while(|(_, cluster)| is(cluster));
        run.last().map_or(self.text.len(), |(at, cluster)| self.cursor + at + cluster.len())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// `before|after`, the cursor in between.
    fn typed(text: &str) -> EditBuffer {
        let (left, right) = text.split_once('|').unwrap();
        EditBuffer { text: format!("{left}{right}"), cursor: left.len(), ..EditBuffer::default() }
    }

    fn after(text: &str, edits: &[Edit]) -> String {
        let mut typed = typed(text);
        for &edit in edits {
            typed.edit(edit);
        }
        format!("{}|{}", typed.left(), &typed.text()[typed.cursor()..])
    }

    #[test]
    fn the_cursor_moves_by_character_word_and_line() {
        assert_eq!(after("ae\u{301}|", &[Edit::Left]), "a|e\u{301}");
        assert_eq!(after("👩\u{200d}👧|x", &[Edit::Left]), "|👩\u{200d}👧x");
        assert_eq!(after("one two, |three", &[Edit::WordLeft]), "one |two, three");
        assert_eq!(after("|one two", &[Edit::WordRight, Edit::WordRight]), "one two|");
        assert_eq!(after("one\ntw|o\nthree", &[Edit::Home]), "one\n|two\nthree");
        assert_eq!(after("one\ntw|o\nthree", &[Edit::End]), "one\ntwo|\nthree");
        assert_eq!(after("|a", &[Edit::Left, Edit::WordLeft, Edit::Home]), "|a");
    }

    #[test]
    fn words_and_lines_are_cut_and_come_back() {
        assert_eq!(after("say a/b|c", &[Edit::CutToBlank]), "say |c");
        assert_eq!(after("say a/b|c", &[Edit::CutWordLeft]), "say a/|c");
        assert_eq!(after("say |one two", &[Edit::CutWordRight]), "say | two");
        assert_eq!(after("one\ntwo|three", &[Edit::CutToHome]), "one\n|three");
        assert_eq!(after("one\n|two", &[Edit::CutToHome]), "one|two");
        assert_eq!(after("one|two\nthree", &[Edit::CutToEnd]), "one|\nthree");
        assert_eq!(after("one|\nthree", &[Edit::CutToEnd]), "one|three");
        assert_eq!(after("one| two", &[Edit::CutToEnd, Edit::Home, Edit::Paste]), " two|one");
    }

    #[test]
    fn what_is_cut_in_a_row_is_pasted_together() {
        let cut_left = [Edit::CutToBlank, Edit::CutWordLeft, Edit::CutToHome, Edit::Paste];
        assert_eq!(after("\none two-three four| five", &cut_left), "\none two-three four| five");
        let cut_right = [Edit::CutWordRight, Edit::CutToEnd, Edit::CutToEnd, Edit::End, Edit::Paste];
        assert_eq!(after("zero |one two\nthree", &cut_right), "zero threeone two\n|");
        let both = [Edit::CutWordLeft, Edit::CutWordRight, Edit::Home, Edit::Paste];
        assert_eq!(after("one two| three four", &both), "two three|one  four");
        let moved = [Edit::CutToBlank, Edit::Left, Edit::Right, Edit::CutToBlank, Edit::Paste];
        assert_eq!(after("one two|", &moved), "one |");
        for between in [Edit::Undo, Edit::Paste] {
            let cuts = [Edit::CutToBlank, between, Edit::CutToBlank, Edit::Paste];
            assert_eq!(after("one two|", &cuts), "one two|", "{between:?}");
        }
        let mut typed = typed("one two|");
        typed.edit(Edit::CutToBlank);
        typed.type_in('!');
        typed.edit(Edit::CutToEnd);
        typed.edit(Edit::CutToBlank);
        assert_eq!(typed.cut, "!");
    }

    #[test]
    fn a_change_is_undone_and_typing_in_one_step() {
        let mut typed = typed("|");
        "hello".chars().for_each(|c| assert!(typed.type_in(c)));
        typed.edit(Edit::Backspace);
        typed.edit(Edit::Undo);
        assert_eq!(typed.text(), "hello");
        typed.edit(Edit::Undo);
        assert_eq!(typed.text(), "");
    }

    #[test]
    fn a_text_that_is_too_long_takes_no_more() {
        let mut typed = EditBuffer::default();
        assert_eq!(typed.insert(&"é".repeat(MAX_TYPED)), MAX_TYPED);
        assert!(!typed.type_in('x'));
        typed.edit(Edit::Backspace);
        assert!(typed.type_in('x'));
    }

    #[derive(Clone, Debug)]
    enum Step {
        Insert(String),
        Type(char),
        Move(usize),
        Edit(Edit),
    }

    fn steps() -> impl Strategy<Value = Vec<Step>> {
        let hard = "[a-c \n\u{301}\u{200d}👩👧🇪🇺한\u{1100}\u{1161}]{0,6}";
        let edits = [
            Edit::Left,
            Edit::Right,
            Edit::WordLeft,
            Edit::WordRight,
            Edit::Home,
            Edit::End,
            Edit::Backspace,
            Edit::Delete,
            Edit::CutToBlank,
            Edit::CutWordLeft,
            Edit::CutWordRight,
            Edit::CutToHome,
            Edit::CutToEnd,
            Edit::Paste,
            Edit::Undo,
        ];
        let step = prop_oneof![
            3 => hard.prop_map(Step::Insert),
            2 => proptest::sample::select(vec!['a', ' ', '\u{301}', '👧', '🇪']).prop_map(Step::Type),
            1 => (0..40_usize).prop_map(Step::Move),
            8 => proptest::sample::select(edits.to_vec()).prop_map(Step::Edit),
        ];
        proptest::collection::vec(step, 0..60)
    }

    impl EditBuffer {
        fn step(&mut self, step: &Step) {
            match step {
                Step::Insert(text) => drop(self.insert(text)),
                Step::Type(c) => drop(self.type_in(*c)),
                Step::Move(at) => self.move_to(*at),
                Step::Edit(edit) => self.edit(*edit),
            }
        }
    }

    /// What a plain list of characters makes of some steps; none for those that it does not know.
    fn naive(text: &str, cursor: usize, step: &Step) -> Option<String> {
        let (left, right): (Vec<&str>, Vec<&str>) =
            (text[..cursor].graphemes(true).collect(), text[cursor..].graphemes(true).collect());
        Some(match step {
            Step::Insert(insert) => [&left.concat(), insert, &right.concat()].map(String::as_str).concat(),
            Step::Type(c) => format!("{}{c}{}", left.concat(), right.concat()),
            Step::Edit(Edit::Backspace) => left[..left.len().saturating_sub(1)].concat() + &right.concat(),
            Step::Edit(Edit::Delete) => left.concat() + &right.get(1..).unwrap_or_default().concat(),
            Step::Move(_)
            | Step::Edit(
                Edit::Left | Edit::Right | Edit::WordLeft | Edit::WordRight | Edit::Home | Edit::End,
            ) => text.to_owned(),
            Step::Edit(_) => return None,
        })
    }

    proptest! {
        #[test]
        fn no_step_splits_a_character_and_each_does_what_a_plain_list_does(steps in steps()) {
            let mut typed = EditBuffer::default();
            for step in &steps {
                let expected = naive(typed.text(), typed.cursor(), step);
                typed.step(step);
                if let Some(expected) = expected {
                    prop_assert_eq!(typed.text(), expected);
                }
                let mut boundaries = typed.text().grapheme_indices(true).map(|(at, _)| at);
                prop_assert!(typed.cursor() == typed.text().len() || boundaries.any(|at| at == typed.cursor()));
            }
        }

        #[test]
        fn to_undo_everything_gives_the_beginning(steps in steps()) {
            let mut typed = EditBuffer::default();
            for step in &steps {
                typed.step(step);
            }
            for _ in 0..UNDO {
                typed.edit(Edit::Undo);
            }
            prop_assert_eq!((typed.text(), typed.cursor()), ("", 0));
        }
    }
}
