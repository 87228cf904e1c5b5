//! How a session ended: its exit code, its reason, and the error that the user is told.

use std::io;

use ringchat_core::limits::MAX_TEXT;
use ringchat_core::{DialFailure, Ending, JoinFailure};

use crate::unsaid::UnsaidLines;
use crate::wording;

/// What the user has that opens the room.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Opener {
    /// Nothing: the room is open, as far as the user knows.
    Nothing,
    /// A ticket.
    Ticket,
    /// The secret of the room, in a file.
    SecretFile,
}

/// Why a session leaves its room.
#[derive(Debug)]
pub(crate) enum Cause {
    /// The user left.
    Quit,
    /// The input ended.
    Eof,
    /// The program received this signal.
    Signal(i32),
    /// The reader of the output closed it.
    OutputClosed,
    /// The output cannot be written.
    OutputFailed(io::Error),
    /// The input cannot be read.
    InputFailed(String),
}

impl Cause {
    /// Whether this cause counts although `first` came before: a signal always does, and output that fails while the last
    /// lines are written is no end in order.
    pub(crate) fn replaces(&self, first: &Self) -> bool {
        match self {
            Self::Signal(_) => true,
            Self::OutputFailed(_) => matches!(first, Self::Quit | Self::Eof),
            Self::Quit | Self::Eof | Self::OutputClosed | Self::InputFailed(_) => false,
        }
    }

    /// Whether nobody reads the output any more.
    pub(crate) fn is_of_output(&self) -> bool {
        matches!(self, Self::OutputClosed | Self::OutputFailed(_))
    }
}

/// How a session ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct SessionOutcome {
    /// The exit code.
    pub(crate) exit: u8,
    /// The reason in one word: `quit`, `eof`, `signal` or `error`.
    pub(crate) reason: &'static str,
    /// The error, if there was one: a code for programs and a sentence for people.
    pub(crate) error: Option<(&'static str, String)>,
}

impl SessionOutcome {
    /// The outcome of a session that failed: its exit code, and the code and sentence of its error.
    pub(crate) fn failed(exit: u8, code: &'static str, message: String) -> Self {
        Self { exit, reason: "error", error: Some((code, message)) }
    }

    /// The outcome of a session whose node ended with `ending` and which left the room because of `cause`. The user came
    /// with `opener`.
    pub(crate) fn of(ending: Option<&Ending>, cause: Option<Cause>, opener: Opener) -> Self {
        match (ending, cause) {
            (Some(Ending::Left { unsure }), cause) => Self::left(*unsure, cause),
            (_, Some(Cause::Signal(signal))) => Self::signal(signal),
            (Some(Ending::JoinFailed { tried }), _) => join_failed(tried, opener),
            (Some(Ending::RoomFull), _) => room_full(),
            (Some(_) | None, _) => Self::failed(
                1,
                "internal",
                "the room ended in a way that this program does not know; please report it".to_owned(),
            ),
        }
    }

    fn left(unsure: u64, cause: Option<Cause>) -> Self {
        let mut outcome = match cause {
            None | Some(Cause::Quit | Cause::OutputClosed) => Self { exit: 0, reason: "quit", error: None },
            Some(Cause::Eof) => Self { exit: 0, reason: "eof", error: None },
            Some(Cause::Signal(signal)) => Self::signal(signal),
            Some(Cause::OutputFailed(error)) => {
                let message = format!("standard output cannot be written ({error}); the room was left");
                Self::failed(1, "output", message)
            }
            Some(Cause::InputFailed(error)) => {
                let message = format!("standard input cannot be read ({error}); the room was left");
                Self::failed(1, "input", message)
            }
        };
        if unsure > 0 {
            outcome.exit = outcome.exit.max(1);
            let what = wording::messages(unsure);
            let message = format!("{what} of yours may not have reached everybody; say them again");
            outcome.error = Some(("unsure", message));
        }
        outcome
    }

    /// This outcome, but failed if `unsent` lines of the input were too long to be sent.
    pub(crate) fn with_unsent(self, unsent: u64) -> Self {
        self.failed_to_send(unsent, &format!("a message has at most {MAX_TEXT} bytes"))
    }

    /// This outcome, but failed if the room did not take `untaken` texts that the user typed.
    pub(crate) fn with_untaken(self, untaken: u64) -> Self {
        self.failed_to_send(untaken, "the room was left before it took so much")
    }

    fn failed_to_send(mut self, count: u64, why: &str) -> Self {
        if count > 0 {
            self.exit = self.exit.max(1);
            let lines = wording::counted(count, "line was", "lines were");
            let message = format!("{lines} not sent: {why}");
            self.error = Some(match self.error {
                Some((code, first)) => (code, format!("{first}; {message}")),
                None => ("unsent", message),
            });
        }
        self
    }

    /// This outcome, but failed if lines of the input were not said because nobody read the output any more.
    pub(crate) fn with_unsaid(mut self, unsaid: UnsaidLines) -> Self {
        if unsaid.count > 0 {
            self.exit = self.exit.max(1);
            let least = if unsaid.may_be_more { "at least " } else { "" };
            let lines = wording::counted(unsaid.count, "line was", "lines were");
            let first = match self.error {
                Some((_, first)) => first,
                None => "nobody reads standard output any more; the room was left".to_owned(),
            };
            self.error = Some(("output", format!("{first}; {least}{lines} not sent")));
        }
        self
    }

    fn signal(signal: i32) -> Self {
        let exit = u8::try_from(signal).unwrap_or(0).saturating_add(128);
        Self { exit, reason: "signal", error: None }
    }
}

/// The outcome when none of the contacts let this member in.
fn join_failed(tried: &[(std::net::SocketAddr, JoinFailure)], opener: Opener) -> SessionOutcome {
    let all: Vec<String> = tried.iter().map(|(addr, failure)| format!("{addr}: {failure}")).collect();
    let has = |wanted| tried.iter().any(|(_, failure)| *failure == JoinFailure::Dial(wanted));
    let is_taken = tried.iter().any(|(_, failure)| *failure == JoinFailure::AddressTaken);
    let (code, advice) = if is_taken {
        ("address_taken", "give this machine's address on the way to the others with -a, or another port")
    } else if has(DialFailure::Unanswered) {
        ("join_timeout", unanswered(opener))
    } else if has(DialFailure::NoMember) {
        ("not_ringchat", no_member(opener))
    } else {
        ("join_timeout", unreached(opener))
    };
    SessionOutcome::failed(3, code, format!("could not join the room ({}); {advice}", all.join("; ")))
}

/// What to do when a contact connects and says nothing. A member is silent to a program with another secret or version.
fn unanswered(opener: Opener) -> &'static str {
    match opener {
        Opener::Nothing => "it may be private: ask a member for its ticket. Or it speaks another version",
        Opener::Ticket => {
            "the ticket may be old, or that of another room: ask a member for a new one. Or it speaks another version"
        }
        Opener::SecretFile => {
            "it may have another secret than the one in the file: ask a member for a ticket. Or it speaks another version"
        }
    }
}

/// What to do when a contact answers and is no member of the room.
fn no_member(opener: Opener) -> &'static str {
    match opener {
        Opener::Nothing | Opener::SecretFile => "give the address and port of a member",
        Opener::Ticket => "the ticket may be old: ask a member for a new one",
    }
}

/// What to do when no contact can be reached.
fn unreached(opener: Opener) -> &'static str {
    match opener {
        Opener::Nothing | Opener::SecretFile => {
            "check that a member runs there and that no firewall is between, give the HOST:PORT of another member, or \
             create a room with -l"
        }
        Opener::Ticket => {
            "the ticket may be old, and its members may have moved: ask for a new one, or give the HOST:PORT of a member \
             beside it. Or a firewall is between"
        }
    }
}

/// The outcome when the room has no place for this member.
fn room_full() -> SessionOutcome {
    let message = "the room did not let this member in: the room is full; try again when somebody has left";
    SessionOutcome::failed(4, "room_full", message.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn left(unsure: u64, cause: Cause) -> SessionOutcome {
        SessionOutcome::of(Some(&Ending::Left { unsure }), Some(cause), Opener::Nothing)
    }

    #[test]
    fn a_room_left_in_order_is_a_success() {
        assert_eq!((left(0, Cause::Quit).exit, left(0, Cause::Quit).reason), (0, "quit"));
        assert_eq!((left(0, Cause::Eof).exit, left(0, Cause::Eof).reason), (0, "eof"));
        assert_eq!(left(0, Cause::OutputClosed).exit, 0);
    }

    #[test]
    fn output_that_fails_after_the_input_has_ended_is_a_failure() {
        let failed = || Cause::OutputFailed(io::ErrorKind::StorageFull.into());
        assert!(failed().replaces(&Cause::Eof) && failed().replaces(&Cause::Quit));
        assert!(!failed().replaces(&Cause::Signal(2)), "the user was faster");
        assert!(Cause::Signal(2).replaces(&failed()) && !Cause::Eof.replaces(&failed()));
        assert_eq!(left(0, failed()).exit, 1);
    }

    #[test]
    fn signals_have_the_exit_codes_of_a_shell() {
        let exits = [2, 15, 1].map(|signal| left(0, Cause::Signal(signal)).exit);
        assert_eq!(exits, [130, 143, 129]);
    }

    #[test]
    fn messages_that_may_be_lost_are_counted_and_fail() {
        let outcome = left(3, Cause::Eof);
        assert_eq!(outcome.exit, 1);
        assert!(outcome.error.is_some_and(|(code, message)| code == "unsure" && message.starts_with("3 ")));
        assert_eq!(left(3, Cause::Signal(15)).exit, 143);
    }

    #[test]
    fn lines_that_were_not_sent_are_counted_and_fail() {
        let outcome = left(0, Cause::Eof).with_unsent(1);
        assert_eq!(outcome.exit, 1);
        assert_eq!(
            outcome.error,
            Some(("unsent", "1 line was not sent: a message has at most 16384 bytes".to_owned()))
        );
        let both = left(3, Cause::Eof).with_unsent(2);
        assert!(
            both.error
                .is_some_and(|(code, message)| code == "unsure" && message.contains("2 lines were not"))
        );
        assert_eq!(left(0, Cause::Signal(15)).with_unsent(1).exit, 143);
        assert_eq!(left(0, Cause::Eof).with_unsent(0), left(0, Cause::Eof));
    }

    #[test]
    fn lines_that_were_not_said_because_nobody_reads_are_counted_and_fail() {
        let closed = |unsaid| left(0, Cause::OutputClosed).with_unsaid(unsaid);
        assert_eq!(closed(UnsaidLines::default()).exit, 0);
        let two = UnsaidLines { count: 2, may_be_more: false };
        let message = "nobody reads standard output any more; the room was left; 2 lines were not sent";
        assert_eq!((closed(two).exit, closed(two).error), (1, Some(("output", message.to_owned()))));
        let (_, message) = closed(UnsaidLines { may_be_more: true, ..two }).error.unwrap();
        assert!(message.ends_with("at least 2 lines were not sent"), "{message}");
        let (code, message) = left(3, Cause::OutputClosed).with_unsaid(two).error.unwrap();
        assert!(code == "output" && message.starts_with("3 messages"), "{message}");
    }

    #[test]
    fn a_failed_join_names_each_address_and_tells_why() {
        let tried = vec![
            ("10.0.0.1:1".parse().unwrap(), JoinFailure::Dial(DialFailure::Refused)),
            ("10.0.0.2:2".parse().unwrap(), JoinFailure::Dial(DialFailure::Unanswered)),
        ];
        let outcome = SessionOutcome::of(Some(&Ending::JoinFailed { tried }), None, Opener::Nothing);
        let Some(("join_timeout", message)) = outcome.error else { panic!("{outcome:?}") };
        assert_eq!(outcome.exit, 3);
        assert!(message.contains("10.0.0.1:1: nobody listens there"), "{message}");
        assert!(message.contains("10.0.0.2:2: connects, but does not answer"), "{message}");
        assert!(message.contains("); it may be private: ask a member for its ticket. Or it"), "{message}");
    }

    #[test]
    fn a_full_room_refuses() {
        assert_eq!(SessionOutcome::of(Some(&Ending::RoomFull), None, Opener::Nothing).exit, 4);
    }

    #[test]
    fn what_helps_to_get_in_depends_on_what_the_user_came_with() {
        let join = |failure, opener| {
            let tried = vec![("10.0.0.1:5000".parse().unwrap(), JoinFailure::Dial(failure))];
            let outcome = SessionOutcome::of(Some(&Ending::JoinFailed { tried }), None, opener);
            assert_eq!(outcome.exit, 3);
            outcome.error.unwrap()
        };
        let (code, message) = join(DialFailure::Unanswered, Opener::Nothing);
        let wanted = "could not join the room (10.0.0.1:5000: connects, but does not answer); it may be private: \
                      ask a member for its ticket. Or it speaks another version";
        assert_eq!((code, message.as_str()), ("join_timeout", wanted));
        for (failure, code) in [
            (DialFailure::Unanswered, "join_timeout"),
            (DialFailure::NoMember, "not_ringchat"),
            (DialFailure::Refused, "join_timeout"),
        ] {
            let [nothing, ticket, file] =
                [Opener::Nothing, Opener::Ticket, Opener::SecretFile].map(|opener| join(failure, opener));
            assert!([&nothing, &ticket, &file].iter().all(|(said, _)| *said == code));
            assert!(
                ticket.1.contains("); the ticket may be old") && ticket.1.contains("new one"),
                "{ticket:?}"
            );
            assert!(
                !nothing.1.contains("the ticket") && !file.1.contains("the ticket"),
                "{nothing:?} {file:?}"
            );
        }
        let (_, message) = join(DialFailure::Unanswered, Opener::SecretFile);
        assert!(message.contains("another secret than the one in the file"), "{message}");
    }
}
