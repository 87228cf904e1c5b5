//! How the entries of a `Deliver` travel. Most follow one another in one view and come from few members, so
//! what an entry shares with those before it in the frame is left out.

use alloc::vec::Vec;
use core::fmt;

use serde::de::{Error, SeqAccess, Visitor};
use serde::ser::SerializeSeq;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::message::{Body, Entry, Said};
use crate::ids::{Index, Seq, Stamp, Text};
use crate::roster::{Member, View};

/// Room that is made for entries before they are seen, at most.
const CAPACITY: usize = 1024;

/// An entry on its way.
#[derive(Serialize, Deserialize)]
struct Packed {
    /// The view, unless it is that of the entry before.
    view: Option<View>,
    /// The index, unless the entry follows the one before.
    index: Option<Index>,
    stamp: Stamp,
    body: PackedBody,
}

#[derive(Serialize, Deserialize)]
enum PackedBody {
    Chat { origin: Origin, oseq: Seq, text: Text, stamp: Stamp, replayed: bool },
    Other(Body),
}

#[derive(Serialize, Deserialize)]
enum Origin {
    New(Member),
    /// The one that was new so many others before, in this frame.
    Known(u32),
}

/// What the entries before tell about the next one.
#[derive(Default)]
struct Before {
    last: Option<(View, Index)>,
    origins: Vec<Member>,
}

impl Before {
    fn pack(&mut self, entry: &Entry) -> Packed {
        let same_view = self.last.is_some_and(|(view, _)| view == entry.view);
        let follows = self.next_index() == Some(entry.index);
        self.last = Some((entry.view, entry.index));
        Packed {
            view: (!same_view).then_some(entry.view),
            index: (!follows).then_some(entry.index),
            stamp: entry.stamp,
            body: match &entry.body {
                Body::Chat { said, replayed } => PackedBody::Chat {
                    origin: self.pack_origin(&said.origin),
                    oseq: said.oseq,
                    text: said.text.clone(),
                    stamp: said.stamp,
                    replayed: *replayed,
                },
                other => PackedBody::Other(other.clone()),
            },
        }
    }

    fn pack_origin(&mut self, origin: &Member) -> Origin {
        let known = self.origins.iter().position(|known| known == origin);
        if let Some(known) = known.and_then(|at| u32::try_from(at).ok()) {
            return Origin::Known(known);
        }
        self.origins.push(origin.clone());
        Origin::New(origin.clone())
    }

    /// The entry, if it makes sense after those before.
    fn unpack(&mut self, packed: Packed) -> Option<Entry> {
        let view = packed.view.or(self.last.map(|(view, _)| view))?;
        let index = packed.index.or_else(|| self.next_index())?;
        self.last = Some((view, index));
        let body = match packed.body {
            PackedBody::Chat { origin, oseq, text, stamp, replayed } => {
                let said = Said { origin: self.unpack_origin(origin)?, oseq, text, stamp };
                Body::Chat { said, replayed }
            }
            PackedBody::Other(body) => body,
        };
        Some(Entry { view, index, stamp: packed.stamp, body })
    }

    fn unpack_origin(&mut self, origin: Origin) -> Option<Member> {
        match origin {
            Origin::New(member) => {
                self.origins.push(member.clone());
                Some(member)
            }
            Origin::Known(at) => self.origins.get(usize::try_from(at).ok()?).cloned(),
        }
    }

    fn next_index(&self) -> Option<Index> {
        self.last.and_then(|(_, index)| index.checked_add(1))
    }
}

/// For `#[serde(with)]`: writes entries.
pub(super) fn serialize<S: Serializer>(entries: &[Entry], serializer: S) -> Result<S::Ok, S::Error> {
    let mut before = Before::default();
    let mut seq = serializer.serialize_seq(Some(entries.len()))?;
    for entry in entries {
        seq.serialize_element(&before.pack(entry))?;
    }
    seq.end()
}

/// For `#[serde(with)]`: reads entries.
pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<Entry>, D::Error> {
    deserializer.deserialize_seq(Entries)
}

struct Entries;

impl<'de> Visitor<'de> for Entries {
    type Value = Vec<Entry>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("entries of a log")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Vec<Entry>, A::Error> {
        let mut before = Before::default();
        let mut entries = Vec::with_capacity(seq.size_hint().unwrap_or(0).min(CAPACITY));
        while let Some(packed) = seq.next_element()? {
            let entry = before.unpack(packed);
            entries.push(entry.ok_or_else(|| A::Error::custom("an entry that leaves out too much"))?);
        }
        Ok(entries)
    }
}
