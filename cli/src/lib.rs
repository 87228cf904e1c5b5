//! The program `ringchat`: a chat room without a server.
//!
//! This library exists for the binary and its tests. It is no API: to build a program of your own, use
//! `ringchat-threads` or `ringchat-async-std`.

#![cfg_attr(
    test,
    allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a failing test panics")
)]

mod access;
mod any_room;
mod apart;
mod attention;
mod bounded_lines;
mod calendar;
mod chat_log;
mod click_compat;
mod command;
mod completions;
mod contacts;
mod desk;
mod flags;
#[cfg(feature = "fuzzing")]
pub mod fuzzing;
mod help;
mod history;
mod ignored;
mod input;
mod json;
mod line;
mod line_writer;
mod lossy_queue;
mod outcome;
mod own_address;
mod own_file;
mod people;
mod presence;
mod present;
mod printer;
mod process;
mod reach;
mod recent;
mod roll;
mod rooms;
mod sanitize;
mod screen;
mod see;
mod session;
mod settings;
mod signals;
mod start;
mod system;
mod talk;
mod terminal;
mod trust;
mod typed;
mod unsaid;
mod wording;
mod wrap;

use std::env;
use std::ffi::{OsStr, OsString};
use std::io::{self, Write, stdout};
use std::process::ExitCode;

use access::AccessError;
use argh::FromArgs;
use flags::{Flags, Invocation};
use line::Line;
use ringchat_core::secure::ShortKey;
use settings::Settings;
use trust::{IdFile, OwnIdentity, TicketSource, full_key, word_may_have_secret};

/// The exit code of a wrong command line, and if a room to create exists already, or a room to join exists twice.
const USAGE: u8 = 2;

/// Runs the program with the command line of this process and returns its exit code.
pub fn run() -> ExitCode {
    process::dump_no_core();
    process::take_all_descriptors();
    let args: Result<Vec<String>, OsString> = env::args_os().skip(1).map(OsString::into_string).collect();
    if let Ok([command, rest @ ..]) = args.as_deref()
        && let Some(exit) = run_command(command, rest)
    {
        return exit;
    }
    let asked = args.map_err(|arg| not_text(&arg)).and_then(Flags::parse);
    let asked = asked.and_then(|asked| match (asked, secret_in_a_variable()) {
        (Invocation::Run(_) | Invocation::ShowId(_), Some(error)) => Err(error.to_string()),
        (asked, _) => Ok(asked),
    });
    match asked {
        Ok(Invocation::Run(flags)) => run_with(*flags),
        Ok(Invocation::Print(text)) => print(&text),
        Ok(Invocation::ShowId(flags)) => show_id(&settings::id_file(flags.id_file, variable)),
        Err(error) => usage("ringchat", &error),
    }
}

/// Does what a command asks for. None if `command` is none: then the words are the options of a session.
fn run_command(command: &str, args: &[String]) -> Option<ExitCode> {
    see::run(command, args).or_else(|| rooms::run(command, args)).or_else(|| completions::run(command, args))
}

/// Says that an argument is no text, without a secret that may be in it.
fn not_text(arg: &OsStr) -> String {
    let shown = arg.to_string_lossy();
    flags::refusal(&shown).map_or_else(|| format!("{shown} is not in UTF-8"), str::to_owned)
}

fn run_with(flags: Flags) -> ExitCode {
    let wants_full_screen = flags.full_screen;
    match Settings::new(flags, variable, TicketSource::read) {
        Ok(settings) if wants_full_screen && settings.json => {
            usage("ringchat", "--full-screen is for people, and --json for programs: leave out one of them")
        }
        Ok(_) if wants_full_screen && !terminal::is_editable() => {
            let error =
                "--full-screen needs a terminal that obeys control sequences, for input and for output";
            usage("ringchat", error)
        }
        Ok(settings) => {
            diagnostics();
            ExitCode::from(start::run(&settings))
        }
        Err(error) => refused("ringchat", &error.to_string(), error.exit()),
    }
}

/// Why the program does not start, if one of its variables holds a secret, whatever it is for: an error would show it.
fn secret_in_a_variable() -> Option<AccessError> {
    let has_secret = |value: &OsStr| word_may_have_secret(&value.to_string_lossy());
    let own = env::vars_os().filter_map(|(name, value)| Some((name.into_string().ok()?, value)));
    let mut found = own.filter(|(name, value)| name.starts_with("RINGCHAT_") && has_secret(value));
    found.next().map(|(name, _)| AccessError::Variable(name))
}

fn variable(name: &str) -> Option<String> {
    env::var(name).ok()
}

/// Prints the user's key, which is made if there is none.
fn show_id(file: &IdFile) -> ExitCode {
    match file.load() {
        Ok(OwnIdentity { identity, unkept: None }) => {
            let key = identity.key();
            print(&format!("your key is {}\nin full: {}\n", ShortKey::new(&key), full_key(&key)))
        }
        Ok(OwnIdentity { unkept: Some(why), .. }) => failure(&why),
        Err(error) => failure(&error.to_string()),
    }
}

fn failure(why: &str) -> ExitCode {
    complaint(1, why)
}

fn complaint(exit: u8, why: &str) -> ExitCode {
    Line::complaint(why).to_stderr();
    ExitCode::from(exit)
}

fn print(text: &str) -> ExitCode {
    let mut out = stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        // A reader that has closed the pipe does not want the text.
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            failure(&format!("standard output cannot be written ({error})"))
        }
        Ok(()) | Err(_) => ExitCode::SUCCESS,
    }
}

/// The flags of `command`, parsed from the words after it.
///
/// # Errors
/// If the words ask for help or are wrong; the user has been told, and the program ends with this code.
fn parse<T: FromArgs>(command: &str, args: &[String]) -> Result<T, ExitCode> {
    // Before anything else, because other errors repeat what was typed.
    if let Some(refusal) = args.iter().find_map(|arg| flags::refusal(arg)) {
        return Err(usage(command, refusal));
    }
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    T::from_args(&[command], &args).map_err(|exit| match exit.status {
        Ok(()) => print(&help::wrap(&exit.output)),
        Err(()) => usage(command, exit.output.trim_end()),
    })
}

/// Says what is wrong with the words after `command`, whose help tells more.
fn usage(command: &str, error: &str) -> ExitCode {
    refused(command, error, USAGE)
}

fn refused(command: &str, error: &str, exit: u8) -> ExitCode {
    complaint(exit, &format!("{error} ({command} --help tells more)"))
}

/// Writes the diagnostics that `RUST_LOG` selects to standard error.
fn diagnostics() {
    env_logger::init();
}
