//! What is worth the user's attention: texts that mention the user, and the bell.

use std::str::FromStr;
use std::time::Duration;

use ringchat_core::{ChatLine, Instant, Name};
use unicode_width::UnicodeWidthChar;

/// The minimum time between two bells.
const PAUSE: Duration = Duration::from_secs(3);

/// The texts of others for which the bell rings.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum BellKind {
    /// None.
    Off,
    /// Those that mention the user.
    #[default]
    Mentions,
    /// All.
    All,
}

impl BellKind {
    /// What people type for it.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Off => "off",
            Self::Mentions => "mentions",
            Self::All => "all",
        }
    }
}

impl FromStr for BellKind {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        [Self::Off, Self::Mentions, Self::All].into_iter().find(|kind| kind.word() == text).ok_or(())
    }
}

/// The bell of a terminal.
#[derive(Debug, Default)]
pub(crate) struct Bell {
    /// The texts for which it rings.
    pub(crate) kind: BellKind,
    rang: Option<Instant>,
}

impl Bell {
    /// A bell for texts of this kind.
    pub(crate) fn new(kind: BellKind) -> Self {
        Self { kind, rang: None }
    }

    /// Whether it rings for a text of another member at `now`.
    pub(crate) fn rings(&mut self, is_mention: bool, now: Instant) -> bool {
        let is_wanted = match self.kind {
            BellKind::Off => false,
            BellKind::Mentions => is_mention,
            BellKind::All => true,
        };
        let rings = is_wanted && self.rang.is_none_or(|rang| now.since(rang) >= PAUSE);
        if rings {
            self.rang = Some(now);
        }
        rings
    }
}

/// Whether another member said the user's `own_name` just now.
pub(crate) fn is_mention(line: &ChatLine<'_>, own_name: Option<&Name>) -> bool {
    let is_of_others = !line.mine && !line.occasion.is_replayed();
    is_of_others && own_name.is_some_and(|name| mentions(line.text, name))
}

/// Whether `text` has `name` in it as a whole word, in any case.
fn mentions(text: &str, name: &Name) -> bool {
    let (text, name) = (text.to_lowercase(), name.as_str().to_lowercase());
    let is_apart = |beside: Option<char>| beside.is_none_or(|c| !is_of_word(c));
    text.match_indices(&name).any(|(at, found)| {
        let before = text.get(..at).and_then(|before| before.chars().next_back());
        let after = text.get(at + found.len()..).and_then(|after| after.chars().next());
        is_apart(before) && is_apart(after)
    })
}

/// Whether a word goes on with `c`. An accent after a letter makes another letter.
fn is_of_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_' || c.width() == Some(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mention_is_a_whole_word_in_any_case() {
        let bob = Name::new("Bob").unwrap();
        for text in ["bob: hello", "hello @BOB", "is it bob's?", "Bob", "(bob)", "a bobby, and bob\nthere"] {
            assert!(mentions(text, &bob), "{text}");
        }
        for text in ["bobby", "kebob", "bob_2", "bob2", "bob\u{301}", "", "b ob"] {
            assert!(!mentions(text, &bob), "{text}");
        }
        assert!(mentions("ask ann marie!", &Name::new("Ann Marie").unwrap()));
        assert!(mentions("ΝΊΚΟΣ, ναι", &Name::new("Νίκος").unwrap()));
    }

    #[test]
    fn the_bell_rings_for_what_is_wanted_and_once_in_three_seconds() {
        let rings = |kind, texts: &[(u64, bool)]| {
            let mut bell = Bell::new(kind);
            let at = |ms| Instant::ZERO.after(Duration::from_millis(ms));
            texts.iter().map(|&(ms, is_mention)| bell.rings(is_mention, at(ms))).collect::<Vec<_>>()
        };
        let texts = [(0, false), (1, true), (2999, true), (3001, true), (9000, false)];
        assert_eq!(rings(BellKind::Off, &texts), [false; 5]);
        assert_eq!(rings(BellKind::Mentions, &texts), [false, true, false, true, false]);
        assert_eq!(rings(BellKind::All, &texts), [true, false, false, true, true]);
    }

    #[test]
    fn a_kind_is_read_as_it_is_written() {
        for kind in [BellKind::Off, BellKind::Mentions, BellKind::All] {
            assert_eq!(kind.word().parse(), Ok(kind));
        }
        assert_eq!("loud".parse::<BellKind>(), Err(()));
    }
}
