//! Names: what people call a member. An invalid one cannot exist.

use core::fmt;
use core::str::FromStr;

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use smol_str::SmolStr;
use thiserror::Error;
use unicode_properties::{GeneralCategory, GeneralCategoryGroup, UnicodeGeneralCategory};
use unicode_width::UnicodeWidthStr;

use crate::limits::{MAX_NAME, MAX_NAME_COLUMNS};
use crate::looks::skeleton;

/// What keeps a text from being a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum NameError {
    /// It has nothing visible.
    #[error("a name needs at least one visible character")]
    Empty,
    /// It has more than [`MAX_NAME`] bytes or [`MAX_NAME_COLUMNS`] columns.
    #[error("a name has at most {} columns and {} bytes; shorten it", MAX_NAME_COLUMNS, MAX_NAME)]
    TooLong,
    /// It has a blank at its start or end, or two in a row.
    #[error("a name neither starts nor ends with a blank, nor has two in a row; leave it out")]
    Blank,
    /// It has one of the signs that a screen sets around names, or one that looks like it.
    #[error("a name has none of {}, which the screen sets around names, nor what looks like them; leave {:?} out", MARKS, .0)]
    Mark(char),
    /// It has a character that cannot be seen, or that programs show differently.
    #[error("a name has only characters that can be seen; leave out U+{:04X}", u32::from(*.0))]
    Unseen(char),
}

/// What people call a member. Not unique.
///
/// A name has 1 to [`MAX_NAME_COLUMNS`] terminal columns and at most [`MAX_NAME`] bytes. All its characters can be
/// seen, so joiners and variation selectors, which some scripts use to choose between forms of a letter, are left out.
/// It has no blanks at its ends or side by side, and none of `()[]:>/*`, nor any other sign that looks like one.
///
/// Cheap to clone; short ones are also cheap to decode, since they travel with each message.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Name(SmolStr);

impl Name {
    /// Parses a name.
    ///
    /// # Errors
    /// The first rule that `name` breaks.
    pub fn new(name: &str) -> Result<Self, NameError> {
        if name.len() > MAX_NAME || name.width() > MAX_NAME_COLUMNS {
            return Err(NameError::TooLong);
        }
        name.chars().try_for_each(check)?;
        if name.width() == 0 {
            return Err(NameError::Empty);
        }
        if name.trim() != name || name.contains("  ") {
            return Err(NameError::Blank);
        }
        Ok(Self(name.into()))
    }

    /// The name itself.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The name of a member of which only the id is known.
    pub(crate) fn unknown() -> Self {
        Self(SmolStr::new_static("unknown"))
    }
}

/// The signs that headers, prompts, notices and the star of a leader have beside names.
const MARKS: &str = "()[]:>/*";

/// Characters that are drawn without ink although Unicode's data do not say so: a filler, a note without a head, and
/// two blanks of hieroglyphs.
const INKLESS: [char; 4] = ['\u{16fe4}', '\u{1d159}', '\u{13441}', '\u{13442}'];

/// Whether a name may have `c`.
fn check(c: char) -> Result<(), NameError> {
    if MARKS.contains(c) || (!c.is_ascii() && looks_like_a_mark(c)) {
        Err(NameError::Mark(c))
    } else if c.is_ascii_control() || (!c.is_ascii() && is_unseen(c)) {
        Err(NameError::Unseen(c))
    } else {
        Ok(())
    }
}

/// Whether `c` is a sign that looks like one of the marks. Letters that do are taken, since there are names with them.
fn looks_like_a_mark(c: char) -> bool {
    let is_sign = matches!(
        c.general_category_group(),
        GeneralCategoryGroup::Punctuation | GeneralCategoryGroup::Symbol
    );
    is_sign && skeleton(c.encode_utf8(&mut [0; 4])).any(|looks| MARKS.contains(looks))
}

/// Whether `c` is invisible, looks like a blank, or looks different in each program.
fn is_unseen(c: char) -> bool {
    let category = c.general_category();
    let is_other = matches!(
        category,
        GeneralCategory::Control
            | GeneralCategory::Format
            | GeneralCategory::Surrogate
            | GeneralCategory::PrivateUse
            | GeneralCategory::Unassigned
    );
    // A skeleton (UTS #39) leaves out ignorable characters and fillers, and has a blank for each that looks like one.
    is_other || INKLESS.contains(&c) || skeleton(c.encode_utf8(&mut [0; 4])).all(char::is_whitespace)
}

impl FromStr for Name {
    type Err = NameError;

    fn from_str(name: &str) -> Result<Self, NameError> {
        Self::new(name)
    }
}

impl AsRef<str> for Name {
    fn as_ref(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl Serialize for Name {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.as_str().serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Name {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let name = <&str>::deserialize(deserializer)?;
        Self::new(name).map_err(D::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_of_the_longest_kind_is_taken_and_one_more_is_refused() {
        let longest = "n".repeat(MAX_NAME_COLUMNS);
        assert_eq!(Name::new(&longest).map(|n| n.as_str().len()), Ok(MAX_NAME_COLUMNS));
        assert_eq!(Name::new(&(longest + "n")), Err(NameError::TooLong));
        assert_eq!(Name::new(&"é\u{301}".repeat(17)), Err(NameError::TooLong));
    }

    #[test]
    fn a_name_that_could_pass_for_a_header_is_refused() {
        for c in "()[]:>/*\u{1b}\n\u{202e}\u{7f}\u{200d}".chars() {
            let name = alloc::format!("a{c}b");
            let error = if MARKS.contains(c) { NameError::Mark(c) } else { NameError::Unseen(c) };
            assert_eq!(Name::new(&name), Err(error), "{name:?}");
        }
        assert_eq!(Name::new(" a"), Err(NameError::Blank));
        assert_eq!(Name::new("a  b"), Err(NameError::Blank));
        assert_eq!(Name::new(""), Err(NameError::Empty));
        assert_eq!(Name::new("\u{301}"), Err(NameError::Empty));
    }

    #[test]
    fn a_name_with_something_in_it_that_nobody_sees_is_refused() {
        let unseen = "\u{ad}\u{34f}\u{115f}\u{1160}\u{17b4}\u{180b}\u{180e}\u{200b}\u{200c}\u{2060}\u{2064}\u{206a}\u{2800}\u{3164}\
                      \u{feff}\u{fe0f}\u{ffa0}\u{1bca0}\u{1d173}\u{e0041}\u{e0100}";
        let blank = "\u{85}\u{a0}\u{1680}\u{2003}\u{2028}\u{2029}\u{202f}\u{3000}\u{13441}\u{16fe4}\u{1d159}";
        let unknown = "\u{378}\u{e000}\u{fdd0}\u{ffff}\u{10fffd}\u{600}\u{fff9}";
        for c in [unseen, blank, unknown].into_iter().flat_map(str::chars) {
            for name in [alloc::format!("{c}"), alloc::format!("Ca{c}rol"), alloc::format!("Alice{c}")] {
                assert!(Name::new(&name).is_err(), "{name:?} is taken");
            }
        }
    }

    #[test]
    fn a_refusal_tells_what_to_leave_out() {
        let why = |name: &str| alloc::format!("{}", Name::new(name).unwrap_err());
        assert_eq!(why("a\u{3164}"), "a name has only characters that can be seen; leave out U+3164");
        assert!(why("/// Bob was lost ///").ends_with("leave '/' out"), "{}", why("/"));
    }

    #[test]
    fn ordinary_names_of_all_scripts_are_taken() {
        for name in [
            "Žofie Nováková",
            "Zoe\u{308}",
            "O'Brien-Smith, Jr.",
            "Алиса",
            "Αλίκη",
            "אליס",
            "أليس",
            "आलिस",
            "অ্যালিস",
            "ஆலிஸ்",
            "ആലീസ്",
            "อลิซ",
            "ကြည်",
            "អាលីស",
            "アリス",
            "爱丽丝",
            "앨리스",
            "Ալիս",
            "ალისა",
            "አሊስ",
            "⠁⠇⠊⠉⠑",
            "🐢 & co_7",
        ] {
            assert_eq!(Name::new(name).map(|name| name.as_str().len()), Ok(name.len()), "{name}");
        }
    }

    #[test]
    fn a_sign_that_looks_like_one_of_the_screen_is_refused_and_a_letter_is_not() {
        for c in "∗＊⁎⁄∕／＞：（）［］".chars() {
            assert_eq!(Name::new(&alloc::format!("Alice{c}")), Err(NameError::Mark(c)), "{c:?}");
        }
        for name in ["ノリコ", "Anna-Lena", "O’Neill", "R&D", "a.b_c", "李·四", "दुःख"] {
            assert!(Name::new(name).is_ok(), "{name}");
        }
    }
}
