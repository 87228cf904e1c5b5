//! The bodies of the fuzz targets. Ordinary tests replay their corpora.
//!
//! Each takes any bytes, and panics if a property of the command line or of the screen does not hold for them.

use ringchat_core::{Member, Name, NodeId};

use crate::clean::{Clean, is_obeyed};
use crate::flags::Flags;
use crate::json::{Command, MAX_LINE};
use crate::line::Line;
use crate::lines::{self, Lines};
use crate::rewrite::{is_option, rewrite};

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
        assert_eq!(rewrite(["-n", value].map(str::to_owned)), ["--name", value], "a value was rewritten");
    }
    // Words may be refused, with words.
    let refused = Flags::parse(args).err();
    assert_ne!(refused, Some(String::new()), "a refusal says why");
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
    let mut lines = Lines::new(data, MAX_LINE);
    while let Ok(Some(line)) = lines.next() {
        let lines::Line::Whole(line) = line else { continue };
        match Command::parse(&line) {
            Ok(Command::Say { text, .. }) => shows(&text),
            Ok(_) => {}
            Err(complaint) => shows(&complaint),
        }
    }
}

/// The text comes clean to a screen, on which only the first line can pass for a header.
fn shows(text: &str) {
    let clean = Clean::new(text);
    assert_eq!(Clean::new(clean.as_str()), clean, "to clean twice makes a difference");
    let Ok(name) = Name::new("eve") else { return };
    let from = Member { id: NodeId::new(([127, 0, 0, 1], 5000).into(), 1), name };
    let line = Line::chat(&from, 1, text).render(false);
    assert!(!line.chars().any(is_obeyed) && !line.contains('\t'), "a terminal obeys {line:?}");
    let mut further = line.split('\n').skip(1);
    assert!(further.all(|line| line.starts_with("  | ")), "passes for a header: {line:?}");
}
