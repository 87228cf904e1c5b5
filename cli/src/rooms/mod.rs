//! Rooms on a network: announced, found, listed. A session without `--room` neither announces a room nor looks for one.

mod announcer;
mod duty;
#[cfg(feature = "rooms")]
mod format;
mod found;
mod list;
#[cfg(feature = "rooms")]
mod network;
mod record;
mod search;
#[cfg(not(feature = "rooms"))]
mod without;

use std::net::IpAddr;
use std::time::Duration;

pub(crate) use announcer::{Announced, Announcer, Listing};
pub(crate) use found::FoundRoom;
use found::Wanted;
pub(crate) use list::{command, run};
#[cfg(feature = "rooms")]
pub(crate) use network::{Heard, Network, NetworkError};
use record::RoomTag;
use ringchat_core::secure::Secret;
use ringchat_core::{Name, Start};
pub(crate) use search::quoted;
#[cfg(not(feature = "rooms"))]
pub(crate) use without::{Heard, Network, NetworkError};

use crate::contacts::with;
use crate::outcome::SessionOutcome;

/// The exit code when no room was found.
const NO_ROOM: u8 = 3;

/// The room that the user asked for with `--room`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct RoomSettings {
    /// What the user calls it.
    pub(crate) name: Name,
    /// The address of this machine on whose network it is announced and looked for.
    pub(crate) ip: IpAddr,
    /// Whether it is looked for: it is joined, and the user named no member of it.
    pub(crate) is_sought: bool,
}

/// Before a room is created: makes sure that nobody announces it. Before one is joined: finds members of it, unless the
/// user named some. `secret` is that of a private room, and `is_new` if no member has it yet. Gives how to come into the
/// room, and what announces it.
///
/// # Errors
/// If the room to create exists, or the one to join is not found.
pub(crate) fn prepare(
    room: &RoomSettings,
    start: &Start,
    secret: Option<&Secret>,
    is_new: bool,
    patience: Duration,
) -> Result<(Start, Announcer), SessionOutcome> {
    let tag = secret.map(|secret| RoomTag::of(secret.room()));
    let wanted = tag.map_or_else(|| Wanted::Named(room.name.clone()), Wanted::Private);
    let mut network = Network::open(room.ip);
    let mut name = room.name.clone();
    let start = match (&mut network, start) {
        (Ok(network), Start::Create) => {
            if !is_new {
                search::refuse_second(network, wanted)?;
            }
            Start::Create
        }
        (Ok(network), Start::Join { contacts }) if room.is_sought => {
            // A ticket has addresses too, which count if nobody announces the room, and may be old.
            let patience = if contacts.is_empty() { patience } else { search::FIRST_LOOK };
            let contacts = match search::find(network, wanted, &room.name, patience) {
                Ok(found) => {
                    // All members announce the name as its first member wrote it.
                    name = found.name.unwrap_or(name);
                    with(found.addrs, contacts.iter().copied())
                }
                Err(_) if !contacts.is_empty() => contacts.clone(),
                Err(outcome) => return Err(outcome),
            };
            Start::Join { contacts }
        }
        (Err(error), Start::Join { contacts }) if contacts.is_empty() => {
            return Err(SessionOutcome::failed(error.exit(), "announce", error.to_string()));
        }
        _ => start.clone(),
    };
    Ok((start, Announcer::new(name, room.ip, tag.is_some(), network)))
}
