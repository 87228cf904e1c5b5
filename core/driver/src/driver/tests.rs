use super::*;
use crate::fake::{FakeSocket, FakeTransport, START, addr, open, seed};
use crate::host::lock;
use crate::other_end::{OtherEnd, somebody};
use ringchat_core::secure::LinkError;
use ringchat_core::wire::Message;
use ringchat_core::{DownReason, JoinFailure, Name, NodeId, RoomId, Start, Text, UnixTime};
use std::io::ErrorKind;
use std::sync::mpsc;

fn driver(start: Start) -> Driver<FakeTransport> {
    let config = Config::new(addr(), Name::new("a").unwrap(), start);
    let config = config.with_join_timeout(Duration::from_hours(1));
    let seed = seed(&config);
    Driver::new(config, seed, START, FakeTransport::default())
}

fn accept(driver: &mut Driver<FakeTransport>) -> FakeSocket {
    let socket = FakeSocket::default();
    driver.take(START, &mut [Job::Accepted(socket.clone(), addr())].into());
    socket
}

fn command(driver: &mut Driver<FakeTransport>, queue: &mut CommandQueue) {
    loop {
        let commands = driver.take_commands(START, queue);
        if commands.is_empty() {
            return;
        }
        driver.command(START, UnixTime(0), commands);
    }
}

/// A link of the node to somebody, who dialed it.
fn linked(driver: &mut Driver<FakeTransport>) -> (FakeSocket, OtherEnd) {
    let socket = accept(driver);
    let (mut other, first) = OtherEnd::dial(somebody(2), None);
    let mut reader = lock(&driver.links.transport().readers).pop().unwrap();
    driver.take(START, &mut open(&mut reader, &socket, &mut other, first).into());
    (socket, other)
}

/// A node that dials its contact, over a socket that stands.
fn dialed() -> (Driver<FakeTransport>, FakeSocket) {
    let mut driver = driver(Start::Join { contacts: vec![addr()] });
    driver.take(START, &mut VecDeque::new());
    driver.finish(START);
    let socket = FakeSocket::default();
    driver.take(START, &mut [Job::Dialed(DialId(1), Ok(socket.clone()))].into());
    (driver, socket)
}

/// What the node's user is told of why it is not in yet.
fn failures(driver: &mut Driver<FakeTransport>) -> Vec<JoinFailure> {
    let failure = |event| match event {
        Event::Notice { notice: Notice::NotYet { failure, .. }, .. } => Some(failure),
        _ => None,
    };
    driver.events().drain(..).filter_map(failure).collect()
}

/// A room of its own, for whoever looks for it.
fn id_of(driver: &Driver<FakeTransport>) -> NodeId {
    driver.node.me().id
}

#[test]
fn the_node_hears_of_a_link_once_it_is_open_and_not_before() {
    let mut driver = driver(Start::Create);
    let socket = accept(&mut driver);
    driver.finish(START);
    assert!(socket.record().writes.is_empty() && !driver.links.has(LinkId(1)));
    let (_, other) = linked(&mut driver);
    assert!(driver.links.has(LinkId(2)));
    assert_eq!(other.peer(), Some(id_of(&driver)));
}

#[test]
fn a_stranger_is_cut_off_when_its_time_is_over() {
    let mut driver = driver(Start::Create);
    let socket = accept(&mut driver);
    let until = START.after(Duration::from_secs(2));
    assert!(driver.deadline().is_some_and(|at| at <= until));
    driver.finish(until.before(Duration::from_micros(1)));
    assert!(!socket.record().aborted);
    driver.finish(until);
    assert!(socket.record().aborted);
}

#[test]
fn a_dial_that_connects_sends_its_first_message_and_is_answered_by_the_proof() {
    let (mut driver, socket) = dialed();
    let first: Vec<u8> = socket.record().writes.drain(..).flatten().collect();
    assert_eq!(first.len(), 65);
    let mut other = OtherEnd::accept(somebody(2));
    let answer = other.hear(&first).unwrap();
    let mut reader = lock(&driver.links.transport().readers).pop().unwrap();
    let mut jobs = open(&mut reader, &socket, &mut other, answer);
    assert_eq!(other.peer(), Some(id_of(&driver)));
    let Job::Opened(_, opened) = &jobs[0] else { panic!("{jobs:?}") };
    assert_eq!(opened.peer, somebody(2).id());
    driver.take(START, &mut jobs.drain(..).collect());
    driver.finish(START);
    other.hear(&socket.record().writes.concat()).unwrap();
    assert!(other.next().is_some(), "it asks to be let in");
    assert_eq!(failures(&mut driver), []);
}

#[test]
fn each_end_of_a_dial_is_told_to_the_node_once() {
    use DialFailure::{Broken, NoMember, Refused, Unanswered};
    let ended = |how: &dyn Fn(&mut Driver<FakeTransport>) -> Instant| {
        let (mut driver, _socket) = dialed();
        let now = how(&mut driver);
        driver.finish(now);
        let told = failures(&mut driver);
        driver.take(now, &mut [Job::Down(LinkId(1), DownReason::Io)].into());
        driver.finish(now);
        assert_eq!(failures(&mut driver), [], "nothing follows");
        told
    };
    let down = |reason| {
        move |driver: &mut Driver<FakeTransport>| {
            driver.take(START, &mut [Job::Down(LinkId(1), reason)].into());
            START
        }
    };
    let told = |failure| [JoinFailure::Dial(failure)];
    assert_eq!(ended(&down(DownReason::Eof)), told(Unanswered));
    assert_eq!(ended(&down(DownReason::Io)), told(Broken));
    // A contact that can never work ends the joining.
    assert_eq!(ended(&down(DownReason::Link(LinkError::BadAnswer))), []);
    assert_eq!(ended(&|_| START.after(Duration::from_secs(1))), told(Unanswered));
    assert_eq!(DialFailure::of_link(DownReason::Link(LinkError::BadAnswer), false), NoMember);
    let mut refused = driver(Start::Join { contacts: vec![addr()] });
    refused.take(START, &mut VecDeque::new());
    refused.finish(START);
    refused.take(START, &mut [Job::Dialed(DialId(1), Err(ErrorKind::ConnectionRefused.into()))].into());
    assert_eq!(failures(&mut refused), told(Refused));
}

#[test]
fn where_no_more_can_be_accepted_the_oldest_stranger_goes_and_no_member() {
    let mut driver = driver(Start::Create);
    let (member, _other) = linked(&mut driver);
    let strangers = [accept(&mut driver), accept(&mut driver)];
    let gone = |driver: &mut Driver<FakeTransport>| {
        driver.take(START, &mut [Job::Crowded].into());
        [&strangers[0], &strangers[1], &member].map(|socket| socket.record().aborted)
    };
    assert_eq!(gone(&mut driver), [true, false, false]);
    assert_eq!(gone(&mut driver), [true, true, false]);
    assert_eq!(gone(&mut driver), [true, true, false]);
}

#[test]
fn a_stranger_that_connects_after_the_end_is_turned_away() {
    let mut driver = driver(Start::Create);
    driver.halt(START, CloseMode::Flush);
    let socket = accept(&mut driver);
    driver.finish(START);
    assert!(socket.record().writes.is_empty() && driver.has_ended());
}

#[test]
fn the_end_waits_for_what_is_still_being_written() {
    let mut driver = driver(Start::Create);
    let (socket, _other) = linked(&mut driver);
    driver.halt(START, CloseMode::Flush);
    assert!(socket.record().finished && !driver.has_ended());
    let late = driver.deadline().unwrap();
    driver.finish(late);
    assert!(driver.has_ended());
}

#[test]
fn a_report_goes_to_its_asker_or_to_the_events_in_order() {
    let mut driver = driver(Start::Create);
    let mut queue = CommandQueue::default();
    let (tell, told) = mpsc::channel();
    queue.report(ReportTo::Events);
    queue.report(ReportTo::Asker(Box::new(move |report| tell.send(report).unwrap())));
    driver.take(START, &mut VecDeque::new());
    driver.events().clear();
    command(&mut driver, &mut queue);
    let report = |event: &Event| match event {
        Event::Notice { notice: Notice::Report(report), .. } => Some((**report).clone()),
        _ => None,
    };
    let shown: Vec<_> = driver.events().iter().filter_map(report).collect();
    assert_eq!(shown.len(), 1);
    assert_eq!(told.try_recv().unwrap(), shown[0]);
}

#[test]
fn an_asker_is_dropped_when_the_room_ends_before() {
    let mut driver = driver(Start::Create);
    let mut queue = CommandQueue::default();
    let (tell, told) = mpsc::channel();
    driver.halt(START, CloseMode::Abort);
    queue.report(ReportTo::Asker(Box::new(move |report| tell.send(report).unwrap())));
    command(&mut driver, &mut queue);
    queue.close();
    assert_eq!(told.try_recv(), Err(mpsc::TryRecvError::Disconnected));
}

#[test]
fn a_leaver_does_not_wait_for_the_room_for_ever() {
    let mut driver = driver(Start::Join { contacts: vec![addr()] });
    let mut queue = CommandQueue::default();
    queue.say(&Text::new("x").unwrap());
    queue.leave();
    assert!(driver.take_commands(START, &mut queue).is_empty());
    let late = START.after(PATIENCE);
    assert!(driver.deadline().is_some_and(|at| at <= late));
    assert!(matches!(driver.take_commands(late, &mut queue)[..], [UserCommand::Say(_)]));
    assert!(matches!(driver.take_commands(late, &mut queue)[..], [UserCommand::Leave]));
    assert!(driver.take_commands(late, &mut queue).is_empty());
    driver.take(late, &mut VecDeque::new());
    assert!(driver.deadline().is_none_or(|at| at > late), "no hot loop");
}

#[test]
fn one_bad_link_after_the_other_is_told_in_one_line_and_then_as_a_number() {
    let mut driver = driver(Start::Create);
    driver.take(START, &mut VecDeque::new());
    for link in (1..=9).map(LinkId) {
        linked(&mut driver);
        let envelope = Envelope { room: RoomId::UNKNOWN, stamp: Stamp(1), message: Message::Leave };
        driver.take(START, &mut [Job::Received { link, envelopes: vec![envelope], bytes: 22 }].into());
    }
    driver.finish(START);
    let faults = |driver: &mut Driver<FakeTransport>| {
        let count = |event| match event {
            Event::Notice { notice: Notice::Fault { .. }, .. } => Some(1),
            Event::Notice { notice: Notice::MoreFaults { from, count, .. }, .. } => {
                assert_eq!(from, Some(addr().ip()));
                Some(count)
            }
            _ => None,
        };
        driver.events().drain(..).filter_map(count).collect::<Vec<_>>()
    };
    assert_eq!(faults(&mut driver), [1]);
    let later = START.after(Duration::from_secs(10));
    assert!(driver.deadline().is_some_and(|at| at <= later));
    driver.take(later, &mut VecDeque::new());
    driver.finish(later);
    assert_eq!(faults(&mut driver), [8]);
}
