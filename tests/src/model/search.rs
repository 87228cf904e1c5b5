//! The search, breadth first: the first way found to a state is a shortest one.

use std::collections::HashSet;
use std::sync::{Mutex, PoisonError};
use std::thread;

use super::state::State;
use super::step::Step;

/// States are expanded in batches, each by all threads.
const BATCH: usize = 1 << 15;

/// When to stop early, and how many threads to use.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// No more states than this.
    pub states: usize,
    /// Threads, at least one.
    pub jobs: usize,
}

/// Something that must not be, and a shortest way to it.
#[derive(Clone, Debug)]
pub struct Found {
    /// What is wrong.
    pub what: String,
    /// The steps to it from the beginning, in words.
    pub scenario: Vec<String>,
}

/// What a search came to.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// How many states were found.
    pub states: usize,
    /// How many steps the furthest of them is away from the beginning.
    pub depth: usize,
    /// Whether all states were found and looked at.
    pub finished: bool,
    /// What is wrong, if anything.
    pub found: Option<Found>,
    /// If it stopped early: the steps to the state found last, in words. One that is far away may show
    /// something that goes on for ever.
    pub furthest: Vec<String>,
}

/// How a state was reached first.
#[derive(Clone, Copy)]
struct Origin {
    /// The number of the state before; its own for the first.
    parent: u32,
    /// Which of that state's steps.
    step: u16,
}

/// A state to look at, and its number.
struct Open {
    number: u32,
    state: State,
}

/// A state reached in one step.
struct Reached {
    fingerprint: u128,
    origin: Origin,
    state: State,
}

/// What one thread made of its part of a batch.
type Expanded = Result<Vec<Reached>, (u32, Option<u16>, String)>;

/// Searches all that can follow from `start`. `progress` is told the depth and the number of states found
/// and of states to look at, after each batch.
pub fn search(start: State, limits: Limits, mut progress: impl FnMut(usize, usize, usize)) -> Outcome {
    let origins = vec![Origin { parent: 0, step: 0 }];
    let mut search = Search {
        visited: HashSet::from([start.fingerprint()]),
        settled: Mutex::new(HashSet::new()),
        origins,
        start: start.clone(),
    };
    let mut frontier = vec![Open { number: 0, state: start }];
    let mut depth = 0;
    while !frontier.is_empty() {
        let mut next = Vec::new();
        while !frontier.is_empty() {
            let batch = frontier.split_off(frontier.len().saturating_sub(BATCH));
            if let Err((number, step, what)) = search.expand_all(&batch, limits.jobs, &mut next) {
                let found = Some(Found { what, scenario: search.scenario(number, step) });
                return search.outcome(depth + 1, false, found);
            }
            progress(depth, search.origins.len(), frontier.len() + next.len());
            if search.origins.len() > limits.states {
                return search.outcome(depth, false, None);
            }
        }
        if !next.is_empty() {
            depth += 1;
        }
        frontier = next;
    }
    search.outcome(depth, true, None)
}

struct Search {
    visited: HashSet<u128>,
    /// States with nothing under way from which a good rest is known to be reached.
    settled: Mutex<HashSet<u128>>,
    origins: Vec<Origin>,
    start: State,
}

impl Search {
    /// Finds what follows from a batch of states, and keeps what is new.
    fn expand_all(
        &mut self,
        batch: &[Open],
        jobs: usize,
        next: &mut Vec<Open>,
    ) -> Result<(), (u32, Option<u16>, String)> {
        let part = batch.len().div_ceil(jobs.max(1)).max(1);
        let shared: &Self = self;
        let parts: Vec<Expanded> = thread::scope(|scope| {
            let threads: Vec<_> =
                batch.chunks(part).map(|part| scope.spawn(move || shared.expand(part))).collect();
            threads.into_iter().map(|thread| thread.join().unwrap_or_else(|_| died())).collect()
        });
        for part in parts {
            for Reached { fingerprint, origin, state } in part? {
                if self.visited.insert(fingerprint) {
                    let number = u32::try_from(self.origins.len()).unwrap_or(u32::MAX);
                    self.origins.push(origin);
                    next.push(Open { number, state });
                }
            }
        }
        Ok(())
    }

    fn expand(&self, part: &[Open]) -> Expanded {
        let mut reached = Vec::new();
        for Open { number, state } in part {
            let later = if state.is_quiet() { state.let_time_pass() } else { None };
            if state.is_quiet() {
                self.check_settles(state, later.as_ref()).map_err(|what| (*number, None, what))?;
            }
            for (step, at) in state.steps().into_iter().zip(0_u16..) {
                let after = if step == Step::Time { later.clone() } else { state.after(step) };
                let Some(after) = after else { continue };
                if let Some(wrong) = after.wrong {
                    return Err((*number, Some(at), wrong.to_string()));
                }
                let fingerprint = after.fingerprint();
                if !self.visited.contains(&fingerprint) {
                    let origin = Origin { parent: *number, step: at };
                    reached.push(Reached { fingerprint, origin, state: after });
                }
            }
        }
        Ok(reached)
    }

    /// With nothing more befalling, a good rest is to be reached from each state. With nothing under way in
    /// `state`, time makes it `later`, or it has come to rest.
    fn check_settles(&self, state: &State, later: Option<&State>) -> Result<(), String> {
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

    fn outcome(&self, depth: usize, finished: bool, found: Option<Found>) -> Outcome {
        let last = u32::try_from(self.origins.len().saturating_sub(1)).unwrap_or(0);
        let furthest = if finished || found.is_some() { Vec::new() } else { self.scenario(last, None) };
        Outcome { states: self.origins.len(), depth, finished, found, furthest }
    }

    /// The steps to a state, and one more.
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
            if matches!(step, Step::Time | Step::FalseAlarm(_)) {
                scenario.extend(next.under_way_in_words());
            }
            state = next;
        }
        scenario
    }
}

/// A node panicked: its message is on standard error already.
fn died() -> Expanded {
    Err((0, None, "a node panicked".into()))
}
