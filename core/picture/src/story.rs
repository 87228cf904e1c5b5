//! What a run comes to: who did what when, elections, reigns, faults. All figures are counted here, from the events.

use alloc::collections::{BTreeMap, BTreeSet};
use alloc::vec;
use alloc::vec::Vec;

use ringchat_core::trace::Mode;

use super::class::Class;
use super::elections::{self, Contest};
use ringchat_trace::FaultKind;

use crate::trace::run::{Deed, Gist, Holding, MergedRun, RunEvent, Sum, Tidings, What};

/// What a member does, as a picture tells it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Looks {
    Joining,
    Normal,
    Electing,
    Waiting,
    Leading,
    Left,
    Dead,
    Frozen,
}

impl Looks {
    fn of(mode: Mode) -> Self {
        match mode {
            Mode::Founding | Mode::Joining => Self::Joining,
            Mode::Following => Self::Normal,
            Mode::Leading => Self::Leading,
            Mode::Electing => Self::Electing,
            Mode::Syncing => Self::Waiting,
            Mode::Ended => Self::Left,
        }
    }

    /// The name in JSON.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Joining => "joining",
            Self::Normal => "normal",
            Self::Electing => "electing",
            Self::Waiting => "waiting",
            Self::Leading => "leading",
            Self::Left => "left",
            Self::Dead => "dead",
            Self::Frozen => "frozen",
        }
    }
}

/// What happened to one life.
#[derive(Clone, Debug, Default)]
pub(crate) struct Course {
    /// How it looks from each of these events on.
    pub(crate) looks: Vec<(usize, Looks)>,
    /// The events that tell its state.
    states: Vec<usize>,
    /// The events that tell of other neighbours.
    rings: Vec<usize>,
    /// Its first event.
    pub(crate) first: Option<usize>,
    /// The event of its death.
    pub(crate) died: Option<usize>,
    /// The event of its leaving.
    pub(crate) left: Option<usize>,
}

impl Course {
    /// The events that tell its state.
    pub(crate) fn states(&self) -> &[usize] {
        &self.states
    }

    /// How it looks after event `e`, if it is there by then.
    pub(crate) fn looks_after(&self, e: usize) -> Option<Looks> {
        let later = self.looks.partition_point(|&(at, _)| at <= e);
        later.checked_sub(1).and_then(|at| self.looks.get(at)).map(|&(_, looks)| looks)
    }
}

/// A time with one leader, with an election, or with neither.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Reign {
    pub(crate) t1: u64,
    pub(crate) t2: u64,
    pub(crate) kind: ReignKind,
}

/// What a time is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ReignKind {
    /// This member leads, since this epoch.
    Leader(usize, u64),
    /// An election is on.
    Election,
    /// No member leads, and none has stood yet.
    Nobody,
}

/// A time in which the room was split.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Split {
    /// The event that split it.
    pub(crate) from: usize,
    /// The event that ended that.
    pub(crate) to: Option<usize>,
    pub(crate) sides: Vec<Vec<usize>>,
}

/// A run, and what it comes to.
#[derive(Clone, Debug)]
pub(crate) struct Story<'a> {
    pub(crate) run: &'a MergedRun,
    /// By life.
    pub(crate) courses: Vec<Course>,
    pub(crate) contests: Vec<Contest>,
    pub(crate) reigns: Vec<Reign>,
    pub(crate) splits: Vec<Split>,
    /// The events that are faults.
    pub(crate) faults: Vec<usize>,
    /// The frame that each receipt ended.
    pub(crate) ended: BTreeMap<usize, usize>,
    /// The moment that the times in pictures count from: the first fault, else the start.
    pub(crate) zero: u64,
    /// The last moment of the run.
    pub(crate) end: u64,
    /// Whether traces tell of signs of life.
    pub(crate) tells_beats: bool,
}

impl<'a> Story<'a> {
    pub(crate) fn new(run: &'a MergedRun) -> Self {
        let frames = run.frames.iter().enumerate();
        let ended = frames.filter_map(|(f, frame)| frame.taken.map(|taken| (taken, f))).collect();
        let is_fault = |event: &RunEvent| matches!(event.what, What::Deed(_));
        let faults: Vec<usize> =
            (0..).zip(&run.events).filter(|(_, e)| is_fault(e)).map(|(e, _)| e).collect();
        let breaks = |event: &&RunEvent| {
            !matches!(&event.what, What::Deed(Deed { kind: FaultKind::Heal | FaultKind::Thaw, .. }))
        };
        let first = faults.iter().filter_map(|&e| run.events.get(e)).find(breaks);
        let zero = first.map_or(0, |event| event.t);
        let mut story = Self {
            run,
            courses: courses(run),
            contests: Vec::new(),
            reigns: Vec::new(),
            splits: splits(run),
            faults,
            ended,
            zero,
            end: run.events.last().map_or(0, |event| event.t),
            tells_beats: run.events.iter().any(is_beat),
        };
        story.contests = elections::contests(&story);
        story.reigns = reigns(&story);
        story
    }

    /// The event, which is one of the run.
    pub(crate) fn event(&self, e: usize) -> &'a RunEvent {
        &self.run.events[e]
    }

    /// All events with their positions.
    pub(crate) fn events(
        &self,
    ) -> impl DoubleEndedIterator<Item = (usize, &'a RunEvent)> + ExactSizeIterator + use<'a> {
        self.run.events.iter().enumerate()
    }

    /// What people call a life.
    pub(crate) fn name(&self, m: usize) -> &'a str {
        self.run.lives.get(m).map_or("?", |life| if life.name.is_empty() { "?" } else { &life.name })
    }

    /// What a member held before event `e`.
    pub(crate) fn holding(&self, m: usize, e: usize) -> Option<&'a Holding> {
        let states = &self.courses.get(m)?.states;
        let later = states.partition_point(|&at| at < e);
        let at = later.checked_sub(1).and_then(|at| states.get(at))?;
        if let What::State(holding) = &self.run.events.get(*at)?.what { Some(holding) } else { None }
    }

    /// The member before and the one after `m`, as it told before event `e`.
    pub(crate) fn neighbours(&self, m: usize, e: usize) -> Option<(usize, usize)> {
        let rings = &self.courses.get(m)?.rings;
        let at = rings.partition_point(|&at| at < e).checked_sub(1).and_then(|at| rings.get(at))?;
        match &self.run.events.get(*at)?.what {
            What::Told(Tidings::Ring { prev, next, .. }) => Some((*prev, *next)),
            _ => None,
        }
    }

    /// The member whose traces are all there are.
    pub(crate) fn seen_by(&self) -> Option<usize> {
        let lives = self.run.lives.iter().enumerate().filter(|(_, life)| life.has_trace);
        let (last, of) = lives.clone().next_back()?;
        lives.map(|(_, life)| &life.addr).all(|addr| *addr == of.addr).then_some(last)
    }

    /// Whether a trace tells what a life did.
    pub(crate) fn has_trace(&self, m: usize) -> bool {
        self.run.lives.get(m).is_some_and(|life| life.has_trace)
    }

    /// Whether a member leads before event `e`, as far as anybody tells.
    pub(crate) fn leads_before(&self, m: usize, e: usize) -> bool {
        if self.has_trace(m) {
            return e.checked_sub(1).and_then(|e| self.courses[m].looks_after(e)) == Some(Looks::Leading);
        }
        let t = self.event(e).t;
        self.reigns.iter().any(|reign| {
            matches!(reign.kind, ReignKind::Leader(leader, _) if leader == m)
                && reign.t1 <= t
                && t <= reign.t2
        })
    }

    /// The election of an epoch that a member took part in.
    pub(crate) fn contest(&self, epoch: u64, m: usize) -> Option<&Contest> {
        self.contests.iter().find(|contest| contest.epoch == epoch && contest.members.contains(&m))
    }

    /// The ring that was known last before event `e`: that of the greatest epoch.
    pub(crate) fn ring_before(&self, e: usize) -> Option<&'a [usize]> {
        let mut newest: Option<(u64, &[usize])> = None;
        for event in self.run.events.iter().take(e) {
            if let What::State(state) = &event.what
                && let Some(ring) = &state.ring
                && newest.is_none_or(|(epoch, _)| epoch <= state.epoch)
            {
                newest = Some((state.epoch, ring));
            }
        }
        newest.map(|(_, ring)| ring)
    }

    /// The first ring that anybody tells of.
    pub(crate) fn first_ring(&self) -> Option<&'a [usize]> {
        self.run.events.iter().find_map(|event| match &event.what {
            What::State(holding) => holding.ring.as_deref(),
            _ => None,
        })
    }

    /// The event that made event `e` happen, if a message did: its sending.
    pub(crate) fn cause(&self, e: usize) -> Option<usize> {
        self.ended.get(&e).and_then(|&f| self.run.frames.get(f)).and_then(|frame| frame.sent)
    }

    /// The frames that event `e` began.
    pub(crate) fn begun(&self, e: usize) -> impl Iterator<Item = usize> + use<'a> {
        let frames = &self.run.frames;
        // They are in the order of their sendings, and those that nobody saw sent in that of their receipts.
        let first = frames.partition_point(|frame| frame.sent.or(frame.taken) < Some(e));
        let from_there = (first..).zip(frames.iter().skip(first));
        from_there.take_while(move |(_, frame)| frame.sent == Some(e)).map(|(f, _)| f)
    }

    /// The receipts of what event `e` sent.
    pub(crate) fn effects(&self, e: usize) -> impl Iterator<Item = usize> {
        self.begun(e).filter_map(|f| self.run.frames.get(f).and_then(|frame| frame.taken))
    }

    /// Whether event `later` belongs to the turn of `e`, which is the same member's, and not later by the clock.
    pub(crate) fn same_turn(&self, e: usize, later: usize) -> bool {
        let (a, b) = (self.event(e), self.event(later));
        a.m == b.m && a.t == b.t
    }

    /// The events of the same member after `e` in its turn.
    pub(crate) fn rest_of_turn(&self, e: usize) -> impl Iterator<Item = (usize, &'a RunEvent)> {
        let (t, m) = (self.event(e).t, self.event(e).m);
        let later = self.events().skip(e + 1).take_while(move |(_, event)| event.t == t);
        // A receipt begins the next piece of work.
        later
            .filter(move |(_, event)| event.m == m)
            .take_while(|(_, event)| !matches!(event.what, What::Took { .. }))
    }
}

fn is_beat(event: &RunEvent) -> bool {
    match &event.what {
        What::Sent { gist: Gist { kind, .. }, .. }
        | What::Took { gist: Gist { kind, .. }, .. }
        | What::Sum(Sum { kind, .. }) => Class::of(*kind) == Class::Beat,
        _ => false,
    }
}

fn courses(run: &MergedRun) -> Vec<Course> {
    let mut courses = vec![Course::default(); run.lives.len()];
    let mut before_freeze: BTreeMap<usize, Looks> = BTreeMap::new();
    for (e, event) in run.events.iter().enumerate() {
        let m = event.m;
        if let Some(course) = courses.get_mut(m)
            && !matches!(event.what, What::Deed(_))
        {
            course.first.get_or_insert(e);
            match event.what {
                What::State(_) => course.states.push(e),
                What::Told(Tidings::Ring { .. }) => course.rings.push(e),
                _ => {}
            }
        }
        let (m, looks) = match &event.what {
            What::State(state) => (m, Looks::of(state.mode)),
            What::End(_) => (m, Looks::Left),
            What::Deed(deed) => {
                let Some(to) = deed.to else { continue };
                let now = courses.get(to).and_then(|course| course.looks_after(e)).unwrap_or(Looks::Normal);
                match deed.kind {
                    kind if kind.is_death() => (to, Looks::Dead),
                    FaultKind::Freeze => {
                        before_freeze.insert(to, now);
                        (to, Looks::Frozen)
                    }
                    FaultKind::Thaw => (to, before_freeze.remove(&to).unwrap_or(now)),
                    _ => continue,
                }
            }
            _ => continue,
        };
        let Some(course) = courses.get_mut(m) else { continue };
        match looks {
            Looks::Dead => _ = course.died.get_or_insert(e),
            Looks::Left => _ = course.left.get_or_insert(e),
            _ => {}
        }
        if course.looks.last().is_none_or(|&(_, last)| last != looks) {
            course.looks.push((e, looks));
        }
    }
    courses
}

fn splits(run: &MergedRun) -> Vec<Split> {
    let mut splits: Vec<Split> = Vec::new();
    for (from, event) in run.events.iter().enumerate() {
        let What::Deed(deed) = &event.what else { continue };
        if matches!(deed.kind, FaultKind::Heal | FaultKind::Partition)
            && let Some(open) = splits.last_mut().filter(|split| split.to.is_none())
        {
            open.to = Some(from);
        }
        if deed.kind == FaultKind::Partition {
            splits.push(Split { from, to: None, sides: deed.sides.clone() });
        }
    }
    splits
}

/// One line of reigns, although a split room may have two leaders: the newest leader counts.
fn reigns(story: &Story<'_>) -> Vec<Reign> {
    let mut reigns: Vec<Reign> = Vec::new();
    let mut begin = |t: u64, kind: ReignKind| {
        if let Some(last) = reigns.last_mut() {
            if last.kind == kind {
                return;
            }
            last.t2 = t;
        }
        reigns.push(Reign { t1: t, t2: story.end, kind });
    };
    let is_held = |epoch: u64| story.contests.iter().any(|contest| contest.epoch == epoch);
    let mut leader: Option<usize> = None;
    let mut newest = 0;
    let mut seen: BTreeSet<u64> = BTreeSet::new();
    for (e, event) in story.events() {
        let gone = |m: usize| story.courses[m].died == Some(e) || story.courses[m].left == Some(e);
        match &event.what {
            What::State(state) if state.mode == Mode::Leading && leader != Some(event.m) => {
                leader = Some(event.m);
                newest = newest.max(state.epoch);
                begin(event.t, ReignKind::Leader(event.m, state.epoch));
            }
            // A leader without a trace leads for those who follow it.
            What::State(Holding { mode: Mode::Following, leader: Some(who), epoch, .. })
                if *epoch > newest && !story.has_trace(*who) =>
            {
                leader = Some(*who);
                newest = *epoch;
                begin(event.t, ReignKind::Leader(*who, *epoch));
            }
            What::Told(Tidings::Left { who, .. }) if leader == Some(*who) && !story.has_trace(*who) => {
                leader = None;
                begin(event.t, ReignKind::Nobody);
            }
            // A newcomer is told who has won long ago.
            What::Told(Tidings::Election { epoch, .. }) if is_held(*epoch) && seen.insert(*epoch) => {
                let by_all = leader.is_none_or(|leader| {
                    story.contest(*epoch, event.m).is_none_or(|contest| contest.members.contains(&leader))
                });
                let lost = leader.is_none_or(|leader| !is_there(story, leader, e));
                if by_all || lost {
                    leader = None;
                    begin(event.t, ReignKind::Election);
                }
            }
            What::Deed(deed)
                if deed.to.is_some()
                    && deed.to == leader
                    && (deed.to.is_some_and(gone) || deed.kind == FaultKind::Freeze) =>
            {
                leader = None;
                begin(event.t, ReignKind::Nobody);
            }
            What::End(_) if leader == Some(event.m) => {
                leader = None;
                begin(event.t, ReignKind::Nobody);
            }
            _ => {}
        }
    }
    reigns
}

fn is_there(story: &Story<'_>, m: usize, e: usize) -> bool {
    let looks = story.courses.get(m).and_then(|course| course.looks_after(e));
    !matches!(looks, None | Some(Looks::Dead | Looks::Left | Looks::Frozen))
}
