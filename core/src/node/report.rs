//! What a node tells of itself.

use super::Node;
use crate::report::{Report, Stats};
use crate::roster::Member;

impl Node {
    pub(super) fn report(&self) -> Report {
        let leader = self.is_normal().then(|| self.member(self.membership.view().leader));
        Report {
            me: Member::clone(&self.me),
            leader,
            epoch: self.membership.view().epoch,
            members: self.membership.roster().clone(),
            prev: self.member(self.ring.prev().unwrap_or(self.me.id)),
            next: self.member(self.ring.next().unwrap_or(self.me.id)),
            lamport: self.effects.lamport(),
            stats: Stats {
                waiting: self.own.waiting() as u64,
                links: self.links.len() as u64,
                history: self.replica.log().len().since(self.replica.log().base()),
                history_bytes: self.replica.log().kept_weight(),
                ..self.effects.stats(self.now())
            },
        }
    }
}
