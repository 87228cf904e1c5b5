use super::*;
use crate::fake::{FakeSocket, FakeTransport, START, addr, seed};
use crate::host::lock;
use crate::outgoing::FLUSH_BYTES;
use crate::transport::Job;
use ringchat_core::limits::{MAX_FRAME, MAX_TEXT};
use ringchat_core::secure::Signature;
use ringchat_core::wire::{DecodeError, FrameDecoder, Message, Proven, Run, SeenRuns};
use ringchat_core::{Config, Epoch, Member, Name, RoomId, Seq, Stamp, Start, Text, UnixTime, View};

/// Links over sockets whose greetings are written.
fn linked(count: usize) -> (Links<FakeTransport>, Vec<LinkId>, Vec<FakeSocket>) {
    let mut links = Links::new(FakeTransport::default());
    let sockets: Vec<FakeSocket> = (0..count).map(|_| FakeSocket::default()).collect();
    let ids = sockets.iter().map(|socket| links.open(Origin::Accepted, socket.clone()).unwrap()).collect();
    links.write(START);
    for socket in &sockets {
        assert_eq!(socket.record().writes.drain(..).collect::<Vec<_>>(), [GREETING]);
    }
    (links, ids, sockets)
}

fn envelope(stamp: u64) -> Envelope {
    Envelope { room: RoomId([1; 16]), stamp: Stamp(stamp), message: Message::Leave }
}

/// The stamps of the messages in what was sent after the greeting.
fn stamps(sent: &[u8]) -> Vec<u64> {
    let mut decoder = FrameDecoder::new(MAX_FRAME);
    let mut stamps = Vec::new();
    for chunk in [&GREETING, sent].concat().chunks(1024) {
        decoder.spare()[..chunk.len()].copy_from_slice(chunk);
        decoder.advance(chunk.len());
        stamps.extend(
            std::iter::from_fn(|| decoder.pop(&mut SeenRuns::default()).unwrap())
                .map(|envelope| envelope.stamp.0),
        );
    }
    stamps
}

/// The stamps in each write to each socket.
fn written(sockets: &[FakeSocket]) -> Vec<Vec<Vec<u64>>> {
    sockets.iter().map(|socket| socket.record().writes.iter().map(|sent| stamps(sent)).collect()).collect()
}

fn downs(links: &mut Links<FakeTransport>) -> Vec<(LinkId, DownReason)> {
    let down = |input| match input {
        Input::LinkDown { link, reason } => Some((link, reason)),
        _ => None,
    };
    std::iter::from_fn(|| links.next_pending()).filter_map(down).collect()
}

#[test]
fn a_turn_writes_once_to_each_link() {
    let (mut links, ids, sockets) = linked(3);
    let [first, second, third] = ids[..] else { unreachable!() };
    links.send(START, &[first], &envelope(1));
    links.send(START, &[first, second], &envelope(2));
    links.send(START, &[second], &envelope(3));
    links.send(START, &[LinkId(99)], &envelope(4));
    links.write(START);
    links.write(START);
    assert_eq!(written(&sockets), [vec![vec![1, 2]], vec![vec![2, 3]], vec![]]);
    assert!(links.has(third));
}

#[test]
fn much_for_one_link_is_written_before_the_turn_ends() {
    let (mut links, ids, sockets) = linked(1);
    while sockets[0].record().writes.is_empty() {
        links.send(START, &ids, &envelope(0));
    }
    let first = sockets[0].record().writes[0].len();
    assert!((FLUSH_BYTES..FLUSH_BYTES + 64).contains(&first), "{first} bytes");
}

#[test]
fn a_long_message_is_written_at_once_and_in_its_place() {
    let (mut links, ids, sockets) = linked(2);
    let texts = Text::new(&"x".repeat(MAX_TEXT)).unwrap().into();
    let seed = seed(&Config::new(addr(), Name::new("a").unwrap(), Start::Create));
    let origin = Member::new(seed.id(), addr(), Name::new("a").unwrap());
    let view = View { epoch: Epoch(1), leader: origin.id };
    let (origin, signature) = (origin.into(), Signature::NONE);
    let said = Run { origin, first: Seq(1), stamp: Stamp(1), texts, at: UnixTime(0), signature };
    let said = Proven::sign(said, envelope(2).room, &seed.identity).unwrap();
    let said = vec![said; FLUSH_BYTES / MAX_TEXT];
    links.send(START, &ids[..1], &envelope(1));
    links.send(START, &ids, &Envelope { message: Message::Submit { view, said }, ..envelope(2) });
    assert_eq!(written(&sockets), [vec![vec![1, 2]], vec![vec![2]]]);
    assert!(links.open.values().all(|link| link.gathered.is_empty()));
}

#[test]
fn a_link_is_down_once() {
    let (mut links, ids, sockets) = linked(1);
    sockets[0].record().broken = true;
    links.send(START, &ids, &envelope(1));
    links.write(START);
    links.down(START, ids[0], DownReason::Eof);
    links.close(START, ids[0], CloseMode::Abort);
    assert_eq!(downs(&mut links), [(ids[0], DownReason::Io)]);
    assert!(sockets[0].record().aborted);
}

#[test]
fn a_failed_write_takes_only_its_own_link_down() {
    let (mut links, ids, sockets) = linked(2);
    sockets[0].record().broken = true;
    links.send(START, &ids, &envelope(1));
    links.write(START);
    assert!(!links.has(ids[0]) && links.has(ids[1]));
    assert!(sockets[0].record().aborted);
    assert_eq!(written(&sockets[1..]), [[[1]]]);
}

#[test]
fn closing_in_order_writes_all_and_waits_for_the_other_end() {
    let (mut links, ids, sockets) = linked(1);
    links.send(START, &ids, &envelope(1));
    links.close(START, ids[0], CloseMode::Flush);
    assert_eq!(downs(&mut links), [(ids[0], DownReason::Closed)]);
    assert_eq!(written(&sockets), [[[1]]]);
    assert!(sockets[0].record().finished && !sockets[0].record().aborted);
    links.down(START, ids[0], DownReason::Eof);
    assert!(sockets[0].record().aborted && links.is_empty());
}

#[test]
fn closing_in_order_has_an_end() {
    let (mut links, ids, sockets) = linked(1);
    links.close(START, ids[0], CloseMode::Flush);
    let due = START.after(LINGER);
    assert_eq!(links.deadline(), Some(due));
    links.cut_lingering(due.before(Duration::from_micros(1)));
    assert!(!sockets[0].record().aborted);
    links.cut_lingering(due);
    assert!(sockets[0].record().aborted);
}

#[test]
fn a_stranger_that_sent_garbage_can_still_read_the_greeting() {
    let (mut links, ids, sockets) = linked(1);
    links.down(START, ids[0], DownReason::Protocol(DecodeError::NotRingchat));
    assert!(sockets[0].record().finished && !sockets[0].record().aborted);
    links.down(START, ids[0], DownReason::Eof);
    assert!(sockets[0].record().aborted);
}

#[test]
fn lingering_connections_are_bounded() {
    let (mut links, ids, sockets) = linked(MAX_LINGERING + 1);
    for id in ids {
        links.close(START, id, CloseMode::Flush);
    }
    let aborted: Vec<bool> = sockets.iter().map(|socket| socket.record().aborted).collect();
    assert!(aborted[0] && !aborted[1..].contains(&true));
}

#[test]
fn closing_all_in_order_bounds_nothing_and_waits_for_each() {
    let (mut links, ids, sockets) = linked(MAX_LINGERING + 1);
    links.send(START, &ids, &envelope(1));
    links.close_all(START, CloseMode::Flush);
    assert!(sockets.iter().all(|socket| socket.record().finished && !socket.record().aborted));
    assert!(written(&sockets).iter().all(|writes| *writes == [[1]]));
    assert!(!links.is_empty());
    for id in ids {
        links.down(START, id, DownReason::Eof);
    }
    assert!(links.is_empty());
}

#[test]
fn aborting_all_waits_for_nobody() {
    let (mut links, ids, sockets) = linked(2);
    links.close(START, ids[0], CloseMode::Flush);
    links.close_all(START, CloseMode::Abort);
    assert!(sockets.iter().all(|socket| socket.record().aborted));
    assert!(links.is_empty());
}

#[test]
fn trust_reaches_the_reader() {
    let (links, ids, _sockets) = linked(1);
    let long = [&GREETING[..], &u32::try_from(MAX_FRAME).unwrap().to_be_bytes()].concat();
    links.trust(ids[0]);
    let mut readers = lock(&links.transport.readers);
    readers[0].spare()[..long.len()].copy_from_slice(&long);
    let jobs: Vec<Job<FakeSocket>> = readers[0].advance(Ok(long.len())).collect();
    assert!(jobs.is_empty(), "{jobs:?}");
}
