//! Own messages that wait for their place in the log.

use alloc::collections::VecDeque;
use alloc::sync::Arc;
use alloc::vec::Vec;

use crate::ids::{Seq, Stamp, Text};
use crate::limits::{BATCH_BYTES, MAX_TEXT, SUBMIT_WINDOW, SUBMIT_WINDOW_BYTES};
use crate::roster::Member;
use crate::texts::Texts;
use crate::wire::{Said, weight};

/// An own message without a place.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Submission {
    pub(super) oseq: Seq,
    pub(super) text: Text,
    pub(super) stamp: Stamp,
}

/// The own messages without a place, in the order in which they were said.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) struct Submissions {
    waiting: VecDeque<Submission>,
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

    /// The number of the first.
    pub(crate) fn first(&self) -> Option<Seq> {
        self.waiting.front().map(|first| first.oseq)
    }

    pub(crate) fn iter(&self) -> impl DoubleEndedIterator<Item = &Submission> + ExactSizeIterator {
        self.waiting.iter()
    }

    /// Those from the number `oseq` on, as runs that fit a batch each.
    pub(crate) fn runs(&self, me: &Arc<Member>, oseq: Seq) -> impl Iterator<Item = Said> {
        let mut next = self.waiting.partition_point(|waiting| waiting.oseq < oseq);
        core::iter::from_fn(move || {
            let first = self.waiting.get(next)?;
            let run = self.waiting.range(next..next.saturating_add(self.run_length(next)));
            let texts = Texts::new(run.map(|waiting| &waiting.text))?;
            next = next.saturating_add(texts.len());
            Some(Said { origin: me.clone(), oseq: first.oseq, texts, stamp: first.stamp })
        })
    }

    /// How many follow one another from the one at `from` on, up to the one that fills a batch.
    fn run_length(&self, from: usize) -> usize {
        let mut run = self.waiting.range(from..);
        let Some(mut last) = run.next() else { return 0 };
        let (mut count, mut bytes) = (1_usize, weight(1, last.text.as_str().len()));
        for one in run {
            if bytes >= BATCH_BYTES as u64 || one.stamp != last.stamp.saturating_add(1) {
                break;
            }
            count = count.saturating_add(1);
            bytes = bytes.saturating_add(weight(1, one.text.as_str().len()));
            last = one;
        }
        count
    }

    pub(crate) fn push(&mut self, submission: Submission) {
        self.bytes = self.bytes.saturating_add(submission.text.as_str().len());
        self.waiting.push_back(submission);
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
pub(crate) fn in_parts(said: impl Iterator<Item = Said>) -> Vec<Vec<Said>> {
    let mut parts: Vec<Vec<Said>> = Vec::new();
    let mut bytes: u64 = 0;
    for said in said {
        if parts.is_empty() || bytes > BATCH_BYTES as u64 {
            parts.push(Vec::new());
            bytes = 0;
        }
        bytes = bytes.saturating_add(said.weight(u64::MAX));
        if let Some(part) = parts.last_mut() {
            part.push(said);
        }
    }
    parts
}
