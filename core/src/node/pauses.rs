//! Pauses before things that somebody who lies can make a node do again and again.

use core::time::Duration;

use super::follow_ups::FollowUp;
use super::{Node, Rule};
use crate::config::Times;
use crate::ids::NodeId;
use crate::time::Instant;

/// A pause that doubles as long as it is needed. The first time there is none.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
struct Pause {
    /// Until when the last one lasts, and how long the next one is.
    last: Option<(Instant, Duration)>,
}

impl Pause {
    /// The pause from `now` on. The second one is `first`, and none is longer than `most`. After a time of `most` in which
    /// none was needed it begins anew.
    fn begin(&mut self, now: Instant, first: Duration, most: Duration) -> Duration {
        let again = self.last.filter(|(until, _)| now.since(*until) < most);
        let pause = again.map_or(Duration::ZERO, |(_, pause)| pause);
        self.last = Some((now.after(pause), pause.saturating_mul(2).clamp(first, most)));
        pause
    }

    fn lasts(&self, now: Instant) -> bool {
        self.last.is_some_and(|(until, _)| now < until)
    }
}

/// The pause before a node asks a leader for its log that was at fault.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
struct Accused {
    leader: Option<NodeId>,
    pause: Pause,
    /// Whether the node has to ask when the pause is over.
    owes: bool,
}

impl Accused {
    fn begin(&mut self, leader: NodeId, now: Instant, first: Duration, most: Duration) {
        if self.leader != Some(leader) {
            *self = Self { leader: Some(leader), ..Self::default() };
        }
        self.pause.begin(now, first, most);
    }

    fn is_paused(&self, leader: NodeId, now: Instant) -> bool {
        self.leader == Some(leader) && self.pause.lasts(now)
    }
}

/// The pauses of a node.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(super) struct Pauses {
    accused: Accused,
    /// Before another life that the node has to begin.
    life: Pause,
}

impl Node {
    /// How long to wait before another life: a leader that lies can make a member begin one after the other.
    pub(super) fn pause_before_life(&mut self) -> Duration {
        let (now, first, most) = (self.now(), Times::LIFE_PAUSE, Times::LONGEST_LIFE_PAUSE);
        let pause = self.timers.pauses.life.begin(now, first, most);
        if self.enforces(Rule::PauseBetweenLives) { pause } else { Duration::ZERO }
    }

    /// If `peer` is this node's leader, which was at fault, this node asks it for its log only after a pause. Else the two
    /// would do nothing else until the next election.
    pub(super) fn pause_if_led_by(&mut self, peer: NodeId) {
        let (now, first) = (self.now(), self.times.dial());
        if self.leader() == Some(peer) && self.enforces(Rule::PauseAfterFault) {
            self.timers.pauses.accused.begin(peer, now, first, first.saturating_mul(16));
        }
    }

    /// Whether to ask `leader` for its log later. Notes that this is owed.
    pub(super) fn asks_later(&mut self, leader: NodeId) -> bool {
        let now = self.now();
        let accused = &mut self.timers.pauses.accused;
        accused.owes = accused.is_paused(leader, now);
        accused.owes
    }

    /// Asks the leader for its log, if the pause before that is over.
    pub(super) fn sync_after_pause(&mut self) {
        let now = self.now();
        let accused = &mut self.timers.pauses.accused;
        let paused = accused.leader.is_some_and(|leader| accused.is_paused(leader, now));
        if accused.owes && !paused {
            accused.owes = false;
            self.note(FollowUp::Sync);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pause_doubles_up_to_a_bound_and_begins_anew_after_a_while() {
        let [first, most] = [1, 6].map(Duration::from_secs);
        let (mut pause, mut now) = (Pause::default(), Instant(0));
        for seconds in [0, 1, 2, 4, 6, 6] {
            let begun = pause.begin(now, first, most);
            assert_eq!(begun, Duration::from_secs(seconds));
            assert_eq!(pause.lasts(now), seconds > 0);
            now = now.after(begun);
            assert!(!pause.lasts(now));
        }
        assert_eq!(pause.begin(now.after(most), first, most), Duration::ZERO);
    }
}
