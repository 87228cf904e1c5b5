//! Bytes that a socket did not take at once.

use std::mem;

use ringchat_core::DownReason;
use ringchat_core::limits::LINK_QUEUE_BYTES;

/// The bytes of one connection that wait for its writer, which exists only while there are some.
///
/// The sender and the writer share it. While it is idle the sender writes by itself.
#[derive(Debug, Default)]
pub(crate) struct WriteQueue {
    queue: Vec<u8>,
    /// How many bytes the writer is busy with.
    writing: usize,
    /// Whether a writer runs.
    busy: bool,
    finish: bool,
}

impl WriteQueue {
    /// Whether nothing waits, so that bytes may go to the socket directly.
    pub(crate) fn is_idle(&self) -> bool {
        !self.busy
    }

    /// Keeps `bytes`. Tells whether the caller has to start a writer.
    ///
    /// # Errors
    /// `Overflow` if more than [`LINK_QUEUE_BYTES`] would wait.
    pub(crate) fn push(&mut self, bytes: &[u8]) -> Result<bool, DownReason> {
        let waiting = self.writing.saturating_add(self.queue.len()).saturating_add(bytes.len());
        if waiting > LINK_QUEUE_BYTES {
            return Err(DownReason::Overflow);
        }
        self.queue.extend_from_slice(bytes);
        Ok(!mem::replace(&mut self.busy, true))
    }

    /// All that waits, for the writer to write. With `None` the writer is done.
    pub(crate) fn take(&mut self) -> Option<Vec<u8>> {
        let bytes = mem::take(&mut self.queue);
        self.writing = bytes.len();
        self.busy = !bytes.is_empty();
        self.busy.then_some(bytes)
    }

    /// Nothing more will be pushed.
    pub(crate) fn finish(&mut self) {
        self.finish = true;
    }

    /// Whether nothing waits and nothing more will come: time to end the sending direction.
    pub(crate) fn is_finished(&self) -> bool {
        self.finish && !self.busy
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_writer_takes_all_that_waits() {
        let mut write_queue = WriteQueue::default();
        assert!(write_queue.is_idle());
        assert_eq!(write_queue.push(&[1]), Ok(true));
        assert_eq!(write_queue.push(&[2]), Ok(false));
        assert_eq!(write_queue.take(), Some(vec![1, 2]));
        assert!(!write_queue.is_idle(), "the writer still writes");
        assert_eq!(write_queue.push(&[3]), Ok(false));
        assert_eq!(write_queue.take(), Some(vec![3]));
        assert_eq!(write_queue.take(), None);
        assert!(write_queue.is_idle());
    }

    #[test]
    fn what_the_writer_is_busy_with_counts() {
        let mut write_queue = WriteQueue::default();
        assert_eq!(write_queue.push(&vec![0; LINK_QUEUE_BYTES]), Ok(true));
        let taken = write_queue.take().unwrap();
        assert_eq!(taken.len(), LINK_QUEUE_BYTES);
        assert_eq!(write_queue.push(&[0]), Err(DownReason::Overflow));
        assert_eq!(write_queue.take(), None);
        assert_eq!(write_queue.push(&[0]), Ok(true));
    }

    #[test]
    fn the_end_comes_after_what_waits() {
        let mut write_queue = WriteQueue::default();
        write_queue.push(&[1]).unwrap();
        write_queue.finish();
        assert!(!write_queue.is_finished());
        write_queue.take();
        assert!(!write_queue.is_finished());
        write_queue.take();
        assert!(write_queue.is_finished());
    }
}
