//! Own messages: their numbers, and those that wait for their place in the log.

use alloc::collections::VecDeque;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::mem;
use core::num::NonZeroU64;

use super::new_life::Lives;

use crate::action::Notice;
use crate::ids::RoomId;
use crate::limits::{BATCH_BYTES, SUBMIT_WINDOW, SUBMIT_WINDOW_BYTES};
use crate::numbers::{Index, Seq, Stamp};
use crate::roster::Member;
use crate::secure::{Identity, Signature};
use crate::text_run::TextRun;
use crate::time::UnixTime;
use crate::wire::{Entry, Proven, Run, texts_of_a_run};

/// The own messages without a place in the log, in the order in which they were said, and how far the others are.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct OwnMessages {
    /// Signs what is said.
    identity: Identity,
    /// The incarnations to come.
    lives: Lives,
    /// The number of the last message said.
    last: Seq,
    waiting: VecDeque<Proven<Run>>,
    /// How many messages wait.
    count: usize,
    /// How many bytes their texts have.
    bytes: usize,
    /// The first message that goes to the leader when all inputs of this call are taken; none between two calls.
    submit_from: Option<Seq>,
    /// Where the log ends that holds all own messages which have a place.
    end: Index,
    /// The last message that the user was told to be swallowed by a gap.
    swallowed: Seq,
}

impl OwnMessages {
    pub(super) fn new(identity: Identity, lives: Lives) -> Self {
        Self {
            identity,
            lives,
            last: Seq::default(),
            waiting: VecDeque::new(),
            count: 0,
            bytes: 0,
            submit_from: None,
            end: Index::default(),
            swallowed: Seq::default(),
        }
    }

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

    /// Numbers and signs new texts of `origin`, which wait from now on. Returns the number of the first.
    pub(super) fn say(
        &mut self,
        origin: &Arc<Member>,
        texts: TextRun,
        stamp: Stamp,
        at: UnixTime,
        room: RoomId,
    ) -> Seq {
        let before = self.last;
        self.count = self.count.saturating_add(texts.len());
        self.bytes = self.bytes.saturating_add(texts.bytes(usize::MAX));
        let mut rest = Some(texts);
        while let Some(texts) = rest {
            let fits = texts_of_a_run(&texts);
            rest = texts.part(fits, usize::MAX);
            if let Some(texts) = texts.part(0, fits) {
                let (origin, stamp) = (origin.clone(), stamp.plus(self.last.since(before)));
                let said =
                    Run { origin, first: self.last.next(), stamp, texts, at, signature: Signature::NONE };
                self.last = said.last();
                // The identity is the origin's, and no member lives to say 2^48 texts.
                self.waiting.extend(Proven::sign(said, room, &self.identity));
            }
        }
        before.next()
    }

    /// The incarnation of a new life.
    pub(super) fn next_life(&mut self) -> NonZeroU64 {
        self.lives.next()
    }

    /// Says again what waits, now as `origin`, whose numbers begin anew. `stamp` gives stamps for so many messages.
    pub(super) fn say_again(
        &mut self,
        origin: &Arc<Member>,
        room: RoomId,
        mut stamp: impl FnMut(u64) -> Stamp,
    ) {
        let former = mem::replace(self, Self::new(self.identity.clone(), self.lives.clone()));
        for said in former.waiting {
            self.say(origin, said.texts.clone(), stamp(said.count()), said.at, room);
        }
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
    pub(super) fn parts_from(&self, first: Seq) -> Vec<Vec<Proven<Run>>> {
        in_parts(self.waiting.iter().filter(|said| said.first >= first))
    }

    /// The first run that waits.
    pub(super) fn first(&self) -> Option<&Proven<Run>> {
        self.waiting.front()
    }

    /// An entry of the log holds messages of this member, the first ones after the message `before`. Tells what a gap
    /// between the two has swallowed, once.
    pub(super) fn note_entry(&mut self, entry: &Entry, said: &Run, before: Seq) -> Option<Notice> {
        self.end = entry.end();
        let waiting = self.placed(said.first.prev());
        self.placed(said.last());
        let first = before.max(self.swallowed).next();
        let count = said.first.since(first);
        (count > 0).then(|| {
            self.swallowed = said.first.prev();
            Notice::Swallowed { first, count, waiting }
        })
    }

    /// The messages up to `last` wait no longer. Returns them.
    pub(super) fn placed(&mut self, last: Seq) -> Vec<Proven<Run>> {
        let placed = core::iter::from_fn(|| self.waiting.pop_front_if(|waiting| waiting.last() <= last));
        let placed: Vec<Proven<Run>> = placed.collect();
        for said in &placed {
            self.count = self.count.saturating_sub(said.texts.len());
            self.bytes = self.bytes.saturating_sub(said.texts.bytes(usize::MAX));
        }
        placed
    }

    /// Whether no message waits and all members have the log up to the last own one, if all have it up to `stable`.
    pub(super) fn are_with_all(&self, stable: Index) -> bool {
        self.waiting.is_empty() && stable >= self.end
    }

    /// The runs that wait.
    #[cfg(feature = "inspect")]
    pub(super) fn iter(&self) -> impl DoubleEndedIterator<Item = &Proven<Run>> {
        self.waiting.iter()
    }

    /// Where the log ends that holds all own messages which have a place.
    #[cfg(feature = "inspect")]
    pub(super) fn end(&self) -> Index {
        self.end
    }
}

/// Divides runs into parts that fit a frame each.
pub(super) fn in_parts<'a>(said: impl Iterator<Item = &'a Proven<Run>>) -> Vec<Vec<Proven<Run>>> {
    let mut parts: Vec<Vec<Proven<Run>>> = Vec::new();
    let mut bytes: u64 = 0;
    for said in said {
        if parts.is_empty() || bytes > BATCH_BYTES as u64 {
            parts.push(Vec::new());
            bytes = 0;
        }
        bytes = bytes.saturating_add(said.weight());
        if let Some(part) = parts.last_mut() {
            part.push(said.clone());
        }
    }
    parts
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text::Text;

    fn say(own: &mut OwnMessages, me: &Arc<Member>, count: usize, stamp: u64) -> Seq {
        let texts = TextRun::new(&alloc::vec![Text::new("x").unwrap(); count]).unwrap();
        own.say(me, texts, Stamp(stamp), UnixTime(0), RoomId::UNKNOWN)
    }

    #[test]
    fn messages_wait_in_order_until_they_have_their_places() {
        let me: Arc<Member> = Member::numbered(1).into();
        let mut own = OwnMessages::new(Identity::sham(*me.id.key()), Lives::new(&[1; 32]));
        assert_eq!(say(&mut own, &me, 3, 1), Seq(1));
        assert_eq!(say(&mut own, &me, 2, 4), Seq(4));
        own.placed(Seq(2));
        assert_eq!((own.waiting(), own.last()), (5, Seq(5)), "no run is cut");
        own.placed(Seq(3));
        assert_eq!((own.waiting(), own.first().map(|said| said.first)), (2, Some(Seq(4))));
        let parts = own.parts_from(Seq(4));
        assert_eq!(parts.iter().flatten().map(|said| said.count()).sum::<u64>(), 2);
        own.placed(Seq(5));
        assert!(own.are_with_all(Index(0)));
    }

    #[test]
    fn what_is_submitted_begins_with_the_first_message_marked() {
        let me: Arc<Member> = Member::numbered(1).into();
        let mut own = OwnMessages::new(Identity::sham(*me.id.key()), Lives::new(&[1; 32]));
        for stamp in 1..=3 {
            say(&mut own, &me, 1, stamp);
        }
        own.submit_from(Seq(2));
        own.submit_from(Seq(3));
        assert_eq!((own.take_submission(), own.take_submission()), (Some(Seq(2)), None));
        own.placed(Seq(1));
        own.submit_again();
        assert_eq!(own.take_submission(), Some(Seq(2)));
    }
}
