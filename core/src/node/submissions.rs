//! Own messages that wait for their place in the log.

use alloc::collections::VecDeque;
use alloc::vec::Vec;

use crate::ids::Seq;
use crate::limits::{BATCH_BYTES, MAX_TEXT, SUBMIT_WINDOW, SUBMIT_WINDOW_BYTES};
use crate::wire::Said;

/// The own messages without a place, in the order in which they were said.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) struct Submissions {
    waiting: VecDeque<Said>,
    bytes: usize,
}

impl Submissions {
    /// How many more may wait, however long they are.
    pub(crate) fn room(&self) -> usize {
        let of_the_longest = SUBMIT_WINDOW_BYTES.saturating_sub(self.bytes).div_ceil(MAX_TEXT);
        SUBMIT_WINDOW.saturating_sub(self.waiting.len()).min(of_the_longest)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }

    pub(crate) fn len(&self) -> usize {
        self.waiting.len()
    }

    pub(crate) fn front(&self) -> Option<&Said> {
        self.waiting.front()
    }

    pub(crate) fn iter(&self) -> impl DoubleEndedIterator<Item = &Said> + ExactSizeIterator {
        self.waiting.iter()
    }

    /// Those from the number `oseq` on.
    pub(crate) fn from(&self, oseq: Seq) -> impl Iterator<Item = &Said> {
        self.waiting.range(self.waiting.partition_point(|said| said.oseq < oseq)..)
    }

    pub(crate) fn push(&mut self, said: Said) {
        self.bytes = self.bytes.saturating_add(said.text.as_str().len());
        self.waiting.push_back(said);
    }

    /// All up to `oseq` have their places.
    pub(crate) fn placed(&mut self, oseq: Seq) {
        while self.waiting.front().is_some_and(|said| said.oseq <= oseq)
            && let Some(said) = self.waiting.pop_front()
        {
            self.bytes = self.bytes.saturating_sub(said.text.as_str().len());
        }
    }
}

/// Cuts what was said into parts that fit a frame.
pub(crate) fn in_parts<'a>(said: impl Iterator<Item = &'a Said>) -> Vec<Vec<Said>> {
    let mut parts: Vec<Vec<Said>> = Vec::new();
    let mut bytes: usize = 0;
    for said in said {
        if parts.is_empty() || bytes > BATCH_BYTES {
            parts.push(Vec::new());
            bytes = 0;
        }
        bytes = bytes.saturating_add(said.text.as_str().len()).saturating_add(128);
        if let Some(part) = parts.last_mut() {
            part.push(said.clone());
        }
    }
    parts
}
