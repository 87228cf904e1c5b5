use super::*;
use alloc::format;
use alloc::vec::Vec;
use data_encoding::HEXLOWER;

fn bytes(digits: &str) -> Vec<u8> {
    HEXLOWER.decode(digits.as_bytes()).unwrap()
}

const PROLOGUE: &str = "4a6f686e2047616c74";
const PSK: &str = "54686973206973206d7920417573747269616e20706572737065637469766521";
const DIALER: &str = "893e28b9dc6ca8d611ab664754b8ceb7bac5117349a4439a6b0569da977c464a";
const ACCEPTOR: &str = "bbdb4cdbd309f1a1f2e1456967fe288cadd6f712d65dc7b7793d5e63da6b375b";
const PAYLOADS: [&str; 6] = [
    "4c756477696720766f6e204d69736573",
    "4d757272617920526f746862617264",
    "462e20412e20486179656b",
    "4361726c204d656e676572",
    "4a65616e2d426170746973746520536179",
    "457567656e2042f6686d20766f6e2042617765726b",
];

/// A suite, the hash of its handshake and its messages, as published with cacophony.
struct Published {
    suite: &'static str,
    hash: &'static str,
    messages: [&'static str; 6],
}

const PUBLISHED: [Published; 2] = [
    Published {
        suite: "Noise_NNpsk0_25519_AESGCM_SHA256",
        hash: "9f3b1f9afd7767767b5b9d1069844a6154fdbdcc36dfb3e31c0fffc5c973d530",
        messages: [
            "ca35def5ae56cec33dc2036731ab14896bc4c75dbb07a61f879f8e3afa4c79447c37a89fc17813788d30df2d59501d6066f5f8aecc3406bbd9829f2d24a531b1",
            "95ebc60d2b1fa672c1f46a8aa265ef51bfe38e7ccb39ec5be34069f1448088432f29d79368ef9de4e1ae7a362fb05bf0ad668e026bf5714554497b3a720461",
            "7c01e898a6201f36aecee532e29cd0b7f8ffa29d3366ad0dce39a6",
            "a9ff535aace3db6a1da1a7fb00fe2de2622bb373abad9fb42c00e0",
            "6cfc49a3e65472edc2d0152abe5ce950170a8a47c959f30bd48b5f0aacf29adbfd",
            "9bc86e6d974ed21ba04604a94aa68de21677eb409ead070c0cd569b069ee19ba142aa4c1a9",
        ],
    },
    Published {
        suite: "Noise_NNpsk0_25519_ChaChaPoly_SHA256",
        hash: "f4d03dc34495c95729ea6de9e1b59004b59733102488b3e24bc441e0be208eaf",
        messages: [
            "ca35def5ae56cec33dc2036731ab14896bc4c75dbb07a61f879f8e3afa4c794479b962b8aff8485742ac32f905ba45369e2465fb59e138a93d67a0d1266b6a54",
            "95ebc60d2b1fa672c1f46a8aa265ef51bfe38e7ccb39ec5be34069f144808843d6062704d5a9c422a8e834423f8c1feada7e8d0d910a1a2cd030fb584221e3",
            "e632c3763d7669067383433197a3baddf146e9e70ad4b4e9e59e0f",
            "64c6bee32ea91c8474bb4c21d7a700109ad45af77b29764ba5eb1e",
            "e2fa0bed0603b62d3ccac2ecabbf3fe33f3e86514909b323361626266cb2471cc8",
            "0c01dc9cec1fe4ddd692e8dd32188aa351088dc91183639a53b57aa4692b5ebdef8b8ca111",
        ],
    },
];

fn resolver(ephemeral: [u8; 32]) -> Resolver {
    let ephemeral = Cell::new(Some(Ephemeral::new(ephemeral)));
    Resolver { ephemeral, preferred: Box::new(DefaultResolver) }
}

fn end(suite: &str, role: Role, ephemeral: &str) -> HandshakeState {
    let [psk, ephemeral] = [PSK, ephemeral].map(|bytes_in| bytes(bytes_in).try_into().unwrap());
    start_with(suite, role, &psk, &bytes(PROLOGUE), resolver(ephemeral)).unwrap()
}

#[test]
fn what_is_published_for_the_suite_comes_out() {
    assert!(PUBLISHED.iter().any(|published| published.suite == SUITE));
    for Published { suite, hash, messages } in PUBLISHED {
        let mut dialer = end(suite, Role::Dialer, DIALER);
        let mut acceptor = end(suite, Role::Acceptor, ACCEPTOR);
        let mut expected = PAYLOADS.into_iter().map(bytes).zip(messages.into_iter().map(bytes));
        for dials in [true, false] {
            let (from, to) = if dials { (&mut dialer, &mut acceptor) } else { (&mut acceptor, &mut dialer) };
            let (payload, message) = expected.next().unwrap();
            let (mut written, mut read) = ([0; 100], [0; 100]);
            let length = from.write_message(&payload, &mut written).unwrap();
            assert_eq!(written[..length], message, "{suite}");
            let length = to.read_message(&message, &mut read).unwrap();
            assert_eq!(read[..length], payload, "{suite}");
        }
        assert_eq!(dialer.get_handshake_hash(), bytes(hash));
        let mut dialer = dialer.into_transport_mode().unwrap();
        let mut acceptor = acceptor.into_transport_mode().unwrap();
        for (number, (payload, message)) in expected.enumerate() {
            let from = if number % 2 == 0 { &mut dialer } else { &mut acceptor };
            let mut written = [0; 100];
            let length = from.write_message(&payload, &mut written).unwrap();
            assert_eq!(written[..length], message, "{suite}");
        }
    }
}

#[test]
fn an_ephemeral_gives_its_bytes_once() {
    let mut ephemeral = Ephemeral::new([7; 32]);
    let mut key = [0; 32];
    assert_eq!(ephemeral.try_fill_bytes(&mut key), Ok(()));
    assert_eq!(key, [7; 32]);
    assert_eq!(ephemeral.try_fill_bytes(&mut key), Err(Error::Rng));
    let resolver = resolver([7; 32]);
    let sources: Vec<bool> = (0..2).map(|_| resolver.resolve_rng().is_some()).collect();
    assert_eq!(sources, [true, false]);
}

#[test]
fn an_ephemeral_is_not_shown() {
    assert_eq!(format!("{:?}", Ephemeral::new([7; 32])), "Ephemeral { .. }");
}
