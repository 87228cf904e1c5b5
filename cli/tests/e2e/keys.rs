//! Known keys: compared, remembered, and missed when a name comes with another one.

use std::fs;

use serde_json::json;

use crate::support::{EventKey, MemberIndex, ReceivedEvent, Runtimes, TestRoom, on_every_runtime};

on_every_runtime! {
    a_verified_key_is_known_to_the_next_process
    a_name_with_another_key_is_warned_of
    a_key_that_is_not_the_same_is_refused
    the_last_day_of_a_known_key_is_written_at_the_end
}

fn events(room: &TestRoom, who: MemberIndex) -> usize {
    room.record(who, |record| record.events.len())
}

/// What `who` knows of the keys of all members.
fn keys(room: &mut TestRoom, who: MemberIndex) -> Vec<EventKey> {
    let from = events(room, who);
    room.command(who, "keys");
    room.wait_for(who, from, |event| match event {
        ReceivedEvent::Keys { members } => Some(members.clone()),
        _ => None,
    })
}

fn of(keys: &[EventKey], name: &str) -> EventKey {
    keys.iter().find(|key| key.name == name).unwrap().clone()
}

/// Starts a member called `name`, with the key files of `home`, that joins through `contact`.
fn join_as(room: &mut TestRoom, name: &str, home: &str, contact: MemberIndex) -> MemberIndex {
    let contact = room.addr(contact);
    let who = room.start(|options| {
        options.contacts = vec![contact];
        name.clone_into(&mut options.name);
        options.home = Some(home.to_owned());
    });
    room.wait_ready(who);
    who
}

fn leave(room: &mut TestRoom, who: MemberIndex) {
    room.process(who).end_input();
    assert_eq!(room.exit_code(who), Some(0));
}

fn a_verified_key_is_known_to_the_next_process(runtimes: Runtimes) {
    let mut room = TestRoom::of(2, runtimes);
    let before = of(&keys(&mut room, 0), "m1");
    assert_eq!((before.mark.as_str(), before.in_ticket), ("new", false));
    assert_eq!(of(&keys(&mut room, 0), "m0").mark, "own");
    room.command_with(0, &json!({"command": "verify", "who": "M1", "key": before.short_key.to_uppercase()}));
    room.until_event(
        0,
        "it is verified",
        |event| matches!(event, ReceivedEvent::Verified { member } if member.name == "m1"),
    );
    assert_eq!(of(&keys(&mut room, 0), "m1").mark, "verified");
    room.talk(&[1], 1);
    room.wait_shown(&[0], &[1]);
    leave(&mut room, 0);
    let again = join_as(&mut room, "m2", "m0.home", 1);
    assert_eq!(of(&keys(&mut room, again), "m1").mark, "verified");
    assert_eq!(of(&keys(&mut room, 1), "m2").mark, "new", "it said nothing yet");
}

fn a_name_with_another_key_is_warned_of(runtimes: Runtimes) {
    let mut room = TestRoom::new(runtimes);
    let bob = room.create();
    let alice = join_as(&mut room, "Alice", "alice", bob);
    room.talk(&[alice], 1);
    room.wait_shown(&[bob], &[alice]);
    let key = of(&keys(&mut room, bob), "Alice");
    assert_eq!(key.mark, "known");
    leave(&mut room, alice);
    let again = join_as(&mut room, "Alice", "alice", bob);
    leave(&mut room, again);
    let other = join_as(&mut room, "Alice", "mallory", bob);
    let changed = room.wait_for(bob, 0, |event| match event {
        ReceivedEvent::KeyChanged { member, known_key, verified } => {
            Some((member.clone(), known_key.clone(), *verified))
        }
        _ => None,
    });
    let before = room.record(alice, |record| record.me.clone()).unwrap();
    let after = room.record(other, |record| record.me.clone()).unwrap();
    assert_eq!(changed, (after, before.key, false));
    room.talk(&[other], 3);
    room.wait_shown(&[bob], &[other]);
    let warnings = room.record(bob, |record| {
        record.events.iter().filter(|event| matches!(event, ReceivedEvent::KeyChanged { .. })).count()
    });
    assert_eq!(warnings, 1, "it is said once");
    let log = fs::read_to_string(
        room.dir().join(format!("chat_{}.log", room.addr(bob).rsplit_once(':').unwrap().1)),
    );
    leave(&mut room, bob);
    assert!(log.unwrap().contains("WARNING: this Alice has the key "));
}

fn a_key_that_is_not_the_same_is_refused(runtimes: Runtimes) {
    let mut room = TestRoom::of(2, runtimes);
    let own = of(&keys(&mut room, 0), "m0").short_key;
    for (who, key, code) in
        [("m1", own.as_str(), "other_key"), ("m9", &own, "nobody"), ("m1", "hello", "bad_key")]
    {
        room.command_with(0, &json!({"command": "verify", "who": who, "key": key, "ref": code}));
        room.until_event(
            0,
            code,
            |event| matches!(event, ReceivedEvent::Error { code: said, fatal: false, .. } if said == code),
        );
    }
    assert_eq!(of(&keys(&mut room, 0), "m1").mark, "new");
}

fn the_last_day_of_a_known_key_is_written_at_the_end(runtimes: Runtimes) {
    let mut room = TestRoom::new(runtimes);
    let bob = room.create();
    let alice = join_as(&mut room, "Alice", "alice", bob);
    room.talk(&[bob, alice], 1);
    room.wait_shown(&[bob, alice], &[bob, alice]);
    leave(&mut room, bob);
    let file = room.dir().join("m0.home/ringchat/known");
    let line = fs::read_to_string(&file).unwrap().lines().last().unwrap().to_owned();
    let words: Vec<&str> = line.split(' ').collect();
    let [key, first, last, mark, name] = words.as_slice() else { panic!("{line}") };
    assert_eq!((*first, *mark, *name), (*last, "seen", "Alice"), "{line}");
    fs::write(&file, format!("{key} 2020-01-01 2020-01-02 seen Alice\n")).unwrap();
    let again = join_as(&mut room, "m2", "m0.home", alice);
    room.talk(&[alice], 1);
    room.wait_shown(&[again], &[alice]);
    leave(&mut room, again);
    let line = fs::read_to_string(&file).unwrap().lines().last().unwrap().to_owned();
    assert!(line.starts_with(&format!("{key} 2020-01-01 ")) && !line.contains("2020-01-02"), "{line}");
}
