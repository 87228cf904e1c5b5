//! The texts that are said: 100 bytes that tell by whom, as which one, and when.

use std::fmt::Write;

use crate::clock::Nanos;

/// Bytes of a text.
const LENGTH: usize = 100;

/// What a text tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Said {
    /// The participant who said it.
    pub(super) by: u16,
    /// Its number among the sender's, from 0.
    pub(super) number: u32,
    /// When it was said.
    pub(super) at: Nanos,
    /// Whether it is the sender's last.
    pub(super) last: bool,
}

impl Said {
    /// Writes it to `text`, in place of what stands there.
    pub(super) fn write(self, text: &mut String) {
        text.clear();
        let Self { by, number, at, last } = self;
        // Nothing fails that is written to a string.
        let _ = write!(text, "{by:05} {number:010} {at:020} {} ", u8::from(last));
        text.extend(std::iter::repeat_n('.', LENGTH.saturating_sub(text.len())));
    }

    /// Reads a text; none if it is not one of the benchmark's.
    pub(super) fn read(text: &[u8]) -> Option<Self> {
        if text.len() != LENGTH {
            return None;
        }
        let by = u16::try_from(digits(&text[..5])?).ok()?;
        let number = u32::try_from(digits(&text[6..16])?).ok()?;
        Some(Self { by, number, at: digits(&text[17..37])?, last: text[38] == b'1' })
    }
}

fn digits(text: &[u8]) -> Option<u64> {
    text.iter().try_fold(0u64, |sum, byte| {
        let digit = char::from(*byte).to_digit(10)?;
        sum.checked_mul(10)?.checked_add(u64::from(digit))
    })
}
