//! What the node tells its user.

use std::time::Duration;

use event_listener::Listener;
use ringchat_driver::{Event, EventReader, NoEvent};

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
        loop {
            match self.0.next_or_listen().ok_or(NoEvent::Ended)? {
                Ok(event) => return Ok(event),
                Err(more) => more.wait_timeout(timeout).ok_or(NoEvent::Yet)?,
            }
        }
    }
}

impl Iterator for Events {
    type Item = Event;

    fn next(&mut self) -> Option<Event> {
        loop {
            match self.0.next_or_listen()? {
                Ok(event) => return Some(event),
                Err(more) => more.wait(),
            }
        }
    }
}
