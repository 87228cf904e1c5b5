//! How an end of a link proves its id: it signs the handshake's hash, as in SIGMA (Krawczyk 2003, "SIGMA: the 'SIGn-and-MAc'
//! approach to authenticated Diffie-Hellman"). The record that carries the proof is what the MAC is there.

use core::num::NonZeroU64;

use super::credentials::Credentials;
use super::key::{Signature, verify};
use super::link::Role;
use crate::ids::NodeId;

/// What a proof, and the handshake before it, are for.
pub(super) const LABEL: &[u8; 16] = b"ringchat/3 link\0";

/// Bytes of a proof: key, incarnation, signature.
pub(super) const PROOF: usize = 32 + 8 + 64;

/// Bytes that are signed: label, role, hash, key, incarnation.
const SIGNED: usize = LABEL.len() + 1 + 32 + 32 + 8;

/// The hash of a handshake: it covers the secret and the keys of both ends.
pub(super) type HandshakeHash = [u8; 32];

/// The proof of one's own id at the end of a link that `role` names.
pub(super) fn prove(credentials: &Credentials, role: Role, hash: &HandshakeHash) -> [u8; PROOF] {
    let id = credentials.id();
    let signature = credentials.identity().sign(&signed(role, hash, &id));
    let incarnation = id.incarnation().get().to_be_bytes();
    joined(&[id.key(), &incarnation, signature.bytes()])
}

/// The id that `proof` proves for the end of a link that `role` names, if it proves one.
pub(super) fn proven(proof: &[u8; PROOF], role: Role, hash: &HandshakeHash) -> Option<NodeId> {
    let (key, rest) = proof.split_first_chunk()?;
    let (incarnation, rest) = rest.split_first_chunk()?;
    let signature = Signature::new(*rest.first_chunk()?);
    let id = NodeId::new(*key, NonZeroU64::new(u64::from_be_bytes(*incarnation))?);
    verify(key, &signed(role, hash, &id), &signature).then_some(id)
}

fn signed(role: Role, hash: &HandshakeHash, id: &NodeId) -> [u8; SIGNED] {
    let role = match role {
        Role::Dialer => 0,
        Role::Acceptor => 1,
    };
    joined(&[LABEL, &[role], hash, id.key(), &id.incarnation().get().to_be_bytes()])
}

/// All `parts`, one after the other.
fn joined<const LENGTH: usize>(parts: &[&[u8]]) -> [u8; LENGTH] {
    let mut whole = [0; LENGTH];
    for (to, from) in whole.iter_mut().zip(parts.iter().copied().flatten()) {
        *to = *from;
    }
    whole
}
