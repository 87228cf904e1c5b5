//! Runs: texts of one member that follow one another are ordered, sent and kept as one.

use alloc::sync::Arc;

use crate::limits::{BATCH_BYTES, MAX_TEXT};
use crate::numbers::{Seq, Stamp};
use crate::roster::Member;
use crate::text_run::TextRun;

/// What a text weighs beside its bytes.
pub(super) const TEXT_OVERHEAD: u64 = 128;

/// The weight of a run, at most: a batch that one more text overshoots.
pub(crate) const MAX_RUN: u64 = BATCH_BYTES as u64 + TEXT_OVERHEAD + MAX_TEXT as u64;

/// Texts that one member said, one right after the other. Their numbers and their stamps go up by one, so a run tells
/// only those of its first text.
///
/// A run is cut where a log, a window or a frame ends within it. A part without a text is `None`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Run {
    /// The member that said them.
    pub origin: Arc<Member>,
    /// The number of the first text among the origin's.
    pub first: Seq,
    /// The origin's Lamport time at the first text.
    pub stamp: Stamp,
    /// The texts, at least one.
    pub texts: TextRun,
}

impl Run {
    /// How many texts there are, at least one.
    pub fn count(&self) -> u64 {
        self.texts.len() as u64
    }

    /// The number of the last text.
    pub fn last(&self) -> Seq {
        self.first.last_of(self.count())
    }

    /// The origin's Lamport time at the last text.
    pub(super) fn last_stamp(&self) -> Stamp {
        self.stamp.last_of(self.count())
    }

    /// Each text with its number and its stamp, in order.
    pub fn lines(&self) -> impl DoubleEndedIterator<Item = (Seq, Stamp, &str)> {
        let texts = self.texts.iter().enumerate();
        texts.map(|(nth, text)| (self.first.plus(nth as u64), self.stamp.plus(nth as u64), text))
    }

    /// The first `count` texts, and the others.
    pub fn split_at(&self, count: u64) -> (Option<Self>, Option<Self>) {
        (self.part(0, count), self.part(count, u64::MAX))
    }

    /// The texts with the number `seq` and above.
    pub fn starting_at(self, seq: Seq) -> Option<Self> {
        match seq.since(self.first) {
            0 => Some(self),
            skip => self.part(skip, u64::MAX),
        }
    }

    /// The texts with a number above `seq`.
    pub fn after(self, seq: Seq) -> Option<Self> {
        self.starting_at(seq.next())
    }

    /// At most `take` texts, without the first `skip`.
    pub(super) fn part(&self, skip: u64, take: u64) -> Option<Self> {
        Some(Self {
            origin: self.origin.clone(),
            first: self.first.plus(skip),
            stamp: self.stamp.plus(skip),
            texts: self.texts.part(to_usize(skip), to_usize(take))?,
        })
    }

    /// About how many bytes the run takes in memory and on the wire.
    pub(crate) fn weight(&self) -> u64 {
        self.weight_of(self.count())
    }

    /// About how many bytes the first `count` texts take in memory and on the wire.
    pub(super) fn weight_of(&self, count: u64) -> u64 {
        weight(&self.texts, to_usize(count))
    }

    /// How many texts there are up to the one that fills `weight`.
    pub(crate) fn count_in(&self, weight: u64) -> u64 {
        (1..self.count()).find(|count| self.weight_of(*count) >= weight).unwrap_or(self.count())
    }

    /// Whether the numbers and stamps of all texts can be counted, and the run is not too heavy.
    pub(super) fn is_valid(&self) -> bool {
        let before_last = self.count().saturating_sub(1);
        let counts = |first: u64| first.checked_add(before_last).is_some();
        counts(self.first.0) && counts(self.stamp.0) && self.weight() <= MAX_RUN
    }
}

/// About how many bytes the first `count` of `texts` take in memory and on the wire.
pub(crate) fn weight(texts: &TextRun, count: usize) -> u64 {
    let count = count.min(texts.len());
    TEXT_OVERHEAD.saturating_mul(count as u64).saturating_add(texts.bytes(count) as u64)
}

fn to_usize(count: u64) -> usize {
    usize::try_from(count).unwrap_or(usize::MAX)
}
