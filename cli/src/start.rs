//! Starts a session: opens the room, then connects a frontend, an input and signals to it.

use std::io::{self, IsTerminal, Write, stdin, stdout};
use std::panic::{self, AssertUnwindSafe};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread;

use ringchat_core::limits::BACKLOG_TEXTS;
use ringchat_core::secure::Secret;
use ringchat_core::{Config, Stamp, Start};
use ringchat_driver::OpenError;

use crate::access::Access;
use crate::any_room::{AnyEvents, AnyRoom};
use crate::calendar::Calendar;
use crate::desk::{self, Desk, DeskQueue, DeskSettings, Item, SharedRing};
use crate::history::History;
use crate::input::{HumanInput, MAX_ASKED, MAX_WAITING};
use crate::json::{self, Json};
use crate::line::Line;
use crate::line_writer::LineWriter;
use crate::outcome::{Cause, SessionOutcome};
use crate::own_address;
use crate::people::People;
use crate::presence::PresenceKind;
use crate::printer::{Printer, Rendering};
use crate::roll::Roll;
use crate::rooms::{self, Announcer, Listing};
use crate::screen::{Screen, Show};
use crate::see::{Live, Recorder, SeeOrder, SeeStatus, TraceFileError};
use crate::session::{self, Frontend, Session};
use crate::settings::Settings;
use crate::talk::TalkSettings;
use crate::trust::{self, IdentityError, KeyFileError, KnownFile, OwnIdentity, now, now_micros};
use crate::{signals, terminal, wording};

/// Runs a session and returns its exit code.
pub(crate) fn run(settings: &Settings) -> u8 {
    let json = settings.json;
    match open(settings) {
        Ok(opened) => {
            let outcome = if json { programs(settings, opened) } else { people(settings, opened) };
            outcome.unwrap_or_else(|error| unstarted(json, system(&error))).exit
        }
        Err(outcome) => unstarted(json, outcome).exit,
    }
}

/// A room that is open, and what a session in it needs.
struct Opened {
    session: Arc<Session>,
    events: AnyEvents,
    people: People,
    announcer: Announcer,
    /// How the room is entered.
    start: Start,
    /// Where the page of the room is, if the session begins with one.
    page: Option<SeeStatus>,
    /// Problems with the files of keys, each with its code for programs.
    troubles: Vec<(&'static str, String)>,
}

impl Opened {
    /// Tells the problems, then runs the session.
    fn run(
        mut self,
        frontend: &mut dyn Frontend,
        settings: &Settings,
        admit: SyncSender<()>,
    ) -> SessionOutcome {
        for (code, message) in &self.troubles {
            frontend.trouble(Stamp::default(), code, message);
        }
        let log_file = settings.log_file.clone();
        let (people, announcer) = (&mut self.people, self.announcer);
        session::run(&self.session, self.events, frontend, people, announcer, log_file, admit)
    }
}

/// The files of keys are read before the room is opened: nothing is heard of a member without its key.
fn open(settings: &Settings) -> Result<Opened, SessionOutcome> {
    let recorder = Recorder::new(settings.trace.texts, settings.trace.limit, now_micros);
    if let Some(file) = &settings.trace.file {
        recorder.begin(file).map_err(|error| no_trace(&error))?;
    }
    let live = Live::new(recorder.clone(), settings.name.clone(), settings.see.port);
    let order = if settings.see.on { SeeOrder::On } else { SeeOrder::Tell };
    let page =
        live.obey(order).map_err(|error| SessionOutcome::failed(error.exit(), "see", error.to_string()))?;
    let OwnIdentity { identity, unkept } = settings.id_file.load().map_err(|error| match error {
        IdentityError::File(_) => SessionOutcome::failed(1, "id_file", error.to_string()),
        IdentityError::Random(_) => SessionOutcome::failed(1, "system", error.to_string()),
    })?;
    let secret = secret(settings)?;
    let issuer = settings.access.ticket().map(|ticket| *ticket.issuer());
    let (known, problem) = KnownFile::open();
    let problem = problem.map(|problem| ("known_keys", problem.to_string()));
    let untried = settings.unresolved.iter().map(|(host, why)| ("not_yet", wording::untried(host, why)));
    let troubles =
        unkept.map(|unkept| ("id_file", unkept)).into_iter().chain(problem).chain(untried).collect();
    let people = People::new(identity.key(), secret.clone(), issuer, known);
    let (start, mut announcer) = prepare(settings, secret.as_ref())?;
    let reach = settings.reach;
    let mut config = Config::new(reach.told.unwrap_or(reach.listen), settings.name.clone(), start.clone())
        .with_detect(settings.detect)
        .with_join_timeout(settings.join_timeout)
        .with_backlog(settings.talk.backlog.unwrap_or_else(|| usual_backlog(settings)))
        .with_identity(identity)
        .with_trace(recorder.tracing());
    config.secret = secret;
    config.listen = reach.told.map(|_| reach.listen);
    match AnyRoom::open(settings.runtime, config, recorder.clone()) {
        Ok((room, events)) => {
            announcer.listens(reach.listening(room.addr()));
            let session = Arc::new(Session::new(room, settings.access.opener(), recorder, live));
            Ok(Opened { session, events, people, announcer, start, page, troubles })
        }
        Err(error) => Err(match &error {
            OpenError::Listen { error: cause, addr }
                if cause.kind() == io::ErrorKind::AddrNotAvailable
                    || own_address::needs_interface(addr.ip()) =>
            {
                let own = wording::list(&own_address::all());
                SessionOutcome::failed(5, "listen", format!("{error}: {own}"))
            }
            OpenError::Listen { .. } => SessionOutcome::failed(5, "listen", error.to_string()),
            _ => SessionOutcome::failed(1, "system", error.to_string()),
        }),
    }
}

/// A pipe, and a program that speaks JSON, get what was said before this member came only if they are asked to.
fn usual_backlog(settings: &Settings) -> usize {
    if settings.json || !stdout().is_terminal() { 0 } else { BACKLOG_TEXTS }
}

/// How the room is entered, and who announces it, by what others announce on the network.
fn prepare(settings: &Settings, secret: Option<&Secret>) -> Result<(Start, Announcer), SessionOutcome> {
    let Some(room) = &settings.room else { return Ok((settings.start.clone(), Announcer::default())) };
    let is_new = settings.access == Access::NewSecret;
    rooms::prepare(room, &settings.start, secret, is_new, settings.join_timeout)
}

/// There is no session, because nothing can be traced where that was asked for.
fn no_trace(error: &TraceFileError) -> SessionOutcome {
    SessionOutcome::failed(if error.is_of_system() { 1 } else { 2 }, "trace_file", error.to_string())
}

/// The secret of a private room.
fn secret(settings: &Settings) -> Result<Option<Secret>, SessionOutcome> {
    let random = |error: getrandom::Error| {
        SessionOutcome::failed(
            1,
            "system",
            format!("the system gives no random bytes ({error}); end other programs"),
        )
    };
    let file = |error: KeyFileError| SessionOutcome::failed(1, "secret_file", error.to_string());
    let draw = || trust::secret::draw().map_err(random);
    match (&settings.access, &settings.start) {
        (Access::Open { .. }, _) => Ok(None),
        (Access::NewSecret, _) => draw().map(Some),
        (Access::Ticket(ticket), _) => Ok(Some(ticket.secret().clone())),
        (Access::SecretFile(path), Start::Create) => {
            trust::secret::load_or_make(path, draw()?).map(Some).map_err(file)
        }
        (Access::SecretFile(path), Start::Join { .. }) => trust::secret::load(path).map(Some).map_err(file),
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
fn programs(settings: &Settings, opened: Opened) -> io::Result<SessionOutcome> {
    let session = &Arc::clone(&opened.session);
    signals::handle(Arc::clone(session), None)?;
    if let Access::Open { meant } = settings.access {
        wording::open_to_all(session.room.addr(), meant).to_stderr();
    }
    let clock = Arc::clone(session);
    let writer = standard_output(session, move |lost| json::gap_line(clock.lamport(), lost))?;
    let (sender, awaited) = json::awaited();
    let (admit, admitted) = sync_channel(1);
    session.unsaid.begin();
    let input = Arc::new(json::ProgramInput::new(Arc::clone(session), writer.clone(), sender));
    let waiting = Arc::clone(&input);
    spawn("admission", move || waiting.admit(&admitted))?;
    spawn("input", move || input.run(stdin().lock()))?;
    if let Some(page) = &opened.page {
        writer.insist(&json::page_line(Stamp::default(), page));
    }
    let listing = opened.announcer.listing();
    let mut frontend = Json::new(writer, settings.runtime, settings.verbose, awaited, settings.talk, listing);
    let outcome = opened.run(&mut frontend, settings, admit);
    if matches!(outcome.error, Some(("output", _))) {
        complain(&outcome);
    }
    Ok(outcome)
}

/// Runs a session with people: at a desk if there is a terminal for one, otherwise with plain lines.
fn people(settings: &Settings, opened: Opened) -> io::Result<SessionOutcome> {
    let session = &Arc::clone(&opened.session);
    let (requests, asked) = sync_channel(MAX_ASKED);
    let (admit, admitted) = sync_channel(1);
    let input = HumanInput { session: Arc::clone(session), requests };
    let roll = Roll::default();
    let listing = opened.announcer.listing();
    let mut printer = if terminal::is_editable() {
        at_a_desk(settings, session, input, roll.clone(), listing.as_ref())?
    } else {
        with_plain_lines(settings, session, input, admitted)?
    };
    if let Start::Join { contacts } = &opened.start {
        let joining = Line::system(&format!("joining through {}", wording::list(contacts)));
        printer.insist(joining);
    }
    if settings.reach.is_chosen {
        printer.insist(Line::system(&listening(settings, session)));
    }
    if let Some(page) = &opened.page {
        printer.insist(Line::system(&wording::see(Some(page))));
    }
    let (is_typed, is_shown) = (stdin().is_terminal(), stdout().is_terminal());
    let own = !(is_typed && is_shown);
    let is_meant_open = settings.access == Access::Open { meant: true };
    let show = Show {
        own,
        log: settings.verbose,
        commands: is_typed,
        acts: is_shown,
        is_meant_open,
        greets_alone: !own && settings.room.is_none(),
        listing,
        patience: settings.detect,
    };
    // In a large room only a terminal tells less than all, unless the user says otherwise.
    let presence = settings.talk.presence.or((!is_shown).then_some(PresenceKind::All));
    let wants_full = settings.talk.full_screen && !own && terminal::is_editable();
    let talk = TalkSettings { presence, times: settings.talk.times || wants_full, ..settings.talk };
    let mut frontend = Screen::new(printer, show, asked, talk, roll, now);
    let outcome = opened.run(&mut frontend, settings, admit);
    // The desk has restored the terminal, unless the terminal blocked it.
    terminal::abandon();
    complain(&outcome);
    // What was typed for the room must not reach the shell.
    if is_typed && !frontend.has_been_in() && terminal::drop_typed() {
        Line::complaint("what you typed was not sent").to_stderr();
    }
    Ok(outcome)
}

/// Where this member listens, which the program chose.
fn listening(settings: &Settings, session: &Session) -> String {
    let addr = settings.reach.listening(session.room.addr());
    let interface = settings.room.as_ref().and_then(|_| own_address::interface(addr.ip()));
    match interface {
        Some(interface) => format!("listening on {addr} ({interface})"),
        None => format!("listening on {addr}"),
    }
}

fn with_plain_lines(
    settings: &Settings,
    session: &Arc<Session>,
    input: HumanInput,
    admitted: Receiver<()>,
) -> io::Result<Printer> {
    signals::handle(Arc::clone(session), None)?;
    if !stdin().is_terminal() {
        session.unsaid.begin();
    }
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
    let calendar = Calendar::new(settings.talk.times, stdout().is_terminal());
    Ok(Printer::Writer { writer, rendering, calendar })
}

fn at_a_desk(
    settings: &Settings,
    session: &Arc<Session>,
    input: HumanInput,
    roll: Roll,
    listing: Option<&Listing>,
) -> io::Result<Printer> {
    let has_log = settings.has_log();
    let queue = Arc::new(DeskQueue::new(move |lost| Item::Line(wording::unshown(lost, has_log))));
    signals::handle(Arc::clone(session), Some(Arc::clone(&queue)))?;
    let awaiting = Arc::clone(&queue);
    let (outlet, texts) = desk::typed_texts(MAX_WAITING, move || awaiting.put(Item::Taken));
    let (wants_full, ring) = (settings.talk.full_screen, SharedRing::default());
    ring.lock().room = listing.map(|listing| listing.name.to_string());
    let at_desk = DeskSettings {
        me: (settings.name.clone(), session.room.addr()),
        full_look: full_look(settings),
        wants_full,
        ring: ring.clone(),
        prompt: Line::prompt(&settings.name, session.room.addr()),
        detect: settings.detect,
        look: look(settings),
        calendar: Calendar::new(settings.talk.times || wants_full, true),
        roll,
        history: if settings.talk.forgets { Default::default() } else { History::of_user() },
    };
    let desk = Desk::new(Arc::clone(&queue), Arc::clone(session), outlet, at_desk)?;
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
    Ok(Printer::Desk { queue, ring })
}

/// How lines look on a terminal.
fn look(settings: &Settings) -> desk::Look {
    desk::Look { colour: settings.colour, has_log: settings.has_log() }
}

/// How the full screen looks on the terminal of this process.
fn full_look(settings: &Settings) -> desk::FullLook {
    let palette = match (settings.colour, terminal::has_many_colours()) {
        (false, _) => desk::Palette::None,
        (true, false) => desk::Palette::Few,
        (true, true) => desk::Palette::Many,
    };
    desk::FullLook { palette, shows_stamps: settings.verbose }
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
