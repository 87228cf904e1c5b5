//! The programs that the benchmark starts, besides other people's servers.

use std::path::Path;
use std::process::Command;

use anyhow::{Result, ensure};

use crate::control::{Role, System};

/// Built by the cargo that runs the benchmark.
const CLIENT: &str = env!("CARGO_BIN_EXE_participant-client");
const OVER_THREADS: &str = env!("CARGO_BIN_EXE_participant-threads");
const OVER_ASYNC_STD: &str = env!("CARGO_BIN_EXE_participant-async-std");

/// What starts a process in this role.
pub(crate) fn participant(role: &Role) -> Result<Command> {
    let mut command = Command::new(match role {
        Role::Agent(start) if matches!(start.system, System::Threads | System::ThreadsQueue) => OVER_THREADS,
        Role::Agent(start) if matches!(start.system, System::AsyncStd | System::AsyncStdQueue) => {
            OVER_ASYNC_STD
        }
        Role::Agent(_) | Role::Hub => CLIENT,
    });
    command.arg(serde_json::to_string(role)?);
    Ok(command)
}

/// Fails unless the program `ringchat` lies beside the participant, which starts it.
pub(crate) fn find_ringchat() -> Result<()> {
    let built = Path::new(CLIENT).with_file_name("ringchat").exists();
    ensure!(built, "not built: cargo build --release -p ringchat");
    Ok(())
}

/// Builds the program, as far as the cargo that runs the benchmark can; a benchmark may not depend on a program.
pub(crate) fn build_ringchat() {
    let Some(cargo) = std::env::var_os("CARGO") else { return };
    let built = Command::new(cargo).args(["build", "--release", "--package", "ringchat"]).status();
    if !built.is_ok_and(|status| status.success()) {
        eprintln!("the program could not be built; a program that was built before is measured, or none");
    }
}
