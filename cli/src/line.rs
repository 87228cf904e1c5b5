//! A line for people: clean text with its colours.

use std::io::{Write, stderr};
use std::net::SocketAddr;

use anstyle::{AnsiColor, Style};
use ringchat_core::{Member, Name, Stamp};

use crate::clean::Clean;

/// The name of who speaks.
const NAME: Style = AnsiColor::Cyan.on_default().bold();

/// Its Lamport time.
const TIME: Style = AnsiColor::Green.on_default();

/// The log on the screen.
const LOG: Style = Style::new().dimmed();

/// What a further line of the text begins with, so that no text can pass for a header.
const CONTINUED: &str = "\n  | ";

/// A line for people. All in it is clean, so it may go to a terminal or a log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Line(Vec<(Style, Clean)>);

impl Line {
    /// `> Name(IP:port)[TS]: text`.
    pub(crate) fn chat(from: &Member, stamp: Stamp, text: &str) -> Self {
        Self(vec![
            (Style::new(), Clean::new("> ")),
            (NAME, Clean::new(from.name.as_str())),
            (Style::new(), Clean::new(&format!("({})", from.id.addr()))),
            (TIME, Clean::new(&format!("[{stamp}]:"))),
            (Style::new(), Clean::new(&format!(" {text}"))),
        ])
    }

    /// `/// text ///`.
    pub(crate) fn system(text: &str) -> Self {
        Self(vec![(Style::new(), Clean::new(&format!("/// {text} ///")))])
    }

    /// `TS: text`, a line of the log.
    pub(crate) fn log(lamport: Stamp, text: &str) -> Self {
        Self(vec![(LOG, Clean::new(&format!("{lamport}: {text}")))])
    }

    /// `ringchat: text`, for standard error.
    pub(crate) fn complaint(text: &str) -> Self {
        Self(vec![(Style::new(), Clean::new(&format!("ringchat: {text}")))])
    }

    /// Writes the line to standard error.
    pub(crate) fn to_stderr(&self) {
        // Who closed standard error does not want it.
        let _ = writeln!(stderr(), "{}", self.render(false));
    }

    /// `> Name(IP:port): `, what stands before the line that is typed.
    pub(crate) fn prompt(name: &Name, addr: SocketAddr) -> Self {
        Self(vec![(Style::new(), Clean::new(&format!("> {name}({addr}): ")))])
    }

    /// The line as it goes out, without a newline at its end.
    pub(crate) fn render(&self, colour: bool) -> String {
        let span = |(style, text): &(Style, Clean)| {
            let text = text.as_str().replace('\n', CONTINUED);
            if colour { format!("{style}{text}{style:#}") } else { text }
        };
        self.0.iter().map(span).collect()
    }
}

#[cfg(test)]
mod tests {
    use ringchat_core::NodeId;

    use super::*;

    fn bob() -> Member {
        Member { id: NodeId::new("10.0.0.5:5000".parse().unwrap(), 7), name: Name::new("Bob").unwrap() }
    }

    #[test]
    fn a_message_looks_as_in_the_original() {
        let line = Line::chat(&bob(), 12, "hi");
        assert_eq!(line.render(false), "> Bob(10.0.0.5:5000)[12]: hi");
        assert_eq!(
            line.render(true),
            "> \u{1b}[1m\u{1b}[36mBob\u{1b}[0m(10.0.0.5:5000)\u{1b}[32m[12]:\u{1b}[0m hi"
        );
    }

    #[test]
    fn a_further_line_of_a_text_cannot_pass_for_a_header() {
        let line = Line::chat(&bob(), 1, "a\n> Eve(10.0.0.6:1)[2]: b\u{2028}/// c ///\n");
        assert_eq!(
            line.render(false),
            "> Bob(10.0.0.5:5000)[1]: a\n  | > Eve(10.0.0.6:1)[2]: b\n  | /// c ///\n  | "
        );
    }

    #[test]
    fn a_text_full_of_escape_sequences_is_only_printed() {
        let line = Line::chat(&bob(), 1, "\u{1b}]0;owned\u{7}\u{1b}[2J\u{9b}1m");
        assert!(!line.render(false).contains(char::is_control));
    }

    #[test]
    fn system_and_log_lines_and_the_prompt_have_their_forms() {
        assert_eq!(Line::system("Bob left the ring").render(false), "/// Bob left the ring ///");
        assert_eq!(Line::log(3, "a\nb").render(false), "3: a\n  | b");
        assert_eq!(Line::prompt(&bob().name, bob().id.addr()).render(true), "> Bob(10.0.0.5:5000): ");
    }
}
