//! Output: a bounded queue of lines, and a thread that writes them.
//!
//! Whoever reads slowly slows nobody else: a line that does not fit waits a moment for room, once, and if there
//! is none it is not taken, and the caller counts it. The writer takes all that is queued and writes it at once.

use std::io;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

/// Bytes of lines that may wait.
const MAX_QUEUED: usize = 8 * 1024 * 1024;

/// How long a line waits for room before the reader counts as stalled.
const PATIENCE: Duration = Duration::from_millis(100);

/// Bytes that only a line which must not be lost may use.
const RESERVE: usize = 64 * 1024;

/// The end of the queue that takes lines. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Outlet(Arc<Shared>);

struct Shared {
    queue: Mutex<Queue>,
    changed: Condvar,
}

#[derive(Default)]
struct Queue {
    lines: String,
    writing: bool,
    /// A line has waited for room in vain, and nothing was taken since.
    stalled: bool,
    state: State,
}

/// What becomes of queued lines.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum State {
    /// They are written.
    #[default]
    Running,
    /// They wait.
    Paused,
    /// They are written, and then no more.
    Closed,
    /// They are dropped.
    Failed,
}

impl Queue {
    fn is_unwritten(&self) -> bool {
        self.state != State::Failed && (self.writing || !self.lines.is_empty())
    }

    fn is_idle(&self) -> bool {
        match self.state {
            State::Running => self.lines.is_empty(),
            State::Paused => true,
            State::Closed | State::Failed => false,
        }
    }
}

impl Outlet {
    /// Starts the thread that hands lines to `write`. If that fails, `on_failure` is called, and from then on
    /// lines are taken and dropped.
    ///
    /// # Errors
    /// If there can be no such thread.
    pub(crate) fn start(
        write: impl FnMut(String) -> io::Result<()> + Send + 'static,
        on_failure: impl FnOnce(io::Error) + Send + 'static,
    ) -> io::Result<Self> {
        let shared = Arc::new(Shared { queue: Mutex::default(), changed: Condvar::new() });
        let outlet = Self(Arc::clone(&shared));
        thread::Builder::new().name("output".into()).spawn(move || shared.write_all(write, on_failure))?;
        Ok(outlet)
    }

    /// Queues `line`, newline included. False if there is no room for it.
    #[must_use]
    pub(crate) fn offer(&self, line: &str) -> bool {
        self.push(line, MAX_QUEUED)
    }

    /// Queues `line`, newline included, with the reserve for what must not be lost.
    pub(crate) fn insist(&self, line: &str) {
        let _ = self.push(line, MAX_QUEUED + RESERVE);
    }

    fn push(&self, line: &str, limit: usize) -> bool {
        let is_full = |queue: &Queue| queue.lines.len() + line.len() > limit;
        let mut queue = self.0.lock();
        if is_full(&queue) && !queue.stalled {
            let waits = |queue: &mut Queue| queue.state == State::Running && is_full(queue);
            let waited = self.0.changed.wait_timeout_while(queue, PATIENCE, waits);
            queue = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
        if queue.state == State::Failed {
            return true;
        }
        if is_full(&queue) {
            queue.stalled = true;
            return false;
        }
        queue.lines.push_str(line);
        drop(queue);
        self.0.changed.notify_all();
        true
    }

    /// Writes nothing more until [`Outlet::resume`] or [`Outlet::finish`], and waits until what is being
    /// written is, at most `within`.
    pub(crate) fn pause(&self, within: Duration) {
        let mut queue = self.0.lock();
        if queue.state == State::Running {
            queue.state = State::Paused;
        }
        let writing = |queue: &mut Queue| queue.writing && queue.state != State::Failed;
        drop(self.0.changed.wait_timeout_while(queue, within, writing));
    }

    /// Writes again.
    pub(crate) fn resume(&self) {
        let mut queue = self.0.lock();
        if queue.state == State::Paused {
            queue.state = State::Running;
        }
        drop(queue);
        self.0.changed.notify_all();
    }

    /// Ends the output once all is written, and waits for that, at most `within`.
    pub(crate) fn finish(&self, within: Duration) {
        let mut queue = self.0.lock();
        if queue.state != State::Failed {
            queue.state = State::Closed;
        }
        self.0.changed.notify_all();
        drop(self.0.changed.wait_timeout_while(queue, within, |queue| queue.is_unwritten()));
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn write_all(&self, mut write: impl FnMut(String) -> io::Result<()>, on_failure: impl FnOnce(io::Error)) {
        while let Some(lines) = self.take() {
            if let Err(error) = write(lines) {
                self.lock().state = State::Failed;
                self.changed.notify_all();
                on_failure(error);
                return;
            }
        }
    }

    /// Waits for lines and takes them all; none once the output has ended.
    fn take(&self) -> Option<String> {
        let mut queue = self.lock();
        queue.writing = false;
        self.changed.notify_all();
        let mut queue =
            self.changed.wait_while(queue, |queue| queue.is_idle()).unwrap_or_else(PoisonError::into_inner);
        queue.writing = !queue.lines.is_empty();
        queue.stalled = false;
        let lines = queue.writing.then(|| std::mem::take(&mut queue.lines));
        drop(queue);
        self.changed.notify_all();
        lines
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use super::*;

    const LONG: Duration = Duration::from_secs(10);

    #[test]
    fn lines_come_out_in_order_and_finish_waits_for_them() {
        let (sender, written) = mpsc::channel();
        let outlet =
            Outlet::start(move |lines| sender.send(lines).map_err(io::Error::other), |_| {}).unwrap();
        for line in 0..100 {
            assert!(outlet.offer(&format!("{line}\n")));
        }
        outlet.finish(LONG);
        let all: String = written.try_iter().collect();
        assert!(all.lines().eq((0..100).map(|line| line.to_string())));
    }

    #[test]
    fn a_reader_that_stalls_costs_lines_and_no_time() {
        let (release, gate) = mpsc::channel::<()>();
        let (sender, written) = mpsc::channel();
        let write = move |lines: String| {
            gate.recv().map_err(io::Error::other)?;
            sender.send(lines).map_err(io::Error::other)
        };
        let outlet = Outlet::start(write, |_| {}).unwrap();
        let line = "x".repeat(1024 * 1024);
        // One write may be under way, which frees the queue once more.
        let taken = (0..100).filter(|_| outlet.offer(&line)).count();
        assert!((8..=16).contains(&taken), "{taken}");
        assert!(!outlet.offer(&line));
        outlet.insist("last\n");
        (0..100).for_each(|_| release.send(()).unwrap_or_default());
        outlet.finish(LONG);
        let all: String = written.try_iter().collect();
        assert_eq!(all.len(), taken * line.len() + 5);
        assert!(all.ends_with("last\n"));
    }

    #[test]
    fn while_it_is_paused_nothing_is_written() {
        let (sender, written) = mpsc::channel();
        let outlet =
            Outlet::start(move |lines| sender.send(lines).map_err(io::Error::other), |_| {}).unwrap();
        outlet.pause(LONG);
        assert!(outlet.offer("a\n"));
        outlet.pause(LONG);
        assert_eq!(written.try_recv(), Err(mpsc::TryRecvError::Empty));
        outlet.resume();
        assert_eq!(written.recv_timeout(LONG).as_deref(), Ok("a\n"));
        outlet.pause(LONG);
        assert!(outlet.offer("b\n"));
        outlet.finish(LONG);
        assert_eq!(written.try_recv().as_deref(), Ok("b\n"));
    }

    #[test]
    fn a_failure_is_told_and_then_nothing_waits() {
        let (sender, failures) = mpsc::channel();
        let outlet = Outlet::start(
            |_| Err(io::ErrorKind::BrokenPipe.into()),
            move |error| sender.send(error.kind()).unwrap(),
        )
        .unwrap();
        assert!(outlet.offer("a\n"));
        assert_eq!(failures.recv_timeout(LONG), Ok(io::ErrorKind::BrokenPipe));
        assert!(outlet.offer("b\n"));
        outlet.finish(LONG);
        assert_eq!(failures.recv_timeout(LONG), Err(mpsc::RecvTimeoutError::Disconnected));
    }
}
