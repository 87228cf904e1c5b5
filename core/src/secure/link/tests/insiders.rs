//! Somebody knows the secret, and lies about who it is.

use super::*;
use crate::secure::proof::proven;
use alloc::vec;

/// An end that knows the secret and chooses what it proves.
struct Insider {
    proving: Proving,
    sent: Vec<u8>,
}

impl Insider {
    /// Answers the dial that `first` begins, whoever it is for.
    fn answers(who: &Credentials, first: &[u8]) -> Self {
        let mut handshake = noise::start(Role::Acceptor, who, Ephemeral::new([0x66; 32])).unwrap();
        handshake.read_message(&first[1..], &mut [0; TO]).unwrap();
        let mut sent = vec![0; ANSWER];
        handshake.write_message(&[], &mut sent).unwrap();
        Self {
            proving: Proving::new(Silent { handshake, role: Role::Acceptor, expected: None }).unwrap(),
            sent,
        }
    }

    /// Dials an acceptor.
    fn dials(who: &Credentials, acceptor: &mut End<'_>) -> Self {
        let (link, first) = Link::dial(who, Ephemeral::new([0x66; 32]), None).unwrap();
        let State::Silent(mut silent) = link.state else { unreachable!("a dial begins silent") };
        let answer = acceptor.hear(&first).unwrap().sent;
        silent.handshake.read_message(&answer[..ANSWER], &mut []).unwrap();
        Self { proving: Proving::new(*silent).unwrap(), sent: answer[ANSWER..].to_vec() }
    }

    /// What a record with a proof holds that the other end sent.
    fn takes(&mut self, record: &[u8]) -> [u8; PROOF] {
        let mut proof = [0; PROOF];
        self.proving.opener.open(&record[HEADER..], &mut proof).unwrap();
        proof
    }

    fn record(&mut self, proof: &[u8]) -> Vec<u8> {
        self.proving.sealer.seal(proof, &mut Vec::new()).unwrap().to_vec()
    }
}

/// What a dialer makes of an answer with such a proof.
fn dialer_hears(
    proof: impl FnOnce(&Insider) -> Vec<u8>,
    expected: Option<NodeId>,
) -> Result<Heard, LinkError> {
    let [alice, bob] = pair();
    let (mut dialer, first) = dial(&alice, expected);
    let mut insider = Insider::answers(&bob, &first);
    let proof = proof(&insider);
    let record = insider.record(&proof);
    dialer.hear(&[insider.sent, record].concat())
}

fn proof_of(who: &Credentials, insider: &Insider) -> Vec<u8> {
    proof::prove(who, insider.proving.role, &insider.proving.hash).to_vec()
}

#[test]
fn an_honest_proof_is_taken() {
    let carol = who(3, 30);
    let heard = dialer_hears(|insider| proof_of(&carol, insider), None).unwrap();
    assert_eq!((heard.peer, heard.sent.len()), (Some(carol.id()), 122));
}

#[test]
fn a_dialer_that_expects_another_closes_without_a_further_byte() {
    let [_, bob] = pair();
    for found in [who(3, 20), who(2, 21)] {
        let heard = dialer_hears(|insider| proof_of(&found, insider), Some(bob.id()));
        assert_eq!(heard, Err(LinkError::AnotherId { peer: found.id() }));
    }
}

#[test]
fn a_proof_with_a_changed_byte_is_none() {
    let bob = who(2, 20);
    for at in 0..PROOF {
        let changed = |insider: &Insider| {
            let mut proof = proof_of(&bob, insider);
            proof[at] ^= 1;
            proof
        };
        assert_eq!(dialer_hears(changed, None), Err(LinkError::BadProof), "byte {at}");
    }
}

#[test]
fn a_proof_of_one_incarnation_is_none_of_another() {
    let bob = who(2, 20);
    for incarnation in [0_u64, 21, u64::MAX] {
        let claimed = |insider: &Insider| {
            let mut proof = proof_of(&bob, insider);
            proof[32..40].copy_from_slice(&incarnation.to_be_bytes());
            proof
        };
        assert_eq!(dialer_hears(claimed, None), Err(LinkError::BadProof), "{incarnation}");
    }
}

#[test]
fn a_proof_for_another_handshake_is_none() {
    let bob = who(2, 20);
    let other = |insider: &Insider| proof::prove(&bob, insider.proving.role, &[7; 32]).to_vec();
    assert_eq!(dialer_hears(other, None), Err(LinkError::BadProof));
}

#[test]
fn a_proof_of_one_end_is_none_of_the_other() {
    let [alice, bob] = pair();
    let other = |insider: &Insider| proof::prove(&bob, Role::Dialer, &insider.proving.hash).to_vec();
    assert_eq!(dialer_hears(other, None), Err(LinkError::BadProof));
    let mut acceptor = accept(&bob);
    let mut insider = Insider::dials(&alice, &mut acceptor);
    let answered = insider.sent.clone();
    let proof = insider.takes(&answered);
    assert_eq!(proven(&proof, Role::Acceptor, &insider.proving.hash), Some(bob.id()));
    let record = insider.record(&proof);
    assert_eq!(acceptor.hear(&record), Err(LinkError::BadProof));
}

#[test]
fn a_record_that_is_no_proof_ends_the_link() {
    for length in [1, PROOF - 1, PROOF + 1, 1024, 60_000] {
        assert_eq!(dialer_hears(|_| vec![0; length], None), Err(LinkError::BadProof), "{length} bytes");
    }
}

/// A member stands between two others and passes on what they prove.
#[test]
fn a_member_cannot_pass_for_another_by_passing_on_its_proof() {
    let [alice, bob] = pair();
    let mallory = who(3, 30);
    let (mut dialer, first) = dial(&alice, Some(bob.id()));
    let mut to_alice = Insider::answers(&mallory, &first);
    let mut acceptor = accept(&bob);
    let mut to_bob = Insider::dials(&mallory, &mut acceptor);
    let answered = to_bob.sent.clone();
    let proof_of_bob = to_bob.takes(&answered);
    let record = to_alice.record(&proof_of_bob);
    assert_eq!(dialer.hear(&[to_alice.sent, record].concat()), Err(LinkError::BadProof));

    let (mut dialer, first) = dial_with(&alice, None, 0x35);
    let mut to_alice = Insider::answers(&mallory, &first);
    let own = proof_of(&mallory, &to_alice);
    let record = to_alice.record(&own);
    let sent = dialer.hear(&[to_alice.sent.as_slice(), &record].concat()).unwrap().sent;
    let proof_of_alice = to_alice.takes(&sent);
    assert_eq!(proven(&proof_of_alice, Role::Dialer, &to_alice.proving.hash), Some(alice.id()));
    let record = to_bob.record(&proof_of_alice);
    assert_eq!(acceptor.hear(&record), Err(LinkError::BadProof));
}

/// Whoever stands between two others and passes all bytes on learns nothing and changes nothing.
#[test]
fn proofs_of_two_links_cannot_be_swapped() {
    let [alice, bob] = pair();
    let (mut one, first_of_one) = dial_with(&alice, None, 0x31);
    let (mut other, first_of_other) = dial_with(&alice, None, 0x32);
    let (mut to_one, mut to_other) = (accept_with(&bob, 0x41), accept_with(&bob, 0x42));
    let answers = [to_one.hear(&first_of_one).unwrap().sent, to_other.hear(&first_of_other).unwrap().sent];
    let proofs = [one.hear(&answers[0]).unwrap().sent, other.hear(&answers[1]).unwrap().sent];
    assert_eq!(to_one.hear(&proofs[1]), Err(LinkError::BadRecord));
    assert_eq!(to_other.hear(&proofs[0]), Err(LinkError::BadRecord));
    let (mut third, _) = dial_with(&alice, None, 0x31);
    let swapped = [&answers[0][..ANSWER], &answers[1][ANSWER..]].concat();
    assert_eq!(third.hear(&swapped), Err(LinkError::BadRecord));
}
