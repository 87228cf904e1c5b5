//! SIGSTOP and SIGCONT: a member falls silent for a while and comes back.

use std::env;
use std::time::Duration;

use rustix::process::Signal;

use crate::support::{MemberIndex, ReceivedEvent, Runtimes, TestRoom, on_every_runtime};

on_every_runtime! {
    a_frozen_member_is_noticed_and_comes_back
    a_frozen_leader_is_replaced_and_comes_back
    a_member_that_freezes_for_a_moment_loses_nothing
    half_of_the_room_freezes_and_comes_back
    the_leader_is_killed_while_its_next_is_frozen
    a_leader_and_its_successor_freeze_in_turn
    a_leader_that_slept_keeps_to_the_order_of_the_others
}

/// The time in which the others must notice, with the default of `--detect-ms`.
const NOTICED_WITHIN: Duration = Duration::from_secs(2);

fn a_frozen_member_is_noticed_and_comes_back(runtimes: Runtimes) {
    freeze_and_come_back(runtimes, 2);
}

fn a_frozen_leader_is_replaced_and_comes_back(runtimes: Runtimes) {
    freeze_and_come_back(runtimes, 0);
}

fn freeze_and_come_back(runtimes: Runtimes, place: usize) {
    let mut room = TestRoom::of(4, runtimes);
    let everyone = room.everyone();
    let frozen = room.ring(&everyone)[place];
    let others = room.all_but(&[frozen]);
    room.talk(&everyone, 10);
    room.check_delivered(&everyone, &everyone);
    let id = room.record(frozen, |record| record.id().map(ToOwned::to_owned)).unwrap();

    room.signal(&[frozen], Signal::STOP);
    let noticed = room.until("the others have noticed", |records| {
        others.iter().all(|&who| records[who].any(|event| is_lost(event, &id)))
    });
    assert!(noticed <= NOTICED_WITHIN, "noticed after {noticed:?}");
    room.talk(&everyone, 10);
    room.settle(&others);
    room.wait_shown(&others, &others);

    room.signal(&[frozen], Signal::CONT);
    comes_back(&room, frozen);
    room.settle(&everyone);
    room.talk(&everyone, 10);
    room.check_delivered(&everyone, &everyone);
    assert_eq!(room.record(frozen, |record| record.id().map(ToOwned::to_owned)), Some(id));
}

fn a_member_that_freezes_for_a_moment_loses_nothing(runtimes: Runtimes) {
    let mut room = TestRoom::of(4, runtimes);
    let ring = room.ring(&room.everyone());
    for frozen in [ring[2], ring[0]] {
        room.signal(&[frozen], Signal::STOP);
        room.talk(&ring, 20);
        room.signal(&[frozen], Signal::CONT);
    }
    room.check_survivors(&ring);
    for who in ring {
        assert_eq!(room.record(who, |record| record.readies), 1, "m{who} was never thrown out");
    }
}

fn half_of_the_room_freezes_and_comes_back(runtimes: Runtimes) {
    let mut room = TestRoom::of(6, runtimes);
    let ring = room.ring(&room.everyone());
    let frozen = [ring[0], ring[2], ring[3]];
    let others = room.all_but(&frozen);
    room.talk(&ring, 10);

    room.signal(&frozen, Signal::STOP);
    room.talk(&ring, 5);
    room.settle(&others);
    room.talk(&ring, 5);
    room.signal(&frozen, Signal::CONT);

    room.settle(&ring);
    room.check_delivered(&ring, &ring);
}

fn the_leader_is_killed_while_its_next_is_frozen(runtimes: Runtimes) {
    let mut room = TestRoom::of(6, runtimes);
    let ring = room.ring(&room.everyone());
    room.talk(&ring, 30);

    room.signal(&[ring[1]], Signal::STOP);
    room.kill(&[ring[0]]);
    room.talk(&ring[2..], 10);
    room.check_survivors(&ring[2..]);
    room.signal(&[ring[1]], Signal::CONT);

    room.settle(&ring[1..]);
    room.check_delivered(&ring[1..], &ring[1..]);
}

fn a_leader_and_its_successor_freeze_in_turn(runtimes: Runtimes) {
    let mut room = TestRoom::of(5, runtimes);
    let everyone = room.everyone();
    let first = room.leader(&everyone);
    room.signal(&[first], Signal::STOP);
    let others = room.all_but(&[first]);
    room.settle(&others);

    let second = room.leader(&others);
    room.signal(&[second], Signal::STOP);
    room.signal(&[first], Signal::CONT);
    let others = room.all_but(&[second]);
    room.talk(&others, 5);
    room.settle(&others);
    room.signal(&[second], Signal::CONT);

    room.settle(&everyone);
    room.talk(&everyone, 5);
    room.check_delivered(&everyone, &everyone);
}

fn a_leader_that_slept_keeps_to_the_order_of_the_others(runtimes: Runtimes) {
    sleep_while_all_talk(runtimes);
}

/// The same many times. Run by `cargo test -p ringchat --test e2e -- --ignored --nocapture sleeps`; `SLEEP_RUNS` is
/// the number of runs per runtime.
#[test]
#[ignore = "runs for minutes"]
fn a_leader_sleeps_again_and_again() {
    let runs = env::var("SLEEP_RUNS").ok().and_then(|text| text.parse().ok()).unwrap_or(10);
    for runtimes in [Runtimes::Threads, Runtimes::AsyncStd] {
        for run in 1..=runs {
            let turn = sleep_while_all_talk(runtimes);
            println!("{runtimes:?} {run}: equal but for {turn} lines of the turn in which it was stopped");
        }
    }
}

/// Stops the leader of five for 4 s while each member says 50 lines a second. Returns how many lines of the turn in
/// which it was stopped the leader shows out of order.
fn sleep_while_all_talk(runtimes: Runtimes) -> usize {
    const PAUSE: Duration = Duration::from_millis(20);
    let mut room = TestRoom::of(5, runtimes);
    let everyone = room.everyone();
    let leader = room.leader(&everyone);
    room.talk_for(&everyone, Duration::from_secs(1), PAUSE);

    room.signal(&[leader], Signal::STOP);
    room.talk_for(&everyone, Duration::from_secs(4), PAUSE);
    let before = room.record(leader, |record| record.shown.len());
    room.signal(&[leader], Signal::CONT);
    room.talk_for(&everyone, Duration::from_secs(1), PAUSE);

    room.settle(&everyone);
    room.check_delivered(&everyone, &everyone);
    room.check_order_but_for_one_turn(&everyone, leader, before)
}

/// Waits until `who` has said that it was left behind and is a member again.
fn comes_back(room: &TestRoom, who: MemberIndex) {
    room.until_event(
        who,
        "it says that it was left behind",
        |event| matches!(event, ReceivedEvent::Error { code, fatal: false, .. } if code == "left_behind"),
    );
    room.until("it is a member again", |records| records[who].readies == 2);
}

fn is_lost(event: &ReceivedEvent, id: &str) -> bool {
    matches!(event, ReceivedEvent::Left { member, reason } if member.id == id && reason == "lost")
}
