//! The queue of commands between the user and the node.

use std::sync::{Condvar, Mutex, PoisonError};

use ringchat_core::driver::{CommandQueue, Connection, Driver, Ended};
use ringchat_core::{Command, Instant};

use crate::crew::lock;

/// Commands that wait for the node, and users that wait for room.
#[derive(Debug, Default)]
pub(crate) struct Commands {
    queue: Mutex<CommandQueue>,
    room: Condvar,
}

impl Commands {
    /// Puts a command at the end; waits for room.
    pub(crate) fn give(&self, command: &Command) -> Result<(), Ended> {
        let mut queue = lock(&self.queue);
        while !queue.offer(command)? {
            queue = self.room.wait(queue).unwrap_or_else(PoisonError::into_inner);
        }
        Ok(())
    }

    /// Asks to leave.
    pub(crate) fn leave(&self) {
        lock(&self.queue).leave();
        self.room.notify_all();
    }

    /// Hands the node all commands that it can take.
    pub(crate) fn hand_over(&self, now: Instant, driver: &mut Driver<impl Connection>) {
        let mut freed = false;
        loop {
            let mut queue = lock(&self.queue);
            let was_full = queue.is_full();
            let Some(command) = driver.next_command(now, &mut queue) else { break };
            drop(queue);
            driver.command(now, command);
            freed |= was_full;
        }
        if freed {
            self.room.notify_all();
        }
    }

    /// Tells users that the node has ended.
    pub(crate) fn close(&self) {
        lock(&self.queue).close();
        self.room.notify_all();
    }
}
