//! The keys that the user's programs have heard, under which name and when.

use std::collections::{BTreeMap, BTreeSet};

use ringchat_core::Name;

use super::day::Day;
use super::key_text::{bytes, full_key};
use crate::present::Looks;

/// Keys that are kept, at most.
pub(crate) const MAX_KNOWN: usize = 4096;

/// What the file begins with. Other lines that begin with `#` do not count either.
const HEADER: &str = "# ringchat known keys 1\n# KEY FIRST LAST verified|seen NAME, one key a line\n";

/// What is known of a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct KnownKey {
    /// The name of its holder: the first one heard, or that under which the key was last verified.
    pub(crate) name: Name,
    /// The day on which it was heard first.
    pub(crate) first: Day,
    /// The day on which it was heard last.
    pub(crate) last: Day,
    /// Whether the user compared the key with its holder.
    pub(crate) is_verified: bool,
}

/// What happened to a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Change {
    /// Its holder said something under this name.
    Heard(Name, Day),
    /// The user compared it with its holder, who is called so.
    Verified(Name, Day),
}

/// The known keys, at most [`MAX_KNOWN`]; of verified ones there may be more.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct KnownKeys {
    all: BTreeMap<[u8; 32], KnownKey>,
    /// The keys by what their names look like. It may hold names that their keys no longer have.
    looks: BTreeMap<String, BTreeSet<[u8; 32]>>,
}

impl KnownKeys {
    /// Reads the contents of the file, and counts the lines that cannot be read.
    pub(super) fn parse(contents: &[u8]) -> (Self, usize) {
        let mut known = Self::default();
        let mut damaged = 0;
        for line in contents.split(|byte| *byte == b'\n') {
            if line.trim_ascii().is_empty() || line.starts_with(b"#") {
                continue;
            }
            match parse_line(line) {
                Some((key, entry)) => known.put(key, entry),
                None => damaged += 1,
            }
        }
        (known, damaged)
    }

    /// The contents of the file.
    pub(super) fn contents(&self) -> String {
        let line = |(key, KnownKey { name, first, last, is_verified }): (&[u8; 32], &KnownKey)| {
            let mark = if *is_verified { "verified" } else { "seen" };
            format!("{} {first} {last} {mark} {name}\n", full_key(key))
        };
        [HEADER.to_owned()].into_iter().chain(self.all.iter().map(line)).collect()
    }

    /// What is known of `key`.
    pub(crate) fn get(&self, key: &[u8; 32]) -> Option<&KnownKey> {
        self.all.get(key)
    }

    /// The other keys whose holder has a name that looks like `name`.
    pub(crate) fn alike(&self, key: &[u8; 32], name: &Name) -> impl Iterator<Item = (&[u8; 32], &KnownKey)> {
        let looks = Looks::of(name);
        let keys: BTreeSet<&[u8; 32]> =
            looks.forms().into_iter().filter_map(|form| self.looks.get(form)).flatten().collect();
        let others = keys.into_iter().filter(move |other| *other != key);
        others
            .filter_map(|other| self.all.get_key_value(other))
            .filter(move |(_, known)| Looks::of(&known.name).could_be(&looks))
    }

    /// Notes what happened to `key`. Returns false if there is no place left for it.
    pub(crate) fn note(&mut self, key: [u8; 32], change: &Change) -> bool {
        let (Change::Heard(name, day) | Change::Verified(name, day)) = change;
        let verifies = matches!(change, Change::Verified(..));
        let (name, day) = (name.clone(), *day);
        let Some(known) = self.all.get(&key) else {
            let has_place = self.all.len() < MAX_KNOWN || self.forget();
            if has_place {
                self.put(key, KnownKey { name, first: day, last: day, is_verified: verifies });
            }
            return has_place;
        };
        let entry = KnownKey {
            // The first name stays: else its holder would free it for a stranger by being called otherwise for once.
            name: if verifies { name } else { known.name.clone() },
            first: known.first.min(day),
            last: known.last.max(day),
            is_verified: known.is_verified || verifies,
        };
        self.put(key, entry);
        true
    }

    /// Forgets the key that was not heard for the longest time. Returns false if the user verified all of them.
    fn forget(&mut self) -> bool {
        let seen = self.all.iter().filter(|(_, known)| !known.is_verified);
        let oldest = seen.min_by_key(|(_, known)| known.last).map(|(key, _)| *key);
        oldest.is_some_and(|key| self.all.remove(&key).is_some())
    }

    fn put(&mut self, key: [u8; 32], entry: KnownKey) {
        for form in Looks::of(&entry.name).forms() {
            self.looks.entry(form.to_owned()).or_default().insert(key);
        }
        self.all.insert(key, entry);
    }
}

/// `KEY FIRST LAST verified|seen NAME`; a name may have blanks.
fn parse_line(line: &[u8]) -> Option<([u8; 32], KnownKey)> {
    let mut words = std::str::from_utf8(line).ok()?.splitn(5, ' ');
    let key = bytes(words.next()?)?;
    let (first, last) = (words.next()?.parse().ok()?, words.next()?.parse().ok()?);
    let is_verified = match words.next()? {
        "verified" => true,
        "seen" => false,
        _ => return None,
    };
    Some((*key, KnownKey { name: Name::new(words.next()?).ok()?, first, last, is_verified }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(n: u16) -> [u8; 32] {
        let mut key = [0; 32];
        key[..2].copy_from_slice(&n.to_be_bytes());
        key
    }

    fn name(name: &str) -> Name {
        Name::new(name).unwrap()
    }

    fn day(day: &str) -> Day {
        day.parse().unwrap()
    }

    fn heard(called: &str, on: &str) -> Change {
        Change::Heard(name(called), day(on))
    }

    #[test]
    fn a_key_keeps_its_first_day_its_last_day_and_its_first_name() {
        let mut known = KnownKeys::default();
        known.note(key(1), &heard("Alice", "2026-05-03"));
        known.note(key(1), &heard("Alice B", "2026-05-05"));
        known.note(key(1), &heard("Alice C", "2026-05-04"));
        let alice = known.get(&key(1)).unwrap();
        assert_eq!((alice.first, alice.last), (day("2026-05-03"), day("2026-05-05")));
        assert_eq!((alice.name.as_str(), alice.is_verified), ("Alice", false));
    }

    #[test]
    fn the_name_of_a_verified_key_changes_only_when_it_is_verified_anew() {
        let mut known = KnownKeys::default();
        known.note(key(1), &Change::Verified(name("Alice"), day("2026-05-03")));
        known.note(key(1), &heard("Bob", "2026-05-04"));
        assert_eq!(known.get(&key(1)).unwrap().name, name("Alice"));
        known.note(key(1), &Change::Verified(name("Bob"), day("2026-05-04")));
        assert_eq!(known.get(&key(1)).unwrap().name, name("Bob"));
    }

    #[test]
    fn what_is_written_is_read_back_and_damaged_lines_cost_nothing_else() {
        let mut known = KnownKeys::default();
        known.note(key(1), &heard("Alice B. # 1", "2026-05-03"));
        known.note(key(2), &Change::Verified(name("Žofie"), day("2026-05-03")));
        let contents = known.contents();
        assert_eq!(KnownKeys::parse(contents.as_bytes()), (known.clone(), 0));
        let damage = b"\nhello\n\xff\xfe\n# a remark\n\naaaa 2026-05-03 2026-05-03 seen Eve\n";
        assert_eq!(KnownKeys::parse(&[contents.as_bytes(), damage].concat()), (known, 3));
        let line = contents.lines().last().unwrap();
        for (from, to) in [("verified", "trusted"), ("2026-05-03", "2026-05-33"), ("Žofie", "/// lost ///")]
        {
            assert_eq!(KnownKeys::parse(line.replace(from, to).as_bytes()).1, 1, "{to}");
        }
        assert_eq!(KnownKeys::parse(&contents.as_bytes()[..contents.len() - 9]).1, 1, "a line that was cut");
    }

    #[test]
    fn the_keys_heard_least_lately_go_first_and_verified_ones_never() {
        let mut known = KnownKeys::default();
        known.note(key(0), &Change::Verified(name("Alice"), day("2020-01-01")));
        known.note(key(1), &heard("Bob", "2020-01-02"));
        for n in 2..=u16::try_from(MAX_KNOWN).unwrap() {
            assert!(known.note(key(n), &heard("Carol", "2026-05-03")));
        }
        assert_eq!(known.all.len(), MAX_KNOWN);
        assert!(known.get(&key(0)).is_some() && known.get(&key(1)).is_none());
        for n in 0..u16::try_from(MAX_KNOWN).unwrap() {
            known.note(key(n), &Change::Verified(name("Dora"), day("2026-05-03")));
        }
        assert!(!known.note(key(5000), &heard("Eve", "2026-05-04")), "there is no place");
        assert_eq!(known.all.len(), MAX_KNOWN);
    }

    #[test]
    fn other_keys_of_names_that_look_alike_are_found() {
        let mut known = KnownKeys::default();
        known.note(key(1), &heard("Alice", "2026-05-03"));
        known.note(key(2), &heard("Bob", "2026-05-03"));
        let alike = |of: u16, called: &str| {
            known.alike(&key(of), &name(called)).map(|(key, _)| *key).collect::<Vec<_>>()
        };
        assert_eq!(alike(3, "Alice"), [key(1)]);
        assert_eq!(alike(3, "aIice"), [key(1)]);
        assert_eq!(alike(1, "Alice"), [[0; 32]; 0], "it is the key itself");
        assert_eq!(alike(3, "Carol"), [[0; 32]; 0]);
        known.note(key(1), &heard("Dora", "2026-05-03"));
        assert_eq!(known.alike(&key(3), &name("Alice")).count(), 1, "the first name stays hers");
    }
}
