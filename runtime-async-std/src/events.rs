//! What the node tells its user.

use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use event_listener::EventListener;
use futures::{FutureExt, Stream, StreamExt};
use ringchat_driver::{Event, EventReader, NoEvent};

use crate::rt;

/// The stream of what happens in a room; it ends when the room has ended.
///
/// A reader that is too slow finds [`Event::Missed`] where notices are missing; it never slows the room. Dropping
/// `Events` does not leave the room: further events are dropped too.
#[derive(Debug)]
pub struct Events {
    reader: EventReader,
    /// What the task waits for.
    more: Option<EventListener>,
}

impl Events {
    pub(crate) fn new(reader: EventReader) -> Self {
        Self { reader, more: None }
    }

    /// The next event, if there is one already.
    ///
    /// # Errors
    /// If there is none.
    pub fn try_next(&mut self) -> Result<Event, NoEvent> {
        self.reader.try_next()
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

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Event>> {
        loop {
            if let Some(more) = &mut self.more {
                ready!(more.poll_unpin(context));
                self.more = None;
            }
            match self.reader.next_or_listen() {
                Some(Err(more)) => self.more = Some(more),
                next => return Poll::Ready(next.and_then(Result::ok)),
            }
        }
    }
}
