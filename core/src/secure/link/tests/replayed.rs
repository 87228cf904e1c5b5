//! Somebody recorded flights and sends them again.

use super::*;

#[test]
fn a_first_message_is_answered_once_in_a_life() {
    let [alice, bob] = pair();
    for expected in [Some(bob.id()), None] {
        let ([first, ..], [_, acceptor]) = met(&alice, &bob, expected);
        let mut again = accept_with(&bob, 0x45);
        again.accepted = acceptor.accepted;
        assert_eq!(again.hear(&first), Err(LinkError::Replayed));
        assert_eq!(again.hear(&first), Err(LinkError::Replayed), "what follows changes nothing");
    }
}

#[test]
fn a_later_life_does_not_answer_what_was_for_an_earlier_one() {
    let [alice, bob] = pair();
    let ([first, ..], _) = met(&alice, &bob, Some(bob.id()));
    let returned = who(2, 21);
    assert_eq!(accept(&returned).hear(&first), Err(LinkError::ForAnother));
    assert_eq!(accept(&who(3, 20)).hear(&first), Err(LinkError::ForAnother));
}

#[test]
fn a_later_life_answers_a_recorded_dial_to_a_contact_once_and_never_opens() {
    let [alice, bob] = pair();
    let ([first, _, proof], [mut open, _]) = met(&alice, &bob, None);
    let returned = who(2, 21);
    let mut acceptor = accept_with(&returned, 0x45);
    assert_eq!(acceptor.hear(&first).unwrap().sent.len(), 170);
    let mut again = accept_with(&returned, 0x46);
    again.accepted = acceptor.accepted;
    assert_eq!(again.hear(&first), Err(LinkError::Replayed));
    acceptor.accepted = AcceptedEphemerals::default();
    let recorded = [proof, open.says(b"more")].concat();
    assert_eq!(acceptor.hear(&recorded), Err(LinkError::BadRecord));
}

#[test]
fn a_recorded_answer_is_none_for_another_dial() {
    let [alice, bob] = pair();
    let ([_, answer, _], _) = met(&alice, &bob, None);
    assert_eq!(dial_with(&alice, None, 0x34).0.hear(&answer), Err(LinkError::BadAnswer));
}

#[test]
fn ones_own_flights_open_nothing() {
    let [alice, bob] = pair();
    let ([first, answer, proof], _) = met(&alice, &bob, None);
    assert_eq!(dial(&alice, None).0.hear(&first), Err(LinkError::BadAnswer));
    let (mut dialer, _) = dial(&alice, None);
    dialer.hear(&answer).unwrap();
    dialer.hear(&proof).unwrap();
    assert_eq!(dialer.opens(), (Vec::new(), Err(LinkError::BadRecord)));
    for reflected in [&answer[..], &answer[48..]] {
        let mut acceptor = accept(&bob);
        acceptor.hear(&first).unwrap();
        assert!(acceptor.hear(reflected).is_err());
    }
}

#[test]
fn a_dial_that_comes_back_to_its_own_node_is_refused() {
    let [alice, bob] = pair();
    let ((mut dialer, first), mut acceptor) = (dial(&alice, None), accept(&alice));
    let answer = acceptor.hear(&first).unwrap().sent;
    assert_eq!(dialer.hear(&answer), Err(LinkError::OwnId));
    let (_, first) = dial(&alice, Some(bob.id()));
    assert_eq!(accept(&alice).hear(&first), Err(LinkError::ForAnother));
}

#[test]
fn another_life_of_ones_own_key_is_another_member() {
    let (alice, alice_elsewhere) = (who(1, 10), who(1, 11));
    met(&alice, &alice_elsewhere, None);
    met(&alice, &alice_elsewhere, Some(alice_elsewhere.id()));
}
