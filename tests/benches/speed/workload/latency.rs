//! L: from a text's saying until the last receiver shows it, one sender, 20 texts a second.

use anyhow::{Context, Result};

use super::{Outcome, Run, check};
use crate::clock;
use crate::control::{Heard, Order};
use crate::measured::{Measure, Target, Unit, millis, quantile};
use crate::options::Effort;
use crate::room::{Plan, Room};
use crate::system::System;

const EVERY: u64 = 50_000_000;

/// One sends to `n` receivers. In a ringchat room the sender does not lead.
pub(super) fn run(system: System, n: u16, effort: &Effort) -> Result<Run> {
    let plan = Plan { deaf_sender: true, ..Plan::of(system, n + 1) };
    let Some(mut room) = Room::open(plan)? else { return Ok(None) };
    let mut receivers = room.everyone();
    let sender = receivers.pop().context("a room without a sender")?;
    let count = effort.paced;
    room.listen(&receivers, 1, true)?;
    room.order(sender, &Order::Pace { count, every: EVERY, from: clock::now() + EVERY })?;
    room.said(sender)?;
    let heard = receivers.iter().map(|receiver| room.heard(*receiver)).collect::<Result<Vec<_>>>()?;
    check(system, &heard, |_| u64::from(count))?;
    let times = last_receipts(&heard);
    let targets = vec![Target::AtMost(1.3, System::Hub), Target::AtMost(1.0, System::Ngircd)];
    let value = |what, percent, targets| {
        let measure = Measure { workload: "L", what, n, unit: Unit::Millis };
        quantile(&times, percent).map(|value| Outcome { measure, targets, value })
    };
    Ok(Some(value("p50", 50, targets).into_iter().chain(value("p99", 99, Vec::new())).collect()))
}

/// For each text, in milliseconds, how long it took to the last receiver.
fn last_receipts(heard: &[Heard]) -> Vec<f64> {
    let mut last = Vec::new();
    for Heard { arrivals, .. } in heard {
        last.resize(arrivals.len(), 0);
        for (last, arrival) in last.iter_mut().zip(arrivals) {
            *last = (*last).max(arrival.heard.saturating_sub(arrival.said));
        }
    }
    last.into_iter().map(millis).collect()
}
