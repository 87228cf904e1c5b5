use alloc::vec;
use alloc::vec::Vec;
use core::net::SocketAddr;
use core::num::NonZeroU64;
use core::time::Duration;

use ringchat_core::limits::{LINK_QUEUE_BYTES, MAX_GREETING};
use ringchat_core::secure::{Credentials, Identity, Secret};
use ringchat_core::wire::{DecodeError, Envelope, Message, Run};
use ringchat_core::{
    CloseMode, DialFailure, DialId, DownReason, Epoch, Input, Instant, LinkId, Member, Name, NodeId, Origin,
    RoomId, Seq, Stamp, Text, View,
};

use super::{Death, Heal, HostId, Network, Quality, Tampering};
use crate::id_of;
use crate::rng::Rng;

fn addr(port: u16) -> SocketAddr {
    ([10, 0, 0, 1], port).into()
}

/// The id of the process that listens on `port`.
fn id(port: u16) -> NodeId {
    id_of(port.into(), NonZeroU64::MIN)
}

fn small(stamp: u64) -> Envelope {
    Envelope { room: RoomId([1; 16]), stamp: Stamp(stamp), message: Message::Leave }
}

fn big() -> Envelope {
    let origin = Member::new(id_of(1, NonZeroU64::MIN), addr(1), Name::new("a").unwrap());
    let view = View { epoch: Epoch(1), leader: origin.id };
    let texts = Text::new(&"x".repeat(16_000)).unwrap().into();
    let said = Run::sham(small(1).room, origin.into(), Seq(1), Stamp(1), texts);
    Envelope { room: RoomId([1; 16]), stamp: Stamp(1), message: Message::Submit { view, said: vec![said] } }
}

struct Pair {
    network: Network,
    a: HostId,
    b: HostId,
    came: Vec<(HostId, Input)>,
}

impl Pair {
    fn new(seed: u64, quality: Quality) -> Self {
        let mut network = Network::new(Rng::new(seed), quality);
        let (a, b) = (network.start(addr(1), id(1)), network.start(addr(2), id(2)));
        Self { network, a, b, came: Vec::new() }
    }

    fn connected(seed: u64) -> (Self, LinkId, LinkId) {
        let mut pair = Self::new(seed, Quality::GOOD);
        pair.network.dial(pair.a, DialId(0), addr(2), None);
        pair.run(Duration::from_millis(100));
        let links = pair.links();
        pair.came.clear();
        (pair, links[0], links[1])
    }

    fn links(&self) -> Vec<LinkId> {
        let up = |(_, input): &(HostId, Input)| match input {
            Input::LinkUp { link, .. } => Some(*link),
            _ => None,
        };
        self.came.iter().filter_map(up).collect()
    }

    fn run(&mut self, time: Duration) {
        let end = self.network.now.after(time);
        self.drain();
        while self.network.next_at().is_some_and(|at| at <= end) {
            self.network.advance();
            self.drain();
        }
        self.network.set_now(end);
    }

    fn drain(&mut self) {
        while let Some((host, inputs)) = self.network.poll() {
            self.came.extend(inputs.into_iter().map(|input| (host, input)));
        }
        self.network.flush();
    }

    fn received(&self, host: HostId) -> Vec<u64> {
        let stamp = |(to, input): &(HostId, Input)| match input {
            Input::Received { envelope, .. } if *to == host => Some(envelope.stamp.0),
            _ => None,
        };
        self.came.iter().filter_map(stamp).collect()
    }

    fn down(&self, host: HostId) -> Vec<DownReason> {
        let reason = |(to, input): &(HostId, Input)| match input {
            Input::LinkDown { reason, .. } if *to == host => Some(*reason),
            _ => None,
        };
        self.came.iter().filter_map(reason).collect()
    }
}

#[test]
fn a_dial_brings_a_link_up_at_both_ends() {
    let mut pair = Pair::new(1, Quality::GOOD);
    pair.network.dial(pair.a, DialId(7), addr(2), None);
    pair.run(Duration::from_secs(1));
    let [(a, Input::LinkUp { origin: Origin::Dialed(DialId(7)), remote, peer, .. }), (b, second)] =
        &pair.came[..]
    else {
        panic!("{:?}", pair.came);
    };
    assert_eq!((*a, *b, *remote, *peer), (pair.a, pair.b, addr(2), id(2)));
    assert!(
        matches!(second, Input::LinkUp { origin: Origin::Accepted, peer, .. } if *peer == id(1)),
        "{second:?}"
    );
}

#[test]
fn who_is_expected_and_is_there_no_more_does_not_answer() {
    let failed = |to: u16, expected| {
        let mut pair = Pair::new(1, Quality::GOOD);
        pair.network.dial(pair.a, DialId(7), addr(to), expected);
        pair.run(Duration::from_secs(1));
        let reasons = pair.came.into_iter().map(|(host, input)| match input {
            Input::DialFailed { dial: DialId(7), reason } if host == pair.a => Some(reason),
            _ => None,
        });
        reasons.collect::<Vec<_>>()
    };
    assert_eq!(failed(2, Some(id(3))), [Some(DialFailure::Absent)]);
    assert_eq!(failed(2, Some(id(2))), [None, None]);
    assert_eq!(failed(1, None), [Some(DialFailure::Oneself)]);
}

#[test]
fn messages_arrive_in_order_and_whole_though_in_pieces() {
    for seed in 0..50 {
        let (mut pair, from, _) = Pair::connected(seed);
        pair.network.set_quality(Quality { pieces: 900, ..Quality::GOOD });
        for stamp in 0..20 {
            pair.network.send(&[from], &small(stamp)).unwrap();
            pair.run(Duration::from_micros(200));
        }
        pair.run(Duration::from_secs(1));
        assert_eq!(pair.received(pair.b), (0..20).collect::<Vec<_>>());
    }
}

#[test]
fn nobody_there_refuses_and_a_dead_machine_times_out() {
    let mut pair = Pair::new(1, Quality::GOOD);
    pair.network.kill(pair.b, Death::PowerOff);
    pair.network.dial(pair.a, DialId(0), addr(3), None);
    pair.network.dial(pair.a, DialId(1), addr(2), None);
    pair.run(Duration::from_secs(5));
    let failed = |dial, reason| (HostId(0), Input::DialFailed { dial: DialId(dial), reason });
    assert_eq!(pair.came, [failed(0, DialFailure::Refused), failed(1, DialFailure::TimedOut)]);
}

#[test]
fn a_long_frame_needs_trust() {
    let (mut pair, from, to) = Pair::connected(1);
    pair.network.trust(to);
    pair.network.send(&[from], &big()).unwrap();
    pair.run(Duration::from_secs(1));
    assert_eq!(pair.received(pair.b), [1]);

    let (mut pair, from, _) = Pair::connected(1);
    pair.network.send(&[from], &big()).unwrap();
    pair.run(Duration::from_secs(1));
    let [DownReason::Protocol(DecodeError::TooLong { limit: MAX_GREETING, .. })] = pair.down(pair.b)[..]
    else {
        panic!("{:?}", pair.came);
    };
    assert_eq!(pair.down(pair.a), [DownReason::Io]);
}

#[test]
fn a_flushed_close_brings_all_and_then_the_end() {
    for seed in 0..20 {
        let (mut pair, from, _) = Pair::connected(seed);
        pair.network.send(&[from], &small(5)).unwrap();
        pair.network.close(from, CloseMode::Flush);
        pair.network.send(&[from], &small(6)).unwrap();
        pair.run(Duration::from_secs(3));
        assert_eq!(pair.received(pair.b), [5]);
        assert_eq!(pair.down(pair.b), [DownReason::Eof]);
        assert_eq!(pair.down(pair.a), [DownReason::Closed]);
    }
}

#[test]
fn an_aborted_link_is_down_once_at_each_end() {
    let (mut pair, from, _) = Pair::connected(1);
    pair.network.close(from, CloseMode::Abort);
    pair.network.close(from, CloseMode::Abort);
    pair.run(Duration::from_secs(3));
    assert_eq!(pair.down(pair.b), [DownReason::Io]);
    assert_eq!(pair.down(pair.a), [DownReason::Closed]);
}

#[test]
fn a_killed_process_is_noticed_at_once_and_its_last_words_may_be_lost() {
    let mut lost = 0;
    for seed in 0..100 {
        let (mut pair, from, _) = Pair::connected(seed);
        for stamp in 0..3 {
            pair.network.send(&[from], &small(stamp)).unwrap();
            pair.network.flush();
        }
        pair.network.kill(pair.a, Death::Killed);
        pair.run(Duration::from_millis(50));
        let received = pair.received(pair.b);
        assert_eq!(received, (0..received.len() as u64).collect::<Vec<_>>());
        lost += u32::from(received.len() < 3);
        assert_eq!(pair.down(pair.b).len(), 1);
        assert!(pair.down(pair.a).is_empty());
        pair.network.dial(pair.b, DialId(1), addr(1), None);
        pair.run(Duration::from_millis(50));
        let refused = Input::DialFailed { dial: DialId(1), reason: DialFailure::Refused };
        assert_eq!(pair.came.last(), Some(&(pair.b, refused)));
    }
    assert!((10..90).contains(&lost), "{lost} of 100 lost something");
}

#[test]
fn a_frozen_process_opens_links_and_hears_all_when_it_goes_on() {
    let (mut pair, from, _) = Pair::connected(1);
    pair.network.freeze(pair.b);
    pair.network.dial(pair.a, DialId(1), addr(2), Some(id(2)));
    pair.network.send(&[from], &small(3)).unwrap();
    pair.run(Duration::from_millis(900));
    assert_eq!(pair.came, []);
    pair.network.thaw(pair.b);
    pair.run(Duration::from_secs(1));
    assert_eq!(pair.links().len(), 2);
    assert_eq!(pair.received(pair.b), [3]);
}

#[test]
fn a_cut_holds_what_is_sent_until_it_heals() {
    let (mut pair, from, back) = Pair::connected(1);
    pair.network.cut(addr(1), addr(2));
    for stamp in 0..5 {
        pair.network.send(&[from], &small(stamp)).unwrap();
        pair.run(Duration::from_millis(10));
    }
    pair.network.send(&[back], &small(9)).unwrap();
    pair.run(Duration::from_secs(5));
    assert!(pair.received(pair.b).is_empty());
    assert_eq!(pair.received(pair.a), [9]);
    pair.network.heal(Heal::Deliver);
    for stamp in 5..10 {
        pair.network.send(&[from], &small(stamp)).unwrap();
        pair.run(Duration::from_millis(1));
    }
    pair.run(Duration::from_secs(5));
    assert_eq!(pair.received(pair.b), (0..10).collect::<Vec<_>>());
}

#[test]
fn a_heal_that_resets_tells_both_ends() {
    let (mut pair, from, _) = Pair::connected(1);
    pair.network.cut(addr(1), addr(2));
    pair.network.send(&[from], &small(0)).unwrap();
    pair.run(Duration::from_secs(5));
    pair.network.heal(Heal::Reset);
    pair.run(Duration::from_secs(5));
    assert!(pair.received(pair.b).is_empty());
    assert_eq!((pair.down(pair.a), pair.down(pair.b)), (vec![DownReason::Io], vec![DownReason::Io]));
}

#[test]
fn a_dial_under_a_cut_times_out_and_one_that_heals_in_time_works() {
    for (healed, expected) in [(false, 0), (true, 2)] {
        let mut pair = Pair::new(1, Quality::GOOD);
        pair.network.cut(addr(2), addr(1));
        pair.network.dial(pair.a, DialId(0), addr(2), None);
        pair.run(Duration::from_millis(500));
        if healed {
            pair.network.heal(Heal::Deliver);
        }
        pair.run(Duration::from_secs(5));
        assert_eq!(pair.links().len(), expected, "{:?}", pair.came);
    }
}

#[test]
fn a_reader_that_does_not_read_overflows_the_writer() {
    let (mut pair, from, to) = Pair::connected(1);
    pair.network.trust(to);
    pair.network.freeze(pair.b);
    let mut sent = 0;
    while pair.down(pair.a).is_empty() && sent < 2 * LINK_QUEUE_BYTES {
        pair.network.send(&[from], &big()).unwrap();
        pair.run(Duration::from_millis(1));
        sent += 16_000;
    }
    assert_eq!(pair.down(pair.a), [DownReason::Overflow]);
    assert!(sent > LINK_QUEUE_BYTES);
}

#[test]
fn a_bound_on_the_queue_fails_a_link_that_is_not_read() {
    let (mut pair, from, to) = Pair::connected(1);
    pair.network.trust(to);
    pair.network.bound_queues(pair.a, 40_000);
    for _ in 0..3 {
        pair.network.send(&[from], &big()).unwrap();
    }
    pair.run(Duration::from_secs(1));
    assert_eq!((pair.down(pair.a), pair.network.overflows()), (vec![DownReason::Overflow], 1));
}

#[test]
fn a_link_that_is_half_open_is_noticed_at_the_other_end_when_that_sends() {
    let (mut pair, from, back) = Pair::connected(1);
    pair.network.send(&[from], &small(1)).unwrap();
    pair.network.flush();
    pair.network.half_open_nth(pair.a, 0);
    pair.run(Duration::from_secs(5));
    assert_eq!((pair.down(pair.a), pair.down(pair.b)), (vec![DownReason::Io], vec![]));
    assert!(pair.received(pair.b).is_empty(), "what was on its way is lost");
    pair.network.send(&[back], &small(2)).unwrap();
    pair.run(Duration::from_secs(1));
    assert_eq!(pair.down(pair.b), [DownReason::Io]);
    assert!(pair.received(pair.a).is_empty());
}

#[test]
fn nothing_that_is_written_after_a_break_arrives() {
    for seed in 0..200 {
        let (mut pair, from, to) = Pair::connected(seed);
        pair.network.trust(to);
        pair.network.set_quality(Quality { pieces: 1000, ..Quality::GOOD });
        pair.network.freeze(pair.b);
        pair.network.send(&[from], &big()).unwrap();
        pair.run(Duration::from_millis(1));
        pair.network.break_nth(pair.b, 0);
        // The writer does not know yet.
        pair.network.send(&[from], &big()).unwrap();
        pair.run(Duration::from_millis(10));
        pair.network.thaw(pair.b);
        pair.run(Duration::from_millis(10));
        assert_eq!(pair.down(pair.b), [DownReason::Io], "seed {seed}");
    }
}

#[test]
fn a_wall_stands_between_its_side_and_all_others_also_later_ones() {
    let mut pair = Pair::new(1, Quality::GOOD);
    pair.network.wall([addr(1), addr(3)].into());
    let cut = |network: &Network, a, b| (network.is_cut(addr(a), addr(b)), network.is_cut(addr(b), addr(a)));
    assert_eq!(cut(&pair.network, 1, 2), (true, true));
    assert_eq!(cut(&pair.network, 1, 3), (false, false));
    assert_eq!(cut(&pair.network, 2, 4), (false, false));
    assert_eq!(cut(&pair.network, 3, 4), (true, true));
    pair.network.wall([addr(2)].into());
    assert_eq!(cut(&pair.network, 2, 4), (true, true), "three sides");
    pair.network.heal(Heal::Deliver);
    assert_eq!(cut(&pair.network, 1, 2), (false, false));
}

#[test]
fn a_slow_reader_reads_at_its_pace() {
    let (mut pair, from, to) = Pair::connected(1);
    pair.network.trust(to);
    pair.network.slow(pair.b, Some(160_000));
    for _ in 0..100 {
        pair.network.send(&[from], &big()).unwrap();
    }
    pair.run(Duration::from_secs(2));
    let early = pair.received(pair.b).len();
    assert!((15..=25).contains(&early), "{early} in 2 s");
    pair.run(Duration::from_secs(20));
    assert_eq!(pair.received(pair.b).len(), 100);
}

#[test]
fn a_process_that_halts_is_heard_to_its_end() {
    let (mut pair, from, _) = Pair::connected(1);
    pair.network.send(&[from], &small(1)).unwrap();
    pair.network.halt(pair.a);
    pair.run(Duration::from_secs(1));
    assert_eq!(pair.received(pair.b), [1]);
    assert_eq!(pair.down(pair.b), [DownReason::Eof]);
    assert!(pair.down(pair.a).is_empty());
}

#[test]
fn a_machine_that_lost_power_resets_old_connections_once_it_is_back() {
    let (mut pair, _, back) = Pair::connected(1);
    pair.network.kill(pair.a, Death::PowerOff);
    pair.network.send(&[back], &small(1)).unwrap();
    pair.run(Duration::from_secs(5));
    assert!(pair.down(pair.b).is_empty());
    pair.network.start(addr(1), id(1));
    pair.network.send(&[back], &small(2)).unwrap();
    pair.run(Duration::from_secs(1));
    assert_eq!(pair.down(pair.b), [DownReason::Io]);
}

#[test]
fn equal_seeds_tell_equal_stories() {
    let story = |seed| {
        let (mut pair, from, to) = Pair::connected(seed);
        for stamp in 0..50 {
            pair.network.send(&[from], &small(stamp)).unwrap();
            pair.network.send(&[to], &small(stamp)).unwrap();
            pair.run(Duration::from_micros(300));
        }
        (pair.came, pair.network.now)
    };
    assert_eq!(story(4), story(4));
    assert_ne!(story(4).0, story(5).0);
    assert_eq!(story(4).1, story(5).1.max(Instant::ZERO));
}

#[test]
fn a_driver_loses_patience_with_a_link_that_does_not_open() {
    let mut pair = Pair::new(1, Quality::GOOD);
    pair.network.freeze(pair.b);
    pair.network.dial(pair.a, DialId(1), addr(2), Some(id(2)));
    pair.run(Duration::from_secs(2));
    let unanswered = Input::DialFailed { dial: DialId(1), reason: DialFailure::Unanswered };
    assert_eq!(pair.came, [(pair.a, unanswered)]);
    pair.network.thaw(pair.b);
    pair.run(Duration::from_secs(3));
    assert_eq!(pair.came.len(), 1, "nothing comes of it later");
}

/// Two processes with real links, of which nobody else knows the keys.
fn secure_pair(seed: u64) -> Pair {
    let mut pair = Pair::new(seed, Quality::GOOD);
    let secret = Secret::new([3; Secret::BYTES]);
    for (host, n) in [(pair.a, 1), (pair.b, 2)] {
        let credentials = Credentials::private(&secret, Identity::from_seed([n; 32]), NonZeroU64::MIN);
        pair.network.secure(host, credentials);
    }
    pair.network.dial(pair.a, DialId(0), addr(2), None);
    pair.run(Duration::from_secs(1));
    pair
}

#[test]
fn real_links_carry_messages_and_prove_who_is_there() {
    let mut pair = secure_pair(1);
    let links = pair.links();
    assert_eq!(links.len(), 2);
    let key = Identity::from_seed([2; 32]).key();
    let proven =
        |(_, input): &(HostId, Input)| matches!(input, Input::LinkUp { peer, .. } if *peer.key() == key);
    assert!(pair.came.iter().any(proven));
    pair.network.send(&links[..1], &small(3)).unwrap();
    pair.network.send(&links[1..], &small(4)).unwrap();
    pair.run(Duration::from_secs(1));
    assert_eq!((pair.received(pair.b), pair.received(pair.a)), (vec![3], vec![4]));
}

#[test]
fn tampering_breaks_the_link_and_nothing_that_was_tampered_with_is_heard() {
    for how in Tampering::ALL {
        let mut pair = secure_pair(1);
        let link = pair.links()[0];
        pair.network.send(&[link], &small(3)).unwrap();
        pair.network.flush();
        assert!(pair.network.tamper(pair.a, 0, how), "{how:?}");
        pair.network.send(&[link], &small(4)).unwrap();
        pair.run(Duration::from_secs(1));
        // The first of two copies is what was sent.
        let whole: &[u64] = if how == Tampering::Repeat { &[3] } else { &[] };
        assert_eq!(pair.received(pair.b), whole, "{how:?}");
    }
}

#[test]
fn strangers_are_not_heard_and_get_no_link() {
    for seed in 0..50 {
        let mut pair = secure_pair(seed);
        let before = pair.came.len();
        pair.network.intrude(pair.b, usize::try_from(seed).unwrap());
        pair.run(Duration::from_secs(5));
        assert_eq!(pair.came.len(), before);
    }
}
