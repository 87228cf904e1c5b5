//! The start of a session: the room, then a face, input and signals for it.

use std::io::{self, IsTerminal, Write, stdin, stdout};
use std::panic::{self, AssertUnwindSafe};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, sync_channel};
use std::thread;

use ringchat_core::{Config, Stamp, Start};

use crate::desk::{self, Desk, Inbox, Item};
use crate::json::{self, Json};
use crate::line::Line;
use crate::options::Options;
use crate::outcome::{Cause, Outcome};
use crate::outlet::Outlet;
use crate::own_address;
use crate::people::{Input, MAX_ASKED, MAX_WAITING};
use crate::room::{Notices, Room};
use crate::screen::{Look, Printer, Screen, Show};
use crate::session::{self, Session};
use crate::{signals, terminal, words};

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
        let _ = stdout().write_all(json::last_lines(Stamp::default(), &outcome).concat().as_bytes());
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
    let clock = Arc::clone(session);
    let outlet = standard_output(session, move |lost| json::gap_line(clock.lamport(), lost))?;
    let (asking, questions) = json::questions();
    let (admit, admitted) = sync_channel(1);
    let input = json::Input::new(Arc::clone(session), outlet.clone(), asking, admitted);
    spawn("input", move || input.run(stdin().lock()))?;
    let mut face = Json::new(outlet, options.runtime, options.verbose, questions);
    let outcome = session::run(session, notices, &mut face, options.log_file.clone(), admit);
    if matches!(outcome.error, Some(("output", _))) {
        complain(&outcome);
    }
    Ok(outcome)
}

/// A session with people: at a desk if there is a terminal for one, else with plain lines.
fn people(options: &Options, session: &Arc<Session>, notices: Notices) -> io::Result<Outcome> {
    let (questions, asked) = sync_channel(MAX_ASKED);
    let (admit, admitted) = sync_channel(1);
    let input = Input { session: Arc::clone(session), questions };
    let printer = if terminal::is_editable() {
        at_a_desk(options, session, input)?
    } else {
        with_plain_lines(options, session, input, admitted)?
    };
    if let Start::Join { contacts } = &options.start {
        let joining = Line::system(&format!("joining through {}", words::list(contacts)));
        printer.insist(&joining);
        if options.chosen.is_some() {
            printer.insist(&Line::system(&format!("listening on {}", session.room.addr())));
        }
    }
    let own = !(stdin().is_terminal() && stdout().is_terminal());
    let show = Show { own, log: options.verbose, commands: stdin().is_terminal() };
    let mut face = Screen::new(printer, show, asked);
    let outcome = session::run(session, notices, &mut face, options.log_file.clone(), admit);
    // The desk gives the terminal back, unless the terminal holds it up.
    terminal::abandon();
    complain(&outcome);
    Ok(outcome)
}

fn with_plain_lines(
    options: &Options,
    session: &Arc<Session>,
    input: Input,
    admitted: Receiver<()>,
) -> io::Result<Printer> {
    signals::handle(Arc::clone(session), None)?;
    spawn("input", move || {
        if stdin().is_terminal() {
            input.typed_lines(stdin().lock(), &admitted);
        } else {
            input.piped_lines(stdin().lock(), &admitted);
        }
    })?;
    let has_log = options.has_log();
    let look = if stdout().is_terminal() {
        Look::Rows { look: look(options), obeys: !terminal::is_dumb() }
    } else {
        Look::Plain
    };
    let outlet = standard_output(session, move |lost| look.render(&words::unshown(lost, has_log)))?;
    Ok(Printer::Outlet { outlet, look })
}

fn at_a_desk(options: &Options, session: &Arc<Session>, input: Input) -> io::Result<Printer> {
    let has_log = options.has_log();
    let inbox = Arc::new(Inbox::new(move |lost| Item::Line(words::unshown(lost, has_log))));
    signals::handle(Arc::clone(session), Some(Arc::clone(&inbox)))?;
    let prompt = Line::prompt(&options.name, session.room.addr());
    let (typed, texts) = sync_channel(MAX_WAITING);
    let desk =
        Desk::new(Arc::clone(&inbox), Arc::clone(session), typed, prompt, options.detect, look(options))?;
    terminal::give_back_on_panic();
    let leaving = Arc::clone(&inbox);
    spawn("input", move || {
        input.typed_texts(&texts);
        leaving.put(Item::Leaving);
    })?;
    let (session, ended) = (Arc::clone(session), Arc::clone(&inbox));
    spawn("desk", move || {
        if panic::catch_unwind(AssertUnwindSafe(|| desk.run())).is_err() {
            ended.end();
            session.leave(Cause::InputFailed("the line editor failed".to_owned()));
        }
    })?;
    Ok(Printer::Desk(inbox))
}

/// What lines look like on a terminal.
fn look(options: &Options) -> desk::Look {
    desk::Look { colour: options.colour, has_log: options.has_log() }
}

/// Lines to standard output; `gap` tells of lost ones. If standard output is closed, the room is left.
fn standard_output(
    session: &Arc<Session>,
    gap: impl Fn(u64) -> String + Send + Sync + 'static,
) -> io::Result<Outlet> {
    let write = |lines: String| {
        let mut out = stdout().lock();
        out.write_all(lines.as_bytes())?;
        out.flush()
    };
    Outlet::start(write, gap, on_failure(session))
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

/// Starts a thread that ends with the program, because nothing wakes a thread that reads or writes a terminal.
fn spawn(name: &str, run: impl FnOnce() + Send + 'static) -> io::Result<()> {
    thread::Builder::new().name(name.into()).spawn(run).map(drop)
}
