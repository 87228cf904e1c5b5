//! What the user is told, in a queue that a slow reader cannot make grow.

use std::collections::VecDeque;
use std::vec::Drain;

use ringchat_core::limits::{EVENT_QUEUE, EVENT_QUEUE_BYTES};
use ringchat_core::trace::Traced;
use ringchat_core::{Instant, Notice, Stamp};

/// Events for which room is kept while there are none.
pub(crate) const KEPT_EVENTS: usize = 32;

/// The bytes that a member of a roster counts as.
const MEMBER_BYTES: usize = 256;

/// Something that the user is told.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Event {
    /// A notice of the node.
    Notice {
        /// The node's Lamport time.
        lamport: Stamp,
        /// What the node tells.
        notice: Notice,
    },
    /// A step of a node that is traced. Only a function that hears turns gets it; no queue keeps it.
    Trace {
        /// The node's Lamport time.
        lamport: Stamp,
        /// What happened.
        traced: Box<Traced>,
    },
    /// Notices are missing here, because they came faster than they were read.
    Missed {
        /// How many notices; each line of chat that is to be shown counts as one.
        count: u64,
    },
}

/// What a turn tells, in order.
#[derive(Debug)]
pub struct TurnEvents<'a> {
    at: Instant,
    events: Drain<'a, Event>,
}

impl<'a> TurnEvents<'a> {
    pub(crate) fn new(at: Instant, events: Drain<'a, Event>) -> Self {
        Self { at, events }
    }

    /// When the turn began, by a clock that started with the room.
    pub fn at(&self) -> Instant {
        self.at
    }
}

impl Iterator for TurnEvents<'_> {
    type Item = Event;

    fn next(&mut self) -> Option<Event> {
        self.events.next()
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.events.size_hint()
    }
}

impl ExactSizeIterator for TurnEvents<'_> {}

/// Why there is no event.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoEvent {
    /// None has come yet.
    #[error("nothing has happened yet; wait longer")]
    Yet,
    /// The room has ended; none will come.
    #[error("the room has ended; open it again to go on")]
    Ended,
}

/// Events on their way to their reader. What does not fit is counted, and shows as [`Event::Missed`].
#[derive(Debug, Default)]
pub(crate) struct EventQueue {
    events: VecDeque<Event>,
    /// How many notices they are; one for each chat line.
    count: usize,
    /// How many bytes their texts and rosters have.
    bytes: usize,
    /// How many were missed since the last one in `events`.
    missed: u64,
    closed: bool,
}

impl EventQueue {
    /// Puts an event at the end, or counts it as missed. The node's last notice always fits. Steps of a trace are left
    /// out: they would take the places of notices.
    pub(crate) fn push(&mut self, event: Event) {
        if self.closed || matches!(event, Event::Trace { .. }) {
            return;
        }
        let last = matches!(event, Event::Notice { notice: Notice::Ended(_), .. });
        // A place is kept for the `Missed` that may have to come first.
        let full = self.count.saturating_add(1) >= EVENT_QUEUE || self.bytes >= EVENT_QUEUE_BYTES;
        if full && !last {
            self.missed = self.missed.saturating_add(told(&event));
            return;
        }
        self.tell_missed();
        self.count = self.count.saturating_add(count(&event));
        self.bytes = self.bytes.saturating_add(weight(&event));
        self.events.push_back(event);
    }

    /// Takes the oldest event.
    ///
    /// # Errors
    /// If there is none.
    pub(crate) fn pop(&mut self) -> Result<Event, NoEvent> {
        if self.events.is_empty() {
            self.tell_missed();
        }
        match self.events.pop_front() {
            Some(event) => {
                self.count = self.count.saturating_sub(count(&event));
                self.bytes = self.bytes.saturating_sub(weight(&event));
                if self.events.is_empty() {
                    self.events.shrink_to(KEPT_EVENTS);
                }
                Ok(event)
            }
            None if self.closed => Err(NoEvent::Ended),
            None => Err(NoEvent::Yet),
        }
    }

    /// Nothing more will be pushed.
    pub(crate) fn close(&mut self) {
        self.closed = true;
    }

    /// Nobody reads any longer: the queue keeps nothing from now on.
    pub(crate) fn abandon(&mut self) {
        *self = Self { closed: true, ..Self::default() };
    }

    fn tell_missed(&mut self) {
        if self.missed > 0 {
            self.events.push_back(Event::Missed { count: self.missed });
            self.count = self.count.saturating_add(1);
            self.missed = 0;
        }
    }
}

fn count(event: &Event) -> usize {
    match event {
        Event::Notice { notice: Notice::Chat(chat), .. } => chat.said.texts.len(),
        Event::Notice { .. } | Event::Trace { .. } | Event::Missed { .. } => 1,
    }
}

/// How many notices the user misses without `event`.
fn told(event: &Event) -> u64 {
    match event {
        Event::Notice { notice: Notice::Chat(chat), .. } => chat.count(),
        Event::Notice { .. } | Event::Trace { .. } | Event::Missed { .. } => 1,
    }
}

fn weight(event: &Event) -> usize {
    match event {
        Event::Notice { notice: Notice::Chat(chat), .. } => chat.said.texts.bytes(usize::MAX),
        Event::Notice { notice: Notice::NotTaken { text }, .. } => text.as_str().len(),
        Event::Notice { notice: Notice::Ready { members, .. }, .. } => {
            MEMBER_BYTES.saturating_mul(members.len())
        }
        Event::Notice { .. } | Event::Trace { .. } | Event::Missed { .. } => 0,
    }
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroU64;

    use super::*;
    use ringchat_core::limits::MAX_TEXT;
    use ringchat_core::wire::Run;
    use ringchat_core::{
        Chat, DialFailure, DialId, Ending, Index, Member, Name, NodeId, Occasion, RoomId, Seq, Text, TextRun,
    };

    fn held(seq: u64) -> Event {
        Event::Notice { lamport: Stamp(seq), notice: Notice::Held { seq: Seq(seq) } }
    }

    fn ended() -> Event {
        Event::Notice { lamport: Stamp(0), notice: Notice::Ended(Ending::Left { unsure: 0 }) }
    }

    #[test]
    fn what_does_not_fit_is_told_in_its_place() {
        let mut queue = EventQueue::default();
        let fits = EVENT_QUEUE as u64 - 1;
        (0..fits + 7).for_each(|n| queue.push(held(n)));
        assert_eq!(queue.pop(), Ok(held(0)));
        assert_eq!(queue.pop(), Ok(held(1)));
        queue.push(held(9999));
        queue.push(held(10_000));
        assert!((2..fits).all(|n| queue.pop() == Ok(held(n))));
        assert_eq!(queue.pop(), Ok(Event::Missed { count: 7 }));
        assert_eq!(queue.pop(), Ok(held(9999)));
        assert_eq!(queue.pop(), Ok(Event::Missed { count: 1 }));
        assert_eq!(queue.pop(), Err(NoEvent::Yet));
    }

    #[test]
    fn lines_that_are_not_to_be_shown_are_not_missed() {
        let from = Member::new(
            NodeId::new([1; 32], NonZeroU64::MIN),
            ([127, 0, 0, 1], 1).into(),
            Name::new("Bob").unwrap(),
        );
        let mut texts = TextRun::from(Text::new("a").unwrap());
        assert!(texts.push(&Text::new("b").unwrap()) && texts.push(&Text::new("c").unwrap()));
        let said = Run::sham(RoomId::UNKNOWN, from.into(), Seq(1), Stamp(1), texts);
        let chat = |hidden| Chat {
            index: Index(1),
            said: said.clone(),
            mine: false,
            known_as: None,
            occasion: Occasion::BeforeJoin,
            hidden,
        };
        let mut queue = EventQueue::default();
        (0..EVENT_QUEUE as u64).for_each(|n| queue.push(held(n)));
        while queue.pop() != Ok(Event::Missed { count: 1 }) {}
        (0..EVENT_QUEUE as u64 - 1).for_each(|n| queue.push(held(n)));
        for hidden in [2, 3] {
            queue.push(Event::Notice { lamport: Stamp(1), notice: Notice::Chat(chat(hidden)) });
        }
        let last = std::iter::from_fn(|| queue.pop().ok()).last();
        assert_eq!(last, Some(Event::Missed { count: 1 }));
    }

    #[test]
    fn a_turn_knows_how_much_it_tells() {
        let mut told = vec![held(1), ended()];
        let mut events = TurnEvents::new(Instant::ZERO, told.drain(..));
        assert_eq!(events.len(), 2);
        assert_eq!((events.next(), events.len()), (Some(held(1)), 1));
    }

    #[test]
    fn steps_of_a_trace_take_no_place_of_a_notice() {
        let mut queue = EventQueue::default();
        let failed = Traced::Failed { dial: DialId(1), reason: DialFailure::Refused };
        for _ in 0..2 * EVENT_QUEUE {
            queue.push(Event::Trace { lamport: Stamp(1), traced: Box::new(failed.clone()) });
        }
        queue.push(held(1));
        assert_eq!((queue.pop(), queue.pop()), (Ok(held(1)), Err(NoEvent::Yet)));
    }

    #[test]
    fn a_reader_that_catches_up_gives_the_memory_back() {
        let mut queue = EventQueue::default();
        (0..2000).for_each(|n| queue.push(held(n)));
        assert!(queue.events.capacity() >= 2000);
        (0..2000).for_each(|n| assert_eq!(queue.pop(), Ok(held(n))));
        assert!(queue.events.capacity() <= KEPT_EVENTS);
    }

    #[test]
    fn the_last_notice_always_fits() {
        let mut queue = EventQueue::default();
        (0..2 * EVENT_QUEUE as u64).for_each(|n| queue.push(held(n)));
        queue.push(ended());
        queue.close();
        let last = std::iter::from_fn(|| queue.pop().ok()).last();
        assert_eq!(last, Some(ended()));
        assert_eq!(queue.pop(), Err(NoEvent::Ended));
    }

    #[test]
    fn long_texts_are_bounded_by_their_bytes() {
        let text = Text::new(&"x".repeat(MAX_TEXT)).unwrap();
        let mut queue = EventQueue::default();
        for lamport in (0..10_000).map(Stamp) {
            queue.push(Event::Notice { lamport, notice: Notice::NotTaken { text: text.clone() } });
        }
        let kept =
            std::iter::from_fn(|| queue.pop().ok()).filter(|e| !matches!(e, Event::Missed { .. })).count();
        assert_eq!(kept, EVENT_QUEUE_BYTES / MAX_TEXT);
    }
}
