//! A session: one stay in a room, from the binding of the port to the exit code.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::SyncSender;
use std::sync::{Mutex, MutexGuard, PoisonError};

use ringchat_core::driver::{Event, NoEvent};
use ringchat_core::{ChatLine, Notice, Stamp};

use crate::chat_log::{ChatLog, Trouble};
use crate::line::Line;
use crate::options::LogFile;
use crate::outcome::{Cause, Outcome};
use crate::room::{Notices, Room};
use crate::words;

/// Something that a program asked, to be answered by the next report of the node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ask {
    /// Who is here.
    Members,
    /// Who comes after whom.
    Ring,
    /// Counts.
    Stats,
}

/// What the threads of a session share.
pub(crate) struct Session {
    /// The room.
    pub(crate) room: Room,
    cause: Mutex<Option<Cause>>,
    lamport: AtomicU64,
}

impl Session {
    /// A session in `room`.
    pub(crate) fn new(room: Room) -> Self {
        Self { room, cause: Mutex::new(None), lamport: AtomicU64::new(0) }
    }

    /// Leaves the room. The first cause counts, but a signal outdoes all others.
    pub(crate) fn leave(&self, cause: Cause) {
        let mut first = self.lock_cause();
        if first.is_none() || matches!(cause, Cause::Signal(_)) {
            *first = Some(cause);
        }
        drop(first);
        self.room.leave();
    }

    /// Whether the room is being left because of a signal.
    pub(crate) fn is_interrupted(&self) -> bool {
        matches!(*self.lock_cause(), Some(Cause::Signal(_)))
    }

    /// The node's Lamport time at its last notice.
    pub(crate) fn lamport(&self) -> Stamp {
        Stamp(self.lamport.load(Ordering::Relaxed))
    }

    fn lock_cause(&self) -> MutexGuard<'_, Option<Cause>> {
        self.cause.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// How a session shows itself to its user.
pub(crate) trait Face {
    /// Somebody said something.
    fn chat(&mut self, lamport: Stamp, line: &ChatLine<'_>);
    /// Something else happened.
    fn notice(&mut self, lamport: Stamp, notice: &Notice);
    /// All that has happened so far was shown.
    fn caught_up(&mut self) {}
    /// So many notices were missed.
    fn missed(&mut self, lamport: Stamp, count: u64);
    /// Something went wrong, and the room goes on.
    fn trouble(&mut self, lamport: Stamp, code: &str, message: &str);
    /// A line of the log, for who wants to see it.
    fn log(&mut self, line: &Line, notice: &Notice);
    /// The session is over. Waits until all is shown, as far as somebody looks.
    fn bye(&mut self, lamport: Stamp, outcome: &Outcome);
}

/// Shows and logs what happens in the room until it ends.
pub(crate) fn run(
    session: &Session,
    mut notices: Notices,
    face: &mut dyn Face,
    log_file: LogFile,
    admitted: SyncSender<()>,
) -> Outcome {
    let mut log = open_log(log_file, session.room.addr());
    let mut admitted = Some(admitted);
    let mut ending = None;
    while let Some(event) = next(session, &mut notices, &mut log, face) {
        match event {
            Event::Notice { lamport, notice } => {
                session.lamport.store(lamport.0, Ordering::Relaxed);
                show(lamport, &notice, &mut log, face);
                match notice {
                    Notice::Ready { .. } => drop(admitted.take().map(|admitted| admitted.send(()))),
                    Notice::Ended(how) => ending = Some(how),
                    _ => {}
                }
            }
            Event::Missed { count } => face.missed(session.lamport(), count),
        }
    }
    session.room.join();
    let outcome = Outcome::of(ending.as_ref(), session.lock_cause().take());
    face.bye(session.lamport(), &outcome);
    // The last lines may be those that cannot be written.
    match session.lock_cause().take() {
        Some(cause @ Cause::OutputFailed(_)) if outcome.exit == 0 => {
            Outcome::of(ending.as_ref(), Some(cause))
        }
        _ => outcome,
    }
}

/// Shows and logs what happened.
pub(crate) fn show(lamport: Stamp, notice: &Notice, log: &mut ChatLog, face: &mut dyn Face) {
    if let Notice::Chat(chat) = notice {
        for said in chat.lines() {
            add(&words::said(&said), lamport, notice, log, face);
            face.chat(lamport, &said);
        }
        return;
    }
    if let Some(text) = words::log(notice) {
        add(&text, lamport, notice, log, face);
    }
    face.notice(lamport, notice);
}

/// Adds a line to the log.
fn add(text: &str, lamport: Stamp, notice: &Notice, log: &mut ChatLog, face: &mut dyn Face) {
    let line = Line::log(lamport, &words::one_line(text));
    tell(log.add(&line), lamport, face);
    face.log(&line, notice);
}

/// The next event. Before waiting for it, the log is written.
fn next(session: &Session, notices: &mut Notices, log: &mut ChatLog, face: &mut dyn Face) -> Option<Event> {
    match notices.try_next() {
        Ok(event) => Some(event),
        Err(NoEvent::Yet) => {
            face.caught_up();
            tell(log.flush(), session.lamport(), face);
            notices.next()
        }
        Err(NoEvent::Ended) => {
            tell(log.flush(), session.lamport(), face);
            None
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

/// Says what is to be said about the log.
fn tell(written: Result<(), Trouble>, lamport: Stamp, face: &mut dyn Face) {
    if let Err(trouble) = written {
        face.trouble(lamport, "log_file", &trouble.to_string());
    }
}
