//! The commands that a program writes to standard input.

use std::fmt;

use serde::de::{DeserializeSeed, IgnoredAny, MapAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::Value;

use crate::typed::LAST;

/// A command: one line of standard input. Unknown keys are ignored.
#[derive(Debug, PartialEq, Deserialize)]
#[serde(tag = "command", rename_all = "snake_case")]
pub(crate) enum JsonCommand {
    /// Say a text.
    Say {
        /// The text, not empty.
        text: String,
        /// Returned with `sent` and `waiting`.
        #[serde(default, rename = "ref")]
        reference: Option<Value>,
        /// Whether to tell with `waiting` if the text has to wait.
        #[serde(default)]
        waiting: bool,
    },
    /// Answer with `last`.
    Last {
        /// How many messages.
        #[serde(default = "usual_count")]
        count: usize,
        /// Returned with the answer.
        #[serde(default, rename = "ref")]
        reference: Option<Value>,
    },
    /// Answer with `leader`.
    Leader(JsonQuery),
    /// Answer with `members`.
    Members(JsonQuery),
    /// Answer with `ring`.
    Ring(JsonQuery),
    /// Answer with `stats`.
    Stats(JsonQuery),
    /// Answer with `ticket`.
    Ticket(JsonQuery),
    /// Answer with `keys`.
    Keys(JsonQuery),
    /// Compare the key of a member, and answer with `verified`.
    Verify {
        /// A name, an address or a key.
        who: String,
        /// The key to compare.
        key: String,
        /// Returned with the answer.
        #[serde(default, rename = "ref")]
        reference: Option<Value>,
    },
    /// Trace to this file from now on, or no longer, and answer with `trace`.
    Trace {
        /// The file; none to leave everything as it is.
        #[serde(default)]
        file: Option<String>,
        /// Whether to trace no longer.
        #[serde(default)]
        off: bool,
        /// Returned with the answer.
        #[serde(default, rename = "ref")]
        reference: Option<Value>,
    },
    /// Begin or end the page of the room, and answer with `see`.
    See {
        /// Whether there is to be one; none to leave everything as it is.
        #[serde(default)]
        on: Option<bool>,
        /// Returned with the answer.
        #[serde(default, rename = "ref")]
        reference: Option<Value>,
    },
    /// Leave the room.
    Quit,
}

/// What the beginning of a line tells that is too long to be read.
#[derive(Debug, PartialEq)]
pub(super) struct LongCommand {
    /// The code of the error about it.
    pub(super) code: &'static str,
    /// The `ref` of the command, if it stands before what is too long.
    pub(super) reference: Option<Value>,
}

impl LongCommand {
    /// What `head` tells, the beginning of a line.
    pub(super) fn of(head: &[u8]) -> Self {
        let mut found = Found::default();
        // It ends too early, so there is always an error, but not before all that is whole was found.
        let _ = (&mut found).deserialize(&mut serde_json::Deserializer::from_slice(head));
        let is_said = found.command.is_none_or(|command| command == "say") && found.has_text;
        Self { code: if is_said { "text_too_long" } else { "bad_command" }, reference: found.reference }
    }
}

/// What was found in the beginning of an object.
#[derive(Default)]
struct Found {
    command: Option<Value>,
    reference: Option<Value>,
    has_text: bool,
}

impl<'de> DeserializeSeed<'de> for &mut Found {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for &mut Found {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        while let Some(key) = map.next_key::<String>()? {
            match key.as_str() {
                "command" => self.command = map.next_value()?,
                "ref" => self.reference = map.next_value()?,
                key => {
                    self.has_text |= key == "text";
                    map.next_value::<IgnoredAny>()?;
                }
            }
        }
        Ok(())
    }
}

fn usual_count() -> usize {
    LAST
}

/// The fields of a command that is a query.
#[derive(Debug, Default, PartialEq, Deserialize)]
pub(crate) struct JsonQuery {
    /// Returned with the answer.
    #[serde(default, rename = "ref")]
    pub(super) reference: Option<Value>,
}

/// The error for a line that is no command.
#[derive(Debug, PartialEq)]
pub(crate) struct BadCommand {
    /// What is wrong with the line, for people.
    pub(crate) message: String,
    /// The `ref` of the line, if it has a readable one; returned with the error.
    pub(super) reference: Option<Value>,
}

impl JsonCommand {
    /// The `ref` that is returned with what is answered.
    pub(super) fn reference(self) -> Option<Value> {
        match self {
            Self::Say { reference, .. }
            | Self::Last { reference, .. }
            | Self::Verify { reference, .. }
            | Self::Trace { reference, .. }
            | Self::See { reference, .. }
            | Self::Leader(JsonQuery { reference })
            | Self::Members(JsonQuery { reference })
            | Self::Ring(JsonQuery { reference })
            | Self::Stats(JsonQuery { reference })
            | Self::Ticket(JsonQuery { reference })
            | Self::Keys(JsonQuery { reference }) => reference,
            Self::Quit => None,
        }
    }

    /// Parses a line.
    ///
    /// # Errors
    /// If the line is no command, or says an empty text.
    pub(crate) fn parse(line: &[u8]) -> Result<Self, BadCommand> {
        let is_object = line.trim_ascii_start().starts_with(b"{");
        let message = match serde_json::from_slice(line) {
            _ if !is_object => {
                r#"no command: a command is an object, such as {"command":"members"}"#.to_owned()
            }
            Ok(Self::Say { text, .. }) if text.is_empty() => {
                "no command: a text of no characters says nothing".to_owned()
            }
            Ok(command) => return Ok(command),
            Err(error) => format!("no command: {}", in_plain_words(&error)),
        };
        // An array has no keys, although serde fills a struct from one.
        let JsonQuery { reference } =
            if is_object { serde_json::from_slice(line).unwrap_or_default() } else { JsonQuery::default() };
        Err(BadCommand { message, reference })
    }
}

/// An error of serde, without the words of programs in Rust.
fn in_plain_words(error: &serde_json::Error) -> String {
    let words =
        [("unknown variant", "unknown command"), ("expected usize", "expected a whole number from 0 on")];
    words.iter().fold(error.to_string(), |text, (inner, plain)| text.replace(inner, plain))
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::Path;

    use super::*;

    #[test]
    fn all_commands_are_understood() {
        let say = JsonCommand::Say { text: "a\nb".into(), reference: Some("1".into()), waiting: false };
        assert_eq!(JsonCommand::parse(br#"{"command":"say","text":"a\nb","ref":"1","new":0}"#), Ok(say));
        let say = JsonCommand::Say { text: " ".into(), reference: None, waiting: true };
        assert_eq!(JsonCommand::parse(br#"{"text":" ","command":"say","waiting":true}"#), Ok(say));
        assert_eq!(
            JsonCommand::parse(br#"{"command":"members"}"#),
            Ok(JsonCommand::Members(JsonQuery::default()))
        );
        let question = JsonQuery { reference: Some(2.into()) };
        assert_eq!(JsonCommand::parse(br#"{"command":"ring","ref":2}"#), Ok(JsonCommand::Ring(question)));
        assert_eq!(
            JsonCommand::parse(br#"{"command":"stats","new":0}"#),
            Ok(JsonCommand::Stats(JsonQuery::default()))
        );
        assert_eq!(
            JsonCommand::parse(br#"{"command":"ticket"}"#),
            Ok(JsonCommand::Ticket(JsonQuery::default()))
        );
        assert_eq!(JsonCommand::parse(br#"{"command":"keys"}"#), Ok(JsonCommand::Keys(JsonQuery::default())));
        let verify = JsonCommand::Verify { who: "Bob".into(), key: "k3f7".into(), reference: None };
        assert_eq!(JsonCommand::parse(br#"{"command":"verify","who":"Bob","key":"k3f7"}"#), Ok(verify));
        let last = |count| JsonCommand::Last { count, reference: None };
        assert_eq!(JsonCommand::parse(br#"{"command":"last"}"#), Ok(last(20)));
        assert_eq!(JsonCommand::parse(br#"{"command":"last","count":3}"#), Ok(last(3)));
        let leader = JsonCommand::Leader(JsonQuery::default());
        assert_eq!(JsonCommand::parse(br#"{"command":"leader"}"#), Ok(leader));
        let trace = JsonCommand::Trace { file: Some("a".into()), off: false, reference: None };
        assert_eq!(JsonCommand::parse(br#"{"command":"trace","file":"a"}"#), Ok(trace));
        let off = JsonCommand::Trace { file: None, off: true, reference: Some(1.into()) };
        assert_eq!(JsonCommand::parse(br#"{"command":"trace","off":true,"ref":1}"#), Ok(off));
        let see = |on| JsonCommand::See { on, reference: None };
        assert_eq!(JsonCommand::parse(br#"{"command":"see"}"#), Ok(see(None)));
        assert_eq!(JsonCommand::parse(br#"{"command":"see","on":false}"#), Ok(see(Some(false))));
        assert_eq!(JsonCommand::parse(br#"{"command":"quit"}"#), Ok(JsonCommand::Quit));
    }

    #[test]
    fn all_else_is_an_error() {
        for line in
            ["", r#"["quit"]"#, "hello", "{}", "[]", r#"{"command":"say"}"#, r#"{"command":"fly"}"#, "\u{0}"]
        {
            assert!(JsonCommand::parse(line.as_bytes()).is_err(), "{line:?}");
        }
        assert!(JsonCommand::parse(b"{\"command\":\"say\",\"text\":\"\xff\"}").is_err());
    }

    #[test]
    fn the_readme_names_the_same_commands() {
        let names = |text: &str| -> Vec<String> {
            let quoted = text.split('`').skip(1).step_by(2);
            let mut names: Vec<String> = quoted.map(str::to_owned).collect();
            names.sort();
            names
        };
        // The refusal of an unknown command names all others.
        let refused = JsonCommand::parse(br#"{"command":"fly"}"#).unwrap_err().message;
        let known = names(refused.split_once("expected one of").unwrap().1);
        let readme = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("../README.md")).unwrap();
        let told = readme.split_once("`error`, `bye`. Commands: ").unwrap().1.split('.').next().unwrap();
        assert_eq!(names(told), known);
    }

    #[test]
    fn errors_are_told_in_words_for_those_who_do_not_know_this_program() {
        let object = r#"no command: a command is an object, such as {"command":"members"}"#;
        for (line, wanted) in [
            ("null", object),
            ("7", object),
            ("hello", object),
            (r#"["say"]"#, object),
            (r#"{"command":"fly"}"#, "no command: unknown command `fly`, expected one of `say`"),
            (
                r#"{"command":"last","count":-1}"#,
                "no command: invalid value: integer `-1`, expected a whole number from 0 on",
            ),
            (
                r#"{"command":"last","count":"x"}"#,
                "no command: invalid type: string \"x\", expected a whole number from 0 on",
            ),
            ("{}", "no command: missing field `command`"),
        ] {
            let told = JsonCommand::parse(line.as_bytes()).unwrap_err().message;
            assert!(told.starts_with(wanted), "{line}: {told}");
        }
    }

    #[test]
    fn of_a_line_that_is_too_long_the_beginning_tells_the_code_and_the_ref() {
        let of = |head: &str| LongCommand::of(head.as_bytes());
        let long = |code, reference: Option<Value>| LongCommand { code, reference };
        let said = r#"{"command":"say","ref":"a","text":"xxxx"#;
        assert_eq!(of(said), long("text_too_long", Some("a".into())));
        assert_eq!(of(r#"{"ref":[1],"text":"xx\"#), long("text_too_long", Some([1].into_iter().collect())));
        assert_eq!(of(r#"{"text":"xx","command":"say","ref":"#), long("text_too_long", None));
        assert_eq!(of(r#"{"command":"verify","ref":7,"who":"xxx"#), long("bad_command", Some(7.into())));
        assert_eq!(of("xxxx"), long("bad_command", None));
    }

    #[test]
    fn a_bad_command_brings_its_ref_back() {
        for line in [
            r#"{"command":"say","text":"","ref":"a"}"#,
            r#"{"command":"say","ref":"a"}"#,
            r#"{"command":"fly","ref":"a"}"#,
            r#"{"ref":"a"}"#,
        ] {
            let refused = JsonCommand::parse(line.as_bytes()).unwrap_err();
            assert_eq!(refused.reference, Some("a".into()), "{line}");
        }
        assert_eq!(JsonCommand::parse(br#"["a"]"#).unwrap_err().reference, None);
    }
}
