//! A member with a key of its own that does others harm by what it leaves undone, or by an address that is not its own.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on is to panic")]

mod cast;
mod driven;
mod leader;
mod net;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::Duration;

use cast::{addr, id, life, member, name};
use leader::Leader;
use net::Net;
use ringchat_core::wire::{Beat, Hello, Join, Message, Refusal, Sync};
use ringchat_core::{
    Action, DialFailure, Ending, Epoch, Index, Input, JoinFailure, LinkId, Member, Node, Notice, Origin,
};

const SECOND: Duration = Duration::from_secs(1);

fn as_it_is(_: &mut Node) {}

/// How long a ring is without a leader when its own has died and one of the others passes no token on.
fn without_leader(members: u64, swallower: u64, prepare: fn(&mut Node)) -> Option<Duration> {
    let mut net = Net::gathered(members, prepare);
    net.swallower = Some(swallower);
    net.die(1, true);
    let honest: Vec<u64> = (2..=members).filter(|who| *who != swallower).collect();
    net.until_led(&honest, SECOND * 60)
}

#[test]
fn a_member_that_swallows_every_token_holds_up_an_election_only_for_some_time_outs() {
    for members in 3..=9 {
        for swallower in 2..=members {
            let election = SECOND + Duration::from_millis(50) * u32::try_from(members).unwrap();
            let time = without_leader(members, swallower, as_it_is);
            // Until the ring leaves out members in turn, then four turns, and the way back of those left out.
            let most = SECOND * 10 + election * 3 / 2 * 8;
            assert!(time.is_some_and(|time| time < most), "{swallower} of {members}: {time:?}");
        }
    }
}

#[test]
fn an_election_goes_on_at_once_when_the_member_that_swallows_tokens_has_gone() {
    let mut net = Net::gathered(5, as_it_is);
    net.swallower = Some(3);
    net.die(1, true);
    net.pass(SECOND);
    assert!(net.until_led(&[2, 4, 5], Duration::from_millis(1)).is_none());
    net.die(3, true);
    assert!(net.until_led(&[2, 4, 5], SECOND * 2).is_some());
}

#[cfg(feature = "ablation")]
#[test]
fn a_member_that_swallows_every_token_freezes_the_ring_if_nobody_leaves_it_out() {
    let prepare = |node: &mut Node| node.ablate(&[ringchat_core::Rule::LeaveOutInTurn]);
    assert_eq!(without_leader(5, 3, prepare), None);
}

/// What an insider does while a newcomer waits for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Insider {
    /// It answers, and acknowledges nothing.
    Answers,
    /// It acknowledges over and over what it had before.
    Repeats,
    /// It links anew, shows its log, and takes nothing.
    Relinks,
    /// It is slow, but takes what it is sent.
    IsSlow,
}

/// A ring of three, of whom the third is that insider, while a newcomer waits.
struct Admission {
    leader: Leader,
    insider: Insider,
    had: Index,
    link: LinkId,
}

impl Admission {
    fn with(insider: Insider, prepare: fn(&mut Node)) -> Self {
        let mut leader = Leader::new();
        prepare(&mut leader.node);
        leader.let_in(3);
        let had = leader.node.log_len();
        leader.knock(4);
        Self { leader, insider, had, link: LinkId(3) }
    }

    /// How long the newcomer waits for its welcome, and how many members are there then.
    fn welcomed_after(mut self, limit: Duration) -> (Option<Duration>, bool) {
        let begin = self.leader.now;
        let mut relinked = begin;
        while self.leader.now.since(begin) < limit {
            self.leader.now = self.leader.node.deadline().unwrap();
            let mut out = self.leader.handle(Input::Tick);
            let (view, index) = (self.leader.node.view(), self.leader.node.log_len());
            out.extend(self.leader.hear(2, Message::Ack { view, index }));
            out.extend(self.leader.hear(2, pong()));
            let late = self.leader.now.since(begin) >= SECOND * 3 / 4;
            if self.insider == Insider::Relinks && self.leader.now.since(relinked) >= SECOND / 3 {
                relinked = self.leader.now;
                self.relink();
            }
            let ack = match self.insider {
                Insider::Repeats => Some(self.had),
                Insider::IsSlow if late => Some(index),
                _ => None,
            };
            let link = self.link;
            out.extend(self.leader.hear(link.0, pong()));
            if let Some(index) = ack {
                out.extend(self.leader.hear(link.0, Message::Ack { view, index }));
            }
            if out.iter().any(|action| welcomes(action, LinkId(4))) {
                let is_there = self.leader.node.roster().contains(id(3));
                return (Some(self.leader.now.since(begin)), is_there);
            }
        }
        (None, self.leader.node.roster().contains(id(3)))
    }

    fn relink(&mut self) {
        self.link = LinkId(self.link.0 + 100);
        let (link, remote, peer) = (self.link, addr(3), id(3));
        self.leader.handle(Input::LinkUp { link, origin: Origin::Accepted, remote, peer });
        let (view, cfg) = (self.leader.node.view(), self.leader.node.cfg());
        let (me, you, generation) = (id(3), self.leader.node.me().id, link.0);
        let (view, cfg, next, answer) = (Some(view), Some(cfg), false, false);
        self.leader.hear(link.0, Message::Hello(Hello { me, you, generation, next, answer, view, cfg }));
        let view = self.leader.node.view();
        let sync = Sync { view, history: Vec::new(), tail: Vec::new(), more: false };
        self.leader.hear(link.0, Message::Sync(sync));
    }
}

fn pong() -> Message {
    Message::Pong(Beat { view: None, cfg: None, stable: Index(0) })
}

fn welcomes(action: &Action, to: LinkId) -> bool {
    matches!(action, Action::Send { link, envelope } if *link == to && matches!(envelope.message, Message::Elected(_)))
}

#[test]
fn a_newcomer_does_not_wait_for_an_insider_that_takes_nothing() {
    for insider in [Insider::Answers, Insider::Repeats] {
        let (time, is_there) = Admission::with(insider, as_it_is).welcomed_after(SECOND * 5);
        assert!(time.is_some_and(|time| time < SECOND * 3 / 2) && !is_there, "{insider:?}: {time:?}");
    }
    let (_, is_there) = Admission::with(Insider::Relinks, as_it_is).welcomed_after(SECOND * 6);
    assert!(!is_there, "it gains no time by linking anew");
}

#[test]
fn an_insider_that_is_slow_to_take_an_entry_stays() {
    let (time, is_there) = Admission::with(Insider::IsSlow, as_it_is).welcomed_after(SECOND * 5);
    assert!(time.is_some() && is_there, "{time:?}");
}

#[cfg(feature = "ablation")]
#[test]
fn nobody_comes_in_while_an_insider_takes_nothing_if_admissions_wait_for_it() {
    let prepare = |node: &mut Node| node.ablate(&[ringchat_core::Rule::AdmissionsGoOn]);
    assert_eq!(Admission::with(Insider::Answers, prepare).welcomed_after(SECOND * 5), (None, true));
}

/// What becomes of a newcomer that says it is where a member is; and whether the member was lost to anybody meanwhile.
fn claims_address_of_member() -> (Option<Ending>, bool) {
    let mut net = Net::gathered(3, as_it_is);
    net.notices.clear();
    net.enter(9, 3);
    net.pass(SECOND * 12);
    let lost = |(who, notice): &(u64, Notice)| {
        *who != 9 && matches!(notice, Notice::Left { member, .. } if member.id == id(3))
    };
    let is_lost = net.notices.iter().any(lost);
    let ending = net.notices.into_iter().find_map(|(who, notice)| match notice {
        Notice::Ended(ending) if who == 9 => Some(ending),
        _ => None,
    });
    (ending, is_lost)
}

#[test]
fn a_newcomer_that_says_it_is_where_a_member_is_is_told_so_and_the_member_stays() {
    let (ending, is_lost) = claims_address_of_member();
    let Some(Ending::JoinFailed { tried }) = ending else { panic!("{ending:?}") };
    assert_eq!(tried, [(addr(1), JoinFailure::AddressTaken)]);
    assert!(!is_lost);
}

#[cfg(feature = "ablation")]
#[test]
fn a_member_is_lost_if_a_newcomer_says_it_is_at_its_address_and_nobody_looks() {
    let mut leader = Leader::new();
    leader.node.ablate(&[ringchat_core::Rule::FoundAtAddress]);
    leader.let_in(3);
    leader.link_up(9);
    leader.hear(9, join(Member::new(id(9), addr(3), name()), Vec::new()));
    assert!(!leader.node.roster().contains(id(3)));
}

#[test]
fn a_newcomer_at_the_address_of_a_member_that_has_died_comes_in_at_once() {
    for is_heard in [true, false] {
        let mut net = Net::gathered(3, as_it_is);
        net.die(3, is_heard);
        net.enter(9, 3);
        let time = net.until_led(&[1, 2, 9], SECOND);
        assert!(time.is_some_and(|time| time < SECOND / 2), "{time:?}");
    }
}

/// Nobody can be reached at the address that two members tell, such as one of a private network. The first stays.
#[test]
fn of_two_that_say_they_are_where_nobody_is_the_first_stays() {
    let mut leader = Leader::new();
    leader.let_in(3);
    let me = Member::new(id(9), addr(3), name());
    leader.link_up(9);
    let out = leader.hear(9, join(me, Vec::new()));
    let dial = out.iter().find_map(|action| match action {
        Action::Dial { dial, addr: at, expected } if *at == addr(3) && *expected == Some(id(9)) => {
            Some(*dial)
        }
        _ => None,
    });
    let out = leader.handle(Input::DialFailed { dial: dial.unwrap(), reason: DialFailure::Refused });
    assert_eq!(refusals(&out), [Refusal::AddressTaken]);
    assert!(leader.node.roster().contains(id(3)));
}

#[test]
fn nobody_comes_in_at_the_address_of_the_leader() {
    let mut leader = Leader::new();
    leader.link_up(9);
    let out = leader.hear(9, join(Member::new(id(9), addr(1), name()), Vec::new()));
    assert_eq!(refusals(&out), [Refusal::AddressTaken]);
}

#[test]
fn whoever_brings_a_ring_replaces_nobody_who_is_linked() {
    let mut leader = Leader::new();
    leader.let_in(3);
    let others = [Member::new(life(3, 7), addr(3), name()), member(2), member(8)];
    leader.link_up(9);
    leader.hear(9, join(member(9), others.to_vec()));
    leader.follow(3);
    let members: Vec<_> = [1, 9, 8, 2, 3].map(id).into();
    let mut came: Vec<_> = leader.node.roster().ids().collect();
    came.sort_unstable();
    let mut expected = members;
    expected.sort_unstable();
    assert_eq!(came, expected);
}

fn join(me: Member, ring: Vec<Member>) -> Message {
    Message::Join(Join { me, contact: None, epoch: Epoch(0), generation: 1, ring })
}

fn refusals(out: &[Action]) -> Vec<Refusal> {
    let refusal = |action: &Action| match action {
        Action::Send { envelope, .. } => match envelope.message {
            Message::Refused(refusal) => Some(refusal),
            _ => None,
        },
        _ => None,
    };
    out.iter().filter_map(refusal).collect()
}

/// How often a leader dials each address in an hour after so many came, named addresses that are not theirs, and went.
fn dials_elsewhere(prepare: fn(&mut Node)) -> BTreeMap<SocketAddr, u32> {
    let mut leader = Leader::new();
    prepare(&mut leader.node);
    let mut dials = BTreeMap::new();
    for number in 2..202_u64 {
        let elsewhere: SocketAddr = ([203, 0, 113, u8::try_from(number).unwrap()], 4000).into();
        leader.link_up(number);
        leader.hear(number, join(Member::new(id(number), elsewhere, name()), Vec::new()));
        let gone = Input::LinkDown { link: LinkId(number), reason: ringchat_core::DownReason::Io };
        let out = leader.handle(gone);
        fail_dials(&mut leader, out, &mut dials);
        pass(&mut leader, SECOND / 5, &mut dials);
    }
    dials.clear();
    pass(&mut leader, SECOND * 3600, &mut dials);
    dials
}

fn pass(leader: &mut Leader, time: Duration, dials: &mut BTreeMap<SocketAddr, u32>) {
    let end = leader.now.after(time);
    while let Some(at) = leader.node.deadline().filter(|at| *at < end) {
        leader.now = leader.now.max(at);
        let out = leader.handle(Input::Tick);
        fail_dials(leader, out, dials);
    }
    leader.now = end;
}

fn fail_dials(leader: &mut Leader, mut out: Vec<Action>, dials: &mut BTreeMap<SocketAddr, u32>) {
    while let Some(action) = out.pop() {
        if let Action::Dial { dial, addr, .. } = action {
            *dials.entry(addr).or_default() += 1;
            out.extend(leader.handle(Input::DialFailed { dial, reason: DialFailure::TimedOut }));
        }
    }
}

#[test]
fn people_who_have_nothing_to_do_with_the_room_are_dialed_seldom() {
    let dials = dials_elsewhere(as_it_is);
    let all: u32 = dials.values().sum();
    assert!(dials.values().all(|count| *count <= 10) && all <= 720, "{all}: {dials:?}");
}

#[cfg(feature = "ablation")]
#[test]
fn people_who_have_nothing_to_do_with_the_room_are_dialed_all_the_time_if_all_places_are_alike() {
    let prepare = |node: &mut Node| node.ablate(&[ringchat_core::Rule::SeldomElsewhere]);
    let all = dials_elsewhere(prepare).values().sum::<u32>();
    assert!(all > 20_000, "{all}");
}
