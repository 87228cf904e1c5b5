use std::num::NonZeroU64;
use std::path::{Path, PathBuf};

use ringchat_core::{Epoch, NodeId, Roster, Stamp, Stats};
use tempfile::TempDir;

use super::*;

const ME: [u8; 32] = [0xff; 32];

fn member(name: &str, key: u8) -> Member {
    let id = NodeId::new([key; 32], NonZeroU64::MIN);
    Member::new(id, ([127, 0, 0, 1], key.into()).into(), Name::new(name).unwrap())
}

fn report(members: &[Member]) -> Report {
    let me = member("Me", 0xff);
    let members = [std::slice::from_ref(&me), members].concat();
    Report {
        me: me.clone(),
        leader: None,
        epoch: Epoch(1),
        members: Roster::new(members).unwrap(),
        prev: me.clone(),
        next: me,
        lamport: Stamp(1),
        stats: Stats::default(),
    }
}

fn secret() -> Secret {
    Secret::new([5; Secret::BYTES])
}

/// A folder for the file of known keys, and its path.
fn place() -> (TempDir, PathBuf) {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("ringchat").join("known");
    (dir, path)
}

/// The people of a new start of the program, in a private room.
fn started(path: &Path) -> People {
    People::new(ME, Some(secret()), None, KnownFile::at(Some(path.to_owned())).0)
}

/// People who know nobody, in an open room.
fn strangers() -> People {
    People::new(ME, None, None, KnownFile::at(None).0)
}

/// Whether a remark says that a known name has another key.
fn is_warning(remark: &Remark) -> bool {
    matches!(remark, Remark::KeyChanged { .. })
}

#[test]
fn a_name_that_comes_with_another_key_is_warned_of_once_and_names_both_keys() {
    let (_dir, path) = place();
    let mut people = started(&path);
    people.heard(&member("Alice", 1));
    people.save().unwrap();
    let mut people = started(&path);
    let other = member("Alice", 2);
    let warned = people.met(&other).unwrap();
    let words = wording::remark(&warned);
    let keys = [[2; 32], [1; 32]].map(|key| ShortKey::new(&key));
    let start = format!("WARNING: this Alice has the key {}, not {} as on ", keys[0], keys[1]);
    assert!(words.starts_with(&start) && words.ends_with(": another person, or a new machine"), "{words}");
    assert_eq!((people.met(&other), people.heard(&other).iter().any(is_warning)), (None, false));
    assert!(people.is_doubtful(&other));
    assert_eq!(people.met(&member("Alice", 1)), None, "she herself");
}

#[test]
fn beside_a_verified_key_another_one_of_the_same_name_is_warned_of_each_time() {
    let (_dir, path) = place();
    let (alice, other) = (member("Alice", 1), member("Alice", 2));
    let mut people = started(&path);
    let key = ShortKey::new(alice.id.key()).to_string();
    people.verify("Alice", &key, &report(std::slice::from_ref(&alice))).unwrap();
    people.save().unwrap();
    for _ in 0..2 {
        let mut people = started(&path);
        assert!(people.heard(&other).iter().any(is_warning));
        assert_eq!(people.met(&alice), None);
        assert!(!people.is_doubtful(&alice) && people.is_doubtful(&other));
        people.save().unwrap();
    }
}

#[test]
fn of_a_member_with_another_key_than_the_known_one_nobody_is_asked_to_verify_it() {
    let (_dir, path) = place();
    let (bob, other) = (member("Bob", 1), member("Bob", 2));
    let mut people = started(&path);
    let key = ShortKey::new(bob.id.key()).to_string();
    people.verify("Bob", &key, &report(std::slice::from_ref(&bob))).unwrap();
    assert!(people.met(&other).is_some_and(|remark| is_warning(&remark)));
    assert_eq!(people.heard(&other), [], "the warning was enough");
    assert_eq!(people.heard(&member("Cyd", 3)), [Remark::New(member("Cyd", 3))]);
}

#[test]
fn of_many_members_listed_under_a_known_name_the_user_is_warned_of_some_and_of_each_that_speaks() {
    let (_dir, path) = place();
    let mut people = started(&path);
    assert_eq!(people.heard(&member("alice", 1)).iter().filter(|it| is_warning(it)).count(), 0);
    let listed: Vec<Member> = (2..200).map(|key| member("alice", key)).collect();
    assert_eq!(
        people.entered(&member("Me", 0xff), &listed).iter().filter(|it| is_warning(it)).count(),
        MAX_LISTED
    );
    for (member, warnings) in [(&listed[0], 0), (&listed[100], 1), (&listed[100], 0)] {
        assert_eq!(people.heard(member).iter().filter(|it| is_warning(it)).count(), warnings);
    }
}

#[test]
fn beside_another_key_of_a_verified_name_stands_the_verified_one() {
    let (alice, other, lookalike) = (member("Alice", 1), member("Alice", 2), member("aIice", 3));
    let mut people = strangers();
    people.heard(&other);
    assert_eq!(people.verified_instead(&other), None, "a key that was only heard is not enough");
    let key = ShortKey::new(alice.id.key()).to_string();
    people.verify("127.0.0.1:1", &key, &report(&[alice.clone(), other.clone()])).unwrap();
    for doubtful in [&other, &lookalike] {
        assert_eq!(people.verified_instead(doubtful), Some((alice.id.key(), &alice.name)));
    }
    let words = wording::verified_instead(&people, &other);
    assert_eq!(words, format!(", but you verified the key {key} as Alice"));
    for clear in [&alice, &member("Alice", 0xff), &member("Bob", 4)] {
        assert_eq!(wording::verified_instead(&people, clear), "");
    }
    let second = ShortKey::new(other.id.key()).to_string();
    people.verify("127.0.0.1:2", &second, &report(std::slice::from_ref(&other))).unwrap();
    assert_eq!(people.verified_instead(&other), None, "she has two machines");
}

#[test]
fn a_leader_that_invents_a_member_makes_no_key_known() {
    let (_dir, path) = place();
    let mut people = started(&path);
    let invented = member("Alice", 1);
    people.entered(&member("Me", 0xff), [&invented]);
    people.met(&invented);
    people.save().unwrap();
    assert!(!path.exists());
    assert_eq!(people.mark(&invented), Mark::New);
    people.heard(&invented);
    people.save().unwrap();
    assert!(matches!(started(&path).mark(&invented), Mark::Known(_, name) if name.as_str() == "Alice"));
}

#[test]
fn a_known_key_under_a_new_name_and_a_look_alike_are_doubtful() {
    let mut people = strangers();
    people.heard(&member("Alice", 1));
    assert!(!people.is_doubtful(&member("Alice", 1)));
    assert!(people.is_doubtful(&member("Bob", 1)), "a new name");
    people.heard(&member("Bob", 1));
    assert!(people.is_doubtful(&member("Bob", 1)), "until the end of the session");
    people.heard(&member("Alice", 1));
    assert!(people.is_doubtful(&member("aIice", 2)), "a look-alike");
    assert!(people.is_doubtful(&member("Alice", 2)), "the same name");
    assert!(!people.is_doubtful(&member("Carol", 3)));
    assert!(!people.is_doubtful(&member("Alice", 0xff)), "oneself");
}

#[test]
fn in_a_private_room_a_new_key_is_told_once_and_in_an_open_room_never() {
    let (_dir, path) = place();
    let mut people = started(&path);
    assert_eq!(people.heard(&member("Alice", 1)), [Remark::New(member("Alice", 1))]);
    assert_eq!(people.heard(&member("Alice", 1)), []);
    people.save().unwrap();
    assert_eq!(started(&path).heard(&member("Alice", 1)), []);
    assert_eq!(strangers().heard(&member("Alice", 1)), []);
}

#[test]
fn the_key_of_the_ticket_is_recognized_when_it_signs() {
    let mut people = People::new(ME, Some(secret()), Some([1; 32]), KnownFile::at(None).0);
    let alice = member("Alice", 1);
    let me = member("Me", 0xff);
    assert_eq!(people.entered(&me, [&alice]), [Remark::TicketListed(alice.clone())]);
    assert_eq!(people.entered(&me, [&alice]), [], "when the user comes back");
    assert_eq!(people.heard(&alice), [Remark::OfTicket(alice.clone())]);
    let words = wording::remark(&Remark::OfTicket(alice.clone()));
    assert_eq!(words, format!("Alice has the key {}, the one in your ticket", ShortKey::new(&[1; 32])));
    let mut people = People::new(ME, Some(secret()), Some([1; 32]), KnownFile::at(None).0);
    assert_eq!(people.entered(&me, [&member("Bob", 2)]), [Remark::TicketUnlisted([1; 32])]);
}

#[test]
fn a_key_is_verified_by_its_short_or_its_whole_form_and_a_wrong_one_is_refused_plainly() {
    let here = report(&[member("Alice", 1), member("Bob Smith", 2)]);
    let mut people = strangers();
    let [alice, bob] = [[1; 32], [2; 32]].map(|key| ShortKey::new(&key).to_string());
    let wrong = people.verify("Alice", &bob, &here).unwrap_err().to_string();
    assert!(wrong.starts_with("NOT the same: Alice(127.0.0.1:1) has the key "), "{wrong}");
    assert_eq!(people.mark(&member("Alice", 1)), Mark::New);
    people.verify("alice", &alice.to_uppercase(), &here).unwrap();
    people.verify("Bob Smith", &crate::trust::full_key(&[2; 32]), &here).unwrap();
    for (name, key) in [("Alice", 1), ("Bob Smith", 2)] {
        assert_eq!(people.mark(&member(name, key)), Mark::Verified(Name::new(name).unwrap()));
    }
    assert!(matches!(people.verify("Alice", "k3f7", &here), Err(VerifyError::NoKey)));
    assert!(matches!(people.verify("Carol", &alice, &here), Err(VerifyError::Nobody(_))));
    let ticket = People::new(ME, Some(secret()), None, KnownFile::at(None).0).ticket(&here).unwrap();
    let astray = people.verify(&ticket, &alice, &here).unwrap_err().to_string();
    assert!(astray.starts_with("nobody here is called so; /keys"), "{astray}");
}

#[test]
fn who_is_meant_goes_by_key_address_or_name_and_what_is_ambiguous_lists_all() {
    let here = report(&[member("Bob", 1), member("Bob", 2), member("bob", 3)]);
    let mut people = strangers();
    let key = ShortKey::new(&[2; 32]).to_string();
    let ambiguous = people.verify("Bob", &key, &here).unwrap_err().to_string();
    for candidate in [1, 2] {
        let candidate = format!("Bob(127.0.0.1:{candidate}) {}", ShortKey::new(&[candidate; 32]));
        assert!(ambiguous.contains(&candidate), "{ambiguous}");
    }
    assert!(!ambiguous.contains("127.0.0.1:3"), "{ambiguous}");
    for who in ["127.0.0.1:2", "Bob(127.0.0.1:2)", &key] {
        assert_eq!(people.verify(who, &key, &here).unwrap().addr().port(), 2, "{who}");
    }
    assert!(
        matches!(people.verify("BOB", &key, &here), Err(VerifyError::Ambiguous { members, .. }) if members.len() == 3)
    );
}

/// Another program with the key of a member, in the life of this number, at this port.
fn again(key: u8, life: u64, port: u16) -> Member {
    let id = NodeId::new([key; 32], NonZeroU64::new(life).unwrap());
    Member::new(id, ([127, 0, 0, 1], port).into(), Name::new("Alice").unwrap())
}

#[test]
fn another_program_with_the_own_key_is_told_once_and_an_earlier_life_never() {
    let (me, mine, other) = (again(0xff, 7, 5000), again(0xff, 6, 5000), again(0xff, 8, 5001));
    let mut people = strangers();
    assert_eq!(people.met(&other), None, "nothing is known before the room is entered");
    assert_eq!(people.entered(&me, [&me, &mine]), []);
    assert_eq!(people.met(&other), Some(Remark::SameKey(other.clone())));
    let words = wording::remark(&Remark::SameKey(other.clone()));
    assert!(
        words.starts_with("WARNING: another program with your key is in the room, as Alice(127.0.0.1:5001)"),
        "{words}"
    );
    assert_eq!(people.met(&again(0xff, 9, 5001)), None, "a later life of the same");
    let next_life = again(0xff, 10, 5000);
    assert_eq!(
        people.entered(&next_life, [&me, &next_life, &other]),
        [],
        "after the room went on without the user"
    );
    let third = again(0xff, 11, 5002);
    assert_eq!(people.entered(&me, [&third]), [Remark::SameKey(third.clone())]);
    assert_eq!(people.met(&again(1, 12, 5003)), None, "the key of somebody else");
}

#[test]
fn two_programs_of_one_person_are_one_to_verify() {
    let here = report(&[member("Alice", 1), again(1, 9, 9)]);
    let key = ShortKey::new(&[1; 32]).to_string();
    assert!(strangers().verify("Alice", &key, &here).is_ok());
}

#[test]
fn a_ticket_has_the_secret_the_own_key_and_at_most_eight_addresses_the_own_one_first() {
    let others: Vec<Member> = (1..=20).map(|key| member("Bob", key)).collect();
    let (_dir, path) = place();
    let ticket: Ticket = started(&path).ticket(&report(&others)).unwrap().parse().unwrap();
    assert_eq!((ticket.secret(), ticket.issuer()), (&secret(), &ME));
    let ports: Vec<u16> = ticket.addrs().iter().map(SocketAddr::port).collect();
    assert_eq!(ports, [255, 1, 2, 3, 4, 5, 6, 7]);
    let alone: Ticket = started(&path).ticket(&report(&[])).unwrap().parse().unwrap();
    assert_eq!(alone.addrs().len(), 1);
    assert_eq!(strangers().ticket(&report(&[])).unwrap_err(), NoTicket::Open);
}
