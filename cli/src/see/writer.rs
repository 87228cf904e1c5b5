//! The thread that writes a trace.

use std::fs::File;
use std::io::{self, Write};
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::Receiver;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::thread;
use std::time::Duration;

use ringchat_core::Notice;
use ringchat_core::trace::Traced;
use ringchat_trace::{Fullness, Scribe, Step, TraceRecord};

use super::tape::Timed;

/// Bytes that are gathered before they are written, though more waits.
const FLUSH: usize = 64 * 1024;
/// How long more is gathered after chat and signs of life. To wake for each step costs more than to write it.
const GATHERING: Duration = Duration::from_millis(10);

/// How the writing goes. Others look at it meanwhile.
#[derive(Debug)]
pub(super) struct Progress {
    pub(super) path: PathBuf,
    /// How many bytes the file may have.
    pub(super) limit: u64,
    pub(super) size: AtomicU64,
    /// Whether there is no more room for chat and signs of life.
    pub(super) quiet: Arc<AtomicBool>,
    /// What the user should know, until it is told.
    problem: Mutex<Option<String>>,
    /// Why nothing more is written, if that is so.
    ended: OnceLock<String>,
}

impl Progress {
    /// Of a file that has `size` bytes.
    pub(super) fn new(path: PathBuf, size: u64, limit: u64) -> Self {
        let (problem, ended) = (Mutex::new(None), OnceLock::new());
        Self { path, limit, size: AtomicU64::new(size), quiet: Arc::default(), problem, ended }
    }

    /// What the user should know, once.
    pub(super) fn take_problem(&self) -> Option<String> {
        self.problem.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    /// Whether there is something that the user should know.
    pub(super) fn has_problem(&self) -> bool {
        self.problem.lock().unwrap_or_else(PoisonError::into_inner).is_some()
    }

    /// Why nothing more is written; `None` as long as the writing goes on.
    pub(super) fn ended(&self) -> Option<&str> {
        self.ended.get().map(String::as_str)
    }

    /// Nothing more is written, for this reason.
    fn end(&self, why: String, advice: &str) {
        self.tell(format!("the trace {} {why}, and ends here{advice}", self.path.display()));
        // A file that is full may fail too.
        let _ = self.ended.set(why);
    }

    fn tell(&self, problem: String) {
        *self.problem.lock().unwrap_or_else(PoisonError::into_inner) = Some(problem);
    }
}

/// Writes what comes, whenever nothing more waits. After chat and signs of life more is gathered, so a process that is
/// killed lacks at most what came in [`GATHERING`] after these, and leaves at most half a line. The thread that ends the
/// queue has to wake this one.
pub(super) fn write_all(steps: &Receiver<Timed>, mut file: File, scribe: Scribe, progress: &Progress) {
    let mut pages = Pages { scribe, records: Vec::new(), bytes: Vec::new(), fullness: None, progress };
    while let Ok(step) = steps.recv() {
        let mut may_wait = comes_in_floods(&step.2);
        pages.add(&step);
        while pages.bytes.len() < FLUSH
            && let Ok(step) = steps.try_recv()
        {
            may_wait &= comes_in_floods(&step.2);
            pages.add(&step);
        }
        if let Err(error) = pages.write(&mut file) {
            return progress.end(format!("cannot be written ({error})"), "");
        }
        if may_wait {
            thread::park_timeout(GATHERING);
        }
    }
}

/// Lines that are to be written.
struct Pages<'a> {
    scribe: Scribe,
    /// The lines of a step; empty between two.
    records: Vec<TraceRecord>,
    bytes: Vec<u8>,
    /// What there is no more room for.
    fullness: Option<Fullness>,
    progress: &'a Progress,
}

impl Pages<'_> {
    fn add(&mut self, step: &Timed) {
        let has_room = match self.fullness {
            None => true,
            // Some may have waited since before that was known.
            Some(Fullness::Chat) => !step.2.is_of_flood(),
            Some(Fullness::All) => is_end(&step.2),
        };
        if !has_room {
            return;
        }
        let before = self.bytes.len();
        let lines = self.tell(step);
        let limit = self.progress.limit;
        if self.size() > limit && !is_end(&step.2) {
            self.bytes.truncate(before);
            self.scribe.take_back(lines);
            self.fill(step, Fullness::All);
        } else if self.size() > limit / 4 * 3 && self.fullness.is_none() {
            self.fill(step, Fullness::Chat);
        }
    }

    /// Writes down that there is no more room for some steps, and lets the user know.
    fn fill(&mut self, (at, lamport, _): &Timed, fullness: Fullness) {
        self.fullness = Some(fullness);
        self.progress.quiet.store(true, Ordering::Relaxed);
        self.tell(&(*at, *lamport, Step::Full(fullness)));
        let advice = "; --trace-limit allows more";
        match fullness {
            Fullness::All => self.progress.end("is full".to_owned(), advice),
            Fullness::Chat => {
                let path = self.progress.path.display();
                let what =
                    format!("the trace {path} is almost full, and leaves out chat from now on{advice}");
                self.progress.tell(what);
            }
        }
    }

    /// Returns how many lines tell of the step.
    fn tell(&mut self, (at, lamport, step): &Timed) -> u64 {
        self.scribe.tell(*at, *lamport, step, &mut self.records);
        let lines = u64::try_from(self.records.len()).unwrap_or(u64::MAX);
        for record in self.records.drain(..) {
            record.write(&mut self.bytes);
        }
        lines
    }

    /// How large the file will be.
    fn size(&self) -> u64 {
        let waiting = u64::try_from(self.bytes.len()).unwrap_or(u64::MAX);
        self.progress.size.load(Ordering::Relaxed).saturating_add(waiting)
    }

    fn write(&mut self, file: &mut File) -> io::Result<()> {
        file.write_all(&self.bytes)?;
        self.progress.size.store(self.size(), Ordering::Relaxed);
        self.bytes.clear();
        Ok(())
    }
}

/// Whether the step tells of chat or of signs of life, or of what the member holds after them.
fn comes_in_floods(step: &Step) -> bool {
    step.is_of_flood() || matches!(step, Step::Traced(traced) if matches!(**traced, Traced::State(_)))
}

/// Whether the step ends a life in the file. There is room for it always.
fn is_end(step: &Step) -> bool {
    match step {
        Step::Off => true,
        Step::Told(notice) => matches!(**notice, Notice::Ended(_)),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::num::NonZeroU64;
    use std::sync::mpsc::sync_channel;
    use std::time::Duration;

    use ringchat_core::{Ending, Instant, Member, Name, NodeId, Stamp};
    use ringchat_trace::TraceEvent;

    use super::*;

    fn life() -> Step {
        let id = NodeId::new([1; 32], NonZeroU64::MIN);
        let me = Member::new(id, ([127, 0, 0, 1], 5000).into(), Name::new("eve").unwrap());
        Step::Life { me: me.into(), detect: Duration::from_secs(1), wall: 7 }
    }

    fn ended() -> Step {
        Step::Told(Notice::Ended(Ending::Left { unsure: 0 }).into())
    }

    /// What is written of these steps to a file with this limit, and what the user is told at last.
    fn written(limit: u64, steps: Vec<Step>) -> (Vec<TraceRecord>, Option<String>, u64) {
        let (queue, waiting) = sync_channel(steps.len());
        for step in steps {
            queue.send((Instant(1), Stamp(1), step)).unwrap();
        }
        drop(queue);
        let path = tempfile::NamedTempFile::new().unwrap().into_temp_path();
        let progress = Progress::new(path.to_path_buf(), 0, limit);
        write_all(&waiting, File::create(&path).unwrap(), Scribe::new(false, false), &progress);
        let lines = fs::read(&path).unwrap();
        assert_eq!(progress.size.load(Ordering::Relaxed), lines.len() as u64);
        assert!(lines.ends_with(b"\n"));
        let lines = lines.split_inclusive(|byte| *byte == b'\n');
        let records: Vec<TraceRecord> = lines.map(|line| TraceRecord::read(line).unwrap()).collect();
        let numbers = records.iter().filter_map(|record| match record {
            TraceRecord::Line(line) => Some(line.i),
            TraceRecord::Header(_) => None,
        });
        assert!(numbers.eq(0..records.len() as u64 - 1), "{records:?}");
        let problem = progress.take_problem();
        assert_eq!(progress.ended().is_some(), problem.is_some());
        (records, problem, progress.size.load(Ordering::Relaxed))
    }

    fn fullness(records: &[TraceRecord]) -> Vec<Fullness> {
        let fullness = |record: &TraceRecord| match record {
            TraceRecord::Line(line) => match &line.event {
                TraceEvent::Full(full) => Some(full.of),
                _ => None,
            },
            TraceRecord::Header(_) => None,
        };
        records.iter().filter_map(fullness).collect()
    }

    #[test]
    fn a_full_file_leaves_out_chat_then_everything_but_the_end() {
        let mut steps = vec![life()];
        steps.extend(std::iter::repeat_n(Step::Missed(1), 1000));
        steps.push(ended());
        let (records, problem, size) = written(8192, steps);
        assert_eq!(fullness(&records), [Fullness::Chat, Fullness::All]);
        assert!(records.len() < 300 && size < 8192 + 200, "{} lines, {size} bytes", records.len());
        let Some(TraceRecord::Line(last)) = records.last() else { panic!() };
        assert!(matches!(&last.event, TraceEvent::End(end) if end.why == "left"));
        assert!(problem.is_some_and(|problem| problem.contains("is full, and ends here")));
    }

    #[test]
    fn a_file_that_is_not_full_has_all() {
        let mut steps = vec![life()];
        steps.extend(std::iter::repeat_n(Step::Missed(1), 1000));
        let (records, problem, _) = written(1 << 20, steps);
        assert_eq!((records.len(), fullness(&records), problem), (1001, vec![], None));
    }
}
