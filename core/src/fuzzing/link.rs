//! Links, and somebody on the way.

use alloc::vec;
use alloc::vec::Vec;
use core::num::NonZeroU64;

use super::script::Script;
use crate::ids::NodeId;
use crate::secure::{
    AcceptedEphemerals, Credentials, Ephemeral, Identity, Link, LinkError, Opened, Sealer, Secret,
};
use crate::wire::Incoming;

/// What either end says once the link is open.
const SAID: [&[u8]; 3] = [b"said", b"and said", b"and said again"];

/// Somebody changes, cuts, repeats and reorders what one end of a link hears. That end sends, believes and delivers what
/// the bytes before the first change bring about, and nothing else. The pieces in which they come do not matter.
///
/// The lowest bit of the first byte of `data` tells which end hears, the next whether the dialer expects an id. The
/// second byte tells how to cut what comes, and the rest what is changed.
///
/// # Panics
/// If that does not hold.
pub fn link(data: &[u8]) {
    let mut script = Script(data);
    let flags = script.byte();
    let size = usize::from(script.byte()).max(1);
    let cast = Cast::new(flags & 2 == 2);
    let mut met = cast.meet();
    let honest = if flags & 1 == 1 { met.heard_by_dialer() } else { met.heard_by_acceptor() };
    let heard = edited(&honest.bytes, &mut script);
    let intact = common(&heard, &honest.bytes);
    let stranger = flags & 1 == 0 && honest.effects.first().is_some_and(|(takes, _)| intact < *takes);
    let fresh = || if flags & 1 == 1 { cast.dial().0 } else { cast.accept() };
    let expected = honest.before(intact);
    for size in [size, heard.len().max(1)] {
        let mut end = fresh();
        let outcome = end.hears(&heard, size);
        assert_eq!(outcome, expected, "pieces of {size}");
        assert!(end.failed.is_none() || heard != honest.bytes, "what was not changed fails");
        assert!(end.failed.is_none() || !stranger, "a stranger learns something");
        end.is_done_if_failed(&honest.bytes);
    }
}

/// The same of an open link, on which up to three messages of many lengths are said.
///
/// The first byte of `data` tells how to cut what comes, the next nine how long the messages are, and the rest what is
/// changed.
///
/// # Panics
/// If that does not hold.
pub fn record(data: &[u8]) {
    let mut script = Script(data);
    let size = usize::from(script.byte()).saturating_mul(64).max(1);
    let said = [(); 3].map(|()| message(&mut script));
    let cast = Cast::new(false);
    let mut met = cast.meet();
    let honest = met.said_by_dialer(&said);
    let heard = edited(&honest.bytes, &mut script);
    let outcome = met.acceptor.hears(&heard, size);
    assert_eq!(outcome, honest.before(common(&heard, &honest.bytes)), "pieces of {size}");
    met.acceptor.is_done_if_failed(&honest.bytes);
}

/// A message: mostly a short one, sometimes one that fills a record or needs a second one.
fn message(script: &mut Script<'_>) -> Vec<u8> {
    let [large, small, more] = [(); 3].map(|()| usize::from(script.byte()));
    let length = match large {
        0..224 => small.saturating_add(more),
        _ => large
            .saturating_sub(192)
            .saturating_mul(1024)
            .saturating_add(small.saturating_mul(4))
            .saturating_add(more),
    };
    (0..=u8::MAX).cycle().take(length).collect()
}

/// Two members of a room.
struct Cast {
    dialer: Credentials,
    acceptor: Credentials,
    by_id: bool,
}

/// One end of a link.
struct End<'a> {
    link: Link,
    who: &'a Credentials,
    failed: Option<LinkError>,
    sealer: Option<Sealer>,
}

/// What an end does.
#[derive(Debug, Default, PartialEq)]
struct Outcome {
    sent: Vec<u8>,
    peer: Option<NodeId>,
    delivered: Vec<u8>,
}

/// What an end hears if nobody changes it, and what that brings about, each with the number of bytes it takes.
#[derive(Default)]
struct Honest {
    bytes: Vec<u8>,
    effects: Vec<(usize, Outcome)>,
}

/// Two ends that have met, and their flights.
struct Met<'a> {
    dialer: End<'a>,
    acceptor: End<'a>,
    flights: [Vec<u8>; 3],
}

impl Cast {
    fn new(by_id: bool) -> Self {
        let who = |seed| {
            Credentials::private(&Secret::new([3; 16]), Identity::from_seed([seed; 32]), NonZeroU64::MIN)
        };
        Self { dialer: who(1), acceptor: who(2), by_id }
    }

    fn dial(&self) -> (End<'_>, Vec<u8>) {
        let expected = self.by_id.then_some(self.acceptor.id());
        let dialed = Link::dial(&self.dialer, Ephemeral::new([4; 32]), expected);
        let (link, first) = dialed.unwrap_or_else(|error| unreachable!("{error}"));
        (End::new(link, &self.dialer), first)
    }

    fn accept(&self) -> End<'_> {
        let accepted = Link::accept(&self.acceptor, Ephemeral::new([5; 32]));
        End::new(accepted.unwrap_or_else(|error| unreachable!("{error}")), &self.acceptor)
    }

    fn meet(&self) -> Met<'_> {
        let ((mut dialer, first), mut acceptor) = (self.dial(), self.accept());
        let answer = acceptor.hears(&first, first.len());
        let proof = dialer.hears(&answer.sent, answer.sent.len());
        assert_eq!(proof.peer, Some(self.acceptor.id()));
        let opened = acceptor.hears(&proof.sent, proof.sent.len());
        assert_eq!(opened.peer, Some(self.dialer.id()));
        Met { dialer, acceptor, flights: [first, answer.sent, proof.sent] }
    }
}

impl<'a> End<'a> {
    fn new(link: Link, who: &'a Credentials) -> Self {
        Self { link, who, failed: None, sealer: None }
    }

    /// Hears `bytes` in pieces of `size`.
    fn hears(&mut self, bytes: &[u8], size: usize) -> Outcome {
        let mut outcome = Outcome::default();
        let mut accepted = AcceptedEphemerals::default();
        let mut contents = Incoming::new();
        for piece in bytes.chunks(size) {
            let mut rest = piece;
            while !rest.is_empty() {
                let spare = self.link.spare();
                let (now, later) = rest.split_at(rest.len().min(spare.len()));
                spare.iter_mut().zip(now).for_each(|(to, from)| *to = *from);
                self.link.advance(now.len());
                rest = later;
                if let Err(error) = self.step(&mut accepted, &mut outcome, &mut contents) {
                    assert!(self.failed.is_none_or(|before| before == error), "an error changes");
                    self.failed = Some(error);
                }
            }
        }
        outcome.delivered = contents.waiting().to_vec();
        outcome
    }

    fn step(
        &mut self,
        accepted: &mut AcceptedEphemerals,
        outcome: &mut Outcome,
        contents: &mut Incoming,
    ) -> Result<(), LinkError> {
        while let Some(progress) = self.link.progress(self.who, accepted)? {
            outcome.sent.extend(progress.send);
            if let Some(Opened { peer, sealer }) = progress.opened {
                outcome.peer = Some(peer);
                self.sealer = Some(sealer);
            }
        }
        while self.link.open_into(contents)? {}
        Ok(())
    }

    fn is_done_if_failed(&mut self, more: &[u8]) {
        if self.failed.is_some() {
            assert_eq!(self.hears(more, more.len().max(1)), Outcome::default(), "it goes on after it failed");
        }
    }

    fn says(&mut self, bytes: &[u8]) -> Vec<u8> {
        let sealed =
            self.sealer.as_mut().map(|sealer| sealer.seal(bytes, &mut Vec::new()).map(<[u8]>::to_vec));
        sealed.and_then(Result::ok).unwrap_or_else(|| unreachable!("the link is open, and hardly used"))
    }
}

impl Met<'_> {
    fn heard_by_dialer(&mut self) -> Honest {
        let [_, answer, proof] = self.flights.clone();
        let mut honest = Honest::default();
        honest.hears(
            &answer,
            Outcome { sent: proof, peer: Some(self.acceptor.who.id()), ..Outcome::default() },
        );
        let acceptor = &mut self.acceptor;
        for said in SAID {
            honest.hears_said(said, &acceptor.says(said));
        }
        honest
    }

    fn heard_by_acceptor(&mut self) -> Honest {
        let [first, answer, proof] = self.flights.clone();
        let mut honest = Honest::default();
        honest.hears(&first, Outcome { sent: answer, ..Outcome::default() });
        honest.hears(&proof, Outcome { peer: Some(self.dialer.who.id()), ..Outcome::default() });
        let dialer = &mut self.dialer;
        for said in SAID {
            honest.hears_said(said, &dialer.says(said));
        }
        honest
    }

    fn said_by_dialer(&mut self, said: &[Vec<u8>]) -> Honest {
        let mut honest = Honest::default();
        for said in said {
            honest.hears_said(said, &self.dialer.says(said));
        }
        honest
    }
}

impl Honest {
    fn hears(&mut self, bytes: &[u8], effect: Outcome) {
        self.bytes.extend_from_slice(bytes);
        self.effects.push((self.bytes.len(), effect));
    }

    /// Hears `sealed`, which is one record or several.
    fn hears_said(&mut self, mut said: &[u8], mut sealed: &[u8]) {
        while let Some((&header, rest)) = sealed.split_first_chunk() {
            let length = usize::from(u16::from_be_bytes(header));
            assert!(length > 16 && length <= rest.len(), "a record of {length} bytes");
            let (now, later) = said.split_at(length.saturating_sub(16).min(said.len()));
            let (record, next) = sealed.split_at(length.saturating_add(2));
            assert!(later.is_empty() || length == 65_535, "a record could hold more");
            self.hears(record, Outcome { delivered: now.to_vec(), ..Outcome::default() });
            (said, sealed) = (later, next);
        }
        assert!(said.is_empty() && sealed.is_empty(), "all is sealed, and nothing else");
    }

    /// What the first `intact` bytes bring about.
    fn before(&self, intact: usize) -> Outcome {
        let mut outcome = Outcome::default();
        for (_, effect) in self.effects.iter().take_while(|(takes, _)| *takes <= intact) {
            outcome.sent.extend_from_slice(&effect.sent);
            outcome.peer = outcome.peer.or(effect.peer);
            outcome.delivered.extend_from_slice(&effect.delivered);
        }
        outcome
    }
}

/// How many bytes are the same in both, from the start.
fn common(one: &[u8], other: &[u8]) -> usize {
    one.iter().zip(other).take_while(|(one, other)| one == other).count()
}

/// `bytes`, changed as the script tells.
fn edited(bytes: &[u8], script: &mut Script<'_>) -> Vec<u8> {
    let mut edited = bytes.to_vec();
    while !script.is_over() {
        let what = script.byte();
        let at = usize::from(script.byte()).saturating_mul(256).saturating_add(usize::from(script.byte()));
        let at = at.checked_rem(edited.len()).unwrap_or(0);
        let bits = script.byte();
        let count = usize::from(bits);
        let end = at.saturating_add(count).min(edited.len());
        match what % 7 {
            0 => edited.iter_mut().skip(at).take(1).for_each(|byte| *byte ^= bits),
            1 => drop(edited.drain(at..end)),
            2 => edited.truncate(at),
            3 => drop(edited.splice(at..at, script.bytes(count).iter().copied()).count()),
            4 => edited.extend_from_within(at..end),
            5 => edited.rotate_left(at),
            _ => edited.extend(vec![script.byte(); count]),
        }
    }
    edited
}
