//! Entries of the log, and the places that they take.

use alloc::boxed::Box;
use alloc::vec::Vec;

use serde::{Deserialize, Serialize};

use super::proven::Proven;
use super::run::Run;
use crate::action::Departure;
use crate::ids::NodeId;
use crate::limits::RUN_OVERHEAD;
use crate::numbers::{Index, Stamp};
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
            Body::Membership { .. } => 1,
        }
    }

    /// What was said, if the entry is chat.
    pub(crate) fn said(&self) -> Option<&Proven<Run>> {
        match &self.body {
            Body::Chat { said, .. } => Some(said),
            Body::Membership { .. } => None,
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

    /// About how many bytes the entry takes in memory and on the wire.
    pub(crate) fn weight(&self) -> u64 {
        let members = match &self.body {
            Body::Chat { said, .. } => return said.weight(),
            Body::Membership { change, .. } => match &**change {
                Change::Opened { roster, lost } => roster.len().saturating_add(lost.len()),
                Change::Edit { gone, joined, .. } => gone.len().saturating_add(joined.len()),
            },
        };
        RUN_OVERHEAD.saturating_mul(members.saturating_add(1)) as u64
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
        said: Proven<Run>,
        /// How many messages of its origin, right before it, can no longer be had. They have no place in the log.
        missing: u64,
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
