//! The last steps of this member, in memory.

use std::collections::VecDeque;
use std::mem;
use std::sync::mpsc::Receiver;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use ringchat_core::trace::{Sketch, State, Traced};
use ringchat_core::{Ending, Instant, Notice, Roster, TextRun};
use ringchat_trace::{LifeLines, Scribe, Step, TraceRecord};

use super::tape::Timed;

/// The most steps.
const MAX_STEPS: usize = 20_000;

/// The most bytes that they take, about.
const MAX_BYTES: usize = 32 << 20;

/// What a member of a roster takes, about.
const MEMBER: usize = 128;

/// The memory that a thread fills while others look at it. Cheap to clone.
#[derive(Clone, Default)]
pub(super) struct SharedMemory(Arc<Mutex<Memory>>);

impl SharedMemory {
    /// Keeps what comes.
    pub(super) fn keep(&self, steps: &Receiver<Timed>) {
        while let Ok(step) = steps.recv() {
            self.lock().take(step);
        }
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, Memory> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The last steps. When old ones fall away, what they come to stays: whose life it is, and what that member held.
#[derive(Default)]
pub(super) struct Memory {
    /// The beginning of the life that the first step belongs to.
    life: Option<Timed>,
    /// What the member held before the first step, with the roster.
    state: Option<Timed>,
    steps: VecDeque<Timed>,
    bytes: usize,
    /// How many steps there were.
    count: u64,
    /// Whether the member has left.
    has_left: bool,
}

impl Memory {
    fn take(&mut self, step: Timed) {
        self.count = self.count.saturating_add(1);
        self.has_left =
            matches!(&step.2, Step::Told(notice) if matches!(**notice, Notice::Ended(Ending::Left { .. })));
        self.bytes = self.bytes.saturating_add(weight(&step.2));
        self.steps.push_back(step);
        while (self.steps.len() > MAX_STEPS || self.bytes > MAX_BYTES)
            && let Some(oldest) = self.steps.pop_front()
        {
            self.bytes = self.bytes.saturating_sub(weight(&oldest.2));
            self.outlive(oldest);
        }
    }

    /// Keeps what a step comes to that falls away.
    fn outlive(&mut self, (at, lamport, step): Timed) {
        match step {
            Step::Life { .. } => (self.life, self.state) = (Some((at, lamport, step)), None),
            Step::Traced(traced) => {
                if let Traced::State(mut state) = *traced {
                    state.roster = state.roster.or_else(|| self.take_roster());
                    self.state = Some((at, lamport, Step::Traced(Traced::State(state).into())));
                }
            }
            _ => {}
        }
    }

    fn take_roster(&mut self) -> Option<Roster> {
        match self.state.take()? {
            (_, _, Step::Traced(traced)) => match *traced {
                Traced::State(State { roster, .. }) => roster,
                _ => None,
            },
            _ => None,
        }
    }

    /// The same steps as the lines of a trace.
    pub(super) fn lives(&self) -> Vec<LifeLines> {
        let mut scribe = Scribe::new(true, false);
        let (mut lives, mut records) = (Vec::<LifeLines>::new(), Vec::new());
        for (at, lamport, step) in self.life.iter().chain(&self.state).chain(&self.steps) {
            scribe.tell(*at, *lamport, step, &mut records);
            for record in records.drain(..) {
                match record {
                    TraceRecord::Header(header) => lives.push(LifeLines { header, lines: Vec::new() }),
                    TraceRecord::Line(line) => {
                        if let Some(life) = lives.last_mut() {
                            life.lines.push(line);
                        }
                    }
                }
            }
        }
        lives
    }

    /// How many steps there were ever.
    pub(super) fn count(&self) -> u64 {
        self.count
    }

    /// The time of the last step.
    pub(super) fn now(&self) -> Instant {
        self.steps.back().map_or(Instant::ZERO, |(at, ..)| *at)
    }

    /// Whether the member has left the room.
    pub(super) fn has_left(&self) -> bool {
        self.has_left
    }
}

/// How many bytes a step takes, about.
fn weight(step: &Step) -> usize {
    let of_texts = |texts: &TextRun| texts.bytes(usize::MAX);
    let of_sketch = |sketch: &Sketch| {
        let texts: usize = sketch.said.iter().map(of_texts).sum();
        sketch.path.len().saturating_mul(MEMBER).saturating_add(texts)
    };
    let more = match step {
        Step::Traced(traced) => match &**traced {
            Traced::Took { sketch, .. } => of_sketch(sketch),
            Traced::Sent { to, sketch, .. } => {
                of_sketch(sketch).saturating_add(to.len().saturating_mul(MEMBER))
            }
            Traced::State(state) => state.roster.as_ref().map_or(0, |roster| roster.len() * MEMBER),
            _ => 0,
        },
        Step::Told(notice) => match &**notice {
            Notice::Ready { members, .. } => members.len() * MEMBER,
            _ => 0,
        },
        Step::Shown { said, .. } => said.as_ref().map_or(0, of_texts),
        _ => 0,
    };
    more.saturating_add(mem::size_of::<Timed>() + mem::size_of::<Traced>())
}
