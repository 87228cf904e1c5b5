//! How entries and runs travel many in a frame: the bytes of all texts, then their lengths, then all else. Most entries
//! follow one another in one view and come from few members, so whatever follows from those before in the frame is left
//! out. All texts of a frame share their memory.

use alloc::boxed::Box;
use alloc::sync::Arc;
use alloc::vec::Vec;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::entry::{Body, Change, Entry};
use super::proven::Proven;
use super::run::{Run, weight};
use crate::numbers::{Index, Seq, Stamp};
use crate::roster::Member;
use crate::roster::{ConfigId, View};
use crate::secure::Signature;
use crate::text_run::{JoinedTexts, TextRun};
use crate::time::UnixTime;

/// An entry in a frame. Whatever is seldom there is boxed.
#[derive(Serialize, Deserialize)]
pub(super) struct PackedEntry {
    /// The place of the entry, unless it is the next one in the view of the entry before.
    place: Option<Box<(View, Index)>>,
    later: Later,
    body: PackedBody,
}

#[derive(Serialize, Deserialize)]
enum PackedBody {
    Chat(PackedRun),
    /// What was said in another ring, or comes after messages that are missing: the run, how many are missing, and whether
    /// the run was replayed.
    Recovered(Box<(PackedRun, u64, bool)>),
    Membership(Box<(ConfigId, Change)>),
}

/// A run in a frame.
#[derive(Serialize, Deserialize)]
pub(super) struct PackedRun {
    /// The origin and the first number, unless they follow from the run before.
    from: Option<Box<(Origin, Seq)>>,
    later: Later,
    at: UnixTime,
    signature: Signature,
    /// How many texts the run has.
    count: u32,
}

#[derive(Serialize, Deserialize)]
enum Origin {
    New(Arc<Member>),
    /// The position of the origin among the new ones before in this frame, from 0.
    Known(u32),
}

/// How much later a stamp is than the stamp before of its kind.
type Later = i64;

/// What the entries and runs before in the frame tell about the next one.
#[derive(Default)]
pub(super) struct Before {
    /// The last place, and its stamp.
    place: Option<(View, Index)>,
    stamp: Stamp,
    /// The last text: the position of its origin among `origins`, and its number; then its stamp.
    said: Option<(usize, Seq)>,
    said_stamp: Stamp,
    origins: Vec<Arc<Member>>,
    texts: Arc<JoinedTexts>,
    /// How many of `texts` are taken.
    taken: usize,
}

impl Before {
    fn next_place(&self) -> Option<(View, Index)> {
        self.place.map(|(view, index)| (view, index.next()))
    }

    fn next_said(&self) -> Option<(usize, Seq)> {
        self.said.map(|(at, seq)| (at, seq.next()))
    }

    fn take_texts(&mut self, count: u32) -> Option<TextRun> {
        let start = self.taken;
        self.taken = start.checked_add(usize::try_from(count).ok()?)?;
        TextRun::of(&self.texts, start..self.taken)
    }

    fn after_entry(&mut self, entry: &Entry) {
        self.place = Some((entry.view, entry.last()));
        self.stamp = entry.last_stamp();
    }

    fn after_said(&mut self, at: usize, said: &Run) {
        self.said = Some((at, said.last()));
        self.said_stamp = said.last_stamp();
    }

    /// Whether all texts are taken.
    fn is_at_the_end(&self) -> bool {
        self.taken == self.texts.len()
    }
}

/// How much later `stamp` is than `before`.
fn later(before: Stamp, stamp: Stamp) -> Later {
    stamp.0.wrapping_sub(before.0).cast_signed()
}

/// The stamp that is `later` than `before`.
fn after(before: Stamp, later: Later) -> Stamp {
    Stamp(before.0.wrapping_add_signed(later))
}

/// An item of which many travel in one frame.
pub(super) trait Pack: Sized {
    /// The form of the item in a frame, without its texts.
    type Packed: Serialize + DeserializeOwned;

    /// The texts of the item, if it has some.
    fn texts(&self) -> Option<&TextRun>;

    /// Leaves out whatever follows from the items before.
    fn pack(&self, before: &mut Before) -> Self::Packed;

    /// Adds what was left out, if that makes sense after the items before.
    fn unpack(packed: Self::Packed, before: &mut Before) -> Option<Self>;
}

impl Pack for Entry {
    type Packed = PackedEntry;

    fn texts(&self) -> Option<&TextRun> {
        if let Body::Chat { said, .. } = &self.body { said.texts() } else { None }
    }

    fn pack(&self, before: &mut Before) -> PackedEntry {
        let place = (self.view, self.index);
        let follows = before.next_place() == Some(place);
        let later = later(before.stamp, self.stamp);
        before.after_entry(self);
        let body = match &self.body {
            Body::Chat { said, missing: 0, replayed: false } => PackedBody::Chat(said.pack(before)),
            Body::Chat { said, missing, replayed } => {
                PackedBody::Recovered((said.pack(before), *missing, *replayed).into())
            }
            Body::Membership { cfg, change } => PackedBody::Membership((*cfg, Change::clone(change)).into()),
        };
        PackedEntry { place: (!follows).then(|| place.into()), later, body }
    }

    fn unpack(packed: PackedEntry, before: &mut Before) -> Option<Self> {
        let (view, index) = match packed.place {
            Some(place) => *place,
            None => before.next_place()?,
        };
        let stamp = after(before.stamp, packed.later);
        let body = match packed.body {
            PackedBody::Chat(said) => chat(Proven::unpack(said, before)?, 0, false)?,
            PackedBody::Recovered(recovered) => {
                let (said, missing, replayed) = *recovered;
                chat(Proven::unpack(said, before)?, missing, replayed)?
            }
            PackedBody::Membership(change) => {
                let (cfg, change) = *change;
                Body::Membership { cfg, change: change.into() }
            }
        };
        let entry = Self { view, index, stamp, body };
        before.after_entry(&entry);
        entry.is_valid().then_some(entry)
    }
}

/// Chat, unless more messages are missing before it than its origin had said.
fn chat(said: Proven<Run>, missing: u64, replayed: bool) -> Option<Body> {
    (missing < said.first.0).then_some(Body::Chat { said, missing, replayed })
}

impl Pack for Proven<Run> {
    type Packed = PackedRun;

    fn texts(&self) -> Option<&TextRun> {
        Some(&self.texts)
    }

    fn pack(&self, before: &mut Before) -> PackedRun {
        let later = later(before.said_stamp, self.stamp);
        // A frame holds fewer texts than a `u32` counts.
        let count = u32::try_from(self.texts.len()).unwrap_or_default();
        let known = before.origins.iter().position(|known| *known == self.origin);
        let at = known.unwrap_or(before.origins.len());
        let follows = before.next_said() == Some((at, self.first));
        before.after_said(at, self);
        if follows {
            return PackedRun { from: None, later, count, at: self.at, signature: self.signature };
        }
        let origin = known.and_then(|at| u32::try_from(at).ok()).map(Origin::Known);
        let origin = origin.unwrap_or_else(|| {
            before.origins.push(self.origin.clone());
            Origin::New(self.origin.clone())
        });
        let from = Some((origin, self.first).into());
        PackedRun { from, later, count, at: self.at, signature: self.signature }
    }

    fn unpack(packed: PackedRun, before: &mut Before) -> Option<Self> {
        let (at, first) = match packed.from.map(|from| *from) {
            None => before.next_said()?,
            Some((Origin::Known(at), first)) => (usize::try_from(at).ok()?, first),
            Some((Origin::New(member), first)) => {
                before.origins.push(member);
                (before.origins.len().saturating_sub(1), first)
            }
        };
        let origin = before.origins.get(at)?.clone();
        let stamp = after(before.said_stamp, packed.later);
        let PackedRun { count, at: said_at, signature, .. } = packed;
        let texts = before.take_texts(count)?;
        let most = weight(&texts, texts.len());
        let said = Run { origin, first, stamp, texts: texts.apart(most), at: said_at, signature };
        before.after_said(at, &said);
        said.is_valid().then_some(Self::to_be_verified(said))
    }
}

/// For `#[serde(with)]`.
pub(super) mod many {
    use alloc::string::String;
    use alloc::vec::Vec;
    use core::fmt;
    use core::marker::PhantomData;

    use serde::de::{DeserializeSeed, Error, SeqAccess, Visitor};
    use serde::ser::{SerializeSeq, SerializeTuple};
    use serde::{Deserializer, Serialize, Serializer};

    use super::{Before, Pack};
    use crate::text_run::{JoinedTexts, TextRun};

    /// How many items room is made for, at most, before they have come.
    const CAPACITY: usize = 1024;

    pub(in crate::wire) fn serialize<T: Pack, S: Serializer>(all: &[T], to: S) -> Result<S::Ok, S::Error> {
        let joined: String = all.iter().filter_map(Pack::texts).map(TextRun::joined).collect();
        let mut parts = to.serialize_tuple(3)?;
        parts.serialize_element(&joined)?;
        parts.serialize_element(&Lengths(all))?;
        parts.serialize_element(&Rest(all))?;
        parts.end()
    }

    /// The length of each text.
    struct Lengths<'a, T>(&'a [T]);

    impl<T: Pack> Serialize for Lengths<'_, T> {
        fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
            let texts = || self.0.iter().filter_map(Pack::texts);
            let mut seq = to.serialize_seq(Some(texts().map(TextRun::len).sum()))?;
            for text in texts().flat_map(TextRun::iter) {
                seq.serialize_element(&text.len())?;
            }
            seq.end()
        }
    }

    /// All but the texts.
    struct Rest<'a, T>(&'a [T]);

    impl<T: Pack> Serialize for Rest<'_, T> {
        fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
            let mut before = Before::default();
            let mut seq = to.serialize_seq(Some(self.0.len()))?;
            for one in self.0 {
                seq.serialize_element(&one.pack(&mut before))?;
            }
            seq.end()
        }
    }

    pub(in crate::wire) fn deserialize<'de, T, D>(from: D) -> Result<Vec<T>, D::Error>
    where
        T: Pack,
        D: Deserializer<'de>,
    {
        from.deserialize_tuple(3, Parts(PhantomData))
    }

    struct Parts<T>(PhantomData<T>);

    impl<'de, T: Pack> Visitor<'de> for Parts<T> {
        type Value = Vec<T>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("bytes, lengths, and then what else there is of each")
        }

        fn visit_seq<A: SeqAccess<'de>>(self, mut parts: A) -> Result<Vec<T>, A::Error> {
            let bytes: &str = parts.next_element()?.unwrap_or_default();
            let lengths: Vec<u32> = parts.next_element()?.unwrap_or_default();
            let Some(texts) = JoinedTexts::divide(bytes, lengths) else {
                return Err(A::Error::custom("bytes that are not divided between texts"));
            };
            let before = Before { texts: texts.into(), ..Before::default() };
            let all = parts.next_element_seed(All(before, PhantomData))?;
            Ok(all.unwrap_or_default())
        }
    }

    struct All<T>(Before, PhantomData<T>);

    impl<'de, T: Pack> DeserializeSeed<'de> for All<T> {
        type Value = Vec<T>;

        fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<Vec<T>, D::Error> {
            from.deserialize_seq(self)
        }
    }

    impl<'de, T: Pack> Visitor<'de> for All<T> {
        type Value = Vec<T>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("a sequence in which each leaves out what follows from those before")
        }

        fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Vec<T>, A::Error> {
            let Self(mut before, _) = self;
            let mut all = Vec::with_capacity(seq.size_hint().unwrap_or(0).min(CAPACITY));
            while let Some(packed) = seq.next_element()? {
                let Some(one) = T::unpack(packed, &mut before) else {
                    return Err(A::Error::custom("something that leaves out too much"));
                };
                all.push(one);
            }
            if before.is_at_the_end() { Ok(all) } else { Err(A::Error::custom("text that nobody said")) }
        }
    }
}

#[cfg(test)]
mod tests {
    use alloc::vec;

    use super::super::run::MAX_RUN;
    use super::*;
    use crate::limits::{MAX_SEQ, MAX_STAMP, RUN_OVERHEAD, TEXT_OVERHEAD};
    use crate::numbers::Epoch;
    use crate::text::Text;

    #[derive(Serialize, Deserialize)]
    struct Frame<T: Pack>(#[serde(with = "many")] Vec<T>);

    fn bytes<T: Pack>(all: Vec<T>) -> Vec<u8> {
        postcard::to_allocvec(&Frame(all)).unwrap()
    }

    fn read<T: Pack>(bytes: &[u8]) -> Option<Vec<T>> {
        postcard::from_bytes(bytes).ok().map(|Frame(all)| all)
    }

    fn said(n: u16, first: u64, text: &str) -> Run {
        let origin = Member::numbered(n).into();
        Run {
            origin,
            first: Seq(first),
            stamp: Stamp(1000 + 2 * first),
            texts: Text::new(text).unwrap().into(),
            at: UnixTime(1_800_000_000 + first),
            signature: Signature::NONE,
        }
    }

    fn proven(all: Vec<Run>) -> Vec<Proven<Run>> {
        all.into_iter().map(Proven::to_be_verified).collect()
    }

    fn entry(index: u64, said: Run) -> Entry {
        let view = View { epoch: Epoch(1), leader: said.origin.id };
        Entry {
            view,
            index: Index(index),
            stamp: Stamp(index.wrapping_add(2000)),
            body: Body::Chat { said: Proven::to_be_verified(said), missing: 0, replayed: false },
        }
    }

    #[test]
    fn a_text_of_a_run_costs_one_byte_beside_itself_and_a_run_seventy_six_more() {
        let run = |count| Run {
            texts: TextRun::new(&vec![Text::new("abcd").unwrap(); count]).unwrap(),
            ..said(1, 1, "")
        };
        assert_eq!(bytes(proven(vec![run(21)])).len() - bytes(proven(vec![run(20)])).len(), 1 + 4);
        let entries = |count| (1..=count).map(|n| entry(n, said(1, n, "abcd"))).collect();
        assert_eq!(bytes(entries(21)).len() - bytes(entries(20)).len(), 1 + 76 + 4);
        assert_eq!(read(&bytes(entries(21))), Some(entries(21)));
    }

    #[test]
    fn a_run_comes_out_as_it_went_in_and_what_comes_after_it_too() {
        let run = |first| {
            let texts = ["a", "", "c"].map(|text| Text::new(text).unwrap());
            Run { texts: TextRun::new(&texts).unwrap(), ..said(1, first, "") }
        };
        let entries = vec![entry(1, run(1)), entry(4, said(1, 4, "d")), entry(5, run(7)), entry(9, run(10))];
        assert_eq!(read(&bytes(entries.clone())), Some(entries));
    }

    #[test]
    fn numbers_and_stamps_and_places_of_a_run_can_be_counted() {
        let two = || TextRun::new(&["a", "b"].map(|text| Text::new(text).unwrap())).unwrap();
        let run = |first| Run { first: Seq(first), texts: two(), ..said(1, 1, "") };
        let is_read = |entry| read::<Entry>(&bytes(vec![entry])).is_some();
        assert!(is_read(entry(u64::MAX - 1, Run { stamp: Stamp(MAX_STAMP - 2), ..run(MAX_SEQ - 2) })));
        assert!(!is_read(entry(u64::MAX, run(1))), "a place too many");
        assert!(!is_read(entry(1, run(MAX_SEQ - 1))), "a number too many");
        assert!(!is_read(entry(1, Run { stamp: Stamp(MAX_STAMP - 1), ..run(1) })), "a stamp too many");
        assert!(
            !is_read(Entry { stamp: Stamp(u64::MAX), ..entry(1, run(1)) }),
            "a stamp of the leader too many"
        );
    }

    #[test]
    fn a_run_heavier_than_a_batch_and_one_text_is_refused() {
        let run = |count: usize| {
            let texts = vec![Text::new(&"x".repeat(128)).unwrap(); count];
            Run { texts: TextRun::new(&texts).unwrap(), ..said(1, 1, "") }
        };
        let most = (usize::try_from(MAX_RUN).unwrap() - RUN_OVERHEAD) / (TEXT_OVERHEAD + 128);
        assert!(read::<Proven<Run>>(&bytes(proven(vec![run(most)]))).is_some());
        assert!(read::<Proven<Run>>(&bytes(proven(vec![run(most + 1)]))).is_none());
    }

    #[test]
    fn what_does_not_follow_comes_out_as_it_went_in() {
        let mut entries = vec![
            entry(7, said(1, 5, "a")),
            entry(8, said(2, 6, "")),
            entry(9, said(1, 7, "ü")),
            entry(9, said(1, 7, "c")),
            entry(u64::MAX, said(2, 1, "d")),
            entry(0, said(3, 1, "e")),
        ];
        entries[2].stamp = Stamp(0);
        entries[4].view.epoch = Epoch(2);
        assert_eq!(read(&bytes(entries.clone())), Some(entries));
    }

    #[test]
    fn texts_that_come_together_share_their_memory() {
        let came = read::<Proven<Run>>(&bytes(proven(vec![said(1, 1, "ab"), said(1, 2, "cd")]))).unwrap();
        assert_eq!(came[0].texts.joined().as_bytes().as_ptr_range().end, came[1].texts.joined().as_ptr());
    }

    #[test]
    fn a_run_that_is_little_of_its_frame_keeps_nothing_of_the_others() {
        let long = "x".repeat(300);
        let came = read::<Proven<Run>>(&bytes(proven(vec![said(1, 1, "ab"), said(2, 1, &long)]))).unwrap();
        let [little, most] =
            [&came[0].texts, &came[1].texts].map(|texts| texts.joined().as_bytes().as_ptr_range());
        assert_ne!(little.end, most.start);
        assert_eq!((came[0].texts.joined(), came[1].texts.joined()), ("ab", long.as_str()));
    }

    #[test]
    fn texts_must_be_divided_between_those_who_said_them() {
        let good = bytes(proven(vec![said(1, 1, "ü"), said(1, 2, "b")]));
        let last = good.len() - 1;
        assert_eq!(good[..7], [3, 0xC3, 0xBC, b'b', 2, 2, 1], "the bytes, and two lengths");
        assert_eq!(good[last], 1, "the texts of the last");
        let changed = |at: usize, byte: u8| {
            let mut bytes = good.clone();
            bytes[at] = byte;
            read::<Proven<Run>>(&bytes)
        };
        assert!(changed(last, 1).is_some());
        assert_eq!(changed(last, 0), None, "a run of no text");
        assert_eq!(changed(last, 2), None, "a text that is not there");
        assert_eq!(changed(5, 1), None, "half a letter");
        assert_eq!(changed(6, 0), None, "a letter that nobody said");
    }

    #[test]
    fn nothing_follows_from_nothing() {
        let mut bytes = bytes(vec![entry(1, said(1, 1, ""))]);
        assert_eq!(bytes[..5], [0, 1, 0, 1, 1], "no bytes, one length, one entry, and its place");
        bytes.truncate(4);
        bytes.extend([0; 6]);
        assert_eq!(read::<Entry>(&bytes), None);
    }
}
