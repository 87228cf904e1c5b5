//! Joining while other things happen.

use rustix::process::Signal;

use crate::support::{MemberIndex, ReceivedEvent, Runtimes, TestRoom, on_every_runtime, wait_listening};

on_every_runtime! {
    five_join_at_the_same_instant_through_the_leader
    a_program_is_told_what_was_said_before_it_came_if_it_asks
    a_question_before_the_room_is_entered_is_answered_from_the_room
    a_newcomer_gets_in_during_an_election
    a_newcomer_gets_in_during_a_repair
    a_newcomer_gets_in_although_its_contact_dies
    a_newcomer_gets_in_although_the_leader_dies_while_it_admits
    a_newcomer_gets_in_although_an_insider_is_frozen
    a_newcomer_gets_in_although_the_leader_is_frozen
    a_newcomer_that_freezes_delays_no_member
    a_member_restarts_on_its_port_at_once
    a_member_restarts_on_its_port_while_the_leader_does_not_know
}

fn five_join_at_the_same_instant_through_the_leader(runtimes: Runtimes) {
    let mut room = TestRoom::new(runtimes);
    let leader = room.create();
    room.talk(&[leader], 10);
    let five: Vec<_> = (0..5).map(|_| room.begin_join(leader)).collect();
    for who in five {
        room.wait_ready(who);
    }
    all_talk_and_agree(&mut room, &[]);
    room.talk(&room.everyone(), 200);
    room.check_survivors(&room.everyone());
}

fn a_program_is_told_what_was_said_before_it_came_if_it_asks(runtimes: Runtimes) {
    let mut room = TestRoom::of(2, runtimes);
    room.talk(&[0, 1], 30);
    room.until("all is said", |records| records[0].shown.len() == 60);
    let contact = room.addr(1);
    let curious = room.start(|options| {
        options.contacts = vec![contact.clone()];
        options.extra = ["--backlog", "7"].map(str::to_owned).to_vec();
    });
    let other = room.start(|options| options.contacts = vec![contact]);
    room.wait_ready(curious);
    room.wait_ready(other);
    room.say(0, "now");
    room.until("all are told what is said now", |records| {
        [0, curious, other]
            .iter()
            .all(|&who| records[who].shown.last().is_some_and(|shown| shown.text == "now"))
    });
    let last: Vec<String> =
        room.record(0, |record| record.shown[53..].iter().map(|shown| shown.text.clone()).collect());
    let texts = |who| {
        room.record(who, |record| record.shown.iter().map(|shown| shown.text.clone()).collect::<Vec<_>>())
    };
    assert_eq!((texts(curious), texts(other)), (last, vec!["now".to_owned()]));
}

fn a_question_before_the_room_is_entered_is_answered_from_the_room(runtimes: Runtimes) {
    let mut room = TestRoom::new(runtimes);
    let leader = room.create();
    room.signal(&[leader], Signal::STOP);
    let newcomer = room.begin_join(leader);
    for command in ["trace", "keys", "ticket"] {
        room.command(newcomer, command);
    }
    // What is no question about the room is answered at once.
    room.wait_for(newcomer, 0, |event| matches!(event, ReceivedEvent::Trace { .. }).then_some(()));
    room.signal(&[leader], Signal::CONT);
    let members = room.wait_for(newcomer, 0, |event| match event {
        ReceivedEvent::Keys { members } => Some(members.len()),
        _ => None,
    });
    assert_eq!(members, 2);
    room.wait_for(newcomer, 0, |event| match event {
        ReceivedEvent::Error { code, .. } => (code == "no_ticket").then_some(()),
        _ => None,
    });
    let is_ready = |event: &ReceivedEvent| matches!(event, ReceivedEvent::Ready { .. });
    let is_answer = |event: &ReceivedEvent| match event {
        ReceivedEvent::Keys { .. } => true,
        ReceivedEvent::Error { code, .. } => code == "no_ticket",
        _ => false,
    };
    room.record(newcomer, |record| {
        let place = |wanted: &dyn Fn(&ReceivedEvent) -> bool| record.events.iter().position(wanted).unwrap();
        assert!(place(&is_ready) < place(&is_answer));
    });
}

fn a_newcomer_gets_in_during_an_election(runtimes: Runtimes) {
    let mut room = TestRoom::of(4, runtimes);
    let leader = room.leader(&room.everyone());
    let contact = room.all_but(&[leader])[0];
    room.kill(&[leader]);
    room.join(contact);
    all_talk_and_agree(&mut room, &[leader]);
}

fn a_newcomer_gets_in_during_a_repair(runtimes: Runtimes) {
    let mut room = TestRoom::of(4, runtimes);
    let ring = room.ring(&room.everyone());
    room.kill(&[ring[2]]);
    room.join(ring[1]);
    all_talk_and_agree(&mut room, &[ring[2]]);
}

fn a_newcomer_gets_in_although_its_contact_dies(runtimes: Runtimes) {
    let mut room = TestRoom::of(4, runtimes);
    let ring = room.ring(&room.everyone());
    let (contact, other) = (ring[2], ring[3]);
    let contacts = vec![room.addr(contact), room.addr(other)];
    let newcomer = room.start(|options| options.contacts = contacts);
    room.kill(&[contact]);
    room.wait_ready(newcomer);
    all_talk_and_agree(&mut room, &[contact]);
}

fn a_newcomer_gets_in_although_the_leader_dies_while_it_admits(runtimes: Runtimes) {
    let mut room = TestRoom::of(4, runtimes);
    let ring = room.ring(&room.everyone());
    let before = room.record(ring[2], |record| record.events.len());
    let newcomer = room.begin_join(ring[1]);
    room.until("a member hears of the newcomer", |records| {
        records[ring[2]].events[before..].iter().any(|event| matches!(event, ReceivedEvent::Joined { .. }))
    });
    room.kill(&[ring[0]]);
    room.wait_ready(newcomer);
    all_talk_and_agree(&mut room, &[ring[0]]);
}

fn a_newcomer_gets_in_although_an_insider_is_frozen(runtimes: Runtimes) {
    let mut room = TestRoom::of(4, runtimes);
    let ring = room.ring(&room.everyone());
    room.signal(&[ring[2]], Signal::STOP);
    room.join(ring[1]);
    all_talk_and_agree(&mut room, &[ring[2]]);
}

fn a_newcomer_gets_in_although_the_leader_is_frozen(runtimes: Runtimes) {
    let mut room = TestRoom::of(4, runtimes);
    let ring = room.ring(&room.everyone());
    room.signal(&[ring[0]], Signal::STOP);
    room.join(ring[1]);
    all_talk_and_agree(&mut room, &[ring[0]]);
}

fn a_newcomer_that_freezes_delays_no_member(runtimes: Runtimes) {
    let mut room = TestRoom::of(3, runtimes);
    let insiders = room.everyone();
    let newcomer = room.begin_join(1);
    room.until_event(0, "it hears of the newcomer", |event| is_of(event, newcomer));
    room.signal(&[newcomer], Signal::STOP);
    room.talk(&insiders, 10);
    room.wait_shown(&insiders, &insiders);
    room.settle(&insiders);

    room.signal(&[newcomer], Signal::CONT);
    room.wait_ready(newcomer);
    all_talk_and_agree(&mut room, &[]);
}

fn is_of(event: &ReceivedEvent, newcomer: MemberIndex) -> bool {
    matches!(event, ReceivedEvent::Joined { member } if member.name == format!("m{newcomer}"))
}

fn a_member_restarts_on_its_port_at_once(runtimes: Runtimes) {
    let mut room = TestRoom::of(4, runtimes);
    let ring = room.ring(&room.everyone());
    room.talk(&ring, 10);
    room.kill(&[ring[2]]);
    restart(&mut room, ring[2], ring[0]);
    all_talk_and_agree(&mut room, &[ring[2]]);
}

/// Freezes the leader while a member dies and restarts, so that the leader hears of both at once.
fn a_member_restarts_on_its_port_while_the_leader_does_not_know(runtimes: Runtimes) {
    let mut room = TestRoom::of(4, runtimes);
    let ring = room.ring(&room.everyone());
    room.signal(&[ring[0]], Signal::STOP);
    room.kill(&[ring[2]]);
    let addr = room.addr(ring[2]);
    let contact = room.addr(ring[1]);
    let port = port_of(&addr);
    let newcomer = room.start(|options| (options.port, options.contacts) = (port, vec![contact]));
    wait_listening(&addr);
    room.signal(&[ring[0]], Signal::CONT);
    room.wait_ready(newcomer);
    all_talk_and_agree(&mut room, &[ring[2]]);
}

/// Starts a process on the address of `gone` that joins through `contact`.
fn restart(room: &mut TestRoom, gone: MemberIndex, contact: MemberIndex) {
    let port = port_of(&room.addr(gone));
    let contact = room.addr(contact);
    let who = room.start(|options| (options.port, options.contacts) = (port, vec![contact]));
    room.wait_ready(who);
}

fn port_of(addr: &str) -> u16 {
    addr.parse::<std::net::SocketAddr>().unwrap().port()
}

/// Asserts that all members but `gone` become one room and receive each other's texts.
fn all_talk_and_agree(room: &mut TestRoom, gone: &[MemberIndex]) {
    let everyone = room.all_but(gone);
    room.talk(&everyone, 10);
    room.check_survivors(&everyone);
}
