//! All members talk, and no member fails.

use std::net::TcpListener;

use crate::support::{Runtimes, TestRoom, on_every_runtime};

on_every_runtime! {
    five_members_that_talk_at_once_show_all_lines_in_one_order
    one_alone_can_talk_at_once
    each_own_line_is_told_to_have_its_place
    a_room_may_be_on_ipv6
}

/// Joins five members: one through the leader, two at the same time through that one, the last through one of those.
fn five_members_that_talk_at_once_show_all_lines_in_one_order(runtimes: Runtimes) {
    let mut room = TestRoom::new(runtimes);
    let leader = room.create();
    let second = room.join(leader);
    let twins = [room.begin_join(second), room.begin_join(second)];
    for twin in twins {
        room.wait_ready(twin);
    }
    room.join(twins[0]);
    let everyone = room.everyone();
    room.settle(&everyone);

    room.talk(&everyone, 200);

    room.check_delivered(&everyone, &everyone);
    room.check_one_order(&everyone);
    for who in everyone {
        assert_eq!(room.record(who, |record| record.shown.len()), 1000);
    }
}

fn one_alone_can_talk_at_once(runtimes: Runtimes) {
    let mut room = TestRoom::new(runtimes);
    let alone = room.create();

    room.talk(&[alone], 3);

    room.check_survivors(&[alone]);
}

fn each_own_line_is_told_to_have_its_place(runtimes: Runtimes) {
    let mut room = TestRoom::of(2, runtimes);

    room.talk(&[0, 1], 50);

    for who in [0, 1] {
        room.until("all lines have their places", |records| records[who].places().len() == 50);
        room.record(who, |record| {
            let own = record.shown.iter().filter(|shown| Some(shown.from.as_str()) == record.id());
            let expected: Vec<_> = own.enumerate().map(|(n, shown)| (n.to_string(), shown.seq)).collect();
            let places: Vec<_> =
                record.places().into_iter().map(|(n, seq)| (n.unwrap_or_default().to_owned(), seq)).collect();
            assert_eq!(places, expected);
        });
    }
}

fn a_room_may_be_on_ipv6(runtimes: Runtimes) {
    if TcpListener::bind("[::1]:0").is_err() {
        eprintln!("skipped: this machine has no IPv6");
        return;
    }
    let mut room = TestRoom::new(runtimes);
    room.enter_on("::1", None);
    room.enter_on("::1", Some(0));
    room.enter_on("::1", Some(1));

    room.talk(&[0, 1, 2], 10);

    room.check_survivors(&[0, 1, 2]);
}
