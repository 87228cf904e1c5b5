//! Entries of the log, and the places that they take.

use alloc::boxed::Box;
use alloc::sync::Arc;
use alloc::vec::Vec;

use serde::{Deserialize, Serialize};

use super::run::{Run, TEXT_OVERHEAD};
use crate::action::Departure;
use crate::ids::NodeId;
use crate::numbers::{Index, Seq, Stamp};
use crate::roster::{ConfigId, Member, Roster, View};

/// An entry of the log. Chat takes a place for each text, any other entry one place. Places and stamps go up by one.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Entry {
    /// The view in which the leader wrote it.
    pub view: View,
    /// Its first place.
    pub index: Index,
    /// The leader's Lamport time for the first place.
    pub stamp: Stamp,
    /// What the entry holds.
    pub body: Body,
}

impl Entry {
    /// How many places the entry takes, at least one.
    pub fn count(&self) -> u64 {
        match &self.body {
            Body::Chat { said, .. } => said.count(),
            Body::Membership { .. } | Body::Gap { .. } => 1,
        }
    }

    /// The place after its last.
    pub fn end(&self) -> Index {
        self.index.plus(self.count())
    }

    /// Its last place.
    pub(super) fn last(&self) -> Index {
        self.index.last_of(self.count())
    }

    /// The leader's Lamport time for its last place.
    pub(crate) fn last_stamp(&self) -> Stamp {
        self.stamp.last_of(self.count())
    }

    /// The part of the entry that is in the places `from..to`, if there is one.
    pub fn part(&self, from: Index, to: Index) -> Option<Self> {
        if from <= self.index && self.end() <= to {
            return Some(self.clone());
        }
        let Body::Chat { said, replayed } = &self.body else { return None };
        let skip = from.since(self.index);
        let index = self.index.plus(skip);
        let said = said.part(skip, to.since(index))?;
        let body = Body::Chat { said, replayed: *replayed };
        Some(Self { view: self.view, index, stamp: self.stamp.plus(skip), body })
    }

    /// The part of the entry that is in the places from `index` on, if there is one.
    pub fn starting_at(&self, index: Index) -> Option<Self> {
        self.part(index, Index(u64::MAX))
    }

    /// The entry, cut into entries of one place each.
    pub fn one_by_one(&self) -> impl DoubleEndedIterator<Item = Self> {
        self.index.through(self.last()).filter_map(|index| self.part(index, index.next()))
    }

    /// About how many bytes the entry takes in memory and on the wire.
    pub(crate) fn weight(&self) -> u64 {
        self.weight_of(self.count())
    }

    /// About how many bytes its first `count` places take in memory and on the wire.
    pub(crate) fn weight_of(&self, count: u64) -> u64 {
        match &self.body {
            _ if count == 0 => 0,
            Body::Chat { said, .. } => said.weight_of(count),
            Body::Membership { change, .. } => match &**change {
                Change::Opened { roster, .. } => TEXT_OVERHEAD.saturating_mul(roster.len() as u64),
                Change::Edit { .. } => TEXT_OVERHEAD,
            },
            Body::Gap { .. } => TEXT_OVERHEAD,
        }
    }

    /// How many of its places there are up to the one that fills `weight`.
    pub(crate) fn count_in(&self, weight: u64) -> u64 {
        match &self.body {
            Body::Chat { said, .. } => said.count_in(weight),
            Body::Membership { .. } | Body::Gap { .. } => 1,
        }
    }

    /// Whether its places and its stamps can be counted.
    pub(super) fn is_valid(&self) -> bool {
        let before_last = self.count().saturating_sub(1);
        let counts = |first: u64| first.checked_add(before_last).is_some();
        counts(self.index.0) && counts(self.stamp.0)
    }
}

/// What an entry holds.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Body {
    /// Something said.
    Chat {
        /// What was said.
        said: Run,
        /// Whether it was said in another ring, and sequenced in this one when the two became one.
        replayed: bool,
    },
    /// A change of the membership.
    Membership {
        /// The configuration that the change leads to.
        cfg: ConfigId,
        /// The change. Boxed, because most entries are chat, and smaller.
        change: Box<Change>,
    },
    /// Messages that can no longer be had.
    Gap {
        /// The member that said them.
        origin: Arc<Member>,
        /// The number of the first of them.
        first: Seq,
        /// The number of the last of them.
        last: Seq,
    },
}

/// A change of the membership.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Change {
    /// The first entry of an epoch.
    Opened {
        /// All members.
        roster: Roster,
        /// The members of the epoch before that are missing.
        lost: Vec<Member>,
    },
    /// Some members go, then others come.
    Edit {
        /// The members that go, each with how it went.
        gone: Vec<(Member, Departure)>,
        /// The members that come, each with the one after which it comes in the ring.
        joined: Vec<(Member, NodeId)>,
        /// Whether the members that come had a ring of their own, so that two rings become one.
        merged: bool,
    },
}
