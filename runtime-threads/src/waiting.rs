//! Waiting until the node takes something.

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
