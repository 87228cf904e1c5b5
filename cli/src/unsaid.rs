//! The lines of the input that were not said, because the room was left when nobody read the output any more.

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// How long the end of a session waits for the lines to be counted. What feeds a pipe may never end it.
const PATIENCE: Duration = Duration::from_millis(500);

/// How many lines were not said.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct UnsaidLines {
    /// How many were counted.
    pub(crate) count: u64,
    /// Whether the input may have more of them.
    pub(crate) may_be_more: bool,
}

/// Counts the lines that were not said. The thread of the input counts, and the end of the session waits for it.
#[derive(Debug, Default)]
pub(crate) struct UnsaidCount {
    lines: Mutex<UnsaidLines>,
    changed: Condvar,
}

impl UnsaidCount {
    /// There is an input whose lines will be counted, to its [`end`](Self::end).
    pub(crate) fn begin(&self) {
        self.lock().may_be_more = true;
    }

    /// One more line was not said.
    pub(crate) fn add(&self) {
        let mut lines = self.lock();
        lines.count = lines.count.saturating_add(1);
    }

    /// No further line of the input matters.
    pub(crate) fn end(&self) {
        self.lock().may_be_more = false;
        self.changed.notify_all();
    }

    /// Waits a limited time until all are counted.
    pub(crate) fn wait(&self) -> UnsaidLines {
        let waited = self.changed.wait_timeout_while(self.lock(), PATIENCE, |lines| lines.may_be_more);
        *waited.unwrap_or_else(PoisonError::into_inner).0
    }

    fn lock(&self) -> MutexGuard<'_, UnsaidLines> {
        self.lines.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_input_without_an_end_is_not_waited_for_and_has_perhaps_more_lines() {
        let unsaid = UnsaidCount::default();
        assert_eq!(unsaid.wait(), UnsaidLines::default(), "there is no input");
        unsaid.begin();
        unsaid.add();
        assert_eq!(unsaid.wait(), UnsaidLines { count: 1, may_be_more: true });
        unsaid.end();
        assert_eq!(unsaid.wait(), UnsaidLines { count: 1, may_be_more: false });
    }
}
