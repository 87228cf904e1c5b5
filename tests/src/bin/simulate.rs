//! Random runs of the ring in virtual time, each held to the oracles.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread;

use argh::FromArgs;
use ringchat_tests::oracles::Violation;
use ringchat_tests::sim::chaos::{Mix, Options, Outcome, run};

/// Runs rings of real nodes under random faults, in virtual time, and holds each run to the oracles.
#[derive(FromArgs)]
struct Args {
    /// how many runs
    #[argh(option, default = "100")]
    seeds: u64,
    /// the seed of the first run; the others follow
    #[argh(option, default = "1")]
    first_seed: u64,
    /// members at the start; 2 to 10 by the seed if not given
    #[argh(option)]
    nodes: Option<u32>,
    /// which faults: calm, crash, freeze, cut or all
    #[argh(option, default = "Mix::All")]
    faults: Mix,
    /// threads; all cores if not given
    #[argh(option)]
    jobs: Option<usize>,
    /// write the trace of the run that fails, or of a single run, to this file
    #[argh(option)]
    trace: Option<PathBuf>,
    /// go on after a violation, and list the seeds that fail
    #[argh(switch)]
    keep_going: bool,
}

impl Args {
    fn options(&self, seed: u64, trace: bool) -> Options {
        Options { seed, nodes: self.nodes, mix: self.faults, trace }
    }
}

#[derive(Default)]
struct Totals {
    runs: u64,
    steps: u64,
    checked: u64,
    virtual_seconds: u64,
    elections: u64,
    sent: BTreeMap<&'static str, u64>,
    faults: BTreeMap<&'static str, u64>,
    failed: BTreeMap<u64, Violation>,
}

impl Totals {
    fn add(&mut self, outcome: &Outcome) {
        self.runs += 1;
        self.steps += outcome.counts.steps;
        self.checked += outcome.checked;
        self.virtual_seconds += outcome.time.0 / 1_000_000;
        self.elections += outcome.counts.elects.len() as u64;
        for (kind, count) in &outcome.counts.sent {
            *self.sent.entry(kind).or_default() += count;
        }
        for (kind, count) in &outcome.counts.faults {
            *self.faults.entry(kind).or_default() += count;
        }
    }

    fn print(&self) {
        println!("steps: {} in {} s of virtual time", self.steps, self.virtual_seconds);
        println!("messages checked: {}", self.checked);
        println!("elections: {}", self.elections);
        for (name, counts) in [("faults", &self.faults), ("sent", &self.sent)] {
            let counts: Vec<String> = counts.iter().map(|(kind, count)| format!("{kind} {count}")).collect();
            println!("{name}: {}", counts.join(", "));
        }
    }
}

#[allow(clippy::disallowed_methods, reason = "it tells a person how long the runs took")]
fn main() -> ExitCode {
    let args: Args = argh::from_env();
    let totals = run_all(&args);
    totals.print();
    for (seed, violation) in totals.failed.iter().take(50) {
        println!("seed {seed}: {violation}");
    }
    let traced = totals.failed.keys().next().copied().or((args.seeds == 1).then_some(args.first_seed));
    if let Some(seed) = traced {
        replay(&args, seed);
    }
    println!("simulate: {} runs, {} violations", totals.runs, totals.failed.len());
    if totals.failed.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn run_all(args: &Args) -> Totals {
    let (next, stop) = (AtomicU64::new(0), AtomicBool::new(false));
    let totals = Mutex::new(Totals::default());
    let jobs = args.jobs.or_else(|| thread::available_parallelism().ok().map(usize::from)).unwrap_or(1);
    thread::scope(|scope| {
        for _ in 0..jobs {
            scope.spawn(|| {
                while !stop.load(Ordering::Relaxed) {
                    let n = next.fetch_add(1, Ordering::Relaxed);
                    if n >= args.seeds {
                        break;
                    }
                    let seed = args.first_seed.wrapping_add(n);
                    let outcome = run(args.options(seed, false));
                    let mut totals = totals.lock().unwrap_or_else(PoisonError::into_inner);
                    totals.add(&outcome);
                    if let Err(violation) = outcome.result {
                        totals.failed.insert(seed, violation);
                        stop.store(!args.keep_going, Ordering::Relaxed);
                    }
                    if totals.runs.is_multiple_of(100) {
                        eprintln!("{} runs, {} violations", totals.runs, totals.failed.len());
                    }
                }
            });
        }
    });
    totals.into_inner().unwrap_or_else(PoisonError::into_inner)
}

/// Does the run again with its trace, and says how to do the same.
fn replay(args: &Args, seed: u64) {
    let trace = run(args.options(seed, true)).trace;
    if let Some(path) = &args.trace {
        let written = std::fs::File::create(path).and_then(|mut file| file.write_all(trace.as_bytes()));
        match written {
            Ok(()) => eprintln!("the trace is in {}", path.display()),
            Err(error) => eprintln!("cannot write {}: {error}", path.display()),
        }
        return;
    }
    let lines: Vec<&str> = trace.lines().collect();
    let last = lines.get(lines.len().saturating_sub(60)..).unwrap_or_default();
    eprintln!(
        "the end of the trace of seed {seed} (all of it with --seeds 1 --first-seed {seed} --trace FILE):"
    );
    for line in last {
        eprintln!("{line}");
    }
}
