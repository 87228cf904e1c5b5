//! The program `ringchat`: a chat room without a server.
//!
//! This library exists for the binary and its tests. It is no API: to build a program of your own, use
//! `ringchat-threads` or `ringchat-async-std`.

#![cfg_attr(
    test,
    allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a failing test panics")
)]

mod any_room;
mod bounded_lines;
mod chat_log;
mod click_compat;
mod desk;
mod flags;
#[cfg(feature = "fuzzing")]
pub mod fuzzing;
mod help;
mod input;
mod json;
mod line;
mod line_writer;
mod lossy_queue;
mod outcome;
mod own_address;
mod present;
mod process;
mod sanitize;
mod screen;
mod session;
mod settings;
mod signals;
mod start;
mod terminal;
mod typed;
mod wording;
mod wrap;

use std::env;
use std::ffi::OsString;
use std::io::{self, Write, stdout};
use std::process::ExitCode;

use flags::{Flags, Invocation};
use line::Line;
use settings::Settings;

/// The exit code of a wrong command line.
const USAGE: u8 = 2;

/// Runs the program with the command line of this process and returns its exit code.
pub fn run() -> ExitCode {
    let args: Result<Vec<String>, OsString> = env::args_os().skip(1).map(OsString::into_string).collect();
    let asked = match args {
        Ok(args) => Flags::parse(args),
        Err(arg) => Err(format!("{} is not in UTF-8", arg.display())),
    };
    match asked {
        Ok(Invocation::Run(flags)) => match Settings::new(*flags, |name| env::var(name).ok()) {
            Ok(settings) => {
                diagnostics();
                ExitCode::from(start::run(&settings))
            }
            Err(error) => usage(&error.to_string()),
        },
        Ok(Invocation::Print(text)) => print(&text),
        Err(error) => usage(&error),
    }
}

fn print(text: &str) -> ExitCode {
    let mut out = stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        // A reader that has closed the pipe does not want the text.
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            Line::complaint(&format!("standard output cannot be written ({error})")).to_stderr();
            ExitCode::FAILURE
        }
        Ok(()) | Err(_) => ExitCode::SUCCESS,
    }
}

fn usage(error: &str) -> ExitCode {
    Line::complaint(&format!("{error} (ringchat --help tells more)")).to_stderr();
    ExitCode::from(USAGE)
}

/// Writes the diagnostics that `RUST_LOG` selects to standard error.
fn diagnostics() {
    env_logger::init();
}
