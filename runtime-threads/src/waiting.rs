//! How a thread waits.

use std::task::{Context, Poll, Waker};
use std::time::Duration;

use event_listener::Listener;
use ringchat_driver::{Clock, Ended, Job, JobQueue, Refused};

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

/// Waits until `poll` is ready, at most as long as `limit`. Gives nothing if that has passed.
pub(crate) fn block_on<T>(
    limit: Option<Duration>,
    mut poll: impl FnMut(&mut Context<'_>) -> Poll<T>,
) -> Option<T> {
    let (parker, unparker) = parking::pair();
    let waker = Waker::from(unparker);
    let mut context = Context::from_waker(&waker);
    let clock = Clock::start();
    let late = limit.map(|limit| clock.now().after(limit));
    loop {
        if let Poll::Ready(value) = poll(&mut context) {
            return Some(value);
        }
        let Some(late) = late else {
            parker.park();
            continue;
        };
        let left = clock.until(late);
        if left.is_zero() {
            return None;
        }
        parker.park_timeout(left);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wake_ups_that_bring_nothing_make_no_wait_longer() {
        let brings_nothing = |context: &mut Context<'_>| {
            context.waker().wake_by_ref();
            Poll::<()>::Pending
        };
        assert_eq!(block_on(Some(Duration::from_millis(20)), brings_nothing), None);
    }
}
