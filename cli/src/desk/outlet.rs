//! The way of what is typed from the desk to the room. The desk never waits: it keeps what the room does not take, and is
//! told when there is space.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use async_channel::{Receiver, Sender, TrySendError, WeakReceiver, bounded};

use super::Typed;

/// The end of the desk.
pub(crate) struct Outlet {
    texts: Sender<Typed>,
    waiting: WeakReceiver<Typed>,
    is_awaited: Arc<AtomicBool>,
}

/// The end of the room.
pub(crate) struct Outbox {
    texts: Receiver<Typed>,
    is_awaited: Arc<AtomicBool>,
    wake: Box<dyn Fn() + Send>,
}

/// A way on which so many wait at most. `wake` tells the desk that there is space again.
pub(crate) fn typed_texts(most: usize, wake: impl Fn() + Send + 'static) -> (Outlet, Outbox) {
    let (sender, texts) = bounded(most);
    let is_awaited = Arc::new(AtomicBool::new(false));
    let outlet = Outlet { texts: sender, waiting: texts.downgrade(), is_awaited: Arc::clone(&is_awaited) };
    (outlet, Outbox { texts, is_awaited, wake: Box::new(wake) })
}

impl Outlet {
    /// Hands `typed` over.
    ///
    /// # Errors
    /// If there is no space, in which case the desk is told once there is, or if nobody takes anything any more.
    pub(crate) fn hand_over(&self, typed: Typed) -> Result<(), TrySendError<Typed>> {
        match self.texts.try_send(typed) {
            Err(TrySendError::Full(typed)) => {
                self.is_awaited.store(true, Ordering::SeqCst);
                // Space that came before that is not told.
                self.texts.try_send(typed)
            }
            done => done,
        }
    }

    /// How many the room has not taken yet.
    pub(crate) fn len(&self) -> usize {
        self.texts.len()
    }

    /// Takes back what the room has not taken yet.
    pub(crate) fn take_back(&self) -> Vec<Typed> {
        self.waiting.upgrade().map(|waiting| drain(&waiting).collect()).unwrap_or_default()
    }
}

impl Outbox {
    /// What was typed and not taken yet.
    pub(crate) fn rest(&self) -> impl Iterator<Item = Typed> {
        drain(&self.texts)
    }

    /// Waits for what was typed next. `None` once the desk is gone.
    pub(crate) fn next(&self) -> Option<Typed> {
        let typed = self.texts.recv_blocking().ok()?;
        if self.is_awaited.swap(false, Ordering::SeqCst) {
            (self.wake)();
        }
        Some(typed)
    }
}

fn drain(texts: &Receiver<Typed>) -> impl Iterator<Item = Typed> {
    std::iter::from_fn(|| texts.try_recv().ok())
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::channel;

    use super::*;

    #[test]
    fn whoever_finds_no_space_is_told_of_it_once() {
        let (tell, told) = channel();
        let (outlet, outbox) = typed_texts(1, move || tell.send(()).unwrap());
        outlet.hand_over(Typed::Look).unwrap();
        assert_eq!(outbox.next(), Some(Typed::Look));
        assert!(told.try_recv().is_err(), "nobody waited");
        outlet.hand_over(Typed::Look).unwrap();
        assert!(outlet.hand_over(Typed::Leave).is_err());
        outbox.next();
        assert!(told.try_recv().is_ok());
        outlet.hand_over(Typed::Leave).unwrap();
        outbox.next();
        assert!(told.try_recv().is_err());
    }

    #[test]
    fn what_the_room_has_not_taken_is_taken_back() {
        let (outlet, outbox) = typed_texts(3, || {});
        for text in ["a", "b", "c"] {
            outlet.hand_over(Typed::Text(text.to_owned())).unwrap();
        }
        assert_eq!(outbox.next(), Some(Typed::Text("a".to_owned())));
        assert_eq!(outlet.len(), 2);
        assert_eq!(outlet.take_back(), [Typed::Text("b".to_owned()), Typed::Text("c".to_owned())]);
        drop(outbox);
        assert!(matches!(outlet.hand_over(Typed::Look), Err(TrySendError::Closed(_))));
        assert_eq!(outlet.take_back(), []);
    }
}
