//! Pauses before things that somebody who lies can make a node do again and again.

use core::time::Duration;

use super::follow_ups::FollowUp;
use super::{Node, Rule};
use crate::config::Times;
use crate::ids::NodeId;
use crate::time::Instant;

/// How long the pauses of a kind are. Each is twice as long as the one before.
#[derive(Clone, Copy, Debug)]
pub(super) struct Lengths {
    /// The first one.
    pub(super) first: Duration,
    /// The shortest one after the first.
    pub(super) least: Duration,
    /// The longest one. After such a time in which no pause was needed, they begin anew.
    pub(super) most: Duration,
}

/// A pause that doubles as long as it is needed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(super) struct Pause {
    /// Until when the last one lasts.
    until: Instant,
    /// How long the next one is; zero if there was none.
    next: Duration,
}

impl Pause {
    /// Begins a pause, and tells how long it is.
    pub(super) fn begin(&mut self, now: Instant, lengths: Lengths) -> Duration {
        let goes_on = !self.next.is_zero() && now.since(self.until) < lengths.most;
        let pause = if goes_on { self.next } else { lengths.first };
        (self.until, self.next) =
            (now.after(pause), pause.saturating_mul(2).clamp(lengths.least, lengths.most));
        pause
    }

    /// Until when the last one lasts.
    pub(super) fn until(&self) -> Instant {
        self.until
    }

    /// How long the next one is, if it is soon needed.
    pub(super) fn next(&self) -> Duration {
        self.next
    }

    pub(super) fn lasts(&self, now: Instant) -> bool {
        now < self.until
    }
}

/// The pause before a node asks a leader that was at fault for its log.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
struct Accused {
    leader: Option<NodeId>,
    pause: Pause,
    /// Whether the node has to ask when the pause is over.
    owes: bool,
}

impl Accused {
    fn begin(&mut self, leader: NodeId, now: Instant, lengths: Lengths) {
        if self.leader != Some(leader) {
            *self = Self { leader: Some(leader), ..Self::default() };
        }
        self.pause.begin(now, lengths);
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
        let (now, first) = (self.now(), Duration::ZERO);
        let lengths = Lengths { first, least: Times::LIFE_PAUSE, most: Times::LONGEST_LIFE_PAUSE };
        let pause = self.timers.pauses.life.begin(now, lengths);
        if self.enforces(Rule::PauseBetweenLives) { pause } else { Duration::ZERO }
    }

    /// If `peer` is this node's leader, which was at fault, this node asks it for its log only after a pause. Without one
    /// the two would do nothing else until the next election.
    pub(super) fn pause_if_led_by(&mut self, peer: NodeId) {
        let (now, least) = (self.now(), self.times.dial());
        if self.leader() == Some(peer) && self.enforces(Rule::PauseAfterFault) {
            let lengths = Lengths { first: Duration::ZERO, least, most: least.saturating_mul(16) };
            self.timers.pauses.accused.begin(peer, now, lengths);
        }
    }

    /// Puts off to ask `leader` for its log, if there is a pause before that. Returns whether there is.
    pub(super) fn put_off_sync(&mut self, leader: NodeId) -> bool {
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
        let [first, least, most] = [0, 1, 6].map(Duration::from_secs);
        let lengths = Lengths { first, least, most };
        let (mut pause, mut now) = (Pause::default(), Instant(0));
        for seconds in [0, 1, 2, 4, 6, 6] {
            let begun = pause.begin(now, lengths);
            assert_eq!(begun, Duration::from_secs(seconds));
            assert_eq!(pause.lasts(now), seconds > 0);
            now = now.after(begun);
            assert!(!pause.lasts(now));
        }
        assert_eq!(pause.begin(now.after(most), lengths), Duration::ZERO);
    }
}
