//! What this program keeps about keys and secrets: who the user is, how private rooms are entered, whose keys are known.

mod ask;
mod day;
mod identity;
mod key_text;
mod known;
mod known_file;
mod places;
mod private_file;
pub(crate) mod secret;
mod ticket;

pub(crate) use day::{Day, moment, now, now_micros};
pub(crate) use identity::{IdFile, IdentityError, OwnIdentity};
pub(crate) use key_text::{TypedKey, full_key};
pub(crate) use known::KnownKey;
pub(crate) use known_file::{KnownFile, KnownProblem, Patience};
pub(crate) use private_file::KeyFileError;
pub(crate) use ticket::{TicketProblem, TicketSource, is_in as has_ticket, may_be_in as may_have_ticket};
