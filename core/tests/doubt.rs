//! What a leader does that slept, until it knows whether it still leads.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on is to panic")]

mod cast;
mod driven;
mod leader;

use std::time::Duration;

use cast::member;
use leader::Leader;
use ringchat_core::limits::{MAX_EPOCH_LEAP, MAX_TEXT, PUT_OFF_BYTES};
use ringchat_core::wire::{Beat, Body, Change, Message, NotMember, Refusal, RefusedKind, Run};
use ringchat_core::{
    Action, Command, Config, ConfigId, Departure, Ending, Epoch, Index, Input, Instant, LinkId, Notice,
    RoomId, Seq, Stamp, Text, TextRun, UnixTime, View,
};

/// The leader of so many members, itself included as 1, that has slept for long enough to doubt, and what it did when
/// it woke up.
fn awake(members: u64) -> (Leader, Vec<Action>) {
    let mut leader = Leader::new();
    leader.let_in(members);
    let actions = sleep(&mut leader, Duration::from_millis(401));
    (leader, actions)
}

/// The driver is late by so much.
fn sleep(leader: &mut Leader, late: Duration) -> Vec<Action> {
    let due = leader.node.deadline().unwrap();
    wake(leader, due.after(late))
}

/// The driver's clock shows `at`.
fn wake(leader: &mut Leader, at: Instant) -> Vec<Action> {
    leader.now = at;
    leader.handle(Input::Tick)
}

/// Time passes without lateness, and nothing comes.
fn pass(leader: &mut Leader, time: Duration) -> Vec<Action> {
    let end = leader.now.after(time);
    let mut actions = Vec::new();
    while let Some(deadline) = leader.node.deadline().filter(|at| *at <= end) {
        leader.now = deadline;
        actions.extend(leader.handle(Input::Tick));
    }
    actions
}

fn sent(actions: &[Action]) -> impl Iterator<Item = &Message> {
    actions.iter().filter_map(|action| match action {
        Action::Send { envelope, .. } | Action::Multicast { envelope, .. } => Some(&envelope.message),
        _ => None,
    })
}

/// The round of the question that is asked.
fn asked(actions: &[Action]) -> Vec<u64> {
    let round = |message: &Message| match message {
        Message::WantPromise { round } => Some(*round),
        _ => None,
    };
    sent(actions).filter_map(round).collect()
}

fn told(actions: &[Action], wanted: impl Fn(&Notice) -> bool) -> bool {
    actions.iter().any(|action| matches!(action, Action::Notify { notice, .. } if wanted(notice)))
}

fn says(text: &str) -> Input {
    Input::Command(Command::Say { texts: TextRun::from(Text::new(text).unwrap()), at: UnixTime(0) })
}

fn promise(leader: &mut Leader, member: u64, round: u64) -> Vec<Action> {
    let epoch = leader.node.view().epoch;
    leader.hear(member, Message::Promise { round, epoch })
}

fn shown(actions: &[Action]) -> Vec<String> {
    let chat = |action: &Action| match action {
        Action::Notify { notice: Notice::Chat(chat), .. } => Some(chat.clone()),
        _ => None,
    };
    let chats = actions.iter().filter_map(chat);
    chats.flat_map(|chat| chat.lines().map(|line| line.text.to_owned()).collect::<Vec<_>>()).collect()
}

/// Who goes by an entry, and why.
fn gone(body: &Body) -> Vec<Departure> {
    match body {
        Body::Membership { change, .. } => match &**change {
            Change::Edit { gone, .. } => gone.iter().map(|(_, why)| *why).collect(),
            Change::Opened { .. } => Vec::new(),
        },
        Body::Chat { .. } => Vec::new(),
    }
}

#[test]
fn a_leader_that_was_late_for_a_moment_asks_nobody() {
    let mut leader = Leader::new();
    leader.let_in(3);
    let (_, last) = (leader.handle(Input::Tick), leader.now);
    assert_eq!(asked(&wake(&mut leader, last.after(Duration::from_millis(399)))), []);
    assert_eq!(shown(&leader.handle(says("at once"))), ["at once"]);
}

/// A dial to it takes half of `detect`, and may have begun just before it slept, because a link broke.
#[test]
fn a_leader_that_did_not_run_for_as_long_as_a_dial_takes_asks_however_late_it_is() {
    let mut leader = Leader::new();
    leader.let_in(3);
    let (_, last) = (leader.handle(Input::Tick), leader.now);
    let due = leader.node.deadline().unwrap();
    let woken = last.after(Config::DETECT / 2);
    assert!(woken.since(due) < Config::DETECT / 2, "it is late by less");
    assert_eq!(asked(&wake(&mut leader, woken)), [1, 1]);
}

#[test]
fn what_is_said_waits_until_all_have_answered() {
    let (mut leader, woken) = awake(3);
    assert_eq!(asked(&woken), [1, 1]);
    let said = leader.handle(says("mine"));
    assert!(told(&said, |notice| matches!(notice, Notice::Held { seq: Seq(1) })), "{said:?}");
    let texts = Text::new("theirs").unwrap().into();
    let theirs = Run::sham(RoomId([1; 16]), member(2).into(), Seq(1), Stamp(1), texts);
    let view = leader.node.view();
    let submit = Message::Submit { view, said: vec![theirs] };
    let length = leader.node.log_len();
    leader.hear(2, submit.clone());
    leader.hear(2, submit);
    promise(&mut leader, 2, 1);
    assert_eq!(leader.node.log_len(), length, "3 has not answered");
    assert_eq!(shown(&promise(&mut leader, 3, 1)), ["theirs", "mine"]);
    assert_eq!(leader.node.log_len(), length.plus(2), "each once");
}

#[test]
fn an_answer_to_an_earlier_question_does_not_count() {
    let (mut leader, _) = awake(3);
    assert_eq!(asked(&sleep(&mut leader, Duration::from_secs(2))), [2, 2]);
    leader.handle(says("mine"));
    promise(&mut leader, 2, 1);
    assert_eq!(shown(&promise(&mut leader, 3, 1)), [""; 0]);
    promise(&mut leader, 2, 2);
    assert_eq!(shown(&promise(&mut leader, 3, 2)), ["mine"]);
}

#[test]
fn a_leader_that_is_late_again_and_again_is_sure_some_time() {
    let (mut leader, _) = awake(3);
    leader.handle(says("mine"));
    for member in [2, 3] {
        let asked = asked(&sleep(&mut leader, Duration::from_millis(600)));
        assert!(asked.iter().all(|round| *round == 1), "no new question: {asked:?}");
        promise(&mut leader, member, 1);
    }
    assert_eq!(leader.node.waiting(), 0);
}

#[test]
fn a_higher_promise_ends_the_lead_and_the_wait_for_that_election_has_an_end() {
    let (mut leader, _) = awake(3);
    leader.handle(says("mine"));
    let promised = Message::Promise { round: 1, epoch: leader.node.view().epoch.next() };
    let heard = leader.hear(2, promised);
    assert!(!leader.node.is_leader());
    assert_eq!((shown(&heard), leader.node.waiting()), (Vec::new(), 1));
    let later = pass(&mut leader, Duration::from_secs(3));
    assert!(told(&later, |notice| matches!(notice, Notice::Election { epoch: Epoch(3..), .. })), "{later:?}");
}

#[test]
fn nobody_is_let_in_and_those_who_leave_go_in_one_entry_afterwards() {
    let (mut leader, _) = awake(4);
    let refused = leader.knock(5);
    assert!(sent(&refused).any(|message| *message == Message::Refused(Refusal::Busy)), "{refused:?}");
    let length = leader.node.log_len();
    leader.hear(2, Message::Leave);
    leader.hear(3, Message::Leave);
    assert_eq!((leader.node.log_len(), leader.node.roster().len()), (length, 4));
    promise(&mut leader, 4, 1);
    assert_eq!((leader.node.log_len(), leader.node.roster().len()), (length.next(), 2));
    let gone = gone(&leader.node.log_entries().next_back().unwrap().body);
    assert_eq!(gone, [Departure::Quit, Departure::Quit]);
}

#[test]
fn one_that_sends_too_much_meanwhile_is_to_come_back() {
    let (mut leader, _) = awake(3);
    let (view, origin) = (leader.node.view(), member(2));
    let closes = |action: &Action| matches!(action, Action::Close { link: LinkId(2), .. });
    let mut bytes = 0;
    for seq in 1.. {
        let texts = TextRun::from(Text::new(&"x".repeat(MAX_TEXT)).unwrap());
        bytes += MAX_TEXT;
        let said = vec![Run::sham(RoomId([1; 16]), origin.clone().into(), Seq(seq), Stamp(seq), texts)];
        if leader.hear(2, Message::Submit { view, said }).iter().any(closes) {
            break;
        }
        assert!(bytes < PUT_OFF_BYTES);
    }
    assert!(bytes > PUT_OFF_BYTES / 2);
}

#[test]
fn those_that_do_not_answer_are_lost_and_it_goes_on() {
    let (mut leader, _) = awake(3);
    leader.handle(says("mine"));
    promise(&mut leader, 2, 1);
    let later = pass(&mut leader, Duration::from_secs(1));
    assert_eq!(shown(&later), ["mine"]);
    assert_eq!(leader.node.roster().len(), 2);
}

#[test]
fn one_who_leaves_in_doubt_ends_without_a_goodbye() {
    let (mut leader, _) = awake(3);
    leader.handle(says("mine"));
    leader.handle(Input::Command(Command::Leave));
    let mut actions = Vec::new();
    while !leader.node.has_ended() {
        actions.extend(sleep(&mut leader, Duration::from_millis(1001)));
        for member in [2, 3] {
            // It lives, and does not answer the question.
            let beat = Beat { view: None, cfg: None, stable: Index(0) };
            actions.extend(leader.hear(member, Message::Pong(beat)));
        }
        assert!(actions.len() < 10_000);
    }
    assert!(!sent(&actions).any(|message| matches!(message, Message::Goodbye { .. })));
    let unsure = Ending::Left { unsure: 1 };
    assert!(told(&actions, |notice| *notice == Notice::Ended(unsure.clone())), "{actions:?}");
}

#[test]
fn a_promise_ends_the_lead_up_to_the_highest_epoch_that_is_no_leap() {
    for (above, leads) in [(0, true), (1, false), (MAX_EPOCH_LEAP, false), (MAX_EPOCH_LEAP + 1, true)] {
        let (mut leader, _) = awake(3);
        let epoch = leader.node.promised().plus(above);
        leader.hear(2, Message::Promise { round: 1, epoch });
        assert_eq!(leader.node.is_leader(), leads, "{above} above");
    }
}

/// `member` follows a leader that was elected without the leader that slept, and refuses that leader.
fn refuse(leader: &mut Leader, member: u64) -> Vec<Action> {
    let view = View { epoch: leader.node.view().epoch.next(), leader: cast::id(3) };
    let cfg = Some(ConfigId { view, n: 0 });
    let refusal = NotMember { re: RefusedKind::Hello, epoch: view.epoch, me: cast::id(member), cfg };
    leader.hear(member, Message::NotMember(refusal))
}

fn comes_back_and_elects_nobody(actions: &[Action]) -> bool {
    let elects = sent(actions).any(|message| matches!(message, Message::Elect(_)));
    told(actions, |notice| *notice == Notice::LeftBehind) && !elects
}

#[test]
fn a_leader_that_hears_of_its_successor_comes_back_and_elects_nobody() {
    for member in [2, 3] {
        let (mut leader, _) = awake(4);
        let refused = refuse(&mut leader, member);
        assert!(comes_back_and_elects_nobody(&refused), "{member}: {refused:?}");
    }
}

#[test]
fn a_leader_whom_all_follow_elects_when_a_member_refuses_it() {
    let (mut leader, _) = awake(4);
    for member in 2..=4 {
        promise(&mut leader, member, 1);
    }
    let refused = refuse(&mut leader, 2);
    assert!(sent(&refused).any(|message| matches!(message, Message::Elect(_))), "{refused:?}");
}

/// The election of which the leader that slept has heard is over, and its own token finds members that do not know that.
#[test]
fn a_candidate_that_slept_comes_back_when_it_hears_of_the_winner() {
    let (mut leader, _) = awake(4);
    let promised = Message::Promise { round: 1, epoch: leader.node.view().epoch.next() };
    leader.hear(4, promised);
    assert!(!leader.node.is_leader());
    let mut refused = refuse(&mut leader, 3);
    refused.extend(pass(&mut leader, Duration::from_secs(3)));
    assert!(comes_back_and_elects_nobody(&refused), "{refused:?}");
}
