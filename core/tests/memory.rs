//! What others can make a node keep, whatever one member sends, and that nobody else loses anything by that.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on is to panic")]

mod cast;
mod driven;
mod leader;
mod pair;

use cast::{addr, id, member};
use leader::Leader;
use pair::{Pair, cfg};
#[cfg(feature = "ablation")]
use ringchat_core::Rule;
#[cfg(feature = "ablation")]
use ringchat_core::Start;
use ringchat_core::limits::{
    ABSENT_HISTORY_BYTES, HELD_BYTES, LOG_BYTES, MAX_HALF_OPEN, MAX_ORIGINS, MAX_TEXT, PUT_OFF_BYTES,
};
use ringchat_core::wire::{
    Body, Deliver, Entry, Envelope, Hello, Install, Message, Proven, Run, Sync, encode,
};
use ringchat_core::{
    Action, Fault, Held, Index, Input, LinkId, Member, Origin, RoomId, Seq, Stamp, Text, TextRun,
};

/// Texts that fill a batch, so that a run of them is as heavy as runs of members are.
const TEXTS: usize = 4;

/// The weight of such a run, about.
const RUN: u64 = (TEXTS * MAX_TEXT) as u64;

fn texts() -> TextRun {
    TextRun::new(&vec![Text::new(&"x".repeat(MAX_TEXT)).unwrap(); TEXTS]).unwrap()
}

/// The `nth` run of `who`, from 0.
fn run(who: &Member, nth: u64, texts: &TextRun) -> Proven<Run> {
    let first = 1 + nth * texts.len() as u64;
    Run::sham(RoomId([1; 16]), who.clone().into(), Seq(first), Stamp(first), texts.clone())
}

/// The leader of so many members, itself included as 1. The last of them acknowledges nothing from now on, and the leader
/// holds what is submitted.
struct Holding {
    leader: Leader,
    texts: TextRun,
    deaf: u64,
    /// How many runs each member has said.
    said: Vec<u64>,
}

impl Holding {
    fn of(members: u64) -> Self {
        Self::led_by(Leader::new(), members)
    }

    fn led_by(mut leader: Leader, members: u64) -> Self {
        leader.let_in(members);
        let said = vec![0; usize::try_from(members).unwrap() + 1];
        let mut holding = Self { leader, texts: texts(), deaf: members, said };
        while holding.held().submissions == 0 {
            holding.submit(2);
            holding.acknowledge(2..holding.deaf);
        }
        holding
    }

    fn held(&self) -> Held {
        self.leader.node.held()
    }

    /// The next run of a member.
    fn next(&mut self, who: u64) -> Proven<Run> {
        let nth = &mut self.said[usize::try_from(who).unwrap()];
        *nth += 1;
        run(&member(who), *nth - 1, &self.texts)
    }

    fn submit(&mut self, who: u64) -> Vec<Action> {
        let (view, said) = (self.leader.node.view(), vec![self.next(who)]);
        self.leader.hear(who, Message::Submit { view, said })
    }

    fn acknowledge(&mut self, whos: impl Iterator<Item = u64>) -> Vec<Action> {
        let (view, index) = (self.leader.node.view(), self.leader.node.log_len());
        whos.flat_map(|who| self.leader.hear(who, Message::Ack { view, index })).collect()
    }

    fn sync(&mut self, who: u64, tail: Vec<Proven<Run>>, more: bool) -> Vec<Action> {
        let sync = Sync { view: self.leader.node.view(), history: Vec::new(), tail, more };
        self.leader.hear(who, Message::Sync(sync))
    }

    /// How many runs of `who` have places, and how many of its messages the kept ones tell to be missing.
    fn placed(&self, who: u64) -> (u64, u64) {
        let said = |entry: &Entry| match &entry.body {
            Body::Chat { said, missing, .. } if said.origin.id == member(who).id => {
                Some((said.last().0 / TEXTS as u64, *missing))
            }
            _ => None,
        };
        let said = || self.leader.node.log_entries().filter_map(said);
        (said().map(|(last, _)| last).max().unwrap_or_default(), said().map(|(_, missing)| missing).sum())
    }
}

fn sent(actions: &[Action], link: u64) -> Vec<&Message> {
    let message = |action| match action {
        &Action::Send { link: LinkId(to), ref envelope } if to == link => Some(&envelope.message),
        _ => None,
    };
    actions.iter().filter_map(message).collect()
}

fn closed(actions: &[Action]) -> bool {
    actions.iter().any(|action| matches!(action, Action::Close { .. }))
}

#[test]
fn a_member_that_floods_a_leader_that_holds_loses_nothing_and_takes_nothing_from_others() {
    let mut room = Holding::of(4);
    for _ in 0..200 {
        assert!(!closed(&room.submit(2)));
    }
    let flooded = room.held().submissions;
    assert!((PUT_OFF_BYTES as u64 - 2 * RUN..=PUT_OFF_BYTES as u64).contains(&flooded), "{flooded}");
    for _ in 0..8 {
        room.submit(3);
    }
    assert!(room.held().submissions > flooded + 8 * RUN);

    // All is acknowledged, as often as it takes until nothing is held.
    let mut told = Vec::new();
    while room.held().submissions > 0 {
        told.extend(room.acknowledge(2..=room.deaf));
    }
    assert_eq!(room.placed(3), (8, 0));
    let is_asked = |who| sent(&told, who).iter().any(|message| matches!(message, Message::Elected(_)));
    assert_eq!([2, 3].map(is_asked), [true, false], "only who was turned away has to show its log");

    // What is behind a gap is not taken before.
    let (placed, _) = room.placed(2);
    room.submit(2);
    assert_eq!(room.placed(2), (placed, 0));
    room.sync(2, Vec::new(), false);
    let said = std::mem::replace(&mut room.said[2], placed);
    while room.said[2] < said {
        room.submit(2);
        room.acknowledge(2..=room.deaf);
    }
    assert_eq!(room.placed(2), (said, 0), "all came, in order");
}

/// One that has yet to show its log holds up nobody. But what the slowest of all others lacks is too much some time.
#[test]
fn a_leader_goes_on_once_the_slowest_that_follows_has_caught_up() {
    let (mut leader, anew) = (Leader::new(), LinkId(104));
    leader.let_in(4);
    let (me, you, cfg) = (id(4), leader.node.me().id, Some(leader.node.cfg()));
    let hello = Hello { me, you, generation: 9, next: false, answer: false, view: None, cfg };
    leader.handle(Input::LinkUp { link: anew, origin: Origin::Accepted, remote: addr(4), peer: me });
    leader.hear(anew.0, Message::Hello(hello));
    let mut room = Holding { leader, texts: texts(), deaf: 4, said: vec![0; 5] };
    room.submit(2);
    room.acknowledge(2..4);
    while room.held().submissions == 0 {
        room.submit(2);
        room.acknowledge(2..3);
    }
    room.acknowledge(3..4);
    assert_eq!(room.held().submissions, 0);
}

#[test]
fn many_that_flood_a_leader_that_holds_leave_room_for_others() {
    let mut room = Holding::of(41);
    for _ in 0..PUT_OFF_BYTES as u64 / RUN + 2 {
        (2..40).for_each(|who| drop(room.submit(who)));
    }
    let held = room.held().submissions;
    assert!((HELD_BYTES as u64 / 10 * 9..=HELD_BYTES as u64).contains(&held), "{held}");
    room.submit(40);
    assert!(room.held().submissions > held, "no room is left");
}

#[cfg(feature = "ablation")]
#[test]
fn without_a_bound_a_leader_that_holds_holds_all() {
    let mut leader = Leader::new();
    leader.node.ablate(&[Rule::SharedHold]);
    let mut room = Holding::led_by(leader, 3);
    for _ in 0..200 {
        room.submit(2);
    }
    assert!(room.held().submissions > 200 * RUN);
}

/// Shows the leader a tail that does not end. Gives whether the leader has closed the link, and the most that its log kept.
fn endless_tail(mut room: Holding) -> (bool, u64) {
    let (mut is_closed, mut most) = (false, 0);
    for _ in 0..2 * LOG_BYTES as u64 / RUN {
        let tail = vec![room.next(2)];
        is_closed |= closed(&room.sync(2, tail, true));
        if is_closed {
            break;
        }
        most = most.max(room.held().log);
        room.acknowledge(3..room.deaf);
    }
    (is_closed, most)
}

#[test]
fn a_tail_without_an_end_ends_the_link_of_whoever_shows_it() {
    let (is_closed, most) = endless_tail(Holding::of(4));
    assert!(is_closed && most <= LOG_BYTES as u64, "{is_closed} {most}");
}

#[cfg(feature = "ablation")]
#[test]
fn without_a_bound_a_tail_has_no_end() {
    let without = |rules| {
        let mut leader = Leader::new();
        leader.node.ablate(rules);
        endless_tail(Holding::led_by(leader, 4))
    };
    let (is_closed, most) = without(&[Rule::BoundedTails]);
    assert!(!is_closed && most <= Held::MOST.log);
}

#[test]
fn a_log_that_is_shown_again_and_again_is_answered_once_a_turn() {
    let mut leader = Leader::new();
    leader.let_in(3);
    let sync = Sync { view: leader.node.view(), history: Vec::new(), tail: Vec::new(), more: false };
    let envelope = Envelope { room: RoomId([1; 16]), stamp: Stamp(1), message: Message::Sync(sync) };
    let input = Input::Received { link: LinkId(2), envelope };
    let mut out = Vec::new();
    leader.node.handle_all(leader.now, vec![input; 100], &mut out);
    let is_install = |message: &&Message| matches!(message, Message::Install(_));
    assert_eq!(sent(&out, 2).into_iter().filter(is_install).count(), 1);
}

/// A member that installs a log of which the leader sends so much. Gives the faults of the leader, and how much came.
fn long_install(pair: &mut Pair, most: usize) -> (Vec<Fault>, u64) {
    pair.elect(2);
    let texts = texts();
    let end = Index(u64::MAX / 2);
    let install = Install { end, ..pair.to_install(2, 3) };
    assert_eq!(pair.faults(Message::Install(install)), []);
    let mut index = Index(3);
    for nth in 0..most as u64 / RUN {
        let said = run(&member(7), nth, &texts);
        let body = Body::Chat { said, missing: 0, replayed: false };
        let entry = Entry { view: cfg(2).view, index, stamp: Stamp(index.0), body };
        index = entry.end();
        let deliver = Deliver { view: cfg(2).view, entries: vec![entry], stable: Index(0) };
        let faults = pair.faults(Message::Deliver(deliver));
        if !faults.is_empty() {
            return (faults, nth * RUN);
        }
        assert!(pair.node.held().install > 0);
    }
    (Vec::new(), pair.node.held().install)
}

#[test]
fn a_log_without_an_end_is_not_installed() {
    let (faults, came) = long_install(&mut Pair::with_member(), 2 * LOG_BYTES);
    assert_eq!(faults, [Fault::TooLong]);
    assert!(came >= LOG_BYTES as u64, "the longest log that any leader keeps would be too long: {came}");
}

#[cfg(feature = "ablation")]
#[test]
fn without_a_bound_a_log_without_an_end_is_collected() {
    let mut pair = Pair::new(Start::Join { contacts: vec![addr(2)] });
    pair.node.ablate(&[Rule::BoundedInstalls]);
    pair.join();
    let collects = || long_install(&mut pair, LOG_BYTES + 4 * 1024 * 1024);
    let broken = std::panic::catch_unwind(std::panic::AssertUnwindSafe(collects)).unwrap_err();
    assert!(broken.downcast_ref::<String>().unwrap().contains("OverLimit"));
}

/// A member whose leader delivers more than a log keeps, and tells nothing to be stable.
fn unstable_log(pair: &mut Pair) {
    let texts = texts();
    let mut index = Index(3);
    for nth in 0..(LOG_BYTES as u64 + 32 * RUN) / RUN {
        let said = run(&member(7), nth, &texts);
        let entry = pair::entry(index.0, said, 0);
        index = entry.end();
        assert_eq!(pair.deliver(&[entry]), []);
    }
}

#[cfg(feature = "ablation")]
#[test]
fn without_a_bound_what_is_not_stable_is_kept_for_ever() {
    let mut pair = Pair::new(Start::Join { contacts: vec![addr(2)] });
    pair.node.ablate(&[Rule::BoundedLog]);
    pair.join();
    let keeps = || unstable_log(&mut pair);
    let broken = std::panic::catch_unwind(std::panic::AssertUnwindSafe(keeps)).unwrap_err();
    assert!(broken.downcast_ref::<String>().unwrap().contains("OverLimit"));
}

#[test]
fn what_a_leader_never_tells_to_be_stable_is_not_kept_for_ever() {
    let mut pair = Pair::with_member();
    unstable_log(&mut pair);
    assert!(pair.node.is_normal());
    assert!((ABSENT_HISTORY_BYTES as u64..=LOG_BYTES as u64).contains(&pair.node.held().log));
}

/// A member shows runs of so many authors that nobody knows.
#[test]
fn authors_that_a_member_invents_are_forgotten_and_do_not_keep_anybody_out() {
    const INVENTED: u64 = 3 * MAX_ORIGINS as u64;
    let mut room = Holding { leader: Leader::new(), texts: texts(), deaf: 4, said: vec![0; 5] };
    room.leader.let_in(3);
    let text = TextRun::from(Text::new("x").unwrap());
    let mut answer = Vec::new();
    for part in (0..INVENTED).collect::<Vec<_>>().chunks(100) {
        let tail = part.iter().map(|nth| run(&member(1000 + nth), 0, &text)).collect();
        answer = room.sync(2, tail, false);
        room.acknowledge(2..=3);
    }
    let installs = sent(&answer, 2);
    let Some(Message::Install(install)) = installs.first() else { panic!("{installs:?}") };
    assert!(install.origins.len() <= MAX_ORIGINS);
    let message = Message::Install(Install::clone(install));
    let envelope = Envelope { room: RoomId([1; 16]), stamp: Stamp(1), message };
    assert!(encode(&envelope, &mut Vec::new()).is_ok());
    assert!((100..=2 * MAX_ORIGINS).contains(&room.leader.node.known_origins()));
}

#[test]
fn strangers_have_few_links_though_many_members_link_anew() {
    let mut leader = Leader::new();
    leader.let_in(40);
    let mut closed = |link: u64, place: u64| {
        let (link, remote, peer) = (LinkId(link), addr(place), id(place));
        let out = leader.handle(Input::LinkUp { link, origin: Origin::Accepted, remote, peer });
        out.iter().filter(|it| matches!(it, Action::Close { .. })).count()
    };
    let members: usize = (2..=40).map(|member| closed(100 + member, member)).sum();
    let strangers: usize = (200..300).map(|stranger| closed(stranger, stranger)).sum();
    assert_eq!((members, strangers), (0, 100 - MAX_HALF_OPEN));
}
