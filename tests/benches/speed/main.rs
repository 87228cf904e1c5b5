//! The speed of ringchat, beside a bare hub and beside what people would use instead, in one run.
//!
//! `cargo bench -p ringchat-tests` measures; `cargo test` only sees that everything works. Each participant is a
//! process of its own, of a program in `participant/`. Here is what measures them.

mod clock;
mod control;
mod measured;
mod options;
mod plot;
mod programs;
mod room;
mod server;
mod system;
mod table;
mod workload;

use std::path::Path;
use std::process::ExitCode;

use anyhow::Result;

use measured::Measured;
use options::{Effort, Options};
use system::System;

fn main() -> ExitCode {
    match run() {
        Ok(code) => code,
        Err(error) => {
            eprintln!("{error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<ExitCode> {
    // Only `cargo bench` says so; the options of `cargo test` are for other tests.
    if !std::env::args().any(|arg| arg == "--bench") {
        return Ok(report(&measure(&Effort::short()), true));
    }
    let options = argh::from_env::<Options>();
    let effort = options.effort()?;
    let measured = measure(&effort);
    let code = report(&measured, effort.short);
    if let Some(folder) = &options.plot {
        // Cargo runs a benchmark in the folder of its package; people are in the one above.
        let workspace = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
        plot::draw(&measured, &workspace.join(folder))?;
    }
    Ok(code)
}

fn measure(effort: &Effort) -> Measured {
    let mut measured = Measured::default();
    let programs: Vec<System> =
        System::COMPARED.into_iter().filter(|it| it.is_program() && effort.has(*it)).collect();
    if !programs.is_empty() && !effort.short {
        programs::build_ringchat();
    }
    for program in programs {
        if let Err(error) = programs::find_ringchat() {
            measured.absent.insert(program, error.to_string());
        }
    }
    for workload in workload::all(effort) {
        workload::run(&workload, effort, &mut measured);
    }
    measured
}

/// Tells what was measured, and what went wrong.
fn report(measured: &Measured, short: bool) -> ExitCode {
    if short {
        println!("{} measures work", measured.measures.len());
    } else {
        table::print(measured);
    }
    for problem in measured.unmanaged.values() {
        println!("not managed: {problem}");
    }
    for problem in &measured.problems {
        println!("FAILED: {problem}");
    }
    if measured.problems.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
