//! The members present, and how the screen calls each: by name, or by name and address if another name looks the same.

use ringchat_core::{Member, NodeId};
use unicode_security::skeleton;

/// The members present in the room.
#[derive(Default)]
pub(crate) struct Present(Vec<Person>);

struct Person {
    member: Member,
    looks: Looks,
}

impl Present {
    /// Exactly `members`.
    pub(crate) fn of<'a>(members: impl IntoIterator<Item = &'a Member>) -> Self {
        let mut present = Self::default();
        members.into_iter().for_each(|member| present.add(member));
        present
    }

    /// Adds `member` unless it is present already.
    pub(crate) fn add(&mut self, member: &Member) {
        if self.0.iter().all(|known| known.member.id != member.id) {
            self.0.push(Person { member: member.clone(), looks: Looks::of(member) });
        }
    }

    /// Removes the member `id`.
    pub(crate) fn remove(&mut self, id: NodeId) {
        self.0.retain(|known| known.member.id != id);
    }

    /// What the screen calls `member`, present or not: its name, with the address if the name of another member present
    /// looks the same.
    pub(crate) fn label(&self, member: &Member) -> String {
        let looks = Looks::of(member);
        let mut others = self.0.iter().filter(|other| other.member.id != member.id);
        if others.any(|other| other.looks.could_be(&looks)) {
            member.to_string()
        } else {
            member.name.to_string()
        }
    }
}

/// What a name looks like, by Unicode's table of confusable characters (UTS #39), regardless of case. There are two
/// forms, because a letter may look like one of the other case: `aIice` looks like `Alice` only before lowercasing,
/// `ALICE` only after.
#[derive(PartialEq, Eq)]
struct Looks {
    then_case: String,
    after_case: String,
}

impl Looks {
    fn of(member: &Member) -> Self {
        let name = member.name.as_str();
        let shape: String = skeleton(name).collect();
        Self {
            then_case: skeleton(&shape.to_lowercase()).collect(),
            after_case: skeleton(&name.to_lowercase()).collect(),
        }
    }

    /// Whether people could mistake one name for the other.
    fn could_be(&self, other: &Self) -> bool {
        self.then_case == other.then_case || self.after_case == other.after_case
    }
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroU64;

    use ringchat_core::Name;

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
        Present::of(&both).label(&both[0])
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
    fn once_the_other_has_gone_the_name_is_enough() {
        let (carol, other) = (member("Carol", 1), member("C\u{430}rol", 2));
        let mut present = Present::of([&carol]);
        present.add(&other);
        present.add(&other);
        present.remove(other.id);
        assert_eq!(present.label(&carol), "Carol");
        assert_eq!(present.label(&other), "C\u{430}rol(127.0.0.1:2)", "who has just gone");
    }
}
