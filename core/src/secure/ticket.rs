//! Tickets: what a member hands to somebody who shall come into its private room.

use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;
use core::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use core::str::FromStr;

use data_encoding::{BASE32_NOPAD, BASE32_NOPAD_NOCASE};
use thiserror::Error;
use zeroize::Zeroizing;

use super::derive::{Secret, ShortKey, derive_secretly};
use crate::limits::MAX_TICKET_ADDRS;

/// What every ticket begins with.
const PREFIX: &str = "ringchat:";

/// The version of what follows.
const VERSION: u8 = 1;

/// Bytes of the sum at the end, by which a slip of the hand is noticed.
const SUM: usize = 4;

/// Bytes of a ticket, at most: those before the addresses, the addresses with their ports, and the sum.
const MAX_BYTES: usize = 1 + Secret::BYTES + 32 + 1 + MAX_TICKET_ADDRS * (1 + 16 + 2) + SUM;

/// Letters after the prefix, at most: each has five bits.
const MAX_LETTERS: usize = (MAX_BYTES * 8).div_ceil(5);

/// What keeps a text from being a ticket. The texts of the errors show nothing of a secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum TicketError {
    /// It begins otherwise.
    #[error("a ticket begins with {PREFIX:?}; copy the whole of what /ticket shows")]
    NoTicket,
    /// It has a character that no ticket has.
    #[error(
        "a ticket has only letters and the digits 2 to 7 after {PREFIX:?}; copy it again, without anything around it"
    )]
    Character {
        /// Where, counted in bytes from the start of the ticket.
        at: usize,
    },
    /// It has more characters than any ticket.
    #[error("this is longer than any ticket; copy it again, without anything around it")]
    TooLong,
    /// A character was changed, added or left out.
    #[error("a part of the ticket is missing or was changed; copy it again, as a whole")]
    Damaged,
    /// It is whole, but made by a program that knows other tickets.
    #[error(
        "the ticket is of version {theirs}, and this program reads version {VERSION}; use the program that made it"
    )]
    Version {
        /// The version of the ticket.
        theirs: u8,
    },
    /// It is whole, but its contents are in no order.
    #[error("the ticket is whole, but no ringchat made it; ask a member of the room for another one")]
    Contents,
    /// It has no address, or more than [`MAX_TICKET_ADDRS`].
    #[error("a ticket has 1 to {MAX_TICKET_ADDRS} addresses of members")]
    Addresses,
}

/// What somebody needs to come into a private room: its secret, the key of the member that issued the ticket, and where
/// members are.
///
/// The secret is wiped when it is dropped, and `Debug` does not show it.
#[derive(Clone, PartialEq, Eq)]
pub struct Ticket {
    secret: Secret,
    issuer: [u8; 32],
    addrs: Vec<SocketAddr>,
}

impl Ticket {
    /// A ticket for the room of `secret`, issued by the holder of the key `issuer`. Of v6 addresses it keeps neither flow
    /// nor scope.
    ///
    /// # Errors
    /// [`TicketError::Addresses`].
    pub fn new(secret: Secret, issuer: [u8; 32], addrs: &[SocketAddr]) -> Result<Self, TicketError> {
        if addrs.is_empty() || addrs.len() > MAX_TICKET_ADDRS {
            return Err(TicketError::Addresses);
        }
        let addrs = addrs.iter().map(|addr| SocketAddr::new(addr.ip(), addr.port())).collect();
        Ok(Self { secret, issuer, addrs })
    }

    /// The secret of the room.
    pub const fn secret(&self) -> &Secret {
        &self.secret
    }

    /// The public key of the member that issued the ticket.
    pub const fn issuer(&self) -> &[u8; 32] {
        &self.issuer
    }

    /// Addresses of members, 1 to [`MAX_TICKET_ADDRS`].
    pub fn addrs(&self) -> &[SocketAddr] {
        &self.addrs
    }

    /// The ticket as it is handed over. The text is wiped when it is dropped, and is the secret's only way out.
    pub fn reveal(&self) -> Zeroizing<String> {
        // With its full capacity, so that no copy stays behind when it grows.
        let mut bytes = Zeroizing::new(Vec::with_capacity(MAX_BYTES));
        bytes.push(VERSION);
        bytes.extend_from_slice(self.secret.bytes());
        bytes.extend_from_slice(&self.issuer);
        bytes.push(u8::try_from(self.addrs.len()).unwrap_or(u8::MAX));
        for addr in &self.addrs {
            match addr.ip() {
                IpAddr::V4(ip) => {
                    bytes.push(4);
                    bytes.extend_from_slice(&ip.octets());
                }
                IpAddr::V6(ip) => {
                    bytes.push(6);
                    bytes.extend_from_slice(&ip.octets());
                }
            }
            bytes.extend_from_slice(&addr.port().to_be_bytes());
        }
        seal(&bytes)
    }
}

/// The text of a ticket with these contents.
pub(crate) fn seal(contents: &[u8]) -> Zeroizing<String> {
    let mut bytes = Zeroizing::new(Vec::with_capacity(contents.len().saturating_add(SUM)));
    bytes.extend_from_slice(contents);
    bytes.extend_from_slice(sum(contents).as_slice());
    let letters = BASE32_NOPAD.encode_len(bytes.len());
    let mut text = Zeroizing::new(String::with_capacity(PREFIX.len().saturating_add(letters)));
    text.push_str(PREFIX);
    BASE32_NOPAD.encode_append(&bytes, &mut text);
    text.make_ascii_lowercase();
    text
}

fn sum(contents: &[u8]) -> Zeroizing<[u8; SUM]> {
    derive_secretly("ringchat/3 ticket", contents)
}

/// What a sealed `text` holds, without its sum.
fn open(text: &str) -> Result<Zeroizing<Vec<u8>>, TicketError> {
    let (prefix, letters) = text.split_at_checked(PREFIX.len()).ok_or(TicketError::NoTicket)?;
    if !prefix.eq_ignore_ascii_case(PREFIX) {
        return Err(TicketError::NoTicket);
    }
    if letters.len() > MAX_LETTERS {
        return Err(TicketError::TooLong);
    }
    let is_letter = |byte: u8| byte.is_ascii_alphabetic() || matches!(byte, b'2'..=b'7');
    if let Some(at) = letters.bytes().position(|byte| !is_letter(byte)) {
        return Err(TicketError::Character { at: PREFIX.len().saturating_add(at) });
    }
    let length = BASE32_NOPAD_NOCASE.decode_len(letters.len()).map_err(|_| TicketError::Damaged)?;
    let mut bytes = Zeroizing::new(alloc::vec![0; length]);
    let decoded = BASE32_NOPAD_NOCASE.decode_mut(letters.as_bytes(), &mut bytes);
    decoded.map_err(|_| TicketError::Damaged)?;
    let (contents, found) = bytes.split_last_chunk::<SUM>().ok_or(TicketError::Damaged)?;
    if *found != *sum(contents) {
        return Err(TicketError::Damaged);
    }
    let end = contents.len();
    bytes.truncate(end);
    Ok(bytes)
}

impl FromStr for Ticket {
    type Err = TicketError;

    /// Reads a ticket in letters of any case.
    fn from_str(text: &str) -> Result<Self, TicketError> {
        let contents = open(text)?;
        let (&theirs, rest) = contents.split_first().ok_or(TicketError::Contents)?;
        if theirs != VERSION {
            return Err(TicketError::Version { theirs });
        }
        let mut rest = Rest(rest);
        let secret = Secret::new(rest.take()?);
        let issuer = rest.take()?;
        let [count] = rest.take()?;
        let addrs = (0..count).map(|_| rest.addr()).collect::<Result<Vec<_>, _>>()?;
        if rest.0.is_empty() { Self::new(secret, issuer, &addrs) } else { Err(TicketError::Contents) }
    }
}

/// The part of the contents that was not read yet.
struct Rest<'a>(&'a [u8]);

impl Rest<'_> {
    fn take<const N: usize>(&mut self) -> Result<[u8; N], TicketError> {
        let (now, later) = self.0.split_first_chunk().ok_or(TicketError::Contents)?;
        self.0 = later;
        Ok(*now)
    }

    fn addr(&mut self) -> Result<SocketAddr, TicketError> {
        let ip = match self.take()? {
            [4] => IpAddr::V4(Ipv4Addr::from_octets(self.take()?)),
            [6] => IpAddr::V6(Ipv6Addr::from_octets(self.take()?)),
            _ => return Err(TicketError::Contents),
        };
        Ok(SocketAddr::new(ip, u16::from_be_bytes(self.take()?)))
    }
}

impl fmt::Debug for Ticket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { secret, issuer, addrs } = self;
        let mut shown = f.debug_struct("Ticket");
        shown.field("secret", secret).field("issuer", &ShortKey::new(issuer)).field("addrs", addrs).finish()
    }
}

#[cfg(test)]
mod tests;
