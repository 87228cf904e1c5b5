//! M and idle: what a room costs, in memory at rest and under T, and in processor time at rest.

use anyhow::{Context, Result};

use super::{Outcome, Run, throughput};
use crate::clock;
use crate::measured::{Measure, Target, Unit, float};
use crate::options::Effort;
use crate::room::{Plan, Room};
use crate::system::System;

const LEADER: usize = 0;
const MEMBER: usize = 1;

/// How long a room is left alone.
const REST: clock::Nanos = 60_000_000_000;

/// The memory of a member and the leader of a room of `n`.
pub(super) fn memory(system: System, n: u16, effort: &Effort) -> Result<Run> {
    let Some(mut room) = Room::open(Plan::of(system, n))? else { return Ok(None) };
    let mebibytes = |kib| float(kib) / 1024.0;
    let rest = [MEMBER, LEADER].map(|who| room.usage(who));
    let mut receivers = room.everyone();
    let sender = receivers.pop().context("a room without a sender")?;
    throughput::flood(&mut room, &[sender], &receivers, effort.flood)?;
    let busy = [MEMBER, LEADER].map(|who| room.usage(who));

    let whats = ["member at rest", "leader at rest", "member under T", "leader under T"];
    let mut outcomes = Vec::new();
    for (at, (what, usage)) in whats.into_iter().zip(rest.into_iter().chain(busy)).enumerate() {
        let usage = usage?;
        let value = mebibytes(if at < 2 { usage.resident_kib } else { usage.peak_kib });
        let target = match (what.starts_with("member"), n) {
            (true, 10) => vec![Target::Limit(4.0)],
            (false, 100) => vec![Target::Limit(10.0)],
            _ => Vec::new(),
        };
        let measure = Measure { workload: "M", what, n, unit: Unit::Mebibytes };
        outcomes.push(Outcome { measure, targets: target, value });
    }
    Ok(Some(outcomes))
}

/// The processor time of a member and the leader of a room of `n` that is left alone.
pub(super) fn idle(system: System, n: u16, effort: &Effort) -> Result<Run> {
    let Some(mut room) = Room::open(Plan::of(system, n))? else { return Ok(None) };
    let rest = if effort.short { effort.flood } else { REST };
    let used = |room: &mut Room| -> Result<[u64; 2]> {
        Ok([room.usage(MEMBER)?.processor, room.usage(LEADER)?.processor])
    };
    let (from, before) = (clock::now(), used(&mut room)?);
    room.pass_until(from + rest)?;
    let (to, after) = (clock::now(), used(&mut room)?);
    let outcome = |what, limit, who: usize| Outcome {
        measure: Measure { workload: "idle", what, n, unit: Unit::Percent },
        targets: vec![Target::Limit(limit)],
        value: float(after[who] - before[who]) / float(to - from) * 100.0,
    };
    Ok(Some(vec![outcome("member", 0.1, 0), outcome("leader", 0.5, 1)]))
}
