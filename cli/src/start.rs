//! The start of a session: the room, then a face, input and signals for it.

use std::io::{self, IsTerminal, Write, stdin, stdout};
use std::sync::Arc;
use std::sync::mpsc::sync_channel;
use std::thread;

use ringchat_core::{Config, Start};

use crate::json::{self, Json};
use crate::line::Line;
use crate::options::Options;
use crate::outcome::{Cause, Outcome};
use crate::outlet::Outlet;
use crate::own_address;
use crate::people::{Input, MAX_ASKED};
use crate::room::{Notices, Room};
use crate::screen::{Printer, Screen, Show};
use crate::session::{self, Session};
use crate::signals;
use crate::terminal::{self, Terminal};
use crate::words;

/// Runs a session and gives its exit code.
pub(crate) fn run(options: &Options) -> u8 {
    let json = options.json;
    match open(options) {
        Ok((session, notices)) => {
            let outcome =
                if json { programs(options, &session, notices) } else { people(options, &session, notices) };
            outcome.unwrap_or_else(|error| unstarted(json, system(&error))).exit
        }
        Err(outcome) => unstarted(json, outcome).exit,
    }
}

fn open(options: &Options) -> Result<(Arc<Session>, Notices), Outcome> {
    let config = Config {
        addr: options.addr,
        name: options.name.clone(),
        start: options.start.clone(),
        detect: options.detect,
        join_timeout: options.join_timeout,
    };
    match Room::open(options.runtime, config) {
        Ok((room, notices)) => Ok((Arc::new(Session::new(room)), notices)),
        Err(error) => Err(match error.listen {
            Some(io::ErrorKind::AddrNotAvailable) => {
                Outcome::failed(5, "listen", format!("{error}: {}", words::list(&own_address::all())))
            }
            Some(_) => Outcome::failed(5, "listen", error.to_string()),
            None => Outcome::failed(1, "system", error.to_string()),
        }),
    }
}

/// Says that there is no session.
fn unstarted(json: bool, outcome: Outcome) -> Outcome {
    if json {
        // Who closed standard output does not want it.
        let _ = stdout().write_all(json::last_lines(0, &outcome).concat().as_bytes());
    } else {
        complain(&outcome);
    }
    outcome
}

/// Says on standard error what went wrong.
fn complain(outcome: &Outcome) {
    if let Some((_, message)) = &outcome.error {
        Line::complaint(message).to_stderr();
    }
}

fn system(error: &io::Error) -> Outcome {
    Outcome::failed(
        1,
        "system",
        format!("the system gives no thread or signal handler ({error}); end other programs"),
    )
}

/// A session with JSON both ways.
fn programs(options: &Options, session: &Arc<Session>, notices: Notices) -> io::Result<Outcome> {
    signals::handle(Arc::clone(session), None)?;
    words::open_to_all(session.room.addr()).to_stderr();
    let outlet = standard_output(session)?;
    let (asking, questions) = json::questions();
    let (admit, admitted) = sync_channel(1);
    let input = json::Input::new(Arc::clone(session), outlet.clone(), asking, admitted);
    spawn_input(move || input.run(stdin().lock()))?;
    let mut face = Json::new(outlet, options.runtime, options.verbose, questions);
    Ok(session::run(session, notices, &mut face, options.log_file.clone(), admit))
}

/// A session with people.
fn people(options: &Options, session: &Arc<Session>, notices: Notices) -> io::Result<Outcome> {
    let terminal = terminal::open();
    let saved = terminal.as_ref().map(|terminal| Arc::clone(&terminal.saved));
    signals::handle(Arc::clone(session), saved.clone())?;
    let (asking, asked) = sync_channel(MAX_ASKED);
    let (admit, admitted) = sync_channel(1);
    let (outlet, prompt) = match terminal {
        Some(Terminal { prompt, print, .. }) => (Outlet::start(print, on_failure(session))?, Some(prompt)),
        None => (standard_output(session)?, None),
    };
    let printer = Printer { outlet, colour: options.colour && stdout().is_terminal() };
    let input = Input { session: Arc::clone(session), printer: printer.clone(), asking, admitted };
    let text = Line::prompt(&options.name, session.room.addr());
    spawn_input(move || match prompt {
        Some(prompt) => input.prompt(prompt, &text),
        None if stdin().is_terminal() => input.typed_lines(stdin().lock()),
        None => input.piped_lines(stdin().lock()),
    })?;
    if let Start::Join { contacts } = &options.start {
        let joining = Line::system(&format!("joining through {}", words::list(contacts)));
        printer.insist(&joining);
        if options.chosen.is_some() {
            printer.insist(&Line::system(&format!("listening on {}", session.room.addr())));
        }
    }
    let own = !(stdin().is_terminal() && stdout().is_terminal());
    let mut face = Screen::new(printer, Show { own, log: options.verbose }, asked);
    let outcome = session::run(session, notices, &mut face, options.log_file.clone(), admit);
    saved.inspect(|saved| saved.restore());
    complain(&outcome);
    Ok(outcome)
}

/// Lines to standard output. If it is closed, the room is left.
fn standard_output(session: &Arc<Session>) -> io::Result<Outlet> {
    let write = |lines: String| {
        let mut out = stdout().lock();
        out.write_all(lines.as_bytes())?;
        out.flush()
    };
    Outlet::start(write, on_failure(session))
}

fn on_failure(session: &Arc<Session>) -> impl FnOnce(io::Error) + Send + 'static {
    let session = Arc::clone(session);
    move |error| {
        session.leave(match error.kind() {
            io::ErrorKind::BrokenPipe => Cause::OutputClosed,
            _ => Cause::OutputFailed(error),
        });
    }
}

/// Reads input on a thread of its own, which ends with the program: nothing wakes a read of a terminal.
fn spawn_input(read: impl FnOnce() + Send + 'static) -> io::Result<()> {
    thread::Builder::new().name("input".into()).spawn(read).map(drop)
}
