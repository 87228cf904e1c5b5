//! The lines of a trace: how they are written and read.

use alloc::borrow::Cow;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;
use core::net::SocketAddr;

use ringchat_core::NodeId;
use ringchat_core::trace::MessageKind;
use serde::de::{Error, IgnoredAny, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};
use thiserror::Error;

use crate::event::{ReceivedLine, SentLine, TraceEvent};

/// The version of the format. A file of another one is not understood.
pub const VERSION: u32 = 1;

/// A line of a trace.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub enum TraceRecord {
    /// The first line of a life.
    Header(TraceHeader),
    /// Any other line.
    Line(TraceLine),
}

/// The first line of a life.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TraceHeader {
    /// The version of the format: [`VERSION`].
    pub ringchat_trace: u32,
    /// The number of the member in this life: 0.
    pub me: u32,
    /// Its id in 80 digits.
    #[serde(with = "crate::hex::node")]
    pub id: NodeId,
    /// What people call it.
    pub name: String,
    /// Where it listens.
    pub addr: SocketAddr,
    /// Its wall clock when the times of the lines are zero: microseconds since the beginning of 1970.
    pub wall: u64,
    /// The silence after which it suspects a peer, in milliseconds.
    pub detect_ms: u64,
    /// Whether texts are traced.
    pub texts: bool,
    /// Whether the life was simulated.
    pub sim: bool,
}

/// A line after the first.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct TraceLine {
    /// Its number in the life: 0, 1, 2…
    pub i: u64,
    /// Its time: microseconds since the header, by a clock that never goes back.
    pub t: u64,
    /// The Lamport time of the member.
    pub lc: u64,
    /// What happened.
    #[serde(flatten)]
    pub event: TraceEvent,
}

/// The trace of one life.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LifeLines {
    /// Its first line.
    pub header: TraceHeader,
    /// All others.
    pub lines: Vec<TraceLine>,
}

/// Why a line is none of a trace.
#[derive(Debug, Error)]
pub enum TraceError {
    /// It is no object of JSON with the right fields.
    #[error("{0}")]
    Json(#[from] serde_json::Error),
    /// It is of a newer version.
    #[error("written by version {0} of the format; this program reads version {VERSION}")]
    Version(u32),
    /// It tells of an event that this version does not know.
    #[error("{0:?} is no event of a trace")]
    Event(String),
}

/// What all lines but headers begin with.
#[derive(Deserialize)]
struct Head<'a> {
    i: u64,
    t: u64,
    lc: u64,
    #[serde(borrow)]
    ev: Cow<'a, str>,
    k: Option<MessageKind>,
    st: Option<FirstStamp>,
}

/// The stamp of a message, or the first one of several.
struct FirstStamp(u64);

impl<'de> Deserialize<'de> for FirstStamp {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct OneOrMore;
        impl<'de> Visitor<'de> for OneOrMore {
            type Value = FirstStamp;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a stamp, or several")
            }

            fn visit_u64<E: Error>(self, stamp: u64) -> Result<FirstStamp, E> {
                Ok(FirstStamp(stamp))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut stamps: A) -> Result<FirstStamp, A::Error> {
                let first = stamps.next_element()?.unwrap_or(0);
                while stamps.next_element::<IgnoredAny>()?.is_some() {}
                Ok(FirstStamp(first))
            }
        }
        deserializer.deserialize_any(OneOrMore)
    }
}

#[derive(Deserialize)]
struct Receivers {
    to: Vec<(u64, u32)>,
}

#[derive(Deserialize)]
struct Sender {
    l: u64,
    from: u32,
    st: u64,
    #[serde(default = "yes")]
    counted: bool,
}

fn yes() -> bool {
    true
}

impl<'a> Head<'a> {
    /// Reads what a line begins with, or the whole of the first line of a life.
    fn read(line: &'a [u8]) -> Result<Result<Self, TraceHeader>, TraceError> {
        match serde_json::from_slice(line) {
            Ok(head) => Ok(Ok(head)),
            Err(error) => TraceHeader::read_unless(line, error).map(Err),
        }
    }

    fn rest(self, line: &[u8]) -> Result<TraceRecord, TraceError> {
        let Self { i, t, lc, ev, .. } = self;
        Ok(TraceRecord::Line(TraceLine { i, t, lc, event: read_event(&ev, line)? }))
    }
}

impl TraceRecord {
    /// Appends the record as a line.
    pub fn write(&self, bytes: &mut Vec<u8>) {
        // Serializing strings, numbers and maps with string keys cannot fail.
        bytes.extend(serde_json::to_vec(self).unwrap_or_default());
        bytes.push(b'\n');
    }

    /// Reads a line, with or without its end. Fields that this version does not know are left out.
    ///
    /// # Errors
    /// If it is none of a trace.
    pub fn read(line: &[u8]) -> Result<Self, TraceError> {
        match Head::read(line)? {
            Ok(head) => head.rest(line),
            Err(header) => Ok(Self::Header(header)),
        }
    }

    /// Reads a line as [`read`](Self::read) does, unless it tells of a message that is not `wanted`, by its kind and its
    /// stamp. The most of such a line is not looked at.
    ///
    /// # Errors
    /// If it is none of a trace.
    pub fn read_if(
        line: &[u8],
        wanted: impl FnOnce(MessageKind, u64) -> bool,
    ) -> Result<Option<Self>, TraceError> {
        let head = match Head::read(line)? {
            Ok(head) => head,
            Err(header) => return Ok(Some(Self::Header(header))),
        };
        let is_wanted = match (&*head.ev, head.k) {
            ("send", Some(kind)) => wanted(kind, head.lc),
            ("recv", Some(kind)) => head.st.as_ref().is_none_or(|FirstStamp(stamp)| wanted(kind, *stamp)),
            _ => true,
        };
        is_wanted.then(|| head.rest(line)).transpose()
    }
}

impl TraceHeader {
    /// Reads the first line of a life.
    ///
    /// # Errors
    /// If it is none, or of another version.
    pub fn read(line: &[u8]) -> Result<Self, TraceError> {
        #[derive(Deserialize)]
        struct Version {
            ringchat_trace: u32,
        }
        let Version { ringchat_trace: version } = serde_json::from_slice(line)?;
        if version == VERSION { Ok(serde_json::from_slice(line)?) } else { Err(TraceError::Version(version)) }
    }

    /// Reads the first line of a life. If the line is none, `error` tells why it is no other line either.
    fn read_unless(line: &[u8], error: serde_json::Error) -> Result<Self, TraceError> {
        Self::read(line).map_err(|of_header| match of_header {
            TraceError::Version(_) => of_header,
            TraceError::Json(_) | TraceError::Event(_) => error.into(),
        })
    }
}

fn part<'a, T: Deserialize<'a>>(line: &'a [u8]) -> Result<T, TraceError> {
    Ok(serde_json::from_slice(line)?)
}

/// Reads the fields of an event. A line is gone through more than once: that is faster than to keep its parts.
fn read_event(name: &str, line: &[u8]) -> Result<TraceEvent, TraceError> {
    Ok(match name {
        "who" => TraceEvent::Who(part(line)?),
        "room" => TraceEvent::Room(part(line)?),
        "send" => {
            let Receivers { to } = part(line)?;
            TraceEvent::Send(SentLine { what: part(line)?, to })
        }
        "recv" => {
            let Sender { l, from, st, counted } = part(line)?;
            TraceEvent::Recv(ReceivedLine { what: part(line)?, l, from, st, counted })
        }
        "drop" => TraceEvent::Drop(part(line)?),
        "dial" => TraceEvent::Dial(part(line)?),
        "fail" => TraceEvent::Fail(part(line)?),
        "up" => TraceEvent::Up(part(line)?),
        "down" => TraceEvent::Down(part(line)?),
        "state" => TraceEvent::State(part(line)?),
        "note" => TraceEvent::Note(part(line)?),
        "sum" => TraceEvent::Sum(part(line)?),
        "missed" => TraceEvent::Missed(part(line)?),
        "full" => TraceEvent::Full(part(line)?),
        "end" => TraceEvent::End(part(line)?),
        "fault" => TraceEvent::Fault(part(line)?),
        other => return Err(TraceError::Event(other.into())),
    })
}

#[cfg(test)]
mod tests {
    use alloc::borrow::ToOwned as _;
    use alloc::string::ToString as _;
    use alloc::vec;
    use alloc::{format, str};

    use super::*;

    const ID: &str = "01010101010101010101010101010101010101010101010101010101010101010000000000000009";

    /// A line of each kind, as it is written.
    fn lines() -> Vec<String> {
        let events = [
            format!(r#""ev":"who","m":3,"id":"{ID}","name":"dan","addr":"10.0.0.4:5000""#),
            format!(r#""ev":"who","m":4,"id":"{ID}""#),
            r#""ev":"room","room":"5be1c0ffee77123400000000000000ff""#.into(),
            r#""ev":"send","k":"Elect","epoch":2,"about":2,"key":[1,8],"path":[2],"to":[[3,4]]"#.into(),
            r#""ev":"send","k":"Submit","epoch":2,"about":2,"texts":2,"bytes":5,"said":["a","b\n\"c"],"to":[[3,4],[5,6]]"#.into(),
            r#""ev":"recv","k":"Elect","epoch":2,"about":2,"key":[1,8],"path":[2],"l":3,"from":2,"st":160"#.into(),
            r#""ev":"recv","k":"Hello","about":0,"word":"next","l":3,"from":2,"st":160,"counted":false"#.into(),
            r#""ev":"recv","k":"Deliver","epoch":1,"about":2,"first":4,"end":6,"texts":2,"bytes":9,"l":3,"from":2,"st":9"#.into(),
            r#""ev":"drop","from":2,"k":"Elect","why":"stale""#.into(),
            r#""ev":"dial","d":4,"addr":"10.0.0.4:5000","m":6,"why":"leader""#.into(),
            r#""ev":"fail","d":4,"why":"refused""#.into(),
            r#""ev":"up","l":3,"dial":4,"m":6,"remote":"[::1]:5000""#.into(),
            r#""ev":"down","l":3,"m":6,"why":"eof""#.into(),
            r#""ev":"state","mode":"electing","promised":2,"view":[1,6],"cfg":[1,6,5],"leader":null,"next":4,"prev":5,"log":8,"stable":8,"ring":[6,2,4]"#.into(),
            r#""ev":"note","n":"ready","leader":6,"ring":[6,2]"#.into(),
            r#""ev":"note","n":"chat","first":3,"from":6,"texts":1"#.into(),
            r#""ev":"note","n":"left","m":6,"why":"lost""#.into(),
            r#""ev":"note","n":"election","phase":"swallow","cand":2,"epoch":2"#.into(),
            r#""ev":"note","n":"left_behind""#.into(),
            r#""ev":"sum","dir":"send","k":"Deliver","l":3,"m":4,"n":312,"texts":40123,"bytes":2210331,"st":[1204,1530],"since":5"#.into(),
            r#""ev":"sum","dir":"show","m":4,"n":312,"texts":400,"bytes":0,"since":5"#.into(),
            r#""ev":"missed","n":17"#.into(),
            r#""ev":"full","of":"chat""#.into(),
            r#""ev":"end","why":"left","unsure":2"#.into(),
            r#""ev":"fault","kind":"crash","m":3"#.into(),
            r#""ev":"fault","kind":"partition","sides":[[0,1],[3]]"#.into(),
        ];
        events.iter().map(|event| format!(r#"{{"i":41,"t":26738,"lc":161,{event}}}"#)).collect()
    }

    fn header() -> String {
        format!(
            r#"{{"ringchat_trace":1,"me":0,"id":"{ID}","name":"eve","addr":"10.0.0.5:5000","wall":1764359441285000,"detect_ms":1000,"texts":false,"sim":false}}"#
        )
    }

    fn written(record: &TraceRecord) -> String {
        let mut bytes = Vec::new();
        record.write(&mut bytes);
        String::from_utf8(bytes).unwrap()
    }

    #[test]
    fn each_line_is_written_as_it_was_read() {
        for line in lines().into_iter().chain([header()]) {
            let record = TraceRecord::read(line.as_bytes()).unwrap();
            assert_eq!(written(&record), line + "\n");
        }
    }

    #[test]
    fn a_message_that_is_not_wanted_is_left_out() {
        for line in lines() {
            let (mut asked, bytes) = (None, line.as_bytes());
            let left = TraceRecord::read_if(bytes, |kind, stamp| asked.replace((kind, stamp)).is_some());
            let is_message = line.contains(r#""ev":"send""#) || line.contains(r#""ev":"recv""#);
            assert_eq!(left.unwrap().is_none(), is_message, "{line}");
            let TraceRecord::Line(whole) = TraceRecord::read(bytes).unwrap() else { panic!("{line}") };
            let wanted = match &whole.event {
                TraceEvent::Send(sent) => Some((sent.what.k, whole.lc)),
                TraceEvent::Recv(taken) => Some((taken.what.k, taken.st)),
                _ => None,
            };
            assert_eq!(asked, wanted, "{line}");
            let kept = TraceRecord::read_if(bytes, |_, _| true).unwrap();
            assert_eq!(kept, Some(TraceRecord::Line(whole)));
        }
    }

    #[test]
    fn the_order_of_fields_and_new_ones_do_not_matter() {
        let swapped =
            header().replace(r#""ringchat_trace":1,"me":0,"#, r#""new":[{}],"me":0,"ringchat_trace":1,"#);
        assert_eq!(
            TraceRecord::read(swapped.as_bytes()).unwrap(),
            TraceRecord::read(header().as_bytes()).unwrap()
        );
        let plain = br#"{"i":0,"t":0,"lc":1,"ev":"missed","n":17}"#;
        let other = br#" {"n":17,"ev":"missed","new":{"a":[1]},"lc":1,"t":0,"i":0}"#;
        assert_eq!(TraceRecord::read(other).unwrap(), TraceRecord::read(plain).unwrap());
    }

    #[test]
    fn what_is_no_line_of_a_trace_is_told_why() {
        let why = |line: &str| TraceRecord::read(line.as_bytes()).unwrap_err().to_string();
        assert!(why(&header().replace("trace\":1", "trace\":2")).contains("version 2"), "a newer one");
        assert!(why(r#"{"i":0,"t":0,"lc":1,"ev":"fly"}"#).contains("\"fly\" is no event"));
        assert!(why("").contains("EOF"));
        for line in lines() {
            for cut in 0..line.len() {
                assert!(TraceRecord::read(&line.as_bytes()[..cut]).is_err(), "{line}, cut after {cut}");
            }
            let missing = line.replace(r#""t":26738,"#, "");
            assert!(why(&missing).contains("missing field `t`"), "{missing}");
        }
        for id in [&ID[1..], &ID.replace('9', "0"), &ID.replace('9', "G"), &(ID.to_owned() + "00")] {
            let line = format!(r#"{{"i":0,"t":0,"lc":1,"ev":"who","m":1,"id":"{id}"}}"#);
            assert!(why(&line).contains("80 digits"), "{id}");
        }
        let room = r#"{"i":0,"t":0,"lc":1,"ev":"room","room":"5be1"}"#;
        assert!(why(room).contains("32 digits"));
        assert!(TraceRecord::read(&[0xff; 9]).is_err());
        let not_utf8 = vec![b'"', 0xff, b'"'];
        assert!(str::from_utf8(&not_utf8).is_err() && TraceRecord::read(&not_utf8).is_err());
    }
}
