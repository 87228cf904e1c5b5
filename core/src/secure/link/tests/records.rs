//! Somebody on the way changes, drops, repeats, reorders and cuts what is said on an open link.

use super::*;
use alloc::vec;

/// An end that waits for what the other says, and three records that the other sealed.
fn three<'a>(alice: &'a Credentials, bob: &'a Credentials) -> (End<'a>, [Vec<u8>; 3]) {
    let (_, [mut dialer, acceptor]) = met(alice, bob, None);
    (acceptor, [b"one".as_slice(), b"two", b"three"].map(|said| dialer.says(said)))
}

/// What an end takes that hears `records` in place of those that were sealed.
fn heard(records: impl FnOnce([Vec<u8>; 3]) -> Vec<u8>) -> (Vec<u8>, Result<(), LinkError>) {
    let [alice, bob] = pair();
    let (mut end, sealed) = three(&alice, &bob);
    let records = records(sealed);
    end.hear(&records).unwrap();
    let heard = end.opens();
    if let Err(error) = heard.1 {
        let (mut sane, [one, ..]) = three(&alice, &bob);
        assert_eq!(end.hear(&one), Err(error), "what follows changes nothing");
        assert_eq!(end.opens(), (Vec::new(), Err(error)));
        sane.hear(&one).unwrap();
        assert_eq!(sane.opens(), (b"one".to_vec(), Ok(())), "another link goes on");
    }
    heard
}

fn ended_after(said: &str) -> (Vec<u8>, Result<(), LinkError>) {
    (said.as_bytes().to_vec(), Err(LinkError::BadRecord))
}

#[test]
fn records_come_as_they_were_sealed() {
    assert_eq!(heard(|records| records.concat()), (b"onetwothree".to_vec(), Ok(())));
}

#[test]
fn a_changed_record_ends_the_link_and_is_not_delivered() {
    let length = 2 + 3 + 16;
    for at in 0..length {
        for bits in [0x01, 0x80, 0xff] {
            let changed = |mut records: [Vec<u8>; 3]| {
                records[1][at] ^= bits;
                records.concat()
            };
            let (said, end) = heard(changed);
            assert_eq!(said, b"one", "byte {at}");
            // A longer record is not there yet.
            assert!(end == Err(LinkError::BadRecord) || end == Err(LinkError::ShortRecord) || at < 2);
        }
    }
}

#[test]
fn a_length_that_holds_nothing_ends_the_link() {
    for length in 0..=16 {
        let (said, end) = heard(|[one, ..]| [one, vec![0, length], vec![0; 16]].concat());
        assert_eq!((said, end), (b"one".to_vec(), Err(LinkError::ShortRecord)), "{length}");
    }
}

#[test]
fn dropped_repeated_and_reordered_records_end_the_link() {
    assert_eq!(heard(|[one, _, three]| [one, three].concat()), ended_after("one"));
    assert_eq!(heard(|[_, two, three]| [two, three].concat()), ended_after(""));
    assert_eq!(heard(|[one, two, _]| [&one[..], &one, &two].concat()), ended_after("one"));
    assert_eq!(heard(|[one, two, three]| [one, three, two].concat()), ended_after("one"));
}

#[test]
fn a_cut_record_is_not_delivered() {
    for kept in 0..2 + 3 + 16 {
        let (said, end) = heard(|[one, two, _]| [&one, &two[..kept]].concat());
        assert_eq!((said, end), (b"one".to_vec(), Ok(())), "{kept} bytes");
    }
    for kept in 2..2 + 3 + 16 {
        let (said, end) = heard(|[one, two, three]| [&one, &two[..kept], &three, &three].concat());
        assert_eq!((said, end), ended_after("one"), "{kept} bytes");
    }
}

#[test]
fn what_was_said_in_one_direction_is_nothing_in_the_other() {
    let [alice, bob] = pair();
    let (_, [mut dialer, mut acceptor]) = met(&alice, &bob, None);
    for end in [&mut dialer, &mut acceptor] {
        let said = end.says(b"hello");
        end.hear(&said).unwrap();
        assert_eq!(end.opens(), (Vec::new(), Err(LinkError::BadRecord)));
    }
}

#[test]
fn what_was_said_on_one_link_is_nothing_on_another() {
    let [alice, bob] = pair();
    let (_, [mut dialer, _]) = met(&alice, &bob, None);
    let ((mut other, first), mut acceptor) = (dial_with(&alice, None, 0x39), accept(&bob));
    let answer = acceptor.hear(&first).unwrap().sent;
    let proof = other.hear(&answer).unwrap().sent;
    acceptor.hear(&[proof, dialer.says(b"hello")].concat()).unwrap();
    assert_eq!(acceptor.opens(), (Vec::new(), Err(LinkError::BadRecord)));
}

#[test]
fn large_records_pass_and_leave_no_large_buffer_behind() {
    let [alice, bob] = pair();
    let (_, [mut dialer, mut acceptor]) = met(&alice, &bob, None);
    let said: Vec<u8> = (0..300_000).map(|at| u8::try_from(at % 251).unwrap()).collect();
    let mut came = Vec::new();
    for piece in dialer.says(&said).chunks(7_000) {
        acceptor.hear(piece).unwrap();
        let (more, end) = acceptor.opens();
        came.extend(more);
        assert_eq!(end, Ok(()));
    }
    assert!(came == said);
    for _ in 0..50 {
        let small = dialer.says(b"small");
        acceptor.hear(&small).unwrap();
        assert_eq!(acceptor.opens().0, b"small");
    }
    assert!(acceptor.link.spare().len() <= 8 * 1024);
}

#[test]
fn a_link_that_carried_its_share_says_so() {
    let [alice, bob] = pair();
    let (_, [mut dialer, mut acceptor]) = met(&alice, &bob, None);
    let State::Open(opener) = &mut acceptor.link.state else { unreachable!("it is open") };
    opener.wear();
    let said = dialer.says(b"hello");
    acceptor.hear(&said).unwrap();
    assert_eq!(acceptor.opens(), (Vec::new(), Err(LinkError::Worn)));
}
