//! The queue of commands between the user and the node.

use std::sync::mpsc::SyncSender;
use std::sync::{Arc, Condvar, Mutex, PoisonError};

use ringchat_core::Command;
use ringchat_core::driver::{CommandQueue, Ended};

use crate::crew::lock;
use crate::node::Job;

/// The user's way to the node.
#[derive(Debug)]
pub(crate) struct Commands {
    queue: Mutex<CommandQueue>,
    room: Condvar,
    jobs: SyncSender<Job>,
}

impl Commands {
    pub(crate) fn new(jobs: SyncSender<Job>) -> Self {
        Self { queue: Mutex::default(), room: Condvar::new(), jobs }
    }

    /// Puts a command at the end; waits for room.
    pub(crate) fn give(&self, command: &Command) -> Result<(), Ended> {
        let mut queue = lock(&self.queue);
        while !queue.offer(command)? {
            queue = self.room.wait(queue).unwrap_or_else(PoisonError::into_inner);
        }
        drop(queue);
        self.wake();
        Ok(())
    }

    /// Asks to leave.
    pub(crate) fn leave(&self) {
        lock(&self.queue).leave();
        self.room.notify_all();
        self.wake();
    }

    /// Lets the node look at the queue. If its own is full it does so anyway.
    fn wake(&self) {
        drop(self.jobs.try_send(Job::Wake));
    }
}

/// The node's end of the queue. Dropping it tells the user that the node has ended.
#[derive(Debug)]
pub(crate) struct Taker(pub(crate) Arc<Commands>);

impl Taker {
    /// The command that `next` takes from the queue.
    pub(crate) fn take(&self, next: impl FnOnce(&mut CommandQueue) -> Option<Command>) -> Option<Command> {
        let command = next(&mut lock(&self.0.queue))?;
        self.0.room.notify_one();
        Some(command)
    }
}

impl Drop for Taker {
    fn drop(&mut self) {
        lock(&self.0.queue).close();
        self.0.room.notify_all();
    }
}
