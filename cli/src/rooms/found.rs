//! The rooms that others announce, as far as they are kept.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::net::SocketAddr;

use ringchat_core::Name;

use super::record::{MAX_ADDRS, Record, RoomTag};

/// Rooms that are kept, at most.
const MAX_ROOMS: usize = 64;

/// Announcements that are kept, at most.
const MAX_RECORDS: usize = MAX_ROOMS * MAX_ADDRS;

/// The room that is looked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Wanted {
    /// An open room of this name, in whatever case.
    Named(Name),
    /// The private room with this tag.
    Private(RoomTag),
}

impl Wanted {
    fn is_in(&self, record: &Record) -> bool {
        match self {
            Self::Named(name) => record.name.as_ref().map(case_folded) == Some(case_folded(name)),
            Self::Private(tag) => record.name.is_none() && record.tag == *tag,
        }
    }

    /// Whether `record` has that very name, letter by letter, or is private.
    fn is_exactly(&self, record: &Record) -> bool {
        match self {
            Self::Named(name) => record.name.as_ref() == Some(name),
            Self::Private(_) => self.is_in(record),
        }
    }
}

/// A room that is announced.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct FoundRoom {
    /// The room.
    pub(crate) tag: RoomTag,
    /// What the room is called, by one of its members if they write it differently; `None` if it is private.
    pub(crate) name: Option<Name>,
    /// Where members of it listen, at least one and at most [`MAX_ADDRS`].
    pub(crate) addrs: Vec<SocketAddr>,
}

/// `staff`, or `(private 3f9c21ab)`, since no name has brackets.
impl fmt::Display for FoundRoom {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.name {
            Some(name) => name.fmt(f),
            None => write!(f, "(private {})", self.tag),
        }
    }
}

/// All that is announced just now.
#[derive(Debug, Default)]
pub(crate) struct FoundRooms {
    wanted: Option<Wanted>,
    /// What was announced, by what the announcements are called.
    records: BTreeMap<String, Record>,
}

impl FoundRooms {
    /// Nothing yet. There is a place for the room that is `wanted`, however many others are announced.
    pub(crate) fn looking_for(wanted: Wanted) -> Self {
        Self { wanted: Some(wanted), ..Self::default() }
    }

    /// Keeps what the announcement called `instance` says, if there is a place for it.
    pub(crate) fn came(&mut self, instance: String, record: Record) {
        self.records.remove(&instance);
        if self.records.len() < MAX_RECORDS {
            self.records.insert(instance, record);
        } else if self.is_wanted(&record)
            && let Some(other) = self.records.iter().find(|(_, other)| !self.is_wanted(other))
        {
            let other = other.0.clone();
            self.records.remove(&other);
            self.records.insert(instance, record);
        }
    }

    /// The announcement called `instance` was taken back.
    pub(crate) fn went(&mut self, instance: &str) {
        self.records.remove(instance);
    }

    fn is_wanted(&self, record: &Record) -> bool {
        self.wanted.as_ref().is_some_and(|wanted| wanted.is_in(record))
    }

    /// Whether the room with this `tag`, which is wanted, is announced at another address than `own`.
    pub(crate) fn has_other(&self, tag: RoomTag, own: SocketAddr) -> bool {
        let mut of_room = self.records.values().filter(|record| record.tag == tag && self.is_wanted(record));
        of_room.any(|record| record.addrs.iter().any(|addr| *addr != own))
    }

    /// Another room than the one with this `tag` that is wanted too. What is announced at `own` alone was this member's.
    pub(crate) fn twin(&self, tag: RoomTag, own: SocketAddr) -> Option<FoundRoom> {
        let is_twin = |room: &FoundRoom| room.tag != tag && room.addrs.iter().any(|addr| *addr != own);
        self.wanted().into_iter().find(is_twin)
    }

    /// The rooms that are wanted: several, if several have that name.
    pub(crate) fn wanted(&self) -> Vec<FoundRoom> {
        by_room(self.records.values().filter(|record| self.is_wanted(record)))
    }

    /// Those of the rooms that are wanted which are written as the user writes the name, or all if none is.
    pub(crate) fn best(&self) -> Vec<FoundRoom> {
        let exact = |record: &Record| self.wanted.as_ref().is_some_and(|wanted| wanted.is_exactly(record));
        let exact: BTreeSet<RoomTag> =
            self.records.values().filter(|record| exact(record)).map(|record| record.tag).collect();
        let mut best = self.wanted();
        best.retain(|room| exact.is_empty() || exact.contains(&room.tag));
        best
    }

    /// All rooms, by name; private ones last.
    pub(crate) fn all(&self) -> Vec<FoundRoom> {
        by_room(self.records.values())
    }
}

fn by_room<'a>(records: impl Iterator<Item = &'a Record>) -> Vec<FoundRoom> {
    type Rooms<'a> = BTreeMap<(bool, Option<String>, RoomTag), (Option<&'a Name>, BTreeSet<SocketAddr>)>;
    let mut rooms = Rooms::new();
    for record in records {
        let name = record.name.as_ref();
        let room = (name.is_none(), name.map(case_folded), record.tag);
        rooms.entry(room).or_insert_with(|| (name, BTreeSet::new())).1.extend(&record.addrs);
    }
    let found = rooms.into_iter().map(|((_, _, tag), (name, addrs))| FoundRoom {
        tag,
        name: name.cloned(),
        addrs: addrs.into_iter().take(MAX_ADDRS).collect(),
    });
    found.take(MAX_ROOMS).collect()
}

/// What names have in common that differ only in case.
fn case_folded(name: &Name) -> String {
    name.as_str().to_lowercase()
}

#[cfg(test)]
mod tests {
    use ringchat_core::RoomId;

    use super::*;

    fn name(name: &str) -> Name {
        Name::new(name).unwrap()
    }

    fn tag(room: u8) -> RoomTag {
        RoomTag::of(RoomId([room; RoomId::BYTES]))
    }

    fn record(room: u8, called: Option<&str>, addr: &str) -> Record {
        Record { tag: tag(room), name: called.map(name), addrs: [addr.parse().unwrap()].into() }
    }

    #[test]
    fn a_room_has_the_addresses_of_all_that_announce_it_until_they_take_that_back() {
        let mut found = FoundRooms::looking_for(Wanted::Named(name("staff")));
        found.came("a".to_owned(), record(1, Some("staff"), "192.0.2.9:5000"));
        found.came("b".to_owned(), record(1, Some("staff"), "192.0.2.2:41873"));
        found.came("c".to_owned(), record(2, Some("lab"), "192.0.2.3:1"));
        found.came("d".to_owned(), record(3, None, "192.0.2.4:1"));
        let shown: Vec<String> = found.all().iter().map(ToString::to_string).collect();
        assert_eq!(shown, ["lab", "staff", &format!("(private {})", tag(3))]);
        let addrs = |found: &FoundRooms| found.wanted().into_iter().flat_map(|room| room.addrs).collect();
        let of_staff: Vec<SocketAddr> = addrs(&found);
        assert_eq!(of_staff, ["192.0.2.2:41873", "192.0.2.9:5000"].map(|addr| addr.parse().unwrap()));
        let [other, moved] = ["192.0.2.2:41873", "192.0.2.2:41874"].map(|addr| addr.parse().unwrap());
        assert!(found.has_other(tag(1), other) && !found.has_other(tag(2), other), "only one room is wanted");
        found.went("a");
        found.came("b".to_owned(), record(1, Some("staff"), "192.0.2.2:41874"));
        assert!(found.has_other(tag(1), other) && !found.has_other(tag(1), moved), "all are its own");
        let of_staff: Vec<SocketAddr> = addrs(&found);
        assert_eq!(of_staff, ["192.0.2.2:41874".parse().unwrap()]);
        found.went("b");
        assert_eq!(found.wanted(), []);
    }

    #[test]
    fn two_rooms_of_one_name_are_two_and_a_private_one_is_found_by_its_tag_alone() {
        let (mut named, mut private) = (
            FoundRooms::looking_for(Wanted::Named(name("staff"))),
            FoundRooms::looking_for(Wanted::Private(tag(2))),
        );
        for found in [&mut named, &mut private] {
            found.came("a".to_owned(), record(1, Some("staff"), "192.0.2.1:1"));
            found.came("b".to_owned(), record(2, Some("staff"), "192.0.2.2:1"));
            found.came("c".to_owned(), record(2, None, "192.0.2.3:1"));
            found.came("d".to_owned(), record(3, None, "192.0.2.4:1"));
        }
        assert_eq!(named.wanted().len(), 2);
        let [first, second] = ["192.0.2.1:1", "192.0.2.2:1"].map(|addr| addr.parse().unwrap());
        assert_eq!(named.twin(tag(1), first).map(|twin| twin.addrs), Some(vec![second]));
        assert_eq!(named.twin(tag(1), second), None, "what was announced here before");
        assert_eq!(private.twin(tag(2), first), None);
        let addrs: Vec<SocketAddr> = private.wanted().into_iter().flat_map(|room| room.addrs).collect();
        assert_eq!(addrs, ["192.0.2.3:1".parse().unwrap()]);
    }

    #[test]
    fn the_case_of_a_name_counts_only_between_two_rooms() {
        let mut found = FoundRooms::looking_for(Wanted::Named(name("Staff")));
        found.came("a".to_owned(), record(1, Some("staff"), "192.0.2.1:1"));
        found.came("b".to_owned(), record(1, Some("STAFF"), "192.0.2.2:1"));
        let one = found.wanted();
        assert_eq!((one.len(), one[0].addrs.len()), (1, 2), "{one:?}");
        assert_eq!((found.all(), found.best()), (one.clone(), one.clone()));
        let own = "192.0.2.1:1".parse().unwrap();
        assert!(found.has_other(tag(1), own) && found.twin(tag(1), own).is_none());
        found.came("c".to_owned(), record(2, Some("Staff"), "192.0.2.3:1"));
        assert_eq!((found.wanted().len(), found.best().len()), (2, 1));
        assert_eq!(found.best()[0].tag, tag(2));
        assert_eq!(found.twin(tag(1), own).map(|twin| twin.tag), Some(tag(2)));
        found.came("c".to_owned(), record(2, Some("sTaff"), "192.0.2.3:1"));
        assert_eq!(found.best().len(), 2, "nobody knows which is meant");
    }

    #[test]
    fn however_many_are_announced_few_are_kept_and_the_wanted_one_is_among_them() {
        let mut found = FoundRooms::looking_for(Wanted::Named(name("staff")));
        for n in 0..2 * MAX_RECORDS {
            let addr = format!("192.0.2.1:{}", n + 1);
            found.came(format!("a{n}"), record(1, Some("crowd"), &addr));
            found.came(format!("b{n}"), record(2, Some(&format!("crowd{n}")), &addr));
        }
        assert_eq!((found.records.len(), found.all().len()), (MAX_RECORDS, MAX_ROOMS));
        assert!(found.all().iter().all(|room| room.addrs.len() <= MAX_ADDRS));
        found.came("z".to_owned(), record(3, Some("staff"), "192.0.2.7:7"));
        assert_eq!((found.records.len(), found.wanted().len()), (MAX_RECORDS, 1));
    }
}
