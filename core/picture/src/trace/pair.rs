//! Which sending each receipt belongs to.
//!
//! A node never uses a stamp for two sendings, so sender, stamp and receiver name a message. Nothing on the wire is
//! needed for that.

use alloc::collections::{BTreeMap, BTreeSet};
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
    spot: Spot,
    link: u64,
    to: Option<usize>,
    kind: MessageKind,
    taken: Option<Spot>,
}

/// Pairs what `diaries` tell.
pub(super) fn pair(diaries: &[Diary]) -> Result<Vec<Paired>, Contradiction> {
    let mut sendings = Vec::new();
    let mut by_stamp: BTreeMap<(usize, u64), Vec<usize>> = BTreeMap::new();
    for (d, diary) in diaries.iter().enumerate() {
        for (e, event) in diary.events.iter().enumerate() {
            let What::Sent { to, gist } = &event.what else { continue };
            let targets = by_stamp.entry((diary.m, event.lamport)).or_default();
            for &(link, to) in to {
                targets.push(sendings.len());
                sendings.push(Sending { spot: (d, e), link, to, kind: gist.kind, taken: None });
            }
        }
    }
    let mut unseen = Vec::new();
    for (d, diary) in diaries.iter().enumerate() {
        let peers = peers(diary);
        for (e, event) in diary.events.iter().enumerate() {
            let What::Took { link, from, stamp, counted, gist, .. } = &event.what else { continue };
            if *counted && event.lamport <= *stamp {
                return Err(Contradiction::Clock((d, e)));
            }
            let from = from.or_else(|| peers.get(link).copied());
            let candidates = from.and_then(|from| by_stamp.get(&(from, *stamp)));
            let fits = |&&n: &&usize| {
                sendings
                    .get(n)
                    .is_some_and(|s: &Sending| s.kind == gist.kind && s.to.is_none_or(|to| to == diary.m))
            };
            // A target that is known to be this member comes before one that is not known.
            let best = candidates
                .into_iter()
                .flatten()
                .filter(fits)
                .min_by_key(|&&n| sendings.get(n).map(|s| (s.taken.is_some(), s.to.is_none(), n)));
            match best.and_then(|&n| sendings.get_mut(n)) {
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
                    fate: Fate::Unseen,
                }),
            }
        }
    }
    let fates = Fates::new(diaries);
    let mut frames: Vec<Paired> = sendings.iter().map(|sending| fates.decide(diaries, sending)).collect();
    frames.extend(unseen);
    Ok(frames)
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

/// What is known of the ends of links and lives.
struct Fates {
    /// The diaries of each life.
    told: BTreeSet<usize>,
    /// Lives that have ended or died.
    over: BTreeSet<usize>,
    /// Where each link of each diary ended.
    down: BTreeMap<(usize, u64), usize>,
    /// What each life counts only in sums: sender, kind, least and greatest stamp.
    sums: BTreeMap<usize, Vec<(usize, MessageKind, u64, u64)>>,
    /// Lives whose trace is incomplete.
    gaps: BTreeSet<usize>,
}

impl Fates {
    fn new(diaries: &[Diary]) -> Self {
        let mut fates = Self {
            told: diaries.iter().map(|diary| diary.m).collect(),
            over: BTreeSet::new(),
            down: BTreeMap::new(),
            sums: BTreeMap::new(),
            gaps: BTreeSet::new(),
        };
        for (d, diary) in diaries.iter().enumerate() {
            for (e, event) in diary.events.iter().enumerate() {
                fates.note(d, e, diary.m, &event.what);
            }
        }
        fates
    }

    fn note(&mut self, d: usize, e: usize, m: usize, what: &What) {
        match what {
            What::Down { link, .. } => {
                self.down.insert((d, *link), e);
            }
            What::End(_) => {
                self.over.insert(m);
            }
            What::Deed(deed) if deed.kind.is_death() => {
                self.over.extend(deed.to);
            }
            What::Sum(sum) if !sum.sent => {
                if let Some(with) = sum.with {
                    let (least, most) = sum.stamps;
                    self.sums.entry(m).or_default().push((with, sum.kind, least, most));
                }
            }
            What::Missed(_) | What::Full => {
                self.gaps.insert(m);
            }
            _ => {}
        }
    }

    fn decide(&self, diaries: &[Diary], sending: &Sending) -> Paired {
        let Sending { spot, link, to, kind, taken } = *sending;
        let event = diaries.get(spot.0).and_then(|diary| diary.events.get(spot.1));
        let from = diaries.get(spot.0).map(|diary| diary.m);
        let stamp = event.map_or(0, |event| event.lamport);
        let is_over = to.is_some_and(|to| self.over.contains(&to));
        let link_ends = self.down.get(&(spot.0, link)).is_some_and(|&e| e > spot.1);
        let in_sum = to.and_then(|to| self.sums.get(&to)).is_some_and(|sums| {
            sums.iter().any(|&(with, k, least, most)| {
                Some(with) == from && k == kind && (least..=most).contains(&stamp)
            })
        });
        let fate = if taken.is_some() {
            Fate::Arrived
        } else if in_sum {
            Fate::Summed
        } else if to.is_some_and(|to| !self.told.contains(&to) || self.gaps.contains(&to)) {
            Fate::Unseen
        } else if is_over || link_ends {
            Fate::Lost
        } else {
            Fate::Open
        };
        Paired { from, to, sent: Some(spot), taken, fate }
    }
}
