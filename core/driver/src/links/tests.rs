use super::*;
use crate::fake::{FakeSocket, FakeTransport, START, addr, door, open, seed};
use crate::host::lock;
use crate::link_reader::LinkReader;
use crate::other_end::{OtherEnd, somebody};
use crate::outgoing::FLUSH_BYTES;
use crate::transport::Job;
use ringchat_core::limits::{MAX_FRAME, MAX_SILENT, MAX_TEXT, SILENT_GRACE};
use ringchat_core::secure::Signature;
use ringchat_core::wire::{Message, Proven, Run};
use ringchat_core::{Config, Epoch, Member, Name, RoomId, Seq, Stamp, Start, Text, UnixTime, View};

/// The socket of a link, its reader, and its other end.
struct Far {
    socket: FakeSocket,
    reader: LinkReader<FakeSocket>,
    end: OtherEnd,
}

fn no_links() -> Links<FakeTransport> {
    Links::new(FakeTransport::default(), door(), Duration::from_secs(2))
}

/// Links that are open.
fn linked(count: usize) -> (Links<FakeTransport>, Vec<LinkId>, Vec<Far>) {
    let mut links = no_links();
    let far: Vec<Far> = (0..count).map(|_| link(&mut links)).collect();
    let ids = links.open.keys().copied().collect();
    (links, ids, far)
}

fn link(links: &mut Links<FakeTransport>) -> Far {
    let socket = FakeSocket::default();
    links.accept(START, socket.clone(), addr());
    let (mut end, first) = OtherEnd::dial(somebody(2), None);
    let mut reader = lock(&links.transport.readers).pop().unwrap();
    let mut jobs = open(&mut reader, &socket, &mut end, first);
    let Some(Job::Opened(id, opened)) = jobs.pop() else { panic!("{jobs:?}") };
    let Some(Input::LinkUp { link, origin, remote, peer }) = links.opened(START, id, *opened) else {
        panic!("no link")
    };
    assert_eq!((link, origin, remote, peer), (id, Origin::Accepted, addr(), somebody(2).id()));
    Far { socket, reader, end }
}

fn envelope(stamp: u64) -> Envelope {
    Envelope { room: RoomId([1; 16]), stamp: Stamp(stamp), message: Message::Leave }
}

/// The stamps of the messages in each write to each socket.
fn written(far: &mut [Far]) -> Vec<Vec<Vec<u64>>> {
    let stamps = |Far { socket, end, .. }: &mut Far| {
        let writes: Vec<Vec<u8>> = socket.record().writes.drain(..).collect();
        let stamps = writes.iter().map(|sent| {
            end.hear(sent).unwrap();
            std::iter::from_fn(|| end.next()).map(|envelope| envelope.stamp.0).collect()
        });
        stamps.collect()
    };
    far.iter_mut().map(stamps).collect()
}

fn aborted(far: &Far) -> bool {
    far.socket.record().aborted
}

fn finished(far: &Far) -> bool {
    far.socket.record().finished
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
    let (mut links, ids, mut far) = linked(3);
    let [first, second, third] = ids[..] else { unreachable!() };
    links.send(START, &[first], &envelope(1));
    links.send(START, &[first, second], &envelope(2));
    links.send(START, &[second], &envelope(3));
    links.send(START, &[LinkId(99)], &envelope(4));
    links.write(START);
    links.write(START);
    assert_eq!(written(&mut far), [vec![vec![1, 2]], vec![vec![2, 3]], vec![]]);
    assert!(links.has(third));
}

#[test]
fn much_for_one_link_is_written_before_the_turn_ends() {
    let (mut links, ids, far) = linked(1);
    while far[0].socket.record().writes.is_empty() {
        links.send(START, &ids, &envelope(0));
    }
    let first = far[0].socket.record().writes[0].len();
    assert!((FLUSH_BYTES..FLUSH_BYTES + 64).contains(&first), "{first} bytes");
}

#[test]
fn a_long_message_is_written_at_once_and_in_its_place() {
    let (mut links, ids, mut far) = linked(2);
    let texts = Text::new(&"x".repeat(MAX_TEXT)).unwrap().into();
    let seed = seed(&Config::new(addr(), Name::new("a").unwrap(), Start::Create));
    let origin = Member::new(seed.id(), addr(), Name::new("a").unwrap());
    let view = View { epoch: Epoch(1), leader: origin.id };
    let (origin, signature) = (origin.into(), Signature::NONE);
    let said = Run { origin, first: Seq(1), stamp: Stamp(1), texts, at: UnixTime(0), signature };
    let said = Proven::sign(said, envelope(2).room, &seed.identity).unwrap();
    let said = vec![said; 6 * FLUSH_BYTES / MAX_TEXT];
    links.send(START, &ids[..1], &envelope(1));
    links.send(START, &ids, &Envelope { message: Message::Submit { view, said }, ..envelope(2) });
    assert_eq!(written(&mut far), [vec![vec![1, 2]], vec![vec![2]]]);
    assert!(links.open.values().all(|link| link.gathered.is_empty()));
}

#[test]
fn a_link_that_was_accepted_takes_long_frames_once_the_node_trusts_it() {
    let header = u32::try_from(MAX_FRAME).unwrap().to_be_bytes();
    for trusts in [false, true] {
        let (links, ids, mut far) = linked(1);
        if trusts {
            links.trust(ids[0]);
        }
        let Far { reader, end, .. } = &mut far[0];
        let bytes = end.seal(&header);
        reader.spare()[..bytes.len()].copy_from_slice(&bytes);
        let is_down = reader.advance(Ok(bytes.len())).any(|job| matches!(job, Job::Down(..)));
        assert_eq!(is_down, !trusts);
    }
}

#[test]
fn a_link_is_down_once() {
    let (mut links, ids, far) = linked(1);
    far[0].socket.record().broken = true;
    links.send(START, &ids, &envelope(1));
    links.write(START);
    links.down(ids[0], DownReason::Eof);
    links.close(START, ids[0], CloseMode::Abort);
    assert_eq!(downs(&mut links), [(ids[0], DownReason::Io)]);
    assert!(aborted(&far[0]));
}

#[test]
fn a_failed_write_takes_only_its_own_link_down() {
    let (mut links, ids, mut far) = linked(2);
    far[0].socket.record().broken = true;
    links.send(START, &ids, &envelope(1));
    links.write(START);
    assert!(!links.has(ids[0]) && links.has(ids[1]));
    assert!(aborted(&far[0]));
    assert_eq!(written(&mut far[1..]), [[[1]]]);
}

#[test]
fn a_link_that_has_been_used_for_its_time_is_down() {
    let (mut links, ids, far) = linked(1);
    links.send(START, &ids, &envelope(1));
    links.write(START.after(MAX_LINK_AGE));
    assert_eq!(downs(&mut links), [(ids[0], DownReason::Link(LinkError::Worn))]);
    assert!(aborted(&far[0]) && far[0].socket.record().writes.is_empty());
}

#[test]
fn of_too_many_strangers_of_one_address_the_oldest_goes_and_its_proof_comes_too_late() {
    let mut links = no_links();
    let sockets: Vec<FakeSocket> = (0..=MAX_SILENT).map(|_| FakeSocket::default()).collect();
    for socket in &sockets[..MAX_SILENT] {
        links.accept(START, socket.clone(), addr());
    }
    let (mut end, first) = OtherEnd::dial(somebody(2), None);
    let mut reader = lock(&links.transport.readers).remove(0);
    links.accept(START.after(SILENT_GRACE), sockets[MAX_SILENT].clone(), addr());
    let gone: Vec<bool> = sockets.iter().map(|socket| socket.record().aborted).collect();
    assert!(gone[0] && !gone[1..].contains(&true));
    let mut jobs = open(&mut reader, &sockets[0], &mut end, first);
    let Some(Job::Opened(id, opened)) = jobs.pop() else { panic!("{jobs:?}") };
    assert_eq!(links.opened(START, id, *opened), None);
    assert!(!links.has(id));
}

#[test]
fn closing_in_order_writes_all_and_waits_for_the_other_end() {
    let (mut links, ids, mut far) = linked(1);
    links.send(START, &ids, &envelope(1));
    links.close(START, ids[0], CloseMode::Flush);
    assert_eq!(downs(&mut links), [(ids[0], DownReason::Closed)]);
    assert_eq!(written(&mut far), [[[1]]]);
    assert!(finished(&far[0]) && !aborted(&far[0]));
    links.down(ids[0], DownReason::Eof);
    assert!(aborted(&far[0]) && links.is_empty());
}

#[test]
fn closing_in_order_has_an_end() {
    let (mut links, ids, far) = linked(1);
    links.close(START, ids[0], CloseMode::Flush);
    let due = START.after(LINGER);
    assert_eq!(links.deadline(), Some(due));
    links.cut_late(due.before(Duration::from_micros(1)));
    assert!(!aborted(&far[0]));
    links.cut_late(due);
    assert!(aborted(&far[0]));
}

#[test]
fn lingering_connections_are_bounded() {
    let (mut links, ids, far) = linked(MAX_LINGERING + 1);
    for id in ids {
        links.close(START, id, CloseMode::Flush);
    }
    let aborted: Vec<bool> = far.iter().map(aborted).collect();
    assert!(aborted[0] && !aborted[1..].contains(&true));
}

#[test]
fn closing_all_in_order_bounds_nothing_and_waits_for_each() {
    let (mut links, ids, mut far) = linked(MAX_LINGERING + 1);
    links.send(START, &ids, &envelope(1));
    links.close_all(START, CloseMode::Flush);
    assert!(far.iter().all(|far| finished(far) && !aborted(far)));
    assert!(written(&mut far).iter().all(|writes| *writes == [[1]]));
    assert!(!links.is_empty());
    for id in ids {
        links.down(id, DownReason::Eof);
    }
    assert!(links.is_empty());
}

#[test]
fn aborting_all_waits_for_nobody() {
    let (mut links, ids, far) = linked(2);
    links.close(START, ids[0], CloseMode::Flush);
    links.close_all(START, CloseMode::Abort);
    assert!(far.iter().all(aborted));
    assert!(links.is_empty());
}
