//! The queue of commands between the user and the node.

use std::sync::{Condvar, Mutex, PoisonError};

use ringchat_core::Instant;
use ringchat_driver::{CommandQueue, Connection, Driver, Ended, Offer};

use crate::clock::Clock;
use crate::crew::lock;

/// Commands that wait for the node, and users that wait for room.
#[derive(Debug, Default)]
pub(crate) struct Commands {
    queue: Mutex<CommandQueue>,
    room: Condvar,
}

impl Commands {
    /// Makes an offer; waits for room. Tells whether the node is to be told.
    pub(crate) fn give(
        &self,
        offer: impl Fn(&mut CommandQueue) -> Result<Offer, Ended>,
    ) -> Result<bool, Ended> {
        let mut queue = lock(&self.queue);
        loop {
            match offer(&mut queue)? {
                Offer::Full => queue = self.room.wait(queue).unwrap_or_else(PoisonError::into_inner),
                taken => return Ok(taken == Offer::First),
            }
        }
    }

    /// Asks to leave.
    pub(crate) fn leave(&self) {
        lock(&self.queue).leave();
        self.room.notify_all();
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
                self.room.notify_all();
            }
            driver.commands(now, commands);
        }
    }

    /// Tells users that the node has ended.
    pub(crate) fn close(&self) {
        lock(&self.queue).close();
        self.room.notify_all();
    }
}
