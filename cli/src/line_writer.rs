//! Output to a pipe or a file: a queue of lines and a thread that writes them, all waiting lines in one write.

use std::io;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use crate::lossy_queue::LossyQueue;

/// The end of the queue into which lines are put. Cheap to clone.
#[derive(Clone)]
pub(crate) struct LineWriter(Arc<LossyQueue<String>>);

impl LineWriter {
    /// Starts the thread that passes lines to `write`. `gap` makes the line that reports a number of lost lines. When
    /// `write` fails, `on_failure` is called and all further lines are dropped.
    ///
    /// # Errors
    /// If the system starts no thread.
    pub(crate) fn start(
        write: impl FnMut(String) -> io::Result<()> + Send + 'static,
        gap: impl Fn(u64) -> String + Send + Sync + 'static,
        on_failure: impl FnOnce(io::Error) + Send + 'static,
    ) -> io::Result<Self> {
        let queue = Arc::new(LossyQueue::new(gap));
        let writer = Self(Arc::clone(&queue));
        thread::Builder::new().name("output".into()).spawn(move || write_all(&queue, write, on_failure))?;
        Ok(writer)
    }

    /// Queues `line`, which ends with a newline. The line is lost if the queue stays full (see [`LossyQueue::offer`]).
    pub(crate) fn offer(&self, line: &str) {
        self.0.offer(line.to_owned(), line.len());
    }

    /// Records that `count` lines were lost before they reached this queue.
    pub(crate) fn lose(&self, count: u64) {
        self.0.lose(count);
    }

    /// Queues `line`, which ends with a newline and must not be lost: it may use the reserve of the queue.
    pub(crate) fn insist(&self, line: &str) {
        self.0.insist(line.to_owned(), line.len());
    }

    /// The same of a line that is made at its place among the others.
    pub(crate) fn insist_on(&self, make: impl FnOnce() -> String) {
        self.0.insist_on(|| {
            let line = make();
            let weight = line.len();
            (line, weight)
        });
    }

    /// Closes the queue and waits until all lines are written, at most for `within`.
    pub(crate) fn finish(&self, within: Duration) {
        self.0.finish(within);
    }
}

fn write_all(
    queue: &LossyQueue<String>,
    mut write: impl FnMut(String) -> io::Result<()>,
    on_failure: impl FnOnce(io::Error),
) {
    while let Some(lines) = queue.take(usize::MAX) {
        if let Err(error) = write(lines.concat()) {
            on_failure(error);
            break;
        }
    }
    queue.end();
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use super::*;

    const LONG: Duration = Duration::from_secs(10);

    fn gap(lost: u64) -> String {
        format!("{lost} lost\n")
    }

    #[test]
    fn lines_come_out_in_order_and_finish_waits_for_them() {
        let (sender, written) = mpsc::channel();
        let writer =
            LineWriter::start(move |lines| sender.send(lines).map_err(io::Error::other), gap, |_| {})
                .unwrap();
        for line in 0..100 {
            writer.offer(&format!("{line}\n"));
        }
        writer.finish(LONG);
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
        let writer = LineWriter::start(write, gap, |_| {}).unwrap();
        let line = "x".repeat(1024 * 1024 - 1) + "\n";
        (0..100).for_each(|_| writer.offer(&line));
        writer.insist("last\n");
        (0..100).for_each(|_| release.send(()).unwrap_or_default());
        writer.finish(LONG);
        let all: String = written.try_iter().collect();
        let mut lines: Vec<&str> = all.lines().collect();
        assert_eq!(lines.pop(), Some("last"));
        let lost: usize = lines.pop().and_then(|gap| gap.strip_suffix(" lost")?.parse().ok()).unwrap();
        // One write may be under way; its lines no longer count against the queue.
        assert!((8..=16).contains(&lines.len()), "{}", lines.len());
        assert_eq!(lines.len() + lost, 100);
    }

    #[test]
    fn a_failure_is_told_and_then_nothing_waits() {
        let (sender, failures) = mpsc::channel();
        let writer = LineWriter::start(
            |_| Err(io::ErrorKind::BrokenPipe.into()),
            gap,
            move |error| sender.send(error.kind()).unwrap(),
        )
        .unwrap();
        writer.offer("a\n");
        assert_eq!(failures.recv_timeout(LONG), Ok(io::ErrorKind::BrokenPipe));
        writer.offer("b\n");
        writer.finish(LONG);
        assert_eq!(failures.recv_timeout(LONG), Err(mpsc::RecvTimeoutError::Disconnected));
    }
}
