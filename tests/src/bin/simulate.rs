//! Random runs of the ring in virtual time, each held to the oracles.

use std::collections::BTreeMap;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::{env, fs, thread};

use argh::FromArgs;
use indicatif::{ProgressBar, ProgressStyle};
use ringchat_sim::oracles::Violation;
use ringchat_tests::ablation::Ablation;
use ringchat_tests::chaos::{Mix, Recipe, RecordError, RunOutcome, Totals, UnknownMix, difference};

/// Runs rings of real nodes under random faults, in virtual time, and holds each run to the oracles.
/// Ends with 0 if all promises are kept, with 1 if one is broken, with 2 if a record cannot be replayed.
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
    /// which faults: calm, crash, sleep, unlinked, freeze, cut, lasting, insider, liars or all; or rotate, each of these in turn by
    /// the seed, which is so if not given
    #[argh(option, from_str_fn(parse_faults), default = "None")]
    faults: Option<Mix>,
    /// keys and links are real, and somebody without the secret tampers with them and connects; some seven times slower
    #[argh(switch)]
    secure: bool,
    /// rules of the protocol that the nodes lack, to see what then breaks: names with commas between; only in a build
    /// with the feature ablation
    #[argh(option, default = "Ablation::NONE")]
    without: Ablation,
    /// threads; all cores if not given
    #[argh(option)]
    jobs: Option<usize>,
    /// write the record of the run that fails, or of a single run, to this file and not to the temporary folder
    #[argh(option)]
    trace: Option<PathBuf>,
    /// do the run of this record again, step by step
    #[argh(option)]
    replay: Option<PathBuf>,
    /// go on after a violation, and list the seeds that fail
    #[argh(switch)]
    keep_going: bool,
}

impl Args {
    fn recipe(&self, seed: u64) -> Recipe {
        let mix = self.faults.unwrap_or_else(|| Mix::of_seed(seed));
        Recipe { seed, nodes: self.nodes, mix, ablation: self.without, secure: self.secure }
    }
}

fn parse_faults(word: &str) -> Result<Option<Mix>, String> {
    if word == "rotate" {
        return Ok(None);
    }
    word.parse().map(Some).map_err(|error: UnknownMix| format!("{error}, or rotate for all in turn"))
}

/// How many failed seeds are listed.
const LISTED: usize = 50;
/// How many lines tell of the progress where there is no terminal for a bar.
const LINES: u64 = 10;

fn main() -> ExitCode {
    let args: Args = argh::from_env();
    let done = match &args.replay {
        Some(file) => replay(file),
        None => simulate(&args),
    };
    done.unwrap_or_else(|problem| {
        eprintln!("{problem}");
        ExitCode::from(2)
    })
}

fn simulate(args: &Args) -> Result<ExitCode, String> {
    let Sum { totals, failed } = run_all(args);
    println!("{totals}");
    for (seed, violation) in failed.iter().take(LISTED) {
        println!("seed {seed} with --faults {}: {violation}", args.recipe(*seed).mix);
    }
    let single = (args.seeds == 1 && args.trace.is_some()).then_some(args.first_seed);
    if let Some(seed) = failed.keys().next().copied().or(single) {
        write_record(args, seed)?;
    }
    Ok(last_line(totals.runs, failed.len()))
}

/// Prints the last line, which scripts read.
fn last_line(runs: u64, violations: usize) -> ExitCode {
    println!("simulate: {runs} runs, {violations} violations");
    if violations == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

#[derive(Default)]
struct Sum {
    totals: Totals,
    failed: BTreeMap<u64, Violation>,
}

impl Sum {
    fn add(&mut self, seed: u64, outcome: RunOutcome) {
        self.totals.add(&outcome);
        if let Err(violation) = outcome.result {
            self.failed.insert(seed, violation);
        }
    }
}

fn run_all(args: &Args) -> Sum {
    let (next, stop) = (AtomicU64::new(0), AtomicBool::new(false));
    let (sum, bar) = (Mutex::new(Sum::default()), progress_bar(args.seeds));
    let jobs = args.jobs.or_else(|| thread::available_parallelism().ok().map(usize::from)).unwrap_or(1);
    let work = || {
        while !stop.load(Ordering::Relaxed) {
            let n = next.fetch_add(1, Ordering::Relaxed);
            if n >= args.seeds {
                break;
            }
            let seed = args.first_seed.wrapping_add(n);
            let outcome = args.recipe(seed).run();
            if let (Err(violation), true) = (&outcome.result, args.keep_going) {
                bar.suspend(|| eprintln!("seed {seed}: {violation}"));
            }
            let mut sum = sum.lock().unwrap_or_else(PoisonError::into_inner);
            sum.add(seed, outcome);
            stop.fetch_or(!args.keep_going && !sum.failed.is_empty(), Ordering::Relaxed);
            show_progress(&bar, &sum);
        }
    };
    thread::scope(|scope| (0..jobs.max(1)).for_each(|_| drop(scope.spawn(work))));
    bar.finish();
    sum.into_inner().unwrap_or_else(PoisonError::into_inner)
}

/// A bar on standard error if that is a terminal.
fn progress_bar(runs: u64) -> ProgressBar {
    let bar = ProgressBar::new(runs);
    let style = ProgressStyle::with_template("{bar:40} {pos} of {len} runs, {per_sec}, {eta} left, {msg}");
    style.map_or_else(|_| bar.clone(), |style| bar.clone().with_style(style))
}

fn show_progress(bar: &ProgressBar, sum: &Sum) {
    let violations = format!("{} violations", sum.failed.len());
    let (runs, all) = (sum.totals.runs, bar.length().unwrap_or(0));
    if bar.is_hidden() && runs.is_multiple_of((all / LINES).max(1)) && all >= LINES {
        eprintln!("{runs} of {all} runs, {violations}");
    }
    bar.set_message(violations);
    bar.inc(1);
}

/// Repeats a run, and writes its record to a file.
fn write_record(args: &Args, seed: u64) -> Result<(), String> {
    let recipe = args.recipe(seed);
    let in_temp = || env::temp_dir().join(format!("simulate-{}-{seed}.txt", recipe.mix));
    let path = args.trace.clone().unwrap_or_else(in_temp);
    fs::write(&path, recipe.record().1)
        .map_err(|error| format!("cannot write {}: {error}", path.display()))?;
    println!("every step of seed {seed} is in {0}; --replay {0} does it again", path.display());
    Ok(())
}

/// Repeats the run of a record, shows each step, and tells whether it goes as recorded.
fn replay(file: &Path) -> Result<ExitCode, String> {
    let problem = |what: String| format!("cannot replay {}: {what}", file.display());
    let then = fs::read_to_string(file).map_err(|error| problem(error.to_string()))?;
    let recipe: Recipe = then
        .lines()
        .next()
        .unwrap_or_default()
        .parse()
        .map_err(|error: RecordError| problem(error.to_string()))?;
    let (outcome, now) = recipe.record();
    io::stdout().write_all(now.as_bytes()).map_err(|error| error.to_string())?;
    match difference(&then, &now) {
        Some(difference) => println!("{difference}"),
        None => println!("it goes as it was recorded"),
    }
    Ok(last_line(1, usize::from(outcome.result.is_err())))
}
