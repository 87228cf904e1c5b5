//! The tasks of a room, so that each is awaited.

use std::convert::Infallible;
use std::future::Future;
use std::pin::pin;

use async_channel::{Receiver, Sender};
use futures::future::{Either, select};

use crate::rt;

/// Starts the tasks of a room and waits for their end.
///
/// Each task holds a sender of a channel on which nothing is ever sent; once all are dropped, all have ended.
#[derive(Clone, Debug)]
pub(crate) struct TaskGroup {
    member: Sender<Infallible>,
    gone: Receiver<Infallible>,
}

impl TaskGroup {
    pub(crate) fn new() -> Self {
        let (member, gone) = async_channel::bounded(1);
        Self { member, gone }
    }

    /// Starts a task.
    pub(crate) fn start(&self, task: impl Future<Output = ()> + Send + 'static) {
        let member = self.member.clone();
        rt::spawn(async move {
            task.await;
            drop(member);
        });
    }

    /// Waits for the end of all tasks and of all clones of this group. The caller has told the tasks to end.
    pub(crate) fn join(self) -> impl Future<Output = ()> {
        let Self { member, gone } = self;
        drop(member);
        async move { closed(&gone).await }
    }
}

/// Waits until every sender is gone.
pub(crate) async fn closed(channel: &Receiver<Infallible>) {
    if let Ok(never) = channel.recv().await {
        match never {}
    }
}

/// What `future` gives, unless `stopped` is closed before.
pub(crate) async fn unless<T>(stopped: &Receiver<Infallible>, future: impl Future<Output = T>) -> Option<T> {
    match select(pin!(future), pin!(closed(stopped))).await {
        Either::Left((value, _)) => Some(value),
        Either::Right(_) => None,
    }
}
