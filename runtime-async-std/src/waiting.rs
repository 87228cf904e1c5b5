//! Waiting until the node takes something.

use ringchat_driver::{Ended, Job, Jobs, Refused, TurnOwner};

use crate::rt;

/// Gives `value` until it is taken.
pub(crate) async fn until_taken<T, R>(
    mut value: T,
    give: impl Fn(T) -> Result<R, Refused<T>>,
) -> Result<R, Ended> {
    loop {
        match give(value) {
            Ok(taken) => return Ok(taken),
            Err(Refused::Ended) => return Err(Ended),
            Err(Refused::Full(refused, room)) => {
                room.await;
                value = refused;
            }
        }
    }
}

/// Puts a job once there is room for it.
pub(crate) async fn put<S>(jobs: &dyn Jobs<S>, job: Job<S>) -> Result<(), Ended> {
    if until_taken(job, |job| jobs.put(job)).await? == TurnOwner::Caller {
        // A reader that always finds something to read would never let other tasks run.
        rt::yield_now().await;
    }
    Ok(())
}
