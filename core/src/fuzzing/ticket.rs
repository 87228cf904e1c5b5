//! Tickets, read from any text.

use alloc::string::{String, ToString};

use crate::secure::{Ticket, seal};

/// What is read as a ticket is written just as it was read, but for the case of its letters.
///
/// An even first byte of `data` precedes a text, an odd one the contents of a ticket without their sum.
///
/// # Panics
/// If that does not hold.
pub fn ticket(data: &[u8]) {
    let Some((form, rest)) = data.split_first() else { return };
    let text =
        if form & 1 == 0 { String::from_utf8_lossy(rest).into_owned() } else { seal(rest).to_string() };
    if let Ok(ticket) = text.parse::<Ticket>() {
        assert_eq!(*ticket.reveal(), text.to_ascii_lowercase());
    }
}
