//! Runs: texts of one member that follow one another are ordered, sent and kept as one.

use alloc::sync::Arc;

#[cfg(feature = "sham")]
use super::proven::Proven;
use crate::ids::RoomId;
use crate::limits::{MAX_TEXT, RUN_BYTES, RUN_OVERHEAD, TEXT_OVERHEAD};
use crate::name::Name;
use crate::numbers::{Seq, Stamp};
use crate::roster::Member;
#[cfg(feature = "sham")]
use crate::secure::Identity;
use crate::secure::{Said, Signature};
use crate::text_run::TextRun;
use crate::time::UnixTime;

/// The weight of a run, at most: a full one that the last text overshoots.
pub(crate) const MAX_RUN: u64 = (RUN_BYTES + RUN_OVERHEAD + TEXT_OVERHEAD + MAX_TEXT) as u64;

/// Texts that one member said, one right after the other. Their numbers and their stamps go up by one, so a run tells
/// only those of its first text.
///
/// A run is never cut: its author signs all of it or nothing.
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
    /// The origin's wall clock when it signed.
    pub at: UnixTime,
    /// The origin's signature of all that stands here, and of the room. Its name is signed, its address is not.
    pub signature: Signature,
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
    pub fn lines(&self) -> impl DoubleEndedIterator<Item = (Seq, Stamp, &str)> + ExactSizeIterator {
        let texts = self.texts.iter().enumerate();
        texts.map(|(nth, text)| (self.first.plus(nth as u64), self.stamp.plus(nth as u64), text))
    }

    /// How many messages of the origin are missing between the one with the number `last` and this run. `None` if the
    /// run does not lie wholly above `last`.
    pub(crate) fn missing_after(&self, last: Seq) -> Option<u64> {
        (self.first > last).then(|| self.first.since(last.next()))
    }

    /// Whether the origin signed other words in `other`, under numbers that stand here too.
    pub(crate) fn contradicts(&self, other: &Self) -> bool {
        let overlaps = self.first <= other.last() && other.first <= self.last();
        self.origin.id == other.origin.id && overlaps && self.words() != other.words()
    }

    /// What the origin said, without its signature, which identifies nothing.
    fn words(&self) -> (Seq, Stamp, UnixTime, &Name, &TextRun) {
        (self.first, self.stamp, self.at, &self.origin.name, &self.texts)
    }

    /// What the origin signs, for the room `room`.
    pub(super) fn to_sign(&self, room: RoomId) -> Said<'_> {
        let Self { origin, first, stamp, texts, at, .. } = self;
        Said {
            room,
            author: origin.id,
            name: &origin.name,
            first: *first,
            stamp: *stamp,
            unix_seconds: at.0,
            texts,
        }
    }

    /// About how many bytes the run takes in memory and on the wire.
    pub(crate) fn weight(&self) -> u64 {
        weight(&self.texts, self.texts.len())
    }

    /// Whether the numbers and stamps of all texts can be counted, and the run is not too heavy.
    pub(super) fn is_valid(&self) -> bool {
        self.to_sign(RoomId::UNKNOWN).is_within_bounds()
    }
}

#[cfg(feature = "sham")]
impl Run {
    /// A run of an origin with a sham key, signed for the room `room`. If the key is another, or the run is out of its bounds,
    /// nobody takes the run.
    pub fn sham(room: RoomId, origin: Arc<Member>, first: Seq, stamp: Stamp, texts: TextRun) -> Proven<Self> {
        let identity = Identity::sham(*origin.id.key());
        let mut said = Self { origin, first, stamp, texts, at: UnixTime(0), signature: Signature::NONE };
        said.signature = said.to_sign(room).sign(&identity).unwrap_or(Signature::NONE);
        Proven::to_be_verified(said)
    }
}

/// How many of these texts one run takes: up to the text that fills it.
pub(crate) fn texts_of_a_run(texts: &TextRun) -> usize {
    let is_full = |count: &usize| weight(texts, *count) >= RUN_BYTES as u64;
    if is_full(&texts.len()) { (1..texts.len()).find(is_full).unwrap_or(texts.len()) } else { texts.len() }
}

/// About how many bytes a run of the first `count` of these texts takes in memory and on the wire.
pub(crate) fn weight(texts: &TextRun, count: usize) -> u64 {
    let texts_alone = TEXT_OVERHEAD.saturating_mul(count).saturating_add(texts.bytes(count));
    RUN_OVERHEAD.saturating_add(texts_alone) as u64
}
