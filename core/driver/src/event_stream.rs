//! The way of events from the node to its user: a function, which may fill a queue.

use std::fmt;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};

use ringchat_core::Instant;

use crate::events::{Event, EventQueue, NoEvent, TurnEvents};
use crate::host::lock;
use crate::signal::Signal;

/// Where a turn puts its events. Dropped when the room has ended and nothing of it is left.
pub struct EventSink(Box<Hear>);

/// Is called with all events of a turn.
type Hear = dyn FnMut(TurnEvents<'_>) + Send;

impl EventSink {
    pub(crate) fn new(hear: impl FnMut(TurnEvents<'_>) + Send + 'static) -> Self {
        Self(Box::new(hear))
    }

    /// Takes all events of the turn that began at `at`, if there are any.
    pub(crate) fn take(&mut self, at: Instant, events: &mut Vec<Event>) {
        if !events.is_empty() {
            (self.0)(TurnEvents::new(at, events.drain(..)));
        }
    }
}

impl fmt::Debug for EventSink {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EventSink").finish_non_exhaustive()
    }
}

/// A queue of events. Dropping the filler ends the stream.
pub fn event_queue() -> (EventFiller, EventReader) {
    let shared = Arc::new(Shared::default());
    (EventFiller(Arc::clone(&shared)), EventReader(shared))
}

#[derive(Debug, Default)]
struct Shared {
    queue: Mutex<EventQueue>,
    more: Signal,
}

/// The node's end of a queue. Dropping it ends the stream.
#[derive(Debug)]
pub struct EventFiller(Arc<Shared>);

impl EventFiller {
    /// Puts events at the end; those of one turn are best put together. It does not wait: what does not fit is missed.
    pub fn put(&self, events: impl Iterator<Item = Event>) {
        let mut queue = lock(&self.0.queue);
        events.for_each(|event| queue.push(event));
        drop(queue);
        self.0.more.notify();
    }
}

impl Drop for EventFiller {
    fn drop(&mut self) {
        lock(&self.0.queue).close();
        self.0.more.notify();
    }
}

/// The user's end of a queue. Once it is dropped, events are dropped too.
#[derive(Debug)]
pub struct EventReader(Arc<Shared>);

impl EventReader {
    /// The next event, if there is one already.
    ///
    /// # Errors
    /// If there is none.
    pub fn try_next(&self) -> Result<Event, NoEvent> {
        lock(&self.0.queue).pop()
    }

    /// The next event; `None` when the room has ended. The task of `context` is woken when there is more.
    pub fn poll_next(&self, context: &mut Context<'_>) -> Poll<Option<Event>> {
        self.0.more.poll_next(context, || match self.try_next() {
            Ok(event) => Poll::Ready(Some(event)),
            Err(NoEvent::Ended) => Poll::Ready(None),
            Err(NoEvent::Yet) => Poll::Pending,
        })
    }
}

impl Drop for EventReader {
    fn drop(&mut self) {
        lock(&self.0.queue).abandon();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::task::Waker;

    fn missed(count: u64) -> Event {
        Event::Missed { count }
    }

    #[test]
    fn a_reader_gets_what_the_function_was_called_with_and_then_the_end() {
        let (filler, reader) = event_queue();
        let mut sink = EventSink::new(move |turn| filler.put(turn));
        let mut context = Context::from_waker(Waker::noop());
        assert_eq!(reader.poll_next(&mut context), Poll::Pending);
        sink.take(Instant(1), &mut vec![missed(1), missed(2)]);
        assert_eq!(reader.poll_next(&mut context), Poll::Ready(Some(missed(1))));
        assert_eq!(reader.try_next(), Ok(missed(2)));
        assert_eq!(reader.poll_next(&mut context), Poll::Pending);
        drop(sink);
        assert_eq!(reader.poll_next(&mut context), Poll::Ready(None));
    }

    #[test]
    fn nothing_is_kept_for_a_reader_that_was_dropped() {
        let (filler, reader) = event_queue();
        let mut sink = EventSink::new(move |turn| filler.put(turn));
        let shared = Arc::clone(&reader.0);
        sink.take(Instant(1), &mut vec![missed(1)]);
        drop(reader);
        let mut events = vec![missed(2)];
        sink.take(Instant(2), &mut events);
        assert!(events.is_empty());
        assert_eq!(lock(&shared.queue).pop(), Err(NoEvent::Ended));
    }
}
