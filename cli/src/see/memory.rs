//! The last steps of this member, in memory.

use std::collections::VecDeque;
use std::sync::mpsc::Receiver;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use ringchat_core::trace::{MessageKind, Sketch, State, Traced};
use ringchat_core::{Ending, Instant, Notice, Roster, TextRun};
use ringchat_trace::{LifeLines, Scribe, Step, TraceRecord};

use super::tape::Timed;

/// The most steps.
pub(super) const MAX_STEPS: usize = 20_000;

/// The most bytes that they take, about.
const MAX_BYTES: usize = 32 << 20;

/// A tenth falls away at once: what is drawn keeps its beginning for a while, and a page gets only what is new.
const AT_ONCE: usize = 10;

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

/// The last steps, without signs of life. When old ones fall away, what they come to stays: whose life it is, and what
/// that member held.
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
    /// The time of the last step, or sign of life.
    now: Instant,
    /// Whether a life has begun. What comes before cannot be told.
    has_begun: bool,
    /// Whether the member has left.
    has_left: bool,
}

impl Memory {
    fn take(&mut self, step: Timed) {
        self.now = step.0;
        self.has_begun |= matches!(step.2, Step::Life { .. });
        if !self.has_begun || is_beat(&step.2) {
            return;
        }
        self.count = self.count.saturating_add(1);
        self.has_left =
            matches!(&step.2, Step::Told(notice) if matches!(**notice, Notice::Ended(Ending::Left { .. })));
        self.bytes = self.bytes.saturating_add(weight(&step.2));
        self.steps.push_back(step);
        if self.steps.len() > MAX_STEPS || self.bytes > MAX_BYTES {
            self.shrink();
        }
    }

    fn shrink(&mut self) {
        let kept = |most: usize| most - most / AT_ONCE;
        while (self.steps.len() > kept(MAX_STEPS) || self.bytes > kept(MAX_BYTES))
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

    /// How long the run lasts, up to the last sign of life. It begins with its first event, which the beginning of a life is
    /// not.
    pub(super) fn now(&self) -> Duration {
        let mut events = self.state.iter().chain(&self.steps);
        let first = events.find(|(_, _, step)| !matches!(step, Step::Life { .. }));
        self.now.since(first.map_or(self.now, |(at, ..)| *at))
    }

    /// Whether the member has left the room.
    pub(super) fn has_left(&self) -> bool {
        self.has_left
    }
}

/// Whether a step tells of a sign of life alone.
fn is_beat(step: &Step) -> bool {
    let is_beat = |kind| matches!(kind, MessageKind::Ping | MessageKind::Pong);
    match step {
        Step::Traced(traced) => match &**traced {
            Traced::Took { sketch, .. } | Traced::Sent { sketch, .. } => is_beat(sketch.kind),
            Traced::Dropped { kind, .. } => is_beat(*kind),
            _ => false,
        },
        Step::Flood(flood) => flood.kind.is_some_and(is_beat),
        _ => false,
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
    more.saturating_add(size_of::<Timed>() + size_of::<Traced>())
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroU64;

    use ringchat_core::trace::Mode;
    use ringchat_core::wire::{Beat, Message};
    use ringchat_core::{
        ConfigId, DialFailure, DialId, Epoch, Index, Member, Name, NodeId, RoomId, Stamp, Text, View,
    };
    use ringchat_picture::trace::TraceReader;
    use ringchat_trace::TraceEvent;

    use super::*;

    /// What is left when one step too many comes.
    const KEPT: usize = MAX_STEPS / 10 * 9;

    fn member(number: u8) -> Member {
        let id = NodeId::new([number; 32], NonZeroU64::MIN);
        let name = Name::new(&format!("m{number}")).unwrap();
        Member::new(id, ([10, 0, 0, number], 5000).into(), name)
    }

    fn life(number: u8) -> Step {
        Step::Life { me: member(number).into(), detect: Duration::from_secs(1), wall: 7 }
    }

    fn failed() -> Step {
        Step::Traced(Traced::Failed { dial: DialId(1), reason: DialFailure::Refused }.into())
    }

    fn state(log: u64, roster: Option<Vec<Member>>) -> Step {
        let view = View { epoch: Epoch(1), leader: member(1).id };
        let state = State {
            mode: Mode::Following,
            room: RoomId([7; 16]),
            promised: Epoch(1),
            view: Some(view),
            cfg: ConfigId::first(view),
            leader: Some(member(1).id),
            next: None,
            prev: None,
            log: Index(log),
            stable: Index(log),
            waiting: 0,
            roster: roster.map(|members| Roster::new(members).unwrap()),
        };
        Step::Traced(Traced::State(state).into())
    }

    fn memory(steps: impl IntoIterator<Item = Step>) -> Memory {
        let mut memory = Memory::default();
        for (at, step) in (0..).zip(steps) {
            memory.take((Instant(at), Stamp(at), step));
        }
        memory
    }

    fn is_read(lives: &[LifeLines]) -> bool {
        let mut reader = TraceReader::default();
        lives.iter().all(|life| reader.life(life).is_ok()) && reader.finish(None).is_ok()
    }

    #[test]
    fn what_has_fallen_away_leaves_the_member_and_what_it_held_with_the_roster() {
        let first = [life(1), state(1, Some(vec![member(1), member(2)])), state(2, None)];
        let memory = memory(first.into_iter().chain((0..MAX_STEPS - 2).map(|_| failed())));
        let lives = memory.lives();
        assert!(is_read(&lives));
        let [LifeLines { header, lines }] = &lives[..] else { panic!("{} lives", lives.len()) };
        assert_eq!((header.name.as_str(), header.wall), ("m1", 7));
        let held = lines.iter().position(|line| matches!(line.event, TraceEvent::State(_))).unwrap();
        let TraceEvent::State(state) = &lines[held].event else { panic!() };
        assert_eq!((state.log, state.ring.as_ref().map(Vec::len), lines[held].t), (2, Some(2), 2));
        assert!(
            lines[..held].iter().all(|line| matches!(line.event, TraceEvent::Room(_) | TraceEvent::Who(_)))
        );
        assert_eq!(lines.len() - held - 1, KEPT);
    }

    #[test]
    fn of_an_earlier_life_nothing_is_left_in_the_next() {
        let first = [life(1), state(1, Some(vec![member(1), member(2)])), life(2)];
        let memory = memory(first.into_iter().chain((0..MAX_STEPS - 2).map(|_| failed())));
        let lives = memory.lives();
        assert!(is_read(&lives) && lives.len() == 1);
        assert_eq!((lives[0].header.name.as_str(), lives[0].lines.len()), ("m2", KEPT));
    }

    #[test]
    fn long_texts_push_out_others_so_that_memory_is_bounded() {
        let text = Text::new(&"x".repeat(16 * 1024)).unwrap();
        let shown = || {
            let said = TextRun::new([&text]);
            let from = member(2).into();
            Step::Shown { first: Index(1), from, texts: 1, replayed: false, said }
        };
        let memory = memory([life(1)].into_iter().chain((0..4000).map(|_| shown())));
        assert!(memory.bytes <= MAX_BYTES && (1000..3000).contains(&memory.steps.len()));
        assert_eq!(memory.bytes, memory.steps.iter().map(|(_, _, step)| weight(step)).sum::<usize>());
        assert!(is_read(&memory.lives()));
    }

    #[test]
    fn a_sign_of_life_moves_the_time_alone() {
        let beat = Beat { view: None, cfg: None, stable: Index(0) };
        let ping = Sketch::of(&Message::Ping(beat));
        let to = Vec::new();
        let sent = Step::Traced(Traced::Sent { to, stamp: Stamp(1), sketch: ping }.into());
        let memory = memory([failed(), life(1), failed(), sent]);
        assert_eq!((memory.count(), memory.now()), (2, Duration::from_micros(1)));
    }

    #[test]
    fn whether_the_member_has_left_is_known() {
        let ended = |ending| Step::Told(Notice::Ended(ending).into());
        assert!(!memory([life(1), failed()]).has_left());
        assert!(memory([life(1), ended(Ending::Left { unsure: 0 })]).has_left());
    }
}
