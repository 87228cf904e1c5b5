//! Which members of a room announce it.

use std::time::Duration;

use ringchat_core::{Instant, NodeId, Notice};

/// A member that hears nobody announce the room for so long announces it.
const SILENCE: Duration = Duration::from_secs(10);

/// The silence of each member lasts up to so much longer, so that few begin together.
const SPREAD: Duration = Duration::from_millis(20);

/// Whether this member announces its room: if it leads, if it comes next after the leader, or if nobody else does. So a
/// room is found after its creator has gone, and in a large room few announce it.
#[derive(Debug)]
pub(super) struct Duty {
    me: Option<NodeId>,
    leader: Option<NodeId>,
    /// The member before this one in the ring.
    before: Option<NodeId>,
    /// Since when nobody else was heard to announce the room.
    silent_since: Instant,
    /// Whether this member announces the room because nobody else did.
    stands_in: bool,
    announces: bool,
}

impl Duty {
    /// The duty of a member that is not in the room yet.
    pub(super) fn new(now: Instant) -> Self {
        Self { me: None, leader: None, before: None, silent_since: now, stands_in: false, announces: false }
    }

    /// Takes note of what happens in the room.
    pub(super) fn note(&mut self, notice: &Notice, now: Instant) {
        match notice {
            Notice::Ready { me, leader, .. } => {
                if self.me.is_none() {
                    self.silent_since = now;
                }
                (self.me, self.leader) = (Some(me.id), Some(leader.id));
            }
            Notice::Leader { member, .. } => self.leader = Some(member.id),
            Notice::Ring { prev, .. } => self.before = Some(prev.id),
            _ => {}
        }
    }

    /// Whether this member is to announce the room from now on. `are_others`: whether others do.
    pub(super) fn announces(&mut self, are_others: bool, now: Instant) -> bool {
        let Some(me) = self.me else { return false };
        if are_others {
            self.silent_since = now;
        }
        let has_role = self.leader == Some(me) || (self.leader.is_some() && self.leader == self.before);
        let silence = SILENCE.saturating_add(SPREAD.saturating_mul(me.key()[0].into()));
        self.stands_in |= now.since(self.silent_since) >= silence;
        // A role that has gone is given up only if the room is found without it.
        self.announces = has_role || self.stands_in || (self.announces && !are_others);
        self.announces
    }
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroU64;
    use std::sync::Arc;

    use ringchat_core::{Epoch, Member, Name, RingReason, RoomId, Roster};

    use super::*;

    fn member(n: u8) -> Arc<Member> {
        let id = NodeId::new([n; 32], NonZeroU64::MIN);
        Member::new(id, ([192, 0, 2, n], 1).into(), Name::new("x").unwrap()).into()
    }

    /// The duty of member 3, once member `leader` leads and member `before` is before it.
    fn duty(leader: u8, before: u8) -> Duty {
        let mut duty = Duty::new(Instant::ZERO);
        let (me, leader) = (member(3), member(leader));
        let members = Roster::alone(Member::clone(&me));
        duty.note(&Notice::Ready { me, leader, members, room: RoomId::UNKNOWN }, Instant::ZERO);
        duty.note(&ring(before), Instant::ZERO);
        duty
    }

    fn ring(before: u8) -> Notice {
        Notice::Ring { prev: member(before), next: member(9), reason: RingReason::Join }
    }

    fn leads(leader: u8) -> Notice {
        Notice::Leader { member: member(leader), epoch: Epoch(2) }
    }

    fn at(seconds: u64) -> Instant {
        Instant::ZERO.after(Duration::from_secs(seconds))
    }

    #[test]
    fn who_leads_and_who_comes_next_announce_and_others_do_not() {
        assert!(!Duty::new(Instant::ZERO).announces(false, at(99)), "it is in no room");
        assert!(duty(3, 1).announces(true, at(0)));
        assert!(duty(2, 2).announces(true, at(0)));
        assert!(!duty(2, 1).announces(true, at(0)));
    }

    #[test]
    fn a_role_that_has_gone_is_given_up_once_others_announce_the_room() {
        let mut duty = duty(3, 1);
        assert!(duty.announces(false, at(0)));
        duty.note(&leads(2), at(1));
        assert!(duty.announces(false, at(1)));
        assert!(!duty.announces(true, at(2)));
        assert!(!duty.announces(false, at(3)));
    }

    #[test]
    fn whoever_hears_nobody_for_a_while_stands_in_and_goes_on() {
        let mut duty = duty(2, 1);
        assert!(!duty.announces(false, at(9)));
        assert!(!duty.announces(true, at(10)));
        assert!(!duty.announces(false, at(19)));
        assert!(duty.announces(false, at(21)));
        assert!(duty.announces(true, at(22)), "two that stood in would else end together");
    }
}
