//! The key of a page.

use std::fmt;

use data_encoding::HEXLOWER;
use subtle::ConstantTimeEq as _;
use zeroize::Zeroizing;

/// What a request must have, so that no other page and no other user of the machine can ask: 128 random bits.
pub(super) struct PageKey(Zeroizing<String>);

impl PageKey {
    /// A new key.
    ///
    /// # Errors
    /// If the system gives no random bytes.
    pub(super) fn draw() -> Result<Self, getrandom::Error> {
        let mut bytes = Zeroizing::new([0; 16]);
        getrandom::fill(bytes.as_mut_slice())?;
        Ok(Self(HEXLOWER.encode(bytes.as_slice()).into()))
    }

    /// The key for the user's browser.
    pub(super) fn shown(&self) -> &str {
        &self.0
    }

    /// Whether this is the key. How long that takes tells nothing of it.
    pub(super) fn is(&self, given: &str) -> bool {
        self.0.as_bytes().ct_eq(given.as_bytes()).into()
    }
}

impl fmt::Debug for PageKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PageKey")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_has_128_bits_is_only_itself_and_does_not_show_itself() {
        let (key, other) = (PageKey::draw().unwrap(), PageKey::draw().unwrap());
        assert_eq!(key.shown().len(), 32);
        assert!(key.is(key.shown()) && !key.is(other.shown()) && !key.is(""));
        assert!(!key.is(&key.shown()[..31]) && !key.is(&key.shown().to_uppercase().replace('0', "O")));
        assert!(!format!("{key:?}").contains(key.shown()));
    }
}
