//! Own messages: their numbers, and those that wait for their place in the log.

use alloc::collections::VecDeque;
use alloc::sync::Arc;
use alloc::vec::Vec;

use crate::limits::{BATCH_BYTES, SUBMIT_WINDOW, SUBMIT_WINDOW_BYTES};
use crate::numbers::{Index, Seq, Stamp};
use crate::roster::Member;
use crate::text_run::TextRun;
use crate::wire::{Entry, Run};

/// The own messages without a place in the log, in the order in which they were said, and how far the others are.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) struct OwnMessages {
    /// The number of the last message said.
    last: Seq,
    /// Each run fits a batch.
    waiting: VecDeque<Run>,
    /// How many messages wait.
    count: usize,
    /// How many bytes their texts have.
    bytes: usize,
    /// The first message that goes to the leader when all inputs of this call are taken; none between two calls.
    submit_from: Option<Seq>,
    /// Where the log ends that holds all own messages which have a place.
    end: Index,
}

impl OwnMessages {
    /// Whether one more message may wait, however long it is.
    pub(super) fn has_room(&self) -> bool {
        self.count < SUBMIT_WINDOW && self.bytes < SUBMIT_WINDOW_BYTES
    }

    /// How many of these texts may wait.
    pub(super) fn room_for(&self, texts: &TextRun) -> usize {
        let places = SUBMIT_WINDOW.saturating_sub(self.count).min(texts.len());
        let bytes = SUBMIT_WINDOW_BYTES.saturating_sub(self.bytes);
        (0..places).take_while(|before| texts.bytes(*before) < bytes).count()
    }

    /// How many messages wait.
    pub(super) fn waiting(&self) -> usize {
        self.count
    }

    /// The number of the last message said.
    pub(super) fn last(&self) -> Seq {
        self.last
    }

    /// Numbers new texts of `origin`, which wait from now on. Returns the number of the first.
    pub(super) fn say(&mut self, origin: Arc<Member>, texts: TextRun, stamp: Stamp) -> Seq {
        let first = self.last.next();
        self.count = self.count.saturating_add(texts.len());
        self.bytes = self.bytes.saturating_add(texts.bytes(usize::MAX));
        let said = Run { origin, first, stamp, texts };
        self.last = said.last();
        let mut rest = Some(said);
        while let Some(said) = rest {
            let (fits, others) = said.split_at(said.count_in(BATCH_BYTES as u64));
            self.waiting.extend(fits);
            rest = others;
        }
        first
    }

    /// Marks the messages from `first` on for the leader.
    pub(super) fn submit_from(&mut self, first: Seq) {
        self.submit_from.get_or_insert(first);
    }

    /// Marks all that waits, for a new leader.
    pub(super) fn submit_again(&mut self) {
        self.submit_from = self.waiting.front().map(|said| said.first);
    }

    /// The first of the messages marked for the leader, which are marked no longer.
    pub(super) fn take_submission(&mut self) -> Option<Seq> {
        self.submit_from.take()
    }

    /// The messages from `first` on, in parts that fit a frame.
    pub(super) fn parts_from(&self, first: Seq) -> Vec<Vec<Run>> {
        in_parts(self.waiting.iter().filter_map(|said| said.clone().starting_at(first)))
    }

    /// The first run that waits.
    pub(super) fn first(&self) -> Option<&Run> {
        self.waiting.front()
    }

    /// An entry of the log holds messages of this member.
    pub(super) fn note_entry(&mut self, entry: &Entry, said: &Run) {
        self.end = entry.end();
        self.placed(said.last());
    }

    /// The messages up to `last` have their places and wait no longer.
    pub(super) fn placed(&mut self, last: Seq) {
        while let Some(first) = self.waiting.pop_front_if(|waiting| waiting.first <= last) {
            let rest = first.clone().after(last);
            let placed = first.texts.len().saturating_sub(rest.as_ref().map_or(0, |rest| rest.texts.len()));
            self.count = self.count.saturating_sub(placed);
            self.bytes = self.bytes.saturating_sub(first.texts.bytes(placed));
            if let Some(rest) = rest {
                return self.waiting.push_front(rest);
            }
        }
    }

    /// Whether no message waits and all members have the log up to the last own one, if all have it up to `stable`.
    pub(super) fn are_with_all(&self, stable: Index) -> bool {
        self.waiting.is_empty() && stable >= self.end
    }

    /// The runs that wait.
    #[cfg(feature = "inspect")]
    pub(super) fn iter(&self) -> impl DoubleEndedIterator<Item = &Run> {
        self.waiting.iter()
    }

    /// Where the log ends that holds all own messages which have a place.
    #[cfg(feature = "inspect")]
    pub(super) fn end(&self) -> Index {
        self.end
    }
}

/// Cuts runs into parts that fit a frame each.
pub(super) fn in_parts(said: impl Iterator<Item = Run>) -> Vec<Vec<Run>> {
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
