//! F and churn: members are killed or stopped while all talk. How long until every survivor shows what another
//! survivor said afterwards, and whether anything is lost.

use std::collections::BTreeSet;

use anyhow::{Context, Result, ensure};
use rustix::process::{Pid, Signal, kill_process};

use super::{Outcome, Run, throughput};
use crate::clock::{self, Nanos};
use crate::control::{Heard, Order};
use crate::measured::{Measure, Target, Unit, float, millis};
use crate::options::Effort;
use crate::room::{Plan, Room};
use crate::system::System;

/// Texts a second of all members together.
const RATE: u64 = 200;
const SECOND: Nanos = 1_000_000_000;
/// How long all talk before anybody is harmed.
const BEFORE: Nanos = SECOND / 2;

/// What is done to a room.
struct Blow {
    workload: &'static str,
    what: &'static str,
    signal: Signal,
    /// How many; they stand evenly in the order of entry, the leader first.
    victims: u16,
    detect_ms: Option<u64>,
    /// How long all talk afterwards.
    after: Nanos,
    /// The most that it may take, in milliseconds.
    limit: f64,
}

/// The leader of `n` is killed.
pub(super) fn leader_killed(system: System, n: u16, effort: &Effort) -> Result<Run> {
    let what = "leader killed";
    let (after, limit) = (SECOND, 50.0);
    let blow = Blow { workload: "F", what, signal: Signal::KILL, victims: 1, detect_ms: None, after, limit };
    strike(system, n, &blow, effort)
}

/// The leader of `n` is stopped, and noticed by its silence.
pub(super) fn leader_stopped(system: System, n: u16, effort: &Effort) -> Result<Run> {
    let what = "leader stopped";
    let (after, limit) = (4 * SECOND, 2000.0);
    let blow = Blow { workload: "F", what, signal: Signal::STOP, victims: 1, detect_ms: None, after, limit };
    strike(system, n, &blow, effort)
}

/// The same with members that notice silence sooner.
pub(super) fn leader_stopped_short(system: System, n: u16, effort: &Effort) -> Result<Run> {
    let what = "leader stopped, 200 ms";
    let (after, limit, detect_ms) = (2 * SECOND, 500.0, Some(200));
    let blow = Blow { workload: "F", what, signal: Signal::STOP, victims: 1, detect_ms, after, limit };
    strike(system, n, &blow, effort)
}

/// Half of `n` are killed at one instant, the leader among them.
pub(super) fn churn(system: System, n: u16, effort: &Effort) -> Result<Run> {
    let what = "half killed at once";
    let (victims, after, limit) = (n / 2, SECOND, 150.0);
    let blow = Blow { workload: "churn", what, signal: Signal::KILL, victims, detect_ms: None, after, limit };
    strike(system, n, &blow, effort)
}

/// Members that notice silence soon, while another room beside them sends as fast as it can.
pub(super) fn false_suspicions(system: System, n: u16, effort: &Effort) -> Result<Run> {
    let quiet = Plan { detect_ms: Some(200), ..Plan::of(system, n) };
    let (Some(mut room), Some(mut other)) = (Room::open(quiet)?, Room::open(Plan::of(system, 4))?) else {
        return Ok(None);
    };
    let nanos = if effort.short { effort.flood } else { 3 * SECOND };
    let everyone = room.everyone();
    talk(&mut room, &everyone, nanos)?;
    throughput::flood(&mut other, &[3], &[0, 1, 2], nanos)?;
    let heard = everyone.iter().map(|who| room.heard(*who)).collect::<Result<Vec<_>>>()?;
    let lost: BTreeSet<&String> = heard.iter().flat_map(|heard| &heard.lost).collect();
    let measure = Measure { workload: "F", what: "false alarms beside T", n, unit: Unit::Count };
    let value = float(lost.len() as u64);
    Ok(Some(vec![Outcome { measure, targets: vec![Target::Limit(0.0)], value }]))
}

fn strike(system: System, n: u16, blow: &Blow, effort: &Effort) -> Result<Run> {
    let plan = Plan { detect_ms: blow.detect_ms, ..Plan::of(system, n) };
    let Some(mut room) = Room::open(plan)? else { return Ok(None) };
    let stride = usize::from(n / blow.victims);
    let (victims, survivors): (Vec<_>, Vec<_>) =
        room.everyone().into_iter().partition(|who| who % stride == 0);
    let after = if effort.short { blow.after / 2 } else { blow.after };
    let (from, count) = talk(&mut room, &survivors, BEFORE + after)?;
    // Not always just before the same member speaks.
    room.pass_until(from + BEFORE + from % (SECOND / RATE * u64::from(n)))?;
    let struck = clock::now();
    for who in &victims {
        let pid = Pid::from_raw(i32::try_from(room.pid(*who))?).context("a process without a number")?;
        kill_process(pid, blow.signal)?;
    }
    let heard = survivors.iter().map(|who| room.heard(*who)).collect::<Result<Vec<_>>>()?;
    check(&heard, &survivors, &victims, count)?;
    let value = millis(service_again(&heard, &survivors, struck)? - struck);
    let measure = Measure { workload: blow.workload, what: blow.what, n, unit: Unit::Millis };
    Ok(Some(vec![Outcome { measure, targets: vec![Target::Limit(blow.limit)], value }]))
}

/// Lets all talk for so long. Tells from when on, and how many texts each says.
fn talk(room: &mut Room, listeners: &[usize], nanos: Nanos) -> Result<(Nanos, u32)> {
    let everyone = room.everyone();
    let pause = SECOND / RATE;
    let every = pause * everyone.len() as u64;
    let count = u32::try_from(nanos / every)?.max(1);
    room.listen(listeners, listeners.len(), true)?;
    let from = clock::now() + every;
    for who in everyone {
        room.order(who, &Order::Pace { count, every, from: from + pause * who as u64 })?;
    }
    Ok((from, count))
}

/// When the last survivor showed, for the first time, what another survivor said after the blow.
fn service_again(heard: &[Heard], survivors: &[usize], struck: Nanos) -> Result<Nanos> {
    let mut last = struck;
    for (me, Heard { arrivals, .. }) in survivors.iter().zip(heard) {
        let others = arrivals.iter().filter(|arrival| {
            let by = usize::from(arrival.by);
            arrival.said > struck && by != *me && survivors.contains(&by)
        });
        let first = others.map(|arrival| arrival.heard).min();
        last = last.max(first.with_context(|| format!("participant {me} showed nothing any more"))?);
    }
    Ok(last)
}

/// Fails unless all survivors heard the same, all of it that survivors said, and lost the victims alone.
fn check(heard: &[Heard], survivors: &[usize], victims: &[usize], count: u32) -> Result<()> {
    let victims: BTreeSet<String> = victims.iter().map(|who| format!("m{who}")).collect();
    for (me, by_me) in survivors.iter().zip(heard) {
        let faults = by_me.faults;
        ensure!(faults == 0, "participant {me}: {faults} texts were doubled, out of order or missing");
        ensure!(
            by_me.order == heard[0].order,
            "participant {me} heard another order than the first survivor"
        );
        for by in survivors {
            let texts = by_me.arrivals.iter().filter(|arrival| usize::from(arrival.by) == *by).count();
            ensure!(texts == count as usize, "participant {me} heard {texts} of {count} texts of {by}");
        }
        let lost: BTreeSet<String> = by_me.lost.iter().cloned().collect();
        ensure!(lost == victims, "participant {me} lost {lost:?}, and {victims:?} were struck");
    }
    Ok(())
}
