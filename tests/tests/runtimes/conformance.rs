//! The conformance suite.

use std::collections::BTreeMap;
use std::collections::VecDeque;
use std::fs;
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, mpsc};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use ringchat_core::limits::{EVENT_QUEUE, SUBMIT_WINDOW};
use ringchat_core::trace::{MessageKind, Traced, Tracing};
use ringchat_core::{
    Config, Departure, DialFailure, Ending, JoinFailure, Name, Notice, Report, Seq, Start, Text,
};
use ringchat_driver::{DIAL_TIMEOUT, Ended, Event, NoEvent};

use super::{DEADLINE, Runtime};

/// Makes a test of each function of the suite.
macro_rules! conformance {
    ($runtime:ty) => {
        conformance! { $runtime; conformance:
            two_members_talk,
            three_members_see_one_order,
            a_fast_talker_waits_and_loses_nothing,
            a_long_text_arrives_whole,
            leaving_ends_the_events_and_frees_the_port,
            dropping_the_room_leaves_it,
            dropping_the_events_neither_leaves_nor_blocks,
            a_text_gets_its_number_among_the_own_ones,
            a_report_is_returned_after_what_was_said_before,
            reports_in_events_come_in_their_place,
            a_report_that_never_comes_is_an_error,
            a_slow_reader_finds_a_gap_and_slows_nobody,
            a_sink_is_told_all_and_dropped_at_the_end,
            a_sink_that_panics_ends_only_its_room,
            a_member_that_is_traced_tells_its_steps_and_when_its_turns_began,
            a_taken_port_is_told,
            others_are_told_another_address_than_the_one_listened_on,
            nobody_at_the_contact_is_told,
            leaving_does_not_wait_for_a_dial,
        }
        conformance! { $runtime; links:
            a_stranger_gets_no_byte_whatever_it_sends,
            a_recording_is_answered_once_and_opens_nothing,
            whoever_looks_for_another_is_closed_without_a_byte,
            a_room_answers_nobody_with_another_secret,
            members_of_a_private_room_talk,
            a_byte_that_is_changed_on_the_way_breaks_that_link_and_no_more,
            nothing_of_what_is_said_can_be_read_on_the_way,
            many_who_talk_at_once_break_no_link,
            a_connection_cut_inside_a_record_harms_nobody,
            idle_connections_do_not_disturb,
            a_hundred_open_links_from_one_address_while_strangers_hold_forty,
        }
    };
    ($runtime:ty; $part:ident: $($name:ident),* $(,)?) => {
        $(#[test] fn $name() { runtimes::$part::$name::<$runtime>(); })*
    };
}

/// A member of a room, with what it was told.
pub(super) struct Member<R: Runtime> {
    room: Arc<R::Room>,
    events: R::Events,
    /// What was said and not asked for yet.
    heard: VecDeque<String>,
}

impl<R: Runtime> Member<R> {
    fn open(name: &str, start: Start) -> Self {
        Self::with(config(name, start))
    }

    pub(super) fn with(config: Config) -> Self {
        let (room, events) = R::open(config).unwrap();
        Self { room: Arc::new(room), events, heard: VecDeque::new() }
    }

    fn create() -> Self {
        let mut member = Self::open("leader", Start::Create);
        member.wait_ready(1);
        member
    }

    pub(super) fn join(name: &str, contact: &Self) -> Self {
        Self::open(name, Start::Join { contacts: vec![contact.addr()] })
    }

    pub(super) fn addr(&self) -> SocketAddr {
        R::addr(&self.room)
    }

    pub(super) fn say(&self, text: &str) {
        say::<R>(&self.room, text);
    }

    /// Says `lines` on a thread of its own, which waits when the room does.
    pub(super) fn start_talking(
        &self,
        lines: impl Iterator<Item = String> + Send + 'static,
    ) -> JoinHandle<()> {
        let room = Arc::clone(&self.room);
        thread::spawn(move || lines.for_each(|line| say::<R>(&room, &line)))
    }

    /// The texts of the next `count` messages.
    pub(super) fn texts(&mut self, count: usize) -> Vec<String> {
        while self.heard.len() < count {
            let lines = self.wait("chat", |notice| match notice {
                Notice::Chat(chat) => Some(chat.lines().map(|line| line.text.to_owned()).collect::<Vec<_>>()),
                _ => None,
            });
            self.heard.extend(lines);
        }
        self.heard.drain(..count).collect()
    }

    pub(super) fn report(&self) -> Report {
        R::report(&self.room).unwrap()
    }

    fn leave(&self) {
        R::leave(&self.room);
    }

    /// The first notice for which `want` gives something.
    pub(super) fn wait<T>(&mut self, what: &str, want: impl FnMut(&Notice) -> Option<T>) -> T {
        wait::<R, T>(&mut self.events, what, want)
    }

    pub(super) fn wait_ready(&mut self, members: usize) {
        self.wait("ready", |notice| match notice {
            Notice::Ready { members: all, .. } => (all.len() >= members).then_some(()),
            _ => None,
        });
    }

    pub(super) fn wait_text(&mut self, expected: &str) {
        while self.texts(1) != [expected] {}
    }

    pub(super) fn wait_ending(&mut self) -> Ending {
        self.wait("the end", |notice| match notice {
            Notice::Ended(ending) => Some(ending.clone()),
            _ => None,
        })
    }

    fn wait_quit(&mut self) {
        self.wait("somebody leaving", |notice| match notice {
            Notice::Left { reason, .. } => {
                assert_eq!(*reason, Departure::Quit);
                Some(())
            }
            _ => None,
        });
    }
}

pub(super) fn config(name: &str, start: Start) -> Config {
    Config::new((Ipv4Addr::LOCALHOST, 0).into(), Name::new(name).unwrap(), start)
}

fn say<R: Runtime>(room: &R::Room, text: &str) {
    R::say(room, Text::new(text).unwrap()).unwrap();
}

fn wait<R: Runtime, T>(events: &mut R::Events, what: &str, mut want: impl FnMut(&Notice) -> Option<T>) -> T {
    let deadline = Instant::now() + DEADLINE;
    loop {
        let left = deadline.saturating_duration_since(Instant::now());
        match R::next(events, left) {
            Ok(Event::Notice { notice, .. }) => {
                if let Some(found) = want(&notice) {
                    return found;
                }
            }
            Ok(event) => panic!("{event:?} while waiting for {what}"),
            Err(error) => panic!("waited for {what}: {error}"),
        }
    }
}

pub(crate) fn two_members_talk<R: Runtime>() {
    let mut leader = Member::<R>::create();
    let mut other = Member::<R>::join("other", &leader);
    other.wait_ready(2);
    leader.say("hello");
    other.wait_text("hello");
    other.say("and to you");
    leader.wait_text("and to you");
}

pub(crate) fn three_members_see_one_order<R: Runtime>() {
    const LINES: usize = 200;
    let leader = Member::<R>::create();
    let mut second = Member::<R>::join("second", &leader);
    second.wait_ready(2);
    let mut third = Member::<R>::join("third", &second);
    third.wait_ready(3);
    let mut members = [leader, second, third];
    let lines = |from: usize| (0..LINES).map(move |n| format!("{from} {n:03}"));
    let talkers: Vec<_> = members.iter().enumerate().map(|(from, m)| m.start_talking(lines(from))).collect();
    // What waits for one is kept for it while another is read.
    let orders: Vec<_> = members.iter_mut().map(|member| member.texts(3 * LINES)).collect();
    for talker in talkers {
        talker.join().unwrap();
    }
    assert_eq!(orders[0], orders[1]);
    assert_eq!(orders[0], orders[2]);
    let mut of_each = BTreeMap::<&str, Vec<&str>>::new();
    for line in &orders[0] {
        let (from, n) = line.split_once(' ').unwrap();
        of_each.entry(from).or_default().push(n);
    }
    assert_eq!(of_each.len(), 3);
    assert!(of_each.values().all(|lines| lines.len() == LINES && lines.is_sorted()));
}

pub(crate) fn a_fast_talker_waits_and_loses_nothing<R: Runtime>() {
    const LINES: usize = 5000;
    let leader = Member::<R>::create();
    let mut other = Member::<R>::join("other", &leader);
    other.wait_ready(2);
    let talker = other.start_talking((0..LINES).map(|n| n.to_string()));
    let heard = other.texts(LINES);
    talker.join().unwrap();
    assert_eq!(heard, (0..LINES).map(|n| n.to_string()).collect::<Vec<_>>());
}

pub(crate) fn a_long_text_arrives_whole<R: Runtime>() {
    let mut leader = Member::<R>::create();
    let mut other = Member::<R>::join("other", &leader);
    other.wait_ready(2);
    let longest = "ä".repeat(8 * 1024);
    other.say(&longest);
    leader.wait_text(&longest);
}

pub(crate) fn leaving_ends_the_events_and_frees_the_port<R: Runtime>() {
    let mut leader = Member::<R>::create();
    let mut other = Member::<R>::join("other", &leader);
    other.wait_ready(2);
    let port = other.addr();
    other.say("good bye");
    other.leave();
    other.leave();
    assert_eq!(other.wait_ending(), Ending::Left { unsure: 0 });
    assert_eq!(R::next(&mut other.events, DEADLINE), Err(NoEvent::Ended));
    assert_eq!(R::try_next(&mut other.events), Err(NoEvent::Ended));
    R::wait(&other.room);
    assert_eq!(R::report(&other.room), Err(Ended));
    leader.wait_text("good bye");
    leader.wait_quit();
    TcpListener::bind(port).unwrap();
}

pub(crate) fn dropping_the_room_leaves_it<R: Runtime>() {
    let mut leader = Member::<R>::create();
    let mut other = Member::<R>::join("other", &leader);
    other.wait_ready(2);
    let Member { room, mut events, .. } = other;
    drop(room);
    leader.wait_quit();
    while R::next(&mut events, DEADLINE).is_ok() {}
    assert_eq!(R::try_next(&mut events), Err(NoEvent::Ended));
}

pub(crate) fn dropping_the_events_neither_leaves_nor_blocks<R: Runtime>() {
    const LINES: u64 = EVENT_QUEUE as u64 + 2000;
    let mut leader = Member::<R>::create();
    let (other, _) = R::open(config("other", Start::Join { contacts: vec![leader.addr()] })).unwrap();
    leader.wait("the other", |notice| matches!(notice, Notice::Joined { .. }).then_some(()));
    (0..LINES).for_each(|n| leader.say(&n.to_string()));
    assert_eq!(R::say(&other, Text::new("still here").unwrap()), Ok(Seq(1)));
    R::leave(&other);
    leader.leave();
    R::wait(&other);
}

pub(crate) fn a_text_gets_its_number_among_the_own_ones<R: Runtime>() {
    let mut leader = Member::<R>::create();
    let mut other = Member::<R>::join("other", &leader);
    other.wait_ready(2);
    leader.say("not counted by the other");
    for number in [1, 2, 3].map(Seq) {
        assert_eq!(R::say(&other.room, Text::new("mine").unwrap()), Ok(number));
    }
    let mut numbers = Vec::new();
    while numbers.len() < 3 {
        numbers.extend(leader.wait("chat", |notice| match notice {
            Notice::Chat(chat) if !chat.mine => Some(chat.lines().map(|line| line.seq).collect::<Vec<_>>()),
            _ => None,
        }));
    }
    assert_eq!(numbers, [1, 2, 3].map(Seq));
}

pub(crate) fn a_report_is_returned_after_what_was_said_before<R: Runtime>() {
    const LINES: u64 = 5000;
    let leader = Member::<R>::create();
    (0..LINES).for_each(|n| leader.say(&n.to_string()));
    let report = R::report(&leader.room).unwrap();
    assert_eq!(report.stats.shown, LINES);
    assert_eq!(report.me.name.as_str(), "leader");
}

pub(crate) fn reports_in_events_come_in_their_place<R: Runtime>() {
    let mut leader = Member::<R>::create();
    for _ in 0..3 {
        leader.say("a text");
        R::report_in_events(&leader.room).unwrap();
        R::report(&leader.room).unwrap();
    }
    let mut shown = 0;
    for reports in 1..=3 {
        let report = leader.wait("a report", |notice| match notice {
            Notice::Chat(chat) => {
                shown += chat.said.count();
                None
            }
            Notice::Report(report) => Some((**report).clone()),
            _ => None,
        });
        assert_eq!((report.stats.shown, shown), (reports, reports));
    }
    assert_eq!(R::try_next(&mut leader.events), Err(NoEvent::Yet), "what is returned is no event");
}

pub(crate) fn a_report_that_never_comes_is_an_error<R: Runtime>() {
    let start = Start::Join { contacts: vec![free_addr()] };
    let config = config("lonely", start).with_join_timeout(Duration::from_millis(300));
    let (room, _) = R::open(config).unwrap();
    // Nothing is taken before the room was entered, so the report waits behind the text.
    say::<R>(&room, "too early");
    assert_eq!(R::report(&room), Err(Ended));
    R::wait(&room);
}

pub(crate) fn a_slow_reader_finds_a_gap_and_slows_nobody<R: Runtime>() {
    // The last that finds a place may be a run of many texts.
    const LINES: u64 = (EVENT_QUEUE + 2 * SUBMIT_WINDOW) as u64;
    let mut leader = Member::<R>::create();
    (0..LINES).for_each(|n| leader.say(&n.to_string()));
    leader.leave();
    R::wait(&leader.room);
    let (mut shown, mut missed, mut ended) = (0, 0, false);
    while let Ok(event) = R::try_next(&mut leader.events) {
        match event {
            Event::Missed { count } => missed += count,
            Event::Notice { notice: Notice::Chat(chat), .. } => shown += chat.said.count(),
            event => ended = matches!(event, Event::Notice { notice: Notice::Ended(_), .. }),
        }
    }
    assert!(missed > 0 && shown + missed >= LINES, "{shown} shown, {missed} missed");
    assert!(ended, "the last notice is never missed");
}

pub(crate) fn a_sink_is_told_all_and_dropped_at_the_end<R: Runtime>() {
    const LINES: usize = 1000;
    let mut leader = Member::<R>::create();
    let (told, hears) = mpsc::channel();
    let start = Start::Join { contacts: vec![leader.addr()] };
    let other = R::open_with(config("other", start), move |events| {
        events.for_each(|event| told.send(event).unwrap());
    });
    let other = other.unwrap();
    (0..LINES).for_each(|n| say::<R>(&other, &n.to_string()));
    R::leave(&other);
    R::wait(&other);
    let notices = hears.iter().map(|event| match event {
        Event::Notice { notice, .. } => notice,
        event => panic!("{event:?}"),
    });
    let notices: Vec<Notice> = notices.collect();
    let shown = notices.iter().map(|notice| match notice {
        Notice::Chat(chat) if chat.mine => chat.lines().count(),
        _ => 0,
    });
    assert_eq!(shown.sum::<usize>(), LINES);
    assert_eq!(notices.last(), Some(&Notice::Ended(Ending::Left { unsure: 0 })));
    assert_eq!(leader.texts(LINES), (0..LINES).map(|n| n.to_string()).collect::<Vec<_>>());
}

pub(crate) fn a_member_that_is_traced_tells_its_steps_and_when_its_turns_began<R: Runtime>() {
    let mut leader = Member::<R>::create();
    let (told, hears) = mpsc::channel();
    let start = Start::Join { contacts: vec![leader.addr()] };
    let traced = R::open_with(config("traced", start).with_trace(Tracing::Events), move |turn| {
        let at = turn.at();
        turn.for_each(|event| told.send((at, event)).unwrap());
    });
    let traced = traced.unwrap();
    let is_ready = |event: &Event| matches!(event, Event::Notice { notice: Notice::Ready { .. }, .. });
    let next = || hears.recv_timeout(DEADLINE).unwrap();
    let mut all = vec![next()];
    while !all.last().is_some_and(|(_, event)| is_ready(event)) {
        all.push(next());
    }
    leader.wait("the other", |notice| matches!(notice, Notice::Joined { .. }).then_some(()));
    R::trace(&traced, Tracing::Off).unwrap();
    R::trace(&traced, Tracing::Texts).unwrap();
    R::leave(&traced);
    R::wait(&traced);
    all.extend(hears);
    assert!(all.iter().is_sorted_by_key(|(at, _)| *at), "turns begin one after the other");
    let steps = all.into_iter().filter_map(|(_, event)| match event {
        Event::Trace { traced, .. } => Some(*traced),
        _ => None,
    });
    let steps: Vec<Traced> = steps.collect();
    let lives = steps.iter().filter(|step| matches!(step, Traced::Life { .. })).count();
    assert!(matches!(steps[0], Traced::Life { .. }) && lives == 2, "{lives} lives");
    let joins =
        |step: &Traced| matches!(step, Traced::Sent { sketch, .. } if sketch.kind == MessageKind::Join);
    let took = |step: &Traced| matches!(step, Traced::Took { .. });
    assert!(steps.iter().position(joins) < steps.iter().position(took), "{steps:?}");
}

pub(crate) fn a_sink_that_panics_ends_only_its_room<R: Runtime>() {
    let mut leader = Member::<R>::create();
    let start = Start::Join { contacts: vec![leader.addr()] };
    let faulty = R::open_with(config("faulty", start), |events| {
        for event in events {
            if let Event::Notice { notice: Notice::Chat(chat), .. } = event {
                panic!("cannot take {chat:?}");
            }
        }
    });
    let faulty = faulty.unwrap();
    leader.wait("the other", |notice| matches!(notice, Notice::Joined { .. }).then_some(()));
    leader.say("what breaks it");
    R::wait(&faulty);
    assert_eq!(R::report(&faulty), Err(Ended));
    leader.say("still here");
    leader.wait_text("still here");
}

pub(crate) fn a_taken_port_is_told<R: Runtime>() {
    let taken = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let addr = taken.local_addr().unwrap();
    let refused = R::open(Config::new(addr, Name::new("late").unwrap(), Start::Create));
    let message = refused.err().unwrap().to_string();
    assert!(message.contains(&format!("{addr} is in use")), "{message}");
}

pub(crate) fn others_are_told_another_address_than_the_one_listened_on<R: Runtime>() {
    let config = config("alice", Start::Create).listening_on((Ipv4Addr::UNSPECIFIED, 0).into());
    let (room, events) = R::open(config).unwrap();
    let alice = Member::<R> { room: Arc::new(room), events, heard: VecDeque::new() };
    assert_eq!(alice.addr().ip(), Ipv4Addr::LOCALHOST);
    Member::<R>::join("bob", &alice).wait_ready(2);
}

pub(crate) fn nobody_at_the_contact_is_told<R: Runtime>() {
    let free = free_addr();
    let start = Start::Join { contacts: vec![free] };
    let config = config("lonely", start).with_join_timeout(Duration::from_secs(2));
    let (room, events) = R::open(config).unwrap();
    let mut lonely = Member::<R> { room: Arc::new(room), events, heard: VecDeque::new() };
    let refused = JoinFailure::Dial(DialFailure::Refused);
    assert_eq!(lonely.wait_ending(), Ending::JoinFailed { tried: vec![(free, refused)] });
    R::wait(&lonely.room);
}

/// An address on which nobody listens.
fn free_addr() -> SocketAddr {
    TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap().local_addr().unwrap()
}

pub(crate) fn leaving_does_not_wait_for_a_dial<R: Runtime>() {
    let (deaf, _queued) = deaf_listener();
    let lonely = Member::<R>::open("lonely", Start::Join { contacts: vec![deaf.local_addr().unwrap()] });
    wait_dialing(deaf.local_addr().unwrap());
    let before = Instant::now();
    lonely.leave();
    R::wait(&lonely.room);
    assert!(before.elapsed() < DIAL_TIMEOUT / 2, "{:?}", before.elapsed());
}

/// Waits until a dial to `addr` is under way, as Linux tells it: a connection in state 02, `SYN_SENT`.
fn wait_dialing(addr: SocketAddr) {
    let deadline = Instant::now() + DEADLINE;
    let dialing = format!(":{:04X} 02", addr.port());
    while !fs::read_to_string("/proc/self/net/tcp").unwrap().contains(&dialing) {
        assert!(Instant::now() < deadline, "nobody dials {addr}");
        thread::yield_now();
    }
}

/// A listener whose queue is full, so that dials to it get no answer.
fn deaf_listener() -> (TcpListener, Vec<TcpStream>) {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    rustix::net::listen(&listener, 0).unwrap();
    let addr = listener.local_addr().unwrap();
    let connect = || TcpStream::connect_timeout(&addr, Duration::from_millis(50)).ok();
    let queued = std::iter::from_fn(connect).collect();
    (listener, queued)
}
