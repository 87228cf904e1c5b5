//! The way of events from the node to its user: a function, which may fill a queue.

use std::fmt;
use std::sync::{Arc, Mutex};
use std::vec::Drain;

use event_listener::EventListener;

use crate::events::{Event, EventQueue, NoEvent};
use crate::host::lock;

/// Where a turn puts its events. Dropped when the room has ended and nothing of it is left.
pub struct EventSink(Box<Hear>);

/// Is called with all events of a turn.
type Hear = dyn FnMut(Drain<'_, Event>) + Send;

impl EventSink {
    pub(crate) fn new(hear: impl FnMut(Drain<'_, Event>) + Send + 'static) -> Self {
        Self(Box::new(hear))
    }

    /// Takes all events, if there are any.
    pub(crate) fn take(&mut self, events: &mut Vec<Event>) {
        if !events.is_empty() {
            (self.0)(events.drain(..));
        }
    }
}

impl fmt::Debug for EventSink {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EventSink").finish_non_exhaustive()
    }
}

/// A function that fills a queue with events, and the queue's reader. Dropping the function ends the stream.
pub fn event_queue() -> (impl FnMut(Drain<'_, Event>) + Send + 'static, EventReader) {
    let shared = Arc::new(Shared::default());
    let filler = Filler(Arc::clone(&shared));
    (move |events: Drain<'_, Event>| filler.put(events), EventReader(shared))
}

#[derive(Debug, Default)]
struct Shared {
    queue: Mutex<EventQueue>,
    more: event_listener::Event,
}

/// The node's end of a queue. Dropping it ends the stream.
struct Filler(Arc<Shared>);

impl Filler {
    fn put(&self, events: Drain<'_, Event>) {
        let mut queue = lock(&self.0.queue);
        events.for_each(|event| queue.push(event));
        drop(queue);
        self.0.more.notify(1);
    }
}

impl Drop for Filler {
    fn drop(&mut self) {
        lock(&self.0.queue).close();
        self.0.more.notify(1);
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

    /// The next event, or what is notified once there may be one; `None` when the room has ended.
    pub fn next_or_listen(&self) -> Option<Result<Event, EventListener>> {
        let mut next = self.try_next();
        if next == Err(NoEvent::Yet) {
            let more = self.0.more.listen();
            // An event that came before the listener was there did not notify it.
            next = self.try_next();
            if next == Err(NoEvent::Yet) {
                return Some(Err(more));
            }
        }
        next.ok().map(Ok)
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
    use event_listener::Listener;

    fn missed(count: u64) -> Event {
        Event::Missed { count }
    }

    #[test]
    fn a_reader_that_waits_is_notified() {
        let (hear, reader) = event_queue();
        let mut sink = EventSink::new(hear);
        let more = reader.next_or_listen().unwrap().unwrap_err();
        sink.take(&mut vec![missed(1), missed(2)]);
        more.wait();
        assert_eq!(reader.next_or_listen().unwrap().unwrap(), missed(1));
        assert_eq!(reader.try_next(), Ok(missed(2)));
        let more = reader.next_or_listen().unwrap().unwrap_err();
        drop(sink);
        more.wait();
        assert!(reader.next_or_listen().is_none());
    }

    #[test]
    fn nothing_is_kept_for_a_reader_that_was_dropped() {
        let (hear, reader) = event_queue();
        let mut sink = EventSink::new(hear);
        let shared = Arc::clone(&reader.0);
        sink.take(&mut vec![missed(1)]);
        drop(reader);
        let mut events = vec![missed(2)];
        sink.take(&mut events);
        assert!(events.is_empty());
        assert_eq!(lock(&shared.queue).pop(), Err(NoEvent::Ended));
    }
}
