//! Commands, as a program gives them.

use serde::Deserialize;
use serde_json::Value;

/// A line of standard input. Keys that are not known are passed over.
#[derive(Debug, PartialEq, Deserialize)]
#[serde(tag = "command", rename_all = "snake_case")]
pub(crate) enum Command {
    /// Say something.
    Say {
        /// What.
        text: String,
        /// Comes back with `sent`.
        #[serde(default, rename = "ref")]
        reference: Option<Value>,
    },
    /// Answer with `members`.
    Members,
    /// Answer with `ring`.
    Ring,
    /// Answer with `stats`.
    Stats,
    /// Leave the room.
    Quit,
}

impl Command {
    /// Parses a line.
    ///
    /// # Errors
    /// What is wrong with it, for people.
    pub(crate) fn parse(line: &[u8]) -> Result<Self, String> {
        serde_json::from_slice(line).map_err(|error| format!("no command: {error}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_five_commands_are_understood() {
        let say = Command::Say { text: "a\nb".into(), reference: Some("1".into()) };
        assert_eq!(Command::parse(br#"{"command":"say","text":"a\nb","ref":"1","new":0}"#), Ok(say));
        let say = Command::Say { text: String::new(), reference: None };
        assert_eq!(Command::parse(br#"{"text":"","command":"say"}"#), Ok(say));
        assert_eq!(Command::parse(br#"{"command":"members"}"#), Ok(Command::Members));
        assert_eq!(Command::parse(br#"{"command":"ring"}"#), Ok(Command::Ring));
        assert_eq!(Command::parse(br#"{"command":"stats"}"#), Ok(Command::Stats));
        assert_eq!(Command::parse(br#"{"command":"quit"}"#), Ok(Command::Quit));
    }

    #[test]
    fn all_else_is_an_error() {
        for line in ["", "hello", "{}", "[]", r#"{"command":"say"}"#, r#"{"command":"fly"}"#, "\u{0}"] {
            assert!(Command::parse(line.as_bytes()).is_err(), "{line:?}");
        }
        assert!(Command::parse(b"{\"command\":\"say\",\"text\":\"\xff\"}").is_err());
    }
}
