//! Dials: those that wait, and those under way.

use std::collections::{BTreeMap, VecDeque};
use std::io::{self, ErrorKind};
use std::net::SocketAddr;
use std::time::Duration;

use ringchat_core::limits::MAX_DIALS;
use ringchat_core::{DialFailure, DialId, Instant, NodeId};

/// How long a runtime tries one dial.
pub const DIAL_TIMEOUT: Duration = Duration::from_secs(2);

/// Dials under way at one time; further ones wait.
const DIALS_AT_ONCE: usize = 64;

/// A dial that the node wants.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Dial {
    pub(crate) id: DialId,
    pub(crate) addr: SocketAddr,
    /// The member that has to answer; none if any member will do.
    pub(crate) expected: Option<NodeId>,
    /// When it has failed, if the link is not open then.
    pub(crate) until: Instant,
}

/// The dials that the node wants.
pub(crate) struct Dials<D> {
    waiting: VecDeque<Dial>,
    under_way: BTreeMap<DialId, (D, Dial)>,
}

impl<D> Dials<D> {
    pub(crate) fn new() -> Self {
        Self { waiting: VecDeque::new(), under_way: BTreeMap::new() }
    }

    /// Lets a dial wait for its turn, and tells whether there was room. The node counts no dials that it has given up, but
    /// they wait here.
    pub(crate) fn push(&mut self, dial: Dial) -> bool {
        let has_room = self.waiting.len() < MAX_DIALS;
        if has_room {
            self.waiting.push_back(dial);
        }
        has_room
    }

    /// The next dial to start, unless enough are under way.
    pub(crate) fn next(&mut self) -> Option<Dial> {
        (self.under_way.len() < DIALS_AT_ONCE).then(|| self.waiting.pop_front()).flatten()
    }

    pub(crate) fn started(&mut self, dial: Dial, under_way: D) {
        self.under_way.insert(dial.id, (under_way, dial));
    }

    /// The connection of a dial stands, or does not. Gives the dial, if it was under way.
    pub(crate) fn answered(&mut self, dial: DialId) -> Option<Dial> {
        self.under_way.remove(&dial).map(|(_, dial)| dial)
    }

    /// Forgets the dials that wait.
    pub(crate) fn clear(&mut self) {
        self.waiting.clear();
    }
}

/// What the node is told of a dial that failed.
pub(crate) fn failure(error: &io::Error) -> DialFailure {
    match error.kind() {
        ErrorKind::ConnectionRefused => DialFailure::Refused,
        ErrorKind::TimedOut => DialFailure::TimedOut,
        _ => DialFailure::Unreachable,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dials_at_one_time_are_bounded() {
        let dial = |n| Dial {
            id: DialId(n),
            addr: SocketAddr::from(([127, 0, 0, 1], 4000)),
            expected: None,
            until: Instant(n),
        };
        let last = DIALS_AT_ONCE as u64 + 1;
        let mut dials = Dials::new();
        assert!((1..=last).all(|n| dials.push(dial(n))));
        while let Some(dial) = dials.next() {
            dials.started(dial, ());
        }
        assert_eq!(dials.under_way.len(), DIALS_AT_ONCE);
        assert_eq!(dials.answered(DialId(1)), Some(dial(1)));
        assert_eq!(dials.answered(DialId(1)), None);
        assert_eq!(dials.next(), Some(dial(last)));
        assert_eq!(dials.next(), None);
        assert!((0..MAX_DIALS as u64).all(|n| dials.push(dial(n))));
        assert!(!dials.push(dial(0)), "so many wait at most");
    }
}
