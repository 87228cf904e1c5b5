//! Bytes that a socket did not take at once.

use std::mem;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use ringchat_core::limits::{LINK_QUEUE_BYTES, WRITE_BYTES};
use ringchat_core::{DownReason, pool_has_room};

/// The room that all write queues of a node share. Clones are the same pool.
#[derive(Clone, Debug)]
pub(crate) struct WritePool {
    most: u64,
    used: Arc<AtomicU64>,
}

impl Default for WritePool {
    fn default() -> Self {
        Self::of(WRITE_BYTES)
    }
}

impl WritePool {
    /// A pool of so many bytes.
    pub(crate) fn of(most: usize) -> Self {
        Self { most: most as u64, used: Arc::default() }
    }

    /// Takes `more` bytes for a queue that has `mine`. Tells whether there was room.
    fn take(&self, mine: usize, more: usize) -> bool {
        let (mine, more) = (mine as u64, more as u64);
        let has_room = |used| pool_has_room(self.most, used, mine, more).then(|| used.saturating_add(more));
        self.used.fetch_update(Ordering::Relaxed, Ordering::Relaxed, has_room).is_ok()
    }

    fn give_back(&self, bytes: usize) {
        self.used.fetch_sub(bytes as u64, Ordering::Relaxed);
    }
}

/// The bytes of one connection that wait for its writer, which exists only while there are some.
///
/// The sender and the writer share it. While it is idle the sender writes by itself.
#[derive(Debug)]
pub(crate) struct WriteQueue {
    pool: WritePool,
    queue: Vec<u8>,
    /// How many bytes the writer is busy with.
    writing: usize,
    /// Whether a writer runs.
    busy: bool,
    finish: bool,
}

impl WriteQueue {
    /// An empty queue, which takes its room from `pool`.
    pub(crate) fn new(pool: WritePool) -> Self {
        Self { pool, queue: Vec::new(), writing: 0, busy: false, finish: false }
    }

    /// Whether nothing waits, so that bytes may go to the socket directly.
    pub(crate) fn is_idle(&self) -> bool {
        !self.busy
    }

    /// Keeps `bytes`. Tells whether the caller has to start a writer.
    ///
    /// # Errors
    /// `Overflow` if more than [`LINK_QUEUE_BYTES`] would wait, or more than this queue's share of all that may.
    pub(crate) fn push(&mut self, bytes: &[u8]) -> Result<bool, DownReason> {
        let waiting = self.waiting();
        if waiting.saturating_add(bytes.len()) > LINK_QUEUE_BYTES || !self.pool.take(waiting, bytes.len()) {
            return Err(DownReason::Overflow);
        }
        self.queue.extend_from_slice(bytes);
        Ok(!mem::replace(&mut self.busy, true))
    }

    /// All that waits, for the writer to write. With `None` the writer is done.
    pub(crate) fn take(&mut self) -> Option<Vec<u8>> {
        self.pool.give_back(self.writing);
        let bytes = mem::take(&mut self.queue);
        self.writing = bytes.len();
        self.busy = !bytes.is_empty();
        self.busy.then_some(bytes)
    }

    fn waiting(&self) -> usize {
        self.writing.saturating_add(self.queue.len())
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

impl Drop for WriteQueue {
    fn drop(&mut self) {
        self.pool.give_back(self.waiting());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn many_that_read_nothing_leave_room_for_one_that_reads() {
        const MOST: usize = 64 * 1024;
        let pool = WritePool::of(MOST);
        let mut deaf: Vec<_> = (0..40).map(|_| WriteQueue::new(pool.clone())).collect();
        let mut overflows = 0;
        while overflows < deaf.len() {
            overflows = deaf.iter_mut().filter_map(|queue| queue.push(&[0; 16]).err()).count();
        }
        let waiting = || deaf.iter().map(WriteQueue::waiting);
        assert!((MOST / 10 * 9..=MOST).contains(&waiting().sum()), "{:?}", waiting().collect::<Vec<_>>());
        let mut slow = WriteQueue::new(pool.clone());
        for _ in 0..1000 {
            slow.push(&[0; 100]).unwrap();
            while slow.take().is_some() {}
        }
        drop((deaf, slow));
        assert_eq!(pool.used.load(Ordering::Relaxed), 0);
    }

    #[test]
    fn one_writer_takes_all_that_waits() {
        let mut write_queue = WriteQueue::new(WritePool::default());
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
        let mut write_queue = WriteQueue::new(WritePool::default());
        assert_eq!(write_queue.push(&vec![0; LINK_QUEUE_BYTES]), Ok(true));
        let taken = write_queue.take().unwrap();
        assert_eq!(taken.len(), LINK_QUEUE_BYTES);
        assert_eq!(write_queue.push(&[0]), Err(DownReason::Overflow));
        assert_eq!(write_queue.take(), None);
        assert_eq!(write_queue.push(&[0]), Ok(true));
    }

    #[test]
    fn the_end_comes_after_what_waits() {
        let mut write_queue = WriteQueue::new(WritePool::default());
        write_queue.push(&[1]).unwrap();
        write_queue.finish();
        assert!(!write_queue.is_finished());
        write_queue.take();
        assert!(!write_queue.is_finished());
        write_queue.take();
        assert!(write_queue.is_finished());
    }
}
