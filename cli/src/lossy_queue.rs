//! A bounded queue between threads in which writers do not wait long for a slow reader.
//!
//! A writer whose item does not fit waits a moment for space. After that the item is lost, and so are all others until
//! half of the queue is free again, so that gaps are few. An item that reports the loss stands in place of each gap.

use std::collections::VecDeque;
use std::mem;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// The capacity of a queue, as the sum of the weights of its items. Weights of lines are bytes.
const MAX_WEIGHT: usize = 8 * 1024 * 1024;

/// Additional capacity for items that must not be lost.
const RESERVE: usize = 64 * 1024;

/// How long an offer waits for space.
const PATIENCE: Duration = Duration::from_millis(100);

/// A bounded queue that drops items when its reader is too slow, and reports the drops.
pub(crate) struct LossyQueue<T> {
    state: Mutex<State<T>>,
    changed: Condvar,
    /// Makes the item that reports a number of lost items.
    gap: Box<dyn Fn(u64) -> T + Send + Sync>,
}

struct State<T> {
    items: VecDeque<(T, usize)>,
    weight: usize,
    /// Items lost since the last queued item, not yet reported.
    lost: u64,
    /// Whether an item was lost and half of the queue has not been free since.
    stalled: bool,
    phase: Phase,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Phase {
    /// Writers add items, and the reader takes them.
    Open,
    /// The reader takes the remaining items; new items are dropped.
    Closing,
    /// The reader is gone; all items are dropped.
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
    /// An empty queue. `gap` makes the item that reports a number of lost items.
    pub(crate) fn new(gap: impl Fn(u64) -> T + Send + Sync + 'static) -> Self {
        let state = State { items: VecDeque::new(), weight: 0, lost: 0, stalled: false, phase: Phase::Open };
        Self { state: Mutex::new(state), changed: Condvar::new(), gap: Box::new(gap) }
    }

    /// Queues `item`. The item is lost if the queue has had no space for a tenth of a second, or is stalled.
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

    /// Queues an item that must not be lost: it may use the reserve. Dropped only if the reserve is used up too.
    pub(crate) fn insist(&self, item: T, weight: usize) {
        self.insist_on(|| (item, weight));
    }

    /// The same of an item and its weight that are made at their place in the queue: no other item comes in between.
    pub(crate) fn insist_on(&self, make: impl FnOnce() -> (T, usize)) {
        let mut state = self.lock();
        let (item, weight) = make();
        if state.fits(weight, MAX_WEIGHT + RESERVE) {
            self.tell_gap(&mut state);
            state.push(item, weight);
        }
        drop(state);
        self.changed.notify_all();
    }

    /// Records that `count` items were lost before they reached this queue.
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

    /// Waits until `item` fits, then queues it.
    pub(crate) fn wait_and_put(&self, item: T, weight: usize) {
        let waits = |state: &mut State<T>| state.phase == Phase::Open && !state.fits(weight, MAX_WEIGHT);
        let mut state = self.changed.wait_while(self.lock(), waits).unwrap_or_else(PoisonError::into_inner);
        state.push(item, weight);
        drop(state);
        self.changed.notify_all();
    }

    /// Queues `item` without a check of the capacity. Only for the few items of the program itself.
    pub(crate) fn put(&self, item: T) {
        self.lock().push(item, 0);
        self.changed.notify_all();
    }

    /// Waits for items and takes at most `most`. Returns `None` once the queue is closed and empty.
    pub(crate) fn take(&self, most: usize) -> Option<Vec<T>> {
        self.take_within(most, None)
    }

    /// As [`take`](Self::take), but waits only for this long, and then takes nothing.
    pub(crate) fn take_within(&self, most: usize, within: Option<Duration>) -> Option<Vec<T>> {
        let waits = |state: &mut State<T>| state.phase == Phase::Open && state.items.is_empty();
        let mut state = match within {
            None => self.changed.wait_while(self.lock(), waits).unwrap_or_else(PoisonError::into_inner),
            Some(time) => {
                let waited = self.changed.wait_timeout_while(self.lock(), time, waits);
                waited.unwrap_or_else(PoisonError::into_inner).0
            }
        };
        let has_ended = state.phase != Phase::Open;
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
        (!taken.is_empty() || !has_ended).then(|| taken.into_iter().map(|(item, _)| item).collect())
    }

    /// Closes the queue and waits until the reader has handled all items, at most for `within`.
    pub(crate) fn finish(&self, within: Duration) {
        let mut state = self.lock();
        self.tell_gap(&mut state);
        if state.phase == Phase::Open {
            state.phase = Phase::Closing;
        }
        self.changed.notify_all();
        drop(self.changed.wait_timeout_while(state, within, |state| state.phase != Phase::Ended));
    }

    /// Ends the queue on behalf of its reader: drops all items and wakes all waiting threads.
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
    fn who_waits_for_a_while_only_takes_nothing_and_the_queue_goes_on() {
        let queue = queue();
        assert_eq!(queue.take_within(9, Some(Duration::ZERO)).unwrap(), [""; 0]);
        offer(&queue, 0..1);
        assert_eq!(queue.take_within(9, Some(Duration::ZERO)).unwrap(), ["0"]);
        queue.end();
        assert_eq!(queue.take_within(9, Some(Duration::ZERO)), None);
    }

    #[test]
    fn items_that_must_not_be_lost_have_a_reserve() {
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

    #[test]
    fn nothing_comes_between_the_making_of_an_item_and_its_place() {
        let queue = queue();
        queue.insist_on(|| (queue.state.try_lock().is_err().to_string(), HEAVY));
        assert_eq!(queue.take(usize::MAX), Some(vec!["true".to_owned()]));
    }
}
