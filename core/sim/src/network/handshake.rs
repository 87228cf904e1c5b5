//! How a link opens: flight by flight, as `ringchat_core::secure::Link` has it, but nothing is secret, and no end lies about
//! who it is. A real link can take the place of this one.

use alloc::vec::Vec;
use core::num::NonZeroU64;

use ringchat_core::{DialFailure, NodeId};

/// Bytes of a flight: an id.
const FLIGHT: usize = 40;

/// Whom a dialer expects that only knows an address.
const A_CONTACT: [u8; FLIGHT] = [0; FLIGHT];

/// One end of a link that is not open yet.
#[derive(Clone, Debug)]
pub(super) struct Handshake {
    me: NodeId,
    stage: Stage,
    /// What came and was not looked at.
    came: Vec<u8>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    /// The dialer waits for the answer, which has to come from this member, or from anybody.
    Dialed(Option<NodeId>),
    /// The acceptor waits for the first flight.
    Accepted,
    /// The acceptor has answered, and waits to know who dialed.
    Answered,
}

/// What a flight has led to.
#[derive(Debug)]
pub(super) struct Progress {
    /// Bytes that have to go out before all others.
    pub(super) send: Vec<u8>,
    /// If the link is open now: who is at the other end, and what came behind the handshake.
    pub(super) opened: Option<(NodeId, Vec<u8>)>,
}

impl Handshake {
    /// The end that dials, and its first flight.
    pub(super) fn dial(me: NodeId, expected: Option<NodeId>) -> (Self, Vec<u8>) {
        let first = expected.map_or(A_CONTACT, bytes_of);
        (Self { me, stage: Stage::Dialed(expected), came: Vec::new() }, first.to_vec())
    }

    /// The end that accepts.
    pub(super) fn accept(me: NodeId) -> Self {
        Self { me, stage: Stage::Accepted, came: Vec::new() }
    }

    /// Bytes came.
    pub(super) fn read(&mut self, bytes: &[u8]) {
        self.came.extend_from_slice(bytes);
    }

    /// Does what the bytes that came allow; none if more have to come.
    ///
    /// # Errors
    /// If the connection has to be closed without a further byte. What a dialer is told then.
    pub(super) fn progress(&mut self) -> Result<Option<Progress>, DialFailure> {
        let Some(flight) = self.came.first_chunk::<FLIGHT>().copied() else { return Ok(None) };
        self.came.drain(..FLIGHT);
        let is_mine = flight == bytes_of(self.me);
        match (self.stage, id_in(&flight)) {
            (Stage::Accepted, _) if is_mine || flight == A_CONTACT => {
                self.stage = Stage::Answered;
                Ok(Some(Progress { send: bytes_of(self.me).to_vec(), opened: None }))
            }
            (Stage::Accepted, _) => Err(DialFailure::Absent),
            (_, Some(_)) if is_mine => Err(DialFailure::Oneself),
            (Stage::Dialed(Some(expected)), Some(peer)) if peer != expected => Err(DialFailure::Another),
            (Stage::Dialed(_), Some(peer)) => Ok(Some(self.opened(peer, bytes_of(self.me).to_vec()))),
            (Stage::Answered, Some(peer)) => Ok(Some(self.opened(peer, Vec::new()))),
            (Stage::Dialed(_) | Stage::Answered, None) => Err(DialFailure::NoMember),
        }
    }

    fn opened(&mut self, peer: NodeId, send: Vec<u8>) -> Progress {
        Progress { send, opened: Some((peer, core::mem::take(&mut self.came))) }
    }

    /// What a dialer is told if the other end closes the connection; an acceptor is told nothing.
    pub(super) fn closed(&self) -> Option<DialFailure> {
        match self.stage {
            Stage::Dialed(Some(_)) if self.came.is_empty() => Some(DialFailure::Absent),
            Stage::Dialed(_) => Some(DialFailure::Unanswered),
            Stage::Accepted | Stage::Answered => None,
        }
    }
}

fn bytes_of(id: NodeId) -> [u8; FLIGHT] {
    let mut bytes = [0; FLIGHT];
    let (key, incarnation) = bytes.split_at_mut(id.key().len());
    key.copy_from_slice(id.key());
    incarnation.copy_from_slice(&id.incarnation().get().to_be_bytes());
    bytes
}

fn id_in(bytes: &[u8; FLIGHT]) -> Option<NodeId> {
    let (key, incarnation) = bytes.split_first_chunk()?;
    let incarnation = u64::from_be_bytes(*incarnation.first_chunk()?);
    Some(NodeId::new(*key, NonZeroU64::new(incarnation)?))
}
