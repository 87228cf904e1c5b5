//! What a full queue answers.

use event_listener::EventListener;

use crate::error::Ended;

/// Why something was not taken.
#[derive(Debug)]
pub enum Refused<T> {
    /// There is no room. Give the value again after the listener was notified.
    Full(T, EventListener),
    /// The room has ended.
    Ended,
}

impl<T> From<Ended> for Refused<T> {
    fn from(Ended: Ended) -> Self {
        Self::Ended
    }
}

/// Gives `value` until it is taken. It needs no executor's help to wait; a runtime without tasks waits for the listener
/// by itself.
///
/// # Errors
/// If the room has ended.
pub async fn until_taken<T, R>(mut value: T, give: impl Fn(T) -> Result<R, Refused<T>>) -> Result<R, Ended> {
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
