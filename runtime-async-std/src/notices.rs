//! What the node tells its user.

use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};
use std::time::Duration;
use std::vec::Drain;

use futures::task::AtomicWaker;
use futures::{Stream, StreamExt};
use ringchat_driver::{Event, EventQueue, NoEvent};

use crate::crew::lock;
use crate::node::Node;
use crate::rt;

/// The events between the node and its user.
#[derive(Debug, Default)]
pub(crate) struct Queue {
    events: Mutex<EventQueue>,
    reader: AtomicWaker,
}

/// Where a turn puts its events, which it leaves empty. Dropped when the node has ended.
pub(crate) type Outlet = Box<dyn FnMut(&mut Vec<Event>) + Send>;

/// An outlet into a queue, and the queue, for the user's end.
pub(crate) fn queue() -> (Outlet, Arc<Queue>) {
    let queue = Arc::new(Queue::default());
    let filler = Filler(Arc::clone(&queue));
    (Box::new(move |events| filler.put(events)), queue)
}

/// An outlet to a function of the user.
pub(crate) fn sink(mut sink: impl FnMut(Drain<'_, Event>) + Send + 'static) -> Outlet {
    Box::new(move |events| {
        if !events.is_empty() {
            sink(events.drain(..));
        }
    })
}

/// The node's end of a queue. Dropping it ends the stream.
struct Filler(Arc<Queue>);

impl Filler {
    fn put(&self, events: &mut Vec<Event>) {
        if events.is_empty() {
            return;
        }
        let mut queue = lock(&self.0.events);
        let was_waiting = queue.is_waiting();
        events.drain(..).for_each(|event| queue.push(event));
        drop(queue);
        if was_waiting {
            self.0.reader.wake();
        }
    }
}

impl Drop for Filler {
    fn drop(&mut self) {
        lock(&self.0.events).close();
        self.0.reader.wake();
    }
}

/// The stream of what happens in a room; it ends when the room has ended.
///
/// A reader that is too slow finds [`Event::Missed`] where notices are missing; it never slows the room.
/// Dropping it leaves the room.
#[derive(Debug)]
pub struct Notices {
    queue: Arc<Queue>,
    node: Arc<Node>,
}

impl Notices {
    /// The user's end of `queue`, which `node` fills.
    pub(crate) fn new(queue: Arc<Queue>, node: Arc<Node>) -> Self {
        Self { queue, node }
    }

    /// The next event, if there is one already.
    ///
    /// # Errors
    /// If there is none.
    pub fn try_next(&mut self) -> Result<Event, NoEvent> {
        lock(&self.queue.events).pop()
    }

    /// The next event, if it comes within `timeout`.
    ///
    /// # Errors
    /// If none came.
    pub async fn next_timeout(&mut self, timeout: Duration) -> Result<Event, NoEvent> {
        match rt::timeout(timeout, self.next()).await {
            Some(next) => next.ok_or(NoEvent::Ended),
            None => Err(NoEvent::Yet),
        }
    }
}

impl Stream for Notices {
    type Item = Event;

    fn poll_next(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Event>> {
        let mut events = lock(&self.queue.events);
        match events.pop() {
            Ok(event) => Poll::Ready(Some(event)),
            Err(NoEvent::Ended) => Poll::Ready(None),
            Err(NoEvent::Yet) => {
                // Whoever fills the queue waits for its lock, so it finds the waker.
                self.queue.reader.register(context.waker());
                Poll::Pending
            }
        }
    }
}

impl Drop for Notices {
    fn drop(&mut self) {
        self.node.leave();
    }
}
