//! The commands that draw and simulate rooms.

use std::process::ExitCode;

use super::{lab, sim, trace};

/// Does what the words after `command` ask for. None if it is no command of these.
pub(crate) fn run(command: &str, args: &[String]) -> Option<ExitCode> {
    match command {
        "lab" => Some(lab::run(args)),
        "sim" => Some(sim::run(args)),
        "trace" => Some(trace::run(args)),
        _ => None,
    }
}
