//! What the user is told about those whose words come in: that they said two different things, or did not say one.

use alloc::collections::BTreeSet;

use super::Node;
use crate::action::Notice;
use crate::ids::NodeId;
use crate::limits::MAX_FORKED;
use crate::wire::Run;

/// The authors of whom the user was told that they said two different things under one number.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(super) struct Forked(BTreeSet<NodeId>);

impl Forked {
    /// Notes an author. Returns whether the user has to be told.
    pub(super) fn note(&mut self, author: NodeId) -> bool {
        self.0.len() < MAX_FORKED && self.0.insert(author)
    }
}

impl Node {
    /// Tells the user if the author of a run, which may be an old one, signed other words under its numbers.
    pub(super) fn check_fork(&mut self, said: &Run) {
        if self.replica.log().contradicts(said) {
            self.tell_forked(said.origin.id);
        }
    }

    /// Tells the user once that `author` signed different words under one number.
    pub(super) fn tell_forked(&mut self, author: NodeId) {
        if self.replica.note_forked(author) {
            let author = self.member(author).into();
            self.effects.notify(Notice::Forked { author });
        }
    }

    /// Tells the user that `by` passed on words that `author` did not sign.
    pub(super) fn tell_forged(&mut self, by: NodeId, author: NodeId) {
        let (by, author) = (self.member(by).into(), self.member(author).into());
        self.effects.notify(Notice::Forged { by, author });
    }
}
