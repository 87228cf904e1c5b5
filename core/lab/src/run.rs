//! A run: a script, how far it is played, and the picture of that.

use alloc::borrow::ToOwned as _;
use alloc::format;
use alloc::string::{String, ToString as _};
use core::time::Duration;

use ringchat_core::Instant;
use ringchat_picture::trace::{MergedRun, ReadError, TraceReader};
use ringchat_picture::{Feed, RunReport, Wanted, report};
use ringchat_sim::scenario::{Failure, Performer};
use ringchat_trace::LifeLines;
use serde_json::value::RawValue;

use crate::ask::{Answer, FailureAnswer, GoalAnswer, RunAnswer};
use crate::bounds::{LONGEST, MAX_TOLD, STEPS, STEPS_AT_ONCE, STEPS_TO_GATHER};
use crate::error::LabError;
use crate::exercises::{self, Faults, Seen};
use crate::script::{Script, seconds};

/// After so much virtual time a gathering room is looked at.
const A_MOMENT: Duration = Duration::from_millis(5);

/// A run that is played as far as somebody has asked for.
#[derive(Debug)]
pub(crate) struct Run {
    pub(crate) number: u64,
    label: String,
    pub(crate) parent: Option<u64>,
    pub(crate) exercise: Option<u64>,
    pub(crate) script: Script,
    performer: Performer,
    feed: Feed,
    /// How much there was to tell when it was drawn.
    drawn: usize,
    report: Option<RunReport>,
    faults: Faults,
    pub(crate) guess: Option<String>,
    /// The same run as far as it is shown, if it is played further.
    shown: Option<Shown>,
    /// No more steps are told of.
    pub(crate) most: usize,
    /// What keeps the lab from playing or drawing on.
    bound: Option<String>,
}

impl Run {
    /// A run whose first ring has gathered, if that takes not too many steps.
    pub(crate) fn new(number: u64, label: String, script: Script) -> Self {
        let mut run = Self {
            number,
            label,
            parent: None,
            exercise: None,
            performer: Performer::new(&script.scenario),
            script,
            feed: Feed::default(),
            drawn: 0,
            report: None,
            faults: Faults::default(),
            guess: None,
            shown: None,
            most: MAX_TOLD,
            bound: None,
        };
        let (mut steps, longest) = (STEPS_TO_GATHER, Instant::ZERO.after(LONGEST));
        while run.performer.gathered().is_none() && run.failure().is_none() && run.performer.now() < longest {
            let next = run.performer.now().after(A_MOMENT);
            if !run.play(next, &mut steps) {
                break;
            }
        }
        run
    }

    /// The same run, as a branch of another one and as part of an exercise.
    pub(crate) fn under(self, parent: Option<u64>, exercise: Option<u64>) -> Self {
        Self { parent, exercise, ..self }
    }

    pub(crate) fn answer(&self) -> RunAnswer {
        RunAnswer {
            run: self.number,
            label: self.label.clone(),
            parent: self.parent,
            exercise: self.exercise,
            script: self.script.text.clone(),
            gathered: self.performer.gathered().map(|gathered| gathered.0),
            members: self.script.members(),
            guess: self.guess.clone(),
        }
    }

    /// The script of this run up to a moment, and then a deed.
    pub(crate) fn with_deed(&self, at: u64, deed: &str) -> Result<Script, LabError> {
        let (at, now) = (Instant(at), self.performer.now());
        if at > now {
            let ended = self.failure().is_some();
            return Err(if ended { LabError::Ended } else { LabError::NotYet(time(now)) });
        }
        let Some(gathered) = self.performer.gathered().filter(|gathered| *gathered <= at) else {
            let when = self
                .performer
                .gathered()
                .map(|gathered| format!("it can be changed from {} on", time(gathered)));
            return Err(LabError::Gathering(when.unwrap_or_else(|| "let it play on first".into())));
        };
        self.script.with_deed((gathered, self.performer.done()), at, deed)
    }

    /// Notes who will lead next, as somebody believes.
    pub(crate) fn guess(&mut self, who: &str) -> Result<(), LabError> {
        if self.exercise != Some(exercises::GUESS) {
            return Err(LabError::NoGuess);
        }
        if self.script.members().iter().all(|member| member.name != who) {
            return Err(LabError::NoMember(who.chars().take(40).collect()));
        }
        let report = match &self.shown {
            Some(shown) => shown.report.as_ref(),
            None => self.report.as_ref(),
        };
        if report.iter().flat_map(|report| &report.elections).any(|election| election.winner.is_some()) {
            return Err(LabError::LateGuess);
        }
        self.guess = Some(who.into());
        Ok(())
    }

    /// Plays up to `to`, draws that, and answers with what a page lacks that has the version `have` and has shown what
    /// there is up to `seen`.
    pub(crate) fn more(&mut self, to: u64, have: u64, seen: Option<u64>) -> Answer {
        let longest = Instant::ZERO.after(LONGEST);
        let to = Instant(to);
        let come = self.play(to.min(longest), &mut STEPS.clone());
        if come && to > longest {
            self.bound.get_or_insert_with(|| {
                format!("a run of the lab lasts {} at most; start another one", time(longest))
            });
        }
        self.draw();
        // What a feed hands out is JSON.
        let part = RawValue::from_string(self.feed.since(have)).unwrap_or_else(|_| RawValue::NULL.to_owned());
        Answer::More {
            run: self.number,
            version: self.feed.version(),
            now: self.performer.now().0,
            busy: !come,
            failure: self.failure(),
            goal: self.goal(seen.map(Instant)),
            part,
        }
    }

    /// How far the exercise is done at the last moment that was shown.
    fn goal(&mut self, seen: Option<Instant>) -> Option<GoalAnswer> {
        let n = self.exercise?;
        self.show(seen);
        let Self { guess, script, .. } = self;
        let members = script.members();
        let creator = members.first().map_or("", |member| member.name.as_str());
        let (performer, report, faults) = match &self.shown {
            Some(shown) => (&shown.performer, shown.report.as_ref()?, &shown.faults),
            None => (&self.performer, self.report.as_ref()?, &self.faults),
        };
        exercises::goal(n, &Seen { performer, report, faults, guess: guess.as_deref(), creator })
    }

    /// Plays the run once more, as far as it is shown.
    fn show(&mut self, seen: Option<Instant>) {
        let Some(seen) = seen.filter(|seen| *seen < self.performer.now()) else {
            self.shown = None;
            return;
        };
        let shown = self.shown.get_or_insert_with(|| Shown {
            performer: Performer::new(&self.script.scenario),
            told: 0,
            report: None,
            faults: Faults::default(),
        });
        shown.play(seen);
    }

    /// Plays up to `to` with at most so many steps. Returns false if they were too few.
    fn play(&mut self, to: Instant, steps: &mut u64) -> bool {
        while self.failure().is_none() {
            if self.performer.told() > self.most {
                let now = time(self.performer.now());
                self.bound = Some(format!(
                    "too much happens in this run to tell of it after {now}; start another one"
                ));
                break;
            }
            let some = STEPS_AT_ONCE.min(*steps);
            let mut left = some;
            let come = self.performer.play(to, &mut left);
            *steps = steps.saturating_sub(some.saturating_sub(left));
            if come {
                break;
            }
            if *steps == 0 {
                return false;
            }
        }
        true
    }

    /// Draws the run anew if there is more to tell.
    fn draw(&mut self) {
        let told = self.performer.told();
        if told == self.drawn {
            return;
        }
        self.drawn = told;
        let lives = self.performer.lives();
        match read(&lives) {
            Ok(run) => {
                self.report = Some(report(&run, self.performer.gathered().map_or(0, |gathered| gathered.0)));
                self.faults = Faults::of(&lives);
                // A room that has done nothing yet has no picture.
                let _ = self.feed.draw(&run, &Wanted::default());
            }
            Err(error) => self.bound = Some(format!("the run cannot be drawn: {error}")),
        }
    }

    /// How much there is to tell.
    #[cfg(test)]
    pub(crate) fn told(&self) -> usize {
        self.performer.told()
    }

    fn failure(&self) -> Option<FailureAnswer> {
        let Some(failure) = self.performer.failure() else {
            return self.bound.clone().map(|what| FailureAnswer { line: 0, what });
        };
        let line = self.performer.line();
        let words = line.checked_sub(1).and_then(|before| self.script.text.lines().nth(before));
        let words = words
            .map_or_else(|| "while the first ring gathers".into(), |words| format!("{:?}", words.trim()));
        let what = match failure {
            Failure::Unmet { instead, .. } if line == 0 => {
                let delay = seconds(self.script.scenario.delay.as_micros());
                format!(
                    "the room does not gather, over links of up to {delay}: {instead}; make the delay smaller"
                )
            }
            Failure::Unmet { instead, .. } => format!("{words} does not hold: {instead}"),
            Failure::Violation(violation) => format!("{words}: a promise is broken: {violation}"),
            Failure::Parse(error) => error.to_string(),
        };
        Some(FailureAnswer { line, what })
    }
}

/// A run up to the last moment that was shown of it. What was shown stays shown.
#[derive(Debug)]
struct Shown {
    performer: Performer,
    /// How much there was to tell when it was reported.
    told: usize,
    report: Option<RunReport>,
    faults: Faults,
}

impl Shown {
    fn play(&mut self, seen: Instant) {
        // The first ring gathers within other bounds.
        let steps = if self.performer.gathered().is_some() { STEPS } else { STEPS_TO_GATHER };
        self.performer.play(seen, &mut steps.clone());
        let told = self.performer.told();
        if told == self.told {
            return;
        }
        let lives = self.performer.lives();
        if let Ok(run) = read(&lives) {
            self.told = told;
            self.report = Some(report(&run, self.performer.gathered().map_or(0, |gathered| gathered.0)));
            self.faults = Faults::of(&lives);
        }
    }
}

fn read(lives: &[LifeLines]) -> Result<MergedRun, ReadError> {
    let mut reader = TraceReader::default();
    lives.iter().try_for_each(|life| reader.life(life))?;
    reader.finish(None)
}

/// A moment, in words.
pub(crate) fn time(at: Instant) -> String {
    seconds(at.0.into())
}
