//! Waking one thread or task.

use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, ready};

use atomic_waker::AtomicWaker;

/// Wakes the one thread or task that waits. A notification that comes before it waits is kept.
///
/// Nothing is locked while the waiter wakes up, so the waiter never has to wait a second time.
#[derive(Debug, Default)]
pub(crate) struct Signal {
    notified: AtomicBool,
    waiter: AtomicWaker,
}

impl Signal {
    /// Wakes the waiter, now or when it waits next.
    pub(crate) fn notify(&self) {
        if !self.notified.swap(true, Ordering::AcqRel) {
            self.waiter.wake();
        }
    }

    /// Ready if there was a notification since this was ready last.
    pub(crate) fn poll(&self, context: &mut Context<'_>) -> Poll<()> {
        if self.take() {
            return Poll::Ready(());
        }
        self.waiter.register(context.waker());
        // A notification that came before the waker was there woke nobody.
        if self.take() { Poll::Ready(()) } else { Poll::Pending }
    }

    /// Polls `next` once after each notification, until it is ready.
    pub(crate) fn poll_next<T>(
        &self,
        context: &mut Context<'_>,
        mut next: impl FnMut() -> Poll<T>,
    ) -> Poll<T> {
        loop {
            if let Poll::Ready(value) = next() {
                return Poll::Ready(value);
            }
            ready!(self.poll(context));
        }
    }

    fn take(&self) -> bool {
        self.notified.swap(false, Ordering::AcqRel)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;
    use std::sync::atomic::AtomicUsize;
    use std::task::Wake;

    #[derive(Default)]
    struct Count(AtomicUsize);

    impl Wake for Count {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }

    #[test]
    fn a_waiter_is_woken_once_and_an_early_notification_is_kept() {
        let (signal, woken) = (Signal::default(), Arc::new(Count::default()));
        let waker = Arc::clone(&woken).into();
        let mut context = Context::from_waker(&waker);
        signal.notify();
        assert_eq!(signal.poll(&mut context), Poll::Ready(()));
        assert_eq!(signal.poll(&mut context), Poll::Pending);
        signal.notify();
        signal.notify();
        assert_eq!(woken.0.load(Ordering::Relaxed), 1);
        assert_eq!(signal.poll(&mut context), Poll::Ready(()));
    }
}
