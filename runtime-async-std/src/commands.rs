//! The queue of commands between the user and the node.

use std::sync::Mutex;

use event_listener::Event;
use ringchat_core::driver::{CommandQueue, Connection, Driver, Ended};
use ringchat_core::{Command, Instant};

use crate::crew::lock;

/// Commands that wait for the node, and users that wait for room.
#[derive(Debug, Default)]
pub(crate) struct Commands {
    queue: Mutex<CommandQueue>,
    room: Event,
}

impl Commands {
    /// Puts a command at the end; waits for room.
    pub(crate) async fn give(&self, command: &Command) -> Result<(), Ended> {
        loop {
            let room = {
                let mut queue = lock(&self.queue);
                if queue.offer(command)? {
                    return Ok(());
                }
                self.room.listen()
            };
            room.await;
        }
    }

    /// Asks to leave.
    pub(crate) fn leave(&self) {
        lock(&self.queue).leave();
        self.room.notify(usize::MAX);
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
            self.room.notify(usize::MAX);
        }
    }

    /// Tells users that the node has ended.
    pub(crate) fn close(&self) {
        lock(&self.queue).close();
        self.room.notify(usize::MAX);
    }
}
