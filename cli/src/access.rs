//! Whether a room is open or private, and where the secret of a private room comes from.

use std::path::PathBuf;

use ringchat_core::secure::Ticket;
use thiserror::Error;

use crate::flags::Flags;
use crate::outcome::Opener;
use crate::trust::{TicketProblem, TicketSource};

/// Who can enter the room.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Access {
    /// Everybody. `meant` if the user said so.
    Open { meant: bool },
    /// Those that get the secret, which is made for this room.
    NewSecret,
    /// Those that have the secret in this file.
    SecretFile(PathBuf),
    /// Those that have the secret in this ticket.
    Ticket(Ticket),
}

/// Why flags and environment do not tell who can enter.
#[derive(Debug, Error)]
pub(crate) enum AccessError {
    /// `--private` without `-l`.
    #[error(
        "--private makes the secret of a new room and belongs to -l; to join a private room, use --ticket or --ticket-file"
    )]
    PrivateWithoutLeader,
    /// `--open` beside an option for private rooms.
    #[error("--open is for rooms that anybody can enter, and {0} for private ones; leave one of them out")]
    OpenAndPrivate(&'static str),
    /// An option for tickets beside `-l`.
    #[error(
        "{0} joins a room, and -l creates a new one; leave one of them out, or use -l --secret-file FILE"
    )]
    TicketWithLeader(&'static str),
    /// An option for tickets beside another one.
    #[error("--ticket asks for a ticket, and --ticket-file reads one; leave one of them out")]
    TwoTickets,
    /// An option for tickets beside `--secret-file`.
    #[error("a ticket has the secret already; leave --secret-file out")]
    TicketAndSecret,
    /// A variable that would hold a secret.
    #[error(
        "{0} holds a secret, which other programs can see in a variable; unset it, and use --ticket-file or --secret-file"
    )]
    Variable(String),
    /// There is no ticket.
    #[error(transparent)]
    Ticket(#[from] TicketProblem),
}

/// Variables that people may expect to work, and that would give a secret away.
const REFUSED: [&str; 2] = ["RINGCHAT_TICKET", "RINGCHAT_SECRET"];

impl Access {
    /// Takes each value from `flags`, else from the environment `env`. A variable does not count beside an option that
    /// contradicts it. `read` reads a ticket.
    ///
    /// # Errors
    /// The first contradiction, or a ticket that cannot be read.
    pub(crate) fn new(
        flags: &Flags,
        env: impl Fn(&str) -> Option<String>,
        read: impl FnOnce(&TicketSource) -> Result<Ticket, TicketProblem>,
    ) -> Result<Self, AccessError> {
        if let Some(name) = REFUSED.into_iter().find(|name| env(name).is_some()) {
            return Err(AccessError::Variable(name.to_owned()));
        }
        if let Some(error) = contradiction(flags) {
            return Err(error);
        }
        let path = |flag: &Option<String>, name, counts: bool| {
            flag.clone().or_else(|| env(name).filter(|_| counts)).map(PathBuf::from)
        };
        let is_free = !flags.open && !flags.ticket;
        let ticket_counts = is_free && !flags.leader && flags.secret_file.is_none();
        if flags.ticket {
            return Ok(Self::Ticket(read(&TicketSource::Typed)?));
        }
        if let Some(file) = path(&flags.ticket_file, "RINGCHAT_TICKET_FILE", ticket_counts) {
            return Ok(Self::Ticket(read(&TicketSource::File(file))?));
        }
        if let Some(file) = path(&flags.secret_file, "RINGCHAT_SECRET_FILE", is_free && !flags.private) {
            return Ok(Self::SecretFile(file));
        }
        Ok(if flags.private { Self::NewSecret } else { Self::Open { meant: flags.open } })
    }

    /// The ticket, if there is one.
    pub(crate) fn ticket(&self) -> Option<&Ticket> {
        match self {
            Self::Ticket(ticket) => Some(ticket),
            Self::Open { .. } | Self::NewSecret | Self::SecretFile(_) => None,
        }
    }

    /// What the user has that opens the room.
    pub(crate) fn opener(&self) -> Opener {
        match self {
            Self::Open { .. } | Self::NewSecret => Opener::Nothing,
            Self::Ticket(_) => Opener::Ticket,
            Self::SecretFile(_) => Opener::SecretFile,
        }
    }
}

/// The first contradiction among `flags`.
fn contradiction(flags: &Flags) -> Option<AccessError> {
    let given = [
        ("--private", flags.private),
        ("--secret-file", flags.secret_file.is_some()),
        ("--ticket", flags.ticket),
        ("--ticket-file", flags.ticket_file.is_some()),
    ];
    let first = |names: &[&str]| {
        let mut found = given.iter().filter(|(name, is_given)| *is_given && names.contains(name));
        found.next().map(|(name, _)| *name)
    };
    let any = first(&["--private", "--secret-file", "--ticket", "--ticket-file"]);
    let ticket = first(&["--ticket", "--ticket-file"]);
    match (any, ticket) {
        (Some(private), _) if flags.open => Some(AccessError::OpenAndPrivate(private)),
        (_, Some(ticket)) if flags.leader => Some(AccessError::TicketWithLeader(ticket)),
        _ if flags.private && !flags.leader => Some(AccessError::PrivateWithoutLeader),
        _ if flags.ticket && flags.ticket_file.is_some() => Some(AccessError::TwoTickets),
        (_, Some(_)) if flags.secret_file.is_some() => Some(AccessError::TicketAndSecret),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use ringchat_core::secure::Secret;

    use super::*;
    use crate::flags::Invocation;

    fn ticket() -> Ticket {
        Ticket::new(Secret::new([5; Secret::BYTES]), [7; 32], &["10.0.0.1:5000".parse().unwrap()]).unwrap()
    }

    /// The access with these options and variables, and where a ticket was read from.
    fn access(line: &str, env: &[(&str, &str)]) -> Result<(Access, Option<TicketSource>), AccessError> {
        let Ok(Invocation::Run(flags)) = Flags::parse(line.split_whitespace().map(str::to_owned)) else {
            panic!("{line} is no command line");
        };
        let mut source = None;
        let value =
            |name: &str| env.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned());
        let access = Access::new(&flags, value, |from| {
            source = Some(from.clone());
            Ok(ticket())
        })?;
        Ok((access, source))
    }

    #[test]
    fn each_way_into_a_room_has_its_options() {
        let file = |path: &str| Some(TicketSource::File(path.into()));
        for (line, wanted, source) in [
            ("-l", Access::Open { meant: false }, None),
            ("-l --open", Access::Open { meant: true }, None),
            ("--open a:1", Access::Open { meant: true }, None),
            ("-l --private", Access::NewSecret, None),
            ("-l --secret-file f", Access::SecretFile("f".into()), None),
            ("-l --private --secret-file=f", Access::SecretFile("f".into()), None),
            ("--secret-file f a:1", Access::SecretFile("f".into()), None),
            ("--ticket", Access::Ticket(ticket()), Some(TicketSource::Typed)),
            ("--ticket a:1", Access::Ticket(ticket()), Some(TicketSource::Typed)),
            ("--ticket-file /dev/fd/3", Access::Ticket(ticket()), file("/dev/fd/3")),
        ] {
            assert_eq!(access(line, &[]).unwrap(), (wanted, source), "{line}");
        }
    }

    #[test]
    fn contradictions_are_refused_with_what_to_do() {
        for (line, wanted) in [
            ("-l --private --open", "leave one of them out"),
            ("--open --ticket", "--ticket for private ones"),
            ("--private a:1", "belongs to -l"),
            ("-L --private --ticket", "belongs to -l"),
            ("-l --ticket", "--ticket joins a room"),
            ("-l --ticket-file f", "--ticket-file joins a room"),
            ("--ticket --ticket-file f", "leave one of them out"),
            ("--ticket --secret-file f", "leave --secret-file out"),
        ] {
            let error = access(line, &[]).unwrap_err().to_string();
            assert!(error.contains(wanted), "{line}: {error}");
        }
    }

    #[test]
    fn a_variable_may_hold_the_path_of_a_file_and_no_secret() {
        let env = [("RINGCHAT_TICKET_FILE", "t"), ("RINGCHAT_SECRET_FILE", "s")];
        let source = |line: &str| access(line, &env).unwrap();
        assert_eq!(source("-n x").1, Some(TicketSource::File("t".into())));
        assert_eq!(source("-n x --ticket-file u").1, Some(TicketSource::File("u".into())));
        assert_eq!(source("-l").0, Access::SecretFile("s".into()));
        assert_eq!(source("-l --private").0, Access::NewSecret);
        assert_eq!(source("--secret-file u a:1").0, Access::SecretFile("u".into()));
        assert_eq!(source("--open a:1").0, Access::Open { meant: true });
        for name in REFUSED {
            let error = access("-l", &[(name, "ringchat:aeaacaqd")]).unwrap_err().to_string();
            assert!(error.starts_with(name) && !error.contains("aeaacaqd"), "{error}");
        }
    }
}
