//! A link from its first byte on: what comes over it is nothing until the other end has proved who it is.
//!
//! ```text
//! dialer   ->  03 | e 32 | AEAD(to) 32                 65 bytes
//! acceptor ->  e 32 | tag 16 | record(proof)          170 bytes
//! dialer   ->  record(proof), then records            122 bytes
//! ```

use alloc::boxed::Box;
use alloc::vec::Vec;
use core::mem;

use snow::HandshakeState;

use super::accepted::Doorkeeper;
use super::credentials::Credentials;
use super::derive::destination;
use super::error::LinkError;
use super::noise::{self, Ephemeral, LINK_VERSION};
use super::proof::{self, HandshakeHash, PROOF};
use super::record::{self, HEADER, Opener, Sealer, TAG};
use crate::ids::NodeId;
use crate::wire::{FrameDecoder, Incoming};

/// Bytes of what tells an acceptor whom the dialer expects.
const TO: usize = 16;

/// Whom a dialer expects that only knows an address.
const A_CONTACT: [u8; TO] = [0; TO];

/// Bytes of a dialer's first message: version, ephemeral key, and whom it expects, encrypted.
const FIRST: usize = 1 + 32 + TO + TAG;

/// Bytes of an acceptor's answer before its proof: ephemeral key, and the tag of nothing, encrypted.
const ANSWER: usize = 32 + TAG;

/// Bytes of a record with a proof.
const PROOF_RECORD: usize = HEADER + PROOF + TAG;

/// Which end of a link.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Role {
    Dialer,
    Acceptor,
}

impl Role {
    fn other(self) -> Self {
        match self {
            Self::Dialer => Self::Acceptor,
            Self::Acceptor => Self::Dialer,
        }
    }
}

/// One end of a link: takes the bytes that come, and gives those that have to go out, until it is open. Then it opens
/// the records that come.
///
/// Lend out [`spare`](Self::spare), read into it, tell [`advance`](Self::advance) how much came. Then call
/// [`progress`](Self::progress) until there is none, and [`open`](Self::open) until there is no record. When to lose
/// patience with an end that proves nothing is the caller's to know.
///
/// It cannot be cloned: two clones would use the same keys for different bytes.
#[derive(Debug)]
pub struct Link {
    incoming: Incoming,
    state: State,
}

/// How far a link is.
#[derive(Debug)]
enum State {
    /// The other end did not prove yet that it knows the secret. An acceptor sends nothing.
    Silent(Box<Silent>),
    /// The dialer does not know the secret, or sends what is no first message. It shall not learn which, so all that
    /// comes is dropped.
    Deaf,
    /// The other end knows the secret, and has to prove who it is.
    Proving(Box<Proving>),
    /// The other end is known.
    Open(Opener),
    /// It has failed.
    Failed(LinkError),
}

#[derive(Debug)]
struct Silent {
    handshake: HandshakeState,
    role: Role,
    expected: Option<NodeId>,
}

#[derive(Debug)]
struct Proving {
    role: Role,
    expected: Option<NodeId>,
    hash: HandshakeHash,
    sealer: Sealer,
    opener: Opener,
}

/// What a link has come to.
#[derive(Debug)]
pub struct Progress {
    /// Bytes that have to go out before all others. None if it is empty.
    pub send: Vec<u8>,
    /// If the link is open now: to whom.
    pub opened: Option<Opened>,
}

/// A link that is open.
#[derive(Debug)]
pub struct Opened {
    /// The id that the other end has proven.
    pub peer: NodeId,
    /// Makes records of what is sent from now on.
    pub sealer: Sealer,
}

impl Link {
    /// The end of a link that dials, and the bytes to send first. If it expects an id, no other will do; without one, it
    /// knows no more than an address.
    ///
    /// # Errors
    /// [`LinkError::Noise`], if the suite is not there.
    pub fn dial(
        credentials: &Credentials,
        ephemeral: Ephemeral,
        expected: Option<NodeId>,
    ) -> Result<(Self, Vec<u8>), LinkError> {
        let role = Role::Dialer;
        let mut handshake = noise::start(role, credentials, ephemeral)?;
        let to = expected.map_or(A_CONTACT, destination);
        let mut first = [0; FIRST];
        if let Some((version, message)) = first.split_first_mut() {
            *version = LINK_VERSION;
            handshake.write_message(&to, message).map_err(|_| LinkError::Noise)?;
        }
        Ok((Self::new(Silent { handshake, role, expected }), first.to_vec()))
    }

    /// The end of a link that was accepted.
    ///
    /// # Errors
    /// [`LinkError::Noise`], if the suite is not there.
    pub fn accept(credentials: &Credentials, ephemeral: Ephemeral) -> Result<Self, LinkError> {
        let role = Role::Acceptor;
        let handshake = noise::start(role, credentials, ephemeral)?;
        Ok(Self::new(Silent { handshake, role, expected: None }))
    }

    fn new(silent: Silent) -> Self {
        Self { incoming: Incoming::new(), state: State::Silent(Box::new(silent)) }
    }

    /// Room to read into; never empty.
    pub fn spare(&mut self) -> &mut [u8] {
        self.incoming.spare()
    }

    /// Tells that `read` bytes were put at the start of what [`spare`](Self::spare) lent.
    pub fn advance(&mut self, read: usize) {
        self.incoming.advance(read);
    }

    /// Whether the other end has proved nothing yet, not even that it knows the secret.
    pub fn is_silent(&self) -> bool {
        matches!(self.state, State::Silent(_) | State::Deaf)
    }

    /// Whether the other end has proved who it is.
    pub fn is_open(&self) -> bool {
        matches!(self.state, State::Open(_))
    }

    /// Does what the bytes that came allow. The `doorkeeper` is asked before a dialer is answered. `None` means that more
    /// have to come, or that the link is open.
    ///
    /// # Errors
    /// If the link has to be closed, without a further byte. Later calls give the same error again, whatever follows.
    pub fn progress(
        &mut self,
        credentials: &Credentials,
        doorkeeper: &mut impl Doorkeeper,
    ) -> Result<Option<Progress>, LinkError> {
        let stepped = match mem::replace(&mut self.state, State::Deaf) {
            State::Silent(silent) => match silent.role {
                Role::Acceptor => self.answer(silent, credentials, doorkeeper),
                Role::Dialer => self.take_answer(silent, credentials),
            },
            State::Proving(proving) => self.take_proof(proving, credentials),
            State::Failed(error) => Err(error),
            state @ (State::Deaf | State::Open(_)) => Ok((state, None)),
        };
        let (state, outcome) = match stepped {
            Ok((state, progress)) => (state, Ok(progress)),
            Err(error) => (State::Failed(error), Err(error)),
        };
        self.enter(state);
        outcome
    }

    /// Opens the next record that is complete into `decoder`. Tells whether there was one. A link that is not open has
    /// none.
    ///
    /// # Errors
    /// If the link has to be closed. Nothing of the record that failed is in `decoder`. Later calls give the same error
    /// again, whatever follows.
    pub fn open(&mut self, decoder: &mut FrameDecoder) -> Result<bool, LinkError> {
        self.open_into(decoder.incoming())
    }

    pub(crate) fn open_into(&mut self, contents: &mut Incoming) -> Result<bool, LinkError> {
        let opener = match &mut self.state {
            State::Open(opener) => opener,
            State::Failed(error) => return Err(*error),
            State::Silent(_) | State::Deaf | State::Proving(_) => return Ok(false),
        };
        let outcome = open_next(opener, &mut self.incoming, contents);
        if let Err(error) = outcome {
            self.enter(State::Failed(error));
        }
        outcome
    }

    /// A link that takes nothing any more keeps nothing.
    fn enter(&mut self, state: State) {
        if matches!(state, State::Deaf | State::Failed(_)) {
            self.incoming.consume(usize::MAX);
        }
        self.state = state;
    }

    /// An acceptor answers a first message that proves the secret, once.
    fn answer(
        &mut self,
        mut silent: Box<Silent>,
        credentials: &Credentials,
        doorkeeper: &mut impl Doorkeeper,
    ) -> Result<(State, Option<Progress>), LinkError> {
        let Some(first) = self.incoming.waiting().first_chunk::<FIRST>() else {
            return Ok((State::Silent(silent), None));
        };
        let read = read_first(&mut silent.handshake, first);
        self.incoming.consume(FIRST);
        let Some((ephemeral, to)) = read else { return Ok((State::Deaf, None)) };
        if to != A_CONTACT && to != *credentials.to() {
            return Err(LinkError::ForAnother);
        }
        doorkeeper.let_in(ephemeral)?;
        let mut send = Vec::from([0; ANSWER]);
        silent.handshake.write_message(&[], &mut send).map_err(|_| LinkError::Noise)?;
        let mut proving = Proving::new(*silent)?;
        send.extend_from_slice(&proving.prove(credentials)?);
        Ok((State::Proving(Box::new(proving)), Some(Progress { send, opened: None })))
    }

    /// A dialer takes an answer that proves the secret.
    fn take_answer(
        &mut self,
        mut silent: Box<Silent>,
        credentials: &Credentials,
    ) -> Result<(State, Option<Progress>), LinkError> {
        let Some(answer) = self.incoming.waiting().first_chunk::<ANSWER>() else {
            return Ok((State::Silent(silent), None));
        };
        silent.handshake.read_message(answer, &mut []).map_err(|_| LinkError::BadAnswer)?;
        self.incoming.consume(ANSWER);
        let proving = Proving::new(*silent)?;
        self.take_proof(Box::new(proving), credentials)
    }

    /// Either end takes the other's proof. A dialer gives its own in return.
    fn take_proof(
        &mut self,
        mut proving: Box<Proving>,
        credentials: &Credentials,
    ) -> Result<(State, Option<Progress>), LinkError> {
        let Some(peer) = proving.peer(&mut self.incoming, credentials)? else {
            return Ok((State::Proving(proving), None));
        };
        let send = match proving.role {
            Role::Dialer => proving.prove(credentials)?,
            Role::Acceptor => Vec::new(),
        };
        let Proving { opener, sealer, .. } = *proving;
        Ok((State::Open(opener), Some(Progress { send, opened: Some(Opened { peer, sealer }) })))
    }
}

impl Proving {
    /// What follows a handshake that is made.
    fn new(silent: Silent) -> Result<Self, LinkError> {
        let Silent { handshake, role, expected } = silent;
        let hash = *handshake.get_handshake_hash().first_chunk().ok_or(LinkError::Noise)?;
        let (sealer, opener) = record::split(handshake)?;
        Ok(Self { role, expected, hash, sealer, opener })
    }

    /// The record with one's own proof.
    fn prove(&mut self, credentials: &Credentials) -> Result<Vec<u8>, LinkError> {
        let proof = proof::prove(credentials, self.role, &self.hash);
        Ok(self.sealer.seal(&proof, &mut Vec::new())?.to_vec())
    }

    /// The id that the other end proves, once all bytes of its proof are there.
    fn peer(
        &mut self,
        incoming: &mut Incoming,
        credentials: &Credentials,
    ) -> Result<Option<NodeId>, LinkError> {
        let Some(length) = record::ciphertext_length(incoming.waiting())? else { return Ok(None) };
        if length != PROOF + TAG {
            return Err(LinkError::BadProof);
        }
        let Some(record) = incoming.waiting().first_chunk::<PROOF_RECORD>() else { return Ok(None) };
        let mut proof = [0; PROOF];
        self.opener.open(record.get(HEADER..).unwrap_or_default(), &mut proof)?;
        incoming.consume(PROOF_RECORD);
        let peer = proof::proven(&proof, self.role.other(), &self.hash).ok_or(LinkError::BadProof)?;
        if peer == credentials.id() {
            return Err(LinkError::OwnId);
        }
        match self.expected {
            Some(expected) if expected != peer => Err(LinkError::AnotherId { peer }),
            Some(_) | None => Ok(Some(peer)),
        }
    }
}

/// The dialer's ephemeral key, and whom it expects, if it knows the secret.
fn read_first(handshake: &mut HandshakeState, first: &[u8; FIRST]) -> Option<([u8; 32], [u8; TO])> {
    let (version, message) = first.split_first()?;
    let mut to = [0; TO];
    let read = handshake.read_message(message, &mut to);
    let known = read.is_ok() && *version == LINK_VERSION;
    known.then_some((*message.first_chunk()?, to))
}

/// Moves what the next record of `incoming` holds to `contents`.
fn open_next(
    opener: &mut Opener,
    incoming: &mut Incoming,
    contents: &mut Incoming,
) -> Result<bool, LinkError> {
    let waiting = incoming.waiting();
    let Some(length) = record::ciphertext_length(waiting)? else { return Ok(false) };
    let end = HEADER.saturating_add(length);
    let Some(ciphertext) = waiting.get(HEADER..end) else { return Ok(false) };
    let held = opener.open(ciphertext, contents.spare_for(length))?;
    contents.advance(held);
    incoming.consume(end);
    Ok(true)
}

#[cfg(test)]
mod tests;
