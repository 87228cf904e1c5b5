//! Members that are too slow.

use std::time::Duration;

use ringchat_core::Notice;
use rustix::process::Signal;

use crate::support::{MemberIndex, ReceivedEvent, Runtimes, SlowMember, Stdout, TestRoom, on_every_runtime};

on_every_runtime! {
    a_receiver_that_does_not_read_is_cut_off_and_told_why
    a_frozen_receiver_delays_no_member
    a_newcomer_gets_in_after_megabytes_of_talk
    a_member_that_missed_megabytes_catches_up
    unread_output_becomes_a_gap
}

/// The length of the longest text in bytes.
const LONGEST: usize = 16 * 1024;

/// Twice the default of `--detect-ms`, for a loaded machine.
const LONGEST_PAUSE: Duration = Duration::from_secs(2);

/// The member sends signs of life but reads nothing, while more is said than the leader keeps for it.
fn a_receiver_that_does_not_read_is_cut_off_and_told_why(runtimes: Runtimes) {
    let mut room = TestRoom::of(3, runtimes);
    let ring = room.ring(&room.everyone());
    let slow = SlowMember::join(&room.addr(ring[1]));
    room.until("all see it", |records| records.iter().all(|record| record.members.len() == 4));

    slow.stop_reading();
    say_long_lines(&mut room, ring[2], 600);
    check_unhurried(&room, &ring, ring[2]);

    slow.read_on();
    // The messages that the member did not read in time may be lost with its connection.
    slow.wait(|notice| matches!(notice, Notice::CutOff | Notice::LeftBehind));
}

/// The member neither reads nor sends signs of life, while more is said than the leader keeps for it.
fn a_frozen_receiver_delays_no_member(runtimes: Runtimes) {
    let mut room = TestRoom::of(4, runtimes);
    let everyone = room.everyone();
    let ring = room.ring(&everyone);
    let (receiver, sender) = (ring[2], ring[1]);
    let others = room.all_but(&[receiver]);

    room.signal(&[receiver], Signal::STOP);
    say_long_lines(&mut room, sender, 600);
    check_unhurried(&room, &others, sender);
    room.settle(&others);

    room.signal(&[receiver], Signal::CONT);
    room.until_event(receiver, "it is told why", |event| {
        matches!(event, ReceivedEvent::Error { code, fatal: false, .. } if code == "left_behind" || code == "cut_off")
    });
    room.settle(&everyone);
}

fn a_newcomer_gets_in_after_megabytes_of_talk(runtimes: Runtimes) {
    let mut room = TestRoom::of(2, runtimes);
    say_long_lines(&mut room, 1, 600);
    room.check_delivered(&[0, 1], &[1]);

    room.join(0);

    room.talk(&[0, 1, 2], 1);
    room.check_survivors(&[0, 1, 2]);
}

fn a_member_that_missed_megabytes_catches_up(runtimes: Runtimes) {
    let mut room = TestRoom::of(3, runtimes);
    let ring = room.ring(&room.everyone());
    room.signal(&ring[2..], Signal::STOP);
    room.settle(&ring[..2]);
    say_long_lines(&mut room, ring[1], 600);
    room.check_delivered(&ring[..2], &ring[1..2]);

    room.signal(&ring[2..], Signal::CONT);

    room.settle(&ring);
    room.check_delivered(&ring, &ring);
}

/// Asserts that all texts of `sender` reach all of `whos` in one order and without a long wait.
fn check_unhurried(room: &TestRoom, whos: &[MemberIndex], sender: MemberIndex) {
    room.check_delivered(whos, &[sender]);
    room.check_one_order(whos);
    for &who in whos {
        let pause = room.record(who, |record| record.longest_pause);
        assert!(pause <= LONGEST_PAUSE, "m{who} waited {pause:?}");
    }
}

fn unread_output_becomes_a_gap(runtimes: Runtimes) {
    let mut room = TestRoom::of(2, runtimes);
    let contact = room.addr(0);
    let unread = room.start(|options| {
        options.contacts = vec![contact];
        options.stdout = Stdout::Held;
    });
    room.until("the others see the third", |records| {
        records[..2].iter().all(|record| record.members.len() == 3)
    });

    // Small portions, so that the outputs that are read keep up.
    for _ in 0..120 {
        say_long_lines(&mut room, 1, 10);
        room.wait_shown(&[0, 1], &[1]);
    }
    room.check_delivered(&[0, 1], &[1]);
    let alone_left = |event: &ReceivedEvent| matches!(event, ReceivedEvent::Left { .. });
    assert!(!room.record(0, |record| record.any(alone_left)), "a screen that is not read is no dead member");

    room.read_on(unread);
    room.until_event(unread, "it tells what it could not print", |event| {
        matches!(event, ReceivedEvent::Gap { reason: Some(reason), count } if reason == "output" && *count > 0)
    });
    room.say(1, "after the gap");
    room.wait_shown(&[0, 1, unread], &[1]);
    room.check_printed(&[0, 1, unread]);
}

fn say_long_lines(room: &mut TestRoom, sender: usize, lines: usize) {
    for n in room.said(sender)..room.said(sender) + lines {
        let text = format!("{n} {}", "x".repeat(LONGEST));
        room.say(sender, &text[..LONGEST]);
    }
}
