use super::*;
use crate::fake::{FakeSocket, FakeTransport, accepted, addr, door, opened, seed};
use crate::host::lock;
use crate::other_end::{OtherEnd, somebody};
use ringchat_core::secure::{LinkError, Signature};
use ringchat_core::wire::{DecodeError, Message, Proven, Run, encode};
use ringchat_core::{Config, Epoch, Member, Name, NodeId, RoomId, Seq, Stamp, Start, Text, UnixTime, View};

type Jobs = Vec<Job<FakeSocket>>;

fn read(reader: &mut LinkReader<FakeSocket>, bytes: &[u8]) -> Jobs {
    reader.spare()[..bytes.len()].copy_from_slice(bytes);
    reader.advance(Ok(bytes.len())).collect()
}

fn envelope(stamp: u64) -> Envelope {
    Envelope { room: RoomId([1; 16]), stamp: Stamp(stamp), message: Message::Leave }
}

/// So many messages, one after the other.
fn leaves(count: u64) -> Vec<u8> {
    let mut bytes = Vec::new();
    (0..count).for_each(|stamp| encode(&envelope(stamp), &mut bytes).unwrap());
    bytes
}

/// The stamps of what was received in the first of the jobs, and why the link has ended in the last one.
fn told(jobs: &Jobs) -> (Vec<u64>, Option<DownReason>) {
    let stamps = jobs.iter().find_map(|job| match job {
        Job::Received { envelopes, .. } => Some(envelopes.iter().map(|envelope| envelope.stamp.0).collect()),
        _ => None,
    });
    let down = jobs.iter().find_map(|job| match job {
        Job::Down(_, reason) => Some(*reason),
        _ => None,
    });
    (stamps.unwrap_or_default(), down)
}

#[test]
fn one_read_is_one_batch() {
    let (mut reader, mut other) = opened();
    let jobs = read(&mut reader, &other.seal(&leaves(3)));
    assert_eq!(told(&jobs), (vec![0, 1, 2], None));
    assert_eq!(told(&read(&mut reader, b"")), (vec![], Some(DownReason::Eof)));
    assert!(reader.is_done());
}

#[test]
fn what_comes_together_with_the_proof_follows_the_opening() {
    let (mut reader, socket) = accepted();
    let (mut other, first) = OtherEnd::dial(somebody(2), None);
    assert!(read(&mut reader, &first).is_empty());
    let answer = socket.record().writes.concat();
    let proof = other.hear(&answer).unwrap();
    let jobs = read(&mut reader, &[proof, other.seal(&leaves(1))].concat());
    let [Job::Opened(LinkId(1), opened), Job::Received { link: LinkId(1), .. }] = &jobs[..] else {
        panic!("{jobs:?}")
    };
    assert_eq!(opened.peer, somebody(2).id());
}

#[test]
fn messages_before_a_fault_are_still_given() {
    let (mut reader, mut other) = opened();
    let bytes = [leaves(1), u32::MAX.to_be_bytes().to_vec()].concat();
    let (stamps, down) = told(&read(&mut reader, &other.seal(&bytes)));
    assert_eq!(stamps, [0]);
    assert!(matches!(down, Some(DownReason::Protocol(DecodeError::TooLong { .. }))), "{down:?}");
}

#[test]
fn messages_before_a_record_that_was_changed_are_given_and_none_after() {
    let (mut reader, mut other) = opened();
    let records = [other.seal(&leaves(1)), other.seal(&leaves(2)), other.seal(&leaves(1))];
    let mut bytes = records.concat();
    bytes[records[0].len() + 5] ^= 1;
    let (stamps, down) = told(&read(&mut reader, &bytes));
    assert_eq!((stamps, down), (vec![0], Some(DownReason::Link(LinkError::BadRecord))));
}

#[test]
fn an_end_inside_a_frame_or_a_record_is_an_end() {
    for cut in [1, 3] {
        let (mut reader, mut other) = opened();
        let bytes = leaves(1);
        let record = if cut == 1 { other.seal(&bytes[..bytes.len() - 1]) } else { other.seal(&bytes) };
        let end = if cut == 1 { record.len() } else { record.len() - cut };
        let jobs = read(&mut reader, &record[..end]);
        assert_eq!(told(&jobs), (vec![], None));
        let is_heard = matches!(jobs[..], [Job::Received { .. }]);
        assert_eq!(is_heard, cut == 1, "a whole record is a sign of life, and a part of one is none");
        assert_eq!(told(&read(&mut reader, b"")).1, Some(DownReason::Eof));
    }
}

#[test]
fn long_frames_are_taken_once_the_link_is_trusted() {
    let header = u32::try_from(MAX_FRAME).unwrap().to_be_bytes();
    let (mut reader, mut other) = opened();
    let down = told(&read(&mut reader, &other.seal(&header))).1;
    assert!(matches!(down, Some(DownReason::Protocol(DecodeError::TooLong { .. }))), "{down:?}");
    let (mut reader, mut other) = opened();
    reader.trust.give();
    assert_eq!(told(&read(&mut reader, &other.seal(&header))), (vec![], None));
}

#[test]
fn words_that_their_author_signed_for_another_room_end_the_link() {
    let seed = seed(&Config::new(addr(), Name::new("a").unwrap(), Start::Create));
    let member = Member::new(seed.id(), addr(), Name::new("a").unwrap());
    let (origin, texts) = (member.into(), Text::new("x").unwrap().into());
    let said =
        Run { origin, first: Seq(1), stamp: Stamp(1), texts, at: UnixTime(0), signature: Signature::NONE };
    for (room, is_forged) in [(envelope(1).room, false), (RoomId([2; 16]), true)] {
        let said = vec![Proven::sign(said.clone(), room, &seed.identity).unwrap()];
        let view = View { epoch: Epoch(1), leader: seed.id() };
        let submit = Envelope { message: Message::Submit { view, said }, ..envelope(1) };
        let (mut reader, mut other) = opened();
        let (stamps, down) = told(&read(&mut reader, &other.say(&submit)));
        let forged = DownReason::Protocol(DecodeError::Forged { author: seed.id() });
        assert_eq!((stamps.is_empty(), down), (is_forged, is_forged.then_some(forged)));
    }
}

#[test]
fn the_end_of_a_connection_is_the_last_job() {
    let (mut reader, _other) = opened();
    let interrupted = reader.advance(Err(ErrorKind::Interrupted.into()));
    assert_eq!(interrupted.count(), 0);
    let jobs: Jobs = reader.advance(Err(ErrorKind::ConnectionReset.into())).collect();
    assert!(matches!(jobs[..], [Job::Down(LinkId(1), DownReason::Io)]));
    assert!(reader.is_done());
}

#[test]
fn a_stranger_gets_no_byte_and_brings_nothing_up_to_its_end() {
    let wrong = [7; 66];
    for bytes in [&b"GET / HTTP/1.1\r\nHost: ring\r\n\r\n"[..], &wrong[..64], &wrong[..65], &wrong] {
        let (mut reader, socket) = accepted();
        for _ in 0..100 {
            assert!(read(&mut reader, bytes).is_empty());
        }
        assert!(socket.record().writes.is_empty());
        assert_eq!(told(&read(&mut reader, b"")).1, Some(DownReason::Io), "nothing but an end");
    }
}

#[test]
fn whoever_looks_for_another_is_sent_away_without_a_byte() {
    let (mut reader, socket) = accepted();
    let (_, first) = OtherEnd::dial(somebody(2), Some(somebody(3).id()));
    assert_eq!(told(&read(&mut reader, &first)).1, Some(DownReason::Link(LinkError::ForAnother)));
    assert!(socket.record().writes.is_empty() && reader.is_done());
}

#[test]
fn a_recording_is_not_answered_on_any_link_of_the_room() {
    let (door, transport) = (door(), FakeTransport::default());
    let (_, first) = OtherEnd::dial(somebody(2), None);
    let downs = [1, 2].map(|id| {
        let socket = FakeSocket::default();
        let connection =
            crate::connection::Connection::accept(&transport, LinkId(id), socket.clone(), &door).unwrap();
        let mut reader = lock(&transport.readers).pop().unwrap();
        let down = told(&read(&mut reader, &first)).1;
        drop(connection);
        (down, socket.record().writes.len())
    });
    assert_eq!(downs, [(None, 1), (Some(DownReason::Link(LinkError::Replayed)), 0)]);
}

#[test]
fn bytes_of_the_handshake_that_the_socket_does_not_take_wait_for_a_writer() {
    let (mut reader, socket) = accepted();
    socket.record().full = true;
    let (_, first) = OtherEnd::dial(somebody(2), None);
    let jobs = read(&mut reader, &first);
    assert!(matches!(jobs[..], [Job::Unwritten(LinkId(1))]), "{jobs:?}");
    assert_eq!(reader.socket.next_bytes().map(|bytes| bytes.len()), Some(170));
}

/// The node of these tests is told apart from whoever dials it.
#[test]
fn the_other_end_learns_who_is_here() {
    let (_, other) = opened();
    let here: NodeId = door().credentials().id();
    assert_eq!(other.peer(), Some(here));
    assert_eq!(addr().port(), 4000);
}
