//! Leaving in order.

use crate::support::{MemberIndex, ReceivedEvent, Runtimes, Stdout, TestRoom, on_every_runtime};

on_every_runtime! {
    the_leader_leaves
    a_member_leaves
    all_leave_at_once
    all_but_one_leave_at_once
    five_hundred_lines_from_a_pipe_arrive_although_the_leader_is_killed
    members_leave_while_the_leader_is_killed
    a_signal_to_end_is_obeyed_in_order
    lines_of_plain_text_from_a_pipe_arrive
    lines_of_a_pipe_that_are_too_long_are_counted_and_end_with_1
    a_plain_member_says_every_line_and_leaves_by_exit
    a_member_that_lost_its_output_leaves_in_order
}

fn the_leader_leaves(runtimes: Runtimes) {
    leave_while_all_talk(runtimes, &[0]);
}

fn a_member_leaves(runtimes: Runtimes) {
    leave_while_all_talk(runtimes, &[2]);
}

fn all_but_one_leave_at_once(runtimes: Runtimes) {
    leave_while_all_talk(runtimes, &[0, 1, 3, 4]);
}

fn all_leave_at_once(runtimes: Runtimes) {
    let mut room = TestRoom::of(5, runtimes);
    let everyone = room.everyone();
    room.talk(&everyone, 20);
    for &who in &everyone {
        room.command(who, "quit");
    }
    for who in everyone {
        assert_eq!(room.exit_code(who), Some(0), "m{who}");
    }
    room.check_printed(&room.everyone());
}

fn five_hundred_lines_from_a_pipe_arrive_although_the_leader_is_killed(runtimes: Runtimes) {
    let mut room = TestRoom::of(4, runtimes);
    let leader = room.leader(&room.everyone());
    let sender = room.all_but(&[leader])[0];
    room.talk(&[sender], 500);
    room.process(sender).end_input();
    room.until("the first lines are there", |records| records[sender].shown.len() >= 10);
    room.kill(&[leader]);

    assert_eq!(room.exit_code(sender), Some(0));
    assert!(says_bye(&room, sender, "eof"));
    let survivors = room.all_but(&[leader, sender]);
    room.settle(&survivors);
    room.check_delivered(&survivors, &[sender]);
    room.check_one_order(&survivors);
}

fn members_leave_while_the_leader_is_killed(runtimes: Runtimes) {
    let mut room = TestRoom::of(6, runtimes);
    let ring = room.ring(&room.everyone());
    let (leaving, staying) = ([ring[1], ring[3]], [ring[2], ring[4], ring[5]]);
    room.talk(&ring, 30);
    for who in leaving {
        room.command(who, "quit");
    }
    room.kill(&ring[..1]);
    room.talk(&staying, 10);

    for who in leaving {
        assert_eq!(room.exit_code(who), Some(0), "m{who}");
    }
    room.settle(&staying);
    room.check_delivered(&staying, &ring[1..]);
    room.check_one_order(&staying);
}

fn a_signal_to_end_is_obeyed_in_order(runtimes: Runtimes) {
    use rustix::process::Signal;
    let mut room = TestRoom::of(4, runtimes);
    room.talk(&room.everyone(), 10);
    room.check_delivered(&room.everyone(), &room.everyone());
    for (who, signal, code) in [(1, Signal::INT, 130), (2, Signal::TERM, 143), (3, Signal::HUP, 129)] {
        room.signal(&[who], signal);
        assert_eq!(room.exit_code(who), Some(code), "m{who}");
        assert!(says_bye(&room, who, "signal"), "m{who} says goodbye");
        let gone = room.record(who, |record| record.id().map(ToOwned::to_owned)).unwrap();
        room.until_event(
            0,
            "it has left in order",
            |event| matches!(event, ReceivedEvent::Left { member, reason } if member.id == gone && reason == "quit"),
        );
    }
    room.settle(&[0]);
}

fn lines_of_plain_text_from_a_pipe_arrive(runtimes: Runtimes) {
    let mut room = TestRoom::of(2, runtimes);
    let contact = room.addr(1);
    let pipe = room.start(|options| (options.json, options.contacts) = (false, vec![contact]));
    let lines: Vec<String> = (0..100).map(|n| format!("line {n}")).collect();
    for line in &lines {
        room.process(pipe).write_line(line);
    }
    room.process(pipe).end_input();

    assert_eq!(room.exit_code(pipe), Some(0));
    for who in [0, 1] {
        room.until("all lines are shown", |records| records[who].shown.len() >= lines.len());
        let shown: Vec<String> =
            room.record(who, |record| record.shown.iter().map(|shown| shown.text.clone()).collect());
        assert_eq!(shown, lines, "m{who}");
    }
    room.settle(&[0, 1]);
}

fn lines_of_a_pipe_that_are_too_long_are_counted_and_end_with_1(runtimes: Runtimes) {
    let mut room = TestRoom::of(2, runtimes);
    let contact = room.addr(1);
    let pipe = room.start(|options| (options.json, options.contacts) = (false, vec![contact]));
    let too_long = "x".repeat(16 * 1024 + 1);
    for line in ["before", &too_long, "between", &too_long, "after"] {
        room.process(pipe).write_line(line);
    }
    room.process(pipe).end_input();

    assert_eq!(room.exit_code(pipe), Some(1));
    let complaint = room.stderr(pipe);
    assert!(complaint.contains("2 lines were not sent"), "{complaint}");
    room.settle(&[0, 1]);
    for who in [0, 1] {
        room.until("the others are shown", |records| records[who].shown.len() >= 3);
        let shown: Vec<String> =
            room.record(who, |record| record.shown.iter().map(|shown| shown.text.clone()).collect());
        assert_eq!(shown, ["before", "between", "after"], "m{who}");
    }
}

fn a_plain_member_says_every_line_and_leaves_by_exit(runtimes: Runtimes) {
    let mut room = TestRoom::of(2, runtimes);
    let contact = room.addr(1);
    let plain = room.start(|options| (options.json, options.contacts) = (false, vec![contact]));
    for line in ["goodbye", "/who", "//exit now", "//exit", "never said"] {
        room.process(plain).write_line(line);
    }

    assert_eq!(room.exit_code(plain), Some(0));
    room.settle(&[0, 1]);
    for who in [0, 1] {
        let shown: Vec<String> =
            room.record(who, |record| record.shown.iter().map(|shown| shown.text.clone()).collect());
        assert_eq!(shown, ["goodbye", "/who", "//exit now"], "m{who}");
    }
    assert_eq!(lost(&room, &[0, 1]), Vec::<String>::new());
}

fn a_member_that_lost_its_output_leaves_in_order(runtimes: Runtimes) {
    let mut room = TestRoom::of(2, runtimes);
    let contact = room.addr(1);
    let mute = room.start(|options| (options.stdout, options.contacts) = (Stdout::Closed, vec![contact]));
    room.until("nobody reads what it prints", |records| records[mute].closed);
    // A process started by another test may hold the reading end for a moment, so one line may not be enough.
    for _ in 0..10_000 {
        room.talk(&[0], 1);
        room.wait_shown(&[0, 1], &[0]);
        if room.record(mute, |record| record.exit.is_some()) {
            break;
        }
    }

    assert_eq!(room.exit_code(mute), Some(0));
    room.settle(&[0, 1]);
    assert_eq!(lost(&room, &[0, 1]), Vec::<String>::new());
}

/// In a room of five, lets the members at `places` of the ring, counted from the leader, leave while all talk.
fn leave_while_all_talk(runtimes: Runtimes, places: &[usize]) {
    let mut room = TestRoom::of(5, runtimes);
    let everyone = room.everyone();
    let ring = room.ring(&everyone);
    let leaving: Vec<_> = places.iter().map(|&place| ring[place]).collect();
    let staying = room.all_but(&leaving);

    room.talk(&everyone, 40);
    for &who in &leaving {
        room.command(who, "quit");
    }
    room.talk(&staying, 20);

    for &who in &leaving {
        assert_eq!(room.exit_code(who), Some(0), "m{who}");
        assert!(says_bye(&room, who, "quit"), "m{who} says goodbye");
    }
    room.settle(&staying);
    room.check_delivered(&staying, &everyone);
    room.check_one_order(&everyone);
    assert_eq!(lost(&room, &staying), Vec::<String>::new(), "who leaves in order is not lost");
}

fn says_bye(room: &TestRoom, who: MemberIndex, why: &str) -> bool {
    room.record(who, |record| {
        record.any(|event| matches!(event, ReceivedEvent::Bye { reason } if reason == why))
    })
}

/// The members that `whos` reported as lost.
fn lost(room: &TestRoom, whos: &[MemberIndex]) -> Vec<String> {
    let mut lost = Vec::new();
    for &who in whos {
        room.record(who, |record| {
            for event in &record.events {
                if let ReceivedEvent::Left { member, reason } = event
                    && reason == "lost"
                {
                    lost.push(format!("{} at m{who}", member.name));
                }
            }
        });
    }
    lost
}
