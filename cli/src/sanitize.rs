//! The sanitizer. Text from other members reaches a terminal or a log only through it.

use std::fmt;

use unicode_width::UnicodeWidthChar;

/// The maximum length of a run of zero-width marks. Writing systems need fewer.
const MAX_MARKS: usize = 6;

/// The replacement of a tab.
const TAB: &str = "    ";

/// Text that a terminal only prints and never obeys.
///
/// Tabs become blanks; line and paragraph separators become newlines; all other control characters but newline become
/// U+FFFD. Bidi controls and tag characters are removed, and long runs of zero-width marks are cut.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Clean(String);

impl Clean {
    /// Sanitizes `text`. Sanitizing the result again changes nothing.
    pub(crate) fn new(text: &str) -> Self {
        let mut clean = String::with_capacity(text.len());
        let mut marks = 0;
        for c in text.replace("\r\n", "\n").chars() {
            match c {
                '\t' => clean.push_str(TAB),
                '\n' | '\u{2028}' | '\u{2029}' => clean.push('\n'),
                c if c.is_control() => clean.push(char::REPLACEMENT_CHARACTER),
                c if is_bidi_control(c) || is_tag(c) => continue,
                c if c.width() == Some(0) => {
                    marks += 1;
                    if marks <= MAX_MARKS {
                        clean.push(c);
                    }
                    continue;
                }
                c => clean.push(c),
            }
            marks = 0;
        }
        Self(clean)
    }

    /// The sanitized text.
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Clean {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Sanitizes what the user of this program types or pastes: removes what a terminal may obey, so that the user sends
/// exactly what the screen shows.
pub(crate) fn typed(text: &str) -> String {
    let text = text.replace("\r\n", "\n").replace('\r', "\n");
    Clean::new(&text.replace(is_obeyed, "")).0
}

/// Whether a terminal may obey `c` instead of printing it: control characters but newline and tab, bidi controls, tag
/// characters.
pub(crate) fn is_obeyed(c: char) -> bool {
    (c.is_control() && !matches!(c, '\n' | '\t')) || is_bidi_control(c) || is_tag(c)
}

/// Whether `c` changes the direction of the text around it.
fn is_bidi_control(c: char) -> bool {
    matches!(c, '\u{061c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// Whether `c` is a tag character, which carries invisible text.
fn is_tag(c: char) -> bool {
    matches!(c, '\u{e0000}'..='\u{e007f}')
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn clean(text: &str) -> String {
        Clean::new(text).to_string()
    }

    #[test]
    fn ordinary_text_of_any_script_stays_as_it_is() {
        for text in
            ["hello, world", "žluťoučký kůň", "שָׁלוֹם", "한국어", "👩\u{200d}👩\u{200d}👧 👍🏽", "a\nb", ""]
        {
            assert_eq!(clean(text), text);
        }
    }

    #[test]
    fn escape_sequences_lose_what_makes_a_terminal_obey() {
        assert_eq!(clean("\u{1b}[2Jx\u{7}"), "\u{fffd}[2Jx\u{fffd}");
        assert_eq!(clean("\u{9b}31m\u{7f}"), "\u{fffd}31m\u{fffd}");
        assert_eq!(clean("a\rb\r\nc"), "a\u{fffd}b\nc");
    }

    #[test]
    fn tabs_become_blanks_and_separators_newlines() {
        assert_eq!(clean("a\tb\u{2028}c\u{2029}d"), "a    b\nc\nd");
    }

    #[test]
    fn characters_that_reorder_or_hide_text_are_removed() {
        assert_eq!(clean("a\u{202e}b\u{2066}c\u{200f}d\u{61c}\u{e0041}"), "abcd");
    }

    #[test]
    fn typed_text_loses_control_characters_and_keeps_its_lines() {
        assert_eq!(typed("a\u{9b}31mb\u{7}c\u{202e}\r\nd\re\tf\u{2028}g"), "a31mbc\nd\ne    f\ng");
    }

    #[test]
    fn a_tower_of_marks_is_cut() {
        let tower = format!("a{}b\u{301}", "\u{301}".repeat(50));
        assert_eq!(clean(&tower), format!("a{}b\u{301}", "\u{301}".repeat(MAX_MARKS)));
        let hidden = "\u{301}\u{202e}".repeat(50);
        assert_eq!(clean(&hidden), "\u{301}".repeat(MAX_MARKS));
    }

    proptest! {
        #[test]
        fn nothing_that_a_terminal_obeys_comes_through(text in any::<String>()) {
            let clean = clean(&text);
            let separators = ['\u{2028}', '\u{2029}'];
            prop_assert!(clean.chars().all(|c| c == '\n' || !c.is_control()));
            prop_assert!(!clean.chars().any(|c| is_bidi_control(c) || is_tag(c)));
            prop_assert!(!clean.contains(separators));
        }

        #[test]
        fn to_clean_twice_changes_nothing(text in any::<String>(), odd in "[\r\n\t\u{301}\u{202e}\u{2028}a]{0,40}") {
            for text in [text, odd] {
                prop_assert_eq!(clean(&clean(&text)), clean(&text));
            }
        }
    }
}
