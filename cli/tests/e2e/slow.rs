//! Members that do not keep up.

use std::time::Duration;

use rustix::process::Signal;

use crate::support::{Event, Room, Runtimes, Stdout, on_every_runtime};

on_every_runtime! {
    a_receiver_that_does_not_read_holds_nobody_up
    output_that_nobody_reads_becomes_a_gap
}

/// The longest text that there is.
const LONGEST: usize = 16 * 1024;

/// The usual `--detect-ms`, and as much again for a loaded machine.
const LONGEST_PAUSE: Duration = Duration::from_secs(2);

/// The frozen receiver takes in nothing while more is said than the leader keeps for it.
fn a_receiver_that_does_not_read_holds_nobody_up(runtimes: Runtimes) {
    let mut room = Room::of(4, runtimes);
    let everyone = room.everyone();
    let ring = room.ring(&everyone);
    let (receiver, sender) = (ring[2], ring[1]);
    let others = room.all_but(&[receiver]);

    room.signal(&[receiver], Signal::STOP);
    say_long_lines(&mut room, sender, 600);
    room.wait_shown(&others, &[sender]);
    room.settle(&others);
    room.check_delivered(&others, &others);
    room.check_one_order(&others);
    for &who in &others {
        let pause = room.record(who, |record| record.longest_pause);
        assert!(pause <= LONGEST_PAUSE, "m{who} waited {pause:?}");
    }

    room.signal(&[receiver], Signal::CONT);
    room.until_event(receiver, "it is told why", |event| {
        matches!(event, Event::Error { code, fatal: false, .. } if code == "left_behind" || code == "cut_off")
    });
    room.settle(&everyone);
}

fn output_that_nobody_reads_becomes_a_gap(runtimes: Runtimes) {
    let mut room = Room::of(2, runtimes);
    let contact = room.addr(0);
    let unread = room.start(|options| {
        options.contacts = vec![contact];
        options.stdout = Stdout::Held;
    });
    room.until("the others see the third", |records| {
        records[..2].iter().all(|record| record.members.len() == 3)
    });

    say_long_lines(&mut room, 1, 1500);
    room.check_delivered(&[0, 1], &[1]);
    let alone_left = |event: &Event| matches!(event, Event::Left { .. });
    assert!(!room.record(0, |record| record.any(alone_left)), "a screen that is not read is no dead member");

    room.read_on(unread);
    room.until_event(unread, "it tells what it could not print", |event| {
        matches!(event, Event::Gap { reason: Some(reason), count } if reason == "output" && *count > 0)
    });
    room.say(1, "after the gap");
    room.wait_shown(&[0, 1, unread], &[1]);
    room.check_printed(&[0, 1, unread]);
}

fn say_long_lines(room: &mut Room, sender: usize, lines: usize) {
    for n in 0..lines {
        let text = format!("{n} {}", "x".repeat(LONGEST));
        room.say(sender, &text[..LONGEST]);
    }
}
