//! Which comings and goings are told. In a large room most of them matter to nobody.

use std::collections::BTreeMap;
use std::mem;
use std::str::FromStr;
use std::time::Duration;

use ringchat_core::Instant;

/// How long somebody who spoke counts as taking part.
const RECENTLY: Duration = Duration::from_mins(10);

/// How long after a line about comings and goings all others wait, to become one.
const MERGED: Duration = Duration::from_secs(10);

/// The size of a room from which on only the [`Recent`](PresenceKind::Recent) are told, unless the user says otherwise.
const MANY: usize = 20;

/// The maximum number of members of which it is remembered when they spoke.
const MAX_SPEAKERS: usize = 8192;

/// The members whose comings and goings are told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum PresenceKind {
    /// All, each in a line of its own.
    All,
    /// Those that spoke in the last ten minutes; several within ten seconds become one line.
    Recent,
    /// None.
    None,
}

impl PresenceKind {
    /// What people type for it.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::All => "all",
            Self::Recent => "recent",
            Self::None => "none",
        }
    }
}

impl FromStr for PresenceKind {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        [Self::All, Self::Recent, Self::None].into_iter().find(|kind| kind.word() == text).ok_or(())
    }
}

/// What a member did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Passage {
    /// It joined.
    Joined,
    /// It left in order.
    Left,
    /// It died or fell silent.
    Lost,
}

/// Decides which comings and goings are told, and when.
#[derive(Debug)]
pub(crate) struct Presence {
    /// The user's choice; `None` if it depends on the size of the room.
    pub(crate) chosen: Option<PresenceKind>,
    /// When members spoke last, by their keys.
    spoke: BTreeMap<[u8; 32], Instant>,
    /// Until when comings and goings wait.
    waits_until: Option<Instant>,
    waiting: Vec<(Passage, String)>,
}

impl Presence {
    /// Tells the comings and goings that the user chose.
    pub(crate) fn new(chosen: Option<PresenceKind>) -> Self {
        Self { chosen, spoke: BTreeMap::new(), waits_until: None, waiting: Vec::new() }
    }

    /// What holds in a room of this size.
    pub(crate) fn kind(&self, members: usize) -> PresenceKind {
        self.chosen.unwrap_or(if members >= MANY { PresenceKind::Recent } else { PresenceKind::All })
    }

    /// Notes that the holder of `key` said something.
    pub(crate) fn spoke(&mut self, key: [u8; 32], now: Instant) {
        if self.spoke.len() >= MAX_SPEAKERS && !self.spoke.contains_key(&key) {
            self.spoke.clear();
        }
        self.spoke.insert(key, now);
    }

    /// The line to show now for what the holder of `key` did in a room of this size, where `line` would tell it alone.
    pub(crate) fn told(
        &mut self,
        (key, passage): (&[u8; 32], Passage),
        line: String,
        members: usize,
        now: Instant,
    ) -> Option<String> {
        match self.kind(members) {
            PresenceKind::All => return Some(line),
            PresenceKind::None => return None,
            PresenceKind::Recent => {}
        }
        let spoke = self.spoke.get(key)?;
        if now.since(*spoke) > RECENTLY {
            return None;
        }
        if self.waits_until.is_some_and(|until| now < until) {
            self.waiting.push((passage, line));
            return None;
        }
        self.waits_until = Some(now.after(MERGED));
        Some(line)
    }

    /// When [`due`](Self::due) has a line to show. `None` if nothing waits.
    pub(crate) fn next(&self) -> Option<Instant> {
        self.waits_until.filter(|_| !self.waiting.is_empty())
    }

    /// The line for all that has waited long enough.
    pub(crate) fn due(&mut self, now: Instant) -> Option<String> {
        if self.next().is_none_or(|until| now < until) {
            return None;
        }
        self.waits_until = Some(now.after(MERGED));
        let waited = mem::take(&mut self.waiting);
        if let [(_, line)] = waited.as_slice() {
            return Some(line.clone());
        }
        let kinds = [(Passage::Joined, "joined"), (Passage::Left, "left"), (Passage::Lost, "lost")];
        let counts = kinds.map(|(kind, word)| match waited.iter().filter(|(of, _)| *of == kind).count() {
            0 => None,
            count => Some(format!("{count} {word}")),
        });
        Some(counts.into_iter().flatten().collect::<Vec<_>>().join(", "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BOB: [u8; 32] = [2; 32];

    /// Tells of Bob's passages in a room of a hundred. Bob spoke at the beginning.
    struct Told {
        presence: Presence,
        begun: Instant,
    }

    impl Told {
        fn new(chosen: Option<PresenceKind>) -> Self {
            let mut presence = Presence::new(chosen);
            let begun = Instant::ZERO;
            presence.spoke(BOB, begun);
            Self { presence, begun }
        }

        fn at(&mut self, secs: u64, passage: Passage) -> Option<String> {
            let now = self.begun.after(Duration::from_secs(secs));
            self.presence.told((&BOB, passage), format!("{passage:?} at {secs}"), 100, now)
        }

        fn due(&mut self, secs: u64) -> Option<String> {
            self.presence.due(self.begun.after(Duration::from_secs(secs)))
        }
    }

    #[test]
    fn the_first_is_told_at_once_and_those_within_ten_seconds_become_one_line() {
        let mut told = Told::new(None);
        assert_eq!(told.at(1, Passage::Left).as_deref(), Some("Left at 1"));
        for (secs, passage) in [(2, Passage::Joined), (3, Passage::Lost), (4, Passage::Joined)] {
            assert_eq!(told.at(secs, passage), None);
        }
        assert_eq!(told.presence.next(), Some(Instant::ZERO.after(Duration::from_secs(11))));
        assert_eq!(told.due(10), None);
        assert_eq!(told.due(11).as_deref(), Some("2 joined, 1 lost"));
        assert_eq!((told.presence.next(), told.due(30)), (None, None));
        assert_eq!(told.at(20, Passage::Left), None);
        assert_eq!(told.due(21).as_deref(), Some("Left at 20"), "one alone keeps its name");
        assert_eq!(told.at(31, Passage::Joined).as_deref(), Some("Joined at 31"));
    }

    #[test]
    fn only_those_that_spoke_in_the_last_ten_minutes_are_told_unless_the_user_wants_all_or_none() {
        let mut told = Told::new(Some(PresenceKind::Recent));
        assert_eq!(told.presence.told((&[3; 32], Passage::Joined), "x".into(), 2, told.begun), None);
        assert!(told.at(600, Passage::Left).is_some());
        assert_eq!(told.at(1200, Passage::Joined), None);
        told.presence.chosen = Some(PresenceKind::All);
        assert!(told.at(1200, Passage::Joined).is_some() && told.at(1200, Passage::Left).is_some());
        told.presence.chosen = Some(PresenceKind::None);
        assert_eq!(told.at(5, Passage::Left), None);
        told.presence.chosen = None;
        assert_eq!(
            [19, 20].map(|members| told.presence.kind(members)),
            [PresenceKind::All, PresenceKind::Recent]
        );
        for kind in [PresenceKind::All, PresenceKind::Recent, PresenceKind::None] {
            assert_eq!(kind.word().parse(), Ok(kind));
        }
    }
}
