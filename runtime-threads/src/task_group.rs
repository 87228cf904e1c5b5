//! The threads of a room, so that each is joined.

use std::io;
use std::mem;
use std::sync::{Arc, Mutex};
use std::thread::{Builder, JoinHandle};

use ringchat_driver::lock;

/// Enough for what a thread of a connection does; a room may have a thousand of them.
const STACK: usize = 256 * 1024;

/// Starts the threads of a room and joins them.
#[derive(Clone, Debug, Default)]
pub(crate) struct TaskGroup(Arc<Mutex<Vec<JoinHandle<()>>>>);

impl TaskGroup {
    /// Starts a thread, and lets go of those that have ended since the last one was started.
    pub(crate) fn start(&self, name: &str, body: impl FnOnce() + Send + 'static) -> io::Result<()> {
        let thread = Builder::new().name(name.into()).stack_size(STACK).spawn(body)?;
        let mut threads = lock(&self.0);
        join(threads.extract_if(.., |thread| thread.is_finished()));
        threads.push(thread);
        Ok(())
    }

    /// Waits until all threads have ended. The caller has told them to.
    pub(crate) fn join(&self) {
        loop {
            let threads = mem::take(&mut *lock(&self.0));
            if threads.is_empty() {
                return;
            }
            join(threads);
        }
    }
}

fn join(threads: impl IntoIterator<Item = JoinHandle<()>>) {
    for thread in threads {
        if thread.join().is_err() {
            log::error!("a thread of the room panicked");
        }
    }
}
