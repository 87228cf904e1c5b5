//! The search of all states that a few real nodes can reach.

use std::process::ExitCode;
use std::thread;

use argh::FromArgs;
use ringchat_tests::model::{Budget, Limits, Outcome, State, search};

/// States are made of small pieces of memory, and most time would go into asking for them.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Searches every state that a ring of real nodes can reach, and holds each to the promises.
#[derive(FromArgs)]
struct Args {
    /// nodes at the start
    #[argh(option, default = "3")]
    nodes: usize,
    /// nodes that may crash
    #[argh(option, default = "0")]
    crashes: u8,
    /// messages that may be said
    #[argh(option, default = "0")]
    messages: u8,
    /// newcomers
    #[argh(option, default = "0")]
    joins: u8,
    /// nodes that may leave
    #[argh(option, default = "0")]
    leaves: u8,
    /// connections that may break
    #[argh(option, default = "0")]
    breaks: u8,
    /// cuts of the network in two, each with a heal at any time
    #[argh(option, default = "0")]
    partitions: u8,
    /// timers that may go off although messages are under way
    #[argh(option, default = "0")]
    false_alarms: u8,
    /// stop after so many states
    #[argh(option, default = "20000000")]
    max_states: usize,
    /// threads; all cores if not given
    #[argh(option)]
    jobs: Option<usize>,
}

impl Args {
    fn budget(&self) -> Budget {
        Budget {
            crashes: self.crashes,
            joins: self.joins,
            leaves: self.leaves,
            messages: self.messages,
            breaks: self.breaks,
            partitions: self.partitions,
            false_alarms: self.false_alarms,
        }
    }
}

fn main() -> ExitCode {
    let args: Args = argh::from_env();
    let start = match State::new(args.nodes, args.budget()) {
        Ok(start) => start,
        Err(what) => {
            eprintln!("the ring does not even form: {what}");
            return ExitCode::FAILURE;
        }
    };
    let jobs = args.jobs.or_else(|| thread::available_parallelism().ok().map(usize::from)).unwrap_or(1);
    let outcome = search_aloud(start, Limits { states: args.max_states, jobs });
    report(&outcome)
}

/// Tells about the search on standard error each time that it has found so many states more.
const PROGRESS: usize = 50_000;

fn search_aloud(start: State, limits: Limits) -> Outcome {
    let mut told = 0;
    search(start, limits, |depth, states, open| {
        if states / PROGRESS > told {
            told = states / PROGRESS;
            eprintln!("depth {depth}: {states} states, {open} to look at");
        }
    })
}

fn report(outcome: &Outcome) -> ExitCode {
    let Outcome { states, depth, finished, found } = outcome;
    if let Some(found) = found {
        for (number, step) in found.scenario.iter().enumerate() {
            println!("{:3}. {step}", number + 1);
        }
        println!("{}", found.what);
        println!("check: {states} states, {depth} deep, 1 violations");
        return ExitCode::FAILURE;
    }
    let unfinished = if *finished { "" } else { ", unfinished" };
    println!("check: {states} states, {depth} deep, 0 violations{unfinished}");
    ExitCode::SUCCESS
}
