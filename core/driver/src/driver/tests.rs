use super::*;
use crate::fake::{FakeSocket, FakeTransport, START, addr, seed};
use ringchat_core::wire::GREETING;
use ringchat_core::{Name, Start, Text, UnixTime};
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

#[test]
fn the_greeting_comes_first_on_every_link() {
    let mut driver = driver(Start::Create);
    let socket = accept(&mut driver);
    driver.finish(START);
    let sent = socket.record().writes.concat();
    assert_eq!(sent.get(..GREETING.len()), Some(&GREETING[..]));
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
    let socket = accept(&mut driver);
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
