//! `ringchat sim`: a room of simulated members in virtual time, played from a script, and what theory says of it.

mod flags;
mod output;
mod script;

use std::fs::{self, File};
use std::io::{self, Read};
use std::process::ExitCode;

use ringchat_lab::{Named, named};
use ringchat_picture::DrawError;
use ringchat_picture::trace::ReadError;
use ringchat_sim::scenario::{ParseError, Scenario, parse, perform};
use thiserror::Error;

pub(super) use self::flags::SimFlags;
use self::output::Told;
use super::USAGE;
use crate::line::Line;

/// No script is longer.
const LONGEST_SCRIPT: u64 = 1 << 20;

/// Why nothing is played, or nothing is told of it.
#[derive(Debug, Error)]
pub(super) enum SimError {
    #[error("{0} (ringchat sim --help tells more)")]
    Usage(String),
    #[error("{path}: {why}")]
    Unreadable { path: String, why: io::Error },
    #[error("{path}: longer than any script")]
    TooLong { path: String },
    #[error("{path}, {error} (ringchat sim --help tells more)")]
    NoScript { path: String, error: ParseError },
    #[error("{path} cannot be written ({why})")]
    Unwritable { path: String, why: io::Error },
    #[error("{0} holds traces already; choose another folder")]
    OtherTraces(String),
    #[error(transparent)]
    Read(#[from] ReadError),
    #[error(transparent)]
    Draw(#[from] DrawError),
}

impl SimError {
    pub(super) fn exit(&self) -> ExitCode {
        match self {
            Self::Usage(_)
            | Self::Unreadable { .. }
            | Self::TooLong { .. }
            | Self::NoScript { .. }
            | Self::OtherTraces(_) => ExitCode::from(USAGE),
            Self::Unwritable { .. } | Self::Read(_) | Self::Draw(_) => ExitCode::FAILURE,
        }
    }
}

/// Does what the words after `ringchat sim` ask for.
pub(super) fn run(args: &[String]) -> ExitCode {
    let flags: SimFlags = match crate::parse("ringchat sim", args) {
        Ok(flags) => flags,
        Err(code) => return code,
    };
    played(&flags).unwrap_or_else(|error| {
        Line::complaint(&error.to_string()).to_stderr();
        error.exit()
    })
}

fn played(flags: &SimFlags) -> Result<ExitCode, SimError> {
    let (script, scenario) = script(flags)?;
    if flags.print_script {
        return Ok(crate::print(script.text()));
    }
    flags.check_folder()?;
    let told = Told::new(&script, &scenario, perform(&scenario))?;
    flags.write(&told)?;
    let printed = crate::print(&if flags.json { told.json() } else { told.report() });
    let Some(failure) = told.failure() else { return Ok(printed) };
    Line::complaint(&failure).to_stderr();
    Ok(ExitCode::FAILURE)
}

/// A script that is played. It names all members, and waits at its end.
struct Script {
    named: Named,
    /// The first line that was added so that it waits, as lines of the user count, and how many were.
    wait: Option<(usize, usize)>,
}

impl Script {
    fn text(&self) -> &str {
        &self.named.text
    }

    /// The line of the user's own text that a line is, or that stands before one which was added.
    fn own_line(&self, line: usize) -> usize {
        let line = self.named.own_line(line);
        match self.wait {
            Some((first, added)) if line >= first => line.saturating_sub(added).max(first.saturating_sub(1)),
            _ => line,
        }
    }

    /// Whether the line was added so that the script waits.
    fn is_wait(&self, line: usize) -> bool {
        let line = self.named.own_line(line);
        self.wait.is_some_and(|(first, added)| (first..first.saturating_add(added)).contains(&line))
    }
}

/// The script that is asked for, whole.
fn script(flags: &SimFlags) -> Result<(Script, Scenario), SimError> {
    let Some(path) = &flags.script else {
        let text = script::of_flags(flags).map_err(SimError::Usage)?;
        let scenario = parse(&text).map_err(|error| SimError::Usage(error.problem))?;
        return Ok((Script { named: named(&text), wait: None }, scenario));
    };
    if let Some(other) = flags.beside_script() {
        return Err(SimError::Usage(format!("--script tells everything; leave {other} out")));
    }
    let text = read(path)?;
    let (named, scenario) = with_names(path, &text)?;
    let Some((end, before)) = script::end_of(&scenario) else {
        return Ok((Script { named, wait: None }, scenario));
    };
    let lines: Vec<&str> = text.trim_end().lines().collect();
    let at = before.map_or(lines.len(), |line| named.own_line(line).saturating_sub(1)).min(lines.len());
    let (earlier, later) = lines.split_at(at);
    let text = [earlier, &[end.trim_end()], later].concat().join("\n") + "\n";
    let (named, scenario) = with_names(path, &text)?;
    Ok((Script { named, wait: Some((at.saturating_add(1), end.lines().count())) }, scenario))
}

/// The script of that text in the file at `path`, with a name for each place.
fn with_names(path: &str, text: &str) -> Result<(Named, Scenario), SimError> {
    let script = named(text);
    let scenario = parse(&script.text).map_err(|error| {
        let line = script.own_line(error.line);
        SimError::NoScript { path: shown(path).to_owned(), error: ParseError { line, ..error } }
    })?;
    Ok((script, scenario))
}

/// The text of the file at `path`, which is a script.
pub(super) fn script_at(path: &str) -> Result<String, SimError> {
    let text = read(path)?;
    with_names(path, &text)?;
    Ok(text)
}

/// What people call the file at `path`.
fn shown(path: &str) -> &str {
    if path == "-" { "standard input" } else { path }
}

fn read(path: &str) -> Result<String, SimError> {
    let failed = |why| SimError::Unreadable { path: path.to_owned(), why };
    let mut text = String::new();
    let input: Box<dyn Read> = match path {
        "-" => Box::new(io::stdin()),
        _ => Box::new(File::open(path).map_err(failed)?),
    };
    let read = input.take(LONGEST_SCRIPT).read_to_string(&mut text).map_err(failed)?;
    if u64::try_from(read).is_ok_and(|read| read < LONGEST_SCRIPT) {
        Ok(text)
    } else {
        Err(SimError::TooLong { path: path.to_owned() })
    }
}

fn write(path: &str, content: impl AsRef<[u8]>) -> Result<(), SimError> {
    fs::write(path, content).map_err(|why| SimError::Unwritable { path: path.to_owned(), why })
}
