//! What this program keeps about keys and secrets: who the user is, how private rooms are entered, whose keys are known.

mod ask;
mod day;
mod identity;
mod key_text;
mod known;
mod known_file;
pub(crate) mod places;
pub(crate) mod private_file;
pub(crate) mod secret;
mod ticket;

pub(crate) use day::{Day, moment, now, now_micros};
pub(crate) use identity::{IdFile, IdentityError, OwnIdentity};
pub(crate) use key_text::{TypedKey, full_key, has_bare_secret};
pub(crate) use known::KnownKey;
pub(crate) use known_file::{KnownFile, KnownProblem};
pub(crate) use private_file::{KeyFileError, Patience};
pub(crate) use ticket::{TicketProblem, TicketSource, is_in as has_ticket};

/// Whether `text` may have in it what opens a room or makes somebody the user, perhaps in part. Then it must not be shown.
pub(crate) fn may_have_secret(text: &str) -> bool {
    ticket::may_be_in(text) || has_bare_secret(text)
}

/// The same of a word of a command line or of a variable, which may be the name of something.
pub(crate) fn word_may_have_secret(word: &str) -> bool {
    ticket::may_be_word(word) || has_bare_secret(word)
}

/// The same of a line that somebody typed, which names no file: what opens a room may stand beside any sign.
pub(crate) fn typed_may_have_secret(line: &str) -> bool {
    ticket::may_be_in(line) || key_text::has_letters_of_secret(line)
}
