//! What follows from other things: BLAKE3 in the mode that derives keys.

use crate::ids::NodeId;

/// What a dialer calls `id` in its first message.
pub(super) fn to(id: &NodeId) -> [u8; 16] {
    let mut hasher = blake3::Hasher::new_derive_key("ringchat/3 to");
    hasher.update(id.key()).update(&id.incarnation().get().to_be_bytes());
    let mut to = [0; 16];
    hasher.finalize_xof().fill(&mut to);
    to
}
