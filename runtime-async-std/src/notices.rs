//! What the node tells its user.

use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};
use std::time::Duration;

use futures::task::AtomicWaker;
use futures::{Stream, StreamExt};
use ringchat_core::driver::{Event, EventQueue, NoEvent};

use crate::commands::Commands;
use crate::crew::lock;
use crate::rt;

/// The queue of events between the node and its user.
#[derive(Debug, Default)]
struct Shared {
    queue: Mutex<EventQueue>,
    reader: AtomicWaker,
}

/// The node's end of the queue. Dropping it ends the stream.
#[derive(Debug, Default)]
pub(crate) struct Outlet(Arc<Shared>);

impl Outlet {
    /// Moves `events` into the queue.
    pub(crate) fn put(&self, events: &mut Vec<Event>) {
        if events.is_empty() {
            return;
        }
        let mut queue = lock(&self.0.queue);
        events.drain(..).for_each(|event| queue.push(event));
        drop(queue);
        self.0.reader.wake();
    }

    /// The user's end.
    pub(crate) fn notices(&self, commands: Arc<Commands>) -> Notices {
        Notices { shared: Arc::clone(&self.0), commands }
    }
}

impl Drop for Outlet {
    fn drop(&mut self) {
        lock(&self.0.queue).close();
        self.0.reader.wake();
    }
}

/// The stream of what happens in a room; it ends when the room has ended.
///
/// A reader that is too slow finds [`Event::Missed`] where notices are missing; it never slows the room.
/// Dropping it leaves the room.
#[derive(Debug)]
pub struct Notices {
    shared: Arc<Shared>,
    commands: Arc<Commands>,
}

impl Notices {
    /// The next event, if there is one already.
    ///
    /// # Errors
    /// If there is none.
    pub fn try_next(&mut self) -> Result<Event, NoEvent> {
        lock(&self.shared.queue).pop()
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
        self.shared.reader.register(context.waker());
        match lock(&self.shared.queue).pop() {
            Ok(event) => Poll::Ready(Some(event)),
            Err(NoEvent::Ended) => Poll::Ready(None),
            Err(NoEvent::Yet) => Poll::Pending,
        }
    }
}

impl Drop for Notices {
    fn drop(&mut self) {
        self.commands.leave();
    }
}
