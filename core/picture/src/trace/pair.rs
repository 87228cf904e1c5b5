//! Which sending each receipt belongs to.
//!
//! A node never uses a stamp for two sendings, so sender, stamp and receiver name a message. Nothing on the wire is
//! needed for that.

use alloc::collections::BTreeMap;
use alloc::vec::Vec;

use ringchat_core::trace::MessageKind;

use super::run::{Diary, Fate, What};

/// An event of a diary: the position of the diary, and that of the event in it.
pub(super) type Spot = (usize, usize);

/// A message, before all diaries are in one order.
#[derive(Clone, Debug)]
pub(super) struct Paired {
    pub(super) from: Option<usize>,
    pub(super) to: Option<usize>,
    pub(super) sent: Option<Spot>,
    pub(super) taken: Option<Spot>,
    /// The link on which it was sent, as the sender counts.
    pub(super) link: Option<u64>,
    /// Before [`decide`](super::fates::decide), only whether it came in.
    pub(super) fate: Fate,
}

/// Receipts that cannot be: the traces contradict each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Contradiction {
    /// A message came in twice.
    Twice(Spot),
    /// A receipt has a Lamport time that is not above that of its sending.
    Clock(Spot),
}

/// What has been sent: each target of each sending.
struct Sending {
    from: usize,
    stamp: u64,
    spot: Spot,
    link: u64,
    to: Option<usize>,
    kind: MessageKind,
    taken: Option<Spot>,
}

/// Pairs what `diaries` tell.
pub(super) fn pair(diaries: &[Diary]) -> Result<Vec<Paired>, Contradiction> {
    let mut sendings = sendings(diaries);
    let mut unseen = Vec::new();
    for (d, diary) in diaries.iter().enumerate() {
        let peers = peers(diary);
        for (e, event) in diary.events.iter().enumerate() {
            let What::Took { link, from, stamp, counted, gist, .. } = &event.what else { continue };
            if *counted && event.lamport <= *stamp {
                return Err(Contradiction::Clock((d, e)));
            }
            let from = from.or_else(|| peers.get(link).copied());
            let candidates = from.and_then(|from| of_stamp(&mut sendings, from, *stamp));
            let fits = |s: &&mut Sending| s.kind == gist.kind && s.to.is_none_or(|to| to == diary.m);
            // A target that is known to be this member comes before one that is not known.
            let best = candidates
                .into_iter()
                .flatten()
                .filter(fits)
                .min_by_key(|sending| (sending.taken.is_some(), sending.to.is_none()));
            match best {
                Some(sending) if sending.taken.is_some() => return Err(Contradiction::Twice((d, e))),
                Some(sending) => {
                    sending.taken = Some((d, e));
                    sending.to = Some(diary.m);
                }
                None => unseen.push(Paired {
                    from,
                    to: Some(diary.m),
                    sent: None,
                    taken: Some((d, e)),
                    link: None,
                    fate: Fate::Unseen,
                }),
            }
        }
    }
    let mut frames: Vec<Paired> = sendings.iter().map(Sending::paired).collect();
    frames.extend(unseen);
    Ok(frames)
}

impl Sending {
    fn paired(&self) -> Paired {
        let fate = if self.taken.is_some() { Fate::Arrived } else { Fate::Open };
        let Self { from, to, spot, taken, link, .. } = *self;
        Paired { from: Some(from), to, sent: Some(spot), taken, link: Some(link), fate }
    }
}

/// Each target of each sending, by sender and stamp.
fn sendings(diaries: &[Diary]) -> Vec<Sending> {
    let mut sendings = Vec::new();
    for (d, diary) in diaries.iter().enumerate() {
        for (e, event) in diary.events.iter().enumerate() {
            let What::Sent { to, gist } = &event.what else { continue };
            let (from, stamp, kind, spot) = (diary.m, event.lamport, gist.kind, (d, e));
            let target = |&(link, to)| Sending { from, stamp, spot, link, to, kind, taken: None };
            sendings.extend(to.iter().map(target));
        }
    }
    sendings.sort_by_key(|sending| (sending.from, sending.stamp));
    sendings
}

/// The targets of what a member sent with that stamp.
fn of_stamp(sendings: &mut [Sending], from: usize, stamp: u64) -> Option<&mut [Sending]> {
    let first = sendings.partition_point(|s| (s.from, s.stamp) < (from, stamp));
    let later = sendings.get_mut(first..)?;
    let end = later.partition_point(|s| (s.from, s.stamp) == (from, stamp));
    later.get_mut(..end)
}

/// Who is at the other end of each link that a diary tells of.
fn peers(diary: &Diary) -> BTreeMap<u64, usize> {
    let known = diary.events.iter().filter_map(|event| match &event.what {
        What::Up { link, with: Some(with) } | What::Down { link, with: Some(with), .. } => {
            Some((*link, *with))
        }
        What::Took { link, from: Some(from), .. } => Some((*link, *from)),
        _ => None,
    });
    known.collect()
}
