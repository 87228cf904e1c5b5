//! The command line as typed. [`Settings`](crate::settings::Settings) checks the values.

use argh::{ArgsInfo, FromArgs};

use crate::click_compat::rewrite;
use crate::help;
use crate::trust::{has_bare_secret, word_may_have_secret};

/// Chat without a server: the members form a ring, one of them leads, and if it dies another does.
///
/// All messages are encrypted. A private room is for those that have its ticket; without --private, whoever reaches the
/// port can come in, read and write.
#[derive(ArgsInfo, FromArgs, Clone, Debug, Default, PartialEq, Eq)]
#[allow(clippy::struct_excessive_bools, reason = "each is a switch of the command line")]
#[argh(
    help_triggers("--help"),
    example = "On your network:  {command_name} -l --room staff -n Alice",
    example = "Join it:          {command_name} --room staff -n Bob",
    example = "Rooms there:      {command_name} rooms",
    example = "A private room:   {command_name} -l --private -a 10.0.0.1 -p 5000 -n Alice",
    example = "Join it:          {command_name} -n Bob --ticket",
    example = "An open room:     {command_name} -l -a 10.0.0.1 -p 5000 -n Alice",
    example = "Join it:          {command_name} -a 10.0.0.2 -p 5000 -n Bob -na 10.0.0.1 -np 5000",
    example = "Draw what it did: {command_name} trace *.ndjson -o run.svg",
    example = "Simulate one:     {command_name} sim --nodes 6 --kill leader@2s --html run.html",
    example = "Play with one:    {command_name} lab",
    example = "Or, in short:     {command_name} -a 10.0.0.2 -n Bob 10.0.0.1:5000",
    note = "In a private room, /ticket shows what others need to come in. Several contacts are tried in turn. Type /help in the room to see its commands. If standard input is \
            no terminal, each line is a message, even if it begins with a slash; the line //exit or the end of the \
            input leaves.\n\n\
            Each option with a value can be set in the environment too: RINGCHAT_NAME, RINGCHAT_JOIN_TIMEOUT, ... \
            So can --json, --verbose, --no-log, --no-history, --full-screen, --time and --see: RINGCHAT_JSON=1.",
    error_code(1, "input or output failed, or messages were not sent or may not have arrived"),
    error_code(2, "usage, or the room exists already, or twice"),
    error_code(3, "nobody reachable, or no ringchat there, or no such room"),
    error_code(4, "refused by the room"),
    error_code(5, "cannot listen on the address, or in no network, or in several"),
    error_code(129, "hung up"),
    error_code(130, "interrupted"),
    error_code(131, "ended at once"),
    error_code(143, "terminated")
)]
pub(crate) struct Flags {
    /// create a room, and lead it
    #[argh(switch, short = 'l')]
    pub(crate) leader: bool,

    /// with -l: a room that only those enter who have its ticket
    #[argh(switch)]
    pub(crate) private: bool,

    /// join a private room; the ticket is asked for, and not shown
    #[argh(switch)]
    pub(crate) ticket: bool,

    /// join a private room with the ticket in this file, which may be /dev/fd/3
    #[argh(option, arg_name = "file")]
    pub(crate) ticket_file: Option<String>,

    /// a private room with the secret in this file; with -l it is made if it is missing
    #[argh(option, arg_name = "file")]
    pub(crate) secret_file: Option<String>,

    /// an open room, and meant to be one
    #[argh(switch)]
    pub(crate) open: bool,

    /// the room on your network: with -l announced there, without it looked for
    #[argh(option, arg_name = "name")]
    pub(crate) room: Option<String>,

    /// join a room (as without -l); of -l and -L the last one counts
    #[argh(switch, short = 'L')]
    pub(crate) not_leader: bool,

    /// where this member listens, as others reach it: IP or host name (127.0.0.1, or for contacts on other machines
    /// the address on their side)
    #[argh(option, short = 'a', arg_name = "ip")]
    pub(crate) address: Option<String>,

    /// the port to listen on; 0 is any free one (0)
    #[argh(option, short = 'p', arg_name = "port")]
    pub(crate) port: Option<String>,

    /// the address that others are told (-a and -p); with it, -a may be 0.0.0.0 or ::
    #[argh(option, arg_name = "host:port")]
    pub(crate) advertise: Option<String>,

    /// what others call you ($USER)
    #[argh(option, short = 'n', arg_name = "name")]
    pub(crate) name: Option<String>,

    /// where a member of the room listens; also -na
    #[argh(option, arg_name = "ip")]
    pub(crate) neighbor_address: Option<String>,

    /// that member's port; also -np
    #[argh(option, arg_name = "port")]
    pub(crate) neighbor_port: Option<String>,

    /// show the log on the screen too (with --json: on standard error)
    #[argh(switch, short = 'v')]
    pub(crate) verbose: bool,

    /// the file with your key pair, made if it is missing (ringchat/id in your data folder)
    #[argh(option, arg_name = "file")]
    pub(crate) id_file: Option<String>,

    /// print your key and exit
    #[argh(switch)]
    pub(crate) show_id: bool,

    /// what drives the member (threads)
    #[argh(option, arg_name = "threads|async-std")]
    pub(crate) runtime: Option<String>,

    /// lines of JSON on standard output, commands as lines of JSON on standard input
    #[argh(switch)]
    pub(crate) json: bool,

    /// where the log goes, '' for nowhere (`chat_PORT.log` in the current folder)
    #[argh(option, arg_name = "file")]
    pub(crate) log_file: Option<String>,

    /// keep no log
    #[argh(switch)]
    pub(crate) no_log: bool,

    /// write what this member does to this file, so that it can be drawn
    #[argh(option, arg_name = "file")]
    pub(crate) trace: Option<String>,

    /// write what people say to the trace too
    #[argh(switch)]
    pub(crate) trace_text: bool,

    /// how large the trace may grow (64 MiB)
    #[argh(option, arg_name = "mib")]
    pub(crate) trace_limit: Option<String>,

    /// serve a page that shows the room as this member sees it, for the browsers of this machine
    #[argh(switch)]
    pub(crate) see: bool,

    /// the port of that page (any free one)
    #[argh(option, arg_name = "port")]
    pub(crate) see_port: Option<String>,

    /// begin with the full screen; /screen changes to it and back at any time
    #[argh(switch, short = 'f')]
    pub(crate) full_screen: bool,

    /// show the time before each line (with --json: in each message)
    #[argh(switch)]
    pub(crate) time: bool,

    /// ring for the texts of others (mentions; with --json, tell mentions)
    #[argh(option, arg_name = "off|mentions|all")]
    pub(crate) bell: Option<String>,

    /// tell who comes and goes (all; at a terminal, recent from 20 members on)
    #[argh(option, arg_name = "all|recent|none")]
    pub(crate) presence: Option<String>,

    /// how many of the last texts to show that were said before one came, 0 to 20 (20; without a screen, 0)
    #[argh(option, arg_name = "n")]
    pub(crate) backlog: Option<String>,

    /// do not keep typed lines for the next session
    #[argh(switch)]
    pub(crate) no_history: bool,

    /// no colour
    #[argh(switch)]
    pub(crate) no_color: bool,

    /// how long to try to get in (10 s)
    #[argh(option, arg_name = "secs")]
    pub(crate) join_timeout: Option<String>,

    /// silence after which a member is suspected (1000 ms)
    #[argh(option, arg_name = "ms")]
    pub(crate) detect_ms: Option<String>,

    /// print the version
    #[argh(switch, short = 'V')]
    pub(crate) version: bool,

    /// members of the room to join through, each HOST:PORT
    #[argh(positional, arg_name = "host:port")]
    pub(crate) contacts: Vec<String>,
}

/// What a command line asks the program to do.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Invocation {
    /// Run a session with these flags.
    Run(Box<Flags>),
    /// Print this text and exit.
    Print(String),
    /// Print the user's key and exit.
    ShowId(Box<Flags>),
}

/// Why a ticket on the command line is refused.
const TICKET_AS_ARGUMENT: &str = "a ticket on the command line can be read by others on this machine and stays in the \
                                  shell's history; use --ticket or --ticket-file";

/// Why what may be a secret is refused on the command line.
const SECRET_AS_ARGUMENT: &str = "this may be a secret, which others on this machine can read on a command line and which \
                                  stays in the shell's history; options take the name of its file (./NAME if the file is \
                                  called so)";

/// Why a word of the command line is refused whatever it is for: it has a secret in it, or stands where people may expect
/// a ticket to stand. The reason does not repeat it.
pub(crate) fn refusal(arg: &str) -> Option<&'static str> {
    if has_bare_secret(arg) {
        Some(SECRET_AS_ARGUMENT)
    } else if arg.starts_with("--ticket=") || word_may_have_secret(arg) {
        Some(TICKET_AS_ARGUMENT)
    } else {
        None
    }
}

impl Flags {
    /// Parses `args`, a command line without the name of the program.
    ///
    /// # Errors
    /// A sentence for people that says what is wrong with `args`.
    pub(crate) fn parse(args: impl IntoIterator<Item = String>) -> Result<Invocation, String> {
        let args: Vec<String> = args.into_iter().collect();
        // Before anything else, because other errors repeat what was typed.
        if let Some(refusal) = args.iter().find_map(|arg| refusal(arg)) {
            return Err(refusal.to_owned());
        }
        let args = rewrite(args);
        let args: Vec<&str> = args.iter().map(String::as_str).collect();
        match Self::from_args(&["ringchat"], &args) {
            Ok(flags) if flags.version => {
                Ok(Invocation::Print(format!("ringchat {}\n", env!("CARGO_PKG_VERSION"))))
            }
            Ok(flags) if flags.show_id => Ok(Invocation::ShowId(Box::new(flags))),
            Ok(flags) => Ok(Invocation::Run(Box::new(flags))),
            Err(exit) if exit.status.is_ok() => Ok(Invocation::Print(help::wrap(&exit.output))),
            Err(exit) => Err(exit.output.trim_end().to_owned()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(line: &str) -> Result<Invocation, String> {
        Flags::parse(line.split_whitespace().map(str::to_owned))
    }

    #[test]
    fn the_forms_of_the_original_and_the_short_way_are_parsed() {
        let Ok(Invocation::Run(flags)) = parse("-lv -a ::1 -p5000 -n -v") else { panic!() };
        assert!(flags.leader && flags.verbose);
        assert_eq!((flags.port.as_deref(), flags.name.as_deref()), (Some("5000"), Some("-v")));
        let Ok(Invocation::Run(flags)) = parse("--json a:1 [::1]:2 -- -b:3") else { panic!() };
        assert_eq!(flags.contacts, ["a:1", "[::1]:2", "-b:3"]);
    }

    #[test]
    fn help_and_version_are_printed() {
        let Ok(Invocation::Print(help)) = parse("-l --help") else { panic!() };
        assert!(help.contains("Usage: ringchat") && help.contains("A private room"), "{help}");
        assert!(help.lines().all(|line| line.len() <= 80), "{help}");
        assert!(help.contains("(10 s)") && help.contains("(1000 ms)"), "{help}");
        let Ok(Invocation::Print(version)) = parse("-V") else { panic!() };
        assert!(version.starts_with("ringchat "), "{version}");
    }

    #[test]
    fn a_ticket_on_the_command_line_is_refused_and_not_repeated() {
        let ticket = format!("ringchat:aeaacaqdaqcqmbyibefawdanby{}", "hqobyha4dqoby".repeat(6));
        for line in [
            ticket.clone(),
            format!("--ticket {ticket}"),
            format!("--ticket={ticket}"),
            "--ticket=x".to_owned(),
            format!("-n {ticket}"),
            format!("--shout {}", ticket.to_uppercase()),
            format!("--ticket {}", &ticket[9..]),
        ] {
            let refusal = parse(&line).unwrap_err();
            assert_eq!(refusal, TICKET_AS_ARGUMENT, "{line}");
        }
        assert!(parse("ringchat:5000").is_ok(), "a host may be called so");
    }

    #[test]
    fn a_bare_secret_on_the_command_line_is_refused_and_not_repeated() {
        for secret in ["a".repeat(26), "A".repeat(26), "a".repeat(52)] {
            for line in [
                format!("-l --secret-file {secret}"),
                format!("--secret-file={secret} a:1"),
                format!("--ticket-file {secret}"),
                format!("--id-file {secret} --show-id"),
                format!("-l --shout {secret}"),
                secret.clone(),
            ] {
                assert_eq!(parse(&line).unwrap_err(), SECRET_AS_ARGUMENT, "{line}");
            }
            assert!(parse(&format!("-l --secret-file ./{secret}")).is_ok(), "a file may be called so");
        }
    }

    #[test]
    fn a_long_name_and_a_long_path_are_no_tickets() {
        let long = "x".repeat(100);
        for line in
            [format!("-l -n {long}"), format!("-l --log-file /tmp/{long}/{long}"), format!("-n x {long}")]
        {
            assert!(parse(&line).is_ok(), "{line}");
        }
    }

    #[test]
    fn unknown_options_and_missing_values_are_errors() {
        assert!(parse("-lx").is_err_and(|error| error.contains("-x")));
        assert!(parse("-l -p").is_err_and(|error| error.contains("--port")));
        assert!(parse("--leader=yes").is_err());
    }
}
