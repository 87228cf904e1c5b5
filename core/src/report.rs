//! What a node tells about itself when asked.

use core::time::Duration;

use crate::numbers::{Epoch, Stamp};
use crate::roster::{Member, Roster};

/// The room as one member sees it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Report {
    /// This member.
    pub me: Member,
    /// The leader; none while joining or electing.
    pub leader: Option<Member>,
    /// The epoch of the last leader.
    pub epoch: Epoch,
    /// All members in ring order; empty before the first `Ready`.
    pub members: Roster,
    /// The member before this one; this member itself when alone.
    pub prev: Member,
    /// The member after this one; this member itself when alone.
    pub next: Member,
    /// Lamport time.
    pub lamport: Stamp,
    /// Counts since the start.
    pub stats: Stats,
}

/// Counts since the start of the node.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Stats {
    /// Time since the start.
    pub uptime: Duration,
    /// Messages of the protocol sent.
    pub sent: u64,
    /// Messages of the protocol received.
    pub received: u64,
    /// Chat messages shown, own ones included.
    pub shown: u64,
    /// Own chat messages that wait for their place in the order.
    pub waiting: u64,
    /// Candidacies sent or passed on.
    pub election_messages: u64,
    /// Elections that this node began.
    pub elections: u64,
    /// Links that are open.
    pub links: u64,
    /// Links closed for a peer's fault.
    pub faults: u64,
    /// Places of history kept.
    pub history: u64,
    /// Bytes of history kept.
    pub history_bytes: u64,
}
