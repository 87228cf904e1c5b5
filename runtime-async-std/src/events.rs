//! What the node tells its user.

use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use futures::{Stream, StreamExt};
use ringchat_driver::{Event, EventReader, NoEvent};

use crate::rt;

/// The stream of what happens in a room; it ends when the room has ended.
///
/// A reader that is too slow finds [`Event::Missed`] where notices are missing; it never slows the room. Dropping
/// `Events` does not leave the room: further events are dropped too.
#[derive(Debug)]
pub struct Events(pub(crate) EventReader);

impl Events {
    /// The next event, if there is one already.
    ///
    /// # Errors
    /// If there is none.
    pub fn try_next(&mut self) -> Result<Event, NoEvent> {
        self.0.try_next()
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

impl Stream for Events {
    type Item = Event;

    fn poll_next(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Event>> {
        self.0.poll_next(context)
    }
}
