//! The bytes that go out in one turn.

use std::mem;
use std::ops::Range;

use ringchat_core::NeededLately;
use ringchat_core::secure::{LinkError, Sealer};
use ringchat_core::wire::{Envelope, FrameTooLong, encode};

/// Bytes that are gathered before they are written, though the turn goes on.
pub(crate) const FLUSH_BYTES: usize = 32 * 1024;

/// What was encoded and is not written yet. A message for many links is there once, and sealed once for each.
#[derive(Default)]
pub(crate) struct Outgoing {
    bytes: Vec<u8>,
    /// Where the records of one link are made.
    records: Vec<u8>,
    /// How many bytes a turn has brought.
    brought: NeededLately,
}

/// Which bytes of an [`Outgoing`] go to one link, in order.
#[derive(Default)]
pub(crate) struct Parts(Vec<Range<usize>>);

impl Outgoing {
    /// Encodes a message, and tells where it is.
    pub(crate) fn add(&mut self, envelope: &Envelope) -> Result<Range<usize>, FrameTooLong> {
        let start = self.bytes.len();
        encode(envelope, &mut self.bytes)?;
        Ok(start..self.bytes.len())
    }

    /// Whether it is time to write.
    pub(crate) fn is_full(&self) -> bool {
        self.bytes.len() >= FLUSH_BYTES
    }

    /// Everything was written. Gives space back that turns have not needed lately.
    pub(crate) fn clear(&mut self) {
        let kept = self.brought.after(self.bytes.len()).saturating_mul(2).max(FLUSH_BYTES);
        self.bytes.clear();
        for space in [&mut self.bytes, &mut self.records] {
            space.truncate(kept);
            space.shrink_to(kept);
        }
    }

    /// Makes records of all bytes of `parts`, for one link, and empties `parts`.
    pub(crate) fn seal(&mut self, parts: &mut Parts, sealer: &mut Sealer) -> Result<&[u8], LinkError> {
        let Self { bytes, records, .. } = self;
        let slice = |part: Range<usize>| bytes.get(part).unwrap_or_default();
        match mem::take(&mut parts.0).as_slice() {
            [part] => sealer.seal(slice(part.clone()), records),
            parts => sealer.seal(&parts.iter().cloned().map(slice).collect::<Vec<_>>().concat(), records),
        }
    }
}

impl Parts {
    /// Whether nothing was gathered.
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Adds a part that comes after the others.
    pub(crate) fn push(&mut self, part: Range<usize>) {
        match self.0.last_mut() {
            Some(last) if last.end == part.start => last.end = part.end,
            _ => self.0.push(part),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fake::{accepted, open};
    use crate::other_end::{OtherEnd, somebody};
    use crate::transport::Job;
    use ringchat_core::wire::Message;
    use ringchat_core::{RoomId, Stamp};

    #[test]
    fn the_space_of_a_flood_stays_for_the_next_long_turn_and_goes_when_only_short_ones_come() {
        let mut outgoing = Outgoing::default();
        let mut turn = |bytes| {
            outgoing.bytes.resize(bytes, 0);
            outgoing.clear();
            outgoing.bytes.capacity()
        };
        let long = turn(8 * FLUSH_BYTES);
        assert_eq!((long, turn(10), turn(10)), (8 * FLUSH_BYTES, long, long));
        let after: Vec<usize> = (0..40).map(|_| turn(10)).collect();
        assert_eq!(after.last(), Some(&FLUSH_BYTES), "{after:?}");
    }

    #[test]
    fn each_link_gets_its_parts_in_order_and_in_one_record() {
        let (mut reader, socket) = accepted();
        let (mut other, first) = OtherEnd::dial(somebody(2), None);
        let mut jobs = open(&mut reader, &socket, &mut other, first);
        let Some(Job::Opened(_, mut link)) = jobs.pop() else { panic!("{jobs:?}") };
        let mut outgoing = Outgoing::default();
        let message = |stamp| Envelope { room: RoomId([1; 16]), stamp, message: Message::Leave };
        let added = [1, 2, 3].map(|stamp| outgoing.add(&message(Stamp(stamp))).unwrap());
        let mut heard = |numbers: &[usize]| {
            let mut parts = Parts::default();
            for &number in numbers {
                parts.push(added[number].clone());
            }
            let records = outgoing.seal(&mut parts, &mut link.sealer).unwrap();
            assert!(parts.is_empty());
            let lengths: usize = numbers.iter().map(|number| added[*number].len()).sum();
            assert_eq!(records.len(), if lengths == 0 { 0 } else { lengths + 18 }, "one record");
            other.hear(records).unwrap();
            std::iter::from_fn(|| other.next()).map(|envelope| envelope.stamp.0).collect::<Vec<_>>()
        };
        assert_eq!(heard(&[0, 1]), [1, 2]);
        assert_eq!(heard(&[0, 2]), [1, 3]);
        assert_eq!(heard(&[]), [0; 0]);
    }
}
