//! What the lines of each life tell, with lives in place of the numbers that each file gives them.

use alloc::collections::BTreeMap;
use alloc::string::{String, ToString as _};
use alloc::vec::Vec;

use ringchat_core::trace::MessageKind;
use ringchat_core::{ElectionPhase, RoomId};
use ringchat_trace::{
    DropLine, FaultLine, NoteLine, Sketched, StateLine, SumDirection, SumLine, TraceEvent, TraceHeader,
    TraceLine, WhoLine,
};

use super::run::{Cast, Deed, Diary, Gist, Holding, RunEvent, Sum, Tidings, What};
use crate::clean;

/// The greatest number that a trace can hold: what any program can read from JSON.
pub(super) const MOST: u64 = 1 << 53;

/// Takes the lines of one life, one after the other.
#[derive(Clone, Debug)]
pub(super) struct LifeReader {
    pub(super) diary: Diary,
    /// The room that the life was in last, if it came into one.
    pub(super) room: Option<RoomId>,
    /// Whether the life was simulated.
    pub(super) simulated: bool,
    /// The number, the time and the Lamport time of the last line.
    last: Option<(u64, u64, u64)>,
    /// How many lines since then are not in the sample.
    left_out: u64,
    /// The life that each number stands for.
    numbers: BTreeMap<u32, usize>,
    /// Whom each dial wants.
    dials: BTreeMap<u64, usize>,
    /// The last message of each kind from each member.
    taken: BTreeMap<MessageKind, BTreeMap<usize, usize>>,
    thinned: Thinned,
}

/// What is left out of the floods in large traces.
#[derive(Clone, Debug, Default)]
struct Thinned {
    /// Whether the last message was left out, and with it what its turn tells of chat.
    is_out: bool,
    /// What the member held last, and differs only in numbers that grow with chat.
    held: Option<RunEvent>,
    /// What the member held last, without those numbers.
    last: Option<Holding>,
    /// The event of each sum that goes on: whether sent, the kind, and the other end.
    sums: BTreeMap<(bool, MessageKind, Option<usize>), usize>,
}

/// What keeps a line from being the next one of a life.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum BadLine {
    /// It mentions a member by a number that no line before it introduces.
    Number(u32),
    /// Its number, its time or its Lamport time is not above, or below, that of the line before.
    Order,
    /// It holds a greater number than any trace.
    TooGreat,
}

impl LifeReader {
    pub(super) fn new(cast: &mut Cast, header: &TraceHeader) -> Self {
        let m = cast.introduce(header.id, &clean::name(&header.name), &header.addr.to_string());
        cast.has_trace(m);
        Self {
            diary: Diary { m, wall: header.wall.min(MOST), began: 0, events: Vec::new() },
            room: None,
            simulated: header.sim,
            last: None,
            left_out: 0,
            numbers: [(header.me, m)].into(),
            dials: BTreeMap::new(),
            taken: BTreeMap::new(),
            thinned: Thinned::default(),
        }
    }

    /// A message of that kind is left out.
    pub(super) fn leave_out(&mut self, kind: MessageKind) {
        self.thinned.is_out = true;
        self.left_out += 1;
        // If it has no effect, that is not to be told of another.
        self.taken.remove(&kind);
    }

    /// Takes the next line.
    pub(super) fn take(&mut self, cast: &mut Cast, line: &TraceLine) -> Result<(), BadLine> {
        let TraceLine { i, t, lc, event } = line;
        if *t > MOST || *lc > MOST || *i > MOST {
            return Err(BadLine::TooGreat);
        }
        if self.last.is_some_and(|(number, time, clock)| *i <= number || *t < time || *lc < clock) {
            return Err(BadLine::Order);
        }
        let known = self.last.map_or(*i, |(number, ..)| number.saturating_add(self.left_out + 1));
        (self.last, self.left_out) = (Some((*i, *t, *lc)), 0);
        if *i > known {
            self.add(RunEvent { t: *t, m: self.diary.m, lamport: *lc, what: What::Missed(*i - known) });
        }
        let what = match event {
            TraceEvent::Who(who) => {
                self.who(cast, who);
                return Ok(());
            }
            TraceEvent::Room(room) => {
                self.room = Some(room.room).filter(|room| *room != RoomId::UNKNOWN).or(self.room);
                return Ok(());
            }
            TraceEvent::Drop(dropped) => return self.drop(dropped).map_err(BadLine::Number),
            event => self.what(event).map_err(BadLine::Number)?,
        };
        if let Some(what) = what {
            self.add(RunEvent { t: *t, m: self.diary.m, lamport: *lc, what });
        }
        Ok(())
    }

    /// Adds an event, unless it goes with a message that was left out.
    fn add(&mut self, event: RunEvent) {
        let events = &mut self.diary.events;
        let Some(event) = self.thinned.pass(event, events) else { return };
        if let What::Took { from: Some(from), gist, .. } = &event.what {
            self.taken.entry(gist.kind).or_default().insert(*from, events.len());
        }
        events.push(event);
    }

    /// All that the life did.
    pub(super) fn into_diary(mut self) -> Diary {
        self.diary.events.extend(self.thinned.held.take());
        self.diary
    }

    fn drop(&mut self, dropped: &DropLine) -> Gathered<()> {
        let from = self.of(dropped.from)?;
        let taken = self.taken.get(&dropped.k).and_then(|of_kind| of_kind.get(&from));
        let taken = taken.and_then(|&e| self.diary.events.get_mut(e));
        if let Some(RunEvent { what: What::Took { dropped: why, .. }, .. }) = taken {
            *why = Some(word(&dropped.why));
        }
        Ok(())
    }
}

impl Thinned {
    /// Returns the event if it is to be added to `events`.
    fn pass(&mut self, event: RunEvent, events: &mut Vec<RunEvent>) -> Option<RunEvent> {
        match &event.what {
            What::Sent { .. } | What::Took { .. } => self.is_out = false,
            What::Told(Tidings::Chat { .. }) if self.is_out => return None,
            What::State(holding) => {
                let now = Holding { ring: None, log: 0, stable: 0, ..holding.clone() };
                let is_same = self.last.as_ref() == Some(&now) && holding.ring.is_none();
                self.last = Some(now);
                if is_same && self.is_out {
                    self.held = Some(event);
                    return None;
                }
            }
            What::Sum(sum) => {
                let key = (sum.sent, sum.kind, sum.with);
                let earlier = self.sums.get(&key).filter(|_| self.is_out);
                if let Some(RunEvent { what: What::Sum(earlier), .. }) =
                    earlier.and_then(|&e| events.get_mut(e))
                {
                    earlier.count = earlier.count.saturating_add(sum.count);
                    earlier.stamps.1 = earlier.stamps.1.max(sum.stamps.1);
                    return None;
                }
                events.extend(self.held.take());
                self.sums.insert(key, events.len());
            }
            _ => {}
        }
        events.extend(self.held.take());
        Some(event)
    }
}

/// What an event comes to; none if it only introduces somebody. The error is a number that nobody has.
type Gathered<T> = Result<T, u32>;

impl LifeReader {
    fn of(&self, number: u32) -> Gathered<usize> {
        self.numbers.get(&number).copied().ok_or(number)
    }

    fn all(&self, numbers: &[u32]) -> Gathered<Vec<usize>> {
        numbers.iter().map(|&number| self.of(number)).collect()
    }

    fn maybe(&self, number: Option<u32>) -> Gathered<Option<usize>> {
        number.map(|number| self.of(number)).transpose()
    }

    fn who(&mut self, cast: &mut Cast, who: &WhoLine) {
        let addr = who.addr.map(|addr| addr.to_string()).unwrap_or_default();
        let m = cast.introduce(who.id, &clean::name(who.name.as_deref().unwrap_or_default()), &addr);
        self.numbers.insert(who.m, m);
    }

    fn what(&mut self, event: &TraceEvent) -> Gathered<Option<What>> {
        Ok(Some(match event {
            TraceEvent::Who(_) | TraceEvent::Room(_) | TraceEvent::Drop(_) => return Ok(None),
            TraceEvent::Send(sent) => {
                let to = sent.to.iter().map(|&(link, to)| Ok((link, Some(self.of(to)?))));
                What::Sent { to: to.collect::<Gathered<_>>()?, gist: self.gist(&sent.what)? }
            }
            TraceEvent::Recv(taken) => What::Took {
                link: taken.l,
                from: Some(self.of(taken.from)?),
                stamp: taken.st.min(MOST),
                counted: taken.counted,
                dropped: None,
                gist: self.gist(&taken.what)?,
            },
            TraceEvent::Dial(dial) => {
                let whom = self.maybe(dial.m)?;
                self.dials.extend(whom.map(|whom| (dial.d, whom)));
                What::Dialed { whom, why: word(&dial.why) }
            }
            TraceEvent::Fail(fail) => {
                What::Failed { whom: self.dials.get(&fail.d).copied(), why: clean::name(&fail.why) }
            }
            TraceEvent::Up(up) => What::Up { link: up.l, with: Some(self.of(up.m)?) },
            TraceEvent::Down(down) => {
                What::Down { link: down.l, with: Some(self.of(down.m)?), why: clean::name(&down.why) }
            }
            TraceEvent::State(state) => What::State(self.holding(state)?),
            TraceEvent::Note(note) => match self.tidings(note)? {
                Some(tidings) => What::Told(tidings),
                None => return Ok(None),
            },
            TraceEvent::Sum(sum) => match self.sum(sum)? {
                Some(sum) => What::Sum(sum),
                None => return Ok(None),
            },
            TraceEvent::Missed(missed) => What::Missed(missed.n),
            TraceEvent::Full(_) => What::Full,
            TraceEvent::End(end) => What::End(clean::name(&end.why)),
            TraceEvent::Fault(fault) => What::Deed(self.deed(fault)?),
        }))
    }

    fn gist(&self, what: &Sketched) -> Gathered<Gist> {
        Ok(Gist {
            kind: what.k,
            epoch: what.epoch.map(|epoch| epoch.min(MOST)),
            about: self.maybe(what.about)?,
            key: what.key.map(|(epoch, length)| (epoch.min(MOST), length.min(MOST))),
            path: self.all(&what.path)?,
            from: what.first.unwrap_or(0).min(MOST),
            to: what.end.unwrap_or(0).min(MOST),
            texts: what.texts.min(MOST),
        })
    }

    fn holding(&self, state: &StateLine) -> Gathered<Holding> {
        Ok(Holding {
            mode: state.mode,
            promised: state.promised.min(MOST),
            epoch: state.view.map_or(0, |(epoch, _)| epoch.min(MOST)),
            leader: self.maybe(state.leader)?,
            next: self.maybe(state.next)?,
            prev: self.maybe(state.prev)?,
            log: state.log.min(MOST),
            stable: state.stable.min(MOST),
            ring: state.ring.as_deref().map(|ring| self.all(ring)).transpose()?,
        })
    }

    fn sum(&self, sum: &SumLine) -> Gathered<Option<Sum>> {
        let (Some(kind), Some((first, last))) = (sum.k, sum.st) else { return Ok(None) };
        let sent = sum.dir == SumDirection::Send;
        Ok(Some(Sum { sent, kind, with: Some(self.of(sum.m)?), count: sum.n, stamps: (first, last) }))
    }

    fn deed(&self, fault: &FaultLine) -> Gathered<Deed> {
        let sides = fault.sides.iter().map(|side| self.all(side)).collect::<Gathered<_>>()?;
        Ok(Deed { kind: fault.kind, to: self.maybe(fault.m)?, sides, seen: true })
    }

    fn tidings(&self, note: &NoteLine) -> Gathered<Option<Tidings>> {
        let other = |name: &str| Tidings::Other(String::from(name));
        Ok(Some(match note {
            NoteLine::Election { phase, cand, epoch } => {
                let Some(step) = step(phase) else { return Ok(None) };
                Tidings::Election { step, candidate: self.of(*cand)?, epoch: (*epoch).min(MOST) }
            }
            NoteLine::Leader { m, epoch } => Tidings::Leader { who: self.of(*m)?, epoch: (*epoch).min(MOST) },
            NoteLine::Ring { prev, next, why } => {
                Tidings::Ring { prev: self.of(*prev)?, next: self.of(*next)?, why: clean::name(why) }
            }
            NoteLine::Joined { m } => Tidings::Joined(self.of(*m)?),
            NoteLine::Left { m, why } => {
                Tidings::Left { who: self.of(*m)?, lost: *why == ringchat_trace::Departed::Lost }
            }
            NoteLine::Ready { .. } => Tidings::Ready,
            NoteLine::Chat { first, from, texts, said, .. } => Tidings::Chat {
                by: self.of(*from)?,
                index: (*first).min(MOST),
                count: (*texts).min(MOST),
                text: said.first().map(|text| clean::said(text)),
            },
            NoteLine::Held { .. } => other("held"),
            NoteLine::Gap { .. } => other("gap"),
            NoteLine::Swallowed { .. } => other("swallowed"),
            NoteLine::NotYet { .. } => other("not_yet"),
            NoteLine::LeftBehind => other("left_behind"),
            NoteLine::NewLife => other("new_life"),
            NoteLine::CutOff => other("cut_off"),
            NoteLine::TooManyToMerge => other("too_many_to_merge"),
            NoteLine::Forked { .. } => other("forked"),
            NoteLine::Forged { .. } => other("forged"),
            NoteLine::Fault { .. } => other("fault"),
        }))
    }
}

fn step(phase: &str) -> Option<ElectionPhase> {
    use ElectionPhase::{Elected, Forward, Start, Swallow, Won};
    [Start, Forward, Swallow, Won, Elected].into_iter().find(|step| step.name() == phase)
}

/// A value of an enum as its word in a trace.
fn word(value: &impl serde::Serialize) -> String {
    match serde_json::to_value(value) {
        Ok(serde_json::Value::String(word)) => word,
        _ => String::new(),
    }
}
