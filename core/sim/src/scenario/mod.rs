//! Scenarios: runs that a person can read, as text.
//!
//! ```text
//! nodes 5 seed 42              members 1 to 5, in this ring order; 1 creates the room
//! at 1s say 3 hello
//! at 2s crash leader next      both at one instant
//! until converged within 5s    later times count from here
//! expect shown-by-all hello
//! ```
//!
//! [`Statement`], [`ScenarioAction`], [`Impairment`] and [`Condition`] list the whole language. The oracles watch every
//! run.

mod language;
mod names;
mod parse;
mod perform;
mod performer;
mod play;
mod undone;

pub use self::language::{
    BadDials, Condition, Impairment, Messages, Scenario, ScenarioAction, Statement, Target,
};
pub use self::names::{place_called, usual_name};
pub use self::parse::{ParseError, brief, parse, parse_time};
pub use self::perform::{Performance, perform};
pub use self::performer::Performer;
pub use self::undone::Undone;

use alloc::borrow::ToOwned as _;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

use ringchat_core::trace::Tracing;
use ringchat_trace::LifeLines;

use self::play::Play;
use crate::lives::life_lines;
use crate::oracles::{Shape, Violation};
use crate::{Counts, HostId, HostStep, World};

/// The reason why a scenario does not go as written.
#[derive(Clone, Debug)]
pub enum Failure {
    /// The text is not a scenario.
    Parse(ParseError),
    /// An oracle has found a violation.
    Violation(Violation),
    /// A condition does not hold.
    Unmet {
        /// The line that states the condition, from 1; 0 while the first ring gathers.
        line: usize,
        /// What holds instead.
        instead: String,
    },
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Parse(error) => error.fmt(f),
            Self::Violation(violation) => violation.fmt(f),
            Self::Unmet { line, instead } => write!(f, "line {line} does not hold: {instead}"),
        }
    }
}

impl core::error::Error for Failure {}

impl From<Violation> for Failure {
    fn from(violation: Violation) -> Self {
        Self::Violation(violation)
    }
}

/// Plays a scenario. Returns the trace as well, up to the failure if there is one.
pub fn play(text: &str) -> (Result<(), Failure>, String) {
    play_in(text, |_| {}, |_| {})
}

/// Plays a scenario of nodes that are traced. Returns what they have told as well.
pub fn play_traced(text: &str, tracing: Tracing) -> (Result<(), Failure>, String, Vec<HostStep>) {
    let mut steps = Vec::new();
    let (result, trace) =
        play_in(text, |world| world.set_tracing(tracing), |world| steps = world.steps().to_vec());
    (result, trace, steps)
}

/// Plays a scenario of nodes that are traced, texts included. Returns the trace of each life as well, and what was counted
/// meanwhile.
pub fn play_lives(text: &str) -> (Result<(), Failure>, Vec<LifeLines>, Counts) {
    let (mut lives, mut counts) = (Vec::new(), Counts::default());
    let look = |world: &World| (lives, counts) = (life_lines(world), world.counts().clone());
    let (result, _) = play_in(text, |world| world.set_tracing(Tracing::Texts), look);
    (result, lives, counts)
}

/// Plays a scenario of nodes that lack `rules`.
#[cfg(feature = "ablation")]
pub fn play_without(rules: &'static [ringchat_core::Rule], text: &str) -> (Result<(), Failure>, String) {
    play_in(text, |world| world.ablate(rules), |_| {})
}

/// Plays a scenario in a world that `prepare` has changed, and lets `look` at the end of it.
fn play_in(
    text: &str,
    prepare: impl FnOnce(&mut World),
    look: impl FnOnce(&World),
) -> (Result<(), Failure>, String) {
    match parse(text) {
        Err(error) => (Err(Failure::Parse(error)), String::new()),
        Ok(scenario) => {
            let mut play = Play::new(&scenario, true);
            prepare(&mut play.world);
            let result = play.run();
            look(&play.world);
            (result, play.world.trace().to_owned())
        }
    }
}

/// A member that lives at the end of a scenario.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Survivor {
    /// Its place, followed by a letter if it is not the first process there.
    pub label: String,
    /// The texts that it has shown, in their order.
    pub shown: Vec<String>,
}

/// Plays a scenario without a trace. Returns the rings at its end.
///
/// # Errors
/// If the scenario does not go as written, or ends while a live member is in no ring.
pub fn play_to_end(text: &str) -> Result<Vec<Vec<Survivor>>, Failure> {
    let scenario = parse(text).map_err(Failure::Parse)?;
    let mut play = Play::new(&scenario, false);
    play.run()?;
    Ok(survivors(&play.world)?)
}

/// The rings of a world.
fn survivors(world: &World) -> Result<Vec<Vec<Survivor>>, Violation> {
    let survivor = |&host: &HostId| {
        let shown = world.transcripts().of(host).texts.clone();
        Survivor { label: world.label(host).to_owned(), shown }
    };
    let rings = world.rings(Shape::SomeRings)?;
    Ok(rings.iter().map(|ring| ring.iter().map(survivor).collect()).collect())
}
