use super::*;
use alloc::vec;
use core::num::NonZeroU64;

use crate::secure::link::Role;
use crate::secure::{Credentials, Ephemeral, Identity, Privacy, noise};

/// A direction of a link whose handshake is made.
fn direction() -> (Sealer, Opener) {
    let who = |seed| {
        let identity = Identity::from_seed([seed; 32]);
        Credentials::new([5; 32].into(), Privacy::Private, identity, NonZeroU64::MIN)
    };
    let start = |role, seed| noise::start(role, &who(seed), Ephemeral::new([seed; 32])).unwrap();
    let (mut dialer, mut acceptor) = (start(Role::Dialer, 1), start(Role::Acceptor, 2));
    let mut message = [0; 48];
    dialer.write_message(&[], &mut message).unwrap();
    acceptor.read_message(&message, &mut []).unwrap();
    acceptor.write_message(&[], &mut message).unwrap();
    dialer.read_message(&message, &mut []).unwrap();
    (split(dialer).unwrap().0, split(acceptor).unwrap().1)
}

impl Opener {
    /// From now on nothing more may be carried.
    pub(in crate::secure) fn wear(&mut self) {
        self.opened.bytes = MAX_LINK_BYTES;
    }
}

/// The lengths of the records in `bytes`.
fn lengths(mut bytes: &[u8]) -> Vec<usize> {
    let mut lengths = Vec::new();
    while let Some(length) = ciphertext_length(bytes).unwrap() {
        lengths.push(length);
        bytes = &bytes[HEADER + length..];
    }
    assert!(bytes.is_empty());
    lengths
}

#[test]
fn bytes_become_as_few_records_as_can_be() {
    let (mut sending, mut receiving) = direction();
    let mut space = Vec::new();
    let full = MAX_CONTENT + TAG;
    let cases = [
        (0, vec![]),
        (1, vec![17]),
        (MAX_CONTENT, vec![full]),
        (MAX_CONTENT + 1, vec![full, 17]),
        (3 * MAX_CONTENT, vec![full; 3]),
        (100, vec![116]),
    ];
    for (length, expected) in cases {
        let bytes: Vec<u8> = (0..length).map(|at| u8::try_from(at % 251).unwrap()).collect();
        let mut sealed = sending.seal(&bytes, &mut space).unwrap();
        assert_eq!(lengths(sealed), expected, "{length} bytes");
        let mut opened = Vec::new();
        while let Some(length) = ciphertext_length(sealed).unwrap() {
            let mut content = vec![0; length];
            let held = receiving.open(&sealed[HEADER..HEADER + length], &mut content).unwrap();
            opened.extend_from_slice(&content[..held]);
            sealed = &sealed[HEADER + length..];
        }
        assert!(opened == bytes, "{length} bytes");
    }
    assert_eq!(space.len(), Sealer::RECORDS_AT + 3 * (full + HEADER), "the space is kept for the next call");
}

#[test]
fn the_same_bytes_are_never_sealed_the_same() {
    let (mut sealer, _) = direction();
    let mut seen = alloc::collections::BTreeSet::new();
    for _ in 0..1000 {
        assert!(seen.insert(sealer.seal(b"again", &mut Vec::new()).unwrap().to_vec()));
    }
}

#[test]
fn numbers_go_up_by_one_and_never_come_again() {
    let mut counter = Counter::default();
    assert!((0..1000).all(|number| counter.next(1) == Ok(number)));
    let (mut sealer, _) = direction();
    sealer.seal(&vec![0; 3 * MAX_CONTENT], &mut Vec::new()).unwrap();
    assert_eq!(sealer.sealed.next(0), Ok(3));
}

#[test]
fn a_direction_carries_no_more_records_than_it_may() {
    let mut counter = Counter { records: MAX_LINK_RECORDS - 1, bytes: 0 };
    assert_eq!(counter.next(20), Ok(u64::from(u32::MAX)));
    assert_eq!(counter.next(20), Err(LinkError::Worn));
    assert_eq!(counter.next(20), Err(LinkError::Worn));
}

#[test]
fn a_direction_carries_no_more_bytes_than_it_may() {
    let mut counter = Counter { records: 7, bytes: MAX_LINK_BYTES - 100 };
    assert_eq!(counter.next(101), Err(LinkError::Worn));
    assert_eq!(counter.next(100), Ok(7));
    assert_eq!(counter.next(1), Err(LinkError::Worn));
    let (mut sealer, _) = direction();
    sealer.sealed.bytes = MAX_LINK_BYTES - 70_000;
    assert_eq!(sealer.seal(&vec![0; 70_000], &mut Vec::new()), Err(LinkError::Worn));
    assert_eq!((MAX_LINK_BYTES, MAX_LINK_RECORDS), (274_877_906_944, 4_294_967_296));
}

#[test]
fn the_shortest_record_holds_a_byte() {
    assert_eq!(ciphertext_length(&[0]), Ok(None));
    assert_eq!(ciphertext_length(&[0, 16]), Err(LinkError::ShortRecord));
    assert_eq!(ciphertext_length(&[0, 17]), Ok(Some(17)));
    assert_eq!(ciphertext_length(&[0xff, 0xff, 1]), Ok(Some(65_535)));
}
