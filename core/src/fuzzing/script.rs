//! The script of a run, read from bytes.

use alloc::vec::Vec;

/// The rest of the script. After its end all bytes are zero.
pub(super) struct Script<'a>(pub(super) &'a [u8]);

impl<'a> Script<'a> {
    pub(super) fn is_over(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn byte(&mut self) -> u8 {
        self.bytes(1).first().copied().unwrap_or(0)
    }

    pub(super) fn flag(&mut self) -> bool {
        self.byte() & 1 == 1
    }

    pub(super) fn bytes(&mut self, count: usize) -> &'a [u8] {
        let (now, later) = self.0.split_at(count.min(self.0.len()));
        self.0 = later;
        now
    }

    /// One of `items`, if there is any.
    pub(super) fn pick<T: Copy>(&mut self, items: &[T]) -> Option<T> {
        let at = usize::from(self.byte()).checked_rem(items.len())?;
        items.get(at).copied()
    }

    /// Up to three values that `next` reads.
    pub(super) fn few<T>(&mut self, mut next: impl FnMut(&mut Self) -> T) -> Vec<T> {
        let count = self.byte() % 4;
        (0..count).map(|_| next(self)).collect()
    }

    /// A value that `next` reads, or none.
    pub(super) fn maybe<T>(&mut self, next: impl FnOnce(&mut Self) -> T) -> Option<T> {
        self.flag().then(|| next(self))
    }
}
