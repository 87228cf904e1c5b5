//! Records what this member does while the room goes on.
//!
//! The room never waits for it: a turn puts its steps into a queue, and what finds no place there is counted. A thread of
//! the trace writes them.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use ringchat_core::trace::Tracing;
use ringchat_core::{Instant, Stamp};
use ringchat_driver::{Event, EventFiller, TurnEvents};
use ringchat_trace::{Scribe, Step};

#[cfg(feature = "see")]
use super::memory::SharedMemory;
use super::tape::Tape;
use super::trace_file::{self, TraceFileError, TraceFileProblem};
use super::writer::{Progress, write_all};

/// How often to look whether a trace has ended by itself.
const LOOK: Duration = Duration::from_secs(1);

/// The recorder of this member. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Recorder(Arc<Shared>);

struct Shared {
    /// Whether a file tells what people say.
    texts: bool,
    limit: u64,
    /// Reads the wall clock, in microseconds.
    wall: fn() -> u64,
    is_on: AtomicBool,
    tapes: Mutex<Tapes>,
}

/// Where the steps go.
#[derive(Default)]
struct Tapes {
    file: Option<(Tape, Arc<Progress>)>,
    /// To the memory of which the page of this member is drawn.
    memory: Option<Tape>,
}

/// Where the trace goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct TraceStatus {
    /// The file.
    pub(crate) path: PathBuf,
    /// How many bytes it has.
    pub(crate) size: u64,
    /// How many it may have.
    pub(crate) limit: u64,
    /// Why nothing more is written there, if that is so.
    pub(crate) ended: Option<String>,
}

impl Recorder {
    /// A recorder that records nothing yet. `wall` reads the wall clock in microseconds.
    pub(crate) fn new(texts: bool, limit: u64, wall: fn() -> u64) -> Self {
        let (is_on, tapes) = (AtomicBool::new(false), Mutex::default());
        Self(Arc::new(Shared { texts, limit, wall, is_on, tapes }))
    }

    /// What a node has to tell.
    pub(crate) fn tracing(&self) -> Tracing {
        match &*self.lock() {
            Tapes { file: None, memory: None } => Tracing::Off,
            Tapes { memory: None, .. } if !self.0.texts => Tracing::Events,
            Tapes { .. } => Tracing::Texts,
        }
    }

    /// Begins to record to the file at `path`, instead of one that has ended by itself.
    ///
    /// # Errors
    /// If no trace can go there.
    pub(crate) fn begin(&self, path: &Path) -> Result<(), TraceFileError> {
        if self.status().is_some_and(|status| status.ended.is_some()) {
            self.end_file();
        }
        let mut tapes = self.lock();
        if let Some((_, progress)) = &tapes.file {
            return Err(TraceFileError::new(&progress.path, TraceFileProblem::On));
        }
        let started = self.start(path).map_err(|why| TraceFileError::new(path, why))?;
        tapes.file = Some(started);
        self.0.is_on.store(true, Ordering::Relaxed);
        Ok(())
    }

    fn start(&self, path: &Path) -> Result<(Tape, Arc<Progress>), TraceFileProblem> {
        let (file, size) = trace_file::open(path, self.0.limit)?;
        let progress = Arc::new(Progress::new(path.to_owned(), size, self.0.limit));
        let (scribe, seen) = (Scribe::new(self.0.texts, false), Arc::clone(&progress));
        let quiet = Arc::clone(&progress.quiet);
        let tape = Tape::start(quiet, move |steps| write_all(steps, file, scribe, &seen))?;
        Ok((tape, progress))
    }

    /// Begins to keep the last steps in memory, with what people say.
    ///
    /// # Errors
    /// If the system starts no thread.
    #[cfg(feature = "see")]
    pub(super) fn remember(&self) -> std::io::Result<SharedMemory> {
        let memory = SharedMemory::default();
        let kept = memory.clone();
        self.lock().memory = Some(Tape::start(Arc::default(), move |steps| kept.keep(steps))?);
        self.0.is_on.store(true, Ordering::Relaxed);
        Ok(memory)
    }

    /// Takes the steps out of what a turn tells, and passes the rest on.
    pub(crate) fn hear(&self, turn: TurnEvents<'_>, filler: &EventFiller) {
        if !self.0.is_on.load(Ordering::Relaxed) {
            return filler.put(turn);
        }
        let at = turn.at();
        let mut tapes = self.lock();
        filler.put(turn.filter_map(|event| self.record(&mut tapes, at, event)));
    }

    /// Records an event of a turn that began at `at`. Gives it back unless only a trace tells it.
    fn record(&self, tapes: &mut Tapes, at: Instant, event: Event) -> Option<Event> {
        match event {
            Event::Trace { lamport, traced } => {
                tapes.take(at, lamport, Step::of_traced(traced, self.0.wall));
                None
            }
            Event::Notice { lamport, ref notice } => {
                let texts = self.0.texts || tapes.memory.is_some();
                if let Some(step) = Step::of_notice(notice, texts) {
                    tapes.take(at, lamport, step);
                }
                Some(event)
            }
            other => Some(other),
        }
    }

    /// Ends the recording to a file, if there is one, and waits until it is written.
    pub(crate) fn end_file(&self) {
        let file = self.take(|tapes| tapes.file.take());
        if let Some((tape, _)) = file {
            tape.end(true);
        }
    }

    /// Keeps nothing more in memory.
    #[cfg(feature = "see")]
    pub(super) fn forget(&self) {
        let memory = self.take(|tapes| tapes.memory.take());
        if let Some(tape) = memory {
            tape.end(true);
        }
    }

    /// Ends all recordings, because the member has ended, and waits until they are complete.
    pub(crate) fn end(&self) {
        let Tapes { file, memory } = self.take(std::mem::take);
        for tape in file.map(|(tape, _)| tape).into_iter().chain(memory) {
            tape.end(false);
        }
    }

    /// Takes a tape out. To end it may take a while, which must not hold the lock.
    fn take<T>(&self, take: impl FnOnce(&mut Tapes) -> T) -> T {
        let mut tapes = self.lock();
        let taken = take(&mut tapes);
        self.0.is_on.store(tapes.file.is_some() || tapes.memory.is_some(), Ordering::Relaxed);
        taken
    }

    /// Where the trace goes, if there is one.
    pub(crate) fn status(&self) -> Option<TraceStatus> {
        let tapes = self.lock();
        let (_, progress) = tapes.file.as_ref()?;
        let (path, limit) = (progress.path.clone(), progress.limit);
        let (size, ended) = (progress.size.load(Ordering::Relaxed), progress.ended().map(str::to_owned));
        Some(TraceStatus { path, size, limit, ended })
    }

    /// How long until the user may have to know something of the trace. `None` for ever: none is written to a file.
    pub(crate) fn due(&self) -> Option<Duration> {
        if !self.0.is_on.load(Ordering::Relaxed) {
            return None;
        }
        let tapes = self.lock();
        let (_, progress) = tapes.file.as_ref()?;
        (progress.ended().is_none() || progress.has_problem()).then_some(LOOK)
    }

    /// What the user should know of the trace, once.
    pub(crate) fn take_problem(&self) -> Option<String> {
        if !self.0.is_on.load(Ordering::Relaxed) {
            return None;
        }
        self.lock().file.as_ref()?.1.take_problem()
    }

    fn lock(&self) -> MutexGuard<'_, Tapes> {
        self.0.tapes.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Tapes {
    fn take(&mut self, at: Instant, lamport: Stamp, step: Step) {
        match (&mut self.file, &mut self.memory) {
            (Some((file, _)), Some(memory)) => {
                file.take(at, lamport, step.clone());
                memory.take(at, lamport, step);
            }
            (Some((tape, _)), None) | (None, Some(tape)) => tape.take(at, lamport, step),
            (None, None) => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::num::NonZeroU64;

    use ringchat_core::trace::Traced;
    use ringchat_core::{DialFailure, DialId, Ending, Member, Name, NodeId, Notice, Seq};
    use ringchat_driver::event_queue;
    use ringchat_trace::{TraceEvent, TraceRecord};

    use super::*;

    fn life() -> Event {
        let id = NodeId::new([1; 32], NonZeroU64::MIN);
        let me = Member::new(id, ([127, 0, 0, 1], 5000).into(), Name::new("eve").unwrap());
        trace(Traced::Life { me: me.into(), detect: Duration::from_secs(1) })
    }

    fn trace(traced: Traced) -> Event {
        Event::Trace { lamport: Stamp(3), traced: traced.into() }
    }

    fn failed() -> Event {
        trace(Traced::Failed { dial: DialId(1), reason: DialFailure::Refused })
    }

    fn notice(notice: Notice) -> Event {
        Event::Notice { lamport: Stamp(3), notice }
    }

    #[test]
    fn a_recording_that_has_ended_says_why_and_another_begins() {
        let dir = tempfile::tempdir().unwrap();
        let recorder = Recorder::new(false, 1 << 20, || 7);
        recorder.begin(Path::new("/dev/full")).unwrap();
        recorder.record(&mut recorder.lock(), Instant(5), life());
        let status = || recorder.status().unwrap();
        while status().ended.is_none() {
            std::thread::yield_now();
        }
        assert_eq!(recorder.due(), Some(LOOK), "the user does not know yet");
        let why = status().ended.unwrap();
        assert!(why.starts_with("cannot be written (No space left"), "{why}");
        assert!(recorder.take_problem().unwrap().contains(&format!("{why}, and ends here")));
        assert_eq!(recorder.due(), None);
        recorder.begin(&dir.path().join("t")).unwrap();
        assert_eq!((status().path, status().ended), (dir.path().join("t"), None));
        assert_eq!(recorder.due(), Some(LOOK));
    }

    #[test]
    fn a_recording_takes_the_steps_and_leaves_the_notices_and_has_its_end() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("t");
        let recorder = Recorder::new(false, 1 << 20, || 7);
        let (filler, reader) = event_queue();
        let hear = |events: Vec<Event>| {
            let mut tapes = recorder.lock();
            let kept = events.into_iter().filter_map(|event| recorder.record(&mut tapes, Instant(5), event));
            filler.put(kept);
        };
        assert_eq!(recorder.tracing(), Tracing::Off);
        recorder.begin(&path).unwrap();
        assert_eq!(recorder.tracing(), Tracing::Events);
        assert!(
            recorder.begin(&dir.path().join("u")).unwrap_err().to_string().contains("/trace off ends it")
        );
        let held = || notice(Notice::Held { seq: Seq(4) });
        hear(vec![life(), held(), failed()]);
        recorder.end_file();
        assert_eq!((recorder.status(), recorder.tracing()), (None, Tracing::Off));
        recorder.begin(&path).unwrap();
        hear(vec![life(), notice(Notice::Ended(Ending::Left { unsure: 0 }))]);
        recorder.end();
        assert_eq!(reader.try_next(), Ok(held()));
        let lines = fs::read_to_string(&path).unwrap();
        let records: Vec<TraceRecord> =
            lines.lines().map(|line| TraceRecord::read(line.as_bytes()).unwrap()).collect();
        let names = records.iter().map(|record| match record {
            TraceRecord::Header(header) => header.name.as_str(),
            TraceRecord::Line(line) => match &line.event {
                TraceEvent::Note(_) => "note",
                TraceEvent::Fail(_) => "fail",
                TraceEvent::End(end) => end.why.as_str(),
                other => panic!("{other:?}"),
            },
        });
        assert_eq!(names.collect::<Vec<_>>(), ["eve", "note", "fail", "off", "eve", "left"]);
    }
}
