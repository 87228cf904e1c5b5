//! Bytes that a socket did not take at once.

use alloc::vec::Vec;
use core::mem;

use crate::input::DownReason;
use crate::limits::LINK_QUEUE_BYTES;

/// The bytes of one connection that wait for its writer, which exists only while there are some.
///
/// Shared between who sends and the writer. While it is idle the sender writes by itself.
#[derive(Debug, Default)]
pub struct Backlog {
    queue: Vec<u8>,
    /// How many bytes the writer is busy with.
    writing: usize,
    /// Whether a writer runs.
    busy: bool,
    finish: bool,
}

impl Backlog {
    /// Whether nothing waits, so that bytes may go to the socket directly.
    pub fn is_idle(&self) -> bool {
        !self.busy
    }

    /// Keeps `bytes`. Tells whether a writer is to be started.
    ///
    /// # Errors
    /// `Overflow` if more than [`LINK_QUEUE_BYTES`] would wait.
    pub fn push(&mut self, bytes: &[u8]) -> Result<bool, DownReason> {
        let waiting = self.writing.saturating_add(self.queue.len()).saturating_add(bytes.len());
        if waiting > LINK_QUEUE_BYTES {
            return Err(DownReason::Overflow);
        }
        self.queue.extend_from_slice(bytes);
        Ok(!mem::replace(&mut self.busy, true))
    }

    /// All that waits, for the writer to write. With `None` the writer is done.
    pub fn take(&mut self) -> Option<Vec<u8>> {
        let bytes = mem::take(&mut self.queue);
        self.writing = bytes.len();
        self.busy = !bytes.is_empty();
        self.busy.then_some(bytes)
    }

    /// Nothing more will be pushed.
    pub fn finish(&mut self) {
        self.finish = true;
    }

    /// Whether nothing waits and nothing more will come: time to end the sending direction.
    pub fn is_finished(&self) -> bool {
        self.finish && !self.busy
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec;

    #[test]
    fn one_writer_takes_all_that_waits() {
        let mut backlog = Backlog::default();
        assert!(backlog.is_idle());
        assert_eq!(backlog.push(&[1]), Ok(true));
        assert_eq!(backlog.push(&[2]), Ok(false));
        assert_eq!(backlog.take(), Some(vec![1, 2]));
        assert!(!backlog.is_idle(), "the writer still writes");
        assert_eq!(backlog.push(&[3]), Ok(false));
        assert_eq!(backlog.take(), Some(vec![3]));
        assert_eq!(backlog.take(), None);
        assert!(backlog.is_idle());
    }

    #[test]
    fn what_the_writer_is_busy_with_counts() {
        let mut backlog = Backlog::default();
        assert_eq!(backlog.push(&vec![0; LINK_QUEUE_BYTES]), Ok(true));
        let taken = backlog.take().unwrap();
        assert_eq!(taken.len(), LINK_QUEUE_BYTES);
        assert_eq!(backlog.push(&[0]), Err(DownReason::Overflow));
        assert_eq!(backlog.take(), None);
        assert_eq!(backlog.push(&[0]), Ok(true));
    }

    #[test]
    fn the_end_comes_after_what_waits() {
        let mut backlog = Backlog::default();
        backlog.push(&[1]).unwrap();
        backlog.finish();
        assert!(!backlog.is_finished());
        backlog.take();
        assert!(!backlog.is_finished());
        backlog.take();
        assert!(backlog.is_finished());
    }
}
