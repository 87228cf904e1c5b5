//! The bodies of the fuzz targets. Ordinary tests replay the corpora.
//!
//! Each body takes any bytes and panics if a property of the command line or of the screen does not hold for them.

use std::io::{BufRead, BufReader};
use std::num::NonZeroU64;

use ringchat_core::{ChatLine, Index, Member, Name, NodeId, Occasion, Seq, Stamp, Text, UnixTime};
use serde_json::{Value, json};
use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

use crate::bounded_lines::{BoundedLine, BoundedLines};
use crate::click_compat::{is_option, rewrite};
use crate::flags::{Flags, Invocation, refusal};
use crate::json::{JsonCommand, MAX_LINE, chat_line};
use crate::line::Line;
use crate::sanitize::{self, Clean, is_obeyed};
use crate::wrap::{MIN_WIDTH, locate, wrap, wrap_typed};

/// Checks that every command line is parsed or refused with a reason, that rewriting is idempotent, and that values
/// are never rewritten.
///
/// `data` holds the words, separated by zero bytes.
///
/// # Panics
/// If one of these properties does not hold.
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
    // The parser may refuse the words, but must say why.
    if let Err(refusal) = Flags::parse(args) {
        assert!(!refusal.is_empty(), "a refusal says why");
        is_harmless(&Line::complaint(&refusal));
    }
}

/// Checks that the value of an option stays unchanged, whether it is a word of its own or not.
fn stays(value: &str) {
    for args in [vec!["-n".to_owned(), value.to_owned()], vec![format!("--name={value}")]] {
        assert_eq!(rewrite(args.clone()), ["--name", value], "a value was rewritten");
        if args.iter().any(|arg| refusal(arg).is_some()) {
            assert!(Flags::parse(args).is_err_and(|refused| !refused.contains(value)), "a secret was taken");
            continue;
        }
        let parsed = Flags::parse(args);
        let name = matches!(&parsed, Ok(Invocation::Run(flags)) if flags.name.as_deref() == Some(value));
        assert!(name, "{value:?} is no value in {parsed:?}");
    }
}

/// Whether `word` may result from a different typed word.
fn is_known(word: &str) -> bool {
    let is_letter = word.strip_prefix('-').is_some_and(|rest| rest.chars().count() == 1);
    is_letter || is_option(word)
}

/// Checks that any input is parsed or refused, and that any text is harmless on a screen.
///
/// `data` is used as standard input of a program and as a text that a member says.
///
/// # Panics
/// If one of these properties does not hold.
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
        let BoundedLine::Whole(line) = line else { continue };
        match JsonCommand::parse(&line) {
            Ok(JsonCommand::Say { text, .. }) => shows(&text),
            Ok(_) => {}
            Err(refused) => is_harmless(&Line::complaint(&refused.message)),
        }
    }
}

/// The lines of `input`, no longer than a command may be.
fn read(input: impl BufRead) -> Vec<BoundedLine> {
    let mut lines = BoundedLines::new(input, MAX_LINE);
    std::iter::from_fn(|| lines.next().ok().flatten()).collect()
}

/// Checks that the command to say `text` is parsed as such, and that its event is one line with the same text.
fn is_said(text: &str) {
    let command = json!({ "command": "say", "text": text, "ref": text }).to_string();
    let said = JsonCommand::Say { text: text.to_owned(), reference: Some(text.into()), waiting: false };
    let parsed = JsonCommand::parse(command.as_bytes());
    assert!(parsed == Ok(said) || (text.is_empty() && parsed.is_err()), "{parsed:?} was said");
    let (Ok(text), Some(from)) = (Text::new(text), eve()) else { return };
    let (text, from) = (text.as_str(), &from);
    let event = chat_line(
        Stamp(1),
        &ChatLine {
            at: UnixTime(0),
            known_as: None,
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

/// Checks that a text is sanitized for a screen, and that an ordinary text stays unchanged.
fn shows(text: &str) {
    let clean = Clean::new(text);
    assert_eq!(Clean::new(clean.as_str()), clean, "to clean twice makes a difference");
    let is_ordinary = |c: char| c.is_alphanumeric() && c.width() != Some(0) || matches!(c, ' '..='~' | '\n');
    assert!(clean.as_str() == text || !text.chars().all(is_ordinary), "an ordinary text was changed");
    if let Some(from) = eve() {
        let line = Line::chat(&from, "", Stamp(1), text, false);
        is_harmless(&line);
        is_wrapped(&line);
    }
}

/// Checks that a terminal obeys nothing in the line and that its further lines cannot imitate a message.
fn is_harmless(line: &Line) {
    let rendered = line.render(false);
    assert!(!rendered.chars().any(is_obeyed) && !rendered.contains('\t'), "a terminal obeys {rendered:?}");
    let mut further = rendered.split('\n').skip(1);
    assert!(further.all(|line| line.starts_with("  | ")), "passes for a header: {rendered:?}");
}

/// Checks that only the first row of the line begins at the left edge of a terminal.
fn is_wrapped(line: &Line) {
    let width = 1 + line.text().len() % 120;
    for row in wrap(line.text(), width).iter().skip(1) {
        assert!(["    ", "  | "].contains(&row.indent), "passes for a header: {row:?}");
    }
    types(line.text(), width);
}

/// Checks that a typed text keeps within its rows, and that every place of the cursor has a row.
fn types(text: &str, width: usize) {
    let typed = sanitize::typed(text);
    assert_eq!(sanitize::typed(&typed), typed, "to type it twice makes a difference");
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
