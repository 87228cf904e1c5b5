//! Real links in place of [`Handshake`](super::handshake::Handshake): keys, proofs and records, as drivers have them.

use alloc::boxed::Box;
use alloc::vec::Vec;
use core::convert::Infallible;

use ringchat_core::secure::{AcceptedEphemerals, Credentials, Ephemeral, Link, LinkError, Sealer};
use ringchat_core::wire::FrameDecoder;
use ringchat_core::{DialFailure, DownReason, NodeId};

use super::handshake::Progress;

/// What a process opens its links with.
#[derive(Debug)]
pub(super) struct Keys {
    pub(super) credentials: Credentials,
    accepted: AcceptedEphemerals,
}

impl Keys {
    pub(super) fn new(credentials: Credentials) -> Self {
        Self { credentials, accepted: AcceptedEphemerals::default() }
    }

    /// From now on links prove this life of the same member.
    pub(super) fn new_life(&mut self, id: NodeId) {
        self.credentials = self.credentials.in_life(id.incarnation());
    }
}

/// One end of a real link.
#[derive(Debug)]
pub(super) struct Secure {
    link: Box<Link>,
    sealer: Option<Sealer>,
    /// Whether this end dialed, and if so, whether it expected a certain member.
    dialed: Option<bool>,
    /// Whether anything came.
    heard: bool,
    /// The records of what is sent.
    records: Vec<u8>,
}

impl Secure {
    /// The end that dials, and its first flight.
    pub(super) fn dial(
        keys: &Keys,
        random: [u8; 32],
        expected: Option<NodeId>,
    ) -> Result<(Self, Vec<u8>), LinkError> {
        let (link, first) = Link::dial(&keys.credentials, ephemeral(random), expected)?;
        Ok((Self::new(link, Some(expected.is_some())), first))
    }

    /// The end that accepts.
    pub(super) fn accept(keys: &Keys, random: [u8; 32]) -> Result<Self, LinkError> {
        Ok(Self::new(Link::accept(&keys.credentials, ephemeral(random))?, None))
    }

    fn new(link: Link, dialed: Option<bool>) -> Self {
        Self { link: Box::new(link), sealer: None, dialed, heard: false, records: Vec::new() }
    }

    /// Bytes came.
    pub(super) fn read(&mut self, mut bytes: &[u8]) {
        self.heard |= !bytes.is_empty();
        while !bytes.is_empty() {
            let spare = self.link.spare();
            let (now, later) = bytes.split_at(bytes.len().min(spare.len()));
            spare[..now.len()].copy_from_slice(now);
            self.link.advance(now.len());
            bytes = later;
        }
    }

    /// Does what the bytes that came allow; none if more have to come.
    ///
    /// # Errors
    /// If the connection has to be closed without a further byte. What a dialer is told then.
    pub(super) fn progress(&mut self, keys: &mut Keys) -> Result<Option<Progress>, DialFailure> {
        let expected = self.dialed.unwrap_or(false);
        let told = |error| DialFailure::of_link(DownReason::Link(error), expected);
        let progress = self.link.progress(&keys.credentials, &mut keys.accepted).map_err(told)?;
        Ok(progress.map(|progress| {
            let opened = progress.opened.map(|opened| {
                self.sealer = Some(opened.sealer);
                (opened.peer, Vec::new())
            });
            Progress { send: progress.send, opened }
        }))
    }

    /// Opens all records that are complete. Later ones wait until the messages in `decoder` are taken.
    ///
    /// # Errors
    /// If the link has to be closed.
    pub(super) fn open(&mut self, decoder: &mut FrameDecoder) -> Result<bool, LinkError> {
        self.link.open(decoder)
    }

    /// The records that carry `frame`.
    pub(super) fn seal(&mut self, frame: &[u8]) -> Result<&[u8], LinkError> {
        self.sealer.as_mut().ok_or(LinkError::Noise)?.seal(frame, &mut self.records)
    }

    /// What a dialer is told if the other end closes the connection before the link is open.
    pub(super) fn closed(&self) -> Option<DialFailure> {
        let expected = self.dialed?;
        // An end that comes within the handshake is a broken link.
        let reason = if self.heard { DownReason::Io } else { DownReason::Eof };
        Some(DialFailure::of_link(reason, expected))
    }
}

fn ephemeral(random: [u8; 32]) -> Ephemeral {
    let Ok(ephemeral) = Ephemeral::draw(|bytes| {
        bytes.copy_from_slice(&random);
        Ok::<(), Infallible>(())
    });
    ephemeral
}
