//! Keys and secrets as letters: base32, lower case, as in tickets. Any case is read.

use data_encoding::{BASE32_NOPAD, BASE32_NOPAD_NOCASE};
use ringchat_core::secure::ShortKey;
use zeroize::Zeroizing;

/// A whole key in 52 letters.
pub(crate) fn full_key(key: &[u8; 32]) -> String {
    letters(key).to_string()
}

/// `bytes` in letters. Wiped when dropped.
pub(super) fn letters(bytes: &[u8]) -> Zeroizing<String> {
    let mut text = Zeroizing::new(String::with_capacity(BASE32_NOPAD.encode_len(bytes.len())));
    BASE32_NOPAD.encode_append(bytes, &mut text);
    text.make_ascii_lowercase();
    text
}

/// The bytes that `text` has in letters, if they are `N`. Wiped when dropped.
pub(super) fn bytes<const N: usize>(text: &str) -> Option<Zeroizing<[u8; N]>> {
    let mut bytes = Zeroizing::new([0; N]);
    let fits = BASE32_NOPAD_NOCASE.decode_len(text.len()) == Ok(N);
    (fits && BASE32_NOPAD_NOCASE.decode_mut(text.as_bytes(), bytes.as_mut_slice()) == Ok(N)).then_some(bytes)
}

/// Whether a word of `text` may be the secret of a room or the private part of a key, as it stands in their files. Signs
/// of paths and addresses are part of a word, so that `./NAME` and `NAME:PORT` are none.
pub(crate) fn has_bare_secret(text: &str) -> bool {
    let is_of_word = |c: char| c.is_alphanumeric() || "./_-~:@".contains(c);
    text.split(|c| !is_of_word(c)).any(is_bare_secret)
}

/// Whether such letters stand anywhere in `text`, also beside a sign of a path.
pub(super) fn has_letters_of_secret(text: &str) -> bool {
    text.split(|c: char| !c.is_alphanumeric()).any(is_bare_secret)
}

fn is_bare_secret(word: &str) -> bool {
    let has_one_case = !word.contains(char::is_lowercase) || !word.contains(char::is_uppercase);
    has_one_case && (bytes::<16>(word).is_some() || bytes::<32>(word).is_some())
}

/// A key that somebody typed to have it compared: short or whole, in any case, with or without dashes, in one piece or
/// several.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct TypedKey(String);

impl TypedKey {
    /// Letters of a short key without its dashes.
    const SHORT: usize = 16;

    /// Bytes of a key with all that may stand between its letters, at most.
    const MOST: usize = 256;

    /// Reads a key. `None` if `text` is none.
    pub(crate) fn new(text: &str) -> Option<Self> {
        if text.len() > Self::MOST {
            return None;
        }
        let plain = plain(text);
        let is_whole = bytes::<32>(&plain).is_some();
        let is_short = plain.len() == Self::SHORT && bytes::<10>(&plain).is_some();
        (is_whole || is_short).then_some(Self(plain))
    }

    /// Whether this is `key`, or its short form.
    pub(crate) fn is(&self, key: &[u8; 32]) -> bool {
        let Self(typed) = self;
        *typed == full_key(key) || *typed == plain(&ShortKey::new(key).to_string())
    }
}

/// A key without dashes, blanks and line ends, in lower case.
fn plain(text: &str) -> String {
    text.chars().filter(|&c| c != '-' && !c.is_whitespace()).map(|c| c.to_ascii_lowercase()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_read_back_from_its_letters_in_any_case() {
        let key: [u8; 32] = std::array::from_fn(|at| u8::try_from(at * 7).unwrap());
        let text = full_key(&key);
        assert_eq!(text.len(), 52);
        assert_eq!(bytes(&text).as_deref(), Some(&key));
        assert_eq!(bytes(&text.to_uppercase()).as_deref(), Some(&key));
        assert_eq!(bytes::<32>(&text[1..]), None);
        assert_eq!(bytes::<31>(&text), None);
        assert_eq!(bytes::<32>(&text.replace('a', "1")), None);
    }

    #[test]
    fn a_secret_without_its_file_is_recognized_and_names_are_not() {
        let (secret, seed) = (letters(&[7; 16]), letters(&[7; 32]));
        assert_eq!((secret.len(), seed.len()), (26, 52));
        for bare in [secret.as_str(), &seed] {
            for text in [
                bare,
                &bare.to_uppercase(),
                &format!("--secret-file={bare}"),
                &format!("secret {bare}\nroom"),
                &format!(r#"{{"command":"{bare}"}}"#),
            ] {
                assert!(has_bare_secret(text), "{text}");
            }
            for name in [&format!("./{bare}"), &format!("{bare}.txt"), &format!("{bare}:5000"), &bare[1..]] {
                assert!(!has_bare_secret(name), "{name}");
            }
        }
        for name in ["", "k3f7-9qmz-x2c4-h8tw", "abcdefghijklmnopqrstuvwxyz", "Abcdefghijklmnopqrstuvwxya"] {
            assert!(!has_bare_secret(name), "{name}");
        }
    }

    #[test]
    fn a_typed_key_is_compared_in_short_and_in_whole() {
        let (key, other) = ([7; 32], [8; 32]);
        let whole = full_key(&key);
        let in_rows = format!("{}\r\n  {}", &whole[..30], &whole[30..].to_uppercase());
        for text in [
            "iqeb-pwmc-jdvp-hppd",
            "IQEBPWMCJDVPHPPD",
            "iqeb-pwmcjdvphppd",
            " iqeb - pwmc\njdvp\u{a0}hppd\t",
            &whole,
            &in_rows,
        ] {
            let typed = TypedKey::new(text).unwrap();
            assert!(typed.is(&key) && !typed.is(&other), "{text}");
        }
        let long = " ".repeat(TypedKey::MOST) + "iqeb-pwmc-jdvp-hppd";
        for text in ["", "iqeb", "iqeb-pwmc-jdvp-hpp", "iqeb-pwmc-jdvp-hpp1", "iqeb-pwmc-jdvp-hppdd", &long] {
            assert_eq!(TypedKey::new(text), None, "{text}");
        }
    }
}
