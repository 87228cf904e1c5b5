//! Own messages that wait for their place in the log.

use alloc::collections::VecDeque;

use crate::ids::Seq;
use crate::limits::{SUBMIT_WINDOW, SUBMIT_WINDOW_BYTES};
use crate::wire::Said;

/// The own messages without a place, in the order in which they were said.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) struct Submissions {
    waiting: VecDeque<Said>,
    bytes: usize,
}

impl Submissions {
    /// Whether one more may wait.
    pub(crate) fn has_room(&self) -> bool {
        self.waiting.len() < SUBMIT_WINDOW && self.bytes < SUBMIT_WINDOW_BYTES
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
