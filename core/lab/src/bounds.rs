//! What bounds the work and the memory that requests can cost.

use core::time::Duration;

use ringchat_core::limits::MAX_TEXT;
use ringchat_sim::scenario::{Scenario, ScenarioAction, Statement, Target};

use crate::error::LabError;

/// No request has more bytes.
pub(crate) const MAX_REQUEST: usize = 64 << 10;
/// No room has more places.
pub(crate) const MAX_PLACES: usize = 64;
/// No script has more statements.
pub(crate) const MAX_STATEMENTS: usize = 500;
/// No script starts more processes.
pub(crate) const MAX_STARTS: usize = 256;
/// All members together show no more messages.
pub(crate) const MAX_SHOWN: u64 = 100_000;
/// All members together show no more bytes.
pub(crate) const MAX_SHOWN_BYTES: u64 = 4 << 20;
/// No run lasts longer.
pub(crate) const LONGEST: Duration = Duration::from_mins(10);
/// No run is told of in more steps; each is a line of a trace or two.
pub(crate) const MAX_TOLD: usize = 50_000;
/// A request plays so many steps of the simulator at most, about. A room of six takes them in some 45 seconds of
/// virtual time.
pub(crate) const STEPS: u64 = 5_000;
/// The room of a new run may take so many to gather.
pub(crate) const STEPS_TO_GATHER: u64 = 40_000;
/// After so many steps a run is looked at.
pub(crate) const STEPS_AT_ONCE: u64 = 500;
/// So many runs are kept.
pub(crate) const MAX_RUNS: usize = 8;

const _: () = assert!(MAX_TEXT as u64 <= MAX_SHOWN_BYTES);

/// Checks that a scenario is small enough for the lab.
///
/// # Errors
/// What there is too much of.
pub(crate) fn check(scenario: &Scenario, places: usize) -> Result<(), LabError> {
    if places > MAX_PLACES {
        return Err(LabError::Places);
    }
    if scenario.statements.len() > MAX_STATEMENTS {
        return Err(LabError::Statements);
    }
    let members = places as u64;
    let mut starts = scenario.ring.len() as u64;
    let (mut shown, mut bytes) = (0u64, 0u64);
    for (_, statement) in &scenario.statements {
        let Statement::At(_, action) = statement else { continue };
        match action {
            ScenarioAction::Join(who, _) | ScenarioAction::Restart(who, _) => {
                starts = starts.saturating_add(count(who, members));
            }
            ScenarioAction::Say(who, text) => {
                let times = count(who, members).saturating_mul(members);
                shown = shown.saturating_add(times);
                bytes = bytes.saturating_add(times.saturating_mul(text.len() as u64));
            }
            ScenarioAction::Flood(who, texts) => {
                let times = count(who, members).saturating_mul(members).saturating_mul(*texts);
                shown = shown.saturating_add(times);
            }
            _ => {}
        }
    }
    if starts > MAX_STARTS as u64 {
        return Err(LabError::Starts);
    }
    if shown > MAX_SHOWN || bytes > MAX_SHOWN_BYTES {
        return Err(LabError::Said);
    }
    Ok(())
}

/// How many processes these targets may be.
fn count(who: &[Target], members: u64) -> u64 {
    let one = |target: &Target| if matches!(target, Target::All | Target::Others) { members } else { 1 };
    who.iter().map(one).fold(0, u64::saturating_add)
}
