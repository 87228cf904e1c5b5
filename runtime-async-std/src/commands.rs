//! The queue of commands between the user and the node.

use std::future::poll_fn;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};

use async_channel::Sender;
use ringchat_core::Command;
use ringchat_core::driver::{CommandQueue, Ended};

use crate::crew::lock;
use crate::node::Job;

/// The user's way to the node.
#[derive(Debug)]
pub(crate) struct Commands {
    waiting: Mutex<Waiting>,
    jobs: Sender<Job>,
}

/// Commands that wait for the node, and tasks that wait for room.
#[derive(Debug, Default)]
struct Waiting {
    queue: CommandQueue,
    tasks: Vec<Waker>,
}

impl Waiting {
    fn poll_give(&mut self, command: &Command, context: &Context<'_>) -> Poll<Result<(), Ended>> {
        if self.queue.offer(command)? {
            return Poll::Ready(Ok(()));
        }
        if !self.tasks.iter().any(|task| task.will_wake(context.waker())) {
            self.tasks.push(context.waker().clone());
        }
        Poll::Pending
    }

    fn wake_all(&mut self) {
        self.tasks.drain(..).for_each(Waker::wake);
    }
}

impl Commands {
    pub(crate) fn new(jobs: Sender<Job>) -> Self {
        Self { waiting: Mutex::default(), jobs }
    }

    /// Puts a command at the end; waits for room.
    pub(crate) async fn give(&self, command: &Command) -> Result<(), Ended> {
        poll_fn(|context| lock(&self.waiting).poll_give(command, context)).await?;
        self.wake();
        Ok(())
    }

    /// Asks to leave.
    pub(crate) fn leave(&self) {
        let mut waiting = lock(&self.waiting);
        waiting.queue.leave();
        waiting.wake_all();
        drop(waiting);
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
        let mut waiting = lock(&self.0.waiting);
        let command = next(&mut waiting.queue)?;
        waiting.wake_all();
        Some(command)
    }
}

impl Drop for Taker {
    fn drop(&mut self) {
        let mut waiting = lock(&self.0.waiting);
        waiting.queue.close();
        waiting.wake_all();
    }
}
