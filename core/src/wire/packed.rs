//! How entries, and things said, travel many in a frame: all texts one after the other, then what else there is of
//! each. Most follow one another in one view and come from few members, so what follows from those before in the
//! frame is left out, and a text shares the memory of all texts of its frame.

use alloc::boxed::Box;
use alloc::sync::Arc;
use alloc::vec::Vec;

use arcstr::ArcStr;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::message::{Body, Change, Entry, Said};
use crate::ids::{Index, Seq, Stamp, Text};
use crate::roster::{Cfg, Member, View};

/// An entry on its way. What is seldom there is boxed: these are moved about, one for each text.
#[derive(Serialize, Deserialize)]
pub(super) struct PackedEntry {
    /// Its place, unless it is right after the one before, in its view.
    place: Option<Box<(View, Index)>>,
    later: Later,
    body: PackedBody,
}

#[derive(Serialize, Deserialize)]
enum PackedBody {
    Chat(PackedSaid),
    Replayed(PackedSaid),
    Membership(Box<(Cfg, Change)>),
    Gap(Box<(Member, Seq, Seq)>),
}

/// Something said on its way.
#[derive(Serialize, Deserialize)]
pub(super) struct PackedSaid {
    /// Who says it and its number, unless it is the next message of whose was the one before.
    from: Option<Box<(Origin, Seq)>>,
    later: Later,
    length: Length,
}

#[derive(Serialize, Deserialize)]
enum Origin {
    New(Arc<Member>),
    /// The one that was new so many others before, in this frame.
    Known(u32),
}

/// How much later a stamp is than the one before of its kind.
type Later = i64;

/// The bytes of a text.
type Length = u32;

/// What those before in the frame tell about the next one.
#[derive(Default)]
pub(super) struct Before {
    place: Option<(View, Index)>,
    stamp: Stamp,
    /// The place of the last origin among `origins`, and its number.
    said: Option<(usize, Seq)>,
    said_stamp: Stamp,
    origins: Vec<Arc<Member>>,
    texts: ArcStr,
    /// How many bytes of `texts` are taken.
    taken: usize,
}

impl Before {
    fn next_place(&self) -> Option<(View, Index)> {
        self.place.and_then(|(view, index)| Some((view, index.checked_add(1)?)))
    }

    fn next_said(&self) -> Option<(usize, Seq)> {
        self.said.and_then(|(at, oseq)| Some((at, oseq.checked_add(1)?)))
    }

    /// The next text, which has so many bytes.
    fn take_text(&mut self, length: Length) -> Option<Text> {
        let start = self.taken;
        self.taken = start.checked_add(usize::try_from(length).ok()?)?;
        Text::within(&self.texts, start..self.taken)
    }

    /// Nothing is left of the texts.
    fn is_at_the_end(&self) -> bool {
        self.taken == self.texts.len()
    }
}

/// How much later `stamp` is than `before`, which it replaces.
fn later(before: &mut Stamp, stamp: Stamp) -> Later {
    stamp.wrapping_sub(core::mem::replace(before, stamp)).cast_signed()
}

/// The stamp that is so much later than `before`, which it replaces.
fn stamp(before: &mut Stamp, later: Later) -> Stamp {
    *before = before.wrapping_add_signed(later);
    *before
}

/// Something of which many travel in one frame.
pub(super) trait Pack: Sized {
    /// What it is on its way, but for its text.
    type Packed: Serialize + DeserializeOwned;

    /// What was said, if anything was.
    fn text(&self) -> &str;

    /// Leaves out what follows from those before.
    fn pack(&self, before: &mut Before) -> Self::Packed;

    /// Adds what was left out; nothing if it makes no sense after those before.
    fn unpack(packed: Self::Packed, before: &mut Before) -> Option<Self>;
}

impl Pack for Entry {
    type Packed = PackedEntry;

    fn text(&self) -> &str {
        if let Body::Chat { said, .. } = &self.body { said.text() } else { "" }
    }

    fn pack(&self, before: &mut Before) -> PackedEntry {
        let place = (self.view, self.index);
        let follows = before.next_place() == Some(place);
        before.place = Some(place);
        let later = later(&mut before.stamp, self.stamp);
        let body = match &self.body {
            Body::Chat { said, replayed: false } => PackedBody::Chat(said.pack(before)),
            Body::Chat { said, replayed: true } => PackedBody::Replayed(said.pack(before)),
            Body::Membership { cfg, change } => PackedBody::Membership((*cfg, Change::clone(change)).into()),
            Body::Gap { origin, from, to } => PackedBody::Gap((Member::clone(origin), *from, *to).into()),
        };
        PackedEntry { place: (!follows).then(|| place.into()), later, body }
    }

    fn unpack(packed: PackedEntry, before: &mut Before) -> Option<Self> {
        let (view, index) = match packed.place {
            Some(place) => *place,
            None => before.next_place()?,
        };
        before.place = Some((view, index));
        let stamp = stamp(&mut before.stamp, packed.later);
        let body = match packed.body {
            PackedBody::Chat(said) => Body::Chat { said: Said::unpack(said, before)?, replayed: false },
            PackedBody::Replayed(said) => Body::Chat { said: Said::unpack(said, before)?, replayed: true },
            PackedBody::Membership(change) => {
                let (cfg, change) = *change;
                Body::Membership { cfg, change: change.into() }
            }
            PackedBody::Gap(gap) => {
                let (origin, from, to) = *gap;
                Body::Gap { origin: origin.into(), from, to }
            }
        };
        Some(Self { view, index, stamp, body })
    }
}

impl Pack for Said {
    type Packed = PackedSaid;

    fn text(&self) -> &str {
        self.text.as_str()
    }

    fn pack(&self, before: &mut Before) -> PackedSaid {
        let later = later(&mut before.said_stamp, self.stamp);
        // A text has at most 16 KiB.
        let length = Length::try_from(self.text().len()).unwrap_or_default();
        let known = before.origins.iter().position(|known| *known == self.origin);
        let at = known.unwrap_or(before.origins.len());
        let follows = before.next_said() == Some((at, self.oseq));
        before.said = Some((at, self.oseq));
        if follows {
            return PackedSaid { from: None, later, length };
        }
        let origin = known.and_then(|at| u32::try_from(at).ok()).map(Origin::Known);
        let origin = origin.unwrap_or_else(|| {
            before.origins.push(self.origin.clone());
            Origin::New(self.origin.clone())
        });
        PackedSaid { from: Some((origin, self.oseq).into()), later, length }
    }

    fn unpack(packed: PackedSaid, before: &mut Before) -> Option<Self> {
        let (at, oseq) = match packed.from.map(|from| *from) {
            None => before.next_said()?,
            Some((Origin::Known(at), oseq)) => (usize::try_from(at).ok()?, oseq),
            Some((Origin::New(member), oseq)) => {
                before.origins.push(member);
                (before.origins.len().saturating_sub(1), oseq)
            }
        };
        before.said = Some((at, oseq));
        let origin = before.origins.get(at)?.clone();
        let text = before.take_text(packed.length)?;
        Some(Self { origin, oseq, text, stamp: stamp(&mut before.said_stamp, packed.later) })
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

    /// Room that is made for what comes before it is seen, at most.
    const CAPACITY: usize = 1024;

    pub(in crate::wire) fn serialize<T: Pack, S: Serializer>(all: &[T], to: S) -> Result<S::Ok, S::Error> {
        let texts: String = all.iter().map(Pack::text).collect();
        let mut parts = to.serialize_tuple(2)?;
        parts.serialize_element(&texts)?;
        parts.serialize_element(&Rest(all))?;
        parts.end()
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
        from.deserialize_tuple(2, Parts(PhantomData))
    }

    struct Parts<T>(PhantomData<T>);

    impl<'de, T: Pack> Visitor<'de> for Parts<T> {
        type Value = Vec<T>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("texts, and then what else there is of each")
        }

        fn visit_seq<A: SeqAccess<'de>>(self, mut parts: A) -> Result<Vec<T>, A::Error> {
            let texts: &str = parts.next_element()?.unwrap_or_default();
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

    use super::*;
    use crate::ids::{Epoch, Name, NodeId};

    #[derive(Serialize, Deserialize)]
    struct Frame<T: Pack>(#[serde(with = "many")] Vec<T>);

    fn bytes<T: Pack>(all: Vec<T>) -> Vec<u8> {
        postcard::to_allocvec(&Frame(all)).unwrap()
    }

    fn read<T: Pack>(bytes: &[u8]) -> Option<Vec<T>> {
        postcard::from_bytes(bytes).ok().map(|Frame(all)| all)
    }

    fn said(port: u16, oseq: Seq, text: &str) -> Said {
        let id = NodeId::new(([127, 0, 0, 1], port).into(), 1);
        let origin = Member { id, name: Name::new("m").unwrap() }.into();
        Said { origin, oseq, text: Text::new(text).unwrap(), stamp: 1000 + 2 * oseq }
    }

    fn entry(index: Index, said: Said) -> Entry {
        let view = View { epoch: Epoch(1), leader: said.origin.id };
        Entry { view, index, stamp: index.wrapping_add(2000), body: Body::Chat { said, replayed: false } }
    }

    #[test]
    fn what_follows_costs_six_bytes_beside_its_text() {
        let entries = |count| (0..count).map(|n| entry(n, said(1, n, "abcd"))).collect();
        assert_eq!(bytes(entries(21)).len() - bytes(entries(20)).len(), 6 + 4);
        assert_eq!(read(&bytes(entries(21))), Some(entries(21)));
    }

    #[test]
    fn what_does_not_follow_comes_out_as_it_went_in() {
        let mut entries = vec![
            entry(7, said(1, 5, "a")),
            entry(8, said(2, 6, "")),
            entry(9, said(1, 7, "ü")),
            entry(9, said(1, 7, "c")),
            entry(u64::MAX, said(2, 0, "d")),
            entry(0, said(3, 1, "e")),
        ];
        entries[2].stamp = 0;
        entries[4].view.epoch = Epoch(2);
        assert_eq!(read(&bytes(entries.clone())), Some(entries));
    }

    #[test]
    fn texts_that_come_together_share_their_memory() {
        let came = read::<Said>(&bytes(vec![said(1, 1, "ab"), said(1, 2, "cd")])).unwrap();
        assert_eq!(came[0].text().as_bytes().as_ptr_range().end, came[1].text().as_ptr());
    }

    #[test]
    fn texts_must_be_divided_between_those_who_said_them() {
        let good = bytes(vec![said(1, 1, "ü"), said(1, 2, "b")]);
        let last = good.len() - 1;
        assert_eq!((good[0], good[last]), (3, 1), "the length of all, and that of the last");
        let changed = |at: usize, byte: u8| {
            let mut bytes = good.clone();
            bytes[at] = byte;
            read::<Said>(&bytes)
        };
        assert!(changed(last, 1).is_some());
        assert_eq!(changed(last, 0), None, "a text that nobody said");
        assert_eq!(changed(last, 2), None, "a text that is not there");
        let first = good.len() - 4;
        assert_eq!(good[first], 2, "the length of the first");
        assert_eq!(changed(first, 1), None, "half a letter");
    }

    #[test]
    fn nothing_follows_from_nothing() {
        let mut bytes = bytes(vec![entry(1, said(1, 1, ""))]);
        assert_eq!(bytes[..3], [0, 1, 1], "no text, one entry, and its place");
        bytes.truncate(2);
        bytes.extend([0; 5]);
        assert_eq!(read::<Entry>(&bytes), None);
    }
}
