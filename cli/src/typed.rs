//! Parses a typed line: a message or a command.

use std::str::FromStr;

use crate::command::{help, nearest};
use crate::screen::Request;
use crate::see::{SeeOrder, TraceOrder};
use crate::trust::TypedKey;

/// How many texts `/last` shows, unless the user says otherwise.
pub(crate) const LAST: usize = 20;

/// The meaning of a typed line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum TypedLine<'a> {
    /// Say this text.
    Say(&'a str),
    /// Say that the user does this.
    Act(&'a str),
    /// Say this text, unless it is empty, and leave the room.
    Leave(&'a str),
    /// Ask this, or change what is shown.
    Ask(Request),
    /// Say where the trace goes, or change that.
    Trace(TraceOrder<'a>),
    /// Say where the page of the room is, or begin or end it.
    See(SeeOrder),
    /// A command without what it needs, or with something else: how it is used.
    Misused(&'static str),
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
            return Self::verify(who, key);
        }
        if line.contains('\n') {
            return Self::Say(line);
        }
        match word.as_str() {
            "/me" if argument.is_empty() => Self::Misused("/me TEXT says what you do"),
            "/me" => Self::Act(argument),
            "//exit" | "/exit" | "/quit" => Self::Leave(argument),
            // What is no key is told so.
            "/verify" => match argument.rsplit_once(char::is_whitespace) {
                Some((who, key)) => Self::verify(who.trim_end(), key),
                None => Self::Misused(
                    "/verify WHO KEY: ask WHO for the key, in person or by telephone; /keys shows the keys here",
                ),
            },
            "/trace" => trace_order(argument)
                .map_or(Self::Misused("/trace on FILE, or /trace off, or /trace alone"), Self::Trace),
            "/see" => match switch(argument) {
                Ok(None) => Self::See(SeeOrder::Tell),
                Ok(Some(true)) => Self::See(SeeOrder::On),
                Ok(Some(false)) => Self::See(SeeOrder::Off),
                Err(()) => Self::Misused("/see on, or /see off, or /see alone"),
            },
            _ => match request(&word, argument).or_else(|| setting(&word, argument)) {
                Some(Ok(request)) => Self::Ask(request),
                Some(Err(usage)) => Self::Misused(usage),
                None if line.starts_with("//") => Self::Say(&line[1..]),
                None => Self::Unknown(nearest(&word)),
            },
        }
    }

    fn verify(who: &str, key: &str) -> Self {
        Self::Ask(Request::Verify { who: who.to_owned(), key: key.to_owned() })
    }
}

/// What the command `word` asks, or how it is used. `None` if it asks nothing.
fn request(word: &str, argument: &str) -> Option<Result<Request, &'static str>> {
    Some(Ok(match word {
        "/help" => Request::Tell(help(argument)),
        "/who" => Request::Members(argument.to_lowercase()),
        "/room" => Request::Room,
        "/ring" => Request::Ring,
        "/leader" => Request::Leader,
        "/stats" => Request::Stats,
        "/ticket" => Request::Ticket,
        "/keys" => Request::Keys(argument.to_lowercase()),
        "/last" if argument.is_empty() => Request::Last(LAST),
        "/last" if argument.bytes().all(|byte| byte.is_ascii_digit()) => {
            // A number with too many digits is more than all.
            match argument.parse().unwrap_or(usize::MAX) {
                0 => {
                    return Some(Err(
                        "/last N, where N is a number from 1 on, or /last TEXT, or /last alone",
                    ));
                }
                count => Request::Last(count),
            }
        }
        "/last" => Request::LastWith(argument.to_owned()),
        "/full" => Request::Full,
        "/clear" => Request::Clear,
        // Somebody who says which of the two is meant may already see it.
        "/screen" if !argument.is_empty() => {
            return Some(Err("/screen alone shows the full screen, or lines that scroll away"));
        }
        "/screen" => Request::Screen,
        _ => return None,
    }))
}

/// What the command `word` sets, or how it is used. `None` if it sets nothing.
fn setting(word: &str, argument: &str) -> Option<Result<Request, &'static str>> {
    Some(match word {
        "/ignore" if argument.is_empty() => Ok(Request::Ignored),
        "/ignore" => Ok(Request::Ignore(argument.to_owned())),
        "/unignore" if argument.is_empty() => Err("/unignore WHO; /ignore alone shows whom you ignore"),
        "/unignore" => Ok(Request::Unignore(argument.to_owned())),
        "/time" => {
            switch(argument).map(Request::Times).map_err(|()| "/time on, or /time off, or /time alone")
        }
        "/bell" => value(argument)
            .map(Request::Bell)
            .map_err(|()| "/bell off, or /bell mentions, or /bell all, or /bell alone"),
        "/presence" => value(argument)
            .map(Request::Presence)
            .map_err(|()| "/presence all, or /presence recent, or /presence none, or /presence alone"),
        _ => return None,
    })
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

/// `on`, `off` or neither.
fn switch(argument: &str) -> Result<Option<bool>, ()> {
    match argument {
        "" => Ok(None),
        "on" => Ok(Some(true)),
        "off" => Ok(Some(false)),
        _ => Err(()),
    }
}

/// The value of a setting, if one is given.
fn value<T: FromStr>(argument: &str) -> Result<Option<T>, T::Err> {
    if argument.is_empty() { Ok(None) } else { argument.parse().map(Some) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::attention::BellKind;
    use crate::presence::PresenceKind;

    fn asked(line: &str) -> Request {
        match TypedLine::parse(line) {
            TypedLine::Ask(request) => request,
            other => panic!("{line} asks nothing: {other:?}"),
        }
    }

    fn assert_misused(line: &str) {
        assert!(matches!(TypedLine::parse(line), TypedLine::Misused(_)), "{line}");
    }

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
        assert_eq!(asked("/WHO"), Request::Members(String::new()));
        assert_eq!(asked("/who  Bob "), Request::Members("bob".to_owned()));
        assert_eq!(asked("/Ring please"), Request::Ring);
        assert_eq!(asked("/help an empty"), Request::Tell(help("an empty")));
    }

    #[test]
    fn who_is_verified_may_have_blanks_in_the_name() {
        let verify = |who: &str, key: &str| TypedLine::verify(who, key);
        assert_eq!(TypedLine::parse("/verify Bob k3f7-9qmz"), verify("Bob", "k3f7-9qmz"));
        assert_eq!(TypedLine::parse("/Verify  Bob Smith   k3f7 "), verify("Bob Smith", "k3f7"));
        for half in ["/verify", "/verify Bob", "/verify "] {
            assert_misused(half);
        }
    }

    #[test]
    fn a_key_that_was_pasted_in_pieces_is_one_and_no_part_of_the_name() {
        let verify = |who: &str, key: &str| TypedLine::verify(who, key);
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
            assert_misused(line);
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
        assert_misused("/see 5000");
    }

    #[test]
    fn what_one_does_is_said_with_the_word_in_front() {
        assert_eq!(TypedLine::parse("/me  waves at Ann "), TypedLine::Act("waves at Ann"));
        assert_eq!(TypedLine::parse("/ME waves"), TypedLine::Act("waves"));
        assert_misused("/me ");
        assert_eq!(TypedLine::parse("/mechanics"), TypedLine::Unknown(None));
    }

    #[test]
    fn the_last_texts_are_counted_or_searched() {
        assert_eq!([asked("/last"), asked("/last 7")], [LAST, 7].map(Request::Last));
        assert_eq!(asked("/last 99999999999999999999999"), Request::Last(usize::MAX));
        ["/last 0", "/last 00 "].into_iter().for_each(assert_misused);
        for text in ["good words", "-1", "0.5"] {
            assert_eq!(asked(&format!("/last  {text}")), Request::LastWith(text.to_owned()));
        }
    }

    #[test]
    fn settings_are_told_or_changed_and_nothing_else_is_taken() {
        for (line, request) in [
            ("/time", Request::Times(None)),
            ("/time off", Request::Times(Some(false))),
            ("/bell", Request::Bell(None)),
            ("/bell all", Request::Bell(Some(BellKind::All))),
            ("/presence none", Request::Presence(Some(PresenceKind::None))),
            ("/ignore Ann Marie", Request::Ignore("Ann Marie".to_owned())),
            ("/ignore", Request::Ignored),
        ] {
            assert_eq!(asked(line), request);
        }
        ["/time 5", "/screen on", "/bell loud", "/presence some", "/unignore"]
            .into_iter()
            .for_each(assert_misused);
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
