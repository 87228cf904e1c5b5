//! The queue of commands between the user and the node.

use std::sync::Mutex;

use event_listener::Event;
use ringchat_core::Instant;
use ringchat_driver::{CommandQueue, Connection, Driver, Ended, Offer};

use crate::clock::Clock;
use crate::crew::lock;

/// Commands that wait for the node, and users that wait for room.
#[derive(Debug, Default)]
pub(crate) struct Commands {
    queue: Mutex<CommandQueue>,
    room: Event,
}

impl Commands {
    /// Makes an offer; waits for room. Tells whether the node is to be told.
    pub(crate) async fn give(
        &self,
        offer: impl Fn(&mut CommandQueue) -> Result<Offer, Ended>,
    ) -> Result<bool, Ended> {
        loop {
            let room = {
                let mut queue = lock(&self.queue);
                match offer(&mut queue)? {
                    Offer::Full => self.room.listen(),
                    taken => return Ok(taken == Offer::First),
                }
            };
            room.await;
        }
    }

    /// Asks to leave.
    pub(crate) fn leave(&self) {
        lock(&self.queue).leave();
        self.room.notify(usize::MAX);
    }

    /// Hands the node all commands that it can take. Returns the time at the end.
    pub(crate) fn hand_over(&self, clock: Clock, driver: &mut Driver<impl Connection>) -> Instant {
        loop {
            let mut queue = lock(&self.queue);
            let was_full = queue.is_full();
            let commands = driver.take_commands(clock.now(), &mut queue);
            drop(queue);
            // Read after they were taken: a stop in between is to show as lateness.
            let now = clock.now();
            if commands.is_empty() {
                return now;
            }
            if was_full {
                self.room.notify(usize::MAX);
            }
            driver.commands(now, commands);
        }
    }

    /// Tells users that the node has ended.
    pub(crate) fn close(&self) {
        lock(&self.queue).close();
        self.room.notify(usize::MAX);
    }
}
