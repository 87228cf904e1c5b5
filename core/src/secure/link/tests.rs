//! Two ends, and what may happen between them.

mod altered;
mod flights;
mod insiders;
mod records;
mod replayed;
mod resolvers;
mod strangers;

use alloc::format;
use alloc::vec::Vec;
use core::num::NonZeroU64;

use zeroize::Zeroizing;

use super::*;
use crate::secure::{AcceptedEphemerals, Identity, Privacy};

const SECRET: [u8; 32] = [0xa5; 32];

/// One end of a link, and what it knows.
struct End<'a> {
    who: &'a Credentials,
    accepted: AcceptedEphemerals,
    link: Link,
    sealer: Option<Sealer>,
}

/// What came of the bytes that an end heard.
#[derive(Debug, Default, PartialEq)]
struct Heard {
    sent: Vec<u8>,
    peer: Option<NodeId>,
}

fn who_with(seed: u8, incarnation: u64, psk: [u8; 32], privacy: Privacy) -> Credentials {
    let incarnation = NonZeroU64::new(incarnation).unwrap();
    Credentials::new(Zeroizing::new(psk), privacy, Identity::from_seed([seed; 32]), incarnation)
}

fn who(seed: u8, incarnation: u64) -> Credentials {
    who_with(seed, incarnation, SECRET, Privacy::Private)
}

/// A dialer and an acceptor of the same room.
fn pair() -> [Credentials; 2] {
    [who(1, 10), who(2, 20)]
}

fn dial(who: &Credentials, expected: Option<NodeId>) -> (End<'_>, Vec<u8>) {
    dial_with(who, expected, 0x33)
}

fn dial_with(who: &Credentials, expected: Option<NodeId>, fresh: u8) -> (End<'_>, Vec<u8>) {
    let (link, first) = Link::dial(who, Ephemeral::new([fresh; 32]), expected).unwrap();
    (End { who, accepted: AcceptedEphemerals::default(), link, sealer: None }, first)
}

fn accept(who: &Credentials) -> End<'_> {
    accept_with(who, 0x44)
}

fn accept_with(who: &Credentials, fresh: u8) -> End<'_> {
    let link = Link::accept(who, Ephemeral::new([fresh; 32])).unwrap();
    End { who, accepted: AcceptedEphemerals::default(), link, sealer: None }
}

impl End<'_> {
    fn hear(&mut self, bytes: &[u8]) -> Result<Heard, LinkError> {
        let mut heard = Heard::default();
        let mut rest = bytes;
        while !rest.is_empty() {
            let spare = self.link.spare();
            let (now, later) = rest.split_at(rest.len().min(spare.len()));
            spare[..now.len()].copy_from_slice(now);
            self.link.advance(now.len());
            rest = later;
            while let Some(progress) = self.link.progress(self.who, &mut self.accepted)? {
                heard.sent.extend(progress.send);
                if let Some(Opened { peer, sealer }) = progress.opened {
                    heard.peer = Some(peer);
                    self.sealer = Some(sealer);
                }
            }
        }
        Ok(heard)
    }

    /// What the records that came hold, up to the first that cannot be opened.
    fn opens(&mut self) -> (Vec<u8>, Result<(), LinkError>) {
        let mut opened = Incoming::new();
        let end = loop {
            match self.link.open_into(&mut opened) {
                Ok(true) => {}
                Ok(false) => break Ok(()),
                Err(error) => break Err(error),
            }
        };
        (opened.waiting().to_vec(), end)
    }

    fn says(&mut self, bytes: &[u8]) -> Vec<u8> {
        self.sealer.as_mut().unwrap().seal(bytes, &mut Vec::new()).unwrap().to_vec()
    }
}

/// The three flights between two ends that find each other, and the ends.
fn met<'a>(
    dialer: &'a Credentials,
    acceptor: &'a Credentials,
    expected: Option<NodeId>,
) -> ([Vec<u8>; 3], [End<'a>; 2]) {
    let ((mut dialer_end, first), mut acceptor_end) = (dial(dialer, expected), accept(acceptor));
    let answer = acceptor_end.hear(&first).unwrap();
    assert_eq!(answer.peer, None);
    let proof = dialer_end.hear(&answer.sent).unwrap();
    assert_eq!(proof.peer, Some(acceptor.id()));
    let opened = acceptor_end.hear(&proof.sent).unwrap();
    assert_eq!(opened, Heard { sent: Vec::new(), peer: Some(dialer.id()) });
    ([first, answer.sent, proof.sent], [dialer_end, acceptor_end])
}

#[test]
fn two_ends_learn_who_the_other_is_and_speak() {
    let [alice, bob] = pair();
    for expected in [Some(bob.id()), None] {
        let (_, [mut dialer, mut acceptor]) = met(&alice, &bob, expected);
        let said = dialer.says(b"hello");
        assert_eq!(acceptor.hear(&said), Ok(Heard::default()));
        assert_eq!(acceptor.opens(), (b"hello".to_vec(), Ok(())));
        let said = acceptor.says(b"hello yourself");
        assert_eq!(dialer.hear(&said), Ok(Heard::default()));
        assert_eq!(dialer.opens(), (b"hello yourself".to_vec(), Ok(())));
    }
}

#[test]
fn the_pieces_in_which_bytes_come_do_not_matter() {
    let [alice, bob] = pair();
    let ([first, answer, proof], [mut dialer, mut acceptor]) = met(&alice, &bob, None);
    let to_acceptor = [first, proof, dialer.says(b"a record"), dialer.says(b"and one more")].concat();
    let to_dialer = [answer, acceptor.says(b"a record")].concat();
    for size in 1..to_acceptor.len() {
        let (mut dialer, mut acceptor) = (dial(&alice, None).0, accept(&bob));
        to_acceptor.chunks(size).for_each(|piece| drop(acceptor.hear(piece).unwrap()));
        assert_eq!(acceptor.opens(), (b"a recordand one more".to_vec(), Ok(())), "pieces of {size}");
        to_dialer.chunks(size).for_each(|piece| drop(dialer.hear(piece).unwrap()));
        assert_eq!(dialer.opens(), (b"a record".to_vec(), Ok(())), "pieces of {size}");
    }
}

#[test]
fn a_link_tells_how_far_it_is() {
    let [alice, bob] = pair();
    let ((mut dialer, first), mut acceptor) = (dial(&alice, None), accept(&bob));
    let states = |end: &End<'_>| (end.link.is_silent(), end.link.is_open());
    assert_eq!([states(&dialer), states(&acceptor)], [(true, false); 2]);
    let answer = acceptor.hear(&first).unwrap().sent;
    assert_eq!([states(&dialer), states(&acceptor)], [(true, false), (false, false)]);
    let proof = dialer.hear(&answer).unwrap().sent;
    acceptor.hear(&proof).unwrap();
    assert_eq!([states(&dialer), states(&acceptor)], [(false, true); 2]);
}

#[test]
fn nothing_secret_is_shown() {
    let alice = who(0xa5, 10);
    let [_, bob] = pair();
    let (end, _) = dial_with(&alice, Some(bob.id()), 0xa5);
    let (_, [open, _]) = met(&alice, &bob, None);
    let shown = [
        format!("{alice:?} {:?} {:?}", end.link, open.link),
        format!("{:?} {:#?}", open.sealer, open.link),
        format!("{:?}", accept_with(&alice, 0xa5).link),
    ];
    for shown in shown {
        assert!(!shown.contains("165") && !shown.to_lowercase().contains("a5, "), "{shown}");
        assert!(!shown.to_lowercase().contains("a5a5"), "{shown}");
    }
}

/// Has one implementation for what cannot be cloned, and two for what can: then nobody can tell which is meant.
trait OnlyOnce<Why> {
    fn holds() {}
}
impl<T> OnlyOnce<()> for T {}
impl<T: Clone> OnlyOnce<u8> for T {}

#[test]
fn what_counts_records_cannot_be_cloned() {
    <Link as OnlyOnce<_>>::holds();
    <Sealer as OnlyOnce<_>>::holds();
    <Opener as OnlyOnce<_>>::holds();
    <Ephemeral as OnlyOnce<_>>::holds();
    <Credentials as OnlyOnce<_>>::holds();
}
