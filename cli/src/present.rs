//! The members present, and how the screen calls each: by name, with the address if another name looks the same, and
//! with the key if the name alone says too little.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use ringchat_core::secure::ShortKey;
use ringchat_core::{Member, Name, NodeId, skeleton};

use crate::apart::ending;

/// The members present in the room.
#[derive(Default)]
pub(crate) struct Present(BTreeMap<NodeId, Person>);

struct Person {
    looks: Looks,
    addr: SocketAddr,
    /// Whether the key is shown beside the name.
    has_key: bool,
}

impl Present {
    /// Exactly `members`; the key is shown beside the name of those that are `doubtful`.
    pub(crate) fn of<'a>(
        members: impl IntoIterator<Item = &'a Member>,
        doubtful: impl Fn(&Member) -> bool,
    ) -> Self {
        let mut present = Self::default();
        members.into_iter().for_each(|member| present.add(member, doubtful(member)));
        present
    }

    /// Adds `member`. Its key is shown beside its name if it `is_doubtful`.
    pub(crate) fn add(&mut self, member: &Member, is_doubtful: bool) {
        let person = Person { looks: Looks::of(&member.name), addr: member.addr(), has_key: is_doubtful };
        self.0.insert(member.id, person);
    }

    /// Removes the member `id`.
    pub(crate) fn remove(&mut self, id: NodeId) {
        self.0.remove(&id);
    }

    /// How many are present.
    pub(crate) fn count(&self) -> usize {
        self.0.len()
    }

    /// What the screen calls `member`, present or not: its name, with the address if the name of another member present
    /// looks the same, and with the key if the member is doubtful.
    pub(crate) fn label(&self, member: &Member) -> String {
        let is_ambiguous = self.is_ambiguous(member);
        let has_key = self.0.get(&member.id).is_some_and(|person| person.has_key);
        match (is_ambiguous, has_key) {
            (false, false) => member.name.to_string(),
            (true, false) => member.to_string(),
            (false, true) => format!("{}({})", member.name, ShortKey::new(member.id.key())),
            (true, true) => format!("{}({} {})", member.name, member.addr(), ShortKey::new(member.id.key())),
        }
    }

    /// Whether the name of another member present looks like that of `member`.
    fn is_ambiguous(&self, member: &Member) -> bool {
        let looks = Looks::of(&member.name);
        self.others_like(member.id, &looks).next().is_some()
    }

    /// What tells `member` from other people present whose names look the same; `None` if there are none. An earlier life
    /// of the member is nobody else.
    pub(crate) fn ending(&self, member: &Member) -> Option<String> {
        let looks = Looks::of(&member.name);
        let others = self.others_like(member.id, &looks);
        let others = others.filter(|(id, _)| id.key() != member.id.key()).map(|(_, other)| other.addr);
        others.clone().next()?;
        Some(ending(member.addr(), others))
    }

    /// The members whose names look so, but for the member `id`.
    fn others_like<'a>(
        &'a self,
        id: NodeId,
        looks: &'a Looks,
    ) -> impl Iterator<Item = (&'a NodeId, &'a Person)> + Clone + 'a {
        let others = self.0.iter().filter(move |(other, _)| **other != id);
        others.filter(|(_, other)| other.looks.could_be(looks))
    }

    /// What stands beside the address of `author`, as it signed its text: the key if the member is doubtful or the room
    /// calls it `known_as` otherwise, and that other name. Usually empty.
    pub(crate) fn beside(&self, author: &Member, known_as: Option<&Name>) -> String {
        let has_key = self.0.get(&author.id).is_some_and(|person| person.has_key);
        match known_as {
            Some(other) => format!(" {}, in the room as {other}", ShortKey::new(author.id.key())),
            None if has_key => format!(" {}", ShortKey::new(author.id.key())),
            None => String::new(),
        }
    }
}

/// What a name looks like, by Unicode's table of confusable characters (UTS #39), regardless of case. There are two
/// forms, because a letter may look like one of the other case: `aIice` looks like `Alice` only before lowercasing,
/// `ALICE` only after.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Looks {
    then_case: String,
    after_case: String,
}

impl Looks {
    /// The looks of `name`.
    pub(crate) fn of(name: &Name) -> Self {
        let name = name.as_str();
        let shape: String = skeleton(name).collect();
        Self {
            then_case: skeleton(&shape.to_lowercase()).collect(),
            after_case: skeleton(&name.to_lowercase()).collect(),
        }
    }

    /// Both forms. People could mistake two names for each other only if they share one.
    pub(crate) fn forms(&self) -> [&str; 2] {
        [&self.then_case, &self.after_case]
    }

    /// For each of `all`, whether people could mistake it for another of them.
    pub(crate) fn alike<'a>(all: impl Iterator<Item = &'a Self> + Clone) -> Vec<bool> {
        let (mut then_case, mut after_case) =
            (BTreeMap::<&str, usize>::new(), BTreeMap::<&str, usize>::new());
        for looks in all.clone() {
            *then_case.entry(&looks.then_case).or_default() += 1;
            *after_case.entry(&looks.after_case).or_default() += 1;
        }
        let is_shared =
            |counts: &BTreeMap<&str, usize>, form: &str| counts.get(form).is_some_and(|count| *count > 1);
        all.map(|looks| is_shared(&then_case, &looks.then_case) || is_shared(&after_case, &looks.after_case))
            .collect()
    }

    /// Whether people could mistake one name for the other.
    pub(crate) fn could_be(&self, other: &Self) -> bool {
        self.then_case == other.then_case || self.after_case == other.after_case
    }
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroU64;

    use super::*;

    fn member(name: &str, port: u16) -> Member {
        let mut key = [0; 32];
        key[..2].copy_from_slice(&port.to_be_bytes());
        Member::new(
            NodeId::new(key, NonZeroU64::MIN),
            ([127, 0, 0, 1], port).into(),
            Name::new(name).unwrap(),
        )
    }

    /// What a member called `name` is called while one called `other` is present.
    fn beside(name: &str, other: &str) -> String {
        let both = [member(name, 1), member(other, 2)];
        Present::of(&both, |_| false).label(&both[0])
    }

    #[test]
    fn an_earlier_life_of_a_member_is_not_told_apart_from_it() {
        let now = member("Bob", 1);
        let life = NonZeroU64::MIN.saturating_add(1);
        let before =
            Member::new(NodeId::new(*now.id.key(), life), ([127, 0, 0, 1], 9).into(), now.name.clone());
        let others = [now.clone(), member("Bob", 2)];
        assert_eq!(Present::of(&others[..1], |_| false).ending(&before), None);
        assert_eq!(Present::of(&others, |_| false).ending(&before), Some(":9".to_owned()));
    }

    #[test]
    fn a_unique_name_stands_alone() {
        assert_eq!(beside("Carol", "Bob"), "Carol");
        assert_eq!(beside("Carol", "Carole"), "Carol");
        assert_eq!(Present::default().label(&member("Carol", 1)), "Carol");
    }

    #[test]
    fn equal_names_and_look_alikes_are_told_apart_by_address() {
        for (name, other) in [
            ("Carol", "Carol"),
            ("Carol", "C\u{430}rol"),
            ("Carol", "Caro1"),
            ("Alice", "alice"),
            ("Alice", "ALICE"),
            ("Alice", "aIice"),
            ("Bill", "BiIl"),
            ("modern", "rnodern"),
            ("Zoë", "Zoe\u{308}"),
            ("scope", "ѕсоре"),
            ("Eve", "Ｅｖｅ"),
        ] {
            assert_eq!(beside(name, other), format!("{name}(127.0.0.1:1)"), "beside {other}");
            assert_eq!(beside(other, name), format!("{other}(127.0.0.1:1)"), "beside {name}");
        }
    }

    #[test]
    fn of_several_names_those_that_another_looks_like_are_found() {
        let names = ["Carol", "Bob", "C\u{430}rol", "Alice", "aIice", "ALICE", "Eve"];
        let looks = names.map(|name| Looks::of(&Name::new(name).unwrap()));
        assert_eq!(Looks::alike(looks.iter()), [true, false, true, true, true, true, false]);
    }

    #[test]
    fn once_the_other_has_gone_the_name_is_enough() {
        let (carol, other) = (member("Carol", 1), member("C\u{430}rol", 2));
        let mut present = Present::of([&carol], |_| false);
        present.add(&other, false);
        present.add(&other, false);
        present.remove(other.id);
        assert_eq!(present.label(&carol), "Carol");
        assert_eq!(present.label(&other), "C\u{430}rol(127.0.0.1:2)", "who has just gone");
    }

    #[test]
    fn the_key_of_a_doubtful_member_stands_beside_its_name() {
        let (alice, other) = (member("Alice", 1), member("aIice", 2));
        let (key, other_key) = (ShortKey::new(alice.id.key()), ShortKey::new(other.id.key()));
        let mut present = Present::of([&alice], |_| true);
        assert_eq!(present.label(&alice), format!("Alice({key})"));
        assert_eq!(present.beside(&alice, None), format!(" {key}"));
        present.add(&other, false);
        assert_eq!(present.label(&alice), format!("Alice(127.0.0.1:1 {key})"));
        assert_eq!(present.beside(&other, None), "");
        let listed = Name::new("Bob").unwrap();
        assert_eq!(present.beside(&other, Some(&listed)), format!(" {other_key}, in the room as Bob"));
        assert_eq!(present.beside(&member("Carol", 3), None), "", "who has gone");
    }
}
