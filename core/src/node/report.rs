//! What a node tells of itself.

use super::{Mode, Node};
use crate::ids::NodeId;
use crate::numbers::{Epoch, Index, Seq, Stamp};
use crate::report::{Report, Stats};
use crate::roster::{Member, Roster, View};
use crate::wire::Entry;

impl Node {
    pub(super) fn report(&self) -> Report {
        let leader = self.is_normal().then(|| self.member(self.view.leader));
        Report {
            me: Member::clone(&self.me),
            leader,
            epoch: self.view.epoch,
            members: self.roster.clone(),
            prev: self.member(self.ring.prev.unwrap_or(self.me.id)),
            next: self.member(self.ring.next.unwrap_or(self.me.id)),
            lamport: self.lamport,
            stats: Stats {
                uptime: self.now().since(self.started),
                waiting: self.submissions.len() as u64,
                links: self.links.len() as u64,
                history: self.log.len().since(self.log.base()),
                history_bytes: self.log.kept_weight(),
                ..self.stats
            },
        }
    }

    /// This member.
    pub fn me(&self) -> &Member {
        &self.me
    }

    /// The view in which the log was last written.
    pub fn view(&self) -> View {
        self.view
    }

    /// No entry of an older epoch is appended any more.
    pub fn promised(&self) -> Epoch {
        self.promised
    }

    /// The members that the log's entries amount to.
    pub fn roster(&self) -> &Roster {
        &self.roster
    }

    /// Whether the node is a member with a leader, and neither elects nor waits.
    pub fn is_normal(&self) -> bool {
        matches!(self.mode, Mode::Normal)
    }

    /// Whether the node leads, and is not frozen by an election.
    pub fn is_leader(&self) -> bool {
        self.leads()
    }

    /// Whether the node has ended.
    pub fn has_ended(&self) -> bool {
        matches!(self.mode, Mode::Ended)
    }

    /// The member after this one, if it has one that accepted.
    pub fn next(&self) -> Option<NodeId> {
        self.ring.next
    }

    /// The member that last took this one for its next.
    pub fn prev(&self) -> Option<NodeId> {
        self.ring.prev
    }

    /// The length of the log, counted from the first entry ever.
    pub fn log_len(&self) -> Index {
        self.log.len()
    }

    /// The entries of the log that are kept, oldest first, one for each place.
    pub fn log_entries(&self) -> impl DoubleEndedIterator<Item = Entry> {
        self.log.entries().flat_map(Entry::one_by_one)
    }

    /// The number of the last message of each origin that the user has seen, by id.
    pub fn shown(&self) -> impl Iterator<Item = (NodeId, Seq)> + '_ {
        self.shown.iter().map(|(id, seq)| (*id, *seq))
    }

    /// Own messages that have no place in the log yet.
    pub fn waiting(&self) -> usize {
        self.submissions.len()
    }

    /// The members with which this one has a link.
    pub fn linked(&self) -> impl Iterator<Item = NodeId> + '_ {
        self.links.iter().filter_map(|(_, link)| link.peer)
    }

    /// The members that this node's ring has lost and looks for, by id.
    pub fn lost(&self) -> impl Iterator<Item = &Member> {
        self.absent.members()
    }

    /// Lamport time.
    pub fn lamport(&self) -> Stamp {
        self.lamport
    }

    /// Counts since the start.
    pub fn stats(&self) -> Stats {
        self.report().stats
    }
}
