//! Signals. The first that asks the program to end leaves the room in order; the second ends the program at once.

use std::io;
use std::sync::Arc;

use crate::desk::{DeskQueue, Item};
use crate::outcome::Cause;
use crate::process::abort;
use crate::session::Session;
use crate::system::{Request, signals};

/// Handles signals from now on; those of the terminal only if there is a `desk`.
///
/// # Errors
/// If the system accepts no handler or starts no thread.
pub(crate) fn handle(session: Arc<Session>, desk: Option<Arc<DeskQueue>>) -> io::Result<()> {
    signals::handle(desk.is_some(), move |request| match request {
        Request::Abort(signal) => abort(signal),
        Request::HangUp(_) if session.is_interrupted() => {}
        Request::Leave(signal) if session.is_interrupted() => abort(signal),
        Request::Leave(signal) | Request::HangUp(signal) => {
            session.leave(Cause::Signal(signal));
            tell(desk.as_ref(), Item::Leaving);
        }
        Request::Stop => tell(desk.as_ref(), Item::Stop),
        Request::GoOn => tell(desk.as_ref(), Item::Continued),
        Request::Resize => tell(desk.as_ref(), Item::Resized),
    })
}

fn tell(desk: Option<&Arc<DeskQueue>>, item: Item) {
    if let Some(desk) = desk {
        desk.put(item);
    }
}
