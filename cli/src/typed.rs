//! Parses a typed line: a message or a command.

use crate::see::{SeeOrder, TraceOrder};
use crate::trust::TypedKey;

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
    "/see on       serves a page that shows the room as this member sees it; /see off ends it",
    "/full         the last folded text whole",
    "/clear        an empty screen",
    "/help [TEXT]  this, or the lines with TEXT",
    "//exit [TEXT] leave the room, saying TEXT (also /exit, /quit)",
    "//text        says \"/text\"",
];

/// All commands, among which a mistyped one is looked up.
const COMMANDS: &[&str] = &[
    "//exit", "/exit", "/quit", "/help", "/who", "/ring", "/leader", "/ticket", "/keys", "/verify", "/trace",
    "/see", "/full", "/clear", "/stats",
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
    /// Say where the page of the room is, or begin or end it.
    See(SeeOrder),
    /// `/see` with something else.
    NoSeeOrder,
    /// Show all of the last folded text.
    Full,
    /// Empty the screen.
    Clear,
    /// An unknown command, and the command that was perhaps meant.
    Unknown(Option<&'static str>),
}

impl<'a> TypedLine<'a> {
    /// Parses `line`. A text of several lines is no command, unless a key was pasted in several rows.
    pub(crate) fn parse(line: &'a str) -> Self {
        if !line.starts_with('/') {
            return Self::Say(line);
        }
        let (word, argument) = line.split_once(char::is_whitespace).unwrap_or((line, ""));
        let (word, argument) = (word.to_lowercase(), argument.trim());
        if word == "/verify"
            && let Some((who, key)) = before_key(argument)
        {
            return Self::Verify { who, key };
        }
        if line.contains('\n') {
            return Self::Say(line);
        }
        match word.as_str() {
            "//exit" | "/exit" | "/quit" => Self::Leave(argument),
            "/help" => Self::Help(argument),
            "/who" => Self::Members(argument),
            "/ring" => Self::Ring,
            "/leader" => Self::Leader,
            "/stats" => Self::Stats,
            "/ticket" => Self::Ticket,
            "/keys" => Self::Keys(argument),
            // What is no key is told so.
            "/verify" => match argument.rsplit_once(char::is_whitespace) {
                Some((who, key)) => Self::Verify { who: who.trim_end(), key },
                None => Self::HalfOfVerify,
            },
            "/trace" => trace_order(argument).map_or(Self::NoTraceOrder, Self::Trace),
            "/see" => match argument {
                "" => Self::See(SeeOrder::Tell),
                "on" => Self::See(SeeOrder::On),
                "off" => Self::See(SeeOrder::Off),
                _ => Self::NoSeeOrder,
            },
            "/full" => Self::Full,
            "/clear" => Self::Clear,
            _ if line.starts_with("//") => Self::Say(&line[1..]),
            word => Self::Unknown(nearest(word)),
        }
    }
}

/// Who is meant and the key, if `argument` ends with one. Both may have blanks: the longest end that is a key is the key.
fn before_key(argument: &str) -> Option<(&str, &str)> {
    let blanks = argument.char_indices().filter(|(_, c)| c.is_whitespace());
    let mut halves = blanks.map(|(at, _)| argument.split_at(at));
    let (who, key) = halves.find(|(_, end)| TypedKey::new(end).is_some())?;
    Some((who.trim_end(), key.trim_start()))
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
    fn a_key_that_was_pasted_in_pieces_is_one_and_no_part_of_the_name() {
        let verify = |who, key| TypedLine::Verify { who, key };
        let whole = format!("{} {}", "abcd".repeat(9), "aq".repeat(8));
        for key in ["K3F7 7QMZ\n x2c4-h2tw", &whole] {
            for who in ["Bob", "Bob Smith", "10.0.0.1:5000"] {
                assert_eq!(TypedLine::parse(&format!("/verify {who} \n{key}\n")), verify(who, key));
            }
        }
        for line in ["/verify Bob\nhello", "/verify\nk3f7-7qmz-x2c4-h2tw"] {
            assert_eq!(TypedLine::parse(line), TypedLine::Say(line));
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
    fn a_page_begins_and_ends() {
        let see = TypedLine::See;
        for (line, order) in
            [("/see", SeeOrder::Tell), ("/See on ", SeeOrder::On), ("/see off", SeeOrder::Off)]
        {
            assert_eq!(TypedLine::parse(line), see(order), "{line}");
        }
        assert_eq!(TypedLine::parse("/see 5000"), TypedLine::NoSeeOrder);
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
