//! Texts: what a member says at a time.

use alloc::string::String;
use alloc::sync::Arc;
use core::fmt;
use core::str::FromStr;

use thiserror::Error;

use crate::limits::MAX_TEXT;

/// A text has more than [`MAX_TEXT`] bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("a message has at most {} bytes; this one has {length}", MAX_TEXT)]
pub struct TextTooLong {
    /// The length of the text in bytes.
    pub length: usize,
}

/// What is said at a time: any Unicode text of at most [`MAX_TEXT`] bytes. Cheap to clone.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Text(Arc<str>);

impl Text {
    /// Parses a text.
    ///
    /// # Errors
    /// If `text` has more than [`MAX_TEXT`] bytes.
    pub fn new(text: &str) -> Result<Self, TextTooLong> {
        let length = text.len();
        if length > MAX_TEXT { Err(TextTooLong { length }) } else { Ok(Self(text.into())) }
    }

    /// The text itself.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Text {
    type Err = TextTooLong;

    fn from_str(text: &str) -> Result<Self, TextTooLong> {
        Self::new(text)
    }
}

impl AsRef<str> for Text {
    fn as_ref(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
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

    #[test]
    fn a_text_of_the_greatest_length_is_taken_and_one_more_byte_is_refused() {
        let longest = "x".repeat(MAX_TEXT);
        assert!(Text::new(&longest).is_ok());
        assert_eq!(Text::new(&(longest + "x")), Err(TextTooLong { length: MAX_TEXT + 1 }));
    }
}
