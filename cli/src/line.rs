//! A line for people: sanitized text with colours.

use std::io::{Write, stderr};
use std::net::SocketAddr;
use std::ops::Range;

use anstyle::{AnsiColor, Style};
use ringchat_core::{Member, Name, Stamp};

use crate::sanitize::Clean;
use crate::wrap::{FURTHER_LINE, WrappedRow};

/// The style of a speaker's name.
const NAME: Style = AnsiColor::Cyan.on_default().bold();

/// The style of the name of a speaker who mentions the user.
const MENTION: Style = AnsiColor::Magenta.on_default().bold();

/// The style of the Lamport time of a text.
const TIME: Style = AnsiColor::Green.on_default();

/// The style of a line of the log.
const LOG: Style = Style::new().dimmed();

/// The beginning of a text that tells what its author does.
pub(crate) const ACT: &str = "/me ";

/// What the author of `text` does, if it tells that.
pub(crate) fn act_of(text: &str) -> Option<&str> {
    text.strip_prefix(ACT).filter(|act| !act.trim().is_empty())
}

/// A line for people. All of its text is sanitized, so it may go to a terminal or a log.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Line {
    text: String,
    /// The parts of the text that have a style, in order.
    styled: Vec<(Range<usize>, Style)>,
    /// Who said the text and how, if a member said it.
    said: Option<Box<Said>>,
}

/// Who said a text and how, for a screen that shows it in columns. All of its text is sanitized.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Said {
    /// The name of the author.
    pub(crate) name: String,
    /// Where the author listens, which tells members of one name apart.
    pub(crate) addr: SocketAddr,
    /// The key of the author.
    pub(crate) key: [u8; 32],
    /// What stands beside the author's address; usually empty.
    pub(crate) beside: String,
    /// The author's Lamport time.
    pub(crate) stamp: Stamp,
    /// The byte of the line at which the text begins.
    body: usize,
    /// Whether the text tells what the author does.
    pub(crate) is_act: bool,
    /// Whether the text is a mention of the user.
    pub(crate) is_mention: bool,
    /// What tells the author from other members present that are called alike, if there are any.
    pub(crate) ending: Option<String>,
}

impl Said {
    /// `from` said the text that begins at the byte `body` of a line.
    fn new(from: &Member, beside: &str, stamp: Stamp, body: usize) -> Self {
        let clean = |text: &str| Clean::new(text).to_string();
        Self {
            name: clean(from.name.as_str()),
            addr: from.addr(),
            key: *from.id.key(),
            beside: clean(beside.trim_start()),
            stamp,
            body,
            is_act: false,
            is_mention: false,
            ending: None,
        }
    }
}

impl Line {
    /// `> Name(IP:port)[TS]: text`, with `beside` after the port. The name stands out if the text `is_mention` of the user.
    pub(crate) fn chat(from: &Member, beside: &str, stamp: Stamp, text: &str, is_mention: bool) -> Self {
        let line = Self::default().and("> ").and_author(from, beside, &format!("[{stamp}]:"), is_mention);
        let said = Said { is_mention, ..Said::new(from, beside, stamp, line.text.len()) };
        Self { said: Some(Box::new(said)), ..line.and(text) }
    }

    /// `> * Name(IP:port)[TS] act`, as [`chat`](Self::chat) for what somebody does.
    pub(crate) fn act(from: &Member, beside: &str, stamp: Stamp, act: &str, is_mention: bool) -> Self {
        let line = Self::default().and("> * ").and_author(from, beside, &format!("[{stamp}]"), is_mention);
        let said = Said { is_mention, is_act: true, ..Said::new(from, beside, stamp, line.text.len()) };
        Self { said: Some(Box::new(said)), ..line.and(act) }
    }

    /// What the user says, or does if it `is_act`, before it has its place in the order.
    pub(crate) fn own(name: &Name, addr: SocketAddr, text: &str, is_act: bool) -> Self {
        let said = Said {
            name: Clean::new(name.as_str()).to_string(),
            addr,
            key: [0; 32],
            beside: String::new(),
            stamp: Stamp::default(),
            body: 0,
            is_act,
            is_mention: false,
            ending: None,
        };
        Self { said: Some(Box::new(said)), ..Self::default().and(text) }
    }

    /// The line, with what tells its author from other members present that are called alike.
    #[must_use]
    pub(crate) fn among(mut self, ending: Option<String>) -> Self {
        if let Some(said) = &mut self.said {
            said.ending = ending;
        }
        self
    }

    /// Who said the text and how, if a member said it.
    pub(crate) fn said(&self) -> Option<&Said> {
        self.said.as_deref()
    }

    /// What a member said; the whole text if no member said it.
    pub(crate) fn body(&self) -> &str {
        let start = self.said.as_ref().map_or(0, |said| said.body);
        self.text.get(start..).unwrap_or_default()
    }

    /// The line for a screen that shows texts in columns: of what a member said the text alone. It takes no more memory than
    /// that needs.
    #[must_use]
    pub(crate) fn in_columns(mut self) -> Self {
        if let Some(said) = &mut self.said {
            self.text = self.text.split_off(said.body);
            (self.styled, said.body) = (Vec::new(), 0);
        }
        self.text.shrink_to_fit();
        self.styled.shrink_to_fit();
        self
    }

    fn and_author(self, from: &Member, beside: &str, stamp: &str, is_mention: bool) -> Self {
        self.and_styled(if is_mention { MENTION } else { NAME }, from.name.as_str())
            .and(&format!("({}{beside})", from.addr()))
            .and_styled(TIME, stamp)
            .and(" ")
    }

    /// `/// text ///`.
    pub(crate) fn system(text: &str) -> Self {
        Self::default().and(&format!("/// {text} ///"))
    }

    /// `TS: text`, a line of the log.
    pub(crate) fn log(lamport: Stamp, text: &str) -> Self {
        Self::default().and_styled(LOG, &format!("{lamport}: {text}"))
    }

    /// `ringchat: text`, for standard error.
    pub(crate) fn complaint(text: &str) -> Self {
        Self::default().and(&format!("ringchat: {text}"))
    }

    /// `> Name(IP:port): `, the prompt.
    pub(crate) fn prompt(name: &Name, addr: SocketAddr) -> Self {
        Self::default().and(&format!("> {name}({addr}): "))
    }

    /// The line behind `before`, which is sanitized.
    #[must_use]
    pub(crate) fn after(self, before: &str) -> Self {
        let mut line = Self { said: self.said, ..Self::default().and(before) };
        let by = line.text.len();
        line.text.push_str(&self.text);
        let shift = |(range, style): (Range<usize>, Style)| (range.start + by..range.end + by, style);
        line.styled = self.styled.into_iter().map(shift).collect();
        if let Some(said) = &mut line.said {
            said.body += by;
        }
        line
    }

    /// The line followed by `text`, which is sanitized.
    #[must_use]
    pub(crate) fn and(mut self, text: &str) -> Self {
        self.text.push_str(Clean::new(text).as_str());
        self
    }

    /// The line followed by `text`, byte for byte. [`typed`](crate::sanitize::typed) must have sanitized `text`.
    #[must_use]
    pub(crate) fn and_typed(mut self, text: &str) -> Self {
        self.text.push_str(text);
        self
    }

    fn and_styled(self, style: Style, text: &str) -> Self {
        let start = self.text.len();
        let mut line = self.and(text);
        line.styled.push((start..line.text.len(), style));
        line
    }

    /// The text without colours; newlines separate its lines.
    pub(crate) fn text(&self) -> &str {
        &self.text
    }

    /// Writes the line to standard error.
    pub(crate) fn to_stderr(&self) {
        // If standard error is closed, nobody reads the line.
        let _ = writeln!(stderr(), "{}", self.render(false));
    }

    /// The line as it is written, without a final newline. Each further line of the text is marked, so that no text can
    /// imitate the beginning of another message.
    pub(crate) fn render(&self, colour: bool) -> String {
        self.part(0..self.text.len(), colour).replace('\n', &format!("\n{FURTHER_LINE}"))
    }

    /// One row of the line as it is written.
    pub(crate) fn row(&self, row: &WrappedRow, colour: bool) -> String {
        row.indent.to_owned() + &self.part(row.part.clone(), colour)
    }

    /// A part of the line as it is written, given as its bytes.
    pub(crate) fn part(&self, part: Range<usize>, colour: bool) -> String {
        let text = |range: Range<usize>| self.text.get(range).unwrap_or_default();
        if !colour {
            return text(part).to_owned();
        }
        let mut out = String::new();
        let mut at = part.start;
        for (range, style) in &self.styled {
            let (start, end) = (range.start.max(at), range.end.min(part.end));
            if start < end {
                let (begin, reset) = (style.render().to_string(), style.render_reset().to_string());
                out.extend([text(at..start), &begin, text(start..end), &reset]);
                at = end;
            }
        }
        out + text(at..part.end)
    }
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroU64;

    use ringchat_core::NodeId;

    use super::*;
    use crate::wrap::wrap;

    fn bob() -> Member {
        let id = NodeId::new([1; 32], NonZeroU64::MIN);
        Member::new(id, "10.0.0.5:5000".parse().unwrap(), Name::new("Bob").unwrap())
    }

    #[test]
    fn a_message_looks_as_in_the_original() {
        let line = Line::chat(&bob(), "", Stamp(12), "hi", false);
        assert_eq!(line.render(false), "> Bob(10.0.0.5:5000)[12]: hi");
        assert_eq!(
            line.render(true),
            "> \u{1b}[1m\u{1b}[36mBob\u{1b}[0m(10.0.0.5:5000)\u{1b}[32m[12]:\u{1b}[0m hi"
        );
    }

    #[test]
    fn what_somebody_does_stands_behind_a_star() {
        let line = |act, is_mention| Line::act(&bob(), "", Stamp(12), act, is_mention);
        assert_eq!(
            line("waves\nand goes", false).render(false),
            "> * Bob(10.0.0.5:5000)[12] waves\n  | and goes"
        );
        assert_eq!(
            line("waves", true).render(true),
            "> * \u{1b}[1m\u{1b}[35mBob\u{1b}[0m(10.0.0.5:5000)\u{1b}[32m[12]\u{1b}[0m waves"
        );
        assert_eq!(act_of("/me  waves"), Some(" waves"));
        for text in ["/me", "/me ", "/mewaves", "a /me b", ""] {
            assert_eq!(act_of(text), None, "{text}");
        }
    }

    #[test]
    fn what_stands_before_a_line_moves_its_colours() {
        let line = Line::chat(&bob(), "", Stamp(12), "hi", false);
        let coloured = line.render(true);
        let after = line.after("20:01 ");
        assert_eq!(after.render(true), format!("20:01 {coloured}"));
        assert_eq!(after.body(), "hi");
    }

    #[test]
    fn a_further_line_of_a_text_cannot_pass_for_a_header() {
        let line = Line::chat(&bob(), "", Stamp(1), "a\n> Eve(10.0.0.6:1)[2]: b\u{2028}/// c ///\n", false);
        assert_eq!(
            line.render(false),
            "> Bob(10.0.0.5:5000)[1]: a\n  | > Eve(10.0.0.6:1)[2]: b\n  | /// c ///\n  | "
        );
    }

    #[test]
    fn a_text_full_of_escape_sequences_is_only_printed() {
        let line = Line::chat(&bob(), "", Stamp(1), "\u{1b}]0;owned\u{7}\u{1b}[2J\u{9b}1m", false);
        assert!(!line.render(false).contains(char::is_control));
    }

    #[test]
    fn system_and_log_lines_and_the_prompt_have_their_forms() {
        assert_eq!(Line::system("Bob left the ring").render(false), "/// Bob left the ring ///");
        assert_eq!(Line::log(Stamp(3), "a\nb").render(false), "3: a\n  | b");
        assert_eq!(Line::prompt(&bob().name, bob().addr()).render(true), "> Bob(10.0.0.5:5000): ");
    }

    #[test]
    fn a_style_goes_on_in_the_next_row_and_colour_changes_no_row() {
        let line = Line::log(Stamp(3), "abc def");
        let rows = wrap(line.text(), 8);
        let shown = |colour| rows.iter().map(|row| line.row(row, colour)).collect::<Vec<_>>();
        assert_eq!(shown(false), ["3: abc ", "    def"]);
        assert_eq!(shown(true), ["\u{1b}[2m3: abc \u{1b}[0m", "    \u{1b}[2mdef\u{1b}[0m"]);
    }
}
