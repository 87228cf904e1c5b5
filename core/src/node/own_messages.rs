//! Own messages: their numbers, and those that wait for their place in the log.

use alloc::collections::VecDeque;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::mem;

use super::new_life::Lives;
use crate::action::Notice;
use crate::ids::{NodeId, RoomId};
use crate::limits::{BATCH_BYTES, RUN_BYTES, SUBMIT_WINDOW, SUBMIT_WINDOW_BYTES};
use crate::numbers::{Index, Seq, Stamp};
use crate::roster::Member;
use crate::secure::{Identity, Signature};
use crate::text_run::TextRun;
use crate::time::UnixTime;
use crate::wire::{Entry, Proven, Run, texts_of_a_run, weight};

/// The own messages without a place in the log, in the order in which they were said, and what became of the others.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct OwnMessages {
    /// Signs what is said.
    identity: Identity,
    /// The incarnations that this member may yet take.
    lives: Lives,
    /// The number of the last message said.
    last: Seq,
    /// The number of the last message signed.
    signed: Seq,
    waiting: VecDeque<Proven<Run>>,
    /// Messages after those, which are not signed yet.
    unsigned: VecDeque<Unsigned>,
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

/// Texts that were said in one second, and that second.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Unsigned {
    texts: TextRun,
    at: UnixTime,
}

impl OwnMessages {
    pub(super) fn new(identity: Identity, lives: Lives) -> Self {
        Self {
            identity,
            lives,
            last: Seq::default(),
            signed: Seq::default(),
            waiting: VecDeque::new(),
            unsigned: VecDeque::new(),
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

    /// Whether a log may count the messages up to `last` and no more: they were signed, and no run is cut.
    pub(super) fn may_be_counted(&self, last: Seq) -> bool {
        let is_cut = |said: &Proven<Run>| (said.first..said.last()).contains(&last);
        last <= self.signed && !self.waiting.iter().any(is_cut)
    }

    /// Numbers new texts, which wait from now on. Returns the number of the first.
    pub(super) fn say(&mut self, texts: TextRun, at: UnixTime) -> Seq {
        let first = self.last.next();
        self.last = self.last.plus(texts.len() as u64);
        self.count = self.count.saturating_add(texts.len());
        self.bytes = self.bytes.saturating_add(texts.bytes(usize::MAX));
        match self.unsigned.back_mut() {
            Some(last) if last.at == at => last.texts.extend(&texts),
            _ => self.unsigned.push_back(Unsigned { texts, at }),
        }
        first
    }

    /// Signs the texts that are not signed yet, in as few runs as can be. While a run is on its way to the leader, texts
    /// gather for a run of their own, as small segments do in TCP (Nagle 1984, RFC 896): each member verifies each run.
    /// A full run does not wait.
    pub(super) fn sign(
        &mut self,
        origin: &Arc<Member>,
        room: RoomId,
        gathers: bool,
        mut ticks: impl FnMut(u64) -> Stamp,
    ) {
        while let Some((texts, at)) = self.next_to_sign(gathers && !self.waiting.is_empty()) {
            let (origin, stamp) = (origin.clone(), ticks(texts.len() as u64));
            let first = self.signed.next();
            let said = Run { origin, first, stamp, texts, at, signature: Signature::NONE };
            self.signed = said.last();
            // The identity is the origin's, and no member lives to say 2^48 texts.
            self.waiting.extend(Proven::sign(said, room, &self.identity));
            self.submit_from(first);
        }
    }

    /// Takes the texts of the next run from those that are not signed, if there are any; a full run, if `full`.
    fn next_to_sign(&mut self, full: bool) -> Option<(TextRun, UnixTime)> {
        let Unsigned { texts, at } = self.unsigned.front_mut()?;
        let fits = texts_of_a_run(texts);
        if full && weight(texts, fits) < RUN_BYTES as u64 {
            return None;
        }
        let (next, at) = (texts.part(0, fits)?, *at);
        match texts.part(fits, usize::MAX) {
            Some(rest) => *texts = rest,
            None => drop(self.unsigned.pop_front()),
        }
        Some((next, at))
    }

    /// Begins a new life, and says again what waits, with numbers that begin anew. Returns the new id.
    pub(super) fn begin_new_life(&mut self) -> NodeId {
        let id = NodeId::new(self.identity.key(), self.lives.next());
        self.say_again_after(Seq::default());
        id
    }

    /// Says again what waits, with the numbers after all that were used.
    pub(super) fn renumber(&mut self) {
        self.say_again_after(self.last);
    }

    fn say_again_after(&mut self, last: Seq) {
        let fresh = Self {
            last,
            signed: last,
            swallowed: last,
            ..Self::new(self.identity.clone(), self.lives.clone())
        };
        let former = mem::replace(self, fresh);
        let signed = former.waiting.iter().map(|said| (said.texts.clone(), said.at));
        let unsigned = former.unsigned.into_iter().map(|unsigned| (unsigned.texts, unsigned.at));
        for (texts, at) in signed.chain(unsigned) {
            self.say(texts, at);
        }
    }

    /// Marks the runs from the number `first` on for the leader.
    fn submit_from(&mut self, first: Seq) {
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

    /// The log was replaced by another, which ends at `end`.
    pub(super) fn end_within(&mut self, end: Index) {
        self.end = self.end.min(end);
    }

    /// Whether no message waits and all members have the log up to the last own one, if all have it up to `stable`.
    pub(super) fn are_with_all(&self, stable: Index) -> bool {
        self.count == 0 && stable >= self.end
    }

    /// The texts that wait and are not signed.
    #[cfg(feature = "inspect")]
    pub(super) fn unsigned(&self) -> impl Iterator<Item = &TextRun> {
        self.unsigned.iter().map(|unsigned| &unsigned.texts)
    }

    /// The number of the last message signed.
    #[cfg(feature = "inspect")]
    pub(super) fn signed(&self) -> Seq {
        self.signed
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
    use alloc::vec;

    use super::*;
    use crate::limits::TEXT_OVERHEAD;
    use crate::text::Text;

    fn says(own: &mut OwnMessages, me: &Arc<Member>, count: usize, gathers: bool) -> Seq {
        let texts = TextRun::new(&alloc::vec![Text::new("x").unwrap(); count]).unwrap();
        let first = own.say(texts, UnixTime(0));
        own.sign(me, RoomId::UNKNOWN, gathers, |_| Stamp(1));
        first
    }

    fn own() -> (OwnMessages, Arc<Member>) {
        let me: Arc<Member> = Member::numbered(1).into();
        (OwnMessages::new(Identity::sham(*me.id.key()), Lives::new(&[7; 32])), me)
    }

    #[test]
    fn messages_wait_in_order_until_they_have_their_places() {
        let (mut own, me) = own();
        assert_eq!(says(&mut own, &me, 3, false), Seq(1));
        assert_eq!(says(&mut own, &me, 2, false), Seq(4));
        let may_be_counted: Vec<u64> = (0..8).filter(|last| own.may_be_counted(Seq(*last))).collect();
        assert_eq!(may_be_counted, [0, 3, 5]);
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
        let (mut own, me) = own();
        says(&mut own, &me, 1, false);
        own.take_submission();
        says(&mut own, &me, 1, false);
        says(&mut own, &me, 1, false);
        assert_eq!((own.take_submission(), own.take_submission()), (Some(Seq(2)), None));
        own.placed(Seq(1));
        own.submit_again();
        assert_eq!(own.take_submission(), Some(Seq(2)));
    }

    #[test]
    fn texts_gather_while_a_run_is_on_its_way_but_for_full_runs() {
        let (mut own, me) = own();
        let counts = |own: &OwnMessages| own.waiting.iter().map(|said| said.count()).collect::<Vec<_>>();
        says(&mut own, &me, 1, true);
        says(&mut own, &me, 2, true);
        says(&mut own, &me, 3, true);
        assert_eq!((counts(&own), own.waiting()), (vec![1], 6));
        own.placed(Seq(1));
        assert!(!own.are_with_all(Index(0)), "five are not even signed");
        own.sign(&me, RoomId::UNKNOWN, true, |_| Stamp(9));
        assert_eq!(counts(&own), [5]);
        let full = RUN_BYTES / (TEXT_OVERHEAD + 1);
        says(&mut own, &me, full, true);
        assert_eq!(counts(&own)[0], 5);
        assert!((full as u64 * 9 / 10..full as u64).contains(&counts(&own)[1]), "{:?}", counts(&own));
        assert_eq!(own.first().unwrap().stamp, Stamp(9), "the clock may have moved meanwhile");
        assert_eq!(own.waiting.back().unwrap().first, Seq(7));
    }

    #[test]
    fn texts_of_two_seconds_are_two_runs() {
        let (mut own, me) = own();
        for second in [1, 1, 2] {
            own.say(Text::new("x").unwrap().into(), UnixTime(second));
        }
        own.sign(&me, RoomId::UNKNOWN, true, |_| Stamp(1));
        own.placed(Seq(2));
        own.sign(&me, RoomId::UNKNOWN, true, |_| Stamp(2));
        assert_eq!(own.waiting.iter().map(|said| (said.first, said.at.0)).collect::<Vec<_>>(), [(Seq(3), 2)]);
    }
}
