//! Runs: texts of one member that follow one another are ordered, sent and kept as one.
//!
//! Their numbers, their places and their stamps each go up by one, so a run tells those of its first text alone.
//! Where a log, a window or a frame ends within a run, the run is cut.

use super::message::{Body, Change, Entry, Run};
use crate::ids::{Index, Seq, Stamp};
use crate::limits::{BATCH_BYTES, MAX_TEXT};

/// What a text weighs beside its bytes.
const TEXT_OVERHEAD: u64 = 128;

/// The weight of a run, at most: a batch that one more text overshoots.
pub(crate) const MAX_RUN: u64 = BATCH_BYTES as u64 + TEXT_OVERHEAD + MAX_TEXT as u64;

impl Run {
    /// How many texts there are; never zero.
    pub fn count(&self) -> u64 {
        self.texts.len() as u64
    }

    /// The number of the last of them.
    pub fn last(&self) -> Seq {
        last(self.oseq, self.count())
    }

    /// The origin's Lamport time at the last of them.
    pub(crate) fn last_stamp(&self) -> Stamp {
        last(self.stamp, self.count())
    }

    /// About how many bytes the first `count` of them take in memory and on the wire.
    pub(crate) fn weight(&self, count: u64) -> u64 {
        let count = count.min(self.count());
        TEXT_OVERHEAD.saturating_mul(count).saturating_add(self.texts.bytes(to_usize(count)) as u64)
    }

    /// How many of them there are up to the one that fills `weight`.
    pub(crate) fn places_in(&self, weight: u64) -> u64 {
        (1..self.count()).find(|count| self.weight(*count) >= weight).unwrap_or(self.count())
    }

    /// Those from the place `skip` on, at most `take`; nothing if there is none.
    pub(crate) fn part(&self, skip: u64, take: u64) -> Option<Self> {
        Some(Self {
            origin: self.origin.clone(),
            oseq: self.oseq.saturating_add(skip),
            texts: self.texts.part(to_usize(skip), to_usize(take))?,
            stamp: self.stamp.saturating_add(skip),
        })
    }

    /// Those with a number above `oseq`; nothing if there is none.
    pub(crate) fn after(self, oseq: Seq) -> Option<Self> {
        match oseq.saturating_add(1).saturating_sub(self.oseq) {
            0 => Some(self),
            skip => self.part(skip, u64::MAX),
        }
    }
}

impl Entry {
    /// How many places it takes in the log; never zero.
    pub fn count(&self) -> u64 {
        match &self.body {
            Body::Chat { said, .. } => said.count(),
            Body::Membership { .. } | Body::Gap { .. } => 1,
        }
    }

    /// The place after its last.
    pub fn end(&self) -> Index {
        self.index.saturating_add(self.count())
    }

    /// The leader's Lamport time for its last place.
    pub(crate) fn last_stamp(&self) -> Stamp {
        last(self.stamp, self.count())
    }

    /// What of it is in the places `from..to`; nothing if that is nothing.
    pub fn part(&self, from: Index, to: Index) -> Option<Self> {
        if from <= self.index && self.end() <= to {
            return Some(self.clone());
        }
        let Body::Chat { said, replayed } = &self.body else { return None };
        let skip = from.saturating_sub(self.index);
        let index = self.index.saturating_add(skip);
        let said = said.part(skip, to.saturating_sub(index))?;
        let body = Body::Chat { said, replayed: *replayed };
        Some(Self { view: self.view, index, stamp: self.stamp.saturating_add(skip), body })
    }

    /// It as entries of one place each.
    pub fn one_by_one(&self) -> impl DoubleEndedIterator<Item = Self> {
        let places = self.index..self.end();
        places.filter_map(|index| self.part(index, index.saturating_add(1)))
    }

    /// How many of its places there are up to the one that fills `weight`.
    pub(crate) fn places_in(&self, weight: u64) -> u64 {
        match &self.body {
            Body::Chat { said, .. } => said.places_in(weight),
            Body::Membership { .. } | Body::Gap { .. } => 1,
        }
    }

    /// About how many bytes its first `count` places take in memory and on the wire.
    pub(crate) fn weight(&self, count: u64) -> u64 {
        match &self.body {
            _ if count == 0 => 0,
            Body::Chat { said, .. } => said.weight(count),
            Body::Membership { change, .. } => match &**change {
                Change::Opened { roster, .. } => TEXT_OVERHEAD.saturating_mul(roster.len() as u64),
                Change::Edit { .. } => TEXT_OVERHEAD,
            },
            Body::Gap { .. } => TEXT_OVERHEAD,
        }
    }
}

/// The last of so many that go up by one from `first` on.
fn last(first: u64, count: u64) -> u64 {
    first.saturating_add(count).saturating_sub(1)
}

fn to_usize(count: u64) -> usize {
    usize::try_from(count).unwrap_or(usize::MAX)
}
