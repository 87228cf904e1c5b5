//! J: from the start of a process until it is in the room.

use anyhow::{Context, Result};

use super::{Outcome, Run};
use crate::measured::{Measure, Target, Unit, millis};
use crate::options::Effort;
use crate::room::{Plan, Room};
use crate::system::System;

const AT_ONCE: usize = 5;

/// One joins a room of `n`, then five at once.
pub(super) fn run(system: System, n: u16, _effort: &Effort) -> Result<Run> {
    let Some(mut room) = Room::open(Plan::of(system, n))? else { return Ok(None) };
    let outcome = |what, value| Outcome {
        measure: Measure { workload: "J", what, n, unit: Unit::Millis },
        targets: vec![Target::Limit(10.0)],
        value,
    };
    let one = slowest(&mut room, 1)?;
    let five = slowest(&mut room, AT_ONCE)?;
    Ok(Some(vec![outcome("one joins", one), outcome("five join at once", five)]))
}

/// The longest that one of `count` processes took that start together.
fn slowest(room: &mut Room, count: usize) -> Result<f64> {
    let mut slowest = None;
    for who in room.enter_more(count)? {
        let (_, joined) = room.joined(who)?;
        slowest = slowest.max(Some(joined.saturating_sub(room.started(who))));
    }
    Ok(millis(slowest.context("nobody joined")?))
}
