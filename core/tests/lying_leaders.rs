//! A leader that does the same wrong thing again and again, whatever its member does about it.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on is to panic")]

mod cast;
mod driven;
mod pair;

use std::collections::VecDeque;
use std::time::Duration;

use cast::addr;
use pair::{LINK, Pair, cfg, chat, peer};
use ringchat_core::limits::MAX_PLACES;
use ringchat_core::wire::{Deliver, Elected, Envelope, Hello, Install, Message};
use ringchat_core::{
    Action, Command, DownReason, Fault, Index, Input, LinkId, Node, Notice, Origin, RoomId, Seq, Stamp, Text,
    TextRun, UnixTime,
};

/// What a leader does once a member has shown its log.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Lie {
    /// It hands over its log, and then entries in an order that no leader writes.
    Order,
    /// It counts more of the member than the member said.
    Count,
}

/// A member, and what became of the lies.
struct Victim {
    pair: Pair,
    lie: Lie,
    epoch: u64,
    last_link: u64,
    queue: VecDeque<Input>,
    faults: u32,
    lives: u32,
}

/// More than there may be of anything.
const MANY: u32 = 500;

/// How many faults and new lives it costs a member to be led by that liar for so long.
fn led(lie: Lie, time: Duration, prepare: fn(&mut Node)) -> (u32, u32) {
    let mut pair = Pair::with_member();
    prepare(&mut pair.node);
    let queue = VecDeque::new();
    let mut it = Victim { pair, lie, epoch: 2, last_link: LINK.0, queue, faults: 0, lives: 0 };
    let end = it.pair.now.after(time);
    it.lie(LINK);
    while it.pair.now < end && it.faults.max(it.lives) < MANY {
        let input = it.queue.pop_front().unwrap_or_else(|| {
            it.pair.now = it.pair.node.deadline().unwrap().max(it.pair.now);
            Input::Tick
        });
        for action in it.pair.handle(input) {
            it.answer(action);
        }
    }
    (it.faults, it.lives)
}

impl Victim {
    fn answer(&mut self, action: Action) {
        match action {
            Action::Dial { dial, .. } => {
                self.last_link += 1;
                let (link, origin) = (LinkId(self.last_link), Origin::Dialed(dial));
                self.queue.push_back(Input::LinkUp { link, origin, remote: addr(2), peer: peer().id });
            }
            Action::Close { link, .. } => {
                self.queue.push_back(Input::LinkDown { link, reason: DownReason::Closed });
            }
            Action::Send { link, envelope } => self.on_message(link, envelope.message),
            Action::Notify { notice: Notice::Fault { .. }, .. } => self.faults += 1,
            Action::Notify { notice: Notice::NewLife { .. }, .. } => self.lives += 1,
            _ => {}
        }
    }

    fn on_message(&mut self, link: LinkId, message: Message) {
        match message {
            Message::Hello(hello) if !hello.answer => {
                let (me, you) = (peer().id, self.pair.node.me().id);
                self.say(link, Message::Hello(Hello { me, you, next: true, answer: true, ..hello }));
            }
            Message::Join(_) => {
                self.epoch += 1;
                let (cfg, roster) = (cfg(self.epoch), self.pair.roster());
                self.say(link, Message::Elected(Elected { cfg, roster, history: Vec::new() }));
            }
            Message::Sync(sync) if !sync.more => self.lie(link),
            _ => {}
        }
    }

    fn lie(&mut self, link: LinkId) {
        match self.lie {
            Lie::Order => {
                self.say(link, Message::Install(self.pair.to_install(1, 3)));
                let (view, entries) = (cfg(1).view, vec![chat(3, 3, 2)]);
                self.say(link, Message::Deliver(Deliver { view, entries, stable: Index(0) }));
            }
            Lie::Count => {
                if self.epoch == 2 {
                    let (cfg, roster) = (cfg(2), self.pair.roster());
                    self.say(link, Message::Elected(Elected { cfg, roster, history: Vec::new() }));
                }
                let origins = [(self.pair.node.me().id, Seq(99))].into();
                let install = Install { origins, ..self.pair.to_install(self.epoch, 0) };
                self.say(link, Message::Install(install));
            }
        }
    }

    fn say(&mut self, link: LinkId, message: Message) {
        let envelope = Envelope { room: RoomId::UNKNOWN, stamp: Stamp(1), message };
        self.queue.push_back(Input::Received { link, envelope });
    }
}

const SECOND: Duration = Duration::from_secs(1);

#[test]
fn a_member_asks_a_leader_that_was_at_fault_for_its_log_only_after_a_pause() {
    let (faults, _) = led(Lie::Order, SECOND, |_| {});
    assert!((2..=4).contains(&faults), "{faults}");
}

#[test]
fn a_leader_sends_a_member_into_new_lives_only_with_pauses() {
    let (_, lives) = led(Lie::Count, SECOND * 100, |_| {});
    assert!((4..=10).contains(&lives), "{lives}");
}

#[cfg(feature = "ablation")]
mod without {
    use super::{Lie, MANY, SECOND, led};
    use ringchat_core::Rule;

    #[test]
    fn a_pause_a_member_and_a_lying_leader_do_nothing_else() {
        assert_eq!(led(Lie::Order, SECOND, |node| node.ablate(&[Rule::PauseAfterFault])).0, MANY);
    }

    #[test]
    fn a_pause_a_member_lives_one_life_after_the_other() {
        let lives = led(Lie::Count, SECOND * 100, |node| node.ablate(&[Rule::PauseBetweenLives])).1;
        assert_eq!(lives, MANY);
    }
}

/// A member whose leader counts so many places, and has no entry of them.
fn installed(pair: &mut Pair, places: u64) -> Vec<Fault> {
    pair.elect(2);
    let places = Index(places);
    pair.install_once(&Install { base: places, end: places, ..pair.to_install(2, 0) }, &[])
}

#[test]
fn no_leader_counts_to_the_last_place() {
    for places in [u64::MAX, 2 * MAX_PLACES + 1] {
        let mut pair = Pair::with_member();
        pair.elect(2);
        let install = Install { base: Index(places), end: Index(places), ..pair.to_install(2, 0) };
        assert_eq!(pair.faults(Message::Install(install)), [Fault::TooLong]);
    }
}

/// The place of what a member says once its leader, which has counted so far, has gone.
fn place_after(places: u64, prepare: fn(&mut Node)) -> u64 {
    let mut pair = Pair::with_member();
    prepare(&mut pair.node);
    pair.say("before");
    assert_eq!(installed(&mut pair, places), []);
    pair.leave_alone();
    assert_eq!(pair.node.view().leader, pair.node.me().id);
    let texts = TextRun::new(&[Text::new("after").unwrap()]).unwrap();
    let out = pair.handle(Input::Command(Command::Say { texts, at: UnixTime(7) }));
    let shown = out.into_iter().find_map(|action| match action {
        Action::Notify { notice: Notice::Chat(chat), .. } => Some(chat),
        _ => None,
    });
    let shown = shown.unwrap();
    assert!(shown.mine && shown.lines().eq(shown.lines().filter(|line| line.text == "after")));
    shown.index.0
}

#[test]
fn the_next_leader_begins_the_places_anew() {
    let few = 10;
    assert!(place_after(2 * MAX_PLACES, |_| {}) < few);
    assert!(place_after(MAX_PLACES + 1, |_| {}) < few);
    let stays = place_after(MAX_PLACES, |_| {});
    assert!((MAX_PLACES..MAX_PLACES + few).contains(&stays), "{stays}");
}

#[cfg(feature = "ablation")]
#[test]
fn without_the_rule_a_log_comes_to_the_last_place() {
    let anything = |node: &mut Node| node.ablate(&[ringchat_core::Rule::BoundedPlaces]);
    assert_eq!(place_after(u64::MAX, anything), u64::MAX);
}
