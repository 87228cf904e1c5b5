//! The bodies of the fuzz targets. Ordinary tests replay their corpora.
//!
//! Each takes any bytes, and panics if a property of the command line or of the screen does not hold for them.

use std::io::{BufRead, BufReader};
use std::num::NonZeroU64;

use ringchat_core::{ChatLine, Index, Member, Name, NodeId, Occasion, Seq, Stamp, Text};
use serde_json::{Value, json};
use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

use crate::clean::{self, Clean, is_obeyed};
use crate::flags::{Asked, Flags};
use crate::json::{Command, MAX_LINE, chat_line};
use crate::line::Line;
use crate::lines::{self, Lines};
use crate::rewrite::{is_option, rewrite};
use crate::wrap::{MIN_WIDTH, locate, wrap, wrap_typed};

/// A command line is parsed or refused, its words are rewritten once and for all, and a value never.
///
/// `data` is the words, each but the last followed by a zero byte.
pub fn args(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    let args: Vec<String> = text.split('\0').map(str::to_owned).collect();
    let rewritten = rewrite(args.clone());
    for word in &rewritten {
        assert!(is_known(word) || args.iter().any(|arg| arg.ends_with(word)), "{word:?} comes from nowhere");
    }
    assert_eq!(rewrite(rewritten.clone()), rewritten, "to rewrite twice makes a difference");
    for value in &args {
        stays(value);
    }
    let after_dashes = [vec!["--".to_owned()], args.clone()].concat();
    assert_eq!(rewrite(after_dashes.clone()), after_dashes, "what follows two dashes was rewritten");
    // Words may be refused, with words.
    if let Err(refusal) = Flags::parse(args) {
        assert!(!refusal.is_empty(), "a refusal says why");
        is_harmless(&Line::complaint(&refusal));
    }
}

/// The value of an option comes through as it is, whatever it looks like, in a word of its own or not.
fn stays(value: &str) {
    for args in [vec!["-n".to_owned(), value.to_owned()], vec![format!("--name={value}")]] {
        assert_eq!(rewrite(args.clone()), ["--name", value], "a value was rewritten");
        let parsed = Flags::parse(args);
        let name = matches!(&parsed, Ok(Asked::Run(flags)) if flags.name.as_deref() == Some(value));
        assert!(name, "{value:?} is no value in {parsed:?}");
    }
}

/// Whether a rewritten word may stand for something else that was typed.
fn is_known(word: &str) -> bool {
    let is_letter = word.strip_prefix('-').is_some_and(|rest| rest.chars().count() == 1);
    is_letter || is_option(word)
}

/// Whatever comes in is read as commands or complained about, and is harmless on a screen.
///
/// `data` is what a program writes to standard input, and what somebody says.
pub fn screen(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    shows(&text);
    is_said(&text);
    let lines = read(data);
    assert_eq!(
        read(BufReader::with_capacity(1 + data.len() % 7, data)),
        lines,
        "the chunks made a difference"
    );
    for line in lines {
        let lines::Line::Whole(line) = line else { continue };
        match Command::parse(&line) {
            Ok(Command::Say { text, .. }) => shows(&text),
            Ok(_) => {}
            Err(refused) => is_harmless(&Line::complaint(&refused.message)),
        }
    }
}

/// The lines of `input`, no longer than a command may be.
fn read(input: impl BufRead) -> Vec<lines::Line> {
    let mut lines = Lines::new(input, MAX_LINE);
    std::iter::from_fn(|| lines.next().ok().flatten()).collect()
}

/// A command to say `text` is read as such, and what is said comes out as it went in, each in one line.
fn is_said(text: &str) {
    let command = json!({ "command": "say", "text": text, "ref": text }).to_string();
    let said = Command::Say { text: text.to_owned(), reference: Some(text.into()) };
    let parsed = Command::parse(command.as_bytes());
    assert!(parsed == Ok(said) || (text.is_empty() && parsed.is_err()), "{parsed:?} was said");
    let (Ok(text), Some(from)) = (Text::new(text), eve()) else { return };
    let (text, from) = (text.as_str(), &from);
    let event = chat_line(
        Stamp(1),
        &ChatLine {
            index: Index(0),
            from,
            seq: Seq(1),
            text,
            stamp: Stamp(1),
            mine: false,
            occasion: Occasion::Live,
        },
    );
    assert_eq!(event.find('\n'), Some(event.len() - 1), "an event is one line: {event:?}");
    let event: Value = serde_json::from_str(&event).unwrap_or_default();
    assert_eq!(event.get("text").and_then(Value::as_str), Some(text));
}

fn eve() -> Option<Member> {
    let name = Name::new("eve").ok()?;
    Some(Member::new(NodeId::new([1; 32], NonZeroU64::MIN), ([127, 0, 0, 1], 5000).into(), name))
}

/// The text comes clean to a screen, and as it is if all in it is ordinary.
fn shows(text: &str) {
    let clean = Clean::new(text);
    assert_eq!(Clean::new(clean.as_str()), clean, "to clean twice makes a difference");
    let is_ordinary = |c: char| c.is_alphanumeric() && c.width() != Some(0) || matches!(c, ' '..='~' | '\n');
    assert!(clean.as_str() == text || !text.chars().all(is_ordinary), "an ordinary text was changed");
    if let Some(from) = eve() {
        let line = Line::chat(&from, Stamp(1), text);
        is_harmless(&line);
        is_wrapped(&line);
    }
}

/// A terminal obeys nothing in the line, and only the first part of it can pass for a header.
fn is_harmless(line: &Line) {
    let rendered = line.render(false);
    assert!(!rendered.chars().any(is_obeyed) && !rendered.contains('\t'), "a terminal obeys {rendered:?}");
    let mut further = rendered.split('\n').skip(1);
    assert!(further.all(|line| line.starts_with("  | ")), "passes for a header: {rendered:?}");
}

/// As rows of a terminal, too, only the first part of the line begins at the left edge.
fn is_wrapped(line: &Line) {
    let width = 1 + line.text().len() % 120;
    for row in wrap(line.text(), width).iter().skip(1) {
        assert!(["    ", "  | "].contains(&row.indent), "passes for a header: {row:?}");
    }
    types(line.text(), width);
}

/// What is typed stands on the screen byte for byte, and the cursor within it.
fn types(text: &str, width: usize) {
    let typed = clean::typed(text);
    assert_eq!(clean::typed(&typed), typed, "to type it twice makes a difference");
    let rows = wrap_typed(&typed, width);
    for row in &rows {
        let columns = row.indent.len() + typed[row.part.clone()].width();
        let is_one = typed[row.part.clone()].chars().count() == 1;
        assert!(columns <= width.max(MIN_WIDTH) || is_one, "{row:?} is wider than {width}");
    }
    for (offset, _) in typed.char_indices().step_by(1 + typed.len() / 20) {
        assert!(locate(&typed, &rows, width, offset).0 <= rows.len());
    }
}
