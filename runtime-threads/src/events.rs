//! What the node tells its user.

use std::time::Duration;

use ringchat_driver::{Event, EventReader, NoEvent};

use crate::waiting::block_on;

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
    pub fn next_timeout(&mut self, timeout: Duration) -> Result<Event, NoEvent> {
        let next = block_on(Some(timeout), |context| self.0.poll_next(context)).ok_or(NoEvent::Yet)?;
        next.ok_or(NoEvent::Ended)
    }
}

impl Iterator for Events {
    type Item = Event;

    fn next(&mut self) -> Option<Event> {
        match self.try_next() {
            Err(NoEvent::Yet) => block_on(None, |context| self.0.poll_next(context)).flatten(),
            next => next.ok(),
        }
    }
}
