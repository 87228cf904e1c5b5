use super::outgoing::FLUSH_BYTES;
use super::*;
use crate::config::{Seed, Start};
use crate::ids::RoomId;
use crate::limits::{MAX_FRAME, MAX_TEXT};
use crate::name::Name;
use crate::numbers::{Epoch, Seq, Stamp};
use crate::roster::{Member, View};
use crate::text::Text;
use crate::wire::{DecodeError, FrameDecoder, Message, Run};
use alloc::boxed::Box;
use alloc::rc::Rc;
use alloc::vec;
use core::cell::RefCell;

/// What a driver did to a connection.
#[derive(Debug, Default)]
struct Fake {
    /// What each `send` brought.
    sends: Vec<Vec<u8>>,
    fails: Option<DownReason>,
    trusted: bool,
    finished: bool,
    aborted: bool,
}

type Shared = Rc<RefCell<Fake>>;

impl Connection for Shared {
    fn send(&mut self, bytes: &[u8]) -> Result<(), DownReason> {
        let mut fake = self.borrow_mut();
        fake.sends.push(bytes.to_vec());
        fake.fails.map_or(Ok(()), Err)
    }

    fn trust(&mut self) {
        self.borrow_mut().trusted = true;
    }

    fn finish(&mut self) {
        self.borrow_mut().finished = true;
    }

    fn abort(&mut self) {
        self.borrow_mut().aborted = true;
    }
}

const START: Instant = Instant(1);

fn addr() -> SocketAddr {
    ([127, 0, 0, 1], 4000).into()
}

fn seed() -> Seed {
    Seed { id: Member::numbered(1).id, jitter: [7; 32] }
}

fn driver() -> Driver<Shared> {
    let config = Config::new(addr(), Name::new("a").unwrap(), Start::Create);
    Driver::new(config, seed(), START)
}

/// A driver with `count` links, whose greetings are written. The node is not told, so that it does nothing
/// of its own.
fn linked(count: usize) -> (Driver<Shared>, Vec<LinkId>, Vec<Shared>) {
    let mut driver = driver();
    let connections: Vec<Shared> = (0..count).map(|_| Shared::default()).collect();
    let mut links = Vec::new();
    for connection in &connections {
        let link = driver.new_link();
        driver.links.insert(link, Link { connection: Rc::clone(connection), gathered: Parts::default() });
        links.push(link);
    }
    (driver, links, connections)
}

fn envelope(stamp: u64) -> Box<Envelope> {
    Envelope { room: RoomId(1), stamp: Stamp(stamp), message: Message::Leave }.into()
}

/// The stamps of the messages in what was sent after the greeting.
fn stamps(sent: &[u8]) -> Vec<u64> {
    let mut decoder = FrameDecoder::new(MAX_FRAME);
    let mut stamps = Vec::new();
    for chunk in [&GREETING, sent].concat().chunks(1024) {
        decoder.spare()[..chunk.len()].copy_from_slice(chunk);
        decoder.advance(chunk.len());
        stamps.extend(core::iter::from_fn(|| decoder.pop().unwrap()).map(|envelope| envelope.stamp.0));
    }
    stamps
}

fn downs(driver: &Driver<Shared>) -> Vec<(LinkId, DownReason)> {
    let down = |input: &Input| match input {
        Input::LinkDown { link, reason } => Some((*link, *reason)),
        _ => None,
    };
    driver.echo.iter().filter_map(down).collect()
}

#[test]
fn the_greeting_comes_first_on_every_link() {
    let (mut driver, connection) = (driver(), Shared::default());
    let link = driver.new_link();
    driver.link_up(START, link, Origin::Accepted, addr(), Rc::clone(&connection));
    driver.flush(START);
    let sends = connection.borrow().sends.concat();
    assert_eq!(sends.get(..GREETING.len()), Some(&GREETING[..]));
}

#[test]
fn a_turn_writes_once_to_each_link() {
    let (mut driver, links, connections) = linked(3);
    let [first, second, third] = links[..] else { unreachable!() };
    driver.execute(START, Action::Send { link: first, envelope: envelope(1) });
    driver.execute(START, Action::Multicast { links: vec![first, second], envelope: envelope(2) });
    driver.execute(START, Action::Send { link: second, envelope: envelope(3) });
    driver.execute(START, Action::Send { link: LinkId(99), envelope: envelope(4) });
    driver.flush(START);
    driver.flush(START);
    let sent: Vec<Vec<Vec<u64>>> =
        connections.iter().map(|c| c.borrow().sends.iter().map(|sent| stamps(sent)).collect()).collect();
    assert_eq!(sent, [vec![vec![1, 2]], vec![vec![2, 3]], vec![]]);
    assert!(driver.links.contains_key(&third));
}

#[test]
fn much_for_one_link_is_written_before_the_turn_ends() {
    let (mut driver, links, connections) = linked(1);
    while connections[0].borrow().sends.is_empty() {
        driver.execute(START, Action::Send { link: links[0], envelope: envelope(0) });
    }
    let first = connections[0].borrow().sends[0].len();
    assert!((FLUSH_BYTES..FLUSH_BYTES + 64).contains(&first), "{first} bytes");
}

#[test]
fn a_long_message_is_written_at_once_and_in_its_place() {
    let (mut driver, links, connections) = linked(2);
    let texts = Text::new(&"x".repeat(MAX_TEXT)).unwrap().into();
    let origin = Member::numbered(1);
    let view = View { epoch: Epoch(1), leader: origin.id };
    let said =
        vec![Run { origin: origin.into(), first: Seq(1), stamp: Stamp(1), texts }; FLUSH_BYTES / MAX_TEXT];
    let message = Message::Submit { view, said };
    driver.execute(START, Action::Send { link: links[0], envelope: envelope(1) });
    let long: Box<_> = Envelope { message, ..*envelope(2) }.into();
    driver.execute(START, Action::Multicast { links, envelope: long });
    let sent: Vec<Vec<Vec<u64>>> =
        connections.iter().map(|c| c.borrow().sends.iter().map(|sent| stamps(sent)).collect()).collect();
    assert_eq!(sent, [vec![vec![1, 2]], vec![vec![2]]]);
    assert!(driver.links.values().all(|link| link.gathered.is_empty()));
}

#[test]
fn a_link_is_down_once() {
    let (mut driver, links, connections) = linked(1);
    connections[0].borrow_mut().fails = Some(DownReason::Overflow);
    driver.execute(START, Action::Send { link: links[0], envelope: envelope(1) });
    driver.write(START);
    driver.take_down(START, links[0], DownReason::Eof);
    driver.execute(START, Action::Close { link: links[0], mode: CloseMode::Abort });
    assert_eq!(downs(&driver), [(links[0], DownReason::Overflow)]);
    assert!(connections[0].borrow().aborted);
}

#[test]
fn a_failed_write_takes_only_its_own_link_down() {
    let (mut driver, links, connections) = linked(2);
    connections[0].borrow_mut().fails = Some(DownReason::Io);
    driver.execute(START, Action::Multicast { links: links.clone(), envelope: envelope(1) });
    driver.flush(START);
    assert_eq!(driver.links.keys().copied().collect::<Vec<_>>(), links[1..]);
    assert!(connections[0].borrow().aborted);
    assert_eq!(stamps(&connections[1].borrow().sends.concat()), [1]);
}

#[test]
fn closing_in_order_writes_all_and_waits_for_the_other_end() {
    let (mut driver, links, connections) = linked(1);
    driver.execute(START, Action::Send { link: links[0], envelope: envelope(1) });
    driver.execute(START, Action::Close { link: links[0], mode: CloseMode::Flush });
    assert_eq!(downs(&driver), [(links[0], DownReason::Closed)]);
    assert_eq!(stamps(&connections[0].borrow().sends.concat()), [1]);
    assert!(connections[0].borrow().finished && !connections[0].borrow().aborted);
    driver.link_down(START, links[0], DownReason::Eof);
    assert!(connections[0].borrow().aborted && driver.lingering.is_empty());
}

#[test]
fn closing_in_order_has_an_end() {
    let (mut driver, links, connections) = linked(1);
    driver.execute(START, Action::Close { link: links[0], mode: CloseMode::Flush });
    let due = START.after(LINGER);
    assert!(driver.deadline().is_some_and(|at| at <= due));
    driver.flush(due.before(Duration::from_micros(1)));
    assert!(!connections[0].borrow().aborted);
    driver.flush(due);
    assert!(connections[0].borrow().aborted);
}

#[test]
fn who_sent_garbage_can_still_read_the_greeting() {
    let (mut driver, links, connections) = linked(1);
    driver.link_down(START, links[0], DownReason::Protocol(DecodeError::NotRingchat));
    assert!(connections[0].borrow().finished && !connections[0].borrow().aborted);
    driver.link_down(START, links[0], DownReason::Eof);
    assert!(connections[0].borrow().aborted);
}

#[test]
fn lingering_connections_are_bounded() {
    let (mut driver, links, connections) = linked(MAX_LINGERING + 1);
    for &link in &links {
        driver.execute(START, Action::Close { link, mode: CloseMode::Flush });
    }
    let aborted: Vec<bool> = connections.iter().map(|c| c.borrow().aborted).collect();
    assert!(aborted[0] && !aborted[1..].contains(&true));
}

#[test]
fn the_end_closes_every_link_in_order() {
    let (mut driver, links, connections) = linked(2);
    driver.execute(START, Action::Multicast { links: links.clone(), envelope: envelope(1) });
    driver.execute(START, Action::Halt { mode: CloseMode::Flush });
    for connection in &connections {
        assert!(connection.borrow().finished);
        assert_eq!(stamps(&connection.borrow().sends.concat()), [1]);
    }
    assert!(!driver.ended());
    for link in links {
        driver.link_down(START, link, DownReason::Eof);
    }
    assert!(driver.ended());
}

#[test]
fn an_end_that_has_nothing_to_tell_waits_for_nobody() {
    let (mut driver, links, connections) = linked(2);
    driver.execute(START, Action::Close { link: links[0], mode: CloseMode::Flush });
    driver.execute(START, Action::Halt { mode: CloseMode::Abort });
    assert!(connections.iter().all(|connection| connection.borrow().aborted));
    assert!(driver.ended());
}

#[test]
fn who_connects_after_the_end_is_turned_away() {
    let (mut driver, connection) = (driver(), Shared::default());
    driver.execute(START, Action::Halt { mode: CloseMode::Flush });
    let link = driver.new_link();
    driver.link_up(START, link, Origin::Accepted, addr(), Rc::clone(&connection));
    assert!(connection.borrow().aborted && driver.ended());
}

#[test]
fn dials_at_one_time_are_bounded() {
    let mut driver = driver();
    let more = DIALS_AT_ONCE as u64 + 1;
    (1..=more).for_each(|n| driver.execute(START, Action::Dial { dial: DialId(n), addr: addr() }));
    let begun: Vec<DialId> = core::iter::from_fn(|| driver.next_dial()).map(|(dial, _)| dial).collect();
    assert_eq!(begun.len(), DIALS_AT_ONCE);
    driver.dial_failed(START, begun[0], DialFailure::Refused);
    assert_eq!(driver.next_dial(), Some((DialId(more), addr())));
    assert_eq!(driver.next_dial(), None);
}

#[test]
fn trust_reaches_the_connection() {
    let (mut driver, links, connections) = linked(1);
    driver.execute(START, Action::Trust { link: links[0] });
    assert!(connections[0].borrow().trusted);
}

#[test]
fn a_leaver_does_not_wait_for_the_room_for_ever() {
    let contacts = vec![addr()];
    let config = Config {
        join_timeout: Duration::from_hours(1),
        ..Config::new(addr(), Name::new("a").unwrap(), Start::Join { contacts })
    };
    let mut driver: Driver<Shared> = Driver::new(config, seed(), START);
    let mut queue = CommandQueue::default();
    let text = Text::new("x").unwrap();
    let line = Command::Say(text.clone().into());
    while driver.node.can_say() {
        driver.commands(START, vec![line.clone()]);
    }
    assert_eq!(queue.say(&text), Ok(Offer::First));
    queue.leave();
    assert_eq!(driver.take_commands(START, &mut queue), []);
    assert!(driver.deadline().is_some_and(|at| at <= START.after(PATIENCE)));
    let late = START.after(PATIENCE);
    assert_eq!(driver.take_commands(late, &mut queue), [line]);
    assert_eq!(driver.take_commands(late, &mut queue), [Command::Leave]);
    assert_eq!(driver.take_commands(late, &mut queue), []);
    driver.tick(late);
    assert!(driver.deadline().is_none_or(|at| at > late), "no hot loop");
}
