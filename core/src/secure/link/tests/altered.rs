//! Somebody on the way changes, cuts and reorders what passes.

use super::*;

/// All ways to change one byte of `flight` a little or much.
fn changed(flight: &[u8]) -> impl Iterator<Item = (usize, Vec<u8>)> {
    let bits = [0x01, 0x80, 0xff];
    (0..flight.len()).flat_map(move |at| {
        bits.map(|bits| {
            let mut changed = flight.to_vec();
            changed[at] ^= bits;
            (at, changed)
        })
    })
}

#[test]
fn a_changed_first_message_is_not_answered() {
    let [alice, bob] = pair();
    let (_, first) = dial(&alice, Some(bob.id()));
    for (at, changed) in changed(&first) {
        let mut acceptor = accept(&bob);
        assert_eq!(acceptor.hear(&changed), Ok(Heard::default()), "byte {at}");
        assert!(acceptor.link.is_silent(), "byte {at}");
    }
}

#[test]
fn a_changed_answer_ends_the_link_without_a_further_byte() {
    let [alice, bob] = pair();
    let ([_, answer, _], _) = met(&alice, &bob, None);
    for (at, changed) in changed(&answer) {
        let (mut dialer, _) = dial(&alice, None);
        let error = dialer.hear(&changed).unwrap_err();
        let expected: &[LinkError] = match at {
            0..48 => &[LinkError::BadAnswer],
            48..50 => &[LinkError::BadProof, LinkError::ShortRecord],
            _ => &[LinkError::BadRecord],
        };
        assert!(expected.contains(&error), "byte {at}: {error}");
        assert_eq!(dialer.hear(&answer), Err(error), "what follows changes nothing");
    }
}

#[test]
fn a_changed_proof_ends_the_link() {
    let [alice, bob] = pair();
    let ([first, _, proof], _) = met(&alice, &bob, None);
    for (at, changed) in changed(&proof) {
        let mut acceptor = accept(&bob);
        acceptor.hear(&first).unwrap();
        let error = acceptor.hear(&changed).unwrap_err();
        let expected: &[LinkError] = match at {
            0..2 => &[LinkError::BadProof, LinkError::ShortRecord],
            _ => &[LinkError::BadRecord],
        };
        assert!(expected.contains(&error), "byte {at}: {error}");
        assert_eq!(acceptor.hear(&proof), Err(error), "what follows changes nothing");
    }
}

#[test]
fn nothing_happens_before_the_last_byte_of_a_flight() {
    let [alice, bob] = pair();
    let ([first, answer, proof], _) = met(&alice, &bob, None);
    let ((mut dialer, _), mut acceptor) = (dial(&alice, None), accept(&bob));
    for byte in &first[..64] {
        assert_eq!(acceptor.hear(&[*byte]), Ok(Heard::default()));
    }
    assert_eq!(acceptor.hear(&first[64..]).unwrap().sent, answer);
    for byte in &answer[..169] {
        assert_eq!(dialer.hear(&[*byte]), Ok(Heard::default()));
    }
    assert_eq!(dialer.hear(&answer[169..]).unwrap(), Heard { sent: proof.clone(), peer: Some(bob.id()) });
    for byte in &proof[..121] {
        assert_eq!(acceptor.hear(&[*byte]), Ok(Heard::default()));
    }
    assert_eq!(acceptor.hear(&proof[121..]).unwrap().peer, Some(alice.id()));
}

#[test]
fn a_byte_that_is_missing_opens_nothing() {
    let [alice, bob] = pair();
    let ([first, answer, proof], [mut open, _]) = met(&alice, &bob, None);
    let more = open.says(b"more");
    let without = |flight: &[u8], at: usize| [&flight[..at], &flight[at + 1..], &more].concat();
    for at in 0..first.len() {
        assert_eq!(accept(&bob).hear(&without(&first, at)), Ok(Heard::default()), "byte {at}");
    }
    for at in 0..answer.len() {
        assert!(dial(&alice, None).0.hear(&without(&answer, at)).is_err(), "byte {at}");
    }
    for at in 0..proof.len() {
        let mut acceptor = accept(&bob);
        acceptor.hear(&first).unwrap();
        assert!(acceptor.hear(&without(&proof, at)).is_err(), "byte {at}");
    }
}

#[test]
fn flights_in_another_order_open_nothing() {
    let [alice, bob] = pair();
    let ([first, answer, proof], [mut open, _]) = met(&alice, &bob, None);
    let more = open.says(b"more");
    let nothing = Ok(Heard::default());
    assert_eq!(accept(&bob).hear(&[proof.as_slice(), &first].concat()), nothing);
    assert_eq!(accept(&bob).hear(&[more.as_slice(), &first].concat()), nothing);
    for before in [&first, &more] {
        let mut acceptor = accept(&bob);
        acceptor.hear(&first).unwrap();
        assert!(acceptor.hear(&[before.as_slice(), &proof].concat()).is_err());
    }
    let swapped = [&answer[48..], &answer[..48]].concat();
    assert_eq!(dial(&alice, None).0.hear(&swapped), Err(LinkError::BadAnswer));
    let twice = [&answer[..48], &answer].concat();
    assert!(dial(&alice, None).0.hear(&twice).is_err());
}
