//! The valid settings of a session, made of flags, environment variables and defaults.

use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use ringchat_core::secure::Ticket;
use ringchat_core::{Config, Name, NameError, Start};
use thiserror::Error;

use crate::access::{Access, AccessError};
use crate::any_room::RuntimeKind;
use crate::contacts::Contacts;
use crate::flags::Flags;
use crate::own_address::NoNetwork;
use crate::reach::Reach;
use crate::rooms::RoomSettings;
use crate::see::{SeeSettings, TraceSettings};
use crate::system::process::USER;
use crate::talk::TalkSettings;
use crate::trust::{IdFile, TicketProblem, TicketSource};
use crate::wording;

/// The settings of a session. All values are checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Settings {
    /// Where this member listens, and where others reach it.
    pub(crate) reach: Reach,
    /// The room on the network, if the user asked for one.
    pub(crate) room: Option<RoomSettings>,
    /// The name of this member.
    pub(crate) name: Name,
    /// Whether to create a room or to join one.
    pub(crate) start: Start,
    /// The contacts of which no address is known, and why.
    pub(crate) unresolved: Vec<(String, String)>,
    /// Who can enter the room.
    pub(crate) access: Access,
    /// Where the user's key pair is.
    pub(crate) id_file: IdFile,
    /// The silence after which a member is suspected.
    pub(crate) detect: Duration,
    /// How long to try to join.
    pub(crate) join_timeout: Duration,
    /// The runtime that drives the node.
    pub(crate) runtime: RuntimeKind,
    /// Whether to speak JSON instead of showing a screen.
    pub(crate) json: bool,
    /// Whether to show the log too.
    pub(crate) verbose: bool,
    /// Whether a terminal shows colours.
    pub(crate) colour: bool,
    /// The destination of the log.
    pub(crate) log_file: LogFile,
    /// What is traced.
    pub(crate) trace: TraceSettings,
    /// Whether there is a page of the room.
    pub(crate) see: SeeSettings,
    /// What the user chose about talk.
    pub(crate) talk: TalkSettings,
}

/// The destination of a log.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) enum LogFile {
    /// `chat_<port>.log` in the current folder.
    #[default]
    Usual,
    /// This file, or `chat_<port>.log` if this is a folder.
    At(PathBuf),
    /// No log.
    Off,
}

impl LogFile {
    /// The file `path`, or no log if `path` is empty.
    fn at(path: String) -> Self {
        if path.is_empty() { Self::Off } else { Self::At(path.into()) }
    }
}

/// Why flags and environment make no valid settings.
#[derive(Debug, Error)]
pub(crate) enum UsageError {
    /// It is not clear who can enter the room.
    #[error(transparent)]
    Access(#[from] AccessError),
    /// Neither `-l` nor a contact.
    #[error(
        "no room to join: give --room NAME, or --ticket, or the HOST:PORT of any member, or -na IP -np PORT; or create a room with -l"
    )]
    NoContact,
    /// `-L` without a contact, perhaps after a `-l`, which it cancels.
    #[error(
        "-L joins a room: give the HOST:PORT of any member, or -na IP -np PORT; leave -L out to create a room with -l"
    )]
    NotLeaderWithoutContact,
    /// Both `-l` and a contact.
    #[error("-l creates a new room; leave it out to join the room of the contact")]
    LeaderWithContact,
    /// One of `-na` and `-np` without the other.
    #[error("-na IP and -np PORT belong together; one of them is missing")]
    HalfANeighbor,
    /// An invalid `value` for `option`, with a description of valid ones.
    #[error("{option} must be {wanted}, not {value:?}")]
    Value { option: &'static str, value: String, wanted: &'static str },
    /// An invalid name.
    #[error("{0}; choose another with -n NAME")]
    Name(NameError),
    /// An invalid name of a room.
    #[error("{0}; a room is called as a member may be called: choose another name with --room NAME")]
    Room(NameError),
    /// No address of this machine can be chosen for a room on the network.
    #[error(transparent)]
    Network(#[from] NoNetwork),
    /// Others cannot be told a port that leads to another one each time.
    #[error("--advertise HOST:PORT leads to a port of this machine; say which with -p PORT")]
    AdvertisedPort,
    /// An address that no member can reach; `own` are the addresses of this machine.
    #[error(
        "{ip} is no address that others can reach; choose one of this machine with -a: {}",
        wording::list(own)
    )]
    Unspecified { ip: IpAddr, own: Vec<IpAddr> },
    /// An address that only this machine can reach, with a contact on another; `own` are the addresses of this machine.
    #[error(
        "only this machine can reach {ip}, and the room at {contact} may have members on others; leave -a out, or \
         choose an address of this machine: {}",
        wording::list(own)
    )]
    OnlyHere { ip: IpAddr, contact: SocketAddr, own: Vec<IpAddr> },
    /// A host name without an address.
    #[error("no address is known for {host:?} ({why}); check how it is written, or give an IP address")]
    Unresolved { host: String, why: String },
}

impl UsageError {
    /// The exit code of the program.
    pub(crate) fn exit(&self) -> u8 {
        match self {
            Self::Network(_) => NoNetwork::EXIT,
            _ => crate::USAGE,
        }
    }
}

impl Settings {
    /// Whether the session keeps a log.
    pub(crate) fn has_log(&self) -> bool {
        self.log_file != LogFile::Off
    }

    /// Takes each value from `flags`, else from the environment `env`, else the default. `read` reads a ticket, once all
    /// else is known to be right.
    ///
    /// # Errors
    /// The first wrong value.
    pub(crate) fn new(
        flags: Flags,
        env: impl Fn(&str) -> Option<String>,
        read: impl FnOnce(&TicketSource) -> Result<Ticket, TicketProblem>,
    ) -> Result<Self, UsageError> {
        let env = |name: &str| env(name).filter(|value| !value.is_empty());
        let set = |flag: Option<String>, name: &str| flag.or_else(|| env(name));
        let on = |flag: bool, name: &str| is_on(flag, env(name));

        let port = parse(given("--port", flags.port.as_ref(), "RINGCHAT_PORT", env), "a port, 0 to 65535")?;
        let see_port = given("--see-port", flags.see_port.as_ref(), "RINGCHAT_SEE_PORT", env);
        let see_port = parse(see_port, "a port, 0 to 65535")?;
        let name = set(flags.name.clone(), "RINGCHAT_NAME").map(|name| Name::new(&name));
        let name = name.unwrap_or_else(|| usual_name(&env(USER).unwrap_or_default()));
        let name = name.map_err(UsageError::Name)?;
        let seconds = given("--join-timeout", flags.join_timeout.as_ref(), "RINGCHAT_JOIN_TIMEOUT", env);
        let seconds = parse(seconds, "a number of seconds, 0.1 to 3600")?;
        let detect = given("--detect-ms", flags.detect_ms.as_ref(), "RINGCHAT_DETECT_MS", env);
        let detect = parse(detect, "a number of milliseconds, 10 to 3600000")?;
        let runtime = given("--runtime", flags.runtime.as_ref(), "RINGCHAT_RUNTIME", env);
        let runtime = parse(runtime, "threads or async-std")?;
        let named = Contacts::given(&flags, env)?;
        let talk = TalkSettings::new(&flags, env)?;
        let access = Access::new(&flags, env, read)?;
        let has_contacts = !named.is_empty();
        let Contacts { addrs: contacts, unresolved } = named.with_ticket(access.ticket())?;
        let room = room_name(&flags, env, has_contacts)?;
        let advertised = set(flags.advertise.clone(), "RINGCHAT_ADVERTISE");
        let address = set(flags.address.clone(), "RINGCHAT_ADDRESS");
        let reach = Reach::new(address, port, advertised, &contacts, room.is_some())?;
        let is_sought = !flags.leader && !has_contacts;
        let room = room.map(|name| Ok(RoomSettings { name, ip: reach.on_network()?, is_sought }));
        let room = room.transpose().map_err(UsageError::Network)?;
        Ok(Self {
            reach,
            name,
            start: start(&flags, contacts, room.is_some())?,
            unresolved,
            room,
            access,
            id_file: id_file(flags.id_file, env),
            detect: detect.map_or(Config::DETECT, |Milliseconds(detect)| detect),
            join_timeout: seconds.map_or(Config::JOIN_TIMEOUT, |Seconds(timeout)| timeout),
            runtime: runtime.unwrap_or_default(),
            json: on(flags.json, "RINGCHAT_JSON"),
            verbose: on(flags.verbose, "RINGCHAT_VERBOSE"),
            colour: !flags.no_color && env("NO_COLOR").is_none() && env("TERM").as_deref() != Some("dumb"),
            log_file: if flags.no_log || (flags.log_file.is_none() && on(false, "RINGCHAT_NO_LOG")) {
                LogFile::Off
            } else {
                set(flags.log_file, "RINGCHAT_LOG_FILE").map_or(LogFile::Usual, LogFile::at)
            },
            trace: trace(
                flags.trace_text,
                set(flags.trace, "RINGCHAT_TRACE"),
                given("--trace-limit", flags.trace_limit.as_ref(), "RINGCHAT_TRACE_LIMIT", env),
            )?,
            talk,
            see: SeeSettings { on: on(flags.see, "RINGCHAT_SEE"), port: see_port.unwrap_or(0) },
        })
    }
}

/// What the room on the network is called, if the user asked for one. The room of the environment does not count beside a
/// contact, which may be in another one.
fn room_name(
    flags: &Flags,
    env: impl Fn(&str) -> Option<String>,
    has_contacts: bool,
) -> Result<Option<Name>, UsageError> {
    let name = flags.room.clone().or_else(|| env("RINGCHAT_ROOM").filter(|_| !has_contacts));
    name.map(|name| Name::new(&name).map_err(UsageError::Room)).transpose()
}

/// What is traced.
fn trace(texts: bool, file: Option<String>, limit: Given) -> Result<TraceSettings, UsageError> {
    let limit = parse(limit, "a number of MiB, 1 to 4096")?;
    let limit = limit.map_or(TraceSettings::LIMIT, |Mebibytes(limit)| limit);
    Ok(TraceSettings { file: file.filter(|file| !file.is_empty()).map(PathBuf::from), texts, limit })
}

/// Where the user's key pair is, by the option `flag`, else by the environment.
pub(crate) fn id_file(flag: Option<String>, env: impl Fn(&str) -> Option<String>) -> IdFile {
    let path = flag.or_else(|| env("RINGCHAT_ID_FILE").filter(|path| !path.is_empty()));
    path.map_or(IdFile::Usual, |path| IdFile::At(path.into()))
}

fn start(flags: &Flags, contacts: Vec<SocketAddr>, has_room: bool) -> Result<Start, UsageError> {
    match (flags.leader, contacts.is_empty()) {
        (true, true) => Ok(Start::Create),
        (true, false) => Err(UsageError::LeaderWithContact),
        // The contacts are found on the network.
        (false, true) if has_room => Ok(Start::Join { contacts }),
        (false, true) if flags.not_leader => Err(UsageError::NotLeaderWithoutContact),
        (false, true) => Err(UsageError::NoContact),
        (false, false) => Ok(Start::Join { contacts }),
    }
}

/// Whether something is switched on, by its `flag` or by the `value` of its variable.
pub(crate) fn is_on(flag: bool, value: Option<String>) -> bool {
    flag || value.is_some_and(|value| value != "0")
}

/// The option or the variable that gives a value, and the value, if it is given.
pub(crate) type Given = (&'static str, Option<String>);

/// The value of the flag `option`, else of the environment `env`.
pub(crate) fn given(
    option: &'static str,
    flag: Option<&String>,
    variable: &'static str,
    env: impl Fn(&str) -> Option<String>,
) -> Given {
    flag.map_or_else(|| (variable, env(variable)), |flag| (option, Some(flag.clone())))
}

/// Parses a value; `wanted` describes valid values for the error.
///
/// # Errors
/// If the value is none of them.
pub(crate) fn parse<T: FromStr>(
    (option, value): Given,
    wanted: &'static str,
) -> Result<Option<T>, UsageError> {
    value.map(|value| value.parse().map_err(|_| UsageError::Value { option, value, wanted })).transpose()
}

/// A size in bytes, given as at least one mebibyte and at most 4096.
struct Mebibytes(u64);

impl FromStr for Mebibytes {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let size: u64 = text.parse().map_err(drop)?;
        if (1..=4096).contains(&size) { Ok(Self(size << 20)) } else { Err(()) }
    }
}

/// A time of at least a tenth of a second and at most an hour.
struct Seconds(Duration);

impl FromStr for Seconds {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let seconds: f64 = text.parse().map_err(drop)?;
        if !(0.1..=3600.0).contains(&seconds) {
            return Err(());
        }
        Ok(Self(Duration::from_secs_f64(seconds)))
    }
}

/// A time of at least 10 ms and at most an hour.
struct Milliseconds(Duration);

impl FromStr for Milliseconds {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let ms: u64 = text.parse().map_err(drop)?;
        if !(10..=3_600_000).contains(&ms) {
            return Err(());
        }
        Ok(Self(Duration::from_millis(ms)))
    }
}

/// A valid name made from the name of the user's account.
fn usual_name(user: &str) -> Result<Name, NameError> {
    let mut name: String =
        user.chars().filter(|c| Name::new(&format!("x{c}x")).is_ok()).take(32).collect::<String>();
    name = name.split_whitespace().collect::<Vec<_>>().join(" ");
    while !name.is_empty() && Name::new(&name) == Err(NameError::TooLong) {
        name.pop();
    }
    // The rest may still be invisible, such as an accent alone.
    Name::new(name.trim()).or_else(|_| Name::new("anonymous"))
}

#[cfg(test)]
pub(crate) mod tests {
    use ringchat_core::secure::Secret;

    use super::*;
    use crate::flags::Invocation;

    pub(crate) fn options(line: &str, env: &[(&str, &str)]) -> Result<Settings, UsageError> {
        let Ok(Invocation::Run(flags)) = Flags::parse(line.split_whitespace().map(str::to_owned)) else {
            panic!("{line} is no command line");
        };
        let value =
            |name: &str| env.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned());
        Settings::new(*flags, value, |_| {
            let addrs = [addr("10.0.0.9:9"), addr("10.0.0.1:6")];
            Ok(Ticket::new(Secret::new([5; Secret::BYTES]), [7; 32], &addrs)?)
        })
    }

    pub(crate) fn addr(text: &str) -> SocketAddr {
        text.parse().unwrap()
    }

    #[test]
    fn without_options_the_defaults_hold() {
        let options = options("-l", &[("USER", "eve")]).unwrap();
        assert_eq!(options.reach.listen, addr("127.0.0.1:0"));
        assert_eq!(options.name.as_str(), "eve");
        assert_eq!(options.start, Start::Create);
        assert_eq!((options.detect, options.join_timeout), (Config::DETECT, Config::JOIN_TIMEOUT));
        assert!(options.colour && !options.json && !options.verbose);
    }

    #[test]
    fn a_flag_beats_the_environment_and_that_the_default() {
        let env = [("RINGCHAT_NAME", "env"), ("RINGCHAT_PORT", "7"), ("RINGCHAT_RUNTIME", "async-std")];
        let options = options("-l -n flag", &env).unwrap();
        assert_eq!(options.name.as_str(), "flag");
        assert_eq!(options.reach.listen.port(), 7);
        assert_eq!(options.runtime, RuntimeKind::AsyncStd);
    }

    #[test]
    fn a_wrong_value_is_told_with_the_option_or_the_variable_that_gives_it() {
        let wrong = |line, env: &[_]| options(line, env).unwrap_err().to_string();
        let env = [("RINGCHAT_PORT", "x")];
        assert_eq!(wrong("-l", &env), "RINGCHAT_PORT must be a port, 0 to 65535, not \"x\"");
        assert_eq!(wrong("-l -p y", &env), "--port must be a port, 0 to 65535, not \"y\"");
        assert!(wrong("-l", &[("RINGCHAT_BELL", "x")]).starts_with("RINGCHAT_BELL must be off"));
    }

    #[test]
    fn a_contact_is_required_without_leader() {
        assert!(matches!(options("-n x", &[]), Err(UsageError::NoContact)));
        let sought = options("-n x --room staff -a 127.0.0.1", &[]).unwrap();
        assert_eq!(sought.start, Start::Join { contacts: Vec::new() });
        assert!(matches!(options("-l -L", &[]), Err(UsageError::NotLeaderWithoutContact)));
        assert!(matches!(options("-n x -na ::1", &[]), Err(UsageError::HalfANeighbor)));
        assert!(matches!(options("-l -n x ::1:5", &[]), Err(UsageError::Value { .. })));
        assert!(matches!(options("-l -n x 10.0.0.1:5", &[]), Err(UsageError::LeaderWithContact)));
        for contact in ["10.0.0.1", "10.0.0.1:0", ":5", "::1", "host:99999"] {
            assert!(matches!(options(contact, &[]), Err(UsageError::Value { .. })), "{contact}");
        }
    }

    #[test]
    fn a_room_is_announced_looked_for_or_joined_through_its_contacts() {
        let room = |line: &str, env: &[(&str, &str)]| {
            let room = options(&format!("-n x -a 127.0.0.1 {line}"), env).unwrap().room;
            room.map(|room| (room.name.to_string(), room.is_sought))
        };
        let env = [("RINGCHAT_ROOM", "lab")];
        assert_eq!(room("-l", &[]), None);
        assert_eq!(room("-l --room staff", &env), Some(("staff".to_owned(), false)));
        assert_eq!(room("", &env), Some(("lab".to_owned(), true)));
        assert_eq!(room("127.0.0.1:5", &env), None, "that may be any room");
        assert_eq!(room("--room staff 127.0.0.1:5", &[]), Some(("staff".to_owned(), false)));
        assert_eq!(
            room("--room rooms --ticket --advertise 10.0.0.2:5", &[]),
            Some(("rooms".to_owned(), true))
        );
        let Err(error) = options("-l -a 127.0.0.1 --room a:b", &[]) else { panic!("it was taken") };
        assert!(matches!(error, UsageError::Room(_)) && error.exit() == 2, "{error}");
    }

    #[test]
    fn the_log_goes_where_it_is_said_or_nowhere() {
        let log = |line: &str, env: &[(&str, &str)]| options(line, env).unwrap().log_file;
        assert_eq!(log("-l", &[]), LogFile::Usual);
        assert_eq!(log("-l", &[("RINGCHAT_LOG_FILE", "")]), LogFile::Usual);
        assert_eq!(log("-l", &[("RINGCHAT_LOG_FILE", "a")]), LogFile::At("a".into()));
        for line in ["-l --no-log", "-l --log-file=", "-l --no-log --log-file b"] {
            assert_eq!(log(line, &[("RINGCHAT_LOG_FILE", "a")]), LogFile::Off, "{line}");
        }
        let off = [("RINGCHAT_NO_LOG", "1"), ("RINGCHAT_LOG_FILE", "a")];
        assert_eq!(log("-l", &off), LogFile::Off);
        assert_eq!(log("-l --log-file b", &off), LogFile::At("b".into()));
    }

    #[test]
    fn a_page_is_asked_for_and_may_have_a_port() {
        let see = |line: &str, env: &[(&str, &str)]| options(line, env).unwrap().see;
        assert_eq!(see("-l --see-port 4000", &[]), SeeSettings { on: false, port: 4000 });
        assert_eq!(see("-l --see", &[("RINGCHAT_SEE_PORT", "4000")]), SeeSettings { on: true, port: 4000 });
        assert_eq!(see("-l", &[("RINGCHAT_SEE", "1")]), SeeSettings { on: true, port: 0 });
        assert!(options("-l --see --see-port 65536", &[]).is_err());
    }

    #[test]
    fn a_trace_has_a_file_and_a_limit() {
        let trace = |line: &str, env: &[(&str, &str)]| options(line, env).unwrap().trace;
        let usual = TraceSettings { file: None, texts: false, limit: 64 << 20 };
        assert_eq!(trace("-l", &[]), usual);
        assert_eq!(trace("-l --trace=", &[("RINGCHAT_TRACE", "a")]), usual);
        let file = TraceSettings { file: Some("a".into()), texts: true, limit: 2 << 20 };
        assert_eq!(trace("-l --trace-text --trace-limit 2", &[("RINGCHAT_TRACE", "a")]), file);
    }

    #[test]
    fn values_that_cannot_be_read_are_refused() {
        for line in [
            "--trace-limit 0",
            "--trace-limit 4097",
            "-p 65536",
            "-p =5",
            "--runtime tokio",
            "--detect-ms 9",
            "--join-timeout 0",
        ] {
            assert!(matches!(options(&format!("-l {line}"), &[]), Err(UsageError::Value { .. })), "{line}");
        }
        for line in ["--detect-ms 86400000", "--join-timeout 86400"] {
            let error = options(&format!("-l {line}"), &[]).unwrap_err().to_string();
            assert!(error.contains(" to 3600"), "it tells the greatest, too: {error}");
        }
        let long = "n".repeat(33);
        assert!(matches!(options(&format!("-l -n {long}"), &[]), Err(UsageError::Name(NameError::TooLong))));
    }

    #[test]
    fn a_user_without_a_valid_name_gets_one() {
        let name = |user: &str| usual_name(user).unwrap().to_string();
        assert_eq!(name("a:b(c)"), "abc");
        assert_eq!(name("/*\u{2800}\u{3164}\u{ad}"), "anonymous");
        assert_eq!(name(" \u{1b}> "), "anonymous");
        assert_eq!(name("\u{301}"), "anonymous");
        assert_eq!(name(&"é".repeat(40)), "é".repeat(32));
        assert_eq!(name(&"한".repeat(40)), "한".repeat(16));
    }

    #[test]
    fn colour_is_left_out_when_asked() {
        assert!(!options("-l --no-color", &[]).unwrap().colour);
        assert!(!options("-l", &[("NO_COLOR", "1")]).unwrap().colour);
        assert!(!options("-l", &[("TERM", "dumb")]).unwrap().colour);
    }
}
