//! SIGKILL while all talk: survivors lose no text of a survivor and agree on one order.

use crate::support::{MemberIndex, Runtimes, TestRoom, on_every_runtime};

on_every_runtime! {
    the_leader_dies
    the_leader_and_its_next_die
    the_leader_and_its_previous_die
    the_leader_and_the_member_opposite_die
    two_that_are_not_adjacent_die
    three_of_seven_die
    all_but_one_die
    the_new_leader_dies_right_after_its_election
    each_leader_dies_in_turn_until_one_is_left
    half_of_ten_die_at_once
}

fn the_leader_dies(runtimes: Runtimes) {
    kill_while_all_talk(5, runtimes, &[0]);
}

fn the_leader_and_its_next_die(runtimes: Runtimes) {
    kill_while_all_talk(5, runtimes, &[0, 1]);
}

fn the_leader_and_its_previous_die(runtimes: Runtimes) {
    kill_while_all_talk(5, runtimes, &[0, 4]);
}

fn the_leader_and_the_member_opposite_die(runtimes: Runtimes) {
    kill_while_all_talk(6, runtimes, &[0, 3]);
}

fn two_that_are_not_adjacent_die(runtimes: Runtimes) {
    kill_while_all_talk(6, runtimes, &[2, 4]);
}

fn three_of_seven_die(runtimes: Runtimes) {
    kill_while_all_talk(7, runtimes, &[1, 2, 5]);
}

fn all_but_one_die(runtimes: Runtimes) {
    kill_while_all_talk(5, runtimes, &[0, 1, 2, 4]);
}

fn half_of_ten_die_at_once(runtimes: Runtimes) {
    kill_while_all_talk(10, runtimes, &[0, 2, 3, 6, 9]);
}

fn the_new_leader_dies_right_after_its_election(runtimes: Runtimes) {
    let mut room = TestRoom::of(5, runtimes);
    room.talk(&room.everyone(), 20);
    room.kill(&[0]);
    let witness = 2;
    room.until("somebody was elected", |records| {
        let new = records[witness].leader.as_ref().map(|leader| leader.id.as_str());
        new.is_some() && new != records[0].id()
    });
    let elected = room.leader_for(witness);
    room.kill(&[elected]);
    let survivors = room.all_but(&[0, elected]);
    room.talk(&survivors, 20);

    room.check_survivors(&survivors);
}

fn each_leader_dies_in_turn_until_one_is_left(runtimes: Runtimes) {
    let mut room = TestRoom::of(5, runtimes);
    let mut survivors = room.everyone();
    while survivors.len() > 1 {
        let leader = room.leader(&survivors);
        room.talk(&survivors, 10);
        room.kill(&[leader]);
        survivors.retain(|&who| who != leader);
        room.talk(&survivors, 10);
        room.check_survivors(&survivors);
    }
}

/// In a room of `n`, kills the members at `places` of the ring, counted from the leader, while all talk.
fn kill_while_all_talk(n: usize, runtimes: Runtimes, places: &[usize]) {
    let mut room = TestRoom::of(n, runtimes);
    let ring = room.ring(&room.everyone());
    let dying: Vec<MemberIndex> = places.iter().map(|&place| ring[place]).collect();
    let survivors = room.all_but(&dying);

    room.talk(&ring, 60);
    room.until("the talk has begun", |records| records[survivors[0]].shown.len() > n);
    room.kill(&dying);
    room.talk(&survivors, 20);

    room.check_survivors(&survivors);
}
