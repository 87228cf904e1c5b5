//! The search, breadth first: the first way found to a state is a shortest one.
//!
//! The search keeps no state, only how each was reached first, and makes a state again from the one before it. It
//! visits states in the order in which it found them, so that those that follow from one state lie together, and few
//! transitions lead from each to the next.

use std::collections::{HashSet, VecDeque};
use std::hash::{BuildHasherDefault, Hasher};
use std::ops::Range;
use std::sync::{Mutex, PoisonError};
use std::thread;

use ringchat_core::Instant;
use ringchat_sim::Property;
use ringchat_sim::oracles::Violation;

use super::state::State;
use super::transition::Transition;
use super::walk::{Origin, Walk};

/// States are expanded in batches, each by all threads.
const BATCH: usize = 1 << 15;

/// How many of the last states are kept for a while: what their hosts remember serves states close to them. More states
/// would not fit the processor's cache.
const RECENT: usize = 1 << 6;

/// Fingerprints.
type Fingerprints = HashSet<u128, BuildHasherDefault<Already>>;

/// A hasher for values that are hashes already.
#[derive(Default)]
struct Already(u64);

impl Hasher for Already {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        self.0 = bytes.iter().fold(self.0, |all, byte| all.rotate_left(8) ^ u64::from(*byte));
    }

    #[allow(clippy::cast_possible_truncation, reason = "half of it is random enough")]
    fn write_u128(&mut self, fingerprint: u128) {
        self.0 = fingerprint as u64;
    }
}

/// When to stop early, and how many threads to use.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// The most states to find.
    pub states: usize,
    /// How many threads to use, at least one.
    pub jobs: usize,
}

/// A property that does not hold, and a shortest way to the state in which it does not.
#[derive(Clone, Debug)]
pub struct Found {
    /// The property, and what was seen.
    pub violation: Violation,
    /// The transitions to it from the beginning, in words.
    pub scenario: Vec<String>,
}

/// The outcome of a search.
#[derive(Clone, Debug)]
pub struct SearchOutcome {
    /// How many states were found.
    pub states: usize,
    /// How many transitions the furthest of them is away from the beginning.
    pub depth: usize,
    /// Whether all states were found and checked.
    pub finished: bool,
    /// The first violation, if any.
    pub found: Option<Found>,
    /// If the search stopped early: the transitions to the last state, in words. A state that is far away may show
    /// something that goes on for ever.
    pub furthest: Vec<String>,
}

/// A state reached by one transition.
struct Reached {
    fingerprint: u128,
    origin: Origin,
}

/// What one thread has found in its part of a batch.
type Expanded = Result<Vec<Reached>, Breach>;

/// The number of a state, the transition from it to the violation if there is one, and the violation.
type Breach = (u32, Option<u16>, Violation);

/// Searches everything that can follow from `start`. After each batch, `progress` gets the depth, the number of states
/// found, and the number of those not yet visited.
pub fn search(start: State, limits: Limits, mut progress: impl FnMut(usize, usize, usize)) -> SearchOutcome {
    let mut search = Search {
        visited: [start.fingerprint()].into_iter().collect(),
        settled: Mutex::default(),
        origins: vec![Origin::START],
        start,
    };
    let (mut layer, mut depth) = (0..1, 0);
    while !layer.is_empty() {
        while !layer.is_empty() {
            let batch = layer.start..layer.end.min(layer.start + BATCH);
            layer.start = batch.end;
            if let Err((number, step, violation)) = search.expand_all(batch, depth, limits.jobs) {
                let found = Some(Found { violation, scenario: search.scenario(number, step) });
                return search.outcome(depth + 1, false, found);
            }
            progress(depth, search.origins.len(), search.origins.len() - layer.start);
            if search.origins.len() > limits.states {
                return search.outcome(depth, false, None);
            }
        }
        layer = layer.end..search.origins.len();
        if !layer.is_empty() {
            depth += 1;
        }
    }
    search.outcome(depth, true, None)
}

struct Search {
    visited: Fingerprints,
    /// States with nothing under way that are known to come to rest well.
    settled: Mutex<Fingerprints>,
    origins: Vec<Origin>,
    start: State,
}

impl Search {
    /// Finds what follows from a batch of states that are `depth` transitions away, and notes what is new.
    fn expand_all(&mut self, batch: Range<usize>, depth: usize, jobs: usize) -> Result<(), Breach> {
        let part = batch.len().div_ceil(jobs.max(1)).max(1);
        let shared: &Self = self;
        let parts: Vec<Expanded> = thread::scope(|scope| {
            let parts = batch.clone().step_by(part).map(|start| start..batch.end.min(start + part));
            let threads: Vec<_> = parts.map(|part| scope.spawn(move || shared.expand(part, depth))).collect();
            threads.into_iter().map(|thread| thread.join().unwrap_or_else(|_| died())).collect()
        });
        for part in parts {
            for Reached { fingerprint, origin } in part? {
                if self.visited.insert(fingerprint) {
                    self.origins.push(origin);
                }
            }
        }
        Ok(())
    }

    fn expand(&self, part: Range<usize>, depth: usize) -> Expanded {
        let mut walk = Walk::new(&self.origins, &self.start);
        let (mut reached, mut recent) = (Vec::new(), VecDeque::new());
        for number in part {
            let number = u32::try_from(number).unwrap_or(u32::MAX);
            let state = walk.go(number, depth);
            let later = if state.is_quiet() { state.let_time_pass() } else { None };
            if state.is_quiet() {
                self.check_settles(state, later.as_ref()).map_err(|violation| (number, None, violation))?;
            }
            let after = |step| if step == Transition::Time { later.clone() } else { state.after(step) };
            let steps: Vec<_> = state.steps().into_iter().map(|step| (step, after(step))).collect();
            let waiting = state.can_wait(&steps);
            for ((step, after), at) in steps.into_iter().zip(0_u16..) {
                let Some(after) = after.filter(|_| !waiting.contains(&step)) else { continue };
                if let Some(violation) = after.violation {
                    return Err((number, Some(at), Violation::clone(&violation)));
                }
                let fingerprint = after.fingerprint();
                if !self.visited.contains(&fingerprint) {
                    reached.push(Reached { fingerprint, origin: Origin { parent: number, step: at } });
                }
                recent.push_back(after);
                if recent.len() > RECENT {
                    recent.pop_front();
                }
            }
        }
        Ok(reached)
    }

    /// Checks that `state`, with nothing under way in it, comes to rest well if nothing more happens. Time makes it
    /// `later`, unless it has come to rest already.
    fn check_settles(&self, state: &State, later: Option<&State>) -> Result<(), Violation> {
        let mut passed = vec![state.fingerprint()];
        let Some(later) = later else { return state.check_rest() };
        let rest = later.clone().at_rest(|state| {
            let fingerprint = state.fingerprint();
            passed.push(fingerprint);
            self.settled.lock().unwrap_or_else(PoisonError::into_inner).contains(&fingerprint)
        })?;
        if let Some(rest) = rest {
            rest.check_rest()?;
        }
        self.settled.lock().unwrap_or_else(PoisonError::into_inner).extend(passed);
        Ok(())
    }

    fn outcome(&self, depth: usize, finished: bool, found: Option<Found>) -> SearchOutcome {
        let last = u32::try_from(self.origins.len().saturating_sub(1)).unwrap_or(0);
        let furthest = if finished || found.is_some() { Vec::new() } else { self.scenario(last, None) };
        SearchOutcome { states: self.origins.len(), depth, finished, found, furthest }
    }

    /// The transitions to a state, and one more, in words.
    fn scenario(&self, number: u32, last: Option<u16>) -> Vec<String> {
        let mut way: Vec<u16> = last.into_iter().collect();
        let mut at = number;
        while at != 0 {
            let Some(origin) = self.origins.get(at as usize) else { break };
            way.push(origin.step);
            at = origin.parent;
        }
        let mut state = self.start.clone();
        let mut scenario = Vec::new();
        for at in way.into_iter().rev() {
            let Some(step) = state.steps().get(usize::from(at)).copied() else { break };
            scenario.push(state.describe(step));
            let Some(next) = state.after(step) else { break };
            if matches!(step, Transition::Time | Transition::FalseAlarm(_)) {
                scenario.extend(next.under_way_in_words());
            }
            state = next;
        }
        scenario
    }
}

/// The violation by a node that panicked. Its message is on standard error already.
fn died() -> Expanded {
    Err((0, None, Violation::new(Instant::ZERO, Property::NoPanic, "a node panicked")))
}
