//! The bytes that go out in one turn.

use std::mem;
use std::ops::Range;

use ringchat_core::wire::{Envelope, FrameTooLong, encode};

/// Bytes that are gathered before they are written, though the turn goes on.
pub(crate) const FLUSH_BYTES: usize = 32 * 1024;

/// What was encoded and is not written yet. A message for many links is there once.
#[derive(Default)]
pub(crate) struct Outgoing {
    bytes: Vec<u8>,
}

/// Which bytes of it go to one link, in order.
#[derive(Default)]
pub(crate) struct Parts(Vec<Range<usize>>);

impl Outgoing {
    /// Encodes a message, and tells where it is.
    pub(crate) fn add(&mut self, envelope: &Envelope) -> Result<Range<usize>, FrameTooLong> {
        let start = self.bytes.len();
        encode(envelope, &mut self.bytes)?;
        Ok(start..self.bytes.len())
    }

    /// Adds bytes as they are, and tells where they are.
    pub(crate) fn add_bytes(&mut self, bytes: &[u8]) -> Range<usize> {
        let start = self.bytes.len();
        self.bytes.extend_from_slice(bytes);
        start..self.bytes.len()
    }

    /// Whether it is time to write.
    pub(crate) fn is_full(&self) -> bool {
        self.bytes.len() >= FLUSH_BYTES
    }

    /// Everything was written.
    pub(crate) fn clear(&mut self) {
        self.bytes.clear();
        self.bytes.shrink_to(FLUSH_BYTES);
    }

    /// Hands `write` all bytes of `parts` in one piece, and empties `parts`.
    pub(crate) fn write<T>(&self, parts: &mut Parts, write: impl FnOnce(&[u8]) -> T) -> T {
        let slice = |part: Range<usize>| self.bytes.get(part).unwrap_or_default();
        match mem::take(&mut parts.0).as_slice() {
            [part] => write(slice(part.clone())),
            parts => write(&parts.iter().cloned().map(slice).collect::<Vec<_>>().concat()),
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

    #[test]
    fn each_link_gets_its_parts_in_order_and_in_one_piece() {
        let mut outgoing = Outgoing::default();
        let added = [&b"ab"[..], b"c", b"def"].map(|bytes| outgoing.add_bytes(bytes));
        let written = |numbers: &[usize]| {
            let mut parts = Parts::default();
            for &number in numbers {
                parts.push(added[number].clone());
            }
            let written = outgoing.write(&mut parts, <[u8]>::to_vec);
            assert!(parts.is_empty());
            written
        };
        assert_eq!(written(&[0, 1]), b"abc");
        assert_eq!(written(&[0, 2]), b"abdef");
        assert_eq!(written(&[]), b"");
    }
}
