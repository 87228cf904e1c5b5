//! The model checker: searches all states that a few real nodes can reach.

use std::process::ExitCode;
use std::thread;
use std::time::Instant;

use argh::FromArgs;
use ringchat_tests::ablation::Ablation;
use ringchat_tests::model::{Budget, Limits, ROWS, SearchOutcome, State, search};

/// States consist of many small allocations, which would take most of the time.
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
    /// times that a node's clock may run ahead until a timer goes off
    #[argh(option, default = "0")]
    false_alarms: u8,
    /// times that a leader stops for a while
    #[argh(option, default = "0")]
    sleeps: u8,
    /// logs that a member may show with words in them that nobody said
    #[argh(option, default = "0")]
    inventions: u8,
    /// stop after so many states
    #[argh(option, default = "20000000")]
    max_states: usize,
    /// rules of the protocol that the nodes lack, to see what then breaks: names with commas between; only in a build
    /// with the feature ablation
    #[argh(option, default = "Ablation::NONE")]
    without: Ablation,
    /// search all rows of the matrix in turn, each up to the most states; print a table
    #[argh(switch)]
    matrix: bool,
    /// if the search stops early, print the way to the state found last
    #[argh(switch)]
    furthest: bool,
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
            sleeps: self.sleeps,
            inventions: self.inventions,
        }
    }
}

fn main() -> ExitCode {
    let args: Args = argh::from_env();
    let jobs = args.jobs.or_else(|| thread::available_parallelism().ok().map(usize::from)).unwrap_or(1);
    let limits = Limits { states: args.max_states, jobs };
    if args.matrix {
        return search_matrix(limits);
    }
    match State::ablated(args.without, args.nodes, args.budget()) {
        Ok(start) => report(&search_aloud(start, limits), args.furthest),
        Err(violation) => {
            eprintln!("the ring does not form: {violation}");
            ExitCode::FAILURE
        }
    }
}

/// Searches all rows, and prints a line of a table after each.
#[allow(clippy::disallowed_methods, reason = "how long a search takes is for people to see")]
fn search_matrix(limits: Limits) -> ExitCode {
    println!("| nodes | faults | messages | states | deep | seconds | searched |");
    println!("|---|---|---|---|---|---|---|");
    let mut code = ExitCode::SUCCESS;
    for row in ROWS {
        let begin = Instant::now();
        let outcome = State::new(row.nodes, row.budget).map(|start| search_aloud(start, limits));
        let seconds = begin.elapsed().as_secs();
        let (states, depth, word) = match &outcome {
            Ok(SearchOutcome { found: Some(found), states, depth, .. }) => {
                (*states, *depth, found.violation.to_string())
            }
            Ok(SearchOutcome { finished: true, states, depth, .. }) => (*states, *depth, "all".to_owned()),
            Ok(SearchOutcome { states, depth, .. }) => (*states, *depth, "in part".to_owned()),
            Err(violation) => (0, 0, violation.to_string()),
        };
        println!("{row} {states} | {depth} | {seconds} | {word} |");
        if outcome.is_err() || outcome.is_ok_and(|outcome| outcome.found.is_some()) {
            code = ExitCode::FAILURE;
        }
    }
    code
}

/// How many states are found between two lines about the progress, on standard error.
const PROGRESS: usize = 50_000;

fn search_aloud(start: State, limits: Limits) -> SearchOutcome {
    let mut told = 0;
    search(start, limits, |depth, states, open| {
        if states / PROGRESS > told {
            told = states / PROGRESS;
            eprintln!("depth {depth}: {states} states, {open} to look at");
        }
    })
}

fn report(outcome: &SearchOutcome, furthest: bool) -> ExitCode {
    let SearchOutcome { states, depth, finished, found, .. } = outcome;
    if let Some(found) = found {
        print_way(&found.scenario);
        println!("{}", found.violation);
        println!("check: {states} states, {depth} deep, 1 violations");
        return ExitCode::FAILURE;
    }
    if furthest {
        print_way(&outcome.furthest);
    }
    let unfinished = if *finished { "" } else { ", unfinished" };
    println!("check: {states} states, {depth} deep, 0 violations{unfinished}");
    ExitCode::SUCCESS
}

fn print_way(steps: &[String]) {
    for (number, step) in steps.iter().enumerate() {
        println!("{:3}. {step}", number + 1);
    }
}
