//! A lab for rooms: whoever asks it starts runs, breaks them, goes back, and tries another way. JSON in, JSON out.
//!
//! A run is the text of a scenario, and nothing else. It is played from its start, so going back is to play the text
//! again, and a branch is another text. Whatever is found is a scenario that can be kept.
//!
//! No request panics or makes the lab work without end: scripts are bounded, a request plays a bounded number of steps and
//! then answers that it is busy, and a run is bounded in virtual time and in what there is to tell. Signs of life are not
//! told of at all, neither their sendings nor their receipts, so a quiet room does not make a run grow. They are not drawn
//! either, and what follows from their absence (a suspicion, a link that ends) is told of like everything else.

#![no_std]
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on is to panic"))]

extern crate alloc;

mod ask;
mod bounds;
mod error;
mod exercises;
#[cfg(feature = "fuzzing")]
pub mod fuzzing;
mod run;
mod script;
#[cfg(test)]
mod tests;

pub use error::LabError;
pub use script::{Named, named};

use alloc::collections::BTreeSet;
use alloc::format;
use alloc::string::{String, ToString as _};
use alloc::vec::Vec;

use crate::ask::{Answer, Request, RunAnswer};
use crate::bounds::{MAX_REQUEST, MAX_RUNS};
use crate::run::{Run, time};
use crate::script::Script;

/// The letters of a deed that a label shows.
const SHOWN: usize = 40;

/// Some runs, and the exercises.
#[derive(Debug)]
pub struct Lab {
    /// The newest last.
    runs: Vec<Run>,
    /// The number of the run that was begun last, while it is there.
    current: u64,
    /// How many runs there have been.
    count: u64,
}

impl Lab {
    /// A lab with one run, which plays a scenario. One without statements is just a room.
    ///
    /// # Errors
    /// If the text is no scenario, or one that is too great for the lab.
    pub fn new(script: &str) -> Result<Self, LabError> {
        let mut lab = Self { runs: Vec::new(), current: 0, count: 0 };
        lab.start(script)?;
        Ok(lab)
    }

    /// Answers a request. Both are an object of JSON; `docs/lab.md` of the project lists them. The answer to what cannot
    /// be done is an object with the one field `error`.
    pub fn ask(&mut self, request: &str) -> String {
        let answer = self.answer(request).unwrap_or_else(Answer::from);
        // Every answer can be written: its keys are strings.
        serde_json::to_string(&answer).unwrap_or_default()
    }

    fn answer(&mut self, request: &str) -> Result<Answer, LabError> {
        if request.len() > MAX_REQUEST {
            return Err(LabError::TooLong);
        }
        let request =
            serde_json::from_str(request).map_err(|error| LabError::NoRequest(error.to_string()))?;
        Ok(match request {
            Request::Hello => Answer::Hello {
                kind: "lab",
                runs: self.list(),
                current: self.current,
                exercises: exercises::list(),
            },
            Request::Start { script } => Answer::Run(self.start(&script)?),
            Request::Exercise { n } => Answer::Run(self.exercise(n)?),
            Request::Do { run, at, deed, keep } => Answer::Run(self.deed(run, at, &deed, keep)?),
            Request::Undo { run } => {
                let script = self.run(run)?.script.without_last_deed()?;
                let label = script.last_deed().map_or_else(|| "the room".into(), short);
                Answer::Run(self.replace(run, label, script)?)
            }
            Request::Edit { run, script } => {
                self.run(run)?;
                Answer::Run(self.replace(run, "edited".into(), Script::new(&script)?)?)
            }
            Request::More { run, to, have, seen } => self.run(run)?.more(to, have, seen),
            Request::Guess { run, who } => {
                self.run(run)?.guess(&who)?;
                Answer::Guess { run, guess: who }
            }
            Request::Close { run } => {
                self.run(run)?;
                self.close(run);
                Answer::Close { runs: self.list() }
            }
        })
    }

    fn list(&self) -> Vec<RunAnswer> {
        self.runs.iter().map(Run::answer).collect()
    }

    fn run(&mut self, number: u64) -> Result<&mut Run, LabError> {
        self.runs.iter_mut().find(|run| run.number == number).ok_or(LabError::NoRun(number))
    }

    fn start(&mut self, script: &str) -> Result<RunAnswer, LabError> {
        let script = Script::new(script)?;
        let label = format!("a room of {}", script.scenario.ring.len());
        Ok(self.begin(label, script, None, None))
    }

    fn exercise(&mut self, n: u64) -> Result<RunAnswer, LabError> {
        let exercise = exercises::find(n)?;
        let label = format!("{n} {}", exercise.title);
        Ok(self.begin(label, Script::new(exercise.script)?, None, Some(n)))
    }

    fn deed(&mut self, number: u64, at: u64, deed: &str, keep: bool) -> Result<RunAnswer, LabError> {
        let run = self.run(number)?;
        let script = run.with_deed(at, deed)?;
        let label = format!("{} at {}", short(deed.trim()), time(ringchat_core::Instant(at)));
        if keep {
            let (parent, exercise, guess) = (Some(number), run.exercise, run.guess.clone());
            self.begin(label, script, parent, exercise);
            let run = self.run(self.current)?;
            run.guess = guess;
            return Ok(run.answer());
        }
        self.replace(number, label, script)
    }

    /// Another run in place of one, whose branches are the branches of the other now.
    fn replace(&mut self, number: u64, label: String, script: Script) -> Result<RunAnswer, LabError> {
        let run = self.run(number)?;
        let (parent, exercise, guess) = (run.parent, run.exercise, run.guess.take());
        self.close(number);
        self.begin(label, script, parent, exercise);
        let run = self.run(self.current)?;
        run.guess = guess;
        Ok(run.answer())
    }

    fn begin(
        &mut self,
        label: String,
        script: Script,
        parent: Option<u64>,
        exercise: Option<u64>,
    ) -> RunAnswer {
        self.count = self.count.saturating_add(1);
        self.current = self.count;
        let run = Run::new(self.count, label, script).under(parent, exercise);
        let answer = run.answer();
        self.runs.push(run);
        self.keep_few();
        answer
    }

    /// The oldest run goes that the newest is no branch of, if there are too many.
    fn keep_few(&mut self) {
        if self.runs.len() <= MAX_RUNS {
            return;
        }
        let mut above = BTreeSet::new();
        let mut next = Some(self.current);
        while let Some(number) = next {
            above.insert(number);
            next = self.runs.iter().find(|run| run.number == number).and_then(|run| run.parent);
        }
        let goes = self.runs.iter().find(|run| !above.contains(&run.number)).or(self.runs.first());
        if let Some(number) = goes.map(|run| run.number) {
            self.close(number);
        }
    }

    /// Forgets a run. Its branches become those of its parent.
    fn close(&mut self, number: u64) {
        let Some(at) = self.runs.iter().position(|run| run.number == number) else { return };
        let parent = self.runs.remove(at).parent;
        for run in self.runs.iter_mut().filter(|run| run.parent == Some(number)) {
            run.parent = parent;
        }
        if self.current == number {
            self.current = self.runs.last().map_or(0, |run| run.number);
        }
    }
}

/// As much of a deed as a label shows.
fn short(deed: &str) -> String {
    let mut text: String = deed.chars().take(SHOWN).collect();
    if text.len() < deed.len() {
        text.push('…');
    }
    text
}

/// Runs the example of the README.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
