//! Putting jobs.

use ringchat_driver::{Ended, Job, JobQueue, TurnOwner, until_taken};

use crate::rt;

/// Puts a job once there is room for it.
pub(crate) async fn put<S>(jobs: &JobQueue<S>, job: Job<S>) -> Result<(), Ended> {
    if until_taken(job, |job| jobs.put(job)).await? == TurnOwner::Caller {
        // A reader that always finds something to read would never let other tasks run.
        rt::yield_now().await;
    }
    Ok(())
}
