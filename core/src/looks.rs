//! What characters look like: the skeletons of Unicode Technical Standard 39, section 4, "Confusable Detection".
//!
//! The data are those of the crate `unicode-security`. Its own table has a pointer for each character, all of which the
//! loader has to set in each process; the table that `build.rs` makes of it has none.

use unicode_normalization::UnicodeNormalization;

// Each character that looks like others, in order, and from which byte of `PROTOTYPES` on, and for how many, these stand.
include!(concat!(env!("OUT_DIR"), "/looks.rs"));

/// The skeleton of `text`: two texts that look alike have the same one.
pub fn skeleton(text: &str) -> impl Iterator<Item = char> {
    text.nfd().flat_map(looks_like).nfd()
}

/// What `c` looks like: itself, if the table has nothing.
fn looks_like(c: char) -> impl Iterator<Item = char> {
    let prototype = prototype(c);
    prototype.unwrap_or_default().chars().chain(prototype.is_none().then_some(c))
}

/// What the table has for `c`. Nothing to be seen is an empty text.
fn prototype(c: char) -> Option<&'static str> {
    let nth = ENTRIES.binary_search_by_key(&c, |(c, ..)| *c).ok()?;
    let (_, start, length) = *ENTRIES.get(nth)?;
    let (start, length) = (usize::from(start), usize::from(length));
    PROTOTYPES.get(start..start.checked_add(length)?)
}

#[cfg(test)]
mod tests {
    use alloc::string::String;

    use proptest::prelude::*;

    use super::*;

    fn has_the_skeleton_of_the_crate(text: &str) -> bool {
        skeleton(text).eq(unicode_security::skeleton(text))
    }

    #[test]
    fn each_character_looks_as_unicode_says() {
        let all = '\0'..=char::MAX;
        let different = |c: &char| !has_the_skeleton_of_the_crate(c.encode_utf8(&mut [0; 4]));
        assert_eq!(all.filter(different).collect::<String>(), "");
    }

    #[test]
    fn a_cyrillic_name_looks_like_a_latin_one() {
        assert!(skeleton("раураl").eq(skeleton("paypal")));
        assert!(!skeleton("Bob").eq(skeleton("Rob")));
    }

    proptest! {
        #[test]
        fn each_text_looks_as_unicode_says(text: String) {
            prop_assert!(has_the_skeleton_of_the_crate(&text));
        }
    }
}
