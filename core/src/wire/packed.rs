//! How entries, and things said, travel many in a frame. Most follow one another in one view and come from few
//! members, so what one shares with those before it in the frame is left out.

use alloc::boxed::Box;
use alloc::sync::Arc;
use alloc::vec::Vec;

use serde::{Deserialize, Serialize};

use super::message::{Body, Entry, Said};
use crate::ids::{Index, Seq, Stamp, Text};
use crate::roster::{Member, View};

/// An entry on its way. What is seldom there is boxed: these are moved about, one for each text.
#[derive(Serialize, Deserialize)]
pub(super) struct PackedEntry<'a> {
    /// The view, unless it is that of the entry before.
    view: Option<Box<View>>,
    /// The index, unless the entry follows the one before.
    index: Option<Index>,
    stamp: Stamp,
    #[serde(borrow)]
    body: PackedBody<'a>,
}

#[derive(Serialize, Deserialize)]
enum PackedBody<'a> {
    #[serde(borrow)]
    Chat(PackedSaid<'a>),
    Replayed(PackedSaid<'a>),
    Other(Box<Body>),
}

/// Something said on its way.
#[derive(Serialize, Deserialize)]
pub(super) struct PackedSaid<'a> {
    origin: Origin,
    oseq: Seq,
    stamp: Stamp,
    text: &'a str,
}

#[derive(Serialize, Deserialize)]
enum Origin {
    New(Arc<Member>),
    /// The one that was new so many others before, in this frame.
    Known(u32),
}

/// What those before in the frame tell about the next one.
#[derive(Default)]
pub(super) struct Before {
    last: Option<(View, Index)>,
    origins: Vec<Arc<Member>>,
}

impl Before {
    fn next_index(&self) -> Option<Index> {
        self.last.and_then(|(_, index)| index.checked_add(1))
    }
}

/// Something of which many travel in one frame.
pub(super) trait Pack: Sized {
    /// What it is on its way.
    type Packed<'a>: Serialize + Deserialize<'a>
    where
        Self: 'a;

    /// Leaves out what it shares with those before.
    fn pack<'a>(&'a self, before: &mut Before) -> Self::Packed<'a>;

    /// Adds what was left out; nothing if it makes no sense after those before.
    fn unpack(packed: Self::Packed<'_>, before: &mut Before) -> Option<Self>;
}

impl Pack for Entry {
    type Packed<'a> = PackedEntry<'a>;

    fn pack<'a>(&'a self, before: &mut Before) -> PackedEntry<'a> {
        let same_view = before.last.is_some_and(|(view, _)| view == self.view);
        let follows = before.next_index() == Some(self.index);
        before.last = Some((self.view, self.index));
        PackedEntry {
            view: (!same_view).then(|| self.view.into()),
            index: (!follows).then_some(self.index),
            stamp: self.stamp,
            body: match &self.body {
                Body::Chat { said, replayed: false } => PackedBody::Chat(said.pack(before)),
                Body::Chat { said, replayed: true } => PackedBody::Replayed(said.pack(before)),
                other => PackedBody::Other(other.clone().into()),
            },
        }
    }

    fn unpack(packed: PackedEntry<'_>, before: &mut Before) -> Option<Self> {
        let view = packed.view.map_or_else(|| before.last.map(|(view, _)| view), |view| Some(*view))?;
        let index = packed.index.or_else(|| before.next_index())?;
        before.last = Some((view, index));
        let body = match packed.body {
            PackedBody::Chat(said) => Body::Chat { said: Said::unpack(said, before)?, replayed: false },
            PackedBody::Replayed(said) => Body::Chat { said: Said::unpack(said, before)?, replayed: true },
            PackedBody::Other(body) => *body,
        };
        Some(Self { view, index, stamp: packed.stamp, body })
    }
}

impl Pack for Said {
    type Packed<'a> = PackedSaid<'a>;

    fn pack<'a>(&'a self, before: &mut Before) -> PackedSaid<'a> {
        let known = before.origins.iter().position(|known| *known == self.origin);
        let origin = if let Some(known) = known.and_then(|at| u32::try_from(at).ok()) {
            Origin::Known(known)
        } else {
            before.origins.push(self.origin.clone());
            Origin::New(self.origin.clone())
        };
        PackedSaid { origin, oseq: self.oseq, stamp: self.stamp, text: self.text.as_str() }
    }

    fn unpack(packed: PackedSaid<'_>, before: &mut Before) -> Option<Self> {
        let origin = match packed.origin {
            Origin::New(member) => {
                before.origins.push(member.clone());
                member
            }
            Origin::Known(at) => before.origins.get(usize::try_from(at).ok()?)?.clone(),
        };
        let text = Text::new(packed.text).ok()?;
        Some(Self { origin, oseq: packed.oseq, text, stamp: packed.stamp })
    }
}

/// For `#[serde(with)]`.
pub(super) mod many {
    use alloc::vec::Vec;
    use core::fmt;
    use core::marker::PhantomData;

    use serde::de::{Error, SeqAccess, Visitor};
    use serde::ser::SerializeSeq;
    use serde::{Deserializer, Serializer};

    use super::{Before, Pack};

    /// Room that is made for what comes before it is seen, at most.
    const CAPACITY: usize = 1024;

    pub(in crate::wire) fn serialize<T: Pack, S: Serializer>(all: &[T], to: S) -> Result<S::Ok, S::Error> {
        let mut before = Before::default();
        let mut seq = to.serialize_seq(Some(all.len()))?;
        for one in all {
            seq.serialize_element(&one.pack(&mut before))?;
        }
        seq.end()
    }

    pub(in crate::wire) fn deserialize<'de, T, D>(from: D) -> Result<Vec<T>, D::Error>
    where
        T: Pack + 'de,
        D: Deserializer<'de>,
    {
        from.deserialize_seq(All(PhantomData))
    }

    struct All<T>(PhantomData<T>);

    impl<'de, T: Pack + 'de> Visitor<'de> for All<T> {
        type Value = Vec<T>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("a sequence in which each leaves out what it shares with those before")
        }

        fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Vec<T>, A::Error> {
            let mut before = Before::default();
            let mut all = Vec::with_capacity(seq.size_hint().unwrap_or(0).min(CAPACITY));
            while let Some(packed) = seq.next_element()? {
                let Some(one) = T::unpack(packed, &mut before) else {
                    return Err(A::Error::custom("something that leaves out too much"));
                };
                all.push(one);
            }
            Ok(all)
        }
    }
}
