//! T and T-all: as many deliveries a second as the room takes, until the slowest has heard all.

use anyhow::{Context, Result};

use super::{Outcome, Run, check, rate};
use crate::clock::Nanos;
use crate::control::{Heard, Order};
use crate::measured::{Measure, Target, Unit, float};
use crate::options::Effort;
use crate::room::{Plan, Room};
use crate::system::System;

/// Whose processor time is measured under T, by text: it does not depend on what else the machine does.
const ROLES: [&str; 3] = ["cpu of leader or server", "cpu of a receiver", "cpu of the sender"];

/// How much shorter the flood of a system that hoards is.
const HOARDED: Nanos = 8;

/// What a flood gave.
pub(super) struct Flood {
    /// Texts that were said.
    texts: u64,
    /// Thousands of deliveries a second.
    rate: f64,
}

/// One sends to `n` receivers. In a ringchat room the sender does not lead.
pub(super) fn one_sends(system: System, n: u16, effort: &Effort) -> Result<Run> {
    let plan = Plan { deaf_sender: true, ..Plan::of(system, n + 1) };
    let Some(mut room) = Room::open(plan)? else { return Ok(None) };
    let mut receivers = room.everyone();
    let sender = receivers.pop().context("a room without a sender")?;
    let before = processor_times(&mut room, sender)?;
    let flood = flood(&mut room, &[sender], &receivers, effort.flood)?;
    let after = processor_times(&mut room, sender)?;
    let mut targets = vec![Target::AtLeast(0.5, System::Hub)];
    if n >= 10 {
        targets.extend([Target::AtLeast(1.5, System::Redis), Target::AtLeast(1.5, System::Nats)]);
    }
    let mut outcomes = vec![Outcome { measure: rate("T", n), targets, value: flood.rate }];
    for (what, (before, after)) in ROLES.into_iter().zip(before.into_iter().zip(after)) {
        let measure = Measure { workload: "T", what, n, unit: Unit::Micros };
        let value = float(after - before) / float(flood.texts) / 1e3;
        outcomes.push(Outcome { measure, targets: Vec::new(), value });
    }
    Ok(Some(outcomes))
}

/// The processor time of each role, in the order of [`ROLES`].
fn processor_times(room: &mut Room, sender: usize) -> Result<[Nanos; 3]> {
    Ok([room.centre()?, room.usage(1)?.processor, room.usage(sender)?.processor])
}

/// All of `n` members send, and receive everything.
pub(super) fn all_send(system: System, n: u16, effort: &Effort) -> Result<Run> {
    let Some(mut room) = Room::open(Plan::of(system, n))? else { return Ok(None) };
    let all = room.everyone();
    let value = flood(&mut room, &all, &all, effort.flood)?.rate;
    let targets = vec![
        Target::AtLeast(0.5, System::Hub),
        Target::AtLeast(1.0, System::Redis),
        Target::AtLeast(1.0, System::Nats),
    ];
    Ok(Some(vec![Outcome { measure: rate("T-all", n), targets, value }]))
}

/// `senders` say as much as is taken for so long.
pub(super) fn flood(room: &mut Room, senders: &[usize], receivers: &[usize], nanos: Nanos) -> Result<Flood> {
    let system = room.system();
    // What is taken is what is passed on, so a short flood has the rate of a long one.
    let nanos = if system.hoards() { nanos / HOARDED } else { nanos };
    room.listen(receivers, senders.len(), false)?;
    for sender in senders {
        room.order(*sender, &Order::Flood { nanos })?;
    }
    let said = senders.iter().map(|sender| room.said(*sender)).collect::<Result<Vec<_>>>()?;
    let heard = receivers.iter().map(|receiver| room.heard(*receiver)).collect::<Result<Vec<_>>>()?;
    let all: u64 = said.iter().map(|(count, _)| u64::from(*count)).sum();
    let own = |who: usize| match said.get(who) {
        Some((count, _)) if !system.echoes() && said.len() > 1 => u64::from(*count),
        _ => 0,
    };
    check(system, &heard, |who| all - own(who))?;
    let from = said.iter().map(|(_, from)| *from).min().unwrap_or(0);
    let to = heard.iter().map(|heard| heard.at).max().unwrap_or(0);
    let deliveries: u64 = heard.iter().map(|Heard { count, .. }| *count).sum();
    Ok(Flood { texts: all, rate: float(deliveries) / float(to - from) * 1e6 })
}
