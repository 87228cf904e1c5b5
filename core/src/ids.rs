//! Who is who: ids that order, names and texts that parse. An invalid one cannot exist.

use alloc::string::String;
use alloc::sync::Arc;
use core::fmt;
use core::num::NonZeroU64;

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use smol_str::SmolStr;
use unicode_properties::{GeneralCategory, GeneralCategoryGroup, UnicodeGeneralCategory};
use unicode_security::skeleton;
use unicode_width::UnicodeWidthStr;

use crate::limits::{MAX_NAME, MAX_NAME_COLUMNS, MAX_TEXT};

/// A connection, named by the driver. Never reused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LinkId(pub u64);

/// An attempt to connect, named by the node. Never reused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DialId(pub u64);

/// A room, drawn at random by its creator. Zero stands for "not known yet".
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct RoomId(pub u64);

impl RoomId {
    /// No room yet.
    pub const UNKNOWN: Self = Self(0);
}

/// Which member, and which of its lives: a key, and an incarnation.
///
/// Opaque: an id tells nothing of its member but that it is another one than all the others. Totally ordered, by
/// key and then by incarnation; in an election of equal logs the highest wins. `Display` is for people and not
/// unique; `LowerHex` is all of it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NodeId {
    key: [u8; 32],
    incarnation: NonZeroU64,
}

impl NodeId {
    /// The member that has `key`, in the life called `incarnation`. Both come from the system's random source.
    pub const fn new(key: [u8; 32], incarnation: NonZeroU64) -> Self {
        Self { key, incarnation }
    }

    /// The same in all lives of a member.
    pub const fn key(&self) -> &[u8; 32] {
        &self.key
    }

    /// Which life of the member this is. Lives are in no order.
    pub const fn incarnation(&self) -> NonZeroU64 {
        self.incarnation
    }
}

/// The first four bytes of the key, and the incarnation: `3f7a09c1#9e3779b97f4a7c15`.
impl fmt::Display for NodeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.key.iter().take(4).try_for_each(|byte| write!(f, "{byte:02x}"))?;
        write!(f, "#{:x}", self.incarnation)
    }
}

/// The whole id in 80 digits: the key, then the incarnation.
impl fmt::LowerHex for NodeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (words, _) = self.key.as_chunks();
        words.iter().try_for_each(|word| write!(f, "{:016x}", u64::from_be_bytes(*word)))?;
        write!(f, "{:016x}", self.incarnation)
    }
}

impl fmt::Debug for NodeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Serialize for NodeId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        (self.key, self.incarnation.get().to_be_bytes()).serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for NodeId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let (key, incarnation) = Deserialize::deserialize(deserializer)?;
        let incarnation = NonZeroU64::new(u64::from_be_bytes(incarnation));
        let incarnation = incarnation.ok_or_else(|| D::Error::custom("an incarnation of zero"))?;
        Ok(Self { key, incarnation })
    }
}

/// Why a name is none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum NameError {
    /// Nothing visible in it.
    Empty,
    /// More than [`MAX_NAME`] bytes or [`MAX_NAME_COLUMNS`] columns.
    TooLong,
    /// A blank at its start or end.
    Blank,
    /// A character that a name may not hold.
    Forbidden(char),
}

impl fmt::Display for NameError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty => f.write_str("a name needs at least one visible character"),
            Self::TooLong => {
                write!(f, "a name has at most {MAX_NAME_COLUMNS} columns and {MAX_NAME} bytes; shorten it")
            }
            Self::Blank => {
                f.write_str("a name neither starts nor ends with a blank, nor has two in a row; leave it out")
            }
            Self::Forbidden(c) if MARKS.contains(*c) => {
                write!(f, "a name has none of {MARKS}, which the screen sets around names; leave {c:?} out")
            }
            Self::Forbidden(c) => {
                write!(f, "a name has only characters that can be seen; leave out U+{:04X}", u32::from(*c))
            }
        }
    }
}

impl core::error::Error for NameError {}

/// What people call a member: 1 to 32 columns, at most 64 bytes, all characters to be seen, no blanks at the
/// ends or side by side, none of `()[]:>/*` nor any other sign that looks like one. Not unique. Cheap to clone, and short ones to decode: they travel with each message.
///
/// Joiners, which some scripts use to choose between forms of a letter, and variation selectors are not to be
/// seen either: a name is written without them.
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
        if let Some(c) = name.chars().find(|&c| forbidden_in_name(c)) {
            return Err(NameError::Forbidden(c));
        }
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

    /// What somebody is called of whom only the id is left.
    pub(crate) fn unknown() -> Self {
        Self(SmolStr::new_static("unknown"))
    }
}

/// What the lines of the screen are made of beside names: headers, prompts, notices, the star of a leader.
const MARKS: &str = "()[]:>/*";

/// Characters drawn without ink of which Unicode's data do not say so: a filler, a note without a head, and two
/// blanks of hieroglyphs.
const INKLESS: [char; 4] = ['\u{16fe4}', '\u{1d159}', '\u{13441}', '\u{13442}'];

fn forbidden_in_name(c: char) -> bool {
    if c.is_ascii() {
        c.is_ascii_control() || MARKS.contains(c)
    } else {
        is_unseen(c) || looks_like_a_mark(c)
    }
}

/// Whether a sign looks like one of the marks. Letters may: there are names with them.
fn looks_like_a_mark(c: char) -> bool {
    let is_sign = matches!(
        c.general_category_group(),
        GeneralCategoryGroup::Punctuation | GeneralCategoryGroup::Symbol
    );
    is_sign && skeleton(c.encode_utf8(&mut [0; 4])).any(|looks| MARKS.contains(looks))
}

/// Whether nobody sees `c`, or sees nothing but a blank, or sees something else in each program.
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
    // What Unicode says a character looks like (UTS #39) leaves out what is ignorable, fillers included, and makes
    // one blank of each that looks like it.
    is_other || INKLESS.contains(&c) || skeleton(c.encode_utf8(&mut [0; 4])).all(char::is_whitespace)
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

/// A text was longer than [`MAX_TEXT`] bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TextTooLong {
    /// Its length in bytes.
    pub length: usize,
}

impl fmt::Display for TextTooLong {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a message has at most {MAX_TEXT} bytes; this one has {}", self.length)
    }
}

impl core::error::Error for TextTooLong {}

/// Something to say: any Unicode text of at most 16 KiB. Cheap to clone.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Text(Arc<str>);

impl Text {
    /// Parses a text.
    ///
    /// # Errors
    /// If `text` has more than [`MAX_TEXT`] bytes.
    pub fn new(text: &str) -> Result<Self, TextTooLong> {
        Self::check(text.len())?;
        Ok(Self(text.into()))
    }

    fn check(length: usize) -> Result<(), TextTooLong> {
        if length > MAX_TEXT { Err(TextTooLong { length }) } else { Ok(()) }
    }

    /// The text itself.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for Text {
    type Error = TextTooLong;

    fn try_from(text: String) -> Result<Self, TextTooLong> {
        Self::new(&text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(first: u8, last: u8, incarnation: u64) -> NodeId {
        let mut key = [0; 32];
        (key[0], key[31]) = (first, last);
        NodeId::new(key, NonZeroU64::new(incarnation).unwrap())
    }

    #[test]
    fn ids_order_by_key_and_then_by_incarnation() {
        let ids = [id(0, 0, 9), id(0, 1, 2), id(0, 1, 3), id(0, 2, 1), id(1, 0, 1), id(255, 0, 1)];
        assert!(ids.is_sorted_by(|a, b| a < b));
    }

    #[test]
    fn an_id_is_shown_in_short_and_in_whole() {
        assert_eq!(alloc::format!("{}", id(0x0a, 1, 0xab)), "0a000000#ab");
        let whole = alloc::format!("{:x}", id(0x0a, 1, 0xab));
        assert_eq!(whole, alloc::format!("0a{}01{:016x}", "0".repeat(60), 0xab));
    }

    #[test]
    fn an_id_takes_forty_bytes_and_its_incarnation_is_never_zero() {
        let mut bytes = postcard::to_allocvec(&id(1, 2, u64::MAX)).unwrap();
        assert_eq!(bytes.len(), 40);
        assert_eq!(postcard::from_bytes(&bytes), Ok(id(1, 2, u64::MAX)));
        bytes[32..].fill(0);
        assert!(postcard::from_bytes::<NodeId>(&bytes).is_err());
    }

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
            assert_eq!(Name::new(&name), Err(NameError::Forbidden(c)), "{name:?}");
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
            assert_eq!(Name::new(&alloc::format!("Alice{c}")), Err(NameError::Forbidden(c)), "{c:?}");
        }
        for name in ["ノリコ", "Anna-Lena", "O’Neill", "R&D", "a.b_c", "李·四", "दुःख"] {
            assert!(Name::new(name).is_ok(), "{name}");
        }
    }

    #[test]
    fn a_text_of_the_greatest_length_is_taken_and_one_more_byte_is_refused() {
        let longest = "x".repeat(MAX_TEXT);
        assert!(Text::new(&longest).is_ok());
        assert_eq!(Text::new(&(longest + "x")), Err(TextTooLong { length: MAX_TEXT + 1 }));
    }
}
