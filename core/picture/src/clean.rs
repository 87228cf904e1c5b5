//! Text that anybody may have written.

use alloc::string::String;

/// The most letters of a word or a name in a trace.
const MOST: usize = 64;

/// A name, or a word of a trace, that a terminal and a picture only show: in one line and of bounded length.
pub(crate) fn name(text: &str) -> String {
    shown(text).take(MOST).collect()
}

/// What somebody said, in one line that a terminal and a picture only show.
pub(crate) fn said(text: &str) -> String {
    shown(text).collect()
}

/// Separators of lines become blanks, other control characters are replaced; what turns the direction of writing, and tags that
/// nobody sees, are left out.
pub(crate) fn shown(text: &str) -> impl Iterator<Item = char> {
    text.chars().filter_map(|c| match c {
        '\n' | '\r' | '\t' | '\u{2028}' | '\u{2029}' => Some(' '),
        '\u{61c}'
        | '\u{200e}'
        | '\u{200f}'
        | '\u{202a}'..='\u{202e}'
        | '\u{2066}'..='\u{2069}'
        | '\u{e0000}'..='\u{e007f}' => None,
        c if c.is_control() => Some(char::REPLACEMENT_CHARACTER),
        c => Some(c),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_terminal_obeys_nothing_in_a_text_and_a_line_stays_one() {
        let hostile = "\u{1b}]0;title\u{7}\u{9b}2J\u{202e}a\u{e0041}\n+0.0  ada  5  is killed\r\u{2028}";
        assert_eq!(said(hostile), "\u{fffd}]0;title\u{fffd}\u{fffd}2Ja +0.0  ada  5  is killed  ");
        assert_eq!(name(&"x".repeat(1000)).len(), MOST);
    }
}
