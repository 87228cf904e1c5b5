//! How a thread waits.

use std::task::{Context, Poll, Waker};
use std::time::Duration;

use event_listener::Listener;
use ringchat_driver::{Ended, Job, JobQueue, Refused};

/// Puts a job once there is room for it.
pub(crate) fn put<S>(jobs: &JobQueue<S>, job: Job<S>) -> Result<(), Ended> {
    until_taken(job, |job| jobs.put(job)).map(drop)
}

/// Gives `value` until it is taken.
pub(crate) fn until_taken<T, R>(mut value: T, give: impl Fn(T) -> Result<R, Refused<T>>) -> Result<R, Ended> {
    loop {
        match give(value) {
            Ok(taken) => return Ok(taken),
            Err(Refused::Ended) => return Err(Ended),
            Err(Refused::Full(refused, room)) => {
                room.wait();
                value = refused;
            }
        }
    }
}

/// Waits until `poll` is ready, at most as long as `limit` between two wake-ups. Gives nothing if that has passed.
pub(crate) fn block_on<T>(
    limit: Option<Duration>,
    mut poll: impl FnMut(&mut Context<'_>) -> Poll<T>,
) -> Option<T> {
    let (parker, unparker) = parking::pair();
    let waker = Waker::from(unparker);
    let mut context = Context::from_waker(&waker);
    loop {
        if let Poll::Ready(value) = poll(&mut context) {
            return Some(value);
        }
        match limit {
            None => parker.park(),
            Some(limit) if !parker.park_timeout(limit) => return None,
            Some(_) => {}
        }
    }
}
