//! Texts that follow one another, in one piece of memory.

use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::fmt;
use core::hash::{Hash, Hasher};
use core::ops::Range;

use crate::limits::MAX_TEXT;
use crate::text::Text;

/// Texts that follow one another, at least one, each of at most [`MAX_TEXT`] bytes.
///
/// Cheap to clone and to cut. Texts that came in one frame share their memory if they are much of it, so a run that is kept
/// keeps no more than its own weight of others.
#[derive(Clone)]
pub struct TextRun {
    piece: Arc<JoinedTexts>,
    /// The texts `first..end` of the piece.
    first: usize,
    end: usize,
}

/// Any number of texts, one after the other.
#[derive(Default)]
pub(crate) struct JoinedTexts {
    bytes: String,
    /// Where each text ends.
    ends: Vec<u32>,
}

impl JoinedTexts {
    /// Divides `bytes` into texts of these lengths, if that is possible.
    pub(crate) fn divide(bytes: &str, lengths: Vec<u32>) -> Option<Self> {
        let mut ends = lengths;
        let mut last = 0_u32;
        for end in &mut ends {
            let is_text = usize::try_from(*end).is_ok_and(|length| length <= MAX_TEXT);
            last = last.checked_add(*end).filter(|_| is_text)?;
            bytes.is_char_boundary(usize::try_from(last).ok()?).then_some(())?;
            *end = last;
        }
        (usize::try_from(last) == Ok(bytes.len())).then(|| Self { bytes: bytes.into(), ends })
    }

    /// Adds a text at the end, unless the piece would have more bytes than an end can tell.
    fn push(&mut self, text: &str) {
        if let Ok(end) = u32::try_from(self.bytes.len().saturating_add(text.len())) {
            self.bytes.push_str(text);
            self.ends.push(end);
        }
    }

    /// How many texts there are.
    pub(crate) fn len(&self) -> usize {
        self.ends.len()
    }

    /// How many bytes of memory they take.
    fn memory(&self) -> u64 {
        self.bytes.capacity().saturating_add(size_of::<u32>().saturating_mul(self.ends.capacity())) as u64
    }

    /// Where a text begins, or would begin.
    fn start(&self, text: usize) -> usize {
        let before = text.checked_sub(1).and_then(|before| self.ends.get(before));
        before.and_then(|end| usize::try_from(*end).ok()).unwrap_or(0)
    }

    fn bytes(&self, texts: Range<usize>) -> &str {
        self.bytes.get(self.start(texts.start)..self.start(texts.end)).unwrap_or_default()
    }
}

impl TextRun {
    /// These texts of a piece, if it has them and they are at least one.
    pub(crate) fn of(piece: &Arc<JoinedTexts>, part: Range<usize>) -> Option<Self> {
        let is_part = part.start < part.end && part.end <= piece.len();
        is_part.then(|| Self { piece: piece.clone(), first: part.start, end: part.end })
    }

    /// These texts, one after the other, if there is at least one.
    pub fn new<'a>(texts: impl IntoIterator<Item = &'a Text>) -> Option<Self> {
        let mut piece = JoinedTexts::default();
        texts.into_iter().for_each(|text| piece.push(text.as_str()));
        let all = 0..piece.len();
        Self::of(&piece.into(), all)
    }

    /// At most `take` texts, without the first `skip`, if there is at least one.
    pub fn part(&self, skip: usize, take: usize) -> Option<Self> {
        let first = self.first.saturating_add(skip);
        Self::of(&self.piece, first..self.end.min(first.saturating_add(take)))
    }

    /// Adds a text at the end, unless others share the memory. Tells whether it did.
    pub fn push(&mut self, text: &Text) -> bool {
        let end = self.end;
        let Some(piece) = Arc::get_mut(&mut self.piece).filter(|piece| piece.len() == end) else {
            return false;
        };
        piece.push(text.as_str());
        self.end = piece.len();
        true
    }

    /// Adds the texts of `more` at the end.
    pub(crate) fn extend(&mut self, more: &Self) {
        let end = self.end;
        if Arc::get_mut(&mut self.piece).is_none_or(|piece| piece.len() != end) {
            let mut own = JoinedTexts::default();
            self.iter().for_each(|text| own.push(text));
            (self.first, self.end) = (0, own.len());
            self.piece = own.into();
        }
        if let Some(piece) = Arc::get_mut(&mut self.piece) {
            more.iter().for_each(|text| piece.push(text));
            self.end = piece.len();
        }
    }

    /// The same texts, in memory of their own if they share more than `most` bytes with others.
    pub(crate) fn apart(self, most: u64) -> Self {
        if self.piece.memory() <= most || self.len() == self.piece.len() {
            return self;
        }
        let lengths: Vec<u32> = self.lengths().collect();
        let own = JoinedTexts::divide(self.joined(), lengths).map(Arc::new);
        own.and_then(|own| Self::of(&own, 0..self.len())).unwrap_or(self)
    }

    /// How many texts there are, at least one.
    #[expect(clippy::len_without_is_empty, reason = "there is at least one")]
    pub fn len(&self) -> usize {
        self.end.saturating_sub(self.first)
    }

    /// How many bytes the first `count` texts have.
    pub fn bytes(&self, count: usize) -> usize {
        let end = self.first.saturating_add(count).min(self.end);
        self.piece.start(end).saturating_sub(self.piece.start(self.first))
    }

    /// All texts as one.
    pub(crate) fn joined(&self) -> &str {
        self.piece.bytes(self.first..self.end)
    }

    /// How many bytes each text has, in order.
    pub(crate) fn lengths(&self) -> impl Iterator<Item = u32> {
        let ends = self.piece.ends.get(self.first..self.end).unwrap_or_default();
        let start = u32::try_from(self.piece.start(self.first)).unwrap_or(0);
        let starts = core::iter::once(start).chain(ends.iter().copied());
        ends.iter().zip(starts).map(|(end, start)| end.saturating_sub(start))
    }

    /// Each text, in order.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = &str> + ExactSizeIterator {
        (self.first..self.end).map(|text| self.piece.bytes(text..text.saturating_add(1)))
    }
}

impl From<Text> for TextRun {
    fn from(text: Text) -> Self {
        let mut piece = JoinedTexts::default();
        piece.push(text.as_str());
        Self { piece: piece.into(), first: 0, end: 1 }
    }
}

impl PartialEq for TextRun {
    fn eq(&self, other: &Self) -> bool {
        self.iter().eq(other.iter())
    }
}

impl Eq for TextRun {}

impl Hash for TextRun {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.iter().for_each(|text| text.hash(state));
    }
}

impl fmt::Debug for TextRun {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.iter()).finish()
    }
}

#[cfg(test)]
mod tests {
    use alloc::vec;

    use super::*;

    fn texts(texts: &[&str]) -> TextRun {
        let texts: Vec<Text> = texts.iter().map(|text| Text::new(text).unwrap()).collect();
        TextRun::new(&texts).unwrap()
    }

    #[test]
    fn a_part_has_its_own_texts_and_shares_the_memory() {
        let all = texts(&["one", "", "three", "vier"]);
        let part = all.part(1, 2).unwrap();
        assert_eq!(part, texts(&["", "three"]));
        assert_eq!(part.iter().rev().collect::<Vec<_>>(), ["three", ""]);
        assert_eq!((part.joined(), part.bytes(1), part.bytes(9)), ("three", 0, 5));
        assert_eq!(part.joined().as_ptr(), all.joined()[3..].as_ptr());
        assert_eq!(part.part(1, 9), Some(texts(&["three"])));
        assert_eq!((part.part(2, 1), part.part(0, 0)), (None, None));
    }

    #[test]
    fn a_run_that_shares_its_memory_is_lengthened_without_the_others() {
        let mut part = texts(&["one", "", "three"]).part(1, 1).unwrap();
        let before = part.clone();
        part.extend(&texts(&["vier"]));
        part.extend(&texts(&["", "fünf"]));
        assert_eq!((&part, before), (&texts(&["", "vier", "", "fünf"]), texts(&[""])));
        assert_eq!(part.lengths().collect::<Vec<_>>(), [0, 4, 0, 5]);
        assert_eq!(part.part(3, 1).unwrap().lengths().collect::<Vec<_>>(), [5]);
    }

    #[test]
    fn texts_are_equal_if_each_is() {
        assert_ne!(texts(&["ab", "c"]), texts(&["a", "bc"]));
        assert_ne!(texts(&["a"]), texts(&["a", ""]));
    }

    #[test]
    #[allow(clippy::cast_possible_truncation, reason = "it is 16 KiB")]
    fn letters_must_be_divided_between_all_texts() {
        const MOST: u32 = MAX_TEXT as u32;
        let divide = |bytes, lengths| JoinedTexts::divide(bytes, lengths).is_some();
        assert!(divide("übc", vec![2, 0, 2]));
        assert!(!divide("übc", vec![1, 3]), "half a letter");
        assert!(!divide("übc", vec![2, 1]), "a letter too many");
        assert!(!divide("übc", vec![2, 3]), "a letter too few");
        assert!(!divide("übc", vec![u32::MAX, 5]), "more than can be counted");
        assert!(divide("", vec![]));
        let long = "x".repeat(MAX_TEXT + 1);
        assert!(!divide(&long, vec![MOST + 1]), "a text too long");
        assert!(divide(&long, vec![MOST, 1]));
    }
}
