//! Starts a session: opens the room, then connects a frontend, an input and signals to it.

use std::io::{self, IsTerminal, Write, stdin, stdout};
use std::panic::{self, AssertUnwindSafe};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, sync_channel};
use std::thread;

use ringchat_core::{Config, Stamp, Start};
use ringchat_driver::OpenError;

use crate::any_room::{AnyEvents, AnyRoom};
use crate::desk::{self, Desk, DeskQueue, Item};
use crate::input::{HumanInput, MAX_ASKED, MAX_WAITING};
use crate::json::{self, Json};
use crate::line::Line;
use crate::line_writer::LineWriter;
use crate::outcome::{Cause, SessionOutcome};
use crate::own_address;
use crate::screen::{Printer, Rendering, Screen, Show};
use crate::session::{self, Session};
use crate::settings::Settings;
use crate::{signals, terminal, wording};

/// Runs a session and returns its exit code.
pub(crate) fn run(settings: &Settings) -> u8 {
    let json = settings.json;
    match open(settings) {
        Ok((session, events)) => {
            let outcome =
                if json { programs(settings, &session, events) } else { people(settings, &session, events) };
            outcome.unwrap_or_else(|error| unstarted(json, system(&error))).exit
        }
        Err(outcome) => unstarted(json, outcome).exit,
    }
}

fn open(settings: &Settings) -> Result<(Arc<Session>, AnyEvents), SessionOutcome> {
    let config = Config::new(settings.addr, settings.name.clone(), settings.start.clone())
        .with_detect(settings.detect)
        .with_join_timeout(settings.join_timeout);
    match AnyRoom::open(settings.runtime, config) {
        Ok((room, events)) => Ok((Arc::new(Session::new(room)), events)),
        Err(error) => Err(match &error {
            OpenError::Listen { error: cause, .. } if cause.kind() == io::ErrorKind::AddrNotAvailable => {
                let own = wording::list(&own_address::all());
                SessionOutcome::failed(5, "listen", format!("{error}: {own}"))
            }
            OpenError::Listen { .. } => SessionOutcome::failed(5, "listen", error.to_string()),
            _ => SessionOutcome::failed(1, "system", error.to_string()),
        }),
    }
}

/// Reports why there is no session.
fn unstarted(json: bool, outcome: SessionOutcome) -> SessionOutcome {
    if json {
        // A reader that has closed the pipe does not want the lines.
        let _ = stdout().write_all(json::last_lines(Stamp::default(), &outcome).concat().as_bytes());
    } else {
        complain(&outcome);
    }
    outcome
}

/// Writes the error of a session to standard error.
fn complain(outcome: &SessionOutcome) {
    if let Some((_, message)) = &outcome.error {
        Line::complaint(message).to_stderr();
    }
}

fn system(error: &io::Error) -> SessionOutcome {
    SessionOutcome::failed(
        1,
        "system",
        format!("the system gives no thread or signal handler ({error}); end other programs"),
    )
}

/// Runs a session with a program, which speaks JSON.
fn programs(settings: &Settings, session: &Arc<Session>, events: AnyEvents) -> io::Result<SessionOutcome> {
    signals::handle(Arc::clone(session), None)?;
    wording::open_to_all(session.room.addr()).to_stderr();
    let clock = Arc::clone(session);
    let writer = standard_output(session, move |lost| json::gap_line(clock.lamport(), lost))?;
    let (sender, awaited) = json::awaited();
    let (admit, admitted) = sync_channel(1);
    let input = json::ProgramInput::new(Arc::clone(session), writer.clone(), sender, admitted);
    spawn("input", move || input.run(stdin().lock()))?;
    let mut frontend = Json::new(writer, settings.runtime, settings.verbose, awaited);
    let outcome = session::run(session, events, &mut frontend, settings.log_file.clone(), admit);
    if matches!(outcome.error, Some(("output", _))) {
        complain(&outcome);
    }
    Ok(outcome)
}

/// Runs a session with people: at a desk if there is a terminal for one, otherwise with plain lines.
fn people(settings: &Settings, session: &Arc<Session>, events: AnyEvents) -> io::Result<SessionOutcome> {
    let (questions, asked) = sync_channel(MAX_ASKED);
    let (admit, admitted) = sync_channel(1);
    let input = HumanInput { session: Arc::clone(session), questions };
    let printer = if terminal::is_editable() {
        at_a_desk(settings, session, input)?
    } else {
        with_plain_lines(settings, session, input, admitted)?
    };
    if let Start::Join { contacts } = &settings.start {
        let joining = Line::system(&format!("joining through {}", wording::list(contacts)));
        printer.insist(&joining);
        if settings.chosen.is_some() {
            printer.insist(&Line::system(&format!("listening on {}", session.room.addr())));
        }
    }
    let own = !(stdin().is_terminal() && stdout().is_terminal());
    let show = Show { own, log: settings.verbose, commands: stdin().is_terminal() };
    let mut frontend = Screen::new(printer, show, asked);
    let outcome = session::run(session, events, &mut frontend, settings.log_file.clone(), admit);
    // The desk has restored the terminal, unless the terminal blocked it.
    terminal::abandon();
    complain(&outcome);
    Ok(outcome)
}

fn with_plain_lines(
    settings: &Settings,
    session: &Arc<Session>,
    input: HumanInput,
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
    let has_log = settings.has_log();
    let rendering = if stdout().is_terminal() {
        Rendering::Rows { look: look(settings), obeys: !terminal::is_dumb() }
    } else {
        Rendering::Plain
    };
    let writer = standard_output(session, move |lost| rendering.render(&wording::unshown(lost, has_log)))?;
    Ok(Printer::Writer { writer, rendering })
}

fn at_a_desk(settings: &Settings, session: &Arc<Session>, input: HumanInput) -> io::Result<Printer> {
    let has_log = settings.has_log();
    let queue = Arc::new(DeskQueue::new(move |lost| Item::Line(wording::unshown(lost, has_log))));
    signals::handle(Arc::clone(session), Some(Arc::clone(&queue)))?;
    let prompt = Line::prompt(&settings.name, session.room.addr());
    let (typed, texts) = sync_channel(MAX_WAITING);
    let desk =
        Desk::new(Arc::clone(&queue), Arc::clone(session), typed, prompt, settings.detect, look(settings))?;
    terminal::give_back_on_panic();
    let leaving = Arc::clone(&queue);
    spawn("input", move || {
        input.typed_texts(&texts);
        leaving.put(Item::Leaving);
    })?;
    let (session, ended) = (Arc::clone(session), Arc::clone(&queue));
    spawn("desk", move || {
        if panic::catch_unwind(AssertUnwindSafe(|| desk.run())).is_err() {
            ended.end();
            session.leave(Cause::InputFailed("the line editor failed".to_owned()));
        }
    })?;
    Ok(Printer::Desk(queue))
}

/// How lines look on a terminal.
fn look(settings: &Settings) -> desk::Look {
    desk::Look { colour: settings.colour, has_log: settings.has_log() }
}

/// A writer of lines to standard output. `gap` makes the line that reports lost lines. If standard output fails or is
/// closed, the session leaves the room.
fn standard_output(
    session: &Arc<Session>,
    gap: impl Fn(u64) -> String + Send + Sync + 'static,
) -> io::Result<LineWriter> {
    let write = |lines: String| {
        let mut out = stdout().lock();
        out.write_all(lines.as_bytes())?;
        out.flush()
    };
    LineWriter::start(write, gap, on_failure(session))
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

/// Starts a thread that lives until the program ends. Nothing waits for it, because nothing can wake a thread that
/// reads or writes a terminal.
fn spawn(name: &str, run: impl FnOnce() + Send + 'static) -> io::Result<()> {
    thread::Builder::new().name(name.into()).spawn(run).map(drop)
}
