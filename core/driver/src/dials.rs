//! Dials: those that wait, and those under way.

use std::collections::{BTreeMap, VecDeque};
use std::io::{self, ErrorKind};
use std::net::SocketAddr;
use std::time::Duration;

use ringchat_core::{DialFailure, DialId};

/// How long a runtime tries one dial.
pub const DIAL_TIMEOUT: Duration = Duration::from_secs(2);

/// Dials under way at one time; further ones wait.
const DIALS_AT_ONCE: usize = 64;

/// The dials that the node wants.
pub(crate) struct Dials<D> {
    waiting: VecDeque<(DialId, SocketAddr)>,
    under_way: BTreeMap<DialId, D>,
}

impl<D> Dials<D> {
    pub(crate) fn new() -> Self {
        Self { waiting: VecDeque::new(), under_way: BTreeMap::new() }
    }

    pub(crate) fn push(&mut self, dial: DialId, addr: SocketAddr) {
        self.waiting.push_back((dial, addr));
    }

    /// The next dial to start, unless enough are under way.
    pub(crate) fn next(&mut self) -> Option<(DialId, SocketAddr)> {
        (self.under_way.len() < DIALS_AT_ONCE).then(|| self.waiting.pop_front()).flatten()
    }

    pub(crate) fn started(&mut self, dial: DialId, under_way: D) {
        self.under_way.insert(dial, under_way);
    }

    pub(crate) fn answered(&mut self, dial: DialId) {
        self.under_way.remove(&dial);
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
        let addr = SocketAddr::from(([127, 0, 0, 1], 4000));
        let last = DialId(DIALS_AT_ONCE as u64 + 1);
        let mut dials = Dials::new();
        (1..=last.0).for_each(|n| dials.push(DialId(n), addr));
        while let Some((dial, _)) = dials.next() {
            dials.started(dial, ());
        }
        assert_eq!(dials.under_way.len(), DIALS_AT_ONCE);
        dials.answered(DialId(1));
        assert_eq!(dials.next(), Some((last, addr)));
        assert_eq!(dials.next(), None);
    }
}
