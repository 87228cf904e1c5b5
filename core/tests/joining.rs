//! A node that nobody lets in, and what one is sent that comes in.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on is to panic")]

mod cast;
mod driven;
mod pair;

use std::net::SocketAddr;
use std::time::Duration;

use pair::{LINK, Pair, cfg, chat, peer, run};
use ringchat_core::limits::{BACKLOG_BYTES, BACKLOG_TEXTS, MAX_TEXT};
use ringchat_core::wire::{Beat, Body, Deliver, Elected, Entry, Join, Message, NotMember, RefusedKind, Sync};
use ringchat_core::{
    Action, CloseMode, Command, Config, DialFailure, DialId, Ending, Epoch, Fault, Index, Input, Instant,
    JoinFailure, LinkId, Name, Node, Notice, Occasion, Origin, Start,
};

const REFUSES: u8 = 1;
const SAYS_NOTHING: u8 = 2;
const LIMIT: Duration = Duration::from_secs(8);

/// What the user is told, and when it ends.
#[derive(Default)]
struct Told {
    not_yet: Vec<(SocketAddr, JoinFailure, Duration)>,
    ended: Option<(Instant, CloseMode)>,
}

fn addr(place: u8) -> SocketAddr {
    ([10, 0, 0, place], 4000).into()
}

/// Runs a node that joins through these, until it ends.
fn join_through(places: &[u8]) -> Told {
    let contacts = places.iter().copied().map(addr).collect();
    let mut config = Config::new(addr(9), Name::new("m").unwrap(), Start::Join { contacts });
    config.join_timeout = LIMIT;
    let mut now = Instant::ZERO;
    let mut node = Node::new(config, cast::seed(9), now);
    let (mut told, mut links) = (Told::default(), 0);
    while told.ended.is_none() {
        let mut inputs = vec![Input::Tick];
        while let Some(input) = inputs.pop() {
            for action in driven::handle(&mut node, &mut now, input) {
                inputs.extend(told.take(action, now, &mut links));
            }
        }
        now = node.deadline().map_or(now, |at| at.max(now));
    }
    told
}

impl Told {
    /// Does what is asked; gives what follows.
    fn take(&mut self, action: Action, now: Instant, links: &mut u64) -> Option<Input> {
        match action {
            Action::Dial { dial, addr, .. } => Some(answer(dial, addr, links)),
            Action::Close { link, .. } => {
                Some(Input::LinkDown { link, reason: ringchat_core::DownReason::Closed })
            }
            Action::Notify { notice: Notice::NotYet { contact, failure, left }, .. } => {
                self.not_yet.push((contact, failure, left));
                None
            }
            Action::Notify { notice: Notice::Ended(ending), .. } => {
                assert!(matches!(ending, Ending::JoinFailed { .. }), "{ending:?}");
                None
            }
            Action::Halt { mode } => {
                self.ended = Some((now, mode));
                None
            }
            _ => None,
        }
    }
}

fn answer(dial: DialId, remote: SocketAddr, links: &mut u64) -> Input {
    if remote == addr(REFUSES) {
        return Input::DialFailed { dial, reason: DialFailure::Refused };
    }
    *links += 1;
    let (link, peer) = (LinkId(*links), cast::id(SAYS_NOTHING.into()));
    Input::LinkUp { link, origin: Origin::Dialed(dial), remote, peer }
}

#[test]
fn each_contact_that_is_tried_again_is_told_once_with_the_time_that_is_left() {
    let told = join_through(&[REFUSES, SAYS_NOTHING]);
    let [(first, refused, left), (second, silent, _)] = told.not_yet[..] else {
        panic!("{:?}", told.not_yet);
    };
    assert_eq!((first, refused), (addr(REFUSES), JoinFailure::Dial(DialFailure::Refused)));
    assert_eq!((second, silent), (addr(SAYS_NOTHING), JoinFailure::NoAnswer));
    assert!(left < LIMIT && left > LIMIT / 2, "{left:?}");
}

#[test]
fn it_ends_in_time_and_waits_for_no_connection_to_end() {
    for places in [&[REFUSES][..], &[SAYS_NOTHING], &[REFUSES, SAYS_NOTHING]] {
        let (at, mode) = join_through(places).ended.unwrap();
        let late = at.since(Instant::ZERO).checked_sub(LIMIT).unwrap();
        assert!(late < Duration::from_millis(1), "{late:?}");
        assert_eq!(mode, CloseMode::Abort);
    }
}

/// The texts in what a leader, who has said these before, and one thing since, sends a newcomer.
fn history_for_newcomer(mut pair: Pair, before: &[&[&str]]) -> usize {
    for texts in before {
        pair.say_all(texts);
    }
    let join = Join { me: peer(), contact: None, epoch: Epoch(0), generation: 1, ring: Vec::new() };
    pair.notices(Message::Join(join));
    pair.say("after");
    let view = pair.node.view();
    let out =
        pair.receive(LINK, Message::Sync(Sync { view, history: Vec::new(), tail: Vec::new(), more: false }));
    let delivered = out.into_iter().filter_map(|action| match action {
        Action::Send { envelope, .. } => Some(envelope.message),
        _ => None,
    });
    let entries = delivered.filter_map(|message| match message {
        Message::Deliver(deliver) => Some(deliver.entries),
        _ => None,
    });
    let counts = entries.flatten().filter_map(|entry| match entry.body {
        Body::Chat { said, .. } => Some(said.texts.len()),
        Body::Membership { .. } => None,
    });
    counts.sum()
}

#[test]
fn a_newcomer_is_sent_the_last_texts_and_nothing_older() {
    let one: &[&str] = &["before"];
    for (before, sent) in [
        (vec![one; 3], 3 + 1),
        (vec![one; BACKLOG_TEXTS], BACKLOG_TEXTS + 1),
        (vec![one; BACKLOG_TEXTS + 9], BACKLOG_TEXTS + 1),
        (vec![one, &["x"; 7], &["x"; 15], &["x"; 4]], 26 + 1),
    ] {
        assert_eq!(history_for_newcomer(Pair::with_leader(), &before), sent, "{before:?}");
    }
}

#[test]
fn a_newcomer_is_sent_fewer_of_the_last_texts_if_they_are_long() {
    let long = "x".repeat(MAX_TEXT);
    let sent = history_for_newcomer(Pair::with_leader(), &[&[long.as_str()][..]; BACKLOG_TEXTS]);
    assert_eq!(sent, (BACKLOG_BYTES - 1) / MAX_TEXT + 1);
}

#[cfg(feature = "ablation")]
#[test]
fn without_the_rule_a_newcomer_is_sent_all_that_was_said_before_it_came() {
    let mut pair = Pair::with_leader();
    pair.node.ablate(&[ringchat_core::Rule::ShortHistory]);
    assert_eq!(history_for_newcomer(pair, &vec![&["before"][..]; BACKLOG_TEXTS + 9]), BACKLOG_TEXTS + 9 + 1);
}

#[test]
fn a_member_that_is_refused_is_looked_for() {
    let mut pair = Pair::with_leader();
    let join = |epoch| Join { me: peer(), contact: None, epoch, generation: 1, ring: Vec::new() };
    pair.notices(Message::Join(join(Epoch(0))));
    let sync = Sync { view: pair.node.view(), history: Vec::new(), tail: Vec::new(), more: false };
    pair.notices(Message::Sync(sync));
    let out = pair.receive(LINK, Message::Join(join(Epoch(u64::MAX))));
    assert!(out.iter().any(|action| matches!(action, Action::Close { link: LINK, .. })), "{out:?}");
    assert!(out.iter().any(|action| matches!(action, Action::Dial { .. })), "{out:?}");
}

/// The numbers of the texts that a newcomer is shown of what was said before it came, if its user wants so many.
fn backlog(wanted: usize, before: &[Entry]) -> Vec<u64> {
    let config = Config::new(cast::addr(1), cast::name(), Start::Join { contacts: vec![peer().addr()] });
    let mut pair = Pair::with(config.with_backlog(wanted));
    pair.link_up(Origin::Dialed(DialId(1)));
    pair.elect(1);
    let mut entries = vec![pair.opened(1, 0)];
    entries.extend_from_slice(before);
    let told = pair.told_of_install(1, 0, &entries);
    let ready = told.iter().position(|notice| matches!(notice, Notice::Ready { .. })).unwrap();
    let shown = told.iter().enumerate().filter_map(|(at, notice)| match notice {
        Notice::Chat(chat) => Some((at, chat)),
        _ => None,
    });
    let mut numbers = Vec::new();
    for (at, chat) in shown {
        assert!(at > ready && chat.occasion == Occasion::BeforeJoin, "{chat:?}");
        numbers.extend(chat.lines().map(|line| (line.index.0, line.seq.0)));
    }
    let next = before.iter().map(|entry| entry.end().0).max().unwrap();
    let live = pair.told_of(&[chat(next, next, next)], 0);
    let is_live = |notice: &Notice| matches!(notice, Notice::Chat(chat) if chat.occasion == Occasion::Live);
    assert!(live.len() == 1 && is_live(&live[0]), "{live:?}");
    assert!(numbers.iter().all(|(index, seq)| index == seq), "{numbers:?}");
    numbers.into_iter().map(|(_, seq)| seq).collect()
}

#[test]
fn a_newcomer_is_shown_as_many_of_the_last_texts_as_its_user_wants() {
    let before = [run(1, 1, 1, 30), chat(31, 31, 31), run(32, 32, 32, 5)];
    let last = |count: u64| (37 - count..37).collect::<Vec<_>>();
    for (wanted, shown) in [(0, 0), (3, 3), (5, 5), (7, 7), (BACKLOG_TEXTS, 20), (usize::MAX, 20)] {
        assert_eq!(backlog(wanted, &before), last(shown), "{wanted}");
    }
    assert_eq!(backlog(9, &[run(1, 1, 1, 4)]), [1, 2, 3, 4]);
}

/// A node that asks a contact to be let in.
fn newcomer() -> Pair {
    let mut pair = Pair::new(Start::Join { contacts: vec![peer().addr()] });
    pair.link_up(Origin::Dialed(DialId(1)));
    pair
}

#[test]
fn a_leader_that_takes_a_newcomer_for_a_member_already_is_not_accused() {
    let beat = Beat { view: None, cfg: None, stable: Index(0) };
    let asked = newcomer().receive(LINK, Message::Ping(beat));
    let answers = |it: &Action| matches!(it, Action::Send { envelope, .. } if matches!(envelope.message, Message::Pong(_)));
    assert!(asked.iter().any(answers), "{asked:?}");
    let deliver = Deliver { view: cfg(1).view, entries: vec![chat(1, 1, 1)], stable: Index(0) };
    let refusal = NotMember { re: RefusedKind::Ping, epoch: Epoch(1), me: peer().id, cfg: None };
    for message in [
        Message::Ping(beat),
        Message::Deliver(deliver),
        Message::Goodbye { successor: None },
        Message::WantPromise { round: 1 },
        Message::NotMember(refusal),
    ] {
        assert_eq!(newcomer().faults(message.clone()), [], "{message:?}");
    }
}

#[test]
fn a_second_welcome_is_no_fault() {
    let mut pair = newcomer();
    let welcome = Elected { cfg: cfg(2), roster: pair.roster(), history: Vec::new() };
    for _ in 0..2 {
        assert_eq!(pair.faults(Message::Elected(welcome.clone())), []);
    }
}

#[test]
fn a_newcomer_that_leaves_before_it_has_the_log_tells_the_leader_that_let_it_in() {
    let leaves = |pair: &mut Pair| pair.handle(Input::Command(Command::Leave));
    let mut pair = newcomer();
    let says_so = |action: &Action| matches!(action, Action::Send { link: LINK, envelope } if envelope.message == Message::Leave);
    let welcome = Elected { cfg: cfg(2), roster: pair.roster(), history: Vec::new() };
    pair.receive(LINK, Message::Elected(welcome));
    let out = leaves(&mut pair);
    assert_eq!(out.iter().filter(|action| says_so(action)).count(), 1, "{out:?}");
    assert!(matches!(out.last(), Some(Action::Halt { mode: CloseMode::Flush })), "{out:?}");
    let out = leaves(&mut newcomer());
    assert!(!out.iter().any(says_so), "it was not let in: {out:?}");
}

#[test]
fn a_leader_that_leads_no_longer_names_another_and_is_not_accused() {
    let mut pair = newcomer();
    let leader = cast::member(3);
    let out = pair.receive(LINK, Message::JoinVia { me: peer().id, leader: leader.clone() });
    let dial = out.iter().find_map(|it| if let Action::Dial { dial, .. } = it { Some(*dial) } else { None });
    let link = LinkId(2);
    pair.handle(Input::LinkUp {
        link,
        origin: Origin::Dialed(dial.unwrap()),
        remote: leader.addr(),
        peer: leader.id,
    });
    let out = pair.receive(link, Message::JoinVia { me: leader.id, leader: peer() });
    assert_eq!(out.iter().find_map(pair::fault), None);
}

#[test]
fn whoever_is_asked_to_let_in_does_not_ask_the_same_in_return() {
    let join = Join { me: peer(), contact: None, epoch: Epoch(0), generation: 1, ring: Vec::new() };
    assert_eq!(newcomer().faults(Message::Join(join)), [Fault::Unexpected]);
}
