//! A bounded queue between threads that must not wait for a slow reader.
//!
//! An item that does not fit waits a moment for room. If there is none, the item is lost, and so is every other one
//! until half the queue is free again, so that gaps are few. In the place of each gap stands an item that tells of it.

use std::collections::VecDeque;
use std::mem;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// The weight that a queue takes; for lines, bytes.
const MAX_WEIGHT: usize = 8 * 1024 * 1024;

/// The weight that only what must not be lost may use.
const RESERVE: usize = 64 * 1024;

/// How long an offer waits for room.
const PATIENCE: Duration = Duration::from_millis(100);

/// The queue.
pub(crate) struct LossyQueue<T> {
    state: Mutex<State<T>>,
    changed: Condvar,
    /// The item that tells of so many lost ones.
    gap: Box<dyn Fn(u64) -> T + Send + Sync>,
}

struct State<T> {
    items: VecDeque<(T, usize)>,
    weight: usize,
    /// Items that were lost in the gap at the end of the queue.
    lost: u64,
    /// An item was lost, and half the queue has not been free since.
    stalled: bool,
    phase: Phase,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Phase {
    /// Items are queued and taken.
    Open,
    /// What is queued is taken, and then no more.
    Closing,
    /// Nobody takes items any more; they are dropped.
    Ended,
}

impl<T> State<T> {
    fn fits(&self, weight: usize, limit: usize) -> bool {
        self.weight.saturating_add(weight) <= limit
    }

    fn push(&mut self, item: T, weight: usize) {
        if self.phase == Phase::Open {
            self.weight = self.weight.saturating_add(weight);
            self.items.push_back((item, weight));
        }
    }
}

impl<T> LossyQueue<T> {
    /// An empty queue, in which `gap` tells of lost items.
    pub(crate) fn new(gap: impl Fn(u64) -> T + Send + Sync + 'static) -> Self {
        let state = State { items: VecDeque::new(), weight: 0, lost: 0, stalled: false, phase: Phase::Open };
        Self { state: Mutex::new(state), changed: Condvar::new(), gap: Box::new(gap) }
    }

    /// Queues an item, or loses it.
    pub(crate) fn offer(&self, item: T, weight: usize) {
        let is_full = |state: &State<T>| !state.fits(weight, MAX_WEIGHT);
        let mut state = self.lock();
        if is_full(&state) && !state.stalled {
            let waits = |state: &mut State<T>| state.phase == Phase::Open && is_full(state);
            let waited = self.changed.wait_timeout_while(state, PATIENCE, waits);
            state = waited.unwrap_or_else(PoisonError::into_inner).0;
            state.stalled = is_full(&state);
        }
        if state.stalled {
            state.lost = state.lost.saturating_add(1);
        } else {
            state.push(item, weight);
        }
        drop(state);
        self.changed.notify_all();
    }

    /// Queues an item for which there is a reserve, because it must not be lost.
    pub(crate) fn insist(&self, item: T, weight: usize) {
        let mut state = self.lock();
        if state.fits(weight, MAX_WEIGHT + RESERVE) {
            self.tell_gap(&mut state);
            state.push(item, weight);
        }
        drop(state);
        self.changed.notify_all();
    }

    /// So many items were lost before they came here.
    pub(crate) fn lose(&self, count: u64) {
        let mut state = self.lock();
        state.lost = state.lost.saturating_add(count);
        if !state.stalled {
            self.tell_gap(&mut state);
        }
        drop(state);
        self.changed.notify_all();
    }

    fn tell_gap(&self, state: &mut State<T>) {
        let lost = mem::take(&mut state.lost);
        if lost > 0 {
            state.push((self.gap)(lost), 0);
        }
    }

    /// Queues an item once there is room for it.
    pub(crate) fn wait_and_put(&self, item: T, weight: usize) {
        let waits = |state: &mut State<T>| state.phase == Phase::Open && !state.fits(weight, MAX_WEIGHT);
        let mut state = self.changed.wait_while(self.lock(), waits).unwrap_or_else(PoisonError::into_inner);
        state.push(item, weight);
        drop(state);
        self.changed.notify_all();
    }

    /// Queues an item, whatever else is queued. For the few that the program itself needs.
    pub(crate) fn put(&self, item: T) {
        self.lock().push(item, 0);
        self.changed.notify_all();
    }

    /// Waits for items and takes at most `most`; none once the queue is closed and empty.
    pub(crate) fn take(&self, most: usize) -> Option<Vec<T>> {
        let waits = |state: &mut State<T>| state.phase == Phase::Open && state.items.is_empty();
        let mut state = self.changed.wait_while(self.lock(), waits).unwrap_or_else(PoisonError::into_inner);
        let count = most.min(state.items.len());
        let taken: Vec<(T, usize)> = state.items.drain(..count).collect();
        let weight: usize = taken.iter().map(|(_, weight)| weight).sum();
        state.weight = state.weight.saturating_sub(weight);
        if state.weight <= MAX_WEIGHT / 2 {
            state.stalled = false;
            self.tell_gap(&mut state);
        }
        drop(state);
        self.changed.notify_all();
        (!taken.is_empty()).then(|| taken.into_iter().map(|(item, _)| item).collect())
    }

    /// Closes the queue, and waits until all that is queued was dealt with, at most `within`.
    pub(crate) fn finish(&self, within: Duration) {
        let mut state = self.lock();
        self.tell_gap(&mut state);
        if state.phase == Phase::Open {
            state.phase = Phase::Closing;
        }
        self.changed.notify_all();
        drop(self.changed.wait_timeout_while(state, within, |state| state.phase != Phase::Ended));
    }

    /// Tells those who queue and wait that nothing is taken any more.
    pub(crate) fn end(&self) {
        let mut state = self.lock();
        state.phase = Phase::Ended;
        state.items.clear();
        drop(state);
        self.changed.notify_all();
    }

    fn lock(&self) -> MutexGuard<'_, State<T>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::thread;

    use super::*;

    const LONG: Duration = Duration::from_secs(10);
    const HEAVY: usize = MAX_WEIGHT / 8;

    fn queue() -> LossyQueue<String> {
        LossyQueue::new(|lost| format!("{lost} lost"))
    }

    fn offer(queue: &LossyQueue<String>, items: std::ops::Range<usize>) {
        items.for_each(|item| queue.offer(item.to_string(), HEAVY));
    }

    #[test]
    fn a_gap_goes_on_until_half_the_queue_is_free_and_is_told_once_in_its_place() {
        let queue = queue();
        offer(&queue, 0..10);
        assert_eq!(queue.take(3).unwrap(), ["0", "1", "2"]);
        offer(&queue, 10..12);
        assert_eq!(queue.take(1).unwrap(), ["3"]);
        offer(&queue, 12..13);
        assert_eq!(queue.take(9).unwrap(), ["4", "5", "6", "7", "4 lost", "12"]);
    }

    #[test]
    fn a_gap_is_told_though_nothing_comes_after_it() {
        let queue = queue();
        offer(&queue, 0..9);
        assert_eq!(queue.take(9).unwrap().len(), 8);
        assert_eq!(queue.take(9).unwrap(), ["1 lost"]);
        queue.lose(7);
        assert_eq!(queue.take(9).unwrap(), ["7 lost"]);
    }

    #[test]
    fn what_must_not_be_lost_has_a_reserve() {
        let queue = queue();
        offer(&queue, 0..9);
        queue.insist("last".to_owned(), 10);
        queue.put("signal".to_owned());
        assert_eq!(queue.take(100).unwrap()[8..], ["1 lost", "last", "signal"]);
    }

    #[test]
    fn a_closed_queue_gives_what_it_has_and_then_ends() {
        let queue = Arc::new(queue());
        offer(&queue, 1..2);
        let reader = thread::spawn({
            let queue = Arc::clone(&queue);
            move || {
                let all: Vec<String> = std::iter::from_fn(|| queue.take(1)).flatten().collect();
                queue.end();
                all
            }
        });
        queue.finish(LONG);
        offer(&queue, 2..3);
        assert_eq!(reader.join().unwrap(), ["1"]);
    }

    #[test]
    fn an_item_that_can_wait_gets_room() {
        let queue = Arc::new(queue());
        offer(&queue, 0..8);
        let writer = thread::spawn({
            let queue = Arc::clone(&queue);
            move || queue.wait_and_put("7".to_owned(), HEAVY)
        });
        assert_eq!(queue.take(1).unwrap(), ["0"]);
        writer.join().unwrap();
        assert_eq!(queue.take(100).unwrap().last().map(String::as_str), Some("7"));
    }
}
