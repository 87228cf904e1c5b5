//! The members whose texts the user does not want to see. The log and the room know nothing of that.

use std::collections::BTreeMap;

use ringchat_core::{Member, Report};
use thiserror::Error;

use crate::people::{VerifyError, find};
use crate::wording;

/// The maximum number of keys that are ignored.
const MAX_IGNORED: usize = 256;

/// Why nobody was ignored, or nobody is heard again.
#[derive(Debug, Error)]
pub(crate) enum IgnoreError {
    /// It is not clear who is meant.
    #[error(transparent)]
    Who(#[from] VerifyError),
    /// The user is meant.
    #[error("this is you; nobody is ignored")]
    Oneself,
    /// Too many are ignored.
    #[error("you ignore {MAX_IGNORED} already; /unignore somebody first")]
    Full,
    /// Nobody who is called so is ignored.
    #[error("you ignore nobody called so; /ignore alone shows whom you ignore")]
    NotIgnored,
}

/// The holders of keys whose texts are not shown.
#[derive(Debug, Default)]
pub(crate) struct Ignored(BTreeMap<[u8; 32], Silent>);

#[derive(Debug)]
struct Silent {
    /// As whom the user knew it.
    member: Member,
    /// How many texts were not shown.
    texts: u64,
}

impl Ignored {
    /// Ignores the member of the room that is called `who`.
    ///
    /// # Errors
    /// If it is not clear who that is, or if it is the user.
    pub(crate) fn add<'a>(&mut self, who: &str, report: &'a Report) -> Result<&'a Member, IgnoreError> {
        let member = find(who, &report.members)?;
        let key = *member.id.key();
        if key == *report.me.id.key() {
            return Err(IgnoreError::Oneself);
        }
        if self.0.len() >= MAX_IGNORED && !self.0.contains_key(&key) {
            return Err(IgnoreError::Full);
        }
        self.0.entry(key).or_insert_with(|| Silent { member: member.clone(), texts: 0 });
        Ok(member)
    }

    /// Shows the texts of whoever was ignored as `who` again.
    ///
    /// # Errors
    /// If nobody was, or it is not clear who is meant.
    pub(crate) fn remove(&mut self, who: &str) -> Result<Member, IgnoreError> {
        let found = find(who, self.0.values().map(|silent| &silent.member));
        let key = match found {
            Ok(member) => *member.id.key(),
            Err(VerifyError::Nobody(_)) => return Err(IgnoreError::NotIgnored),
            Err(error) => return Err(error.into()),
        };
        self.0.remove(&key).map(|silent| silent.member).ok_or(IgnoreError::NotIgnored)
    }

    /// What the user calls `member`, whom [`remove`](Self::remove) finds by that among all that are ignored now.
    pub(crate) fn called(&self, member: &Member) -> String {
        match find(member.name.as_str(), self.0.values().map(|silent| &silent.member)) {
            Ok(found) if found.id.key() == member.id.key() => member.name.to_string(),
            _ => member.addr().to_string(),
        }
    }

    /// Whether what the holder of `key` says is not shown.
    pub(crate) fn has(&self, key: &[u8; 32]) -> bool {
        self.0.contains_key(key)
    }

    /// Whether a text of the holder of `key` is not shown. Counts it then.
    pub(crate) fn hides(&mut self, key: &[u8; 32]) -> bool {
        let Some(silent) = self.0.get_mut(key) else { return false };
        silent.texts = silent.texts.saturating_add(1);
        true
    }

    /// Who is ignored, a line each.
    pub(crate) fn lines(&self) -> Vec<String> {
        if self.0.is_empty() {
            return vec!["you ignore nobody; /ignore NAME begins it".to_owned()];
        }
        let each =
            |silent: &Silent| format!("{}: {} not shown", silent.member, wording::messages(silent.texts));
        self.0.values().map(each).collect()
    }
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroU64;

    use ringchat_core::{Epoch, Name, NodeId, Roster, Stamp, Stats};

    use super::*;

    fn member(name: &str, n: u16) -> Member {
        let mut key = [0; 32];
        key[..2].copy_from_slice(&n.to_be_bytes());
        Member::new(NodeId::new(key, NonZeroU64::MIN), ([127, 0, 0, 1], n).into(), Name::new(name).unwrap())
    }

    fn room(members: Vec<Member>) -> Report {
        Report {
            me: members[0].clone(),
            leader: None,
            epoch: Epoch(1),
            prev: members[0].clone(),
            next: members[0].clone(),
            members: Roster::new(members).unwrap(),
            lamport: Stamp(1),
            stats: Stats::default(),
        }
    }

    #[test]
    fn a_key_is_ignored_whatever_its_holder_is_called_until_it_is_heard_again() {
        let bob = member("Bob", 2);
        let report = room(vec![member("me", 1), bob.clone(), member("Carol", 3)]);
        let mut ignored = Ignored::default();
        assert!(!ignored.hides(bob.id.key()));
        assert_eq!(ignored.add("bob", &report).unwrap(), &bob);
        assert!(ignored.hides(bob.id.key()) && ignored.hides(bob.id.key()) && ignored.has(bob.id.key()));
        assert!(!ignored.hides(member("Bob", 9).id.key()), "another Bob");
        assert_eq!(ignored.lines(), ["Bob(127.0.0.1:2): 2 messages not shown"]);
        assert!(matches!(ignored.remove("carol"), Err(IgnoreError::NotIgnored)));
        assert_eq!(ignored.remove("Bob").unwrap(), bob);
        assert!(!ignored.hides(bob.id.key()));
    }

    #[test]
    fn neither_oneself_nor_nobody_nor_two_are_ignored() {
        let report = room(vec![member("me", 1), member("Bob", 2), member("Bob", 3)]);
        let mut ignored = Ignored::default();
        assert!(matches!(ignored.add("me", &report), Err(IgnoreError::Oneself)));
        let said = ignored.add("Bob", &report).unwrap_err().to_string();
        assert!(said.contains("Bob(127.0.0.1:2)") && said.contains("Bob(127.0.0.1:3)"), "{said}");
        assert!(matches!(ignored.add("Eve", &report), Err(IgnoreError::Who(VerifyError::Nobody(_)))));
    }

    #[test]
    fn what_an_ignored_member_is_called_ends_that() {
        let [me, bob, other, carol] =
            [member("me", 1), member("Bob", 2), member("Bob", 3), member("Carol", 4)];
        let report = room(vec![me, bob.clone(), other.clone(), carol.clone()]);
        let mut ignored = Ignored::default();
        for (member, name) in [(&bob, "Bob"), (&other, "127.0.0.1:3"), (&carol, "Carol")] {
            ignored.add(&member.addr().to_string(), &report).unwrap();
            assert_eq!(ignored.called(member), name);
        }
        let called = ignored.called(&other);
        assert_eq!(ignored.remove(&called).unwrap().id, other.id);
    }

    #[test]
    fn no_more_are_ignored_than_there_is_place_for() {
        let mut ignored = Ignored::default();
        let others = (2..).take(MAX_IGNORED + 1).map(|n| member(&format!("m{n}"), n));
        let report = room([member("me", 1)].into_iter().chain(others).collect());
        for n in (2..).take(MAX_IGNORED) {
            ignored.add(&format!("m{n}"), &report).unwrap();
        }
        assert!(matches!(ignored.add(&format!("m{}", MAX_IGNORED + 2), &report), Err(IgnoreError::Full)));
        assert!(ignored.add("m2", &report).is_ok());
    }
}
