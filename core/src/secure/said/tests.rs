use alloc::string::ToString;
use alloc::vec;
use alloc::vec::Vec;
use core::num::NonZeroU64;

use data_encoding::HEXLOWER;

use super::*;
use crate::text::Text;

/// What a test says; a run of it borrows from here.
#[derive(Clone)]
struct Saying {
    room: RoomId,
    key: [u8; 32],
    incarnation: u64,
    name: Name,
    first: u64,
    stamp: u64,
    unix_seconds: u64,
    texts: TextRun,
}

impl Saying {
    fn new(name: &str, texts: &[&str]) -> Self {
        Self {
            room: RoomId(core::array::from_fn(|at| u8::try_from(at).unwrap())),
            key: alice().key(),
            incarnation: 0x0102_0304_0506_0708,
            name: Name::new(name).unwrap(),
            first: 7,
            stamp: 1000,
            unix_seconds: 1_893_456_000,
            texts: run(texts),
        }
    }

    fn said(&self) -> Said<'_> {
        Said {
            room: self.room,
            author: NodeId::new(self.key, NonZeroU64::new(self.incarnation).unwrap()),
            name: &self.name,
            first: Seq(self.first),
            stamp: Stamp(self.stamp),
            unix_seconds: self.unix_seconds,
            texts: &self.texts,
        }
    }
}

type Alteration = fn(&mut Saying);

fn alice() -> Identity {
    Identity::from_seed([1; 32])
}

fn run(texts: &[&str]) -> TextRun {
    let texts: Vec<Text> = texts.iter().map(|text| Text::new(text).unwrap()).collect();
    TextRun::new(&texts).unwrap()
}

/// `many` texts of `length` bytes.
fn equal_texts(many: usize, length: usize) -> TextRun {
    run(&vec!["x".repeat(length).as_str(); many])
}

/// Name, texts, signed bytes, signature. Computed with Python's packages `blake3` 1.0.11 and `PyNaCl` 1.6.2 from the
/// private key 01 01 .. 01, the values in [`Saying::new`] and the layout that `Said::bytes` documents.
const VECTORS: [(&str, &[&str], &str, &str); 4] = [
    (
        "Alice",
        &["hello"],
        "72696e67636861742f33207361696400000102030405060708090a0b0c0d0e0f\
         8a88e3dd7409f195fd52db2d3cba5d72ca6709bf1d94121bf3748801b40f6f5c\
         0102030405060708000000000000000700000000000003e80000000070dbd880\
         000000019ea5e0ea1127954af4f58d0a0b547c71147877a84865b574204e0ba9\
         d112e72c",
        "5f05c454c4ff4b7ed27d7d910f02abff3102411d739e781850a399ccd51d91d4\
         04342104e24cdf87cb82f1f8b41aa2b3650ae0cef24774598e9a904c46e11509",
    ),
    (
        "Alice",
        &["one", "two", "three", "vier und fünf"],
        "72696e67636861742f33207361696400000102030405060708090a0b0c0d0e0f\
         8a88e3dd7409f195fd52db2d3cba5d72ca6709bf1d94121bf3748801b40f6f5c\
         0102030405060708000000000000000700000000000003e80000000070dbd880\
         00000004295615a19aa0013f6f292599702fb0906120a80f10af7c2b7c1a815c\
         268c07a8",
        "ab8117311c8cff773cfdcd81ba60d8b8562baf370cf544fa60ba86bf4c056413\
         3524bc5b532b93c560348d2f11d66d0fe35e4cc5f6a67f7f870e8606a8f04c01",
    ),
    (
        "Bob",
        &["", "", ""],
        "72696e67636861742f33207361696400000102030405060708090a0b0c0d0e0f\
         8a88e3dd7409f195fd52db2d3cba5d72ca6709bf1d94121bf3748801b40f6f5c\
         0102030405060708000000000000000700000000000003e80000000070dbd880\
         000000032a7d7479a6528bc513320ad2d21723367a39d352f5ab8fb5dca66071\
         a4871575",
        "63af0624a94e28b34558ee374b2cc746126e7eb955032b1ce5b9170b0986430c\
         2af7054ef895aac3e7a011831cbd6f706b036ffb3381067c173acb0387075b01",
    ),
    (
        "Žofie 🐢",
        &["Привет, 世界"],
        "72696e67636861742f33207361696400000102030405060708090a0b0c0d0e0f\
         8a88e3dd7409f195fd52db2d3cba5d72ca6709bf1d94121bf3748801b40f6f5c\
         0102030405060708000000000000000700000000000003e80000000070dbd880\
         00000001f368b5a7d5c93905b7f2c31bbc5f2ffe9333529fcfb122f416529d85\
         11335772",
        "6f074a82fce83e64b3750ca8ff1755c20711dabbb904aca802c2e15620fdcd08\
         39776675d5c040e311c6611aaebbef1e59a21b43b10f07f1b8e82225d65c7607",
    ),
];

#[test]
fn signed_bytes_and_signatures_are_those_of_another_implementation() {
    for (name, texts, bytes, signature) in VECTORS {
        let saying = Saying::new(name, texts);
        assert_eq!(HEXLOWER.encode(&saying.said().bytes().unwrap()), bytes, "{name}");
        let signed = saying.said().sign(&alice()).unwrap();
        assert_eq!(HEXLOWER.encode(signed.bytes()), signature, "{name}");
        assert!(saying.said().is_signed(&signed));
    }
}

#[test]
fn no_signed_field_can_be_altered() {
    let saying = Saying::new("Alice", &["one", "", "three"]);
    let signed = saying.said().sign(&alice()).unwrap();
    let alterations: [(&str, Alteration); 12] = [
        ("room", |saying| saying.room = RoomId([9; 16])),
        ("key", |saying| saying.key = Identity::from_seed([2; 32]).key()),
        ("incarnation", |saying| saying.incarnation += 1),
        ("name", |saying| saying.name = Name::new("Alicf").unwrap()),
        ("first", |saying| saying.first += 1),
        ("stamp", |saying| saying.stamp += 1),
        ("time", |saying| saying.unix_seconds += 1),
        ("a text", |saying| saying.texts = run(&["one", "", "tree!"])),
        ("borders", |saying| saying.texts = run(&["onet", "", "hree"])),
        ("one text less", |saying| saying.texts = run(&["one", ""])),
        ("one text more", |saying| saying.texts = run(&["one", "", "three", ""])),
        ("order", |saying| saying.texts = run(&["three", "", "one"])),
    ];
    assert!(saying.said().is_signed(&signed));
    for (field, alter) in alterations {
        let mut altered = saying.clone();
        alter(&mut altered);
        assert!(altered.said().bytes().is_some(), "{field}");
        assert!(!altered.said().is_signed(&signed), "{field}");
    }
}

#[test]
fn letters_cannot_move_between_the_name_and_the_texts() {
    let signed = Saying::new("Al", &["ice"]).said().sign(&alice()).unwrap();
    assert!(!Saying::new("Alice", &[""]).said().is_signed(&signed));
}

#[test]
fn a_part_of_a_run_is_another_run() {
    let mut saying = Saying::new("Alice", &["one", "two", "three"]);
    let signed = saying.said().sign(&alice()).unwrap();
    saying.texts = saying.texts.part(0, 2).unwrap();
    assert!(!saying.said().is_signed(&signed));
    assert_eq!(saying.said().bytes(), Saying::new("Alice", &["one", "two"]).said().bytes());
}

#[test]
fn nobody_signs_for_another() {
    assert_eq!(Saying::new("Alice", &["hello"]).said().sign(&Identity::from_seed([2; 32])), None);
}

#[test]
fn a_run_beyond_a_bound_is_neither_signed_nor_taken() {
    let saying = |alter: Alteration| {
        let mut saying = Saying::new("Alice", &["one", "two"]);
        alter(&mut saying);
        saying
    };
    let within: [Alteration; 5] = [
        |saying| saying.first = 1,
        |saying| saying.first = MAX_SEQ - 2,
        |saying| (saying.stamp, saying.unix_seconds) = (0, 0),
        |saying| (saying.stamp, saying.unix_seconds) = (MAX_STAMP - 2, u64::MAX),
        |saying| saying.texts = equal_texts(13, 16_369),
    ];
    for (case, alter) in within.into_iter().enumerate() {
        assert!(saying(alter).said().sign(&alice()).is_some(), "case {case}");
    }
    let beyond: [Alteration; 6] = [
        |saying| saying.first = 0,
        |saying| saying.first = MAX_SEQ - 1,
        |saying| saying.first = u64::MAX,
        |saying| saying.stamp = MAX_STAMP - 1,
        |saying| saying.stamp = u64::MAX,
        |saying| saying.texts = equal_texts(13, 16_370),
    ];
    for (case, alter) in beyond.into_iter().enumerate() {
        assert_eq!(saying(alter).said().bytes().map(|bytes| bytes.len().to_string()), None, "case {case}");
    }
}
