//! Records what this member does while the room goes on.
//!
//! The room never waits for it: a turn puts its steps into a queue, and what finds no place there is counted. A thread of
//! the trace writes them.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};

use ringchat_core::trace::Tracing;
use ringchat_core::{Instant, Notice, Stamp};
use ringchat_driver::{Event, EventFiller, TurnEvents};
use ringchat_trace::{Scribe, Step, Thinner};

use super::trace_file::{self, TraceFileError, TraceFileProblem};
use super::writer::{Progress, Timed, write_all};

/// Steps that may wait to be written.
const QUEUE: usize = 16_384;

/// The recorder of this member. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Recorder(Arc<Shared>);

struct Shared {
    texts: bool,
    limit: u64,
    /// Reads the wall clock, in microseconds.
    wall: fn() -> u64,
    is_on: AtomicBool,
    recording: Mutex<Option<Recording>>,
}

/// Where a trace goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct TraceStatus {
    /// The file.
    pub(crate) path: PathBuf,
    /// How many bytes it has.
    pub(crate) size: u64,
    /// How many it may have.
    pub(crate) limit: u64,
}

impl Recorder {
    /// A recorder that records nothing yet. `wall` reads the wall clock in microseconds.
    pub(crate) fn new(texts: bool, limit: u64, wall: fn() -> u64) -> Self {
        let (is_on, recording) = (AtomicBool::new(false), Mutex::new(None));
        Self(Arc::new(Shared { texts, limit, wall, is_on, recording }))
    }

    /// What a node has to tell.
    pub(crate) fn tracing(&self) -> Tracing {
        if !self.0.is_on.load(Ordering::Relaxed) {
            Tracing::Off
        } else if self.0.texts {
            Tracing::Texts
        } else {
            Tracing::Events
        }
    }

    /// Begins to record to the file at `path`.
    ///
    /// # Errors
    /// If no trace can go there.
    pub(crate) fn begin(&self, path: &Path) -> Result<(), TraceFileError> {
        let mut recording = self.lock();
        let refused = |why| TraceFileError::new(path, why);
        if let Some(under_way) = &*recording {
            return Err(TraceFileError::new(&under_way.progress.path, TraceFileProblem::On));
        }
        *recording = Some(Recording::start(path, &self.0).map_err(refused)?);
        self.0.is_on.store(true, Ordering::Relaxed);
        Ok(())
    }

    /// Takes the steps out of what a turn tells, and passes the rest on.
    pub(crate) fn hear(&self, turn: TurnEvents<'_>, filler: &EventFiller) {
        if !self.0.is_on.load(Ordering::Relaxed) {
            return filler.put(turn);
        }
        let at = turn.at();
        match &mut *self.lock() {
            Some(recording) => filler.put(turn.filter_map(|event| recording.take(at, event))),
            None => filler.put(turn),
        }
    }

    /// Ends the recording, if there is one, and waits until it is written. `off` is whether the member lives on.
    pub(crate) fn end(&self, off: bool) {
        self.0.is_on.store(false, Ordering::Relaxed);
        let recording = self.lock().take();
        if let Some(recording) = recording {
            recording.end(off);
        }
    }

    /// Where the trace goes, if there is one.
    pub(crate) fn status(&self) -> Option<TraceStatus> {
        let recording = self.lock();
        let progress = &recording.as_ref()?.progress;
        let (path, limit) = (progress.path.clone(), progress.limit);
        Some(TraceStatus { path, size: progress.size.load(Ordering::Relaxed), limit })
    }

    /// What the user should know of the trace, once.
    pub(crate) fn take_problem(&self) -> Option<String> {
        if !self.0.is_on.load(Ordering::Relaxed) {
            return None;
        }
        self.lock().as_ref()?.progress.take_problem()
    }

    fn lock(&self) -> MutexGuard<'_, Option<Recording>> {
        self.0.recording.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A trace that is being written.
struct Recording {
    texts: bool,
    wall: fn() -> u64,
    thinner: Thinner,
    /// What the thinner lets through; empty between two steps.
    told: Vec<Timed>,
    queue: SyncSender<Timed>,
    /// Steps that found no place since the last that did.
    missed: u64,
    /// The beginning of a life, without which nothing that follows can be told, until it finds a place.
    life: Option<Timed>,
    /// The last word of the node.
    ending: Option<Timed>,
    /// The time and the Lamport time of the last step.
    last: (Instant, Stamp),
    progress: Arc<Progress>,
    writer: JoinHandle<()>,
}

impl Recording {
    fn start(path: &Path, shared: &Shared) -> Result<Self, TraceFileProblem> {
        let (file, size) = trace_file::open(path, shared.limit)?;
        let (queue, steps) = sync_channel(QUEUE);
        let progress = Arc::new(Progress::new(path.to_owned(), size, shared.limit));
        let (scribe, seen) = (Scribe::new(shared.texts, false), Arc::clone(&progress));
        let writer = thread::Builder::new()
            .name("trace".into())
            .spawn(move || write_all(&steps, file, scribe, &seen))?;
        Ok(Self::new(shared.texts, shared.wall, queue, (progress, writer)))
    }

    /// A recording of which nothing is told yet.
    fn new(
        texts: bool,
        wall: fn() -> u64,
        queue: SyncSender<Timed>,
        (progress, writer): (Arc<Progress>, JoinHandle<()>),
    ) -> Self {
        Self {
            texts,
            wall,
            thinner: Thinner::default(),
            told: Vec::new(),
            queue,
            missed: 0,
            life: None,
            ending: None,
            last: (Instant::ZERO, Stamp::default()),
            progress,
            writer,
        }
    }

    /// Records an event of a turn that began at `at`. Gives it back unless only a trace tells it.
    fn take(&mut self, at: Instant, event: Event) -> Option<Event> {
        match event {
            Event::Trace { lamport, traced } => {
                let step = Step::of_traced(traced, self.wall);
                self.record(at, lamport, step);
                None
            }
            Event::Notice { lamport, ref notice } => {
                if let Some(step) = Step::of_notice(notice, self.texts) {
                    if matches!(notice, Notice::Ended(_)) {
                        self.ending = Some((at, lamport, step));
                    } else {
                        self.record(at, lamport, step);
                    }
                }
                Some(event)
            }
            other => Some(other),
        }
    }

    fn record(&mut self, at: Instant, lamport: Stamp, step: Step) {
        self.last = (at, lamport);
        let quiet = self.progress.quiet.load(Ordering::Relaxed);
        let mut told = std::mem::take(&mut self.told);
        self.thinner.take(at, lamport, step, quiet, &mut told);
        for timed in told.drain(..) {
            self.offer(timed);
        }
        self.told = told;
    }

    /// Puts a step into the queue, if there is a place for it and for what has to come before it.
    fn offer(&mut self, timed: Timed) {
        if self.catch_up() {
            self.put(timed);
        } else {
            self.miss(timed);
        }
    }

    /// Puts what comes before the next step into the queue. Returns whether it is there.
    fn catch_up(&mut self) -> bool {
        if let Some(life) = self.life.take() {
            self.put(life);
        }
        if self.life.is_none() && self.missed > 0 {
            let (at, lamport) = self.last;
            if self.queue.try_send((at, lamport, Step::Missed(self.missed))).is_ok() {
                self.missed = 0;
            }
        }
        self.life.is_none() && self.missed == 0
    }

    fn put(&mut self, timed: Timed) {
        if let Err(TrySendError::Full(refused) | TrySendError::Disconnected(refused)) =
            self.queue.try_send(timed)
        {
            self.miss(refused);
        }
    }

    fn miss(&mut self, timed: Timed) {
        if let Step::Life { .. } = timed.2 {
            self.life = Some(timed);
        } else {
            self.missed = self.missed.saturating_add(1);
        }
    }

    /// Writes what was counted and how it ended. The room is over, or goes on untraced: now there is time to wait.
    fn end(mut self, off: bool) {
        let (at, lamport) = self.last;
        let quiet = self.progress.quiet.load(Ordering::Relaxed);
        let mut last: Vec<Timed> = self.life.take().into_iter().collect();
        last.extend((self.missed > 0).then_some((at, lamport, Step::Missed(self.missed))));
        self.thinner.flush(at, lamport, quiet, &mut last);
        last.extend(self.ending.take().or_else(|| off.then_some((at, lamport, Step::Off))));
        for timed in last {
            // The writer may have given up.
            let _ = self.queue.send(timed);
        }
        drop(self.queue);
        let _ = self.writer.join();
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::num::NonZeroU64;
    use std::sync::mpsc::{Receiver, sync_channel};
    use std::time::Duration;

    use ringchat_core::trace::Traced;
    use ringchat_core::{DialFailure, DialId, Ending, Member, Name, NodeId, Seq};
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

    /// A recording whose writer takes nothing until it is told to, and what it would take.
    fn stuck(places: usize) -> (Recording, Receiver<Timed>) {
        let (queue, steps) = sync_channel(places);
        let progress = Arc::new(Progress::new("t".into(), 0, 1 << 20));
        (Recording::new(false, || 7, queue, (progress, thread::spawn(|| {}))), steps)
    }

    #[test]
    fn a_writer_that_is_stuck_costs_steps_which_are_counted_and_no_time() {
        let (mut recording, steps) = stuck(2);
        for event in [life(), failed(), failed(), failed()] {
            recording.take(Instant(1), event);
        }
        let next = || steps.try_recv().unwrap().2;
        assert!(matches!((next(), next()), (Step::Life { wall: 7, .. }, Step::Traced(_))));
        recording.take(Instant(2), failed());
        assert!(matches!((next(), next()), (Step::Missed(2), Step::Traced(_))));
    }

    #[test]
    fn nothing_is_told_of_a_life_whose_beginning_found_no_place() {
        let (mut recording, steps) = stuck(1);
        for event in [life(), life(), failed(), failed()] {
            recording.take(Instant(1), event);
        }
        let next = |recording: &mut Recording| {
            let step = steps.try_recv().unwrap().2;
            recording.take(Instant(2), failed());
            step
        };
        assert!(matches!(next(&mut recording), Step::Life { .. }));
        assert!(matches!(next(&mut recording), Step::Life { .. }), "the second comes next");
        assert!(matches!(next(&mut recording), Step::Missed(3..=4)));
    }

    #[test]
    fn a_recording_takes_the_steps_and_leaves_the_notices_and_has_its_end() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("t");
        let recorder = Recorder::new(false, 1 << 20, || 7);
        let (filler, reader) = event_queue();
        let hear = |events: Vec<Event>| {
            let mut kept = Vec::new();
            let mut recording = recorder.lock();
            let recording = recording.as_mut().unwrap();
            kept.extend(events.into_iter().filter_map(|event| recording.take(Instant(5), event)));
            filler.put(kept.into_iter());
        };
        assert_eq!(recorder.tracing(), Tracing::Off);
        recorder.begin(&path).unwrap();
        assert_eq!(recorder.tracing(), Tracing::Events);
        assert!(
            recorder.begin(&dir.path().join("u")).unwrap_err().to_string().contains("/trace off ends it")
        );
        let held = || notice(Notice::Held { seq: Seq(4) });
        hear(vec![life(), held(), failed()]);
        recorder.end(true);
        assert_eq!((recorder.status(), recorder.tracing()), (None, Tracing::Off));
        recorder.begin(&path).unwrap();
        hear(vec![life(), notice(Notice::Ended(Ending::Left { unsure: 0 }))]);
        recorder.end(false);
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
