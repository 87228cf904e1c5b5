//! Connections from strangers, and links of people who are no members, while the room talks: the members close them, and
//! the room notices nothing.

use std::io::{ErrorKind, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::time::{Duration, Instant};

use ringchat_core::wire::{Envelope, Message};
use ringchat_core::{RoomId, Stamp};
use rustix::event::{PollFd, PollFlags, Timespec, poll};

use crate::support::other_end::{Client, OtherEnd, somebody};
use crate::support::{ReceivedEvent, Runtimes, TestRoom, on_every_runtime};

on_every_runtime! {
    bytes_that_are_no_link
    bytes_that_are_no_link_and_never_end
    a_first_message_that_came_before
    a_frame_longer_than_the_limit
    a_connection_that_says_nothing
    a_link_cut_inside_a_record
    messages_that_have_no_place_from_a_stranger
    five_hundred_idle_connections
    strangers_where_descriptors_are_few
}

/// How long a member may take to close a connection.
const CLOSED_WITHIN: Duration = Duration::from_secs(10);

/// The time between two writes of a stranger that writes for ever.
const PAUSE: Timespec = Timespec { tv_sec: 0, tv_nsec: 20_000_000 };

/// A Lamport time that no room reaches.
const FAR_FUTURE: u64 = u64::MAX / 2;

/// A bound far above the memory of a member and far below that of a leak.
const MOST_RESIDENT_KIB: u64 = 64 * 1024;

fn bytes_that_are_no_link(runtimes: Runtimes) {
    disturb(runtimes, |addr| {
        let mut stranger = connect(addr);
        // The member may close the connection before all is written.
        let _ = stranger.write_all(&b"GET / HTTP/1.1\r\nHost: ring\r\n\r\n".repeat(1000));
        assert_eq!(until_closed(&mut stranger), b"");
    });
}

fn bytes_that_are_no_link_and_never_end(runtimes: Runtimes) {
    disturb(runtimes, |addr| {
        let mut stranger = connect(addr);
        let start = Instant::now();
        // Writing to a closed connection makes the other side reset it.
        while stranger.write_all(b"still no link").is_ok() {
            assert!(start.elapsed() < CLOSED_WITHIN, "the connection stays open");
            let mut events = [PollFd::new(&stranger, PollFlags::empty())];
            poll(&mut events, Some(&PAUSE)).unwrap();
        }
    });
}

fn a_first_message_that_came_before(runtimes: Runtimes) {
    disturb(runtimes, |addr| {
        let (_, first) = OtherEnd::dial(somebody(7), None);
        let answers = [(); 2].map(|()| {
            let mut stranger = connect(addr);
            stranger.write_all(&first).unwrap();
            until_closed(&mut stranger).len()
        });
        assert_eq!(answers, [170, 0], "bytes of an answer, and then none");
    });
}

fn a_frame_longer_than_the_limit(runtimes: Runtimes) {
    disturb(runtimes, |addr| {
        let mut insider = open(addr);
        let header = insider.end.seal(&u32::MAX.to_be_bytes());
        let _ = insider.stream.write_all(&header);
        until_closed(&mut insider.stream);
    });
}

fn a_connection_that_says_nothing(runtimes: Runtimes) {
    disturb(runtimes, |addr| assert_eq!(until_closed(&mut connect(addr)), b""));
}

fn a_link_cut_inside_a_record(runtimes: Runtimes) {
    disturb(runtimes, |addr| {
        let mut insider = open(addr);
        let record = insider.end.seal(&[0, 0, 0, 100, 7, 7, 7]);
        insider.stream.write_all(&record[..record.len() - 1]).unwrap();
        insider.stream.shutdown(Shutdown::Write).unwrap();
        until_closed(&mut insider.stream);
    });
}

fn messages_that_have_no_place_from_a_stranger(runtimes: Runtimes) {
    disturb(runtimes, |addr| {
        for room in [RoomId::UNKNOWN, RoomId([1; 16])] {
            for message in [Message::Leave, Message::WantRoster, Message::Goodbye { successor: None }] {
                let mut insider = open(addr);
                insider.send(&Envelope { room, stamp: Stamp(FAR_FUTURE), message }).unwrap();
                insider.stream.shutdown(Shutdown::Write).unwrap();
                until_closed(&mut insider.stream);
            }
        }
    });
}

fn five_hundred_idle_connections(runtimes: Runtimes) {
    disturb(runtimes, |addr| {
        let mut strangers: Vec<TcpStream> = (0..500).map(|_| connect(addr)).collect();
        assert!(strangers.iter_mut().all(|stranger| until_closed(stranger).is_empty()));
    });
}

fn strangers_where_descriptors_are_few(runtimes: Runtimes) {
    let mut room = TestRoom::new(runtimes);
    let leader = room.start(|options| {
        options.descriptors = Some(40);
        // Nobody is cut off for keeping silent while the test runs.
        options.extra = vec!["--detect-ms".to_owned(), "3600000".to_owned()];
    });
    room.wait_ready(leader);
    let strangers: Vec<TcpStream> = (0..100).map(|_| connect(&room.addr(leader))).collect();
    let newcomers: Vec<_> = (0..4).map(|_| room.join(leader)).collect();
    assert!(!room.stderr(leader).contains("panicked"), "{}", room.stderr(leader));
    room.talk(&[leader, newcomers[3]], 5);
    room.wait_shown(&room.everyone(), &[leader, newcomers[3]]);
    drop(strangers);
}

/// Runs `disturbance` on the port of each member while a room of three talks.
fn disturb(runtimes: Runtimes, disturbance: impl Fn(&str)) {
    let mut room = TestRoom::of(3, runtimes);
    let everyone = room.everyone();
    let before: Vec<usize> =
        everyone.iter().map(|&who| room.record(who, |record| record.events.len())).collect();

    for &target in &everyone {
        room.talk(&everyone, 20);
        disturbance(&room.addr(target));
        room.talk(&everyone, 20);
    }

    room.check_survivors(&everyone);
    for &who in &everyone {
        room.record(who, |record| {
            let noticed: Vec<_> =
                record.events[before[who]..].iter().filter(|event| !is_talk(event)).collect();
            assert!(noticed.is_empty(), "m{who} noticed {noticed:?}");
            assert!(record.lamport < FAR_FUTURE, "a stranger set the clock of m{who}");
        });
        let resident = room.process(who).resident_kib();
        assert!(resident <= MOST_RESIDENT_KIB, "m{who} holds {resident} KiB");
    }
}

fn is_talk(event: &ReceivedEvent) -> bool {
    matches!(event, ReceivedEvent::Message { .. } | ReceivedEvent::Sent { .. })
}

fn connect(addr: &str) -> TcpStream {
    let stranger = TcpStream::connect(addr).unwrap();
    stranger.set_read_timeout(Some(CLOSED_WITHIN)).unwrap();
    stranger
}

/// Opens a link, as anybody can in an open room.
fn open(addr: &str) -> Client {
    Client::dial(connect(addr), somebody(7), None).unwrap()
}

/// Reads until the member has closed the connection; gives what came.
fn until_closed(stranger: &mut TcpStream) -> Vec<u8> {
    let mut came = Vec::new();
    match stranger.read_to_end(&mut came) {
        Ok(_) => {}
        Err(error) if error.kind() == ErrorKind::ConnectionReset => {}
        Err(error) => panic!("the connection stays open: {error}"),
    }
    came
}
