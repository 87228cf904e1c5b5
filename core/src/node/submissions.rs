//! Own messages that wait for their place in the log.

use alloc::collections::VecDeque;
use alloc::vec::Vec;

use crate::limits::{BATCH_BYTES, SUBMIT_WINDOW, SUBMIT_WINDOW_BYTES};
use crate::numbers::Seq;
use crate::text_run::TextRun;
use crate::wire::Run;

/// The own messages without a place, in the order in which they were said.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) struct Submissions {
    /// Each fits a batch.
    waiting: VecDeque<Run>,
    count: usize,
    bytes: usize,
}

impl Submissions {
    /// Whether one more may wait, however long it is.
    pub(crate) fn has_room(&self) -> bool {
        self.count < SUBMIT_WINDOW && self.bytes < SUBMIT_WINDOW_BYTES
    }

    /// How many of these may wait.
    pub(crate) fn room_for(&self, texts: &TextRun) -> usize {
        let places = SUBMIT_WINDOW.saturating_sub(self.count).min(texts.len());
        let bytes = SUBMIT_WINDOW_BYTES.saturating_sub(self.bytes);
        (0..places).take_while(|before| texts.bytes(*before) < bytes).count()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }

    /// How many messages there are.
    pub(crate) fn len(&self) -> usize {
        self.count
    }

    pub(crate) fn front(&self) -> Option<&Run> {
        self.waiting.front()
    }

    pub(crate) fn iter(&self) -> impl DoubleEndedIterator<Item = &Run> {
        self.waiting.iter()
    }

    /// Those from the number `seq` on.
    pub(crate) fn from(&self, seq: Seq) -> impl Iterator<Item = Run> {
        self.waiting.iter().filter_map(move |said| said.clone().starting_at(seq))
    }

    pub(crate) fn push(&mut self, said: Run) {
        self.count = self.count.saturating_add(said.texts.len());
        self.bytes = self.bytes.saturating_add(said.texts.bytes(usize::MAX));
        let mut rest = Some(said);
        while let Some(said) = rest {
            let (fits, others) = said.split_at(said.count_in(BATCH_BYTES as u64));
            self.waiting.extend(fits);
            rest = others;
        }
    }

    /// All up to the number `seq` have their places.
    pub(crate) fn placed(&mut self, seq: Seq) {
        while let Some(first) = self.waiting.pop_front_if(|first| first.first <= seq) {
            let rest = first.clone().after(seq);
            let placed = first.texts.len().saturating_sub(rest.as_ref().map_or(0, |rest| rest.texts.len()));
            self.count = self.count.saturating_sub(placed);
            self.bytes = self.bytes.saturating_sub(first.texts.bytes(placed));
            if let Some(rest) = rest {
                return self.waiting.push_front(rest);
            }
        }
    }
}

/// Cuts what was said into parts that fit a frame.
pub(crate) fn in_parts(said: impl Iterator<Item = Run>) -> Vec<Vec<Run>> {
    let mut parts: Vec<Vec<Run>> = Vec::new();
    let mut bytes: u64 = 0;
    for said in said {
        if parts.is_empty() || bytes > BATCH_BYTES as u64 {
            parts.push(Vec::new());
            bytes = 0;
        }
        bytes = bytes.saturating_add(said.weight());
        if let Some(part) = parts.last_mut() {
            part.push(said);
        }
    }
    parts
}
