//! Bytes that came on a link and wait until all of a piece is there.

use alloc::vec::Vec;
use core::fmt;

use crate::needed_lately::NeededLately;

/// The least room that is lent: enough for what comes at rest.
pub(super) const LEAST_READ: usize = 2 * 1024;

/// The most room that is lent beside the bytes that wait already, unless more is asked for.
pub(super) const MOST_READ: usize = 64 * 1024;

/// The bytes of one link that were not taken yet, and room for more. The room grows while reads fill it.
#[derive(Clone)]
pub(crate) struct Incoming {
    buffer: Vec<u8>,
    /// The position of the first byte that was not taken yet.
    start: usize,
    /// The position after the last byte that was read.
    end: usize,
    /// How many bytes are lent next.
    lends: usize,
    /// How many bytes have waited at a time.
    waited: NeededLately,
}

impl Incoming {
    /// For a new link.
    pub(crate) fn new() -> Self {
        Self { buffer: Vec::new(), start: 0, end: 0, lends: LEAST_READ, waited: NeededLately::default() }
    }

    /// Room to read into; never empty.
    pub(crate) fn spare(&mut self) -> &mut [u8] {
        self.make_room(self.lends)
    }

    /// Room for `bytes` bytes or more.
    pub(crate) fn spare_for(&mut self, bytes: usize) -> &mut [u8] {
        self.lends = bytes.clamp(LEAST_READ, MOST_READ);
        self.make_room(self.lends.max(bytes))
    }

    /// Tells that `read` bytes were put at the start of what was lent.
    pub(crate) fn advance(&mut self, read: usize) {
        let lent = self.buffer.len().saturating_sub(self.end);
        self.end = self.end.saturating_add(read.min(lent));
        if read >= lent {
            self.lends = self.lends.saturating_mul(2).min(MOST_READ);
        } else if read < LEAST_READ {
            self.lends = LEAST_READ;
        }
    }

    /// The bytes that wait.
    pub(crate) fn waiting(&self) -> &[u8] {
        self.buffer.get(self.start..self.end).unwrap_or_default()
    }

    /// Drops the first `bytes` of the bytes that wait. Without any, the buffer is made smaller if it is much larger than
    /// what is lent and what has waited lately.
    pub(crate) fn consume(&mut self, bytes: usize) {
        self.start = self.start.saturating_add(bytes);
        if self.start >= self.end {
            let kept = self.lends.max(self.waited.after(self.end));
            self.start = 0;
            self.end = 0;
            if self.buffer.len() > kept.saturating_mul(2) {
                self.buffer.truncate(kept);
                self.buffer.shrink_to(kept);
            }
        }
    }

    fn make_room(&mut self, bytes: usize) -> &mut [u8] {
        if self.start > 0 {
            self.buffer.copy_within(self.start..self.end, 0);
            self.end = self.end.saturating_sub(self.start);
            self.start = 0;
        }
        let wanted = self.end.saturating_add(bytes);
        if self.buffer.len() < wanted {
            self.buffer.reserve_exact(wanted.saturating_sub(self.buffer.len()));
            self.buffer.resize(wanted, 0);
        }
        self.buffer.get_mut(self.end..).unwrap_or_default()
    }
}

/// How much waits; what it is may be a secret.
impl fmt::Debug for Incoming {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} bytes", self.waiting().len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn more_room_is_lent_while_all_of_it_is_used_and_little_at_rest() {
        let mut incoming = Incoming::new();
        assert_eq!(incoming.spare().len(), LEAST_READ);
        for _ in 0..8 {
            let lent = incoming.spare().len();
            incoming.advance(lent);
            incoming.consume(lent);
        }
        assert_eq!(incoming.spare().len(), MOST_READ);
        assert!(incoming.buffer.capacity() <= 2 * MOST_READ, "{} bytes", incoming.buffer.capacity());
        incoming.advance(LEAST_READ);
        incoming.consume(LEAST_READ);
        assert_eq!(incoming.spare().len(), MOST_READ, "less would not have been enough");
        incoming.advance(1);
        incoming.consume(1);
        assert_eq!(incoming.lends, LEAST_READ);
    }

    #[test]
    fn the_buffer_of_a_flood_stays_for_the_next_long_frame_and_goes_when_only_short_ones_come() {
        let mut incoming = Incoming::new();
        let mut comes = |bytes| {
            incoming.spare_for(bytes);
            incoming.advance(bytes);
            incoming.consume(bytes);
            incoming.buffer.capacity()
        };
        let long = comes(2 * MOST_READ);
        assert_eq!([comes(10), comes(10)], [long; 2]);
        let after: Vec<usize> = (0..40).map(|_| comes(10)).collect();
        assert!(after.last().is_some_and(|last| *last < 2 * LEAST_READ), "{after:?}");
    }

    #[test]
    fn as_much_room_is_lent_as_is_asked_for() {
        let mut incoming = Incoming::new();
        incoming.spare()[..3].copy_from_slice(b"abc");
        incoming.advance(3);
        incoming.consume(1);
        assert!(incoming.spare_for(2 * MOST_READ).len() >= 2 * MOST_READ);
        assert_eq!(incoming.waiting(), b"bc");
    }
}
