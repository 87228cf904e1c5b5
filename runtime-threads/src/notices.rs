//! What the node tells its user.

use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::Duration;

use ringchat_core::driver::{Event, EventQueue, NoEvent};

use crate::commands::Commands;
use crate::crew::lock;

/// The queue of events between the node and its user.
#[derive(Debug, Default)]
struct Shared {
    queue: Mutex<EventQueue>,
    more: Condvar,
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
        self.0.more.notify_one();
    }

    /// The user's end.
    pub(crate) fn notices(&self, commands: Arc<Commands>) -> Notices {
        Notices { shared: Arc::clone(&self.0), commands }
    }
}

impl Drop for Outlet {
    fn drop(&mut self) {
        lock(&self.0.queue).close();
        self.0.more.notify_one();
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
    pub fn next_timeout(&mut self, timeout: Duration) -> Result<Event, NoEvent> {
        let queue = lock(&self.shared.queue);
        let (mut queue, _) = self
            .shared
            .more
            .wait_timeout_while(queue, timeout, |queue| queue.is_waiting())
            .unwrap_or_else(PoisonError::into_inner);
        queue.pop()
    }
}

impl Iterator for Notices {
    type Item = Event;

    fn next(&mut self) -> Option<Event> {
        let queue = lock(&self.shared.queue);
        let waited = self.shared.more.wait_while(queue, |queue| queue.is_waiting());
        waited.unwrap_or_else(PoisonError::into_inner).pop().ok()
    }
}

impl Drop for Notices {
    fn drop(&mut self) {
        self.commands.leave();
    }
}
