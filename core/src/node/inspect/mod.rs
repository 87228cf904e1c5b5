//! What tests, the simulator and the model checker see of a node.
//!
//! Only the feature `inspect` compiles this folder. Nothing in it shows a secret or changes a node.

mod digest;
mod held;
pub mod invariants;

pub use self::digest::digest_message;
pub use self::held::Held;

use super::Node;
use crate::ids::{NodeId, RoomId};
use crate::numbers::{Epoch, Index, Seq, Stamp};
use crate::report::Stats;
use crate::roster::{ConfigId, Member, Roster, View};
use crate::wire::Entry;

impl Node {
    /// The view in which the log was last written.
    pub fn view(&self) -> View {
        self.membership.view()
    }

    /// The room, once it is known.
    pub fn room(&self) -> RoomId {
        self.effects.room()
    }

    /// No entry of an older epoch is appended any more.
    pub fn promised(&self) -> Epoch {
        self.membership.promised()
    }

    /// The members that the log's entries amount to.
    pub fn roster(&self) -> &Roster {
        self.membership.roster()
    }

    /// Whether the node leads, and is not frozen by an election.
    pub fn is_leader(&self) -> bool {
        self.leads()
    }

    /// The next member, while a link to it stands.
    pub fn next(&self) -> Option<NodeId> {
        self.ring.next()
    }

    /// The nearest member before this one that takes it for its next.
    pub fn prev(&self) -> Option<NodeId> {
        self.ring.prev()
    }

    /// The length of the log, counted from the first entry ever.
    pub fn log_len(&self) -> Index {
        self.replica.log().len()
    }

    /// The entries of the log that are kept, oldest first.
    pub fn log_entries(&self) -> impl DoubleEndedIterator<Item = &Entry> {
        self.replica.log().entries()
    }

    /// The number of the last message of each origin that the user has seen, by id.
    pub fn shown(&self) -> impl Iterator<Item = (NodeId, Seq)> + '_ {
        self.replica.shown().iter().map(|(id, seq)| (*id, *seq))
    }

    /// Own messages that have no place in the log yet.
    pub fn waiting(&self) -> usize {
        self.own.waiting()
    }

    /// The members with which this one has a link.
    pub fn linked(&self) -> impl Iterator<Item = NodeId> + '_ {
        self.links.iter().filter_map(|(_, link)| link.peer)
    }

    /// Whether a link is open whose ends have not greeted each other.
    pub fn greets(&self) -> bool {
        self.links.iter().any(|(_, link)| link.peer.is_none())
    }

    /// The members that this node's ring has lost and looks for, by id.
    pub fn lost(&self) -> impl Iterator<Item = &Member> {
        self.replica.lost().members()
    }

    /// Of how many origins the log knows the last number.
    pub fn known_origins(&self) -> usize {
        self.replica.log().origins().len()
    }

    /// Lamport time.
    pub fn lamport(&self) -> Stamp {
        self.effects.lamport()
    }

    /// Counts since the start.
    pub fn stats(&self) -> Stats {
        self.report().stats
    }

    /// The configuration that this node's log amounts to.
    pub fn cfg(&self) -> ConfigId {
        self.membership.cfg()
    }
}
