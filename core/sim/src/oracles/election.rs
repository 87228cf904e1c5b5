//! The oracle of elections: where tokens go, and which candidate may win.

use alloc::collections::BTreeMap;
use alloc::format;
use alloc::string::String;

use ringchat_core::wire::{CandidateRank, Elect};
use ringchat_core::{Epoch, Index, Instant, LinkId, Node, NodeId, RoomId, View};

use super::Violation;
use crate::Property;

/// The last token that each member has sent.
#[derive(Clone, Debug, Default)]
pub struct Tokens {
    sent: BTreeMap<NodeId, Sent>,
    /// Whether the greatest id wins among equal logs, because a test has taken the hash away.
    pub(crate) ties_by_id: bool,
}

#[derive(Clone, Debug)]
struct Sent {
    epoch: Epoch,
    candidate: CandidateRank,
    /// The link on which the token went last.
    link: Option<LinkId>,
}

impl Tokens {
    /// A member of a room sends a token. Checks [`Property::TokensImprove`].
    ///
    /// # Errors
    /// If the member passes a token on again, or a token for a worse candidate.
    pub fn send(
        &mut self,
        (me, room): (NodeId, RoomId),
        now: Instant,
        link: LinkId,
        elect: &Elect,
    ) -> Result<(), Violation> {
        let fail = |what: &str| {
            let candidate = elect.candidate.id;
            Err(Violation::new(
                now,
                Property::TokensImprove,
                format!("a token for {candidate} in epoch {} {what}", elect.epoch),
            ))
        };
        let new = || Sent { epoch: elect.epoch, candidate: elect.candidate, link: None };
        let sent = self.sent.entry(me).or_insert_with(new);
        if sent.epoch > elect.epoch {
            return fail(&format!("follows one of epoch {}", sent.epoch));
        }
        let rank = |it: CandidateRank| (it.epoch, it.length, it.id);
        let is_better = if self.ties_by_id {
            rank(sent.candidate) > rank(elect.candidate)
        } else {
            sent.candidate.standing(room) > elect.candidate.standing(room)
        };
        if sent.epoch == elect.epoch && is_better {
            return fail(&format!("follows a better one, for {}", sent.candidate.id));
        }
        if (sent.epoch, sent.candidate) != (elect.epoch, elect.candidate) {
            *sent = new();
        }
        if sent.link.replace(link) == Some(link) {
            return fail("goes the same way twice");
        }
        Ok(())
    }
}

/// Checks [`Property::WinnerHoldsAll`]. By [`Property::LogMatching`] a log contains another if it contains the last
/// entry of it.
///
/// # Errors
/// The member that holds more.
pub fn winner_has_all<'a>(winner: &Node, others: impl Iterator<Item = &'a Node>) -> Result<(), String> {
    let epoch = winner.view().epoch;
    for other in others.filter(|other| !other.is_normal() && other.promised() == epoch) {
        let Some(tip) = other.log_entries().next_back() else { continue };
        if view_at(winner, tip.index).is_some_and(|view| view != tip.view)
            || winner.log_len() < other.log_len()
        {
            return Err(format!("{} wins epoch {epoch}, and {} holds more", winner.me(), other.me()));
        }
    }
    Ok(())
}

/// The view of the entry at `index`, if the log still has it.
fn view_at(node: &Node, index: Index) -> Option<View> {
    let later = node.log_entries().rev().take_while(|entry| entry.index >= index);
    later.last().filter(|entry| entry.index == index).map(|entry| entry.view)
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec::Vec;
    use core::num::NonZeroU64;

    use ringchat_core::ConfigId;

    use crate::{Place, id_of};

    const ROOM: RoomId = RoomId([1; 16]);

    fn elect(epoch: u64, candidate: Place) -> Elect {
        let id = |n| id_of(n, NonZeroU64::MIN);
        let candidate = CandidateRank { epoch: Epoch(1), length: Index(5), id: id(candidate) };
        let cfg = ConfigId { view: View { epoch: Epoch(1), leader: id(1) }, n: 1 };
        Elect { epoch: Epoch(epoch), candidate, path: Vec::new(), cfg, roster: None }
    }

    #[test]
    fn tokens_may_only_become_better_and_go_each_way_once() {
        let mut ranked: Vec<Place> = (1..9).collect();
        ranked.sort_by_key(|place| elect(1, *place).candidate.standing(ROOM));
        let mut tokens = Tokens::default();
        let mut send = |link, epoch, candidate| {
            let elect = elect(epoch, ranked[candidate]);
            tokens.send((elect.cfg.view.leader, ROOM), Instant::ZERO, LinkId(link), &elect).is_ok()
        };
        assert!(send(1, 2, 4));
        assert!(send(1, 2, 6), "a better one");
        assert!(send(2, 2, 6), "another neighbour");
        assert!(!send(2, 2, 6), "the same way again");
        assert!(send(1, 2, 6), "the first neighbour, which is next again");
        assert!(!send(1, 2, 5), "a worse one");
        assert!(send(1, 3, 4), "a new epoch");
        assert!(!send(1, 2, 7), "an old epoch");
    }
}
