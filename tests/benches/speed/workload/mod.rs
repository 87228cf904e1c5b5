//! The workloads. Each gives the values of one run of one system, and fails if a text is lost, doubled or out of
//! order.

mod failover;
mod join;
mod latency;
mod rest;
mod scale;
mod throughput;

use anyhow::{Result, ensure};

use crate::clock;
use crate::control::Heard;
use crate::measured::{Measure, Measured, Target, Unit};
use crate::options::Effort;
use crate::system::System;

/// What one run gave; none if the system is not installed.
pub(crate) type Run = Option<Vec<Outcome>>;

/// One value of one run, what it measures, and what is to be reached.
pub(crate) struct Outcome {
    pub(crate) measure: Measure,
    pub(crate) targets: Vec<Target>,
    pub(crate) value: f64,
}

/// A workload in a room of some size.
pub(crate) struct Workload {
    /// What it is called on the command line.
    pub(crate) name: &'static str,
    /// Receivers, or members.
    pub(crate) n: u16,
    /// How often it is run.
    pub(crate) runs: usize,
    /// What it is run with.
    pub(crate) systems: &'static [System],
    /// One run.
    run: fn(System, u16, &Effort) -> Result<Run>,
}

/// All workloads, in the order of the table.
pub(crate) fn all(effort: &Effort) -> Vec<Workload> {
    let sizes: &[u16] = if effort.short { &[3] } else { &[3, 10, 50] };
    let compared = |name, systems, run| {
        sizes.iter().map(move |&n| Workload { name, n, runs: effort.runs, systems, run })
    };
    let ours = |name, n, runs, run| Workload { name, n, runs, systems: &System::RUNTIMES, run };
    let mut all = Vec::new();
    all.extend(compared("T", &System::COMPARED, throughput::one_sends));
    all.extend(compared("T-all", &System::PATIENT, throughput::all_send));
    all.extend(compared("L", &System::COMPARED, latency::run));
    all.push(ours("F", 5, 4 * effort.runs, failover::leader_killed));
    all.push(ours("F", 5, effort.runs, failover::leader_stopped));
    if !effort.short {
        // On a machine that has other things to do, members that hear nothing for so little may be right to worry.
        all.push(ours("F", 5, effort.runs, failover::leader_stopped_short));
    }
    all.push(ours("F", 5, effort.runs, failover::false_suspicions));
    all.push(ours("churn", 10, 2 * effort.runs, failover::churn));
    all.push(ours("J", 10, effort.runs, join::run));
    all.extend([10, 100].map(|n| ours("M", n, effort.runs, rest::memory)));
    all.extend([10, 100].map(|n| ours("idle", n, 1, rest::idle)));
    all.extend([10, 30, 100, 300, 1000].map(|n| {
        let (systems, run) = (&[System::Simulated], scale::run);
        Workload { name: "scale", n, runs: effort.runs, systems, run }
    }));
    all.retain(|workload| effort.wants(workload.name, workload.n));
    all
}

/// Runs a workload with all its systems in turn, so many times.
pub(crate) fn run(workload: &Workload, effort: &Effort, measured: &mut Measured) {
    let runs = if effort.short { 1 } else { workload.runs };
    for round in 1..=runs {
        for &system in workload.systems {
            let Workload { name, n, .. } = workload;
            let given_up = measured.unmanaged.contains_key(&(*name, *n, system));
            if !effort.has(system) || measured.absent.contains_key(&system) || given_up {
                continue;
            }
            let seconds = (clock::now() - effort.began) / 1_000_000_000;
            eprintln!("{seconds:>5} s: {name}, n = {n}, {system}, run {round} of {runs}");
            match (workload.run)(system, *n, effort) {
                Ok(Some(values)) => {
                    for Outcome { measure, targets, value } in values {
                        measured.add(&measure, &targets, system, value);
                    }
                }
                Ok(None) => drop(measured.absent.insert(system, "not installed".to_owned())),
                Err(error) => {
                    let problem = format!("{name}, n = {n}, {system}, run {round}: {error:#}");
                    eprintln!("it fails: {problem}");
                    if system.is_peer() {
                        measured.unmanaged.insert((*name, *n, system), problem);
                    } else {
                        measured.problems.push(problem);
                    }
                }
            }
        }
    }
}

/// Fails unless everything was heard, once and in order, and nobody was given up.
fn check(system: System, heard: &[Heard], expected: impl Fn(usize) -> u64) -> Result<()> {
    for (who, heard_by) in heard.iter().enumerate() {
        let Heard { count, faults, lost, order, .. } = heard_by;
        ensure!(*faults == 0, "participant {who}: {faults} texts were doubled, out of order or missing");
        ensure!(*count == expected(who), "participant {who} heard {count} texts, not {}", expected(who));
        ensure!(lost.is_empty(), "participant {who} saw {lost:?} given up, though they live");
        ensure!(
            !system.has_one_order() || *order == heard[0].order,
            "participant {who} heard another order than participant 0"
        );
    }
    Ok(())
}

/// A measure of a number of deliveries a second.
fn rate(workload: &'static str, n: u16) -> Measure {
    Measure { workload, what: "deliveries", n, unit: Unit::ThousandPerSecond }
}
