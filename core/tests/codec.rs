//! What the wire format promises for every message and for any bytes.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot go on is to panic")]

#[allow(dead_code, reason = "the other test that has this module uses the rest")]
mod messages;

use std::collections::BTreeSet;
use std::net::Ipv6Addr;
use std::num::NonZeroU64;

use messages::{KINDS, envelope, kind};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::Index;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;
use ringchat_core::limits::{MAX_FRAME, MAX_NAME, MAX_ROSTER, MAX_VIEW_HISTORY};
use ringchat_core::wire::{
    CandidateRank, DecodeError, Elect, Envelope, FrameDecoder, Install, Message, ShamSeen, ViewSpan, encode,
};
use ringchat_core::{ConfigId, Epoch, Member, Name, NodeId, RoomId, Roster, Seq, Stamp, View};

/// The bytes of a link that carries these messages.
fn link(envelopes: &[Envelope]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for envelope in envelopes {
        encode(envelope, &mut bytes).unwrap();
    }
    bytes
}

/// Hands `bytes` to `decoder`, and takes what comes out.
fn feed(decoder: &mut FrameDecoder, mut bytes: &[u8], came: &mut Vec<Envelope>) -> Result<(), DecodeError> {
    while !bytes.is_empty() {
        let spare = decoder.spare();
        let now = bytes.len().min(spare.len());
        spare[..now].copy_from_slice(&bytes[..now]);
        decoder.advance(now);
        bytes = &bytes[now..];
        while let Some(envelope) = decoder.pop(&mut ShamSeen::default())? {
            came.push(envelope);
        }
    }
    Ok(())
}

/// All that comes out of `bytes`, and how the link ends.
fn decode(bytes: &[u8]) -> (Vec<Envelope>, Result<(), DecodeError>) {
    let (mut decoder, mut came) = (FrameDecoder::new(MAX_FRAME), Vec::new());
    let end = feed(&mut decoder, bytes, &mut came);
    (came, end)
}

proptest! {
    #[test]
    fn every_message_comes_out_as_it_went_in(envelopes in vec(envelope(), 0..4)) {
        prop_assert_eq!(decode(&link(&envelopes)), (envelopes, Ok(())));
    }

    #[test]
    fn chunks_do_not_matter(envelopes in vec(envelope(), 1..4), cuts in vec(any::<Index>(), 0..8)) {
        let bytes = link(&envelopes);
        let mut ends: Vec<usize> = cuts.iter().map(|cut| cut.index(bytes.len())).collect();
        ends.push(bytes.len());
        ends.sort_unstable();
        let (mut decoder, mut came, mut start) = (FrameDecoder::new(MAX_FRAME), Vec::new(), 0);
        for end in ends {
            prop_assert_eq!(feed(&mut decoder, &bytes[start..end], &mut came), Ok(()));
            start = end;
        }
        prop_assert_eq!(came, envelopes);
    }

    #[test]
    fn a_cut_off_link_gives_the_whole_messages_before_the_cut(
        envelopes in vec(envelope(), 1..4),
        cut in any::<Index>(),
    ) {
        let bytes = link(&envelopes);
        let cut = cut.index(bytes.len());
        let whole = (0..=envelopes.len()).rev().find(|&n| link(&envelopes[..n]).len() <= cut).unwrap_or(0);
        prop_assert_eq!(decode(&bytes[..cut]), (envelopes[..whole].to_vec(), Ok(())));
    }

    #[test]
    fn a_flipped_bit_never_panics_and_spares_what_came_before(
        envelopes in vec(envelope(), 1..4),
        at in any::<Index>(),
        bit in 0..8_u32,
    ) {
        let mut bytes = link(&envelopes);
        let at = at.index(bytes.len());
        bytes[at] ^= 1 << bit;
        let intact = (0..=envelopes.len()).rev().find(|&n| link(&envelopes[..n]).len() <= at).unwrap_or(0);
        let (came, _) = decode(&bytes);
        prop_assert_eq!(&came[..intact], &envelopes[..intact]);
        prop_assert_eq!(decode(&link(&came)), (came, Ok(())));
    }

    #[test]
    fn any_bytes_give_messages_or_an_error(bytes in vec(any::<u8>(), 0..2048)) {
        let (came, _) = decode(&bytes);
        // What decodes is a message that can be sent on.
        prop_assert!(came.iter().all(|envelope| encode(envelope, &mut Vec::new()).is_ok()));
    }
}

#[test]
fn the_messages_tried_are_of_every_kind() {
    let (mut runner, strategy) = (TestRunner::deterministic(), envelope());
    let draw = |_| kind(&strategy.new_tree(&mut runner).unwrap().current().message);
    assert_eq!((0..2000).map(draw).collect::<BTreeSet<_>>().len(), KINDS);
}

/// The longest id and name that there can be, of member `number`.
fn longest_member(number: usize) -> Member {
    let addr = (Ipv6Addr::from(u128::MAX), u16::MAX).into();
    let name = Name::new(&"ä".repeat(MAX_NAME / 2)).unwrap();
    let incarnation = NonZeroU64::new(u64::MAX - number as u64).unwrap();
    Member::new(NodeId::new([u8::MAX; 32], incarnation), addr, name)
}

#[test]
fn the_messages_of_the_largest_room_fit_a_frame() {
    let roster = Roster::new((0..MAX_ROSTER).map(longest_member).collect()).unwrap();
    let view = View { epoch: Epoch(u64::MAX), leader: longest_member(0).id };
    let (cfg, last) = (ConfigId { view, n: u64::MAX }, ringchat_core::Index(u64::MAX));
    let elect = Message::Elect(Elect {
        epoch: view.epoch,
        candidate: CandidateRank { epoch: view.epoch, length: last, id: view.leader },
        path: roster.ids().collect(),
        cfg,
        roster: Some(roster.clone()),
    });
    let install = Message::Install(Install {
        cfg,
        roster,
        common: last,
        base: last,
        end: last,
        origins: (0..2 * MAX_ROSTER).map(|number| (longest_member(number).id, Seq(u64::MAX))).collect(),
        history: vec![ViewSpan { view, end: last }; MAX_VIEW_HISTORY],
        stable: last,
    });
    let envelopes = [elect, install].map(|message| Envelope {
        room: RoomId([u8::MAX; 16]),
        stamp: Stamp(u64::MAX),
        message,
    });
    assert_eq!(decode(&link(&envelopes)), (envelopes.to_vec(), Ok(())));
}
