//! Somebody without the room's secret, who sits on the wires: records, alters, and connects.

use alloc::collections::VecDeque;
use alloc::vec::Vec;

use super::connection::{Connection, End, Packet, link};
use super::{HostId, Network};

/// First flights that an outsider keeps, at most.
const KEPT: usize = 16;

/// What somebody on a wire does to bytes on their way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tampering {
    /// One bit is turned.
    Flip,
    /// Bytes are left out.
    Drop,
    /// Bytes come twice.
    Repeat,
    /// Two pieces change places.
    Swap,
    /// Bytes of another connection come between.
    Inject,
}

impl Tampering {
    /// Every way to tamper.
    pub const ALL: [Self; 5] = [Self::Flip, Self::Drop, Self::Repeat, Self::Swap, Self::Inject];
}

/// What an outsider has recorded.
#[derive(Debug, Default)]
pub(super) struct Recordings {
    /// The newest first flights.
    first_flights: VecDeque<Vec<u8>>,
    /// Bytes of the connection that was tampered with last.
    other: Vec<u8>,
}

impl Recordings {
    pub(super) fn keep(&mut self, first_flight: &[u8]) {
        self.first_flights.push_back(first_flight.to_vec());
        if self.first_flights.len() > KEPT {
            self.first_flights.pop_front();
        }
    }
}

impl Network {
    /// Tampers with what is under way from `host`: on its `n`th connection, counted round, or the next one on which something
    /// is. Returns whether there was something.
    pub fn tamper(&mut self, host: HostId, n: usize, how: Tampering) -> bool {
        let links = self.hosts[host.0].links.len();
        let mut busy = (0..links).filter_map(|more| self.nth_link(host, n.wrapping_add(more)));
        let Some(from) = busy.find(|from| has_data(self.end_at(*from))) else { return false };
        let at = self.rng.bits();
        let other = core::mem::take(&mut self.recordings.other);
        let mut pieces = data_of(self.end(from));
        let Some(recorded) = pieces.first().map(|piece| (*piece).clone()) else { return false };
        match (how, pieces.as_mut_slice()) {
            (Tampering::Swap, [first, second, ..]) => core::mem::swap(*first, *second),
            (Tampering::Drop, [piece, ..]) => piece.clear(),
            (Tampering::Repeat, [piece, ..]) => piece.extend_from_slice(&recorded),
            (Tampering::Inject, [piece, ..]) if !other.is_empty() => piece.extend_from_slice(&other),
            (_, [piece, ..]) => flip(piece, at),
            (_, []) => {}
        }
        self.recordings.other = recorded;
        true
    }

    /// A stranger connects to `host`, and says what somebody else said first before, or anything, and `more` of it.
    pub fn intrude(&mut self, host: HostId, more: usize) {
        let pick = self.rng.index(self.recordings.first_flights.len().max(1));
        let mut bytes = self.recordings.first_flights.get(pick).cloned().unwrap_or_default();
        if self.rng.chance(500) {
            flip(&mut bytes, self.rng.bits());
        }
        bytes.extend(core::iter::repeat_with(|| self.rng.bits().to_le_bytes()).take(more).flatten());
        let number = self.connections.len();
        self.connections.push(Connection::of_stranger(self.hosts[host.0].addr, host, self.now));
        self.transmit(link(number, 0), Packet::Accept);
        self.transmit(link(number, 0), Packet::Data(bytes));
    }
}

/// Turns one bit.
fn flip(bytes: &mut [u8], at: u64) {
    let (place, bit) = (usize::try_from(at / 8).unwrap_or(0), at % 8);
    if let Some(place) = place.checked_rem(bytes.len())
        && let Some(byte) = bytes.get_mut(place)
    {
        *byte ^= 1 << bit;
    }
}

/// Whether bytes are under way from this end.
fn has_data(end: &End) -> bool {
    end.out.in_flight.iter().any(|packet| matches!(packet, Packet::Data(bytes) if !bytes.is_empty()))
}

/// The bytes under way from this end, piece by piece.
fn data_of(end: &mut End) -> Vec<&mut Vec<u8>> {
    let pieces = end.out.in_flight.iter_mut().filter_map(|packet| match packet {
        Packet::Data(bytes) if !bytes.is_empty() => Some(bytes),
        Packet::Data(_) | Packet::Accept | Packet::Fin | Packet::Reset => None,
    });
    pieces.collect()
}
