//! Planned events, in the order of time.

use alloc::collections::BinaryHeap;
use core::cmp::Reverse;

use ringchat_core::Instant;

/// Events by time. Those of one instant keep the order in which they were planned.
#[derive(Clone, Debug)]
pub(crate) struct Schedule<E> {
    heap: BinaryHeap<Reverse<Planned<E>>>,
    count: u64,
}

#[derive(Clone, Debug)]
struct Planned<E> {
    at: Instant,
    number: u64,
    event: E,
}

impl<E> Schedule<E> {
    /// Plans `event` for `at`.
    pub(crate) fn push(&mut self, at: Instant, event: E) {
        self.heap.push(Reverse(Planned { at, number: self.count, event }));
        self.count += 1;
    }

    /// The time of the next event.
    pub(crate) fn next_at(&self) -> Option<Instant> {
        self.heap.peek().map(|Reverse(planned)| planned.at)
    }

    /// Takes the next event.
    pub(crate) fn pop(&mut self) -> Option<(Instant, E)> {
        self.heap.pop().map(|Reverse(planned)| (planned.at, planned.event))
    }
}

impl<E> Default for Schedule<E> {
    fn default() -> Self {
        Self { heap: BinaryHeap::new(), count: 0 }
    }
}

impl<E> Planned<E> {
    fn rank(&self) -> (Instant, u64) {
        (self.at, self.number)
    }
}

impl<E> PartialEq for Planned<E> {
    fn eq(&self, other: &Self) -> bool {
        self.rank() == other.rank()
    }
}

impl<E> Eq for Planned<E> {}

impl<E> PartialOrd for Planned<E> {
    fn partial_cmp(&self, other: &Self) -> Option<core::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl<E> Ord for Planned<E> {
    fn cmp(&self, other: &Self) -> core::cmp::Ordering {
        self.rank().cmp(&other.rank())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::String;

    #[test]
    fn events_of_one_instant_come_in_the_order_in_which_they_went_in() {
        let mut schedule = Schedule::default();
        for (at, event) in [(5, 'c'), (1, 'a'), (5, 'd'), (1, 'b')] {
            schedule.push(Instant(at), event);
        }
        let order: String = core::iter::from_fn(|| schedule.pop()).map(|(_, event)| event).collect();
        assert_eq!(order, "abcd");
    }
}
