//! Somebody does not know the secret.

use super::*;
use alloc::vec;

/// What an end without the secret may send first.
fn wrong(length: usize) -> [Vec<u8>; 4] {
    let mixed = (0..length).map(|at| u8::try_from(at * 37 % 251).unwrap());
    let version = [LINK_VERSION].into_iter().chain(mixed.clone());
    [
        [0; 66][..length].to_vec(),
        [0xff; 66][..length].to_vec(),
        mixed.collect(),
        version.take(length).collect(),
    ]
}

#[test]
fn wrong_bytes_are_dropped_in_silence_however_many() {
    let [alice, bob] = pair();
    let (_, first) = dial(&alice, None);
    for bytes in [64, 65, 66].into_iter().flat_map(wrong) {
        let mut acceptor = accept(&bob);
        for more in [&bytes, &first, &first, &[0; 5000][..].to_vec()] {
            assert_eq!(acceptor.hear(more), Ok(Heard::default()), "{} bytes", bytes.len());
            assert!(acceptor.link.is_silent() && !acceptor.link.spare().is_empty());
            assert_eq!(acceptor.opens(), (Vec::new(), Ok(())));
        }
    }
}

#[test]
fn what_is_dropped_is_not_kept() {
    let bob = who(2, 20);
    let mut acceptor = accept(&bob);
    for _ in 0..100 {
        acceptor.hear(&[0; 5000]).unwrap();
    }
    assert!(acceptor.link.spare().len() <= 8 * 1024);
    assert!(acceptor.link.incoming.waiting().is_empty());
}

#[test]
fn another_version_looks_like_another_secret() {
    let [alice, bob] = pair();
    let (_, mut first) = dial(&alice, None);
    first[0] += 1;
    let mut acceptor = accept(&bob);
    assert_eq!(acceptor.hear(&first), Ok(Heard::default()));
    assert_eq!(acceptor.hear(&first), Ok(Heard::default()));
}

#[test]
fn rooms_with_other_secrets_and_other_privacy_do_not_meet() {
    let bob = who(2, 20);
    let mut other = SECRET;
    other[31] ^= 1;
    let strangers = [
        who_with(1, 10, other, Privacy::Private),
        who_with(1, 10, SECRET, Privacy::Open),
        who_with(1, 10, other, Privacy::Open),
    ];
    for stranger in strangers {
        for [dialer, acceptor] in [[&stranger, &bob], [&bob, &stranger]] {
            for expected in [Some(acceptor.id()), None] {
                let (_, first) = dial(dialer, expected);
                let mut acceptor = accept(acceptor);
                assert_eq!(acceptor.hear(&first), Ok(Heard::default()));
                assert!(acceptor.link.is_silent());
            }
        }
    }
}

#[test]
fn an_answer_without_the_secret_ends_the_dial_without_a_further_byte() {
    let [alice, bob] = pair();
    for answer in [vec![0; 170], vec![0xff; 170], b"HTTP/1.1 400 Bad Request\r\n\r\n".repeat(7)] {
        let (mut dialer, _) = dial(&alice, Some(bob.id()));
        assert_eq!(dialer.hear(&answer), Err(LinkError::BadAnswer));
    }
}
