//! What a typed line means: a message or a command.

use crate::session::Ask;

/// What `/help` shows.
pub(crate) const HELP: &[&str] = &[
    "/who          the members",
    "/ring         the ring, the leader starred",
    "/leader       who leads",
    "/stats        counts of this member",
    "/clear        an empty screen",
    "/help         this",
    "//exit        leave the room (also /exit, /quit)",
    "//text        says \"/text\"",
];

/// All commands.
const COMMANDS: &[&str] =
    &["//exit", "/exit", "/quit", "/help", "/who", "/ring", "/leader", "/clear", "/stats"];

/// Edits after which a word is no slip of a command any more.
const MAX_EDITS: usize = 2;

/// What a typed line means.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Typed<'a> {
    /// Say this.
    Say(&'a str),
    /// Leave the room.
    Leave,
    /// Show the commands.
    Help,
    /// Ask the node.
    Ask(Ask),
    /// Empty the screen.
    Clear,
    /// No command; perhaps this one was meant.
    Unknown(Option<&'static str>),
}

impl<'a> Typed<'a> {
    /// What `line` means. A text of several lines is never a command.
    pub(crate) fn parse(line: &'a str) -> Self {
        if !line.starts_with('/') || line.contains('\n') {
            return Self::Say(line);
        }
        match line.trim_end() {
            "//exit" | "/exit" | "/quit" => Self::Leave,
            "/help" => Self::Help,
            "/who" => Self::Ask(Ask::Members),
            "/ring" => Self::Ask(Ask::Ring),
            "/leader" => Self::Ask(Ask::Leader),
            "/stats" => Self::Ask(Ask::Stats),
            "/clear" => Self::Clear,
            _ if line.starts_with("//") => Self::Say(&line[1..]),
            _ => Self::Unknown(nearest(line.split_whitespace().next().unwrap_or(line))),
        }
    }
}

fn nearest(word: &str) -> Option<&'static str> {
    let distance = |command: &str| strsim::osa_distance(word, command);
    let nearest = COMMANDS.iter().copied().min_by_key(|command| distance(command))?;
    (distance(nearest) <= MAX_EDITS).then_some(nearest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_without_a_slash_is_said_as_it_is() {
        for line in ["hello", " /who", "", "a //exit"] {
            assert_eq!(Typed::parse(line), Typed::Say(line));
        }
    }

    #[test]
    fn three_words_leave() {
        for line in ["//exit", "/exit", "/quit", "/quit "] {
            assert_eq!(Typed::parse(line), Typed::Leave);
        }
    }

    #[test]
    fn a_second_slash_says_the_rest() {
        assert_eq!(Typed::parse("//who"), Typed::Say("/who"));
        assert_eq!(Typed::parse("///"), Typed::Say("//"));
    }

    #[test]
    fn a_slip_is_told_what_was_perhaps_meant() {
        assert_eq!(Typed::parse("/rign"), Typed::Unknown(Some("/ring")));
        assert_eq!(Typed::parse("/qiut now"), Typed::Unknown(Some("/quit")));
        assert_eq!(Typed::parse("/etc/passwd"), Typed::Unknown(None));
    }

    #[test]
    fn a_pasted_text_is_no_command() {
        assert_eq!(Typed::parse("/who\n/ring"), Typed::Say("/who\n/ring"));
    }
}
