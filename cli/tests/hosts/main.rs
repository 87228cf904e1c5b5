//! Rooms whose members run on separate hosts, so that a test can pull a cable: then members fall silent and no
//! connection ends. Needs root and `ip` of iproute2; skipped otherwise.

#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a failing test panics")]
#![allow(
    clippy::disallowed_methods,
    reason = "the tests wait for events of other processes, with a deadline"
)]

mod network;
mod rooms;
#[allow(dead_code, unused_imports, unused_macros, reason = "the other tests need more of it")]
#[path = "../support/mod.rs"]
mod support;

use network::{ADDRESSES, HostNetwork};
use support::{MemberIndex, Runtimes, TestRoom};

/// Makes two tests of each scenario, one per runtime.
macro_rules! on_both_runtimes {
    ($($scenario:ident)*) => { $(
        mod $scenario {
            use crate::support::Runtimes;

            #[test]
            fn threads() {
                super::$scenario(Runtimes::Threads);
            }

            #[test]
            fn async_std() {
                super::$scenario(Runtimes::AsyncStd);
            }
        }
    )* };
}

on_both_runtimes! {
    a_members_cable_is_pulled_and_put_back
    the_leaders_cable_is_pulled_and_put_back
    half_of_the_room_is_cut_off_and_comes_back
    without_an_address_a_member_uses_the_one_on_the_way_to_its_contact
}

fn a_members_cable_is_pulled_and_put_back(runtimes: Runtimes) {
    pull_and_put_back(runtimes, 2);
}

fn the_leaders_cable_is_pulled_and_put_back(runtimes: Runtimes) {
    pull_and_put_back(runtimes, 0);
}

/// Pulls the cable of the member at `place` of the ring, counted from the leader, and puts it back.
fn pull_and_put_back(runtimes: Runtimes, place: usize) {
    let Some((network, mut room)) = room_of(4, runtimes) else { return };
    let everyone = room.everyone();
    let silent = room.ring(&everyone)[place];

    network.pull(silent);
    talk_apart(&mut room, &[silent]);
    network.plug(silent);

    talk_as_one(&mut room);
}

fn half_of_the_room_is_cut_off_and_comes_back(runtimes: Runtimes) {
    let Some((network, mut room)) = room_of(6, runtimes) else { return };
    let ring = room.ring(&room.everyone());
    let half = [ring[1], ring[2], ring[5]];

    network.cut_off(&half);
    talk_apart(&mut room, &half);
    network.reunite(&half);

    talk_as_one(&mut room);
}

fn without_an_address_a_member_uses_the_one_on_the_way_to_its_contact(runtimes: Runtimes) {
    let Some((network, mut room)) = room_of(2, runtimes) else { return };
    let contact = room.addr(1);
    for _ in 0..2 {
        let who = room.start(|options| {
            options.address = "";
            // Of two contacts, the one that is not on the same host decides.
            options.contacts = vec!["127.0.0.1:9".to_owned(), contact.clone()];
            options.namespace = Some(network.host(2));
        });
        room.wait_ready(who);
        assert!(room.addr(who).starts_with(&format!("{}:", ADDRESSES[2])), "{}", room.addr(who));
    }
    talk_as_one(&mut room);
}

/// A room of `n` members on separate hosts, in which all have talked, and a free host. `None` if this machine cannot
/// have such a network.
fn room_of(n: usize, runtimes: Runtimes) -> Option<(HostNetwork, TestRoom)> {
    let network = match HostNetwork::new(n + 1) {
        Ok(network) => network,
        Err(why) => {
            println!("SKIPPED: this test needs root and network namespaces ({why})");
            return None;
        }
    };
    let mut room = TestRoom::new(runtimes);
    for (host, address) in ADDRESSES.iter().enumerate().take(n) {
        let contacts = host.checked_sub(1).map(|contact| room.addr(contact));
        let who = room.start(|options| {
            options.address = address;
            options.contacts.extend(contacts);
            options.namespace = Some(network.host(host));
            options.extra = ["--detect-ms", "300"].map(str::to_owned).to_vec();
        });
        room.wait_ready(who);
    }
    let everyone = room.everyone();
    room.settle(&everyone);
    room.talk(&everyone, 10);
    room.check_delivered(&everyone, &everyone);
    Some((network, room))
}

/// Lets both sides of a cut talk before they notice it, and again once each side is a room.
fn talk_apart(room: &mut TestRoom, side: &[MemberIndex]) {
    let (everyone, others) = (room.everyone(), room.all_but(side));
    room.talk(&everyone, 5);
    for side in [side, &others] {
        room.settle(side);
        room.talk(side, 5);
        room.wait_shown(side, side);
    }
}

/// Waits until all are one room and show all texts.
fn talk_as_one(room: &mut TestRoom) {
    let everyone = room.everyone();
    room.settle(&everyone);
    room.talk(&everyone, 5);
    room.check_delivered(&everyone, &everyone);
}
