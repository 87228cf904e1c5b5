//! What takes part in the rooms that the benchmark measures: a participant, or the bare hub, as the argument tells.
//!
//! It is a program of its own, so that what a member takes of memory is a member's and not the benchmark's.

mod agent;
mod clock;
mod control;
mod hub;

use anyhow::{Context, Result};

use control::Role;

fn main() -> Result<()> {
    let role = std::env::args().nth(1).context("only the benchmark starts this program")?;
    match serde_json::from_str(&role)? {
        Role::Hub => hub::serve(),
        Role::Agent(start) => agent::run(&start),
    }
}
