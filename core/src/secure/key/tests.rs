use alloc::format;
use alloc::vec::Vec;

use curve25519_dalek::{Scalar, constants::EIGHT_TORSION};
use data_encoding::HEXLOWER;
use sha2::{Digest, Sha512};
use zeroize::ZeroizeOnDrop;

use super::*;

fn bytes<const N: usize>(hex: &str) -> [u8; N] {
    HEXLOWER.decode(hex.as_bytes()).unwrap().try_into().unwrap()
}

fn signature(hex: &str) -> Signature {
    Signature(bytes(hex))
}

#[test]
fn keys_and_signatures_are_those_of_rfc_8032() {
    for [seed, key, message, signed] in RFC_8032 {
        let identity = Identity::from_seed(bytes(seed));
        let message = HEXLOWER.decode(message.as_bytes()).unwrap();
        assert_eq!(identity.key(), bytes(key));
        assert_eq!(identity.sign(&message), signature(signed));
        assert!(verify(&identity.key(), &message, &signature(signed)));
    }
}

#[test]
fn a_signature_is_for_one_key_and_one_message() {
    let [alice, bob] = [1, 2].map(|byte| Identity::from_seed([byte; 32]));
    let signed = alice.sign(b"hello");
    assert!(verify(&alice.key(), b"hello", &signed));
    assert!(!verify(&bob.key(), b"hello", &signed));
    assert!(!verify(&alice.key(), b"hallo", &signed));
    for bit in 0..512 {
        let mut altered = signed;
        altered.0[bit / 8] ^= 1 << (bit % 8);
        assert!(!verify(&alice.key(), b"hello", &altered), "bit {bit}");
    }
}

#[test]
fn of_the_edge_cases_only_that_with_points_of_mixed_order_is_valid() {
    let is_valid =
        |[message, key, signed]: &[&str; 3]| verify(&bytes(key), &bytes::<32>(message), &signature(signed));
    let valid: Vec<usize> = (0..EDGE_CASES.len()).filter(|case| is_valid(&EDGE_CASES[*case])).collect();
    assert_eq!(valid, [3]);
}

/// The order of the group (RFC 8032, section 5.1), little-endian.
const ORDER: &str = "edd3f55c1a631258d69cf7a2def9de1400000000000000000000000000000010";

#[test]
fn a_scalar_that_goes_once_more_around_the_group_is_refused() {
    for [_, key, message, signed] in RFC_8032 {
        let message = HEXLOWER.decode(message.as_bytes()).unwrap();
        let Signature(mut altered) = signature(signed);
        let mut carry = 0;
        for (byte, more) in altered[32..].iter_mut().zip(bytes::<32>(ORDER)) {
            let sum = u16::from(*byte) + u16::from(more) + carry;
            [_, *byte] = sum.to_be_bytes();
            carry = sum >> 8;
        }
        assert!(!verify(&bytes(key), &message, &Signature(altered)));
    }
}

#[test]
fn a_key_that_could_be_encoded_otherwise_is_refused() {
    // The field has the order 2^255 - 19, so nineteen numbers stand for the same as smaller ones; the highest bit is the
    // sign of x, which is none for the points with the y of 1 and -1.
    let mut above = [0xff; 32];
    above[31] = 0x7f;
    let mut keys: Vec<[u8; 32]> =
        (0xed..=0xff).map(|first| [&[first], &above[1..]].concat().try_into().unwrap()).collect();
    keys.extend(keys.clone().into_iter().map(|mut key| {
        key[31] |= 0x80;
        key
    }));
    let mut one = [0; 32];
    (one[0], one[31]) = (1, 0x80);
    let mut minus_one = [0xff; 32];
    minus_one[0] = 0xec;
    keys.extend([one, minus_one]);
    let decoded: Vec<VerifyingKey> =
        keys.iter().filter_map(|key| VerifyingKey::from_bytes(key).ok()).collect();
    let strong = decoded.iter().filter(|key| !key.is_weak()).count();
    assert_eq!((decoded.len(), strong), (26, 20), "the library takes them all");
    assert!(keys.iter().all(|key| canonical(key).is_none()));
}

#[test]
fn a_key_of_small_order_is_refused() {
    for key in small_order() {
        assert!(VerifyingKey::from_bytes(&key).is_ok_and(|key| key.is_weak()));
        assert!(canonical(&key).is_none());
    }
}

fn small_order() -> Vec<[u8; 32]> {
    SMALL_ORDER.iter().map(|point| point.map(u128::to_be_bytes).as_flattened().try_into().unwrap()).collect()
}

#[test]
fn the_points_of_small_order_are_those_of_the_library() {
    let mut known: Vec<[u8; 32]> = EIGHT_TORSION.iter().map(|point| point.compress().to_bytes()).collect();
    let mut listed = small_order();
    known.sort_unstable();
    listed.sort_unstable();
    assert_eq!(listed, known);
}

/// The holder of a key can make the equation hold with the neutral point as R, for any message: then s is the private key
/// times what is hashed.
#[test]
fn a_signature_whose_r_has_small_order_is_refused() {
    let pair = SigningKey::from_bytes(&[7; 32]);
    let (key, neutral) = (pair.verifying_key(), small_order()[2]);
    let hashed = Sha512::new().chain_update(neutral).chain_update(key.as_bytes()).chain_update(b"hello");
    let s = Scalar::from_bytes_mod_order_wide(&hashed.finalize().into()) * pair.to_scalar();
    let made = [neutral, s.to_bytes()].concat().try_into().unwrap();
    let library = ed25519_dalek::Signature::from_bytes(&made);
    assert!(key.verify(b"hello", &library).is_ok() && key.verify_strict(b"hello", &library).is_err());
    assert!(!verify(key.as_bytes(), b"hello", &Signature(made)));
}

#[test]
fn of_the_edge_cases_those_are_valid_that_the_library_is_strict_about() {
    for [message, key, signed] in EDGE_CASES {
        let (key, message, signed) = (bytes(key), bytes::<32>(message), signature(signed));
        let library =
            canonical(&key).is_some_and(|key| key.verify_strict(&message, &signed.0.into()).is_ok());
        assert_eq!(verify(&key, &message, &signed), library);
    }
}

#[test]
fn a_signature_is_sixty_four_bytes_and_their_length() {
    let signed = Identity::from_seed([1; 32]).sign(b"hello");
    let encoded = postcard::to_allocvec(&signed).unwrap();
    assert_eq!((encoded.len(), encoded[0]), (65, 64));
    assert_eq!(postcard::from_bytes(&encoded), Ok(signed));
    for length in [63, 65] {
        let other = [&[length], [7; 66].as_slice()].concat();
        assert!(postcard::from_bytes::<Signature>(&other).is_err(), "{length} bytes");
    }
}

#[test]
fn nothing_shows_a_private_key_and_it_is_wiped() {
    fn wiped<T: ZeroizeOnDrop>(_: &T) {}
    let identity = Identity::from_seed([0xa7; 32]);
    assert_eq!(format!("{identity:?}"), format!("Identity({})", ShortKey::new(&identity.key())));
    if let Pair::Real(pair) = &identity.0 {
        wiped(&**pair);
    }
}

#[cfg(feature = "sham")]
mod shams {
    use super::*;
    use crate::secure::SHAM_MARK;
    use crate::secure::sham_verify;

    #[test]
    fn a_sham_signature_is_for_one_key_and_one_message() {
        let [alice, bob] = [1, 2].map(|byte| Identity::sham([byte; 32]));
        let message: Vec<u8> = (0..132).collect();
        let signed = alice.sign(&message);
        assert!(sham_verify(&alice.key(), &message, &signed));
        assert!(!sham_verify(&bob.key(), &message, &signed));
        for byte in 0..message.len() {
            let mut altered = message.clone();
            altered[byte] ^= 1;
            assert!(!sham_verify(&alice.key(), &altered, &signed), "byte {byte}");
        }
        assert!(!sham_verify(&alice.key(), &message[..131], &signed));
        for byte in 0..64 {
            let mut altered = signed;
            altered.0[byte] ^= 1;
            assert!(!sham_verify(&alice.key(), &message, &altered), "byte {byte} of the signature");
        }
    }

    #[test]
    fn a_sham_key_is_told_by_its_mark_and_keeps_its_order() {
        let keys = [1, 2, 3].map(|byte| Identity::sham([byte; 32]).key());
        assert!(keys.is_sorted());
        assert!(keys.iter().all(|key| key.ends_with(&SHAM_MARK)));
        let real = Identity::from_seed([1; 32]);
        assert!(!sham_verify(&real.key(), b"hello", &Identity::sham(real.key()).sign(b"hello")));
        assert!(!sham_verify(&keys[0], b"hello", &real.sign(b"hello")));
    }
}

/// RFC 8032, section 7.1, tests 1, 2, 3 and SHA(abc): private key, public key, message, signature.
const RFC_8032: [[&str; 4]; 4] = [
    [
        "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
        "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
        "",
        "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e06522490155\
         5fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b",
    ],
    [
        "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
        "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c",
        "72",
        "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da\
         085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00",
    ],
    [
        "c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7",
        "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025",
        "af82",
        "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac\
         18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a",
    ],
    [
        "833fe62409237b9d62ec77587520911e9a759cec1d19755b7da901b96dca3d42",
        "ec172b93ad5e563bf4932c70e1245034c35467ef2efd4d64ebf819683467e2bf",
        "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a\
         2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f",
        "dc2a4459e7369633a52b1bf277839a00201009a3efbf3ecb69bea2186c26b589\
         09351fc9ac90b3ecfdfbc7c66431e0303dca179c138ac17ad9bef1177331a704",
    ],
];

// The cases of "Taming the many EdDSAs", table 5, as published in `cases.json` of ed25519-speccheck: message, key,
// signature. From 0: A and R of small order; A; R; both of mixed order; the same for a verification with the cofactor
// only, 4 and 5; s too great, 6 and 7; R not canonical, 8 and 9; A not canonical, 10 and 11.
const EDGE_CASES: [[&str; 3]; 12] = [
    [
        "8c93255d71dcab10e8f379c26200f3c7bd5f09d9bc3068d3ef4edeb4853022b6",
        "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa",
        "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a\
         0000000000000000000000000000000000000000000000000000000000000000",
    ],
    [
        "9bd9f44f4dcc75bd531b56b2cd280b0bb38fc1cd6d1230e14861d861de092e79",
        "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa",
        "f7badec5b8abeaf699583992219b7b223f1df3fbbea919844e3f7c554a43dd43\
         a5bb704786be79fc476f91d3f3f89b03984d8068dcf1bb7dfc6637b45450ac04",
    ],
    [
        "aebf3f2601a0c8c5d39cc7d8911642f740b78168218da8471772b35f9d35b9ab",
        "f7badec5b8abeaf699583992219b7b223f1df3fbbea919844e3f7c554a43dd43",
        "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa\
         8c4bd45aecaca5b24fb97bc10ac27ac8751a7dfe1baff8b953ec9f5833ca260e",
    ],
    [
        "9bd9f44f4dcc75bd531b56b2cd280b0bb38fc1cd6d1230e14861d861de092e79",
        "cdb267ce40c5cd45306fa5d2f29731459387dbf9eb933b7bd5aed9a765b88d4d",
        "9046a64750444938de19f227bb80485e92b83fdb4b6506c160484c016cc1852f\
         87909e14428a7a1d62e9f22f3d3ad7802db02eb2e688b6c52fcd6648a98bd009",
    ],
    [
        "e47d62c63f830dc7a6851a0b1f33ae4bb2f507fb6cffec4011eaccd55b53f56c",
        "cdb267ce40c5cd45306fa5d2f29731459387dbf9eb933b7bd5aed9a765b88d4d",
        "160a1cb0dc9c0258cd0a7d23e94d8fa878bcb1925f2c64246b2dee1796bed512\
         5ec6bc982a269b723e0668e540911a9a6a58921d6925e434ab10aa7940551a09",
    ],
    [
        "e47d62c63f830dc7a6851a0b1f33ae4bb2f507fb6cffec4011eaccd55b53f56c",
        "cdb267ce40c5cd45306fa5d2f29731459387dbf9eb933b7bd5aed9a765b88d4d",
        "21122a84e0b5fca4052f5b1235c80a537878b38f3142356b2c2384ebad4668b7\
         e40bc836dac0f71076f9abe3a53f9c03c1ceeeddb658d0030494ace586687405",
    ],
    [
        "85e241a07d148b41e47d62c63f830dc7a6851a0b1f33ae4bb2f507fb6cffec40",
        "442aad9f089ad9e14647b1ef9099a1ff4798d78589e66f28eca69c11f582a623",
        "e96f66be976d82e60150baecff9906684aebb1ef181f67a7189ac78ea23b6c0e\
         547f7690a0e2ddcd04d87dbc3490dc19b3b3052f7ff0538cb68afb369ba3a514",
    ],
    [
        "85e241a07d148b41e47d62c63f830dc7a6851a0b1f33ae4bb2f507fb6cffec40",
        "442aad9f089ad9e14647b1ef9099a1ff4798d78589e66f28eca69c11f582a623",
        "8ce5b96c8f26d0ab6c47958c9e68b937104cd36e13c33566acd2fe8d38aa1942\
         7e71f98a473474f2f13f06f97c20d58cc3f54b8bd0d272f42b695dd7e89a8c22",
    ],
    [
        "9bedc267423725d473888631ebf45988bad3db83851ee85c85e241a07d148b41",
        "f7badec5b8abeaf699583992219b7b223f1df3fbbea919844e3f7c554a43dd43",
        "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff\
         03be9678ac102edcd92b0210bb34d7428d12ffc5df5f37e359941266a4e35f0f",
    ],
    [
        "9bedc267423725d473888631ebf45988bad3db83851ee85c85e241a07d148b41",
        "f7badec5b8abeaf699583992219b7b223f1df3fbbea919844e3f7c554a43dd43",
        "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff\
         ca8c5b64cd208982aa38d4936621a4775aa233aa0505711d8fdcfdaa943d4908",
    ],
    [
        "e96b7021eb39c1a163b6da4e3093dcd3f21387da4cc4572be588fafae23c155b",
        "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
        "a9d55260f765261eb9b84e106f665e00b867287a761990d7135963ee0a7d59dc\
         a5bb704786be79fc476f91d3f3f89b03984d8068dcf1bb7dfc6637b45450ac04",
    ],
    [
        "39a591f5321bbe07fd5a23dc2f39d025d74526615746727ceefd6e82ae65c06f",
        "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
        "a9d55260f765261eb9b84e106f665e00b867287a761990d7135963ee0a7d59dc\
         a5bb704786be79fc476f91d3f3f89b03984d8068dcf1bb7dfc6637b45450ac04",
    ],
];

#[test]
fn decoded_keys_are_bounded_and_decide_nothing() {
    let mut verifier = Verifier::default();
    let identities: Vec<_> =
        (0..=Verifier::MOST).map(|n| Identity::from_seed([u8::try_from(n).unwrap(); 32])).collect();
    for round in 0..2 {
        for identity in &identities {
            let (key, signed) = (identity.key(), identity.sign(b"hello"));
            assert!(verifier.verify(&key, b"hello", &signed), "round {round}");
            assert!(!verifier.verify(&key, b"hallo", &signed), "round {round}");
            assert!(verifier.decoded.len() <= Verifier::MOST);
        }
    }
    let [_, weak, _] = EDGE_CASES[0];
    assert!(!verifier.verify(&bytes(weak), b"hello", &Signature::NONE));
    assert!(!verifier.decoded.contains_key(&bytes(weak)), "a key that nobody can sign with is not kept");
}
