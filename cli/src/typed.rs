//! Parses a typed line: a message or a command.

use crate::see::TraceOrder;

/// The lines that `/help` shows.
pub(crate) const HELP: &[&str] = &[
    "/who [TEXT]   the members, or those with TEXT",
    "/ring         the ring, the leader starred",
    "/leader       who leads",
    "/stats        counts of this member",
    "/ticket       what others need to come into a private room",
    "/keys [TEXT]  the keys of the members, or of those with TEXT",
    "/verify WHO KEY  compares a member's key, and remembers that it is right",
    "/trace on FILE  writes what this member does to FILE; /trace off ends it",
    "/full         the last folded text whole",
    "/clear        an empty screen",
    "/help [TEXT]  this, or the lines with TEXT",
    "//exit [TEXT] leave the room, saying TEXT (also /exit, /quit)",
    "//text        says \"/text\"",
];

/// All commands, among which a mistyped one is looked up.
const COMMANDS: &[&str] = &[
    "//exit", "/exit", "/quit", "/help", "/who", "/ring", "/leader", "/ticket", "/keys", "/verify", "/trace",
    "/full", "/clear", "/stats",
];

/// The meaning of a typed line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum TypedLine<'a> {
    /// Say this text.
    Say(&'a str),
    /// Say this text, unless it is empty, and leave the room.
    Leave(&'a str),
    /// Show the lines of the help that contain this text.
    Help(&'a str),
    /// Show the members whose name or address contains this text.
    Members(&'a str),
    /// Show the ring.
    Ring,
    /// Show who leads.
    Leader,
    /// Show the counts.
    Stats,
    /// Show a ticket for the room.
    Ticket,
    /// Show the keys of the members whose name or address contains this text.
    Keys(&'a str),
    /// Compare the key of a member with this one.
    Verify { who: &'a str, key: &'a str },
    /// `/verify` without a member or without a key.
    HalfOfVerify,
    /// Say where the trace goes, or change that.
    Trace(TraceOrder<'a>),
    /// `/trace` with something else.
    NoTraceOrder,
    /// Show all of the last folded text.
    Full,
    /// Empty the screen.
    Clear,
    /// An unknown command, and the command that was perhaps meant.
    Unknown(Option<&'static str>),
}

impl<'a> TypedLine<'a> {
    /// Parses `line`. A text of several lines is never a command.
    pub(crate) fn parse(line: &'a str) -> Self {
        if !line.starts_with('/') || line.contains('\n') {
            return Self::Say(line);
        }
        let (word, argument) = line.split_once(char::is_whitespace).unwrap_or((line, ""));
        let argument = argument.trim();
        match word.to_lowercase().as_str() {
            "//exit" | "/exit" | "/quit" => Self::Leave(argument),
            "/help" => Self::Help(argument),
            "/who" => Self::Members(argument),
            "/ring" => Self::Ring,
            "/leader" => Self::Leader,
            "/stats" => Self::Stats,
            "/ticket" => Self::Ticket,
            "/keys" => Self::Keys(argument),
            // A name may have blanks, a key has none.
            "/verify" => match argument.rsplit_once(char::is_whitespace) {
                Some((who, key)) => Self::Verify { who: who.trim_end(), key },
                None => Self::HalfOfVerify,
            },
            "/trace" => trace_order(argument).map_or(Self::NoTraceOrder, Self::Trace),
            "/full" => Self::Full,
            "/clear" => Self::Clear,
            _ if line.starts_with("//") => Self::Say(&line[1..]),
            word => Self::Unknown(nearest(word)),
        }
    }
}

/// What the argument of `/trace` orders.
fn trace_order(argument: &str) -> Option<TraceOrder<'_>> {
    match argument.split_once(char::is_whitespace) {
        None if argument.is_empty() => Some(TraceOrder::Tell),
        None if argument == "off" => Some(TraceOrder::Off),
        Some(("on", file)) => Some(TraceOrder::On(file.trim_start())),
        None | Some(_) => None,
    }
}

fn nearest(word: &str) -> Option<&'static str> {
    let distance = |command: &str| strsim::osa_distance(word, command);
    let nearest = COMMANDS.iter().copied().min_by_key(|command| distance(command))?;
    // A word counts as mistyped if more than half of it is right.
    (2 * distance(nearest) < word.chars().count()).then_some(nearest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_without_a_slash_is_said_as_it_is() {
        for line in ["hello", " /who", "", "a //exit"] {
            assert_eq!(TypedLine::parse(line), TypedLine::Say(line));
        }
    }

    #[test]
    fn three_words_leave() {
        for line in ["//exit", "/exit", "/quit", "/quit ", "/QUIT"] {
            assert_eq!(TypedLine::parse(line), TypedLine::Leave(""));
        }
        assert_eq!(TypedLine::parse("/quit see you"), TypedLine::Leave("see you"));
    }

    #[test]
    fn case_does_not_matter_and_a_command_may_have_an_argument() {
        assert_eq!(TypedLine::parse("/WHO"), TypedLine::Members(""));
        assert_eq!(TypedLine::parse("/who  bob "), TypedLine::Members("bob"));
        assert_eq!(TypedLine::parse("/Ring please"), TypedLine::Ring);
        assert_eq!(TypedLine::parse("/help who"), TypedLine::Help("who"));
    }

    #[test]
    fn who_is_verified_may_have_blanks_in_the_name() {
        let verify = |who, key| TypedLine::Verify { who, key };
        assert_eq!(TypedLine::parse("/verify Bob k3f7-9qmz"), verify("Bob", "k3f7-9qmz"));
        assert_eq!(TypedLine::parse("/Verify  Bob Smith   k3f7 "), verify("Bob Smith", "k3f7"));
        for half in ["/verify", "/verify Bob", "/verify "] {
            assert_eq!(TypedLine::parse(half), TypedLine::HalfOfVerify);
        }
    }

    #[test]
    fn a_trace_goes_to_a_file_whose_name_may_have_blanks() {
        assert_eq!(TypedLine::parse("/trace"), TypedLine::Trace(TraceOrder::Tell));
        assert_eq!(TypedLine::parse("/trace off "), TypedLine::Trace(TraceOrder::Off));
        assert_eq!(
            TypedLine::parse("/trace on  My run.ndjson"),
            TypedLine::Trace(TraceOrder::On("My run.ndjson"))
        );
        for line in ["/trace on", "/trace run.ndjson", "/trace off now"] {
            assert_eq!(TypedLine::parse(line), TypedLine::NoTraceOrder, "{line}");
        }
    }

    #[test]
    fn a_second_slash_says_the_rest() {
        assert_eq!(TypedLine::parse("//who"), TypedLine::Say("/who"));
        assert_eq!(TypedLine::parse("///"), TypedLine::Say("//"));
    }

    #[test]
    fn a_slip_is_told_what_was_perhaps_meant() {
        assert_eq!(TypedLine::parse("/rign"), TypedLine::Unknown(Some("/ring")));
        assert_eq!(TypedLine::parse("/qiut now"), TypedLine::Unknown(Some("/quit")));
        assert_eq!(TypedLine::parse("/etc/passwd"), TypedLine::Unknown(None));
        assert_eq!(TypedLine::parse("/foo"), TypedLine::Unknown(None));
    }

    #[test]
    fn a_pasted_text_is_no_command() {
        assert_eq!(TypedLine::parse("/who\n/ring"), TypedLine::Say("/who\n/ring"));
    }
}
