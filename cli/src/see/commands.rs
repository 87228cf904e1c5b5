//! The commands that draw and simulate rooms.

use std::process::ExitCode;

use argh::SubCommandInfo;

use super::{lab, sim, trace};
use crate::completions::named;

/// Does what the words after `command` ask for. None if it is no command of these.
pub(crate) fn run(command: &str, args: &[String]) -> Option<ExitCode> {
    match command {
        "lab" => Some(lab::run(args)),
        "sim" => Some(sim::run(args)),
        "trace" => Some(trace::run(args)),
        _ => None,
    }
}

/// The commands and their command lines.
pub(crate) fn commands() -> Vec<SubCommandInfo> {
    vec![named::<trace::TraceFlags>("trace"), named::<sim::SimFlags>("sim"), named::<lab::LabFlags>("lab")]
}
