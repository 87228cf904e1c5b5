//! Strategies for every message of the protocol. Boxed, because their types together overflow the stack.

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::num::NonZeroU64;

use proptest::collection::{btree_map, vec};
use proptest::option;
use proptest::prelude::*;
use ringchat_core::limits::{MAX_SEQ, MAX_TEXT};
use ringchat_core::wire::{
    Beat, Body, CandidateRank, Change, Deliver, Elect, Elected, Entry, Envelope, Hello, Install, Join,
    Message, NotMember, Proven, Refusal, RefusedKind, Run, Sync, ViewSpan,
};
use ringchat_core::{
    ConfigId, Departure, Epoch, Index, Member, Name, NodeId, RoomId, Roster, Seq, Stamp, Text, TextRun, View,
};

/// Any message, in its envelope.
pub(crate) fn envelope() -> impl Strategy<Value = Envelope> {
    (any::<u64>(), message()).prop_map(|(stamp, message)| Envelope {
        room: ROOM,
        stamp: Stamp(stamp),
        message,
    })
}

/// The room for which all runs are signed.
const ROOM: RoomId = RoomId(*b"the room of all!");

/// How many kinds of messages there are.
pub(crate) const KINDS: usize = 25;

/// The kind of a message. Whoever adds one is to add it to the strategies and to [`KINDS`] too.
pub(crate) fn kind(message: &Message) -> &'static str {
    match message {
        Message::Hello(_) => "hello",
        Message::NotMember(_) => "not-member",
        Message::Superseded { .. } => "superseded",
        Message::WantRoster => "want-roster",
        Message::Roster { .. } => "roster",
        Message::Ping(_) => "ping",
        Message::Pong(_) => "pong",
        Message::Elect(_) => "elect",
        Message::Elected(_) => "elected",
        Message::Submit { .. } => "submit",
        Message::Deliver(_) => "deliver",
        Message::Ack { .. } => "ack",
        Message::Sync(_) => "sync",
        Message::Install(_) => "install",
        Message::Suspect { .. } => "suspect",
        Message::Draining => "draining",
        Message::Leave => "leave",
        Message::Goodbye { .. } => "goodbye",
        Message::Refused(_) => "refused",
        Message::Join(_) => "join",
        Message::Probe { .. } => "probe",
        Message::ProbeReply { .. } => "probe-reply",
        Message::JoinVia { .. } => "join-via",
        Message::WantPromise { .. } => "want-promise",
        Message::Promise { .. } => "promise",
    }
}

fn message() -> BoxedStrategy<Message> {
    prop_oneof![ring_message(), log_message(), coming_and_going()].boxed()
}

fn ring_message() -> BoxedStrategy<Message> {
    prop_oneof![
        hello().prop_map(Message::Hello),
        not_member().prop_map(Message::NotMember),
        any::<u64>().prop_map(|generation| Message::Superseded { generation }),
        Just(Message::WantRoster),
        (cfg(), roster()).prop_map(|(cfg, roster)| Message::Roster { cfg, roster }),
        beat().prop_map(Message::Ping),
        beat().prop_map(Message::Pong),
        elect().prop_map(Message::Elect),
        elected().prop_map(Message::Elected),
    ]
    .boxed()
}

fn log_message() -> BoxedStrategy<Message> {
    prop_oneof![
        (view(), vec(said(), 0..4)).prop_map(|(view, said)| Message::Submit { view, said }),
        deliver().prop_map(Message::Deliver),
        (view(), index()).prop_map(|(view, index)| Message::Ack { view, index }),
        sync().prop_map(Message::Sync),
        install().prop_map(Message::Install),
    ]
    .boxed()
}

fn coming_and_going() -> BoxedStrategy<Message> {
    let refusal = prop::sample::select(vec![
        Refusal::RoomFull,
        Refusal::Slow,
        Refusal::Busy,
        Refusal::TooLate,
        Refusal::EpochTooHigh,
    ]);
    prop_oneof![
        id().prop_map(|id| Message::Suspect { id }),
        Just(Message::Draining),
        Just(Message::Leave),
        option::of(id()).prop_map(|successor| Message::Goodbye { successor }),
        refusal.prop_map(Message::Refused),
        join().prop_map(Message::Join),
        (member(), any::<u64>()).prop_map(|(me, size)| Message::Probe { me, size }),
        member().prop_map(|me| Message::ProbeReply { me }),
        (id(), member()).prop_map(|(me, leader)| Message::JoinVia { me, leader }),
        any::<u64>().prop_map(|round| Message::WantPromise { round }),
        (any::<u64>(), epoch()).prop_map(|(round, epoch)| Message::Promise { round, epoch }),
    ]
    .boxed()
}

fn hello() -> BoxedStrategy<Hello> {
    let flags = (any::<u64>(), any::<bool>(), any::<bool>());
    (id(), id(), flags, option::of(view()), option::of(cfg()))
        .prop_map(|(me, you, (generation, next, answer), view, cfg)| Hello {
            me,
            you,
            generation,
            next,
            answer,
            view,
            cfg,
        })
        .boxed()
}

fn not_member() -> BoxedStrategy<NotMember> {
    use RefusedKind::{Elect, Hello, Ping, Sync, WantPromise};
    let re = prop::sample::select(vec![Hello, Elect, Sync, Ping, WantPromise]);
    (re, epoch(), id(), option::of(cfg()))
        .prop_map(|(re, epoch, me, cfg)| NotMember { re, epoch, me, cfg })
        .boxed()
}

fn beat() -> BoxedStrategy<Beat> {
    (option::of(view()), option::of(cfg()), index())
        .prop_map(|(view, cfg, stable)| Beat { view, cfg, stable })
        .boxed()
}

fn elect() -> BoxedStrategy<Elect> {
    let key = (epoch(), index(), id()).prop_map(|(epoch, length, id)| CandidateRank { epoch, length, id });
    (epoch(), key, vec(id(), 0..5), cfg(), option::of(roster()))
        .prop_map(|(epoch, candidate, path, cfg, roster)| Elect { epoch, candidate, path, cfg, roster })
        .boxed()
}

fn elected() -> BoxedStrategy<Elected> {
    (cfg(), roster(), history()).prop_map(|(cfg, roster, history)| Elected { cfg, roster, history }).boxed()
}

fn deliver() -> BoxedStrategy<Deliver> {
    (view(), vec(entry(), 0..4), index())
        .prop_map(|(view, entries, stable)| Deliver { view, entries, stable })
        .boxed()
}

fn sync() -> BoxedStrategy<Sync> {
    (view(), history(), vec(said(), 0..4), any::<bool>())
        .prop_map(|(view, history, tail, more)| Sync { view, history, tail, more })
        .boxed()
}

fn install() -> BoxedStrategy<Install> {
    let places = (index(), index(), index(), index());
    (cfg(), roster(), places, origins(), history())
        .prop_map(|(cfg, roster, (common, base, end, stable), origins, history)| Install {
            cfg,
            roster,
            common,
            base,
            end,
            origins,
            history,
            stable,
        })
        .boxed()
}

fn join() -> BoxedStrategy<Join> {
    (member(), option::of(id()), epoch(), any::<u64>(), vec(member(), 0..4))
        .prop_map(|(me, contact, epoch, generation, ring)| Join { me, contact, epoch, generation, ring })
        .boxed()
}

fn entry() -> BoxedStrategy<Entry> {
    (view(), first(), first(), body())
        .prop_map(|(view, index, stamp, body)| Entry { view, index: Index(index), stamp: Stamp(stamp), body })
        .boxed()
}

fn body() -> BoxedStrategy<Body> {
    prop_oneof![
        (said(), any::<u64>(), any::<bool>()).prop_map(|(said, missing, replayed)| {
            let missing = missing % said.first.0;
            Body::Chat { said, missing, replayed }
        }),
        (cfg(), change()).prop_map(|(cfg, change)| Body::Membership { cfg, change: change.into() }),
    ]
    .boxed()
}

fn change() -> BoxedStrategy<Change> {
    let departure = prop_oneof![Just(Departure::Quit), Just(Departure::Lost)];
    let gone = vec((member(), departure), 0..3);
    let joined = vec((member(), id()), 0..3);
    prop_oneof![
        (roster(), vec(member(), 0..3)).prop_map(|(roster, lost)| Change::Opened { roster, lost }),
        (gone, joined, any::<bool>()).prop_map(|(gone, joined, merged)| Change::Edit {
            gone,
            joined,
            merged
        }),
    ]
    .boxed()
}

/// What goes up by one from here on for each text.
fn first() -> impl Strategy<Value = u64> {
    1..=MAX_SEQ - 4
}

fn said() -> BoxedStrategy<Proven<Run>> {
    let texts = vec(text(), 1..4).prop_map(|texts| TextRun::new(&texts).expect("there is one"));
    (member(), first(), texts, first())
        .prop_map(|(origin, first, texts, stamp)| {
            Run::sham(ROOM, origin.into(), Seq(first), Stamp(stamp), texts)
        })
        .boxed()
}

fn history() -> BoxedStrategy<Vec<ViewSpan>> {
    vec((view(), index()).prop_map(|(view, end)| ViewSpan { view, end }), 0..4).boxed()
}

fn origins() -> BoxedStrategy<BTreeMap<NodeId, Seq>> {
    btree_map(id(), seq(), 0..4).boxed()
}

fn cfg() -> BoxedStrategy<ConfigId> {
    (view(), any::<u64>()).prop_map(|(view, n)| ConfigId { view, n }).boxed()
}

fn view() -> BoxedStrategy<View> {
    (epoch(), id()).prop_map(|(epoch, leader)| View { epoch, leader }).boxed()
}

fn epoch() -> BoxedStrategy<Epoch> {
    any::<u64>().prop_map(Epoch).boxed()
}

fn index() -> BoxedStrategy<Index> {
    any::<u64>().prop_map(Index).boxed()
}

fn seq() -> BoxedStrategy<Seq> {
    any::<u64>().prop_map(Seq).boxed()
}

fn roster() -> BoxedStrategy<Roster> {
    btree_map(id(), (addr(), name()), 0..5)
        .prop_map(|members| {
            let member = |(id, (addr, name))| Member::new(id, addr, name);
            let members = members.into_iter().map(member).collect();
            Roster::new(members).expect("few members, each once")
        })
        .boxed()
}

fn member() -> BoxedStrategy<Member> {
    (id(), addr(), name()).prop_map(|(id, addr, name)| Member::new(id, addr, name)).boxed()
}

fn id() -> BoxedStrategy<NodeId> {
    (any::<[u8; 32]>(), any::<NonZeroU64>())
        .prop_map(|(key, incarnation)| NodeId::sham(key, incarnation))
        .boxed()
}

fn addr() -> BoxedStrategy<SocketAddr> {
    prop_oneof![
        (any::<Ipv4Addr>(), any::<u16>()).prop_map(SocketAddr::from),
        (any::<Ipv6Addr>(), any::<u16>()).prop_map(SocketAddr::from),
    ]
    .boxed()
}

fn name() -> BoxedStrategy<Name> {
    "[a-zA-Zäöü日本]{1,12}".prop_map(|name| Name::new(&name).expect("short, and only letters")).boxed()
}

fn text() -> BoxedStrategy<Text> {
    let long = (0..=MAX_TEXT).prop_map(|length| "x".repeat(length));
    let text = prop_oneof![19 => any::<String>(), 1 => long];
    text.prop_map(|text| Text::new(&text).expect("proptest's strings are short")).boxed()
}
