//! A session: one stay in a room, from the open port to the exit code.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::SyncSender;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use ringchat_core::{ChatLine, Ending, Member, Notice, Stamp};
use ringchat_driver::{Event, NoEvent};

use crate::any_room::{AnyEvents, AnyRoom};
use crate::chat_log::{ChatLog, LogProblem};
use crate::line::Line;
use crate::outcome::{Cause, Opener, SessionOutcome};
use crate::people::{People, Remark};
use crate::process::SIGHUP;
use crate::rooms::{Announced, Announcer};
use crate::see::{Live, Recorder, SeeError, SeeOrder, SeeStatus, TraceFileError, TraceOrder, TraceStatus};
use crate::settings::LogFile;
use crate::trust::KnownProblem;
use crate::unsaid::{UnsaidCount, UnsaidLines};
use crate::wording;

/// A query of a program, answered with the next report of the node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Query {
    /// The members of the room.
    Members,
    /// The last messages, so many.
    Last(usize),
    /// The member that leads.
    Leader,
    /// The neighbours of this member.
    Ring,
    /// The counts of this member.
    Stats,
    /// A ticket for the room.
    Ticket,
    /// The keys of all members.
    Keys,
    /// Whether the member called `who` has this key.
    Verify {
        /// A name, an address or a key.
        who: String,
        /// The key to compare.
        key: String,
    },
}

/// The state that the threads of a session share.
pub(crate) struct Session {
    /// The room of the session.
    pub(crate) room: AnyRoom,
    opener: Opener,
    recorder: Recorder,
    live: Live,
    cause: Mutex<Option<Cause>>,
    lamport: AtomicU64,
    /// The number of lines that were too long to be sent.
    unsent: AtomicU64,
    /// The number of texts that were typed and that the room did not take before it was left.
    untaken: AtomicU64,
    /// The lines that were not said, because nobody read the output any more.
    pub(crate) unsaid: UnsaidCount,
}

impl Session {
    /// A session in `room`, to which the user comes with `opener`. `recorder` keeps a trace of it if one is wanted, and `live`
    /// shows a page.
    pub(crate) fn new(room: AnyRoom, opener: Opener, recorder: Recorder, live: Live) -> Self {
        Self {
            room,
            opener,
            recorder,
            live,
            cause: Mutex::new(None),
            lamport: AtomicU64::new(0),
            unsent: AtomicU64::new(0),
            untaken: AtomicU64::new(0),
            unsaid: UnsaidCount::default(),
        }
    }

    /// Obeys an order about the trace. Gives where it goes now, if anywhere.
    ///
    /// # Errors
    /// If no trace can go where it is to go.
    pub(crate) fn trace(&self, order: TraceOrder<'_>) -> Result<Option<TraceStatus>, TraceFileError> {
        // In a room that was left nothing more is told.
        match order {
            TraceOrder::Tell => {}
            TraceOrder::On(file) => {
                self.recorder.begin(file.as_ref())?;
                let _ = self.room.trace(self.recorder.tracing());
            }
            TraceOrder::Off => {
                self.recorder.end_file();
                let _ = self.room.trace(self.recorder.tracing());
            }
        }
        Ok(self.recorder.status())
    }

    /// Obeys an order about the page of the room. Gives where it is now, if there is one.
    ///
    /// # Errors
    /// If there can be no page.
    pub(crate) fn see(&self, order: SeeOrder) -> Result<Option<SeeStatus>, SeeError> {
        let status = self.live.obey(order)?;
        if order != SeeOrder::Tell {
            // In a room that was left nothing more is told.
            let _ = self.room.trace(self.recorder.tracing());
        }
        Ok(status)
    }

    /// Leaves the room. The first cause counts, unless a later one replaces it ([`Cause::replaces`]).
    pub(crate) fn leave(&self, cause: Cause) {
        let mut first = self.lock_cause();
        if first.as_ref().is_none_or(|first| cause.replaces(first)) {
            *first = Some(cause);
        }
        drop(first);
        self.room.leave();
    }

    /// Whether the room is being left because of a signal.
    pub(crate) fn is_interrupted(&self) -> bool {
        matches!(*self.lock_cause(), Some(Cause::Signal(_)))
    }

    /// Whether the room is being left because the terminal is gone.
    pub(crate) fn is_hung_up(&self) -> bool {
        matches!(*self.lock_cause(), Some(Cause::Signal(SIGHUP)))
    }

    /// Whether the room is being left because nobody reads the output any more.
    pub(crate) fn is_unheard(&self) -> bool {
        self.lock_cause().as_ref().is_some_and(Cause::is_of_output)
    }

    /// Counts a line that was too long to be sent.
    pub(crate) fn count_unsent(&self) {
        self.unsent.fetch_add(1, Ordering::Relaxed);
    }

    /// Counts texts that were typed and that the room did not take before it was left.
    pub(crate) fn count_untaken(&self, count: u64) {
        self.untaken.fetch_add(count, Ordering::Relaxed);
    }

    /// The outcome of a session whose node ended with `ending` and which left the room because of `cause`.
    fn outcome(&self, ending: Option<&Ending>, cause: Option<Cause>) -> SessionOutcome {
        let (unsent, untaken) = (self.unsent.load(Ordering::Relaxed), self.untaken.load(Ordering::Relaxed));
        SessionOutcome::of(ending, cause, self.opener).with_unsent(unsent).with_untaken(untaken)
    }

    /// The Lamport time of the node at its last notice.
    pub(crate) fn lamport(&self) -> Stamp {
        Stamp(self.lamport.load(Ordering::Relaxed))
    }

    fn lock_cause(&self) -> MutexGuard<'_, Option<Cause>> {
        self.cause.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The side of a session that faces its user.
pub(crate) trait Frontend {
    /// Shows a line of chat.
    fn chat(&mut self, lamport: Stamp, line: &ChatLine<'_>);
    /// Shows any other notice; chat goes to [`chat`](Self::chat).
    fn notice(&mut self, lamport: Stamp, notice: &Notice, people: &mut People);
    /// Shows what the user should know about a member's key.
    fn remark(&mut self, lamport: Stamp, remark: &Remark);
    /// Called when all notices so far have been shown and the session waits for more.
    fn caught_up(&mut self) {}
    /// How long until it wants to be called with [`caught_up`](Self::caught_up) though nothing happened. `None` for ever.
    fn due(&self) -> Option<Duration> {
        None
    }
    /// Reports that `count` notices were missed.
    fn missed(&mut self, lamport: Stamp, count: u64);
    /// Reports that the room is announced on the network.
    fn announced(&mut self, lamport: Stamp);
    /// Reports a problem after which the session goes on.
    fn trouble(&mut self, lamport: Stamp, code: &str, message: &str);
    /// Shows a line of the log about `notice`, if the user wants to see the log.
    fn log(&mut self, line: &Line, notice: &Notice);
    /// Shows the end of the session. Waits a limited time until everything is shown.
    fn bye(&mut self, lamport: Stamp, outcome: &SessionOutcome);
}

/// Shows and logs what happens in the room until it ends. `people` judges the keys, and `announcer` announces the room.
pub(crate) fn run(
    session: &Session,
    events: AnyEvents,
    frontend: &mut dyn Frontend,
    people: &mut People,
    announcer: Announcer,
    log_file: LogFile,
    admitted: SyncSender<()>,
) -> SessionOutcome {
    let mut log = open_log(log_file, session.room.addr());
    let teller = Teller { log: &mut log, frontend, people };
    Stay { session, events, announcer, teller }.run(admitted)
}

/// A member's time in the room.
struct Stay<'a> {
    session: &'a Session,
    events: AnyEvents,
    announcer: Announcer,
    teller: Teller<'a>,
}

impl Stay<'_> {
    fn run(mut self, admitted: SyncSender<()>) -> SessionOutcome {
        let mut admitted = Some(admitted);
        let mut ending = None;
        while let Some(event) = self.next() {
            match event {
                Event::Notice { lamport, notice } => {
                    self.session.lamport.store(lamport.0, Ordering::Relaxed);
                    self.announcer.note(&notice);
                    self.teller.show(lamport, &notice);
                    match notice {
                        Notice::Ready { .. } => drop(admitted.take().map(|admitted| admitted.send(()))),
                        Notice::Ended(how) => ending = Some(how),
                        _ => {}
                    }
                }
                Event::Missed { count } => self.teller.frontend.missed(self.session.lamport(), count),
                _ => {}
            }
            self.tell_of_trace();
        }
        self.session.room.wait();
        // An input that still waits to be let in says nothing any more.
        drop(admitted);
        self.end(ending.as_ref())
    }

    fn end(mut self, ending: Option<&Ending>) -> SessionOutcome {
        let session = self.session;
        session.recorder.end();
        let written = self.teller.people.save();
        self.tell_of_keys(written);
        // The cause stays until the input has counted, which asks for it.
        let unsaid = if session.is_unheard() { session.unsaid.wait() } else { UnsaidLines::default() };
        let outcome = session.outcome(ending, session.lock_cause().take()).with_unsaid(unsaid);
        self.teller.frontend.bye(session.lamport(), &outcome);
        // Only the last lines may have failed to be written.
        match session.lock_cause().take() {
            Some(cause @ Cause::OutputFailed(_)) if outcome.exit == 0 => session.outcome(ending, Some(cause)),
            _ => outcome,
        }
    }

    /// The next event. Writes the log before waiting for an event.
    fn next(&mut self) -> Option<Event> {
        match self.events.try_next() {
            Ok(event) => Some(event),
            Err(NoEvent::Yet) => self.wait(),
            Err(NoEvent::Ended) => {
                self.teller.flush(self.session.lamport());
                None
            }
        }
    }

    fn wait(&mut self) -> Option<Event> {
        loop {
            self.teller.frontend.caught_up();
            self.tell_of_announcement();
            let written = self.teller.people.save_urgent();
            self.tell_of_keys(written);
            self.teller.flush(self.session.lamport());
            self.tell_of_trace();
            let dues = [self.teller.frontend.due(), self.announcer.due(), self.session.recorder.due()];
            let Some(due) = dues.into_iter().flatten().min() else { return self.events.next() };
            match self.events.next_within(due) {
                Err(NoEvent::Yet) => {}
                next => return next.ok(),
            }
        }
    }

    fn trouble(&mut self, code: &str, message: &str) {
        self.teller.frontend.trouble(self.session.lamport(), code, message);
    }

    fn tell_of_trace(&mut self) {
        if let Some(problem) = self.session.recorder.take_problem() {
            self.trouble("trace_file", &problem);
        }
    }

    fn tell_of_announcement(&mut self) {
        match self.announcer.look() {
            Some(Announced::Yes) => self.teller.frontend.announced(self.session.lamport()),
            Some(Announced::No(why)) => {
                let message = format!("{why}; the room is not announced, and others join by its address");
                self.trouble("announce", &message);
            }
            Some(Announced::Twin(twin)) => self.trouble("room_ambiguous", &wording::twin(&twin)),
            None => {}
        }
    }

    fn tell_of_keys(&mut self, written: Result<(), KnownProblem>) {
        if let Err(problem) = written {
            self.trouble("known_keys", &problem.to_string());
        }
    }
}

/// What tells the user what happens: on the screen, and in the log.
pub(crate) struct Teller<'a> {
    /// The log.
    pub(crate) log: &'a mut ChatLog,
    /// The screen, or what stands for it.
    pub(crate) frontend: &'a mut dyn Frontend,
    /// What is known of the keys.
    pub(crate) people: &'a mut People,
}

impl Teller<'_> {
    /// Shows and logs a notice, and what the user should know about the keys in it.
    pub(crate) fn show(&mut self, lamport: Stamp, notice: &Notice) {
        if let Notice::Chat(chat) = notice {
            let remarks = self.people.heard(&chat.said.origin);
            self.remark(remarks, lamport, notice);
            for said in chat.lines() {
                self.add(&wording::said(&said), lamport, notice);
                self.frontend.chat(lamport, &said);
            }
            return;
        }
        if let Some(text) = wording::log(notice) {
            self.add(&text, lamport, notice);
        }
        let remarks = match notice {
            Notice::Ready { me, members, .. } => self.people.entered(me, members),
            Notice::Joined { member } => self.people.met(member).into_iter().collect(),
            Notice::Forged { by, author } => {
                vec![Remark::Forged { by: Member::clone(by), author: Member::clone(author) }]
            }
            Notice::Forked { author } => vec![Remark::Forked(Member::clone(author))],
            _ => Vec::new(),
        };
        self.frontend.notice(lamport, notice, self.people);
        self.remark(remarks, lamport, notice);
    }

    fn remark(&mut self, remarks: Vec<Remark>, lamport: Stamp, notice: &Notice) {
        for remark in remarks {
            self.add(&wording::remark(&remark), lamport, notice);
            self.frontend.remark(lamport, &remark);
        }
    }

    /// Adds a line about `notice` to the log.
    fn add(&mut self, text: &str, lamport: Stamp, notice: &Notice) {
        let line = Line::log(lamport, &wording::one_line(text));
        let written = self.log.add(&line);
        self.tell(written, lamport);
        self.frontend.log(&line, notice);
    }

    fn flush(&mut self, lamport: Stamp) {
        let written = self.log.flush();
        self.tell(written, lamport);
    }

    /// Shows a problem of the log.
    fn tell(&mut self, written: Result<(), LogProblem>, lamport: Stamp) {
        if let Err(problem) = written {
            self.frontend.trouble(lamport, "log_file", &problem.to_string());
        }
    }
}

fn open_log(log_file: LogFile, addr: SocketAddr) -> ChatLog {
    let usual = format!("chat_{}.log", addr.port());
    match log_file {
        LogFile::Usual => ChatLog::new(usual.into()),
        LogFile::At(folder) if folder.is_dir() => ChatLog::new(folder.join(usual)),
        LogFile::At(path) => ChatLog::new(path),
        LogFile::Off => ChatLog::none(),
    }
}
